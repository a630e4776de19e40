// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iptables_flush.c - the legacy tables hold nothing of ours any more, whether
 * anybody remembers it or not; or nothing of connections that nobody remembers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "iptables_job.h"

/* What goes: all that is ours, or, with a list of them, what is nobody's whose
 * chains begin so. */
struct going {
	char (*known)[FWH_CHAIN_MAX];	/* NULL: all goes */
	size_t n;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool goes(const struct going *going, const char *chain)
{
	char name[FWH_CHAIN_MAX] = "";

	if (!going->known)
		return fwh_is_our_chain(chain);
	if (!fwh_is_part_chain(chain))
		return false;
	memcpy(name, chain, (size_t)(strrchr(chain, '-') - chain));
	return !bsearch(name, going->known, going->n, sizeof(name),
			compare_names);
}

/* Rules that jump to what goes go, too. */
static int cut_jumps(struct fwh_ipt_table *t, const struct going *going,
		     const char *chain)
{
	unsigned int at = 0;
	const void *e = t->iptc->first(chain, t->h), *next;

	while (e) {
		next = t->iptc->next(e, t->h);
		if (goes(going, t->iptc->target(e, t->h))) {
			int code = checked(t, t->iptc->delete(chain, at, t->h));

			if (code)
				return code;
			/* Deleting ends the walk. */
			e = t->iptc->first(chain, t->h);
			at = 0;
			continue;
		}
		e = next;
		at++;
	}
	return 0;
}

struct names {
	char (*list)[FWH_CHAIN_MAX];
	size_t n, cap;
};

/* libiptc's own walk through chains does not survive changes. */
static int list_chains(struct fwh_ipt_table *t, struct names *ret)
{
	const char *chain;

	for (chain = t->iptc->first_chain(t->h); chain;
	     chain = t->iptc->next_chain(t->h)) {
		if (!fwh_grow(&ret->list, ret->n, &ret->cap,
			      sizeof(*ret->list)))
			return -ENOMEM;
		snprintf(ret->list[ret->n++], FWH_CHAIN_MAX, "%s", chain);
	}
	return 0;
}

/* Of connections that nobody remembers only our own chains speak; an operator's
 * that does too keeps what it speaks of, empty. */
static int drop_chains(struct fwh_ipt_table *t, const struct going *going,
		       const struct names *names)
{
	size_t i;
	int code = 0;

	for (i = 0; !code && i < names->n; i++)
		if (goes(going, names->list[i]))
			code = checked(t, t->iptc->flush(names->list[i], t->h));
		else if (!going->known || fwh_is_our_chain(names->list[i]))
			code = cut_jumps(t, going, names->list[i]);
	for (i = 0; !code && i < names->n; i++) {
		if (!goes(going, names->list[i]))
			continue;
		code = checked(t, t->iptc->remove(names->list[i], t->h));
		if (code == -EMLINK && going->known)
			code = 0;
	}
	return code;
}

static int settle(struct fwh_ipt_table *t, const struct fwh_globals *globals)
{
	enum fwh_hook hook;
	int code = 0;

	for (hook = 0; !code && hook < FWH_HOOK_MAX; hook++)
		code = fwh_ipt_settle_dispatch(t, hook, globals);
	return code;
}

static int drop_of_table(struct fwh_ipt_table *t, const struct going *going,
			 const struct fwh_globals *globals, struct fwh_err *err)
{
	struct names names = { .n = 0 };
	int code = fwh_ipt_open_table(t, err);

	if (code)
		return code;
	code = list_chains(t, &names);
	if (!code)
		code = drop_chains(t, going, &names);
	if (!code && t->changed && going->known)
		code = settle(t, globals);
	if (!code && t->changed)
		code = fwh_ipt_keep_policies(t->family, t->h);
	if (!code && t->changed)
		code = fwh_ipt_commit(t->iptc, t->h);
	t->iptc->free(t->h);
	free(names.list);
	return code ? fwh_ipt_fail(t, NULL, "flush", code, err) : 0;
}

static int drop(const struct going *going, const struct fwh_globals *globals,
		struct fwh_err *err)
{
	struct fwh_ipt_table t;
	int code = 0;

	for (t.family = 0; !code && t.family < FWH_FAMILY_MAX; t.family++) {
		unsigned int present;

		code = fwh_ipt_tables_present(t.family, &present, err);
		t.iptc = fwh_iptcs[t.family];
		for (t.table = 0; !code && t.table < FWH_TABLE_MAX; t.table++)
			if (present & 1u << t.table)
				code = drop_of_table(&t, going, globals, err);
	}
	return code;
}

int fwh_ipt_drop_nobodys(const struct fwh_globals *globals,
			 const struct fwh_change *changes, size_t n,
			 struct fwh_err *err)
{
	struct going going = { .n = n };
	size_t i;
	int code;

	going.known = calloc(n + 1, sizeof(*going.known));
	if (!going.known)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < n; i++)
		snprintf(going.known[i], FWH_CHAIN_MAX, "fw-%s-%s",
			 changes[i].plan->key.stem, changes[i].plan->key.hash);
	qsort(going.known, n, sizeof(*going.known), compare_names);
	code = drop(&going, globals, err);
	free(going.known);
	return code;
}

int fwh_iptables_flush(const struct fwh_globals *globals, struct fwh_err *err)
{
	static const struct going all;
	fwh_autofd lock = -1;
	int code = fwh_ipt_take_lock(globals->lock_wait_ms, &lock, err);

	return code ? code : drop(&all, globals, err);
}
