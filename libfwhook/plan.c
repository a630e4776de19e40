// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan.c - which rules a connection has: pure, from an event, the kernel's SA
 * and the settings to the complete list.  No I/O, no clock, no globals.
 *
 * Packets are told by their addresses in the dispatch chain of each hook; the
 * connection's own chains decide what happens to them.  "in" is what has the
 * peer's side as its source, "out" what goes there.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/icmp6.h>
#include <string.h>

#include "internal.h"

#define IKE_PORT	500
#define NATT_PORT	4500

/* Two ranges that need more pairs of prefixes than this are refused: the rules
 * would cost every packet dear. */
#define PAIRS_MAX	1024

struct builder {
	const struct fwh_plan_input *in;
	struct fwh_plan *plan;
	struct fwh_net local[FWH_RANGE_NETS_MAX], remote[FWH_RANGE_NETS_MAX];
	size_t n_local, n_remote;
	enum fwh_family family;		/* of the selectors */
	bool nomem;
	struct fwh_rule scratch;
};

static bool is_up(const struct builder *b)
{
	return b->in->state == FWH_STATE_UP;
}

static bool is_blocked(const struct builder *b)
{
	return b->in->state == FWH_STATE_BLOCKED;
}

/* ---- making rules ------------------------------------------------------- */

/* A zeroed rule at the end of the plan.  Out of memory is remembered and
 * reported once at the end; the scratch rule takes what comes until then. */
static struct fwh_rule *new_rule(struct builder *b)
{
	static const struct fwh_rule empty;
	struct fwh_plan *plan = b->plan;

	if (!fwh_grow(&plan->rules, plan->n, &plan->cap,
		      sizeof(*plan->rules))) {
		b->nomem = true;
		b->scratch = empty;
		return &b->scratch;
	}
	plan->rules[plan->n] = empty;
	return &plan->rules[plan->n++];
}

/* A rule in one of the connection's own chains, with the matches of `match'.
 * The family is that of the selectors unless the chain deals with the gateways'
 * packets. */
static struct fwh_rule *copy_rule(struct builder *b, enum fwh_table table,
				  enum fwh_part part, enum fwh_action action,
				  const struct fwh_rule *match)
{
	struct fwh_rule *rule = new_rule(b);

	*rule = *match;
	rule->family = b->family;
	rule->table = table;
	rule->part = part;
	rule->action = action;
	return rule;
}

static struct fwh_rule *chain_rule(struct builder *b, enum fwh_table table,
				   enum fwh_part part, enum fwh_action action)
{
	static const struct fwh_rule any;

	return copy_rule(b, table, part, action, &any);
}

static struct fwh_rule *dispatch_rule(struct builder *b, enum fwh_table table,
				      enum fwh_hook hook, enum fwh_part part)
{
	struct fwh_rule *rule = chain_rule(b, table, part, FWH_JUMP);

	rule->dispatch = true;
	rule->hook = hook;
	return rule;
}

static void set_src(struct fwh_rule *rule, const struct fwh_net *net)
{
	rule->has_src = net->len > 0;
	rule->src = *net;
}

static void set_dst(struct fwh_rule *rule, const struct fwh_net *net)
{
	rule->has_dst = net->len > 0;
	rule->dst = *net;
}

static struct fwh_net host_net(const struct fwh_addr *addr)
{
	struct fwh_net net = { .addr = *addr };

	net.len = (uint8_t)fwh_family_bits(addr->family);
	return net;
}

static struct fwh_ports port_match(const struct fwh_ports *ports)
{
	static const struct fwh_ports any;

	return fwh_ports_any(ports) ? any : *ports;
}

static bool has_rules(const struct builder *b, enum fwh_table table,
		      enum fwh_part part)
{
	size_t i;

	for (i = 0; i < b->plan->n; i++)
		if (b->plan->rules[i].family == b->family &&
		    b->plan->rules[i].table == table &&
		    b->plan->rules[i].part == part)
			return true;
	return false;
}

/* Send the connection's traffic of one direction from a hook into one of its
 * chains, if that has rules: a rule for each pair of prefixes. */
static void dispatch(struct builder *b, enum fwh_table table,
		     enum fwh_hook hook, enum fwh_part part, bool out)
{
	const struct fwh_selector *sel = &b->in->ev->sel;
	size_t i, j;

	if (!has_rules(b, table, part))
		return;
	for (i = 0; i < b->n_remote; i++) {
		for (j = 0; j < b->n_local; j++) {
			struct fwh_rule *rule = dispatch_rule(b, table, hook,
							      part);

			set_src(rule, out ? &b->local[j] : &b->remote[i]);
			set_dst(rule, out ? &b->remote[i] : &b->local[j]);
			rule->proto = sel->proto;
			rule->sport = port_match(out ? &sel->lport : &sel->rport);
			rule->dport = port_match(out ? &sel->rport : &sel->lport);
			if (sel->icmp_type >= 0) {
				rule->has_icmp = true;
				rule->icmp_type = sel->icmp_type;
				rule->icmp_code = sel->icmp_code;
			}
		}
	}
}

