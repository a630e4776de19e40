// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft.c - a plan becomes sets, their rules and the connection's elements; pure.
 *
 * The rules that a plan has in one chain are taken apart: what is the SA's
 * (marks, accepts) is told by the reqid, all else by the addresses that send
 * packets into the chain.  What is left has nothing of the connection in it
 * any more and names the set.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>

#include "nft.h"

const struct fwh_nft_base_chain fwh_nft_base[FWH_NFT_BASE_MAX] = {
	[FWH_NFT_PREROUTING] = { "prerouting", "filter", "prerouting",
				 "mangle", NF_INET_PRE_ROUTING, -150 },
	[FWH_NFT_DSTNAT] = { "dstnat", "nat", "prerouting",
			     "dstnat - 1", NF_INET_PRE_ROUTING, -101 },
	[FWH_NFT_CONNMARK] = { "connmark", "filter", "prerouting",
			       "mangle + 1", NF_INET_PRE_ROUTING, -149 },
	[FWH_NFT_INPUT] = { "input", "filter", "input",
			    "mangle", NF_INET_LOCAL_IN, -150 },
	[FWH_NFT_FORWARD] = { "forward", "filter", "forward",
			      "mangle", NF_INET_FORWARD, -150 },
	[FWH_NFT_OUTPUT_MARK] = { "output-mark", "route", "output",
				  "mangle", NF_INET_LOCAL_OUT, -150 },
	[FWH_NFT_OUTPUT] = { "output", "filter", "output",
			     "mangle + 1", NF_INET_LOCAL_OUT, -149 },
	[FWH_NFT_POSTROUTING] = { "postrouting", "filter", "postrouting",
				  "mangle", NF_INET_POST_ROUTING, -150 },
	[FWH_NFT_SRCNAT] = { "srcnat", "nat", "postrouting",
			     "srcnat - 1", NF_INET_POST_ROUTING, 99 },
	[FWH_NFT_AFTER_SRCNAT] = { "after-srcnat", "filter", "postrouting",
				   "srcnat + 10", NF_INET_POST_ROUTING, 110 },
};

/* What goes into an XFRM or VTI device is encrypted there, whosever it is, or
 * dropped: no policy shows before. */
size_t fwh_nft_prologue(const char *chain,
			struct fwh_nft_rule ret[FWH_NFT_PROLOGUE_MAX])
{
	static const char *const kinds[FWH_NFT_PROLOGUE_MAX] = {
		"xfrm", "vti", "vti6"
	};
	size_t i;

	if (strcmp(chain, fwh_nft_base[FWH_NFT_POSTROUTING].name) != 0 &&
	    strcmp(chain, fwh_nft_base[FWH_NFT_AFTER_SRCNAT].name) != 0)
		return 0;
	for (i = 0; i < FWH_NFT_PROLOGUE_MAX; i++) {
		fwh_nft_rule_begin(&ret[i], chain);
		fwh_nft_put_device_kind(&ret[i], kinds[i]);
		fwh_nft_put_accept(&ret[i]);
	}
	return FWH_NFT_PROLOGUE_MAX;
}

static const enum fwh_nft_base bases[FWH_TABLE_MAX][FWH_HOOK_MAX] = {
	[FWH_MANGLE] = {
		[FWH_PREROUTING] = FWH_NFT_PREROUTING,
		[FWH_INPUT] = FWH_NFT_BASE_MAX,
		[FWH_FORWARD] = FWH_NFT_FORWARD,
		[FWH_OUTPUT] = FWH_NFT_OUTPUT_MARK,
		[FWH_POSTROUTING] = FWH_NFT_POSTROUTING,
	},
	[FWH_NAT] = {
		[FWH_PREROUTING] = FWH_NFT_DSTNAT,
		[FWH_INPUT] = FWH_NFT_BASE_MAX,
		[FWH_FORWARD] = FWH_NFT_BASE_MAX,
		[FWH_OUTPUT] = FWH_NFT_BASE_MAX,
		[FWH_POSTROUTING] = FWH_NFT_SRCNAT,
	},
	[FWH_FILTER] = {
		[FWH_PREROUTING] = FWH_NFT_BASE_MAX,
		[FWH_INPUT] = FWH_NFT_INPUT,
		[FWH_FORWARD] = FWH_NFT_FORWARD,
		[FWH_OUTPUT] = FWH_NFT_OUTPUT,
		[FWH_POSTROUTING] = FWH_NFT_BASE_MAX,
	},
};

/* What the sets of a chain are called, and their rule's text if it is the usual
 * one; else the name goes on with a hash. */
static const struct purpose {
	const char *name, *usual;
	bool counter;
} purposes[FWH_TABLE_MAX][FWH_PART_MAX] = {
	[FWH_MANGLE] = {
		[FWH_PART_IN] = { "from-peer", "meta ipsec missing drop", true },
		[FWH_PART_OUT] = { "to-peer", "rt ipsec missing drop", true },
		[FWH_PART_MSS] = { "mss", "", false },
		[FWH_PART_RESTORE] = { "connmark-restore", "", false },
		[FWH_PART_ESP] = { "esp-mark", "", false },
		[FWH_PART_NFLOG_IN] = { "nflog-in", "", false },
		[FWH_PART_NFLOG_OUT] = { "nflog-out", "", false },
		[FWH_PART_POLICY_MARK] = { "policy-mark", "", false },
		[FWH_PART_RAW_PRE] = { "raw-prerouting", "", true },
		[FWH_PART_RAW_POST] = { "raw-postrouting", "", true },
	},
	[FWH_NAT] = {
		[FWH_PART_OUT] = { "no-nat", "", false },
		[FWH_PART_CAT_IN] = { "cat-in", "", false },
		[FWH_PART_CAT_OUT] = { "cat-out", "", false },
		[FWH_PART_RAW_PRE] = { "raw-dstnat", "", true },
		[FWH_PART_RAW_POST] = { "raw-srcnat", "", true },
	},
	[FWH_FILTER] = {
		[FWH_PART_IN] = { "accept-in", "", true },
		[FWH_PART_OUT] = { "accept-out", "", true },
		[FWH_PART_REJECT] = { "reject", "", true },
		[FWH_PART_IPIP] = { "accept-ipip", "", true },
		[FWH_PART_IKE_IN] = { "ike-in", "", true },
		[FWH_PART_IKE_OUT] = { "ike-out", "", true },
		[FWH_PART_RAW_IN] = { "raw-input", "", true },
		[FWH_PART_RAW_FWD_IN] = { "raw-forward-in", "", true },
		[FWH_PART_RAW_FWD_OUT] = { "raw-forward-out", "", true },
		[FWH_PART_RAW_OUT] = { "raw-output", "", true },
	},
};

