// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sets_apply.c - the sets hold exactly the plans' elements, and the legacy tables
 * the rules for those sets that there are.  Decides nothing about rules.
 *
 * No transaction holds sets and tables together, so order has to do: what closes
 * comes before what opens, what is new before anything goes, and what opens goes
 * before what closes.  In between packets meet what was, what will be, or both.
 */
#include <errno.h>
#include <string.h>

#include "backend.h"
#include "extensions.h"
#include "iptables_job.h"
#include "sets_job.h"

int fwh_sets_explain(int code, struct fwh_err *err)
{
	if (code == -EPERM)
		return fwh_fail(err, code, "ip_set: not permitted; "
				"CAP_NET_ADMIN is needed");
	if (code == -ENOPROTOOPT)
		return fwh_fail(err, code, "this kernel has no ip_set; load it "
				"at boot (modprobe ip_set), or say scale = "
				"rules");
	return fwh_fail(err, fwh_ipset_errno(code), "ip_set: %s",
			fwh_ipset_strerror(code));
}

/* By this job, for no element that was there. */
static bool is_made(const struct job *job, const char *name)
{
	size_t n = 1;

	return !fwh_ipset_count(job->link, name, &n) && !n;
}

/* What opens is the last of the claims. */
static int take_elements_back(struct job *job)
{
	struct fwh_ipset_element element;
	size_t i;
	int result, code = 0;

	for (i = job->n_claims; i > 0; i--) {
		const struct claim *claim = &job->claims[i - 1];

		if (claim->had || !claim->added)
			continue;
		element = fwh_sets_element(job, claim);
		fwh_ipset_del(job->link, claim->name, &element);
		element = fwh_set_owned(claim->name, &claim->key->net,
					job->owners[claim->conn]);
		fwh_ipset_del(job->link, FWH_SETS_OWNERS, &element);
		/* One by one: for these there is room. */
		result = fwh_ipset_send_anyway(job->link);
		if (result)
			code = result;
	}
	return code;
}

/* And with them what was made for them. */
static int take_sets_back(struct job *job, bool ruled, struct fwh_err *err)
{
	struct fwh_set_names *made = &job->made;
	size_t i;
	int code;

	for (i = 0; i < job->n_fresh; i++)
		if (is_made(job, job->fresh[i].name))
			fwh_set_add_name(made, job->fresh[i].name);
	fwh_fail(err, -EBUSY, "sets without elements keep their rules");
	if (ruled && made->n)
		fwh_sets_apply_rules(job, NULL, 0, made, false, err);
	code = fwh_sets_destroy(job, made, !job->n_there);
	if (code)
		return fwh_sets_explain(code, err);
	for (i = 0; i < made->n; i++)
		if (is_made(job, made->list[i]))
			return -EBUSY;
	return 0;
}

/* What was added goes.  What was there is still there: nothing has gone yet.  Of rules
 * alone it is not known beforehand what memory that takes.  Returns why, or
 * -ENOTRECOVERABLE. */
static int take_back(struct job *job, int why, bool ruled, struct fwh_err *err)
{
	struct fwh_err second;
	int code;

	fwh_ipset_forget(job->link);
	code = take_elements_back(job);
	if (code)
		fwh_sets_explain(code, &second);
	else
		code = take_sets_back(job, ruled && why != -ETIMEDOUT, &second);
	return code ? fwh_fail_back(err, &second) : why;
}

static void tell_stood(const struct job *job)
{
	size_t i;

	for (i = 0; job->displaced && i < job->n; i++)
		fwh_change_stood(&job->changes[i], FWH_STOOD_FOR_NONE);
	for (i = 0; i < job->n_claims; i++) {
		const struct claim *claim = &job->claims[i];

		if (!claim->had && fwh_set_keeps(claim->name))
			fwh_change_stood(&job->changes[claim->conn],
					 FWH_STOOD_NOT);
	}
	for (i = 0; i < job->had.n; i++) {
		const struct fwh_set_had *had = &job->had.list[i];

		if (!had->stays && had->conn < job->n &&
		    fwh_set_keeps(had->set))
			fwh_change_stood(&job->changes[had->conn],
					 FWH_STOOD_NOT);
	}
}

/* What is new is there. */
static int let_go(struct job *job, struct fwh_err *err)
{
	int code = fwh_sets_delete(job);

	if (code)
		return fwh_sets_explain(code, err);
	code = fwh_sets_clean(job, err);
	if (code || !job->all)
		return code;
	code = fwh_sets_renew_owners(job);
	return code ? fwh_sets_explain(code, err) : 0;
}

static int run(struct job *job, struct fwh_err *err)
{
	int added, code = fwh_sets_build_all(job);

	if (!code)
		code = fwh_set_list_names(job->link, &job->names);
	job->n_there = job->names.n;
	if (!code)
		code = fwh_set_find_had(job->link, &job->names, job->changes,
					job->n, job->all, &job->had);
	if (!code)
		code = fwh_sets_claim(job);
	if (code)
		return fwh_sets_explain(code, err);
	fwh_sets_settle(job);
	added = fwh_sets_add(job);
	code = added ? fwh_sets_explain(added, err) :
		       fwh_sets_make_rules(job, err);
	tell_stood(job);
	if (code)
		return take_back(job, code, !added, err);
	code = let_go(job, err);
	if (!code)
		return 0;
	if (job->had.n)
		return fwh_fail(err, -ENOTRECOVERABLE, "%.300s; done in part",
				err ? err->msg : "");
	return take_back(job, code, true, err);
}

static int apply(const struct fwh_globals *globals,
		 const struct fwh_change *changes, size_t n, bool all,
		 struct fwh_err *err)
{
	struct job job = {
		.globals = globals, .changes = changes, .n = n, .all = all,
	};
	size_t i;
	int code = fwh_ipt_compile_all(changes, n, err);

	if (!code)
		code = fwh_ipset_open(&job.link, err);
	if (!code)
		code = run(&job, err);
	fwh_ipset_close(job.link);
	for (i = 0; job.sets && i < n; i++)
		fwh_sets_free(&job.sets[i]);
	free(job.sets);
	free(job.owners);
	free(job.names.list);
	free(job.had.list);
	free(job.claims);
	free(job.fresh);
	free(job.made.list);
	return code;
}

uint64_t fwh_sets_shape(void)
{
	/* Closing a socket of netfilter's may take its time; see nft_link.c. */
	static struct fwh_ipset *link;
	struct fwh_set_names names = { .n = 0 };
	uint64_t shape = 0;
	size_t i, n;

	if (!link && fwh_ipset_open(&link, NULL))
		return 0;
	if (!fwh_set_list_names(link, &names))
		for (i = 0; i < names.n; i++)
			if (!fwh_ipset_count(link, names.list[i], &n))
				shape = shape * 31 + n + 1;
	free(names.list);
	return shape;
}

static int skip(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return 0;
}

bool fwh_backend_has_sets(void)
{
	struct fwh_ipset *link;
	bool there;

	if (fwh_ipset_open(&link, NULL))
		return false;
	there = !fwh_ipset_names(link, skip, NULL) &&
		fwh_ipset_has_type(link, FWH_IPV4, FWH_IPSET_MARKS) &&
		fwh_ipset_has_type(link, FWH_IPV6, FWH_IPSET_ADDRS) &&
		fwh_extension_has_sets();
	fwh_ipset_close(link);
	return there;
}

const struct fwh_backend fwh_backend_sets = {
	.name = "iptables-sets",
	.apply = apply,
	.print = fwh_sets_print,
	.read = fwh_sets_read,
	.flush = fwh_sets_flush,
};
