// SPDX-License-Identifier: GPL-2.0-or-later
/* test_ip.c - routes, addresses, rules and devices: which a connection has at
 * which level, how they read, and who is to see to them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "env.h"
#include "ip.h"

static struct fwh_settings settings = { .proxy_arp = true };

#define SOURCE	"PLUTO_MY_SOURCEIP=192.0.1.77"
#define XFRMI	"PLUTO_VIRT_INTERFACE=ipsec1\nPLUTO_XFRMI_ROUTE=yes"
#define VTI	"VTI_IFACE=vti0\nCONNMARK_IN=5/0xffffffff\nCONNMARK_OUT=6/0xffffffff"
#define LEASE	"PLUTO_MY_CLIENT=0.0.0.0/0\nPLUTO_PEER_CLIENT=192.0.1.200/32"

#define UP	FWH_LEVEL_UP
#define ROUTED	FWH_LEVEL_ROUTED
#define MOVING	FWH_LEVEL_MOVING

/* ---- plans ---------------------------------------------------------------------- */

static const struct plan_row {
	enum fwh_dialect dialect;
	const char *lines;
	unsigned int level;
	struct fwh_ip_facts facts;
	const char *expected;		/* an object a line */
} plan_rows[] = {
	{ FWH_LIBRESWAN4, "", UP, { .dev = "w0" }, "" },
	{ FWH_LIBRESWAN4, "", 0, { .wanted = true }, "" },
	{ FWH_LIBRESWAN4, "", ROUTED, { .wanted = true },
	  "route 192.0.2.0/24 dev w0\n" },
	{ FWH_LIBRESWAN4, SOURCE, 0, { .dev = "w0" }, "" },
	{ FWH_LIBRESWAN4, SOURCE, UP, { .dev = "w9" },
	  "address 192.0.1.77/32 dev lo scope 50\n"
	  "route 192.0.2.0/24 dev w9 src 192.0.1.77\n" },
	{ FWH_LIBRESWAN4, SOURCE, MOVING, { .dev = "w9" },
	  "address 192.0.1.77/32 dev lo scope 50\n" },
	{ FWH_LIBRESWAN4, SOURCE, UP, { .source_local = true },
	  "route 192.0.2.0/24 dev w0 src 192.0.1.77\n" },
	{ FWH_LIBRESWAN4, "PLUTO_METRIC=7", UP, { .dev = "w0" }, "" },
	{ FWH_LIBRESWAN4, "PLUTO_MTU=1400\nPLUTO_METRIC=7\n"
	  "PLUTO_NEXT_HOP=198.51.100.9", UP, { .dev = "w0" },
	  "route 192.0.2.0/24 via 198.51.100.9 dev w0 mtu 1400 metric 7\n" },
	{ FWH_LIBRESWAN4, "PLUTO_MTU=1400\nPLUTO_NEXT_HOP=198.51.100.9", UP,
	  { .onlink = true },
	  "route 192.0.2.0/24 via 198.51.100.9 dev w0 onlink mtu 1400\n" },
	{ FWH_LIBRESWAN4, "PLUTO_MTU=1400\nPLUTO_NEXT_HOP=198.51.100.9", UP,
	  { .point_to_point = true }, "route 192.0.2.0/24 dev w0 mtu 1400\n" },
	{ FWH_LIBRESWAN4, "PLUTO_MTU=1400\nPLUTO_INTERFACE=", UP,
	  { .dev = "" }, "" },
	/* Default routes */
	{ FWH_LIBRESWAN5, "PLUTO_PEER_CLIENT=0.0.0.0/0\nPLUTO_MTU=1400", UP,
	  { .dev = "w0" },
	  "route 0.0.0.0/1 dev w0 mtu 1400\nroute 128.0.0.0/1 dev w0 mtu 1400\n" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_CLIENT=2001:db8:1::/64\n"
	  "PLUTO_PEER_CLIENT=::/0\nPLUTO_MTU=1400", UP, { .dev = "w0" },
	  "route ::/1 dev w0 mtu 1400\nroute 8000::/1 dev w0 mtu 1400\n" },
	/* Ranges and families */
	{ FWH_LIBRESWAN5, "PLUTO_PEER_CLIENT=192.0.2.5-192.0.2.8\n"
	  "PLUTO_MTU=1400", UP, { .dev = "w0" },
	  "route 192.0.2.5/32 dev w0 mtu 1400\n"
	  "route 192.0.2.6/31 dev w0 mtu 1400\n"
	  "route 192.0.2.8/32 dev w0 mtu 1400\n" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_CLIENT=2001:db8:1::/64\n"
	  "PLUTO_PEER_CLIENT=2001:db8:2::/64\nPLUTO_NEXT_HOP=198.51.100.9\n"
	  "PLUTO_MY_SOURCEIP=2001:db8:1::7", UP, { .dev = "w0" },
	  "address 2001:db8:1::7/128 dev lo\n"
	  "route 2001:db8:2::/64 dev w0 src 2001:db8:1::7\n" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_CLIENT=2001:db8:1::/64\n"
	  "PLUTO_PEER_CLIENT=2001:db8:2::/64\n" SOURCE, UP, { .dev = "w0" },
	  "address 192.0.1.77/32 dev lo scope 50\n"
	  "route 2001:db8:2::/64 dev w0\n" },
	/* XFRM interfaces */
	{ FWH_LIBRESWAN4, XFRMI "\n" SOURCE, UP, { .dev = "w0" },
	  "address 192.0.1.77/32 dev ipsec1 scope 50\n"
	  "route 192.0.2.0/24 dev ipsec1 src 192.0.1.77\n" },
	{ FWH_LIBRESWAN4, XFRMI "\n" SOURCE, ROUTED, { .no_device = true }, "" },
	{ FWH_LIBRESWAN4, XFRMI "\n" SOURCE, UP | ROUTED, { .no_device = true },
	  "address 192.0.1.77/32 dev ipsec1 scope 50\n"
	  "route 192.0.2.0/24 dev ipsec1 src 192.0.1.77\n" },
	{ FWH_LIBRESWAN4, XFRMI "\nINTERFACE_IP=192.0.9.1/24", UP, { .dev = "w0" },
	  "address 192.0.9.1/24 dev ipsec1\nroute 192.0.2.0/24 dev ipsec1\n" },
	{ FWH_LIBRESWAN5, XFRMI "\nINTERFACE_IP=192.0.9.1/24\n" SOURCE, UP,
	  { .dev = "w0" }, "route 192.0.2.0/24 dev ipsec1 src 192.0.1.77\n" },
	{ FWH_LIBRESWAN5, XFRMI, UP, { .wanted = true },
	  "route 192.0.2.0/24 dev ipsec1\n" },
	{ FWH_LIBRESWAN5, XFRMI "\nPLUTO_PEER_CLIENT=192.0.1.0/24", UP,
	  { .wanted = true }, "" },
	{ FWH_LIBRESWAN4, XFRMI "\nPLUTO_PEER_CLIENT=0.0.0.0/0\n"
	  "PLUTO_XFRMI_FWMARK=1/0xffffffff\nPLUTO_METRIC=7", UP, { .dev = "w0" },
	  "route 0.0.0.0/1 dev ipsec1 metric 7\n"
	  "route 128.0.0.0/1 dev ipsec1 metric 7\n"
	  "route 198.51.100.2/32 dev w0 table 50\n"
	  "rule 0.0.0.0/0 fwmark 0x1/0xffffffff priority 100 table 50\n" },
	{ FWH_LIBRESWAN5, XFRMI "\nPLUTO_PEER_CLIENT=198.51.100.0/24\n"
	  "PLUTO_XFRMI_FWMARK=1/0xff\nPLUTO_METRIC=7\n"
	  "PLUTO_NEXT_HOP=198.51.100.9", UP, { .dev = "ipsec1" },
	  "route 198.51.100.0/24 dev ipsec1 metric 7\n"
	  "route 198.51.100.2/32 via 198.51.100.9 dev w0 metric 7 table 50\n"
	  "rule 198.51.100.0/24 fwmark 0x1/0xff priority 100 table 50\n" },
	{ FWH_LIBRESWAN4, "PLUTO_XFRMI_FWMARK=1/0xff", UP, { .dev = "w0" }, "" },
	/* VTI */
	{ FWH_LIBRESWAN4, VTI "\nVTI_ROUTING=yes\nVTI_IP=192.0.9.1/24\n" SOURCE,
	  UP, { .dev = "w0" },
	  "link local 198.51.100.1 remote 198.51.100.2 ikey 5 okey 6 dev vti0\n"
	  "address 192.0.1.77/32 dev vti0 scope 50\n"
	  "address 192.0.9.1/24 dev vti0\n"
	  "route 192.0.2.0/24 dev vti0 src 192.0.1.77\n" },
	{ FWH_LIBRESWAN4, VTI "\nVTI_ROUTING=no\nVTI_SHARED=yes", UP,
	  { .dev = "w0" }, "link local 198.51.100.1 remote 0.0.0.0 ikey 5 "
	  "okey 6 shared dev vti0\n" },
	{ FWH_LIBRESWAN4, VTI "\nPLUTO_CONN_KIND=CK_INSTANCE", UP,
	  { .dev = "w0" },
	  "link local 198.51.100.1 remote 0.0.0.0 ikey 5 okey 6 dev vti0\n" },
	{ FWH_LIBRESWAN4, "VTI_IFACE=vti0\nVTI_ROUTING=yes", UP,
	  { .dev = "w0" }, "" },
	/* Proxy ARP */
	{ FWH_LIBRESWAN4, LEASE, UP, { .proxy_dev = "l1" },
	  "route 192.0.1.200/32 dev w0\nproxy 192.0.1.200/32 dev l1\n" },
	/* A template's peer is not known */
	{ FWH_LIBRESWAN4, "PLUTO_MTU=1400\nPLUTO_PEER=%any", ROUTED,
	  { .dev = "w0" },
	  "route 192.0.2.0/24 via 198.51.100.2 dev w0 mtu 1400\n" },
};

