// SPDX-License-Identifier: GPL-2.0-or-later
/* verb_arm.c - put up guards without a daemon. */
#include <stdio.h>

#include "ipsec-fw.h"

int verb_arm(struct program *prog)
{
	size_t n, complaints;
	struct fwh_err err;

	if (fwh_guards_arm(&prog->options, complain, NULL, &n, &complaints,
			   &err))
		return fail(&err);
	printf("%zu guard%s armed\n", n, plural(n));
	return complaints ? FAILED : DONE;
}
