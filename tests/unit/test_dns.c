// SPDX-License-Identifier: GPL-2.0-or-later
/* test_dns.c - what of a peer's words is taken for servers and domains, what each
 * resolver is to have of them, and a resolv.conf with and without. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "dns.h"
#include "env.h"

/* ---- the peer's words ----------------------------------------------------------- */

#define L63	"a23456789012345678901234567890123456789012345678901234567890123"
#define D252	L63 "." L63 "." L63 "." "aa2345678901234567890123456789012345678901234567890123456789"

static size_t refusals;
static struct fwh_err refusal;

static void hear(const struct fwh_err *err, void *arg)
{
	const char *p;

	(void)arg;
	refusals++;
	refusal = *err;
	for (p = refusal.msg; *p; p++)
		assert_true(*p >= ' ' && *p < 0x7f);
}

/* As a state: servers and domains in their order. */
static const char *parsed(const char *servers, const char *domains)
{
	static char state[8192];
	struct fwh_complaints complaints = { hear, NULL, 0 };
	struct fwh_event ev = env_event(FWH_LIBRESWAN5, "");
	struct fwh_dns dns;
	char text[FWH_ADDR_STRLEN];
	size_t i, n = 0;

	refusals = 0;
	ev.text[FWH_TEXT_DNS] = servers;
	ev.text[FWH_TEXT_DOMAINS] = domains;
	fwh_dns_parse(&ev, &dns, &complaints);
	state[0] = '\0';
	for (i = 0; i < dns.n_servers; i++)
		n += (size_t)sprintf(state + n, "%s%s", n ? " " : "",
				     fwh_addr_format(&dns.servers[i], text));
	for (i = 0; i < dns.n_domains; i++)
		n += (size_t)sprintf(state + n, "%s%s", n ? " " : "",
				     dns.domains[i]);
	return state;
}

static void words(void **state)
{
	static const struct {
		const char *servers, *domains, *expected;
		size_t refused;
	} rows[] = {
		{ NULL, NULL, "", 0 },
		{ "192.0.2.53", NULL, "192.0.2.53", 0 },
		{ " 192.0.2.53  2001:db8::53 ", "", "192.0.2.53 2001:db8::53", 0 },
		/* 5.4 says the first one twice. */
		{ "192.0.2.53 192.0.2.53 192.0.2.54", NULL,
		  "192.0.2.53 192.0.2.54", 0 },
		{ "2001:db8::53 2001:DB8:0::53", NULL, "2001:db8::53", 0 },
		/* Nobody's, or ours */
		{ "0.0.0.0 0.1.2.3 127.0.0.53 224.0.0.251 255.255.255.255", NULL,
		  "", 5 },
		{ ":: ::1 ff02::fb fe80::1", NULL, "", 4 },
		{ "223.255.255.254 128.0.0.1 fec0::1", NULL,
		  "223.255.255.254 128.0.0.1 fec0::1", 0 },
		{ "192.0.2.53/32 192.0.2 0x7f.1 192.0.2.53:53 fe80::1%w0 ns "
		  "1.2.3.4,5.6.7.8", NULL, "", 5 },
		{ "$(reboot) `id` ;|& --flush", NULL, "", 4 },
		/* Domains */
		{ NULL, "corp.example", "corp.example", 0 },
		{ NULL, "Corp.EXAMPLE. corp.example x", "corp.example x", 0 },
		{ NULL, "xn--bcher-kva.example 3com.com 1.2.3.x", 
		  "xn--bcher-kva.example 3com.com 1.2.3.x", 0 },
		{ NULL, L63, L63, 0 }, { NULL, L63 "a", "", 1 },
		{ NULL, D252, D252, 0 }, { NULL, D252 "1", D252 "1", 0 },
		{ NULL, D252 "1.", D252 "1", 0 }, { NULL, D252 "12", "", 1 },
		{ NULL, ". .. a..b .a a.. a.b.. -a a- a.-b a-.b", "", 5 },
		{ NULL, "a_b _tcp.a 10.0.0.1 com.1 b\xc3\xbc" "cher.example", "",
		  5 },
		{ NULL, "a\nb a\rb a\x1b[2J", "", 3 },
		{ NULL, "a/b a;b a#b ~a *.a a=b", "", 5 },
		{ NULL, "$(touch${IFS}/x) ok.example --opt", "ok.example", 2 },
		{ NULL, "~.", "", 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(parsed(rows[i].servers, rows[i].domains),
			   rows[i].expected) != 0 || refusals != rows[i].refused)
			print_error("row %zu\n", i);
		assert_string_equal(parsed(rows[i].servers, rows[i].domains),
				    rows[i].expected);
		assert_int_equal(refusals, rows[i].refused);
	}
}

