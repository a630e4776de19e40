// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config.c - INI files become settings, all of them or none.  inih takes key
 * lines apart; everything that it would cut, join or pass over silently
 * (release 55: sections of over 49 characters, lines of over 198, indented
 * lines) is settled before it gets there.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ini.h>
#include <netdb.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "config_keys.h"
#include "raw.h"

#define FILE_SIZE_MAX	(1 << 20)
#define LINE_MAX_CHARS	198
#define NAME_MAX_CHARS	49
#define TEMPLATES_MAX	16		/* that inherit from each other */
#define BUCKETS		1024

enum kind { GLOBAL = 1, DEFAULT = 2, TEMPLATE = 4, CONN = 8 };
#define PLAN_KINDS	(DEFAULT | TEMPLATE | CONN)

struct place {
	size_t file;			/* of config->paths */
	unsigned int line;
};

struct section {
	enum kind kind;
	bool pattern;			/* its name has wildcards */
	char name[NAME_MAX_CHARS + 1];	/* pattern or template name */
	char template[NAME_MAX_CHARS + 1];
	struct place place, template_place;
	ssize_t parent;			/* the template's section, or -1 */
	ssize_t next;			/* of the same bucket, or -1 */
	size_t file;			/* that set_in_file is about */
	uint64_t set_in_file;		/* a bit a key */
	uint64_t set;			/* a bit a key: in values */
	struct fwh_settings values;
};

struct fwh_config {
	struct fwh_globals globals;
	struct section *sections;
	size_t n, cap;
	ssize_t bucket[BUCKETS];	/* sections by kind and name */
	char (*paths)[FWH_PATH_MAX];
	size_t n_paths;
	bool esp;			/* somebody sets mark-source = esp */
	/* Where all findings are wanted and not only the first; NULL else. */
	void (*report)(const struct fwh_err *err, void *arg);
	void *report_arg;
	size_t n_findings;
	const char *backend_why;	/* it is this one */
};

/* The file being read. */
struct reader {
	struct fwh_config *config;
	struct fwh_err *err;
	const char *path, *text, *end;
	size_t file;
	unsigned int line;
	bool continued;			/* the line continues the one above */
	enum kind kind;			/* of the current section, 0: none yet */
	ssize_t section;		/* not for GLOBAL */
	uint64_t globals_in_file;
	unsigned int bad_line;		/* the last one that was complained of */
	bool skip;			/* the keys of a section that nobody knows */
	int code;			/* the first error, which ends it */
};

/* Something is wrong, as err says, and it goes on where findings are gathered: 0
 * then. */
static int finding(struct fwh_config *config, int code,
		   const struct fwh_err *err)
{
	if (!code || !config->report || code == -ENOMEM)
		return code;
	config->report(err, config->report_arg);
	config->n_findings++;
	return 0;
}

/* ---- errors with the nearest word ------------------------------------------ */

#define WORD_MAX	64

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that make b of
 * a; WORD_MAX if one is too long to be a slip of the other. */
static unsigned int distance(const char *a, const char *b, size_t nb)
{
	uint8_t d[WORD_MAX][WORD_MAX];
	size_t na = strlen(a), i, j;

	if (na >= WORD_MAX || nb >= WORD_MAX)
		return WORD_MAX;
	for (i = 0; i <= na; i++)
		d[i][0] = (uint8_t)i;
	for (j = 0; j <= nb; j++)
		d[0][j] = (uint8_t)j;
	for (i = 1; i <= na; i++) {
		for (j = 1; j <= nb; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);
			unsigned int best;

			best = least(d[i - 1][j], d[i][j - 1]) + 1u;
			best = least(best, d[i - 1][j - 1] + (x != y));
			if (i > 1 && j > 1 && x != y &&
			    x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]))
				best = least(best, d[i - 2][j - 2] + 1u);
			d[i][j] = (uint8_t)best;
		}
	}
	return d[na][nb];
}

struct nearest {
	const char *got;
	const char *word;		/* NULL: none yet */
	size_t len;
	unsigned int distance;
};

static void consider(struct nearest *nearest, const char *word, size_t len)
{
	unsigned int d = distance(nearest->got, word, len);

	if (nearest->word && d >= nearest->distance)
		return;
	nearest->word = word;
	nearest->len = len;
	nearest->distance = d;
}

/* words: with a blank between each. */
static void consider_words(struct nearest *nearest, const char *words)
{
	while (*words) {
		size_t n = strcspn(words, " ");

		consider(nearest, words, n);
		words += n + strspn(words + n, " ");
	}
}

/* "; did you mean 'X'?" if there is a word that near, else "".  A third of the
 * letters may be wrong. */
static const char *suggest(const struct nearest *nearest, char *buf,
			   size_t size)
{
	*buf = '\0';
	if (nearest->word && nearest->distance <= (nearest->len + 2) / 3)
		snprintf(buf, size, "; did you mean '%.*s'?", (int)nearest->len,
			 nearest->word);
	return buf;
}

#define HINT_MAX	(WORD_MAX + 24)
#define SHOWN_MAX	80

/* Everything that is wrong with a line is said here, once a line. */
__attribute__((format(printf, 3, 4)))
static int fail_here(struct reader *r, int code, const char *fmt, ...)
{
	char text[sizeof(r->err->msg)];
	va_list ap;

	if (r->code || r->bad_line == r->line)
		return code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->bad_line = r->line;
	r->code = finding(r->config, fwh_fail(r->err, code, "%s:%u: %s",
					      r->path, r->line, text), r->err);
	return code;
}

/* ---- values ------------------------------------------------------------------ */

/* A key's value on its way into a section or [global]. */
struct value {
	const struct key *key;
	const char *text;		/* not empty */
	bool again;			/* the key was given before: add */
	void *field;			/* the key's first field */
	struct fwh_settings *settings;	/* where field is, if it is there */
	struct fwh_globals *globals;
	const char *path;
	unsigned int line;
	bool continued;
	/* What parsers may leave when they refuse: */
	char item[WORD_MAX];		/* the part of the text, "": all of it */
	const char *why;		/* instead of what the key expects */
	struct nearest nearest;
};

/* Write the fields and return 0, or -EINVAL with the fields undefined: a load
 * that fails gives nothing back. */
typedef int value_parser(struct value *value);

struct key {
	const char *name;
	unsigned int kinds;
	bool list;			/* may be given again, adds to it */
	value_parser *parse;
	size_t offset, size;		/* all fields that it sets, neighbours */
	const char *words;		/* the known words of its value */
	const char *expected;
	const char *help;
};

/* Which of the words (a blank between each) is it?  -1: none. */
static int word_index(const char *words, const char *text)
{
	size_t len = strlen(text);
	int i;

	for (i = 0; *words; i++) {
		size_t n = strcspn(words, " ");

		if (n == len && !strncasecmp(words, text, n))
			return i;
		words += n + strspn(words + n, " ");
	}
	return -1;
}

static int refuse(struct value *value, const char *why)
{
	value->why = why;
	return -EINVAL;
}

static int parse_bool(struct value *value)
{
	int i = word_index("no yes off on false true", value->text);

	if (i < 0)
		return -EINVAL;
	*(bool *)value->field = i & 1;
	return 0;
}

/* One of the key's words: a bool, or an enum in the words' order. */
static int parse_word(struct value *value)
{
	int i = word_index(value->key->words, value->text);

	if (i < 0)
		return -EINVAL;
	if (value->key->size == sizeof(bool))
		*(bool *)value->field = i;
	else
		*(unsigned int *)value->field = (unsigned int)i;
	return 0;
}
/* The words in keys[] have this order. */
_Static_assert(FWH_SCALE_AUTO == 0 && FWH_SCALE_RULES == 1 &&
	       FWH_SCALE_SETS == 2, "scale");
_Static_assert(FWH_GUARD_OFF == 0 && FWH_GUARD_UP == 1 &&
	       FWH_GUARD_ARMED == 2 && FWH_GUARD_AUTO == 3, "guard");
_Static_assert(FWH_LOG_OFF == 0 && FWH_LOG_KERNEL == 1 && FWH_LOG_NFLOG == 2,
	       "log");
_Static_assert(FWH_INSTEAD_NO == 0 && FWH_INSTEAD_YES == 1 &&
	       FWH_INSTEAD_AUTO == 2, "nflog");
_Static_assert(FWH_POSITION_TOP == 0 && FWH_POSITION_BOTTOM == 1, "position");
_Static_assert(FWH_ERROR == 0 && FWH_INFO == 1 && FWH_DEBUG == 2, "verbosity");
_Static_assert(sizeof(enum fwh_guard) == sizeof(unsigned int) &&
	       sizeof(bool) != sizeof(unsigned int), "parse_word()");