/* ---- matches ------------------------------------------------------------ */

/* Tunnel endpoints can change under a living SA without a call: by MOBIKE
 * (only the side that moves hears of it; strongSwan does not say whether it
 * is in use) and by NAT, whose mapping may move.  The reqid stays.  xt_policy
 * takes endpoints for addresses of the packet's family. */
static bool endpoints_are_fixed(const struct fwh_plan_input *in)
{
	const struct fwh_event *ev = in->ev;

	return (ev->dialect == FWH_LIBRESWAN4 ||
		ev->dialect == FWH_LIBRESWAN5) &&
	       in->sa->mode == FWH_TUNNEL && !in->sa->encap &&
	       ev->me.family == ev->sel.local.family &&
	       !(ev->flags & FWH_CONN_MOBIKE) && !fwh_addr_is_any(&ev->peer);
}

/* Covered by this connection's SA. */
static void match_sa(const struct builder *b, struct fwh_rule *rule,
		     enum fwh_policy_dir dir)
{
	const struct fwh_plan_input *in = b->in;
	struct fwh_policy_match *policy = &rule->policy;

	policy->dir = dir;
	policy->reqid = in->sa->reqid;
	policy->ipproto = in->sa->ipproto;
	/* xt_policy knows no BEET. */
	if (in->sa->mode != FWH_BEET)
		policy->mode = in->sa->mode;
	if (!endpoints_are_fixed(in) || !policy->mode)
		return;
	policy->endpoints = true;
	policy->src = dir == FWH_POLICY_IN ? in->ev->peer : in->ev->me;
	policy->dst = dir == FWH_POLICY_IN ? in->ev->me : in->ev->peer;
}

/* Not covered by any SA at all. */
static void match_clear(struct fwh_rule *rule, enum fwh_policy_dir dir)
{
	rule->policy.dir = dir;
	rule->policy.none = true;
}

/* Decrypted from this connection's SA, as far as the settings let us know:
 * by the SA itself, or by the mark that its ESP carried. */
static void match_decrypted(const struct builder *b, struct fwh_rule *rule)
{
	if (!b->in->settings->mark_esp) {
		match_sa(b, rule, FWH_POLICY_IN);
		return;
	}
	rule->has_mark = true;
	rule->mark = b->in->mark;
}

/* ---- exemptions ---------------------------------------------------------- */

/* Does the connection's traffic include the gateways' own packets to each
 * other, ESP and IKE among them?  It may, while nobody has said who they are. */
static bool covers_gateways(const struct builder *b)
{
	const struct fwh_event *ev = b->in->ev;

	return fwh_addr_is_any(&ev->me) ||
	       (fwh_range_contains(&ev->sel.local, &ev->me) &&
		(fwh_range_contains(&ev->sel.remote, &ev->peer) ||
		 fwh_addr_is_any(&ev->peer)));
}

static void gateway_addrs(const struct builder *b, struct fwh_rule *rule,
			  bool out)
{
	struct fwh_net me = host_net(&b->in->ev->me);

	if (fwh_addr_is_any(&me.addr) || me.addr.family != b->family)
		return;
	if (out)
		set_src(rule, &me);
	else
		set_dst(rule, &me);
}

static bool selects_proto(const struct builder *b, uint8_t proto)
{
	return !b->in->ev->sel.proto || b->in->ev->sel.proto == proto;
}

static struct fwh_rule *exempt(struct builder *b, enum fwh_table table,
			       enum fwh_part part)
{
	return chain_rule(b, table, part, FWH_RETURN);
}

static void exempt_gateway_protocols(struct builder *b, enum fwh_table table,
				     enum fwh_part part, bool out)
{
	static const uint8_t protos[] = { IPPROTO_ESP, IPPROTO_AH, IPPROTO_COMP };
	const uint16_t *tcp = b->in->settings->tcp_encap;
	struct fwh_rule *rule;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protos); i++) {
		if (!selects_proto(b, protos[i]))
			continue;
		rule = exempt(b, table, part);
		rule->proto = protos[i];
		gateway_addrs(b, rule, out);
	}
	if (selects_proto(b, IPPROTO_UDP)) {
		rule = exempt(b, table, part);
		rule->proto = IPPROTO_UDP;
		rule->sports[0] = IKE_PORT;
		rule->sports[1] = NATT_PORT;
		gateway_addrs(b, rule, out);
		rule = exempt(b, table, part);
		rule->proto = IPPROTO_UDP;
		rule->dports[0] = IKE_PORT;
		rule->dports[1] = NATT_PORT;
		gateway_addrs(b, rule, out);
	}
	for (i = 0; i < FWH_TCP_ENCAP_MAX && tcp[i] &&
		    selects_proto(b, IPPROTO_TCP); i++) {
		rule = exempt(b, table, part);
		rule->proto = IPPROTO_TCP;
		rule->sport.lo = rule->sport.hi = tcp[i];
		gateway_addrs(b, rule, out);
		rule = exempt(b, table, part);
		rule->proto = IPPROTO_TCP;
		rule->dport.lo = rule->dport.hi = tcp[i];
		gateway_addrs(b, rule, out);
	}
}

