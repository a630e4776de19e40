// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * event.c - the environment of one call becomes a typed event, and a text that
 * says the same.  Nobody else reads PLUTO_* variables; whatever leaves here has
 * been checked.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "event.h"

/* Openswan sends PLUTO_VERSION 1.0 to 2.0 and no reqid; strongSwan 1.1 with
 * its reqid; Libreswan none at all, and the clients' family since 5.0. */
static enum fwh_dialect find_dialect(const struct fwh_env *env)
{
	if (fwh_env_get(env, "PLUTO_VERSION"))
		return fwh_env_get(env, "PLUTO_REQID") ? FWH_STRONGSWAN :
							 FWH_OPENSWAN;
	return fwh_env_get(env, "PLUTO_CLIENT_FAMILY") ? FWH_LIBRESWAN5 :
							 FWH_LIBRESWAN4;
}

/* Absent and empty are the same: pluto passes some variables empty. */
static int read_rows(const struct fwh_env *env, struct fwh_event *ev,
		     struct fwh_err *err)
{
	size_t i;

	for (i = 0; i < fwh_event_n_rows; i++) {
		const struct row *row = &fwh_event_rows[i];
		const char *value = fwh_env_get(env, row->name);
		int ret;

		if (!value || !*value) {
			if (!(row->flags & REQUIRED))
				continue;
			return fwh_fail(err, -ENOENT, "%s is missing: expected "
					"%s; is this called by an IKE daemon?",
					row->name, row->type->expected);
		}
		ret = row->type->parse(value, ev, (char *)ev + row->offset);
		if (ret)
			return fwh_event_refuse(row->name, value,
						row->type->expected, ret, err);
	}
	return 0;
}

static int check_families(const struct fwh_event *ev, struct fwh_err *err)
{
	char a[FWH_RANGE_STRLEN], b[FWH_RANGE_STRLEN];

	if (ev->sel.local.family != ev->sel.remote.family)
		return fwh_fail(err, -EINVAL, "PLUTO_MY_CLIENT=%s, "
				"PLUTO_PEER_CLIENT=%s: expected one address "
				"family",
				fwh_range_format(&ev->sel.local, a),
				fwh_range_format(&ev->sel.remote, b));
	if (ev->me.family != ev->peer.family && !fwh_addr_is_any(&ev->peer))
		return fwh_fail(err, -EINVAL, "PLUTO_ME=%s, PLUTO_PEER=%s: "
				"expected one address family",
				fwh_addr_format(&ev->me, a),
				fwh_addr_format(&ev->peer, b));
	return 0;
}

static int parse(const struct fwh_env *env, struct fwh_event *ret,
		 struct fwh_err *err)
{
	struct fwh_event ev;
	int code;

	memset(&ev, 0, sizeof(ev));
	ev.dialect = find_dialect(env);
	code = read_rows(env, &ev, err);
	if (code)
		return code;
	code = fwh_event_read_sides(env, &ev, err);
	if (code)
		return code;
	code = check_families(&ev, err);
	if (code)
		return code;
	*ret = ev;
	return 0;
}

int fwh_event_parse(char *const vars[], struct fwh_event *ret,
		    struct fwh_err *err)
{
	struct fwh_env env;
	int code = fwh_env_index(vars, &env);

	if (code)
		return fwh_fail(err, code, "out of memory");
	code = parse(&env, ret, err);
	free(env.name_len);
	return code;
}

/* ---- writing ----------------------------------------------------------- */

/* What find_dialect() goes by. */
static void write_dialect(const struct fwh_event *ev, FILE *f)
{
	switch (ev->dialect) {
	case FWH_OPENSWAN:
		fputs("PLUTO_VERSION=2.0\n", f);
		break;
	case FWH_STRONGSWAN:
		fprintf(f, "PLUTO_VERSION=1.1\nPLUTO_REQID=%" PRIu32 "\n",
			ev->reqid);
		break;
	case FWH_LIBRESWAN5:
		fprintf(f, "PLUTO_CLIENT_FAMILY=%s\n",
			ev->sel.local.family == FWH_IPV4 ? "ipv4" : "ipv6");
		break;
	default:
		break;
	}
}

int fwh_event_write(const struct fwh_event *ev, FILE *f)
{
	size_t i;

	write_dialect(ev, f);
	for (i = 0; i < fwh_event_n_rows; i++) {
		const struct row *row = &fwh_event_rows[i];

		if (!row->type->format || row->flags & READ_ONLY)
			continue;
		/* An empty value reads back as an absent one. */
		fprintf(f, "%s=", row->name);
		row->type->format(ev, (const char *)ev + row->offset, f);
		putc('\n', f);
	}
	fwh_event_write_sides(ev, f);
	return ferror(f) ? -EIO : 0;
}
