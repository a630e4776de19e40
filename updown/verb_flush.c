// SPDX-License-Identifier: GPL-2.0-or-later
/* verb_flush.c - take everything of ours away: the operator's last word. */
#include <stdio.h>
#include <unistd.h>

#include "ipsec-fw.h"

int verb_flush(struct program *prog)
{
	struct fwh_err err;
	size_t n;

	/* A script says that it means it. */
	if (!prog->yes && !isatty(STDIN_FILENO)) {
		fputs("ipsec-fw: flush releases all connections' traffic; say "
		      "--yes if that is meant\n", stderr);
		return FAILED;
	}
	if (!is_sure(prog, "All connections' rules, guards and records go, and "
		     "their traffic can leave in clear\ntext, after a reboot, "
		     "too.  Remove them?"))
		return FAILED;
	if (fwh_guards_flush(&prog->options, &n, &err))
		return fail(&err);
	printf("%zu connection%s flushed\n", n, plural(n));
	return DONE;
}
