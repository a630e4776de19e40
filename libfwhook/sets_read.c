// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sets_read.c - what the sets hold of each connection and have counted, held
 * against the plans; and flushing them.  Each set is read once.
 */
#include <errno.h>
#include <string.h>

#include "backend.h"
#include "iptables_job.h"
#include "sets_job.h"

/* An element that is there, or one that is wanted. */
struct row {
	char set[FWH_IPSET_NAME_MAX], owner[FWH_SET_OWNER_MAX];
	struct fwh_net net;
	uint64_t packets, bytes;
	bool wanted;			/* by somebody */
};

struct rows {
	struct row *list;		/* by owner */
	size_t n, cap;
};

struct reading {
	const struct fwh_plan *plans;
	size_t n;
	struct fwh_sets *sets;		/* one a plan */
	struct fwh_sets looked;		/* whose rules should be there */
	struct fwh_set_names names;
	struct rows there;
	const char *set;
	struct fwh_held_list *held;
};

static int take_element(const struct fwh_ipset_element *element, void *arg)
{
	struct reading *reading = arg;
	struct row *row;

	if (!element->comment || strlen(element->comment) >= sizeof(row->owner))
		return 0;		/* somebody else's */
	if (!fwh_grow(&reading->there.list, reading->there.n,
		      &reading->there.cap, sizeof(*row)))
		return -ENOMEM;
	row = &reading->there.list[reading->there.n++];
	memset(row, 0, sizeof(*row));
	strcpy(row->set, reading->set);
	strcpy(row->owner, element->comment);
	row->net = element->net;
	row->packets = element->packets;
	row->bytes = element->bytes;
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->owner,
		      ((const struct row *)b)->owner);
}

static int read_sets(struct reading *reading, struct fwh_ipset *link)
{
	size_t i;
	int code = fwh_set_list_names(link, &reading->names);

	if (code == -ENOPROTOOPT)	/* and so nothing is there */
		code = 0;
	for (i = 0; !code && i < reading->names.n; i++) {
		reading->set = reading->names.list[i];
		code = fwh_ipset_list(link, reading->set, take_element,
				      reading);
	}
	if (!code && reading->there.n)
		qsort(reading->there.list, reading->there.n,
		      sizeof(*reading->there.list), compare_rows);
	return code;
}

static int build_all(struct reading *reading)
{
	size_t i;
	int code = 0;

	reading->sets = calloc(reading->n + 1, sizeof(*reading->sets));
	if (!reading->sets)
		return -ENOMEM;
	for (i = 0; !code && i < reading->n; i++)
		code = fwh_sets_build(&reading->plans[i], &reading->sets[i]);
	return code;
}

/* ---- rows ---- */

