// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * verb_reconcile.c - make the tables hold what the records say, or tell how they
 * differ.
 */
#include <stdio.h>

#include "ipsec-fw.h"
#include "json.h"
#include "seen.h"

static const char *owner_of(const struct fwh_view *view,
			    const struct fwh_held *held)
{
	return held->conn == SIZE_MAX ? "tables" :
	       view->conns[held->conn].record.ev.conn;
}

static size_t print_text(const struct fwh_view *view)
{
	size_t i, n = 0;

	for (i = 0; i < view->n_held; i++) {
		const struct fwh_held *held = &view->held[i];

		if (held->presence == FWH_HELD)
			continue;
		n++;
		printf("%s: %s: %s\n", owner_of(view, held),
		       held->presence == FWH_MISSING ? "missing" : "too much",
		       held->text);
	}
	for (i = 0; i < view->n; i++) {
		const struct fwh_seen *seen = &view->conns[i];

		if (!seen->policy_gone || !seen->daemon_gone)
			continue;
		n++;
		printf("%s: up by its record, but its daemon, process %d, is "
		       "gone, and the kernel knows neither SA nor policy%s\n",
		       seen->record.ev.conn, (int)seen->record.daemon.pid,
		       seen->record.armed ? "" : "; nothing would guard it "
		       "after a down: it stays as it is until a daemon calls");
	}
	if (n)
		printf("%zu difference%s\n", n, plural(n));
	else
		printf("%zu connection%s as recorded\n", view->n,
		       plural(view->n));
	return n;
}

static size_t print_json(const struct fwh_view *view)
{
	size_t i, n = 0;

	json_open(NULL, '{');
	json_open("connections", '[');
	for (i = 0; i < view->n; i++) {
		if (!fwh_seen_drifts(&view->conns[i]))
			continue;
		n++;
		seen_json(view, i, false);
	}
	json_close();
	json_open("tables", '[');
	for (i = 0; i < view->n_held; i++) {
		if (view->held[i].conn != SIZE_MAX ||
		    view->held[i].presence == FWH_HELD)
			continue;
		n++;
		held_json(&view->held[i]);
	}
	json_close();
	json_close();
	return n;
}

static int check(struct program *prog)
{
	struct fwh_view *view;
	struct fwh_err err;
	size_t complaints, n;

	if (fwh_view_open(&prog->options, false, complain, NULL, &complaints,
			  &view, &err))
		return fail(&err);
	n = prog->json ? print_json(view) : print_text(view);
	fwh_view_free(view);
	return n || complaints ? FAILED : DONE;
}

int verb_reconcile(struct program *prog)
{
	size_t n, complaints;
	struct fwh_err err;

	if (prog->check)
		return check(prog);
	if (prog->json)
		return USAGE;
	if (fwh_guards_reconcile(&prog->options, complain, NULL, &n,
				 &complaints, &err))
		return fail(&err);
	printf("%zu connection%s as recorded\n", n, plural(n));
	return complaints ? FAILED : DONE;
}
