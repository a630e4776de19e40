// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_rule.c - one rule in two forms at once: the text that nft reads, and the
 * kernel's expressions in the order in which nft itself writes them, so that it
 * finds its way back.  Pure; matches and statements are a closed list.
 *
 * libnftnl and not libnftables: a daemon waits for every event, and libnftables
 * brings a parser and a cache of the ruleset along: 1.5 million instructions an
 * event, and work in proportion to what is there, where libnftnl takes 0.3.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter.h>
#include <linux/xfrm.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>

#include "nft.h"

#define BURST		5		/* nft's default */
#define ARG_ADDR_SECOND4	NFT_REG32_01	/* behind four bytes */
#define ARG_ADDR_SECOND6	NFT_REG_2	/* behind sixteen */
#define TCPOPT_MAXSEG_NUM	2
#define TCP_FLAGS_AT	13
#define TCP_SYN		0x02
#define TCP_RST		0x04

/* ---- the two forms ---- */

void fwh_nft_rule_begin(struct fwh_nft_rule *r, const char *chain)
{
	memset(r, 0, sizeof(*r));
	assert(strlen(chain) < sizeof(r->chain));
	strcpy(r->chain, chain);
	r->rule = nftnl_rule_alloc();
	if (!r->rule) {
		r->nomem = true;
		return;
	}
	r->nomem = nftnl_rule_set_str(r->rule, NFTNL_RULE_TABLE, FWH_NFT_TABLE) ||
		   nftnl_rule_set_str(r->rule, NFTNL_RULE_CHAIN, chain);
	nftnl_rule_set_u32(r->rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
}

void fwh_nft_rule_free(struct fwh_nft_rule *r)
{
	while (r->n_anonymous)
		nftnl_set_free(r->anonymous[--r->n_anonymous]);
	free(r->anonymous);
	r->anonymous = NULL;
	if (r->rule)
		nftnl_rule_free(r->rule);
	r->rule = NULL;
}

__attribute__((format(printf, 2, 3)))
static void say(struct fwh_nft_rule *r, const char *fmt, ...)
{
	size_t n = strlen(r->text);
	va_list ap;
	int more;

	if (n)
		r->text[n++] = ' ';
	va_start(ap, fmt);
	more = vsnprintf(r->text + n, sizeof(r->text) - n, fmt, ap);
	va_end(ap);
	/* The longest rule has two IPv6 networks and a log prefix. */
	assert(more >= 0 && n + (size_t)more < sizeof(r->text));
}

/* NULL when out of memory, and then nothing can be set. */
static struct nftnl_expr *add(struct fwh_nft_rule *r, const char *name)
{
	struct nftnl_expr *e = r->rule ? nftnl_expr_alloc(name) : NULL;

	if (e)
		nftnl_rule_add_expr(r->rule, e);
	else
		r->nomem = true;
	return e;
}

static void set32(struct nftnl_expr *e, uint16_t attr, uint32_t value)
{
	if (e)
		nftnl_expr_set_u32(e, attr, value);
}

static void set_data(struct fwh_nft_rule *r, struct nftnl_expr *e,
		     uint16_t attr, const void *data, size_t len)
{
	if (e && nftnl_expr_set(e, attr, data, (uint32_t)len))
		r->nomem = true;
}

static void set_str(struct fwh_nft_rule *r, struct nftnl_expr *e,
		    uint16_t attr, const char *s)
{
	if (e && nftnl_expr_set_str(e, attr, s))
		r->nomem = true;
}

/* ---- building blocks ---- */

static void load_meta(struct fwh_nft_rule *r, uint32_t key)
{
	struct nftnl_expr *e = add(r, "meta");

	set32(e, NFTNL_EXPR_META_KEY, key);
	set32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void load_payload(struct fwh_nft_rule *r, uint32_t base, size_t at,
			 size_t len, uint32_t reg)
{
	struct nftnl_expr *e = add(r, "payload");

	set32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	set32(e, NFTNL_EXPR_PAYLOAD_OFFSET, (uint32_t)at);
	set32(e, NFTNL_EXPR_PAYLOAD_LEN, (uint32_t)len);
	set32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

static void load_rt(struct fwh_nft_rule *r, uint32_t key)
{
	struct nftnl_expr *e = add(r, "rt");

	set32(e, NFTNL_EXPR_RT_KEY, key);
	set32(e, NFTNL_EXPR_RT_DREG, NFT_REG_1);
}

static void load_ct(struct fwh_nft_rule *r, uint32_t key)
{
	struct nftnl_expr *e = add(r, "ct");

	set32(e, NFTNL_EXPR_CT_KEY, key);
	set32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
}

static void load_xfrm(struct fwh_nft_rule *r, uint32_t key, bool out,
		      unsigned int nth)
{
	struct nftnl_expr *e = add(r, "xfrm");

	set32(e, NFTNL_EXPR_XFRM_KEY, key);
	if (e)
		nftnl_expr_set_u8(e, NFTNL_EXPR_XFRM_DIR,
				  out ? XFRM_POLICY_OUT : XFRM_POLICY_IN);
	set32(e, NFTNL_EXPR_XFRM_SPNUM, nth);
	set32(e, NFTNL_EXPR_XFRM_DREG, NFT_REG_1);
}

static void compare(struct fwh_nft_rule *r, uint32_t op, const void *data,
		    size_t len)
{
	struct nftnl_expr *e = add(r, "cmp");

	set32(e, NFTNL_EXPR_CMP_OP, op);
	set32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	set_data(r, e, NFTNL_EXPR_CMP_DATA, data, len);
}

static void compare8(struct fwh_nft_rule *r, uint8_t value)
{
	compare(r, NFT_CMP_EQ, &value, sizeof(value));
}

static void compare32(struct fwh_nft_rule *r, uint32_t op, uint32_t value)
{
	compare(r, op, &value, sizeof(value));
}

/* reg = (reg & mask) ^ xor */
static void bitwise(struct fwh_nft_rule *r, uint32_t reg, const void *mask,
		    const void *xor, size_t len)
{
	struct nftnl_expr *e = add(r, "bitwise");

	set32(e, NFTNL_EXPR_BITWISE_SREG, reg);
	set32(e, NFTNL_EXPR_BITWISE_DREG, reg);
	set32(e, NFTNL_EXPR_BITWISE_LEN, (uint32_t)len);
	set_data(r, e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	set_data(r, e, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

static void bitwise32(struct fwh_nft_rule *r, uint32_t mask, uint32_t xor)
{
	bitwise(r, NFT_REG_1, &mask, &xor, sizeof(mask));
}

static void keep_prefix(struct fwh_nft_rule *r, enum fwh_family family,
			uint32_t reg, unsigned int len)
{
	static const uint8_t zero[16];
	uint8_t mask[16] = { 0 };
	unsigned int i;

	if (len == fwh_family_bits(family))
		return;
	for (i = 0; i < len; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	bitwise(r, reg, mask, zero, fwh_family_bytes(family));
}

static void verdict(struct fwh_nft_rule *r, uint32_t code, const char *chain)
{
	struct nftnl_expr *e = add(r, "immediate");

	set32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	set32(e, NFTNL_EXPR_IMM_VERDICT, code);
	if (chain)
		set_str(r, e, NFTNL_EXPR_IMM_CHAIN, chain);
}

/* ---- addresses ---- */

static const struct {
	const char *name;
	uint8_t nfproto;
	size_t src, dst;		/* offsets in the header */
	uint32_t second;		/* register behind an address in the first */
	uint32_t ct_src;
	const char *icmp;
	uint8_t icmp_proto;
} families[FWH_FAMILY_MAX] = {
	{ "ip", NFPROTO_IPV4, 12, 16, ARG_ADDR_SECOND4, NFT_CT_SRC_IP,
	  "icmp", IPPROTO_ICMP },
	{ "ip6", NFPROTO_IPV6, 8, 24, ARG_ADDR_SECOND6, NFT_CT_SRC_IP6,
	  "icmpv6", IPPROTO_ICMPV6 },
};

#define ICMP_HEADER	8		/* before what it quotes */

static void match_family(struct fwh_nft_rule *r, enum fwh_family family)
{
	if (r->nfproto)
		return;
	load_meta(r, NFT_META_NFPROTO);
	compare8(r, families[family].nfproto);
	r->nfproto = true;
}

static void match_net(struct fwh_nft_rule *r, enum fwh_family family,
		      const char *name, size_t at, const struct fwh_net *net)
{
	size_t bytes = fwh_family_bytes(family);
	char buf[FWH_ADDR_STRLEN];

	say(r, "%s %s %s", families[family].name, name,
	    fwh_addr_format(&net->addr, buf));
	if (net->len < fwh_family_bits(family))
		sprintf(r->text + strlen(r->text), "/%u", net->len);
	match_family(r, family);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, at, bytes, NFT_REG_1);
	keep_prefix(r, family, NFT_REG_1, net->len);
	compare(r, NFT_CMP_EQ, net->addr.b, bytes);
}

static void match_iface(struct fwh_nft_rule *r, const char *what, uint32_t key,
			const char *name)
{
	char buf[FWH_IFNAME_MAX] = { 0 };
	size_t n = strlen(name);

	if (!n)
		return;
	strcpy(buf, name);		/* a plan's names are that short */
	load_meta(r, key);
	if (buf[n - 1] != '+') {
		say(r, "%s \"%s\"", what, buf);
		compare(r, NFT_CMP_EQ, buf, sizeof(buf));
		return;
	}
	buf[n - 1] = '*';
	say(r, "%s \"%s\"", what, buf);
	compare(r, NFT_CMP_EQ, buf, n - 1);
}

static void load_ct_source(struct fwh_nft_rule *r, enum fwh_family family,
			   uint8_t dir, uint32_t reg)
{
	struct nftnl_expr *e = add(r, "ct");

	set32(e, NFTNL_EXPR_CT_KEY, families[family].ct_src);
	set32(e, NFTNL_EXPR_CT_DREG, reg);
	if (e)
		nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, dir);
}

static void match_ct_source(struct fwh_nft_rule *r, enum fwh_family family,
			    const struct fwh_net *net)
{
	char buf[FWH_ADDR_STRLEN];

	say(r, "ct original %s saddr %s", families[family].name,
	    fwh_addr_format(&net->addr, buf));
	if (net->len < fwh_family_bits(family))
		sprintf(r->text + strlen(r->text), "/%u", net->len);
	load_ct_source(r, family, IP_CT_DIR_ORIGINAL, NFT_REG_1);
	keep_prefix(r, family, NFT_REG_1, net->len);
	compare(r, NFT_CMP_EQ, net->addr.b, fwh_family_bytes(family));
}

void fwh_nft_put_addresses(struct fwh_nft_rule *r, const struct fwh_rule *rule,
			   bool translated)
{
	enum fwh_family family = rule->family;

	match_iface(r, "iifname", NFT_META_IIFNAME, rule->in);
	match_iface(r, "oifname", NFT_META_OIFNAME, rule->out);
	if (rule->has_src && translated)
		match_ct_source(r, family, &rule->src);
	else if (rule->has_src)
		match_net(r, family, "saddr", families[family].src, &rule->src);
	if (rule->has_dst)
		match_net(r, family, "daddr", families[family].dst, &rule->dst);
}

static const char *mask_text(enum fwh_family family, unsigned int len,
			     char buf[FWH_ADDR_STRLEN + 3])
{
	struct fwh_addr mask = { .family = family };
	unsigned int i;

	if (len == fwh_family_bits(family))
		return "";
	for (i = 0; i < len; i++)
		mask.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	strcpy(buf, " & ");
	fwh_addr_format(&mask, buf + 3);
	return buf;
}

static void lookup(struct fwh_nft_rule *r, const char *set)
{
	struct nftnl_expr *e = add(r, "lookup");

	say(r, "@%s", set);
	snprintf(r->look, sizeof(r->look), "%s", set);
	set32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	set_str(r, e, NFTNL_EXPR_LOOKUP_SET, set);
}

void fwh_nft_put_lookup(struct fwh_nft_rule *r, enum fwh_family family,
			unsigned int src_len, unsigned int dst_len,
			bool conntrack, const char *set)
{
	char src[FWH_ADDR_STRLEN + 3], dst[FWH_ADDR_STRLEN + 3];
	const char *name = families[family].name;
	uint32_t second = families[family].second;

	if (conntrack) {
		say(r, "ct direction original ct original %s saddr%s . "
		    "ct reply %s saddr%s", name,
		    mask_text(family, src_len, src), name,
		    mask_text(family, dst_len, dst));
		load_ct(r, NFT_CT_DIRECTION);
		compare8(r, IP_CT_DIR_ORIGINAL);
		load_ct_source(r, family, IP_CT_DIR_ORIGINAL, NFT_REG_1);
		keep_prefix(r, family, NFT_REG_1, src_len);
		load_ct_source(r, family, IP_CT_DIR_REPLY, second);
	} else {
		say(r, "%s saddr%s . %s daddr%s", name,
		    mask_text(family, src_len, src), name,
		    mask_text(family, dst_len, dst));
		match_family(r, family);
		load_payload(r, NFT_PAYLOAD_NETWORK_HEADER,
			     families[family].src, fwh_family_bytes(family),
			     NFT_REG_1);
		keep_prefix(r, family, NFT_REG_1, src_len);
		load_payload(r, NFT_PAYLOAD_NETWORK_HEADER,
			     families[family].dst, fwh_family_bytes(family),
			     second);
	}
	keep_prefix(r, family, second, dst_len);
	lookup(r, set);
}

void fwh_nft_put_translated(struct fwh_nft_rule *r)
{
	say(r, "ct status snat");
	load_ct(r, NFT_CT_STATUS);
	bitwise32(r, IPS_SRC_NAT, 0);
	compare32(r, NFT_CMP_NEQ, 0);
}

/* " & 0xffffff00", as nft writes the mask of a number. */
static const char *number_mask_text(enum fwh_family family, unsigned int len,
				    char buf[40])
{
	size_t bytes = fwh_family_bytes(family), i;
	unsigned int left = len;
	char *p = buf;

	if (len == fwh_family_bits(family))
		return "";
	p += sprintf(p, " & 0x");
	for (i = 0; i < bytes; i++) {
		unsigned int bits = left < 8 ? left : 8;

		p += sprintf(p, "%02x", 0xff00u >> bits & 0xffu);
		left -= bits;
	}
	return buf;
}

static void load_quoted(struct fwh_nft_rule *r, enum fwh_family family,
			size_t at, unsigned int len, uint32_t reg)
{
	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, ICMP_HEADER + at,
		     fwh_family_bytes(family), reg);
	keep_prefix(r, family, reg, len);
}

void fwh_nft_put_quoted_lookup(struct fwh_nft_rule *r, enum fwh_family family,
			       unsigned int dst_len, unsigned int src_len,
			       const char *set)
{
	size_t dst = families[family].dst, src = families[family].src;
	unsigned int bits = fwh_family_bits(family);
	char dst_mask[40], src_mask[40];

	say(r, "@th,%zu,%u%s . @th,%zu,%u%s", 8 * (ICMP_HEADER + dst), bits,
	    number_mask_text(family, dst_len, dst_mask),
	    8 * (ICMP_HEADER + src), bits,
	    number_mask_text(family, src_len, src_mask));
	load_quoted(r, family, dst, dst_len, NFT_REG_1);
	load_quoted(r, family, src, src_len, families[family].second);
	lookup(r, set);
}

void fwh_nft_put_reqid_lookup(struct fwh_nft_rule *r, bool out,
			      unsigned int nth, const char *set)
{
	say(r, "ipsec %s", out ? "out" : "in");
	if (nth)
		say(r, "spnum %u", nth);
	say(r, "reqid");
	load_xfrm(r, NFT_XFRM_KEY_REQID, out, nth);
	lookup(r, set);
}

/* ---- protocols ---- */

const char *fwh_nft_proto_name(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP: return "tcp";
	case IPPROTO_UDP: return "udp";
	case IPPROTO_SCTP: return "sctp";
	case IPPROTO_DCCP: return "dccp";
	case IPPROTO_UDPLITE: return "udplite";
	case IPPROTO_ICMP: return "icmp";
	case IPPROTO_ICMPV6: return "icmpv6";
	default: return NULL;
	}
}

static void match_proto(struct fwh_nft_rule *r, uint8_t proto)
{
	load_meta(r, NFT_META_L4PROTO);
	compare8(r, proto);
}

static void match_port(struct fwh_nft_rule *r, uint8_t proto, const char *what,
		       size_t at, const struct fwh_ports *port)
{
	uint16_t lo = htons(port->lo), hi = htons(port->hi);

	say(r, "%s %s %u", fwh_nft_proto_name(proto), what, port->lo);
	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, at, sizeof(lo),
		     NFT_REG_1);
	if (lo == hi) {
		compare(r, NFT_CMP_EQ, &lo, sizeof(lo));
		return;
	}
	sprintf(r->text + strlen(r->text), "-%u", port->hi);
	compare(r, NFT_CMP_GTE, &lo, sizeof(lo));
	compare(r, NFT_CMP_LTE, &hi, sizeof(hi));
}

static void match_icmp(struct fwh_nft_rule *r, const struct fwh_rule *rule)
{
	const char *name = families[rule->family].icmp;
	uint8_t want[2] = { (uint8_t)rule->icmp_type, (uint8_t)rule->icmp_code };
	size_t len = rule->icmp_code >= 0 ? 2 : 1;

	say(r, "%s type %d", name, rule->icmp_type);
	if (rule->icmp_code >= 0)
		say(r, "%s code %d", name, rule->icmp_code);
	match_family(r, rule->family);
	match_proto(r, rule->proto);
	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 0, len, NFT_REG_1);
	compare(r, NFT_CMP_EQ, want, len);
}

void fwh_nft_put_icmp_types(struct fwh_nft_rule *r, enum fwh_family family,
			    uint8_t lo, uint8_t hi)
{
	say(r, "%s type %u-%u", families[family].icmp, lo, hi);
	match_family(r, family);
	match_proto(r, families[family].icmp_proto);
	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(lo), NFT_REG_1);
	compare(r, NFT_CMP_GTE, &lo, sizeof(lo));
	compare(r, NFT_CMP_LTE, &hi, sizeof(hi));
}

