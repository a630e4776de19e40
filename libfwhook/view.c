// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * view.c - every connection as a person looks at it: its record, its plan, what
 * the kernel holds and has counted, and what IPsec does.  Changes nothing.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "backend.h"
#include "dns.h"
#include "ip.h"
#include "session.h"

struct fwh_held *fwh_held_add(struct fwh_held_list *list, size_t conn,
			      enum fwh_step step, enum fwh_presence presence,
			      const char *fmt, ...)
{
	struct fwh_held *held;
	va_list ap;
	int n;

	if (!fwh_grow(&list->list, list->n, &list->cap, sizeof(*held)))
		return NULL;
	held = &list->list[list->n];
	memset(held, 0, sizeof(*held));
	held->conn = conn;
	held->step = step;
	held->presence = presence;
	va_start(ap, fmt);
	n = vasprintf(&held->text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	list->n++;
	return held;
}

/* ---- records ---- */

static int compare_seen(const void *a, const void *b)
{
	const struct fwh_seen *x = a, *y = b;
	int diff = strcmp(x->record.ev.conn, y->record.ev.conn);

	return diff ? diff : strcmp(x->key.text, y->key.text);
}

static int take_records(struct fwh_view *view, struct fwh_session *session,
			struct fwh_err *err)
{
	size_t i;

	view->conns = calloc(session->n_records + 1, sizeof(*view->conns));
	view->plans = calloc(session->n_records + 1, sizeof(*view->plans));
	if (!view->conns || !view->plans)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < session->n_records; i++) {
		struct fwh_seen *seen = &view->conns[i];

		seen->record = session->records[i];
		seen->key = session->keys[i];
		seen->event = fwh_store_event_time(session->store, &seen->key);
		seen->daemon_gone = seen->record.daemon.pid &&
				    !fwh_daemon_alive(&seen->record.daemon);
	}
	view->n = session->n_records;
	if (view->n)
		qsort(view->conns, view->n, sizeof(*view->conns), compare_seen);
	return 0;
}

/* Without the right to ask the kernel for passthrough policies, a mere plan has
 * none. */
static int plan_all(struct fwh_view *view, const struct fwh_config *config,
		    bool unprivileged, struct fwh_err *err)
{
	struct fwh_xfrm *xfrm = NULL;
	struct fwh_target target;
	bool no_kernel = false;
	size_t i;
	int code = 0;

	for (i = 0; !code && i < view->n; i++) {
		memset(&target, 0, sizeof(target));
		target.key = view->conns[i].key;
		target.after = view->conns[i].record;
		target.no_kernel = no_kernel;
		fwh_config_resolve(config, target.after.ev.conn,
				   &target.settings);
		view->conns[i].settings = target.settings;
		code = fwh_target_plan(&target, fwh_config_globals(config),
				       NULL, &xfrm, &view->plans[i], err);
		if (code != -EPERM || !unprivileged)
			continue;
		no_kernel = target.no_kernel = true;
		code = fwh_target_plan(&target, fwh_config_globals(config),
				       NULL, &xfrm, &view->plans[i], err);
	}
	fwh_xfrm_close(xfrm);
	return code;
}

/* ---- what it has beside rules ---- */

/* "DNS on w0: server 10.0.0.53, domain corp.example" */
static char *dns_text(const char *where, const char *state)
{
	const char *mark = ":";
	struct fwh_dns_line line;
	struct fwh_print text;
	FILE *f = fwh_print_begin(&text);

	if (!f)
		return NULL;
	fprintf(f, "DNS%s%s", *where ? " on " : "", where);
	for (; fwh_dns_next(&state, &line); mark = ",")
		fprintf(f, "%s %s %s", mark, line.key, line.value);
	return fwh_print_end(&text, f);
}

/* Others in the words of ip(8). */
static char *object_text(const char *object, const char *variant)
{
	return fwh_ip_kind(object) == FWH_IP_KIND_MAX ?
	       dns_text(fwh_dns_where(object), variant) : strdup(variant);
}

static int take_objects(struct fwh_store *store, struct fwh_seen *seen,
			struct fwh_err *err)
{
	struct fwh_owned owned = { .n = 0 };
	struct fwh_owner owner;
	char name[FWH_RECORD_NAME_MAX];
	size_t i;
	int code;

	fwh_record_name(&seen->key, name);
	code = fwh_owned_read(store, name, &owned, err);
	seen->updown = code ? NULL : calloc(owned.n + 1, sizeof(char *));
	if (!code && !seen->updown)
		code = fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; !code && i < owned.n; i++) {
		if (fwh_object_owner(store, owned.objects[i], name, &owner))
			continue;
		seen->updown[seen->n_updown] =
				object_text(owned.objects[i], owner.variant);
		if (!seen->updown[seen->n_updown++])
			code = fwh_fail(err, -ENOMEM, "out of memory");
	}
	fwh_owned_free(&owned);
	return code;
}

int fwh_view_read_updown(struct fwh_view *view, size_t n, struct fwh_err *err)
{
	int code = fwh_owners_lock(view->store, err);

	if (!code)
		code = take_objects(view->store, &view->conns[n], err);
	fwh_owners_unlock(view->store);
	return code;
}

/* ---- what IPsec does ---- */

static int ask_ipsec(struct fwh_view *view, struct fwh_err *err)
{
	struct fwh_xfrm *xfrm;
	size_t i;
	int code = fwh_xfrm_open(&xfrm, err);

	if (code)
		return code == -EPROTONOSUPPORT ? 0 : code;
	for (i = 0; i < view->n; i++) {
		struct fwh_seen *seen = &view->conns[i];

		seen->policy_gone = seen->record.state == FWH_STATE_UP &&
				    fwh_xfrm_has_lost(xfrm, &seen->record.ev);
	}
	fwh_xfrm_close(xfrm);
	return 0;
}