bool fwh_nft_keeps(const char *set)
{
	const char *no_nat = purposes[FWH_NAT][FWH_PART_OUT].name;
	const char *to_peer = purposes[FWH_MANGLE][FWH_PART_OUT].name;

	return !strncmp(set, no_nat, strlen(no_nat)) ||
	       !strncmp(set, to_peer, strlen(to_peer));
}

#define NO_NAT4		"rt ipsec exists snat ip to ip saddr"
#define NO_NAT6		"rt ipsec exists snat ip6 to ip6 saddr"

struct builder {
	const struct fwh_plan *plan;
	struct fwh_mark accept;		/* mask 0: nothing is accepted */
	struct fwh_nft *nft;
	bool nomem;
};

/* ---- sets ---- */

void fwh_nft_free(struct fwh_nft *nft)
{
	size_t i, j;

	for (i = 0; i < nft->n; i++) {
		for (j = 0; j < nft->sets[i].n_rules; j++)
			fwh_nft_rule_free(&nft->sets[i].rules[j]);
		free(nft->sets[i].rules);
		free(nft->sets[i].keys);
	}
	free(nft->sets);
	memset(nft, 0, sizeof(*nft));
}

/* The set of this name.  *ret_new: it was not there, and has no rules yet. */
static struct fwh_nft_set *get_set(struct builder *b, const char *name,
				   enum fwh_nft_type type, bool counter,
				   bool *ret_new)
{
	struct fwh_nft *nft = b->nft;
	struct fwh_nft_set *set;
	size_t i;

	*ret_new = false;
	for (i = 0; i < nft->n; i++)
		if (!strcmp(nft->sets[i].name, name))
			return &nft->sets[i];
	if (!fwh_grow(&nft->sets, nft->n, &nft->cap, sizeof(*set))) {
		b->nomem = true;
		return NULL;
	}
	set = &nft->sets[nft->n++];
	memset(set, 0, sizeof(*set));
	assert(strlen(name) < FWH_NFT_BASE_NAME_MAX);
	strcpy(set->name, name);
	set->type = type;
	set->counter = counter;
	*ret_new = true;
	return set;
}

static void add_key(struct builder *b, struct fwh_nft_set *set,
		    const struct fwh_nft_key *key)
{
	size_t i;

	for (i = 0; i < set->n_keys; i++)
		if (!memcmp(set->keys[i].b, key->b, key->len))
			return;
	if (!fwh_grow(&set->keys, set->n_keys, &set->cap_keys,
		      sizeof(*key))) {
		b->nomem = true;
		return;
	}
	set->keys[set->n_keys++] = *key;
}

/* A new rule of the set, in this chain. */
static struct fwh_nft_rule *add_rule(struct builder *b, struct fwh_nft_set *set,
				     const char *chain)
{
	struct fwh_nft_rule *rule;

	if (!fwh_grow(&set->rules, set->n_rules, &set->cap_rules,
		      sizeof(*rule))) {
		b->nomem = true;
		return NULL;
	}
	rule = &set->rules[set->n_rules++];
	fwh_nft_rule_begin(rule, chain);
	return rule;
}

/* ---- keys and names ---- */

void fwh_nft_addresses_key(const struct fwh_net *src, const struct fwh_net *dst,
			   struct fwh_nft_key *ret)
{
	size_t bytes = fwh_family_bytes(src->addr.family);

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->b, src->addr.b, bytes);
	memcpy(ret->b + bytes, dst->addr.b, bytes);
	ret->len = 2 * bytes;
}

void fwh_nft_reqid_key(uint32_t reqid, struct fwh_nft_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->b, &reqid, sizeof(reqid));
	ret->len = sizeof(reqid);
}

void fwh_nft_owner(const struct fwh_key *key, char ret[FWH_NFT_OWNER_MAX])
{
	snprintf(ret, FWH_NFT_OWNER_MAX, "%s-%s", key->stem, key->hash);
}

int fwh_nft_shape(const char *set, unsigned int *ret_src_len,
		  unsigned int *ret_dst_len)
{
	const char *dst = strrchr(set, '-'), *src;
	uint64_t src_len, dst_len;
	char buf[8] = { 0 };

	if (!dst || dst == set)
		return -EINVAL;
	for (src = dst - 1; src > set && *src != '-'; src--)
		;
	if (*src != '-' || (size_t)(dst - src - 1) >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, src + 1, (size_t)(dst - src - 1));
	if (fwh_number_parse(buf, false, 128, &src_len) ||
	    fwh_number_parse(dst + 1, false, 128, &dst_len))
		return -EINVAL;
	*ret_src_len = (unsigned int)src_len;
	*ret_dst_len = (unsigned int)dst_len;
	return 0;
}

/* FNV-1a, five letters of base 32: sets of other content have other names.  What
 * people write can be anything: eight. */
#define HASH_LETTERS	5
#define RAW_LETTERS	8
#define HASH_START	0xcbf29ce484222325u

static void hash_text(uint64_t *h, const char *s)
{
	do
		*h = (*h ^ (uint8_t)*s) * 0x100000001b3u;
	while (*s++);
}

