// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * event.c - the environment of one call becomes a typed event.  The only place
 * that reads PLUTO_* variables; whatever leaves here has been checked.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "internal.h"

/* The longest text that is let through to those who show it.  pluto itself
 * never sends more than 2048 bytes in all (kernel.c, updown.c). */
#define TEXT_LIMIT	4096

/* What a value can be.  Parser and formatter work on the field at the row's
 * offset; those that concern several fields get the whole event.  A parser
 * returns 0, -EINVAL or -EOPNOTSUPP.  What has no formatter is not kept. */
struct type {
	int (*parse)(const char *s, struct fwh_event *ev, void *field);
	void (*format)(const struct fwh_event *ev, const void *field, FILE *f);
	const char *expected;
};

struct row {
	const char *name;
	const struct type *type;
	size_t offset;
	unsigned int flags;
};
#define REQUIRED	1u
#define READ_ONLY	2u		/* another row is written instead */

/* ---- types of values -------------------------------------------------- */

/* Well-formed UTF-8 (RFC 3629) without control characters. */
static bool is_text(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		uint32_t c = *p, min;
		int more;

		if (c < ' ' || c == 0x7f)
			return false;
		if (c < 0x80)
			more = 0, min = 0;
		else if (c >= 0xc2 && c < 0xe0)
			more = 1, min = 0x80, c &= 0x1f;
		else if (c >= 0xe0 && c < 0xf0)
			more = 2, min = 0x800, c &= 0x0f;
		else if (c >= 0xf0 && c < 0xf5)
			more = 3, min = 0x10000, c &= 0x07;
		else
			return false;
		for (p++; more; more--, p++) {
			if ((*p & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*p & 0x3f);
		}
		if (c < min || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
	}
	return true;
}

_Static_assert(FWH_CONN_MAX == 1024, "type_conn says so");

static int parse_conn(const char *s, struct fwh_event *ev, void *field)
{
	(void)field;
	if (!*s || strlen(s) >= sizeof(ev->conn) || !is_text(s))
		return -EINVAL;
	strcpy(ev->conn, s);	/* the length was checked */
	return 0;
}

static void format_conn(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)field;
	fputs(ev->conn, f);
}

static const struct type type_conn = {
	parse_conn, format_conn,
	"a name of 1 to 1023 bytes, UTF-8 without control characters"
};

static int parse_addr(const char *s, struct fwh_event *ev, void *field)
{
	(void)ev;
	return fwh_addr_parse(s, field);
}

/* A template's peer is not known yet. */
static int parse_peer(const char *s, struct fwh_event *ev, void *field)
{
	struct fwh_addr any = { .family = ev->me.family };

	if (!strcmp(s, "%any") || !strcmp(s, "<invalid>")) {
		*(struct fwh_addr *)field = any;
		return 0;
	}
	return fwh_addr_parse(s, field);
}

/* The any address is none, of whichever family. */
static int parse_optional_addr(const char *s, struct fwh_event *ev, void *field)
{
	struct fwh_addr addr;
	int code = parse_peer(s, ev, &addr);

	if (!code && !fwh_addr_is_any(&addr))
		*(struct fwh_addr *)field = addr;
	return code;
}

static void format_addr(const struct fwh_event *ev, const void *field, FILE *f)
{
	char buf[FWH_ADDR_STRLEN];

	(void)ev;
	fputs(fwh_addr_format(field, buf), f);
}

static void format_optional_addr(const struct fwh_event *ev,
				 const void *field, FILE *f)
{
	if (!fwh_addr_is_any(field))
		format_addr(ev, field, f);
}

#define ADDRESS	"an IPv4 or IPv6 address"
static const struct type type_addr = { parse_addr, format_addr, ADDRESS };
static const struct type type_peer = { parse_peer, format_addr, ADDRESS };
static const struct type type_optional_addr = {
	parse_optional_addr, format_optional_addr, ADDRESS
};

