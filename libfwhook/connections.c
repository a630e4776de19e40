// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * connections.c - what connections shall be becomes what kernel and records
 * hold, all of them or none: plan, stage, apply, record.  Decides nothing.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "internal.h"

/* That records hold which do not say it: there was no other then. */
#define FWH_FIRST_BACKEND	"iptables"

/* What the guard has to know of the kernel's policies. */
static int find_passes(const struct fwh_target *target,
		       struct fwh_store *store, struct fwh_xfrm **xfrm,
		       struct fwh_pass **ret, size_t *ret_n,
		       struct fwh_err *err)
{
	const struct fwh_record *after = &target->after;
	struct fwh_xfrm *open = target->xfrm ? target->xfrm : *xfrm;
	int code = 0;

	*ret = NULL;
	*ret_n = 0;
	if (after->state == FWH_STATE_DOWN || target->no_kernel ||
	    (after->state != FWH_STATE_BLOCKED &&
	     fwh_guard_of(&target->settings, &after->ev) == FWH_GUARD_OFF))
		return 0;
	if (!open) {
		code = fwh_xfrm_open(xfrm, err);
		open = *xfrm;
	}
	if (code)
		return code;
	if (store)
		fwh_xfrm_set_memory(open, fwh_store_dir(store));
	return fwh_xfrm_find_passes(open, &after->ev, ret, ret_n, err);
}

int fwh_target_plan(const struct fwh_target *target,
		    const struct fwh_globals *globals, struct fwh_store *store,
		    struct fwh_xfrm **xfrm, struct fwh_plan *ret,
		    struct fwh_err *err)
{
	fwh_autofree struct fwh_pass *passes = NULL;
	struct fwh_plan_input in = {
		.ev = &target->after.ev,
		.sa = &target->after.sa,
		.settings = &target->settings,
		.mark = target->after.mark,
		.devices = &globals->devices,
		.raws = fwh_raws_of(&target->settings, globals),
		.accept_mark = globals->accept_mark,
		.state = target->misworded ? FWH_STATE_BLOCKED :
					     target->after.state,
	};
	int code = find_passes(target, store, xfrm, &passes, &in.n_passes, err);

	in.passes = passes;
	return code ? code : fwh_plan_build(&in, ret, err);
}

/* In which families may rules be, before and after?  Those of the selectors, of
 * the gateways, and of the rules themselves. */
static unsigned int families_of(struct fwh_target *target,
				const struct fwh_plan *plan)
{
	const struct fwh_event *ev = &target->after.ev;
	unsigned int families = 0;
	size_t i;

	for (i = 0; i < plan->n; i++)
		families |= 1u << plan->rules[i].family;
	target->after.families = families;
	families |= 1u << ev->sel.local.family | 1u << ev->me.family;
	return families | (target->had_before ? target->before.families : 0);
}

const char *fwh_record_backend(const struct fwh_record *record)
{
	return *record->backend ? record->backend : FWH_FIRST_BACKEND;
}

static bool was_of(const struct fwh_target *target, const char *backend)
{
	return target->had_before &&
	       !strcmp(fwh_record_backend(&target->before), backend);
}

/* What a backend holds of targets that came from it goes, or of those that came to
 * it: the same changes, to nothing, in one commit for all. */
static int empty_backend(const char *name, bool came_to,
			 const struct fwh_globals *globals,
			 const struct fwh_target *targets,
			 const struct fwh_change *changes, size_t n,
			 struct fwh_err *err)
{
	fwh_autofree struct fwh_plan *nothing = calloc(n + 1, sizeof(*nothing));
	fwh_autofree struct fwh_change *left = calloc(n + 1, sizeof(*left));
	size_t i, m = 0;

	if (!nothing || !left)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < n; i++) {
		if (!targets[i].had_before ||
		    was_of(&targets[i], name) == came_to)
			continue;
		nothing[m].key = targets[i].key;
		left[m] = changes[i];
		if (came_to)
			left[m].before = changes[i].after;
		left[m].plan = &nothing[m];
		m++;
	}
	return fwh_backend_apply(fwh_backend_find(name), globals, left, m,
				 false, err);
}

