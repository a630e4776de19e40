// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan_mark.c - marks: on what came through the tunnel, on the ESP that brings
 * it, and on what policies with a mark shall find.  Pure.
 */
#include <netinet/in.h>

#include "plan.h"

/* A mark on what came through the tunnel. */
static void mark_decrypted(struct builder *b)
{
	const struct fwh_plan_input *in = b->in;
	struct fwh_rule match = { .set_mark = in->mark };
	struct fwh_rule *rule;

	if (!in->mark.mask)
		return;
	if (!in->settings->mark_esp)
		fwh_plan_own_in(b, FWH_MANGLE, FWH_PART_IN, FWH_SET_MARK,
				&match);
	if (!in->settings->connmark)
		return;
	fwh_plan_own_in(b, FWH_MANGLE, FWH_PART_IN, FWH_CONNMARK_SAVE, &match);
	rule = fwh_plan_rule(b, FWH_MANGLE, FWH_PART_RESTORE,
			     FWH_CONNMARK_RESTORE);
	rule->set_mark = in->mark;
	fwh_plan_dispatch(b, FWH_MANGLE, FWH_PREROUTING, FWH_PART_RESTORE,
			  true);
	fwh_plan_dispatch(b, FWH_MANGLE, FWH_OUTPUT, FWH_PART_RESTORE, true);
}

/* ---- on ESP ---- */

static void mark_carrier(struct builder *b, uint8_t proto, uint16_t port,
			 const struct fwh_mark *mark)
{
	struct fwh_rule *rule = fwh_plan_rule(b, FWH_MANGLE, FWH_PART_ESP,
					      FWH_SET_MARK);

	rule->proto = proto;
	rule->dport.lo = rule->dport.hi = port;
	rule->set_mark = *mark;
}

/* The technique of 2005: the peer's ESP is marked before decryption and the
 * mark survives it.  It can't tell two connections of one peer apart. */
static void mark_esp(struct builder *b, const struct fwh_mark *mark)
{
	const uint16_t *tcp = b->in->settings->tcp_encap;
	size_t i;

	if (!mark->mask)
		return;
	mark_carrier(b, IPPROTO_ESP, 0, mark);
	mark_carrier(b, IPPROTO_AH, 0, mark);
	mark_carrier(b, IPPROTO_UDP, NATT_PORT, mark);
	for (i = 0; i < FWH_TCP_ENCAP_MAX && tcp[i]; i++)
		mark_carrier(b, IPPROTO_TCP, tcp[i], mark);
}

/* ---- mark=, mark-in= and mark-out= ---- */

/* The kernel finds SAs and policies with a mark by that of the packet.  A VTI
 * device puts it on, an XFRM device needs none; else somebody has to. */
static bool marks_for_policies(const struct builder *b)
{
	return b->in->settings->policy_mark && fwh_plan_is_up(b) &&
	       !*b->in->ev->vti_iface && !*b->in->ev->virt_iface;
}

static void mark_outgoing(struct builder *b)
{
	const struct fwh_mark *mark = &b->in->ev->mark_out;

	if (!mark->mask || !marks_for_policies(b))
		return;
	fwh_plan_rule(b, FWH_MANGLE, FWH_PART_POLICY_MARK,
		      FWH_SET_MARK)->set_mark = *mark;
	fwh_plan_dispatch(b, FWH_MANGLE, FWH_PREROUTING, FWH_PART_POLICY_MARK,
			  true);
	fwh_plan_dispatch(b, FWH_MANGLE, FWH_OUTPUT, FWH_PART_POLICY_MARK,
			  true);
}

/* ---- the whole ---- */

static void mark_encrypted(struct builder *b)
{
	const struct fwh_plan_input *in = b->in;
	struct fwh_net me = fwh_plan_host(&in->ev->me);
	struct fwh_net peer = fwh_plan_host(&in->ev->peer);
	enum fwh_family inner = b->family;
	struct fwh_rule *rule;
	size_t before = b->plan->n;

	b->family = me.addr.family;
	if (in->settings->mark_esp && in->state != FWH_STATE_ARMED)
		mark_esp(b, &in->mark);
	if (marks_for_policies(b))
		mark_esp(b, &in->ev->mark_in);
	if (b->plan->n > before) {
		rule = fwh_plan_dispatch_rule(b, FWH_MANGLE, FWH_PREROUTING,
					      FWH_PART_ESP);
		fwh_plan_set_src(rule, &peer);
		fwh_plan_set_dst(rule, &me);
	}
	b->family = inner;
}

void fwh_plan_mark(struct builder *b)
{
	if (fwh_plan_is_up(b))
		mark_decrypted(b);
	mark_encrypted(b);
	mark_outgoing(b);
}
