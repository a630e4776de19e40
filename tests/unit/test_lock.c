// SPDX-License-Identifier: GPL-2.0-or-later
/* test_lock.c - locks between processes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "internal.h"

#define BYTE	7
#define GATE	8
#define QUEUE	((uint64_t)1 << 53)
#define LONG_MS	10000

/* Each open() is another one's to such a lock. */
static int open_again(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int make(void **state)
{
	static char path[32];
	int fd;

	strcpy(path, "/tmp/test_lock.XXXXXX");
	fd = mkstemp(path);

	*state = path;
	return fd < 0 ? -1 : close(fd);
}

static int destroy(void **state)
{
	return unlink(*state);
}

/* A process that waits for the byte, says its name once it has it, and ends. */
static pid_t start_waiter(const char *path, int out, char name)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		bool got = !fwh_lock_in_turn(fd, BYTE, QUEUE, LONG_MS);

		_exit(!got || write(out, &name, 1) != 1);
	}
	return child;
}

/* Until somebody has a ticket that is later than *last, which it becomes. */
static void wait_for_ticket(int fd, uint64_t *last)
{
	struct flock lock;

	do {
		lock = (struct flock){
			.l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = (off_t)*last + 1,
			.l_len = (off_t)QUEUE,
		};
		assert_int_equal(fcntl(fd, F_OFD_GETLK, &lock), 0);
	} while (lock.l_type == F_UNLCK);
	*last = (uint64_t)lock.l_start;
}

static void in_turn(void **state)
{
	const char *path = *state, names[] = "abc";
	int holder = open_again(path), late = open_again(path), out[2], i, status;
	uint64_t last = QUEUE;
	char said[4] = "";
	pid_t waiters[3];

	assert_int_equal(pipe(out), 0);
	assert_int_equal(fwh_lock_in_turn(holder, BYTE, QUEUE, 0), 0);
	for (i = 0; i < 3; i++) {
		waiters[i] = start_waiter(path, out[1], names[i]);
		wait_for_ticket(late, &last);
	}
	fwh_unlock_range(holder, BYTE, 1);
	for (i = 0; i < 3; i++) {
		assert_int_equal(waitpid(waiters[i], &status, 0), waiters[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(read(out[0], said, 3), 3);
	assert_string_equal(said, names);
	close(holder);
	close(late);
}

/* The lock is free, and somebody waits for it: a newcomer does not take it. */
static void newcomers_wait(void **state)
{
	const char *path = *state;
	int holder = open_again(path), late = open_again(path), out[2], status;
	uint64_t last = QUEUE;
	pid_t waiter;

	assert_int_equal(pipe(out), 0);
	assert_int_equal(fwh_lock_in_turn(holder, BYTE, QUEUE, 0), 0);
	waiter = start_waiter(path, out[1], 'a');
	wait_for_ticket(late, &last);
	assert_int_equal(kill(waiter, SIGSTOP), 0);
	fwh_unlock_range(holder, BYTE, 1);
	assert_int_equal(fwh_lock_in_turn(late, BYTE, QUEUE, 20), -ETIMEDOUT);
	/* Dead ones wait for nothing. */
	assert_int_equal(kill(waiter, SIGKILL), 0);
	assert_int_equal(waitpid(waiter, &status, 0), waiter);
	assert_int_equal(fwh_lock_in_turn(late, BYTE, QUEUE, 0), 0);
	close(holder);
	close(late);
}

static void gate(void **state)
{
	int one = open_again(*state), other = open_again(*state);

	assert_int_equal(fwh_lock_byte(one, GATE, 0, 0), 0);
	assert_int_equal(fwh_lock_byte(other, BYTE, GATE, 0), -ETIMEDOUT);
	fwh_unlock_range(one, GATE, 1);
	assert_int_equal(fwh_lock_byte(other, BYTE, GATE, 0), 0);
	assert_int_equal(fwh_lock_all(one, GATE, 20), -ETIMEDOUT);
	assert_false(fwh_lock_is_held(other, GATE));
	fwh_unlock_range(other, BYTE, 1);
	assert_int_equal(fwh_lock_all(one, GATE, 0), 0);
	assert_int_equal(fwh_lock_in_turn(other, BYTE, QUEUE, 5), -ETIMEDOUT);
	close(one);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_turn, make, destroy),
		cmocka_unit_test_setup_teardown(newcomers_wait, make, destroy),
		cmocka_unit_test_setup_teardown(gate, make, destroy),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