/* With host bits, and a length that leaves some. */
static int parse_ifaddr(const char *s, struct fwh_event *ev, void *field)
{
	const char *slash = strchr(s, '/');
	struct fwh_ifaddr *ret = field, ifaddr;
	char addr[FWH_ADDR_STRLEN];
	uint64_t len;

	(void)ev;
	if (!slash || (size_t)(slash - s) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, s, (size_t)(slash - s));
	addr[slash - s] = '\0';
	if (fwh_addr_parse(addr, &ifaddr.addr) ||
	    fwh_number_parse(slash + 1, false,
			     fwh_family_bits(ifaddr.addr.family), &len) || !len)
		return -EINVAL;
	ifaddr.len = (uint8_t)len;
	*ret = ifaddr;
	return 0;
}

static void format_ifaddr(const struct fwh_event *ev, const void *field,
			  FILE *f)
{
	const struct fwh_ifaddr *ifaddr = field;
	char buf[FWH_ADDR_STRLEN];

	(void)ev;
	if (ifaddr->len)
		fprintf(f, "%s/%u", fwh_addr_format(&ifaddr->addr, buf),
			ifaddr->len);
}

static const struct type type_ifaddr = {
	parse_ifaddr, format_ifaddr, "address/length"
};

static int parse_range(const char *s, struct fwh_event *ev, void *field)
{
	(void)ev;
	return fwh_range_parse(s, field);
}

static void format_range(const struct fwh_event *ev, const void *field, FILE *f)
{
	char buf[FWH_RANGE_STRLEN];

	(void)ev;
	fputs(fwh_range_format(field, buf), f);
}

static const struct type type_range = {
	parse_range, format_range,
	"address/length without host bits, or first-last"
};

static int parse_u64(const char *s, struct fwh_event *ev, void *field)
{
	(void)ev;
	return fwh_number_parse(s, false, UINT64_MAX, field);
}

#define NUMBER	"a decimal number"
static const struct type type_u64 = { parse_u64, NULL, NUMBER };

static int parse_u32(const char *s, struct fwh_event *ev, void *field)
{
	uint64_t n;

	(void)ev;
	if (fwh_number_parse(s, true, UINT32_MAX, &n))
		return -EINVAL;
	*(uint32_t *)field = (uint32_t)n;
	return 0;
}

static void format_u32(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)ev;
	if (*(const uint32_t *)field)
		fprintf(f, "%" PRIu32, *(const uint32_t *)field);
}

static const struct type type_u32 = { parse_u32, format_u32, NUMBER };
static const struct type type_spi = { parse_u32, format_u32, "an SPI" };

static int parse_u16(const char *s, struct fwh_event *ev, void *field)
{
	uint64_t n;

	(void)ev;
	if (fwh_number_parse(s, false, UINT16_MAX, &n))
		return -EINVAL;
	*(uint16_t *)field = (uint16_t)n;
	return 0;
}

static void format_u16(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)ev;
	if (*(const uint16_t *)field)
		fprintf(f, "%u", *(const uint16_t *)field);
}

static const struct type type_port = { parse_u16, format_u16, "a port" };
static const struct type type_group = {
	parse_u16, format_u16, "a group, 1 to 65535"
};

static int parse_flag(const char *s, struct fwh_event *ev, void *field)
{
	(void)ev;
	if (!strcmp(s, "1") || !strcmp(s, "yes") || !strcmp(s, "YES"))
		*(bool *)field = true;
	else if (!strcmp(s, "0") || !strcmp(s, "no"))
		*(bool *)field = false;
	else
		return -EINVAL;
	return 0;
}

static void format_flag(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)ev;
	if (*(const bool *)field)
		fputs("1", f);
}

static const struct type type_flag = { parse_flag, format_flag, "0 or 1" };

/* A mask of 0 compares nothing: none, whatever the value. */
static int parse_mark(const char *s, struct fwh_event *ev, void *field)
{
	struct fwh_mark mark;

	(void)ev;
	if (fwh_mark_parse(s, &mark))
		return -EINVAL;
	if (mark.mask)
		*(struct fwh_mark *)field = mark;
	return 0;
}

static void format_mark(const struct fwh_event *ev, const void *field, FILE *f)
{
	const struct fwh_mark *mark = field;

	(void)ev;
	if (mark->mask)
		fprintf(f, "0x%" PRIx32 "/0x%" PRIx32, mark->value, mark->mask);
}

static const struct type type_mark = { parse_mark, format_mark, "value/mask" };

