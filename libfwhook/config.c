// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config.c - INI files become settings, all of them or none.  inih reads the
 * key lines; what it would cut silently (release 55: sections of over 49
 * characters, lines of over 198) is refused before it gets there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ini.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

#define FILE_SIZE_MAX	(1 << 20)
#define LINE_MAX_CHARS	198
#define NAME_MAX_CHARS	49


enum kind { GLOBAL = 1, DEFAULT = 2, TEMPLATE = 4, CONN = 8 };
#define PLAN_KINDS	(DEFAULT | TEMPLATE | CONN)

struct section {
	enum kind kind;
	char name[NAME_MAX_CHARS + 1];	/* pattern or template name */
	char template[NAME_MAX_CHARS + 1];
	struct fwh_settings values;
	uint64_t set;			/* a bit a key: set here */
	uint64_t set_in_file;		/* of the file being read */
	char where[FWH_PATH_MAX + 16];	/* FILE:LINE, for messages */
};

struct fwh_config {
	struct fwh_globals globals;
	uint64_t globals_in_file;
	struct section *sections;
	size_t n, cap;
};

/* The file being read. */
struct reader {
	struct fwh_config *config;
	struct fwh_err *err;
	const char *path, *text, *end;
	unsigned int line;
	ssize_t section;		/* -1: none yet, -2: [global] */
	int code;			/* the first error */
};

/* ---- errors with the nearest word ------------------------------------------ */

#define WORD_MAX	40

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein's distance, a row at a time. */
static size_t distance(const char *a, const char *b, size_t nb)
{
	size_t row[WORD_MAX + 1], na = strlen(a), i, j;

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (j = 0; j <= nb; j++)
		row[j] = j;
	for (i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= nb; j++) {
			size_t up = row[j];

			row[j] = min3(up + 1, row[j - 1] + 1,
				      diagonal + (a[i - 1] != b[j - 1]));
			diagonal = up;
		}
	}
	return row[nb];
}

struct nearest {
	const char *word;
	size_t len, distance;
};

static void consider(struct nearest *nearest, const char *got,
		     const char *word, size_t len)
{
	size_t d = distance(got, word, len);

	if (nearest->word && d >= nearest->distance)
		return;
	nearest->word = word;
	nearest->len = len;
	nearest->distance = d;
}

/* "; did you mean 'X'?" if there is a word that near, else "". */
static const char *suggest(const struct nearest *nearest, const char *got,
			   char *buf, size_t size)
{
	size_t len = strlen(got);

	*buf = '\0';
	if (nearest->word && nearest->distance <= (len < 5 ? 2 : 3) &&
	    nearest->distance < len)
		snprintf(buf, size, "; did you mean '%.*s'?", (int)nearest->len,
			 nearest->word);
	return buf;
}

__attribute__((format(printf, 3, 4)))
static int fail_here(struct reader *r, int code, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (r->code)
		return r->code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->code = fwh_fail(r->err, code, "%.100s:%u: %s", r->path, r->line,
			   text);
	return r->code;
}

/* ---- values ------------------------------------------------------------------ */

/* A value's parser writes where the key's first field is.  append: the key
 * has been given before in this section.  Returns 0 or -EINVAL. */
typedef int value_parser(const char *value, void *field, bool append);

static int word_index(const char *const *words, const char *value)
{
	int i;

	for (i = 0; words[i]; i++)
		if (!strcasecmp(words[i], value))
			return i;
	return -1;
}

static int parse_bool(const char *value, void *field, bool append)
{
	static const char *const words[] = {
		"no", "yes", "off", "on", "false", "true", "0", "1", NULL
	};
	int i = word_index(words, value);

	(void)append;
	if (i < 0)
		return -EINVAL;
	*(bool *)field = i & 1;
	return 0;
}

struct mark_fields {
	bool off, automatic;
	struct fwh_mark mark;
};

static int parse_mark_setting(const char *value, void *field, bool append)
{
	struct fwh_mark mark = { 0, 0 };
	struct mark_fields out = {
		.off = !strcasecmp(value, "off") || !strcasecmp(value, "no"),
		.automatic = !strcasecmp(value, "auto"),
	};

	(void)append;
	if (!out.off && !out.automatic &&
	    (fwh_mark_parse(value, &mark) || !mark.mask ||
	     mark.value & ~mark.mask))
		return -EINVAL;
	out.mark = mark;
	memcpy(field, &out, sizeof(out));
	return 0;
}