/* Path-MTU errors, without which ESP itself stalls, and what IPv6 needs to
 * find its neighbours (RFC 4861: types 133 to 137). */
static void exempt_icmp(struct builder *b, enum fwh_table table,
			enum fwh_part part, bool out)
{
	static const struct { enum fwh_family family; int16_t type, code; } icmp[] = {
		{ FWH_IPV4, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED },
		{ FWH_IPV6, ICMP6_PACKET_TOO_BIG, -1 },
		{ FWH_IPV6, 133, -1 },
		{ FWH_IPV6, 134, -1 },
		{ FWH_IPV6, 135, -1 },
		{ FWH_IPV6, 136, -1 },
		{ FWH_IPV6, 137, -1 },
	};
	uint8_t proto = b->family == FWH_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(icmp); i++) {
		struct fwh_rule *rule;

		if (icmp[i].family != b->family || !selects_proto(b, proto))
			continue;
		rule = exempt(b, table, part);
		rule->proto = proto;
		rule->has_icmp = true;
		rule->icmp_type = icmp[i].type;
		rule->icmp_code = icmp[i].code;
		gateway_addrs(b, rule, out);
	}
}

static void exempt_nets(struct builder *b, enum fwh_table table,
			enum fwh_part part, bool out,
			const struct fwh_net *nets, size_t n)
{
	for (; n > 0; n--, nets++) {
		struct fwh_rule *rule = exempt(b, table, part);

		if (out)
			set_dst(rule, nets);
		else
			set_src(rule, nets);
	}
}

/* An address comes by DHCP, or there is no tunnel either. */
static void exempt_dhcp(struct builder *b, enum fwh_table table,
			enum fwh_part part)
{
	static const uint16_t ports[FWH_FAMILY_MAX][2] = {
		{ 67, 68 }, { 546, 547 }
	};
	struct fwh_rule *rule;
	size_t i;

	if (!selects_proto(b, IPPROTO_UDP))
		return;
	for (i = 0; i < 2; i++) {
		rule = exempt(b, table, part);
		rule->proto = IPPROTO_UDP;
		rule->sport.lo = rule->sport.hi = ports[b->family][i];
		rule->dport.lo = rule->dport.hi = ports[b->family][1 - i];
	}
}

/* What never leaves this machine or its links. */
static void exempt_link(struct builder *b, enum fwh_table table,
			enum fwh_part part, bool out)
{
	static const struct { struct fwh_net net; bool source; } links[] = {
		{ { { FWH_IPV4, { 224 } }, 4 }, false },
		{ { { FWH_IPV4, { 255, 255, 255, 255 } }, 32 }, false },
		{ { { FWH_IPV6, { 0xfe, 0x80 } }, 10 }, true },
		{ { { FWH_IPV6, { 0xff } }, 8 }, false },
	};
	struct fwh_rule *rule;
	size_t i;

	rule = exempt(b, table, part);
	strcpy(out ? rule->out : rule->in, "lo");
	for (i = 0; i < ARRAY_SIZE(links); i++)
		if (links[i].net.addr.family == b->family &&
		    (out || links[i].source))
			exempt_nets(b, table, part, out, &links[i].net, 1);
	exempt_dhcp(b, table, part);
}

/* Where the peer's side contains our own (a full tunnel), what stays on our
 * side has the addresses of protected traffic and is none. */
static void exempt_own_side(struct builder *b, enum fwh_table table,
			    enum fwh_part part, bool out)
{
	exempt_link(b, table, part, out);
	exempt_nets(b, table, part, out, b->local, b->n_local);
}

/* What the operator wants left alone on the peer's side. */
static void exempt_listed(struct builder *b, enum fwh_table table,
			  enum fwh_part part, bool out)
{
	const struct fwh_ranges *ranges = &b->in->settings->guard_exempt;
	struct fwh_net nets[FWH_RANGE_NETS_MAX];
	size_t i;