static void too_many(void **state)
{
	char list[16384] = "";
	size_t n = 0, i;

	(void)state;
	for (i = 0; i < FWH_DNS_SERVERS_MAX; i++)
		n += (size_t)sprintf(list + n, "10.0.0.%zu ", i + 1);
	assert_int_not_equal(strlen(parsed(list, NULL)), 0);
	assert_int_equal(refusals, 0);
	for (; i < 1000; i++)
		n += (size_t)sprintf(list + n, "10.0.%zu.1 ", i % 256);
	assert_string_equal(parsed(list, NULL), "");
	assert_int_equal(refusals, 1);
	assert_non_null(strstr(refusal.msg, "(1000): none of them is used"));
	for (i = n = 0; i < FWH_DNS_DOMAINS_MAX + 1; i++)
		n += (size_t)sprintf(list + n, "d%zu.example ", i);
	assert_string_equal(parsed("10.0.0.1", list), "10.0.0.1");
	assert_int_equal(refusals, 1);
	/* One long word is shown in part. */
	memset(list, 'a', 10240);
	list[10240] = '\0';
	assert_string_equal(parsed(NULL, list), "");
	assert_int_equal(refusals, 1);
	assert_in_range(strlen(refusal.msg), 1, 200);
	parsed("x\x1b]0;y\x07", NULL);
	assert_non_null(strstr(refusal.msg, "'x\\x1b]0;y\\x07'"));
}

/* ---- plans ------------------------------------------------------------------------- */

#define FULL	"PLUTO_PEER_CLIENT=0.0.0.0/0"
#define XFRMI	"PLUTO_VIRT_INTERFACE=ipsec1\nPLUTO_XFRMI_ROUTE=yes\n"
#define VTI	"VTI_IFACE=vti0\n"

static void plans(void **state)
{
	static const struct {
		enum fwh_dns_resolver resolver;
		const char *lines, *servers, *domains, *expected;
	} rows[] = {
		{ FWH_DNS_OFF, "", "10.0.0.1", "a.b", "" },
		{ FWH_DNS_FILE, "", NULL, "a.b", "" },
		{ FWH_DNS_FILE, "", "10.0.0.1 2001:db8::1", "a.b c",
		  "search a.b c\nnameserver 10.0.0.1\nnameserver 2001:db8::1\n" },
		{ FWH_DNS_FILE, "", "10.0.0.1", NULL, "nameserver 10.0.0.1\n" },
		{ FWH_DNS_RESOLVCONF, "", "10.0.0.1", "a.b",
		  "printf 'search a.b\\nnameserver 10.0.0.1\\n' | "
		  "resolvconf -a vpn.ipsec-fw-office-x\n" },
		{ FWH_DNS_UNBOUND, "", "10.0.0.1 10.0.0.2", "a.b c",
		  "unbound-control forward_add a.b 10.0.0.1 10.0.0.2\n"
		  "unbound-control forward_add c 10.0.0.1 10.0.0.2\n" },
		{ FWH_DNS_UNBOUND, "", "10.0.0.1", NULL,
		  "unbound-control forward_add . 10.0.0.1\n" },
		/* A device of others' */
		{ FWH_DNS_RESOLVED, "", "10.0.0.1 10.0.0.2", "a.b c",
		  "resolvectl dns w0 10.0.0.1 10.0.0.2\n"
		  "resolvectl domain w0 a.b c\n" },
		{ FWH_DNS_RESOLVED, "", "10.0.0.1", NULL,
		  "resolvectl dns w0 10.0.0.1\nresolvectl domain w0 ~.\n" },
		{ FWH_DNS_RESOLVED, FULL, "10.0.0.1", "a.b",
		  "resolvectl dns w0 10.0.0.1\nresolvectl domain w0 a.b ~.\n" },
		/* One of its own */
		{ FWH_DNS_RESOLVED, XFRMI, "10.0.0.1", "a.b c",
		  "resolvectl dns ipsec1 10.0.0.1\n"
		  "resolvectl domain ipsec1 ~a.b ~c\n" },
		{ FWH_DNS_RESOLVED, XFRMI FULL, "10.0.0.1", "a.b",
		  "resolvectl dns ipsec1 10.0.0.1\n"
		  "resolvectl domain ipsec1 a.b ~.\n" },
		{ FWH_DNS_RESOLVED, VTI, "10.0.0.1", "a.b",
		  "resolvectl dns vti0 10.0.0.1\n"
		  "resolvectl domain vti0 ~a.b\n" },
	};
	struct fwh_complaints complaints = { hear, NULL, 0 };
	struct fwh_dns_plan plan;
	struct fwh_dns dns;
	struct fwh_err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_event ev = env_event(FWH_LIBRESWAN5, rows[i].lines);
		char text[1024] = "";
		FILE *f = fmemopen(text, sizeof(text), "w");

		ev.text[FWH_TEXT_DNS] = rows[i].servers;
		ev.text[FWH_TEXT_DOMAINS] = rows[i].domains;
		fwh_dns_parse(&ev, &dns, &complaints);
		assert_int_equal(fwh_dns_plan_build(rows[i].resolver, &ev,
						    "office-x", &dns, &plan,
						    &err), 0);
		assert_int_equal(fwh_dns_print(&plan, "", f), 0);
		fclose(f);
		assert_string_equal(text, rows[i].expected);
	}
}

