// SPDX-License-Identifier: GPL-2.0-or-later
/* verb_status.c - a line a connection: what it is, what passed, what was stopped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipsec-fw.h"
#include "json.h"
#include "seen.h"
#include "table.h"

enum { CONN, STATE, TRAFFIC, PEER, REQID, MARK, IN, OUT, LEAKS, SPOOFS, SINCE,
       NOTE, COLUMNS };

static const struct column columns[COLUMNS] = {
	[CONN] = { "CONNECTION", false, 0, 10 },
	[STATE] = { "STATE", false, 0, 0 },
	[TRAFFIC] = { "LOCAL === REMOTE", false, 0, 21 },
	[PEER] = { "PEER", false, 2, 0 },
	[REQID] = { "REQID", true, 3, 0 },
	[MARK] = { "MARK", false, 1, 0 },
	[IN] = { "IN", true, 0, 0 },
	[OUT] = { "OUT", true, 0, 0 },
	[LEAKS] = { "LEAKS", true, 0, 0 },
	[SPOOFS] = { "SPOOFS", true, 0, 0 },
	[SINCE] = { "FOR", true, 0, 0 },
	[NOTE] = { "NOTE", false, 0, 0 },
};

static void put(struct cell *row, int column, const char *text)
{
	row[column].text = strdup(text);
}

/* "-": nothing counts here; "*": others count here, too. */
static void put_count(struct cell *row, int column,
		      const struct fwh_total *total, enum color color)
{
	char number[24], text[32] = "-";

	if (total->counted)
		snprintf(text, sizeof(text), "%s%s",
			 short_number(total->packets, number),
			 total->sharers ? "*" : "");
	put(row, column, text);
	if (total->packets)
		row[column].color = color;
}

static void put_identity(struct cell *row, const struct fwh_record *record)
{
	const struct fwh_event *ev = &record->ev;
	char buf[TRAFFIC_MAX];

	put(row, CONN, ev->conn);
	put(row, STATE, state_text[record->state]);
	row[STATE].color = state_color(record->state);
	put(row, TRAFFIC, traffic_text(&ev->sel, false, buf));
	row[TRAFFIC].tight = strdup(traffic_text(&ev->sel, true, buf));
	put(row, PEER, fwh_addr_is_any(&ev->peer) ? "-" :
		       fwh_addr_format(&ev->peer, buf));
	snprintf(buf, sizeof(buf), "%u", record->sa.reqid);
	put(row, REQID, record->sa.reqid ? buf : "-");
	snprintf(buf, sizeof(buf), "0x%x", record->mark.value);
	put(row, MARK, record->state == FWH_STATE_UP && record->mark.mask ?
		       buf : "-");
	put(row, SINCE, short_age(record->since, buf));
}

static bool add_row(struct table *table, const struct fwh_seen *seen)
{
	struct cell *row = table_row(table);
	struct fwh_total leaks = seen_leaks(seen);
	char buf[DRIFT_MAX];

	if (!row)
		return false;
	put_identity(row, &seen->record);
	put_count(row, IN, &seen->total[FWH_STEP_ACCEPT_IN], PLAIN);
	put_count(row, OUT, &seen->total[FWH_STEP_ACCEPT_OUT], PLAIN);
	put_count(row, LEAKS, &leaks, YELLOW);
	put_count(row, SPOOFS, &seen->total[FWH_STEP_GUARD_IN], YELLOW);
	put(row, NOTE, drift_text(seen, buf));
	row[NOTE].color = RED;
	return true;
}

/* What the table's signs mean, where they are used. */
static void print_notes(const struct fwh_view *view, const char *conn)
{
	bool shared = false, drift = false;
	size_t i;

	for (i = 0; i < view->n; i++) {
		const struct fwh_seen *seen = &view->conns[i];

		if (conn && !seen_is(seen, conn))
			continue;
		shared = shared || seen_is_shared(seen);
		drift = drift || fwh_seen_drifts(seen);
	}
	for (i = view->n_held; i > 0; i--)
		drift = drift || (view->held[i - 1].conn == SIZE_MAX &&
				  view->held[i - 1].presence != FWH_HELD);
	if (shared)
		puts("* counted together with other connections of the same "
		     "selectors or SA");
	if (drift)
		puts("The kernel differs from the records: ipsec-fw reconcile "
		     "--check tells how,\nipsec-fw reconcile mends it.");
}

static int print_text(const struct fwh_view *view, const char *conn)
{
	struct table table = { .columns = columns, .n_columns = COLUMNS };
	size_t i;
	bool ok = true;

	printf("backend: %s (%s)\n", fwh_backend_name(view->backend),
	       view->why);
	for (i = 0; ok && i < view->n; i++)
		if (!conn || seen_is(&view->conns[i], conn))
			ok = add_row(&table, &view->conns[i]);
	if (ok && table.n_rows)
		table_print(&table, tty_width());
	table_free(&table);
	if (ok)
		print_notes(view, conn);
	return ok ? DONE : FAILED;
}

static void print_json(const struct fwh_view *view, const char *conn)
{
	size_t i;

	json_open(NULL, '{');
	json_string("backend", fwh_backend_name(view->backend));
	json_string("why", view->why);
	json_open("connections", '[');
	for (i = 0; i < view->n; i++)
		if (!conn || seen_is(&view->conns[i], conn))
			seen_json(view, i, false);
	json_close();
	json_close();
}

int verb_status(struct program *prog)
{
	const char *conn = prog->n_args ? prog->args[0] : NULL;
	struct fwh_view *view;
	struct fwh_err err;
	int status = DONE;

	if (prog->n_args > 1)
		return USAGE;
	if (fwh_view_open(&prog->options, false, complain, NULL, NULL, &view,
			  &err))
		return fail(&err);
	if (conn && !seen_find(view, conn))
		status = FAILED;
	else if (prog->json)
		print_json(view, conn);
	else
		status = print_text(view, conn);
	fwh_view_free(view);
	return status;
}
