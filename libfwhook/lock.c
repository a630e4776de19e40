// SPDX-License-Identifier: GPL-2.0-or-later
/* lock.c - locks with a bounded wait: the daemon stands still while we do. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <time.h>

#include "internal.h"

#define POLL_FIRST_US	100
#define POLL_MAX_US	1000

long long fwh_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Call `try' until it does not say that somebody else has the lock. */
static int poll_lock(int (*try)(int fd, const struct flock *range), int fd,
		     const struct flock *range, unsigned int wait_ms)
{
	long long end = fwh_now_ms() + wait_ms;
	struct timespec pause = { .tv_nsec = POLL_FIRST_US * 1000 };

	for (;;) {
		long long left;

		if (!try(fd, range))
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
		left = end - fwh_now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < POLL_MAX_US * 1000)
			pause.tv_nsec *= 2;
	}
}

static int try_range(int fd, const struct flock *range)
{
	struct flock copy = *range;

	return fcntl(fd, F_OFD_SETLK, &copy);
}

static int try_file(int fd, const struct flock *range)
{
	(void)range;
	return flock(fd, LOCK_EX | LOCK_NB);
}

int fwh_lock_range(int fd, uint64_t start, uint64_t len, unsigned int wait_ms)
{
	struct flock range = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)start,
		.l_len = (off_t)len,
	};

	return poll_lock(try_range, fd, &range, wait_ms);
}

int fwh_lock_file(int fd, unsigned int wait_ms)
{
	return poll_lock(try_file, fd, NULL, wait_ms);
}
