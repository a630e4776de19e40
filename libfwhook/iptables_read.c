// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iptables_read.c - what the legacy tables hold of each connection and have
 * counted, held against the plans.  Each table is read once; changes nothing.
 */
#include <errno.h>
#include <string.h>

#include <linux/netfilter/x_tables.h>

#include "backend.h"
#include "iptables_job.h"

/* A rule that is there, or one that is wanted. */
struct row {
	size_t conn, order;
	char chain[FWH_CHAIN_MAX];
	unsigned int at;		/* its place in the chain, from 1 */
	const void *entry;		/* there */
	const char *target;
	const struct fwh_rule *rule;	/* wanted */
};

struct rows {
	struct row *list;
	size_t n, cap;
};

struct owner {
	char name[FWH_CHAIN_MAX];	/* "fw-STEM-HASH" */
	size_t conn;
};

struct reading {
	const struct fwh_plan *plans;
	size_t n;
	struct owner *owners;		/* by name */
	enum fwh_family family;
	enum fwh_table table;
	const struct iptc *iptc;
	struct xtc_handle *h;		/* NULL: there is no such table */
	struct rows wanted, there;
	struct fwh_held_list *held;
};

/* ---- whose is a rule? ---- */

static int compare_owners(const void *a, const void *b)
{
	return strcmp(((const struct owner *)a)->name,
		      ((const struct owner *)b)->name);
}

static int list_owners(struct reading *reading)
{
	size_t i;

	reading->owners = calloc(reading->n + 1, sizeof(*reading->owners));
	if (!reading->owners)
		return -ENOMEM;
	for (i = 0; i < reading->n; i++) {
		const struct fwh_key *key = &reading->plans[i].key;

		snprintf(reading->owners[i].name,
			 sizeof(reading->owners[i].name), "fw-%s-%s",
			 key->stem, key->hash);
		reading->owners[i].conn = i;
	}
	if (reading->n)
		qsort(reading->owners, reading->n, sizeof(*reading->owners),
		      compare_owners);
	return 0;
}

/* Of the chain of a connection's part. */
static size_t find_conn(const struct reading *reading, const char *chain)
{
	const char *end = strrchr(chain, '-');
	const struct owner *found;
	struct owner wanted;

	if (strncmp(chain, "fw-", 3) || (size_t)(end - chain) >=
					sizeof(wanted.name))
		return SIZE_MAX;
	memcpy(wanted.name, chain, (size_t)(end - chain));
	wanted.name[end - chain] = '\0';
	found = bsearch(&wanted, reading->owners, reading->n, sizeof(wanted),
			compare_owners);
	return found ? found->conn : SIZE_MAX;
}

/* ---- what is wanted, and what is there ---- */

static struct row *add_row(struct rows *rows, size_t conn, const char *chain)
{
	struct row *row;

	if (!fwh_grow(&rows->list, rows->n, &rows->cap, sizeof(*row)))
		return NULL;
	row = &rows->list[rows->n];
	memset(row, 0, sizeof(*row));
	row->conn = conn;
	row->order = rows->n++;
	snprintf(row->chain, sizeof(row->chain), "%s", chain);
	return row;
}

static int want_all(struct reading *reading)
{
	char chain[FWH_CHAIN_MAX];
	struct row *row;
	size_t i, j;

	for (i = 0; i < reading->n; i++) {
		const struct fwh_plan *plan = &reading->plans[i];

		for (j = 0; j < plan->n; j++) {
			const struct fwh_rule *rule = &plan->rules[j];

			if (rule->family != reading->family ||
			    rule->table != reading->table)
				continue;
			fwh_rule_chain(&plan->key, rule, chain);
			row = add_row(&reading->wanted, i, chain);
			if (!row)
				return -ENOMEM;
			row->rule = rule;
		}
	}
	return 0;
}

static bool is_dispatch(const char *chain)
{
	char name[FWH_CHAIN_MAX];
	enum fwh_hook hook;

	for (hook = 0; hook < FWH_HOOK_MAX; hook++) {
		fwh_dispatch_chain(hook, name);
		if (!strcmp(name, chain))
			return true;
	}
	return false;
}