static int parse_count(struct value *value)
{
	uint64_t n;

	if (fwh_number_parse(value->text, false, 1000000, &n))
		return -EINVAL;
	*(uint32_t *)value->field = (uint32_t)n;
	return 0;
}

static int parse_template(struct value *value)
{
	size_t n = strlen(value->text);

	if (n > NAME_MAX_CHARS)
		return -EINVAL;
	memcpy(value->field, value->text, n + 1);
	return 0;
}

/* VALUE/MASK that says something of a packet. */
static int parse_true_mark(struct value *value, struct fwh_mark *ret)
{
	if (fwh_mark_parse(value->text, ret))
		return -EINVAL;
	if (!ret->mask)
		return refuse(value, "the mask is 0");
	if (ret->value & ~ret->mask)
		return refuse(value, "the value has bits outside the mask");
	if (!ret->value)
		return refuse(value, "the value is 0, which is what packets "
			      "have that nobody marked; to set none, say off");
	return 0;
}

static int parse_mark_setting(struct value *value)
{
	struct fwh_settings *out = value->settings;
	struct fwh_mark mark = { 0, 0 };

	out->mark_off = !strcasecmp(value->text, "off");
	out->mark_auto = !strcasecmp(value->text, "auto");
	if (!out->mark_off && !out->mark_auto &&
	    parse_true_mark(value, &mark))
		return -EINVAL;
	out->mark = mark;
	return 0;
}

/* Take the next item of a comma list, without blanks; a comma may end the
 * list, since the next line can continue it.  Returns 1, 0 at the end, or
 * -EINVAL for an empty or overlong one. */
static int next_item(struct value *value, const char **p)
{
	size_t n;

	*p += strspn(*p, " \t");
	if (!**p)
		return 0;
	n = strcspn(*p, ",");
	*value->item = '\0';
	if (n + 1 >= sizeof(value->item))
		return -EINVAL;
	memcpy(value->item, *p, n);
	*p += n + ((*p)[n] == ',');
	while (n && strchr(" \t", value->item[n - 1]))
		n--;
	value->item[n] = '\0';
	return n ? 1 : refuse(value, "two commas with nothing between");
}

static int parse_accept(struct value *value)
{
	struct fwh_settings *out = value->settings;
	const char *p = value->text;
	int more;

	out->accept_forward = out->accept_local = false;
	if (!strcasecmp(p, "none"))
		return 0;
	while ((more = next_item(value, &p)) > 0) {
		if (!strcasecmp(value->item, "forward"))
			out->accept_forward = true;
		else if (!strcasecmp(value->item, "local"))
			out->accept_local = true;
		else
			return -EINVAL;
	}
	return more;
}

/* The first name of a number is the one that /etc/services knows. */
static const struct protocol {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP },
	{ "sctp", IPPROTO_SCTP }, { "dccp", IPPROTO_DCCP },
	{ "udplite", IPPROTO_UDPLITE }, { "icmp", IPPROTO_ICMP },
	{ "icmpv6", IPPROTO_ICMPV6 }, { "ipv6-icmp", IPPROTO_ICMPV6 },
	{ "igmp", IPPROTO_IGMP }, { "ipip", IPPROTO_IPIP },
	{ "ipv6", IPPROTO_IPV6 }, { "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP }, { "ah", IPPROTO_AH },
	{ "ipcomp", IPPROTO_COMP }, { "ospf", 89 }, { "pim", IPPROTO_PIM },
	{ "vrrp", 112 }, { "l2tp", 115 },
};

static int parse_protocol(struct value *value, const char *name, uint8_t *ret)
{
	uint64_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (!strcasecmp(protocols[i].name, name)) {
			*ret = protocols[i].number;
			return 0;
		}
	}
	if (!fwh_number_parse(name, false, 255, &n) && n) {
		*ret = (uint8_t)n;
		return 0;
	}
	value->nearest.got = name;
	for (i = 0; i < ARRAY_SIZE(protocols); i++)
		consider(&value->nearest, protocols[i].name,
			 strlen(protocols[i].name));
	return refuse(value, "not a protocol; known are names such as tcp, udp, "
		      "icmp, gre, and numbers from 1 to 255");
}

/* A number, or a name of /etc/services. */
static int parse_port(struct value *value, const char *s, uint8_t proto,
		      uint16_t *ret)
{
	struct servent *service;
	uint64_t n;
	size_t i = 0;

	if (*s >= '0' && *s <= '9') {
		if (fwh_number_parse(s, false, UINT16_MAX, &n) || !n)
			return refuse(value, "not a port: 1 to 65535");
		*ret = (uint16_t)n;
		return 0;
	}
	while (protocols[i].number != proto)
		i++;
	service = *s ? getservbyname(s, protocols[i].name) : NULL;
	if (!service)
		return refuse(value, "/etc/services knows no such port; say "
			      "its number");
	*ret = ntohs((uint16_t)service->s_port);
	return 0;
}

/* "tcp/443", "udp/60000-61000", "tcp/ssh", "icmp" */
static int parse_service(struct value *value, struct fwh_service *ret)
{
	char item[WORD_MAX], *port, *high = NULL;
	int code;

	memset(ret, 0, sizeof(*ret));
	memcpy(item, value->item, sizeof(item));
	port = strchr(item, '/');
	if (port) {
		*port++ = '\0';
		/* Names of services may have a '-' in them. */
		high = *port >= '0' && *port <= '9' ? strchr(port, '-') : NULL;
		if (high)
			*high++ = '\0';
	}
	code = parse_protocol(value, item, &ret->proto);
	value->nearest.got = NULL;	/* item ends with us */
	if (code || !port)
		return code;
	if (!fwh_proto_has_ports(ret->proto))
		return refuse(value, "only tcp, udp, sctp, dccp and udplite "
			      "have ports");
	code = parse_port(value, port, ret->proto, &ret->port.lo);
	ret->port.hi = ret->port.lo;
	if (!code && high)
		code = parse_port(value, high, ret->proto, &ret->port.hi);
	if (!code && ret->port.hi < ret->port.lo)
		code = refuse(value, "the range's ends are swapped");
	return code;
}

static int parse_services(struct value *value)
{
	struct fwh_services *out = value->field;
	const char *p = value->text;
	int more;

	if (!value->again || !strcasecmp(p, "all"))
		out->n = 0;
	if (!strcasecmp(p, "all"))
		return 0;
	while ((more = next_item(value, &p)) > 0) {
		if (out->n == FWH_SERVICES_MAX)
			return refuse(value, "more than 32 entries");
		if (parse_service(value, &out->list[out->n]))
			return -EINVAL;
		out->n++;
	}
	return more;
}

static int parse_ranges(struct value *value)
{
	struct fwh_ranges *out = value->field;
	const char *p = value->text;
	int more;

	if (!value->again || !strcasecmp(p, "none"))
		out->n = 0;
	if (!strcasecmp(p, "none"))
		return 0;
	while ((more = next_item(value, &p)) > 0) {
		if (out->n == FWH_RANGES_MAX)
			return refuse(value, "more than 16 entries");
		if (fwh_range_parse(value->item, &out->list[out->n]))
			return refuse(value, "expected ADDRESS/LENGTH without "
				      "host bits, FIRST-LAST or ADDRESS");
		out->n++;
	}
	return more;
}
_Static_assert(FWH_RANGES_MAX == 16, "parse_ranges() says so");

static int parse_mss(struct value *value)
{
	struct fwh_settings *out = value->settings;
	uint64_t n = 0;

	out->mss_clamp = !strcasecmp(value->text, "clamp");
	if (!out->mss_clamp && strcasecmp(value->text, "off") &&
	    (fwh_number_parse(value->text, false, 65495, &n) || n < 536))
		return -EINVAL;
	out->mss = (uint16_t)n;
	return 0;
}

static int parse_tcp_encap(struct value *value)
{
	uint16_t *ports = value->field;
	const char *p = value->text;
	size_t n = 0;
	int more;

	memset(ports, 0, FWH_TCP_ENCAP_MAX * sizeof(*ports));
	if (!strcasecmp(p, "off"))
		return 0;
	while ((more = next_item(value, &p)) > 0) {
		if (n == FWH_TCP_ENCAP_MAX)
			return refuse(value, "more than four ports");
		if (parse_port(value, value->item, IPPROTO_TCP, &ports[n++]))
			return -EINVAL;
	}
	return more;
}
_Static_assert(FWH_TCP_ENCAP_MAX == 4 && FWH_SERVICES_MAX == 32,
	       "messages and the manual page say so");

