// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * armed.c - guards without a daemon: put up what was saved, at boot for
 * instance, and taken away when a person says so.
 */
#include <errno.h>
#include <string.h>

#include "backend.h"
#include "dns.h"
#include "session.h"

/* ---- arming ---------------------------------------------------------------------- */

struct targets {
	struct fwh_target *list;
	size_t n, cap;
};

static int add_target(const struct fwh_session *session, struct targets *targets,
		      const struct fwh_record *record, struct fwh_err *err)
{
	const struct fwh_record *before;
	struct fwh_target *target;
	struct fwh_key key;

	fwh_event_key(&record->ev, &key);
	before = fwh_session_find(session, &key);
	/* What is up has its guard from its daemon. */
	if (before && before->state != FWH_STATE_ARMED)
		return 0;
	if (!fwh_grow(&targets->list, targets->n, &targets->cap,
		      sizeof(*target)))
		return fwh_fail(err, -ENOMEM, "out of memory");
	target = &targets->list[targets->n++];
	memset(target, 0, sizeof(*target));
	target->key = key;
	target->after = fwh_record_armed(record);
	fwh_config_resolve(session->config, record->ev.conn, &target->settings);
	if (before) {
		target->had_before = true;
		target->before = *before;
	}
	return 0;
}

/* The settings may have changed since: guard = off lets go. */
static int add_saved(struct fwh_session *session, struct targets *targets,
		     struct fwh_err *err)
{
	fwh_autofree struct fwh_record *saved = NULL;
	struct fwh_settings settings;
	size_t n, i;
	int code = fwh_saved_list(session->state_dir, fwh_complain,
				  &session->complaints, &saved, &n, err);

	for (i = 0; !code && i < n; i++) {
		fwh_config_resolve(session->config, saved[i].ev.conn,
				   &settings);
		if (fwh_guard_of(&settings, &saved[i].ev) == FWH_GUARD_ARMED)
			code = add_target(session, targets, &saved[i], err);
	}
	return code;
}

/* A connection that no daemon ever brought up, from guard-local and
 * guard-remote.  Who the gateways are is not known. */
static struct fwh_record configured_record(const char *conn,
					   const struct fwh_range *local,
					   const struct fwh_range *remote)
{
	struct fwh_record record;
	struct fwh_event *ev = &record.ev;

	memset(&record, 0, sizeof(record));
	strcpy(ev->conn, conn);		/* a section's name is shorter */
	strcpy(ev->verb, "prepare");	/* there is room */
	ev->verbs = FWH_PREPARE;
	ev->dialect = FWH_LIBRESWAN5;
	ev->sel.local = *local;
	ev->sel.remote = *remote;
	ev->sel.icmp_type = ev->sel.icmp_code = -1;
	ev->me.family = ev->peer.family = local->family;
	return record;
}

static int add_configured(struct fwh_session *session, const char *conn,
			  const struct fwh_settings *settings,
			  struct targets *targets, struct fwh_err *err)
{
	const struct fwh_ranges *local = &settings->guard_local;
	const struct fwh_ranges *remote = &settings->guard_remote;
	struct fwh_record record;
	size_t i, j;
	int code = 0;

	for (i = 0; i < local->n; i++) {
		for (j = 0; !code && j < remote->n; j++) {
			if (local->list[i].family != remote->list[j].family)
				continue;
			record = configured_record(conn, &local->list[i],
						   &remote->list[j]);
			code = add_target(session, targets, &record, err);
		}
	}
	return code;
}

/* By key, and in the order in which they were added. */
static int compare_targets(const void *a, const void *b)
{
	const struct fwh_target *const *x = a, *const *y = b;
	int diff = strcmp((*x)->key.text, (*y)->key.text);

	return diff ? diff : (*x > *y) - (*x < *y);
}

