// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_accept.c - the one rule that we keep in chains of somebody else's.
 *
 * In nftables an accept in one table is nothing to a drop in another.  So what
 * our table accepts it marks, and the chains that would drop it get one rule at
 * their top, the same for all connections: made again when it is gone, and
 * moved when something was put before it.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter.h>

#include "nft.h"
#include "nft_accept.h"
#include "nl_ask.h"

#define COMMENT		"ipsec-fw: accepted"

/* Those of iptables' nftables flavour, which is where the legacy backend has its
 * jumps too. */
static const struct fwh_chain_name automatic[] = {
	{ NFPROTO_IPV4, "filter", "INPUT" },
	{ NFPROTO_IPV4, "filter", "FORWARD" },
	{ NFPROTO_IPV4, "filter", "OUTPUT" },
	{ NFPROTO_IPV6, "filter", "INPUT" },
	{ NFPROTO_IPV6, "filter", "FORWARD" },
	{ NFPROTO_IPV6, "filter", "OUTPUT" },
};

/* Our rules in one chain. */
struct seen {
	const struct fwh_chain_name *chain;
	const struct fwh_mark *mark;	/* that ours shall look at */
	size_t rules;			/* of anybody */
	bool first;			/* the first is ours, and right */
	uint64_t handles[4];		/* of ours, in their order */
	size_t n;
};

static int parse_comment(const struct nftnl_udata *attr, void *data)
{
	const char **ret = data;

	if (nftnl_udata_type(attr) == NFTNL_UDATA_RULE_COMMENT &&
	    nftnl_udata_len(attr) > 0)
		*ret = nftnl_udata_get(attr);
	return 0;
}

static bool is_ours(struct nftnl_rule *rule)
{
	const char *comment = NULL;
	uint32_t len;
	const void *udata = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA,
						&len);

	if (udata)
		nftnl_udata_parse(udata, len, parse_comment, &comment);
	return comment && !strncmp(comment, COMMENT, sizeof(COMMENT));
}

static bool is_value(struct nftnl_expr *e, uint16_t attr, uint32_t value)
{
	uint32_t len;
	const void *data = nftnl_expr_get(e, attr, &len);

	return data && len == sizeof(value) &&
	       !memcmp(data, &value, sizeof(value));
}

/* The settings may have named another one when it was made. */
static bool looks_at(struct nftnl_rule *rule, const struct fwh_mark *mark)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	bool mask = false, value = false;
	struct nftnl_expr *e;

	while (iter && (e = nftnl_expr_iter_next(iter))) {
		const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);

		if (!strcmp(name, "bitwise"))
			mask = is_value(e, NFTNL_EXPR_BITWISE_MASK, mark->mask);
		else if (!strcmp(name, "cmp"))
			value = is_value(e, NFTNL_EXPR_CMP_DATA, mark->value);
	}
	if (iter)
		nftnl_expr_iter_destroy(iter);
	return mask && value;
}

static bool is_of(const struct fwh_chain_name *chain, struct nftnl_rule *rule)
{
	return nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY) == chain->family &&
	       !strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE),
		       chain->table) &&
	       !strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN),
		       chain->chain);
}

static int take_rule(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct seen *seen = arg;
	int code = 0;

	(void)question;
	if (!rule)
		return -ENOMEM;
	if (fwh_nft_knows(nftnl_rule_nlmsg_parse(nlh, rule), &code) &&
	    is_of(seen->chain, rule)) {
		bool ours = is_ours(rule);

		if (!seen->rules)
			seen->first = ours && looks_at(rule, seen->mark);
		seen->rules++;
		if (ours && seen->n < ARRAY_SIZE(seen->handles))
			seen->handles[seen->n++] =
				nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
	}
	nftnl_rule_free(rule);
	return code;
}

static int take_chain(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	bool *there = arg;

	(void)nlh;
	there[question] = true;
	return 0;
}