static int read_chain(struct reading *reading, const char *chain)
{
	bool dispatch = is_dispatch(chain);
	size_t conn = dispatch ? SIZE_MAX : find_conn(reading, chain);
	unsigned int at = 1;
	struct row *row;
	const void *e;

	if (!dispatch && conn == SIZE_MAX)
		return 0;
	for (e = reading->iptc->first(chain, reading->h); e;
	     e = reading->iptc->next(e, reading->h), at++) {
		const char *target = reading->iptc->target(e, reading->h);

		if (dispatch)
			conn = find_conn(reading, target);
		if (conn == SIZE_MAX)
			continue;
		row = add_row(&reading->there, conn, chain);
		if (!row)
			return -ENOMEM;
		row->at = at;
		row->entry = e;
		row->target = target;
	}
	return 0;
}

static int read_chains(struct reading *reading)
{
	const char *chain;
	int code = 0;

	if (!reading->h)
		return 0;
	for (chain = reading->iptc->first_chain(reading->h); chain && !code;
	     chain = reading->iptc->next_chain(reading->h))
		code = read_chain(reading, chain);
	return code;
}

/* ---- rows ---- */

static enum fwh_step step_of(enum fwh_table table, const struct fwh_rule *rule)
{
	static const enum fwh_step filter[FWH_PART_MAX] = {
		[FWH_PART_IN] = FWH_STEP_ACCEPT_IN,
		[FWH_PART_IPIP] = FWH_STEP_ACCEPT_IN,
		[FWH_PART_OUT] = FWH_STEP_ACCEPT_OUT,
		[FWH_PART_REJECT] = FWH_STEP_REJECT,
		[FWH_PART_IKE_IN] = FWH_STEP_IKE,
		[FWH_PART_IKE_OUT] = FWH_STEP_IKE,
	};
	static const enum fwh_step mangle[FWH_PART_MAX] = {
		[FWH_PART_IN] = FWH_STEP_GUARD_IN,
		[FWH_PART_OUT] = FWH_STEP_GUARD_OUT,
		[FWH_PART_MSS] = FWH_STEP_MSS,
		[FWH_PART_RESTORE] = FWH_STEP_MARK,
		[FWH_PART_ESP] = FWH_STEP_MARK,
	};

	if (rule->part >= FWH_PART_RAW_PRE && rule->part <= FWH_PART_RAW_POST)
		return FWH_STEP_RAW;
	if (table == FWH_NAT)
		return FWH_STEP_NAT;
	if (table == FWH_FILTER)
		return filter[rule->part];
	return rule->action == FWH_SET_MARK ||
	       rule->action == FWH_CONNMARK_SAVE ? FWH_STEP_MARK :
						   mangle[rule->part];
}

/* By the part that its name ends with. */
static enum fwh_step step_of_chain(enum fwh_table table,
				   const struct fwh_key *key,
				   const char *chain)
{
	struct fwh_rule rule = { .action = FWH_JUMP };
	char name[FWH_CHAIN_MAX];

	for (rule.part = 0; rule.part < FWH_PART_MAX; rule.part++) {
		fwh_part_chain(key, rule.part, name);
		if (!strcmp(name, chain))
			return step_of(table, &rule);
	}
	return FWH_STEP_MARK;
}

static bool decides(const struct fwh_rule *rule)
{
	return rule->action != FWH_RETURN && rule->action != FWH_JUMP &&
	       rule->action != FWH_DO_LOG && rule->action != FWH_DO_NFLOG;
}

static void take_counters(const struct reading *reading, const void *entry,
			  struct fwh_held *held)
{
	struct fwh_ipt_view view = fwh_ipt_view(reading->family, entry);
	struct xt_counters counters;

	memcpy(&counters, (const uint8_t *)entry + view.counters,
	       sizeof(counters));
	held->counted = true;
	held->packets = counters.pcnt;
	held->bytes = counters.bcnt;
}

static int add_wanted(struct reading *reading, const struct row *row,
		      const void *entry)
{
	const struct fwh_key *key = &reading->plans[row->conn].key;
	fwh_autofree char *text = NULL;
	struct fwh_print printed;
	struct fwh_held *held;
	FILE *f = fwh_print_begin(&printed);

	if (!f)
		return -ENOMEM;
	fwh_rule_print(key, row->rule, f);
	text = fwh_print_end(&printed, f);
	if (!text)
		return -ENOMEM;
	held = fwh_held_add(reading->held, row->conn,
			    step_of(reading->table, row->rule),
			    entry ? FWH_HELD : FWH_MISSING, "%s %s",
			    fwh_table_name[reading->table], text);
	if (!held)
		return -ENOMEM;
	held->decides = decides(row->rule);
	if (entry)
		take_counters(reading, entry, held);
	return 0;
}