static void letters_of(uint64_t h, size_t n, char *ret)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	size_t i;

	h ^= h >> 32;
	for (i = 0; i < n; i++, h >>= 5)
		ret[i] = digits[h & 31];
	ret[i] = '\0';
}

static void hash_letters(uint64_t h, char ret[HASH_LETTERS + 1])
{
	letters_of(h, HASH_LETTERS, ret);
}

/* ---- what a chain holds ---- */

/* The plan's rules in one chain, that packets reach by these dispatch rules: those
 * that set a mark, or all others. */
struct content {
	enum fwh_family family;
	enum fwh_table table;
	enum fwh_part part;
	bool marks;
	unsigned int hooks;		/* a bit each */
	const struct fwh_rule *selector; /* the dispatch rules' protocol and ports */
	struct fwh_policy_match common;	/* of all rules but returns */
	bool has_common;
	uint64_t hash;
	size_t n;			/* rules by address */
	size_t n_exempt;		/* of them, returns at the beginning */
	const struct fwh_rule *last;
};

static bool in_content(const struct content *c, const struct fwh_rule *rule)
{
	return rule->family == c->family && rule->table == c->table &&
	       rule->part == c->part;
}

static bool is_marking(const struct fwh_rule *rule)
{
	return rule->action == FWH_SET_MARK ||
	       rule->action == FWH_CONNMARK_SAVE;
}

/* Of the connection's own packets, not of what the guard drops. */
static bool is_nflog(const struct fwh_rule *rule)
{
	return rule->part == FWH_PART_NFLOG_IN ||
	       rule->part == FWH_PART_NFLOG_OUT;
}

/* Told by the SA's reqid alone, without addresses: the kernel holds the SA's
 * packets against its selectors itself. */
static bool is_by_reqid(const struct fwh_rule *rule)
{
	return !rule->dispatch && rule->policy.reqid && !rule->policy.none &&
	       (is_marking(rule) || is_nflog(rule) ||
		(rule->action == FWH_ACCEPT && rule->table == FWH_FILTER));
}

/* Accepts are marks; without one, there is nothing to say. */
static bool is_void(const struct builder *b, const struct fwh_rule *rule)
{
	return rule->action == FWH_ACCEPT && rule->table == FWH_FILTER &&
	       !b->accept.mask;
}

static bool is_by_address(const struct builder *b, const struct content *c,
			  const struct fwh_rule *rule)
{
	return in_content(c, rule) && !rule->dispatch && !is_by_reqid(rule) &&
	       !is_void(b, rule) && is_marking(rule) == c->marks;
}

/* What all rules ask of IPsec goes ahead of the lookup: most packets need none
 * then. */
static void find_common(const struct builder *b, struct content *c)
{
	bool first = true;
	size_t i;

	c->has_common = true;
	for (i = 0; i < b->plan->n; i++) {
		const struct fwh_rule *rule = &b->plan->rules[i];

		if (!is_by_address(b, c, rule))
			continue;
		if (rule->action == FWH_RETURN && c->n_exempt == c->n)
			c->n_exempt++;
		c->n++;
		c->last = rule;
		if (rule->action == FWH_RETURN)
			continue;
		if (first)
			c->common = rule->policy;
		else if (memcmp(&c->common, &rule->policy, sizeof(c->common)))
			c->has_common = false;
		first = false;
	}
	if (first || c->common.dir == FWH_POLICY_ANY || c->common.reqid)
		c->has_common = false;
}

static void put_rule(const struct builder *b, const struct content *c,
		     const struct fwh_rule *rule, bool translated,
		     struct fwh_nft_rule *r)
{
	fwh_nft_put_addresses(r, rule, translated);
	fwh_nft_put_selector(r, rule);
	if (!c->has_common)
		fwh_nft_put_policy(r, rule);
	fwh_nft_put_state(r, rule);
	fwh_nft_put_action(r, rule, &b->accept);
}

/* iptables' multiport is two rules here; an anonymous set would be one more thing
 * to know. */
static void put_ports(struct builder *b, const struct content *c,
		      const struct fwh_rule *rule, struct fwh_nft_set *set,
		      const char *chain, bool translated)
{
	struct fwh_rule copy = *rule;
	struct fwh_nft_rule *r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(copy.sports); i++) {
		if (rule->sports[0])
			copy.sport.lo = copy.sport.hi = rule->sports[i];
		if (rule->dports[0])
			copy.dport.lo = copy.dport.hi = rule->dports[i];
		r = add_rule(b, set, chain);
		if (r)
			put_rule(b, c, &copy, translated, r);
	}
}

/* Copy the bits of a mask between a packet's mark and its connection's, one by
 * one: before Linux 6.13 there is no operation on two registers. */
static void put_copy_mark(struct builder *b, struct fwh_nft_set *set,
			  const char *chain, bool save, uint32_t mask)
{
	struct fwh_nft_rule *r = add_rule(b, set, chain);
	uint32_t bit;

	if (r)
		fwh_nft_put_set_mark(r, save, ~mask, 0);
	for (bit = 1; bit; bit <<= 1) {
		if (!(mask & bit))
			continue;
		r = add_rule(b, set, chain);
		if (!r)
			return;
		fwh_nft_put_mark_bit(r, !save, bit);
		fwh_nft_put_set_mark(r, save, ~bit, bit);
	}
}

/* The content's rules from `from' to before `to', in the chain of the owner. */
static void put_content(struct builder *b, const struct content *c,
			struct fwh_nft_set *set, enum fwh_nft_owner owner,
			size_t from, size_t to)
{
	bool translated = owner == FWH_NFT_OF_NAT_GATE;
	size_t first = set->n_rules, i, n = 0;
	const char *chain = set->shared[owner];
	struct fwh_nft_rule *r;

	for (i = 0; i < b->plan->n; i++) {
		const struct fwh_rule *rule = &b->plan->rules[i];

		if (!is_by_address(b, c, rule) || n++ < from || n > to)
			continue;
		if (rule->sports[0] || rule->dports[0]) {
			put_ports(b, c, rule, set, chain, translated);
		} else if (rule->action == FWH_CONNMARK_RESTORE) {
			put_copy_mark(b, set, chain, false,
				      rule->set_mark.mask);
		} else {
			r = add_rule(b, set, chain);
			if (r)
				put_rule(b, c, rule, translated, r);
		}
	}
	for (i = first; i < set->n_rules; i++)
		set->rules[i].owner = owner;
}