/* pluto writes the literal NULL where there is no interface. */
static int parse_iface(const char *s, struct fwh_event *ev, void *field)
{
	(void)ev;
	if (!strcmp(s, "NULL") || !strcmp(s, "unknown"))
		return 0;
	return fwh_ifname_parse(s, field);
}

static void format_iface(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)ev;
	fputs(field, f);
}

static const struct type type_iface = {
	parse_iface, format_iface, "an interface name"
};

static int parse_text(const char *s, struct fwh_event *ev, void *field)
{
	(void)ev;
	if (strlen(s) > TEXT_LIMIT || !is_text(s))
		return -EINVAL;
	*(const char **)field = s;
	return 0;
}

static const struct type type_text = {
	parse_text, NULL, "UTF-8 without control characters, at most 4096 bytes"
};
_Static_assert(TEXT_LIMIT == 4096, "type_text says so");

/* ---- words ------------------------------------------------------------ */

struct word {
	const char *name;
	unsigned int value;
};

/* 0 if the word is not in the list. */
static unsigned int find_word(const struct word *list, size_t n,
			      const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(list[i].name) == len && !memcmp(list[i].name, s, len))
			return list[i].value;
	return 0;
}

#define VERB_SUFFIX	(1u << 16)
static const struct word verb_words[] = {
	{ "prepare", FWH_PREPARE },
	{ "route", FWH_ROUTE },
	{ "up", FWH_UP },
	{ "down", FWH_DOWN },
	{ "unroute", FWH_UNROUTE },
	{ "disconnectNM", FWH_VERB_OTHER },	/* Libreswan 4, cisco + NM */
	{ "updateresolvconf", FWH_VERB_OTHER },	/* Openswan */
	{ "restoreresolvconf", FWH_VERB_OTHER },
	{ "host", VERB_SUFFIX },
	{ "client", VERB_SUFFIX },
	{ "v6", VERB_SUFFIX },
};

/* "up-client-v6", "prepare-route-up": verbs, then suffixes.  The suffixes say
 * nothing that the selectors don't say better (4.x takes the family of the
 * gateways, 5.x that of the clients). */
static int parse_verb(const char *s, struct fwh_event *ev, void *field)
{
	const char *p = s;
	bool suffix = false;

	(void)field;
	ev->verbs = 0;
	for (;;) {
		size_t n = strcspn(p, "-");
		unsigned int word = find_word(verb_words,
					      ARRAY_SIZE(verb_words), p, n);

		if (!word || (suffix && word != VERB_SUFFIX))
			return -EOPNOTSUPP;
		if (word == VERB_SUFFIX)
			suffix = true;
		else
			ev->verbs |= word;
		if (!p[n])
			break;
		p += n + 1;
	}
	if (!ev->verbs || strlen(s) >= sizeof(ev->verb) ||
	    ((ev->verbs & (FWH_PREPARE | FWH_ROUTE | FWH_UP)) &&
	     (ev->verbs & (FWH_DOWN | FWH_UNROUTE))))
		return -EOPNOTSUPP;
	strcpy(ev->verb, s);	/* the length was checked */
	return 0;
}

static void format_verb(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)field;
	fputs(ev->verb, f);
}

static const struct type type_verb = {
	parse_verb, format_verb,
	"prepare, route, up, down or unroute, -host or -client, -v6"
};

/* Libreswan 4.10 constants.c, 5.x connections.c */
enum { KIND_PERMANENT = 1, KIND_INSTANCE, KIND_TEMPLATE, KIND_GOING_AWAY };
static const struct word kind_words[] = {
	{ "CK_PERMANENT", KIND_PERMANENT },
	{ "CK_INSTANCE", KIND_INSTANCE },
	{ "CK_TEMPLATE", KIND_TEMPLATE },
	{ "CK_GROUP", KIND_TEMPLATE },
	{ "CK_GROUPINSTANCE", KIND_TEMPLATE },
	{ "CK_GOING_AWAY", KIND_GOING_AWAY },
	{ "CK_LABELED_TEMPLATE", KIND_TEMPLATE },
	{ "CK_LABELED_PARENT", KIND_PERMANENT },
	{ "CK_LABELED_CHILD", KIND_INSTANCE },
};