static int parse_mark_source(const char *value, void *field, bool append)
{
	static const char *const words[] = { "policy", "esp", NULL };
	int i = word_index(words, value);

	(void)append;
	if (i < 0)
		return -EINVAL;
	*(bool *)field = i;
	return 0;
}

/* Take the next item of a comma list, without blanks.  Returns 1, 0 at the
 * end, or -EINVAL for an empty or overlong one. */
static int next_item(const char **p, char item[WORD_MAX])
{
	size_t n;

	if (!**p)
		return 0;
	*p += strspn(*p, " \t");
	n = strcspn(*p, ",");
	while (n && strchr(" \t", (*p)[n - 1]))
		n--;
	if (!n || n >= WORD_MAX)
		return -EINVAL;
	memcpy(item, *p, n);
	item[n] = '\0';
	*p += n + strspn(*p + n, " \t");
	if (**p == ',') {
		(*p)++;
		if (!(*p)[strspn(*p, " \t")])
			return -EINVAL;
	} else if (**p) {
		return -EINVAL;
	}
	return 1;
}

static int parse_accept(const char *value, void *field, bool append)
{
	static const char *const words[] = { "forward", "local", NULL };
	bool *accept = field;		/* accept_forward, accept_local */
	char item[WORD_MAX];
	int more;

	if (!append)
		accept[0] = accept[1] = false;
	if (!strcasecmp(value, "none"))
		return 0;
	while ((more = next_item(&value, item)) > 0) {
		int i = word_index(words, item);

		if (i < 0)
			return -EINVAL;
		accept[i] = true;
	}
	return more;
}

static int parse_proto(const char *s, uint8_t *ret)
{
	static const struct { const char *name; uint8_t proto; } protos[] = {
		{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP },
		{ "sctp", IPPROTO_SCTP }, { "dccp", IPPROTO_DCCP },
		{ "udplite", IPPROTO_UDPLITE }, { "icmp", IPPROTO_ICMP },
		{ "icmpv6", IPPROTO_ICMPV6 }, { "ipv6-icmp", IPPROTO_ICMPV6 },
		{ "igmp", IPPROTO_IGMP }, { "ipip", IPPROTO_IPIP },
		{ "ipv6", IPPROTO_IPV6 }, { "gre", IPPROTO_GRE },
		{ "esp", IPPROTO_ESP }, { "ah", IPPROTO_AH },
		{ "ospf", 89 }, { "pim", IPPROTO_PIM }, { "vrrp", 112 },
		{ "l2tp", 115 },
	};
	uint64_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protos); i++) {
		if (!strcasecmp(protos[i].name, s)) {
			*ret = protos[i].proto;
			return 0;
		}
	}
	if (fwh_number_parse(s, false, 255, &n) || !n)
		return -EINVAL;
	*ret = (uint8_t)n;
	return 0;
}

/* A number, or a name of /etc/services. */
static int parse_service_port(const char *s, const char *proto, uint16_t *ret)
{
	struct servent *service;
	uint64_t n;

	if (*s >= '0' && *s <= '9') {
		if (fwh_number_parse(s, false, UINT16_MAX, &n) || !n)
			return -EINVAL;
		*ret = (uint16_t)n;
		return 0;
	}
	service = getservbyname(s, proto);
	if (!service)
		return -EINVAL;
	*ret = ntohs((uint16_t)service->s_port);
	return 0;
}

/* "tcp/443", "udp/60000-61000", "tcp/ssh", "icmp" */
static int parse_service(char *item, struct fwh_service *ret)
{
	char *port = strchr(item, '/'), *high = NULL;

	memset(ret, 0, sizeof(*ret));
	if (port) {
		*port++ = '\0';
		/* Names of services may have a '-' in them. */
		high = *port >= '0' && *port <= '9' ? strchr(port, '-') : NULL;
		if (high)
			*high++ = '\0';
	}
	if (parse_proto(item, &ret->proto))
		return -EINVAL;
	if (!port)
		return 0;
	if (!fwh_proto_has_ports(ret->proto) ||
	    parse_service_port(port, item, &ret->port.lo))
		return -EINVAL;
	ret->port.hi = ret->port.lo;
	if (high && (parse_service_port(high, item, &ret->port.hi) ||
		     ret->port.hi < ret->port.lo))
		return -EINVAL;
	return 0;
}