static void bad_plans(void **state)
{
	struct fwh_complaints complaints = { hear, NULL, 0 };
	struct fwh_event ev = env_event(FWH_LIBRESWAN5, "PLUTO_INTERFACE=");
	struct fwh_dns_plan plan;
	char list[8192];
	struct fwh_dns dns;
	struct fwh_err err;
	size_t n = 0, i;

	(void)state;
	ev.text[FWH_TEXT_DNS] = "10.0.0.1";
	fwh_dns_parse(&ev, &dns, &complaints);
	assert_int_equal(fwh_dns_plan_build(FWH_DNS_RESOLVED, &ev, "x", &dns,
					    &plan, &err), -ENODEV);
	assert_non_null(strstr(err.msg, "PLUTO_INTERFACE"));
	/* More than can be kept of it */
	for (i = 0; i < 20; i++)
		n += (size_t)sprintf(list + n, "%c%s.%s ", 'a' + (char)i, &L63[1],
				     L63);
	ev.text[FWH_TEXT_DOMAINS] = list;
	fwh_dns_parse(&ev, &dns, &complaints);
	assert_int_equal(dns.n_domains, 20);
	assert_int_equal(fwh_dns_plan_build(FWH_DNS_FILE, &ev, "x", &dns, &plan,
					    &err), -E2BIG);
	assert_int_equal(plan.n, 0);
	assert_int_equal(fwh_dns_plan_build(FWH_DNS_UNBOUND, &ev, "x", &dns,
					    &plan, &err), 0);
	/* Names of files, and no two of them the same */
	for (i = 0; i < plan.n; i++) {
		assert_in_range(strlen(plan.list[i].name), 12,
				FWH_IP_NAME_MAX - 1);
		assert_int_equal(fwh_dns_resolver_of(plan.list[i].name),
				 FWH_DNS_UNBOUND);
		assert_true(!i || strcmp(plan.list[i].name,
					 plan.list[i - 1].name) != 0);
	}
	assert_int_equal(fwh_dns_resolver_of("route-4"), FWH_DNS_OFF);
	assert_string_equal(fwh_dns_where("dns-resolved-w0"), "w0");
}

/* ---- resolv.conf ------------------------------------------------------------------------ */

#define BEGIN	"# ipsec-fw: begin\n"
#define END	"# ipsec-fw: end\n"
#define OPEN	"# ipsec-fw: begin, after a line without end\n"
#define SERVER	"server 10.0.0.1\n"
#define OURS	BEGIN "nameserver 10.0.0.1\n" END

