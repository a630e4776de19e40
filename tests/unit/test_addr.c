// SPDX-License-Identifier: GPL-2.0-or-later
/* test_addr.c - addresses, ranges, and the prefixes that cover them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"

static struct fwh_range range_of(const char *s)
{
	struct fwh_range range;

	if (fwh_range_parse(s, &range))
		fail_msg("refused: %s", s);
	return range;
}

static struct fwh_addr addr_of(const char *s)
{
	struct fwh_addr addr;

	if (fwh_addr_parse(s, &addr))
		fail_msg("refused: %s", s);
	return addr;
}

/* ---- one address -------------------------------------------------------- */

static void addresses(void **state)
{
	static const struct {
		const char *text;
		enum fwh_family family;
		uint8_t b[16];
	} rows[] = {
		{ "0.0.0.0", FWH_IPV4, { 0 } },
		{ "192.0.2.1", FWH_IPV4, { 192, 0, 2, 1 } },
		{ "255.255.255.255", FWH_IPV4, { 255, 255, 255, 255 } },
		{ "::", FWH_IPV6, { 0 } },
		{ "::1", FWH_IPV6, { [15] = 1 } },
		{ "2001:db8::8:800:200c:417a", FWH_IPV6,
		  { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 8, 8, 0, 0x20, 0xc,
		    0x41, 0x7a } },
		{ "::ffff:192.0.2.1", FWH_IPV6,
		  { [10] = 0xff, 0xff, 192, 0, 2, 1 } },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", FWH_IPV6,
		  { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
		    255, 255, 255, 255, 255 } },
	};
	char buf[FWH_ADDR_STRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_addr addr = addr_of(rows[i].text);

		assert_int_equal(addr.family, rows[i].family);
		/* The bytes that IPv4 does not use are zero: records and
		 * plans are compared as memory. */
		assert_memory_equal(addr.b, rows[i].b, sizeof(addr.b));
		assert_string_equal(fwh_addr_format(&addr, buf), rows[i].text);
	}
}

static void odd_spellings(void **state)
{
	static const struct { const char *text, *expected; } rows[] = {
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "0:0:0:0:0:ffff:c000:0201", "::ffff:192.0.2.1" },
	};
	char buf[FWH_ADDR_STRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_addr addr = addr_of(rows[i].text);

		assert_string_equal(fwh_addr_format(&addr, buf),
				    rows[i].expected);
	}
}

static void bad_addresses(void **state)
{
	static const char *const rows[] = {
		"", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4",
		"1.2.3.4 ", " 1.2.3.4", "1.2.3.4/32", "1.2.3.4-1.2.3.4",
		"01.2.3.4", "0x1.2.3.4", "1.2.3.4\n", "localhost", "%any",
		":", ":::", "1::2::3", "::1%lo", "fe80::1%eth0", "[::1]",
		"12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1.2.3",
		"::1.2.3.4.5", "::g", "NULL",
	};
	struct fwh_addr addr, untouched;
	size_t i;

	(void)state;
	memset(&untouched, 0x5a, sizeof(untouched));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		addr = untouched;
		if (fwh_addr_parse(rows[i], &addr) != -EINVAL)
			fail_msg("taken: %s", rows[i]);
		assert_memory_equal(&addr, &untouched, sizeof(addr));
	}
}

static void comparing_addresses(void **state)
{
	struct fwh_addr a = addr_of("0.0.0.0"), b = addr_of("::");

	(void)state;
	assert_true(fwh_addr_is_any(&a));
	assert_true(fwh_addr_is_any(&b));
	assert_false(fwh_addr_equal(&a, &b));	/* of two families */
	assert_true(fwh_addr_equal(&a, &a));
	a = addr_of("0.0.0.1");
	b = addr_of("::1");
	assert_false(fwh_addr_is_any(&a));
	assert_false(fwh_addr_is_any(&b));
	b = addr_of("0.0.0.1");
	assert_true(fwh_addr_equal(&a, &b));
	b.b[7] = 9;		/* beyond an IPv4 address */
	assert_true(fwh_addr_equal(&a, &b));
	b = addr_of("1.0.0.1");
	assert_false(fwh_addr_equal(&a, &b));
	a = addr_of("2001:db8::1");
	b = addr_of("2001:db8::2");
	assert_false(fwh_addr_equal(&a, &b));
}