/* Does one rule follow the exemptions, whose matches can stand ahead of the
 * lookup, so that it needs no chain of its own? */
static bool is_inline(const struct content *c)
{
	static const struct fwh_policy_match no_policy;
	const struct fwh_rule *rule = c->last;

	return c->n == c->n_exempt + 1 && !*rule->in && !*rule->out &&
	       !rule->has_src && !rule->has_dst && !rule->proto &&
	       !rule->limit && rule->action != FWH_CONNMARK_RESTORE &&
	       rule->action != FWH_CONNMARK_SAVE &&
	       (c->has_common || !memcmp(&rule->policy, &no_policy,
					 sizeof(no_policy)));
}

/* ---- sets of addresses ---- */

static void put_common(const struct content *c, struct fwh_nft_rule *r)
{
	struct fwh_rule rule = { .policy = c->common };

	if (c->has_common)
		fwh_nft_put_policy(r, &rule);
}

static void hits_name(const char *content, char ret[FWH_NFT_NAME_MAX])
{
	snprintf(ret, FWH_NFT_NAME_MAX, "%.40s-hit", content);
}

/* The rule that looks into the set.  Behind exemptions and all matches, so that the
 * elements count what the rule is about. */
static void add_lookup(struct builder *b, const struct content *c,
		       struct fwh_nft_set *set, const char *chain,
		       bool translated)
{
	struct fwh_nft_rule *r = add_rule(b, set, chain);
	unsigned int src_len = 0, dst_len = 0;

	if (!r)
		return;
	fwh_nft_shape(set->name, &src_len, &dst_len);	/* we made the name */
	if (!c->n_exempt)
		put_common(c, r);
	if (!c->n_exempt && translated)
		fwh_nft_put_translated(r);
	if (is_inline(c))
		fwh_nft_put_state(r, c->last);
	if (c->selector)
		fwh_nft_put_selector(r, c->selector);
	fwh_nft_put_lookup(r, c->family, src_len, dst_len, translated,
			   set->name);
	if (is_inline(c))
		fwh_nft_put_action(r, c->last, &b->accept);
	else
		fwh_nft_put_jump(r, set->shared[FWH_NFT_OF_HITS]);
}

/* ICMP errors of this machine, from an address of its own that no selector has,
 * quote what was decrypted: the guard asks for the addresses that they quote.
 * Where selectors have protocols, the quoted packet may be none of theirs. */
#define QUOTED		"quoted"
#define TO_PEER		"to-peer"

static bool has_quoted(const struct content *c)
{
	return c->table == FWH_MANGLE && c->part == FWH_PART_OUT &&
	       !c->selector;
}

static void add_quoted_lookups(struct builder *b, const struct content *c,
			       struct fwh_nft_set *set, const char *chain)
{
	static const uint8_t types[FWH_FAMILY_MAX][2][2] = {
		{ { 3, 5 }, { 11, 12 } },	/* 4 and 5 quote, too */
		{ { 1, 4 }, { 0, 0 } },
	};
	unsigned int src_len = 0, dst_len = 0;
	struct fwh_nft_rule *r;
	size_t i;

	fwh_nft_shape(set->name, &src_len, &dst_len);	/* we made the name */
	for (i = 0; i < 2 && types[c->family][i][1]; i++) {
		r = add_rule(b, set, chain);
		if (!r)
			return;
		if (!c->n_exempt)
			put_common(c, r);
		fwh_nft_put_icmp_types(r, c->family, types[c->family][i][0],
				       types[c->family][i][1]);
		fwh_nft_put_quoted_lookup(r, c->family, src_len, dst_len,
					  set->name);
		if (is_inline(c))
			fwh_nft_put_action(r, c->last, &b->accept);
		else
			fwh_nft_put_jump(r, set->shared[FWH_NFT_OF_HITS]);
	}
}

/* A chain of the content's own: its exemptions, then the lookup. */
static void add_gate(struct builder *b, const struct content *c,
		     struct fwh_nft_set *set, const char *name,
		     bool translated)
{
	enum fwh_nft_owner owner = translated ? FWH_NFT_OF_NAT_GATE :
						FWH_NFT_OF_GATE;
	char *chain = set->shared[owner];

	if (*chain)
		return;
	snprintf(chain, FWH_NFT_NAME_MAX, "%.40s%s", name,
		 translated ? "-nat" : "");
	put_content(b, c, set, owner, 0, c->n_exempt);
	add_lookup(b, c, set, chain, translated);
}

/* translated: by the addresses of before source NAT. */
static void add_base(struct builder *b, const struct content *c,
		     struct fwh_nft_set *set, const char *name,
		     enum fwh_nft_base base, bool translated)
{
	struct fwh_nft_rule *r;

	assert(base != FWH_NFT_BASE_MAX);
	if (!c->n_exempt) {
		add_lookup(b, c, set, fwh_nft_base[base].name, translated);
		return;
	}
	add_gate(b, c, set, name, translated);
	r = add_rule(b, set, fwh_nft_base[base].name);
	if (!r)
		return;
	r->owner = translated ? FWH_NFT_OF_NAT_GATE : FWH_NFT_OF_GATE;
	put_common(c, r);
	if (translated)
		fwh_nft_put_translated(r);
	fwh_nft_put_jump(r, set->shared[r->owner]);
}

/* Everything that a new set needs.  The guard is asked again behind source NAT,
 * where a translated packet has lost the policy that it had before: both for
 * what it was, as conntrack has seen it, and for what it is now. */
