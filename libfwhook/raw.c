// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * raw.c - rules in a person's own words: where they stand, and their variables.
 * Pure.  What such a rule means only the backend's own parser knows.
 *
 * A value never becomes syntax: addresses and numbers are written here, names are
 * quoted and have no character that ends a quotation.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "raw.h"

/* ---- places ---- */

const struct fwh_raw_place fwh_raw_places[] = {
	{ true, "prerouting", "in", FWH_MANGLE, FWH_PREROUTING,
	  FWH_PART_RAW_PRE, false },
	{ true, "dstnat", "in", FWH_NAT, FWH_PREROUTING,
	  FWH_PART_RAW_PRE, false },
	{ true, "input", "in", FWH_FILTER, FWH_INPUT,
	  FWH_PART_RAW_IN, false },
	{ true, "forward", "in", FWH_FILTER, FWH_FORWARD,
	  FWH_PART_RAW_FWD_IN, false },
	{ true, "forward", "out", FWH_FILTER, FWH_FORWARD,
	  FWH_PART_RAW_FWD_OUT, true },
	{ true, "output", "out", FWH_FILTER, FWH_OUTPUT,
	  FWH_PART_RAW_OUT, true },
	{ true, "postrouting", "out", FWH_MANGLE, FWH_POSTROUTING,
	  FWH_PART_RAW_POST, true },
	{ true, "srcnat", "out", FWH_NAT, FWH_POSTROUTING,
	  FWH_PART_RAW_POST, true },
	{ false, "mangle PREROUTING", "in", FWH_MANGLE, FWH_PREROUTING,
	  FWH_PART_RAW_PRE, false },
	{ false, "nat PREROUTING", "in", FWH_NAT, FWH_PREROUTING,
	  FWH_PART_RAW_PRE, false },
	{ false, "mangle INPUT", "in", FWH_MANGLE, FWH_INPUT,
	  FWH_PART_RAW_IN, false },
	{ false, "filter INPUT", "in", FWH_FILTER, FWH_INPUT,
	  FWH_PART_RAW_IN, false },
	{ false, "mangle FORWARD", "in", FWH_MANGLE, FWH_FORWARD,
	  FWH_PART_RAW_FWD_IN, false },
	{ false, "mangle FORWARD", "out", FWH_MANGLE, FWH_FORWARD,
	  FWH_PART_RAW_FWD_OUT, true },
	{ false, "filter FORWARD", "in", FWH_FILTER, FWH_FORWARD,
	  FWH_PART_RAW_FWD_IN, false },
	{ false, "filter FORWARD", "out", FWH_FILTER, FWH_FORWARD,
	  FWH_PART_RAW_FWD_OUT, true },
	{ false, "mangle OUTPUT", "out", FWH_MANGLE, FWH_OUTPUT,
	  FWH_PART_RAW_OUT, true },
	{ false, "filter OUTPUT", "out", FWH_FILTER, FWH_OUTPUT,
	  FWH_PART_RAW_OUT, true },
	{ false, "mangle POSTROUTING", "out", FWH_MANGLE, FWH_POSTROUTING,
	  FWH_PART_RAW_POST, true },
	{ false, "nat POSTROUTING", "out", FWH_NAT, FWH_POSTROUTING,
	  FWH_PART_RAW_POST, true },
};
const size_t fwh_raw_n_places = ARRAY_SIZE(fwh_raw_places);

/* "forward in", or "input", where there is but one direction. */
static bool is_place(const struct fwh_raw_place *place, const char *s, size_t n)
{
	size_t name = strlen(place->name), direction = strlen(place->direction);

	if (n < name || memcmp(s, place->name, name) != 0)
		return false;
	if (n == name)
		return true;
	return n == name + 1 + direction && s[name] == ' ' &&
	       !memcmp(s + name + 1, place->direction, direction);
}

static bool ends_with(const char *s, size_t n, const char *end)
{
	size_t m = strlen(end);

	return n > m && !memcmp(s + n - m, end, m);
}

/* The families as each backend's people say them: "forward in ip6: ...", and
 * "filter FORWARD in: -6 ...", as in a file for iptables-restore. */
