/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipsec-fw.h - what the verbs share: a file each, listed in ipsec-fw.c. */
#ifndef IPSEC_FW_H
#define IPSEC_FW_H

#include <stdbool.h>
#include <stddef.h>

#include "fwhook.h"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit statuses. */
#define DONE		0
#define FAILED		1		/* or found something */
#define USAGE		2

struct program {
	struct fwh_call_options options;
	bool all, yes, json, rules, check, unconfined;
	const char *conn;
	char **args;			/* behind the verb */
	int n_args;
	char **env;
};

/* Options that only some verbs take. */
enum {
	OPT_ALL = 1 << 0, OPT_YES = 1 << 1, OPT_JSON = 1 << 2,
	OPT_RULES = 1 << 3, OPT_CHECK = 1 << 4, OPT_CONN = 1 << 5,
};

/* Say it on stderr; returns FAILED. */
int fail(const struct fwh_err *err);
/* The same, as a complaint. */
void complain(const struct fwh_err *err, void *arg);
/* Only a person at a terminal is asked. */
bool is_sure(const struct program *prog, const char *question);
/* "s" of other than one. */
const char *plural(size_t n);

/* Each returns an exit status. */
int verb_arm(struct program *prog);
int verb_check(struct program *prog);
int verb_disarm(struct program *prog);
int verb_doctor(struct program *prog);
int verb_flush(struct program *prog);
int verb_monitor(struct program *prog);
int verb_plan(struct program *prog);
int verb_reconcile(struct program *prog);
int verb_show(struct program *prog);
int verb_status(struct program *prog);

#endif
