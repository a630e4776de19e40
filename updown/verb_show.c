// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * verb_show.c - one connection's packet path from the wire to the wire, each step
 * with its rules and what they have counted.
 */
#include <stdio.h>
#include <string.h>

#include "ipsec-fw.h"
#include "json.h"
#include "seen.h"

#define INDENT		13		/* of texts, behind their counters */
#define LINE_WIDTH	100		/* where there is no terminal */

static const struct {
	const char *down, *end;
} utf8_arrows = { "│", "▼" }, ascii_arrows = { "|", "v" };

struct drawing {
	const struct fwh_view *view;
	const struct fwh_seen *seen;
	const char *down, *end;
	unsigned int width;
};

/* ---- lines ---- */

static void arrow(const struct drawing *d, bool end)
{
	printf("       %s\n", end ? d->end : d->down);
}

static void station(const char *what)
{
	printf("  %s%s%s\n", tty_color(BOLD), what, tty_color(PLAIN));
}

/* Where a line of at most so many characters ends: behind a blank, if any. */
static size_t line_length(const char *s, size_t room)
{
	size_t n = strlen(s), i;

	if (n <= room)
		return n;
	for (i = room; i > room / 2; i--)
		if (s[i] == ' ')
			return i;
	return room;
}

/* Wrapped, indented; the cursor is there already. */
static void put_wrapped(const struct drawing *d, const char *s)
{
	size_t room = d->width > 3 * INDENT ? d->width - INDENT - 5 : INDENT, n;

	for (;;) {
		n = line_length(s, room);
		printf("%.*s\n", (int)n, s);
		s += n + strspn(s + n, " ");
		if (!*s)
			return;
		printf("       %s%*s", d->down, INDENT - 3, "");
	}
}

static void put_counter(const struct drawing *d, const struct fwh_held *held)
{
	char number[24], text[40] = "-";
	enum color color = PLAIN;

	if (held->presence == FWH_MISSING) {
		strcpy(text, "MISSING");	/* there is room */
		color = RED;
	} else if (held->presence == FWH_EXTRA) {
		strcpy(text, "EXTRA");	/* there is room */
		color = RED;
	} else if (held->counted) {
		snprintf(text, sizeof(text), "%s%s",
			 short_number(held->packets, number),
			 held->sharers ? "*" : "");
		if (held->packets && (held->step == FWH_STEP_GUARD_IN ||
				      held->step == FWH_STEP_GUARD_OUT ||
				      held->step == FWH_STEP_REJECT))
			color = YELLOW;
	}
	printf("       %s %s%*s%s  ", d->down, tty_color(color), INDENT - 6, text,
	       tty_color(PLAIN));
}

/* An element, and the rule that looks for it; or a rule. */
static void put_held(const struct drawing *d, const struct fwh_held *held)
{
	put_counter(d, held);
	put_wrapped(d, held->text);
	if (!held->rule)
		return;
	printf("       %s%*s%s", d->down, INDENT - 3, "", tty_color(DIM));
	put_wrapped(d, held->rule);
	fputs(tty_color(PLAIN), stdout);
}

/* ---- steps ---- */

static const char *const steps[FWH_STEP_MAX] = {
	[FWH_STEP_MARK] = "mark what was decrypted",
	[FWH_STEP_GUARD_IN] = "guard: stop what only claims to come from there",
	[FWH_STEP_ACCEPT_IN] = "accept what its SA decrypted",
	[FWH_STEP_ACCEPT_OUT] = "accept what its SA will encrypt",
	[FWH_STEP_MSS] = "limit segments",
	[FWH_STEP_REJECT] = "refuse what would leave in clear",
	[FWH_STEP_IKE] = "accept the gateways' own",
	[FWH_STEP_GUARD_OUT] = "guard: stop what would leave in clear",
	[FWH_STEP_NAT] = "keep source NAT off",
	[FWH_STEP_RAW] = "rules of your own",
};

/* Jumps and the like are no decision: they are among the raw rules. */
static bool is_shown(const struct fwh_held *held)
{
	return held->decides || held->presence != FWH_HELD;
}

static void put_step(const struct drawing *d, enum fwh_step step)
{
	size_t i, end = d->seen->first + d->seen->n;
	bool first = true;

	for (i = d->seen->first; i < end; i++) {
		const struct fwh_held *held = &d->view->held[i];

		if (held->step != step || !is_shown(held))
			continue;
		if (first)
			printf("       %s %s\n", d->down, steps[step]);
		put_held(d, held);
		first = false;
	}
}

static bool has_step(const struct drawing *d, unsigned int steps_wanted)
{
	size_t i, end = d->seen->first + d->seen->n;

	for (i = d->seen->first; i < end; i++)
		if (steps_wanted & 1u << d->view->held[i].step &&
		    is_shown(&d->view->held[i]))
			return true;
	return false;
}

/* Steps that packets meet in one place. */
static void put_place(const struct drawing *d, const char *place,
		      unsigned int steps_there)
{
	enum fwh_step step;

	if (!has_step(d, steps_there))
		return;
	arrow(d, false);
	station(place);
	for (step = 0; step < FWH_STEP_MAX; step++)
		if (steps_there & 1u << step)
			put_step(d, step);
}

