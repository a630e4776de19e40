// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sets_add.c - what comes: sets, elements, the word whose they are, and rules.
 */
#include <errno.h>
#include <string.h>

#include "iptables_job.h"
#include "sets_job.h"

/* Connections of the same addresses, each in a set of its own. */
#define LAYERS_MAX	4096

struct fwh_ipset_element fwh_sets_element(const struct job *job,
					  const struct claim *claim)
{
	struct fwh_ipset_element element = { .comment = NULL };

	element.net = claim->key->net;
	element.mark = claim->key->mark;
	element.comment = job->owners[claim->conn];
	return element;
}

/* The place of the next, and what it takes to take back what was made for it. */
static struct fwh_set *next_fresh(struct job *job)
{
	if (!fwh_grow(&job->fresh, job->n_fresh, &job->cap_fresh,
		      sizeof(*job->fresh)) ||
	    !fwh_grow(&job->made.list, job->n_fresh, &job->made.cap,
		      sizeof(*job->made.list)))
		return NULL;
	return &job->fresh[job->n_fresh];
}

/* The set of the claim's layer, made if need be. */
static int need_set(struct job *job, struct claim *claim)
{
	struct fwh_set *fresh;

	if (claim->layer == LAYERS_MAX)
		return -EMFILE;
	fresh = next_fresh(job);
	if (!fresh)
		return -ENOMEM;
	fwh_set_layer(claim->set, claim->layer, fresh);
	strcpy(claim->name, fresh->name);
	if (fwh_set_has_name(&job->names, fresh->name)) {
		job->n_fresh += claim->layer > 0;	/* nobody asked for it */
		return 0;
	}
	fresh->fresh = true;
	job->n_fresh++;
	fwh_ipset_create(job->link, fresh->name, fresh->family, fresh->marks ?
			 FWH_IPSET_MARKS : FWH_IPSET_NETS);
	return fwh_set_add_name(&job->names, fresh->name);
}

/* That a set's rules are in its table, the set of owners says, too, and what shape
 * the table had then.  A call that was killed may have left the set alone, and
 * somebody may have flushed the table since: then it is looked at. */
struct fwh_ipset_element fwh_sets_ruled(const struct job *job, const char *set)
{
	return fwh_set_has_rules(set, job->shapes[fwh_set_family(set)]
						 [fwh_set_table(set)]);
}

/* What the settings say of rules that are not a set's. */
static uint64_t hash_globals(const struct fwh_globals *globals)
{
	uint64_t h = FWH_HASH_START + globals->position;
	size_t i;

	for (i = 0; i < globals->devices.n; i++)
		fwh_hash_bytes(&h, globals->devices.list[i],
			       strlen(globals->devices.list[i]) + 1);
	return h;
}

void fwh_sets_see_shapes(struct job *job)
{
	uint64_t settings = hash_globals(job->globals);
	enum fwh_family family;
	enum fwh_table table;
	unsigned int wanted = 0;
	size_t i;

	for (i = 0; i < job->names.n; i++)
		wanted |= 1u << (FWH_TABLE_MAX *
				 fwh_set_family(job->names.list[i]) +
				 fwh_set_table(job->names.list[i]));
	for (family = 0; family < FWH_FAMILY_MAX; family++)
		for (table = 0; table < FWH_TABLE_MAX; table++)
			if (wanted & 1u << (FWH_TABLE_MAX * family + table))
				job->shapes[family][table] =
					fwh_ipt_shape(family, table) ^ settings;
}

static int find_unruled(struct job *job)
{
	struct fwh_sets sets = { .n = 0 };
	fwh_autofree int *results = NULL;
	struct fwh_ipset_element element;
	struct fwh_set *fresh;
	size_t i;
	int code = fwh_sets_all(job, &sets);

	results = calloc(sets.n + 1, sizeof(*results));
	if (!code && !results)
		code = -ENOMEM;
	fwh_sets_see_shapes(job);
	for (i = 0; i < sets.n; i++) {
		element = fwh_sets_ruled(job, sets.list[i].name);
		fwh_ipset_test(job->link, FWH_SETS_OWNERS, &element);
	}
	if (!code)
		code = fwh_ipset_send(job->link, results);
	for (i = 0; !code && i < sets.n; i++) {
		if (!results[i] ||
		    !fwh_set_has_name(&job->names, sets.list[i].name))
			continue;
		fresh = next_fresh(job);
		if (!fresh) {
			code = -ENOMEM;
			break;
		}
		*fresh = sets.list[i];
		job->n_fresh++;
	}
	free(sets.list);
	return code;
}

static int make_sets(struct job *job)
{
	size_t i;
	int code = 0;

	for (i = 0; !code && i < job->n_claims; i++)
		if (!job->claims[i].had && !job->claims[i].added)
			code = need_set(job, &job->claims[i]);
	return code ? code : fwh_ipset_send(job->link, NULL);
}

/* The element and whose it is, where it is free for sure, whose it is first: a call
 * that is killed leaves none that nobody will take away. */
