// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_apply.c - the table inet ipsec_fw holds exactly the plans: look at the
 * elements that are concerned, then one transaction, and none where they are
 * right already.  Decides nothing about rules.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter.h>

#include "backend.h"
#include "nft_accept.h"
#include "nft_job.h"

/* Beside a program that changes the ruleset all the time, the generation is never
 * the one that was looked at.  Our own calls keep each other out with a lock, so
 * after some tries whatever others do to their own tables is let be. */
#define RACES_MAX	8

static void forget(struct job *job)
{
	size_t i, j;

	for (i = 0; i < job->n_prologue; i++)
		for (j = 0; j < FWH_NFT_PROLOGUE_MAX; j++)
			fwh_nft_rule_free(&job->prologue[i][j]);
	free(job->prologue);
	job->prologue = NULL;
	job->n_prologue = 0;
	free(job->sets);
	free(job->claims);
	for (i = 0; job->elements && i < job->n_elements; i++) {
		free(job->elements[i].before.list);
		free(job->elements[i].after.list);
	}
	free(job->elements);
	free(job->chains.list);
	free(job->notes);
	fwh_nft_batch_free(&job->batch);
	job->sets = NULL;
	job->claims = NULL;
	job->elements = NULL;
	job->notes = NULL;
	job->made = job->misfit = NULL;
	job->rebuild = false;
	memset(&job->chains, 0, sizeof(job->chains));
	job->n_sets = job->cap_sets = job->n_claims = job->cap_claims = 0;
	job->n_elements = job->n_notes = job->cap_notes = 0;
}

/* ---- the kernel's sets ---- */

/* NFTA_SET_COUNT of newer kernels, which headers and libnftnl do not know yet. */
#define SET_COUNT	20

static int64_t count_of(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == SET_COUNT &&
		    mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
			return ntohl(mnl_attr_get_u32(attr));
	return -1;
}

static int take_set(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct job *job = arg;
	struct present *present;
	const char *name;
	int code = 0;

	(void)question;
	if (!set)
		return -ENOMEM;
	if (!fwh_nft_knows(nftnl_set_nlmsg_parse(nlh, set), &code) ||
	    strcmp(nftnl_set_get_str(set, NFTNL_SET_TABLE), FWH_NFT_TABLE))
		goto out;
	name = nftnl_set_get_str(set, NFTNL_SET_NAME);
	if (strlen(name) >= FWH_NFT_NAME_MAX || fwh_nft_is_anonymous(name))
		goto out;		/* not one of ours */
	if (!fwh_grow(&job->sets, job->n_sets, &job->cap_sets, sizeof(*present))) {
		code = -ENOMEM;
		goto out;
	}
	present = &job->sets[job->n_sets++];
	memset(present, 0, sizeof(*present));
	strcpy(present->name, name);	/* the length was checked */
	present->key_len = nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN);
	present->n_elements = count_of(nlh);
out:
	nftnl_set_free(set);
	return code;
}

int fwh_nft_see_sets(struct job *job)
{
	return fwh_nft_dump_table(job->link, NFT_MSG_GETSET, NFTA_SET_TABLE,
				  take_set, job);
}

struct present *fwh_nft_find_set(const struct job *job, const char *name)
{
	size_t i;

	for (i = 0; i < job->n_sets; i++)
		if (!strcmp(job->sets[i].name, name))
			return &job->sets[i];
	return NULL;
}

/* ---- the transaction: the whole ---- */

/* Will there be no set? */
static bool is_empty(const struct job *job)
{
	size_t i;

	for (i = 0; i < job->n_sets; i++)
		if (!job->sets[i].dropped)
			return false;
	for (i = 0; i < job->n_elements; i++)
		if (job->elements[i].after.n)
			return false;
	return true;
}