static int parse_services(const char *value, void *field, bool append)
{
	struct fwh_services *out = field;
	char item[WORD_MAX];
	int more;

	if (!append)
		out->n = 0;
	if (!strcasecmp(value, "all")) {
		out->n = 0;
		return 0;
	}
	while ((more = next_item(&value, item)) > 0) {
		if (out->n == FWH_SERVICES_MAX ||
		    parse_service(item, &out->list[out->n]))
			return -EINVAL;
		out->n++;
	}
	return more;
}

static int parse_guard(const char *value, void *field, bool append)
{
	static const char *const words[] = { "off", "up", "armed", NULL };
	int i = word_index(words, value);

	(void)append;
	if (i < 0)
		return -EINVAL;
	*(enum fwh_guard *)field = (enum fwh_guard)i;
	return 0;
}

struct mss_fields {
	uint16_t mss;
	bool clamp;
};

static int parse_mss(const char *value, void *field, bool append)
{
	struct mss_fields out = { .clamp = !strcasecmp(value, "clamp") };
	uint64_t n = 0;

	(void)append;
	if (!out.clamp && strcasecmp(value, "off") &&
	    (fwh_number_parse(value, false, 65495, &n) || n < 536))
		return -EINVAL;
	out.mss = (uint16_t)n;
	memcpy(field, &out, sizeof(out));
	return 0;
}

static int parse_tcp_encap(const char *value, void *field, bool append)
{
	uint16_t ports[FWH_TCP_ENCAP_MAX] = { 0 };
	char item[WORD_MAX];
	size_t n = 0;
	int more;

	(void)append;
	if (strcasecmp(value, "off")) {
		while ((more = next_item(&value, item)) > 0)
			if (n == FWH_TCP_ENCAP_MAX ||
			    parse_service_port(item, "tcp", &ports[n++]))
				return -EINVAL;
		if (more)
			return more;
	}
	memcpy(field, ports, sizeof(ports));
	return 0;
}

static int parse_log_target(const char *value, void *field, bool append)
{
	static const char *const words[] = { "off", "LOG", "NFLOG", NULL };
	int i = word_index(words, value);

	(void)append;
	if (i < 0)
		return -EINVAL;
	*(enum fwh_log_target *)field = (enum fwh_log_target)i;
	return 0;
}

static int parse_log_group(const char *value, void *field, bool append)
{
	uint64_t n;

	(void)append;
	if (fwh_number_parse(value, false, UINT16_MAX, &n))
		return -EINVAL;
	*(uint16_t *)field = (uint16_t)n;
	return 0;
}

static int parse_log_prefix(const char *value, void *field, bool append)
{
	const char *p;

	(void)append;
	if (strlen(value) >= FWH_LOG_PREFIX_MAX - 1)
		return -EINVAL;
	for (p = value; *p; p++)
		if (*p < ' ' || *p > '~' || strchr("\"'\\", *p))
			return -EINVAL;
	/* inih strips the blank that keeps the prefix off the message. */
	memset(field, 0, FWH_LOG_PREFIX_MAX);
	snprintf(field, FWH_LOG_PREFIX_MAX, "%s ", value);
	return 0;
}

static int parse_log_rate(const char *value, void *field, bool append)
{
	uint64_t n;

	(void)append;
	if (fwh_number_parse(value, false, 600000, &n) || !n)
		return -EINVAL;
	*(uint32_t *)field = (uint32_t)n;
	return 0;
}

static int parse_on_error(const char *value, void *field, bool append)
{
	static const char *const words[] = { "fail", "hold", NULL };
	int i = word_index(words, value);

	(void)append;
	if (i < 0)
		return -EINVAL;
	*(bool *)field = i;
	return 0;
}

struct chain_fields {
	bool automatic;
	char path[FWH_PATH_MAX];
};

static int parse_chain(const char *value, void *field, bool append)
{
	struct chain_fields *out = field;
	bool automatic = !strcasecmp(value, "auto");
	bool off = !strcasecmp(value, "off");

	(void)append;
	if (!automatic && !off &&
	    (*value != '/' || strlen(value) >= sizeof(out->path)))
		return -EINVAL;
	out->automatic = automatic;
	memset(out->path, 0, sizeof(out->path));
	if (!automatic && !off)
		strcpy(out->path, value);	/* the length was checked */
	return 0;
}

/* One run of bits, so that values can be counted through. */
static int parse_mark_mask(const char *value, void *field, bool append)
{
	uint64_t n, run;

	(void)append;
	if (fwh_number_parse(value, true, UINT32_MAX, &n) || !n)
		return -EINVAL;
	for (run = n; !(run & 1); run >>= 1)
		;
	if (run & (run + 1))
		return -EINVAL;
	*(uint32_t *)field = (uint32_t)n;
	return 0;
}

