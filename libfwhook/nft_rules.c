// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_rules.c - which sets and rules are to be made, which go with the last element,
 * and whether any are missing.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter.h>

#include "nft_job.h"
#include "nl_ask.h"

/* ---- new sets ---- */

static int take_chain(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct job *job = arg;
	int code = 0;

	(void)question;
	if (!chain)
		return -ENOMEM;
	if (fwh_nft_knows(nftnl_chain_nlmsg_parse(nlh, chain), &code) &&
	    nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY) == NFPROTO_INET &&
	    !strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE),
		    FWH_NFT_TABLE) &&
	    !fwh_nft_add_string(&job->chains,
				nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME)))
		code = -ENOMEM;
	nftnl_chain_free(chain);
	return code;
}

int fwh_nft_find_todo(const struct job *job, bool all, struct todo **ret,
		      size_t *ret_n)
{
	fwh_autofree struct todo *todo = NULL;
	size_t i, j, k, n = 0, cap = 0;

	for (i = 0; i < job->n; i++) {
		for (j = 0; j < job->nfts[i].n; j++) {
			const struct fwh_nft_set *set = &job->nfts[i].sets[j];

			for (k = 0; k < n; k++)
				if (!strcmp(todo[k].set->name, set->name))
					break;
			if (k < n || (!all && fwh_nft_find_set(job, set->name)))
				continue;
			if (!fwh_grow(&todo, n, &cap, sizeof(*todo)))
				return -ENOMEM;
			todo[n] = (struct todo){ .set = set };
			todo[n++].brings[FWH_NFT_OF_SET] = true;
		}
	}
	*ret = fwh_steal(todo);
	*ret_n = n;
	return 0;
}

static bool needs_base(const struct todo *todo, size_t n, const char *name)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < todo[i].set->n_rules; j++)
			if (!strcmp(todo[i].set->rules[j].chain, name))
				return true;
	return false;
}

static void new_base(struct job *job, const char *name)
{
	struct fwh_nft_rule *rules;
	size_t n, i;

	if (!job->prologue)
		job->prologue = calloc(FWH_NFT_BASE_MAX,
				       sizeof(*job->prologue));
	if (!job->prologue) {
		job->batch.nomem = true;
		return;
	}
	rules = job->prologue[job->n_prologue++];
	n = fwh_nft_prologue(name, rules);

	fwh_nft_new_chain(job, name);
	for (i = 0; i < n; i++) {
		job->batch.nomem = job->batch.nomem || rules[i].nomem;
		if (rules[i].rule)
			fwh_nft_new_rule(job, &rules[i]);
	}
}

static bool new_shared(struct job *job, const char *chain)
{
	if (!*chain || fwh_nft_has_string(&job->chains, chain))
		return false;
	fwh_nft_new_chain(job, chain);
	return true;
}

/* In the order in which a dry run prints them. */
static void new_chains(struct job *job, struct todo *todo, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < FWH_NFT_OWNER_COUNT; j++)
			if (new_shared(job, todo[i].set->shared[j]))
				todo[i].brings[j] = true;
	for (i = 0; i < FWH_NFT_BASE_MAX; i++) {
		const char *name = fwh_nft_base[i].name;

		if (needs_base(todo, n, name) &&
		    !fwh_nft_has_string(&job->chains, name))
			new_base(job, name);
	}
}

static void install(struct job *job, const struct todo *todo)
{
	const struct fwh_nft_set *set = todo->set;
	size_t i;

	fwh_nft_new_set(job, set);
	for (i = 0; i < set->n_rules; i++)
		if (todo->brings[set->rules[i].owner])
			fwh_nft_new_rule(job, &set->rules[i]);
}

int fwh_nft_install_sets(struct job *job)
{
	fwh_autofree struct todo *todo = NULL;
	size_t n, i;
	int code = fwh_nft_find_todo(job, false, &todo, &n);

	if (code || !n)
		return code;
	if (!job->rebuild)
		code = fwh_nft_dump_table(job->link, NFT_MSG_GETCHAIN,
					  NFTA_CHAIN_TABLE, take_chain, job);
	if (code)
		return code;
	fwh_nft_new_table(job);
	new_chains(job, todo, n);
	for (i = 0; i < n; i++)
		install(job, &todo[i]);
	return 0;
}

