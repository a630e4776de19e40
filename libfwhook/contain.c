// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * contain.c - a job in a child process: libraries that end the program when they
 * do not like a word, or keep what they have loaded, shall not do so in a daemon's
 * helper that is half way through.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "contain.h"

/* Behind the answer: all of it is there. */
static const char end_mark[4] = "end";

static void silence(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), i;

	for (i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
}

__attribute__((noreturn))
static void be_child(void (*job)(FILE *answer, void *arg), void *arg, int fd)
{
	FILE *f = fdopen(fd, "w");

	signal(SIGALRM, SIG_DFL);
	alarm(FWH_CONTAIN_SECONDS);
	silence();
	if (!f)
		_exit(1);
	job(f, arg);
	fwrite(end_mark, sizeof(end_mark), 1, f);
	_exit(fflush(f) ? 1 : 0);
}

/* Until the child closes its end. */
static int read_answer(int fd, char **ret, size_t *ret_n)
{
	size_t n = 0, cap = 0;
	ssize_t got;

	*ret = NULL;
	do {
		if (n == cap) {
			char *more = realloc(*ret, cap += 4096);

			if (!more)
				return -ENOMEM;
			*ret = more;
		}
		got = read(fd, *ret + n, cap - n);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	*ret_n = n;
	return got < 0 ? -errno : 0;
}

/* Whoever has no interest in the end of children hears of none. */
static int reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int fwh_contain(void (*job)(FILE *answer, void *arg), void *arg,
		const char *what, char **ret, size_t *ret_n,
		struct fwh_err *err)
{
	fwh_autofree char *answer = NULL;
	int ends[2], status, code;
	size_t n = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return fwh_fail(err, -errno, "pipe: %s", strerror(errno));
	fflush(NULL);			/* nothing is written twice */
	pid = fork();
	if (!pid)
		be_child(job, arg, ends[1]);
	close(ends[1]);
	code = pid < 0 ? -errno : read_answer(ends[0], &answer, &n);
	close(ends[0]);
	if (pid < 0)
		return fwh_fail(err, code, "fork: %s", strerror(-code));
	status = reap(pid);
	if (!code && (n < sizeof(end_mark) ||
		      memcmp(answer + n - sizeof(end_mark), end_mark,
			     sizeof(end_mark)) != 0))
		return fwh_fail(err, -EIO, WIFSIGNALED(status) ?
				"%s: ended by signal %d" :
				"%s: gave up with status %d", what,
				WIFSIGNALED(status) ? WTERMSIG(status) :
						      WEXITSTATUS(status));
	if (code)
		return fwh_fail(err, code, "%s: %s", what, strerror(-code));
	*ret = fwh_steal(answer);
	*ret_n = n - sizeof(end_mark);
	return 0;
}