void fwh_nft_put_device_kind(struct fwh_nft_rule *r, const char *kind)
{
	char buf[FWH_IFNAME_MAX] = { 0 };

	snprintf(buf, sizeof(buf), "%s", kind);
	say(r, "meta oifkind \"%s\"", buf);
	load_meta(r, NFT_META_OIFKIND);
	compare(r, NFT_CMP_EQ, buf, sizeof(buf));
}

static void match_syn(struct fwh_nft_rule *r)
{
	uint8_t mask = TCP_SYN | TCP_RST, zero = 0;

	say(r, "tcp flags & (syn | rst) == syn");
	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_AT,
		     sizeof(mask), NFT_REG_1);
	bitwise(r, NFT_REG_1, &mask, &zero, sizeof(mask));
	compare8(r, TCP_SYN);
}

void fwh_nft_put_selector(struct fwh_nft_rule *r, const struct fwh_rule *rule)
{
	bool sport = !fwh_ports_any(&rule->sport);
	bool dport = !fwh_ports_any(&rule->dport);

	if (!rule->proto)
		return;
	if (rule->has_icmp) {
		match_icmp(r, rule);
		return;
	}
	if (!sport && !dport && !rule->tcp_syn)
		say(r, "meta l4proto %u", rule->proto);
	match_proto(r, rule->proto);
	if (sport)
		match_port(r, rule->proto, "sport", 0, &rule->sport);
	if (dport)
		match_port(r, rule->proto, "dport", 2, &rule->dport);
	if (rule->tcp_syn)
		match_syn(r);
}