static void equip(struct builder *b, const struct content *c,
		  struct fwh_nft_set *set, const char *name)
{
	enum fwh_hook hook;

	if (!is_inline(c)) {
		hits_name(name, set->shared[FWH_NFT_OF_HITS]);
		put_content(b, c, set, FWH_NFT_OF_HITS, c->n_exempt, c->n);
	}
	for (hook = 0; hook < FWH_HOOK_MAX; hook++) {
		enum fwh_nft_base base = bases[c->table][hook];

		if (!(c->hooks & 1u << hook))
			continue;
		add_base(b, c, set, name, base, false);
		if (base != FWH_NFT_POSTROUTING)
			continue;
		add_base(b, c, set, name, FWH_NFT_AFTER_SRCNAT, false);
		add_base(b, c, set, name, FWH_NFT_AFTER_SRCNAT, true);
	}
}

static const struct purpose *find_purpose(const struct content *c)
{
	static const struct purpose marks = { "mark", "", false };

	return c->marks && c->part == FWH_PART_IN ?
	       &marks : &purposes[c->table][c->part];
}

/* "to-peer", or "to-peer-k3f9a" where it is not as usual. */
static void content_name(const struct content *c, char *ret, size_t size)
{
	const struct purpose *purpose = find_purpose(c);
	char letters[HASH_LETTERS + 1];
	uint64_t usual = HASH_START;

	hash_text(&usual, *purpose->usual ? purpose->usual :
			  c->family == FWH_IPV4 ? NO_NAT4 : NO_NAT6);
	hash_letters(c->hash, letters);
	if (c->hash == usual)
		snprintf(ret, size, "%s", purpose->name);
	else
		snprintf(ret, size, "%s-%s", purpose->name, letters);
}

/* Everything that tells one content from another, in words. */
static void hash_content(struct builder *b, struct content *c)
{
	struct fwh_nft_set scratch = { .n_rules = 0 };
	struct fwh_nft_rule head;
	char hooks[16];
	size_t i;

	c->hash = HASH_START;
	fwh_nft_rule_begin(&head, "");
	put_common(c, &head);
	if (c->selector)
		fwh_nft_put_selector(&head, c->selector);
	if (is_inline(c)) {
		fwh_nft_put_state(&head, c->last);
		fwh_nft_put_action(&head, c->last, &b->accept);
	}
	hash_text(&c->hash, head.text);
	if (c->table == FWH_FILTER) {	/* there a connection may use fewer */
		snprintf(hooks, sizeof(hooks), "%u", c->hooks);
		hash_text(&c->hash, hooks);
	}
	put_content(b, c, &scratch, FWH_NFT_OF_SET, 0,
		    is_inline(c) ? c->n_exempt : c->n);
	for (i = 0; i < scratch.n_rules; i++)
		hash_text(&c->hash, scratch.rules[i].text);
	b->nomem = b->nomem || head.nomem;
	fwh_nft_rule_free(&head);
	for (i = 0; i < scratch.n_rules; i++)
		fwh_nft_rule_free(&scratch.rules[i]);
	free(scratch.rules);
}

/* The element once more, in the set for quoted packets. */
static void add_quoted(struct builder *b, const struct content *c,
		       const char *to_peer, const char *content,
		       const struct fwh_nft_key *key)
{
	struct fwh_nft_set *set;
	char name[FWH_NFT_NAME_MAX];
	bool is_new;

	snprintf(name, sizeof(name), QUOTED "%.40s", to_peer + strlen(TO_PEER));
	set = get_set(b, name, c->family == FWH_IPV4 ? FWH_NFT_QUOTED4 :
		      FWH_NFT_QUOTED6, true, &is_new);
	if (!set)
		return;
	if (is_new) {
		if (!is_inline(c))
			hits_name(content, set->shared[FWH_NFT_OF_HITS]);
		add_quoted_lookups(b, c, set, c->n_exempt ? content :
				   fwh_nft_base[FWH_NFT_POSTROUTING].name);
	}
	add_key(b, set, key);
}

static void add_address(struct builder *b, const struct content *c,
			const char *name, const struct fwh_rule *dispatch)
{
	struct fwh_net any = { .addr.family = c->family };
	const struct fwh_net *src = dispatch->has_src ? &dispatch->src : &any;
	const struct fwh_net *dst = dispatch->has_dst ? &dispatch->dst : &any;
	struct fwh_nft_set *set;
	struct fwh_nft_key key;
	char set_name[FWH_NFT_NAME_MAX];
	bool is_new;

	snprintf(set_name, sizeof(set_name), "%.24s%s-%u-%u", name,
		 c->family == FWH_IPV6 ? "-ip6" : "", src->len, dst->len);
	set = get_set(b, set_name, c->family == FWH_IPV4 ? FWH_NFT_ADDRS4 :
		      FWH_NFT_ADDRS6, find_purpose(c)->counter, &is_new);
	if (!set)
		return;
	if (is_new)
		equip(b, c, set, name);
	fwh_nft_addresses_key(src, dst, &key);
	add_key(b, set, &key);
	if (has_quoted(c))
		add_quoted(b, c, set->name, name, &key);
}

/* ---- sets of reqids ---- */

static void add_reqid(struct builder *b, struct fwh_nft_set *set,
		      uint32_t reqid)
{
	struct fwh_nft_key key;

	if (!set)
		return;
	fwh_nft_reqid_key(reqid, &key);
	add_key(b, set, &key);
}

/* A rule that looks the set up for packets that came decrypted; of all others, one
 * rule is enough. */
#define DECRYPTED	"decrypted"

static struct fwh_nft_rule *add_decrypted(struct builder *b,
					  struct fwh_nft_set *set)
{
	static const struct fwh_rule decrypted = {
		.policy.dir = FWH_POLICY_IN,
	};
	struct fwh_nft_rule *r;