static void change_element(struct job *job, const struct element *element)
{
	const char *name = element->claim->set;
	const struct present *set = fwh_nft_find_set(job, name);
	const struct present *beside = fwh_nft_find_owners_set(job, name);

	if (!set || !set->dropped)
		fwh_nft_change_element(job, element, false);
	/* Elements are sorted by set. */
	if (!beside && element->after.n > 1 &&
	    !(job->made && !strcmp(job->made, name))) {
		fwh_nft_new_owners_set(job, name, element->claim->key.len);
		job->made = name;
	}
	if (!beside || !beside->dropped)
		fwh_nft_change_element(job, element, true);
}

/* Deleting after adding: what is owned anew never passes a moment unowned. */
static int change_sets(struct job *job, const struct rules *rules)
{
	size_t i;
	int code = fwh_nft_install_sets(job);

	for (i = 0; !code && i < job->n_elements; i++)
		if (!fwh_nft_is_right(&job->elements[i]))
			change_element(job, &job->elements[i]);
	if (!code)
		fwh_nft_drop_sets(job, rules);
	return code;
}

static int fill_batch(struct job *job, bool *ret_empty)
{
	struct rules rules = { .job = job };
	int code = fwh_nft_find_dropped(job);

	*ret_empty = !code && is_empty(job);
	if (job->rebuild)
		fwh_nft_delete(job, NFT_MSG_DELTABLE, NFTA_TABLE_NAME, 0,
			       FWH_NFT_TABLE);
	if (!code)
		code = fwh_nft_find_rules(&rules);
	if (!code && *ret_empty && job->n_sets && !fwh_nft_has_stranger(&rules))
		fwh_nft_delete(job, NFT_MSG_DELTABLE, NFTA_TABLE_NAME, 0,
			       FWH_NFT_TABLE);
	else if (!code)
		code = change_sets(job, &rules);
	free(rules.list);
	if (!code && job->draft)
		fwh_nft_delete_draft(job);
	return code;
}

/* The kernel looks at rules once more from where they are jumped to. */
static bool is_persons(const struct job *job, const char *note)
{
	size_t i, j, k;

	for (i = 0; i < job->n; i++) {
		for (j = 0; j < job->nfts[i].n; j++) {
			const struct fwh_nft_set *set = &job->nfts[i].sets[j];

			for (k = 0; k < set->n_rules; k++)
				if (set->rules[k].leads &&
				    set->rules[k].leads->line == note)
					return true;
		}
	}
	return false;
}

static int explain(const struct job *job, int code, size_t refused,
		   const char *words, struct fwh_err *err)
{
	const char *note = refused == SIZE_MAX ? FWH_NFT_TABLE :
			   refused < job->n_notes ? job->notes[refused] :
						    "accept-in-chain";
	const char *said = *words ? words : strerror(-code);

	if (job->misfit)
		return fwh_fail(err, code, "nftables: set %s in table inet %s "
				"is of another type; delete it with nft",
				job->misfit, FWH_NFT_TABLE);
	if (code == -EPERM && refused == SIZE_MAX)
		return fwh_fail(err, code, "nftables: not permitted; "
				"CAP_NET_ADMIN is needed");
	if (code == -EPERM)
		return fwh_fail(err, code, "nftables: %s: not permitted; "
				"another program owns that table", note);
	if (code == -EAGAIN)
		return fwh_fail(err, -ETIMEDOUT, "nftables: other programs kept "
				"changing the ruleset; see who with: nft "
				"monitor");
	if (code == -EOPNOTSUPP && is_persons(job, note))
		return fwh_fail(err, -EINVAL, "%s: not possible in this place, "
				"or a later line of it is not", note);
	if (code == -ENOENT || code == -EOPNOTSUPP)
		return fwh_fail(err, -ENOPROTOOPT, "nftables: %s: %s; this "
				"kernel lacks a part of that: load or build "
				"nf_tables, nft_ct, nft_xfrm, nft_limit, "
				"nft_log, nft_reject_inet, nft_nat", note, said);
	return fwh_fail(err, code, "nftables: %s: %s", note, said);
}