static int leave_others(const struct fwh_globals *globals,
			const struct fwh_target *targets,
			const struct fwh_change *changes, size_t n,
			struct fwh_err *err)
{
	const char *name;
	size_t i, j;
	int code = 0;

	for (i = 0; !code && (name = fwh_backend_nth(i)); i++) {
		if (!strcmp(name, globals->backend))
			continue;
		for (j = 0; j < n && !was_of(&targets[j], name);)
			j++;
		if (j < n)
			code = empty_backend(name, false, globals, targets,
					     changes, n, err);
	}
	return code;
}

static int apply(const struct fwh_globals *globals, struct fwh_store *store,
		 const struct fwh_target *targets,
		 const struct fwh_change *changes, size_t n, bool all,
		 struct fwh_err *err)
{
	const struct fwh_backend *backend = fwh_backend_find(globals->backend);
	struct fwh_err second;
	int code;

	if (!backend)
		return fwh_fail(err, -EINVAL, "backend = %s: not built in",
				globals->backend);
	code = fwh_store_lock_tables(store, err);
	if (code)
		return code;
	code = fwh_backend_apply(backend, globals, changes, n, all, err);
	if (!code) {
		code = leave_others(globals, targets, changes, n, err);
		/* Rules in both would be nobody's to take away. */
		if (code && empty_backend(globals->backend, true, globals,
					  targets, changes, n, &second))
			code = fwh_fail_back(err, &second);
	}
	fwh_store_unlock_tables(store);
	return code;
}

void fwh_connections_choose_form(struct fwh_config *config,
				 struct fwh_store *store)
{
	const struct fwh_globals *globals = fwh_config_globals(config);
	const struct fwh_backend *sets = fwh_backend_find("iptables-sets");
	bool has_sets = fwh_store_backend(store) == sets;

	if (!fwh_config_holds_legacy(config) ||
	    globals->scale != FWH_SCALE_AUTO ||
	    !fwh_store_has_more(store, has_sets ? globals->scale_above / 2 :
						  globals->scale_above))
		return;
	if (has_sets || fwh_backend_has_sets())
		fwh_config_set_backend(config, sets, "the legacy tables, of "
				       "more connections than scale-above");
}

static int stage(struct fwh_store *store, const struct fwh_target *target,
		 struct fwh_err *err)
{
	return fwh_store_stage(store, &target->key, target->after.state ==
			       FWH_STATE_DOWN ? NULL : &target->after, err);
}

/* The very same: of many, most are. */
static bool is_recorded(const struct fwh_target *target)
{
	return target->had_before && target->after.state != FWH_STATE_DOWN &&
	       !memcmp(&target->before, &target->after,
		       sizeof(target->after));
}

/* The kernel has it; now the records.  Of one connection the new record is
 * staged already, so that what could fail has failed. */
static int record(struct fwh_store *store, const struct fwh_target *target,
		  bool staged, struct fwh_err *err)
{
	const struct fwh_mark *mark = &target->before.mark;
	int code;

	if (!staged && is_recorded(target))
		return 0;
	code = staged ? 0 : stage(store, target, err);

	if (!code)
		code = fwh_store_commit(store, err);
	if (!code && target->had_before &&
	    (mark->value != target->after.mark.value ||
	     target->after.state == FWH_STATE_DOWN))
		fwh_store_drop_mark(store, &target->key, mark);
	return code;
}

/* A state has begun when the connection came into it. */
static uint64_t since(const struct fwh_target *target)
{
	if (target->had_before && target->before.since &&
	    target->before.state == target->after.state)
		return target->before.since;
	return (uint64_t)time(NULL);
}

static bool same_cat(const struct fwh_record *before,
		     const struct fwh_record *after)
{
	return after->state == FWH_STATE_UP && fwh_event_cat(&after->ev, NULL) &&
	       fwh_addr_equal(&before->ev.me, &after->ev.me);
}

