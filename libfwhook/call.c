// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * call.c - one call of a daemon, from the environment to the kernel.  What the
 * connection is after the call is decided first (decide()); everything else
 * follows from that, whichever way it went before.
 */
#include <errno.h>
#include <string.h>

#include "dns.h"
#include "iptables.h"
#include "nft_link.h"

struct fwh_call {
	struct fwh_event ev;
	struct fwh_key key;
	struct fwh_config *config;
	struct fwh_settings settings;
	struct fwh_err config_err;	/* code 0: the files were good */
	struct fwh_err warning;		/* code 0: none */
	struct fwh_daemon daemon;
	char run_dir[FWH_PATH_MAX], state_dir[FWH_PATH_MAX];
	bool ran, had_before;		/* fwh_call_run() did change something */
	bool lost;			/* there is a record, and it cannot be read */
	struct fwh_record before;	/* what the connection was then */
	struct fwh_store *store;	/* NULL: nothing was asked of it yet */
	bool known;			/* the daemon, to the store */
	struct fwh_xfrm *xfrm;		/* of the last look; likewise */
};

/* ---- opening ------------------------------------------------------------- */

static int copy_path(const char *path, const char *built_in,
		     char ret[FWH_PATH_MAX], struct fwh_err *err)
{
	if (!path)
		path = built_in;
	if (strlen(path) >= FWH_PATH_MAX)
		return fwh_fail(err, -ENAMETOOLONG, "%.100s...: too long",
				path);
	strcpy(ret, path);	/* the length was checked */
	return 0;
}

int fwh_call_open(const struct fwh_call_options *options, char *const env[],
		  struct fwh_call **ret, struct fwh_err *err)
{
	struct fwh_call *call = calloc(1, sizeof(*call));
	int code;

	if (!call)
		return fwh_fail(err, -ENOMEM, "out of memory");
	code = fwh_event_parse(env, &call->ev, err);
	if (!code)
		code = copy_path(options->run_dir, FWH_RUNSTATEDIR "/ipsec-fw",
				 call->run_dir, err);
	if (!code)
		code = copy_path(options->state_dir, FWH_STATEDIR "/ipsec-fw",
				 call->state_dir, err);
	/* A bad file refuses what needs settings; taking rules away needs
	 * none. */
	if (!code)
		code = fwh_config_open(options, &call->config,
				       &call->config_err, err);
	if (code) {
		fwh_call_free(call);
		return code;
	}
	fwh_config_resolve(call->config, call->ev.conn, &call->settings);
	fwh_event_key(&call->ev, &call->key);
	fwh_daemon_find(&call->daemon);
	*ret = call;
	return 0;
}

void fwh_call_free(struct fwh_call *call)
{
	if (!call)
		return;
	fwh_xfrm_close(call->xfrm);
	fwh_store_close(call->store);
	fwh_config_free(call->config);
	free(call);
}

void fwh_call_leave(struct fwh_call *call)
{
	fwh_call_free(call);
	fwh_nft_leave_kept();
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

enum decision { LEAVE, ARM, REFRESH, RAISE, LOWER };

/* What the event makes of the connection.  Only up and down decide whether it
 * is up; route and unroute are shared between connections, skipped, or spurious
 * (Libreswan's kernel.c and routing.c), so they refresh what is known of a
 * connection that is up, or are the first word of one that will be. */
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
	if (!(ev->verbs & (FWH_PREPARE | FWH_ROUTE)))
		return LEAVE;
	if (!before)
		return ARM;
	return before->state == FWH_STATE_UP ? REFRESH : LEAVE;
}

/* A call that knows of no SA (the second prepare of a trap) must not wipe out
 * what an earlier one knew. */
static bool refreshes(const struct fwh_record *before,
		      const struct fwh_record *after)
{
	return after->sa.source != FWH_SA_NONE &&
	       memcmp(&before->sa, &after->sa, sizeof(after->sa)) != 0;
}

