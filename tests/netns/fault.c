// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fault.c - run a program, and spoil one of its system calls.
 *
 *	fault list FILE COMMAND...	FILE: the calls' names, one a line
 *	fault -SIGNAL N COMMAND...	gets the signal, a number, when it makes its Nth
 *	fault ERRNO N COMMAND...	its Nth fails so, and is not made
 *
 * N: a number, or a name for the first of that name.
 *
 * Counted is from its first umask() or getrandom() on, with which our programs
 * and malloc() begin: before that the dynamic linker is at work.  Calls for memory
 * do not count, children are left alone; FAULT_WORKER in the environment: the program
 * gives its work to a child, whose calls are meant instead, and signals but SIGKILL
 * are for the parent, whom alone others know.  Exit status: the program's, 128 and
 * the signal if that ended it, 125 for trouble of our own.  x86-64 alone.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS		(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)
#define NAME(call)	[SYS_##call] = #call
#define ORIG_RAX	offsetof(struct user_regs_struct, orig_rax)
#define RAX		offsetof(struct user_regs_struct, rax)
#define RSI		offsetof(struct user_regs_struct, rsi)
#define RDX		offsetof(struct user_regs_struct, rdx)
#define R10		offsetof(struct user_regs_struct, r10)

/* Those that somebody may want to fail. */
static const char *const names[] = {
	NAME(access), NAME(bind), NAME(connect), NAME(faccessat),
	NAME(faccessat2), NAME(flock), NAME(fsync),
	NAME(getdents64), NAME(getsockname), NAME(getsockopt), NAME(ioctl),
	NAME(lseek), NAME(mkdirat), NAME(newfstatat), NAME(open),
	NAME(openat), NAME(poll), NAME(ppoll), NAME(pread64), NAME(read),
	NAME(readlink), NAME(readlinkat), NAME(recvmsg),
	NAME(renameat), NAME(sendmsg), NAME(sendto), NAME(socket), NAME(stat), NAME(symlinkat), NAME(umask), NAME(unlinkat),
	NAME(write), NAME(writev), NAME(close),
};

struct fault {
	FILE *list;
	const char *name;	/* the first of this name */
	long at, error;		/* error < 0: a signal */
	long seen;		/* calls that counted */
	int counts;		/* the first of them was there */
	int worker;		/* they are the first child's, which is to come */
	int spoilt;		/* the call that is under way */
	int done;
	pid_t program;		/* 0: its end has been seen, */
	int status;		/* which was so */
};

static void die(const char *what)
{
	fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void start(char **argv)
{
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) || raise(SIGSTOP))
		die("ptrace");
	execvp(argv[0], argv);
	die(argv[0]);
}

/* How many of them there are differs from run to run. */
static int is_for_memory(unsigned long nr)
{
	return nr == SYS_brk || nr == SYS_mmap || nr == SYS_munmap ||
	       nr == SYS_mremap || nr == SYS_mprotect;
}

/* "setsockopt:64", "fcntl:37", "recvfrom:64" have the option's number, the command's
 * and the flags. */
static void name_call(pid_t pid, unsigned long nr, char ret[32])
{
	if (nr == SYS_setsockopt)
		snprintf(ret, 32, "setsockopt:%ld",
			 ptrace(PTRACE_PEEKUSER, pid, RDX, 0));
	else if (nr == SYS_fcntl)
		snprintf(ret, 32, "fcntl:%ld",
			 ptrace(PTRACE_PEEKUSER, pid, RSI, 0));
	else if (nr == SYS_recvfrom)
		snprintf(ret, 32, "recvfrom:%ld",
			 ptrace(PTRACE_PEEKUSER, pid, R10, 0));
	else if (nr < sizeof(names) / sizeof(names[0]) && names[nr])
		snprintf(ret, 32, "%s", names[nr]);
	else
		snprintf(ret, 32, "%lu", nr);
}

static void await_program(struct fault *fault)
{
	if (fault->program && waitpid(fault->program, &fault->status, 0) < 0)
		die("waitpid");
	fault->program = 0;
}