	strcpy(set->shared[FWH_NFT_OF_GATE], DECRYPTED);
	r = add_rule(b, set, fwh_nft_base[FWH_NFT_PREROUTING].name);
	if (!r)
		return NULL;
	r->owner = FWH_NFT_OF_GATE;
	r->head = true;
	fwh_nft_put_policy(r, &decrypted);
	fwh_nft_put_jump(r, DECRYPTED);
	return add_rule(b, set, DECRYPTED);
}

/* A masked mark: no map can give one before Linux 6.13, which would need an
 * operation on two registers, and a verdict map makes the kernel look through
 * all its chains with every change.  So it is put together: the mask's bits
 * cleared for those of one set, each bit set for those of another. */
static void add_mark(struct builder *b, uint32_t reqid,
		     const struct fwh_mark *mark)
{
	char name[FWH_NFT_NAME_MAX];
	struct fwh_nft_set *set;
	struct fwh_nft_rule *r;
	uint32_t bit;
	bool is_new;

	snprintf(name, sizeof(name), "mark-clear-%08x", mark->mask);
	set = get_set(b, name, FWH_NFT_REQID_IN, false, &is_new);
	if (is_new && set && (r = add_decrypted(b, set))) {
		r->head = true;
		fwh_nft_put_reqid_lookup(r, false, 0, name);
		fwh_nft_put_set_mark(r, false, ~mark->mask, 0);
	}
	add_reqid(b, set, reqid);
	for (bit = 1; bit; bit <<= 1) {
		if (!(mark->value & bit))
			continue;
		snprintf(name, sizeof(name), "mark-set-%08x", bit);
		set = get_set(b, name, FWH_NFT_REQID_IN, false, &is_new);
		if (is_new && set && (r = add_decrypted(b, set))) {
			fwh_nft_put_reqid_lookup(r, false, 0, name);
			fwh_nft_put_set_mark(r, false, ~bit, bit);
		}
		add_reqid(b, set, reqid);
	}
}

static void add_connmark(struct builder *b, uint32_t reqid, uint32_t mask)
{
	char name[FWH_NFT_NAME_MAX];
	struct fwh_nft_set *set;
	struct fwh_nft_rule *r;
	bool is_new;
	size_t i;

	snprintf(name, sizeof(name), "connmark-save-%08x", mask);
	set = get_set(b, name, FWH_NFT_REQID_IN, false, &is_new);
	if (is_new && set) {
		strcpy(set->shared[FWH_NFT_OF_HITS], name);
		put_copy_mark(b, set, name, true, mask);
		for (i = 0; i < set->n_rules; i++)
			set->rules[i].owner = FWH_NFT_OF_HITS;
		r = add_rule(b, set, fwh_nft_base[FWH_NFT_CONNMARK].name);
		if (r) {
			fwh_nft_put_reqid_lookup(r, false, 0, name);
			fwh_nft_put_jump(r, name);
		}
	}
	add_reqid(b, set, reqid);
}

/* Which connection's packets these are the prefix says, which is the rule's: the
 * instances of one name share it. */
static void add_nth_nflog(struct builder *b, const struct fwh_rule *rule,
			  unsigned int nth)
{
	bool out = rule->part == FWH_PART_NFLOG_OUT, is_new;
	char name[FWH_NFT_NAME_MAX], letters[HASH_LETTERS + 1];
	uint64_t hash = HASH_START;
	struct fwh_nft_set *set;
	struct fwh_nft_rule *r;

	hash_text(&hash, rule->log_prefix);
	hash_letters(hash, letters);
	snprintf(name, sizeof(name), "%s-%u-%s%s",
		 purposes[FWH_MANGLE][rule->part].name, rule->log_group,
		 letters, nth ? "-ipcomp" : "");
	set = get_set(b, name, out ? FWH_NFT_REQID_OUT : FWH_NFT_REQID_IN,
		      false, &is_new);
	if (is_new && set &&
	    (r = add_rule(b, set, fwh_nft_base[out ? FWH_NFT_POSTROUTING :
					       FWH_NFT_PREROUTING].name))) {
		fwh_nft_put_reqid_lookup(r, out, nth, name);
		fwh_nft_put_action(r, rule, &b->accept);
	}
	add_reqid(b, set, rule->policy.reqid);
}

/* What an accept asks of packets, whosever they are.  A packet of a connection
 * that is under way is counted where it is accepted as that. */
static void put_accept_matches(const struct content *c,
			       const struct fwh_rule *rule,
			       struct fwh_nft_rule *r)
{
	struct fwh_rule protected = { .policy.dir = rule->policy.dir };
	const struct fwh_rule *selector = c->part == FWH_PART_IPIP ?
					  c->selector : rule;

	if (!selector->proto && !rule->established)
		return;
	fwh_nft_put_policy(r, &protected);
	fwh_nft_put_selector(r, selector);
	if (rule->proto)
		fwh_nft_put_not_established(r);
	else
		fwh_nft_put_state(r, rule);
}

static void add_accept_lookup(struct builder *b, const struct content *c,
			      struct fwh_nft_set *set, enum fwh_hook hook,
			      const struct fwh_rule *rule, unsigned int nth)
{
	bool out = rule->policy.dir == FWH_POLICY_OUT;
	struct fwh_nft_rule *r;

	r = add_rule(b, set, fwh_nft_base[bases[FWH_FILTER][hook]].name);
	if (!r)
		return;
	put_accept_matches(c, rule, r);
	fwh_nft_put_reqid_lookup(r, out, nth, set->name);
	fwh_nft_put_action(r, rule, &b->accept);
}

static const char *hooks_name(unsigned int hooks)
{
	if (hooks == 1u << FWH_FORWARD)
		return "-forward";
	return hooks & 1u << FWH_FORWARD ? "" : "-local";
}

