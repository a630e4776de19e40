// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * call.c - one call of a daemon, from the environment to the kernel.  What the
 * connection is after the call is decided first (decide()); everything else
 * follows from that, whichever way it went before.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

struct fwh_call {
	struct fwh_event ev;
	struct fwh_key key;
	struct fwh_config *config;
	struct fwh_settings settings;
	struct fwh_err config_err;	/* code 0: the files were good */
	struct fwh_err warning;		/* code 0: none */
	struct fwh_daemon daemon;
	char run_dir[FWH_PATH_MAX];
	bool ran, had_before;		/* fwh_call_run() did change something */
	struct fwh_record before;	/* what the connection was then */
};

/* ---- opening ------------------------------------------------------------- */

/* A bad file refuses what needs settings; taking rules away needs none. */
static int load_settings(struct fwh_call *call,
			 const struct fwh_call_options *options,
			 struct fwh_err *err)
{
	const char *file = options->config_file, *dir = options->config_dir;
	int code;

	if (!file) {
		file = FWH_SYSCONFDIR "/ipsec-fw/ipsec-fw.conf";
		dir = FWH_SYSCONFDIR "/ipsec-fw/conf.d";
	}
	code = fwh_config_load(file, dir, &call->config, &call->config_err);
	if (code) {
		call->config_err.code = code;
		code = fwh_config_default(&call->config);
		if (code)
			return fwh_fail(err, code, "out of memory");
	}
	fwh_config_resolve(call->config, call->ev.conn, &call->settings);
	return 0;
}

int fwh_call_open(const struct fwh_call_options *options, char *const env[],
		  struct fwh_call **ret, struct fwh_err *err)
{
	struct fwh_call *call = calloc(1, sizeof(*call));
	const char *run_dir = options->run_dir ? options->run_dir :
					FWH_RUNSTATEDIR "/ipsec-fw";
	int code;

	if (!call)
		return fwh_fail(err, -ENOMEM, "out of memory");
	code = fwh_event_parse(env, &call->ev, err);
	if (!code && strlen(run_dir) >= sizeof(call->run_dir))
		code = fwh_fail(err, -ENAMETOOLONG, "%.100s...: too long",
				run_dir);
	if (!code)
		code = load_settings(call, options, err);
	if (code) {
		fwh_call_free(call);
		return code;
	}
	strcpy(call->run_dir, run_dir);	/* the length was checked */
	fwh_event_key(&call->ev, &call->key);
	fwh_daemon_find(&call->daemon);
	*ret = call;
	return 0;
}

void fwh_call_free(struct fwh_call *call)
{
	if (!call)
		return;
	fwh_config_free(call->config);
	free(call);
}

const struct fwh_event *fwh_call_event(const struct fwh_call *call)
{
	return &call->ev;
}

const struct fwh_settings *fwh_call_settings(const struct fwh_call *call)
{
	return &call->settings;
}

const struct fwh_globals *fwh_call_globals(const struct fwh_call *call)
{
	return fwh_config_globals(call->config);
}

const struct fwh_err *fwh_call_config_error(const struct fwh_call *call)
{
	return call->config_err.code ? &call->config_err : NULL;
}

const struct fwh_err *fwh_call_warning(const struct fwh_call *call)
{
	return call->warning.code ? &call->warning : NULL;
}

/* ---- deciding: pure -------------------------------------------------------- */

enum decision { LEAVE, REFRESH, RAISE, LOWER };

/* What the event makes of the connection.  Only up and down decide; route and
 * unroute are shared between connections, skipped, or spurious (Libreswan's
 * kernel.c and routing.c), so they refresh what is known of a connection
 * that is up and nothing else. */
static enum decision decide(const struct fwh_event *ev,
			    const struct fwh_record *before)
{
	if (ev->flags & FWH_CONN_NEVER_NEGOTIATE)
		return LEAVE;
	if (ev->verbs & FWH_UP)
		return RAISE;
	if (ev->verbs & FWH_DOWN) {
		/* strongSwan brings the new SA up before it takes the old one
		 * down; its ids count up, and change silently at a
		 * re-authentication. */
		if (before && ev->unique_id && before->ev.unique_id &&
		    ev->unique_id < before->ev.unique_id)
			return LEAVE;
		return LOWER;
	}
	if (before && before->up && !before->blocked &&
	    (ev->verbs & (FWH_PREPARE | FWH_ROUTE)))
		return REFRESH;
	return LEAVE;
}