static int parse_log_group(struct value *value)
{
	uint64_t n;

	if (fwh_number_parse(value->text, false, UINT16_MAX, &n))
		return -EINVAL;
	*(uint16_t *)value->field = (uint16_t)n;
	return 0;
}

static int parse_log_prefix(struct value *value)
{
	size_t n = strlen(value->text);
	const char *p;

	if (n + 2 > FWH_LOG_PREFIX_MAX)
		return -EINVAL;
	/* Quotes are written by iptables-save in a form of its own. */
	for (p = value->text; *p; p++)
		if (*p < ' ' || *p > '~' || strchr("\"'\\", *p))
			return -EINVAL;
	/* inih strips the blank that keeps the prefix off the message. */
	memset(value->field, 0, FWH_LOG_PREFIX_MAX);
	memcpy(value->field, value->text, n);
	((char *)value->field)[n] = ' ';
	return 0;
}

static int parse_log_rate(struct value *value)
{
	uint64_t n;

	if (fwh_number_parse(value->text, false, 600000, &n) || !n)
		return -EINVAL;
	*(uint32_t *)value->field = (uint32_t)n;
	return 0;
}

static int parse_chain(struct value *value)
{
	struct fwh_settings *out = value->settings;
	size_t n = strlen(value->text);

	out->chain_auto = !strcasecmp(value->text, "auto");
	memset(out->chain_path, 0, sizeof(out->chain_path));
	if (out->chain_auto || !strcasecmp(value->text, "off"))
		return 0;
	if (*value->text != '/' || n >= sizeof(out->chain_path))
		return -EINVAL;
	/* leftupdown= takes arguments, this doesn't: it would go unnoticed. */
	if (value->text[strcspn(value->text, " \t#")])
		return refuse(value, "a path without blanks is expected, no "
			      "arguments; comments behind a value begin with "
			      "' ;'");
	memcpy(out->chain_path, value->text, n);
	return 0;
}

/* One run of bits, so that values can be counted through. */
static int parse_mark_mask(struct value *value)
{
	uint64_t n, run;

	if (fwh_number_parse(value->text, true, UINT32_MAX, &n))
		return -EINVAL;
	if (!n)
		return refuse(value, "the mask is 0");
	for (run = n; !(run & 1); run >>= 1)
		;
	if (run & (run + 1))
		return refuse(value, "the bits must be one contiguous run, as "
			      "in 0x3fff0000");
	*(uint32_t *)value->field = (uint32_t)n;
	return 0;
}

/* Seconds, with a fraction of up to three digits. */
static int parse_lock_wait(struct value *value)
{
	const char *point = strchr(value->text, '.');
	size_t n = point ? (size_t)(point - value->text) : strlen(value->text);
	char whole[8], fraction[4] = "000";
	uint64_t seconds, ms;

	if (n >= sizeof(whole) || (point && (!point[1] || strlen(point) > 4)))
		return -EINVAL;
	memcpy(whole, value->text, n);
	whole[n] = '\0';
	if (point)
		memcpy(fraction, point + 1, strlen(point + 1));
	if (fwh_number_parse(whole, false, 600, &seconds) ||
	    fwh_number_parse(fraction, false, 999, &ms) ||
	    seconds * 1000 + ms > 600000)
		return -EINVAL;
	*(unsigned int *)value->field = (unsigned int)(seconds * 1000 + ms);
	return 0;
}

/* A level, and syslog if wanted, in either order. */
static int parse_verbosity(struct value *value)
{
	struct fwh_globals *out = value->globals;
	const char *p = value->text;
	bool level = false;
	int more, i;

	out->verbosity = FWH_ERROR;
	out->log_syslog = false;
	while ((more = next_item(value, &p)) > 0) {
		i = word_index(value->key->words, value->item);
		if (i < 0)
			return -EINVAL;
		if (i == 3) {
			out->log_syslog = true;
			continue;
		}
		if (level)
			return refuse(value, "one level is enough");
		out->verbosity = (enum fwh_verbosity)i;
		level = true;
	}
	return more;
}

static int parse_accept_mark(struct value *value)
{
	struct fwh_mark mark = { 0, 0 };

	if (strcasecmp(value->text, "off") && parse_true_mark(value, &mark))
		return -EINVAL;
	value->globals->accept_mark = mark;
	return 0;
}

/* One word of a chain's name, up to a blank. */
static int take_word(const char **p, char *ret, size_t size)
{
	size_t n;

	*p += strspn(*p, " \t");
	n = strcspn(*p, " \t");
	if (!n || n >= size)
		return -EINVAL;
	memset(ret, 0, size);
	memcpy(ret, *p, n);
	*p += n;
	return 0;
}

static int parse_chain_name(const char *s, struct fwh_chain_name *ret)
{
	static const struct { const char *name; uint8_t family; } families[] = {
		{ "inet", NFPROTO_INET }, { "ip", NFPROTO_IPV4 },
		{ "ip6", NFPROTO_IPV6 },
	};
	char family[8];
	size_t i;

	if (take_word(&s, family, sizeof(family)) ||
	    take_word(&s, ret->table, sizeof(ret->table)) ||
	    take_word(&s, ret->chain, sizeof(ret->chain)) || *s)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (strcmp(family, families[i].name))
			continue;
		ret->family = families[i].family;
		return 0;
	}
	return -EINVAL;
}

static int parse_chains(struct value *value)
{
	struct fwh_globals *out = value->globals;
	const char *p = value->text;
	int more;

	if (!value->again) {
		out->n_accept_chains = 0;
		out->accept_chains_auto = false;
	}
	while ((more = next_item(value, &p)) > 0) {
		if (!strcasecmp(value->item, "none"))
			continue;
		if (!strcasecmp(value->item, "auto")) {
			out->accept_chains_auto = true;
			continue;
		}
		if (out->n_accept_chains == FWH_ACCEPT_CHAINS_MAX)
			return refuse(value, "more than 16 chains");
		if (parse_chain_name(value->item, &out->accept_chains[
						  out->n_accept_chains]))
			return refuse(value, "expected FAMILY TABLE CHAIN, as "
				      "in inet filter forward");
		out->n_accept_chains++;
	}
	return more;
}
_Static_assert(FWH_ACCEPT_CHAINS_MAX == 16, "parse_chains() says so");

/* A name, or the beginning of names with a '+'.  "+" alone, which is every
 * device, would be the end of the guard. */
static int parse_device(const char *s, char ret[FWH_IFNAME_MAX])
{
	char name[FWH_IFNAME_MAX];
	size_t n = strlen(s);
	bool many = n > 1 && s[n - 1] == '+';

	if (n >= sizeof(name) || strchr(s, ':'))
		return -EINVAL;
	strcpy(name, s);
	if (many)
		name[n - 1] = '\0';
	if (fwh_ifname_parse(name, ret))
		return -EINVAL;
	if (many)
		ret[n - 1] = '+';
	return 0;
}

static int parse_devices(struct value *value)
{
	struct fwh_devices *out = value->field;
	const char *p = value->text;
	int more;

	if (!value->again)
		memset(out, 0, sizeof(*out));
	while ((more = next_item(value, &p)) > 0) {
		if (!strcasecmp(value->item, "none"))
			continue;
		if (out->n == FWH_DEVICES_MAX)
			return refuse(value, "more than 8 devices");
		if (parse_device(value->item, out->list[out->n]))
			return -EINVAL;
		out->n++;
	}
	return more;
}
_Static_assert(FWH_DEVICES_MAX == 8, "parse_devices() says so");

static void free_raws(struct fwh_raws *raws)
{
	size_t i;

	for (i = 0; i < raws->n; i++) {
		free((void *)raws->list[i].text);
		free((void *)raws->list[i].place);
	}
	free(raws->list);
	memset(raws, 0, sizeof(*raws));
}

static int add_raw(struct fwh_raws *raws, const struct value *value,
		   const struct fwh_raw *raw)
{
	struct fwh_raw *list = reallocarray(raws->list, raws->n + 1,
					    sizeof(*list));
	char *place = NULL, *text = strdup(raw->text);

	if (list)
		raws->list = list;
	if (!list || !text || asprintf(&place, "%s:%u", value->path,
				       value->line) < 0) {
		free(text);
		return -ENOMEM;
	}
	list[raws->n] = *raw;
	list[raws->n].text = text;
	list[raws->n++].place = place;
	return 0;
}

static int continue_raw(struct fwh_raw *raw, const char *rest)
{
	char *text;

	if (asprintf(&text, "%s %s", raw->text, rest) < 0)
		return -ENOMEM;
	free((void *)raw->text);
	raw->text = text;
	return 0;
}

