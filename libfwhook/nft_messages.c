// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_messages.c - the messages of a transaction, one function each; decides
 * nothing.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter.h>

#include "nft_job.h"

bool fwh_nft_has_string(const struct strings *strings, const char *s)
{
	size_t i;

	for (i = 0; i < strings->n; i++)
		if (!strcmp(strings->list[i], s))
			return true;
	return false;
}

bool fwh_nft_add_string(struct strings *strings, const char *s)
{
	if (strlen(s) >= FWH_NFT_NAME_MAX)
		return true;		/* not one of ours */
	if (!fwh_grow(&strings->list, strings->n, &strings->cap,
		      sizeof(*strings->list)))
		return false;
	strcpy(strings->list[strings->n++], s);
	return true;
}

static struct nlmsghdr *message(struct job *job, uint16_t type, uint16_t flags,
				const char *note)
{
	if (!fwh_grow(&job->notes, job->n_notes, &job->cap_notes,
		      sizeof(*job->notes))) {
		job->batch.nomem = true;
		return NULL;
	}
	job->notes[job->n_notes++] = note;
	return fwh_nft_begin(job->link, &job->batch, type, NFPROTO_INET, flags);
}

static void change_row(struct job *job, const struct element *element,
		       size_t row)
{
	const struct owners *before = &element->before, *after = &element->after;
	const char *old = row < before->n ? before->list[row] : "";
	const char *new = row < after->n ? after->list[row] : "";
	const struct claim *claim = element->claim;
	struct nlmsghdr *nlh = NULL;

	if (!strcmp(old, new))
		return;
	if (*old)
		nlh = message(job, NFT_MSG_DELSETELEM, 0, claim->set);
	if (nlh) {
		fwh_nft_put_element(nlh, claim, row, NULL);
		fwh_nft_end(&job->batch, nlh);
	}
	nlh = *new ? message(job, NFT_MSG_NEWSETELEM,
			     NLM_F_CREATE | NLM_F_EXCL, claim->set) : NULL;
	if (nlh) {
		fwh_nft_put_element(nlh, claim, row, new);
		fwh_nft_end(&job->batch, nlh);
	}
}

void fwh_nft_change_element(struct job *job, const struct element *element,
			    bool beside)
{
	size_t before = element->before.n, after = element->after.n, row;

	if (!beside) {
		change_row(job, element, 0);
		return;
	}
	for (row = 1; row < before || row < after; row++)
		change_row(job, element, row);
}

void fwh_nft_put_element(struct nlmsghdr *nlh, const struct claim *claim,
			 size_t row, const char *owner)
{
	uint8_t udata[FWH_NFT_OWNER_MAX + 2], data[FWH_NFT_KEY_MAX + 4];
	char beside[FWH_NFT_NAME_MAX];
	size_t len = claim->key.len;
	uint32_t number = (uint32_t)row;
	struct nlattr *list, *elem, *key;

	fwh_nft_owners_set(claim->set, beside);
	memcpy(data, claim->key.b, len);
	if (row) {
		memcpy(data + len, &number, sizeof(number));
		len += sizeof(number);
	}
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, FWH_NFT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET,
			  row ? beside : claim->set);
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, data);
	mnl_attr_nest_end(nlh, key);
	if (owner) {			/* a comment, as nft writes it */
		len = strlen(owner) + 1;
		udata[0] = NFTNL_UDATA_SET_ELEM_COMMENT;
		udata[1] = (uint8_t)len;
		memcpy(udata + 2, owner, len);
		mnl_attr_put(nlh, NFTA_SET_ELEM_USERDATA, len + 2, udata);
	}
	mnl_attr_nest_end(nlh, elem);
	mnl_attr_nest_end(nlh, list);
}

void fwh_nft_new_table(struct job *job)
{
	struct nlmsghdr *nlh = message(job, NFT_MSG_NEWTABLE, NLM_F_CREATE,
				       FWH_NFT_TABLE);

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, FWH_NFT_TABLE);
	fwh_nft_end(&job->batch, nlh);
}