/* Does the guard outlive a down?  What sort of connection it is, a daemon that
 * is going away says no longer: there the record knows. */
static bool is_armed(const struct fwh_call *call)
{
	const struct fwh_event *ev = &call->ev;

	if (call->had_before && ev->verbs & FWH_DOWN) {
		if (!call->before.armed || call->config_err.code)
			return call->before.armed;
		ev = &call->before.ev;
	} else if (call->config_err.code || ev->going_away) {
		return false;
	}
	return fwh_guard_of(&call->settings, ev) == FWH_GUARD_ARMED;
}

/* ---- what an up needs to know -------------------------------------------------- */

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
		record->mark.value = fwh_mark_nth(mask, 0);
		return 0;
	}
	return fwh_store_take_mark(store, &call->key, mask,
				   &record->mark.value, err);
}

/* XAUTH can fail and the SA come up all the same. */
static enum fwh_state state_of_up(const struct fwh_call *call)
{
	return call->ev.xauth_failed && !call->settings.accept_xauth_failed ?
	       FWH_STATE_BLOCKED : FWH_STATE_UP;
}

/* The kernel's SA, or the daemon's word for it. */
static int find_sa(struct fwh_call *call, struct fwh_record *record,
		   const struct fwh_settings *settings, struct fwh_err *err)
{
	int code;

	fwh_xfrm_close(call->xfrm);
	call->xfrm = NULL;
	code = fwh_xfrm_open(&call->xfrm, err);
	if (!code)
		code = fwh_link_find(&record->ev, err);
	if (!code)
		code = fwh_xfrm_find_sa(call->xfrm, &record->ev, &record->sa,
					err);
	if (code)
		return code;
	if (record->sa.source == FWH_SA_NONE && !settings->mark_esp &&
	    record->state != FWH_STATE_BLOCKED)
		return fwh_fail(err, -ENOENT, "no reqid: neither the kernel nor "
				"the daemon knows an SA or policy of these "
				"selectors; see ip xfrm policy");
	return 0;
}

/* Flows in conntrack that were translated before go on being translated, past the nat
 * exemption; those that were not, past CAT. */
static int end_flows(const struct fwh_target *target, struct fwh_err *err)
{
	const struct fwh_record *record = &target->after;
	struct fwh_selector cat;
	int code = target->translated.code;

	if (code)
		return fwh_fail(err, code, "%s", target->translated.msg);
	if (record->state == FWH_STATE_UP && fwh_event_cat(&record->ev, &cat))
		code = fwh_conntrack_flush_other(&cat, &record->ev.sel.local,
						 err);
	return code < 0 ? code : 0;
}

/* ---- making it so --------------------------------------------------------------- */

/* A target for the call's connection, which shall have this state. */
static void make_target(const struct fwh_call *call, enum fwh_state state,
			struct fwh_target *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->key = call->key;
	ret->had_before = call->had_before;
	ret->lost = call->lost;
	ret->before = call->before;
	ret->settings = call->settings;
	ret->after.ev = call->ev;
	ret->after.daemon = call->daemon;
	ret->after.state = state;
	ret->after.armed = is_armed(call);
}

static int commit(struct fwh_call *call, struct fwh_store *store,
		  struct fwh_target *target, struct fwh_err *err)
{
	struct fwh_err trouble;
	int code = fwh_targets_commit(fwh_call_globals(call), store, target, 1,
				      false, err);

	if (target->warning.code)
		call->warning = target->warning;
	/* The guard stands now; that it would not after a boot is no reason to
	 * give the connection up. */
	if (!code && fwh_saved_set(call->state_dir, &target->key,
				   &target->after, &trouble))
		call->warning = trouble;
	return code;
}

/* The target, up or blocked, with what the kernel knows of it. */
static int raise(struct fwh_call *call, struct fwh_store *store,
		 struct fwh_target *target, struct fwh_err *err)
{
	int code = find_sa(call, &target->after, &target->settings, err);

