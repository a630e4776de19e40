// SPDX-License-Identifier: GPL-2.0-or-later
/* addr.c - addresses, prefixes and ranges; pure. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "internal.h"

static const int af[FWH_FAMILY_MAX] = { AF_INET, AF_INET6 };

static bool bit_get(const uint8_t *b, unsigned int i)
{
	return b[i / 8] >> (7 - i % 8) & 1;
}

static void bit_put(uint8_t *b, unsigned int i, bool on)
{
	uint8_t mask = (uint8_t)(1 << (7 - i % 8));

	b[i / 8] = on ? b[i / 8] | mask : b[i / 8] & (uint8_t)~mask;
}

int fwh_addr_parse(const char *s, struct fwh_addr *ret)
{
	struct fwh_addr addr = { .family = strchr(s, ':') ? FWH_IPV6 : FWH_IPV4 };

	if (inet_pton(af[addr.family], s, addr.b) != 1)
		return -EINVAL;
	*ret = addr;
	return 0;
}

/* libc prints the four numbers with a format; an event has dozens of addresses. */
static const char *format_ipv4(const uint8_t *b, char *buf)
{
	char *p = buf;
	int i;

	for (i = 0; i < 4; i++) {
		if (b[i] >= 100)
			*p++ = (char)('0' + b[i] / 100);
		if (b[i] >= 10)
			*p++ = (char)('0' + b[i] / 10 % 10);
		*p++ = (char)('0' + b[i] % 10);
		*p++ = i < 3 ? '.' : '\0';
	}
	return buf;
}

const char *fwh_addr_format(const struct fwh_addr *addr, char *buf)
{
	if (addr->family == FWH_IPV4)
		return format_ipv4(addr->b, buf);
	return inet_ntop(af[addr->family], addr->b, buf, FWH_ADDR_STRLEN);
}

bool fwh_addr_equal(const struct fwh_addr *a, const struct fwh_addr *b)
{
	return a->family == b->family &&
	       !memcmp(a->b, b->b, fwh_family_bytes(a->family));
}

bool fwh_addr_is_any(const struct fwh_addr *a)
{
	static const uint8_t zero[16];

	return !memcmp(a->b, zero, fwh_family_bytes(a->family));
}

void fwh_net_to_range(const struct fwh_net *net, struct fwh_range *ret)
{
	unsigned int i;

	ret->family = net->addr.family;
	memcpy(ret->lo, net->addr.b, sizeof(ret->lo));
	memcpy(ret->hi, net->addr.b, sizeof(ret->hi));
	for (i = net->len; i < fwh_family_bits(ret->family); i++)
		bit_put(ret->hi, i, true);
}

static int parse_prefix(const char *addr, const char *len,
			struct fwh_range *ret)
{
	struct fwh_net net;
	uint64_t bits;
	unsigned int i;

	memset(&net, 0, sizeof(net));
	if (fwh_addr_parse(addr, &net.addr) ||
	    fwh_number_parse(len, false, fwh_family_bits(net.addr.family), &bits))
		return -EINVAL;
	for (i = (unsigned int)bits; i < fwh_family_bits(net.addr.family); i++)
		if (bit_get(net.addr.b, i))
			return -EINVAL;
	net.len = (uint8_t)bits;
	fwh_net_to_range(&net, ret);
	return 0;
}

static int parse_ends(const char *lo, const char *hi, struct fwh_range *ret)
{
	struct fwh_addr a, b;

	if (fwh_addr_parse(lo, &a) || fwh_addr_parse(hi, &b) ||
	    a.family != b.family || memcmp(a.b, b.b, sizeof(a.b)) > 0)
		return -EINVAL;
	ret->family = a.family;
	memcpy(ret->lo, a.b, sizeof(ret->lo));
	memcpy(ret->hi, b.b, sizeof(ret->hi));
	return 0;
}

int fwh_range_parse(const char *s, struct fwh_range *ret)
{
	char first[FWH_ADDR_STRLEN];
	size_t n = strcspn(s, "/-");

	if (n >= sizeof(first))
		return -EINVAL;
	memcpy(first, s, n);
	first[n] = '\0';
	if (s[n] == '/')
		return parse_prefix(first, s + n + 1, ret);
	return parse_ends(first, s[n] == '-' ? s + n + 1 : first, ret);
}