static void describe(const struct fwh_ip_plan *plan, char *ret, size_t size)
{
	char text[FWH_IP_TEXT_MAX];
	size_t i, n = 0;

	*ret = '\0';
	for (i = 0; i < plan->n; i++) {
		fwh_ip_format(&plan->list[i], text);
		n += (size_t)snprintf(ret + n, size - n, "%s\n", text);
		assert_true(n < size);
	}
}

static void plans(void **state)
{
	struct fwh_ip_plan plan;
	char text[2048];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(plan_rows); i++) {
		const struct plan_row *row = &plan_rows[i];
		struct fwh_event ev = env_event(row->dialect, row->lines);

		assert_int_equal(fwh_ip_plan_build(&ev, &settings, &row->facts,
						   row->level, &plan, NULL), 0);
		describe(&plan, text, sizeof(text));
		if (strcmp(text, row->expected) != 0)
			print_error("row %zu: %s\n", i, row->lines);
		assert_string_equal(text, row->expected);
		fwh_ip_plan_free(&plan);
	}
}

/* Objects that are one thing have one name, others have not; and what is written
 * reads back. */
static void texts(void **state)
{
	char text[FWH_IP_TEXT_MAX], again[FWH_IP_TEXT_MAX];
	char name[FWH_IP_NAME_MAX], other[FWH_IP_NAME_MAX];
	struct fwh_ip_object object;
	struct fwh_ip_plan plan;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(plan_rows); i++) {
		const struct plan_row *row = &plan_rows[i];
		struct fwh_event ev = env_event(row->dialect, row->lines);

		assert_int_equal(fwh_ip_plan_build(&ev, &settings, &row->facts,
						   row->level, &plan, NULL), 0);
		for (j = 0; j < plan.n; j++) {
			fwh_ip_format(&plan.list[j], text);
			assert_int_equal(fwh_ip_parse(text, &object), 0);
			fwh_ip_format(&object, again);
			assert_string_equal(again, text);
			assert_true(fwh_ip_equal(&object, &plan.list[j]));
			fwh_ip_name(&object, name);
			assert_int_equal(fwh_ip_kind(name), object.kind);
			assert_null(strchr(name, '/'));
			object.mtu = 1234;
			fwh_ip_name(&object, other);
			assert_string_equal(name, other);
		}
		fwh_ip_plan_free(&plan);
	}
	assert_int_equal(fwh_ip_kind("dns-eth0"), FWH_IP_KIND_MAX);
	assert_int_equal(fwh_ip_kind("routes"), FWH_IP_KIND_MAX);
}