	target->xfrm = call->xfrm;
	if (!code)
		code = find_mark(call, store, &target->settings,
				 &target->after, err);
	return code ? code : commit(call, store, target, err);
}

/* Put the connection back to what it was before this call, from what this call
 * made of it. */
static int restore(struct fwh_call *call, struct fwh_store *store,
		   struct fwh_err *err)
{
	struct fwh_target target;

	make_target(call, FWH_STATE_DOWN, &target);
	target.had_before = !fwh_store_read(store, &call->key, &target.before,
					    NULL);
	target.after.armed = false;
	if (call->had_before)
		target.after = call->before;
	if (target.after.state == FWH_STATE_DOWN ||
	    target.after.state == FWH_STATE_ARMED)
		return commit(call, store, &target, err);
	return raise(call, store, &target, err);
}

static int go_up(struct fwh_call *call, struct fwh_store *store,
		 struct fwh_err *err)
{
	struct fwh_target target;
	struct fwh_err second;
	int code;

	make_target(call, state_of_up(call), &target);
	if (target.after.state == FWH_STATE_BLOCKED)
		fwh_fail(&call->warning, -EACCES, "XAUTH failed: all traffic of "
			 "the connection is blocked; accept-xauth-failed = yes "
			 "would accept it");
	code = raise(call, store, &target, err);
	if (code)
		return code;
	code = end_flows(&target, err);
	if (!code || !restore(call, store, &second))
		return code;
	return fwh_fail_back(err, &second);
}

static int refresh(struct fwh_call *call, struct fwh_store *store,
		   struct fwh_err *err)
{
	struct fwh_target target;

	make_target(call, FWH_STATE_UP, &target);
	if (find_sa(call, &target.after, &call->settings, NULL) ||
	    !refreshes(&call->before, &target.after))
		return 0;
	target.after.ev = call->before.ev;
	target.after.daemon = call->before.daemon;
	target.after.armed = call->before.armed;
	return raise(call, store, &target, err);
}

static int go_down(struct fwh_call *call, struct fwh_store *store,
		   struct fwh_err *err)
{
	struct fwh_target target;
	int code;

	make_target(call, FWH_STATE_DOWN, &target);
	if (target.after.armed)
		target.after = fwh_record_armed(call->had_before ?
						&call->before : &target.after);
	code = commit(call, store, &target, err);
	/* Libreswan: UP is gone from the policy after the operator's own. */
	if (!code && target.after.armed && !(call->ev.flags & FWH_CONN_UP) &&
	    (!call->had_before || call->before.state != FWH_STATE_ARMED))
		fwh_fail(&call->warning, -EHOSTUNREACH, "down, and its traffic "
			 "stays blocked; to release it: ipsec-fw disarm '%s'",
			 call->ev.conn);
	return code;
}

static int arm(struct fwh_call *call, struct fwh_store *store,
	       struct fwh_err *err)
{
	struct fwh_target target;
	int code;

	make_target(call, FWH_STATE_ARMED, &target);
	if (!target.after.armed)
		return 0;
	target.after = fwh_record_armed(&target.after);
	code = commit(call, store, &target, err);
	/* What was translated in clear would be once the policies come, which
	 * is before the daemon's up. */
	if (!code && target.translated.code)
		call->warning = target.translated;
	return code;
}

static int act(struct fwh_call *call, struct fwh_store *store,
	       struct fwh_err *err)
{
	enum decision decision = decide(&call->ev, call->had_before ?
					&call->before : NULL);

	if (decision == LEAVE)
		return 0;
	if (decision == LOWER)
		return go_down(call, store, err);
	if (call->config_err.code) {
		/* With broken settings, what is up stays as it is. */
		if (decision != RAISE)
			return 0;
		if (err)
			*err = call->config_err;
		return call->config_err.code;
	}
	return decision == RAISE ? go_up(call, store, err) :
	       decision == REFRESH ? refresh(call, store, err) :
				     arm(call, store, err);
}

