// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * translations.c - flows that source NAT translated before a connection's exemption
 * came go on being translated, past it: they end, once.
 *
 * Looking for them takes the kernel 10 ms, so that is done only where there can be
 * any: where exemption and guard did not stand, by the kernel's own word; where the
 * guard lets something out in clear; and where an earlier call may not have come to
 * its end with that.  What the record says holds for a round, and whoever cannot tell
 * what he leaves undone, and for whom, ends the round first.  That they did not stand
 * for a while between two looks the kernel does not say: a reconciliation, in which
 * no daemon waits, looks for flows in any case.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

uint64_t fwh_translations_expect(struct fwh_store *store,
				 struct fwh_target *targets,
				 const struct fwh_plan *plans, size_t n,
				 bool all)
{
	uint64_t round = n ? fwh_store_round(store) : 0;
	size_t i;

	for (i = 0; i < n; i++) {
		struct fwh_target *target = &targets[i];

		target->exempt = fwh_plan_exempts(&plans[i]);
		target->stood = FWH_STOOD;
		target->owes = all || !target->had_before || !round ||
			       target->before.ended != round ||
			       !fwh_plan_closes(&plans[i]);
		target->translated.code = 0;
		target->after.ended = target->exempt ? round : 0;
	}
	return round;
}

int fwh_translations_begin(struct fwh_store *store, struct fwh_target *targets,
			   size_t n, struct fwh_err *err)
{
	int code;

	/* Of one, the staged record tells. */
	if (n == 1)
		targets->owes |= fwh_store_was_killed(store);
	if (n < 2)
		return 0;
	code = fwh_store_end_round(store);
	return code ? fwh_fail(err, code, "%s: %s", fwh_store_path(store),
			       strerror(-code)) : 0;
}

static enum fwh_stood worst(const struct fwh_target *targets, size_t n)
{
	enum fwh_stood stood = FWH_STOOD;
	size_t i;

	for (i = 0; i < n; i++)
		if (targets[i].stood > stood)
			stood = targets[i].stood;
	return stood;
}

static bool may_be_translated(const struct fwh_target *target)
{
	return target->exempt && (target->owes || target->stood != FWH_STOOD);
}

void fwh_translations_end(struct fwh_store *store, struct fwh_target *targets,
			  size_t n, bool all)
{
	fwh_autofree const struct fwh_selector **sels = calloc(n + 1,
							       sizeof(*sels));
	struct fwh_err trouble;
	size_t i, found = 0;
	int code = 0;

	if (!all && worst(targets, n) == FWH_STOOD_FOR_NONE)
		fwh_store_end_round(store);
	for (i = 0; sels && i < n; i++)
		if (may_be_translated(&targets[i]))
			sels[found++] = &targets[i].after.ev.sel;
	if (!sels)
		code = fwh_fail(&trouble, -ENOMEM, "out of memory");
	else if (found)
		code = fwh_conntrack_flush_snat(sels, found, &trouble);
	if (code >= 0)
		return;
	fwh_store_end_round(store);
	for (i = 0; i < n; i++)
		if (may_be_translated(&targets[i]))
			targets[i].translated = trouble;
}

void fwh_translations_settle(struct fwh_store *store,
			     const struct fwh_target *targets, size_t n,
			     bool all, uint64_t round, int failed)
{
	enum fwh_stood stood = worst(targets, n);
	size_t i;

	if (n == 1 && failed && stood != FWH_STOOD)
		fwh_store_end_round(store);
	if (n < 2 || failed || !round ||
	    (stood == FWH_STOOD_FOR_NONE && !all))
		return;
	for (i = 0; i < n; i++)
		if (targets[i].translated.code)
			return;
	fwh_store_resume_round(store, round);
}

void fwh_translations_complain(const struct fwh_target *targets, size_t n,
			       struct fwh_complaints *complaints)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (targets[i].translated.code) {
			fwh_complain(&targets[i].translated, complaints);
			return;
		}
}