/* "-established", "-tcp-443", "-udp-60000-61000", "-47", or nothing. */
static void accept_name(const struct fwh_rule *rule, char *ret, size_t size)
{
	const char *proto = fwh_nft_proto_name(rule->proto);
	int n = 0;

	*ret = '\0';
	if (rule->established)
		snprintf(ret, size, "-established");
	if (!rule->proto)
		return;
	if (proto)
		n = snprintf(ret, size, "-%s", proto);
	else
		n = snprintf(ret, size, "-%u", rule->proto);
	if (fwh_ports_any(&rule->dport))
		return;
	n += snprintf(ret + n, size - (size_t)n, "-%u", rule->dport.lo);
	if (rule->dport.hi != rule->dport.lo)
		snprintf(ret + n, size - (size_t)n, "-%u", rule->dport.hi);
}

/* A local packet is held against its policy once more after INPUT, by its mark:
 * where the policy looks at our bits, there is no accepting it. */
static unsigned int accept_hooks(const struct builder *b,
				 const struct content *c)
{
	return b->plan->policy_marks & b->accept.mask ?
	       c->hooks & ~(1u << FWH_INPUT) : c->hooks;
}

/* A set for each thing that is accepted. */
static void add_nth_accept(struct builder *b, const struct content *c,
			   const struct fwh_rule *rule, unsigned int nth)
{
	bool out = rule->policy.dir == FWH_POLICY_OUT, is_new;
	unsigned int hooks = accept_hooks(b, c);
	char name[FWH_NFT_NAME_MAX], what[24];
	struct fwh_nft_set *set;
	enum fwh_hook hook;

	if (!hooks)
		return;
	accept_name(rule, what, sizeof(what));
	snprintf(name, sizeof(name), "%s%s%s%s",
		 purposes[FWH_FILTER][c->part].name, hooks_name(hooks), what,
		 nth ? "-ipcomp" : "");
	set = get_set(b, name, out ? FWH_NFT_REQID_OUT : FWH_NFT_REQID_IN,
		      true, &is_new);
	for (hook = 0; is_new && set && hook < FWH_HOOK_MAX; hook++)
		if (hooks & 1u << hook)
			add_accept_lookup(b, c, set, hook, rule, nth);
	add_reqid(b, set, rule->policy.reqid);
}

/* On the way out IPComp comes before ESP: its template is the first then, and
 * ESP's, whose reqid it is, the second. */
static unsigned int templates(const struct builder *b,
			      const struct fwh_rule *rule)
{
	return b->plan->ipcomp && rule->policy.dir == FWH_POLICY_OUT ? 2 : 1;
}

static void add_accept(struct builder *b, const struct content *c,
		       const struct fwh_rule *rule)
{
	unsigned int nth;

	for (nth = 0; nth < templates(b, rule); nth++)
		add_nth_accept(b, c, rule, nth);
}

static void add_nflog(struct builder *b, const struct fwh_rule *rule)
{
	unsigned int nth;

	for (nth = 0; nth < templates(b, rule); nth++)
		add_nth_nflog(b, rule, nth);
}

static void add_by_reqid(struct builder *b, const struct content *c)
{
	size_t i;

	for (i = 0; i < b->plan->n; i++) {
		const struct fwh_rule *rule = &b->plan->rules[i];

		if (!in_content(c, rule) || !is_by_reqid(rule) ||
		    is_void(b, rule))
			continue;
		if (rule->action == FWH_SET_MARK)
			add_mark(b, rule->policy.reqid, &rule->set_mark);
		else if (rule->action == FWH_CONNMARK_SAVE)
			add_connmark(b, rule->policy.reqid,
				     rule->set_mark.mask);
		else if (is_nflog(rule))
			add_nflog(b, rule);
		else
			add_accept(b, c, rule);
	}
}

/* ---- rules in a person's own words ---- */

/* What is said decides the name, and whose it is, if it says something of this
 * connection alone: others that say the same share the chain. */
static void raw_chain(const struct builder *b, const struct content *c,
		      char ret[FWH_NFT_NAME_MAX])
{
	char letters[RAW_LETTERS + 1];
	uint64_t hash = HASH_START;
	bool own = false;
	size_t i;

	for (i = 0; i < b->plan->n; i++) {
		const struct fwh_rule *rule = &b->plan->rules[i];

		if (!in_content(c, rule) || rule->dispatch)
			continue;
		hash_text(&hash, rule->raw->text);
		own = own || rule->raw->own;
	}
	letters_of(hash, RAW_LETTERS, letters);
	snprintf(ret, FWH_NFT_NAME_MAX, "%s-%s%s%s",
		 purposes[c->table][c->part].name, letters, own ? "-" : "",
		 own ? b->plan->key.hash : "");
}

/* The rule of the base chain that looks into the new set; its matches and its
 * lookup are the caller's.  A translation comes ahead of those that keep one
 * off. */
static struct fwh_nft_rule *equip_raw(struct builder *b, const struct content *c,
				      struct fwh_nft_set *set, enum fwh_hook hook,
				      const char *chain)
{
	const struct fwh_raw_rule *first = NULL;
	struct fwh_nft_rule *r;
	size_t i;

	strcpy(set->shared[FWH_NFT_OF_HITS], chain);
	for (i = 0; i < b->plan->n; i++) {
		const struct fwh_rule *rule = &b->plan->rules[i];

		if (!in_content(c, rule) || rule->dispatch)
			continue;
		r = add_rule(b, set, chain);
		if (!r)
			return NULL;
		r->owner = FWH_NFT_OF_HITS;
		fwh_nft_put_action(r, rule, &b->accept);
		first = first ? first : rule->raw;
	}
	r = add_rule(b, set, fwh_nft_base[bases[c->table][hook]].name);
	if (r) {
		r->head = c->table == FWH_NAT;
		r->leads = first;
	}
	return r;
}

