// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * event_sides.c - protocols and ports, which say something only together: two
 * sides, and ICMP's type and code.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "event.h"

/* The two sides' values, gathered before they can be judged together. */
struct sides {
	uint8_t proto[2];
	struct fwh_ports port[2];
};

static int parse_port(const char *s, struct fwh_ports *ret)
{
	const char *colon = strchr(s, ':');
	uint64_t lo, hi;
	char first[8];

	if (colon) {
		if ((size_t)(colon - s) >= sizeof(first))
			return -EINVAL;
		memcpy(first, s, (size_t)(colon - s));
		first[colon - s] = '\0';
		s = first;
	}
	if (fwh_number_parse(s, false, UINT16_MAX, &lo))
		return -EINVAL;
	hi = lo;
	if (colon && (fwh_number_parse(colon + 1, false, UINT16_MAX, &hi) ||
		      hi < lo))
		return -EINVAL;
	ret->lo = (uint16_t)lo;
	ret->hi = (uint16_t)hi;
	return 0;
}

/* ICMP type and code travel in the ports: Libreswan has type << 8 | code in
 * one (or both) of them, strongSwan (updown_listener.c, get_port()) the type
 * in MY_PORT and the code in PEER_PORT.  0 is any, to all of them. */
static int judge_icmp(const struct sides *sides, struct fwh_event *ev,
		      struct fwh_err *err)
{
	uint16_t a = sides->port[0].lo, b = sides->port[1].lo;

	if (sides->port[0].hi != a || sides->port[1].hi != b)
		return fwh_fail(err, -EINVAL, "PLUTO_MY_PORT, PLUTO_PEER_PORT: "
				"ICMP type and code expected, not a range");
	ev->sel.icmp_type = ev->sel.icmp_code = -1;
	/* ICMP's number has no types in IPv6, nor ICMPv6's in IPv4. */
	if ((ev->sel.proto == IPPROTO_ICMP) !=
	    (ev->sel.local.family == FWH_IPV4))
		return 0;
	if (ev->dialect == FWH_STRONGSWAN && a <= 255 && b <= 255) {
		if (a || b) {
			ev->sel.icmp_type = (int16_t)a;
			ev->sel.icmp_code = (int16_t)b;
		}
		return 0;
	}
	/* Each direction of its own: Libreswan's way to leave neighbour
	 * discovery in clear (58/34560 and 58/34816), and no matter of ours. */
	if (a && b && a != b && ev->flags & FWH_CONN_NEVER_NEGOTIATE)
		return 0;
	if (a && b && a != b)
		return fwh_fail(err, -EINVAL, "PLUTO_MY_PORT=%u, "
				"PLUTO_PEER_PORT=%u: one ICMP type and code "
				"expected", a, b);
	if (!a)
		a = b;
	if (a) {
		ev->sel.icmp_type = a >> 8;
		ev->sel.icmp_code = a & 255;
	}
	return 0;
}

static int judge_sides(const struct sides *sides, struct fwh_event *ev,
		       struct fwh_err *err)
{
	uint8_t a = sides->proto[0], b = sides->proto[1];
	struct fwh_selector *sel = &ev->sel;

	sel->icmp_type = sel->icmp_code = -1;
	if (a && b && a != b)
		return fwh_fail(err, -EINVAL, "PLUTO_MY_PROTOCOL=%u, "
				"PLUTO_PEER_PROTOCOL=%u: one protocol expected",
				a, b);
	sel->proto = a ? a : b;
	if (fwh_proto_is_icmp(sel->proto))
		return judge_icmp(sides, ev, err);
	if (fwh_proto_has_ports(sel->proto)) {
		sel->lport = sides->port[0];
		sel->rport = sides->port[1];
		return 0;
	}
	if (!fwh_ports_any(&sides->port[0]) || !fwh_ports_any(&sides->port[1]))
		return fwh_fail(err, -EINVAL, "PLUTO_MY_PORT=%u, "
				"PLUTO_PEER_PORT=%u: no ports expected with "
				"protocol %u", sides->port[0].lo,
				sides->port[1].lo, sel->proto);
	return 0;
}

static int read_sides(const struct fwh_env *env, struct sides *ret,
		      struct fwh_err *err)
{
	static const char *const protocol[2] = {
		"PLUTO_MY_PROTOCOL", "PLUTO_PEER_PROTOCOL"
	};
	static const char *const port[2] = { "PLUTO_MY_PORT", "PLUTO_PEER_PORT" };
	int i;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < 2; i++) {
		const char *value = fwh_env_get(env, protocol[i]);
		uint64_t n = 0;

		if (value && *value &&
		    fwh_number_parse(value, false, 255, &n))
			return fwh_event_refuse(protocol[i], value, "a protocol "
						"number, 0 to 255", -EINVAL,
						err);
		ret->proto[i] = (uint8_t)n;
		value = fwh_env_get(env, port[i]);
		if (value && *value && parse_port(value, &ret->port[i]))
			return fwh_event_refuse(port[i], value, "a port, 0 to "
						"65535, or low:high", -EINVAL,
						err);
	}
	return 0;
}

int fwh_event_read_sides(const struct fwh_env *env, struct fwh_event *ev,
			 struct fwh_err *err)
{
	struct sides sides;
	int code = read_sides(env, &sides, err);

	return code ? code : judge_sides(&sides, ev, err);
}

void fwh_event_write_sides(const struct fwh_event *ev, FILE *f)
{
	const struct fwh_selector *sel = &ev->sel;

	if (!sel->proto)
		return;
	fprintf(f, "PLUTO_MY_PROTOCOL=%u\nPLUTO_PEER_PROTOCOL=%u\n",
		sel->proto, sel->proto);
	if (sel->icmp_type >= 0 && ev->dialect == FWH_STRONGSWAN)
		fprintf(f, "PLUTO_MY_PORT=%d\nPLUTO_PEER_PORT=%d\n",
			sel->icmp_type, sel->icmp_code);
	else if (sel->icmp_type >= 0)
		fprintf(f, "PLUTO_MY_PORT=%d\n",
			sel->icmp_type << 8 | sel->icmp_code);
	else if (fwh_proto_has_ports(sel->proto))
		fprintf(f, "PLUTO_MY_PORT=%u:%u\nPLUTO_PEER_PORT=%u:%u\n",
			sel->lport.lo, sel->lport.hi, sel->rport.lo,
			sel->rport.hi);
}
