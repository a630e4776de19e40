// SPDX-License-Identifier: GPL-2.0-or-later
/* ip_text.c - routes and addresses in the words of ip(8); pure. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "ip.h"

static const char *const kind_name[FWH_IP_KIND_MAX] = {
	[FWH_IP_LINK] = "link",
	[FWH_IP_ADDRESS] = "address",
	[FWH_IP_ROUTE] = "route",
	[FWH_IP_RULE] = "rule",
	[FWH_IP_PROXY] = "proxy",
};

/* ---- names -------------------------------------------------------------------- */

void fwh_ip_name(const struct fwh_ip_object *object, char ret[FWH_IP_NAME_MAX])
{
	const char *kind = kind_name[object->kind];
	char addr[FWH_ADDR_STRLEN];

	fwh_addr_format(&object->addr, addr);
	switch (object->kind) {
	case FWH_IP_LINK:
		snprintf(ret, FWH_IP_NAME_MAX, "%s-%s", kind, object->dev);
		break;
	case FWH_IP_ROUTE:
		snprintf(ret, FWH_IP_NAME_MAX, "%s-%s_%u-%" PRIu32 "-%" PRIu32,
			 kind, addr, object->len, object->table,
			 object->metric);
		break;
	case FWH_IP_RULE:
		snprintf(ret, FWH_IP_NAME_MAX, "%s-%" PRIu32 "-%s_%u-%" PRIx32
			 "_%" PRIx32 "-%" PRIu32, kind, object->metric, addr,
			 object->len, object->mark.value, object->mark.mask,
			 object->table);
		break;
	default:
		snprintf(ret, FWH_IP_NAME_MAX, "%s-%s_%u-%s", kind, addr,
			 object->len, object->dev);
	}
}

enum fwh_ip_kind fwh_ip_kind(const char *name)
{
	size_t i, n;

	for (i = 0; i < FWH_IP_KIND_MAX; i++) {
		n = strlen(kind_name[i]);
		if (!strncmp(name, kind_name[i], n) && name[n] == '-')
			break;
	}
	return (enum fwh_ip_kind)i;
}

/* ---- the fields, each with its word --------------------------------------------- */

enum field_type { ADDR, NUMBER, MARK, DEV, FLAG, KEY };

struct field {
	const char *word;
	enum field_type type;
	size_t offset;
	unsigned int kinds;		/* 1 << kind; none elsewhere */
};

#define FIELD(member)	offsetof(struct fwh_ip_object, member)
#define IN(kind)	(1u << FWH_IP_##kind)

static const struct field fields[] = {
	{ "local", ADDR, FIELD(local), IN(LINK) },
	{ "remote", ADDR, FIELD(remote), IN(LINK) },
	{ "ikey", KEY, FIELD(ikey), IN(LINK) },
	{ "okey", KEY, FIELD(okey), IN(LINK) },
	{ "shared", FLAG, FIELD(shared), IN(LINK) },
	{ "via", ADDR, FIELD(via), IN(ROUTE) },
	{ "fwmark", MARK, FIELD(mark), IN(RULE) },
	{ "dev", DEV, FIELD(dev), ~IN(RULE) },
	{ "onlink", FLAG, FIELD(onlink), IN(ROUTE) },
	{ "src", ADDR, FIELD(src), IN(ROUTE) },
	{ "mtu", NUMBER, FIELD(mtu), IN(ROUTE) },
	{ "metric", NUMBER, FIELD(metric), IN(ROUTE) },
	{ "priority", NUMBER, FIELD(metric), IN(RULE) },
	{ "table", NUMBER, FIELD(table), IN(ROUTE) | IN(RULE) },
};

/* A value as text, "" for none. */
static const char *field_text(const struct field *field,
			      const struct fwh_ip_object *object,
			      char ret[FWH_ADDR_STRLEN])
{
	const void *value = (const char *)object + field->offset;
	const struct fwh_mark *mark = value;
	uint32_t number;

	*ret = '\0';
	switch (field->type) {
	case ADDR:
		if (!fwh_addr_is_any(value) || object->kind == FWH_IP_LINK)
			fwh_addr_format(value, ret);
		break;
	case KEY:
	case NUMBER:
		memcpy(&number, value, sizeof(number));
		if (number || field->type == KEY)
			snprintf(ret, FWH_ADDR_STRLEN, "%" PRIu32, number);
		break;
	case MARK:
		snprintf(ret, FWH_ADDR_STRLEN, "0x%" PRIx32 "/0x%" PRIx32,
			 mark->value, mark->mask);
		break;
	case DEV:
		return value;
	case FLAG:
		return "";
	}
	return ret;
}