	for (i = 0; i < ranges->n; i++)
		if (ranges->list[i].family == b->family)
			exempt_nets(b, table, part, out, nets,
				    fwh_range_to_nets(&ranges->list[i], nets));
}

/* What a passthrough policy of higher priority lets through. */
static void exempt_passes(struct builder *b, enum fwh_table table,
			  enum fwh_part part, bool out)
{
	size_t i;

	for (i = 0; i < b->in->n_passes; i++) {
		const struct fwh_pass *pass = &b->in->passes[i];
		struct fwh_rule *rule;

		if (pass->out != out || pass->src.addr.family != b->family)
			continue;
		rule = exempt(b, table, part);
		set_src(rule, &pass->src);
		set_dst(rule, &pass->dst);
		rule->proto = pass->proto;
		rule->sport = port_match(&pass->sport);
		rule->dport = port_match(&pass->dport);
		if (pass->icmp_type >= 0) {
			rule->has_icmp = true;
			rule->icmp_type = pass->icmp_type;
			rule->icmp_code = pass->icmp_code;
		}
	}
}

/* Traffic into an XFRM or VTI device is protected by it, though no policy
 * shows at this point (the lookup is inside the device).  What comes out of an
 * XFRM device still shows its policy; a VTI device takes it off (vti_rcv_cb()
 * in ip_vti.c).  Adds `match' for each device that needs it. */
static void add_devices(struct builder *b, enum fwh_table table,
			enum fwh_part part, bool out, enum fwh_action action,
			const struct fwh_rule *match)
{
	const struct fwh_event *ev = b->in->ev;
	struct fwh_rule *rule;

	if (*ev->vti_iface) {
		rule = copy_rule(b, table, part, action, match);
		strcpy(out ? rule->out : rule->in, ev->vti_iface);
	}
	if (*ev->virt_iface && out) {
		rule = copy_rule(b, table, part, action, match);
		strcpy(rule->out, ev->virt_iface);
	}
}

static void exempt_devices(struct builder *b, enum fwh_table table,
			   enum fwh_part part, bool out)
{
	static const struct fwh_rule any;

	add_devices(b, table, part, out, FWH_RETURN, &any);
}

/* Do it to what `match' says if it was decrypted from this connection's SA. */
static void own_in(struct builder *b, enum fwh_table table, enum fwh_part part,
		   enum fwh_action action, const struct fwh_rule *match)
{
	add_devices(b, table, part, false, action, match);
	match_decrypted(b, copy_rule(b, table, part, action, match));
}

/* The same if it will be encrypted by it. */
static void own_out(struct builder *b, enum fwh_table table, enum fwh_part part,
		    enum fwh_action action, const struct fwh_rule *match)
{
	add_devices(b, table, part, true, action, match);
	match_sa(b, copy_rule(b, table, part, action, match), FWH_POLICY_OUT);
}

static void add_exemptions(struct builder *b, enum fwh_table table,
			   enum fwh_part part, bool out)
{
	const struct fwh_selector *sel = &b->in->ev->sel;

	if (covers_gateways(b)) {
		exempt_gateway_protocols(b, table, part, out);
		exempt_icmp(b, table, part, out);
	}
	if (fwh_range_covers(&sel->remote, &sel->local))
		exempt_own_side(b, table, part, out);
	exempt_listed(b, table, part, out);
	exempt_passes(b, table, part, out);
}

/* ---- groups of rules, in the order of the tables -------------------------- */

/* A mark on what came through the tunnel. */
static void add_mark(struct builder *b)
{
	const struct fwh_plan_input *in = b->in;
	struct fwh_rule match = { .set_mark = in->mark };
	struct fwh_rule *rule;

	if (!in->mark.mask)
		return;
	if (!in->settings->mark_esp)
		own_in(b, FWH_MANGLE, FWH_PART_IN, FWH_SET_MARK, &match);
	if (!in->settings->connmark)
		return;
	own_in(b, FWH_MANGLE, FWH_PART_IN, FWH_CONNMARK_SAVE, &match);
	rule = chain_rule(b, FWH_MANGLE, FWH_PART_RESTORE, FWH_CONNMARK_RESTORE);
	rule->set_mark = in->mark;
	dispatch(b, FWH_MANGLE, FWH_PREROUTING, FWH_PART_RESTORE, true);
	dispatch(b, FWH_MANGLE, FWH_OUTPUT, FWH_PART_RESTORE, true);
}

/* The technique of 2005: the peer's ESP is marked before decryption and the
 * mark survives it.  It can't tell two connections of one peer apart. */
