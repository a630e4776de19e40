// SPDX-License-Identifier: GPL-2.0-or-later
/* test_raw.c - rules in a person's own words: their places, their variables with
 * hostile values, and what iptables' parser makes of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>

#include "env.h"
#include "iptables.h"
#include "raw.h"

/* ---- places ---- */

static void places(void **state)
{
	static const struct {
		bool nft;
		const char *text, *rule;	/* NULL: refused */
		enum fwh_table table;
		enum fwh_part part;
		unsigned int families;
	} cases[] = {
		{ true, "forward in: drop", "drop", FWH_FILTER,
		  FWH_PART_RAW_FWD_IN, 3 },
		{ true, "forward out : drop", "drop", FWH_FILTER,
		  FWH_PART_RAW_FWD_OUT, 3 },
		{ true, "input:  a:b", "a:b", FWH_FILTER, FWH_PART_RAW_IN, 3 },
		{ true, "input in ip6: drop", "drop", FWH_FILTER,
		  FWH_PART_RAW_IN, 2 },
		{ true, "srcnat ip: x", "x", FWH_NAT, FWH_PART_RAW_POST, 1 },
		{ true, "forward: drop", NULL, 0, 0, 0 },
		{ true, "forward  in: drop", NULL, 0, 0, 0 },
		{ true, "input out: drop", NULL, 0, 0, 0 },
		{ true, "filter FORWARD in: drop", NULL, 0, 0, 0 },
		{ true, "ip: drop", NULL, 0, 0, 0 },
		{ true, ": drop", NULL, 0, 0, 0 },
		{ true, "drop", NULL, 0, 0, 0 },
		{ false, "filter FORWARD in: -j DROP", "-j DROP", FWH_FILTER,
		  FWH_PART_RAW_FWD_IN, 3 },
		{ false, "mangle PREROUTING: -6 -j DROP", "-j DROP", FWH_MANGLE,
		  FWH_PART_RAW_PRE, 2 },
		{ false, "nat POSTROUTING out: -4\t-j DROP", "-j DROP", FWH_NAT,
		  FWH_PART_RAW_POST, 1 },
		{ false, "nat POSTROUTING: -4x", "-4x", FWH_NAT,
		  FWH_PART_RAW_POST, 3 },
		{ false, "filter FORWARD: -j DROP", NULL, 0, 0, 0 },
		{ false, "nat FORWARD in: -j DROP", NULL, 0, 0, 0 },
		{ false, "filter PREROUTING: -j DROP", NULL, 0, 0, 0 },
		{ false, "filter fw-office: -j DROP", NULL, 0, 0, 0 },
		{ false, "forward in: -j DROP", NULL, 0, 0, 0 },
	};
	struct fwh_raw raw;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *why = fwh_raw_split(cases[i].nft, cases[i].text,
						&raw);

		if (!why != !!cases[i].rule)
			fail_msg("%s: %s", cases[i].text, why ? why : "taken");
		if (why)
			continue;
		assert_string_equal(raw.text, cases[i].rule);
		assert_int_equal(fwh_raw_places[raw.where].table,
				 cases[i].table);
		assert_int_equal(fwh_raw_places[raw.where].part, cases[i].part);
		assert_int_equal(raw.families, cases[i].families);
	}
}

/* ---- what stays one rule ---- */

