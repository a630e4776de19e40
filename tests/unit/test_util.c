// SPDX-License-Identifier: GPL-2.0-or-later
/* test_util.c - numbers, marks, names and errors: what readers have at their
 * door. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"

/* ---- numbers ------------------------------------------------------------ */

static void good_numbers(void **state)
{
	static const struct {
		const char *text;
		bool hex;
		uint64_t max, expected;
	} rows[] = {
		{ "0", false, 0, 0 },
		{ "0", true, 0, 0 },
		{ "255", false, 255, 255 },
		{ "00000000000000000000000000000255", false, 255, 255 },
		{ "65535", true, 65535, 65535 },
		{ "4294967295", false, UINT32_MAX, UINT32_MAX },
		{ "18446744073709551615", false, UINT64_MAX, UINT64_MAX },
		{ "0x0", true, 0, 0 },
		{ "0xff", true, 255, 255 },
		{ "0XFf", true, 255, 255 },
		{ "0xffffffff", true, UINT32_MAX, UINT32_MAX },
		{ "0xffffffffffffffff", true, UINT64_MAX, UINT64_MAX },
		{ "010", true, 255, 10 },	/* never octal */
	};
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (fwh_number_parse(rows[i].text, rows[i].hex, rows[i].max,
				     &n))
			fail_msg("refused: %s", rows[i].text);
		assert_true(n == rows[i].expected);
	}
}

static void bad_numbers(void **state)
{
	static const struct {
		const char *text;
		bool hex;
		uint64_t max;
	} rows[] = {
		{ "", false, 9 }, { "", true, 9 }, { " ", false, 9 },
		{ " 1", false, 9 }, { "1 ", false, 9 }, { "1\n", false, 9 },
		{ "+1", false, 9 }, { "-1", false, UINT64_MAX },
		{ "-0", false, 9 }, { "1.0", false, 9 }, { "1e1", false, 99 },
		{ "a", false, 99 }, { "a", true, 99 }, { "ff", true, 255 },
		{ "0x", true, 9 }, { "0x1", false, 9 }, { "x1", true, 9 },
		{ "0xg", true, 99 }, { "0x1g", true, 9999 },
		{ "0x-1", true, 9 }, { "0x0x1", true, 9 },
		{ "1", false, 0 }, { "0x1", true, 0 },
		{ "9", false, 8 }, { "10", false, 9 }, { "256", false, 255 },
		{ "260", false, 255 }, { "1000", false, 255 },
		{ "0x100", true, 255 },
		{ "4294967296", false, UINT32_MAX },
		{ "18446744073709551616", false, UINT64_MAX },
		{ "18446744073709551615", false, UINT64_MAX - 1 },
		{ "18446744073709551625", false, UINT64_MAX },
		{ "99999999999999999999999", false, UINT64_MAX },
		{ "0x10000000000000000", true, UINT64_MAX },
		{ "1\xe2\x82\x81", false, 99 },
	};
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		n = 4711;
		if (fwh_number_parse(rows[i].text, rows[i].hex, rows[i].max,
				     &n) != -EINVAL)
			fail_msg("taken: '%s' as %ju", rows[i].text,
				 (uintmax_t)n);
		assert_int_equal(n, 4711);
	}
}

/* ---- marks -------------------------------------------------------------- */

static void marks(void **state)
{
	static const struct {
		const char *text;
		int code;
		uint32_t value, mask;
	} rows[] = {
		{ "5/0xffffffff", 0, 5, UINT32_MAX },
		{ "0x10000/0xff0000", 0, 0x10000, 0xff0000 },
		{ "16/255", 0, 16, 255 },
		{ "7", 0, 7, UINT32_MAX },
		{ "0xFFFFFFFF", 0, UINT32_MAX, UINT32_MAX },
		{ "0/0", 0, 0, 0 },
		{ "4294967295/4294967295", 0, UINT32_MAX, UINT32_MAX },
		{ "", -EINVAL, 0, 0 },
		{ "/", -EINVAL, 0, 0 },
		{ "1/", -EINVAL, 0, 0 },
		{ "/1", -EINVAL, 0, 0 },
		{ "1/2/3", -EINVAL, 0, 0 },
		{ "-1/1", -EINVAL, 0, 0 },
		{ "1/-1", -EINVAL, 0, 0 },
		{ "1 /1", -EINVAL, 0, 0 },
		{ "4294967296", -EINVAL, 0, 0 },
		{ "1/4294967296", -EINVAL, 0, 0 },
		{ "0x1ffffffff/1", -EINVAL, 0, 0 },
		{ "000000000000000000000001/1", -EINVAL, 0, 0 },
		{ "%unique", -EINVAL, 0, 0 },
	};
	struct fwh_mark mark;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		mark.value = mark.mask = 4711;
		if (fwh_mark_parse(rows[i].text, &mark) != rows[i].code)
			fail_msg("%s", rows[i].text);
		assert_int_equal(mark.value, rows[i].code ? 4711 :
						       rows[i].value);
		assert_int_equal(mark.mask, rows[i].code ? 4711 :
						      rows[i].mask);
	}
}