int fwh_record_end_cat(const struct fwh_record *before,
		       const struct fwh_record *after, struct fwh_err *err)
{
	struct fwh_selector cat;
	int code = 0;

	if (before->state == FWH_STATE_UP && fwh_event_cat(&before->ev, &cat) &&
	    !same_cat(before, after))
		code = fwh_conntrack_flush_this(&cat, &before->ev.sel.local,
						err);
	return code < 0 ? code : 0;
}

static int plan_all(const struct fwh_globals *globals, struct fwh_store *store,
		    struct fwh_target *targets, size_t n,
		    struct fwh_plan *plans, struct fwh_change *changes,
		    struct fwh_err *err)
{
	struct fwh_xfrm *xfrm = NULL;
	int code = 0;
	size_t i;

	for (i = 0; !code && i < n; i++) {
		code = fwh_target_plan(&targets[i], globals, store, &xfrm,
				       &plans[i], err);
		if (code)
			break;
		strcpy(targets[i].after.backend, globals->backend);
		targets[i].after.since = since(&targets[i]);
		changes[i].plan = &plans[i];
		changes[i].after = &targets[i].after;
		changes[i].lost = targets[i].lost;
		if (targets[i].had_before)
			changes[i].before = &targets[i].before;
		changes[i].families = families_of(&targets[i], &plans[i]);
		changes[i].ret_stood = &targets[i].stood;
	}
	fwh_xfrm_close(xfrm);
	return code;
}

/* The kernel has it, and its record cannot be written: back to what that says. */
static int go_back(const struct fwh_globals *globals, struct fwh_store *store,
		   const struct fwh_target *target, int code,
		   struct fwh_err *err)
{
	struct fwh_target back = *target;
	struct fwh_plan plan = { .n = 0 };
	struct fwh_change change = { .plan = NULL };
	struct fwh_err second;

	back.stood = FWH_STOOD;
	back.before = target->after;
	back.had_before = true;
	back.after = target->before;
	if (!target->had_before) {
		back.after = target->after;
		back.after.state = FWH_STATE_DOWN;
	}
	if (plan_all(globals, store, &back, 1, &plan, &change, &second) ||
	    apply(globals, store, &back, &change, 1, false, &second))
		code = fwh_fail_back(err, &second);
	if (back.stood != FWH_STOOD)
		fwh_store_end_round(store);
	fwh_plan_free(&plan);
	return code;
}

static int commit(const struct fwh_globals *globals, struct fwh_store *store,
		  struct fwh_target *targets, size_t n, bool all,
		  struct fwh_plan *plans, struct fwh_change *changes,
		  struct fwh_err *err)
{
	uint64_t round = 0;
	size_t i;
	int code;

	if (all)
		fwh_policies_forget(fwh_store_dir(store));
	code = plan_all(globals, store, targets, n, plans, changes, err);
	if (!code)
		round = fwh_translations_expect(store, targets, plans, n,
						all);
	if (!code && n == 1)
		code = stage(store, &targets[0], err);
	if (!code)
		code = fwh_translations_begin(store, targets, n, err);
	if (!code && (n || all))
		code = apply(globals, store, targets, changes, n, all, err);
	if (!code)
		fwh_translations_end(store, targets, n, all);
	for (i = 0; !code && i < n; i++) {
		code = record(store, &targets[i], n == 1, err);
		if (code && n == 1)
			code = go_back(globals, store, &targets[0], code, err);
	}
	fwh_translations_settle(store, targets, n, all, round, code);
	/* Without the rules no new ones come. */
	for (i = 0; !code && i < n; i++)
		if (targets[i].had_before)
			fwh_record_end_cat(&targets[i].before,
					   &targets[i].after,
					   &targets[i].warning);
	return code;
}

int fwh_targets_commit(const struct fwh_globals *globals,
		       struct fwh_store *store, struct fwh_target *targets,
		       size_t n, bool all, struct fwh_err *err)
{
	fwh_autofree struct fwh_plan *plans = calloc(n + 1, sizeof(*plans));
	fwh_autofree struct fwh_change *changes = calloc(n + 1,
							 sizeof(*changes));
	size_t i;
	int code;

	if (!plans || !changes)
		return fwh_fail(err, -ENOMEM, "out of memory");
	code = commit(globals, store, targets, n, all, plans, changes, err);
	for (i = 0; i < n; i++)
		fwh_plan_free(&plans[i]);
	return code;
}