/* ---- other connections of a daemon that is dead ----------------------------------- */

static size_t gather_dead(struct fwh_call *call,
			  const struct fwh_record *records, size_t n,
			  struct fwh_target *ret)
{
	size_t i, dead = 0;

	for (i = 0; i < n; i++) {
		const struct fwh_record *record = &records[i];
		struct fwh_target *target = &ret[dead];

		if (!record->daemon.pid || fwh_daemon_alive(&record->daemon))
			continue;
		dead++;
		fwh_event_key(&record->ev, &target->key);
		target->had_before = true;
		target->before = *record;
		fwh_config_resolve(call->config, record->ev.conn,
				   &target->settings);
		target->after.ev = record->ev;
		if (record->armed)
			target->after = fwh_record_armed(record);
	}
	return dead;
}

/* A dead daemon's connections are not up: its reqids start over and would
 * match a stranger's SA.  Their guards stay. */
static int sweep_dead(struct fwh_call *call, struct fwh_store *store,
		      struct fwh_err *err)
{
	fwh_autofree struct fwh_record *records = NULL;
	fwh_autofree struct fwh_target *targets = NULL;
	size_t n, i;
	int code = fwh_store_list(store, NULL, NULL, &records, &n, err);

	if (code || !n)
		return code;
	targets = calloc(n, sizeof(*targets));
	if (!targets)
		return fwh_fail(err, -ENOMEM, "out of memory");
	n = gather_dead(call, records, n, targets);
	if (n)
		code = fwh_targets_commit(fwh_call_globals(call), store,
					  targets, n, false, err);
	for (i = 0; i < n; i++)
		if (targets[i].warning.code)
			call->warning = targets[i].warning;
	return code;
}

static bool is_of_backend(struct fwh_call *call, struct fwh_store *store)
{
	return fwh_store_backend(store) ==
	       fwh_backend_find(fwh_call_globals(call)->backend);
}

/* Bring all over to another backend, or out of what a killed call left.  If that
 * fails, this connection still goes, and the next call tries again; where the form
 * was our choice, in the old one. */
static void renew_all(struct fwh_call *call, struct fwh_store *store)
{
	const struct fwh_backend *before = fwh_store_backend(store);
	struct fwh_complaints unread = { .n = 0 }, unheard = { .n = 0 };
	fwh_autofree struct fwh_record *records = NULL;
	struct fwh_err trouble;
	size_t n;

	if (!fwh_store_list(store, fwh_complain, &unread, &records, &n,
			    &trouble) &&
	    !fwh_connections_renew(call->config, store, records, n, !unread.n,
				   &unheard, &trouble))
		return;
	call->warning = trouble;
	if (fwh_config_holds_legacy(call->config) && before &&
	    fwh_call_globals(call)->scale == FWH_SCALE_AUTO)
		fwh_config_set_backend(call->config, before, "it was before");
}

/* What broken settings say of the backend is not known: it stays. */
static void settle_backend(struct fwh_call *call, struct fwh_store *store)
{
	const struct fwh_backend *backend = fwh_store_backend(store);

	if (call->config_err.code && backend)
		fwh_config_set_backend(call->config, backend, "it was before");
	else
		fwh_connections_choose_form(call->config, store);
}

/* Who is on the list stays there while he lives. */
static bool knows_daemon(struct fwh_call *call, struct fwh_store *store)
{
	call->known = call->known ||
		      fwh_store_knows_daemon(store, &call->daemon);
	return call->known;
}

/* Hold the connection's record; before that, once in a daemon's life and when the
 * backend is another, all of them. */
static int lock_store(struct fwh_call *call, struct fwh_store *store,
		      struct fwh_err *err)
{
	struct fwh_complaints complaints = { fwh_keep_complaint, &call->warning, 0 };
	struct fwh_err trouble;
	int code;

