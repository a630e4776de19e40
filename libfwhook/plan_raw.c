// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan_raw.c - rules in a person's own words: in chains of the connection's own,
 * which only its own packets reach, as far as the kernel can tell whose they are.
 * Pure.
 */
#include <string.h>

#include "plan.h"
#include "raw.h"

static void add_rule(struct builder *b, const struct fwh_raw *raw)
{
	const struct fwh_raw_place *place = &fwh_raw_places[raw->where];
	struct fwh_raw_rule *expanded;
	struct fwh_rule *rule;

	b->code = fwh_raw_expand(raw, b->in, &expanded, b->err);
	if (b->code)
		return;
	rule = fwh_plan_rule(b, place->table, place->part, FWH_RAW);
	rule->raw = expanded;
	if (rule == &b->scratch)	/* which no plan frees */
		fwh_raw_rule_free(expanded);
}

/* device: that is theirs, NULL: the SA is. */
static void dispatch(struct builder *b, const struct fwh_raw_place *place,
		     const char *device)
{
	struct fwh_rule *rule;
	size_t i, j;

	for (i = 0; i < b->n_remote; i++) {
		for (j = 0; j < b->n_local; j++) {
			rule = fwh_plan_dispatch_pair(b, place->table,
						      place->hook, place->part,
						      place->out, &b->local[j],
						      &b->remote[i]);
			if (device)
				strcpy(place->out ? rule->out : rule->in,
				       device);
			else if (place->out)
				fwh_plan_match_sa(b, rule, FWH_POLICY_OUT);
			else
				fwh_plan_match_decrypted(b, rule);
		}
	}
}

/* As fwh_plan_devices() has it; to POSTROUTING a packet comes once more, when it
 * has left the device and shows its policy. */
static void dispatch_all(struct builder *b, const struct fwh_raw_place *place)
{
	const struct fwh_event *ev = b->in->ev;
	bool again = place->hook == FWH_POSTROUTING;

	if (*ev->vti_iface && !again)
		dispatch(b, place, ev->vti_iface);
	if (*ev->virt_iface && place->out && !again)
		dispatch(b, place, ev->virt_iface);
	dispatch(b, place, NULL);
}

void fwh_plan_raw(struct builder *b, enum fwh_table table)
{
	const struct fwh_raws *raws = b->in->raws;
	bool used;
	size_t i, where;

	for (where = 0; raws && where < fwh_raw_n_places; where++) {
		const struct fwh_raw_place *place = &fwh_raw_places[where];

		if (place->table != table)
			continue;
		used = false;
		for (i = 0; i < raws->n && !b->code; i++) {
			if (raws->list[i].where != where ||
			    !(raws->list[i].families & 1u << b->family))
				continue;
			add_rule(b, &raws->list[i]);
			used = true;
		}
		if (used && !b->code)
			dispatch_all(b, place);
	}
}
