// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sets_rules.c - the legacy tables hold the rules of these sets, each told by its
 * comment, which is the set's name: one init and one commit a table, and none
 * where they are right.
 */
#include <errno.h>
#include <string.h>

#include <linux/netfilter/x_tables.h>

#include "backend.h"
#include "extensions.h"
#include "iptables_job.h"
#include "sets.h"

static const char *const family_name[FWH_FAMILY_MAX] = { "IPv4", "IPv6" };

/* ---- names ---- */

bool fwh_set_has_name(const struct fwh_set_names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (!strcmp(names->list[i], name))
			return true;
	return false;
}

int fwh_set_add_name(struct fwh_set_names *names, const char *name)
{
	if (!fwh_grow(&names->list, names->n, &names->cap,
		      sizeof(*names->list)))
		return -ENOMEM;
	snprintf(names->list[names->n++], FWH_IPSET_NAME_MAX, "%s", name);
	return 0;
}

int fwh_sets_add_once(struct fwh_sets *list, const struct fwh_set *set)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (!strcmp(list->list[i].name, set->name))
			return 0;
	if (!fwh_grow(&list->list, list->n, &list->cap, sizeof(*set)))
		return -ENOMEM;
	list->list[list->n++] = *set;
	return 0;
}

static int take_name(const char *name, void *arg)
{
	return fwh_set_is_ours(name) ? fwh_set_add_name(arg, name) : 0;
}

int fwh_set_list_names(struct fwh_ipset *link, struct fwh_set_names *ret)
{
	return fwh_ipset_names(link, take_name, ret);
}

/* ---- whose is a rule? ---- */

static bool is_here(const struct fwh_set *set, const struct fwh_ipt_table *t)
{
	return set->family == t->family && set->table == t->table;
}

/* The wanted set of a name that is in this table; NULL: none is. */
static const struct fwh_set *find_wanted(const struct fwh_set_changes *changes,
					 const struct fwh_ipt_table *t,
					 const char *name)
{
	size_t i;

	for (i = 0; i < changes->n; i++)
		if (is_here(&changes->sets[i], t) &&
		    !strcmp(changes->sets[i].name, name))
			return &changes->sets[i];
	return NULL;
}

static bool is_gone(const struct fwh_set_changes *changes,
		    const struct fwh_ipt_table *t, const char *name)
{
	if (!fwh_set_is_ours(name))
		return false;
	return fwh_set_has_name(changes->gone, name) ||
	       (changes->all && !find_wanted(changes, t, name));
}

static const char *entry_target(enum fwh_family family, const void *entry)
{
	struct fwh_ipt_view view = fwh_ipt_view(family, entry);
	const struct xt_entry_target *target =
		(const void *)((const uint8_t *)entry + view.target);

	return target->u.user.name;
}

/* ---- what goes ---- */

static int drop_entries(const struct fwh_set_changes *changes,
			struct fwh_ipt_table *t, const char *chain)
{
	unsigned int at = 0;
	const void *e;
	int code;

	if (!t->iptc->is_chain(chain, t->h))
		return 0;
	for (e = t->iptc->first(chain, t->h); e;) {
		if (!is_gone(changes, t, fwh_ipt_comment(t->family, e))) {
			e = t->iptc->next(e, t->h);
			at++;
			continue;
		}
		code = checked(t, t->iptc->delete(chain, at, t->h));
		if (code)
			return code;
		/* Deleting ends the walk. */
		e = t->iptc->first(chain, t->h);
		at = 0;
	}
	return 0;
}

/* Its name ends as the set's does. */
static bool is_chain_of(const char *chain, const char *set)
{
	return !strcmp(strrchr(chain, '-'), strrchr(set, '-'));
}

static bool chain_goes(const struct fwh_set_changes *changes,
		       const struct fwh_ipt_table *t, const char *chain)
{
	size_t i;

	if (!fwh_is_set_chain(chain))
		return false;
	for (i = 0; i < changes->gone->n; i++)
		if (is_chain_of(chain, changes->gone->list[i]))
			return true;
	for (i = 0; changes->all && i < changes->n; i++)
		if (is_here(&changes->sets[i], t) &&
		    is_chain_of(chain, changes->sets[i].name))
			return false;
	return changes->all;
}

