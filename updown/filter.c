// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * filter.c - the list of system calls, as a program for the kernel.
 *
 * What is refused fails with EPERM and is logged by the kernel; it does not end the
 * process.  Half way through a commit that would leave a connection's rules without
 * their record, in a daemon's helper that nobody watches, where a refusal ends in an
 * error that is said, and undone.  Calls newer than 5.1 are said not to be there: C
 * libraries know what to do then.
 *
 * Made here and not by libseccomp, which takes three times as long: 75 microseconds
 * for making it, 190 for the kernel to check what it made and 70 for being loaded,
 * where a tree of the same 80 calls takes 2 and 60 (Linux 6.18, a virtual machine).
 * The kernel goes through a filter once for each call's number when it gets it, so
 * that what counts is its depth.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>

#include "filter.h"

#ifndef SECCOMP_FILTER_FLAG_LOG		/* Linux 4.14 */
#define SECCOMP_FILTER_FLAG_LOG	2
#endif

/* ---- others' lists ---- */

/* pluto's list has prctl, which a /proc/self/status would cost ten times of. */
bool filter_is_inherited(void)
{
	return prctl(PR_GET_SECCOMP) > 0;
}

bool filter_kills(void (*step)(void *arg), void *arg)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return false;
	if (child == 0) {
		signal(SIGSYS, SIG_DFL);
		step(arg);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFSIGNALED(status);
}

/* ---- ours ---- */

#if defined(__x86_64__)
#define ARCH	AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define ARCH	AUDIT_ARCH_I386
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define ARCH	AUDIT_ARCH_AARCH64
#elif defined(__arm__) && !defined(__ARMEB__)
#define ARCH	AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH	AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH	AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCH	AUDIT_ARCH_S390X
#elif defined(__mips__) && defined(__MIPSEL__) && !defined(__mips64)
#define ARCH	AUDIT_ARCH_MIPSEL
#elif defined(__mips__) && !defined(__mips64)
#define ARCH	AUDIT_ARCH_MIPS
#endif

#ifdef ARCH

static const bool allowed[] = {
#include "updown/syscalls.h"
};
#define N_CALLS		(sizeof(allowed) / sizeof(*allowed))

/* From here on the numbers are the same everywhere. */
#define NEW_CALLS	424

#define REFUSED		(SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN		(SECCOMP_RET_ERRNO | ENOSYS)

#define CODE_MAX	512

struct program {
	struct sock_filter code[CODE_MAX];
	unsigned short n;
	bool full;
};

static void put(struct program *p, uint16_t op, uint32_t k, unsigned int yes,
		unsigned int no)
{
	if (p->n == CODE_MAX || yes > UINT8_MAX || no > UINT8_MAX) {
		p->full = true;
		return;
	}
	p->code[p->n++] = (struct sock_filter){ op, (uint8_t)yes, (uint8_t)no, k };
}

static void load(struct program *p, size_t offset)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The lower half of an argument; none of those looked at has an upper one. */
static void load_argument(struct program *p, unsigned int i)
{
	size_t offset = offsetof(struct seccomp_data, args[i]);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	offset += 4;
#endif
	load(p, offset);
}

static void finish(struct program *p, uint32_t verdict)
{
	put(p, BPF_RET | BPF_K, verdict, 0, 0);
}

/* If what was loaded is this, that is the verdict. */
static void finish_if(struct program *p, uint32_t value, uint32_t verdict)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	finish(p, verdict);
}

static void finish_unless(struct program *p, uint32_t value, uint32_t verdict)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
	finish(p, verdict);
}

/* The instructions for one call, all of which end, are skipped by others. */
static unsigned short begin_call(struct program *p, uint32_t number)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 0);
	return p->n;
}

static void end_call(struct program *p, unsigned short first)
{
	if (p->n - first > UINT8_MAX)
		p->full = true;
	else
		p->code[first - 1].jf = (uint8_t)(p->n - first);
}

/* Netfilter's, XFRM's and routes' netlink; the bus, the log and what devices are
 * called; and for the legacy tables raw ones, which take nothing in.  None on which
 * another host is heard. */