/* A rule, more of one, or an end to those of the file before. */
static int parse_raw(struct value *value)
{
	struct fwh_raws *out = value->field;
	bool nft = out == &value->settings->nft;
	struct fwh_raw raw;
	const char *why;

	if (!value->again || !strcasecmp(value->text, "none"))
		free_raws(out);
	if (!strcasecmp(value->text, "none"))
		return 0;
	if (value->continued && out->n)
		return continue_raw(&out->list[out->n - 1], value->text);
	why = fwh_raw_split(nft, value->text, &raw);
	if (why)
		return refuse(value, why);
	return add_raw(out, value, &raw);
}

static int parse_backend(struct value *value)
{
	size_t n = strlen(value->text);

	if (n >= sizeof(value->globals->backend) ||
	    !fwh_backend_is_known(value->text))
		return -EINVAL;
	memset(value->field, 0, sizeof(value->globals->backend));
	memcpy(value->field, value->text, n);
	return 0;
}

/* ---- keys --------------------------------------------------------------------- */

/* In a struct section, or in a struct fwh_globals. */
#define SPAN(type, first, last)						\
	offsetof(type, first),						\
	offsetof(type, last) + sizeof(((type *)0)->last) - offsetof(type, first)
#define ONE(member)	SPAN(struct section, values.member, values.member)
#define ALL(first, last) SPAN(struct section, values.first, values.last)
#define GLOBAL_ONE(member) SPAN(struct fwh_globals, member, member)
#define YES_NO		parse_bool
#define RANGES		"none, or at most 16 address ranges"
#define SERVICES	"all, or at most 32 of PROTOCOL/PORT, "			\
			"PROTOCOL/LOW-HIGH and PROTOCOL"

static const struct key keys[] = {
	{ "template", PLAN_KINDS, false, parse_template,
	  SPAN(struct section, template, template), "",
	  "the name of a template, at most 49 characters",
	  "take over what [template NAME] sets" },
	{ "mark", PLAN_KINDS, false, parse_mark_setting, ALL(mark_off, mark),
	  "auto off", "auto, off or VALUE/MASK with the value inside the mask",
	  "the mark of packets that came through the tunnel" },
	{ "mark-source", PLAN_KINDS, false, parse_word, ONE(mark_esp),
	  "policy esp", "policy or esp",
	  "what tells decrypted packets: the SA, or a mark on their ESP" },
	{ "connmark", PLAN_KINDS, false, YES_NO, ONE(connmark),
	  "yes no", "yes or no",
	  "keep the mark in conntrack and give it to replies" },
	{ "policy-mark", PLAN_KINDS, false, YES_NO, ONE(policy_mark),
	  "yes no", "yes or no",
	  "put the marks on packets that policies with mark= look for" },
	{ "accept", PLAN_KINDS, false, parse_accept,
	  ALL(accept_forward, accept_local), "forward local none",
	  "forward, local, both with a comma between, or none",
	  "where the connection's traffic is accepted" },
	{ "accept-in", PLAN_KINDS, true, parse_services, ONE(accept_in),
	  "all", SERVICES, "what the peer's side may begin" },
	{ "accept-out", PLAN_KINDS, true, parse_services, ONE(accept_out),
	  "all", SERVICES, "what our side may begin" },
	{ "accept-xauth-failed", PLAN_KINDS, false, YES_NO,
	  ONE(accept_xauth_failed), "yes no", "yes or no",
	  "accept although XAUTH failed" },
	{ "guard", PLAN_KINDS, false, parse_word, ONE(guard),
	  "off up armed auto", "auto, armed, up or off",
	  "drop the protected addresses' packets in clear text" },
	{ "guard-exempt", PLAN_KINDS, true, parse_ranges, ONE(guard_exempt),
	  "none", RANGES, "what of the peer's side may be in clear" },
	{ "guard-families", PLAN_KINDS, false, parse_word, ONE(guard_both),
	  "own both", "own or both",
	  "whether a full tunnel stops the other address family" },
	{ "guard-local", CONN, true, parse_ranges, ONE(guard_local), "none",
	  RANGES, "our side, for a guard before any daemon runs" },
	{ "guard-remote", CONN, true, parse_ranges, ONE(guard_remote), "none",
	  RANGES, "the peer's side of it" },
	{ "reject", PLAN_KINDS, false, YES_NO, ONE(reject), "yes no",
	  "yes or no", "tell the sender of what the guard drops" },
	{ "nat-exempt", PLAN_KINDS, false, YES_NO, ONE(nat_exempt), "yes no",
	  "yes or no", "keep source NAT off the connection's traffic" },
	{ "mss", PLAN_KINDS, false, parse_mss, ALL(mss, mss_clamp),
	  "clamp off", "clamp, off or 536 to 65495",
	  "limit the segments of forwarded TCP" },
	{ "open-ike", PLAN_KINDS, false, YES_NO, ONE(open_ike), "yes no",
	  "yes or no", "accept IKE, ESP and AH between the gateways" },
	{ "tcp-encap", PLAN_KINDS, false, parse_tcp_encap, ONE(tcp_encap),
	  "off", "off or at most four ports",
	  "TCP ports that carry IKE and ESP" },
	{ "log", PLAN_KINDS, false, parse_word, ONE(log), "off LOG NFLOG",
	  "off, LOG or NFLOG", "log what the guard drops" },
	{ "log-group", PLAN_KINDS, false, parse_log_group, ONE(log_group), "",
	  "0 to 65535", "the netlink group of NFLOG" },
	{ "log-prefix", PLAN_KINDS, false, parse_log_prefix, ONE(log_prefix),
	  "", "at most 28 printable ASCII characters without quotes and "
	  "backslashes", "what log lines begin with" },
	{ "log-rate", PLAN_KINDS, false, parse_log_rate, ONE(log_rate), "",
	  "1 to 600000", "log lines a minute, at most" },
	{ "nflog", PLAN_KINDS, false, parse_word, ONE(nflog), "no yes auto",
	  "auto, yes or no", "packets of the SA to the group of nflog=" },
	{ "iptables", PLAN_KINDS, true, parse_raw, ONE(iptables), "none",
	  "TABLE CHAIN in: RULE, TABLE CHAIN out: RULE, or none",
	  "a rule as iptables takes it" },
	{ "nft", PLAN_KINDS, true, parse_raw, ONE(nft), "none",
	  "CHAIN in: RULE, CHAIN out: RULE, or none",
	  "a rule as nft takes it" },
	{ "on-error", PLAN_KINDS, false, parse_word, ONE(hold), "fail hold",
	  "fail or hold", "what an up does whose rules can't be set" },
	{ "updown", PLAN_KINDS, false, parse_word, ONE(updown),
	  "off chain native auto", "auto, native, chain or off",
	  "who does routes, addresses and DNS" },
	{ "route", PLAN_KINDS, false, parse_word, ONE(route_always),
	  "needed always", "needed or always",
	  "whether each connection has a route of its own" },
	{ "proxy-arp", PLAN_KINDS, false, YES_NO, ONE(proxy_arp), "yes no",
	  "yes or no", "answer on the LAN for a peer with an address of it" },
	{ "dns", PLAN_KINDS, false, parse_word, ONE(dns),
	  "off resolved unbound resolvconf file auto",
	  "auto, resolved, unbound, resolvconf, file or off",
	  "who is told the peer's name servers" },
	{ "chain-updown", PLAN_KINDS, false, parse_chain,
	  ALL(chain_auto, chain_path), "auto off",
	  "auto, off or an absolute path shorter than 256 characters",
	  "the script that does them, where we don't" },
	{ "accept-in-chain", GLOBAL, true, parse_chains,
	  SPAN(struct fwh_globals, accept_chains, accept_chains_auto),
	  "auto none", "auto, none, or at most 16 of inet TABLE CHAIN, "
	  "ip TABLE CHAIN and ip6 TABLE CHAIN",
	  "the chains of nftables that shall accept what we accept" },
	{ "accept-mark", GLOBAL, false, parse_accept_mark,
	  GLOBAL_ONE(accept_mark), "off",
	  "off or VALUE/MASK with the value inside the mask",
	  "what nftables marks accepted packets with" },
	{ "backend", GLOBAL, false, parse_backend, GLOBAL_ONE(backend),
	  "auto nftables iptables", "auto, nftables or iptables",
	  "who holds the rules" },
	{ "devices", GLOBAL, true, parse_devices, GLOBAL_ONE(devices), "none",
	  "none, or at most 8 names of devices, with a + at the end for all "
	  "that begin so", "the devices that encrypt what goes into them" },
	{ "lock-wait", GLOBAL, false, parse_lock_wait, GLOBAL_ONE(lock_wait_ms),
	  "", "seconds, 0 to 600, with at most three decimals",
	  "how long to wait for locks" },
	{ "log", GLOBAL, false, parse_verbosity,
	  SPAN(struct fwh_globals, verbosity, log_syslog),
	  "error info debug syslog",
	  "error, info or debug; with ', syslog' to syslog too",
	  "what the helper says" },
	{ "mark-mask", GLOBAL, false, parse_mark_mask, GLOBAL_ONE(mark_mask),
	  "", "one contiguous run of bits such as 0x3fff0000",
	  "the bits that mark = auto takes its values from" },
	{ "position", GLOBAL, false, parse_word, GLOBAL_ONE(position),
	  "top bottom", "top or bottom",
	  "where filter's chains jump to ours" },
	{ "scale", GLOBAL, false, parse_word, GLOBAL_ONE(scale),
	  "auto rules sets", "auto, rules or sets",
	  "in the legacy tables: rules for each connection, or sets" },
	{ "scale-above", GLOBAL, false, parse_count, GLOBAL_ONE(scale_above),
	  "", "a number, 0 to 1000000",
	  "the connections above which scale = auto is sets" },
};

