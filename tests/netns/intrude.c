// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * intrude.c - preloaded into the helper: when that commits to nftables or to a
 * legacy table, do what somebody would who had taken it over, say what came of it
 * on stderr, and go on.  INTRUDER in the environment: "status", "calls", "broker",
 * or "crash".  With "/FILE" it is an extension of iptables, which says its rights and
 * what came of calls in that file as soon as it is loaded.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <netinet/in.h>

#define IPT_SO_SET_REPLACE	64
#define BATCH_BEGIN		0x10	/* NFNL_MSG_BATCH_BEGIN */

static void tell(const char *what, long ret)
{
	dprintf(STDERR_FILENO, "%s: %s\n", what, ret < 0 ? strerrorname_np(errno) :
						  "done");
	errno = 0;
}

#define TRY(what, ...)	tell(what, syscall(__VA_ARGS__))

/* Nothing of this does any harm where it is allowed. */
static void try_calls(void)
{
	char *const none[] = { NULL };

	TRY("read /etc/shadow", SYS_openat, AT_FDCWD, "/etc/shadow", O_RDONLY);
	TRY("write /etc/passwd", SYS_openat, AT_FDCWD, "/etc/passwd", O_WRONLY);
	TRY("make /etc/x", SYS_mkdirat, AT_FDCWD, "/etc/x", 0700);
	TRY("remove /etc/x", SYS_unlinkat, AT_FDCWD, "/etc/x", AT_REMOVEDIR);
	TRY("list /root", SYS_openat, AT_FDCWD, "/root", O_RDONLY | O_DIRECTORY);
	TRY("write core_pattern", SYS_openat, AT_FDCWD,
	    "/proc/sys/kernel/core_pattern", O_WRONLY);
	TRY("read its parent's memory", SYS_process_vm_readv, getppid(), NULL, 0,
	    NULL, 0, 0);
	TRY("execve", SYS_execve, "/bin/nothing", none, none);
	TRY("an IPv4 socket", SYS_socket, AF_INET, SOCK_STREAM, 0);
	TRY("an IPv6 socket", SYS_socket, AF_INET6, SOCK_DGRAM, 0);
	TRY("an ICMP socket", SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	TRY("a raw socket", SYS_socket, AF_INET, SOCK_RAW, IPPROTO_RAW);
	TRY("a packet socket", SYS_socket, AF_PACKET, SOCK_RAW, 0);
	TRY("an audit socket", SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
	TRY("ptrace", SYS_ptrace, PTRACE_ATTACH, -1, 0, 0);
	TRY("mount", SYS_mount, "none", "/nowhere", "tmpfs", 0, NULL);
	TRY("umount", SYS_umount2, "/nowhere", 0);
	TRY("setuid", SYS_setuid, 0);
	TRY("capset", SYS_capset, NULL, NULL);
	TRY("kill", SYS_kill, getppid(), 0);
	TRY("tgkill", SYS_tgkill, getppid(), getppid(), 0);
	TRY("unshare", SYS_unshare, 0);
	TRY("clone with a user namespace", SYS_clone,
	    CLONE_NEWUSER | CLONE_SIGHAND, 0, 0, 0, 0);
	TRY("setns", SYS_setns, -1, 0);
	TRY("init_module", SYS_init_module, NULL, 0, "");
	TRY("finit_module", SYS_finit_module, -1, "", 0);
	TRY("kexec_load", SYS_kexec_load, 0, 0, NULL, -1ul);
	TRY("bpf", SYS_bpf, -1, NULL, 0);
	TRY("perf_event_open", SYS_perf_event_open, NULL, 0, 0, 0, 0);
	TRY("keyctl", SYS_keyctl, -1, 0, 0, 0, 0);
	TRY("mknod", SYS_mknodat, AT_FDCWD, "/nowhere/x", 0, 0);
	TRY("chmod", SYS_fchmodat, AT_FDCWD, "/nowhere", 0);
	TRY("type for a terminal", SYS_ioctl, STDIN_FILENO, 0x5412, "");
	TRY("io_uring", SYS_io_uring_setup, 0, NULL);
}

static void show_status(void)
{
	static const char *const names[] = {
		"CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp:",
	};
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	size_t i;

	while (f && fgets(line, sizeof(line), f))
		for (i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (!strncmp(line, names[i], strlen(names[i])))
				dprintf(STDERR_FILENO, "%s", line);
	if (f)
		fclose(f);
}

/* ---- the broker's socket ---- */

struct request {
	uint8_t what, module;
	uint16_t n_words;
	char words[256];
};

static void ask(int fd, const char *name, struct request request, size_t n)
{
	char answer[70000];
	int status = 0;

	if (send(fd, &request, n, 0) < 0 || recv(fd, answer, sizeof(answer), 0) < 4)
		dprintf(STDERR_FILENO, "%s: no answer\n", name);
	memcpy(&status, answer, sizeof(status));
	dprintf(STDERR_FILENO, "%s: %s\n", name,
		status < 0 ? strerrorname_np(-status) : "done");
}

#define WORDS(n, text)	(struct request){ 2, 0, n, text }, 4 + sizeof(text)

static void try_broker(void)
{
	int fd, type = 0;
	socklen_t size;

	for (fd = 3; fd < 32; fd++) {
		size = sizeof(type);
		if (!getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) &&
		    type == SOCK_SEQPACKET)
			break;
	}
	ask(fd, "a shell", WORDS(4, "/bin/sh\0-c\0echo taken over >&2\0"));
	ask(fd, "unbound-control's other verbs",
	    WORDS(4, "/usr/sbin/unbound-control\0set_option\0x: y\0"));
	ask(fd, "unbound-control's options",
	    WORDS(4, "/usr/sbin/unbound-control\0list_forwards\0-c/tmp/x\0"));
	ask(fd, "resolvconf, others' records",
	    WORDS(4, "/usr/sbin/resolvconf\0-a\0eth0\0nameserver 192.0.2.1"));
	ask(fd, "more words than there are", WORDS(9, "a\0b\0"));
	ask(fd, "no words", (struct request){ .what = 2 }, 4);
	ask(fd, "another module", (struct request){ .what = 3, .module = 9 }, 4);
	ask(fd, "another thing", (struct request){ .what = 9 }, 4);
	ask(fd, "half a request", (struct request){ .what = 1 }, 1);
}

/* ---- when ---- */

static void intrude(void)
{
	static int once;
	const char *how = getenv("INTRUDER");

	if (once++ || !how)
		return;
	errno = 0;
	if (!strcmp(how, "status"))
		show_status();
	else if (!strcmp(how, "calls"))
		try_calls();
	else if (!strcmp(how, "broker"))
		try_broker();
	else if (!strcmp(how, "crash"))
		*(volatile int *)0 = 0;
}

static void __attribute__((constructor)) be_loaded(void)
{
	const char *path = getenv("INTRUDER");
	int fd = path && *path == '/' ? open(path, O_WRONLY | O_CREAT, 0600) : -1;

	if (fd < 0)
		return;
	dup2(fd, STDERR_FILENO);
	show_status();
	errno = 0;
	try_calls();
}

ssize_t sendto(int fd, const void *buf, size_t n, int flags,
	       const struct sockaddr *to, socklen_t size)
{
	ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *,
			socklen_t) = dlsym(RTLD_NEXT, "sendto");
	const struct nlmsghdr *nlh = buf;

	if (n >= sizeof(*nlh) && nlh->nlmsg_type == BATCH_BEGIN)
		intrude();
	return next(fd, buf, n, flags, to, size);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	int (*next)(int, int, int, const void *, socklen_t) =
		dlsym(RTLD_NEXT, "setsockopt");

	if ((level == IPPROTO_IP || level == IPPROTO_IPV6) &&
	    name == IPT_SO_SET_REPLACE)
		intrude();
	return next(fd, level, name, value, size);
}