/* Seconds, with a fraction of up to three digits. */
static int parse_lock_wait(const char *value, void *field, bool append)
{
	const char *point = strchr(value, '.');
	char whole[8], fraction[4] = "000";
	size_t n = point ? (size_t)(point - value) : strlen(value);
	uint64_t seconds, ms;

	(void)append;
	if (n >= sizeof(whole) || (point && (!point[1] || strlen(point) > 4)))
		return -EINVAL;
	memcpy(whole, value, n);
	whole[n] = '\0';
	if (point)
		memcpy(fraction, point + 1, strlen(point + 1));
	if (fwh_number_parse(whole, false, 600, &seconds) ||
	    fwh_number_parse(fraction, false, 999, &ms))
		return -EINVAL;
	*(unsigned int *)field = (unsigned int)(seconds * 1000 + ms);
	return 0;
}

struct verbosity_fields {
	enum fwh_verbosity verbosity;
	bool syslog;
};

static int parse_verbosity(const char *value, void *field, bool append)
{
	static const char *const words[] = { "error", "info", "debug", "syslog",
					     NULL };
	struct verbosity_fields out = { .verbosity = FWH_ERROR };
	char item[WORD_MAX];
	int more, i;

	(void)append;
	while ((more = next_item(&value, item)) > 0) {
		i = word_index(words, item);
		if (i < 0)
			return -EINVAL;
		if (i == 3)
			out.syslog = true;
		else
			out.verbosity = (enum fwh_verbosity)i;
	}
	memcpy(field, &out, sizeof(out));
	return more;
}

static int parse_position(const char *value, void *field, bool append)
{
	static const char *const words[] = { "top", "bottom", NULL };
	int i = word_index(words, value);

	(void)append;
	if (i < 0)
		return -EINVAL;
	*(enum fwh_position *)field = (enum fwh_position)i;
	return 0;
}

static int parse_backend(const char *value, void *field, bool append)
{
	(void)append;
	if (!fwh_backend_find(value))
		return -EINVAL;
	snprintf(field, sizeof(((struct fwh_globals *)0)->backend), "%s", value);
	return 0;
}

/* ---- keys --------------------------------------------------------------------- */

/* first..last are the settings' fields that a key sets; they lie together, as
 * the *_fields structs above have them. */
#define SPAN(type, first, last)						\
	offsetof(type, first),						\
	offsetof(type, last) + sizeof(((type *)0)->last) - offsetof(type, first)
#define ONE(member)	SPAN(struct fwh_settings, member, member)
#define ALL(first, last) SPAN(struct fwh_settings, first, last)
#define GLOBAL_ONE(member) SPAN(struct fwh_globals, member, member)
#define YES_NO		"yes no"

