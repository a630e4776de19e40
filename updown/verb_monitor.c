// SPDX-License-Identifier: GPL-2.0-or-later
/* verb_monitor.c - reconcile whenever somebody changes the tables. */
#include "ipsec-fw.h"

int verb_monitor(struct program *prog)
{
	struct fwh_err err;

	fwh_guards_monitor(&prog->options, complain, NULL, &err);
	return fail(&err);
}
