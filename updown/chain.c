// SPDX-License-Identifier: GPL-2.0-or-later
/* chain.c - hand over to the daemon's own script; no shell of ours between. */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chain.h"

#define ARGS_MAX	64

/* Colon lists, from configure. */
static const char *const paths[FWH_DIALECT_MAX] = {
	[FWH_OPENSWAN] = FWH_UPDOWN_OPENSWAN,
	[FWH_LIBRESWAN4] = FWH_UPDOWN_LIBRESWAN,
	[FWH_LIBRESWAN5] = FWH_UPDOWN_LIBRESWAN,
	[FWH_STRONGSWAN] = "",
};

const char *chain_find(const struct fwh_settings *settings,
		       enum fwh_dialect dialect)
{
	static char path[FWH_PATH_MAX];
	const char *p = paths[dialect];

	if (!settings->chain_auto)
		return *settings->chain_path ? settings->chain_path : NULL;
	while (*p) {
		size_t n = strcspn(p, ":");

		if (n < sizeof(path)) {
			memcpy(path, p, n);
			path[n] = '\0';
			if (!access(path, X_OK))
				return path;
		}
		p += n + (p[n] == ':');
	}
	return NULL;
}

int chain_run(const char *script, char *const args[], char *const env[])
{
	char *argv[ARGS_MAX + 2];
	size_t n = 0;
	int status, code;
	pid_t child;

	argv[n++] = (char *)script;
	while (*args && n <= ARGS_MAX)
		argv[n++] = *args++;
	if (*args)
		return -E2BIG;
	argv[n] = NULL;
	code = posix_spawn(&child, script, NULL, NULL, argv, env);
	if (code)
		return -code;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}