static unsigned int take_families(bool nft, const char *s, size_t *n,
				  const char **rule)
{
	static const char *const words[FWH_FAMILY_MAX] = { " ip", " ip6" };
	enum fwh_family family;

	for (family = 0; family < FWH_FAMILY_MAX; family++) {
		if (nft && ends_with(s, *n, words[family])) {
			*n -= strlen(words[family]);
			return 1u << family;
		}
		if (!nft && (*rule)[0] == '-' &&
		    (*rule)[1] == (family == FWH_IPV4 ? '4' : '6') &&
		    strchr(" \t", (*rule)[2])) {
			*rule += 2;
			*rule += strspn(*rule, " \t");
			return 1u << family;
		}
	}
	return 1u << FWH_IPV4 | 1u << FWH_IPV6;
}

const char *fwh_raw_split(bool nft, const char *s, struct fwh_raw *ret)
{
	const char *colon = strchr(s, ':'), *rule;
	size_t n = colon ? (size_t)(colon - s) : 0, i, found = 0;

	if (!colon)
		return nft ? "expected WHERE: RULE, as in forward in: ..." :
			     "expected TABLE CHAIN: RULE, as in filter FORWARD "
			     "in: ...";
	while (n && s[n - 1] == ' ')
		n--;
	rule = colon + 1 + strspn(colon + 1, " \t");
	ret->families = take_families(nft, s, &n, &rule);
	ret->text = rule;
	for (i = 0; i < ARRAY_SIZE(fwh_raw_places); i++) {
		if (fwh_raw_places[i].nft != nft ||
		    !is_place(&fwh_raw_places[i], s, n))
			continue;
		ret->where = i;
		found++;
	}
	if (found > 1)
		return "say in, from the peer, or out, to it, before the ':'";
	if (!found)
		return nft ? "rules are possible in prerouting, dstnat, input, "
			     "forward in, forward out, output, postrouting and "
			     "srcnat" :
			     "rules are possible in all chains of mangle, in nat "
			     "PREROUTING and POSTROUTING, and in filter INPUT, "
			     "FORWARD in, FORWARD out and OUTPUT";
	return NULL;
}

/* ---- values ---- */

struct expansion {
	const struct fwh_plan_input *in;
	bool nft;
	char value[FWH_CONN_MAX];
};

/* Each leaves the value and returns NULL, or why there is none. */
typedef const char *put_value(struct expansion *e);

static const char *put_my_client(struct expansion *e)
{
	fwh_range_format(&e->in->ev->sel.local, e->value);
	return NULL;
}

static const char *put_peer_client(struct expansion *e)
{
	fwh_range_format(&e->in->ev->sel.remote, e->value);
	return NULL;
}

static const char *put_address(struct expansion *e, const struct fwh_addr *addr)
{
	fwh_addr_format(addr, e->value);
	return fwh_addr_is_any(addr) ? "the address is not known" : NULL;
}

static const char *put_me(struct expansion *e)
{
	return put_address(e, &e->in->ev->me);
}

static const char *put_peer(struct expansion *e)
{
	return put_address(e, &e->in->ev->peer);
}

static const char *put_my_sourceip(struct expansion *e)
{
	return put_address(e, &e->in->ev->source_ip);
}

static const char *put_number(struct expansion *e, uint32_t number, bool hex)
{
	snprintf(e->value, sizeof(e->value), hex ? "0x%" PRIx32 : "%" PRIu32,
		 number);
	return NULL;
}

static const char *put_mark(struct expansion *e)
{
	const struct fwh_mark *mark = &e->in->mark;

	put_number(e, mark->value, true);
	if (!e->nft)			/* one argument of iptables */
		snprintf(e->value, sizeof(e->value), "0x%" PRIx32 "/0x%" PRIx32,
			 mark->value, mark->mask);
	return mark->mask ? NULL : "the connection has no mark";
}

static const char *put_mark_mask(struct expansion *e)
{
	put_number(e, e->in->mark.mask, true);
	return e->in->mark.mask ? NULL : "the connection has no mark";
}

static const char *put_accept_mark(struct expansion *e)
{
	put_number(e, e->in->accept_mark.value, true);
	return e->in->accept_mark.mask ? NULL : "accept-mark is off";
}

static const char *put_reqid(struct expansion *e)
{
	put_number(e, e->in->sa->reqid, false);
	return e->in->sa->reqid ? NULL : "nobody knows the reqid";
}