/* Look, decide, commit.  -EAGAIN: the ruleset was changed in between. */
static int try_once(struct job *job, struct fwh_err *err)
{
	char words[FWH_NLMSG_WORDS_MAX] = "";
	size_t refused = SIZE_MAX;
	bool empty;
	int code = fwh_nft_generation(job->link, &job->generation);

	if (!code)
		code = fwh_nft_see_sets(job);
	if (!code)
		code = fwh_nft_check_rules(job);
	if (!code) {
		code = fwh_nft_understand(job, err);
		if (code)
			return code;	/* said already, or -EAGAIN */
	}
	if (!code)
		code = fwh_nft_find_elements(job, err);
	if (!code)
		code = fill_batch(job, &empty);
	if (!code)
		code = fwh_nft_accept_hooks(job->link, job->globals, empty,
					    &job->batch);
	if (!code && job->batch.len)
		code = fwh_nft_commit(job->link, &job->batch,
				      job->lost < RACES_MAX ?
				      job->generation : 0, &refused, words);
	return code && code != -EAGAIN ?
	       explain(job, code, refused, words, err) : code;
}

/* The loser of a race looks again, a moment later each time. */
static int run(struct job *job, struct fwh_err *err)
{
	struct timespec pause = { .tv_nsec = 50000 };
	long long end = fwh_now_ms() + job->globals->lock_wait_ms;
	int code;

	for (;;) {
		code = try_once(job, err);
		if (code == -EEXIST && !job->dump && !job->misfit) {
			job->dump = true;
			forget(job);
			continue;
		}
		if (code != -EAGAIN || fwh_now_ms() >= end)
			break;
		forget(job);
		job->lost++;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 2000000)
			pause.tv_nsec *= 2;
	}
	return code == -EAGAIN ? explain(job, code, SIZE_MAX, "", err) : code;
}

static int build_all(struct job *job, struct fwh_err *err)
{
	size_t i;
	int code = 0;

	job->nfts = calloc(job->n + 1, sizeof(*job->nfts));
	if (!job->nfts)
		code = -ENOMEM;
	for (i = 0; !code && i < job->n; i++)
		code = fwh_nft_build(job->changes[i].plan, job->globals,
				     &job->nfts[i]);
	return code ? fwh_fail(err, code, "out of memory") : 0;
}

/* An element that somebody put in by hand is nobody's: who knows since when. */
static void tell_stood(const struct job *job)
{
	size_t i;

	for (i = 0; job->rebuild && i < job->n; i++)
		fwh_change_stood(&job->changes[i], FWH_STOOD_NOT);
	for (i = 0; i < job->n_claims; i++) {
		const struct claim *claim = &job->claims[i];

		if (claim->wanted && !claim->held && fwh_nft_keeps(claim->set))
			fwh_change_stood(&job->changes[claim->change],
					 FWH_STOOD_NOT);
	}
}

static int apply(const struct fwh_globals *globals,
		 const struct fwh_change *changes, size_t n, bool all,
		 struct fwh_err *err)
{
	struct job job = {
		.globals = globals, .changes = changes, .n = n, .all = all,
	};
	size_t i;
	int code = build_all(&job, err);

	if (!code)
		code = fwh_nft_open_kept(&job.link, err);
	if (!code)
		code = run(&job, err);
	if (!code)
		tell_stood(&job);
	forget(&job);
	if (code && job.draft)
		fwh_nft_drop_draft(&job);
	for (i = 0; job.nfts && i < n; i++)
		fwh_nft_free(&job.nfts[i]);
	free(job.nfts);
	return code;
}

static int print(const struct fwh_globals *globals,
		 const struct fwh_plan *plan, FILE *f)
{
	struct fwh_nft nft;
	char owner[FWH_NFT_OWNER_MAX];
	int code = fwh_nft_build(plan, globals, &nft);

	if (code)
		return code;
	fwh_nft_owner(&plan->key, owner);
	code = fwh_nft_print(&nft, owner, f);
	fwh_nft_free(&nft);
	return code;
}

