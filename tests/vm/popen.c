// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * popen.c - preloaded into pluto: a line "VERB MILLISECONDS" in the file that
 * POPEN_LOG names for each of its calls of the updown helper, from the popen() to
 * the end of the pclose(), which is how long its event loop stands still.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int log_fd = -1;
static double begin;
static char verb[32];

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* What pluto starts is started as without us. */
__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("POPEN_LOG");

	if (path)
		log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			      0600);
	unsetenv("POPEN_LOG");
	unsetenv("LD_PRELOAD");
}

FILE *popen(const char *command, const char *type)
{
	FILE *(*next)(const char *, const char *) = dlsym(RTLD_NEXT, "popen");
	const char *p = strstr(command, "PLUTO_VERB='");

	*verb = '\0';
	if (p)
		sscanf(p, "PLUTO_VERB='%31[^']", verb);
	begin = now_ms();
	return next(command, type);
}

int pclose(FILE *f)
{
	int (*next)(FILE *) = dlsym(RTLD_NEXT, "pclose");
	int code = next(f);

	if (*verb)
		dprintf(log_fd, "%s %.3f\n", verb, now_ms() - begin);
	return code;
}