static void add_esp_mark(struct builder *b)
{
	static const struct { uint8_t proto; uint16_t port; } carriers[] = {
		{ IPPROTO_ESP, 0 }, { IPPROTO_AH, 0 }, { IPPROTO_UDP, NATT_PORT },
	};
	const struct fwh_plan_input *in = b->in;
	struct fwh_net me = host_net(&in->ev->me);
	struct fwh_net peer = host_net(&in->ev->peer);
	enum fwh_family inner = b->family;
	struct fwh_rule *rule;
	size_t i;

	if (!in->settings->mark_esp || !in->mark.mask)
		return;
	b->family = in->ev->me.family;
	rule = dispatch_rule(b, FWH_MANGLE, FWH_PREROUTING, FWH_PART_ESP);
	set_src(rule, &peer);
	set_dst(rule, &me);
	for (i = 0; i < ARRAY_SIZE(carriers); i++) {
		rule = chain_rule(b, FWH_MANGLE, FWH_PART_ESP, FWH_SET_MARK);
		rule->proto = carriers[i].proto;
		rule->dport.lo = rule->dport.hi = carriers[i].port;
		rule->set_mark = in->mark;
	}
	for (i = 0; i < FWH_TCP_ENCAP_MAX && in->settings->tcp_encap[i]; i++) {
		rule = chain_rule(b, FWH_MANGLE, FWH_PART_ESP, FWH_SET_MARK);
		rule->proto = IPPROTO_TCP;
		rule->dport.lo = rule->dport.hi = in->settings->tcp_encap[i];
		rule->set_mark = in->mark;
	}
	b->family = inner;
}

static void add_guard_log(struct builder *b, enum fwh_table table,
			  enum fwh_part part, const struct fwh_rule *drop)
{
	const struct fwh_settings *settings = b->in->settings;
	struct fwh_rule *rule;

	if (settings->log == FWH_LOG_OFF)
		return;
	rule = copy_rule(b, table, part,
			 settings->log == FWH_LOG_KERNEL ? FWH_DO_LOG :
							   FWH_DO_NFLOG, drop);
	rule->limit = settings->log_rate;
	rule->log_group = settings->log_group;
	strcpy(rule->log_prefix, settings->log_prefix);	/* of one size */
}

/* What is dropped: clear text with protected addresses, or, blocked, all. */
static void match_guarded(const struct builder *b, struct fwh_rule *rule,
			  enum fwh_policy_dir dir)
{
	if (is_blocked(b))
		return;
	if (dir == FWH_POLICY_IN && b->in->settings->mark_esp && is_up(b)) {
		rule->has_mark = rule->mark_not = true;
		rule->mark = b->in->mark;
		return;
	}
	match_clear(rule, dir);
}

/* Fragments have no ports: neither the kernel's policies nor our dispatch know
 * them, and they leave in clear, tunnel or no tunnel.  Where a rule looks at
 * conntrack, the kernel hands over datagrams whole. */
static bool needs_whole_datagrams(const struct builder *b)
{
	const struct fwh_selector *sel = &b->in->ev->sel;

	return !fwh_ports_any(&sel->lport) || !fwh_ports_any(&sel->rport) ||
	       sel->icmp_type >= 0;
}

static void add_guard_side(struct builder *b, enum fwh_part part,
			   enum fwh_policy_dir dir)
{
	struct fwh_rule match = { .limit = 0 };

	match_guarded(b, &match, dir);
	add_guard_log(b, FWH_MANGLE, part, &match);
	if (dir == FWH_POLICY_OUT && needs_whole_datagrams(b)) {
		match.established = true;
		copy_rule(b, FWH_MANGLE, part, FWH_DROP, &match);
		match.established = false;
	}
	copy_rule(b, FWH_MANGLE, part, FWH_DROP, &match);
}

/* Blocked, the SA's own traffic goes before any exemption; else what is in a
 * device is not in clear. */
static void add_guard_head(struct builder *b, enum fwh_part part, bool out)
{
	static const struct fwh_rule any;

	if (!is_blocked(b)) {
		exempt_devices(b, FWH_MANGLE, part, out);
		return;
	}
	add_devices(b, FWH_MANGLE, part, out, FWH_DROP, &any);
	if (b->in->sa->source != FWH_SA_NONE)
		match_sa(b, chain_rule(b, FWH_MANGLE, part, FWH_DROP),
			 out ? FWH_POLICY_OUT : FWH_POLICY_IN);
}

/* The guard sits in mangle, before any accept of a filter table and before
 * source NAT: PREROUTING for what comes in, wherever it enters; POSTROUTING
 * for what goes out, forwarded or local. */
