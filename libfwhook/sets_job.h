/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sets_job.h - one change of sets: what there is, what there shall be. */
#ifndef FWHOOK_SETS_JOB_H
#define FWHOOK_SETS_JOB_H

#include "sets.h"

/* An element that a connection shall have. */
struct claim {
	size_t conn;
	const struct fwh_set *set;
	const struct fwh_set_key *key;
	unsigned int layer;
	char name[FWH_IPSET_NAME_MAX];	/* of the layer's set */
	bool had, added;
	bool free;			/* nobody has it for sure */
};

struct job {
	const struct fwh_globals *globals;
	const struct fwh_change *changes;
	size_t n;
	bool all;
	struct fwh_ipset *link;
	char (*owners)[FWH_SET_OWNER_MAX];
	struct fwh_sets *sets;		/* one a change */
	struct fwh_set_names names;	/* of sets that there are */
	size_t n_there;			/* so many of them were before */
	struct fwh_set_had_list had;
	struct claim *claims;
	size_t n_claims, cap_claims;
	struct fwh_set *fresh;		/* whose rules may not be there */
	size_t n_fresh, cap_fresh;
	struct fwh_set_names made;	/* room for their names, for the way back */
	bool displaced;			/* rules that keep packets in were not right */
	uint64_t shapes[FWH_FAMILY_MAX][FWH_TABLE_MAX];
};

/* ---- sets_apply.c ---- */

/* In words; returns an errno. */
int fwh_sets_explain(int code, struct fwh_err *err);

/* ---- sets_claims.c ---- */

/* The sets of all plans. */
int fwh_sets_build_all(struct job *job);
/* What closes comes first. */
int fwh_sets_claim(struct job *job);
/* Which claims have their element, and which elements stay. */
void fwh_sets_settle(struct job *job);
/* Every set of the job's, each once; the list is to be freed, and nothing in it. */
int fwh_sets_all(struct job *job, struct fwh_sets *ret);

/* ---- sets_add.c ---- */

/* Make sets and elements. */
int fwh_sets_add(struct job *job);
/* Make their rules, if they may not be there. */
int fwh_sets_make_rules(struct job *job, struct fwh_err *err);
struct fwh_ipset_element fwh_sets_element(const struct job *job,
					  const struct claim *claim);
/* That a set's rules are in its table as it is now. */
void fwh_sets_see_shapes(struct job *job);
struct fwh_ipset_element fwh_sets_ruled(const struct job *job, const char *set);
/* Messages to a set of owners. */
void fwh_sets_say_owned(struct job *job, const char *owners, bool only_new);
void fwh_sets_say_ruled(struct job *job, const char *owners,
			const struct fwh_set *sets, size_t n);
int fwh_sets_apply_rules(struct job *job, const struct fwh_set *sets, size_t n,
			 const struct fwh_set_names *gone, bool all,
			 struct fwh_err *err);

/* ---- sets_drop.c ---- */

/* Take away what does not stay, what opens first. */
int fwh_sets_delete(struct job *job);
/* Then the sets that became empty, and their rules. */
int fwh_sets_clean(struct job *job, struct fwh_err *err);
/* Who owns what, said anew. */
int fwh_sets_renew_owners(struct job *job);
/* Sets that no rule looks into; all: and that of owners.  Needs no memory. */
int fwh_sets_destroy(struct job *job, const struct fwh_set_names *gone,
		     bool all);

#endif