/* A call that knows of no SA (the second prepare of a trap) must not wipe out
 * what an earlier one knew. */
static bool refreshes(const struct fwh_record *before,
		      const struct fwh_record *after)
{
	return after->sa.source != FWH_SA_NONE &&
	       memcmp(&before->sa, &after->sa, sizeof(after->sa)) != 0;
}

/* ---- what a record's plan needs ---------------------------------------------- */

/* In mark-source = esp a mark belongs to a pair of gateways: ESP does not tell
 * whose it is before it is decrypted.  Two peers can meet in one value; the
 * kernel's own policies still keep their traffic apart. */
static uint32_t peer_mark(const struct fwh_addr *peer, uint32_t mask)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < fwh_family_bytes(peer->family); i++)
		h = (h ^ peer->b[i]) * 16777619u;
	return fwh_mark_nth(mask, h ^ h >> 16);
}

/* The kernel looks policies up by the packet's mark: bits that a connection's
 * own policies look at are not ours to change. */
static bool mark_disturbs_policy(const struct fwh_event *ev,
				 const struct fwh_sa *sa, uint32_t mask)
{
	return (ev->mark_in.mask | ev->mark_out.mask | sa->mark.mask) & mask;
}

static int find_mark(struct fwh_call *call, struct fwh_store *store,
		     const struct fwh_settings *settings,
		     struct fwh_record *record, struct fwh_err *err)
{
	uint32_t mask = settings->mark_auto ?
			fwh_call_globals(call)->mark_mask : settings->mark.mask;

	memset(&record->mark, 0, sizeof(record->mark));
	if (settings->mark_off)
		return 0;
	if (mark_disturbs_policy(&record->ev, &record->sa, mask)) {
		if (settings->mark_auto && !settings->mark_esp)
			return 0;
		return fwh_fail(err, -EINVAL, "mark: mask 0x%x covers bits "
				"that the connection's own mark= uses; choose "
				"another mark or mark-mask", mask);
	}
	if (!settings->mark_auto) {
		record->mark = settings->mark;
		return 0;
	}
	record->mark.mask = mask;
	if (settings->mark_esp) {
		record->mark.value = peer_mark(&record->ev.peer, mask);
		return 0;
	}
	if (!store) {	/* a dry run: the value that would be tried first */
		record->mark.value = fwh_mark_nth(mask, call->key.lock);
		return 0;
	}
	return fwh_store_take_mark(store, &call->key, mask,
				   &record->mark.value, err);
}

static bool is_granted(const struct fwh_event *ev,
		       const struct fwh_settings *settings)
{
	return !ev->xauth_failed || settings->accept_xauth_failed;
}

/* Everything that the kernel knows and a plan needs to know. */
struct known {
	struct fwh_pass *passes;
	size_t n_passes;
};

static int ask_kernel(const struct fwh_settings *settings,
		      struct fwh_record *record, struct known *ret,
		      struct fwh_err *err)
{
	struct fwh_xfrm *xfrm = NULL;
	int code = fwh_xfrm_open(&xfrm, err);

	memset(ret, 0, sizeof(*ret));
	if (!code)
		code = fwh_link_find(&record->ev, err);
	if (!code)
		code = fwh_xfrm_find_sa(xfrm, &record->ev, &record->sa, err);
	if (!code && settings->guard != FWH_GUARD_OFF)
		code = fwh_xfrm_find_passes(xfrm, &record->ev, &ret->passes,
					    &ret->n_passes, err);
	fwh_xfrm_close(xfrm);
	if (code)
		return code;
	if (record->sa.source == FWH_SA_NONE && !settings->mark_esp &&
	    !record->blocked)
		return fwh_fail(err, -ENOENT, "no reqid: neither the kernel nor "
				"the daemon knows an SA or policy of these "
				"selectors; see ip xfrm policy");
	return 0;
}