static void add_guard(struct builder *b)
{
	add_guard_head(b, FWH_PART_IN, false);
	add_exemptions(b, FWH_MANGLE, FWH_PART_IN, false);
	add_guard_side(b, FWH_PART_IN, FWH_POLICY_IN);
	add_guard_head(b, FWH_PART_OUT, true);
	add_exemptions(b, FWH_MANGLE, FWH_PART_OUT, true);
	add_guard_side(b, FWH_PART_OUT, FWH_POLICY_OUT);
	dispatch(b, FWH_MANGLE, FWH_POSTROUTING, FWH_PART_OUT, true);
}

static void add_mss(struct builder *b)
{
	const struct fwh_settings *settings = b->in->settings;
	struct fwh_rule *rule;

	if (!settings->mss && !settings->mss_clamp)
		return;
	if (!selects_proto(b, IPPROTO_TCP))
		return;
	rule = chain_rule(b, FWH_MANGLE, FWH_PART_MSS,
			  settings->mss_clamp ? FWH_CLAMP_MSS : FWH_SET_MSS);
	rule->proto = IPPROTO_TCP;
	rule->tcp_syn = true;
	rule->mss = settings->mss;
	dispatch(b, FWH_MANGLE, FWH_FORWARD, FWH_PART_MSS, false);
	dispatch(b, FWH_MANGLE, FWH_FORWARD, FWH_PART_MSS, true);
}

/* Source NAT would change the addresses that the policy goes by; the packet
 * would leave in clear.  An accept in nat ends the table for the flow.  It goes
 * by any SA and stands with the guard: the daemon installs its policies before
 * it calls, and packets find them at once. */
static void add_nat_exemption(struct builder *b)
{
	static const struct fwh_rule any;
	struct fwh_rule *rule;

	if (!b->in->settings->nat_exempt)
		return;
	add_devices(b, FWH_NAT, FWH_PART_OUT, true, FWH_ACCEPT, &any);
	rule = chain_rule(b, FWH_NAT, FWH_PART_OUT, FWH_ACCEPT);
	rule->policy.dir = FWH_POLICY_OUT;
	dispatch(b, FWH_NAT, FWH_POSTROUTING, FWH_PART_OUT, true);
}

/* Everything, or replies and the listed services. */
static void add_accepts(struct builder *b, enum fwh_part part, bool out,
			const struct fwh_services *services)
{
	void (*own)(struct builder *b, enum fwh_table table,
		    enum fwh_part part, enum fwh_action action,
		    const struct fwh_rule *match) = out ? own_out : own_in;
	struct fwh_rule match = { .established = services->n > 0 };
	size_t i;

	own(b, FWH_FILTER, part, FWH_ACCEPT, &match);
	for (i = 0; i < services->n; i++) {
		uint8_t proto = services->list[i].proto;

		/* "icmp" is the protocol of that name in either family. */
		if (proto == IPPROTO_ICMP && b->family == FWH_IPV6)
			proto = IPPROTO_ICMPV6;
		if (proto == IPPROTO_ICMPV6 && b->family == FWH_IPV4)
			continue;
		match.established = false;
		match.proto = proto;
		match.dport = port_match(&services->list[i].port);
		own(b, FWH_FILTER, part, FWH_ACCEPT, &match);
	}
}

/* IPComp in tunnel mode above ESP in transport mode.  strongSwan and Openswan
 * don't say which mode they mean, but what is not between just the gateways is
 * in a tunnel. */
static bool is_tunnel_above(const struct fwh_plan_input *in)
{
	const struct fwh_event *ev = in->ev;

	if (in->sa->mode != FWH_TRANSPORT)
		return false;
	if (ev->mode != FWH_MODE_UNKNOWN)
		return ev->mode == FWH_TUNNEL;
	return !fwh_range_is_host(&ev->sel.local, &ev->me) ||
	       !fwh_range_is_host(&ev->sel.remote, &ev->peer);
}

/* A packet too small to be compressed comes out of ESP as IP in IP and passes
 * INPUT once more. */
static void add_uncompressed(struct builder *b)
{
	const struct fwh_event *ev = b->in->ev;
	struct fwh_net me = host_net(&ev->me), peer = host_net(&ev->peer);
	enum fwh_family inner = b->family;
	struct fwh_rule *rule;

	if (!is_tunnel_above(b->in))
		return;
	b->family = ev->me.family;
	match_decrypted(b, chain_rule(b, FWH_FILTER, FWH_PART_IPIP, FWH_ACCEPT));
	rule = dispatch_rule(b, FWH_FILTER, FWH_INPUT, FWH_PART_IPIP);
	rule->proto = inner == FWH_IPV4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	set_src(rule, &peer);
	set_dst(rule, &me);
	b->family = inner;
}

/* The drop in mangle holds in any case; this one tells the sender, wherever
 * traffic is accepted or not: in a chain of its own. */
