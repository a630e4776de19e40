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

struct range {
	uint64_t start, len, gate;	/* as fwh_lock_range() has them */
	long long close;		/* when the gate is closed, for all */
};

/* Call `try' until it does not say that somebody else has the lock. */
static int poll_lock(int (*try)(int fd, const struct range *range), int fd,
		     const struct range *range, unsigned int wait_ms)
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

static struct flock flock_of(short type, uint64_t start, uint64_t len)
{
	return (struct flock){
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)start,
		.l_len = (off_t)len,
	};
}

bool fwh_lock_is_held(int fd, uint64_t byte)
{
	struct flock lock = flock_of(F_WRLCK, byte, 1);

	return fcntl(fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}

static int try_range(int fd, const struct range *range)
{
	struct flock lock = flock_of(F_WRLCK, range->start, range->len);

	if (range->gate && fwh_lock_is_held(fd, range->gate)) {
		errno = EAGAIN;
		return -1;
	}
	return fcntl(fd, F_OFD_SETLK, &lock);
}

static int try_all(int fd, const struct range *range)
{
	struct flock all = flock_of(F_WRLCK, 0, 0);
	struct flock gate = flock_of(F_WRLCK, range->gate, 1);
	int code = fcntl(fd, F_OFD_SETLK, &all);

	if (code && (errno == EAGAIN || errno == EACCES) &&
	    fwh_now_ms() >= range->close) {
		fcntl(fd, F_OFD_SETLK, &gate);	/* or it is another's, for now */
		errno = EAGAIN;
	}
	return code;
}

static int try_file(int fd, const struct range *range)
{
	(void)range;
	return flock(fd, LOCK_EX | LOCK_NB);
}

int fwh_lock_range(int fd, uint64_t start, uint64_t len, uint64_t gate,
		   unsigned int wait_ms)
{
	const struct range range = { start, len, gate, 0 };

	return poll_lock(try_range, fd, &range, wait_ms);
}

int fwh_lock_all(int fd, uint64_t gate, unsigned int wait_ms)
{
	const struct range range = { 0, 0, gate, fwh_now_ms() + wait_ms / 2 };
	int code = poll_lock(try_all, fd, &range, wait_ms);

	if (code)
		fwh_unlock_range(fd, gate, 1);
	return code;
}

void fwh_unlock_range(int fd, uint64_t start, uint64_t len)
{
	struct flock lock = flock_of(F_UNLCK, start, len);

	fcntl(fd, F_OFD_SETLK, &lock);
}

int fwh_lock_file(int fd, unsigned int wait_ms)
{
	return poll_lock(try_file, fd, NULL, wait_ms);
}