/* If one prefix covers exactly lo..hi, its length, else -1: the ends agree up
 * to it, and after it lo is all zeros and hi all ones. */
static int prefix_len(const struct fwh_range *range)
{
	unsigned int bits = fwh_family_bits(range->family), len = 0, i;

	while (len < bits && bit_get(range->lo, len) == bit_get(range->hi, len))
		len++;
	for (i = len; i < bits; i++)
		if (bit_get(range->lo, i) || !bit_get(range->hi, i))
			return -1;
	return (int)len;
}

const char *fwh_range_format(const struct fwh_range *range, char *buf)
{
	struct fwh_addr lo = { .family = range->family };
	struct fwh_addr hi = { .family = range->family };
	int len = prefix_len(range);
	size_t n;

	memcpy(lo.b, range->lo, sizeof(lo.b));
	memcpy(hi.b, range->hi, sizeof(hi.b));
	fwh_addr_format(&lo, buf);
	n = strlen(buf);
	if (len >= 0) {
		snprintf(buf + n, FWH_RANGE_STRLEN - n, "/%d", len);
	} else {
		buf[n++] = '-';
		fwh_addr_format(&hi, buf + n);
	}
	return buf;
}

bool fwh_range_contains(const struct fwh_range *range,
			const struct fwh_addr *addr)
{
	size_t n = fwh_family_bytes(range->family);

	return range->family == addr->family &&
	       memcmp(range->lo, addr->b, n) <= 0 &&
	       memcmp(addr->b, range->hi, n) <= 0;
}

bool fwh_range_overlaps(const struct fwh_range *a, const struct fwh_range *b)
{
	size_t n = fwh_family_bytes(a->family);

	return a->family == b->family && memcmp(a->lo, b->hi, n) <= 0 &&
	       memcmp(b->lo, a->hi, n) <= 0;
}

bool fwh_range_covers(const struct fwh_range *outer,
		      const struct fwh_range *inner)
{
	size_t n = fwh_family_bytes(outer->family);

	return outer->family == inner->family &&
	       memcmp(outer->lo, inner->lo, n) <= 0 &&
	       memcmp(inner->hi, outer->hi, n) <= 0;
}

bool fwh_range_is_host(const struct fwh_range *range,
		       const struct fwh_addr *addr)
{
	size_t n = fwh_family_bytes(range->family);

	return range->family == addr->family &&
	       !memcmp(range->lo, addr->b, n) && !memcmp(range->hi, addr->b, n);
}

/* Add one; false if it wraps round. */
static bool increment(uint8_t *b, enum fwh_family family)
{
	size_t i = fwh_family_bytes(family);

	while (i-- > 0)
		if (++b[i] != 0)
			return true;
	return false;
}

/* The largest prefix that begins at `at' and does not reach beyond hi. */
static void largest_prefix(const uint8_t *at, const struct fwh_range *range,
			   struct fwh_net *ret, uint8_t *ret_last)
{
	unsigned int len = fwh_family_bits(range->family);
	uint8_t last[16], wider[16];

	memcpy(last, at, sizeof(last));
	while (len > 0 && !bit_get(at, len - 1)) {
		memcpy(wider, last, sizeof(wider));
		bit_put(wider, len - 1, true);
		if (memcmp(wider, range->hi, fwh_family_bytes(range->family)) > 0)
			break;
		memcpy(last, wider, sizeof(last));
		len--;
	}
	memset(ret, 0, sizeof(*ret));
	ret->addr.family = range->family;
	memcpy(ret->addr.b, at, sizeof(ret->addr.b));
	ret->len = (uint8_t)len;
	memcpy(ret_last, last, sizeof(last));
}

size_t fwh_range_to_nets(const struct fwh_range *range, struct fwh_net *ret)
{
	uint8_t at[16], last[16];
	size_t n = 0;

	memcpy(at, range->lo, sizeof(at));
	do {
		largest_prefix(at, range, &ret[n++], last);
		memcpy(at, last, sizeof(at));
	} while (memcmp(last, range->hi, fwh_family_bytes(range->family)) < 0 &&
		 increment(at, range->family));
	return n;
}
