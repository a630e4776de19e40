// SPDX-License-Identifier: GPL-2.0-or-later
/* verb_disarm.c - release the traffic of connections that are down. */
#include <stdio.h>

#include "ipsec-fw.h"

static int disarm_one(struct program *prog, const char *conn)
{
	struct fwh_err err;
	size_t n;

	if (fwh_guards_disarm(&prog->options, conn, &n, &err))
		return fail(&err);
	if (!n && conn) {
		fprintf(stderr, "ipsec-fw: no armed connection is called '%s'; "
			"see ipsec-fw status\n", conn);
		return FAILED;
	}
	printf("%s: %zu guard%s released\n", conn ? conn : "all", n, plural(n));
	return DONE;
}

int verb_disarm(struct program *prog)
{
	int i, status = DONE;

	if (prog->all == (prog->n_args > 0))
		return USAGE;
	if (!is_sure(prog, "Their traffic can leave in clear text then.  "
		     "Release it?"))
		return FAILED;
	if (prog->all)
		return disarm_one(prog, NULL);
	for (i = 0; i < prog->n_args; i++)
		if (disarm_one(prog, prog->args[i]))
			status = FAILED;
	return status;
}
