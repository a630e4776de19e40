// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan_exempt.c - what the guard leaves alone: the gateways' own packets, what
 * stays on our side, and what the operator or the kernel's policies let through.
 * Pure.
 */
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/icmp6.h>
#include <string.h>

#include "plan.h"

/* Does the connection's traffic include the gateways' own packets to each
 * other, ESP and IKE among them?  It may, while nobody has said who they are. */
static bool covers_gateways(const struct builder *b)
{
	const struct fwh_event *ev = b->in->ev;

	return fwh_addr_is_any(&ev->me) ||
	       ((fwh_range_contains(&ev->sel.local, &ev->me) ||
		 fwh_event_cat(ev, NULL)) &&
		(fwh_range_contains(&ev->sel.remote, &ev->peer) ||
		 fwh_addr_is_any(&ev->peer)));
}

static void gateway_addrs(const struct builder *b, struct fwh_rule *rule,
			  bool out)
{
	struct fwh_net me = fwh_plan_host(&b->in->ev->me);

	if (fwh_addr_is_any(&me.addr) || me.addr.family != b->family)
		return;
	if (out)
		fwh_plan_set_src(rule, &me);
	else
		fwh_plan_set_dst(rule, &me);
}

static struct fwh_rule *exempt(struct builder *b, enum fwh_table table,
			       enum fwh_part part)
{
	return fwh_plan_rule(b, table, part, FWH_RETURN);
}

static void exempt_gateway_protocols(struct builder *b, enum fwh_table table,
				     enum fwh_part part, bool out)
{
	static const uint8_t protos[] = { IPPROTO_ESP, IPPROTO_AH, IPPROTO_COMP };
	const uint16_t *tcp = b->in->settings->tcp_encap;
	struct fwh_rule *rule;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protos); i++) {
		if (!fwh_plan_selects(b, protos[i]))
			continue;
		rule = exempt(b, table, part);
		rule->proto = protos[i];
		gateway_addrs(b, rule, out);
	}
	if (fwh_plan_selects(b, IPPROTO_UDP)) {
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
		    fwh_plan_selects(b, IPPROTO_TCP); i++) {
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

		if (icmp[i].family != b->family || !fwh_plan_selects(b, proto))
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
			fwh_plan_set_dst(rule, nets);
		else
			fwh_plan_set_src(rule, nets);
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

	if (!fwh_plan_selects(b, IPPROTO_UDP))
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

/* A person said that both sides are the same, mostly everything, and no daemon
 * yet who the gateways are: a kill switch, which has no side of its own. */
static bool has_own_side(const struct fwh_event *ev)
{
	return !fwh_addr_is_any(&ev->me) ||
	       !fwh_range_covers(&ev->sel.local, &ev->sel.remote);
}

/* Where the peer's side contains our own (a full tunnel), what stays on our
 * side has the addresses of protected traffic and is none. */
static void exempt_own_side(struct builder *b, enum fwh_table table,
			    enum fwh_part part, bool out)
{
	exempt_link(b, table, part, out);
	if (has_own_side(b->in->ev))
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
		fwh_plan_set_src(rule, &pass->src);
		fwh_plan_set_dst(rule, &pass->dst);
		rule->proto = pass->proto;
		rule->sport = fwh_plan_ports(&pass->sport);
		rule->dport = fwh_plan_ports(&pass->dport);
		if (pass->icmp_type >= 0) {
			rule->has_icmp = true;
			rule->icmp_type = pass->icmp_type;
			rule->icmp_code = pass->icmp_code;
		}
	}
}

void fwh_plan_exempt_devices(struct builder *b, enum fwh_table table,
			     enum fwh_part part, bool out)
{
	static const struct fwh_rule any;

	fwh_plan_devices(b, table, part, out, FWH_RETURN, &any);
}

void fwh_plan_exempt(struct builder *b, enum fwh_table table,
		     enum fwh_part part, bool out)
{
	const struct fwh_selector *sel = &b->in->ev->sel;

	if (covers_gateways(b)) {
		exempt_gateway_protocols(b, table, part, out);
		exempt_icmp(b, table, part, out);
	}
	if (fwh_range_covers(&sel->remote, &sel->local) ||
	    (fwh_event_cat(b->in->ev, NULL) &&
	     fwh_range_contains(&sel->remote, &b->in->ev->me)))
		exempt_own_side(b, table, part, out);
	exempt_listed(b, table, part, out);
	exempt_passes(b, table, part, out);
}

void fwh_plan_exempt_other_family(struct builder *b, enum fwh_table table,
				  enum fwh_part part)
{
	fwh_plan_exempt_devices(b, table, part, true);
	exempt_link(b, table, part, true);
	exempt_icmp(b, table, part, true);
	exempt_listed(b, table, part, true);
}