static void bad_texts(void **state)
{
	static const char *const rows[] = {
		"", "route", "routes 192.0.2.0/24 dev w0", "route 192.0.2.0 dev w0",
		"route 192.0.2.0/33 dev w0", "route 192.0.2.0/24",
		"route 192.0.2.0/24 dev", "route 192.0.2.0/24 dev w0 mtu",
		"route 192.0.2.0/24 dev w0 mtu x", "route 192.0.2.0/24 dev w0 fwmark 1/1",
		"route 192.0.2.0/24 dev a/b", "route 192.0.2.0/24 dev w0 via 1.2.3",
		"address 192.0.2.1/32 dev lo scope 256", "rule x", "link dev",
		"address 192.0.2.1/32 dev lo metric 1",
		"route 192.0.2.0/24 dev w0 aaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	struct fwh_ip_object object;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (fwh_ip_parse(rows[i], &object) != -EBADMSG)
			print_error("%s\n", rows[i]);
		assert_int_equal(fwh_ip_parse(rows[i], &object), -EBADMSG);
	}
}

static void source_addresses_of_nobody(void **state)
{
	static const char *const rows[] = {
		"PLUTO_MY_SOURCEIP=224.0.0.1", "PLUTO_MY_SOURCEIP=127.0.0.1",
		"PLUTO_MY_SOURCEIP=255.255.255.255", "PLUTO_MY_SOURCEIP=0.1.2.3",
		"PLUTO_MY_SOURCEIP=ff02::1", "PLUTO_MY_SOURCEIP=::1",
	};
	struct fwh_ip_facts facts = { .dev = "w0" };
	struct fwh_ip_plan plan;
	struct fwh_err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_event ev = env_event(FWH_LIBRESWAN5, rows[i]);

		assert_int_equal(fwh_ip_plan_build(&ev, &settings, &facts, UP,
						   &plan, &err), -EINVAL);
		assert_non_null(strstr(err.msg, rows[i]));
		/* What goes, goes without questions. */
		assert_int_equal(fwh_ip_plan_build(&ev, &settings, &facts, 0,
						   &plan, &err), 0);
		assert_int_equal(plan.n, 0);
	}
}

