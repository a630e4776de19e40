// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * harden.c - the order of privilege at the start.  pluto's children get its
 * log file as descriptor 3, SIGPIPE ignored, and with seccomp= in ipsec.conf
 * its own list of system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harden.h"

/* "Seccomp:\t2" in /proc/self/status: some filter is in force. */
static int is_filtered(void)
{
	static const char label[] = "\nSeccomp:\t2";
	char text[4096];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strstr(text, label) != NULL;
}

/* pluto's list (4.10, pluto_seccomp.c) lacks flock, fsync, rename and umask,
 * and kills or traps; a container's filter usually has them.  A child finds
 * out, with calls that do nothing. */
static int filter_kills(void)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return 0;
	if (child == 0) {
		signal(SIGSYS, SIG_DFL);
		flock(-1, LOCK_UN);
		fsync(-1);
		renameat(-1, "", -1, "");
		umask(077);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return WIFSIGNALED(status);
}

static void open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

const char *harden_start(void)
{
	if (is_filtered() && filter_kills())
		return "the daemon's seccomp filter forbids flock, fsync or "
		       "rename, which the tables need; set seccomp=disabled in "
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
	return NULL;
}