static int plan_record(const struct fwh_record *record,
		       const struct fwh_settings *settings,
		       const struct known *known, struct fwh_plan *ret,
		       struct fwh_err *err)
{
	struct fwh_plan_input in = {
		.ev = &record->ev,
		.sa = &record->sa,
		.settings = settings,
		.mark = record->mark,
		.passes = known->passes,
		.n_passes = known->n_passes,
		.up = record->up,
		.blocked = record->blocked,
	};

	return fwh_plan_build(&in, ret, err);
}

/* Rules can be in the selectors' family and in the gateways'. */
static unsigned int families_of(const struct fwh_event *ev)
{
	return 1u << ev->sel.local.family | 1u << ev->me.family;
}

/* ---- making it so --------------------------------------------------------------- */

static int apply_plans(struct fwh_call *call, const struct fwh_change *changes,
		       size_t n, struct fwh_err *err)
{
	const struct fwh_globals *globals = fwh_call_globals(call);
	const struct fwh_backend *backend = fwh_backend_find(globals->backend);

	if (!backend)
		return fwh_fail(err, -EINVAL, "backend = %s: not built in",
				globals->backend);
	return fwh_backend_apply(backend, globals, changes, n, err);
}

/* Connections in conntrack that were translated before go on being translated,
 * past the nat exemption. */
static int end_translations(const struct fwh_settings *settings,
			    const struct fwh_record *record,
			    struct fwh_err *err)
{
	int code = 0;

	if (record->up && !record->blocked && settings->nat_exempt)
		code = fwh_conntrack_flush_snat(&record->ev.sel, err);
	return code < 0 ? code : 0;
}

/* Record and kernel become `after' together, or stay. */
static int commit_record(struct fwh_call *call, struct fwh_store *store,
			 const struct fwh_settings *settings,
			 const struct fwh_record *after,
			 const struct known *known, struct fwh_err *err)
{
	struct fwh_plan plan = { .n = 0 };
	struct fwh_change change = { .plan = &plan };
	int code = plan_record(after, settings, known, &plan, err);

	if (code)
		return code;
	change.families = families_of(&after->ev);
	if (call->had_before)
		change.families |= families_of(&call->before.ev);
	code = fwh_store_stage(store, &call->key, after->up ? after : NULL, err);
	if (!code)
		code = apply_plans(call, &change, 1, err);
	if (!code)
		code = fwh_store_commit(store, err);
	if (!code && call->had_before &&
	    call->before.mark.value != after->mark.value)
		fwh_store_drop_mark(store, &call->key, &call->before.mark);
	fwh_plan_free(&plan);
	return code;
}

/* The connection shall be up. */
static int raise(struct fwh_call *call, struct fwh_store *store,
		 const struct fwh_settings *settings,
		 struct fwh_record *after, struct fwh_err *err)
{
	struct known known = { .n_passes = 0 };
	int code;

	after->up = true;
	code = ask_kernel(settings, after, &known, err);
	if (!code)
		code = find_mark(call, store, settings, after, err);
	if (!code)
		code = commit_record(call, store, settings, after, &known, err);
	free(known.passes);
	return code;
}

static int lower(struct fwh_call *call, struct fwh_store *store,
		 struct fwh_record *after, struct fwh_err *err)
{
	struct known known = { .n_passes = 0 };

	after->up = after->blocked = false;
	return commit_record(call, store, &call->settings, after, &known, err);
}

static struct fwh_record record_of_call(const struct fwh_call *call)
{
	struct fwh_record record;

	memset(&record, 0, sizeof(record));
	record.ev = call->ev;
	record.daemon = call->daemon;
	return record;
}

/* Put the connection back to what it was before this call. */
static int restore(struct fwh_call *call, struct fwh_store *store,
		   struct fwh_err *err)
{
	struct fwh_record record = call->before;

	if (call->had_before && record.up)
		return raise(call, store, &call->settings, &record, err);
	record = record_of_call(call);
	return lower(call, store, &record, err);
}

static int act(struct fwh_call *call, struct fwh_store *store,
	       struct fwh_err *err)
{
	const struct fwh_record *before = call->had_before ? &call->before :
							     NULL;
	enum decision decision = decide(&call->ev, before);
	struct fwh_record after = record_of_call(call);
	int code;

