// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * refuse.c - a library that is preloaded, and has no memory for one request.
 *
 *	REFUSE=N	for the Nth; counted is from the program's own first on,
 *			children count on
 *	REFUSE=N+	for none from the Nth on
 *
 * What was refused first it says on stderr: "spoilt: FUNCTION in FILE".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* glibc's own, under the names that nobody replaces. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static long left;		/* until it is refused; 0: it was, or shall not be */
static int all;			/* from then on */
static int empty;		/* there is no memory any more */

static void __attribute__((constructor)) start(void)
{
	const char *text = getenv("REFUSE");
	char *end;

	if (!text)
		return;
	left = strtol(text, &end, 10);
	all = *end == '+';
}

static void say(const char *what, const void *caller)
{
	char line[256];
	Dl_info where;
	int n;

	if (!dladdr(caller, &where))
		where.dli_fname = "?";
	n = snprintf(line, sizeof(line), "spoilt: %s in %s\n", what,
		     strrchr(where.dli_fname, '/') ?
		     strrchr(where.dli_fname, '/') + 1 : where.dli_fname);
	if (write(STDERR_FILENO, line, (size_t)n) != n)
		_exit(125);
}

static int is_refused(const char *what, const void *caller)
{
	if (!empty && (!left || --left))
		return 0;
	if (!empty)
		say(what, caller);
	empty = all;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return is_refused("malloc", __builtin_return_address(0)) ? NULL :
	       __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return is_refused("calloc", __builtin_return_address(0)) ? NULL :
	       __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return is_refused("realloc", __builtin_return_address(0)) ? NULL :
	       __libc_realloc(p, size);
}
