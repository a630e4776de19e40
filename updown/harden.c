// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * harden.c - the order of privilege at the start.  pluto's children get its
 * log file as descriptor 3, SIGPIPE ignored, and with seccomp= in ipsec.conf
 * its own list of system calls.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter.h"
#include "harden.h"

/* pluto's list (4.10, pluto_seccomp.c) lacks flock, fsync, rename and umask,
 * and kills or traps; a container's filter usually has them.  Calls that do
 * nothing tell. */
static void try_calls(void *arg)
{
	(void)arg;
	flock(-1, LOCK_UN);
	fsync(-1);
	prctl(PR_GET_DUMPABLE);
	renameat(-1, "", -1, "");
	umask(077);
}

static void open_standard(void)
{
	int fd;

	/* The lowest number that is free is the one that is given. */
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", O_RDWR);
}

const char *harden_start(void)
{
	if (filter_is_inherited() && filter_kills(try_calls, NULL))
		return "the daemon's seccomp filter forbids flock, fsync, "
		       "prctl or rename, which the tables need; set seccomp=disabled in "
		       "ipsec.conf";
	open_standard();
	/* musl and glibc before 2.34 have no close_range(). */
	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0)) {
		int fd;

		/* Kernels before 5.9 */
		for (fd = STDERR_FILENO + 1; fd < 1024; fd++)
			close(fd);
	}
	umask(077);
	/* Keys of ours there are none, but what a peer sent: no core has it, and
	 * nobody of the same user looks on. */
	prctl(PR_SET_DUMPABLE, 0);
	return NULL;
}