/* ---- IPsec, marks, state ---- */

static void match_endpoint(struct fwh_nft_rule *r, bool out, const char *what,
			   uint32_t key, const struct fwh_addr *addr)
{
	char buf[FWH_ADDR_STRLEN];

	say(r, "ipsec %s %s %s %s", out ? "out" : "in",
	    families[addr->family].name, what, fwh_addr_format(addr, buf));
	load_xfrm(r, key, out, 0);
	compare(r, NFT_CMP_EQ, addr->b, fwh_family_bytes(addr->family));
}

/* The reqid is enough to know an SA by; what else xt_policy can ask, the mode
 * and the protocol, follows from it. */
static void match_sa(struct fwh_nft_rule *r,
		     const struct fwh_policy_match *policy)
{
	bool out = policy->dir == FWH_POLICY_OUT;
	bool v4 = policy->src.family == FWH_IPV4;

	say(r, "ipsec %s reqid %u", out ? "out" : "in", policy->reqid);
	load_xfrm(r, NFT_XFRM_KEY_REQID, out, 0);
	compare32(r, NFT_CMP_EQ, policy->reqid);
	if (!policy->endpoints)
		return;
	match_endpoint(r, out, "saddr", v4 ? NFT_XFRM_KEY_SADDR_IP4 :
		       NFT_XFRM_KEY_SADDR_IP6, &policy->src);
	match_endpoint(r, out, "daddr", v4 ? NFT_XFRM_KEY_DADDR_IP4 :
		       NFT_XFRM_KEY_DADDR_IP6, &policy->dst);
}