/* ---- rules that go with their sets ---- */

/* A string of the kernel's; "" if there is none. */
static const char *string_of(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 ?
	       mnl_attr_get_str(attr) : "";
}

static void see_lookup(struct job *job, const char *name, struct seen *ret)
{
	const struct present *set;

	if (fwh_nft_is_anonymous(name))
		return;
	snprintf(ret->look, sizeof(ret->look), "%s", name);
	set = fwh_nft_find_set(job, ret->look);
	ret->goes = set && set->dropped;
}

static void see_jump(const struct nlattr *value, struct seen *ret)
{
	const struct nlattr *verdict =
		value ? fwh_nl_find_in(value, NFTA_DATA_VERDICT, 0) : NULL;
	const char *jump = verdict ?
		string_of(fwh_nl_find_in(verdict, NFTA_VERDICT_CHAIN, 1)) : "";

	if (*jump && strlen(jump) < sizeof(ret->jump))
		strcpy(ret->jump, jump);
}

static void see_expr(struct job *job, const struct nlattr *expr,
		     struct seen *ret)
{
	const char *name = string_of(fwh_nl_find_in(expr, NFTA_EXPR_NAME, 1));
	const struct nlattr *data = fwh_nl_find_in(expr, NFTA_EXPR_DATA, 0);
	const struct nlattr *key;

	if (!data)
		return;
	if (!strcmp(name, "lookup")) {
		see_lookup(job, string_of(fwh_nl_find_in(data,
							 NFTA_LOOKUP_SET, 1)),
			   ret);
	} else if (!strcmp(name, "meta")) {
		key = fwh_nl_find_in(data, NFTA_META_KEY, sizeof(uint32_t));
		if (key && ntohl(mnl_attr_get_u32(key)) == NFT_META_OIFKIND)
			ret->prologue = true;
	} else if (!strcmp(name, "immediate")) {
		see_jump(fwh_nl_find_in(data, NFTA_IMMEDIATE_DATA, 0), ret);
	}
}

/* Without libnftnl, which takes ten times as long to understand all of a rule. */
static int take_rule(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	const size_t head = sizeof(struct nfgenmsg);
	const char *chain = string_of(fwh_nl_find(nlh, head, NFTA_RULE_CHAIN, 1));
	const struct nlattr *list = fwh_nl_find(nlh, head, NFTA_RULE_EXPRESSIONS,
						0), *expr;
	const struct nlattr *handle = fwh_nl_find(nlh, head, NFTA_RULE_HANDLE,
						  sizeof(uint64_t));
	struct rules *rules = arg;
	struct seen *seen;

	(void)question;
	if (!*chain || strlen(chain) >= sizeof(seen->chain) || !handle)
		return 0;		/* not one of ours */
	if (!fwh_grow(&rules->list, rules->n, &rules->cap, sizeof(*seen)))
		return -ENOMEM;
	seen = &rules->list[rules->n++];
	memset(seen, 0, sizeof(*seen));
	strcpy(seen->chain, chain);
	seen->handle = be64toh(mnl_attr_get_u64(handle));
	if (!list)
		return 0;
	mnl_attr_for_each_nested(expr, list) {
		see_expr(rules->job, expr, seen);
	}
	return 0;
}

/* A gate in which nothing is looked up any more. */
static bool is_idle_gate(const struct rules *rules, const char *chain)
{
	bool had = false;
	size_t i;

	for (i = 0; i < rules->n; i++) {
		const struct seen *seen = &rules->list[i];

		if (!*seen->look || strcmp(seen->chain, chain) != 0)
			continue;
		if (!seen->goes)
			return false;
		had = true;
	}
	return had && !fwh_nft_find_base(chain);
}

