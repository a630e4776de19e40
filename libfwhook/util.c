// SPDX-License-Identifier: GPL-2.0-or-later
/* util.c - errors, numbers and names: what every reader needs at its door. */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

const char *fwh_printable(const char *s, char *buf, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		size_t need = c >= ' ' && c < 0x7f && c != '\\' ? 1 : 4;

		if (n + need + 3 >= size) {	/* room for "..." */
			memcpy(buf + n, "...", 3);
			n += 3;
			break;
		}
		if (need == 1) {
			buf[n++] = (char)c;
			continue;
		}
		buf[n++] = '\\';
		buf[n++] = 'x';
		buf[n++] = hex[c >> 4];
		buf[n++] = hex[c & 15];
	}
	buf[n] = '\0';
	return buf;
}

int fwh_fail(struct fwh_err *err, int code, const char *fmt, ...)
{
	char text[sizeof(err->msg)], *p;
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);	/* may quote err->msg */
	va_end(ap);
	for (p = text; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
			*p = '?';
	err->code = code;
	memcpy(err->msg, text, sizeof(text));
	return code;
}

int fwh_fail_back(struct fwh_err *err, const struct fwh_err *second)
{
	return fwh_fail(err, -ENOTRECOVERABLE, "%.240s; and going back failed: "
			"%.200s", err ? err->msg : "", second->msg);
}

int fwh_number_parse(const char *s, bool hex, uint64_t max, uint64_t *ret)
{
	unsigned int base = 10;
	uint64_t n = 0;

	if (hex && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		unsigned int digit;

		if (*s >= '0' && *s <= '9')
			digit = (unsigned int)(*s - '0');
		else if (base == 16 && *s >= 'a' && *s <= 'f')
			digit = (unsigned int)(*s - 'a') + 10;
		else if (base == 16 && *s >= 'A' && *s <= 'F')
			digit = (unsigned int)(*s - 'A') + 10;
		else
			return -EINVAL;
		if (n > (max - digit) / base || digit > max)
			return -EINVAL;
		n = n * base + digit;
	}
	*ret = n;
	return 0;
}

int fwh_mark_parse(const char *s, struct fwh_mark *ret)
{
	uint64_t value, mask = UINT32_MAX;
	const char *slash = strchr(s, '/');
	char word[16];

	if (slash) {
		if ((size_t)(slash - s) >= sizeof(word) ||
		    fwh_number_parse(slash + 1, true, UINT32_MAX, &mask))
			return -EINVAL;
		memcpy(word, s, (size_t)(slash - s));
		word[slash - s] = '\0';
		s = word;
	}
	if (fwh_number_parse(s, true, UINT32_MAX, &value))
		return -EINVAL;
	ret->value = (uint32_t)value;
	ret->mask = (uint32_t)mask;
	return 0;
}

static unsigned int mask_shift(uint32_t mask)
{
	unsigned int shift = 0;

	while (!(mask >> shift & 1))
		shift++;
	return shift;
}

uint32_t fwh_mark_values(uint32_t mask)
{
	return mask >> mask_shift(mask);
}

uint32_t fwh_mark_nth(uint32_t mask, uint64_t n)
{
	return (uint32_t)(1 + n % fwh_mark_values(mask)) << mask_shift(mask);
}

/* The kernel's dev_valid_name(): no '/', no ':', no white space, not "." or
 * "..", at most 15 bytes.  An alias (eth0:1) is a label of an address. */
int fwh_ifname_parse(const char *s, char *ret)
{
	size_t n = strcspn(s, ":"), i;

	if (n == 0 || n >= FWH_IFNAME_MAX || (s[n] && !s[n + 1]))
		return -EINVAL;
	for (i = 0; s[i]; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == '/' ||
		    (unsigned char)s[i] >= 0x7f)
			return -EINVAL;
	/* A trailing '+' is a wildcard to iptables: never from a daemon. */
	if (s[n - 1] == '+' || !strncmp(s, ".", n) || (n == 2 && !memcmp(s, "..", 2)))
		return -EINVAL;
	memset(ret, 0, FWH_IFNAME_MAX);
	memcpy(ret, s, n);
	return 0;
}

bool fwh_proto_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP ||
	       proto == IPPROTO_SCTP || proto == IPPROTO_DCCP ||
	       proto == IPPROTO_UDPLITE;
}

bool fwh_proto_is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

void fwh_complain(const struct fwh_err *err, void *arg)
{
	struct fwh_complaints *complaints = arg;

	complaints->n++;
	if (complaints->complain)
		complaints->complain(err, complaints->arg);
}

void fwh_keep_complaint(const struct fwh_err *err, void *arg)
{
	*(struct fwh_err *)arg = *err;
}

void fwh_hash_bytes(uint64_t *h, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (; n; n--, p++)
		*h = (*h ^ *p) * 0x100000001b3u;
}

bool fwh_grow(void *list, size_t n, size_t *cap, size_t size)
{
	/* Large ones are few: pages that are not reached cost nothing. */
	size_t more = *cap ? 2 * *cap : size < 512 ? 8 : 2;
	void *items;

	if (n < *cap)
		return true;
	/* Copied, as a struct foo * is not to be read through a void **. */
	memcpy(&items, list, sizeof(items));
	items = reallocarray(items, more, size);
	if (!items)
		return false;
	memcpy(list, &items, sizeof(items));
	*cap = more;
	return true;
}

static ssize_t print_write(void *cookie, const char *buf, size_t n)
{
	struct fwh_print *print = cookie;
	size_t cap = 2 * (print->len + n + 1);
	char *s = print->s;

	if (print->cap - print->len <= n) {
		s = realloc(print->s, cap);
		if (!s) {
			print->failed = true;
			return 0;
		}
		print->s = s;
		print->cap = cap;
	}
	memcpy(s + print->len, buf, n);
	print->len += n;
	s[print->len] = '\0';
	return (ssize_t)n;
}

FILE *fwh_print_begin(struct fwh_print *print)
{
	static const cookie_io_functions_t functions = { .write = print_write };

	memset(print, 0, sizeof(*print));
	return fopencookie(print, "w", functions);
}

char *fwh_print_end(struct fwh_print *print, FILE *f)
{
	if (fclose(f))
		print->failed = true;
	if (!print->s && !print->failed)
		print->s = strdup("");
	if (print->failed) {
		free(print->s);
		print->s = NULL;
	}
	return print->s;
}