static int parse_kind(const char *s, struct fwh_event *ev, void *field)
{
	unsigned int kind = find_word(kind_words, ARRAY_SIZE(kind_words), s,
				      strlen(s));

	(void)field;
	if (!kind)
		return -EINVAL;
	ev->instance = kind == KIND_INSTANCE;
	ev->tmpl = kind == KIND_TEMPLATE;
	ev->going_away = kind == KIND_GOING_AWAY;
	return 0;
}

static void format_kind(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)field;
	fputs(ev->instance ? "CK_INSTANCE" : ev->tmpl ? "CK_TEMPLATE" :
	      ev->going_away ? "CK_GOING_AWAY" : "CK_PERMANENT", f);
}

static const struct type type_conn_kind = { parse_kind, format_kind, "CK_..." };

static const struct word policy_words[] = {
	{ "NEVER_NEGOTIATE", FWH_CONN_NEVER_NEGOTIATE },
	{ "PASS", FWH_CONN_PASS },
	{ "OPPORTUNISTIC", FWH_CONN_OPPORTUNISTIC },
	{ "NEGO_PASS", FWH_CONN_NEGO_PASS },
	{ "failurePASS", FWH_CONN_FAILURE_PASS },
	{ "MOBIKE", FWH_CONN_MOBIKE },
	{ "UP", FWH_CONN_UP },
	{ "ROUTE", FWH_CONN_ROUTE },
	{ "COMPRESS", FWH_CONN_COMPRESS },
};

/* "IKEv2+PSK+ENCRYPT+...": words that are not ours are the daemon's matter,
 * but the form has to be right. */
static int parse_policy(const char *s, struct fwh_event *ev, void *field)
{
	(void)field;
	ev->flags = 0;
	if (!is_text(s) || strlen(s) > TEXT_LIMIT)
		return -EINVAL;
	for (;;) {
		size_t n = strcspn(s, "+");

		ev->flags |= find_word(policy_words, ARRAY_SIZE(policy_words),
				       s, n);
		if (!s[n])
			return 0;
		s += n + 1;
	}
}

static void format_policy(const struct fwh_event *ev, const void *field,
			  FILE *f)
{
	const char *sep = "";
	size_t i;

	(void)field;
	for (i = 0; i < ARRAY_SIZE(policy_words); i++) {
		if (!(ev->flags & policy_words[i].value))
			continue;
		fprintf(f, "%s%s", sep, policy_words[i].name);
		sep = "+";
	}
}

static const struct type type_policy = {
	parse_policy, format_policy, "words joined by +"
};

static const struct word mode_words[] = {
	{ "tunnel", FWH_TUNNEL },
	{ "transport", FWH_TRANSPORT },
	{ "beet", FWH_BEET },
};

static int parse_mode(const char *s, struct fwh_event *ev, void *field)
{
	(void)field;
	ev->mode = find_word(mode_words, ARRAY_SIZE(mode_words), s, strlen(s));
	return ev->mode == FWH_MODE_UNKNOWN ? -EINVAL : 0;
}

static void format_mode(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)field;
	if (ev->mode != FWH_MODE_UNKNOWN)
		fputs(mode_words[ev->mode - 1].name, f);
}

static const struct type type_mode = {
	parse_mode, format_mode, "tunnel or transport"
};

#define SA_TYPE_NONE	256
static const struct word sa_type_words[] = {
	{ "ESP", IPPROTO_ESP }, { "AH", IPPROTO_AH }, { "IPCOMP", IPPROTO_COMP },
	{ "esp", IPPROTO_ESP }, { "ah", IPPROTO_AH },
	{ "none", SA_TYPE_NONE }, { "unknown?", SA_TYPE_NONE },
};

static int parse_sa_type(const char *s, struct fwh_event *ev, void *field)
{
	unsigned int type = find_word(sa_type_words, ARRAY_SIZE(sa_type_words),
				      s, strlen(s));

	(void)field;
	if (!type)
		return -EINVAL;
	ev->ipproto = type == SA_TYPE_NONE ? 0 : (uint8_t)type;
	return 0;
}

static void format_sa_type(const struct fwh_event *ev, const void *field,
			   FILE *f)
{
	(void)field;
	fputs(ev->ipproto == IPPROTO_ESP ? "ESP" : ev->ipproto == IPPROTO_AH ?
	      "AH" : ev->ipproto == IPPROTO_COMP ? "IPCOMP" : "none", f);
}