struct text {
	char *buf;
	size_t n, size;
};

__attribute__((format(printf, 2, 3)))
static void append(struct text *text, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text->buf + text->n, text->size - text->n, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < text->size - text->n)
		text->n += (size_t)n;
}

static bool is_set(const struct field *flag, const struct fwh_ip_object *object)
{
	return *(const bool *)((const char *)object + flag->offset);
}

static void append_fields(struct text *text, const struct fwh_ip_object *object)
{
	char value[FWH_ADDR_STRLEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *field = &fields[i];
		const char *shown = field_text(field, object, value);

		if (!(field->kinds & 1u << object->kind))
			continue;
		if (field->offset == FIELD(table) && object->kind ==
		    FWH_IP_ROUTE && object->table == FWH_IP_MAIN_TABLE)
			continue;
		if (field->type == FLAG && is_set(field, object))
			append(text, " %s", field->word);
		else if (*shown)
			append(text, " %s %s", field->word, shown);
	}
	if (object->kind == FWH_IP_ADDRESS && object->scope)
		append(text, " scope %u", object->scope);
}

void fwh_ip_format(const struct fwh_ip_object *object,
		   char ret[FWH_IP_TEXT_MAX])
{
	struct text text = { ret, 0, FWH_IP_TEXT_MAX };
	char addr[FWH_ADDR_STRLEN];

	append(&text, "%s", kind_name[object->kind]);
	if (object->kind != FWH_IP_LINK)
		append(&text, " %s/%u", fwh_addr_format(&object->addr, addr),
		       object->len);
	append_fields(&text, object);
}

bool fwh_ip_equal(const struct fwh_ip_object *a, const struct fwh_ip_object *b)
{
	char x[FWH_IP_TEXT_MAX], y[FWH_IP_TEXT_MAX];

	fwh_ip_format(a, x);
	fwh_ip_format(b, y);
	return !strcmp(x, y);
}

/* ---- reading -------------------------------------------------------------------- */

/* The next word of *s; false at the end, or where it does not fit. */
static bool next_word(const char **s, char *ret, size_t size)
{
	size_t n;

	*s += strspn(*s, " ");
	n = strcspn(*s, " ");
	if (!n || n >= size)
		return false;
	memcpy(ret, *s, n);
	ret[n] = '\0';
	*s += n;
	return true;
}

static int parse_number(const char *s, uint64_t max, uint32_t *ret)
{
	uint64_t n;

	if (fwh_number_parse(s, false, max, &n))
		return -EBADMSG;
	*ret = (uint32_t)n;
	return 0;
}

static int parse_field(const struct field *field, const char **s,
		       struct fwh_ip_object *object)
{
	void *value = (char *)object + field->offset;
	char word[FWH_ADDR_STRLEN];

	if (field->type == FLAG) {
		*(bool *)value = true;
		return 0;
	}
	if (!next_word(s, word, sizeof(word)))
		return -EBADMSG;
	switch (field->type) {
	case ADDR:
		return fwh_addr_parse(word, value) ? -EBADMSG : 0;
	case MARK:
		return fwh_mark_parse(word, value) ? -EBADMSG : 0;
	case DEV:
		return fwh_ifname_parse(word, value) ? -EBADMSG : 0;
	default:
		return parse_number(word, UINT32_MAX, value);
	}
}

static int parse_prefix(const char **s, struct fwh_ip_object *object)
{
	char word[FWH_ADDR_STRLEN + 4], *slash;
	uint32_t len;

	if (!next_word(s, word, sizeof(word)))
		return -EBADMSG;
	slash = strchr(word, '/');
	if (!slash)
		return -EBADMSG;
	*slash = '\0';
	if (fwh_addr_parse(word, &object->addr) ||
	    parse_number(slash + 1, fwh_family_bits(object->addr.family), &len))
		return -EBADMSG;
	object->len = (uint8_t)len;
	object->via.family = object->src.family = object->addr.family;
	return 0;
}

