// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sets_drop.c - what goes: elements, and sets that nobody has any in any more, with
 * their rules.
 */
#include <errno.h>
#include <string.h>

#include "sets_job.h"

#define NEW_OWNERS	FWH_SETS_OWNERS "-new"

/* ---- what goes ---- */

static void delete_had(struct job *job, bool guards)
{
	struct fwh_ipset_element element = { .comment = NULL };
	size_t i;

	for (i = 0; i < job->had.n; i++) {
		const struct fwh_set_had *had = &job->had.list[i];

		if (had->stays || fwh_set_guards(had->set) != guards)
			continue;
		element.net = had->net;
		fwh_ipset_del(job->link, had->set, &element);
	}
}

static void forget_had(struct job *job)
{
	struct fwh_ipset_element element;
	size_t i;

	for (i = 0; i < job->had.n; i++) {
		const struct fwh_set_had *had = &job->had.list[i];

		if (had->stays)
			continue;
		element = fwh_set_owned(had->set, &had->net, had->owner);
		fwh_ipset_del(job->link, FWH_SETS_OWNERS, &element);
	}
	for (i = 0; i < job->n; i++) {
		if (job->sets[i].n)
			continue;
		element = fwh_set_owns_any(job->owners[i]);
		fwh_ipset_del(job->link, FWH_SETS_OWNERS, &element);
	}
}

int fwh_sets_delete(struct job *job)
{
	int code;

	delete_had(job, false);
	delete_had(job, true);
	code = fwh_ipset_send_anyway(job->link);
	if (code)
		return code;
	forget_had(job);
	return fwh_ipset_send_anyway(job->link);
}

/* Everybody's anew, in the place of the old, so that what is nobody's is gone. */
int fwh_sets_renew_owners(struct job *job)
{
	struct fwh_sets all = { .n = 0 };
	int results[2];
	int code;

	if (!job->n_claims)
		return 0;
	fwh_ipset_destroy(job->link, NEW_OWNERS);
	fwh_ipset_create(job->link, NEW_OWNERS, FWH_IPV6, FWH_IPSET_ADDRS);
	code = fwh_ipset_send(job->link, results);
	if (!code)
		code = results[1];
	if (code)
		return code;
	code = fwh_sets_all(job, &all);
	fwh_sets_see_shapes(job);
	fwh_sets_say_owned(job, NEW_OWNERS, false);
	fwh_sets_say_ruled(job, NEW_OWNERS, all.list, all.n);
	free(all.list);
	if (code)
		return code;
	fwh_ipset_swap(job->link, NEW_OWNERS, FWH_SETS_OWNERS);
	fwh_ipset_destroy(job->link, NEW_OWNERS);
	return fwh_ipset_send(job->link, NULL);
}

/* ---- sets that become empty ---- */

static bool is_claimed_set(const struct job *job, const char *name)
{
	size_t i;

	for (i = 0; i < job->n_claims; i++)
		if (!strcmp(job->claims[i].name, name))
			return true;
	return false;
}

static bool is_left(const struct job *job, const char *name)
{
	size_t i;

	for (i = 0; i < job->had.n; i++)
		if (!job->had.list[i].stays &&
		    !strcmp(job->had.list[i].set, name))
			return true;
	return job->all;
}

static int find_empty(struct job *job, struct fwh_set_names *ret)
{
	size_t i, n;
	int code = 0;

	for (i = 0; !code && i < job->names.n; i++) {
		const char *name = job->names.list[i];

		if (is_claimed_set(job, name) || !is_left(job, name))
			continue;
		n = 1;
		code = fwh_ipset_count(job->link, name, &n);
		if (code == -ENOENT)
			code = 0;
		else if (!code && !n)
			code = fwh_set_add_name(ret, name);
	}
	return code;
}

static void name_above(const char *name, struct fwh_set *ret)
{
	struct fwh_set set = { .family = fwh_set_family(name) };

	strcpy(set.name, name);			/* of one size */
	fwh_set_above(&set, ret);
}

/* What is a layer below another stays with it. */
static void keep_below(const struct job *job, struct fwh_set_names *gone)
{
	struct fwh_set above;
	size_t i = 0;

	while (i < gone->n) {
		name_above(gone->list[i], &above);
		if (!fwh_set_has_name(&job->names, above.name) ||
		    fwh_set_has_name(gone, above.name)) {
			i++;
			continue;
		}
		memmove(gone->list[i], gone->list[gone->n - 1],
			sizeof(*gone->list));
		gone->n--;
		i = 0;
	}
}

/* And goes with it. */
static int drop_below(struct job *job, struct fwh_set_names *gone)
{
	struct fwh_set above;
	size_t i, n, before;
	int code = 0;

	do {
		before = gone->n;
		for (i = 0; !code && before && i < job->names.n; i++) {
			const char *name = job->names.list[i];

			name_above(name, &above);
			if (!fwh_set_has_name(gone, above.name) ||
			    fwh_set_has_name(gone, name) ||
			    is_claimed_set(job, name))
				continue;
			n = 1;
			code = fwh_ipset_count(job->link, name, &n);
			if (!code && !n)
				code = fwh_set_add_name(gone, name);
		}
	} while (!code && gone->n > before);
	return code;
}

int fwh_sets_destroy(struct job *job, const struct fwh_set_names *gone,
		     bool all)
{
	size_t i;
	int code = 0;

	for (i = 0; !code && i < gone->n; i++) {
		fwh_ipset_destroy(job->link, gone->list[i]);
		code = fwh_ipset_send_anyway(job->link);
	}
	if (code || !all)
		return code;
	fwh_ipset_destroy(job->link, FWH_SETS_OWNERS);
	return fwh_ipset_send_anyway(job->link);
}

/* First the word that there are rules, then the rules, then what they look into. */
static int drop(struct job *job, const struct fwh_sets *stay,
		const struct fwh_set_names *gone, struct fwh_err *err)
{
	struct fwh_ipset_element element;
	size_t i;
	int code;

	for (i = 0; i < gone->n; i++) {
		element = fwh_sets_ruled(job, gone->list[i]);
		fwh_ipset_del(job->link, FWH_SETS_OWNERS, &element);
	}
	code = fwh_ipset_send_anyway(job->link);
	if (code)
		return fwh_sets_explain(code, err);
	code = fwh_sets_apply_rules(job, stay->list, stay->n, gone, job->all,
				    err);
	if (code)
		return code;
	code = fwh_sets_destroy(job, gone, gone->n == job->names.n);
	return code ? fwh_sets_explain(code, err) : 0;
}

int fwh_sets_clean(struct job *job, struct fwh_err *err)
{
	struct fwh_set_names gone = { .n = 0 };
	struct fwh_sets sets = { .n = 0 };
	int code = find_empty(job, &gone);

	if (!code) {
		keep_below(job, &gone);
		code = drop_below(job, &gone);
	}
	if (!code && job->all)
		code = fwh_sets_all(job, &sets);
	if (code)
		fwh_fail(err, code, "ip_set: %s", fwh_ipset_strerror(code));
	else if (gone.n || job->all)
		code = drop(job, &sets, &gone, err);
	free(sets.list);
	free(gone.list);
	return code;
}