static const struct type type_sa_type = {
	parse_sa_type, format_sa_type, "ESP, AH, IPCOMP or none"
};
static const struct type type_proto = { parse_sa_type, NULL, "esp or ah" };

/* ---- protocols and ports ---------------------------------------------- */

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

/* ---- the table --------------------------------------------------------- */

#define FIELD(member)	offsetof(struct fwh_event, member)

static const struct row rows[] = {
	{ "PLUTO_VERB", &type_verb, 0, REQUIRED },
	{ "PLUTO_CONNECTION", &type_conn, 0, REQUIRED },
	{ "PLUTO_CONN_KIND", &type_conn_kind, 0, 0 },
	{ "PLUTO_CONN_POLICY", &type_policy, 0, 0 },
	{ "PLUTO_CONNECTION_TYPE", &type_mode, 0, 0 },
	{ "PLUTO_ME", &type_addr, FIELD(me), REQUIRED },
	{ "PLUTO_PEER", &type_peer, FIELD(peer), REQUIRED },
	{ "PLUTO_MY_CLIENT", &type_range, FIELD(sel.local), REQUIRED },
	{ "PLUTO_PEER_CLIENT", &type_range, FIELD(sel.remote), REQUIRED },
	{ "PLUTO_INTERFACE", &type_iface, FIELD(iface), 0 },
	{ "PLUTO_VIRT_INTERFACE", &type_iface, FIELD(virt_iface), 0 },
	{ "PLUTO_XFRMI_ROUTE", &type_flag, FIELD(xfrmi_route), 0 },
	{ "INTERFACE_IP", &type_ifaddr, FIELD(interface_ip), 0 },
	{ "VTI_IFACE", &type_iface, FIELD(vti_iface), 0 },
	{ "VTI_IP", &type_ifaddr, FIELD(vti_ip), 0 },
	{ "VTI_ROUTING", &type_flag, FIELD(vti_routing), 0 },
	{ "VTI_SHARED", &type_flag, FIELD(vti_shared), 0 },
	{ "PLUTO_SA_TYPE", &type_sa_type, 0, 0 },
	{ "PLUTO_PROTO", &type_proto, 0, 0 },
	{ "PLUTO_SA_REQID", &type_u32, FIELD(reqid), 0 },
	{ "PLUTO_REQID", &type_u32, FIELD(reqid), READ_ONLY },
	{ "SPI_IN", &type_spi, FIELD(spi[0]), 0 },
	{ "SPI_OUT", &type_spi, FIELD(spi[1]), 0 },
	{ "CONNMARK_IN", &type_mark, FIELD(mark_in), 0 },
	{ "CONNMARK_OUT", &type_mark, FIELD(mark_out), 0 },
	{ "PLUTO_MARK_IN", &type_mark, FIELD(mark_in), READ_ONLY },
	{ "PLUTO_MARK_OUT", &type_mark, FIELD(mark_out), READ_ONLY },
	{ "PLUTO_XFRMI_FWMARK", &type_mark, FIELD(xfrmi_fwmark), 0 },
	{ "PLUTO_IF_ID_IN", &type_u32, FIELD(if_id_in), 0 },
	{ "PLUTO_IF_ID_OUT", &type_u32, FIELD(if_id_out), 0 },
	{ "PLUTO_UNIQUEID", &type_u32, FIELD(unique_id), 0 },
	{ "PLUTO_UDP_ENC", &type_port, FIELD(encap_port), 0 },
	{ "PLUTO_IPCOMP", &type_flag, FIELD(ipcomp), 0 },
	{ "PLUTO_HOST_ACCESS", &type_flag, FIELD(host_access), 0 },
	{ "XAUTH_FAILED", &type_flag, FIELD(xauth_failed), 0 },
	{ "PLUTO_MOBIKE_EVENT", &type_flag, FIELD(mobike_event), 0 },
	{ "CAT", &type_flag, FIELD(cat), 0 },
	{ "PLUTO_CFG_CLIENT", &type_flag, FIELD(cfg_client), 0 },
	{ "PLUTO_CFG_SERVER", &type_flag, FIELD(cfg_server), 0 },
	{ "PLUTO_IS_PEER_CISCO", &type_flag, FIELD(peer_cisco), 0 },
	{ "PLUTO_NM_CONFIGURED", &type_flag, FIELD(nm_configured), 0 },
	{ "NFLOG", &type_group, FIELD(nflog_group), 0 },
	{ "PLUTO_NEXT_HOP", &type_optional_addr, FIELD(next_hop), 0 },
	{ "PLUTO_MY_SOURCEIP", &type_optional_addr, FIELD(source_ip), 0 },
	{ "PLUTO_METRIC", &type_u32, FIELD(metric), 0 },
	{ "PLUTO_MTU", &type_u32, FIELD(mtu), 0 },
	{ "PLUTO_ADDTIME", &type_u64, FIELD(add_time), 0 },
	{ "PLUTO_INBYTES", &type_u64, FIELD(in_bytes), 0 },
	{ "PLUTO_OUTBYTES", &type_u64, FIELD(out_bytes), 0 },
	{ "PLUTO_MY_ID", &type_text, FIELD(text[FWH_TEXT_MY_ID]), 0 },
	{ "PLUTO_PEER_ID", &type_text, FIELD(text[FWH_TEXT_PEER_ID]), 0 },
	{ "PLUTO_PEER_CA", &type_text, FIELD(text[FWH_TEXT_PEER_CA]), 0 },
	{ "PLUTO_USERNAME", &type_text, FIELD(text[FWH_TEXT_USERNAME]), 0 },
	{ "PLUTO_XAUTH_USERNAME", &type_text, FIELD(text[FWH_TEXT_USERNAME]),
	  0 },
	{ "PLUTO_XAUTH_ID", &type_text, FIELD(text[FWH_TEXT_USERNAME]), 0 },
	{ "PLUTO_PEER_DNS_INFO", &type_text, FIELD(text[FWH_TEXT_DNS]), 0 },
	{ "PLUTO_CISCO_DNS_INFO", &type_text, FIELD(text[FWH_TEXT_DNS]), 0 },
	{ "PLUTO_PEER_DOMAIN_INFO", &type_text, FIELD(text[FWH_TEXT_DOMAINS]),
	  0 },
	{ "PLUTO_CISCO_DOMAIN_INFO", &type_text, FIELD(text[FWH_TEXT_DOMAINS]),
	  0 },
	{ "PLUTO_PEER_BANNER", &type_text, FIELD(text[FWH_TEXT_BANNER]), 0 },
};

