/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sets.h - a plan as rules of the legacy tables that look into sets of ip_set, in
 * which a connection is nothing but elements.
 *
 * A plan sends packets into a connection's chain by addresses, protocol and ports.
 * Here the peer's network of that becomes an element; all else - our network, the
 * protocol and ports, and what the chain holds - names a set, and is the rules that
 * look into it.  Connections that differ in nothing else share set and rules.
 */
#ifndef FWHOOK_SETS_H
#define FWHOOK_SETS_H

#include "internal.h"
#include "ipset.h"

struct fwh_held_list;

/* What tells the sets' rules from each other in the chains that they share. */
struct fwh_set_rule {
	struct fwh_rule rule;
	bool looks;			/* matches whom the set has */
	bool counts;			/* and counts that in the element */
	bool maps;			/* its action: the mark of the element */
	bool enters;			/* its action: the set's own chain */
};

struct fwh_set_key {
	struct fwh_net net;		/* of the peer's side, of length 1 or more */
	struct fwh_mark mark;		/* mask 0: none */
};

struct fwh_set {
	char name[FWH_IPSET_NAME_MAX];
	enum fwh_family family;
	enum fwh_table table;
	unsigned int hooks;		/* 1 << enum fwh_hook */
	enum fwh_step step;
	bool peer_is_dst;		/* else the peer is the source */
	bool marks;			/* elements have marks */
	bool fresh;			/* nobody had an element: it was not there */
	char chain[FWH_CHAIN_MAX];	/* of its own; "": none */
	struct fwh_set_rule entry;	/* in the dispatch chain of each hook */
	struct fwh_set_rule *rules;	/* in its own chain */
	size_t n_rules, cap_rules;
	struct fwh_set_key *keys;	/* the connection's */
	size_t n_keys, cap_keys;
};

struct fwh_sets {
	struct fwh_set *list;
	size_t n, cap;
};

/* ---- sets.c, pure ---- */

/* Returns 0 or -ENOMEM. */
int fwh_sets_build(const struct fwh_plan *plan, struct fwh_sets *ret);
void fwh_sets_free(struct fwh_sets *sets);
/* An element has one owner.  A connection of the same addresses has its own in
 * another set of the same kind, a layer above; the name of each is made of that
 * below, and while it is there, so is that below.  Only name and family of `set' are
 * looked at. */
void fwh_set_above(const struct fwh_set *set, struct fwh_set *ret);
void fwh_set_layer(const struct fwh_set *set, unsigned int layer,
		   struct fwh_set *ret);
/* Is it a name that only we give? */
bool fwh_set_is_ours(const char *name);
/* Where its rules are. */
enum fwh_family fwh_set_family(const char *name);
enum fwh_table fwh_set_table(const char *name);
enum fwh_step fwh_set_step(const char *name);
/* In which order stand sets' rules in a chain? */
unsigned int fwh_set_rank(const char *name);
/* Is it one of the guard's? */
bool fwh_set_guards(const char *name);
/* Does it keep packets from leaving translated?  All of nat counts. */
bool fwh_set_keeps(const char *name);
/* What an element says of its owner, e.g. "office-k3f9a0qz". */
#define FWH_SET_OWNER_MAX	24
void fwh_set_owner(const struct fwh_key *key, char ret[FWH_SET_OWNER_MAX]);

/* ---- sets_text.c, pure ---- */

/* "-A CHAIN ...", without the end of the line. */
void fwh_set_rule_print(const struct fwh_set *set,
			const struct fwh_set_rule *rule, const char *chain,
			FILE *f);
void fwh_set_key_print(const struct fwh_set *set, const struct fwh_set_key *key,
		       const char *owner, FILE *f);
int fwh_sets_print(const struct fwh_globals *globals,
		   const struct fwh_plan *plan, FILE *f);

/* ---- sets_rules.c ---- */

struct fwh_set_names {
	char (*list)[FWH_IPSET_NAME_MAX];
	size_t n, cap;
};
bool fwh_set_has_name(const struct fwh_set_names *names, const char *name);
int fwh_set_add_name(struct fwh_set_names *names, const char *name);
/* The set, unless the list has it.  The list is to be freed, and nothing in it. */
int fwh_sets_add_once(struct fwh_sets *list, const struct fwh_set *set);
/* The sets of ours that there are. */
int fwh_set_list_names(struct fwh_ipset *link, struct fwh_set_names *ret);

struct fwh_set_changes {
	const struct fwh_globals *globals;
	const struct fwh_set *sets;	/* whose rules shall be there */
	size_t n;
	const struct fwh_set_names *gone; /* whose rules shall not */
	bool all;			/* nobody else's shall */
	bool *ret_displaced;		/* set if what had elements lacked rules that keep
					 * packets from leaving translated; may be NULL */
};
/* Make the legacy tables hold those rules, and none of those; a commit a table, and
 * none where they are right. */
int fwh_set_rules_apply(const struct fwh_set_changes *changes,
			struct fwh_err *err);
/* Complain of jumps that are not there; *ret_missing: the sets whose rules are not,
 * of those that there are. */
int fwh_set_rules_read(const struct fwh_set_changes *changes,
		       struct fwh_held_list *ret,
		       struct fwh_set_names *ret_missing, struct fwh_err *err);

/* ---- sets_owners.c ---- */

/* The set that says which connection owns which element. */
#define FWH_SETS_OWNERS		"ipsec-fw-owners"
/* What it has if the connection owns that element, and what if it owns any. */
struct fwh_ipset_element fwh_set_owned(const char *set,
				       const struct fwh_net *net,
				       const char *owner);
struct fwh_ipset_element fwh_set_owns_any(const char *owner);
/* And what if a set's rules are in their table while that has this shape. */
struct fwh_ipset_element fwh_set_has_rules(const char *set, uint64_t shape);

/* An element that a connection has. */
struct fwh_set_had {
	size_t conn;			/* SIZE_MAX: nobody's that is known */
	char owner[FWH_SET_OWNER_MAX];
	char set[FWH_IPSET_NAME_MAX];
	struct fwh_net net;
	bool stays;
};

struct fwh_set_had_list {
	struct fwh_set_had *list;	/* by connection */
	size_t n, cap;
};

/* What the kernel has of these connections; all: and of others, which nobody
 * knows.  Returns 0 or what the kernel said. */
int fwh_set_find_had(struct fwh_ipset *link, const struct fwh_set_names *names,
		     const struct fwh_change *changes, size_t n, bool all,
		     struct fwh_set_had_list *ret);

/* ---- sets_read.c ---- */

int fwh_sets_read(const struct fwh_globals *globals,
		  const struct fwh_plan *plans, size_t n,
		  struct fwh_held_list *ret, struct fwh_err *err);
int fwh_sets_flush(const struct fwh_globals *globals, struct fwh_err *err);

#endif