	/* With broken settings, what is up stays as it is. */
	if (decision == LEAVE ||
	    (decision == REFRESH && call->config_err.code))
		return 0;
	if (decision == LOWER)
		return lower(call, store, &after, err);
	if (call->config_err.code) {
		if (err)
			*err = call->config_err;
		return call->config_err.code;
	}
	if (decision == REFRESH) {
		struct known known = { .n_passes = 0 };

		code = ask_kernel(&call->settings, &after, &known, NULL);
		free(known.passes);
		if (code || !refreshes(before, &after))
			return 0;
		after.ev = before->ev;
		after.daemon = before->daemon;
	}
	after.blocked = !is_granted(&after.ev, &call->settings);
	if (after.blocked)
		fwh_fail(&call->warning, -EACCES, "XAUTH failed: all traffic of "
			 "the connection is blocked; accept-xauth-failed = yes "
			 "would accept it");
	code = raise(call, store, &call->settings, &after, err);
	if (code)
		return code;
	code = end_translations(&call->settings, &after, err);
	if (code)
		restore(call, store, NULL);
	return code;
}

/* ---- other connections of a daemon that is dead ----------------------------------- */

struct sweep {
	struct fwh_record *records;
	struct fwh_plan *plans;		/* empty ones, for their keys */
	struct fwh_change *changes;
	size_t n_records, n_dead;
};

static int gather_dead(struct fwh_store *store, struct sweep *sweep,
		       struct fwh_err *err)
{
	size_t damaged, i;
	int code = fwh_store_all(store, &sweep->records, &sweep->n_records,
				 &damaged, err);

	if (code)
		return code;
	sweep->plans = calloc(sweep->n_records + 1, sizeof(*sweep->plans));
	sweep->changes = calloc(sweep->n_records + 1, sizeof(*sweep->changes));
	if (!sweep->plans || !sweep->changes)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < sweep->n_records; i++) {
		const struct fwh_record *record = &sweep->records[i];

		if (!record->daemon.pid || fwh_daemon_alive(&record->daemon))
			continue;
		fwh_event_key(&record->ev, &sweep->plans[sweep->n_dead].key);
		sweep->changes[sweep->n_dead].plan =
			&sweep->plans[sweep->n_dead];
		sweep->changes[sweep->n_dead].families =
			families_of(&record->ev);
		sweep->records[sweep->n_dead++] = *record;
	}
	return 0;
}

/* A dead daemon's connections are not up: its reqids start over and would
 * match a stranger's SA. */
static int sweep_dead(struct fwh_call *call, struct fwh_store *store,
		      struct fwh_err *err)
{
	struct sweep sweep = { .n_dead = 0 };
	size_t i;
	int code = gather_dead(store, &sweep, err);

	if (!code && sweep.n_dead)
		code = apply_plans(call, sweep.changes, sweep.n_dead, err);
	for (i = 0; !code && i < sweep.n_dead; i++) {
		code = fwh_store_stage(store, &sweep.plans[i].key, NULL, err);
		if (!code)
			code = fwh_store_commit(store, err);
		if (!code)
			fwh_store_drop_mark(store, &sweep.plans[i].key,
					    &sweep.records[i].mark);
	}
	free(sweep.records);
	free(sweep.plans);
	free(sweep.changes);
	return code;
}

/* Hold the connection's record; before that, once in a daemon's life, all of
 * them. */
static int lock_store(struct fwh_call *call, struct fwh_store *store,
		      struct fwh_err *err)
{
	int code;

	if (fwh_store_knows_daemon(store, &call->daemon))
		return fwh_store_lock(store, &call->key, err);
	code = fwh_store_lock(store, NULL, err);
	if (code || fwh_store_knows_daemon(store, &call->daemon))
		return code;
	code = sweep_dead(call, store, err);
	return code ? code : fwh_store_add_daemon(store, &call->daemon, err);
}

/* A damaged record costs a warning: the kernel's own chain names tell whose
 * rules are whose.  Another connection's record in its place costs more. */