_Static_assert(ARRAY_SIZE(keys) <= 64, "a bit a key");

bool fwh_config_key(size_t n, struct fwh_config_key *ret)
{
	if (n >= ARRAY_SIZE(keys))
		return false;
	ret->name = keys[n].name;
	ret->global = keys[n].kinds == GLOBAL;
	ret->words = keys[n].words;
	ret->expected = keys[n].expected;
	ret->help = keys[n].help;
	return true;
}

static const struct key *find_key(const char *name, unsigned int kinds)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].kinds & kinds && !strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static int unknown_key(struct reader *r, const char *name)
{
	struct nearest nearest = { .got = name };
	char shown[SHOWN_MAX], hint[HINT_MAX];
	const struct key *other = find_key(name, ~0u);
	size_t i;

	if (other)
		return fail_here(r, -EINVAL, "%s does not belong here but into "
				 "%s", name, other->kinds == GLOBAL ?
				 "[global]" : other->kinds == CONN ?
				 "[conn NAME]" : "[default], [template NAME] "
				 "or [conn PATTERN]");
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].kinds & r->kind)
			consider(&nearest, keys[i].name, strlen(keys[i].name));
	return fail_here(r, -EINVAL, "unknown key '%s'%s",
			 fwh_printable(name, shown, sizeof(shown)),
			 suggest(&nearest, hint, sizeof(hint)));
}

static int bad_value(struct reader *r, struct value *value)
{
	const char *bad = *value->item ? value->item : value->text;
	char shown[SHOWN_MAX], hint[HINT_MAX];

	value->nearest.got = bad;
	consider_words(&value->nearest, value->key->words);
	return fail_here(r, -EINVAL, "%s = %s: %s%s%s", value->key->name,
			 fwh_printable(bad, shown, sizeof(shown)),
			 value->why ? "" : "expected ",
			 value->why ? value->why : value->key->expected,
			 suggest(&value->nearest, hint, sizeof(hint)));
}

/* ---- sections -------------------------------------------------------------------- */

static ssize_t *bucket_of(struct fwh_config *config, enum kind kind,
			  const char *name)
{
	uint32_t h = 2166136261u ^ (uint32_t)kind;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 16777619u;
	return &config->bucket[(h ^ h >> 16) % BUCKETS];
}

static ssize_t find_section(const struct fwh_config *config, enum kind kind,
			    const char *name)
{
	ssize_t i = *bucket_of((struct fwh_config *)config, kind, name);

	while (i >= 0 && (config->sections[i].kind != kind ||
			  strcmp(config->sections[i].name, name) != 0))
		i = config->sections[i].next;
	return i;
}

static ssize_t add_section(struct reader *r, enum kind kind, const char *name)
{
	struct fwh_config *config = r->config;
	ssize_t *bucket = bucket_of(config, kind, name);
	struct section *section;

	if (!fwh_grow(&config->sections, config->n, &config->cap,
		      sizeof(*section)))
		return fail_here(r, -ENOMEM, "out of memory");
	section = &config->sections[config->n];
	memset(section, 0, sizeof(*section));
	section->kind = kind;
	section->pattern = strpbrk(name, "*?[\\") != NULL;
	memcpy(section->name, name, strlen(name));
	section->place.file = section->file = r->file;
	section->place.line = r->line;
	section->parent = -1;
	section->next = *bucket;
	*bucket = (ssize_t)config->n;
	return (ssize_t)config->n++;
}

static void unknown_section(struct reader *r, const char *name)
{
	char shown[SHOWN_MAX], hint[HINT_MAX], word[NAME_MAX_CHARS + 1];
	struct nearest nearest = { .got = word };
	size_t n = strcspn(name, " \t");

	memcpy(word, name, n);
	word[n] = '\0';
	consider_words(&nearest, "global default template conn");
	fail_here(r, -EINVAL, "unknown section [%s]; known are [global], "
		  "[default], [template NAME] and [conn PATTERN]%s",
		  fwh_printable(name, shown, sizeof(shown)),
		  suggest(&nearest, hint, sizeof(hint)));
}

static void enter_section(struct reader *r, const char *name)
{
	static const struct {
		const char *word;
		enum kind kind;
		bool named;
	} kinds[] = {
		{ "global", GLOBAL, false }, { "default", DEFAULT, false },
		{ "template", TEMPLATE, true }, { "conn", CONN, true },
	};
	size_t n = strcspn(name, " \t"), i;
	const char *rest = name + n + strspn(name + n, " \t");

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].word) == n &&
		    !memcmp(kinds[i].word, name, n))
			break;
	if (i == ARRAY_SIZE(kinds)) {
		unknown_section(r, name);
		return;
	}
	if (kinds[i].named != (*rest != '\0')) {
		fail_here(r, -EINVAL, "[%s]: %s", kinds[i].word,
			  kinds[i].named ? "a name is missing" :
					   "it has no name");
		return;
	}
	r->kind = kinds[i].kind;
	if (r->kind == GLOBAL)
		return;
	r->section = find_section(r->config, r->kind, rest);
	if (r->section < 0)
		r->section = add_section(r, r->kind, rest);
}

/* "[NAME]", a comment may follow.  The name may have brackets itself. */
static void section_line(struct reader *r, const char *line, size_t len)
{
	char name[NAME_MAX_CHARS + 1];
	const char *start = line + 1, *end;

	r->skip = false;
	for (end = line + 1; end < line + len; end++)
		if (strchr(";#", *end) && strchr(" \t", end[-1]))
			break;
	while (strchr(" \t\r", end[-1]))
		end--;
	end--;
	if (end == line || *end != ']') {
		fail_here(r, -EINVAL, "a section is [NAME], with nothing but a "
			  "comment behind it");
		return;
	}
	while (start < end && strchr(" \t", *start))
		start++;
	while (start < end && strchr(" \t", end[-1]))
		end--;
	if (end - start > NAME_MAX_CHARS) {
		fail_here(r, -EINVAL, "a section's name has %zu characters; %d "
			  "are possible: use a pattern with '*'",
			  (size_t)(end - start), NAME_MAX_CHARS);
		return;
	}
	memcpy(name, start, (size_t)(end - start));
	name[end - start] = '\0';
	enter_section(r, name);
}

/* ---- lines and keys ---------------------------------------------------------------- */

/* Where a comment behind something begins, or where the line ends: a ';' after
 * white space, as inih has it. */
static size_t comment_start(const char *line)
{
	size_t i;

	for (i = 0; line[i]; i++)
		if (line[i] == ';' &&
		    (!i || isspace((unsigned char)line[i - 1])))
			break;
	return i;
}

/* Make of the line what inih may see.  To inih every indented line continues
 * the value above.  To us only one without '=' does, so that keys and
 * sections can be indented as they are in ipsec.conf.  inih leaves the comment
 * behind a continuation in the value. */
