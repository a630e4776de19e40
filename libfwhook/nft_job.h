/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_job.h - one transaction: what there is, what there shall be, and the messages
 * that make it so.
 */
#ifndef FWHOOK_NFT_JOB_H
#define FWHOOK_NFT_JOB_H

#include "nft.h"
#include "nft_link.h"

struct nftnl_set_elem;

/* A set of the kernel's. */
struct present {
	char name[FWH_NFT_NAME_MAX];
	uint32_t key_len;
	int64_t n_elements;		/* -1: the kernel does not say */
	bool dropped;
};

/* A connection says of one element that it wants it, or not any more. */
struct claim {
	const char *set;
	struct fwh_nft_key key;
	char owner[FWH_NFT_OWNER_MAX];
	const struct fwh_nft_set *wanted; /* NULL: not any more */
	size_t change;			/* whose it is that wants it */
	bool held;			/* the kernel says that it has it */
};

/* The first one's name is with the element itself, the others' in the set beside;
 * "" is nobody. */
struct owners {
	char (*list)[FWH_NFT_OWNER_MAX];
	size_t n, cap;
};

/* One element, of which n claims from `claim' on speak: one an owner, sorted. */
struct element {
	struct claim *claim;
	size_t n;
	size_t asked;			/* for so many of its owners */
	bool present;
	struct owners before, after;
};

struct strings {
	char (*list)[FWH_NFT_NAME_MAX];
	size_t n, cap;
};

struct job {
	const struct fwh_globals *globals;
	const struct fwh_change *changes;
	size_t n;
	bool all;			/* there is no other connection */
	bool dump;			/* look at whole sets: somebody made gaps */
	struct fwh_nft *nfts;		/* one a change */
	struct fwh_nft_link *link;
	uint32_t generation;
	unsigned int lost;		/* races with other programs */
	struct present *sets;
	size_t n_sets, cap_sets;
	struct claim *claims;
	size_t n_claims, cap_claims;
	struct element *elements;
	size_t n_elements;
	struct strings chains;		/* those that are there */
	struct fwh_nft_batch batch;
	bool rebuild;			/* rules are missing: all anew */
	/* Of new base chains, as long as notes speak of them. */
	struct fwh_nft_rule (*prologue)[FWH_NFT_PROLOGUE_MAX];
	size_t n_prologue;
	const char *made;		/* the last set that got one beside it */
	const char *misfit;		/* a set of our name, but not our type */
	bool draft;			/* there is a table that people's words were tried in */
	const char **notes;		/* what each message of the batch is about */
	size_t n_notes, cap_notes;
};

/* Sets to make, each once, in the order of the plans. */
struct todo {
	const struct fwh_nft_set *set;
	bool brings[FWH_NFT_OWNER_COUNT]; /* the rules of these owners */
};

/* A rule of the table, as far as it matters to what goes. */
struct seen {
	char chain[FWH_NFT_NAME_MAX], jump[FWH_NFT_NAME_MAX];
	char look[FWH_NFT_NAME_MAX];	/* the set it looks into */
	uint64_t handle;
	bool goes;			/* with that set */
	bool prologue;			/* of a base chain */
};

struct rules {
	struct job *job;
	struct seen *list;
	size_t n, cap;
};

/* ---- nft_apply.c ---- */

/* Look which sets there are. */
int fwh_nft_see_sets(struct job *job);
struct present *fwh_nft_find_set(const struct job *job, const char *name);

/* ---- nft_read.c ---- */

struct fwh_held_list;
int fwh_nft_read(const struct fwh_globals *globals,
		 const struct fwh_plan *plans, size_t n,
		 struct fwh_held_list *ret, struct fwh_err *err);

/* ---- nft_elements.c ---- */

/* Claim, look which of the claimed elements there are, and settle whose they will
 * be. */
int fwh_nft_find_elements(struct job *job, struct fwh_err *err);
/* By the element that they are about. */
int fwh_nft_compare_claimed(const struct claim *a, const struct claim *b);
/* The elements of a message, until take() returns negative. */
int fwh_nft_each_element(const struct nlmsghdr *nlh,
			 int (*take)(struct nftnl_set_elem *e, void *arg),
			 void *arg);