/* ---- the whole ---- */

static void put_head(const struct drawing *d)
{
	const struct fwh_record *record = &d->seen->record;
	char buf[TRAFFIC_MAX], age[24];
	size_t i;

	printf("%s%s%s  %s%s%s", tty_color(BOLD), record->ev.conn,
	       tty_color(PLAIN), tty_color(state_color(record->state)),
	       state_text[record->state], tty_color(PLAIN));
	if (record->since)
		printf(" since %s (%s)", long_time(record->since, buf),
		       short_age(record->since, age));
	printf("\n  %s\n", traffic_text(&record->ev.sel, false, buf));
	printf("  reqid %u  mark %s  held by %s\n", record->sa.reqid,
	       mark_text(&record->mark, buf),
	       fwh_backend_name(d->view->backend));
	for (i = 0; i < d->seen->n_updown; i++)
		printf("  %s\n", d->seen->updown[i]);
	if (record->daemon.pid)
		printf("  daemon: process %d%s\n", (int)record->daemon.pid,
		       d->seen->daemon_gone ? ", which is gone" : "");
	if (d->seen->policy_gone)
		printf("  %sthe kernel knows neither SA nor policy of it%s\n",
		       tty_color(YELLOW), tty_color(PLAIN));
	putchar('\n');
}

static void put_wire(const struct fwh_event *ev, const char *direction)
{
	char addr[FWH_ADDR_STRLEN], text[FWH_ADDR_STRLEN + 40];

	if (fwh_addr_is_any(&ev->peer))
		snprintf(text, sizeof(text), "the wire");
	else
		snprintf(text, sizeof(text), "the wire, %s %s", direction,
			 fwh_addr_format(&ev->peer, addr));
	station(text);
}

static void draw(const struct drawing *d)
{
	const struct fwh_event *ev = &d->seen->record.ev;
	char side[FWH_RANGE_STRLEN + 32];

	put_head(d);
	put_wire(ev, "from");
	put_place(d, "prerouting", 1u << FWH_STEP_MARK |
				   1u << FWH_STEP_GUARD_IN);
	put_place(d, "input, forward", 1u << FWH_STEP_ACCEPT_IN);
	arrow(d, true);
	station(side_text(&ev->sel, true, side));
	put_place(d, "forward, output", 1u << FWH_STEP_ACCEPT_OUT |
			1u << FWH_STEP_MSS | 1u << FWH_STEP_REJECT |
			1u << FWH_STEP_IKE);
	put_place(d, "postrouting", 1u << FWH_STEP_GUARD_OUT);
	put_place(d, "source NAT", 1u << FWH_STEP_NAT);
	put_place(d, "where they say", 1u << FWH_STEP_RAW);
	arrow(d, true);
	put_wire(ev, "to");
	if (seen_is_shared(d->seen))
		puts("\n* counted together with other connections of the same "
		     "selectors or SA");
}

static int print_rules(const struct fwh_view *view, size_t n)
{
	const struct fwh_seen *seen = &view->conns[n];
	struct fwh_err err;
	size_t i;

	if (fwh_view_print(view, n, stdout, &err))
		return fail(&err);
	for (i = seen->first; i < seen->first + seen->n; i++)
		if (view->held[i].presence != FWH_HELD)
			printf("# %s: %s\n", view->held[i].presence ==
			       FWH_MISSING ? "missing" : "too much",
			       view->held[i].text);
	return DONE;
}

static int show(const struct program *prog, struct fwh_view *view, size_t n,
		bool more)
{
	bool utf8 = tty_utf8();
	struct drawing d = {
		.view = view, .seen = &view->conns[n],
		.down = utf8 ? utf8_arrows.down : ascii_arrows.down,
		.end = utf8 ? utf8_arrows.end : ascii_arrows.end,
		.width = tty_width() ? tty_width() : LINE_WIDTH,
	};
	struct fwh_err err;

	if (!prog->rules && fwh_view_read_updown(view, n, &err))
		return fail(&err);
	if (prog->json) {
		seen_json(view, n, true);
		return DONE;
	}
	if (more)
		putchar('\n');
	if (prog->rules)
		return print_rules(view, n);
	draw(&d);
	return DONE;
}

int verb_show(struct program *prog)
{
	struct fwh_view *view;
	struct fwh_err err;
	int status = DONE;
	bool more = false;
	size_t i;

	if (prog->n_args != 1 || (prog->json && prog->rules))
		return USAGE;
	if (fwh_view_open(&prog->options, false, complain, NULL, NULL, &view,
			  &err))
		return fail(&err);
	if (!seen_find(view, prog->args[0])) {
		fwh_view_free(view);
		return FAILED;
	}
	if (prog->json)
		json_open(NULL, '[');
	for (i = 0; i < view->n && status == DONE; i++) {
		if (!seen_is(&view->conns[i], prog->args[0]))
			continue;
		status = show(prog, view, i, more);
		more = true;
	}
	if (prog->json)
		json_close();
	fwh_view_free(view);
	return status;
}