static void settle_line(struct reader *r, char *line)
{
	size_t indent = 0, end = comment_start(line);

	while (line[indent] != '\n' && isspace((unsigned char)line[indent]))
		indent++;
	r->continued = indent && line[indent] != '\n' &&
		       !strchr(";#[", line[indent]) &&
		       !memchr(line, '=', end);
	/* inih would take a ':' as well. */
	if (!strchr(";#[", line[indent]) && !r->continued &&
	    line[strcspn(line, "=:")] == ':')
		fail_here(r, -EINVAL, "expected KEY = VALUE, with '=' and not "
			  "':'");
	if (r->continued)
		strcpy(line + end, line[end] ? "\n" : "");
	else
		memmove(line, line + indent, strlen(line + indent) + 1);
	if (*line == '[') {
		section_line(r, line, strlen(line) - 1);
		r->skip = r->bad_line == r->line;
	} else if (!r->continued && !strchr(";#\n", *line) &&
		   !memchr(line, '=', comment_start(line))) {
		fail_here(r, -EINVAL, "expected KEY = VALUE, [SECTION] or a "
			  "comment");
	}
	if (r->bad_line == r->line)
		strcpy(line, "\n");	/* inih need not see it */
}

/* inih's reader: hands it one line, as fgets() would.  NULL ends the file, for
 * good after an error. */
static char *read_line(char *buf, int size, void *stream)
{
	struct reader *r = stream;
	const char *eol;
	size_t len, bom = 0;

	if (r->code || r->text == r->end)
		return NULL;
	eol = memchr(r->text, '\n', (size_t)(r->end - r->text));
	len = (size_t)((eol ? eol : r->end) - r->text);
	if (!r->line++ && len >= 3 && !memcmp(r->text, "\xef\xbb\xbf", 3))
		bom = 3;
	if (len - bom > LINE_MAX_CHARS || len - bom + 2 > (size_t)size) {
		fail_here(r, -EINVAL, "the line has %zu characters; %d are "
			  "possible: continue lists on indented lines", len,
			  LINE_MAX_CHARS);
		strcpy(buf, "\n");
	} else {
		memcpy(buf, r->text + bom, len - bom);
		strcpy(buf + len - bom, "\n");	/* there is room: just checked */
		settle_line(r, buf);
	}
	r->text += len + (eol ? 1 : 0);
	return r->code ? NULL : buf;
}

static int set_value(struct reader *r, const struct key *key, void *base,
		     uint64_t *set_in_file, const char *text)
{
	uint64_t bit = (uint64_t)1 << (key - keys);
	struct value value = {
		.key = key, .text = text, .again = *set_in_file & bit,
		.field = (char *)base + key->offset,
		.path = r->path, .line = r->line, .continued = r->continued,
	};

	if (!*text)
		return fail_here(r, -EINVAL, "%s has no value; expected %s",
				 key->name, key->expected);
	if (r->continued && !key->list)
		return fail_here(r, -EINVAL, "an indented line without '=' "
				 "continues the one above, but %s is no list",
				 key->name);
	if (value.again && !key->list)
		return fail_here(r, -EINVAL, "%s is given twice in this "
				 "section; delete one", key->name);
	if (r->kind == GLOBAL)
		value.globals = base;
	else
		value.settings = &((struct section *)base)->values;
	if (key->parse(&value))
		return bad_value(r, &value);
	*set_in_file |= bit;
	return 0;
}

static void set_in_section(struct reader *r, const struct key *key,
			   const char *text)
{
	struct section *section = &r->config->sections[r->section];

	/* A later file may set again what an earlier one did. */
	if (section->file != r->file) {
		section->file = r->file;
		section->set_in_file = 0;
	}
	if (set_value(r, key, section, &section->set_in_file, text))
		return;
	section->set |= (uint64_t)1 << (key - keys);
	if (key->parse == parse_template) {
		section->template_place.file = r->file;
		section->template_place.line = r->line;
	}
	if (section->values.mark_esp)
		r->config->esp = true;
}

/* inih's handler: 1 goes on. */
static int handle_key(void *user, const char *section_name, const char *name,
		      const char *text)
{
	struct reader *r = user;
	const struct key *key;
	char shown[SHOWN_MAX];

	(void)section_name;	/* cut; section_line() has the whole one */
	if (r->code || r->skip)
		return 1;
	if (!r->kind) {
		fail_here(r, -EINVAL, "'%s' stands before any section; begin "
			  "with [default]", fwh_printable(name, shown,
							  sizeof(shown)));
		return 1;
	}
	key = find_key(name, r->kind);
	if (!key)
		unknown_key(r, name);
	else if (r->kind == GLOBAL)
		set_value(r, key, &r->config->globals, &r->globals_in_file,
			  text);
	else
		set_in_section(r, key, text);
	return 1;
}

/* ---- files ------------------------------------------------------------------------- */

static int check_safe(int fd, const char *path, mode_t type,
		      struct fwh_err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return fwh_fail(err, -errno, "%s: %s", path, strerror(errno));
	if ((st.st_mode & S_IFMT) != type)
		return fwh_fail(err, -EINVAL, "%s: not a %s", path,
				type == S_IFREG ? "regular file" : "folder");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fwh_fail(err, -EPERM, "%s: belongs to user %u; chown "
				"root %s", path, (unsigned int)st.st_uid, path);
	if (st.st_mode & 022)
		return fwh_fail(err, -EPERM, "%s: others can write it; chmod "
				"go-w %s", path, path);
	if (type == S_IFREG && st.st_size > FILE_SIZE_MAX)
		return fwh_fail(err, -EFBIG, "%s: larger than 1 MiB", path);
	return 0;
}

static int read_whole(int fd, const char *path, char **ret, size_t *ret_n,
		      struct fwh_err *err)
{
	size_t n = 0, cap = 4096;
	char *text = malloc(cap);

	while (text) {
		ssize_t got = read(fd, text + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || n > FILE_SIZE_MAX) {
			int code = got < 0 ? -errno : -EFBIG;

			free(text);
			return fwh_fail(err, code, "%s: %s", path,
					code == -EFBIG ? "larger than 1 MiB" :
							 strerror(-code));
		}
		if (!got)
			break;
		n += (size_t)got;
		if (n == cap) {
			char *more = realloc(text, cap *= 2);

			if (!more)
				free(text);
			text = more;
		}
	}
	if (!text)
		return fwh_fail(err, -ENOMEM, "out of memory");
	*ret = text;
	*ret_n = n;
	return 0;
}

static void find_nul(struct reader *r)
{
	const char *nul = memchr(r->text, '\0', (size_t)(r->end - r->text));
	const char *p;

	if (!nul)
		return;
	r->line = 1;
	for (p = r->text; p < nul; p++)
		r->line += *p == '\n';
	fail_here(r, -EINVAL, "a NUL byte: this is no text file");
}

static int parse_text(struct fwh_config *config, const char *text, size_t n,
		      struct fwh_err *err)
{
	struct reader r = {
		.config = config, .err = err, .file = config->n_paths - 1,
		.path = config->paths[config->n_paths - 1],
		.text = text, .end = text + n,
	};
	int bad;

	find_nul(&r);
	bad = ini_parse_stream(read_line, &r, handle_key, &r);
	/* inih goes on after a line that it can't take apart. */
	if (bad > 0 && (!r.code || (unsigned int)bad < r.line)) {
		r.code = 0;
		r.line = (unsigned int)bad;
		fail_here(&r, -EINVAL, "expected KEY = VALUE, [SECTION] or a "
			  "comment");
	}
	if (bad < 0 && !r.code)
		fail_here(&r, -ENOMEM, "out of memory");
	return r.code;
}

static int add_path(struct fwh_config *config, const char *path,
		    struct fwh_err *err)
{
	char (*paths)[FWH_PATH_MAX];

	if (strlen(path) >= sizeof(*paths))
		return fwh_fail(err, -ENAMETOOLONG, "%s: the path is too long",
				path);
	paths = reallocarray(config->paths, config->n_paths + 1,
			     sizeof(*paths));
	if (!paths)
		return fwh_fail(err, -ENOMEM, "out of memory");
	config->paths = paths;
	strcpy(paths[config->n_paths++], path);	/* the length was checked */
	return 0;
}

/* name is relative to the folder at; path is for messages. */
static int load_file(struct fwh_config *config, int at, const char *name,
		     const char *path, struct fwh_err *err)
{
	fwh_autofd fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	fwh_autofree char *text = NULL;
	size_t n = 0;
	int code;

	if (fd < 0)
		return fwh_fail(err, -errno, "%s: %s", path, strerror(errno));
	code = check_safe(fd, path, S_IFREG, err);
	if (!code)
		code = add_path(config, path, err);
	if (!code)
		code = read_whole(fd, path, &text, &n, err);
	return code ? code : parse_text(config, text, n, err);
}

/* A link to nowhere is there, and a mistake. */
static bool is_missing(const char *path)
{
	struct stat st;

	return lstat(path, &st) && errno == ENOENT;
}