static int add_extra(struct reading *reading, const struct row *row)
{
	const struct fwh_key *key = &reading->plans[row->conn].key;
	const char *chain = is_dispatch(row->chain) ? row->target : row->chain;
	struct fwh_held *held =
		fwh_held_add(reading->held, row->conn,
			     step_of_chain(reading->table, key, chain),
			     FWH_EXTRA, "%s %s: rule %u of chain %s, target %s",
			     reading->family == FWH_IPV4 ? "IPv4" : "IPv6",
			     fwh_table_name[reading->table], row->at,
			     row->chain, row->target);

	if (!held)
		return -ENOMEM;
	take_counters(reading, row->entry, held);
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int diff = (x->conn > y->conn) - (x->conn < y->conn);

	if (!diff)
		diff = strcmp(x->chain, y->chain);
	return diff ? diff : (x->order > y->order) - (x->order < y->order);
}

static bool same_chain(const struct row *a, const struct row *b)
{
	return a->conn == b->conn && !strcmp(a->chain, b->chain);
}

static bool is_right(const struct reading *reading, const struct row *wanted,
		     const struct row *there)
{
	_Alignas(16) uint8_t entry[FWH_IPT_ENTRY_MAX];
	const struct xt_entry_target *target;
	struct fwh_ipt_view view;

	fwh_ipt_pack(&reading->plans[wanted->conn].key, wanted->rule, entry);
	view = fwh_ipt_view(reading->family, entry);
	target = (const void *)(entry + view.target);
	return fwh_ipt_equal(reading->family, there->entry, there->target,
			     entry, target->u.user.name);
}

/* Rules of one chain, in order: what is skipped to find the next wanted one is
 * too many, what is not found is missing. */
static int compare_chain(struct reading *reading, const struct row *wanted,
			 size_t n_wanted, const struct row *there,
			 size_t n_there)
{
	size_t i, j = 0, k;
	int code = 0;

	for (i = 0; !code && i < n_wanted; i++) {
		for (k = j; k < n_there; k++)
			if (is_right(reading, &wanted[i], &there[k]))
				break;
		if (k == n_there) {
			code = add_wanted(reading, &wanted[i], NULL);
			continue;
		}
		for (; !code && j < k; j++)
			code = add_extra(reading, &there[j]);
		if (!code)
			code = add_wanted(reading, &wanted[i], there[j++].entry);
	}
	for (; !code && j < n_there; j++)
		code = add_extra(reading, &there[j]);
	return code;
}

static size_t count_chain(const struct rows *rows, size_t first)
{
	size_t i;

	for (i = first; i < rows->n; i++)
		if (!same_chain(&rows->list[i], &rows->list[first]))
			break;
	return i - first;
}

/* -1: the first chain comes first in both lists. */
static int compare_chains(const struct rows *wanted, size_t i,
			  const struct rows *there, size_t j)
{
	const struct row *x = &wanted->list[i], *y = &there->list[j];

	if (i == wanted->n || j == there->n)
		return i == wanted->n ? 1 : -1;
	if (x->conn != y->conn)
		return x->conn < y->conn ? -1 : 1;
	return strcmp(x->chain, y->chain);
}

static int compare_all(struct reading *reading)
{
	struct rows *wanted = &reading->wanted, *there = &reading->there;
	size_t i = 0, j = 0, n, m;
	int code = 0, diff;

	if (wanted->n)
		qsort(wanted->list, wanted->n, sizeof(*wanted->list),
		      compare_rows);
	if (there->n)
		qsort(there->list, there->n, sizeof(*there->list),
		      compare_rows);
	while (!code && (i < wanted->n || j < there->n)) {
		diff = compare_chains(wanted, i, there, j);
		n = diff <= 0 ? count_chain(wanted, i) : 0;
		m = diff >= 0 ? count_chain(there, j) : 0;
		code = compare_chain(reading, wanted->list + i, n,
				     there->list + j, m);
		i += n;
		j += m;
	}
	return code;
}

/* ---- the jumps to our chains ---- */