/* ---- levels -------------------------------------------------------------------------- */

static void levels(void **state)
{
#define V4	FWH_LIBRESWAN4
#define V5	FWH_LIBRESWAN5
#define PLAIN	"PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL\n"
#define TRAP	"PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL+ROUTE\n"
#define WANTED	"PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL+UP\n"
	static const struct {
		enum fwh_dialect dialect;
		const char *lines;
		unsigned int before, after;
	} rows[] = {
		{ V4, "PLUTO_VERB=prepare-client", 0, ROUTED },
		{ V4, "PLUTO_VERB=route-client", 0, ROUTED },
		{ V4, "PLUTO_VERB=up-client", 0, UP },
		{ V4, "PLUTO_VERB=up-client", ROUTED, ROUTED | UP },
		{ V5, "PLUTO_VERB=prepare-route-up", 0, ROUTED | UP },
		{ V4, PLAIN "PLUTO_VERB=down-client", ROUTED | UP, ROUTED },
		{ V4, PLAIN "PLUTO_VERB=down-client", UP, 0 },
		{ V5, PLAIN "PLUTO_VERB=down-client", ROUTED | UP, 0 },
		{ V5, TRAP "PLUTO_VERB=down-client", ROUTED | UP, ROUTED },
		{ V5, WANTED "PLUTO_VERB=down-client", ROUTED | UP, ROUTED },
		{ V4, "PLUTO_VERB=down-client", 0, 0 },
		{ V4, "PLUTO_VERB=unroute-client", ROUTED, 0 },
		{ V4, "PLUTO_VERB=unroute-client", ROUTED | UP, UP },
		{ V4, "PLUTO_VERB=unroute-client", 0, 0 },
		{ V4, "PLUTO_VERB=unroute-client\nPLUTO_MOBIKE_EVENT=yes",
		  ROUTED, MOVING },
		{ V4, "PLUTO_VERB=unroute-client\nPLUTO_MOBIKE_EVENT=yes", 0, 0 },
		{ V4, "PLUTO_VERB=unroute-client", MOVING, 0 },
		{ V4, "PLUTO_VERB=up-client", MOVING, UP },
		{ V5, "PLUTO_VERB=route-client", MOVING, ROUTED },
		{ V4, "PLUTO_VERB=route-client\n"
		  "PLUTO_CONN_POLICY=PASS+NEVER_NEGOTIATE", 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_event ev = env_event(rows[i].dialect, rows[i].lines);
		unsigned int after = fwh_ip_level(&ev, rows[i].before);

		if (after != rows[i].after)
			print_error("row %zu: %s\n", i, rows[i].lines);
		assert_int_equal(after, rows[i].after);
	}
}

/* ---- who ------------------------------------------------------------------------------- */

static void who(void **state)
{
	static const struct {
		enum fwh_dialect dialect;
		const char *lines;
		enum fwh_updown updown;
		const char *chain;		/* NULL: auto */
		bool custom;
		enum fwh_updown expected;
		bool missing;
	} rows[] = {
#define AUTO	FWH_UPDOWN_AUTO
#define NATIVE	FWH_UPDOWN_NATIVE
#define CHAIN	FWH_UPDOWN_CHAIN
#define OFF	FWH_UPDOWN_OFF
		{ V4, "", AUTO, NULL, false, NATIVE, false },
		{ V5, "", AUTO, NULL, false, NATIVE, false },
		{ FWH_OPENSWAN, "", AUTO, NULL, false, CHAIN, true },
		{ FWH_STRONGSWAN, "", AUTO, NULL, false, OFF, false },
		{ V4, "", AUTO, "/x", false, CHAIN, false },
		{ V4, "", AUTO, "", false, OFF, false },
		{ V4, "", AUTO, NULL, true, CHAIN, false },
		{ FWH_STRONGSWAN, "", AUTO, "/x", false, CHAIN, false },
		{ V4, "PLUTO_CFG_CLIENT=1\nPLUTO_PEER_DNS_INFO=192.0.2.53", AUTO,
		  NULL, false, NATIVE, false },
		{ V4, "CAT=YES", AUTO, NULL, false, NATIVE, false },
		{ V4, "NFLOG=5", AUTO, NULL, false, NATIVE, false },
		{ V4, "PLUTO_IS_PEER_CISCO=1", AUTO, NULL, false, CHAIN, true },
		{ V4, "PLUTO_NM_CONFIGURED=1", AUTO, NULL, false, CHAIN, true },
		{ V4, "PLUTO_VERB=disconnectNM-client", AUTO, NULL, false, CHAIN,
		  false },
		{ V4, "", NATIVE, "/x", true, NATIVE, false },
		{ V4, "", NATIVE, "", false, NATIVE, false },
		{ FWH_OPENSWAN, "", NATIVE, NULL, false, NATIVE, true },
		{ FWH_STRONGSWAN, "", NATIVE, NULL, false, OFF, false },
		{ V4, "", CHAIN, NULL, false, CHAIN, false },
		{ V4, "", CHAIN, "", false, OFF, false },
		{ V4, "", OFF, "/x", false, OFF, false },
	};
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_event ev = env_event(rows[i].dialect, rows[i].lines);
		struct fwh_settings s = {
			.updown = rows[i].updown, .chain_auto = !rows[i].chain,
		};

		if (rows[i].chain)
			snprintf(s.chain_path, sizeof(s.chain_path), "%s",
				 rows[i].chain);
		if (fwh_updown_of(&s, &ev, rows[i].custom, &why) !=
		    rows[i].expected)
			print_error("row %zu: %s\n", i, rows[i].lines);
		assert_int_equal(fwh_updown_of(&s, &ev, rows[i].custom, &why),
				 rows[i].expected);
		assert_int_equal(why != NULL, rows[i].missing);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),
		cmocka_unit_test(texts),
		cmocka_unit_test(bad_texts),
		cmocka_unit_test(source_addresses_of_nobody),
		cmocka_unit_test(levels),
		cmocka_unit_test(who),
	};

	return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