static void words(void **state)
{
	static const struct {
		bool nft, good;
		const char *text;
	} cases[] = {
		{ true, true, "tcp dport { 22, 80 } drop" },
		{ true, true, "log prefix \"a;b#c{d\" drop" },
		{ true, true, "meta mark ${MARK} accept" },
		{ true, true, "log prefix \"to ${CONN}: \"" },
		{ true, false, "" },
		{ true, false, "drop; flush ruleset" },
		{ true, false, "drop;" },
		{ true, false, "drop # no more" },
		{ true, false, "drop } chain x {" },
		{ true, false, "tcp dport { 22" },
		{ true, false, "log prefix \"x" },
		{ true, false, "log prefix \"\\\" drop" },
		{ true, false, "drop \\" },
		{ true, false, "'drop'" },
		{ true, false, "index 0 drop" },
		{ true, false, "position 7 drop" },
		{ true, false, "handle 7" },
		{ true, true, "indexed" },	/* nft will say so */
		{ true, false, "drop\n" },
		{ true, false, "comment \"\xc3\xa9\"" },
		{ true, false, "meta mark $MARK" },
		{ true, false, "meta mark ${}" },
		{ true, false, "meta mark ${MARK" },
		{ true, false, "meta mark ${mark}" },
		{ true, false, "meta mark ${MARK }" },
		{ true, false, "meta mark ${PEER_ID}" },
		{ true, false, "meta mark ${PATH}" },
		{ false, true, "-j DROP" },
		{ false, true, "-m comment --comment \"a \\\" b # ; }\" -j DROP" },
		{ false, true, "-m string --string # -j DROP" },
		{ false, false, "-m comment --comment \"a" },
		{ false, false, "-m comment --comment \"a\\" },
		{ false, false, "-m comment --comment \"a\\\033[2J\"" },
		{ false, false, "-j DR\\OP" },
		{ false, false, "-j 'DROP'" },
		{ false, false, "-s $(reboot) -j DROP" },
		{ false, false, "-s ${ME}/${LEN} -j DROP" },
		{ false, false, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *why = fwh_raw_check(cases[i].nft, cases[i].text);

		if (!why != cases[i].good)
			fail_msg("%s: %s", cases[i].text, why ? why : "taken");
	}
}

/* ---- values ---- */

static size_t where_of(bool nft)
{
	struct fwh_raw raw;

	assert_null(fwh_raw_split(nft, nft ? "forward in: x" :
				  "filter FORWARD in: x", &raw));
	return raw.where;
}

/* The text of the rule with the values of this event, or of the error. */
static char *expand(bool nft, const char *text, const char *lines)
{
	struct fwh_event ev = env_event(FWH_LIBRESWAN4, lines);
	struct fwh_sa sa = { .source = FWH_SA_KERNEL, .reqid = 16393 };
	struct fwh_plan_input in = {
		.ev = &ev, .sa = &sa, .mark = { 0x10000, 0xff0000 },
		.accept_mark = { 0x40000000, 0x40000000 },
	};
	struct fwh_raw raw = {
		.where = where_of(nft), .families = 3, .text = text,
		.place = "f:1",
	};
	struct fwh_raw_rule *rule = NULL;
	struct fwh_err err;
	char *ret;

	assert_null(fwh_raw_check(nft, text));
	if (fwh_raw_expand(&raw, &in, &rule, &err))
		return strdup(err.msg);
	assert_int_equal(rule->own, strchr(text, '$') != NULL);
	assert_true(!strncmp(rule->line, "f:1: ", 5));
	assert_ptr_equal(rule->text, rule->line + 5);
	ret = strdup(rule->text);
	fwh_raw_rule_free(rule);
	return ret;
}

static void values(void **state)
{
	static const struct {
		bool nft;
		const char *text, *lines, *expected;
	} cases[] = {
		{ true, "drop", "", "drop" },
		{ true, "${MY_CLIENT} ${PEER_CLIENT}", "",
		  "192.0.1.0/24 192.0.2.0/24" },
		{ true, "${PEER_CLIENT}", "PLUTO_PEER_CLIENT=192.0.2.1-192.0.2.7",
		  "192.0.2.1-192.0.2.7" },
		{ true, "${ME}${PEER}", "", "198.51.100.1198.51.100.2" },
		{ true, "${MARK} ${MARK_MASK} ${ACCEPT_MARK}", "",
		  "0x10000 0xff0000 0x40000000" },
		{ false, "${MARK} ${MARK_MASK}", "", "0x10000/0xff0000 0xff0000" },
		{ true, "${REQID}", "", "16393" },
		{ true, "comment ${CONN}", "", "comment \"office\"" },
		{ false, "--comment ${CONN}", "", "--comment office" },
		{ true, "prefix \"x ${CONN} ${PEER}\"", "",
		  "prefix \"x office 198.51.100.2\"" },
		{ true, "iifname ${INTERFACE}", "PLUTO_INTERFACE=eth0:1",
		  "iifname \"eth0\"" },
		{ false, "-i ${INTERFACE}", "PLUTO_INTERFACE=eth0.5",
		  "-i eth0.5" },
		{ true, "${VIRT_INTERFACE}", "VTI_IFACE=vti0", "\"vti0\"" },
		{ true, "${VIRT_INTERFACE}", "PLUTO_VIRT_INTERFACE=ipsec1",
		  "\"ipsec1\"" },
		/* Names are one word, whatever is in them. */
		{ true, "comment ${CONN}", "PLUTO_CONNECTION=a\"; drop # ${MARK}",
		  "comment \"a_; drop # _{MARK}\"" },
		{ false, "--comment ${CONN} -j DROP",
		  "PLUTO_CONNECTION=a\" -j ACCEPT \\",
		  "--comment \"a_ -j ACCEPT _\" -j DROP" },
		{ false, "--comment \"x ${CONN}\"",
		  "PLUTO_CONNECTION=\" -j ACCEPT", "--comment \"x _ -j ACCEPT\"" },
		{ false, "--comment ${CONN}", "PLUTO_CONNECTION=-j",
		  "f:1: ${CONN}: the value begins with '-' or '!'" },
		{ false, "--comment ${CONN}", "PLUTO_CONNECTION=!",
		  "f:1: ${CONN}: the value begins with '-' or '!'" },
		{ true, "comment ${CONN}", "PLUTO_CONNECTION=-j",
		  "comment \"-j\"" },
		/* Devices have names that iptables and nft know no quotes for. */
		{ true, "iifname ${INTERFACE}", "PLUTO_INTERFACE=eth*",
		  "f:1: ${INTERFACE}: the device's name is none that a rule can hold" },
		{ true, "iifname ${INTERFACE}", "PLUTO_INTERFACE=a\";drop",
		  "f:1: ${INTERFACE}: the device's name is none that a rule can hold" },
		{ false, "-i ${INTERFACE}", "PLUTO_INTERFACE=e$x",
		  "f:1: ${INTERFACE}: the device's name is none that a rule can hold" },
		/* What there is not, is said. */
		{ true, "${VIRT_INTERFACE}", "",
		  "f:1: ${VIRT_INTERFACE}: the connection has no such device" },
		{ true, "${PEER}", "PLUTO_PEER=0.0.0.0",
		  "f:1: ${PEER}: the address is not known" },
		{ true, "${MY_SOURCEIP}", "PLUTO_MY_SOURCEIP",
		  "f:1: ${MY_SOURCEIP}: the address is not known" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fwh_autofree char *got = expand(cases[i].nft, cases[i].text,
						cases[i].lines);

		if (strcmp(got, cases[i].expected) != 0)
			fail_msg("%s with %s:\ngot      %s\nexpected %s",
				 cases[i].text, cases[i].lines, got,
				 cases[i].expected);
	}
}

static void too_long(void **state)
{
	char text[600], conn[300];
	fwh_autofree char *got = NULL;

	(void)state;
	memset(text, 'x', sizeof(text));
	strcpy(text + 400, " ${CONN}");
	memset(conn, 'y', sizeof(conn));
	memcpy(conn, "PLUTO_CONNECTION=", 17);
	conn[17 + 200] = '\0';
	got = expand(true, text, conn);
	assert_non_null(strstr(got, "characters, more than 512"));
}

/* ---- iptables' parser ---- */

static const char *compile(enum fwh_family family, const char *text,
			   struct fwh_plan *plan)
{
	static struct fwh_err err;
	const struct fwh_plan *plans[] = { plan };
	struct fwh_raw_rule *raw = calloc(1, sizeof(*raw) + strlen(text) + 6);

	memset(plan, 0, sizeof(*plan));
	plan->rules = calloc(1, sizeof(*plan->rules));
	assert_non_null(plan->rules);
	assert_non_null(raw);
	sprintf(raw->line, "f:1: %s", text);
	raw->text = raw->line + 5;
	plan->rules[0].family = family;
	plan->rules[0].raw = raw;
	plan->n = 1;
	return fwh_ipt_compile(plans, 1, &err) ? err.msg : NULL;
}

static void entries(void **state)
{
	static const struct {
		enum fwh_family family;
		const char *text, *error;	/* NULL: taken */
	} cases[] = {
		{ FWH_IPV4, "-s 10.0.0.0/8 -j DROP", NULL },
		{ FWH_IPV4, "! -s 10.0.0.1 ! -i eth+ -j ACCEPT", NULL },
		{ FWH_IPV6, "-d 2001:db8::/32 -p icmpv6 -j RETURN", NULL },
		{ FWH_IPV4, "-p tcp ! --dport 22 -m comment --comment \"a b\" "
		  "-j REJECT --reject-with tcp-reset", NULL },
		{ FWH_IPV4, "-m limit --limit 3/min -m limit --limit 9/hour "
		  "-j LOG --log-prefix \"x \"", NULL },
		{ FWH_IPV4, "", "-j is missing" },
		{ FWH_IPV4, "-p tcp", "-j is missing" },
		{ FWH_IPV4, "-j nosuch", "no such target" },
		{ FWH_IPV4, "-j fw-office-6ingsxzv-in", "no such target" },
		{ FWH_IPV4, "-g DROP", "unknown option -g" },
		{ FWH_IPV4, "-t nat -j DROP", "unknown option -t" },
		{ FWH_IPV4, "-A INPUT -j DROP", "unknown option -A" },
		{ FWH_IPV4, "-j DROP -j ACCEPT", "given twice" },
		{ FWH_IPV4, "-m nosuch -j DROP", "nosuch" },
		{ FWH_IPV4, "-s localhost -j DROP", "expected ADDRESS" },
		{ FWH_IPV4, "-s 10.0.0.1/8 -j DROP", "expected ADDRESS" },
		{ FWH_IPV4, "-s 10.0.0.1-10.0.0.3 -j DROP", "iprange" },
		{ FWH_IPV4, "-s 2001:db8::1 -j DROP", "begins with -6" },
		{ FWH_IPV6, "-s 10.0.0.1 -j DROP", "begins with -4" },
		{ FWH_IPV4, "-p tcp --dport 65536 -j DROP", "65536" },
		{ FWH_IPV4, "-p nosuch -j DROP", "nosuch" },
		{ FWH_IPV4, "-s", "-s needs a value" },
		{ FWH_IPV4, "! ! -s 10.0.0.1 -j DROP", "! belongs to no option" },
		{ FWH_IPV4, "-j DROP !", "nothing follows" },
		{ FWH_IPV4, "! -j DROP", "'!' before -j" },
		{ FWH_IPV4, "DROP", "DROP belongs to no option" },
		{ FWH_IPV4, "-i a-name-that-is-too-long -j DROP", "long" },
		{ FWH_IPV4, "--help", "unknown option" },
		{ FWH_IPV4, "-m comment -m comment -m comment -m comment "
		  "-m comment -m comment --comment x -j DROP", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fwh_plan plan;
		const char *error = compile(cases[i].family, cases[i].text,
					    &plan);

		if (!error != !cases[i].error ||
		    (error && !strstr(error, cases[i].error)))
			fail_msg("%s: %s", cases[i].text,
				 error ? error : "taken");
		if (error)
			assert_true(!strncmp(error, "f:1: ", 5));
		fwh_plan_free(&plan);
	}
}

/* The same as we would pack it, where we know how. */
static void same_entry(void **state)
{
	static const struct fwh_key key = { .conn = "office" };
	struct fwh_rule rule = {
		.family = FWH_IPV4, .action = FWH_DROP, .proto = 6,
		.dport = { 22, 25 }, .has_src = true,
		.src = { { FWH_IPV4, { 10 } }, 8 }, .in = "eth0",
	};
	_Alignas(16) uint8_t buf[FWH_IPT_ENTRY_MAX] = { 0 };
	struct fwh_plan plan;

	(void)state;
	assert_null(compile(FWH_IPV4, "-s 10.0.0.0/8 -i eth0 -p tcp "
			    "--dport 22:25 -m comment --comment office -j DROP",
			    &plan));
	fwh_ipt_pack(&key, &rule, buf);
	assert_true(fwh_ipt_equal(FWH_IPV4, buf, "DROP",
				  plan.rules[0].raw->entry, "DROP"));
	fwh_plan_free(&plan);
	assert_null(compile(FWH_IPV4, "-s 10.0.0.0/8 -i eth0 -p tcp "
			    "--dport 22:26 -m comment --comment office -j DROP",
			    &plan));
	assert_false(fwh_ipt_equal(FWH_IPV4, buf, "DROP",
				   plan.rules[0].raw->entry, "DROP"));
	fwh_plan_free(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),
		cmocka_unit_test(words),
		cmocka_unit_test(values),
		cmocka_unit_test(too_long),
		cmocka_unit_test(entries),
		cmocka_unit_test(same_entry),
	};

	return cmocka_run_group_tests_name("raw", tests, NULL, NULL);
}