static void texts(void **state)
{
	static const struct {
		const char *before, *state, *after;
	} rows[] = {
		{ "", "", "" },
		{ "", SERVER, OURS },
		{ "nameserver 1.1.1.1\n", SERVER, OURS "nameserver 1.1.1.1\n" },
		{ "nameserver 1.1.1.1", SERVER, OURS "nameserver 1.1.1.1" },
		{ "nameserver 1.1.1.1\n", SERVER "domain a\n",
		  OURS "nameserver 1.1.1.1\n" BEGIN "search a\n" END },
		{ "nameserver 1.1.1.1", SERVER "domain a\ndomain b.c\n",
		  OURS "nameserver 1.1.1.1\n" OPEN "search a b.c\n" END },
		{ "search x a.b y\nnameserver 1.1.1.1\n", SERVER "domain y\n",
		  OURS "search x a.b y\nnameserver 1.1.1.1\n" BEGIN
		  "search y x a.b\n" END },
		/* The last one counts, whichever word it begins with. */
		{ "search x\ndomain \tlan  # home\n", SERVER "domain y\n",
		  OURS "search x\ndomain \tlan  # home\n" BEGIN
		  "search y lan\n" END },
		{ "domain\nsearching z\n#search z\n", SERVER "domain y\n",
		  OURS "domain\nsearching z\n#search z\n" BEGIN "search y\n" END },
		{ "options edns0\r\n\n\n", SERVER, OURS "options edns0\r\n\n\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		fwh_autofree char *after = NULL, *again = NULL, *back = NULL;
		size_t n, m;

		assert_int_equal(fwh_dns_blocks_put(rows[i].before,
						    strlen(rows[i].before),
						    rows[i].state, &after, &n), 0);
		assert_int_equal(n, strlen(rows[i].after));
		assert_memory_equal(after, rows[i].after, n);
		/* The same again, and back to the byte. */
		assert_int_equal(fwh_dns_blocks_put(after, n, rows[i].state,
						    &again, &m), 0);
		assert_int_equal(m, n);
		assert_memory_equal(again, after, n);
		assert_int_equal(fwh_dns_blocks_put(after, n, "", &back, &m), 0);
		assert_int_equal(m, strlen(rows[i].before));
		assert_memory_equal(back, rows[i].before, m);
	}
}

/* What others make of our lines: theirs stay, whatever they are. */
static void edited(void **state)
{
	static const char *const rows[][2] = {
		{ OURS "nameserver 9.9.9.9\n" OURS, "nameserver 9.9.9.9\n" },
		{ BEGIN "nameserver 10.0.0.1\noptions x\n" END, "options x\n" END },
		{ BEGIN, "" }, { BEGIN END, "" }, { BEGIN BEGIN "x\n", "x\n" },
		{ BEGIN "nameserver 10.0.0.1", "" },
		{ BEGIN "nameserver", "nameserver" },
		{ "a\n" OPEN "search x\n", "a" }, { OPEN END, "" },
		{ "# ipsec-fw: begin \n", "# ipsec-fw: begin \n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		fwh_autofree char *back = NULL;
		size_t n;

		assert_int_equal(fwh_dns_blocks_put(rows[i][0],
						    strlen(rows[i][0]), "",
						    &back, &n), 0);
		assert_int_equal(n, strlen(rows[i][1]));
		assert_memory_equal(back, rows[i][1], n);
	}
}

/* ---- what comes from a bus ----------------------------------------------------------------- */

static void bodies(void **state)
{
	struct fwh_bus_body body = { .data = NULL };
	size_t place, end, cut;

	(void)state;
	fwh_bus_put_u8(&body, 1);
	fwh_bus_put_u32(&body, 2);
	place = fwh_bus_begin_array(&body, 8);
	fwh_bus_put_u16(&body, 3);
	fwh_bus_put_string(&body, "abc");
	fwh_bus_end_array(&body, place, 8);
	assert_int_equal(body.n, 1 + 3 + 4 + 4 + 4 + 2 + 2 + 4 + 4);
	assert_int_equal(fwh_bus_get_u8(&body), 1);
	assert_int_equal(fwh_bus_get_u32(&body), 2);
	end = fwh_bus_get_array(&body, 8);
	assert_int_equal(end, body.n);
	assert_int_equal(fwh_bus_get_u16(&body), 3);
	assert_string_equal(fwh_bus_get_string(&body), "abc");
	assert_int_equal(body.at, end);
	assert_false(body.bad);
	assert_int_equal(fwh_bus_get_u32(&body), 0);
	assert_true(body.bad);
	/* Cut off anywhere, it is bad, and nothing beyond is read. */
	for (cut = 0; cut < body.n; cut++) {
		struct fwh_bus_body part = { .data = malloc(cut), .n = cut };

		memcpy(part.data, body.data, cut);
		fwh_bus_get_u8(&part);
		fwh_bus_get_u32(&part);
		fwh_bus_get_array(&part, 8);
		fwh_bus_get_u16(&part);
		assert_string_equal(fwh_bus_get_string(&part), "");
		assert_true(part.bad);
		free(part.data);
	}
	free(body.data);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(too_many),
		cmocka_unit_test(plans),
		cmocka_unit_test(bad_plans),
		cmocka_unit_test(texts),
		cmocka_unit_test(edited),
		cmocka_unit_test(bodies),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