static bool is_jumped_to(const struct rules *rules, const char *chain)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		if (!rules->list[i].goes &&
		    !strcmp(rules->list[i].jump, chain))
			return true;
	return false;
}

/* What jumps into an idle gate goes, and all that is in it. */
static void find_going(struct rules *rules)
{
	size_t i;

	for (i = 0; i < rules->n; i++) {
		struct seen *seen = &rules->list[i];

		if (!*seen->look && *seen->jump &&
		    is_idle_gate(rules, seen->jump))
			seen->goes = true;
	}
}

/* Chains that nothing jumps to any more, each once: gates first, which jump to
 * others themselves. */
static void delete_chains(struct job *job, const struct rules *rules)
{
	struct strings gone = { .n = 0 };
	size_t i;
	int gates;

	for (gates = 1; gates >= 0; gates--) {
		for (i = 0; i < rules->n; i++) {
			const struct seen *seen = &rules->list[i];

			if (!seen->goes || !*seen->jump ||
			    is_idle_gate(rules, seen->jump) != gates ||
			    is_jumped_to(rules, seen->jump) ||
			    fwh_nft_has_string(&gone, seen->jump))
				continue;
			fwh_nft_delete(job, NFT_MSG_DELCHAIN, NFTA_CHAIN_TABLE,
				       NFTA_CHAIN_NAME, seen->jump);
			if (!fwh_nft_add_string(&gone, seen->jump))
				job->batch.nomem = true;
		}
	}
	free(gone.list);
}

int fwh_nft_see_rules(struct rules *rules)
{
	return fwh_nft_dump_table(rules->job->link, NFT_MSG_GETRULE,
				  NFTA_RULE_TABLE, take_rule, rules);
}

static bool is_wanted(const struct job *job, const char *chain)
{
	size_t i, j, k;

	for (i = 0; i < job->n; i++)
		for (j = 0; j < job->nfts[i].n; j++)
			for (k = 0; k < job->nfts[i].sets[j].n_rules; k++)
				if (!strcmp(job->nfts[i].sets[j].rules[k].chain,
					    chain))
					return true;
	return false;
}

/* A base chain that is left with nothing but what it began with. */
static bool is_idle_base(const struct rules *rules, const char *chain)
{
	bool had = false;
	size_t i;

	for (i = 0; i < rules->n; i++) {
		const struct seen *seen = &rules->list[i];

		if (strcmp(seen->chain, chain) != 0 || seen->prologue)
			continue;
		if (!seen->goes)
			return false;
		had = true;
	}
	return had && !is_wanted(rules->job, chain);
}

/* Packets need not pass them. */
static void delete_bases(struct job *job, const struct rules *rules)
{
	size_t i;

	for (i = 0; i < FWH_NFT_BASE_MAX; i++)
		if (is_idle_base(rules, fwh_nft_base[i].name))
			fwh_nft_delete(job, NFT_MSG_DELCHAIN, NFTA_CHAIN_TABLE,
				       NFTA_CHAIN_NAME, fwh_nft_base[i].name);
}

int fwh_nft_find_rules(struct rules *rules)
{
	int code = 0;
	size_t i;

	for (i = 0; i < rules->job->n_sets; i++)
		if (rules->job->sets[i].dropped)
			break;
	if (i < rules->job->n_sets)
		code = fwh_nft_see_rules(rules);
	if (!code)
		find_going(rules);
	return code;
}

/* A rule that somebody put into our chains by hand holds the table. */
bool fwh_nft_has_stranger(const struct rules *rules)
{
	size_t i, j;

	for (i = 0; i < rules->n; i++) {
		const struct seen *seen = &rules->list[i];

		if (seen->goes || seen->prologue)
			continue;
		for (j = 0; j < rules->n; j++)	/* its chain goes, too */
			if (rules->list[j].goes &&
			    !strcmp(rules->list[j].jump, seen->chain))
				break;
		if (j == rules->n)
			return true;
	}
	return false;
}

