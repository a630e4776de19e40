// SPDX-License-Identifier: GPL-2.0-or-later
/* seen.c - a connection that was looked at: what several verbs say of it. */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "seen.h"

bool seen_is(const struct fwh_seen *seen, const char *name)
{
	char file[32];

	snprintf(file, sizeof(file), "%s-%s", seen->key.stem, seen->key.hash);
	return !strcmp(seen->record.ev.conn, name) || !strcmp(file, name);
}

const struct fwh_seen *seen_find(const struct fwh_view *view, const char *name)
{
	size_t i;

	for (i = 0; i < view->n; i++)
		if (seen_is(&view->conns[i], name))
			return &view->conns[i];
	fprintf(stderr, "ipsec-fw: no connection with rules is called '%s'; "
		"see ipsec-fw status\n", name);
	return NULL;
}

struct fwh_total seen_leaks(const struct fwh_seen *seen)
{
	const struct fwh_total *dropped = &seen->total[FWH_STEP_GUARD_OUT];
	const struct fwh_total *rejected = &seen->total[FWH_STEP_REJECT];
	struct fwh_total leaks = *dropped;

	leaks.counted = leaks.counted || rejected->counted;
	leaks.packets += rejected->packets;
	leaks.bytes += rejected->bytes;
	if (rejected->sharers > leaks.sharers)
		leaks.sharers = rejected->sharers;
	return leaks;
}

bool seen_is_shared(const struct fwh_seen *seen)
{
	size_t i;

	for (i = 0; i < FWH_STEP_MAX; i++)
		if (seen->total[i].counted && seen->total[i].sharers)
			return true;
	return false;
}

const char *drift_text(const struct fwh_seen *seen, char buf[DRIFT_MAX])
{
	int n = 0;

	*buf = '\0';
	if (seen->missing)
		n += snprintf(buf, DRIFT_MAX, "-%zu", seen->missing);
	if (seen->extra)
		n += snprintf(buf + n, DRIFT_MAX - (size_t)n, "%s+%zu",
			      n ? " " : "", seen->extra);
	if (seen->policy_gone)
		snprintf(buf + n, DRIFT_MAX - (size_t)n, "%sno %s",
			 n ? " " : "", seen->daemon_gone ? "daemon" : "SA");
	return buf;
}

/* ---- JSON ---- */

static const char *const step_name[FWH_STEP_MAX] = {
	[FWH_STEP_MARK] = "mark", [FWH_STEP_GUARD_IN] = "guard-in",
	[FWH_STEP_ACCEPT_IN] = "accept-in",
	[FWH_STEP_ACCEPT_OUT] = "accept-out", [FWH_STEP_MSS] = "mss",
	[FWH_STEP_REJECT] = "reject", [FWH_STEP_IKE] = "ike",
	[FWH_STEP_GUARD_OUT] = "guard-out", [FWH_STEP_NAT] = "nat-exempt",
	[FWH_STEP_RAW] = "raw",
};

static void put_total(const char *name, const struct fwh_total *total)
{
	if (!total->counted)
		return;
	json_open(name, '{');
	json_number("packets", total->packets);
	json_number("bytes", total->bytes);
	json_bool("shared", total->sharers > 0);
	json_close();
}

static void put_side(const char *name, const struct fwh_selector *sel,
		     bool local)
{
	const struct fwh_ports *port = local ? &sel->lport : &sel->rport;
	char buf[FWH_RANGE_STRLEN];

	json_string(name, fwh_range_format(local ? &sel->local : &sel->remote,
					   buf));
	if (!port->lo)
		return;
	snprintf(buf, sizeof(buf), "%s_port", name);
	json_number(buf, port->lo);
	if (port->hi == port->lo)
		return;
	snprintf(buf, sizeof(buf), "%s_port_end", name);
	json_number(buf, port->hi);
}

static void put_identity(const struct fwh_seen *seen)
{
	const struct fwh_event *ev = &seen->record.ev;
	char buf[FWH_ADDR_STRLEN];

	json_string("name", ev->conn);
	snprintf(buf, sizeof(buf), "%s-%s", seen->key.stem, seen->key.hash);
	json_string("id", buf);
	json_string("state", state_text[seen->record.state]);
	json_bool("armed", seen->record.armed);
	put_side("local", &ev->sel, true);
	put_side("remote", &ev->sel, false);
	json_number("protocol", ev->sel.proto);
	if (ev->sel.icmp_type >= 0)
		json_number("icmp_type", (uint64_t)ev->sel.icmp_type);
	if (!fwh_addr_is_any(&ev->me))
		json_string("me", fwh_addr_format(&ev->me, buf));
	if (!fwh_addr_is_any(&ev->peer))
		json_string("peer", fwh_addr_format(&ev->peer, buf));
}

static void put_state(const struct fwh_seen *seen)
{
	const struct fwh_record *record = &seen->record;

	if (record->sa.reqid)
		json_number("reqid", record->sa.reqid);
	if (record->mark.mask) {
		json_number("mark", record->mark.value);
		json_number("mark_mask", record->mark.mask);
	}
	if (record->since)
		json_number("since", record->since);
	if (seen->event)
		json_number("last_event", seen->event);
	if (record->daemon.pid) {
		json_number("daemon_pid", (uint64_t)record->daemon.pid);
		json_bool("daemon_alive", !seen->daemon_gone);
	}
	json_bool("policy_gone", seen->policy_gone);
}

void held_json(const struct fwh_held *held)
{
	json_open(NULL, '{');
	json_string("step", step_name[held->step]);
	json_string("what", held->text);
	if (held->rule)
		json_string("rule", held->rule);
	json_string("presence", held->presence == FWH_HELD ? "held" :
		    held->presence == FWH_MISSING ? "missing" : "extra");
	json_bool("decides", held->decides);
	if (held->counted) {
		json_number("packets", held->packets);
		json_number("bytes", held->bytes);
		json_bool("shared", held->sharers > 0);
	}
	json_close();
}

static void put_updown(const struct fwh_seen *seen)
{
	size_t i;

	json_open("updown", '[');
	for (i = 0; i < seen->n_updown; i++)
		json_string(NULL, seen->updown[i]);
	json_close();
}

void seen_json(const struct fwh_view *view, size_t n, bool all)
{
	const struct fwh_seen *seen = &view->conns[n];
	struct fwh_total leaks = seen_leaks(seen);
	size_t i;

	json_open(NULL, '{');
	put_identity(seen);
	put_state(seen);
	put_total("accepted_in", &seen->total[FWH_STEP_ACCEPT_IN]);
	put_total("accepted_out", &seen->total[FWH_STEP_ACCEPT_OUT]);
	put_total("leaks_stopped", &leaks);
	put_total("spoofs_stopped", &seen->total[FWH_STEP_GUARD_IN]);
	if (all)
		put_updown(seen);
	json_open(all ? "path" : "drift", '[');
	for (i = seen->first; i < seen->first + seen->n; i++)
		if (all || view->held[i].presence != FWH_HELD)
			held_json(&view->held[i]);
	json_close();
	json_close();
}