void fwh_nft_put_policy(struct fwh_nft_rule *r, const struct fwh_rule *rule)
{
	const struct fwh_policy_match *policy = &rule->policy;
	const char *word = policy->none ? "missing" : "exists";

	if (policy->dir == FWH_POLICY_ANY)
		return;
	if (!policy->none && policy->reqid) {
		match_sa(r, policy);
		return;
	}
	if (policy->dir == FWH_POLICY_OUT) {
		say(r, "rt ipsec %s", word);
		load_rt(r, NFT_RT_XFRM);
	} else {
		say(r, "meta ipsec %s", word);
		load_meta(r, NFT_META_SECPATH);
	}
	compare8(r, !policy->none);
}

void fwh_nft_put_mark_bit(struct fwh_nft_rule *r, bool conntrack, uint32_t bit)
{
	say(r, "%s mark & 0x%08x == 0x%08x", conntrack ? "ct" : "meta", bit,
	    bit);
	if (conntrack)
		load_ct(r, NFT_CT_MARK);
	else
		load_meta(r, NFT_META_MARK);
	bitwise32(r, bit, 0);
	compare32(r, NFT_CMP_EQ, bit);
}

static void match_mark(struct fwh_nft_rule *r, const struct fwh_rule *rule)
{
	say(r, "meta mark & 0x%08x %s 0x%08x", rule->mark.mask,
	    rule->mark_not ? "!=" : "==", rule->mark.value);
	load_meta(r, NFT_META_MARK);
	bitwise32(r, rule->mark.mask, 0);
	compare32(r, rule->mark_not ? NFT_CMP_NEQ : NFT_CMP_EQ,
		  rule->mark.value);
}

