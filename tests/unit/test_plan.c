// SPDX-License-Identifier: GPL-2.0-or-later
/* test_plan.c - what holds for every plan, whatever the event and the settings.
 * Which rules exactly a plan has is for tests/golden. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_policy.h>
#include <linux/netfilter/xt_tcpudp.h>

#include "env.h"
#include "iptables.h"

/* ---- events, SAs and settings ------------------------------------------- */

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct { enum fwh_dialect dialect; const char *lines; } events[] = {
	{ FWH_LIBRESWAN4, "" },
	{ FWH_LIBRESWAN5, "PLUTO_CONN_POLICY=IKEv2+PSK+TUNNEL+MOBIKE" },
	{ FWH_STRONGSWAN, "" },
	{ FWH_STRONGSWAN, "PLUTO_UDP_ENC=4500\nPLUTO_IPCOMP=1" },
	{ FWH_OPENSWAN, "" },
	/* Families */
	{ FWH_LIBRESWAN4, "PLUTO_MY_CLIENT=2001:db8:1::/64\n"
	  "PLUTO_PEER_CLIENT=2001:db8:2::/64" },
	{ FWH_LIBRESWAN4, "PLUTO_ME=2001:db8:100::1\n"
	  "PLUTO_PEER=2001:db8:100::2" },
	{ FWH_LIBRESWAN4, "PLUTO_ME=2001:db8:100::1\n"
	  "PLUTO_PEER=2001:db8:100::2\nPLUTO_MY_CLIENT=2001:db8:1::/64\n"
	  "PLUTO_PEER_CLIENT=2001:db8:2::/64" },
	/* The gateways themselves */
	{ FWH_LIBRESWAN4, "PLUTO_VERB=up-host\n"
	  "PLUTO_CONNECTION_TYPE=transport\n"
	  "PLUTO_MY_CLIENT=198.51.100.1/32\nPLUTO_PEER_CLIENT=198.51.100.2/32" },
	{ FWH_STRONGSWAN, "PLUTO_VERB=up-host-v6\nPLUTO_ME=2001:db8:100::1\n"
	  "PLUTO_PEER=2001:db8:100::2\n"
	  "PLUTO_MY_CLIENT=2001:db8:100::1/128\n"
	  "PLUTO_PEER_CLIENT=2001:db8:100::2/128" },
	/* Full tunnels */
	{ FWH_LIBRESWAN5, "PLUTO_MY_CLIENT=10.9.8.7/32\n"
	  "PLUTO_MY_SOURCEIP=10.9.8.7\nPLUTO_PEER_CLIENT=0.0.0.0/0" },
	{ FWH_LIBRESWAN5, "PLUTO_PEER_CLIENT=0.0.0.0/0" },
	{ FWH_LIBRESWAN5, "PLUTO_MY_CLIENT=198.51.100.1/32\n"
	  "PLUTO_PEER_CLIENT=0.0.0.0/0" },
	{ FWH_LIBRESWAN5, "PLUTO_MY_CLIENT=0.0.0.0/0\n"
	  "PLUTO_PEER_CLIENT=0.0.0.0/0\nPLUTO_VIRT_INTERFACE=ipsec1" },
	{ FWH_STRONGSWAN, "PLUTO_MY_CLIENT=2001:db8:1::/64\n"
	  "PLUTO_PEER_CLIENT=::/0\nPLUTO_IF_ID_IN=7\nPLUTO_IF_ID_OUT=7" },
	/* Devices */
	{ FWH_LIBRESWAN4, "PLUTO_VIRT_INTERFACE=ipsec1\n"
	  "PLUTO_XFRMI_FWMARK=1/0xffffffff" },
	{ FWH_LIBRESWAN4, "VTI_IFACE=vti0\nCONNMARK_IN=5/0xffffffff\n"
	  "CONNMARK_OUT=5/0xffffffff" },
	/* Protocols and ports */
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=6\nPLUTO_PEER_PROTOCOL=6\n"
	  "PLUTO_MY_PORT=443" },
	{ FWH_STRONGSWAN, "PLUTO_MY_PROTOCOL=17\nPLUTO_PEER_PROTOCOL=17\n"
	  "PLUTO_MY_PORT=8000:8099\nPLUTO_PEER_PORT=1024:65535" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=2048" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=1" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=58\nPLUTO_MY_PORT=32768" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_CLIENT=2001:db8:1::/64\n"
	  "PLUTO_PEER_CLIENT=2001:db8:2::/64\nPLUTO_MY_PROTOCOL=58\n"
	  "PLUTO_MY_PORT=32768" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=47\nPLUTO_PEER_PROTOCOL=47\n"
	  "PLUTO_MY_CLIENT=198.51.100.1/32\nPLUTO_PEER_CLIENT=198.51.100.2/32" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=132\nPLUTO_PEER_PORT=7" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=33\nPLUTO_PEER_PORT=7" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=136\nPLUTO_PEER_PORT=7" },
	/* Ranges, instances, names */
	{ FWH_LIBRESWAN5, "PLUTO_MY_CLIENT=192.0.1.10-192.0.1.20\n"
	  "PLUTO_PEER_CLIENT=10.0.0.1-10.0.0.254" },
	{ FWH_LIBRESWAN5, "PLUTO_MY_CLIENT=2001:db8:1::5-2001:db8:1::9\n"
	  "PLUTO_PEER_CLIENT=2001:db8:2::/64" },
	{ FWH_LIBRESWAN4, "PLUTO_CONN_KIND=CK_INSTANCE\n"
	  "PLUTO_PEER_CLIENT=10.9.8.7/32\nXAUTH_FAILED=1" },
	{ FWH_LIBRESWAN4, "PLUTO_PEER=%any\nPLUTO_PEER_CLIENT=0.0.0.0/0" },
	/* Options of the daemon */
	{ FWH_LIBRESWAN4, "NFLOG=5\nCONNMARK_IN=5/0xff\n"
	  "CONNMARK_OUT=6/0xff" },
	{ FWH_LIBRESWAN5, "CAT=YES\nNFLOG=65535\nPLUTO_MY_CLIENT=192.0.9.1/32" },
	{ FWH_LIBRESWAN4, "CAT=YES\nPLUTO_MY_CLIENT=192.0.9.1/32\n"
	  "PLUTO_PEER_CLIENT=0.0.0.0/0\nPLUTO_VIRT_INTERFACE=ipsec1" },
	{ FWH_LIBRESWAN4, "CAT=YES\nPLUTO_ME=2001:db8:100::1\n"
	  "PLUTO_PEER=2001:db8:100::2\nPLUTO_MY_CLIENT=2001:db8:9::1/128\n"
	  "PLUTO_PEER_CLIENT=2001:db8:2::/64\nVTI_IFACE=vti0" },
	{ FWH_LIBRESWAN4, "PLUTO_CONNECTION=\"quoted\" 'name' \\ caf\xc3\xa9" },
	{ FWH_LIBRESWAN4, "PLUTO_CONNECTION=" X60 X60 X60 X60 "xxxxxxxxxxxxxxx" },
};