static int read_before(struct fwh_call *call, struct fwh_store *store,
		       struct fwh_err *err)
{
	struct fwh_err damage;
	int code = fwh_store_read(store, &call->key, &call->before, &damage);

	call->had_before = !code;
	if (!code || code == -ENOENT)
		return 0;
	if (code == -EADDRINUSE)
		return fwh_fail(err, code, "%s", damage.msg);
	call->warning = damage;
	return 0;
}

static int open_store(struct fwh_call *call, struct fwh_store **ret,
		      struct fwh_err *err)
{
	struct fwh_store *store;
	int code = fwh_store_open(call->run_dir,
				  fwh_call_globals(call)->lock_wait_ms, &store,
				  err);

	if (code)
		return code;
	code = lock_store(call, store, err);
	if (!code)
		code = read_before(call, store, err);
	if (code) {
		fwh_store_close(store);
		return code;
	}
	*ret = store;
	return 0;
}

/* ---- the calls ------------------------------------------------------------------------ */

static bool is_firewall_matter(const struct fwh_event *ev)
{
	return (ev->verbs & ~(unsigned int)FWH_VERB_OTHER) != 0;
}

/* The whole connection blocked by its guard, with the settings it can have. */
static int block(struct fwh_call *call, struct fwh_store *store,
		 struct fwh_err *err)
{
	struct fwh_settings settings = call->settings;
	struct fwh_record after = record_of_call(call);

	/* A guard needs mangle only: the less it asks, the surer it comes. */
	settings.reject = false;
	settings.open_ike = false;
	settings.log = FWH_LOG_OFF;
	settings.mark_off = true;
	settings.mark_esp = false;
	after.blocked = true;
	return raise(call, store, &settings, &after, err);
}

int fwh_call_run(struct fwh_call *call, bool *ret_held, struct fwh_err *err)
{
	struct fwh_store *store;
	struct fwh_err second;
	int code;

	*ret_held = false;
	if (!is_firewall_matter(&call->ev))
		return 0;
	code = open_store(call, &store, err);
	if (code)
		return code;
	call->ran = true;
	code = act(call, store, err);
	/* What broken settings say of on-error is not known. */
	if (code && call->ev.verbs & FWH_UP && call->settings.hold &&
	    !call->config_err.code) {
		*ret_held = !block(call, store, &second);
		if (*ret_held)
			code = 0;
		else if (err)
			fwh_fail(err, code, "%.240s; and the guard could not "
				 "be set: %.200s", err->msg, second.msg);
	}
	fwh_store_close(store);
	return code;
}

int fwh_call_revert(struct fwh_call *call, struct fwh_err *err)
{
	struct fwh_record before = call->before;
	bool had_before = call->had_before;
	struct fwh_store *store;
	int code;

	if (!call->ran)
		return 0;
	code = open_store(call, &store, err);
	if (code)
		return code;
	/* Not what this call wrote, but what it found. */
	call->before = before;
	call->had_before = had_before;
	code = restore(call, store, err);
	fwh_store_close(store);
	return code;
}

int fwh_call_print(struct fwh_call *call, FILE *f, struct fwh_err *err)
{
	struct fwh_record record = record_of_call(call);
	struct known known = { .n_passes = 0 };
	struct fwh_plan plan = { .n = 0 };
	int code;

	if (call->config_err.code) {
		if (err)
			*err = call->config_err;
		return call->config_err.code;
	}
	if (decide(&call->ev, NULL) != RAISE)
		return 0;
	record.up = true;
	record.blocked = !is_granted(&record.ev, &call->settings);
	/* Without the right to ask the kernel, the daemon is believed. */
	code = ask_kernel(&call->settings, &record, &known, err);
	if (code == -EPERM)
		code = fwh_xfrm_find_sa(NULL, &record.ev, &record.sa, err);
	if (!code)
		code = find_mark(call, NULL, &call->settings, &record, err);
	if (!code)
		code = plan_record(&record, &call->settings, &known, &plan, err);
	if (!code && fwh_plan_print(&plan, f))
		code = fwh_fail(err, -EIO, "writing the plan: %s",
				strerror(errno));
	free(known.passes);
	fwh_plan_free(&plan);
	return code;
}
