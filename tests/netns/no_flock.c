// SPDX-License-Identifier: GPL-2.0-or-later
/* no_flock.c - run a command under a seccomp filter like pluto's, which kills
 * at flock, fsync, rename and umask (Libreswan 4.10, pluto_seccomp.c). */
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define KILL_AT(nr)							\
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),			\
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

int main(int argc, char **argv)
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

	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
		perror("no_flock");
		return 126;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