static const struct fwh_sa sas[] = {
	{ .source = FWH_SA_NONE },		/* as the daemon says */
	{ .source = FWH_SA_KERNEL, .reqid = 16393, .mode = FWH_TUNNEL,
	  .ipproto = IPPROTO_ESP },
	{ .source = FWH_SA_KERNEL, .reqid = 77, .mode = FWH_TRANSPORT,
	  .ipproto = IPPROTO_ESP },
	{ .source = FWH_SA_POLICY, .reqid = 1, .mode = FWH_TUNNEL,
	  .ipproto = IPPROTO_AH },
	{ .source = FWH_SA_KERNEL, .reqid = 16393, .mode = FWH_TUNNEL,
	  .ipproto = IPPROTO_ESP, .encap = true, .encap_sport = 4500,
	  .encap_dport = 1025 },
	{ .source = FWH_SA_KERNEL, .reqid = UINT32_MAX, .mode = FWH_BEET,
	  .ipproto = IPPROTO_ESP },
};

/* The same numbers each time (xorshift64). */
static unsigned int random_below(unsigned int n)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned int)(x >> 32) % n;
}

static const struct fwh_services service_lists[] = {
	{ .n = 0 },
	{ .list = { { IPPROTO_TCP, { 443, 443 } } }, .n = 1 },
	{ .list = { { IPPROTO_UDP, { 60000, 61000 } }, { IPPROTO_ICMP, { 0, 0 } },
		    { IPPROTO_ICMPV6, { 0, 0 } }, { IPPROTO_GRE, { 0, 0 } },
		    { IPPROTO_SCTP, { 1, 65535 } }, { 255, { 0, 0 } } },
	  .n = 6 },
};

static struct fwh_settings random_settings(void)
{
	struct fwh_settings s;

	memset(&s, 0, sizeof(s));
	s.mark_off = random_below(2);
	s.mark_esp = !s.mark_off && random_below(3) == 0;
	s.connmark = random_below(2);
	s.accept_forward = random_below(2);
	s.accept_local = random_below(2);
	s.accept_in = service_lists[random_below(3)];
	s.accept_out = service_lists[random_below(3)];
	s.guard = (enum fwh_guard)random_below(3);
	s.reject = random_below(2);
	s.nat_exempt = random_below(2);
	s.mss_clamp = random_below(2);
	s.mss = s.mss_clamp || random_below(2) ? 0 : 1300;
	s.open_ike = random_below(2);
	if (random_below(2)) {
		s.tcp_encap[0] = 4500;
		s.tcp_encap[1] = 443;
	}
	s.log = (enum fwh_log_target)random_below(3);
	s.log_group = (uint16_t)random_below(2);
	strcpy(s.log_prefix, random_below(2) ? "ipsec-fw " :
	       "1234567890123456789012345678 ");
	s.log_rate = random_below(2) ? 10 : 600000;
	s.nflog = (enum fwh_instead)random_below(3);
	s.policy_mark = random_below(2);
	return s;
}

static const struct fwh_pass passes[] = {
	{ .out = true, .src = { { FWH_IPV4, { 192, 0, 1, 1 } }, 32 },
	  .dst = { { FWH_IPV4, { 192, 0, 2, 0 } }, 24 },
	  .proto = IPPROTO_TCP, .sport = { 22, 22 },
	  .icmp_type = -1, .icmp_code = -1 },
	{ .out = false, .src = { { FWH_IPV4, { 192, 0, 2, 0 } }, 24 },
	  .dst = { { FWH_IPV4, { 192, 0, 1, 1 } }, 32 },
	  .proto = IPPROTO_ICMP, .icmp_type = 8, .icmp_code = 0 },
	{ .out = true, .src = { { FWH_IPV6, { 0 } }, 0 },
	  .dst = { { FWH_IPV6, { 0x20, 1, 0xd, 0xb8 } }, 32 },
	  .icmp_type = -1, .icmp_code = -1 },
};

static const struct fwh_devices devices = { { "ipsec+", "vti7" }, 2 };

/* ---- a plan with all that it was made from ------------------------------ */

struct subject {
	struct fwh_event ev;
	struct fwh_sa sa;
	struct fwh_settings settings;
	struct fwh_plan_input in;
	struct fwh_plan plan;
};

static void build(struct subject *s, struct fwh_plan *ret)
{
	struct fwh_err err = { .code = 0 };

	s->in.ev = &s->ev;
	s->in.sa = &s->sa;
	s->in.settings = &s->settings;
	if (fwh_plan_build(&s->in, ret, &err))
		fail_msg("%s", err.msg);
}