/* ---- nft_owners.c ---- */

/* The set beside, of the other owners of a set's elements; and back: NULL if it is
 * none. */
void fwh_nft_owners_set(const char *set, char ret[FWH_NFT_NAME_MAX]);
const char *fwh_nft_owned_set(const char *name);
struct present *fwh_nft_find_owners_set(const struct job *job, const char *set);
/* The key of an element, or (owners) of the element of which one in the set beside
 * tells the owner of this number.  False if it is none of ours. */
bool fwh_nft_element_key(struct nftnl_set_elem *e, bool owners,
			 struct fwh_nft_key *ret, uint32_t *ret_row);
/* Whose it is, as its comment says; "": nobody's. */
void fwh_nft_read_owner(struct nftnl_set_elem *e, char ret[FWH_NFT_OWNER_MAX]);
/* Look which of the claimed elements there are, and whose. */
int fwh_nft_read_owners(struct job *job);
/* Whose will it be?  Returns 0 or -ENOMEM. */
int fwh_nft_settle_owners(struct element *element);
/* Does nothing have to be done? */
bool fwh_nft_is_right(const struct element *element);
/* Mark the sets that nobody will have an element in. */
int fwh_nft_find_dropped(struct job *job);

/* ---- nft_rules.c ---- */

/* The sets to make; all: those that are there, too.  To be freed. */
int fwh_nft_find_todo(const struct job *job, bool all, struct todo **ret,
		      size_t *ret_n);
/* Make the sets that are wanted and not there. */
int fwh_nft_install_sets(struct job *job);
/* Look at the rules, if a set goes. */
int fwh_nft_find_rules(struct rules *rules);
/* Look at all of them. */
int fwh_nft_see_rules(struct rules *rules);
/* Did somebody put a rule into our chains by hand? */
bool fwh_nft_has_stranger(const struct rules *rules);
void fwh_nft_drop_sets(struct job *job, const struct rules *rules);
/* With `all': are the rules there that the sets need?  Else all is made anew. */
int fwh_nft_check_rules(struct job *job);

/* ---- nft_raw.c ---- */

/* Find out what expressions people's words stand for, of all sets that are to be
 * made.  -EAGAIN: done, and the ruleset was changed for it. */
int fwh_nft_understand(struct job *job, struct fwh_err *err);
/* A call that was killed may have left one. */
bool fwh_nft_has_draft(struct job *job);
/* The table that was needed for that goes, with the transaction or alone. */
void fwh_nft_delete_draft(struct job *job);
void fwh_nft_drop_draft(struct job *job);
/* A set that is a part of a rule: the kernel gave it its name. */
bool fwh_nft_is_anonymous(const char *set);

/* ---- nft_messages.c ---- */

bool fwh_nft_has_string(const struct strings *strings, const char *s);
bool fwh_nft_add_string(struct strings *strings, const char *s);
const struct fwh_nft_base_chain *fwh_nft_find_base(const char *name);
/* The element of a question or a change, or, by its number, the one of another
 * owner in the set beside.  owner may be NULL. */
void fwh_nft_put_element(struct nlmsghdr *nlh, const struct claim *claim,
			 size_t row, const char *owner);
/* beside: its other owners; else the element. */
void fwh_nft_change_element(struct job *job, const struct element *element,
			    bool beside);
void fwh_nft_new_table(struct job *job);
void fwh_nft_new_chain(struct job *job, const char *name);
void fwh_nft_new_set(struct job *job, const struct fwh_nft_set *set);
/* The set beside one with keys of this length. */
void fwh_nft_new_owners_set(struct job *job, const char *set, size_t key_len);
void fwh_nft_new_rule(struct job *job, const struct fwh_nft_rule *rule);
void fwh_nft_delete_rule(struct job *job, const struct seen *seen);
void fwh_nft_delete_table(struct job *job, const char *name);
void fwh_nft_delete(struct job *job, uint16_t type, uint16_t table_attr,
		    uint16_t name_attr, const char *name);

#endif