/* A parent is gone before its worker goes on. */
static void end(struct fault *fault, pid_t pid)
{
	int sig = (int)-fault->error;

	if (pid == fault->program || sig == SIGKILL) {
		kill(pid, sig);
	} else {
		kill(fault->program, sig);
		await_program(fault);
	}
}

static void spoil(struct fault *fault, pid_t pid, const char *name)
{
	fprintf(stderr, "spoilt: %s\n", name);
	if (fault->error < 0)
		end(fault, pid);
	else if (ptrace(PTRACE_POKEUSER, pid, ORIG_RAX, -1L))
		die("ptrace");
	fault->spoilt = fault->done = 1;
}

static void enter(struct fault *fault, pid_t pid)
{
	unsigned long nr = (unsigned long)ptrace(PTRACE_PEEKUSER, pid, ORIG_RAX, 0);
	char name[32];

	if (!fault->worker && (nr == SYS_umask || nr == SYS_getrandom))
		fault->counts = 1;
	if (!fault->counts || fault->done || is_for_memory(nr))
		return;
	fault->seen++;
	name_call(pid, nr, name);
	if (fault->list)
		fprintf(fault->list, "%s\n", name);
	else if (fault->at ? fault->seen == fault->at :
			     !strcmp(name, fault->name))
		spoil(fault, pid, name);
}

static void leave(struct fault *fault, pid_t pid)
{
	if (fault->spoilt && fault->error > 0 &&
	    ptrace(PTRACE_POKEUSER, pid, RAX, -fault->error))
		die("ptrace");
	fault->spoilt = 0;
}

/* A child's first stop is the end of its parent's call. */
static int is_entry(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
		die("ptrace");
	return info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* From here on the child is looked at, and its parent does what it likes.  Counted is
 * from its first call on. */
static pid_t take_worker(struct fault *fault, pid_t parent)
{
	unsigned long pid;
	int status;

	if (ptrace(PTRACE_GETEVENTMSG, parent, 0, &pid) ||
	    waitpid((pid_t)pid, &status, 0) < 0 ||
	    ptrace(PTRACE_SETOPTIONS, (pid_t)pid, 0, OPTIONS) ||
	    ptrace(PTRACE_DETACH, parent, 0, 0))
		die("ptrace");
	fault->worker = 0;
	fault->counts = 1;
	return (pid_t)pid;
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Until the program's end.  Returns its status. */
static int run(struct fault *fault)
{
	int status, sig = 0;
	pid_t pid = fault->program;

	if (waitpid(pid, &status, 0) < 0 ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0,
		   fault->worker ? OPTIONS | PTRACE_O_TRACEFORK : OPTIONS))
		die("ptrace");
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, sig) && errno != ESRCH)
			die("ptrace");
		if (waitpid(pid, &status, 0) < 0)
			die("waitpid");
		sig = 0;
		if (!WIFSTOPPED(status)) {
			if (pid == fault->program)
				return exit_status(status);
			await_program(fault);
			return exit_status(fault->status);
		} else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8)) {
			pid = take_worker(fault, pid);
		} else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (is_entry(pid))
				enter(fault, pid);
			else
				leave(fault, pid);
		} else if (WSTOPSIG(status) != SIGTRAP) {
			sig = WSTOPSIG(status);
		}
	}
}

int main(int argc, char **argv)
{
	struct fault fault = { .worker = !!getenv("FAULT_WORKER") };
	int status;

	if (argc < 4)
		die("usage: fault list|-SIGNAL|ERRNO FILE|N COMMAND");
	if (!strcmp(argv[1], "list")) {
		fault.list = fopen(argv[2], "we");
		if (!fault.list)
			die(argv[2]);
	} else {
		fault.error = atol(argv[1]);
		fault.at = atol(argv[2]);	/* 0 for a name */
		fault.name = argv[2];
	}
	fault.program = fork();
	if (fault.program < 0)
		die("fork");
	if (!fault.program)
		start(argv + 3);
	status = run(&fault);
	if (fault.list && fclose(fault.list))
		die(argv[2]);
	return status;
}