static char *print(const struct fwh_plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(fwh_plan_print(plan, f), 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* What is wrong, with the plan in which it is. */
#define check(condition)						\
	do {								\
		if (!(condition)) {					\
			fputs(print(&s->plan), stderr);			\
			fail_msg("%s", #condition);			\
		}							\
	} while (0)

/* Structs have gaps between their members; entries have none. */
static bool same_rule(const struct fwh_key *key, const struct fwh_rule *a,
		      const struct fwh_rule *b)
{
	_Alignas(16) uint8_t pa[FWH_IPT_ENTRY_MAX], pb[FWH_IPT_ENTRY_MAX];
	size_t len = fwh_ipt_pack(key, a, pa);

	return a->family == b->family && a->table == b->table &&
	       a->dispatch == b->dispatch && a->part == b->part &&
	       (!a->dispatch || a->hook == b->hook) &&
	       fwh_ipt_pack(key, b, pb) == len && !memcmp(pa, pb, len);
}

static bool is_gateways_part(enum fwh_part part)
{
	return part == FWH_PART_IKE_IN || part == FWH_PART_IKE_OUT ||
	       part == FWH_PART_ESP || part == FWH_PART_IPIP;
}

static bool is_cat_part(enum fwh_part part)
{
	return part == FWH_PART_CAT_IN || part == FWH_PART_CAT_OUT;
}

static bool is_nflog_part(enum fwh_part part)
{
	return part == FWH_PART_NFLOG_IN || part == FWH_PART_NFLOG_OUT;
}

/* Is there a rule of the chain that the rule jumps to (dispatch false), or a
 * jump to the chain that it is in (true)? */
static bool has_counterpart(const struct fwh_plan *plan,
			    const struct fwh_rule *rule, bool dispatch)
{
	size_t i;

	for (i = 0; i < plan->n; i++)
		if (plan->rules[i].dispatch == dispatch &&
		    plan->rules[i].family == rule->family &&
		    plan->rules[i].table == rule->table &&
		    plan->rules[i].part == rule->part)
			return true;
	return false;
}

static void check_chains(const struct subject *s)
{
	char chain[FWH_CHAIN_MAX];
	size_t i;

	for (i = 0; i < s->plan.n; i++) {
		const struct fwh_rule *rule = &s->plan.rules[i];

		check(has_counterpart(&s->plan, rule, !rule->dispatch));
		check(rule->dispatch == (rule->action == FWH_JUMP));
		fwh_part_chain(&s->plan.key, rule->part, chain);
		check(strlen(chain) <= 28);
		check(!strncmp(chain, "fw-", 3));
		check(!strpbrk(chain, " !\"'\\/"));
	}
}

/* From which hooks does a rule see packets?  A bit each. */
static unsigned int hooks_of(const struct fwh_plan *plan,
			     const struct fwh_rule *rule)
{
	unsigned int hooks = 0;
	size_t i;

	if (rule->dispatch)
		return 1u << rule->hook;
	for (i = 0; i < plan->n; i++)
		if (plan->rules[i].dispatch &&
		    plan->rules[i].family == rule->family &&
		    plan->rules[i].table == rule->table &&
		    plan->rules[i].part == rule->part)
			hooks |= 1u << plan->rules[i].hook;
	return hooks;
}

#define BIT(hook)	(1u << (hook))
#define HAS_IN		(BIT(FWH_PREROUTING) | BIT(FWH_INPUT) | BIT(FWH_FORWARD))
#define HAS_OUT		(BIT(FWH_POSTROUTING) | BIT(FWH_OUTPUT) | BIT(FWH_FORWARD))

/* What the kernel's checkentry functions would refuse. */
static void check_kernel_takes(const struct subject *s)
{
	static const unsigned int table_hooks[FWH_TABLE_MAX] = {
		[FWH_MANGLE] = HAS_IN | HAS_OUT,
		[FWH_NAT] = BIT(FWH_PREROUTING) | BIT(FWH_INPUT) |
			    BIT(FWH_OUTPUT) | BIT(FWH_POSTROUTING),
		[FWH_FILTER] = BIT(FWH_INPUT) | BIT(FWH_FORWARD) |
			       BIT(FWH_OUTPUT),
	};
	size_t i;

	for (i = 0; i < s->plan.n; i++) {
		const struct fwh_rule *r = &s->plan.rules[i];
		unsigned int hooks = hooks_of(&s->plan, r);

		check(!(hooks & ~table_hooks[r->table]));
		check(!r->has_src || r->src.addr.family == r->family);
		check(!r->has_dst || r->dst.addr.family == r->family);
		check(!r->has_src || r->src.len > 0);
		check(!r->has_dst || r->dst.len > 0);
		check(!*r->in || !(hooks & ~HAS_IN));
		check(!*r->out || !(hooks & ~HAS_OUT));
		check(r->policy.dir != FWH_POLICY_IN || !(hooks & ~HAS_IN));
		check(r->policy.dir != FWH_POLICY_OUT || !(hooks & ~HAS_OUT));
		check(!r->policy.none || (!r->policy.reqid &&
					  !r->policy.ipproto &&
					  !r->policy.mode &&
					  !r->policy.endpoints));
		check(r->policy.mode != FWH_BEET);
		check(!r->policy.endpoints ||
		      (r->policy.mode == FWH_TUNNEL &&
		       r->policy.src.family == r->family &&
		       r->policy.dst.family == r->family));
		check((fwh_ports_any(&r->sport) && fwh_ports_any(&r->dport)) ||
		      fwh_proto_has_ports(r->proto));
		check(!(r->sports[0] || r->dports[0]) ||
		      r->proto == IPPROTO_UDP);
		check(!r->tcp_syn || r->proto == IPPROTO_TCP);
		check(!r->has_icmp ||
		      r->proto == (r->family == FWH_IPV4 ? IPPROTO_ICMP :
						       IPPROTO_ICMPV6));
		check(r->sport.lo <= r->sport.hi && r->dport.lo <= r->dport.hi);
		check(r->action != FWH_REJECT_RESET || r->proto == IPPROTO_TCP);
		check((r->action != FWH_REJECT &&
		       r->action != FWH_REJECT_RESET) ||
		      r->table == FWH_FILTER);
		check((r->action != FWH_SET_MSS &&
		       r->action != FWH_CLAMP_MSS) ||
		      (r->table == FWH_MANGLE && r->tcp_syn &&
		       !(hooks & ~HAS_OUT)));
		check((r->action != FWH_SET_MARK &&
		       r->action != FWH_CONNMARK_SAVE &&
		       r->action != FWH_CONNMARK_RESTORE) ||
		      (r->table == FWH_MANGLE && r->set_mark.mask &&
		       !(r->set_mark.value & ~r->set_mark.mask)));
		check(r->table != FWH_NAT || r->dispatch ||
		      r->action == FWH_ACCEPT || is_cat_part(r->part));
		check(r->action != FWH_SNAT ||
		      (hooks == BIT(FWH_POSTROUTING) &&
		       r->part == FWH_PART_CAT_OUT));
		check(r->action != FWH_DNAT ||
		      (hooks == BIT(FWH_PREROUTING) &&
		       r->part == FWH_PART_CAT_IN));
		check(!is_cat_part(r->part) || r->table == FWH_NAT);
		check(r->action < FWH_ACTION_MAX);
	}
}

/* Each rule fits, and is told from all others. */
static void check_packing(const struct subject *s)
{
	_Alignas(16) uint8_t a[FWH_IPT_ENTRY_MAX + 16];
	_Alignas(16) uint8_t b[FWH_IPT_ENTRY_MAX];
	size_t i, len;

	for (i = 0; i < s->plan.n; i++) {
		const struct fwh_rule *rule = &s->plan.rules[i];
		struct fwh_ipt_view view;
		const char *target;

		memset(a, 0x5a, sizeof(a));
		memset(b, 0xa5, sizeof(b));
		len = fwh_ipt_pack(&s->plan.key, rule, a);
		check(len <= FWH_IPT_ENTRY_MAX && len == XT_ALIGN(len));
		check(a[len] == 0x5a && a[len + 7] == 0x5a);
		check(fwh_ipt_pack(&s->plan.key, rule, b) == len);
		check(!memcmp(a, b, len));	/* nothing left as it was */
		view = fwh_ipt_view(rule->family, a);
		check(view.length == len);
		check(view.counters < view.target && view.target < len);
		target = (const char *)a + view.target + 2;
		check(fwh_ipt_is_standard(target) ==
		      (rule->action <= FWH_JUMP));
		/* The kernel counts. */
		b[view.counters] ^= 1;
		b[view.comefrom] ^= 1;
		check(fwh_ipt_equal(rule->family, a, target, b, target));
		/* Behind "comment", Linux leaves what was there. */
		b[view.target - 256 - 30 + 8] ^= 1;
		check(fwh_ipt_equal(rule->family, a, target, b, target));
		b[view.target - 40] ^= 1;	/* in the comment */
		check(!fwh_ipt_equal(rule->family, a, target, b, target));
	}
}

/* Does the rule match only what came out of this connection's SA or device? */
static bool is_own_in(const struct subject *s, const struct fwh_rule *r)
{
	if (*r->in)
		return !strcmp(r->in, s->ev.vti_iface);
	if (s->settings.mark_esp)
		return r->has_mark && !r->mark_not && r->mark.mask &&
		       r->mark.value == s->in.mark.value;
	return r->policy.dir == FWH_POLICY_IN && !r->policy.none &&
	       r->policy.reqid == s->sa.reqid &&
	       r->policy.ipproto == s->sa.ipproto;
}

/* The same for what goes into it. */
static bool is_own_out(const struct subject *s, const struct fwh_rule *r)
{
	if (*r->out)
		return !strcmp(r->out, s->ev.vti_iface) ||
		       !strcmp(r->out, s->ev.virt_iface);
	/* Source NAT is kept off whichever SA takes it. */
	if (r->table == FWH_NAT)
		return r->policy.dir == FWH_POLICY_OUT && !r->policy.none;
	return r->policy.dir == FWH_POLICY_OUT && !r->policy.none &&
	       r->policy.reqid == s->sa.reqid &&
	       r->policy.ipproto == s->sa.ipproto;
}

/* Nothing is let in but what came through this connection's SA, nothing out
 * but what goes into it, and the gateways' own packets if that is wanted.
 * Marked is the same. */
static bool is_blocked(const struct subject *s)
{
	return s->in.state == FWH_STATE_BLOCKED;
}

/* What comes out of this connection's SA or goes into it is logged and
 * translated, while it is up, and nothing else. */
static void check_options(const struct subject *s)
{
	size_t i;

	for (i = 0; i < s->plan.n; i++) {
		const struct fwh_rule *r = &s->plan.rules[i];

		if (!is_nflog_part(r->part) && !is_cat_part(r->part))
			continue;
		check(s->in.state == FWH_STATE_UP);
		if (r->dispatch)
			continue;
		if (is_nflog_part(r->part)) {
			check(r->action == FWH_DO_NFLOG && !r->limit);
			check(r->log_group == s->ev.nflog_group);
			check(s->settings.nflog != FWH_INSTEAD_NO);
			check(r->part == FWH_PART_NFLOG_IN ? is_own_in(s, r) :
							     is_own_out(s, r));
			continue;
		}
		check(fwh_event_cat(&s->ev, NULL));
		check(r->nat.family == r->family);
		check(r->part != FWH_PART_CAT_OUT || is_own_out(s, r));
		check(r->part != FWH_PART_CAT_IN || *r->in ||
		      (r->policy.dir == FWH_POLICY_IN && !r->policy.none));
	}
}

static void check_accepts(const struct subject *s)
{
	size_t i;

	for (i = 0; i < s->plan.n; i++) {
		const struct fwh_rule *r = &s->plan.rules[i];

		check((r->action != FWH_SET_MARK &&
		       r->action != FWH_CONNMARK_SAVE) ||
		      r->part == FWH_PART_ESP || is_own_in(s, r) ||
		      (s->settings.policy_mark &&
		       r->part == FWH_PART_POLICY_MARK));
		check(r->action != FWH_ACCEPT || r->table != FWH_MANGLE);
		if (r->action != FWH_ACCEPT)
			continue;
		switch (r->part) {
		case FWH_PART_IN:
			check(is_own_in(s, r));
			break;
		case FWH_PART_OUT:
			check(is_own_out(s, r));
			break;
		case FWH_PART_IPIP:
			check(s->sa.mode == FWH_TRANSPORT && is_own_in(s, r));
			break;
		default:
			check(s->settings.open_ike);
			check(r->part == FWH_PART_IKE_IN ||
			      r->part == FWH_PART_IKE_OUT);
		}
		check(s->in.state != FWH_STATE_ARMED || r->table == FWH_NAT);
		check(!is_blocked(s) || r->part == FWH_PART_IKE_IN ||
		      r->part == FWH_PART_IKE_OUT);
		check((s->settings.accept_forward || s->settings.accept_local ||
		       r->table == FWH_NAT) || is_gateways_part(r->part));
		/* accept = says where. */
		if (r->table == FWH_FILTER && !is_gateways_part(r->part)) {
			unsigned int hooks = hooks_of(&s->plan, r);

			check(s->settings.accept_forward ||
			      !(hooks & BIT(FWH_FORWARD)));
			check(s->settings.accept_local ||
			      !(hooks & (BIT(FWH_INPUT) | BIT(FWH_OUTPUT))));
		}
	}
}

/* Does the guard's last word hit all that is in clear, or, blocked, all? */
static bool is_last_drop(const struct subject *s, const struct fwh_rule *r)
{
	struct fwh_rule plain = {
		.family = r->family, .table = FWH_MANGLE, .part = r->part,
		.action = FWH_DROP,
	};

	if (s->in.state == FWH_STATE_UP && s->settings.mark_esp &&
	    r->part == FWH_PART_IN) {
		plain.has_mark = plain.mark_not = true;
		plain.mark = s->in.mark;
	} else if (!is_blocked(s)) {
		plain.policy.none = true;
		plain.policy.dir = r->part == FWH_PART_IN ? FWH_POLICY_IN :
							FWH_POLICY_OUT;
	}
	return same_rule(&s->plan.key, r, &plain);
}

/* Drops what the last one would, but has the kernel put fragments together. */
static bool is_drop_of_flows(const struct subject *s, const struct fwh_rule *r)
{
	struct fwh_rule plain = *r;

	plain.established = false;
	return r->established && r->part == FWH_PART_OUT &&
	       is_last_drop(s, &plain);
}

/* Guarded both ways, at a place before any accept, or not at all. */
static void check_guard(const struct subject *s)
{
	bool guarded = s->settings.guard != FWH_GUARD_OFF || is_blocked(s);
	const struct fwh_rule *last[2] = { NULL, NULL };
	size_t i;

	for (i = 0; i < s->plan.n; i++) {
		const struct fwh_rule *r = &s->plan.rules[i];

		check(guarded || (r->action != FWH_REJECT &&
				  r->action != FWH_REJECT_RESET &&
				  r->action != FWH_DO_LOG &&
				  (r->action != FWH_DO_NFLOG ||
				   is_nflog_part(r->part))));
		check((r->action != FWH_REJECT &&
		       r->action != FWH_REJECT_RESET) ||
		      (s->settings.reject && r->part == FWH_PART_REJECT));
		if (r->table == FWH_MANGLE && !r->dispatch &&
		    (r->part == FWH_PART_IN || r->part == FWH_PART_OUT))
			last[r->part == FWH_PART_OUT] = r;
		if (r->action != FWH_DROP)
			continue;
		check(guarded && r->table == FWH_MANGLE);
		check(r->part == FWH_PART_IN || r->part == FWH_PART_OUT);
		/* Blocked, its own comes before what others let pass. */
		check(is_last_drop(s, r) || is_drop_of_flows(s, r) ||
		      (is_blocked(s) &&
		      (r->part == FWH_PART_IN ? *r->in || r->policy.reqid :
						*r->out || r->policy.reqid)));
	}
	if (!guarded)
		return;
	check(last[0] && is_last_drop(s, last[0]));
	check(last[1] && is_last_drop(s, last[1]));
	check(hooks_of(&s->plan, last[0]) == BIT(FWH_PREROUTING));
	check((hooks_of(&s->plan, last[1]) & ~(is_blocked(s) ?
		BIT(FWH_FORWARD) | BIT(FWH_OUTPUT) : 0)) ==
	      BIT(FWH_POSTROUTING));
}

/* Each hook's jumps cover each pair of prefixes once. */
static void check_pairs(const struct subject *s)
{
	static struct fwh_net nets[2][FWH_RANGE_NETS_MAX];
	size_t n_local = fwh_range_to_nets(&s->ev.sel.local, nets[0]);
	size_t n_remote = fwh_range_to_nets(&s->ev.sel.remote, nets[1]);
	size_t cat = fwh_event_cat(&s->ev, NULL), i, j, n;

	for (i = 0; i < s->plan.n; i++) {
		const struct fwh_rule *r = &s->plan.rules[i];

		if (!r->dispatch || is_gateways_part(r->part))
			continue;
		for (j = n = 0; j < s->plan.n; j++)
			n += s->plan.rules[j].dispatch &&
			     s->plan.rules[j].table == r->table &&
			     s->plan.rules[j].hook == r->hook &&
			     s->plan.rules[j].part == r->part;
		/* Our own address is translated, or not touched by nat. */
		check(n == n_remote * (r->table == FWH_NAT ? n_local :
							     n_local + cat) *
			   (r->part == FWH_PART_MSS ? 2 : 1));
		check(r->proto == s->ev.sel.proto);
	}
}

/* The same again, in memory and in print; and every rule is printed. */
static void check_twice(struct subject *s)
{
	struct fwh_plan again;
	char *a, *b, *p;
	size_t i, hooks = 0, lines = 0;

	build(s, &again);
	check(again.n == s->plan.n);
	for (i = 0; i < again.n; i++)
		check(same_rule(&again.key, &again.rules[i],
				&s->plan.rules[i]));
	check(!memcmp(&again.key, &s->plan.key, sizeof(again.key)));
	a = print(&s->plan);
	b = print(&again);
	assert_string_equal(a, b);
	for (p = a; (p = strstr(p, "\n-A ")); p++)
		lines++;
	for (p = a; (p = strstr(p, " -j ipsec-fw-")); p++)
		hooks++;
	for (p = a; (p = strstr(p, FWH_DEVICE_COMMENT)); p++)
		hooks++;
	check(lines == again.n + hooks);
	for (p = a; *p; p++)
		check(*p == '\n' || (*p >= ' ' && *p <= '~'));
	check(!strstr(a, "(null)"));
	free(a);
	free(b);
	fwh_plan_free(&again);
}

static void check_down(struct subject *s)
{
	struct fwh_plan plan;
	char *text;

	enum fwh_state state = s->in.state;

	s->in.state = FWH_STATE_DOWN;
	build(s, &plan);
	s->in.state = state;
	check(plan.n == 0 && !plan.rules);
	check(!memcmp(&plan.key, &s->plan.key, sizeof(plan.key)));
	text = print(&plan);
	assert_string_equal(text, "");
	free(text);
	fwh_plan_free(&plan);
}

static void subject_of(struct subject *s, size_t event, size_t sa)
{
	memset(s, 0, sizeof(*s));
	s->ev = env_event(events[event].dialect, events[event].lines);
	s->sa = sas[sa];
	s->settings = random_settings();
	s->in.state = random_below(4) == 0 ? FWH_STATE_BLOCKED :
		      random_below(4) == 0 ? FWH_STATE_ARMED : FWH_STATE_UP;
	if (!s->settings.mark_off)
		s->in.mark = (struct fwh_mark){ 0x10000, 0x3fff0000 };
	if (random_below(2))
		s->in.devices = &devices;
	if (random_below(3) == 0) {
		s->in.passes = passes;
		s->in.n_passes = ARRAY_SIZE(passes);
	}
	if (s->sa.source != FWH_SA_NONE)
		return;
	assert_int_equal(fwh_xfrm_find_sa(NULL, &s->ev, &s->sa, NULL), 0);
	/* Without a reqid a call goes on only to block. */
	if (s->sa.source == FWH_SA_NONE && !s->settings.mark_esp)
		s->in.state = FWH_STATE_BLOCKED;
}

static void all_plans(void (*check_plan)(struct subject *s), unsigned int rounds)
{
	static struct subject s;
	size_t event, sa;
	unsigned int round;

	for (event = 0; event < ARRAY_SIZE(events); event++) {
		for (sa = 0; sa < ARRAY_SIZE(sas); sa++) {
			for (round = 0; round < rounds; round++) {
				subject_of(&s, event, sa);
				build(&s, &s.plan);
				check_plan(&s);
				fwh_plan_free(&s.plan);
			}
		}
	}
}

static void check_rules(struct subject *s)
{
	check_chains(s);
	check_kernel_takes(s);
	check_options(s);
	check_accepts(s);
	check_guard(s);
	check_pairs(s);
}

static void every_plan(void **state)
{
	(void)state;
	all_plans(check_rules, 100);
}

static void pure(void **state)
{
	(void)state;
	all_plans(check_twice, 5);
}

static void down_is_empty(void **state)
{
	(void)state;
	all_plans(check_down, 3);
}

static void check_packed(struct subject *s)
{
	check_packing(s);
}

static void every_rule_can_be_packed(void **state)
{
	(void)state;
	all_plans(check_packed, 10);
}

/* ---- the largest -------------------------------------------------------- */

/* All matches that a rule could have at once, with the largest target. */
static void largest_entry(void **state)
{
	static const enum fwh_action actions[] = {
		FWH_ACCEPT, FWH_JUMP, FWH_REJECT, FWH_SET_MARK,
		FWH_CONNMARK_SAVE, FWH_CLAMP_MSS, FWH_DO_LOG, FWH_DO_NFLOG,
	};
	_Alignas(16) uint8_t buf[FWH_IPT_ENTRY_MAX];
	struct fwh_event ev = env_event(FWH_LIBRESWAN4, "");
	struct fwh_rule rule;
	struct fwh_key key;
	size_t i, len, largest = 0;

	(void)state;
	fwh_event_key(&ev, &key);
	memset(&rule, 0, sizeof(rule));
	rule.family = FWH_IPV6;
	rule.proto = IPPROTO_UDP;
	rule.sport = rule.dport = (struct fwh_ports){ 1, 2 };
	rule.sports[0] = rule.dports[0] = 500;
	rule.has_icmp = true;
	rule.policy.dir = FWH_POLICY_IN;
	rule.has_mark = rule.established = true;
	rule.limit = 1;
	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		rule.action = actions[i];
		len = fwh_ipt_pack(&key, &rule, buf);
		if (len > largest)
			largest = len;
	}
	assert_true(largest <= FWH_IPT_ENTRY_MAX);
	assert_true(largest > FWH_IPT_ENTRY_MAX / 2);
}

static const void *match_data(const uint8_t *entry, size_t at)
{
	return ((const struct xt_entry_match *)(entry + at))->data;
}

/* What the kernel looks at, one by one, of an IPv4 and an IPv6 entry. */
static void entries_are_right(void **state)
{
	static const struct fwh_rule v4 = {
		.has_src = true, .src = { { FWH_IPV4, { 192, 0, 2, 0 } }, 23 },
		.in = "eth0", .proto = IPPROTO_TCP, .dport = { 80, 88 },
		.action = FWH_ACCEPT,
	};
	static const struct fwh_rule v6 = {
		.family = FWH_IPV6, .table = FWH_MANGLE,
		.has_dst = true, .dst = { { FWH_IPV6, { 0x20, 1 } }, 128 },
		.out = "fifteen-letters", .proto = IPPROTO_ICMPV6,
		.policy = { .dir = FWH_POLICY_OUT, .reqid = 16393,
			    .ipproto = IPPROTO_ESP, .mode = FWH_TUNNEL },
		.action = FWH_SET_MARK, .set_mark = { 0x10000, 0xff0000 },
	};
	static const struct fwh_rule clear = {
		.policy = { .dir = FWH_POLICY_IN, .none = true },
		.action = FWH_DROP,
	};
	_Alignas(16) uint8_t buf[FWH_IPT_ENTRY_MAX];
	const struct ipt_entry *e4 = (const void *)buf;
	const struct ip6t_entry *e6 = (const void *)buf;
	struct fwh_event ev = env_event(FWH_LIBRESWAN4, "");
	const struct xt_policy_info *policy;
	const struct xt_mark_tginfo2 *mark;
	const struct xt_tcp *tcp;
	struct fwh_key key;

	(void)state;
	fwh_event_key(&ev, &key);
	fwh_ipt_pack(&key, &v4, buf);
	assert_int_equal(ntohl(e4->ip.src.s_addr), 0xc0000200);
	assert_int_equal(ntohl(e4->ip.smsk.s_addr), 0xfffffe00);
	assert_int_equal(e4->ip.dst.s_addr, 0);
	assert_int_equal(e4->ip.dmsk.s_addr, 0);
	/* Exactly this name: its end is compared too. */
	assert_memory_equal(e4->ip.iniface, "eth0\0", 6);
	assert_memory_equal(e4->ip.iniface_mask, "\xff\xff\xff\xff\xff\0", 6);
	assert_int_equal(e4->ip.outiface_mask[0], 0);
	assert_int_equal(e4->ip.proto, IPPROTO_TCP);
	assert_int_equal(e4->ip.flags | e4->ip.invflags, 0);
	tcp = match_data(buf, sizeof(*e4));
	assert_int_equal(tcp->spts[0], 0);
	assert_int_equal(tcp->spts[1], 65535);
	assert_int_equal(tcp->dpts[0], 80);
	assert_int_equal(tcp->dpts[1], 88);
	assert_int_equal(tcp->flg_mask | tcp->option | tcp->invflags, 0);

	fwh_ipt_pack(&key, &v6, buf);
	assert_int_equal(e6->ipv6.dst.s6_addr[1], 1);
	assert_int_equal(e6->ipv6.dmsk.s6_addr[15], 0xff);
	assert_int_equal(e6->ipv6.smsk.s6_addr[0], 0);
	assert_string_equal(e6->ipv6.outiface, "fifteen-letters");
	assert_int_equal(e6->ipv6.outiface_mask[15], 0xff);
	assert_int_equal(e6->ipv6.proto, IPPROTO_ICMPV6);
	assert_int_equal(e6->ipv6.flags, IP6T_F_PROTO);
	policy = match_data(buf, sizeof(*e6));
	assert_int_equal(policy->flags, XT_POLICY_MATCH_OUT);
	assert_int_equal(policy->len, 1);
	assert_true(policy->pol[0].match.reqid && policy->pol[0].match.proto &&
		    policy->pol[0].match.mode);
	assert_false(policy->pol[0].match.saddr || policy->pol[0].match.daddr ||
		     policy->pol[0].match.spi);
	assert_int_equal(policy->pol[0].reqid, 16393);
	assert_int_equal(policy->pol[0].proto, IPPROTO_ESP);
	assert_int_equal(policy->pol[0].mode, XT_POLICY_MODE_TUNNEL);
	mark = match_data(buf, e6->target_offset);
	assert_int_equal(mark->mark, 0x10000);
	assert_int_equal(mark->mask, 0xff0000);

	fwh_ipt_pack(&key, &clear, buf);
	policy = match_data(buf, sizeof(*e4));
	assert_int_equal(policy->flags,
			 XT_POLICY_MATCH_IN | XT_POLICY_MATCH_NONE);
	assert_int_equal(policy->len, 0);
}

/* Different rules are different entries, in whichever thing they differ. */
static void entries_differ(void **state)
{
	static const struct fwh_rule rows[] = {
		{ .action = FWH_ACCEPT },
		{ .action = FWH_DROP },
		{ .action = FWH_JUMP, .part = FWH_PART_IN },
		{ .action = FWH_JUMP, .part = FWH_PART_OUT },
		{ .has_src = true, .src = { { FWH_IPV4, { 10 } }, 8 } },
		{ .has_src = true, .src = { { FWH_IPV4, { 10 } }, 9 } },
		{ .has_dst = true, .dst = { { FWH_IPV4, { 10 } }, 8 } },
		{ .in = "eth0" }, { .in = "eth1" }, { .in = "eth" },
		{ .out = "eth0" },
		{ .proto = IPPROTO_TCP }, { .proto = IPPROTO_UDP },
		{ .proto = IPPROTO_TCP, .sport = { 1, 2 } },
		{ .proto = IPPROTO_TCP, .sport = { 1, 3 } },
		{ .proto = IPPROTO_TCP, .dport = { 1, 2 } },
		{ .proto = IPPROTO_UDP, .dport = { 1, 2 } },
		{ .proto = IPPROTO_UDPLITE, .dport = { 1, 2 } },
		{ .proto = IPPROTO_SCTP, .dport = { 1, 2 } },
		{ .proto = IPPROTO_DCCP, .dport = { 1, 2 } },
		{ .proto = IPPROTO_DCCP, .sport = { 1, 2 } },
		{ .proto = IPPROTO_UDP, .sports = { 500, 4500 } },
		{ .proto = IPPROTO_UDP, .dports = { 500, 4500 } },
		{ .proto = IPPROTO_TCP, .tcp_syn = true },
		{ .proto = IPPROTO_ICMP, .has_icmp = true, .icmp_type = 8,
		  .icmp_code = -1 },
		{ .proto = IPPROTO_ICMP, .has_icmp = true, .icmp_type = 8,
		  .icmp_code = 0 },
		{ .proto = IPPROTO_ICMP, .has_icmp = true, .icmp_type = 3,
		  .icmp_code = 0 },
		{ .policy = { .dir = FWH_POLICY_IN } },
		{ .policy = { .dir = FWH_POLICY_OUT } },
		{ .policy = { .dir = FWH_POLICY_IN, .none = true } },
		{ .policy = { .dir = FWH_POLICY_IN, .reqid = 1 } },
		{ .policy = { .dir = FWH_POLICY_IN, .reqid = 2 } },
		{ .policy = { .dir = FWH_POLICY_IN, .ipproto = IPPROTO_ESP } },
		{ .policy = { .dir = FWH_POLICY_IN, .ipproto = IPPROTO_AH } },
		{ .policy = { .dir = FWH_POLICY_IN, .mode = FWH_TUNNEL } },
		{ .policy = { .dir = FWH_POLICY_IN, .mode = FWH_TRANSPORT } },
		{ .policy = { .dir = FWH_POLICY_IN, .mode = FWH_TUNNEL,
			      .endpoints = true,
			      .src = { FWH_IPV4, { 1 } },
			      .dst = { FWH_IPV4, { 2 } } } },
		{ .policy = { .dir = FWH_POLICY_IN, .mode = FWH_TUNNEL,
			      .endpoints = true,
			      .src = { FWH_IPV4, { 2 } },
			      .dst = { FWH_IPV4, { 1 } } } },
		{ .has_mark = true, .mark = { 1, 1 } },
		{ .has_mark = true, .mark = { 1, 3 } },
		{ .has_mark = true, .mark = { 1, 1 }, .mark_not = true },
		{ .established = true },
		{ .limit = 10 }, { .limit = 20 },
		{ .action = FWH_REJECT }, { .action = FWH_REJECT_RESET },
		{ .action = FWH_SET_MARK, .set_mark = { 1, 3 } },
		{ .action = FWH_SET_MARK, .set_mark = { 2, 3 } },
		{ .action = FWH_CONNMARK_SAVE, .set_mark = { 1, 3 } },
		{ .action = FWH_CONNMARK_RESTORE, .set_mark = { 1, 3 } },
		{ .action = FWH_SET_MSS, .mss = 1300 },
		{ .action = FWH_SET_MSS, .mss = 1301 },
		{ .action = FWH_CLAMP_MSS },
		{ .action = FWH_DO_LOG, .log_prefix = "a " },
		{ .action = FWH_DO_LOG, .log_prefix = "b " },
		{ .action = FWH_DO_NFLOG, .log_prefix = "a " },
		{ .action = FWH_DO_NFLOG, .log_prefix = "a ", .log_group = 1 },
	};
	static _Alignas(16) uint8_t entries[ARRAY_SIZE(rows)][FWH_IPT_ENTRY_MAX];
	struct fwh_event ev = env_event(FWH_LIBRESWAN4, "");
	struct fwh_key key;
	size_t i, j;

	(void)state;
	fwh_event_key(&ev, &key);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *target[2];

		fwh_ipt_pack(&key, &rows[i], entries[i]);
		target[0] = (const char *)entries[i] + 2 +
			fwh_ipt_view(FWH_IPV4, entries[i]).target;
		for (j = 0; j <= i; j++) {
			target[1] = (const char *)entries[j] + 2 +
				fwh_ipt_view(FWH_IPV4, entries[j]).target;
			if (fwh_ipt_equal(FWH_IPV4, entries[i], target[0],
					  entries[j], target[1]) != (i == j))
				fail_msg("%zu and %zu", i, j);
		}
	}
}

static void too_many_pairs(void **state)
{
	struct fwh_settings settings = { .accept_forward = true };
	struct fwh_sa sa = sas[1];
	struct fwh_event ev = env_event(FWH_LIBRESWAN5,
		"PLUTO_MY_CLIENT=::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe\n"
		"PLUTO_PEER_CLIENT=2001:db8::1-2001:db8::fffe");
	struct fwh_plan_input in = {
		.ev = &ev, .sa = &sa, .settings = &settings, .state = FWH_STATE_UP,
	};
	struct fwh_plan plan, untouched;
	struct fwh_err err = { .code = 0 };

	(void)state;
	memset(&untouched, 0x5a, sizeof(untouched));
	plan = untouched;
	assert_int_equal(fwh_plan_build(&in, &plan, &err), -E2BIG);
	assert_memory_equal(&plan, &untouched, sizeof(plan));
	assert_int_equal(err.code, -E2BIG);
	assert_non_null(strstr(err.msg, "7620 pairs"));
	assert_int_equal(fwh_plan_build(&in, &plan, NULL), -E2BIG);
	/* Taking it away needs no rules. */
	in.state = FWH_STATE_DOWN;
	assert_int_equal(fwh_plan_build(&in, &plan, &err), 0);
	assert_int_equal(plan.n, 0);
}

/* Where a flow may be translated although exemption and guard stand, it has to be
 * looked for at each up. */
static void what_closes(void **state)
{
	static const struct fwh_ranges none,
		host = { { { FWH_IPV4, { 192, 0, 2, 1 }, { 192, 0, 2, 1 } } }, 1 },
		other = { { { FWH_IPV6, { 0 }, { 0 } } }, 1 };
	static const struct {
		const char *lines;
		enum fwh_guard guard;
		bool exempt;			/* nat-exempt */
		const struct fwh_ranges *listed; /* guard-exempt */
		enum fwh_state state;
		bool exempts, closes;
	} rows[] = {
		{ "", FWH_GUARD_ARMED, true, &none, FWH_STATE_UP, true, true },
		{ "", FWH_GUARD_ARMED, true, &none, FWH_STATE_ARMED, true, true },
		{ "", FWH_GUARD_ARMED, true, &none, FWH_STATE_BLOCKED, false, true },
		{ "", FWH_GUARD_ARMED, true, &none, FWH_STATE_DOWN, false, false },
		{ "", FWH_GUARD_ARMED, false, &none, FWH_STATE_UP, false, true },
		{ "", FWH_GUARD_OFF, true, &none, FWH_STATE_UP, true, false },
		{ "", FWH_GUARD_UP, true, &host, FWH_STATE_UP, true, false },
		/* The other family's is no matter of ours. */
		{ "", FWH_GUARD_UP, true, &other, FWH_STATE_UP, true, true },
		{ "PLUTO_VIRT_INTERFACE=ipsec1", FWH_GUARD_UP, true, &none,
		  FWH_STATE_UP, true, true },
		{ "PLUTO_PEER_CLIENT=0.0.0.0/0", FWH_GUARD_UP, true, &none,
		  FWH_STATE_UP, true, false },
		{ "PLUTO_MY_CLIENT=198.51.100.1/32\n"
		  "PLUTO_PEER_CLIENT=198.51.100.2/32", FWH_GUARD_UP, true, &none,
		  FWH_STATE_UP, true, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_event ev = env_event(FWH_LIBRESWAN4, rows[i].lines);
		struct fwh_settings settings = {
			.guard = rows[i].guard, .nat_exempt = rows[i].exempt,
			.guard_exempt = *rows[i].listed,
		};
		struct fwh_plan_input in = {
			.ev = &ev, .sa = &sas[1], .settings = &settings,
			.state = rows[i].state,
		};
		struct fwh_plan plan;

		assert_int_equal(fwh_plan_build(&in, &plan, NULL), 0);
		if (fwh_plan_exempts(&plan) != rows[i].exempts ||
		    fwh_plan_closes(&plan) != rows[i].closes)
			fail_msg("row %zu", i);
		fwh_plan_free(&plan);
	}
}

static void print_fails(void **state)
{
	static struct subject s;
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	setvbuf(f, NULL, _IONBF, 0);
	subject_of(&s, 0, 1);
	build(&s, &s.plan);
	assert_int_equal(fwh_plan_print(&s.plan, f), -EIO);
	fwh_plan_free(&s.plan);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_plan),
		cmocka_unit_test(pure),
		cmocka_unit_test(down_is_empty),
		cmocka_unit_test(every_rule_can_be_packed),
		cmocka_unit_test(largest_entry),
		cmocka_unit_test(entries_are_right),
		cmocka_unit_test(entries_differ),
		cmocka_unit_test(too_many_pairs),
		cmocka_unit_test(what_closes),
		cmocka_unit_test(print_fails),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
