// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * survey.c - what others have beside us in the kernel's tables, as far as it
 * matters to our rules.  Changes nothing.
 */
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "backend.h"
#include "nft.h"
#include "nft_link.h"

#ifndef NFT_TABLE_F_OWNER		/* Linux 5.12 */
#define NFT_TABLE_F_OWNER	0x2
#endif

struct survey {
	struct fwh_survey result;
	size_t cap_tables, cap_chains;
};

static bool is_foreign(uint32_t family, const char *table)
{
	return family != NFPROTO_INET || strcmp(table, FWH_NFT_TABLE) != 0;
}

static struct fwh_foreign_table *find_table(struct survey *survey,
					    uint32_t family, const char *name)
{
	size_t i;

	for (i = 0; i < survey->result.n_tables; i++)
		if (survey->result.tables[i].family == family &&
		    !strcmp(survey->result.tables[i].name, name))
			return &survey->result.tables[i];
	return NULL;
}

static int take_table(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct survey *survey = arg;
	struct fwh_survey *result = &survey->result;
	struct fwh_foreign_table *table;
	const char *name;
	uint32_t family;
	int code = 0;

	(void)question;
	if (!t)
		return -ENOMEM;
	if (nftnl_table_nlmsg_parse(nlh, t))
		goto out;
	name = nftnl_table_get_str(t, NFTNL_TABLE_NAME);
	family = nftnl_table_get_u32(t, NFTNL_TABLE_FAMILY);
	if (!is_foreign(family, name))
		goto out;
	if (!fwh_grow(&result->tables, result->n_tables, &survey->cap_tables,
		      sizeof(*table))) {
		code = -ENOMEM;
		goto out;
	}
	table = &result->tables[result->n_tables++];
	memset(table, 0, sizeof(*table));
	table->family = (uint8_t)family;
	snprintf(table->name, sizeof(table->name), "%s", name);
	table->owned = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS) &
		       NFT_TABLE_F_OWNER;
out:
	nftnl_table_free(t);
	return code;
}

/* Base chains of hooks that IPsec's packets pass. */
static int take_chain(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct survey *survey = arg;
	struct fwh_survey *result = &survey->result;
	struct fwh_foreign_chain *chain;
	uint32_t family;
	int code = 0;

	(void)question;
	if (!c)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(nlh, c) ||
	    !nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM))
		goto out;
	family = nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY);
	if (!is_foreign(family, nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE)) ||
	    (family != NFPROTO_INET && family != NFPROTO_IPV4 &&
	     family != NFPROTO_IPV6))
		goto out;
	if (!fwh_grow(&result->chains, result->n_chains, &survey->cap_chains,
		      sizeof(*chain))) {
		code = -ENOMEM;
		goto out;
	}
	chain = &result->chains[result->n_chains++];
	memset(chain, 0, sizeof(*chain));
	chain->family = (uint8_t)family;
	snprintf(chain->table, sizeof(chain->table), "%s",
		 nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE));
	snprintf(chain->name, sizeof(chain->name), "%s",
		 nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
	chain->hook = nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM);
	chain->priority = nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO);
	chain->nat = !strcmp(nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE), "nat");
	chain->drops = nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) == NF_DROP;
out:
	nftnl_chain_free(c);
	return code;
}

/* In nft's own words, or as iptables-nft wraps its extensions. */
static void look_at(struct nftnl_expr *e, struct fwh_foreign_table *table)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME), *target;

	if (!strcmp(name, "masq"))
		table->translates = true;
	if (!strcmp(name, "nat") &&
	    nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_SNAT)
		table->translates = true;
	if (!strcmp(name, "target")) {
		target = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);
		if (!strcmp(target, "MASQUERADE") || !strcmp(target, "SNAT") ||
		    !strcmp(target, "NETMAP"))
			table->translates = true;
	}
	if (!strcmp(name, "meta") &&
	    nftnl_expr_is_set(e, NFTNL_EXPR_META_DREG) &&
	    nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY) == NFT_META_MARK)
		table->asks_mark = true;
	if (!strcmp(name, "match") &&
	    !strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME), "mark"))
		table->asks_mark = true;
}

static int take_rule(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct fwh_foreign_table *table;
	struct nftnl_expr_iter *iter;
	struct nftnl_expr *e;

	(void)question;
	if (!rule)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(nlh, rule))
		goto out;
	table = find_table(arg, nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY),
			   nftnl_rule_get_str(rule, NFTNL_RULE_TABLE));
	iter = table ? nftnl_expr_iter_create(rule) : NULL;
	while (iter && (e = nftnl_expr_iter_next(iter)))
		look_at(e, table);
	if (iter)
		nftnl_expr_iter_destroy(iter);
out:
	nftnl_rule_free(rule);
	return 0;
}

static int dump_all(struct fwh_nft_link *link, uint16_t type,
		    fwh_nft_answer *answer, struct survey *survey)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct nlmsghdr *nlh = fwh_nft_begin(link, &batch, type,
					     NFPROTO_UNSPEC, NLM_F_DUMP);
	int code = -ENOMEM;

	if (nlh) {
		fwh_nft_end(&batch, nlh);
		code = fwh_nft_dump(link, &batch, answer, survey);
	}
	fwh_nft_batch_free(&batch);
	return code;
}

static int survey_nftables(struct survey *survey, struct fwh_err *err)
{
	struct fwh_nft_link *link;
	int code = fwh_nft_open_kept(&link, err);

	if (code)
		return code;
	code = dump_all(link, NFT_MSG_GETTABLE, take_table, survey);
	if (!code)
		code = dump_all(link, NFT_MSG_GETCHAIN, take_chain, survey);
	if (!code)
		code = dump_all(link, NFT_MSG_GETRULE, take_rule, survey);
	return code ? fwh_fail(err, code, "nftables: %s", code == -EPERM ?
			       "not permitted; CAP_NET_ADMIN is needed" :
			       strerror(-code)) : 0;
}

int fwh_survey_take(struct fwh_survey **ret, struct fwh_err *err)
{
	struct survey *survey = calloc(1, sizeof(*survey));
	int legacy = fwh_iptables_is_used(), there = fwh_nftables_is_there();
	int code = legacy < 0 ? legacy : there < 0 ? there : 0;

	if (!survey)
		return fwh_fail(err, -ENOMEM, "out of memory");
	survey->result.legacy = legacy > 0;
	survey->result.nftables = there > 0;
	if (code)
		fwh_fail(err, code, "looking at the tables: %s",
			 strerror(-code));
	else if (there)
		code = survey_nftables(survey, err);
	if (code) {
		fwh_survey_free(&survey->result);
		return code;
	}
	*ret = &survey->result;
	return 0;
}

void fwh_survey_free(struct fwh_survey *survey)
{
	if (!survey)
		return;
	free(survey->tables);
	free(survey->chains);
	free(survey);
}