static bool wants_hook(const struct reading *reading, enum fwh_hook hook)
{
	size_t i;

	for (i = 0; i < reading->wanted.n; i++)
		if (reading->wanted.list[i].rule->dispatch &&
		    reading->wanted.list[i].rule->hook == hook)
			return true;
	return false;
}

/* In mangle and nat it has to be the first rule, in filter it may be anywhere. */
static bool has_hook(const struct reading *reading, enum fwh_hook hook,
		     const char *chain)
{
	const char *builtin = fwh_hook_name[hook];
	const void *e;

	if (!reading->h)
		return false;
	for (e = reading->iptc->first(builtin, reading->h); e;
	     e = reading->iptc->next(e, reading->h)) {
		if (!strcmp(reading->iptc->target(e, reading->h), chain))
			return true;
		if (reading->table != FWH_FILTER)
			return false;
	}
	return false;
}

static int compare_hooks(struct reading *reading)
{
	char chain[FWH_CHAIN_MAX];
	enum fwh_hook hook;

	for (hook = 0; hook < FWH_HOOK_MAX; hook++) {
		fwh_dispatch_chain(hook, chain);
		if (!wants_hook(reading, hook) ||
		    has_hook(reading, hook, chain))
			continue;
		if (!fwh_held_add(reading->held, SIZE_MAX, FWH_STEP_MARK,
				  FWH_MISSING, "%s %s: -%c %s -j %s",
				  reading->family == FWH_IPV4 ? "IPv4" : "IPv6",
				  fwh_table_name[reading->table],
				  reading->table == FWH_FILTER ? 'A' : 'I',
				  fwh_hook_name[hook], chain))
			return -ENOMEM;
	}
	return 0;
}

/* ---- the whole ---- */

static int read_table(struct reading *reading, bool present,
		      struct fwh_err *err)
{
	const char *name = fwh_table_name[reading->table];
	int code;

	reading->h = NULL;
	reading->wanted.n = reading->there.n = 0;
	if (present) {
		reading->h = fwh_ipt_read(reading->iptc, reading->table);
		if (!reading->h)
			return fwh_fail(err, -errno, "%s table %s: %s",
					reading->family == FWH_IPV4 ? "IPv4" :
								      "IPv6",
					name, errno == EPERM ? "not permitted; "
					"CAP_NET_ADMIN and CAP_NET_RAW are "
					"needed" : reading->iptc->strerror(errno));
	}
	code = want_all(reading);
	if (!code)
		code = read_chains(reading);
	if (!code)
		code = compare_all(reading);
	if (!code)
		code = compare_hooks(reading);
	if (reading->h)
		reading->iptc->free(reading->h);
	return code ? fwh_fail(err, code, "out of memory") : 0;
}

int fwh_ipt_compile_known(const struct fwh_plan *plans, size_t n,
			  struct fwh_err *err)
{
	fwh_autofree const struct fwh_plan **list = calloc(n + 1,
							   sizeof(*list));
	size_t i;
	int code;

	if (!list)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < n; i++)
		list[i] = &plans[i];
	code = fwh_ipt_compile(list, n, err);
	for (i = 0; code == -EINVAL && i < n; i++)
		fwh_ipt_compile(&list[i], 1, NULL);
	return code == -EINVAL ? 0 : code;
}

int fwh_iptables_read(const struct fwh_globals *globals,
		      const struct fwh_plan *plans, size_t n,
		      struct fwh_held_list *ret, struct fwh_err *err)
{
	struct reading reading = { .plans = plans, .n = n, .held = ret };
	int code = list_owners(&reading);
	enum fwh_family family;
	enum fwh_table table;

	(void)globals;
	if (code)
		fwh_fail(err, code, "out of memory");
	if (!code)
		code = fwh_ipt_compile_known(plans, n, err);
	for (family = 0; !code && family < FWH_FAMILY_MAX; family++) {
		unsigned int present;

		code = fwh_ipt_tables_present(family, &present, err);
		reading.family = family;
		reading.iptc = fwh_iptcs[family];
		for (table = 0; !code && table < FWH_TABLE_MAX; table++) {
			reading.table = table;
			code = read_table(&reading, present & 1u << table, err);
		}
	}
	free(reading.owners);
	free(reading.wanted.list);
	free(reading.there.list);
	return code;
}
