// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan_daemon.c - what the daemon's options nflog= and cat= ask its script for.
 * Pure.
 */
#include <string.h>

#include "plan.h"

/* ---- nflog= ---- */

static bool logs(const struct fwh_plan_input *in)
{
	const struct fwh_settings *settings = in->settings;
	const char *why;

	if (!in->ev->nflog_group || settings->nflog == FWH_INSTEAD_NO)
		return false;
	/* A script logs all that is local by itself. */
	return settings->nflog == FWH_INSTEAD_YES ||
	       fwh_updown_of(settings, in->ev, false, &why) !=
	       FWH_UPDOWN_CHAIN;
}

/* The script's prefix is the connection's name, by which whoever reads the group
 * tells connections apart; nft puts variables in where it finds a '$'. */
static void nflog_prefix(const struct fwh_key *key,
			 char ret[FWH_NFLOG_PREFIX_MAX])
{
	char comment[FWH_COMMENT_MAX];
	size_t i;

	fwh_rule_comment(key, comment);
	for (i = 0; i < FWH_NFLOG_PREFIX_MAX - 1 && comment[i]; i++)
		ret[i] = comment[i] == '$' ? '_' : comment[i];
	ret[i] = '\0';
}

/* Behind decryption and ahead of encryption, of forwarded packets as of local
 * ones.  A packet through a device passes POSTROUTING twice; it has its policy
 * the second time only. */
void fwh_plan_nflog(struct builder *b)
{
	struct fwh_rule match = { .log_group = b->in->ev->nflog_group };

	if (!logs(b->in))
		return;
	nflog_prefix(&b->plan->key, match.log_prefix);
	fwh_plan_own_in(b, FWH_MANGLE, FWH_PART_NFLOG_IN, FWH_DO_NFLOG,
			&match);
	fwh_plan_match_sa(b, fwh_plan_copy(b, FWH_MANGLE, FWH_PART_NFLOG_OUT,
					   FWH_DO_NFLOG, &match),
			  FWH_POLICY_OUT);
	fwh_plan_dispatch(b, FWH_MANGLE, FWH_PREROUTING, FWH_PART_NFLOG_IN,
			  false);
	fwh_plan_dispatch(b, FWH_MANGLE, FWH_POSTROUTING, FWH_PART_NFLOG_OUT,
			  true);
}

/* ---- cat= ---- */

bool fwh_event_cat(const struct fwh_event *ev, struct fwh_selector *ret)
{
	const struct fwh_range *lease = &ev->sel.local;
	struct fwh_net me = fwh_plan_host(&ev->me);

	if (!ev->cat || fwh_addr_is_any(&ev->me) ||
	    ev->me.family != lease->family ||
	    memcmp(lease->lo, lease->hi, fwh_family_bytes(lease->family)) ||
	    fwh_range_contains(lease, &ev->me))
		return false;
	if (ret) {
		*ret = ev->sel;
		fwh_net_to_range(&me, &ret->local);
	}
	return true;
}

/* The packets of one direction between the peer's side and one address of this
 * machine, into a chain of nat. */
static void translate(struct builder *b, enum fwh_hook hook,
		      enum fwh_part part, enum fwh_action action, bool out,
		      const struct fwh_addr *from, const struct fwh_addr *to)
{
	struct fwh_net local = fwh_plan_host(from);
	struct fwh_rule match = { .nat = *to };
	struct fwh_rule *rule;
	size_t i;

	fwh_plan_devices(b, FWH_NAT, part, out, action, &match);
	rule = fwh_plan_copy(b, FWH_NAT, part, action, &match);
	rule->policy.dir = out ? FWH_POLICY_OUT : FWH_POLICY_IN;
	for (i = 0; i < b->n_remote; i++)
		fwh_plan_dispatch_pair(b, FWH_NAT, hook, part, out, &local,
				       &b->remote[i]);
}

/* The daemon has a policy for packets from our own address, too, so that they
 * come this far as protected ones; the peer takes none but the leased one's.
 * Replies are conntrack's matter, what the peer's side begins is not. */
void fwh_plan_cat(struct builder *b)
{
	const struct fwh_event *ev = b->in->ev;

	if (!fwh_event_cat(ev, NULL))
		return;
	translate(b, FWH_PREROUTING, FWH_PART_CAT_IN, FWH_DNAT, false,
		  &b->local[0].addr, &ev->me);
	translate(b, FWH_POSTROUTING, FWH_PART_CAT_OUT, FWH_SNAT, true,
		  &ev->me, &b->local[0].addr);
}