const struct fwh_nft_base_chain *fwh_nft_find_base(const char *name)
{
	size_t i;

	for (i = 0; i < FWH_NFT_BASE_MAX; i++)
		if (!strcmp(fwh_nft_base[i].name, name))
			return &fwh_nft_base[i];
	return NULL;
}

void fwh_nft_new_chain(struct job *job, const char *name)
{
	const struct fwh_nft_base_chain *base = fwh_nft_find_base(name);
	struct nlmsghdr *nlh;
	struct nlattr *hook;

	if (!fwh_nft_add_string(&job->chains, name)) {
		job->batch.nomem = true;
		return;
	}
	nlh = message(job, NFT_MSG_NEWCHAIN, NLM_F_CREATE, name);
	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, FWH_NFT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
	if (base) {
		hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
		mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(base->hooknum));
		mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY,
				 htonl((uint32_t)base->prio));
		mnl_attr_nest_end(nlh, hook);
		mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, base->type);
	}
	fwh_nft_end(&job->batch, nlh);
}

/* Type, length, value, as nft keeps its notes; numbers of its data types and
 * expressions from its datatype.h and expression.h. */
#define NFT_TYPE_CONCAT(a)	((a) << 6 | (a))
#define NFT_TYPE_NUMBERED(type)	((type) << 6 | NFT_TYPE_MARK)
#define NFT_TYPE_INTEGER	4
#define NFT_TYPE_IPADDR		7
#define NFT_TYPE_IP6ADDR	8
#define NFT_TYPE_MARK		19
#define NFT_EXPR_PAYLOAD	7
#define NFT_EXPR_CONCAT		13
#define NFT_EXPR_XFRM		27
#define NFT_BASE_TRANSPORT	3

static const struct {
	uint32_t type, len;
} key_types[FWH_NFT_TYPE_MAX] = {
	[FWH_NFT_ADDRS4] = { NFT_TYPE_CONCAT(NFT_TYPE_IPADDR), 8 },
	[FWH_NFT_ADDRS6] = { NFT_TYPE_CONCAT(NFT_TYPE_IP6ADDR), 32 },
	[FWH_NFT_REQID_IN] = { NFT_TYPE_INTEGER, 4 },
	[FWH_NFT_REQID_OUT] = { NFT_TYPE_INTEGER, 4 },
	[FWH_NFT_QUOTED4] = { NFT_TYPE_CONCAT(NFT_TYPE_INTEGER), 8 },
	[FWH_NFT_QUOTED6] = { NFT_TYPE_CONCAT(NFT_TYPE_INTEGER), 32 },
};

/* "ipsec in reqid" */
static void put_reqid_udata(struct nftnl_udata_buf *buf, bool out)
{
	struct nftnl_udata *data;

	nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_TYPEOF_EXPR, NFT_EXPR_XFRM);
	data = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_TYPEOF_DATA);
	nftnl_udata_put_u32(buf, 0, NFT_XFRM_KEY_REQID);
	nftnl_udata_put_u32(buf, 1, 0);		/* of the first template */
	nftnl_udata_put_u32(buf, 2, out);
	nftnl_udata_nest_end(buf, data);
}

/* "@th,192,32", the nth of a concatenation */
static void put_raw_udata(struct nftnl_udata_buf *buf, uint8_t nth,
			  uint32_t offset, uint32_t bits)
{
	struct nftnl_udata *nest = nftnl_udata_nest_start(buf, nth), *data;

	nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_TYPEOF_EXPR,
			    NFT_EXPR_PAYLOAD);
	data = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_TYPEOF_DATA);
	nftnl_udata_put_u32(buf, 0, 0);		/* of no known header */
	nftnl_udata_put_u32(buf, 1, 0);
	nftnl_udata_put_u32(buf, 2, NFT_BASE_TRANSPORT);
	nftnl_udata_put_u32(buf, 3, offset);
	nftnl_udata_put_u32(buf, 4, bits);
	nftnl_udata_nest_end(buf, data);
	nftnl_udata_nest_end(buf, nest);
}

static void put_quoted_udata(struct nftnl_udata_buf *buf, bool six)
{
	struct nftnl_udata *data;

	nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_TYPEOF_EXPR, NFT_EXPR_CONCAT);
	data = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_TYPEOF_DATA);
	put_raw_udata(buf, 0, six ? 256 : 192, six ? 128 : 32);
	put_raw_udata(buf, 1, six ? 128 : 160, six ? 128 : 32);
	nftnl_udata_nest_end(buf, data);
}