static void put_names(struct nlmsghdr *nlh, uint16_t table_attr,
		      uint16_t chain_attr, const struct fwh_chain_name *chain)
{
	mnl_attr_put_strz(nlh, table_attr, chain->table);
	mnl_attr_put_strz(nlh, chain_attr, chain->chain);
}

/* The chains that can have our rule. */
struct chains {
	const struct fwh_chain_name *list[FWH_ACCEPT_CHAINS_MAX +
					  ARRAY_SIZE(automatic)];
	bool there[FWH_ACCEPT_CHAINS_MAX + ARRAY_SIZE(automatic)];
	size_t n;
};

static void list_chains(const struct fwh_globals *globals, struct chains *ret)
{
	size_t i;

	for (i = 0; i < globals->n_accept_chains; i++)
		ret->list[ret->n++] = &globals->accept_chains[i];
	for (i = 0; globals->accept_chains_auto && i < ARRAY_SIZE(automatic); i++)
		ret->list[ret->n++] = &automatic[i];
}

/* Which of them are there?  All are asked for at once. */
static int find_chains(struct fwh_nft_link *link, struct chains *chains)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct nlmsghdr *nlh;
	size_t i;
	int code;

	for (i = 0; i < chains->n; i++) {
		nlh = fwh_nft_begin(link, &batch, NFT_MSG_GETCHAIN,
				    chains->list[i]->family, 0);
		if (!nlh)
			break;
		put_names(nlh, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME,
			  chains->list[i]);
		fwh_nft_end(&batch, nlh);
	}
	code = fwh_nft_ask(link, &batch, take_chain, chains->there);
	fwh_nft_batch_free(&batch);
	return code;
}

static int find_rules(struct fwh_nft_link *link, struct seen *seen)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct nlmsghdr *nlh = fwh_nft_begin(link, &batch, NFT_MSG_GETRULE,
					     seen->chain->family, NLM_F_DUMP);
	int code = -ENOMEM;

	if (nlh) {
		put_names(nlh, NFTA_RULE_TABLE, NFTA_RULE_CHAIN, seen->chain);
		fwh_nft_end(&batch, nlh);
		code = fwh_nft_dump(link, &batch, take_rule, seen);
	}
	fwh_nft_batch_free(&batch);
	return code;
}

/* By which it is found again.  False: out of memory. */
static bool put_comment(struct nftnl_rule *rule)
{
	struct nftnl_udata_buf *buf = nftnl_udata_buf_alloc(64);
	bool done;

	if (!buf)
		return false;
	nftnl_udata_put_strz(buf, NFTNL_UDATA_RULE_COMMENT, COMMENT);
	done = !nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA,
				    nftnl_udata_buf_data(buf),
				    nftnl_udata_buf_len(buf));
	nftnl_udata_buf_free(buf);
	return done;
}

static int add_rule(struct fwh_nft_link *link, struct fwh_nft_batch *batch,
		    const struct fwh_chain_name *chain,
		    const struct fwh_mark *mark)
{
	struct nlmsghdr *nlh = fwh_nft_begin(link, batch, NFT_MSG_NEWRULE,
					     chain->family, NLM_F_CREATE);
	struct fwh_rule match = { .has_mark = true, .mark = *mark };
	struct fwh_nft_rule r;

	fwh_nft_rule_begin(&r, "");
	fwh_nft_put_state(&r, &match);
	fwh_nft_put_accept(&r);
	if (!nlh || r.nomem ||
	    nftnl_rule_set_str(r.rule, NFTNL_RULE_TABLE, chain->table) ||
	    nftnl_rule_set_str(r.rule, NFTNL_RULE_CHAIN, chain->chain) ||
	    !put_comment(r.rule)) {
		fwh_nft_rule_free(&r);
		return -ENOMEM;
	}
	nftnl_rule_set_u32(r.rule, NFTNL_RULE_FAMILY, chain->family);
	nftnl_rule_nlmsg_build_payload(nlh, r.rule);
	fwh_nft_end(batch, nlh);
	fwh_nft_rule_free(&r);
	return 0;
}

