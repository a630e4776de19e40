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

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

long long fwh_now_ms(void)
{
	return (long long)(now_us() / 1000);
}

/* What is wanted of the file. */
struct wish {
	uint64_t byte;
	uint64_t gate;			/* as fwh_lock_byte() has it */
	uint64_t queue, ticket;		/* as fwh_lock_in_turn() has it; 0: none yet */
	bool next;			/* nobody is before us */
	long long close;		/* when the gate is closed, for all */
};

static bool is_busy(void)
{
	return errno == EAGAIN || errno == EACCES;
}

/* Call `try' until it does not say that somebody else has the lock.  Whoever is the
 * next one looks often, so that nobody else has to. */
static int poll_lock(int (*try)(int fd, struct wish *wish), int fd,
		     struct wish *wish, unsigned int wait_ms)
{
	long long end = fwh_now_ms() + wait_ms;
	struct timespec pause = { .tv_nsec = POLL_FIRST_US * 1000 };

	for (;;) {
		long long left;

		if (!try(fd, wish))
			return 0;
		if (errno == EINTR)
			continue;
		if (!is_busy())
			return -errno;
		left = end - fwh_now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (wish->next)
			pause.tv_nsec = POLL_FIRST_US * 1000;
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

static bool is_held(int fd, uint64_t start, uint64_t len)
{
	struct flock lock = flock_of(F_WRLCK, start, len);

	return fcntl(fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}

bool fwh_lock_is_held(int fd, uint64_t byte)
{
	return is_held(fd, byte, 1);
}

static int set_lock(int fd, short type, uint64_t start, uint64_t len)
{
	struct flock lock = flock_of(type, start, len);

	return fcntl(fd, F_OFD_SETLK, &lock);
}

static int try_byte(int fd, struct wish *wish)
{
	if (wish->gate && fwh_lock_is_held(fd, wish->gate)) {
		errno = EAGAIN;
		return -1;
	}
	return set_lock(fd, F_WRLCK, wish->byte, 1);
}

/* The ticket is a byte, which its holder's end gives back, too. */
static int try_turn(int fd, struct wish *wish)
{
	uint64_t mine = wish->ticket ? wish->ticket : wish->queue + now_us();

	wish->next = !is_held(fd, wish->queue, mine - wish->queue);
	if (wish->next && !set_lock(fd, F_WRLCK, wish->byte, 1))
		return 0;
	if (wish->next && !is_busy())
		return -1;
	if (!wish->ticket && !set_lock(fd, F_WRLCK, mine, 1))
		wish->ticket = mine;
	errno = EAGAIN;
	return -1;
}

static int try_all(int fd, struct wish *wish)
{
	int code = set_lock(fd, F_WRLCK, 0, 0);

	if (code && is_busy() && fwh_now_ms() >= wish->close) {
		/* Or it is another's, for now. */
		set_lock(fd, F_WRLCK, wish->gate, 1);
		errno = EAGAIN;
	}
	return code;
}

static int try_file(int fd, struct wish *wish)
{
	(void)wish;
	return flock(fd, LOCK_EX | LOCK_NB);
}

int fwh_lock_byte(int fd, uint64_t byte, uint64_t gate, unsigned int wait_ms)
{
	struct wish wish = { .byte = byte, .gate = gate };

	return poll_lock(try_byte, fd, &wish, wait_ms);
}

int fwh_lock_in_turn(int fd, uint64_t byte, uint64_t queue, unsigned int wait_ms)
{
	struct wish wish = { .byte = byte, .queue = queue };
	int code = poll_lock(try_turn, fd, &wish, wait_ms);

	if (wish.ticket)
		fwh_unlock_range(fd, wish.ticket, 1);
	return code;
}

int fwh_lock_all(int fd, uint64_t gate, unsigned int wait_ms)
{
	struct wish wish = { .gate = gate, .close = fwh_now_ms() + wait_ms / 2 };
	int code = poll_lock(try_all, fd, &wish, wait_ms);

	if (code)
		fwh_unlock_range(fd, gate, 1);
	return code;
}

void fwh_unlock_range(int fd, uint64_t start, uint64_t len)
{
	set_lock(fd, F_UNLCK, start, len);
}

int fwh_lock_file(int fd, unsigned int wait_ms)
{
	struct wish wish = { .byte = 0 };

	return poll_lock(try_file, fd, &wish, wait_ms);
}