static const struct key {
	const char *name;
	unsigned int kinds;
	bool list;			/* may be given again, adds to it */
	value_parser *parse;
	size_t offset, size;
	const char *words;		/* the known words of its value */
	const char *expected;
} keys[] = {
	{ "mark", PLAN_KINDS, false, parse_mark_setting, ALL(mark_off, mark),
	  "auto off", "auto, off or VALUE/MASK with the value inside the mask" },
	{ "mark-source", PLAN_KINDS, false, parse_mark_source, ONE(mark_esp),
	  "policy esp", "policy or esp" },
	{ "connmark", PLAN_KINDS, false, parse_bool, ONE(connmark), YES_NO,
	  "yes or no" },
	{ "accept", PLAN_KINDS, false, parse_accept,
	  ALL(accept_forward, accept_local), "forward local none",
	  "a list of forward and local, or none" },
	{ "accept-in", PLAN_KINDS, true, parse_services,
	  ONE(accept_in), "all",
	  "all, or at most 32 of PROTOCOL/PORT, PROTOCOL/LOW-HIGH, PROTOCOL" },
	{ "accept-out", PLAN_KINDS, true, parse_services,
	  ONE(accept_out), "all",
	  "all, or at most 32 of PROTOCOL/PORT, PROTOCOL/LOW-HIGH, PROTOCOL" },
	{ "accept-xauth-failed", PLAN_KINDS, false, parse_bool,
	  ONE(accept_xauth_failed), YES_NO, "yes or no" },
	{ "guard", PLAN_KINDS, false, parse_guard, ONE(guard),
	  "armed up off", "armed, up or off" },
	{ "reject", PLAN_KINDS, false, parse_bool, ONE(reject), YES_NO,
	  "yes or no" },
	{ "nat-exempt", PLAN_KINDS, false, parse_bool, ONE(nat_exempt), YES_NO,
	  "yes or no" },
	{ "mss", PLAN_KINDS, false, parse_mss, ALL(mss, mss_clamp),
	  "clamp off", "clamp, off or 536 to 65495" },
	{ "open-ike", PLAN_KINDS, false, parse_bool, ONE(open_ike), YES_NO,
	  "yes or no" },
	{ "tcp-encap", PLAN_KINDS, false, parse_tcp_encap, ONE(tcp_encap),
	  "off", "off or at most four ports" },
	{ "log", PLAN_KINDS, false, parse_log_target, ONE(log),
	  "off LOG NFLOG", "off, LOG or NFLOG" },
	{ "log-group", PLAN_KINDS, false, parse_log_group, ONE(log_group), "",
	  "a group, 0 to 65535" },
	{ "log-prefix", PLAN_KINDS, false, parse_log_prefix, ONE(log_prefix),
	  "", "at most 28 printable ASCII characters, no quotes" },
	{ "log-rate", PLAN_KINDS, false, parse_log_rate, ONE(log_rate), "",
	  "lines a minute, 1 to 600000" },
	{ "on-error", PLAN_KINDS, false, parse_on_error, ONE(hold),
	  "fail hold", "fail or hold" },
	{ "chain-updown", PLAN_KINDS, false, parse_chain,
	  ALL(chain_auto, chain_path), "auto off",
	  "auto, off or an absolute path" },
	{ "mark-mask", GLOBAL, false, parse_mark_mask, GLOBAL_ONE(mark_mask),
	  "", "a mask of neighbouring bits such as 0x3fff0000" },
	{ "lock-wait", GLOBAL, false, parse_lock_wait, GLOBAL_ONE(lock_wait_ms),
	  "", "seconds, 0 to 600" },
	{ "log", GLOBAL, false, parse_verbosity,
	  SPAN(struct fwh_globals, verbosity, log_syslog),
	  "error info debug syslog",
	  "error, info or debug, and syslog if wanted" },
	{ "position", GLOBAL, false, parse_position, GLOBAL_ONE(position),
	  "top bottom", "top or bottom" },
	{ "backend", GLOBAL, false, parse_backend, GLOBAL_ONE(backend),
	  "auto iptables", "auto or iptables" },
};

_Static_assert(ARRAY_SIZE(keys) <= 64, "a bit a key");
_Static_assert(sizeof(struct mark_fields) ==
	       offsetof(struct fwh_settings, mark) + sizeof(struct fwh_mark) -
	       offsetof(struct fwh_settings, mark_off), "mark's fields");

static const struct key *find_key(const char *name, enum kind kind)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].kinds & kind && !strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static int unknown_key(struct reader *r, const char *name, enum kind kind)
{
	struct nearest nearest = { .word = NULL };
	char shown[WORD_MAX], hint[80];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].kinds & kind)
			consider(&nearest, name, keys[i].name,
				 strlen(keys[i].name));
	if (kind & PLAN_KINDS)
		consider(&nearest, name, "template", 8);
	return fail_here(r, -EINVAL, "unknown key '%s'%s",
			 fwh_printable(name, shown, sizeof(shown)),
			 suggest(&nearest, name, hint, sizeof(hint)));
}

static int bad_value(struct reader *r, const struct key *key,
		     const char *value)
{
	struct nearest nearest = { .word = NULL };
	char shown[80], hint[80];
	const char *p = key->words;

	while (*p) {
		size_t n = strcspn(p, " ");

		consider(&nearest, value, p, n);
		p += n + strspn(p + n, " ");
	}
	return fail_here(r, -EINVAL, "%s = %s: expected %s%s", key->name,
			 fwh_printable(value, shown, sizeof(shown)),
			 key->expected,
			 suggest(&nearest, value, hint, sizeof(hint)));
}

/* ---- sections -------------------------------------------------------------------- */

static ssize_t find_section(const struct fwh_config *config, enum kind kind,
			    const char *name)
{
	size_t i;

	for (i = 0; i < config->n; i++)
		if (config->sections[i].kind == kind &&
		    !strcmp(config->sections[i].name, name))
			return (ssize_t)i;
	return -1;
}