/* ---- what this kernel has ---- */

int fwh_nftables_is_there(void)
{
	struct fwh_nft_link *link;
	uint32_t generation;
	int code = fwh_nft_open_kept(&link, NULL);

	if (code)
		return fwh_is_momentary(code) ? code : 0;
	code = fwh_nft_generation(link, &generation);
	/* Whoever may not ask is not told that there is none. */
	return fwh_is_momentary(code) ? code : !code || code == -EPERM;
}

static int take_foreign_table(const struct nlmsghdr *nlh, size_t question,
			      void *arg)
{
	struct nftnl_table *table = nftnl_table_alloc();
	bool *found = arg;
	int code = 0;

	(void)question;
	if (!table)
		return -ENOMEM;
	if (fwh_nft_knows(nftnl_table_nlmsg_parse(nlh, table), &code) &&
	    strcmp(nftnl_table_get_str(table, NFTNL_TABLE_NAME),
		   FWH_NFT_TABLE))
		*found = true;
	nftnl_table_free(table);
	return code;
}

int fwh_nftables_is_used(void)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct fwh_nft_link *link;
	struct nlmsghdr *nlh;
	bool found = false;
	int code = fwh_nft_open_kept(&link, NULL);

	if (code)
		return fwh_is_momentary(code) ? code : 0;
	nlh = fwh_nft_begin(link, &batch, NFT_MSG_GETTABLE, NFPROTO_UNSPEC,
			    NLM_F_DUMP);
	code = -ENOMEM;
	if (nlh) {
		fwh_nft_end(&batch, nlh);
		code = fwh_nft_dump(link, &batch, take_foreign_table, &found);
	}
	fwh_nft_batch_free(&batch);
	return fwh_is_momentary(code) ? code : found;
}

static int take_our_table(const struct nlmsghdr *nlh, size_t question,
			  void *arg)
{
	(void)nlh;
	(void)question;
	*(bool *)arg = true;
	return 0;
}

static int find_our_table(struct fwh_nft_link *link, bool *ret)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct nlmsghdr *nlh = fwh_nft_begin(link, &batch, NFT_MSG_GETTABLE,
					     NFPROTO_INET, 0);
	int code = -ENOMEM;

	*ret = false;
	if (nlh) {
		mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, FWH_NFT_TABLE);
		fwh_nft_end(&batch, nlh);
		code = fwh_nft_ask(link, &batch, take_our_table, ret);
	}
	fwh_nft_batch_free(&batch);
	return code;
}

/* The table, with whatever is in it, and our rule in others' chains. */
static int flush(const struct fwh_globals *globals, struct fwh_err *err)
{
	struct job job = { .globals = globals };
	size_t refused = SIZE_MAX;
	char words[FWH_NLMSG_WORDS_MAX] = "";
	bool there;
	int code;

	code = fwh_nftables_is_there();
	if (code <= 0)
		return code ? fwh_fail(err, code, "nftables: %s",
				       strerror(-code)) : 0;
	code = fwh_nft_open_kept(&job.link, err);
	if (code)
		return code;
	code = find_our_table(job.link, &there);
	if (!code && there)
		fwh_nft_delete(&job, NFT_MSG_DELTABLE, NFTA_TABLE_NAME, 0,
			       FWH_NFT_TABLE);
	if (!code && fwh_nft_has_draft(&job))
		fwh_nft_delete_draft(&job);
	if (!code)
		code = fwh_nft_accept_hooks(job.link, globals, true,
					    &job.batch);
	if (!code && job.batch.len)
		code = fwh_nft_commit(job.link, &job.batch, 0, &refused, words);
	if (code)
		code = explain(&job, code, refused, words, err);
	forget(&job);
	return code;
}

const struct fwh_backend fwh_backend_nftables = {
	.name = "nftables",
	.apply = apply,
	.print = print,
	.read = fwh_nft_read,
	.flush = flush,
};