static void match_state(struct fwh_nft_rule *r, uint32_t states)
{
	load_ct(r, NFT_CT_STATE);
	bitwise32(r, states, 0);
	compare32(r, NFT_CMP_NEQ, 0);
}

static void match_established(struct fwh_nft_rule *r)
{
	say(r, "ct state established,related");
	match_state(r, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) |
		       NF_CT_STATE_BIT(IP_CT_RELATED));
}

void fwh_nft_put_not_established(struct fwh_nft_rule *r)
{
	say(r, "ct state invalid,new,untracked");
	match_state(r, NF_CT_STATE_INVALID_BIT | NF_CT_STATE_BIT(IP_CT_NEW) |
		       NF_CT_STATE_UNTRACKED_BIT);
}

static void match_limit(struct fwh_nft_rule *r, uint32_t rate)
{
	struct nftnl_expr *e = add(r, "limit");

	say(r, "limit rate %u/minute burst %u packets", rate, BURST);
	if (!e)
		return;
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, rate);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 60);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, BURST);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_FLAGS, 0);
}

void fwh_nft_put_state(struct fwh_nft_rule *r, const struct fwh_rule *rule)
{
	if (rule->has_mark)
		match_mark(r, rule);
	if (rule->established)
		match_established(r);
	if (rule->limit)
		match_limit(r, rule->limit);
}