static ssize_t add_section(struct reader *r, enum kind kind, const char *name)
{
	struct fwh_config *config = r->config;
	struct section *section;

	if (config->n == config->cap) {
		size_t cap = config->cap ? 2 * config->cap : 8;

		section = reallocarray(config->sections, cap, sizeof(*section));
		if (!section)
			return fail_here(r, -ENOMEM, "out of memory");
		config->sections = section;
		config->cap = cap;
	}
	section = &config->sections[config->n];
	memset(section, 0, sizeof(*section));
	section->kind = kind;
	memcpy(section->name, name, strlen(name));
	snprintf(section->where, sizeof(section->where), "%.240s:%u", r->path,
		 r->line);
	return (ssize_t)config->n++;
}

static int unknown_section(struct reader *r, const char *name)
{
	static const char *const words[] = { "global", "default", "template",
					     "conn" };
	struct nearest nearest = { .word = NULL };
	char shown[80], hint[80], word[NAME_MAX_CHARS + 1];
	size_t n = strcspn(name, " \t"), i;

	memcpy(word, name, n);
	word[n] = '\0';
	for (i = 0; i < ARRAY_SIZE(words); i++)
		consider(&nearest, word, words[i], strlen(words[i]));
	return fail_here(r, -EINVAL, "unknown section [%s]; known are [global], "
			 "[default], [template NAME] and [conn PATTERN]%s",
			 fwh_printable(name, shown, sizeof(shown)),
			 suggest(&nearest, word, hint, sizeof(hint)));
}

static void enter_section(struct reader *r, const char *name)
{
	static const struct { const char *word; enum kind kind; } kinds[] = {
		{ "template", TEMPLATE }, { "conn", CONN },
	};
	ssize_t index;
	size_t i;

	if (!strcmp(name, "global")) {
		r->section = -2;
		return;
	}
	if (!strcmp(name, "default")) {
		index = find_section(r->config, DEFAULT, "");
		r->section = index >= 0 ? index : add_section(r, DEFAULT, "");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t n = strlen(kinds[i].word);
		const char *rest = name + n;

		if (strncmp(name, kinds[i].word, n) || !strchr(" \t", *rest))
			continue;
		rest += strspn(rest, " \t");
		if (!*rest) {
			fail_here(r, -EINVAL, "[%s]: a name is missing",
				  kinds[i].word);
			return;
		}
		index = find_section(r->config, kinds[i].kind, rest);
		r->section = index >= 0 ? index :
					  add_section(r, kinds[i].kind, rest);
		return;
	}
	unknown_section(r, name);
}

/* "[NAME]", a comment may follow. */
static void section_line(struct reader *r, const char *line, size_t len)
{
	const char *close = memchr(line, ']', len);
	char name[NAME_MAX_CHARS + 1];
	size_t n, rest;

	if (!close) {
		fail_here(r, -EINVAL, "a section's ']' is missing");
		return;
	}
	n = (size_t)(close - line) - 1;
	rest = (size_t)(close - line) + 1;
	while (rest < len && strchr(" \t\r", line[rest]))
		rest++;
	if (rest < len && line[rest] != ';' && line[rest] != '#') {
		fail_here(r, -EINVAL, "nothing may follow a section's ']'");
		return;
	}
	if (n > NAME_MAX_CHARS) {
		fail_here(r, -EINVAL, "a section's name has %zu characters; "
			  "%d are possible: use a shorter pattern", n,
			  NAME_MAX_CHARS);
		return;
	}
	memcpy(name, line + 1, n);
	name[n] = '\0';
	enter_section(r, name);
}

/* ---- lines and keys ---------------------------------------------------------------- */

/* inih's reader: hands it one line, and sees for itself what inih would cut
 * or pass over.  NULL ends the file, for good after an error. */
static char *read_line(char *buf, int size, void *stream)
{
	struct reader *r = stream;
	const char *eol, *p;
	size_t len;

	if (r->code || r->text == r->end)
		return NULL;
	r->line++;
	eol = memchr(r->text, '\n', (size_t)(r->end - r->text));
	len = (size_t)((eol ? eol : r->end) - r->text);
	if (len > LINE_MAX_CHARS || len + 2 > (size_t)size) {
		fail_here(r, -EINVAL, "the line has %zu characters; %d are "
			  "possible: continue lists on indented lines", len,
			  LINE_MAX_CHARS);
		return NULL;
	}
	memcpy(buf, r->text, len);
	buf[len] = '\n';
	buf[len + 1] = '\0';
	p = buf + (r->line == 1 && !memcmp(buf, "\xef\xbb\xbf", 3) ? 3 : 0);
	if (*p == '[')
		section_line(r, p, len - (size_t)(p - buf));
	r->text += len + (eol ? 1 : 0);
	return r->code ? NULL : buf;
}