/* ---- ranges ------------------------------------------------------------- */

/* Text, its first and last address, how it is written. */
static void ranges(void **state)
{
	static const struct { const char *text, *lo, *hi, *shown; } rows[] = {
		{ "0.0.0.0/0", "0.0.0.0", "255.255.255.255", NULL },
		{ "0.0.0.0/1", "0.0.0.0", "127.255.255.255", NULL },
		{ "128.0.0.0/1", "128.0.0.0", "255.255.255.255", NULL },
		{ "10.0.0.0/8", "10.0.0.0", "10.255.255.255", NULL },
		{ "192.0.2.128/25", "192.0.2.128", "192.0.2.255", NULL },
		{ "192.0.2.254/31", "192.0.2.254", "192.0.2.255", NULL },
		{ "192.0.2.1/32", "192.0.2.1", "192.0.2.1", NULL },
		{ "255.255.255.255/32", "255.255.255.255", "255.255.255.255",
		  NULL },
		{ "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1/32" },
		{ "192.0.2.1-192.0.2.1", "192.0.2.1", "192.0.2.1",
		  "192.0.2.1/32" },
		{ "192.0.2.0-192.0.2.255", "192.0.2.0", "192.0.2.255",
		  "192.0.2.0/24" },
		{ "0.0.0.0-255.255.255.255", "0.0.0.0", "255.255.255.255",
		  "0.0.0.0/0" },
		{ "192.0.2.1-192.0.2.2", "192.0.2.1", "192.0.2.2", NULL },
		{ "192.0.2.1-192.0.3.0", "192.0.2.1", "192.0.3.0", NULL },
		/* As long as a prefix, but not at its place. */
		{ "192.0.2.128-192.0.3.127", "192.0.2.128", "192.0.3.127",
		  NULL },
		{ "0.0.0.1-255.255.255.255", "0.0.0.1", "255.255.255.255",
		  NULL },
		{ "::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  NULL },
		{ "8000::/1", "8000::",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
		{ "2001:db8::/32", "2001:db8::",
		  "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
		{ "2001:db8::2/127", "2001:db8::2", "2001:db8::3", NULL },
		{ "2001:db8::1/128", "2001:db8::1", "2001:db8::1", NULL },
		{ "::1", "::1", "::1", "::1/128" },
		{ "2001:db8::-2001:db8::ffff", "2001:db8::",
		  "2001:db8::ffff", "2001:db8::/112" },
		{ "2001:db8::1-2001:db8::ffff", "2001:db8::1",
		  "2001:db8::ffff", NULL },
		{ "::ffff:1.2.3.4-::ffff:255.255.255.255", "::ffff:1.2.3.4",
		  "::ffff:255.255.255.255", NULL },
		/* As long as text can be. */
		{ "1111:1111:1111:1111:1111:1111:1111:1111-"
		  "2222:2222:2222:2222:2222:2222:2222:2222",
		  "1111:1111:1111:1111:1111:1111:1111:1111",
		  "2222:2222:2222:2222:2222:2222:2222:2222", NULL },
	};
	char buf[FWH_RANGE_STRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_range range = range_of(rows[i].text), again;
		struct fwh_addr lo = addr_of(rows[i].lo);
		struct fwh_addr hi = addr_of(rows[i].hi);

		assert_int_equal(range.family, lo.family);
		assert_memory_equal(range.lo, lo.b, sizeof(lo.b));
		assert_memory_equal(range.hi, hi.b, sizeof(hi.b));
		assert_string_equal(fwh_range_format(&range, buf),
				    rows[i].shown ? rows[i].shown :
						    rows[i].text);
		again = range_of(buf);
		assert_memory_equal(&again, &range, sizeof(range));
		assert_true(fwh_range_contains(&range, &lo));
		assert_true(fwh_range_contains(&range, &hi));
		assert_int_equal(fwh_range_is_host(&range, &lo),
				 fwh_addr_equal(&lo, &hi));
	}
}

static void bad_ranges(void **state)
{
	static const char *const rows[] = {
		"", "/", "-", "/24", "-1.2.3.4", "1.2.3.4/", "1.2.3.4-",
		/* too long, host bits, not numbers */
		"1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+1", "1.2.3.0/024x",
		"1.2.3.4/24", "0.0.0.1/0", "128.0.0.0/0", "1.2.3.4/31 ",
		"1.2.3.5/31", "1.2.3.0/24/24", "1.2.3.0/24-1.2.4.0/24",
		"1.2.3.0/255.255.255.0", "1.2.3.0/0x18", "1.2.3.0/ 24",
		"1.2.3.0/18446744073709551640", "1.2.3/24",
		"::/129", "::1/127", "::1/0", "2001:db8::1/32", "::/-0",
		/* swapped ends, two families, three ends */
		"1.2.3.5-1.2.3.4", "2.0.0.0-1.255.255.255",
		"::2-::1", "1.2.3.4-::ffff", "::1-1.2.3.4",
		"::ffff:1.2.3.4-1.2.3.5", "1.2.3.4-1.2.3.5-1.2.3.6",
		"1.2.3.4--1.2.3.5", "1.2.3.4 - 1.2.3.5", "1.2.3.4-5",
		"%any", "%any/0", "%default", "0/0", "0.0.0.0/0 ",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/24",
	};
	struct fwh_range range, untouched;
	size_t i;

	(void)state;
	memset(&untouched, 0x5a, sizeof(untouched));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		range = untouched;
		if (fwh_range_parse(rows[i], &range) != -EINVAL)
			fail_msg("taken: %s", rows[i]);
		assert_memory_equal(&range, &untouched, sizeof(range));
	}
}

static void containing(void **state)
{
	static const struct { const char *range, *addr; bool expected; } rows[] = {
		{ "192.0.2.0/24", "192.0.2.0", true },
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.1.255", false },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::", false },
		{ "::/0", "0.0.0.0", false },
		{ "::/0", "ffff::", true },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.250-192.0.3.5", "192.0.2.249", false },
		{ "192.0.2.250-192.0.3.5", "192.0.2.250", true },
		{ "192.0.2.250-192.0.3.5", "192.0.3.5", true },
		{ "192.0.2.250-192.0.3.5", "192.0.3.6", false },
		{ "2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff", true },
		{ "2001:db8::/64", "2001:db8:0:1::", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_range range = range_of(rows[i].range);
		struct fwh_addr addr = addr_of(rows[i].addr);

		if (fwh_range_contains(&range, &addr) != rows[i].expected)
			fail_msg("%s in %s", rows[i].addr, rows[i].range);
	}
}

static void overlapping(void **state)
{
	static const struct { const char *a, *b; bool expected; } rows[] = {
		{ "192.0.2.0/24", "192.0.2.0/24", true },
		{ "192.0.2.0/24", "0.0.0.0/0", true },
		{ "192.0.2.0/24", "192.0.2.255/32", true },
		{ "192.0.2.0/24", "192.0.3.0/24", false },
		{ "192.0.2.0/24", "192.0.1.0/24", false },
		{ "192.0.2.0-192.0.2.9", "192.0.2.9-192.0.2.20", true },
		{ "192.0.2.0-192.0.2.8", "192.0.2.9-192.0.2.20", false },
		{ "192.0.2.0-192.0.2.99", "192.0.2.9-192.0.2.20", true },
		{ "::/0", "0.0.0.0/0", false },
		{ "2001:db8::/32", "2001:db8:5::/48", true },
		{ "2001:db8::/32", "2001:db9::/32", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_range a = range_of(rows[i].a);
		struct fwh_range b = range_of(rows[i].b);

		if (fwh_range_overlaps(&a, &b) != rows[i].expected ||
		    fwh_range_overlaps(&b, &a) != rows[i].expected)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

static void covering(void **state)
{
	static const struct { const char *outer, *inner; bool expected; }
	rows[] = {
		{ "192.0.2.0/24", "192.0.2.0/24", true },
		{ "192.0.2.0/24", "192.0.2.128/25", true },
		{ "192.0.2.0/24", "192.0.2.0/23", false },
		{ "192.0.2.0/24", "192.0.2.255-192.0.3.0", false },
		{ "192.0.2.0/24", "192.0.1.255-192.0.2.0", false },
		{ "192.0.2.128/25", "192.0.2.0/24", false },
		{ "0.0.0.0/0", "192.0.2.0/24", true },
		{ "0.0.0.0/0", "::/0", false },
		{ "::/0", "0.0.0.0/0", false },
		{ "::/0", "2001:db8::/32", true },
		{ "2001:db8::/64", "2001:db8::/63", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_range outer = range_of(rows[i].outer);
		struct fwh_range inner = range_of(rows[i].inner);

		if (fwh_range_covers(&outer, &inner) != rows[i].expected)
			fail_msg("%s in %s", rows[i].inner, rows[i].outer);
	}
}

static void hosts(void **state)
{
	static const struct { const char *range, *addr; bool expected; } rows[] = {
		{ "192.0.2.1/32", "192.0.2.1", true },
		{ "192.0.2.1/32", "192.0.2.2", false },
		{ "192.0.2.0/31", "192.0.2.0", false },
		{ "192.0.2.0/31", "192.0.2.1", false },
		{ "::/128", "0.0.0.0", false },
		{ "0.0.0.0/32", "::", false },
		{ "2001:db8::1/128", "2001:db8::1", true },
		{ "2001:db8::1-2001:db8::2", "2001:db8::1", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_range range = range_of(rows[i].range);
		struct fwh_addr addr = addr_of(rows[i].addr);

		if (fwh_range_is_host(&range, &addr) != rows[i].expected)
			fail_msg("%s is %s", rows[i].range, rows[i].addr);
	}
}

/* ---- prefixes ----------------------------------------------------------- */

static void known_prefixes(void **state)
{
	static const struct { const char *range, *nets[10]; } rows[] = {
		{ "0.0.0.0/0", { "0.0.0.0/0" } },
		{ "::/0", { "::/0" } },
		{ "192.0.2.0/24", { "192.0.2.0/24" } },
		{ "192.0.2.7", { "192.0.2.7/32" } },
		{ "255.255.255.255", { "255.255.255.255/32" } },
		{ "0.0.0.0", { "0.0.0.0/32" } },
		{ "0.0.0.0-0.0.0.1", { "0.0.0.0/31" } },
		{ "0.0.0.0-0.0.0.2", { "0.0.0.0/31", "0.0.0.2/32" } },
		{ "255.255.255.253-255.255.255.255",
		  { "255.255.255.253/32", "255.255.255.254/31" } },
		{ "0.0.0.0-127.255.255.255", { "0.0.0.0/1" } },
		{ "127.255.255.255-128.0.0.0",
		  { "127.255.255.255/32", "128.0.0.0/32" } },
		{ "192.0.2.10-192.0.2.20",
		  { "192.0.2.10/31", "192.0.2.12/30", "192.0.2.16/30",
		    "192.0.2.20/32" } },
		{ "10.0.0.1-10.0.0.254",
		  { "10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/30",
		    "10.0.0.8/29", "10.0.0.16/28", "10.0.0.32/27",
		    "10.0.0.64/26", "10.0.0.128/26", "10.0.0.192/27",
		    "10.0.0.224/28" /* and so on */ } },
		{ "2001:db8::fffe-2001:db8::1:1",
		  { "2001:db8::fffe/127", "2001:db8::1:0/127" } },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" } },
	};
	struct fwh_net nets[FWH_RANGE_NETS_MAX];
	char got[64], buf[FWH_ADDR_STRLEN];
	size_t i, j, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_range range = range_of(rows[i].range);

		n = fwh_range_to_nets(&range, nets);
		for (j = 0; j < 10 && rows[i].nets[j]; j++) {
			assert_true(j < n);
			snprintf(got, sizeof(got), "%s/%u",
				 fwh_addr_format(&nets[j].addr, buf),
				 nets[j].len);
			assert_string_equal(got, rows[i].nets[j]);
		}
		if (j < 10)
			assert_int_equal(n, j);
	}
}

/* The ranges that need the most. */
static void most_prefixes(void **state)
{
	struct fwh_range v4 = range_of("0.0.0.1-255.255.255.254");
	struct fwh_range v6 = range_of("::1-ffff:ffff:ffff:ffff:ffff:ffff:"
				       "ffff:fffe");
	struct fwh_net nets[FWH_RANGE_NETS_MAX];

	(void)state;
	assert_int_equal(fwh_range_to_nets(&v4, nets), 62);
	assert_int_equal(fwh_range_to_nets(&v6, nets), FWH_RANGE_NETS_MAX);
}

/* Add one; false if it wraps round.  Written unlike addr.c's. */
static bool next_addr(uint8_t *b, size_t n)
{
	unsigned int carry = 1;
	size_t i;

	for (i = 1; i <= n; i++) {
		carry += b[n - i];
		b[n - i] = carry & 0xff;
		carry >>= 8;
	}
	return !carry;
}

static bool host_bits_are_zero(const struct fwh_net *net)
{
	unsigned int i;

	for (i = net->len; i < fwh_family_bits(net->addr.family); i++)
		if (net->addr.b[i / 8] & 0x80 >> i % 8)
			return false;
	return true;
}

/* Could two neighbours be one? */
static bool are_halves(const struct fwh_net *a, const struct fwh_net *b)
{
	struct fwh_net whole = *a;
	struct fwh_range both, last;

	if (!a->len || a->len != b->len)
		return false;
	whole.len--;
	if (!host_bits_are_zero(&whole))
		return false;
	fwh_net_to_range(&whole, &both);
	fwh_net_to_range(b, &last);
	return !memcmp(both.hi, last.hi, sizeof(both.hi));
}

/* Exactly the range, ascending, without holes, and no shorter list would do:
 * no two neighbours make one prefix. */
static void check_cover(const struct fwh_range *range)
{
	size_t size = fwh_family_bytes(range->family), n, i;
	struct fwh_net nets[FWH_RANGE_NETS_MAX + 1];
	struct fwh_range part;
	uint8_t expected[16];
	char buf[FWH_RANGE_STRLEN];

	memset(&nets[FWH_RANGE_NETS_MAX], 0x5a, sizeof(nets[0]));
	n = fwh_range_to_nets(range, nets);
	fwh_range_format(range, buf);
	assert_true(n >= 1 && n <= 2 * fwh_family_bits(range->family) - 2);
	memcpy(expected, range->lo, sizeof(expected));
	for (i = 0; i < n; i++) {
		assert_int_equal(nets[i].addr.family, range->family);
		assert_true(nets[i].len <= fwh_family_bits(range->family));
		if (!host_bits_are_zero(&nets[i]))
			fail_msg("%s: prefix %zu has host bits", buf, i);
		if (memcmp(nets[i].addr.b, expected, size) != 0)
			fail_msg("%s: prefix %zu leaves a hole", buf, i);
		if (i && are_halves(&nets[i - 1], &nets[i]))
			fail_msg("%s: prefixes %zu and %zu are one", buf,
				 i - 1, i);
		fwh_net_to_range(&nets[i], &part);
		assert_true(memcmp(part.lo, part.hi, size) <= 0);
		if (i + 1 == n)
			break;
		memcpy(expected, part.hi, sizeof(expected));
		if (!next_addr(expected, size))
			fail_msg("%s: prefix %zu ends the world", buf, i);
	}
	if (memcmp(part.hi, range->hi, size) != 0)
		fail_msg("%s: does not end with its end", buf);
	for (i = 0; i < sizeof(nets[0]); i++)
		assert_int_equal(((uint8_t *)&nets[FWH_RANGE_NETS_MAX])[i],
				 0x5a);
}

/* The same numbers each time (xorshift64). */
static uint64_t random_number(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Random ends; often with a common beginning, often near the edges of bytes. */
static struct fwh_range random_range(enum fwh_family family)
{
	static const uint8_t edges[] = { 0, 1, 127, 128, 254, 255 };
	struct fwh_range range = { .family = family };
	size_t n = fwh_family_bytes(family), i;
	size_t common = random_number() % (n + 1);

	for (i = 0; i < n; i++) {
		bool edge = random_number() % 2;

		range.lo[i] = edge ? edges[random_number() % sizeof(edges)] :
				     (uint8_t)random_number();
		range.hi[i] = i < common ? range.lo[i] : edge ?
			      edges[random_number() % sizeof(edges)] :
			      (uint8_t)random_number();
	}
	if (memcmp(range.lo, range.hi, n) > 0) {
		uint8_t swap[16];

		memcpy(swap, range.lo, sizeof(swap));
		memcpy(range.lo, range.hi, sizeof(swap));
		memcpy(range.hi, swap, sizeof(swap));
	}
	return range;
}

static void random_ranges(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		struct fwh_range range = random_range(i % 2 ? FWH_IPV4 :
							      FWH_IPV6);
		struct fwh_range again;
		char buf[FWH_RANGE_STRLEN];

		check_cover(&range);
		again = range_of(fwh_range_format(&range, buf));
		assert_memory_equal(&again, &range, sizeof(range));
	}
}

/* Each pair of ends within a few bits of one byte, and at both ends of all
 * addresses. */
static void small_ranges(void **state)
{
	static const char *const bases[] = {
		"0.0.0.0", "192.0.2.0", "192.0.2.240", "255.255.255.240",
		"::", "2001:db8::fff0",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0",
	};
	size_t i;
	int lo, hi;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		struct fwh_addr base = addr_of(bases[i]);
		size_t last = fwh_family_bytes(base.family) - 1;

		for (lo = 0; lo < 16; lo++) {
			for (hi = lo; hi < 16; hi++) {
				struct fwh_range range = {
					.family = base.family
				};

				memcpy(range.lo, base.b, sizeof(range.lo));
				memcpy(range.hi, base.b, sizeof(range.hi));
				range.lo[last] = (uint8_t)(base.b[last] + lo);
				range.hi[last] = (uint8_t)(base.b[last] + hi);
				check_cover(&range);
			}
		}
	}
}

/* Every length of both families, there and back. */
static void all_lengths(void **state)
{
	static const char *const last[FWH_FAMILY_MAX] = {
		"255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	};
	unsigned int len, family, i;

	(void)state;
	for (family = 0; family < FWH_FAMILY_MAX; family++) {
		for (len = 0; len <= fwh_family_bits(family); len++) {
			struct fwh_net net = { .addr = addr_of(last[family]) };
			struct fwh_net nets[FWH_RANGE_NETS_MAX];
			struct fwh_range range;

			net.len = (uint8_t)len;
			for (i = len; i < fwh_family_bits(family); i++)
				net.addr.b[i / 8] &= (uint8_t)~(0x80 >> i % 8);
			fwh_net_to_range(&net, &range);
			assert_memory_equal(range.lo, net.addr.b, 16);
			assert_memory_equal(range.hi, addr_of(last[family]).b,
					    16);
			assert_int_equal(fwh_range_to_nets(&range, nets), 1);
			assert_true(fwh_addr_equal(&nets[0].addr, &net.addr));
			assert_int_equal(nets[0].len, len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(odd_spellings),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(comparing_addresses),
		cmocka_unit_test(ranges),
		cmocka_unit_test(bad_ranges),
		cmocka_unit_test(containing),
		cmocka_unit_test(overlapping),
		cmocka_unit_test(covering),
		cmocka_unit_test(hosts),
		cmocka_unit_test(known_prefixes),
		cmocka_unit_test(most_prefixes),
		cmocka_unit_test(random_ranges),
		cmocka_unit_test(small_ranges),
		cmocka_unit_test(all_lengths),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