/* What is saved may be configured as well: the first one counts. */
static int drop_repeated(struct targets *targets, struct fwh_err *err)
{
	fwh_autofree struct fwh_target **sorted = calloc(targets->n + 1,
							 sizeof(*sorted));
	size_t i, n = 0;

	if (!sorted)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < targets->n; i++)
		sorted[i] = &targets->list[i];
	qsort(sorted, targets->n, sizeof(*sorted), compare_targets);
	for (i = targets->n; i-- > 1;)
		if (!strcmp(sorted[i]->key.text, sorted[i - 1]->key.text))
			*sorted[i]->key.text = '\0';
	for (i = 0; i < targets->n; i++)
		if (*targets->list[i].key.text && n++ != i)
			targets->list[n - 1] = targets->list[i];
	targets->n = n;
	return 0;
}

static int gather_armed(struct fwh_session *session, struct targets *targets,
			struct fwh_err *err)
{
	struct fwh_settings settings;
	const char *conn;
	size_t i;
	int code = add_saved(session, targets, err);

	for (i = 0; !code && (conn = fwh_config_conn(session->config, i)); i++) {
		fwh_config_resolve(session->config, conn, &settings);
		code = add_configured(session, conn, &settings, targets, err);
	}
	return code ? code : drop_repeated(targets, err);
}

int fwh_guards_arm(const struct fwh_call_options *options,
		   void (*complaint)(const struct fwh_err *err, void *arg),
		   void *arg, size_t *ret_n, size_t *ret_complaints,
		   struct fwh_err *err)
{
	struct fwh_session session = { .complaints = { complaint, arg, 0 } };
	struct targets targets = { .n = 0 };
	int code = fwh_session_open(&session, options, err);

	if (!code)
		code = gather_armed(&session, &targets, err);
	if (!code)
		code = fwh_targets_commit(fwh_config_globals(session.config),
					  session.store, targets.list,
					  targets.n, false, err);
	fwh_translations_complain(targets.list, targets.n, &session.complaints);
	if (!code) {
		*ret_n = targets.n;
		*ret_complaints = session.complaints.n;
	}
	free(targets.list);
	fwh_session_close(&session);
	return code;
}

/* ---- disarming --------------------------------------------------------------------- */

/* What is up keeps its guard until it is down, and not after that. */
static void disarmed_target(const struct fwh_session *session,
			    const struct fwh_record *record,
			    struct fwh_target *ret)
{
	memset(ret, 0, sizeof(*ret));
	fwh_event_key(&record->ev, &ret->key);
	fwh_config_resolve(session->config, record->ev.conn, &ret->settings);
	ret->had_before = true;
	ret->before = ret->after = *record;
	ret->after.armed = false;
	if (record->state == FWH_STATE_ARMED)
		ret->after.state = FWH_STATE_DOWN;
}

static int disarm_saved(struct fwh_session *session, const char *conn,
			size_t *n_names, struct fwh_err *err)
{
	fwh_autofree struct fwh_record *saved = NULL;
	struct fwh_key key;
	size_t n, i;
	int code = fwh_saved_list(session->state_dir, fwh_complain,
				  &session->complaints, &saved, &n, err);

	for (i = 0; !code && i < n; i++) {
		if (conn && strcmp(saved[i].ev.conn, conn) != 0)
			continue;
		fwh_event_key(&saved[i].ev, &key);
		saved[i].armed = false;
		code = fwh_saved_set(session->state_dir, &key, &saved[i], err);
		if (!fwh_session_find(session, &key))
			(*n_names)++;
	}
	return code;
}

int fwh_guards_disarm(const struct fwh_call_options *options, const char *conn,
		      size_t *ret_n, struct fwh_err *err)
{
	struct fwh_session session = { .store = NULL };
	fwh_autofree struct fwh_target *targets = NULL;
	size_t n = 0, i;
	int code = fwh_session_open(&session, options, err);

	if (!code) {
		targets = calloc(session.n_records + 1, sizeof(*targets));
		if (!targets)
			code = fwh_fail(err, -ENOMEM, "out of memory");
	}
	for (i = 0; !code && i < session.n_records; i++) {
		const struct fwh_record *record = &session.records[i];

		if (record->armed && (!conn || !strcmp(record->ev.conn, conn)))
			disarmed_target(&session, record, &targets[n++]);
	}
	if (!code)
		code = fwh_targets_commit(fwh_config_globals(session.config),
					  session.store, targets, n, false,
					  err);
	if (!code)
		code = disarm_saved(&session, conn, &n, err);
	/* What dead daemons' routes were kept for. */
	if (!code)
		code = fwh_ip_sweep(session.store, err);
	if (!code)
		fwh_dns_sweep(session.store, &session.complaints);
	if (!code)
		*ret_n = n;
	fwh_session_close(&session);
	return code;
}