/* libiptc's walk through chains does not survive changes. */
static int drop_chains(const struct fwh_set_changes *changes,
		       struct fwh_ipt_table *t)
{
	struct fwh_set_names gone = { .n = 0 };
	const char *chain;
	size_t i;
	int code = 0;

	for (chain = t->iptc->first_chain(t->h); chain && !code;
	     chain = t->iptc->next_chain(t->h))
		if (chain_goes(changes, t, chain))
			code = fwh_set_add_name(&gone, chain);
	for (i = 0; !code && i < gone.n; i++) {
		code = checked(t, t->iptc->flush(gone.list[i], t->h));
		if (!code)
			code = checked(t, t->iptc->remove(gone.list[i], t->h));
		if (code == -EMLINK)	/* the operator uses it elsewhere */
			code = 0;
	}
	free(gone.list);
	return code;
}

static int drop_all(const struct fwh_set_changes *changes,
		    struct fwh_ipt_table *t)
{
	char chain[FWH_CHAIN_MAX];
	enum fwh_hook hook;
	int code = 0;

	for (hook = 0; !code && hook < FWH_HOOK_MAX; hook++) {
		fwh_dispatch_chain(hook, chain);
		code = drop_entries(changes, t, chain);
	}
	return code ? code : drop_chains(changes, t);
}

/* ---- what is wanted ---- */

static bool is_right(struct fwh_ipt_table *t, const void *there,
		     const void *wanted)
{
	return fwh_ipt_equal(t->family, there, t->iptc->target(there, t->h),
			     wanted, entry_target(t->family, wanted));
}

/* The rules of a set's own chain. */
static int sync_chain(struct fwh_ipt_table *t, const struct fwh_set *set,
		      uint16_t index)
{
	_Alignas(16) uint8_t entry[FWH_IPT_ENTRY_MAX];
	const void *e = NULL;
	size_t i;
	int code = 0;

	if (t->iptc->is_chain(set->chain, t->h)) {
		e = t->iptc->first(set->chain, t->h);
		for (i = 0; e && i < set->n_rules; i++) {
			fwh_ipt_pack_set(set, &set->rules[i], index, entry);
			if (!is_right(t, e, entry))
				break;
			e = t->iptc->next(e, t->h);
		}
		if (!e && i == set->n_rules)
			return 0;
		code = checked(t, t->iptc->flush(set->chain, t->h));
	} else {
		code = checked(t, t->iptc->create(set->chain, t->h));
	}
	for (i = 0; !code && i < set->n_rules; i++) {
		fwh_ipt_pack_set(set, &set->rules[i], index, entry);
		code = checked(t, t->iptc->append(set->chain, entry, t->h));
	}
	return code;
}

/* By rank; where two marks fit a packet, that for the smaller network of ours is
 * the last to be set. */
static unsigned int place_of(enum fwh_family family, const void *entry)
{
	return 256 * fwh_set_rank(fwh_ipt_comment(family, entry)) +
	       fwh_ipt_address_bits(family, entry);
}

/* Where a chain has the set's rule, and where it should be. */
struct spot {
	bool found, right;
	unsigned int at, best;
};

static struct spot find_spot(struct fwh_ipt_table *t, const char *chain,
			     const void *wanted)
{
	const char *name = fwh_ipt_comment(t->family, wanted), *comment;
	unsigned int at = 0, place = place_of(t->family, wanted);
	struct spot spot = { .best = UINT32_MAX };
	const void *e;

	for (e = t->iptc->first(chain, t->h); e;
	     e = t->iptc->next(e, t->h), at++) {
		comment = fwh_ipt_comment(t->family, e);
		if (!strcmp(comment, name)) {
			spot.found = true;
			spot.at = at;
			spot.right = is_right(t, e, wanted);
		} else if (spot.best == UINT32_MAX &&
			   fwh_set_is_ours(comment) &&
			   place_of(t->family, e) > place) {
			spot.best = at;
		}
	}
	if (spot.best == UINT32_MAX)
		spot.best = at;
	return spot;
}