/* Without this note nft shows a number of some bytes and can't read its own words
 * again. */
static void put_typeof(struct job *job, struct nlmsghdr *nlh,
		       enum fwh_nft_type type)
{
	struct nftnl_udata_buf *buf = nftnl_udata_buf_alloc(256);
	struct nftnl_udata *key;
	bool reqid = type == FWH_NFT_REQID_IN || type == FWH_NFT_REQID_OUT;

	if (!buf) {
		job->batch.nomem = true;
		return;
	}
	nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_KEYBYTEORDER, reqid);
	key = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_KEY_TYPEOF);
	if (reqid)
		put_reqid_udata(buf, type == FWH_NFT_REQID_OUT);
	else
		put_quoted_udata(buf, type == FWH_NFT_QUOTED6);
	nftnl_udata_nest_end(buf, key);
	mnl_attr_put(nlh, NFTA_SET_USERDATA, nftnl_udata_buf_len(buf),
		     nftnl_udata_buf_data(buf));
	nftnl_udata_buf_free(buf);
}

static struct nlmsghdr *begin_set(struct job *job, const char *name,
				  uint32_t type, size_t len, const char *note)
{
	struct nlmsghdr *nlh = message(job, NFT_MSG_NEWSET,
				       NLM_F_CREATE | NLM_F_EXCL, note);

	if (!nlh)
		return NULL;
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, FWH_NFT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_SET_FLAGS, 0);
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_TYPE, htonl(type));
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_LEN, htonl((uint32_t)len));
	mnl_attr_put_u32(nlh, NFTA_SET_ID, htonl((uint32_t)job->n_notes));
	return nlh;
}

/* Addresses or a reqid, and behind that a number: as marks, of which nft needs no
 * note to read its own words again. */
void fwh_nft_new_owners_set(struct job *job, const char *set, size_t key_len)
{
	uint32_t type = key_len == 4 ? NFT_TYPE_MARK :
			NFT_TYPE_CONCAT(key_len == 8 ? NFT_TYPE_IPADDR :
						       NFT_TYPE_IP6ADDR);
	char name[FWH_NFT_NAME_MAX];
	struct nlmsghdr *nlh;

	fwh_nft_owners_set(set, name);
	nlh = begin_set(job, name, NFT_TYPE_NUMBERED(type),
			key_len + sizeof(uint32_t), set);
	if (nlh)
		fwh_nft_end(&job->batch, nlh);
}

void fwh_nft_new_set(struct job *job, const struct fwh_nft_set *set)
{
	struct nlmsghdr *nlh = begin_set(job, set->name,
					 key_types[set->type].type,
					 key_types[set->type].len, set->name);
	struct nlattr *expr;

	if (!nlh)
		return;
	if (set->type != FWH_NFT_ADDRS4 && set->type != FWH_NFT_ADDRS6)
		put_typeof(job, nlh, set->type);
	if (set->counter) {
		expr = mnl_attr_nest_start(nlh, NFTA_SET_EXPR);
		mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, "counter");
		mnl_attr_nest_end(nlh, mnl_attr_nest_start(nlh, NFTA_EXPR_DATA));
		mnl_attr_nest_end(nlh, expr);
	}
	fwh_nft_end(&job->batch, nlh);
}

static int compare_elements(const void *a, const void *b)
{
	struct nftnl_set_elem *const *x = a, *const *y = b;
	uint32_t n, m;
	const void *key = nftnl_set_elem_get(*x, NFTNL_SET_ELEM_KEY, &n);
	const void *other = nftnl_set_elem_get(*y, NFTNL_SET_ELEM_KEY, &m);

	return key && other && n == m ? memcmp(key, other, n) : 0;
}

struct elements {
	struct nftnl_set_elem **list;
	size_t n, cap;
};

static int gather_element(struct nftnl_set_elem *e, void *arg)
{
	struct elements *elements = arg;

	if (!fwh_grow(&elements->list, elements->n, &elements->cap, sizeof(e)))
		return -1;
	elements->list[elements->n++] = e;
	return 0;
}