static int parse_rest(const char *s, struct fwh_ip_object *object)
{
	char word[16];
	uint32_t scope;
	size_t i;

	while (next_word(&s, word, sizeof(word))) {
		if (object->kind == FWH_IP_ADDRESS && !strcmp(word, "scope")) {
			if (!next_word(&s, word, sizeof(word)) ||
			    parse_number(word, 255, &scope))
				return -EBADMSG;
			object->scope = (uint8_t)scope;
			continue;
		}
		for (i = 0; i < ARRAY_SIZE(fields); i++)
			if (fields[i].kinds & 1u << object->kind &&
			    !strcmp(fields[i].word, word))
				break;
		if (i == ARRAY_SIZE(fields) ||
		    parse_field(&fields[i], &s, object))
			return -EBADMSG;
	}
	return *s ? -EBADMSG : 0;
}

int fwh_ip_parse(const char *s, struct fwh_ip_object *ret)
{
	struct fwh_ip_object object;
	char kind[16];
	size_t i;

	memset(&object, 0, sizeof(object));
	if (!next_word(&s, kind, sizeof(kind)))
		return -EBADMSG;
	for (i = 0; i < FWH_IP_KIND_MAX && strcmp(kind, kind_name[i]); i++)
		;
	if (i == FWH_IP_KIND_MAX)
		return -EBADMSG;
	object.kind = (enum fwh_ip_kind)i;
	if (object.kind == FWH_IP_ROUTE)
		object.table = FWH_IP_MAIN_TABLE;
	if ((object.kind != FWH_IP_LINK && parse_prefix(&s, &object)) ||
	    parse_rest(s, &object) ||
	    (object.kind != FWH_IP_RULE && !*object.dev))
		return -EBADMSG;
	*ret = object;
	return 0;
}

/* ---- as commands ------------------------------------------------------------------ */

static void print_link(const struct fwh_ip_object *link, const char *prefix,
		       FILE *f)
{
	char local[FWH_ADDR_STRLEN], remote[FWH_ADDR_STRLEN];

	fprintf(f, "ip tunnel add %s mode vti local %s remote %s okey %" PRIu32
		" ikey %" PRIu32 "\n%s", link->dev,
		fwh_addr_format(&link->local, local),
		fwh_addr_format(&link->remote, remote), link->okey, link->ikey,
		prefix);
	fprintf(f, "sysctl -w net.ipv4.conf.%s.disable_policy=1 "
		"net.ipv4.conf.%s.rp_filter=0 net.ipv4.conf.%s.forwarding=1\n%s",
		link->dev, link->dev, link->dev, prefix);
	fprintf(f, "ip link set %s up\n", link->dev);
}

static void print_object(const struct fwh_ip_object *object,
			 const char *prefix, FILE *f)
{
	const char *ip = object->addr.family == FWH_IPV6 ? "ip -6" : "ip";
	char text[FWH_IP_TEXT_MAX], addr[FWH_ADDR_STRLEN];

	fwh_ip_format(object, text);
	fputs(prefix, f);
	switch (object->kind) {
	case FWH_IP_LINK:
		print_link(object, prefix, f);
		break;
	case FWH_IP_RULE:
		fprintf(f, "%s rule add to%s\n", ip,
			text + strlen(kind_name[FWH_IP_RULE]));
		break;
	case FWH_IP_PROXY:
		fprintf(f, "%s neigh add proxy %s dev %s\n", ip,
			fwh_addr_format(&object->addr, addr), object->dev);
		break;
	default:
		fprintf(f, "%s %s %s%s\n", ip, kind_name[object->kind],
			object->kind == FWH_IP_ROUTE ? "replace" : "add",
			text + strlen(kind_name[object->kind]));
	}
}

int fwh_ip_print(const struct fwh_ip_plan *plan, const char *prefix, FILE *f)
{
	size_t i;

	for (i = 0; i < plan->n; i++)
		print_object(&plan->list[i], prefix, f);
	return ferror(f) ? -EIO : 0;
}