static int sync_entry(struct fwh_ipt_table *t, const struct fwh_set *set,
		      uint16_t index, enum fwh_hook hook)
{
	_Alignas(16) uint8_t entry[FWH_IPT_ENTRY_MAX];
	char chain[FWH_CHAIN_MAX];
	struct spot spot;
	int code = 0;

	fwh_dispatch_chain(hook, chain);
	if (!t->iptc->is_chain(chain, t->h))
		code = checked(t, t->iptc->create(chain, t->h));
	if (code)
		return code;
	fwh_ipt_pack_set(set, &set->entry, index, entry);
	spot = find_spot(t, chain, entry);
	if (spot.found)
		return spot.right ? 0 :
		       checked(t, t->iptc->replace(chain, entry, spot.at, t->h));
	return checked(t, t->iptc->insert(chain, entry, spot.best, t->h));
}

static int sync_set(struct fwh_ipt_table *t, const struct fwh_set *set)
{
	enum fwh_hook hook;
	uint16_t index;
	int code = fwh_ipset_index(set->name, &index);

	if (!code && *set->chain)
		code = sync_chain(t, set, index);
	for (hook = 0; !code && hook < FWH_HOOK_MAX; hook++)
		if (set->hooks & 1u << hook)
			code = sync_entry(t, set, index, hook);
	return code;
}

static int settle(const struct fwh_set_changes *changes,
		  struct fwh_ipt_table *t)
{
	enum fwh_hook hook;
	int code = 0;

	for (hook = 0; !code && hook < FWH_HOOK_MAX; hook++)
		code = fwh_ipt_settle_dispatch(t, hook, changes->globals);
	return code;
}

/* ---- a table ---- */

/* *displaced: set if elements that were there lacked the rules. */
static int mend_set(struct fwh_ipt_table *t, const struct fwh_set *set,
		    bool *displaced)
{
	bool changed = t->changed;
	int code;

	t->changed = false;
	code = sync_set(t, set);
	if (t->changed && !set->fresh && fwh_set_keeps(set->name))
		*displaced = true;
	t->changed |= changed;
	return code;
}

static int sync_table(const struct fwh_set_changes *changes,
		      struct fwh_ipt_table *t)
{
	bool displaced = fwh_ipt_is_displaced(t);
	size_t i;
	int code = drop_all(changes, t);

	for (i = 0; !code && i < changes->n; i++)
		if (is_here(&changes->sets[i], t))
			code = mend_set(t, &changes->sets[i], &displaced);
	if (!code)
		code = settle(changes, t);
	if (displaced && changes->ret_displaced)
		*changes->ret_displaced = true;
	if (code || !t->changed)
		return code;
	code = fwh_ipt_keep_policies(t->family, t->h);
	return code ? code : fwh_ipt_commit(t->iptc, t->h);
}

/* Which extension is it that this kernel does not have? */
static const char *find_missing(const struct fwh_set_changes *changes,
				const struct fwh_ipt_table *t)
{
	_Alignas(16) uint8_t entry[FWH_IPT_ENTRY_MAX];
	const char *missing = NULL;
	size_t i, j;

	for (i = 0; !missing && i < changes->n; i++) {
		const struct fwh_set *set = &changes->sets[i];

		if (!is_here(set, t))
			continue;
		fwh_ipt_pack_set(set, &set->entry, 0, entry);
		missing = fwh_extension_missing(t->family, entry);
		for (j = 0; !missing && j < set->n_rules; j++) {
			fwh_ipt_pack_set(set, &set->rules[j], 0, entry);
			missing = fwh_extension_missing(t->family, entry);
		}
	}
	return missing;
}

/* Of rules in a person's own words, the first for this table; NULL: there is none. */
static const char *first_raw(const struct fwh_set_changes *changes,
			     const struct fwh_ipt_table *t)
{
	size_t i;

	for (i = 0; i < changes->n; i++)
		if (is_here(&changes->sets[i], t) && changes->sets[i].n_rules &&
		    changes->sets[i].rules[0].rule.raw)
			return changes->sets[i].rules[0].rule.raw->line;
	return NULL;
}

static int fail_table(const struct fwh_set_changes *changes,
		      const struct fwh_ipt_table *t, int code,
		      struct fwh_err *err)
{
	const char *raw = first_raw(changes, t);

	if (raw && code == -EINVAL)
		return fwh_ipt_fail_raw(t, raw, err);
	return fwh_ipt_fail(t, find_missing(changes, t), "commit", code, err);
}