static int is_conf_file(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return *entry->d_name != '.' && n > 5 &&
	       !strcmp(entry->d_name + n - 5, ".conf");
}

/* Bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_entry(struct fwh_config *config, int at, const char *dir,
		      const char *name, struct fwh_err *err)
{
	char path[FWH_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return fwh_fail(err, -ENAMETOOLONG, "%s/%s: the path is too "
				"long", dir, name);
	return load_file(config, at, name, path, err);
}

static int load_folder(struct fwh_config *config, const char *dir,
		       struct fwh_err *err)
{
	fwh_autofd fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries;
	int n, i, code;

	if (fd < 0)
		return fwh_fail(err, -errno, "%s: %s", dir, strerror(errno));
	code = check_safe(fd, dir, S_IFDIR, err);
	if (code)
		return code;
	n = scandir(dir, &entries, is_conf_file, by_name);
	if (n < 0)
		return fwh_fail(err, -errno, "%s: %s", dir, strerror(errno));
	for (i = 0; i < n; i++) {
		if (!code)
			code = finding(config, load_entry(config, fd, dir,
						entries[i]->d_name, err), err);
		free(entries[i]);
	}
	free(entries);
	return code;
}

/* ---- templates ----------------------------------------------------------------------- */

static int missing_template(const struct fwh_config *config,
			    const struct section *section, struct fwh_err *err)
{
	struct nearest nearest = { .got = section->template };
	char shown[SHOWN_MAX], hint[HINT_MAX];
	size_t i;

	for (i = 0; i < config->n; i++)
		if (config->sections[i].kind == TEMPLATE)
			consider(&nearest, config->sections[i].name,
				 strlen(config->sections[i].name));
	return fwh_fail(err, -EINVAL, "%s:%u: template = %s: there is no "
			"[template %s]%s",
			config->paths[section->template_place.file],
			section->template_place.line,
			fwh_printable(section->template, shown, sizeof(shown)),
			shown, suggest(&nearest, hint, sizeof(hint)));
}

static int link_templates(struct fwh_config *config, struct fwh_err *err)
{
	size_t i;
	int code = 0;

	for (i = 0; !code && i < config->n; i++) {
		struct section *section = &config->sections[i];

		if (!*section->template)
			continue;
		section->parent = find_section(config, TEMPLATE,
					       section->template);
		if (section->parent >= 0)
			continue;
		code = finding(config, missing_template(config, section, err),
			       err);
	}
	return code;
}

/* trail: templates from a section on, each inheriting from the next.  The last
 * is there twice, or is one too many. */
static int bad_trail(const struct fwh_config *config, const ssize_t *trail,
		     size_t n, bool cycle, struct fwh_err *err)
{
	const struct section *last = &config->sections[trail[n - 1]];
	const struct section *from = &config->sections[trail[n - 2]];
	char names[FWH_PATH_MAX] = "", shown[SHOWN_MAX];
	size_t i = 0, len = 0;

	/* Only the cycle, not the way to it. */
	while (cycle && trail[i] != trail[n - 1])
		i++;
	for (; i < n; i++) {
		const char *name = config->sections[trail[i]].name;
		int got = snprintf(names + len, sizeof(names) - len, "%s%s",
				   len ? " -> " : "",
				   fwh_printable(name, shown, sizeof(shown)));

		if (got < 0 || len + (size_t)got >= sizeof(names) - 4) {
			strcpy(names + len, "...");	/* room was kept */
			break;
		}
		len += (size_t)got;
	}
	return fwh_fail(err, -EINVAL, "%s:%u: template = %s: %s: %s",
			config->paths[from->template_place.file],
			from->template_place.line,
			fwh_printable(last->name, shown, sizeof(shown)),
			cycle ? "templates inherit from themselves" :
				"more than 16 templates in a row", names);
}
_Static_assert(TEMPLATES_MAX == 16, "bad_trail() says so");

/* No chain of templates comes back to itself or is very long. */
static int check_trail(const struct fwh_config *config, size_t first,
		       struct fwh_err *err)
{
	ssize_t trail[TEMPLATES_MAX + 2], at = (ssize_t)first;
	size_t n = 0, i;

	for (; at >= 0; at = config->sections[at].parent) {
		trail[n++] = at;
		for (i = 0; i + 1 < n; i++)
			if (trail[i] == at)
				return bad_trail(config, trail, n, true, err);
		if (n == ARRAY_SIZE(trail))
			return bad_trail(config, trail, n, false, err);
	}
	return 0;
}

/* ---- the whole ----------------------------------------------------------------------- */

static const struct fwh_settings built_in = {
	.mark_auto = true,
	.accept_forward = true,
	.accept_local = true,
	.guard = FWH_GUARD_AUTO,
	.nat_exempt = true,
	.log_prefix = "ipsec-fw ",
	.log_rate = 10,
	.nflog = FWH_INSTEAD_AUTO,
	.hold = true,
	.updown = FWH_UPDOWN_AUTO,
	.chain_auto = true,
	.proxy_arp = true,
	.dns = FWH_DNS_AUTO,
};

static const struct fwh_globals built_in_globals = {
	.mark_mask = 0x3fff0000,
	.lock_wait_ms = 5000,
	.backend = "auto",
	.scale_above = 100,
	.accept_mark = { 0x40000000, 0x40000000 },
	.accept_chains_auto = true,
	.devices = { { "ipsec+", "vti+" }, 2 },
};

int fwh_config_default(struct fwh_config **ret)
{
	struct fwh_config *config = calloc(1, sizeof(*config));

	if (!config)
		return -ENOMEM;
	config->globals = built_in_globals;
	memset(config->bucket, 0xff, sizeof(config->bucket));	/* -1 */
	*ret = config;
	return 0;
}

/* A section's template first, then what it sets itself. */
static void apply_section(const struct fwh_config *config, ssize_t index,
			  struct fwh_settings *settings)
{
	const struct section *section;
	size_t i;

	if (index < 0)
		return;
	section = &config->sections[index];
	apply_section(config, section->parent, settings);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t offset = keys[i].offset;

		if (!(section->set & (uint64_t)1 << i) ||
		    keys[i].parse == parse_template)
			continue;
		memcpy((char *)settings + offset -
		       offsetof(struct section, values),
		       (const char *)section + offset, keys[i].size);
	}
}

/* conn: the section of the connection, or -1. */
static void apply_all(const struct fwh_config *config, ssize_t conn,
		      struct fwh_settings *ret)
{
	*ret = built_in;
	apply_section(config, find_section(config, DEFAULT, ""), ret);
	apply_section(config, conn, ret);
}

/* What no key can say alone.  Without a mark, mark-source = esp would take
 * every packet for decrypted. */
static int check_sense(const struct fwh_config *config, size_t index,
		       struct fwh_err *err)
{
	const struct section *section = &config->sections[index];
	struct fwh_settings settings;

	if (!config->esp || section->kind == TEMPLATE)
		return 0;
	apply_all(config, section->kind == CONN ? (ssize_t)index : -1,
		  &settings);
	if (!settings.mark_esp || !settings.mark_off)
		return 0;
	return fwh_fail(err, -EINVAL, "%s:%u: mark = off and mark-source = esp "
			"exclude each other here: say mark = auto, or "
			"mark-source = policy",
			config->paths[section->place.file],
			section->place.line);
}

/* Rules, now that all of each is read. */
static int check_words(struct fwh_config *config, const char *key,
		       const struct fwh_raws *raws, struct fwh_err *err)
{
	char shown[SHOWN_MAX];
	size_t i;
	int code = 0;

	for (i = 0; !code && i < raws->n; i++) {
		const struct fwh_raw *raw = &raws->list[i];
		const char *why = fwh_raw_check(fwh_raw_places[raw->where].nft,
						raw->text);

		if (why)
			code = finding(config, fwh_fail(err, -EINVAL,
					"%s: %s = ...: %s: %s", raw->place, key,
					fwh_printable(raw->text, shown,
						      sizeof(shown)), why),
				       err);
	}
	return code;
}

static int check_sections(struct fwh_config *config, struct fwh_err *err)
{
	int code = link_templates(config, err);
	size_t i;

	for (i = 0; !code && i < config->n; i++) {
		const struct fwh_settings *values = &config->sections[i].values;

		code = check_words(config, "iptables", &values->iptables, err);
		if (!code)
			code = check_words(config, "nft", &values->nft, err);
	}

	for (i = 0; !code && i < config->n; i++)
		code = finding(config, check_trail(config, i, err), err);
	/* Templates that inherit from themselves have no end. */
	for (i = 0; !code && !config->n_findings && i < config->n; i++)
		code = finding(config, check_sense(config, i, err), err);
	return code;
}

