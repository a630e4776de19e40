// SPDX-License-Identifier: GPL-2.0-or-later
/* test_xfrm.c - the reqid that the kernel uses, from what daemons say of it.
 * What the kernel itself says is for tests with a kernel. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "env.h"

static struct fwh_sa sa_of(enum fwh_dialect dialect, const char *lines)
{
	struct fwh_event ev = env_event(dialect, lines);
	struct fwh_sa sa;
	struct fwh_err err = { .code = 0 };

	memset(&sa, 0x5a, sizeof(sa));
	if (fwh_xfrm_find_sa(NULL, &ev, &sa, &err))
		fail_msg("%s: %s", lines, err.msg);
	return sa;
}

static void reqids(void **state)
{
	static const struct {
		enum fwh_dialect dialect;
		const char *lines;
		uint32_t reqid;
		uint8_t ipproto;
	} rows[] = {
		/* The base, whose ESP is one more. */
		{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=16392", 16393, IPPROTO_ESP },
		{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=16384", 16385, IPPROTO_ESP },
		{ FWH_LIBRESWAN4, "PLUTO_SA_TYPE=AH", 16392, IPPROTO_AH },
		/* With IPComp the firewall matches the ESP below it. */
		{ FWH_LIBRESWAN4, "PLUTO_SA_TYPE=IPCOMP", 16393, IPPROTO_ESP },
		/* A trap's: of the ESP to come. */
		{ FWH_LIBRESWAN4, "PLUTO_SA_TYPE=none", 16393, IPPROTO_ESP },
		{ FWH_LIBRESWAN4, "PLUTO_SA_TYPE=unknown?", 16393,
		  IPPROTO_ESP },
		{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=4294967292", 4294967293,
		  IPPROTO_ESP },
		/* reqid=: the same for all. */
		{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=1", 1, IPPROTO_ESP },
		{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=100", 100, IPPROTO_ESP },
		{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=16383", 16383, IPPROTO_ESP },
		{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=16380\nPLUTO_SA_TYPE=AH",
		  16380, IPPROTO_AH },
		{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=16380\nPLUTO_SA_TYPE=IPCOMP",
		  16380, IPPROTO_ESP },
		/* The kernel's own, but the base where there is no SA. */
		{ FWH_LIBRESWAN5, "PLUTO_SA_REQID=16393", 16393, IPPROTO_ESP },
		{ FWH_LIBRESWAN5, "PLUTO_SA_REQID=16392\nPLUTO_SA_TYPE=none",
		  16393, IPPROTO_ESP },
		{ FWH_LIBRESWAN5, "PLUTO_SA_REQID=16392\nPLUTO_SA_TYPE=AH",
		  16392, IPPROTO_AH },
		{ FWH_LIBRESWAN5, "PLUTO_SA_REQID=16394\nPLUTO_SA_TYPE=IPCOMP",
		  16393, IPPROTO_ESP },
		{ FWH_LIBRESWAN5, "PLUTO_SA_REQID=16380", 16380, IPPROTO_ESP },
		{ FWH_LIBRESWAN5, "PLUTO_SA_REQID=16383\nPLUTO_SA_TYPE=none",
		  16383, IPPROTO_ESP },
		/* strongSwan counts from 1, and means what it says. */
		{ FWH_STRONGSWAN, "PLUTO_REQID=1", 1, IPPROTO_ESP },
		{ FWH_STRONGSWAN, "PLUTO_REQID=7\nPLUTO_PROTO=ah", 7,
		  IPPROTO_AH },
		{ FWH_STRONGSWAN, "PLUTO_REQID=16384", 16384, IPPROTO_ESP },
		{ FWH_STRONGSWAN, "PLUTO_REQID=20000", 20000, IPPROTO_ESP },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_sa sa = sa_of(rows[i].dialect, rows[i].lines);

		if (sa.source != FWH_SA_DAEMON ||
		    sa.reqid != rows[i].reqid || sa.ipproto != rows[i].ipproto)
			fail_msg("%s: reqid %u, protocol %u, source %d",
				 rows[i].lines, sa.reqid, sa.ipproto,
				 sa.source);
	}
}

static void nobody_knows(void **state)
{
	static const struct { enum fwh_dialect dialect; const char *lines; }
	rows[] = {
		{ FWH_OPENSWAN, "" },
		{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=0" },
		{ FWH_LIBRESWAN4, "PLUTO_SA_REQID" },
		{ FWH_LIBRESWAN5, "PLUTO_SA_REQID=" },
		{ FWH_STRONGSWAN, "PLUTO_REQID=0" },
	};
	static const struct fwh_sa none;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_sa sa = sa_of(rows[i].dialect, rows[i].lines);

		assert_memory_equal(&sa, &none, sizeof(sa));
	}
}

/* What else the daemon says of its SA.  The mode is that of the ESP or AH
 * state itself: below IPComp it is transport, so that nothing is believed. */
static void other_facts(void **state)
{
	static const struct {
		enum fwh_dialect dialect;
		const char *lines;
		enum fwh_mode mode;
		bool encap;
		uint32_t mark, mask, if_id;
	} rows[] = {
		{ FWH_LIBRESWAN4, "", FWH_TUNNEL, false, 0, 0, 0 },
		{ FWH_LIBRESWAN5, "PLUTO_CONNECTION_TYPE=transport",
		  FWH_TRANSPORT, false, 0, 0, 0 },
		{ FWH_LIBRESWAN4, "PLUTO_CONNECTION_TYPE", FWH_MODE_UNKNOWN,
		  false, 0, 0, 0 },
		{ FWH_LIBRESWAN4, "PLUTO_SA_TYPE=IPCOMP", FWH_MODE_UNKNOWN,
		  false, 0, 0, 0 },
		{ FWH_LIBRESWAN4, "PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+"
		  "COMPRESS+TUNNEL+PFS+UP", FWH_MODE_UNKNOWN, false, 0, 0, 0 },
		{ FWH_LIBRESWAN4, "CONNMARK_IN=5/0xff\nCONNMARK_OUT=6/0xff",
		  FWH_TUNNEL, false, 5, 0xff, 0 },
		{ FWH_STRONGSWAN, "", FWH_MODE_UNKNOWN, false, 0, 0, 0 },
		{ FWH_STRONGSWAN, "PLUTO_UDP_ENC=4500", FWH_MODE_UNKNOWN, true,
		  0, 0, 0 },
		{ FWH_STRONGSWAN, "PLUTO_IPCOMP=1", FWH_MODE_UNKNOWN, false,
		  0, 0, 0 },
		{ FWH_STRONGSWAN, "PLUTO_MARK_IN=42/0xffffffff\n"
		  "PLUTO_IF_ID_IN=7\nPLUTO_IF_ID_OUT=8", FWH_MODE_UNKNOWN,
		  false, 42, UINT32_MAX, 7 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_sa sa = sa_of(rows[i].dialect, rows[i].lines);

		assert_int_equal(sa.source, FWH_SA_DAEMON);
		if (sa.mode != rows[i].mode)
			fail_msg("%s: mode %d", rows[i].lines, sa.mode);
		assert_int_equal(sa.encap, rows[i].encap);
		assert_int_equal(sa.mark.value, rows[i].mark);
		assert_int_equal(sa.mark.mask, rows[i].mask);
		assert_int_equal(sa.if_id, rows[i].if_id);
		assert_false(sa.offload);
	}
}

/* What the daemon names is not looked for. */
static void devices(void **state)
{
	static const struct { enum fwh_dialect dialect; const char *lines; }
	rows[] = {
		{ FWH_LIBRESWAN4, "" },
		{ FWH_LIBRESWAN4, "PLUTO_VIRT_INTERFACE=ipsec1" },
		{ FWH_LIBRESWAN4, "VTI_IFACE=vti0\nCONNMARK_IN=5/0xff\n"
		  "CONNMARK_OUT=5/0xff" },
		{ FWH_STRONGSWAN, "PLUTO_MARK_IN=42/0xff" },
		{ FWH_STRONGSWAN, "PLUTO_MARK_OUT=0/0xff" },
		{ FWH_STRONGSWAN, "PLUTO_IF_ID_IN=7" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_event ev = env_event(rows[i].dialect, rows[i].lines);
		struct fwh_event before = ev;

		assert_int_equal(fwh_link_find(&ev, NULL), 0);
		assert_string_equal(ev.virt_iface, before.virt_iface);
		assert_string_equal(ev.vti_iface, before.vti_iface);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reqids),
		cmocka_unit_test(nobody_knows),
		cmocka_unit_test(other_facts),
		cmocka_unit_test(devices),
	};

	return cmocka_run_group_tests_name("xfrm", tests, NULL, NULL);
}