static const char *env_get(char *const env[], const char *name)
{
	size_t n = strlen(name);

	for (; *env; env++)
		if (!strncmp(*env, name, n) && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

/* Openswan sends PLUTO_VERSION 1.0 to 2.0 and no reqid; strongSwan 1.1 with
 * its reqid; Libreswan none at all, and the clients' family since 5.0. */
static enum fwh_dialect find_dialect(char *const env[])
{
	if (env_get(env, "PLUTO_VERSION"))
		return env_get(env, "PLUTO_REQID") ? FWH_STRONGSWAN :
						     FWH_OPENSWAN;
	return env_get(env, "PLUTO_CLIENT_FAMILY") ? FWH_LIBRESWAN5 :
						     FWH_LIBRESWAN4;
}

static int refuse(const char *name, const char *value, const char *expected,
		  int code, struct fwh_err *err)
{
	char shown[120];

	return fwh_fail(err, code, "%s=%s: expected %s", name,
			fwh_printable(value, shown, sizeof(shown)), expected);
}

/* Absent and empty are the same: pluto passes some variables empty. */
static int read_rows(char *const env[], struct fwh_event *ev,
		     struct fwh_err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		const char *value = env_get(env, row->name);
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
			return refuse(row->name, value, row->type->expected,
				      ret, err);
	}
	return 0;
}

static int read_sides(char *const env[], struct sides *ret,
		      struct fwh_err *err)
{
	static const char *const protocol[2] = {
		"PLUTO_MY_PROTOCOL", "PLUTO_PEER_PROTOCOL"
	};
	static const char *const port[2] = { "PLUTO_MY_PORT", "PLUTO_PEER_PORT" };
	int i;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < 2; i++) {
		const char *value = env_get(env, protocol[i]);
		uint64_t n = 0;

		if (value && *value &&
		    fwh_number_parse(value, false, 255, &n))
			return refuse(protocol[i], value,
				      "a protocol number, 0 to 255", -EINVAL,
				      err);
		ret->proto[i] = (uint8_t)n;
		value = env_get(env, port[i]);
		if (value && *value && parse_port(value, &ret->port[i]))
			return refuse(port[i], value,
				      "a port, 0 to 65535, or low:high",
				      -EINVAL, err);
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

int fwh_event_parse(char *const env[], struct fwh_event *ret,
		    struct fwh_err *err)
{
	struct fwh_event ev;
	struct sides sides;
	int code;

	memset(&ev, 0, sizeof(ev));
	ev.dialect = find_dialect(env);
	code = read_rows(env, &ev, err);
	if (code)
		return code;
	code = read_sides(env, &sides, err);
	if (code)
		return code;
	code = judge_sides(&sides, &ev, err);
	if (code)
		return code;
	code = check_families(&ev, err);
	if (code)
		return code;
	*ret = ev;
	return 0;
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

static void write_ports(const struct fwh_event *ev, FILE *f)
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

int fwh_event_write(const struct fwh_event *ev, FILE *f)
{
	size_t i;

	write_dialect(ev, f);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		if (!row->type->format || row->flags & READ_ONLY)
			continue;
		/* An empty value reads back as an absent one. */
		fprintf(f, "%s=", row->name);
		row->type->format(ev, (const char *)ev + row->offset, f);
		putc('\n', f);
	}
	write_ports(ev, f);
	return ferror(f) ? -EIO : 0;
}

/* ---- identity ----------------------------------------------------------- */

/* FNV-1a with a final mix (so that the low bits depend on every byte).  It
 * names chains; what grants access is the text behind it, which is compared. */
static uint64_t hash_text(const char *s)
{
	uint64_t h = FWH_HASH_START;

	fwh_hash_bytes(&h, s, strlen(s));
	h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
	return h ^ h >> 33;
}

/* No l and o, which people read as 1 and 0. */
const char fwh_hash_digits[33] = "abcdefghijkmnpqrstuvwxyz23456789";

static void put_hash(uint64_t h, struct fwh_key *key)
{
	size_t i;

	key->lock = h & (((uint64_t)1 << 40) - 1);
	for (i = 0; i < 8; i++, h >>= 5)
		key->hash[i] = fwh_hash_digits[h & 31];
	key->hash[8] = '\0';
}

uint64_t fwh_hash_lock(const char *hash)
{
	uint64_t h = 0;
	size_t i;

	for (i = 8; i-- > 0;) {
		const char *digit = strchr(fwh_hash_digits, hash[i]);

		h = h << 5 | (digit ? (uint64_t)(digit - fwh_hash_digits) & 31 : 0);
	}
	return h;
}

/* No dot in front: the record's file would be a hidden one. */
static void put_stem(struct fwh_key *key)
{
	size_t i;

	for (i = 0; key->conn[i] && i < sizeof(key->stem) - 1; i++) {
		char c = key->conn[i];

		key->stem[i] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || (c == '.' && i > 0) ?
			       c : '_';
	}
	key->stem[i] = '\0';
}

void fwh_event_key(const struct fwh_event *ev, struct fwh_key *ret)
{
	const struct fwh_selector *sel = &ev->sel;
	char local[FWH_RANGE_STRLEN], remote[FWH_RANGE_STRLEN];
	int n;

	memset(ret, 0, sizeof(*ret));
	strcpy(ret->conn, ev->conn);	/* of one size */
	n = snprintf(ret->text, sizeof(ret->text),
		     "%s %s %u %u:%u %u:%u %d/%d %" PRIu32 " %s",
		     fwh_range_format(&sel->local, local),
		     fwh_range_format(&sel->remote, remote), sel->proto,
		     sel->lport.lo, sel->lport.hi, sel->rport.lo, sel->rport.hi,
		     sel->icmp_type, sel->icmp_code, ev->if_id_in, ev->conn);
	assert(n > 0 && (size_t)n < sizeof(ret->text));
	(void)n;
	put_hash(hash_text(ret->text), ret);
	put_stem(ret);
}