void fwh_nft_drop_sets(struct job *job, const struct rules *rules)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		if (rules->list[i].goes)
			fwh_nft_delete_rule(job, &rules->list[i]);
	delete_chains(job, rules);
	delete_bases(job, rules);
	for (i = 0; i < job->n_sets; i++)
		if (job->sets[i].dropped)
			fwh_nft_delete(job, NFT_MSG_DELSET, NFTA_SET_TABLE,
				       NFTA_SET_NAME, job->sets[i].name);
}

/* ---- rules that are missing ---- */

static int compare_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int diff = strcmp(x->chain, y->chain);

	if (!diff)
		diff = strcmp(x->look, y->look);
	return diff ? diff : strcmp(x->jump, y->jump);
}

static int expect(const struct fwh_nft_rule *rule, struct rules *ret)
{
	struct seen *seen;

	if (!fwh_grow(&ret->list, ret->n, &ret->cap, sizeof(*ret->list)))
		return -ENOMEM;
	seen = &ret->list[ret->n++];
	memset(seen, 0, sizeof(*seen));
	strcpy(seen->chain, rule->chain);
	strcpy(seen->look, rule->look);
	strcpy(seen->jump, rule->jump);
	return 0;
}

static int expect_prologues(const struct todo *todo, size_t n,
			    struct rules *ret)
{
	struct fwh_nft_rule rules[FWH_NFT_PROLOGUE_MAX];
	size_t i, j, m;
	int code = 0;

	for (i = 0; i < FWH_NFT_BASE_MAX; i++) {
		if (!needs_base(todo, n, fwh_nft_base[i].name))
			continue;
		m = fwh_nft_prologue(fwh_nft_base[i].name, rules);
		for (j = 0; j < m; j++) {
			code = code ? code : expect(&rules[j], ret);
			fwh_nft_rule_free(&rules[j]);
		}
	}
	return code;
}

/* The rules of all sets that are wanted, those of shared chains once. */
static int find_expected(struct job *job, struct rules *ret)
{
	struct strings shared = { .n = 0 };
	fwh_autofree struct todo *todo = NULL;
	size_t n, i, j;
	int code = fwh_nft_find_todo(job, true, &todo, &n);

	for (i = 0; !code && i < n; i++) {
		const struct fwh_nft_set *set = todo[i].set;

		for (j = 0; j < FWH_NFT_OWNER_COUNT; j++) {
			const char *chain = set->shared[j];

			if (!*chain || fwh_nft_has_string(&shared, chain))
				continue;
			todo[i].brings[j] = true;
			if (!fwh_nft_add_string(&shared, chain))
				code = -ENOMEM;
		}
		for (j = 0; !code && j < set->n_rules; j++)
			if (todo[i].brings[set->rules[j].owner])
				code = expect(&set->rules[j], ret);
	}
	free(shared.list);
	return code ? code : expect_prologues(todo, n, ret);
}

/* Is each of these among those, as often? */
static bool has_all(struct rules *these, struct rules *those)
{
	size_t i, j = 0;

	if (these->n)
		qsort(these->list, these->n, sizeof(*these->list),
		      compare_seen);
	if (those->n)
		qsort(those->list, those->n, sizeof(*those->list),
		      compare_seen);
	for (i = 0; i < these->n; i++, j++) {
		while (j < those->n &&
		       compare_seen(&those->list[j], &these->list[i]) < 0)
			j++;
		if (j == those->n ||
		    compare_seen(&those->list[j], &these->list[i]))
			return false;
	}
	return true;
}

/* A set may be there and its rules not, after somebody's "flush chain". */
int fwh_nft_check_rules(struct job *job)
{
	struct rules expected = { .job = job }, found = { .job = job };
	int code;

	if (!job->all || !job->n_sets)
		return 0;
	code = find_expected(job, &expected);
	if (!code)
		code = fwh_nft_see_rules(&found);
	if (!code)
		job->rebuild = !has_all(&expected, &found);
	if (job->rebuild)
		job->n_sets = 0;
	free(expected.list);
	free(found.list);
	return code;
}