static int set_template(struct reader *r, struct section *section,
			const char *value)
{
	char shown[80];

	if (!*value || strlen(value) > NAME_MAX_CHARS)
		return fail_here(r, -EINVAL, "template = %s: expected a "
				 "template's name",
				 fwh_printable(value, shown, sizeof(shown)));
	strcpy(section->template, value);	/* the length was checked */
	return 0;
}

static int set_value(struct reader *r, const struct key *key, void *base,
		     uint64_t *set_in_file, const char *value)
{
	uint64_t bit = (uint64_t)1 << (key - keys);
	bool again = *set_in_file & bit;

	if (again && !key->list)
		return fail_here(r, -EINVAL, "%s is given twice in this section",
				 key->name);
	if (key->parse(value, (char *)base + key->offset, again))
		return bad_value(r, key, value);
	*set_in_file |= bit;
	return 0;
}

/* inih's handler: 1 goes on. */
static int handle_key(void *user, const char *section_name, const char *name,
		      const char *value)
{
	struct reader *r = user;
	struct section *section;
	const struct key *key;
	enum kind kind;

	(void)section_name;
	if (r->code)
		return 1;
	if (r->section == -1) {
		fail_here(r, -EINVAL, "'%.40s' stands before any section", name);
		return 1;
	}
	section = r->section < 0 ? NULL : &r->config->sections[r->section];
	kind = section ? section->kind : GLOBAL;
	key = find_key(name, kind);
	if (section && !strcmp(name, "template")) {
		set_template(r, section, value);
	} else if (!key) {
		unknown_key(r, name, kind);
	} else if (!section) {
		set_value(r, key, &r->config->globals,
			  &r->config->globals_in_file, value);
	} else if (!set_value(r, key, &section->values, &section->set_in_file,
			      value)) {
		section->set |= (uint64_t)1 << (key - keys);
	}
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
			free(text);
			return fwh_fail(err, got < 0 ? -errno : -EFBIG,
					"%s: %s", path, got < 0 ?
					strerror(errno) : "larger than 1 MiB");
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

static int parse_text(struct fwh_config *config, const char *path,
		      const char *text, size_t n, struct fwh_err *err)
{
	struct reader r = {
		.config = config, .err = err, .path = path,
		.text = text, .end = text + n, .section = -1,
	};
	size_t i;
	int bad;

	if (memchr(text, '\0', n))
		return fwh_fail(err, -EINVAL, "%s: has a NUL byte", path);
	config->globals_in_file = 0;
	for (i = 0; i < config->n; i++)
		config->sections[i].set_in_file = 0;
	bad = ini_parse_stream(read_line, &r, handle_key, &r);
	if (r.code)
		return r.code;
	if (bad > 0) {
		r.line = (unsigned int)bad;
		return fail_here(&r, -EINVAL, "expected KEY = VALUE, [SECTION] "
				 "or a comment");
	}
	return bad < 0 ? fwh_fail(err, -ENOMEM, "out of memory") : 0;
}

/* name is relative to the folder at; path is for messages. */
static int load_file(struct fwh_config *config, int at, const char *name,
		     const char *path, struct fwh_err *err)
{
	fwh_autofd fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = NULL;
	size_t n = 0;
	int code;

	if (fd < 0)
		return errno == ENOENT ? 0 :
		       fwh_fail(err, -errno, "%s: %s", path, strerror(errno));
	code = check_safe(fd, path, S_IFREG, err);
	if (!code)
		code = read_whole(fd, path, &text, &n, err);
	if (code)
		return code;
	code = parse_text(config, path, text, n, err);
	free(text);
	return code;
}

static int is_conf_file(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return *entry->d_name != '.' && n > 5 &&
	       !strcmp(entry->d_name + n - 5, ".conf");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_folder(struct fwh_config *config, const char *dir,
		       struct fwh_err *err)
{
	fwh_autofd fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries;
	char path[FWH_PATH_MAX];
	int n, i, code;

	if (fd < 0)
		return errno == ENOENT ? 0 :
		       fwh_fail(err, -errno, "%s: %s", dir, strerror(errno));
	code = check_safe(fd, dir, S_IFDIR, err);
	if (code)
		return code;
	n = scandirat(fd, ".", &entries, is_conf_file, by_name);
	if (n < 0)
		return fwh_fail(err, -errno, "%s: %s", dir, strerror(errno));
	for (i = 0; i < n; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", dir,
			     entries[i]->d_name) >= (int)sizeof(path) && !code)
			code = fwh_fail(err, -ENAMETOOLONG, "%.100s/%.100s: "
					"the name is too long", dir,
					entries[i]->d_name);
		if (!code)
			code = load_file(config, fd, entries[i]->d_name, path,
					 err);
		free(entries[i]);
	}
	free(entries);
	return code;
}

