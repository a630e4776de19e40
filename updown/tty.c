// SPDX-License-Identifier: GPL-2.0-or-later
/* tty.c - what stdout can show, and words for people. */
#include <inttypes.h>
#include <langinfo.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tty.h"

#define WIDTH_DEFAULT	80

unsigned int tty_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col ?
	       size.ws_col : WIDTH_DEFAULT;
}

bool tty_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

const char *tty_color(enum color color)
{
	static const char *const codes[COLOR_MAX] = {
		"\033[0m", "\033[1m", "\033[32m", "\033[33m", "\033[31m",
		"\033[2m",
	};
	static int on = -1;
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (on < 0)
		on = isatty(STDOUT_FILENO) && !(no && *no) && term &&
		     strcmp(term, "dumb") != 0;
	return on ? codes[color] : "";
}

const char *short_number(uint64_t n, char *buf)
{
	static const char units[] = "kMGTPE";
	uint64_t unit = 1000;
	size_t i = 0;

	if (n < 10000) {
		snprintf(buf, 24, "%" PRIu64, n);
		return buf;
	}
	while (n / unit >= 1000 && units[i + 1]) {
		unit *= 1000;
		i++;
	}
	if (n / unit < 10)
		snprintf(buf, 24, "%" PRIu64 ".%" PRIu64 "%c", n / unit,
			 n % unit / (unit / 10), units[i]);
	else
		snprintf(buf, 24, "%" PRIu64 "%c", n / unit, units[i]);
	return buf;
}

const char *short_age(uint64_t since, char *buf)
{
	static const struct { unsigned int seconds; char unit; } units[] = {
		{ 2 * 86400, 'd' }, { 2 * 3600, 'h' }, { 2 * 60, 'm' },
		{ 0, 's' },
	};
	uint64_t now = (uint64_t)time(NULL), age = now > since ? now - since : 0;
	size_t i = 0;

	if (!since) {
		strcpy(buf, "-");	/* there is room */
		return buf;
	}
	while (age < units[i].seconds)
		i++;
	snprintf(buf, 24, "%" PRIu64 "%c", units[i].seconds ?
		 age / (units[i].seconds / 2) : age, units[i].unit);
	return buf;
}

const char *long_time(uint64_t when, char *buf)
{
	time_t t = (time_t)when;
	struct tm tm;

	if (!localtime_r(&t, &tm) ||
	    !strftime(buf, 24, "%Y-%m-%d %H:%M:%S", &tm))
		strcpy(buf, "-");	/* there is room */
	return buf;
}

/* ---- connections ---- */

const char *const state_text[FWH_STATE_BLOCKED + 1] = {
	[FWH_STATE_DOWN] = "down", [FWH_STATE_ARMED] = "armed",
	[FWH_STATE_UP] = "up", [FWH_STATE_BLOCKED] = "blocked",
};

enum color state_color(enum fwh_state state)
{
	return state == FWH_STATE_UP ? GREEN :
	       state == FWH_STATE_BLOCKED ? RED : YELLOW;
}

const char *side_text(const struct fwh_selector *sel, bool local, char *buf)
{
	const struct fwh_ports *port = local ? &sel->lport : &sel->rport;
	const struct protoent *proto;
	char *p = buf;

	fwh_range_format(local ? &sel->local : &sel->remote, buf);
	if (!sel->proto)
		return buf;
	p += strlen(p);
	proto = getprotobynumber(sel->proto);
	if (proto && strlen(proto->p_name) < 12)
		p += sprintf(p, "[%s", proto->p_name);
	else
		p += sprintf(p, "[%u", sel->proto);
	if (sel->icmp_type >= 0)
		p += sprintf(p, "/%d", sel->icmp_type);
	else if (port->lo && port->lo == port->hi)
		p += sprintf(p, "/%u", port->lo);
	else if (port->lo)
		p += sprintf(p, "/%u-%u", port->lo, port->hi);
	strcpy(p, "]");
	return buf;
}

const char *traffic_text(const struct fwh_selector *sel, bool tight, char *buf)
{
	char local[FWH_RANGE_STRLEN + 32], remote[FWH_RANGE_STRLEN + 32];

	snprintf(buf, TRAFFIC_MAX, tight ? "%s=%s" : "%s === %s",
		 side_text(sel, true, local), side_text(sel, false, remote));
	return buf;
}

const char *mark_text(const struct fwh_mark *mark, char *buf)
{
	if (mark->mask)
		snprintf(buf, 24, "0x%x/0x%x", mark->value, mark->mask);
	else
		strcpy(buf, "-");	/* there is room */
	return buf;
}