/* ---- rules in people's own words ------------------------------------------------------ */

static void report_raw(const struct fwh_err *err, void *arg)
{
	finding(arg, err->code, err);
}

/* Every rule of every section, whoever takes it over. */
static int try_raws(struct fwh_config *config, struct fwh_err *err)
{
	fwh_autofree const struct fwh_raw **raws = NULL;
	size_t n = 0, cap = 0, i, j, k;

	for (i = 0; i < config->n; i++) {
		const struct fwh_raws *lists[] = {
			&config->sections[i].values.iptables,
			&config->sections[i].values.nft,
		};

		for (j = 0; j < ARRAY_SIZE(lists); j++) {
			for (k = 0; k < lists[j]->n; k++) {
				if (fwh_raw_check(j == 1, lists[j]->list[k].text))
					continue;
				if (!fwh_grow(&raws, n, &cap, sizeof(*raws)))
					return fwh_fail(err, -ENOMEM,
							"out of memory");
				raws[n++] = &lists[j]->list[k];
			}
		}
	}
	return fwh_raws_try(&config->globals, raws, n, report_raw, config, err);
}

/* Rules in the other backend's language only: this machine goes without. */
static void find_unread(struct fwh_config *config, const char *backend)
{
	bool nft = strncmp(backend, "iptables", 8) != 0;
	const struct fwh_raw *last = NULL;
	struct fwh_settings settings;
	struct fwh_err err;
	size_t i;

	for (i = 0; i < config->n; i++) {
		const struct section *section = &config->sections[i];
		const struct fwh_raws *read, *unread;

		if (section->kind == TEMPLATE)
			continue;
		apply_all(config, section->kind == CONN ? (ssize_t)i : -1,
			  &settings);
		read = nft ? &settings.nft : &settings.iptables;
		unread = nft ? &settings.iptables : &settings.nft;
		if (read->n || !unread->n || unread->list == last)
			continue;
		last = unread->list;	/* once for all that take it over */
		finding(config, fwh_fail(&err, -EINVAL, "%s: this machine's "
					 "backend is %s, and there is no %s = "
					 "that says the same", last->place,
					 backend, nft ? "nft" : "iptables"),
			&err);
	}
}

static int check_raws(struct fwh_config *config, struct fwh_err *err)
{
	const struct fwh_backend *backend;
	int code = fwh_backend_choose(config->globals.backend, &backend, NULL,
				      err);

	if (code)
		return code;
	/* Templates that inherit from themselves have no end. */
	if (!config->n_findings)
		find_unread(config, fwh_backend_name(backend));
	return try_raws(config, err);
}

int fwh_config_load(const char *file, const char *dir,
		    struct fwh_config **ret, struct fwh_err *err)
{
	struct fwh_config *config;
	int code = fwh_config_default(&config);

	if (code)
		return fwh_fail(err, code, "out of memory");
	if (!is_missing(file))
		code = load_file(config, AT_FDCWD, file, file, err);
	if (!code && dir && !is_missing(dir))
		code = load_folder(config, dir, err);
	if (!code)
		code = check_sections(config, err);
	if (code) {
		fwh_config_free(config);
		return code;
	}
	*ret = config;
	return 0;
}

int fwh_config_check(const char *const files[], size_t n,
		     void (*report)(const struct fwh_err *err, void *arg),
		     void *arg, size_t *ret_n, struct fwh_err *err)
{
	static const char *const built_in_files[] = {
		FWH_SYSCONFDIR "/ipsec-fw/ipsec-fw.conf"
	};
	const char *dir = n ? NULL : FWH_SYSCONFDIR "/ipsec-fw/conf.d";
	struct fwh_config *config;
	struct fwh_err bad;
	size_t i;
	int code = fwh_config_default(&config);

	if (code)
		return fwh_fail(err, code, "out of memory");
	config->report = report;
	config->report_arg = arg;
	if (!n)
		files = built_in_files;
	for (i = 0; !code && i < (n ? n : 1); i++)
		if (n || !is_missing(files[i]))
			code = finding(config, load_file(config, AT_FDCWD,
						files[i], files[i], &bad),
				       &bad);
	if (!code && dir && !is_missing(dir))
		code = finding(config, load_folder(config, dir, &bad), &bad);
	if (!code)
		code = check_sections(config, &bad);
	if (!code)
		code = check_raws(config, &bad);
	*ret_n = config->n_findings;
	fwh_config_free(config);
	return code ? fwh_fail(err, code, "%s", bad.msg) : 0;
}

void fwh_config_free(struct fwh_config *config)
{
	size_t i;

	if (!config)
		return;
	for (i = 0; i < config->n; i++) {
		free_raws(&config->sections[i].values.iptables);
		free_raws(&config->sections[i].values.nft);
	}
	free(config->sections);
	free(config->paths);
	free(config);
}

const struct fwh_globals *fwh_config_globals(const struct fwh_config *config)
{
	return &config->globals;
}

/* The end of a pattern's "[...]", or NULL if '[' stands for itself. */
static const char *bracket_end(const char *p)
{
	p++;
	if (*p == '!' || *p == '^')
		p++;
	/* A ']' that comes first is one of the set. */
	return *p ? strchr(p + 1, ']') : NULL;
}

/* How many characters of a pattern stand for one of their own kind. */
static int literals(const char *pattern)
{
	const char *p, *end;
	int n = 0;

	for (p = pattern; *p; p++) {
		end = *p == '[' ? bracket_end(p) : NULL;
		if (end)
			p = end;
		else if (*p == '\\' && p[1])
			p++, n++;
		else if (!strchr("*?", *p))
			n++;
	}
	return n;
}

static ssize_t find_conn(const struct fwh_config *config, const char *conn)
{
	ssize_t best = find_section(config, CONN, conn);
	int best_score = -1;
	size_t i;

	/* A name without wildcards is the most that a section can say. */
	if (best >= 0 && !config->sections[best].pattern)
		return best;
	for (best = -1, i = 0; i < config->n; i++) {
		const struct section *section = &config->sections[i];
		int score;

		if (section->kind != CONN || !section->pattern ||
		    fnmatch(section->name, conn, 0))
			continue;
		score = literals(section->name);
		/* Of equals, the later one. */
		if (score >= best_score) {
			best = (ssize_t)i;
			best_score = score;
		}
	}
	return best;
}

void fwh_config_resolve(const struct fwh_config *config, const char *conn,
			struct fwh_settings *ret)
{
	apply_all(config, find_conn(config, conn), ret);
}

const char *fwh_config_conn(const struct fwh_config *config, size_t n)
{
	size_t i;

	for (i = 0; i < config->n; i++) {
		const struct section *section = &config->sections[i];

		if (section->kind == CONN && !section->pattern && !n--)
			return section->name;
	}
	return NULL;
}

void fwh_config_set_backend(struct fwh_config *config,
			    const struct fwh_backend *backend, const char *why)
{
	char *name = config->globals.backend;

	memset(name, 0, sizeof(config->globals.backend));
	strncpy(name, fwh_backend_name(backend),
		sizeof(config->globals.backend) - 1);
	config->backend_why = why;
}

const char *fwh_config_backend_why(const struct fwh_config *config)
{
	return config->backend_why;
}

bool fwh_config_holds_legacy(const struct fwh_config *config)
{
	return !strncmp(config->globals.backend, "iptables", 8);
}

int fwh_config_open(const struct fwh_call_options *options,
		    struct fwh_config **ret, struct fwh_err *ret_bad,
		    struct fwh_err *err)
{
	const char *file = options->config_file, *dir = options->config_dir;
	const struct fwh_backend *backend;
	const char *why;
	int code;

	if (!file) {
		file = FWH_SYSCONFDIR "/ipsec-fw/ipsec-fw.conf";
		dir = FWH_SYSCONFDIR "/ipsec-fw/conf.d";
	}
	ret_bad->code = 0;
	code = fwh_config_load(file, dir, ret, ret_bad);
	if (code) {
		ret_bad->code = code;
		code = fwh_config_default(ret);
	}
	if (code)
		return fwh_fail(err, code, "out of memory");
	/* "auto" stands for another word, which is looked up once. */
	if (!fwh_backend_choose((*ret)->globals.backend, &backend, &why, NULL))
		fwh_config_set_backend(*ret, backend, why);
	if (fwh_config_holds_legacy(*ret) &&
	    (*ret)->globals.scale == FWH_SCALE_SETS)
		fwh_config_set_backend(*ret, fwh_backend_find("iptables-sets"),
				       why);
	return 0;
}