/* ---- the whole ----------------------------------------------------------------------- */

static const struct fwh_settings built_in = {
	.mark_auto = true,
	.accept_forward = true,
	.accept_local = true,
	.guard = FWH_GUARD_ARMED,
	.nat_exempt = true,
	.log_prefix = "ipsec-fw ",
	.log_rate = 10,
	.hold = true,
	.chain_auto = true,
};

static const struct fwh_globals built_in_globals = {
	.mark_mask = 0x3fff0000,
	.lock_wait_ms = 5000,
	.backend = "auto",
};

int fwh_config_default(struct fwh_config **ret)
{
	struct fwh_config *config = calloc(1, sizeof(*config));

	if (!config)
		return -ENOMEM;
	config->globals = built_in_globals;
	*ret = config;
	return 0;
}

static int missing_template(const struct fwh_config *config,
			    const struct section *section, struct fwh_err *err)
{
	struct nearest nearest = { .word = NULL };
	char shown[80], hint[80];
	size_t i;

	for (i = 0; i < config->n; i++)
		if (config->sections[i].kind == TEMPLATE)
			consider(&nearest, section->template,
				 config->sections[i].name,
				 strlen(config->sections[i].name));
	return fwh_fail(err, -EINVAL, "%.120s: template = %s: there is no "
			"[template %s]%s", section->where,
			fwh_printable(section->template, shown, sizeof(shown)),
			shown, suggest(&nearest, section->template, hint,
				       sizeof(hint)));
}

/* Every template exists, and no chain of them comes back to itself. */
static int check_templates(const struct fwh_config *config,
			   struct fwh_err *err)
{
	size_t i;

	for (i = 0; i < config->n; i++) {
		const struct section *section = &config->sections[i];
		size_t steps;

		for (steps = 0; *section->template; steps++) {
			ssize_t next = find_section(config, TEMPLATE,
						    section->template);

			if (next < 0)
				return missing_template(config, section, err);
			if (steps > config->n)
				return fwh_fail(err, -ELOOP, "%.120s: [template "
						"%s] inherits from itself",
						section->where, section->name);
			section = &config->sections[next];
		}
	}
	return 0;
}

int fwh_config_load(const char *file, const char *dir,
		    struct fwh_config **ret, struct fwh_err *err)
{
	struct fwh_config *config;
	int code = fwh_config_default(&config);

	if (code)
		return fwh_fail(err, code, "out of memory");
	code = load_file(config, AT_FDCWD, file, file, err);
	if (!code && dir)
		code = load_folder(config, dir, err);
	if (!code)
		code = check_templates(config, err);
	if (code) {
		fwh_config_free(config);
		return code;
	}
	*ret = config;
	return 0;
}

void fwh_config_free(struct fwh_config *config)
{
	if (!config)
		return;
	free(config->sections);
	free(config);
}

const struct fwh_globals *fwh_config_globals(const struct fwh_config *config)
{
	return &config->globals;
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
	if (*section->template)
		apply_section(config, find_section(config, TEMPLATE,
						   section->template), settings);
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (section->set & (uint64_t)1 << i)
			memcpy((char *)settings + keys[i].offset,
			       (const char *)&section->values + keys[i].offset,
			       keys[i].size);
}

/* A name without wildcards beats patterns, then more literal characters. */
static int specificity(const char *pattern)
{
	int literal = 0;
	const char *p;

	if (!strpbrk(pattern, "*?[\\"))
		return INT32_MAX;
	for (p = pattern; *p; p++)
		literal += !strchr("*?[]\\", *p);
	return literal;
}

static ssize_t find_conn(const struct fwh_config *config, const char *conn)
{
	ssize_t best = -1;
	int best_score = -1;
	size_t i;

	for (i = 0; i < config->n; i++) {
		const struct section *section = &config->sections[i];
		int score;

		if (section->kind != CONN || fnmatch(section->name, conn, 0))
			continue;
		score = specificity(section->name);
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
	*ret = built_in;
	apply_section(config, find_section(config, DEFAULT, ""), ret);
	apply_section(config, find_conn(config, conn), ret);
}
