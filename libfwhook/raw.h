/* SPDX-License-Identifier: GPL-2.0-or-later */
/* raw.h - rules in a person's own words. */
#ifndef FWHOOK_RAW_H
#define FWHOOK_RAW_H

#include "internal.h"

/* With its values, the longest that a rule gets. */
#define FWH_RAW_TEXT_MAX	512

/* Where such rules can stand, as each backend's people call it. */
struct fwh_raw_place {
	bool nft;
	const char *name;		/* "filter FORWARD", "forward" */
	const char *direction;		/* "in", "out" */
	enum fwh_table table;
	enum fwh_hook hook;
	enum fwh_part part;
	bool out;			/* what goes to the peer's side */
};

extern const struct fwh_raw_place fwh_raw_places[];
extern const size_t fwh_raw_n_places;

/* Split "WHERE: RULE": ret's text points into s.  Returns NULL, or what is wrong
 * with it. */
const char *fwh_raw_split(bool nft, const char *s, struct fwh_raw *ret);
/* What is wrong with a whole rule, its quotes, brackets and variables, whatever their
 * values; NULL if nothing is.  The rest is for the backend's own parser to say. */
const char *fwh_raw_check(bool nft, const char *rule);
/* The rule with the values of this connection.  Each is one word, or a part of a
 * quoted text: none has a character that could end that.  A value that is not
 * known, or is none that a rule can hold, is refused.
 * Returns 0, -EINVAL or -ENOMEM; free with fwh_raw_rule_free(). */
int fwh_raw_expand(const struct fwh_raw *raw, const struct fwh_plan_input *in,
		   struct fwh_raw_rule **ret, struct fwh_err *err);

/* Have the backends' parsers and the kernel take each of the rules, where nothing
 * else is, with the values of an invented connection; report those that they do not
 * take (probe.c). */
int fwh_raws_try(const struct fwh_globals *globals,
		 const struct fwh_raw *const raws[], size_t n,
		 void (*report)(const struct fwh_err *err, void *arg),
		 void *arg, struct fwh_err *err);

#endif
