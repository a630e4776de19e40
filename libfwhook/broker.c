// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * broker.c - a process in two: one that works, with as few rights as there are, and
 * its parent, which has its rights still and does three things for it: run the one
 * script that was chosen before, resolvers' programs with words that are looked at
 * again here, and load the two modules of the legacy tables.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "broker.h"
#include "extensions.h"
#include "iptables.h"

enum what { SCRIPT = 1, PROGRAM, MODULE };

#define WORDS_MAX	16384		/* a pipe's input, and arguments */
#define ARGS_MAX	32

struct request {
	uint8_t what;
	uint8_t family;			/* MODULE: whose */
	uint16_t n_words;		/* PROGRAM: arguments, and last the input */
	char words[WORDS_MAX];		/* each with its NUL */
};

struct answer {
	int status;			/* or a negative errno */
	char output[FWH_PROGRAM_OUTPUT_MAX];
};

/* The worker's end; -1: no broker. */
static int broker = -1;

/* ---- the worker ---- */

/* n: how many of the words' bytes.  The answer, malloc'ed; NULL for none. */
static struct answer *ask(const struct request *request, size_t n)
{
	struct answer *answer = calloc(1, sizeof(*answer));
	size_t size = offsetof(struct request, words) + n;
	ssize_t got = -1;

	if (!answer)
		return NULL;
	if (send(broker, request, size, MSG_NOSIGNAL) == (ssize_t)size)
		do {
			got = recv(broker, answer, sizeof(*answer) - 1, 0);
		} while (got < 0 && errno == EINTR);
	if (got >= (ssize_t)sizeof(answer->status))
		return answer;
	free(answer);
	return NULL;
}

int fwh_broker_script(void)
{
	struct request request = { .what = SCRIPT };
	fwh_autofree struct answer *answer = ask(&request, 0);

	return answer ? answer->status : -EPIPE;
}

static int put_word(struct request *request, size_t *n, const char *word)
{
	size_t size = strlen(word) + 1;

	if (size > sizeof(request->words) - *n)
		return -E2BIG;
	memcpy(request->words + *n, word, size);
	*n += size;
	request->n_words++;
	return 0;
}

int fwh_broker_program(const char *const argv[], const char *input,
		       char ret[FWH_PROGRAM_OUTPUT_MAX])
{
	fwh_autofree struct request *request = calloc(1, sizeof(*request));
	fwh_autofree struct answer *answer = NULL;
	size_t n = 0;
	int code = request ? 0 : -ENOMEM;

	if (broker < 0)
		return fwh_program_run(argv, input, ret);
	for (; !code && *argv; argv++)
		code = put_word(request, &n, *argv);
	if (!code)
		code = put_word(request, &n, input);
	if (code)
		return code;
	request->what = PROGRAM;
	answer = ask(request, n);
	if (!answer)
		return -EPIPE;
	strcpy(ret, answer->output);	/* of one size, and it ends */
	return answer->status;
}

bool fwh_broker_module(enum fwh_family family)
{
	struct request request = { .what = MODULE, .family = (uint8_t)family };
	fwh_autofree struct answer *answer = NULL;

	if (broker < 0)
		return fwh_extension_load(fwh_ipt_modules[family]);
	answer = ask(&request, 0);
	return answer && !answer->status;
}

/* ---- the broker ---- */

/* The worker is not believed: it may be somebody else's by now. */
static int run_program(struct request *request, size_t n, struct answer *ret)
{
	const char *words[ARGS_MAX + 1];
	const char *at = request->words, *input, *end = at + n;
	size_t i;

	if (request->n_words < 2 || request->n_words > ARGS_MAX || !n || end[-1])
		return -EINVAL;
	for (i = 0; i < request->n_words && at < end; i++) {
		words[i] = at;
		at += strlen(at) + 1;
	}
	if (i != request->n_words || at != end)
		return -EINVAL;
	input = words[i - 1];
	words[i - 1] = NULL;
	if (!fwh_program_may(words, input))
		return -EPERM;
	return fwh_program_run(words, input, ret->output);
}

static size_t serve(struct request *request, size_t n,
		    int (*script)(void *arg), void *arg, struct answer *ret)
{
	size_t head = offsetof(struct request, words);

	*ret->output = '\0';
	ret->status = -EINVAL;
	if (n < head)
		return sizeof(ret->status);
	if (request->what == SCRIPT && script) {
		ret->status = script(arg);
	} else if (request->what == MODULE &&
		   request->family < FWH_FAMILY_MAX) {
		ret->status = fwh_extension_load(fwh_ipt_modules[request->family]) ?
			      0 : -ENOENT;
	} else if (request->what == PROGRAM) {
		ret->status = run_program(request, n - head, ret);
		return offsetof(struct answer, output) +
		       strlen(ret->output) + 1;
	}
	return sizeof(ret->status);
}

/* Until the worker is gone.  Returns its exit status. */
static int attend(pid_t worker, int fd, int (*script)(void *arg), void *arg)
{
	static struct request request;
	static struct answer answer;
	int status = 0;
	ssize_t got;

	while ((got = recv(fd, &request, sizeof(request), 0)) > 0 ||
	       (got < 0 && errno == EINTR)) {
		size_t size;

		if (got < 0)
			continue;
		size = serve(&request, (size_t)got, script, arg, &answer);
		send(fd, &answer, size, MSG_NOSIGNAL);
	}
	while (waitpid(worker, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}

/* Whoever ends the one that it knows, ends both. */
static void follow(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

int fwh_broker_fork(int (*script)(void *arg), void *arg, struct fwh_err *err)
{
	pid_t self = getpid(), worker;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return fwh_fail(err, -errno, "socketpair: %s", strerror(errno));
	/* Its end has to be told of: pluto may have it ignored. */
	signal(SIGCHLD, SIG_DFL);
	fflush(NULL);			/* nothing is written twice */
	worker = fork();
	if (worker < 0) {
		fwh_fail(err, -errno, "fork: %s", strerror(errno));
		close(ends[0]);
		close(ends[1]);
		return -EAGAIN;
	}
	if (worker) {
		close(ends[1]);
		_exit(attend(worker, ends[0], script, arg));
	}
	follow(self);
	close(ends[0]);
	broker = ends[1];
	return 0;
}