/* Each value once, within the mask, never 0, and then round again. */
static void mark_values(void **state)
{
	static const struct { uint32_t mask, values; } rows[] = {
		{ 0x1, 1 }, { 0x3, 3 }, { 0xff, 255 }, { 0x80000000, 1 },
		{ 0xc0000000, 3 }, { 0x00ff0000, 255 }, { 0x0ff0, 255 },
		{ 0x3fff0000, 0x3fff },
	};
	static bool seen[0x4000];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t mask = rows[i].mask, n = rows[i].values, j;
		uint32_t low = mask & -mask;

		assert_int_equal(fwh_mark_values(mask), n);
		memset(seen, 0, sizeof(seen));
		for (j = 0; j < n; j++) {
			uint32_t value = fwh_mark_nth(mask, 1000003 + j);

			assert_int_equal(value & ~mask, 0);
			assert_int_not_equal(value, 0);
			assert_false(seen[value / low]);
			seen[value / low] = true;
		}
		assert_int_equal(fwh_mark_nth(mask, 0),
				 fwh_mark_nth(mask, n));
	}
	assert_int_equal(fwh_mark_values(UINT32_MAX), UINT32_MAX);
	assert_int_equal(fwh_mark_nth(UINT32_MAX, 0), 1);
	assert_int_equal(fwh_mark_nth(UINT32_MAX, UINT32_MAX - 1u),
			 UINT32_MAX);
	assert_int_equal(fwh_mark_nth(UINT32_MAX, UINT64_MAX), 1);
}

/* ---- interface names ---------------------------------------------------- */

static void interface_names(void **state)
{
	static const struct { const char *text, *expected; } rows[] = {
		{ "eth0", "eth0" },
		{ "eth0:1", "eth0" },
		{ "eth0.100:home", "eth0.100" },
		{ "eth0:1:2", "eth0" },
		{ "a", "a" },
		{ "...", "..." },
		{ ".a", ".a" },
		{ "+a", "+a" },
		{ "a+b", "a+b" },
		{ "wg-caf'e\"", "wg-caf'e\"" },
		{ "123456789012345", "123456789012345" },
		{ "123456789012345:1", "123456789012345" },
		{ "", NULL },
		{ ".", NULL },
		{ "..", NULL },
		{ ".:1", NULL },
		{ "..:1", NULL },
		{ ":", NULL },
		{ ":1", NULL },
		{ "eth0:", NULL },
		{ "eth+", NULL },		/* iptables' wildcard */
		{ "eth+:1", NULL },
		{ "+", NULL },
		{ "eth 0", NULL },
		{ "eth0 ", NULL },
		{ "eth0:1 ", NULL },
		{ "eth\t0", NULL },
		{ "eth0\n", NULL },
		{ "eth/0", NULL },
		{ "../etc", NULL },
		{ "eth0\x7f", NULL },
		{ "\xc3\xa9th0", NULL },
		{ "1234567890123456", NULL },
		{ "1234567890123456:1", NULL },
	};
	char ret[FWH_IFNAME_MAX], padding[FWH_IFNAME_MAX];
	size_t i, n;

	(void)state;
	memset(padding, 0, sizeof(padding));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(ret, 'x', sizeof(ret));
		if (!rows[i].expected) {
			if (fwh_ifname_parse(rows[i].text, ret) != -EINVAL)
				fail_msg("taken: %s", rows[i].text);
			assert_int_equal(ret[0], 'x');
			continue;
		}
		if (fwh_ifname_parse(rows[i].text, ret))
			fail_msg("refused: %s", rows[i].text);
		n = strlen(rows[i].expected);
		/* Zeros behind it: rules are compared as memory. */
		assert_memory_equal(ret, rows[i].expected, n);
		assert_memory_equal(ret + n, padding, sizeof(ret) - n);
	}
}

/* ---- protocols ---------------------------------------------------------- */

static void protocols(void **state)
{
	static const uint8_t with_ports[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DCCP, IPPROTO_SCTP,
		IPPROTO_UDPLITE,
	};
	int proto;

	(void)state;
	for (proto = 0; proto < 256; proto++) {
		assert_int_equal(fwh_proto_has_ports((uint8_t)proto),
				 memchr(with_ports, proto,
					sizeof(with_ports)) != NULL);
		assert_int_equal(fwh_proto_is_icmp((uint8_t)proto),
				 proto == 1 || proto == 58);
	}
}