	settle_backend(call, store);
	if (knows_daemon(call, store) && is_of_backend(call, store))
		return fwh_store_lock(store, &call->key, err);
	code = fwh_store_lock(store, NULL, err);
	if (code)
		return code;
	if (!knows_daemon(call, store)) {
		code = sweep_dead(call, store, err);
		if (!code && fwh_ip_sweep(store, &trouble))
			call->warning = trouble;
		if (!code)
			fwh_dns_sweep(store, &complaints);
		if (!code)
			code = fwh_store_add_daemon(store, &call->daemon, err);
	}
	if (!code && (!is_of_backend(call, store) ||
		      fwh_store_has_staged(store)))
		renew_all(call, store);
	return code;
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
	call->lost = true;
	return 0;
}

static int open_store(struct fwh_call *call, struct fwh_err *err)
{
	return call->store ? 0 :
	       fwh_store_open(call->run_dir,
			      fwh_call_globals(call)->lock_wait_ms, &call->store,
			      err);
}

/* The store, with the connection's record held, and read. */
static int hold_record(struct fwh_call *call, struct fwh_store **ret,
		       struct fwh_err *err)
{
	int code = open_store(call, err);

	if (code)
		return code;
	code = lock_store(call, call->store, err);
	if (!code)
		code = read_before(call, call->store, err);
	if (code) {
		fwh_store_unlock(call->store);
		return code;
	}
	*ret = call->store;
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
	struct fwh_target target;

	make_target(call, FWH_STATE_BLOCKED, &target);
	/* A guard needs mangle only: the less it asks, the surer it comes. */
	target.settings.reject = false;
	target.settings.open_ike = false;
	target.settings.log = FWH_LOG_OFF;
	target.settings.mark_off = true;
	target.settings.mark_esp = false;
	return raise(call, store, &target, err);
}

int fwh_call_run(struct fwh_call *call, bool *ret_held, struct fwh_err *err)
{
	struct fwh_store *store;
	struct fwh_err second;
	int code;

	*ret_held = false;
	if (!is_firewall_matter(&call->ev))
		return 0;
	code = hold_record(call, &store, err);
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
	fwh_store_unlock(store);
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
	code = hold_record(call, &store, err);
	if (code)
		return code;
	/* Not what this call wrote, but what it found. */
	call->before = before;
	call->had_before = had_before;
	code = restore(call, store, err);
	fwh_store_unlock(store);
	return code;
}

int fwh_call_hold(struct fwh_call *call, struct fwh_err *err)
{
	struct fwh_store *store;
	int code = hold_record(call, &store, err);

	if (code)
		return code;
	code = block(call, store, err);
	fwh_store_unlock(store);
	return code;
}

/* ---- what is no firewall matter ------------------------------------------------------- */

int fwh_call_route(struct fwh_call *call, bool native,
		   void (*complain)(const struct fwh_err *err, void *arg),
		   void *arg, struct fwh_err *err)
{
	struct fwh_complaints complaints = { complain, arg, 0 };
	bool has_more;
	int code = open_store(call, err);

	/* What is ours there, nobody can reach; the firewall's half says so. */
	if (code)
		return native ? code : 0;
	native = native && !call->config_err.code;
	code = fwh_ip_follow(call->store, &call->ev, &call->key,
			     &call->settings, &call->daemon, native, &has_more,
			     err);
	if (!code || !(call->ev.verbs & FWH_UP))
		fwh_dns_follow(call->store, &call->ev, &call->key,
			       &call->settings, native, has_more, &complaints);
	return code;
}

/* ---- what that needs -------------------------------------------------------------------- */

static bool lacks_module(const struct fwh_event *ev, bool all)
{
	unsigned int families = all ? 3 : 1u << ev->sel.local.family |
					  1u << ev->me.family;
	enum fwh_family family;

	for (family = 0; family < FWH_FAMILY_MAX; family++)
		if (families & 1u << family && !fwh_ipt_has_module(family))
			return true;
	return false;
}

