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
#include <string.h>

#include "plan.h"

/* Two ranges that need more pairs of prefixes than this are refused: the rules
 * would cost every packet dear. */
#define PAIRS_MAX	1024

/* ---- groups of rules, in the order of the tables -------------------------- */

static void add_mss(struct builder *b)
{
	const struct fwh_settings *settings = b->in->settings;
	struct fwh_rule *rule;

	if (!settings->mss && !settings->mss_clamp)
		return;
	if (!fwh_plan_selects(b, IPPROTO_TCP))
		return;
	rule = fwh_plan_rule(b, FWH_MANGLE, FWH_PART_MSS,
			     settings->mss_clamp ? FWH_CLAMP_MSS : FWH_SET_MSS);
	rule->proto = IPPROTO_TCP;
	rule->tcp_syn = true;
	rule->mss = settings->mss;
	fwh_plan_dispatch(b, FWH_MANGLE, FWH_FORWARD, FWH_PART_MSS, false);
	fwh_plan_dispatch(b, FWH_MANGLE, FWH_FORWARD, FWH_PART_MSS, true);
}

/* Source NAT would change the addresses that the policy goes by; the packet
 * would leave in clear.  An accept in nat ends the table for the flow.  It goes
 * by any SA and stands with the guard: the daemon installs its policies before
 * it calls, and packets find them at once. */
static void add_nat_exemption(struct builder *b)
{
	static const struct fwh_rule any;
	size_t n_local = b->n_local;
	struct fwh_rule *rule;

	if (!b->in->settings->nat_exempt)
		return;
	fwh_plan_devices(b, FWH_NAT, FWH_PART_OUT, true, FWH_ACCEPT, &any);
	rule = fwh_plan_rule(b, FWH_NAT, FWH_PART_OUT, FWH_ACCEPT);
	rule->policy.dir = FWH_POLICY_OUT;
	/* Our own address is for CAT to translate. */
	b->n_local -= fwh_event_cat(b->in->ev, NULL);
	fwh_plan_dispatch(b, FWH_NAT, FWH_POSTROUTING, FWH_PART_OUT, true);
	b->n_local = n_local;
}

/* Everything, or replies and the listed services. */
static void add_accepts(struct builder *b, enum fwh_part part, bool out,
			const struct fwh_services *services)
{
	void (*own)(struct builder *b, enum fwh_table table,
		    enum fwh_part part, enum fwh_action action,
		    const struct fwh_rule *match) = out ? fwh_plan_own_out :
								fwh_plan_own_in;
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
		match.dport = fwh_plan_ports(&services->list[i].port);
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
	struct fwh_net me = fwh_plan_host(&ev->me);
	struct fwh_net peer = fwh_plan_host(&ev->peer);
	enum fwh_family inner = b->family;
	struct fwh_rule *rule;

	if (!is_tunnel_above(b->in))
		return;
	b->family = ev->me.family;
	fwh_plan_match_decrypted(b, fwh_plan_rule(b, FWH_FILTER, FWH_PART_IPIP,
						  FWH_ACCEPT));
	rule = fwh_plan_dispatch_rule(b, FWH_FILTER, FWH_INPUT, FWH_PART_IPIP);
	rule->proto = inner == FWH_IPV4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	fwh_plan_set_src(rule, &peer);
	fwh_plan_set_dst(rule, &me);
	b->family = inner;
}

static void add_filter(struct builder *b)
{
	const struct fwh_plan_input *in = b->in;
	const struct fwh_settings *settings = in->settings;
	/* A selector of just this host's address is never forwarded. */
	bool forward = !fwh_range_is_host(&in->ev->sel.local, &in->ev->me) &&
		       !fwh_event_cat(in->ev, NULL);
	bool accept_forward = settings->accept_forward && forward &&
			      fwh_plan_is_up(b);
	bool accept_local = settings->accept_local && fwh_plan_is_up(b);

	if (accept_forward || accept_local) {
		add_accepts(b, FWH_PART_IN, false, &settings->accept_in);
		add_accepts(b, FWH_PART_OUT, true, &settings->accept_out);
		add_uncompressed(b);
	}
	if (settings->reject && fwh_plan_guarded(b))
		fwh_plan_reject(b);
	if (accept_local) {
		fwh_plan_dispatch(b, FWH_FILTER, FWH_INPUT, FWH_PART_IN, false);
		fwh_plan_dispatch(b, FWH_FILTER, FWH_OUTPUT, FWH_PART_OUT,
				  true);
	}
	if (accept_forward) {
		fwh_plan_dispatch(b, FWH_FILTER, FWH_FORWARD, FWH_PART_IN,
				  false);
		fwh_plan_dispatch(b, FWH_FILTER, FWH_FORWARD, FWH_PART_OUT,
				  true);
	}
	if (forward)
		fwh_plan_dispatch(b, FWH_FILTER, FWH_FORWARD, FWH_PART_REJECT,
				  true);
	fwh_plan_dispatch(b, FWH_FILTER, FWH_OUTPUT, FWH_PART_REJECT, true);
}

