// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iptables_flush.c - the legacy tables hold nothing of ours any more, whether
 * anybody remembers it or not.
 */
#include <errno.h>
#include <string.h>

#include "backend.h"
#include "iptables_job.h"

struct table {
	const struct iptc *iptc;
	struct xtc_handle *h;
	bool changed;
};

/* Rules that jump to our chains go, in whatever chain they are. */
static int cut_jumps(struct table *t, const char *chain)
{
	unsigned int at = 0;
	const void *e = t->iptc->first(chain, t->h), *next;

	while (e) {
		next = t->iptc->next(e, t->h);
		if (fwh_is_our_chain(t->iptc->target(e, t->h))) {
			if (!t->iptc->delete(chain, at, t->h))
				return -errno;
			t->changed = true;
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
static int list_chains(struct table *t, struct names *ret)
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

static int flush_chains(struct table *t, const struct names *names)
{
	size_t i;
	int code = 0;

	for (i = 0; !code && i < names->n; i++)
		if (!fwh_is_our_chain(names->list[i]))
			code = cut_jumps(t, names->list[i]);
		else if (t->iptc->flush(names->list[i], t->h))
			t->changed = true;
		else
			code = -errno;
	for (i = 0; !code && i < names->n; i++)
		if (fwh_is_our_chain(names->list[i]) &&
		    !t->iptc->remove(names->list[i], t->h))
			code = -errno;
	return code;
}

static int flush_table(enum fwh_family family, enum fwh_table table,
		       struct fwh_err *err)
{
	struct table t = { .iptc = fwh_iptcs[family] };
	struct names names = { .n = 0 };
	int code = 0;

	t.h = t.iptc->init(fwh_table_name[table]);
	if (!t.h)
		return fwh_fail(err, -errno, "%s table %s: %s",
				family == FWH_IPV4 ? "IPv4" : "IPv6",
				fwh_table_name[table], t.iptc->strerror(errno));
	code = list_chains(&t, &names);
	if (!code)
		code = flush_chains(&t, &names);
	if (!code && t.changed)
		code = fwh_ipt_keep_policies(family, t.h);
	if (!code && t.changed && !t.iptc->commit(t.h))
		code = -errno;
	t.iptc->free(t.h);
	free(names.list);
	return code ? fwh_fail(err, code, "%s table %s: flush: %s",
			       family == FWH_IPV4 ? "IPv4" : "IPv6",
			       fwh_table_name[table],
			       t.iptc->strerror(-code)) : 0;
}

int fwh_iptables_flush(const struct fwh_globals *globals, struct fwh_err *err)
{
	fwh_autofd lock = -1;
	enum fwh_family family;
	enum fwh_table table;
	int code = fwh_ipt_take_lock(globals->lock_wait_ms, &lock, err);

	for (family = 0; !code && family < FWH_FAMILY_MAX; family++) {
		unsigned int present = fwh_ipt_tables_present(family);

		for (table = 0; !code && table < FWH_TABLE_MAX; table++)
			if (present & 1u << table)
				code = flush_table(family, table, err);
	}
	return code;
}