/* Whose first call this is looks after all connections, and so does one that brings
 * them over to another backend.  Nothing is locked: what others change meanwhile is
 * seen by the calls themselves, which also say why there is no store. */
void fwh_call_needs(struct fwh_call *call, bool native, struct fwh_needs *ret)
{
	const struct fwh_backend *nftables = fwh_backend_find("nftables"), *was;
	struct fwh_store *store = open_store(call, NULL) ? NULL : call->store;
	bool first, moves;

	memset(ret, 0, sizeof(*ret));
	first = call->daemon.pid &&
		(!store || !knows_daemon(call, store));
	was = store ? fwh_store_backend(store) : NULL;
	moves = was && (was == nftables) == fwh_config_holds_legacy(call->config);
	ret->legacy = moves || fwh_config_holds_legacy(call->config);
	ret->words = fwh_config_has_words(call->config);
	ret->devices = *call->ev.vti_iface;
	ret->resolver = first || fwh_dns_concerns(store, &call->ev, &call->key,
						  &call->settings, native);
	ret->broker = ret->resolver ||
		      (ret->legacy && lacks_module(&call->ev, moves));
}

/* ---- a dry run --------------------------------------------------------------------------- */

static void print_complaint(const struct fwh_err *err, void *arg)
{
	fprintf(arg, "# %s\n", err->msg);
}

/* As comments: what is printed can be loaded. */
static int print_routes(const struct fwh_call *call, FILE *f,
			struct fwh_err *err)
{
	struct fwh_complaints complaints = { print_complaint, f, 0 };
	struct fwh_ip_plan plan = { .n = 0 };
	struct fwh_dns_plan dns;
	const char *why;
	int code;

	if (fwh_updown_of(&call->settings, &call->ev, false, &why) !=
	    FWH_UPDOWN_NATIVE)
		return 0;
	code = fwh_ip_preview(&call->ev, &call->settings, &plan, err);
	if (!code)
		fwh_dns_preview(&call->ev, &call->key, &call->settings, &dns,
				&complaints);
	if (!code && (fwh_ip_print(&plan, "# ", f) ||
		      fwh_dns_print(&dns, "# ", f)))
		code = fwh_fail(err, -EIO, "writing the routes: %s",
				strerror(errno));
	fwh_ip_plan_free(&plan);
	return code;
}

static int print_rules(struct fwh_call *call, FILE *f, struct fwh_err *err)
{
	struct fwh_plan plan = { .n = 0 };
	struct fwh_xfrm *xfrm = NULL;
	struct fwh_target target;
	int code;

	make_target(call, state_of_up(call), &target);
	/* Without the right to ask the kernel, the daemon is believed. */
	code = find_sa(call, &target.after, &call->settings, err);
	target.no_kernel = code == -EPERM;
	if (target.no_kernel)
		code = fwh_xfrm_find_sa(NULL, &call->ev, &target.after.sa, err);
	if (!code)
		code = find_mark(call, NULL, &call->settings, &target.after,
				 err);
	if (!code)
		code = fwh_target_plan(&target, fwh_call_globals(call), NULL,
				       &xfrm, &plan, err);
	fwh_xfrm_close(xfrm);
	if (!code && fwh_backend_print(fwh_backend_find(fwh_call_globals(call)
							->backend),
				       fwh_call_globals(call), &plan, f))
		code = fwh_fail(err, -EIO, "writing the plan: %s",
				strerror(errno));
	fwh_plan_free(&plan);
	return code;
}

int fwh_call_print(struct fwh_call *call, FILE *f, struct fwh_err *err)
{
	int code = 0;

	if (call->config_err.code) {
		if (err)
			*err = call->config_err;
		return call->config_err.code;
	}
	if (decide(&call->ev, NULL) == RAISE)
		code = print_rules(call, f, err);
	return code ? code : print_routes(call, f, err);
}
