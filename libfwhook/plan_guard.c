// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan_guard.c - clear text with a connection's addresses is dropped, or, on
 * hold, everything; the sender can be told.  Pure.
 */
#include <netinet/in.h>
#include <string.h>

#include "plan.h"

/* Not covered by any SA at all. */
static void match_clear(struct fwh_rule *rule, enum fwh_policy_dir dir)
{
	rule->policy.dir = dir;
	rule->policy.none = true;
}

static void add_guard_log(struct builder *b, enum fwh_table table,
			  enum fwh_part part, const struct fwh_rule *drop)
{
	const struct fwh_settings *settings = b->in->settings;
	struct fwh_rule *rule;

	if (settings->log == FWH_LOG_OFF)
		return;
	rule = fwh_plan_copy(b, table, part,
			     settings->log == FWH_LOG_KERNEL ? FWH_DO_LOG :
							       FWH_DO_NFLOG,
			     drop);
	rule->limit = settings->log_rate;
	rule->log_group = settings->log_group;
	strcpy(rule->log_prefix, settings->log_prefix);	/* which is shorter */
}

/* What is dropped: clear text with protected addresses, or, blocked, all. */
static void match_guarded(const struct builder *b, struct fwh_rule *rule,
			  enum fwh_policy_dir dir)
{
	if (fwh_plan_is_blocked(b))
		return;
	if (dir == FWH_POLICY_IN && b->in->settings->mark_esp &&
	    fwh_plan_is_up(b)) {
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
		fwh_plan_copy(b, FWH_MANGLE, part, FWH_DROP, &match);
		match.established = false;
	}
	fwh_plan_copy(b, FWH_MANGLE, part, FWH_DROP, &match);
}

/* Blocked, the SA's own traffic goes before any exemption; else what is in a
 * device is not in clear. */
static void add_guard_head(struct builder *b, enum fwh_part part, bool out)
{
	static const struct fwh_rule any;

	if (!fwh_plan_is_blocked(b)) {
		fwh_plan_exempt_devices(b, FWH_MANGLE, part, out);
		return;
	}
	fwh_plan_devices(b, FWH_MANGLE, part, out, FWH_DROP, &any);
	if (b->in->sa->source != FWH_SA_NONE)
		fwh_plan_match_sa(b, fwh_plan_rule(b, FWH_MANGLE, part,
						   FWH_DROP),
				  out ? FWH_POLICY_OUT : FWH_POLICY_IN);
}

static bool has_device(const struct fwh_event *ev)
{
	return *ev->vti_iface || *ev->virt_iface;
}

/* The guard sits in mangle, before any accept of a filter table and before
 * source NAT: PREROUTING for what comes in, wherever it enters; POSTROUTING
 * for what goes out, forwarded or local. */
void fwh_plan_guard(struct builder *b)
{
	add_guard_head(b, FWH_PART_IN, false);
	fwh_plan_exempt(b, FWH_MANGLE, FWH_PART_IN, false);
	add_guard_side(b, FWH_PART_IN, FWH_POLICY_IN);
	add_guard_head(b, FWH_PART_OUT, true);
	fwh_plan_exempt(b, FWH_MANGLE, FWH_PART_OUT, true);
	add_guard_side(b, FWH_PART_OUT, FWH_POLICY_OUT);
	fwh_plan_dispatch(b, FWH_MANGLE, FWH_POSTROUTING, FWH_PART_OUT, true);
	/* There, devices are let be. */
	if (fwh_plan_is_blocked(b) && has_device(b->in->ev)) {
		fwh_plan_dispatch(b, FWH_MANGLE, FWH_FORWARD, FWH_PART_OUT,
				  true);
		fwh_plan_dispatch(b, FWH_MANGLE, FWH_OUTPUT, FWH_PART_OUT,
				  true);
	}
}

/* What goes into another connection's device is none of ours, though no policy
 * shows before it is in there.  In mangle both backends let devices be. */
static void exempt_others_devices(struct builder *b, enum fwh_table table,
				  enum fwh_part part)
{
	const struct fwh_devices *devices = &b->plan->devices;
	size_t i;

	for (i = 0; i < devices->n; i++)
		strcpy(fwh_plan_rule(b, table, part, FWH_RETURN)->out,
		       devices->list[i]);
}

/* The drop in mangle holds in any case; this one tells the sender, wherever
 * traffic is accepted or not: in a chain of its own. */
void fwh_plan_reject(struct builder *b)
{
	struct fwh_rule match = { .limit = 0 };

	match_guarded(b, &match, FWH_POLICY_OUT);
	exempt_others_devices(b, FWH_FILTER, FWH_PART_REJECT);
	if (!fwh_plan_is_blocked(b))
		fwh_plan_exempt_devices(b, FWH_FILTER, FWH_PART_REJECT, true);
	fwh_plan_exempt(b, FWH_FILTER, FWH_PART_REJECT, true);
	add_guard_log(b, FWH_FILTER, FWH_PART_REJECT, &match);
	if (fwh_plan_selects(b, IPPROTO_TCP)) {
		match.proto = IPPROTO_TCP;
		fwh_plan_copy(b, FWH_FILTER, FWH_PART_REJECT, FWH_REJECT_RESET,
			      &match);
		match.proto = 0;
	}
	fwh_plan_copy(b, FWH_FILTER, FWH_PART_REJECT, FWH_REJECT, &match);
}

bool fwh_plan_guarded(const struct builder *b)
{
	return b->in->state == FWH_STATE_BLOCKED ||
	       fwh_guard_of(b->in->settings, b->in->ev) != FWH_GUARD_OFF;
}

static bool guards_both(const struct builder *b)
{
	const struct fwh_range *remote = &b->in->ev->sel.remote;
	struct fwh_range any = { .family = remote->family };

	memset(any.hi, 0xff, fwh_family_bytes(any.family));
	return b->in->settings->guard_both && fwh_plan_guarded(b) &&
	       !b->in->ev->sel.proto && fwh_range_covers(remote, &any);
}

/* Everything goes to the peer, but in one family only: nothing shall go past it
 * in the other. */
void fwh_plan_guard_both(struct builder *b)
{
	if (!guards_both(b))
		return;
	b->family = b->family == FWH_IPV4 ? FWH_IPV6 : FWH_IPV4;
	b->n_local = b->n_remote = 1;
	memset(b->local, 0, sizeof(b->local[0]));
	b->local[0].addr.family = b->family;
	b->remote[0] = b->local[0];
	fwh_plan_exempt_other_family(b, FWH_MANGLE, FWH_PART_OUT);
	add_guard_side(b, FWH_PART_OUT, FWH_POLICY_OUT);
	fwh_plan_dispatch(b, FWH_MANGLE, FWH_POSTROUTING, FWH_PART_OUT, true);
}