/* ---- statements ---- */

void fwh_nft_put_set_mark(struct fwh_nft_rule *r, bool conntrack, uint32_t keep,
			  uint32_t set)
{
	const char *what = conntrack ? "ct" : "meta";
	struct nftnl_expr *e;

	if ((keep | set) == UINT32_MAX)
		say(r, "%s mark set %s mark | 0x%08x", what, what, set);
	else if (!set)
		say(r, "%s mark set %s mark & 0x%08x", what, what, keep);
	else
		say(r, "%s mark set %s mark & 0x%08x | 0x%08x", what, what,
		    keep, set);
	if (conntrack)
		load_ct(r, NFT_CT_MARK);
	else
		load_meta(r, NFT_META_MARK);
	bitwise32(r, keep & ~set, set);
	if (conntrack) {
		e = add(r, "ct");
		set32(e, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
		set32(e, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	} else {
		e = add(r, "meta");
		set32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
		set32(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
	}
}

static void put_log(struct fwh_nft_rule *r, const struct fwh_rule *rule)
{
	struct nftnl_expr *e = add(r, "log");

	say(r, "log prefix \"%s\"", rule->log_prefix);
	set_str(r, e, NFTNL_EXPR_LOG_PREFIX, rule->log_prefix);
	if (rule->action == FWH_DO_NFLOG) {
		say(r, "group %u", rule->log_group);
		if (e)
			nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP,
					   rule->log_group);
	}
}

static void put_reject(struct fwh_nft_rule *r, bool reset)
{
	struct nftnl_expr *e = add(r, "reject");

	say(r, reset ? "reject with tcp reset" :
		       "reject with icmpx admin-prohibited");
	set32(e, NFTNL_EXPR_REJECT_TYPE,
	      reset ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH);
	if (e)
		nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, reset ? 0 :
				  NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
}

/* The kernel lowers a segment's size only, as xt_TCPMSS does. */
static void put_mss(struct fwh_nft_rule *r, bool clamp, uint16_t mss)
{
	uint16_t value = htons(mss);
	struct nftnl_expr *e;

	if (clamp) {
		say(r, "tcp option maxseg size set rt mtu");
		load_rt(r, NFT_RT_TCPMSS);
		e = add(r, "byteorder");
		set32(e, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
		set32(e, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
		set32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
		set32(e, NFTNL_EXPR_BYTEORDER_LEN, sizeof(value));
		set32(e, NFTNL_EXPR_BYTEORDER_SIZE, sizeof(value));
	} else {
		say(r, "tcp option maxseg size set %u", mss);
		e = add(r, "immediate");
		set32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
		set_data(r, e, NFTNL_EXPR_IMM_DATA, &value, sizeof(value));
	}
	e = add(r, "exthdr");
	if (e)
		nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE,
				  TCPOPT_MAXSEG_NUM);
	set32(e, NFTNL_EXPR_EXTHDR_OFFSET, 2);
	set32(e, NFTNL_EXPR_EXTHDR_LEN, sizeof(value));
	set32(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	set32(e, NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1);
}

/* To the address in the first register. */
static void translate(struct fwh_nft_rule *r, uint32_t type,
		      enum fwh_family family)
{
	struct nftnl_expr *e = add(r, "nat");

	set32(e, NFTNL_EXPR_NAT_TYPE, type);
	set32(e, NFTNL_EXPR_NAT_FAMILY, families[family].nfproto);
	set32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
}

/* Translated to what it is: later chains of the same hook, ours or anybody's,
 * find the translation done.  An accept would end this chain alone. */
static void put_keep_source(struct fwh_nft_rule *r, enum fwh_family family)
{
	const char *name = families[family].name;

	say(r, "snat %s to %s saddr", name, name);
	match_family(r, family);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, families[family].src,
		     fwh_family_bytes(family), NFT_REG_1);
	translate(r, NFT_NAT_SNAT, family);
}

static void put_nat(struct fwh_nft_rule *r, uint32_t type,
		    const struct fwh_addr *to)
{
	const char *name = families[to->family].name;
	char buf[FWH_ADDR_STRLEN];
	struct nftnl_expr *e;

	say(r, "%s %s to %s", type == NFT_NAT_SNAT ? "snat" : "dnat", name,
	    fwh_addr_format(to, buf));
	match_family(r, to->family);
	e = add(r, "immediate");
	set32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	set_data(r, e, NFTNL_EXPR_IMM_DATA, to->b,
		 fwh_family_bytes(to->family));
	translate(r, type, to->family);
}

void fwh_nft_put_jump(struct fwh_nft_rule *r, const char *chain)
{
	say(r, "jump %s", chain);
	snprintf(r->jump, sizeof(r->jump), "%s", chain);
	verdict(r, (uint32_t)NFT_JUMP, chain);
}

static void put_verdict(struct fwh_nft_rule *r, const char *word, uint32_t code)
{
	say(r, "%s", word);
	verdict(r, code, NULL);
}

void fwh_nft_put_accept(struct fwh_nft_rule *r)
{
	put_verdict(r, "accept", NF_ACCEPT);
}

void fwh_nft_put_action(struct fwh_nft_rule *r, const struct fwh_rule *rule,
			const struct fwh_mark *accept)
{
	switch (rule->action) {
	case FWH_ACCEPT:
		if (rule->table == FWH_NAT)
			put_keep_source(r, rule->family);
		else
			fwh_nft_put_set_mark(r, false, ~accept->mask,
					     accept->value);
		break;
	case FWH_DROP:
		put_verdict(r, "drop", NF_DROP);
		break;
	case FWH_RETURN:
		put_verdict(r, "return", (uint32_t)NFT_RETURN);
		break;
	case FWH_REJECT:
	case FWH_REJECT_RESET:
		put_reject(r, rule->action == FWH_REJECT_RESET);
		break;
	case FWH_SET_MARK:
		fwh_nft_put_set_mark(r, false, ~rule->set_mark.mask,
				     rule->set_mark.value);
		break;
	case FWH_CONNMARK_SAVE:
		/* Which mark the packet has, the rule knows. */
		fwh_nft_put_set_mark(r, true, ~rule->set_mark.mask,
				     rule->set_mark.value);
		break;
	case FWH_SET_MSS:
	case FWH_CLAMP_MSS:
		put_mss(r, rule->action == FWH_CLAMP_MSS, rule->mss);
		break;
	case FWH_SNAT:
	case FWH_DNAT:
		put_nat(r, rule->action == FWH_SNAT ? NFT_NAT_SNAT :
						      NFT_NAT_DNAT, &rule->nat);
		break;
	case FWH_DO_LOG:
	case FWH_DO_NFLOG:
		put_log(r, rule);
		break;
	case FWH_RAW:			/* what it means is still to be found */
		say(r, "%s", rule->raw->text);
		r->raw = rule->raw;
		break;
	case FWH_JUMP:
	case FWH_CONNMARK_RESTORE:
	case FWH_ACTION_MAX:
		assert(!"an action that is not one statement");
	}
}