static void put_socket(struct program *p, bool raw)
{
	unsigned short first = begin_call(p, __NR_socket);

	load_argument(p, 0);
	finish_if(p, AF_UNIX, SECCOMP_RET_ALLOW);
	if (raw) {
		put(p, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0);
		put(p, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 8);
		load_argument(p, 1);
		put(p, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
		finish_unless(p, SOCK_RAW, REFUSED);
		load_argument(p, 2);
		finish_if(p, IPPROTO_RAW, SECCOMP_RET_ALLOW);
		finish(p, REFUSED);
	}
	finish_unless(p, AF_NETLINK, REFUSED);
	load_argument(p, 2);
	finish_if(p, NETLINK_ROUTE, SECCOMP_RET_ALLOW);
	finish_if(p, NETLINK_XFRM, SECCOMP_RET_ALLOW);
	finish_if(p, NETLINK_NETFILTER, SECCOMP_RET_ALLOW);
	finish(p, REFUSED);
	end_call(p, first);
}

/* A process, and no namespace of its own: with one come all capabilities in it. */
static void put_clone(struct program *p)
{
	unsigned short first = begin_call(p, __NR_clone);

#ifdef __s390x__
	load_argument(p, 1);
#else
	load_argument(p, 0);
#endif
	put(p, BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWNS | CLONE_NEWCGROUP |
	    CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
	    CLONE_NEWNET, 0, 1);
	finish(p, REFUSED);
	finish(p, SECCOMP_RET_ALLOW);
	end_call(p, first);
}

/* Numbers of devices, and is it a terminal? */
static void put_ioctl(struct program *p)
{
	unsigned short first = begin_call(p, __NR_ioctl);

	load_argument(p, 1);
	finish_if(p, SIOCGIFINDEX, SECCOMP_RET_ALLOW);
	finish_if(p, SIOCGIFNAME, SECCOMP_RET_ALLOW);
	finish_if(p, TCGETS, SECCOMP_RET_ALLOW);
	finish_if(p, TIOCGWINSZ, SECCOMP_RET_ALLOW);
	finish(p, REFUSED);
	end_call(p, first);
}

static const uint32_t verdicts[] = { SECCOMP_RET_ALLOW, REFUSED, UNKNOWN };
enum { ALLOW, REFUSE, IGNORE, N_VERDICTS };

/* Numbers of one verdict side by side. */
struct run {
	uint32_t first;
	unsigned int verdict;
};

/* A tree of n runs is n - 1 questions, the verdicts are behind the last of all: each
 * instruction costs the kernel a tenth of a microsecond to check and translate.
 * Returns where its first one is; a run alone has but its verdict. */
static unsigned short put_tree(struct program *p, const struct run *runs, size_t n,
			       unsigned short end)
{
	unsigned short at = p->n, low, high;
	size_t half = n / 2;

	if (n == 1)
		return (unsigned short)(end + runs->verdict);
	put(p, BPF_JMP | BPF_JGE | BPF_K, runs[half].first, 0, 0);
	low = put_tree(p, runs, half, end);
	high = put_tree(p, runs + half, n - half, end);
	if (low - at - 1 > UINT8_MAX || high - at - 1 > UINT8_MAX || p->full) {
		p->full = true;
	} else {
		p->code[at].jf = (uint8_t)(low - at - 1);
		p->code[at].jt = (uint8_t)(high - at - 1);
	}
	return at;
}

static void put_list(struct program *p)
{
	struct run runs[CODE_MAX / 2];
	size_t n = 0;
	uint32_t i;

	for (i = 0; i <= N_CALLS && n < CODE_MAX / 2; i++) {
		unsigned int verdict = i == N_CALLS ? IGNORE : allowed[i] ?
				       ALLOW : i < NEW_CALLS ? REFUSE : IGNORE;

		if (!n || runs[n - 1].verdict != verdict)
			runs[n++] = (struct run){ i, verdict };
	}
	if (i <= N_CALLS) {
		p->full = true;
		return;
	}
	put_tree(p, runs, n, (unsigned short)(p->n + n - 1));
	for (i = 0; i < N_VERDICTS; i++)
		finish(p, verdicts[i]);
}

static int install(const struct program *p)
{
	struct sock_fprog program = { p->n, (struct sock_filter *)p->code };

	if (!syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
		     SECCOMP_FILTER_FLAG_LOG, &program))
		return 0;
	/* Linux before 4.14 logs nothing; one without filters says so. */
	if (errno == EINVAL &&
	    !syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return 0;
	return errno == EINVAL || errno == ENOSYS ? 0 : -errno;
}

int filter_install(bool raw)
{
	static struct program p;

	p.n = 0;
	load(&p, offsetof(struct seccomp_data, arch));
	finish_unless(&p, ARCH, REFUSED);
	load(&p, offsetof(struct seccomp_data, nr));
	put_socket(&p, raw);
	put_clone(&p);
	put_ioctl(&p);
	put_list(&p);
	return p.full ? -E2BIG : install(&p);
}

#else

int filter_install(bool raw)
{
	(void)raw;
	return 0;
}

#endif