/* ---- printable ---------------------------------------------------------- */

static void printable(void **state)
{
	static const struct { const char *text, *expected; } rows[] = {
		{ "", "" },
		{ "plain ~text!", "plain ~text!" },
		{ "a\\b", "a\\x5cb" },
		{ "\n\r\t\x1b[31m", "\\x0a\\x0d\\x09\\x1b[31m" },
		{ "\x7f\x80\xff", "\\x7f\\x80\\xff" },
		{ "\xc3\xa9", "\\xc3\\xa9" },
		{ "'\"$(id)`id`", "'\"$(id)`id`" },
	};
	char buf[64];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(fwh_printable(rows[i].text, buf,
						  sizeof(buf)),
				    rows[i].expected);
}

/* Is s what some beginning of text becomes? */
static bool is_beginning(const char *s, size_t n, const char *text)
{
	char head[64], shown[64];
	size_t i;

	for (i = 0; i <= strlen(text); i++) {
		snprintf(head, sizeof(head), "%.*s", (int)i, text);
		fwh_printable(head, shown, sizeof(shown));
		if (strlen(shown) == n && !memcmp(shown, s, n))
			return true;
	}
	return false;
}

/* Cut between characters, with "..." and within the buffer. */
static void printable_is_bounded(void **state)
{
	static const char text[] = "ab\x01" "cd\\ef\xff" "ghijklmnop";
	static const char whole[] = "ab\\x01cd\\x5cef\\xffghijklmnop";
	char buf[64];
	size_t size, i, n;

	(void)state;
	for (size = 4; size < sizeof(buf); size++) {
		memset(buf, '#', sizeof(buf));
		fwh_printable(text, buf, size);
		n = strlen(buf);
		assert_true(n < size);
		for (i = size; i < sizeof(buf); i++)
			assert_int_equal(buf[i], '#');
		if (!strcmp(buf, whole))
			continue;
		assert_true(size < sizeof(whole) + 3);
		assert_string_equal(buf + n - 3, "...");
		assert_true(is_beginning(buf, n - 3, text));
	}
	assert_string_equal(buf, whole);
}

/* ---- errors ------------------------------------------------------------- */

static void errors(void **state)
{
	struct fwh_err err = { .code = 0 };
	char text[2000];

	(void)state;
	assert_int_equal(fwh_fail(&err, -EINVAL, "%s: %d", "a", 1), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_string_equal(err.msg, "a: 1");
	/* One line, whatever was put in. */
	fwh_fail(&err, -EIO, "%s", "a\nb\x1b[1m\xc3\xa9\x7f");
	assert_string_equal(err.msg, "a?b?[1m???");
	/* It may quote itself. */
	fwh_fail(&err, -EIO, "before");
	fwh_fail(&err, -EIO, "%s; and after", err.msg);
	assert_string_equal(err.msg, "before; and after");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fwh_fail(&err, -EIO, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_int_equal(fwh_fail(NULL, -EIO, "%s", text), -EIO);
}

/* ---- printing ------------------------------------------------------------ */

static void printed(void **state)
{
	struct fwh_print print;
	FILE *f = fwh_print_begin(&print);
	char *text, line[16];
	size_t at = 0;
	int i;

	(void)state;
	assert_non_null(f);
	text = fwh_print_end(&print, f);
	assert_string_equal(text, "");
	assert_int_equal(print.len, 0);
	free(text);
	f = fwh_print_begin(&print);
	assert_non_null(f);
	for (i = 0; i < 20000; i++)
		fprintf(f, "%d ", i);
	text = fwh_print_end(&print, f);
	assert_non_null(text);
	assert_int_equal(strlen(text), print.len);
	for (i = 0; i < 20000; i++) {
		snprintf(line, sizeof(line), "%d ", i);
		assert_memory_equal(text + at, line, strlen(line));
		at += strlen(line);
	}
	assert_int_equal(at, print.len);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_numbers),
		cmocka_unit_test(bad_numbers),
		cmocka_unit_test(marks),
		cmocka_unit_test(mark_values),
		cmocka_unit_test(interface_names),
		cmocka_unit_test(protocols),
		cmocka_unit_test(printable),
		cmocka_unit_test(printable_is_bounded),
		cmocka_unit_test(errors),
		cmocka_unit_test(printed),
	};

	return cmocka_run_group_tests_name("util", tests, NULL, NULL);
}