bool fwh_record_is_dead(const struct fwh_record *record, struct fwh_xfrm *xfrm)
{
	return (record->state == FWH_STATE_UP ||
		record->state == FWH_STATE_BLOCKED) && record->daemon.pid &&
	       !fwh_daemon_alive(&record->daemon) && xfrm &&
	       fwh_xfrm_has_lost(xfrm, &record->ev);
}

/* What nobody runs any more is down, and stays guarded.  Without a guard that
 * outlives a down the record stays, too: closed rather than open. */
static void lower_dead(struct fwh_target *targets, size_t n)
{
	struct fwh_xfrm *xfrm = NULL;
	size_t i;

	if (fwh_xfrm_open(&xfrm, NULL))
		return;
	for (i = 0; i < n; i++)
		if (targets[i].before.armed &&
		    fwh_record_is_dead(&targets[i].before, xfrm))
			targets[i].after = fwh_record_armed(&targets[i].before);
	fwh_xfrm_close(xfrm);
}

/* Rules in a person's own words may not be taken any more, since the settings were
 * changed.  That is one connection's matter: its traffic is blocked until they are
 * mended, which its record knows nothing of, and all others are renewed. */
static int renew_without(const struct fwh_globals *globals,
			 struct fwh_store *store, struct fwh_target *targets,
			 size_t n, bool all, struct fwh_complaints *complaints,
			 struct fwh_err *err)
{
	struct fwh_err said, blocked;
	size_t i;
	int code;

	for (i = 0; i < n; i++) {
		code = fwh_targets_commit(globals, store, &targets[i], 1, false,
					  &said);
		if (code != -EINVAL)
			continue;
		targets[i].misworded = true;
		fwh_fail(&blocked, code, "%.80s: all its traffic is blocked: %s",
			 targets[i].key.conn, said.msg);
		fwh_complain(&blocked, complaints);
	}
	return fwh_targets_commit(globals, store, targets, n, all, err);
}

static int tidy(struct fwh_store *store, const struct fwh_target *targets,
		size_t n, struct fwh_err *err)
{
	fwh_autofree const char **owners = calloc(n + 1, sizeof(*owners));
	size_t i;

	if (!owners)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < n; i++)
		owners[i] = targets[i].key.hash;
	fwh_store_tidy(store, owners, n);
	return 0;
}

int fwh_connections_renew(const struct fwh_config *config,
			  struct fwh_store *store,
			  const struct fwh_record *records, size_t n, bool all,
			  struct fwh_complaints *complaints,
			  struct fwh_err *err)
{
	const struct fwh_globals *globals = fwh_config_globals(config);
	fwh_autofree struct fwh_target *targets = NULL;
	size_t i;
	int code;

	targets = calloc(n + 1, sizeof(*targets));
	if (!targets)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < n; i++) {
		targets[i].had_before = true;
		targets[i].before = targets[i].after = records[i];
		fwh_event_key(&records[i].ev, &targets[i].key);
		fwh_config_resolve(config, records[i].ev.conn,
				   &targets[i].settings);
	}
	lower_dead(targets, n);
	code = fwh_targets_commit(globals, store, targets, n, all, err);
	if (code == -EINVAL)
		code = renew_without(globals, store, targets, n, all,
				     complaints, err);
	if (!code && all)
		code = tidy(store, targets, n, err);
	for (i = 0; i < n; i++)
		if (targets[i].warning.code)
			fwh_complain(&targets[i].warning, complaints);
	fwh_translations_complain(targets, n, complaints);
	return code ? code : fwh_store_set_backend(store, globals->backend, err);
}

struct fwh_record fwh_record_armed(const struct fwh_record *record)
{
	struct fwh_record armed;

	memset(&armed, 0, sizeof(armed));
	armed.ev = record->ev;
	armed.state = FWH_STATE_ARMED;
	armed.armed = true;
	armed.mark = record->mark;	/* to have it again */
	return armed;
}