/* The first of an owner's. */
static size_t first_row(const struct rows *rows, const char *owner)
{
	size_t lo = 0, hi = rows->n;

	while (lo < hi) {
		size_t middle = (lo + hi) / 2;

		if (strcmp(rows->list[middle].owner, owner) < 0)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

/* In whatever layer. */
static struct row *find_row(struct reading *reading, const char *owner,
			    const struct fwh_set *set,
			    const struct fwh_set_key *key,
			    struct fwh_set *ret_set)
{
	size_t first = first_row(&reading->there, owner), i;
	unsigned int layer;

	*ret_set = *set;
	for (layer = 0; !layer || fwh_set_has_name(&reading->names,
						   ret_set->name); layer++) {
		fwh_set_layer(set, layer, ret_set);
		for (i = first; i < reading->there.n; i++) {
			struct row *row = &reading->there.list[i];

			if (strcmp(row->owner, owner) != 0)
				break;
			if (!row->wanted && !strcmp(row->set, ret_set->name) &&
			    row->net.len == key->net.len &&
			    fwh_addr_equal(&row->net.addr, &key->net.addr))
				return row;
		}
	}
	*ret_set = *set;
	return NULL;
}

/* The rule that says what becomes of whom the set has: the last of its own. */
static const struct fwh_set_rule *last_rule(const struct fwh_set *set)
{
	return set->n_rules ? &set->rules[set->n_rules - 1] : &set->entry;
}

static char *print_rule(const struct fwh_set *set)
{
	char chain[FWH_CHAIN_MAX];
	enum fwh_hook hook = 0;
	struct fwh_print text;
	FILE *f = fwh_print_begin(&text);

	if (!f)
		return NULL;
	while (!(set->hooks & 1u << hook))
		hook++;
	fwh_dispatch_chain(hook, chain);
	fprintf(f, "%s ", fwh_table_name[set->table]);
	fwh_set_rule_print(set, last_rule(set), set->n_rules ? set->chain :
							       chain, f);
	return fwh_print_end(&text, f);
}

static char *print_key(const struct fwh_set *set, const struct fwh_set_key *key,
		       const char *owner)
{
	struct fwh_print text;
	FILE *f = fwh_print_begin(&text);

	if (!f)
		return NULL;
	fwh_set_key_print(set, key, owner, f);
	return fwh_print_end(&text, f);
}

static int add_wanted(struct reading *reading, size_t conn, const char *owner,
		      const struct fwh_set *set, const struct fwh_set_key *key)
{
	fwh_autofree char *text = NULL;
	struct fwh_set layer;
	struct row *row = find_row(reading, owner, set, key, &layer);
	struct fwh_held *held;

	text = print_key(&layer, key, owner);
	held = text ? fwh_held_add(reading->held, conn, set->step, row ?
				   FWH_HELD : FWH_MISSING, "%s", text) : NULL;
	if (!held)
		return -ENOMEM;
	held->rule = print_rule(&layer);
	if (!held->rule)
		return -ENOMEM;
	held->decides = true;
	held->counted = row != NULL && last_rule(set)->counts;
	if (!row)
		return 0;
	row->wanted = true;
	held->packets = row->packets;
	held->bytes = row->bytes;
	return fwh_sets_add_once(&reading->looked, &layer);
}

static int add_extra(struct reading *reading, size_t conn,
		     const struct row *row)
{
	char buf[FWH_ADDR_STRLEN];

	return fwh_held_add(reading->held, conn, fwh_set_step(row->set),
			    FWH_EXTRA, "add %s %s/%u comment \"%s\"", row->set,
			    fwh_addr_format(&row->net.addr, buf), row->net.len,
			    row->owner) ? 0 : -ENOMEM;
}

/* What a connection wants, and what else it has. */
static int compare_conn(struct reading *reading, size_t conn)
{
	const struct fwh_sets *sets = &reading->sets[conn];
	char owner[FWH_SET_OWNER_MAX];
	size_t i, j;
	int code = 0;

	fwh_set_owner(&reading->plans[conn].key, owner);
	for (i = 0; i < sets->n; i++)
		for (j = 0; !code && j < sets->list[i].n_keys; j++)
			code = add_wanted(reading, conn, owner, &sets->list[i],
					  &sets->list[i].keys[j]);
	for (i = first_row(&reading->there, owner); !code &&
	     i < reading->there.n; i++) {
		struct row *row = &reading->there.list[i];

		if (strcmp(row->owner, owner) != 0)
			break;
		if (!row->wanted)
			code = add_extra(reading, conn, row);
		row->wanted = true;
	}
	return code;
}

static int compare_all(struct reading *reading)
{
	size_t i;
	int code = 0;

	for (i = 0; !code && i < reading->n; i++)
		code = compare_conn(reading, i);
	for (i = 0; !code && i < reading->there.n; i++)
		if (!reading->there.list[i].wanted)
			code = add_extra(reading, SIZE_MAX,
					 &reading->there.list[i]);
	return code;
}

/* ---- rules ---- */

/* Rules are missing for each connection that should have an element of such a set. */
static int add_missing(struct reading *reading, const struct fwh_set *lacking)
{
	size_t i, j;
	int code = 0;

	for (i = 0; i < reading->n; i++)
		for (j = 0; !code && j < reading->sets[i].n; j++) {
			const struct fwh_set *set = &reading->sets[i].list[j];
			fwh_autofree char *text = NULL;

			if (strcmp(set->name, lacking->name) != 0)
				continue;
			text = print_rule(set);
			if (!text || !fwh_held_add(reading->held, i, set->step,
						   FWH_MISSING, "%s", text))
				code = -ENOMEM;
		}
	return code;
}

static int compare_rules(struct reading *reading,
			 const struct fwh_globals *globals, struct fwh_err *err)
{
	static const struct fwh_set_names none;
	struct fwh_set_changes changes = {
		.globals = globals, .gone = &none,
		.sets = reading->looked.list, .n = reading->looked.n,
	};
	struct fwh_set_names missing = { .n = 0 };
	size_t i;
	int code = fwh_set_rules_read(&changes, reading->held, &missing, err);

	for (i = 0; !code && i < reading->looked.n; i++)
		if (fwh_set_has_name(&missing, reading->looked.list[i].name))
			code = add_missing(reading, &reading->looked.list[i]);
	free(missing.list);
	return code;
}

int fwh_sets_read(const struct fwh_globals *globals,
		  const struct fwh_plan *plans, size_t n,
		  struct fwh_held_list *ret, struct fwh_err *err)
{
	struct reading reading = { .plans = plans, .n = n, .held = ret };
	struct fwh_ipset *link = NULL;
	size_t i;
	int code = build_all(&reading);

	if (err)
		*err->msg = '\0';
	if (!code)
		code = fwh_ipt_compile_known(plans, n, err);
	if (!code)
		code = fwh_ipset_open(&link, err);
	if (!code)
		code = read_sets(&reading, link);
	if (!code)
		code = compare_all(&reading);
	if (!code)
		code = compare_rules(&reading, globals, err);
	fwh_ipset_close(link);
	for (i = 0; reading.sets && i < n; i++)
		fwh_sets_free(&reading.sets[i]);
	free(reading.sets);
	free(reading.looked.list);
	free(reading.names.list);
	free(reading.there.list);
	if (code && err && !*err->msg)
		fwh_fail(err, fwh_ipset_errno(code), "ip_set: %s",
			 fwh_ipset_strerror(code));
	return fwh_ipset_errno(code);
}

/* ---- flushing ---- */

static int destroy_all(struct fwh_ipset *link, const struct fwh_set_names *names,
		       int *results, struct fwh_err *err)
{
	size_t i;
	int code;

	for (i = 0; i < names->n; i++)
		fwh_ipset_destroy(link, names->list[i]);
	fwh_ipset_destroy(link, FWH_SETS_OWNERS);
	code = fwh_ipset_send(link, results);
	if (code)
		return fwh_sets_explain(code, err);
	for (i = 0; !code && i < names->n; i++)
		if (results[i])
			code = fwh_fail(err, fwh_ipset_errno(results[i]),
					"ip_set: %s: %s", names->list[i],
					fwh_ipset_strerror(results[i]));
	return code;
}

/* The rules first, of whom nobody knows as well; then what they look into. */
int fwh_sets_flush(const struct fwh_globals *globals, struct fwh_err *err)
{
	struct fwh_set_names names = { .n = 0 };
	fwh_autofree int *results = NULL;
	struct fwh_ipset *link;
	int code = fwh_ipset_open(&link, err);

	if (code)
		return code;
	code = fwh_set_list_names(link, &names);
	results = calloc(names.n + 1, sizeof(*results));
	if (!code && !results)
		code = -ENOMEM;
	if (code)
		fwh_sets_explain(code, err);
	else if (names.n)
		code = fwh_iptables_flush(globals, err);
	if (!code)
		code = destroy_all(link, &names, results, err);
	fwh_ipset_close(link);
	free(names.list);
	return code == -ENOPROTOOPT ? 0 : code;
}