static int delete_rule(struct fwh_nft_link *link, struct fwh_nft_batch *batch,
		       const struct fwh_chain_name *chain, uint64_t handle)
{
	struct nlmsghdr *nlh = fwh_nft_begin(link, batch, NFT_MSG_DELRULE,
					     chain->family, 0);

	if (!nlh)
		return -ENOMEM;
	put_names(nlh, NFTA_RULE_TABLE, NFTA_RULE_CHAIN, chain);
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(handle));
	fwh_nft_end(batch, nlh);
	return 0;
}

static int settle(struct fwh_nft_link *link, const struct fwh_globals *globals,
		  const struct fwh_chain_name *chain, bool wanted,
		  struct fwh_nft_batch *batch)
{
	struct seen seen = { .chain = chain, .mark = &globals->accept_mark };
	size_t i;
	int code = find_rules(link, &seen);

	if (!code && wanted && !seen.first)
		code = add_rule(link, batch, chain, &globals->accept_mark);
	for (i = wanted && seen.first; !code && i < seen.n; i++)
		code = delete_rule(link, batch, chain, seen.handles[i]);
	return code;
}

/* ---- the last connection is gone ---- */

struct removal {
	struct fwh_nft_link *link;
	struct fwh_nft_batch *batch;
};

static int remove_rule(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct removal *removal = arg;
	struct fwh_chain_name chain;
	struct nftnl_rule *rule;
	int code = 0;

	(void)question;
	/* All rules of the machine come here; ours has a comment. */
	if (!fwh_nl_find(nlh, sizeof(struct nfgenmsg), NFTA_RULE_USERDATA, 1))
		return 0;
	rule = nftnl_rule_alloc();
	if (!rule)
		return -ENOMEM;
	if (fwh_nft_knows(nftnl_rule_nlmsg_parse(nlh, rule), &code) &&
	    is_ours(rule)) {
		chain.family = (uint8_t)nftnl_rule_get_u32(rule,
							   NFTNL_RULE_FAMILY);
		snprintf(chain.table, sizeof(chain.table), "%s",
			 nftnl_rule_get_str(rule, NFTNL_RULE_TABLE));
		snprintf(chain.chain, sizeof(chain.chain), "%s",
			 nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
		code = delete_rule(removal->link, removal->batch, &chain,
				   nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE));
	}
	nftnl_rule_free(rule);
	return code;
}

/* From all chains: the settings may have named others before. */
static int remove_all(struct fwh_nft_link *link, struct fwh_nft_batch *batch)
{
	struct removal removal = { .link = link, .batch = batch };
	struct fwh_nft_batch question = { .len = 0 };
	struct nlmsghdr *nlh = fwh_nft_begin(link, &question, NFT_MSG_GETRULE,
					     NFPROTO_UNSPEC, NLM_F_DUMP);
	int code = -ENOMEM;

	if (nlh) {
		fwh_nft_end(&question, nlh);
		code = fwh_nft_dump(link, &question, remove_rule, &removal);
	}
	fwh_nft_batch_free(&question);
	return code;
}

int fwh_nft_accept_hooks(struct fwh_nft_link *link,
			 const struct fwh_globals *globals, bool remove,
			 struct fwh_nft_batch *batch)
{
	bool wanted = globals->accept_mark.mask != 0;
	struct chains chains = { .n = 0 };
	size_t i;
	int code;

	if (remove)
		return remove_all(link, batch);
	list_chains(globals, &chains);
	code = find_chains(link, &chains);
	for (i = 0; !code && i < chains.n; i++)
		if (chains.there[i])
			code = settle(link, globals, chains.list[i], wanted,
				      batch);
	return code;
}