/* ---- what the kernel holds ---- */

static bool is_of(const struct fwh_view *view, const char *backend)
{
	size_t i;

	for (i = 0; i < view->n; i++)
		if (!strcmp(fwh_record_backend(&view->conns[i].record),
			    backend))
			return true;
	return false;
}

/* The plans belong to the backend of the settings; what another has is too much. */
static int read_backends(struct fwh_view *view, struct fwh_held_list *held,
			 struct fwh_err *err)
{
	fwh_autofree struct fwh_plan *nothing = calloc(view->n + 1,
						       sizeof(*nothing));
	const struct fwh_backend *backend;
	const char *name;
	size_t i;
	int code = 0;

	if (!nothing)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < view->n; i++)
		nothing[i].key = view->conns[i].key;
	for (i = 0; !code && (name = fwh_backend_nth(i)); i++) {
		backend = fwh_backend_find(name);
		if (backend == view->backend)
			code = backend->read(&view->globals, view->plans,
					     view->n, held, err);
		else if (is_of(view, name))
			code = backend->read(&view->globals, nothing, view->n,
					     held, err);
	}
	return code;
}

/* Rows of the same connection and step stay in their order. */
static int compare_held(const void *a, const void *b)
{
	const struct fwh_held *x = a, *y = b;

	if (x->conn != y->conn)
		return x->conn < y->conn ? -1 : 1;
	if (x->step != y->step)
		return x->step < y->step ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void add_up(struct fwh_seen *seen, const struct fwh_held *held)
{
	struct fwh_total *total = &seen->total[held->step];

	seen->missing += held->presence == FWH_MISSING;
	seen->extra += held->presence == FWH_EXTRA;
	if (!held->decides || !held->counted || held->presence != FWH_HELD)
		return;
	total->counted = true;
	total->packets += held->packets;
	total->bytes += held->bytes;
	if (held->sharers > total->sharers)
		total->sharers = held->sharers;
}

static int read_kernel(struct fwh_view *view, struct fwh_err *err)
{
	struct fwh_held_list held = { .n = 0 };
	size_t i;
	int code = read_backends(view, &held, err);

	view->held = held.list;
	view->n_held = held.n;
	for (i = 0; i < held.n; i++)
		held.list[i].order = i;
	if (held.n)
		qsort(held.list, held.n, sizeof(*held.list), compare_held);
	for (i = 0; i < held.n && held.list[i].conn != SIZE_MAX; i++) {
		struct fwh_seen *seen = &view->conns[held.list[i].conn];

		if (!seen->n++)
			seen->first = i;
		add_up(seen, &held.list[i]);
	}
	return code;
}

/* ---- the whole ---- */

static int fill(struct fwh_view *view, struct fwh_session *session, bool plans,
		struct fwh_err *err)
{
	int code = take_records(view, session, err);

	view->globals = *fwh_config_globals(session->config);
	view->backend = fwh_backend_find(view->globals.backend);
	view->why = fwh_config_backend_why(session->config);
	if (!code)
		code = plan_all(view, session->config, plans, err);
	if (!code && !plans)
		code = read_kernel(view, err);
	if (!code && !plans)
		code = ask_ipsec(view, err);
	return code;
}

int fwh_view_open(const struct fwh_call_options *options, bool plans,
		  void (*complain)(const struct fwh_err *err, void *arg),
		  void *arg, size_t *ret_complaints, struct fwh_view **ret,
		  struct fwh_err *err)
{
	struct fwh_session session = { .complaints = { complain, arg, 0 } };
	struct fwh_view *view = calloc(1, sizeof(*view));
	int code = view ? fwh_session_open(&session, options, err) :
			  fwh_fail(err, -ENOMEM, "out of memory");

	if (!code)
		code = fill(view, &session, plans, err);
	if (ret_complaints)
		*ret_complaints = session.complaints.n;
	if (session.store)
		fwh_store_unlock(session.store);
	if (view) {
		view->config = fwh_steal(session.config);
		view->store = fwh_steal(session.store);
	}
	fwh_session_close(&session);
	if (code) {
		fwh_view_free(view);
		return code;
	}
	*ret = view;
	return 0;
}

void fwh_view_free(struct fwh_view *view)
{
	size_t i;

	if (!view)
		return;
	for (i = 0; i < view->n_held; i++) {
		free(view->held[i].text);
		free(view->held[i].rule);
	}
	for (i = 0; i < view->n; i++) {
		fwh_plan_free(&view->plans[i]);
		while (view->conns[i].n_updown)
			free(view->conns[i].updown[--view->conns[i].n_updown]);
		free(view->conns[i].updown);
	}
	free(view->held);
	free(view->plans);
	free(view->conns);
	fwh_config_free(view->config);
	fwh_store_close(view->store);
	free(view);
}

bool fwh_seen_drifts(const struct fwh_seen *seen)
{
	return seen->missing || seen->extra ||
	       (seen->policy_gone && seen->daemon_gone);
}

int fwh_view_print(const struct fwh_view *view, size_t n, FILE *f,
		   struct fwh_err *err)
{
	int code = fwh_backend_print(view->backend, &view->globals,
				     &view->plans[n], f);

	return code ? fwh_fail(err, code, "writing the plan: %s",
			       strerror(-code)) : 0;
}
