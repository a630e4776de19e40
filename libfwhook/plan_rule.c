// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan_rule.c - what every group of a plan's rules is made of: rules in chains,
 * the dispatch that sends packets there, and the matches that tell whose packet
 * it is.  Pure.
 */
#include <string.h>

#include "plan.h"

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

struct fwh_rule *fwh_plan_copy(struct builder *b, enum fwh_table table, enum
			       fwh_part part, enum fwh_action action, const
			       struct fwh_rule *match)
{
	struct fwh_rule *rule = new_rule(b);

	*rule = *match;
	rule->family = b->family;
	rule->table = table;
	rule->part = part;
	rule->action = action;
	return rule;
}

struct fwh_rule *fwh_plan_rule(struct builder *b, enum fwh_table table, enum
			       fwh_part part, enum fwh_action action)
{
	static const struct fwh_rule any;

	return fwh_plan_copy(b, table, part, action, &any);
}

struct fwh_rule *fwh_plan_dispatch_rule(struct builder *b, enum fwh_table table,
					enum fwh_hook hook, enum fwh_part part)
{
	struct fwh_rule *rule = fwh_plan_rule(b, table, part, FWH_JUMP);

	rule->dispatch = true;
	rule->hook = hook;
	return rule;
}

void fwh_plan_set_src(struct fwh_rule *rule, const struct fwh_net *net)
{
	rule->has_src = net->len > 0;
	rule->src = *net;
}

void fwh_plan_set_dst(struct fwh_rule *rule, const struct fwh_net *net)
{
	rule->has_dst = net->len > 0;
	rule->dst = *net;
}

struct fwh_net fwh_plan_host(const struct fwh_addr *addr)
{
	struct fwh_net net = { .addr = *addr };

	net.len = (uint8_t)fwh_family_bits(addr->family);
	return net;
}

struct fwh_ports fwh_plan_ports(const struct fwh_ports *ports)
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

struct fwh_rule *fwh_plan_dispatch_pair(struct builder *b, enum fwh_table table,
					enum fwh_hook hook, enum fwh_part part,
					bool out, const struct fwh_net *local,
					const struct fwh_net *remote)
{
	const struct fwh_selector *sel = &b->in->ev->sel;
	struct fwh_rule *rule = fwh_plan_dispatch_rule(b, table, hook, part);

	rule->peer_is_dst = out;
	fwh_plan_set_src(rule, out ? local : remote);
	fwh_plan_set_dst(rule, out ? remote : local);
	rule->proto = sel->proto;
	rule->sport = fwh_plan_ports(out ? &sel->lport : &sel->rport);
	rule->dport = fwh_plan_ports(out ? &sel->rport : &sel->lport);
	if (sel->icmp_type >= 0) {
		rule->has_icmp = true;
		rule->icmp_type = sel->icmp_type;
		rule->icmp_code = sel->icmp_code;
	}
	return rule;
}

void fwh_plan_dispatch(struct builder *b, enum fwh_table table,
		       enum fwh_hook hook, enum fwh_part part, bool out)
{
	size_t i, j;

	if (!has_rules(b, table, part))
		return;
	for (i = 0; i < b->n_remote; i++)
		for (j = 0; j < b->n_local; j++)
			fwh_plan_dispatch_pair(b, table, hook, part, out,
					       &b->local[j], &b->remote[i]);
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

void fwh_plan_match_sa(const struct builder *b, struct fwh_rule *rule, enum
		       fwh_policy_dir dir)
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

void fwh_plan_match_decrypted(const struct builder *b, struct fwh_rule *rule)
{
	if (!b->in->settings->mark_esp) {
		fwh_plan_match_sa(b, rule, FWH_POLICY_IN);
		return;
	}
	rule->has_mark = true;
	rule->mark = b->in->mark;
}

void fwh_plan_devices(struct builder *b, enum fwh_table table, enum fwh_part
		      part, bool out, enum fwh_action action, const struct
		      fwh_rule *match)
{
	const struct fwh_event *ev = b->in->ev;
	struct fwh_rule *rule;

	if (*ev->vti_iface) {
		rule = fwh_plan_copy(b, table, part, action, match);
		strcpy(out ? rule->out : rule->in, ev->vti_iface);
	}
	if (*ev->virt_iface && out) {
		rule = fwh_plan_copy(b, table, part, action, match);
		strcpy(rule->out, ev->virt_iface);
	}
}

void fwh_plan_own_in(struct builder *b, enum fwh_table table, enum fwh_part
		     part, enum fwh_action action, const struct fwh_rule *match)
{
	fwh_plan_devices(b, table, part, false, action, match);
	fwh_plan_match_decrypted(b, fwh_plan_copy(b, table, part, action,
						  match));
}

void fwh_plan_own_out(struct builder *b, enum fwh_table table, enum fwh_part
		      part, enum fwh_action action, const struct fwh_rule
		      *match)
{
	fwh_plan_devices(b, table, part, true, action, match);
	fwh_plan_match_sa(b, fwh_plan_copy(b, table, part, action, match),
			  FWH_POLICY_OUT);
}