static void add_reject(struct builder *b)
{
	struct fwh_rule match = { .limit = 0 };

	match_guarded(b, &match, FWH_POLICY_OUT);
	if (!is_blocked(b))
		exempt_devices(b, FWH_FILTER, FWH_PART_REJECT, true);
	add_exemptions(b, FWH_FILTER, FWH_PART_REJECT, true);
	add_guard_log(b, FWH_FILTER, FWH_PART_REJECT, &match);
	if (selects_proto(b, IPPROTO_TCP)) {
		match.proto = IPPROTO_TCP;
		copy_rule(b, FWH_FILTER, FWH_PART_REJECT, FWH_REJECT_RESET,
			  &match);
		match.proto = 0;
	}
	copy_rule(b, FWH_FILTER, FWH_PART_REJECT, FWH_REJECT, &match);
}

static bool guarded(const struct builder *b)
{
	return b->in->state == FWH_STATE_BLOCKED ||
	       fwh_guard_of(b->in->settings, b->in->ev) != FWH_GUARD_OFF;
}

static void add_filter(struct builder *b)
{
	const struct fwh_plan_input *in = b->in;
	const struct fwh_settings *settings = in->settings;
	/* A selector of just this host's address is never forwarded. */
	bool forward = !fwh_range_is_host(&in->ev->sel.local, &in->ev->me);
	bool accept_forward = settings->accept_forward && forward && is_up(b);
	bool accept_local = settings->accept_local && is_up(b);

	if (accept_forward || accept_local) {
		add_accepts(b, FWH_PART_IN, false, &settings->accept_in);
		add_accepts(b, FWH_PART_OUT, true, &settings->accept_out);
		add_uncompressed(b);
	}
	if (settings->reject && guarded(b))
		add_reject(b);
	if (accept_local) {
		dispatch(b, FWH_FILTER, FWH_INPUT, FWH_PART_IN, false);
		dispatch(b, FWH_FILTER, FWH_OUTPUT, FWH_PART_OUT, true);
	}
	if (accept_forward) {
		dispatch(b, FWH_FILTER, FWH_FORWARD, FWH_PART_IN, false);
		dispatch(b, FWH_FILTER, FWH_FORWARD, FWH_PART_OUT, true);
	}
	if (forward)
		dispatch(b, FWH_FILTER, FWH_FORWARD, FWH_PART_REJECT, true);
	dispatch(b, FWH_FILTER, FWH_OUTPUT, FWH_PART_REJECT, true);
}

/* Accept the gateways' own packets to each other. */
static void add_open_ike_side(struct builder *b, enum fwh_hook hook,
			      enum fwh_part part, bool out)
{
	static const uint8_t protos[] = { IPPROTO_ESP, IPPROTO_AH };
	struct fwh_net me = host_net(&b->in->ev->me);
	struct fwh_net peer = host_net(&b->in->ev->peer);
	const uint16_t *tcp = b->in->settings->tcp_encap;
	struct fwh_rule *rule;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protos); i++)
		chain_rule(b, FWH_FILTER, part, FWH_ACCEPT)->proto = protos[i];
	/* Our side's ports: the peer's may be a NAT's. */
	rule = chain_rule(b, FWH_FILTER, part, FWH_ACCEPT);
	rule->proto = IPPROTO_UDP;
	(out ? rule->sports : rule->dports)[0] = IKE_PORT;
	(out ? rule->sports : rule->dports)[1] = NATT_PORT;
	for (i = 0; i < FWH_TCP_ENCAP_MAX && tcp[i]; i++) {
		rule = chain_rule(b, FWH_FILTER, part, FWH_ACCEPT);
		rule->proto = IPPROTO_TCP;
		if (out)
			rule->sport.lo = rule->sport.hi = tcp[i];
		else
			rule->dport.lo = rule->dport.hi = tcp[i];
	}
	rule = dispatch_rule(b, FWH_FILTER, hook, part);
	set_src(rule, out ? &me : &peer);
	set_dst(rule, out ? &peer : &me);
}

static void add_open_ike(struct builder *b)
{
	enum fwh_family inner = b->family;

	if (!b->in->settings->open_ike || fwh_addr_is_any(&b->in->ev->peer))
		return;
	b->family = b->in->ev->me.family;
	add_open_ike_side(b, FWH_INPUT, FWH_PART_IKE_IN, false);
	add_open_ike_side(b, FWH_OUTPUT, FWH_PART_IKE_OUT, true);
	b->family = inner;
}

/* ---- the family that is not tunnelled --------------------------------------- */

static bool guards_both(const struct builder *b)
{
	const struct fwh_range *remote = &b->in->ev->sel.remote;
	struct fwh_range any = { .family = remote->family };

	memset(any.hi, 0xff, fwh_family_bytes(any.family));
	return b->in->settings->guard_both && guarded(b) &&
	       !b->in->ev->sel.proto && fwh_range_covers(remote, &any);
}

