// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * no_flock.c - run a command under a seccomp filter like pluto's, which kills at
 * flock, fsync, rename and umask (Libreswan 4.10, pluto_seccomp.c); or, if its name
 * stands ahead of the command, at one call with which a process confines itself.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define KILL_AT(nr)							\
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),			\
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

static const struct {
	const char *name;
	unsigned int number;
} calls[] = {
	{ "seccomp", SYS_seccomp },
	{ "landlock_restrict_self", SYS_landlock_restrict_self },
	{ "capset", SYS_capset },
};
#define N_CALLS	(sizeof(calls) / sizeof(*calls))

/* After the one that makes this. */
static int install(const struct sock_fprog *prog)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, prog);
}

static int forbid(unsigned int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		KILL_AT(number),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code,
	};

	return install(&prog);
}

static int forbid_as_pluto(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		KILL_AT(SYS_flock), KILL_AT(SYS_fsync), KILL_AT(SYS_renameat),
		KILL_AT(SYS_umask),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code,
	};

	return install(&prog);
}

int main(int argc, char **argv)
{
	int code;
	size_t i = 0;

	while (argc > 2 && i < N_CALLS && strcmp(argv[1], calls[i].name) != 0)
		i++;
	code = argc > 2 && i < N_CALLS ? forbid(calls[i].number) : forbid_as_pluto();
	argv += argc > 2 && i < N_CALLS;
	if (argc < 2 || code) {
		perror("no_flock");
		return 126;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