static int apply_table(const struct fwh_set_changes *changes,
		       struct fwh_ipt_table *t, struct fwh_err *err)
{
	int tries, code = -EAGAIN;

	for (tries = 0; code == -EAGAIN && tries < FWH_IPT_COMMIT_TRIES;
	     tries++) {
		code = fwh_ipt_open_table(t, err);
		if (code)
			return code;
		code = sync_table(changes, t);
		t->iptc->free(t->h);
	}
	return code ? fail_table(changes, t, code, err) : 0;
}

/* Does the table have anything to do with this? */
static bool concerns(const struct fwh_set_changes *changes,
		     const struct fwh_ipt_table *t, bool present)
{
	size_t i;

	for (i = 0; i < changes->n; i++)
		if (is_here(&changes->sets[i], t))
			return true;
	if (!present)
		return false;
	for (i = 0; i < changes->gone->n; i++)
		if (fwh_set_family(changes->gone->list[i]) == t->family &&
		    fwh_set_table(changes->gone->list[i]) == t->table)
			return true;
	return changes->all;
}

int fwh_set_rules_apply(const struct fwh_set_changes *changes,
			struct fwh_err *err)
{
	struct fwh_ipt_table t = { .h = NULL };
	fwh_autofd lock = -1;
	unsigned int present;
	int code = 0;

	for (t.family = 0; !code && t.family < FWH_FAMILY_MAX; t.family++) {
		t.iptc = fwh_iptcs[t.family];
		code = fwh_ipt_tables_present(t.family, &present, err);
		for (t.table = 0; !code && t.table < FWH_TABLE_MAX; t.table++) {
			if (!concerns(changes, &t, present & 1u << t.table))
				continue;
			if (lock < 0)
				code = fwh_ipt_take_lock(changes->globals->lock_wait_ms,
							 &lock, err);
			if (!code)
				code = apply_table(changes, &t, err);
		}
	}
	return code;
}

/* ---- looking ---- */

static int complain(const struct fwh_ipt_table *t, struct fwh_held_list *ret,
		    const char *what)
{
	return fwh_held_add(ret, SIZE_MAX, FWH_STEP_MARK, FWH_MISSING,
			    "%s %s: %s", family_name[t->family],
			    fwh_table_name[t->table], what) ? 0 : -ENOMEM;
}

/* What would change is wrong; nothing is committed. */
static int read_table(const struct fwh_set_changes *changes,
		      struct fwh_ipt_table *t, struct fwh_held_list *ret,
		      struct fwh_set_names *ret_missing)
{
	size_t i;
	int code = 0;

	for (i = 0; !code && i < changes->n; i++) {
		const struct fwh_set *set = &changes->sets[i];

		t->changed = false;
		if (is_here(set, t))
			code = sync_set(t, set);
		if (code == -ENOENT)	/* its elements are missing, too */
			code = 0;
		else if (!code && t->changed)
			code = fwh_set_add_name(ret_missing, set->name);
	}
	t->changed = false;
	if (!code)
		code = settle(changes, t);
	if (!code && t->changed)
		code = complain(t, ret, "jumps to our chains");
	return code;
}

int fwh_set_rules_read(const struct fwh_set_changes *changes,
		       struct fwh_held_list *ret,
		       struct fwh_set_names *ret_missing, struct fwh_err *err)
{
	struct fwh_ipt_table t = { .h = NULL };
	unsigned int present;
	int code = 0;

	for (t.family = 0; !code && t.family < FWH_FAMILY_MAX; t.family++) {
		t.iptc = fwh_iptcs[t.family];
		code = fwh_ipt_tables_present(t.family, &present, err);
		for (t.table = 0; !code && t.table < FWH_TABLE_MAX; t.table++) {
			if (!concerns(changes, &t, present & 1u << t.table))
				continue;
			if (!(present & 1u << t.table)) {
				code = complain(&t, ret, "the table");
				continue;
			}
			code = fwh_ipt_open_table(&t, err);
			if (code)
				return code;
			code = read_table(changes, &t, ret, ret_missing);
			t.iptc->free(t.h);
			if (code)
				fwh_ipt_fail(&t, NULL, "read", code, err);
		}
	}
	return code;
}