/* Everything goes to the peer, but in one family only: nothing shall go past it
 * in the other. */
static void add_other_family(struct builder *b)
{
	b->family = b->family == FWH_IPV4 ? FWH_IPV6 : FWH_IPV4;
	b->n_local = b->n_remote = 1;
	memset(b->local, 0, sizeof(b->local[0]));
	b->local[0].addr.family = b->family;
	b->remote[0] = b->local[0];
	exempt_devices(b, FWH_MANGLE, FWH_PART_OUT, true);
	exempt_link(b, FWH_MANGLE, FWH_PART_OUT, true);
	exempt_icmp(b, FWH_MANGLE, FWH_PART_OUT, true);
	exempt_listed(b, FWH_MANGLE, FWH_PART_OUT, true);
	add_guard_side(b, FWH_PART_OUT, FWH_POLICY_OUT);
	dispatch(b, FWH_MANGLE, FWH_POSTROUTING, FWH_PART_OUT, true);
}

/* ---- the whole ------------------------------------------------------------ */

static void add_all(struct builder *b)
{
	if (is_up(b))
		add_mark(b);
	if (b->in->state != FWH_STATE_ARMED)
		add_esp_mark(b);
	if (guarded(b))
		add_guard(b);
	dispatch(b, FWH_MANGLE, FWH_PREROUTING, FWH_PART_IN, false);
	if (is_up(b))
		add_mss(b);
	if (!is_blocked(b))
		add_nat_exemption(b);
	add_filter(b);
	if (b->in->state != FWH_STATE_ARMED)
		add_open_ike(b);
	if (guards_both(b))
		add_other_family(b);
}

/* An instance's address is another's tomorrow, and so is a leased one.
 * strongSwan and Openswan don't say what is an instance: there a single host
 * behind the peer is taken for one. */
static bool is_on_loan(const struct fwh_event *ev)
{
	bool told = ev->dialect == FWH_LIBRESWAN4 ||
		    ev->dialect == FWH_LIBRESWAN5;
	const struct fwh_range *remote = &ev->sel.remote;

	if (ev->instance || ev->tmpl || ev->cfg_client ||
	    (!fwh_addr_is_any(&ev->source_ip) &&
	     fwh_range_is_host(&ev->sel.local, &ev->source_ip)))
		return true;
	return !told && !fwh_range_is_host(remote, &ev->peer) &&
	       !memcmp(remote->lo, remote->hi, fwh_family_bytes(remote->family));
}

enum fwh_guard fwh_guard_of(const struct fwh_settings *settings,
			    const struct fwh_event *ev)
{
	if (settings->guard != FWH_GUARD_AUTO)
		return settings->guard;
	if (ev->flags & (FWH_CONN_NEGO_PASS | FWH_CONN_FAILURE_PASS))
		return FWH_GUARD_OFF;
	return is_on_loan(ev) || ev->flags & FWH_CONN_OPPORTUNISTIC ?
	       FWH_GUARD_UP : FWH_GUARD_ARMED;
}

int fwh_plan_build(const struct fwh_plan_input *in, struct fwh_plan *ret,
		   struct fwh_err *err)
{
	struct fwh_plan plan = { .n = 0 };
	struct builder b = { .in = in, .plan = &plan };

	fwh_event_key(in->ev, &plan.key);
	plan.policy_marks = in->ev->mark_in.mask | in->ev->mark_out.mask |
			    in->sa->mark.mask;
	plan.ipcomp = in->ev->ipcomp || in->ev->flags & FWH_CONN_COMPRESS;
	if (in->state == FWH_STATE_DOWN) {
		*ret = plan;
		return 0;
	}
	b.family = in->ev->sel.local.family;
	b.n_local = fwh_range_to_nets(&in->ev->sel.local, b.local);
	b.n_remote = fwh_range_to_nets(&in->ev->sel.remote, b.remote);
	if (b.n_local * b.n_remote > PAIRS_MAX)
		return fwh_fail(err, -E2BIG, "PLUTO_MY_CLIENT, "
				"PLUTO_PEER_CLIENT: the two ranges need %zu "
				"pairs of prefixes, more than %d; use ranges "
				"that prefixes cover", b.n_local * b.n_remote,
				PAIRS_MAX);
	add_all(&b);
	if (b.nomem) {
		fwh_plan_free(&plan);
		return fwh_fail(err, -ENOMEM, "out of memory");
	}
	*ret = plan;
	return 0;
}

void fwh_plan_free(struct fwh_plan *plan)
{
	free(plan->rules);
	plan->rules = NULL;
	plan->n = plan->cap = 0;
}