static void new_anonymous_element(struct job *job, struct nftnl_set *set,
				  struct nftnl_set_elem *e, const char *note)
{
	struct nlmsghdr *nlh = message(job, NFT_MSG_NEWSETELEM, NLM_F_CREATE,
				       note);
	struct nlattr *list;

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, FWH_NFT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET,
			  nftnl_set_get_str(set, NFTNL_SET_NAME));
	mnl_attr_put_u32(nlh, NFTA_SET_ELEM_LIST_SET_ID,
			 htonl(nftnl_set_get_u32(set, NFTNL_SET_ID)));
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	nftnl_set_elem_nlmsg_build(nlh, e, 1);
	mnl_attr_nest_end(nlh, list);
	fwh_nft_end(&job->batch, nlh);
}

/* One message an element, as a person's list can be long, and in their order, in
 * which the kernel finds intervals that do not overlap. */
static void new_anonymous(struct job *job, struct nftnl_set *set,
			  const char *note)
{
	struct elements elements = { .n = 0 };
	struct nlmsghdr *nlh = message(job, NFT_MSG_NEWSET, NLM_F_CREATE, note);
	size_t i;

	if (!nlh)
		return;
	nftnl_set_set_u32(set, NFTNL_SET_ID, (uint32_t)job->n_notes);
	nftnl_set_nlmsg_build_payload(nlh, set);
	fwh_nft_end(&job->batch, nlh);
	if (nftnl_set_elem_foreach(set, gather_element, &elements))
		job->batch.nomem = true;
	else if (elements.n)
		qsort(elements.list, elements.n, sizeof(*elements.list),
		      compare_elements);
	for (i = 0; i < elements.n; i++)
		new_anonymous_element(job, set, elements.list[i], note);
	free(elements.list);
}

/* The sets in a rule, which finds them by their numbers in the transaction. */
static void new_anonymous_sets(struct job *job, const struct fwh_nft_rule *rule)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule->rule);
	struct nftnl_expr *e;
	size_t n = 0;

	while (iter && n < rule->n_anonymous &&
	       (e = nftnl_expr_iter_next(iter))) {
		struct nftnl_set *set = rule->anonymous[n];

		if (strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_NAME), "lookup") != 0)
			continue;
		new_anonymous(job, set, rule->raw->line);
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID,
				   nftnl_set_get_u32(set, NFTNL_SET_ID));
		n++;
	}
	if (iter)
		nftnl_expr_iter_destroy(iter);
	else
		job->batch.nomem = true;
}

void fwh_nft_new_rule(struct job *job, const struct fwh_nft_rule *rule)
{
	struct nlmsghdr *nlh;

	if (rule->n_anonymous)
		new_anonymous_sets(job, rule);
	nlh = message(job, NFT_MSG_NEWRULE, NLM_F_CREATE |
		      (rule->head ? 0 : NLM_F_APPEND),
		      rule->raw ? rule->raw->line :
		      rule->leads ? rule->leads->line : rule->text);
	if (!nlh)
		return;
	nftnl_rule_nlmsg_build_payload(nlh, rule->rule);
	fwh_nft_end(&job->batch, nlh);
}

void fwh_nft_delete_rule(struct job *job, const struct seen *seen)
{
	struct nlmsghdr *nlh = message(job, NFT_MSG_DELRULE, 0, "a rule");

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, FWH_NFT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, seen->chain);
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(seen->handle));
	fwh_nft_end(&job->batch, nlh);
}

void fwh_nft_delete_table(struct job *job, const char *name)
{
	struct nlmsghdr *nlh = message(job, NFT_MSG_DELTABLE, 0, name);

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, name);
	fwh_nft_end(&job->batch, nlh);
}

void fwh_nft_delete(struct job *job, uint16_t type, uint16_t table_attr,
		    uint16_t name_attr, const char *name)
{
	struct nlmsghdr *nlh = message(job, type, 0, "what is left over");

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, table_attr, FWH_NFT_TABLE);
	if (name_attr)
		mnl_attr_put_strz(nlh, name_attr, name);
	fwh_nft_end(&job->batch, nlh);
}
