// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * event_values.c - the value of one variable: what types there are, how it is
 * found, what is said of a wrong one.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "event.h"

int fwh_env_index(char *const vars[], struct fwh_env *ret)
{
	struct fwh_env env = { .vars = vars };
	size_t i;

	while (vars[env.n])
		env.n++;
	env.name_len = calloc(env.n + 1, sizeof(*env.name_len));
	if (!env.name_len)
		return -ENOMEM;
	for (i = 0; i < env.n; i++) {
		const char *end = strchr(vars[i], '=');

		if (end && end - vars[i] <= UINT8_MAX)
			env.name_len[i] = (uint8_t)(end - vars[i]);
	}
	*ret = env;
	return 0;
}

const char *fwh_env_get(const struct fwh_env *env, const char *name)
{
	size_t n = strlen(name), i;

	for (i = 0; i < env->n; i++)
		if (env->name_len[i] == n && !memcmp(env->vars[i], name, n))
			return env->vars[i] + n + 1;
	return NULL;
}

int fwh_event_refuse(const char *name, const char *value, const char *expected,
		     int code, struct fwh_err *err)
{
	char shown[120];

	return fwh_fail(err, code, "%s=%s: expected %s", name,
			fwh_printable(value, shown, sizeof(shown)), expected);
}

bool fwh_is_text(const char *s)
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

_Static_assert(FWH_CONN_MAX == 1024, "fwh_type_conn says so");

static int parse_conn(const char *s, struct fwh_event *ev, void *field)
{
	(void)field;
	if (!*s || strlen(s) >= sizeof(ev->conn) || !fwh_is_text(s))
		return -EINVAL;
	strcpy(ev->conn, s);	/* the length was checked */
	return 0;
}

static void format_conn(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)field;
	fputs(ev->conn, f);
}

const struct type fwh_type_conn = {
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
const struct type fwh_type_addr = { parse_addr, format_addr, ADDRESS };
const struct type fwh_type_peer = { parse_peer, format_addr, ADDRESS };
const struct type fwh_type_optional_addr = {
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

const struct type fwh_type_ifaddr = {
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

const struct type fwh_type_range = {
	parse_range, format_range,
	"address/length without host bits, or first-last"
};

static int parse_u64(const char *s, struct fwh_event *ev, void *field)
{
	(void)ev;
	return fwh_number_parse(s, false, UINT64_MAX, field);
}

#define NUMBER	"a decimal number"
const struct type fwh_type_u64 = { parse_u64, NULL, NUMBER };

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

const struct type fwh_type_u32 = { parse_u32, format_u32, NUMBER };
const struct type fwh_type_spi = { parse_u32, format_u32, "an SPI" };

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

const struct type fwh_type_port = { parse_u16, format_u16, "a port" };
const struct type fwh_type_group = {
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

const struct type fwh_type_flag = { parse_flag, format_flag, "0 or 1" };

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

const struct type fwh_type_mark = { parse_mark, format_mark, "value/mask" };

/* pluto writes the literal NULL where there is no interface. */
static int parse_iface(const char *s, struct fwh_event *ev, void *field)
{
	char name[FWH_IFNAME_MAX];
	int code = fwh_ifname_parse(s, name);

	(void)ev;
	if (!code && strcmp(name, "NULL") && strcmp(name, "unknown"))
		memcpy(field, name, sizeof(name));
	return code;
}

static void format_iface(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)ev;
	fputs(field, f);
}

const struct type fwh_type_iface = {
	parse_iface, format_iface, "an interface name"
};

static int parse_text(const char *s, struct fwh_event *ev, void *field)
{
	(void)ev;
	if (strlen(s) > TEXT_LIMIT || !fwh_is_text(s))
		return -EINVAL;
	*(const char **)field = s;
	return 0;
}

const struct type fwh_type_text = {
	parse_text, NULL, "UTF-8 without control characters, at most 4096 bytes"
};
_Static_assert(TEXT_LIMIT == 4096, "fwh_type_text says so");