int fwh_guards_saved(const struct fwh_call_options *options,
		     void (*complaint)(const struct fwh_err *err, void *arg),
		     void *arg, size_t *ret_n, size_t *ret_complaints,
		     struct fwh_err *err)
{
	struct fwh_complaints complaints = { complaint, arg, 0 };
	fwh_autofree struct fwh_record *saved = NULL;
	int code = fwh_saved_list(options->state_dir ? options->state_dir :
				  FWH_STATEDIR "/ipsec-fw", fwh_complain,
				  &complaints, &saved, ret_n, err);

	*ret_complaints = complaints.n;
	return code;
}

/* ---- flushing ------------------------------------------------------------------------ */

int fwh_guards_flush(const struct fwh_call_options *options, size_t *ret_n,
		     struct fwh_err *err)
{
	struct fwh_complaints complaints = { fwh_keep_complaint, err, 0 };
	struct fwh_session session = { .store = NULL };
	struct fwh_record gone = { .state = FWH_STATE_DOWN };
	const char *name;
	size_t i;
	int code = fwh_session_open(&session, options, err);

	if (!code)
		code = fwh_store_lock_tables(session.store, err);
	for (i = 0; !code && (name = fwh_backend_nth(i)); i++)
		code = fwh_backend_find(name)->flush(
			fwh_config_globals(session.config), err);
	if (!code)
		code = fwh_ip_flush(session.store, err);
	if (!code)
		fwh_dns_flush(session.store, &complaints);
	if (!code)
		code = fwh_store_flush(session.store, err);
	if (!code)
		code = fwh_saved_flush(session.state_dir, err);
	for (i = 0; !code && i < session.n_records; i++)
		code = fwh_record_end_cat(&session.records[i], &gone, err);
	if (!code && complaints.n)
		code = err->code;
	if (!code)
		*ret_n = session.n_records;
	fwh_session_close(&session);
	return code;
}

/* ---- reconciling ------------------------------------------------------------------- */

int fwh_guards_reconcile(const struct fwh_call_options *options,
			 void (*complaint)(const struct fwh_err *err, void *arg),
			 void *arg, size_t *ret_n, size_t *ret_complaints,
			 struct fwh_err *err)
{
	struct fwh_session session = { .complaints = { complaint, arg, 0 } };
	int code = fwh_session_open(&session, options, err);

	if (!code)
		code = fwh_connections_renew(session.config, session.store,
					     session.records,
					     session.n_records,
					     session.all_read,
					     &session.complaints, err);
	if (!code)
		code = fwh_ip_reconcile(session.config, session.store,
					&session.complaints, err);
	if (!code)
		fwh_dns_reconcile(session.config, session.store,
				  &session.complaints);
	*ret_n = session.n_records;
	*ret_complaints = session.complaints.n;
	fwh_session_close(&session);
	return code;
}

/* ---- looking ------------------------------------------------------------------------- */

int fwh_guards_backend(const struct fwh_call_options *options,
		       const struct fwh_backend **ret, const char **ret_why,
		       struct fwh_err *err)
{
	struct fwh_config *config;
	struct fwh_err bad;
	int code = fwh_config_open(options, &config, &bad, err);

	if (code)
		return code;
	*ret = fwh_backend_find(fwh_config_globals(config)->backend);
	*ret_why = fwh_config_backend_why(config);
	fwh_config_free(config);
	return 0;
}

int fwh_guards_list(const struct fwh_call_options *options,
		    struct fwh_record **ret, size_t *ret_n,
		    struct fwh_err *err)
{
	struct fwh_session session = { .store = NULL };
	int code = fwh_session_open(&session, options, err);

	if (!code) {
		*ret = fwh_steal(session.records);
		*ret_n = session.n_records;
	}
	fwh_session_close(&session);
	return code;
}
