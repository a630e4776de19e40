// SPDX-License-Identifier: GPL-2.0-or-later
/* daemon.c - which IKE daemon runs us, and whether it still lives. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* pluto > sh > us, or with wrappers: sh > ipsec > _updown > sh > us. */
#define LEVELS_MAX	8

struct process {
	char name[32];
	char state;
	pid_t parent;
	unsigned long long start;
};

/* /proc/PID/stat: "PID (NAME) STATE PPID ...", field 22 is the start time in
 * clock ticks.  The name may hold anything, ')' and blanks too. */
static int read_process(pid_t pid, struct process *ret)
{
	char path[40], text[512], *name, *p;
	fwh_autofd fd = -1;
	ssize_t n;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -EIO;
	text[n] = '\0';
	name = strchr(text, '(');
	p = strrchr(text, ')');
	if (!name || !p || p < name)
		return -EBADMSG;
	*p++ = '\0';
	if (sscanf(p, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d "
		   "%*d %*d %*d %*d %*d %llu", &ret->state, &parent,
		   &ret->start) != 3)
		return -EBADMSG;
	ret->parent = parent;
	snprintf(ret->name, sizeof(ret->name), "%s", name + 1);
	return 0;
}

static bool is_daemon(const char *name)
{
	static const char *const names[] = {
		"pluto", "charon", "charon-systemd", "charon-nm", "charon-cmd",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

void fwh_daemon_find(struct fwh_daemon *ret)
{
	pid_t pid = getppid();
	struct process process;
	int level;

	memset(ret, 0, sizeof(*ret));
	for (level = 0; level < LEVELS_MAX && pid > 0; level++) {
		if (read_process(pid, &process))
			return;
		if (is_daemon(process.name)) {
			ret->pid = pid;
			ret->start = process.start;
			return;
		}
		pid = process.parent;
	}
}

/* A process number is used again; with its start time it is one life.  A process
 * that is there and cannot be looked at (proc's hidepid=) is taken for it: better
 * one that is dead too long than all of them dead at once. */
bool fwh_daemon_alive(const struct fwh_daemon *daemon)
{
	struct process process;

	if (daemon->pid <= 0)
		return false;
	if (read_process(daemon->pid, &process))
		return getpgid(daemon->pid) >= 0;
	return process.start == daemon->start && process.state != 'Z' &&
	       process.state != 'X';
}

/* A line of /proc/PID/status, "SigCgt:\t0000000000000000". */
static uint64_t signals_of(const char *status, const char *name)
{
	const char *line = strstr(status, name);

	return line ? strtoull(line + strlen(name), NULL, 16) : 0;
}

bool fwh_daemon_orphans_end(void)
{
	char text[4096];
	fwh_autofd fd = open("/proc/1/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return (signals_of(text, "\nSigBlk:\t") | signals_of(text, "\nSigIgn:\t") |
		signals_of(text, "\nSigCgt:\t")) >> (SIGCHLD - 1) & 1;
}