static const char *put_conn(struct expansion *e)
{
	struct fwh_key key;
	char *p;

	fwh_event_key(e->in->ev, &key);
	fwh_rule_comment(&key, e->value);
	for (p = e->value; *p; p++)	/* nft puts variables in where it finds one */
		if (*p == '$')
			*p = '_';
	return NULL;
}

/* Has it nothing that means something to a shell, to iptables or to nft? */
static bool is_plain(const char *s)
{
	return !s[strspn(s, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@/-")];
}

/* The kernel takes names that would be patterns, or the end of a quotation. */
static const char *put_device(struct expansion *e, const char *name)
{
	if (!is_plain(name))
		return "the device's name is none that a rule can hold";
	snprintf(e->value, sizeof(e->value), "%s", name);
	return *name ? NULL : "the connection has no such device";
}

static const char *put_interface(struct expansion *e)
{
	return put_device(e, e->in->ev->iface);
}

static const char *put_virt_interface(struct expansion *e)
{
	const struct fwh_event *ev = e->in->ev;

	return put_device(e, *ev->virt_iface ? ev->virt_iface : ev->vti_iface);
}

static const struct variable {
	const char *name;
	put_value *put;
	bool quoted;			/* a name, not an address or a number */
} variables[] = {
	{ "MY_CLIENT", put_my_client, false },
	{ "PEER_CLIENT", put_peer_client, false },
	{ "ME", put_me, false },
	{ "PEER", put_peer, false },
	{ "MY_SOURCEIP", put_my_sourceip, false },
	{ "MARK", put_mark, false },
	{ "MARK_MASK", put_mark_mask, false },
	{ "ACCEPT_MARK", put_accept_mark, false },
	{ "REQID", put_reqid, false },
	{ "CONN", put_conn, true },
	{ "INTERFACE", put_interface, true },
	{ "VIRT_INTERFACE", put_virt_interface, true },
};
_Static_assert(FWH_RANGE_STRLEN <= FWH_CONN_MAX, "a value holds a range");

#define UNKNOWN_VARIABLE "a variable that is not known; there are ${MY_CLIENT}, " \
	"${PEER_CLIENT}, ${ME}, ${PEER}, ${MY_SOURCEIP}, ${MARK}, "	\
	"${MARK_MASK}, ${ACCEPT_MARK}, ${REQID}, ${CONN}, ${INTERFACE} and " \
	"${VIRT_INTERFACE}"

/* s is at a '$'.  NULL if there is no such variable; *ret_len: of "${NAME}". */
static const struct variable *find_variable(const char *s, size_t *ret_len)
{
	const char *end = s[1] == '{' ? strchr(s, '}') : NULL;
	size_t n = end ? (size_t)(end - s - 2) : 0, i;

	for (i = 0; i < ARRAY_SIZE(variables); i++) {
		if (strlen(variables[i].name) != n ||
		    memcmp(variables[i].name, s + 2, n) != 0)
			continue;
		*ret_len = n + 3;
		return &variables[i];
	}
	return NULL;
}

/* ---- reading a rule ---- */

struct lexer {
	bool nft, quoted;
	int depth;			/* of braces */
};

/* A rule stays one rule, in its own chain: nothing in it may end it. */
static const char *refuse_nft(struct lexer *l, char c)
{
	if (c == '\\')
		return "a backslash has no place in it";
	if (l->quoted)
		return NULL;
	if (c == ';' || c == '#')
		return "it is one rule, which ';' or '#' would end";
	l->depth += (c == '{') - (c == '}');
	return l->depth < 0 ? "a '}' without its '{'" : NULL;
}

/* s is at a character that belongs to no variable.  *ret_len: how many characters
 * belong together. */
static const char *refuse(struct lexer *l, const char *s, size_t *ret_len)
{
	const char *why = l->nft ? refuse_nft(l, *s) : NULL;
	bool escaped = !l->nft && *s == '\\';

	*ret_len = escaped ? 2 : 1;
	if (escaped && (!l->quoted || !s[1]))
		return "a backslash has a meaning in quotes only";
	s += escaped;
	if (((unsigned char)*s < ' ' || (unsigned char)*s > '~') && *s != '\t')
		return "a character that is not printable ASCII";
	if (why || escaped)
		return why;
	if (*s == '\'' && !l->quoted)
		return "quotes are \"...\"";
	if (*s == '"')
		l->quoted = !l->quoted;
	return NULL;
}

/* In "add rule TABLE CHAIN ..." these would say where. */
static bool begins_with_position(const char *rule)
{
	static const char *const words[] = { "position", "handle", "index" };
	size_t n = strcspn(rule, " \t"), i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == n && !memcmp(words[i], rule, n))
			return true;
	return false;
}

const char *fwh_raw_check(bool nft, const char *rule)
{
	struct lexer l = { .nft = nft };
	size_t n;

	if (!*rule)
		return "there is no rule behind the ':'";
	if (nft && begins_with_position(rule))
		return "rules stand in the order of their lines";
	for (; *rule; rule += n) {
		const char *why = NULL;

		if (*rule == '$' && !find_variable(rule, &n))
			why = UNKNOWN_VARIABLE;
		else if (*rule != '$')
			why = refuse(&l, rule, &n);
		if (why)
			return why;
	}
	if (l.quoted)
		return "a quotation has no end";
	return l.depth ? "a '{' without its '}'" : NULL;
}

/* ---- expanding ---- */

static int fail_value(const struct fwh_raw *raw, const struct variable *variable,
		      const char *why, struct fwh_err *err)
{
	return fwh_fail(err, -EINVAL, "%s: ${%s}: %s", raw->place,
			variable->name, why);
}

/* The checked rule with its values, to f. */
static int put_rule(const struct fwh_raw *raw, struct expansion *e, FILE *f,
		    bool *ret_own, struct fwh_err *err)
{
	struct lexer l = { .nft = e->nft };
	const char *s = raw->text, *why;
	size_t n;

	for (; *s; s += n) {
		const struct variable *variable = *s == '$' ?
						  find_variable(s, &n) : NULL;

		if (!variable) {
			refuse(&l, s, &n);
			fwrite(s, n, 1, f);
			continue;
		}
		*ret_own = true;
		why = variable->put(e);
		/* iptables would take it for an option. */
		if (!why && !e->nft && strchr("-!", *e->value))
			why = "the value begins with '-' or '!'";
		if (why)
			return fail_value(raw, variable, why, err);
		fprintf(f, variable->quoted && !l.quoted &&
			   (e->nft || !is_plain(e->value)) ? "\"%s\"" : "%s",
			e->value);
	}
	return 0;
}

int fwh_raw_expand(const struct fwh_raw *raw, const struct fwh_plan_input *in,
		   struct fwh_raw_rule **ret, struct fwh_err *err)
{
	struct expansion e = {
		.in = in, .nft = fwh_raw_places[raw->where].nft,
	};
	fwh_autofree char *text = NULL;
	struct fwh_raw_rule *rule;
	struct fwh_print printed;
	bool own = false;
	FILE *f = fwh_print_begin(&printed);
	int code;

	if (!f)
		return fwh_fail(err, -ENOMEM, "out of memory");
	code = put_rule(raw, &e, f, &own, err);
	text = fwh_print_end(&printed, f);
	if (!text)
		return fwh_fail(err, -ENOMEM, "out of memory");
	if (code)
		return code;
	if (printed.len > FWH_RAW_TEXT_MAX)
		return fwh_fail(err, -E2BIG, "%s: with its values the rule has "
				"%zu characters, more than %d", raw->place,
				printed.len, FWH_RAW_TEXT_MAX);
	rule = calloc(1, sizeof(*rule) + strlen(raw->place) + printed.len + 3);
	if (!rule)
		return fwh_fail(err, -ENOMEM, "out of memory");
	rule->own = own;
	rule->text = rule->line + sprintf(rule->line, "%s: ", raw->place);
	strcat(rule->line, text);
	*ret = rule;
	return 0;
}

void fwh_raw_rule_free(struct fwh_raw_rule *raw)
{
	if (!raw)
		return;
	free(raw->entry);
	free(raw);
}

const struct fwh_raws *fwh_raws_of(const struct fwh_settings *settings,
				   const struct fwh_globals *globals)
{
	/* Either form of the legacy tables speaks iptables. */
	return strncmp(globals->backend, "iptables", 8) ? &settings->nft :
							  &settings->iptables;
}