static void add_element(struct job *job, struct claim *claim)
{
	struct fwh_ipset_element element;

	if (claim->free) {
		element = fwh_set_owned(claim->name, &claim->key->net,
					job->owners[claim->conn]);
		fwh_ipset_add(job->link, FWH_SETS_OWNERS, &element, false);
		element = fwh_set_owns_any(job->owners[claim->conn]);
		fwh_ipset_add(job->link, FWH_SETS_OWNERS, &element, false);
	}
	element = fwh_sets_element(job, claim);
	fwh_ipset_add(job->link, claim->name, &element, !claim->had);
}

/* A set that covers an element with another has it, too: then it may be free. */
static int find_free(struct job *job, int *results)
{
	struct fwh_ipset_element element;
	size_t i;
	int code;

	for (i = 0; i < job->n_claims; i++) {
		element = fwh_sets_element(job, &job->claims[i]);
		fwh_ipset_test(job->link, job->claims[i].name, &element);
	}
	code = fwh_ipset_send(job->link, results);
	for (i = 0; !code && i < job->n_claims; i++)
		job->claims[i].free = !job->claims[i].had && results[i];
	return code;
}

/* Whose element is another's goes up a layer.  *ret_left: how many do. */
static int try_elements(struct job *job, size_t *ret_left)
{
	fwh_autofree int *results = calloc(3 * job->n_claims + 1,
					   sizeof(*results));
	size_t i, at = 0;
	int code = results ? make_sets(job) : -ENOMEM;

	*ret_left = 0;
	if (!code)
		code = find_free(job, results);
	if (code)
		return code;
	for (i = 0; i < job->n_claims; i++)
		if (!job->claims[i].added)
			add_element(job, &job->claims[i]);
	code = fwh_ipset_send(job->link, results);
	/* Without an answer, what was free may be ours now. */
	for (i = 0; code && i < job->n_claims; i++)
		job->claims[i].added |= job->claims[i].free;
	for (i = 0; !code && i < job->n_claims; i++) {
		struct claim *claim = &job->claims[i];
		int result;

		if (claim->added)
			continue;
		at += claim->free ? 2 : 0;
		result = results[at++];
		claim->added = !result;
		if (result && fwh_ipset_exists(result) && !claim->had) {
			claim->layer++;
			++*ret_left;
		} else {
			code = result;
		}
	}
	return code;
}

void fwh_sets_say_owned(struct job *job, const char *owners, bool only_new)
{
	struct fwh_ipset_element element;
	size_t i, last = SIZE_MAX;

	for (i = 0; i < job->n_claims; i++) {
		const struct claim *claim = &job->claims[i];

		if (only_new && claim->had)
			continue;
		element = fwh_set_owned(claim->name, &claim->key->net,
					job->owners[claim->conn]);
		fwh_ipset_add(job->link, owners, &element, false);
		if (claim->conn == last)
			continue;
		last = claim->conn;
		element = fwh_set_owns_any(job->owners[last]);
		fwh_ipset_add(job->link, owners, &element, false);
	}
}

void fwh_sets_say_ruled(struct job *job, const char *owners,
			const struct fwh_set *sets, size_t n)
{
	struct fwh_ipset_element element;
	size_t i;

	for (i = 0; i < n; i++) {
		element = fwh_sets_ruled(job, sets[i].name);
		fwh_ipset_add(job->link, owners, &element, false);
	}
}

/* It may not be there yet, or half made by a call that was killed. */
static int make_owners(struct job *job)
{
	int result;

	if (!job->n_claims)
		return 0;
	fwh_ipset_create(job->link, FWH_SETS_OWNERS, FWH_IPV6, FWH_IPSET_ADDRS);
	return fwh_ipset_send(job->link, &result);
}

int fwh_sets_add(struct job *job)
{
	size_t left = 1;
	int code = job->had.n && !job->all ? 0 : make_owners(job);

	if (!code)
		code = find_unruled(job);
	while (!code && left)
		code = try_elements(job, &left);
	if (code)
		return code;
	fwh_sets_say_owned(job, FWH_SETS_OWNERS, true);
	return fwh_ipset_send(job->link, NULL);
}

/* ---- rules ---- */

int fwh_sets_apply_rules(struct job *job, const struct fwh_set *sets, size_t n,
			 const struct fwh_set_names *gone, bool all,
			 struct fwh_err *err)
{
	struct fwh_set_changes changes = {
		.globals = job->globals, .sets = sets, .n = n, .gone = gone,
		.all = all, .ret_displaced = &job->displaced,
	};

	return fwh_set_rules_apply(&changes, err);
}

/* In a reconciliation all are looked at. */
int fwh_sets_make_rules(struct job *job, struct fwh_err *err)
{
	static const struct fwh_set_names none;
	struct fwh_sets all = { .n = 0 };
	int code = job->all ? fwh_sets_all(job, &all) : 0;

	if (code)
		return fwh_fail(err, code, "out of memory");
	code = fwh_sets_apply_rules(job, job->all ? all.list : job->fresh,
				    job->all ? all.n : job->n_fresh, &none,
				    false, err);
	free(all.list);
	if (code || !job->n_fresh)
		return code;
	fwh_sets_see_shapes(job);
	fwh_sets_say_ruled(job, FWH_SETS_OWNERS, job->fresh, job->n_fresh);
	code = fwh_ipset_send(job->link, NULL);
	return code ? fwh_sets_explain(code, err) : 0;
}