/* Accept the gateways' own packets to each other. */
static void add_open_ike_side(struct builder *b, enum fwh_hook hook,
			      enum fwh_part part, bool out)
{
	static const uint8_t protos[] = { IPPROTO_ESP, IPPROTO_AH };
	struct fwh_net me = fwh_plan_host(&b->in->ev->me);
	struct fwh_net peer = fwh_plan_host(&b->in->ev->peer);
	const uint16_t *tcp = b->in->settings->tcp_encap;
	struct fwh_rule *rule;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protos); i++)
		fwh_plan_rule(b, FWH_FILTER, part, FWH_ACCEPT)->proto =
			protos[i];
	/* Our side's ports: the peer's may be a NAT's. */
	rule = fwh_plan_rule(b, FWH_FILTER, part, FWH_ACCEPT);
	rule->proto = IPPROTO_UDP;
	(out ? rule->sports : rule->dports)[0] = IKE_PORT;
	(out ? rule->sports : rule->dports)[1] = NATT_PORT;
	for (i = 0; i < FWH_TCP_ENCAP_MAX && tcp[i]; i++) {
		rule = fwh_plan_rule(b, FWH_FILTER, part, FWH_ACCEPT);
		rule->proto = IPPROTO_TCP;
		if (out)
			rule->sport.lo = rule->sport.hi = tcp[i];
		else
			rule->dport.lo = rule->dport.hi = tcp[i];
	}
	rule = fwh_plan_dispatch_rule(b, FWH_FILTER, hook, part);
	rule->peer_is_dst = out;
	fwh_plan_set_src(rule, out ? &me : &peer);
	fwh_plan_set_dst(rule, out ? &peer : &me);
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

/* ---- the whole ------------------------------------------------------------ */

static void add_all(struct builder *b)
{
	fwh_plan_mark(b);
	if (fwh_plan_is_up(b))
		fwh_plan_nflog(b);
	if (fwh_plan_guarded(b))
		fwh_plan_guard(b);
	fwh_plan_dispatch(b, FWH_MANGLE, FWH_PREROUTING, FWH_PART_IN, false);
	if (fwh_plan_is_up(b))
		add_mss(b);
	if (fwh_plan_is_up(b))
		fwh_plan_raw(b, FWH_MANGLE);
	if (fwh_plan_is_up(b))
		fwh_plan_cat(b);
	/* Ahead of the exemption and of the accepts, which end a table. */
	if (fwh_plan_is_up(b))
		fwh_plan_raw(b, FWH_NAT);
	if (!fwh_plan_is_blocked(b))
		add_nat_exemption(b);
	if (fwh_plan_is_up(b))
		fwh_plan_raw(b, FWH_FILTER);
	add_filter(b);
	if (b->in->state != FWH_STATE_ARMED)
		add_open_ike(b);
	fwh_plan_guard_both(b);
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

int fwh_plan_build(const struct fwh_plan_input *in, struct fwh_plan *ret, struct
		   fwh_err *err)
{
	struct fwh_plan plan = { .n = 0 };
	struct builder b = { .in = in, .plan = &plan, .err = err };

	if (in->devices)
		plan.devices = *in->devices;
	fwh_event_key(in->ev, &plan.key);
	plan.policy_marks = in->ev->mark_in.mask | in->ev->mark_out.mask |
			    in->sa->mark.mask;
	plan.ipcomp = in->ev->ipcomp || in->ev->flags & FWH_CONN_COMPRESS;
	plan.own_sa = plan.policy_marks || *in->ev->virt_iface ||
		      *in->ev->vti_iface || in->ev->if_id_in ||
		      in->ev->if_id_out || in->sa->if_id;
	if (in->state == FWH_STATE_DOWN) {
		*ret = plan;
		return 0;
	}
	b.family = in->ev->sel.local.family;
	b.n_local = fwh_range_to_nets(&in->ev->sel.local, b.local);
	b.n_remote = fwh_range_to_nets(&in->ev->sel.remote, b.remote);
	if (fwh_event_cat(in->ev, NULL))
		b.local[b.n_local++] = fwh_plan_host(&in->ev->me);
	if (b.n_local * b.n_remote > PAIRS_MAX)
		return fwh_fail(err, -E2BIG, "PLUTO_MY_CLIENT, "
				"PLUTO_PEER_CLIENT: the two ranges need %zu "
				"pairs of prefixes, more than %d; use ranges "
				"that prefixes cover", b.n_local * b.n_remote,
				PAIRS_MAX);
	add_all(&b);
	if (b.nomem)
		b.code = fwh_fail(err, -ENOMEM, "out of memory");
	if (b.code)
		fwh_plan_free(&plan);
	else
		*ret = plan;
	return b.code;
}

bool fwh_plan_exempts(const struct fwh_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->n; i++)
		if (plan->rules[i].table == FWH_NAT &&
		    plan->rules[i].part == FWH_PART_OUT)
			return true;
	return false;
}

bool fwh_plan_closes(const struct fwh_plan *plan)
{
	bool drops = false;
	size_t i;

	for (i = 0; i < plan->n; i++) {
		const struct fwh_rule *rule = &plan->rules[i];

		if (rule->table != FWH_MANGLE || rule->part != FWH_PART_OUT)
			continue;
		/* Into a device nothing goes in clear. */
		if (rule->action == FWH_RETURN && !*rule->out)
			return false;
		drops = drops || rule->action == FWH_DROP;
	}
	return drops;
}

void fwh_plan_free(struct fwh_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->n; i++)
		fwh_raw_rule_free(plan->rules[i].raw);
	free(plan->rules);
	plan->rules = NULL;
	plan->n = plan->cap = 0;
}