static void add_raw_reqid(struct builder *b, const struct content *c,
			  const struct fwh_rule *dispatch, const char *chain,
			  unsigned int nth)
{
	bool out = dispatch->policy.dir == FWH_POLICY_OUT, is_new;
	char name[FWH_NFT_NAME_MAX];
	struct fwh_nft_set *set;
	struct fwh_nft_rule *r;

	snprintf(name, sizeof(name), "%.40s%s", chain, nth ? "-ipcomp" : "");
	set = get_set(b, name, out ? FWH_NFT_REQID_OUT : FWH_NFT_REQID_IN,
		      true, &is_new);
	if (is_new && set &&
	    (r = equip_raw(b, c, set, dispatch->hook, chain))) {
		fwh_nft_put_reqid_lookup(r, out, nth, name);
		fwh_nft_put_jump(r, chain);
	}
	add_reqid(b, set, dispatch->policy.reqid);
}

/* Where no SA shows: by the device, or the mark, and the addresses. */
static void put_raw_matches(const struct fwh_rule *dispatch,
			    struct fwh_nft_rule *r)
{
	struct fwh_rule match = *dispatch;

	match.has_src = match.has_dst = false;
	fwh_nft_put_addresses(r, &match, false);
	fwh_nft_put_selector(r, &match);
	fwh_nft_put_policy(r, &match);
	fwh_nft_put_state(r, &match);
}

static void add_raw_address(struct builder *b, const struct content *c,
			    const struct fwh_rule *dispatch, const char *chain)
{
	struct fwh_net any = { .addr.family = c->family };
	const struct fwh_net *src = dispatch->has_src ? &dispatch->src : &any;
	const struct fwh_net *dst = dispatch->has_dst ? &dispatch->dst : &any;
	char name[FWH_NFT_NAME_MAX], letters[RAW_LETTERS + 1];
	uint64_t hash = HASH_START;
	struct fwh_nft_rule head, *r;
	struct fwh_nft_set *set;
	struct fwh_nft_key key;
	bool is_new;

	fwh_nft_rule_begin(&head, "");
	put_raw_matches(dispatch, &head);
	hash_text(&hash, chain);
	hash_text(&hash, head.text);
	fwh_nft_rule_free(&head);
	letters_of(hash, RAW_LETTERS, letters);
	snprintf(name, sizeof(name), "%s-%s%s-%u-%u",
		 purposes[c->table][c->part].name, letters,
		 c->family == FWH_IPV6 ? "-ip6" : "", src->len, dst->len);
	set = get_set(b, name, c->family == FWH_IPV4 ? FWH_NFT_ADDRS4 :
		      FWH_NFT_ADDRS6, true, &is_new);
	if (is_new && set &&
	    (r = equip_raw(b, c, set, dispatch->hook, chain))) {
		put_raw_matches(dispatch, r);
		fwh_nft_put_lookup(r, c->family, src->len, dst->len, false,
				   name);
		fwh_nft_put_jump(r, chain);
	}
	if (!set)
		return;
	fwh_nft_addresses_key(src, dst, &key);
	add_key(b, set, &key);
}

static bool is_raw(const struct content *c)
{
	return c->part >= FWH_PART_RAW_PRE && c->part <= FWH_PART_RAW_POST;
}

static void add_raw(struct builder *b, const struct content *c)
{
	char chain[FWH_NFT_NAME_MAX];
	unsigned int nth;
	size_t i;

	raw_chain(b, c, chain);
	for (i = 0; i < b->plan->n; i++) {
		const struct fwh_rule *rule = &b->plan->rules[i];

		if (!in_content(c, rule) || !rule->dispatch)
			continue;
		if (!rule->policy.reqid)
			add_raw_address(b, c, rule, chain);
		for (nth = 0; rule->policy.reqid && nth < templates(b, rule);
		     nth++)
			add_raw_reqid(b, c, rule, chain, nth);
	}
}

/* ---- the whole ---- */

static void add_content(struct builder *b, struct content *c)
{
	char name[FWH_NFT_NAME_MAX];
	size_t i;

	for (i = 0; i < b->plan->n; i++) {
		const struct fwh_rule *rule = &b->plan->rules[i];

		if (!in_content(c, rule) || !rule->dispatch)
			continue;
		c->hooks |= 1u << rule->hook;
		if (rule->proto)
			c->selector = rule;
	}
	if (!c->hooks)
		return;
	if (is_raw(c)) {
		if (!c->marks)
			add_raw(b, c);
		return;
	}
	if (!c->marks)
		add_by_reqid(b, c);
	find_common(b, c);
	if (c->n == c->n_exempt)
		return;
	hash_content(b, c);
	content_name(c, name, sizeof(name));
	for (i = 0; i < b->plan->n; i++)
		if (in_content(c, &b->plan->rules[i]) &&
		    b->plan->rules[i].dispatch)
			add_address(b, c, name, &b->plan->rules[i]);
}

static bool has_no_memory(const struct builder *b)
{
	size_t i, j;

	for (i = 0; i < b->nft->n; i++)
		for (j = 0; j < b->nft->sets[i].n_rules; j++)
			if (b->nft->sets[i].rules[j].nomem)
				return true;
	return b->nomem;
}

int fwh_nft_build(const struct fwh_plan *plan, const struct fwh_globals *globals,
		  struct fwh_nft *ret)
{
	struct fwh_nft nft = { .n = 0 };
	struct builder b = { .plan = plan, .nft = &nft };
	struct content c;
	unsigned int family, table, part, marks;

	b.accept = globals->accept_mark;
	for (table = 0; table < FWH_TABLE_MAX; table++) {
		for (part = 0; part < FWH_PART_MAX; part++) {
			for (family = 0; family < FWH_FAMILY_MAX; family++) {
				for (marks = 0; marks < 2; marks++) {
					memset(&c, 0, sizeof(c));
					c.family = family;
					c.table = table;
					c.part = part;
					c.marks = marks;
					add_content(&b, &c);
				}
			}
		}
	}
	if (has_no_memory(&b)) {
		fwh_nft_free(&nft);
		return -ENOMEM;
	}
	*ret = nft;
	return 0;
}
