// SPDX-License-Identifier: GPL-2.0-or-later
/* event_words.c - variables whose values are words of the daemons'. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "event.h"

struct word {
	const char *name;
	unsigned int value;
};

/* 0 if the word is not in the list. */
static unsigned int find_word(const struct word *list, size_t n,
			      const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(list[i].name) == len && !memcmp(list[i].name, s, len))
			return list[i].value;
	return 0;
}

#define VERB_SUFFIX	(1u << 16)
static const struct word verb_words[] = {
	{ "prepare", FWH_PREPARE },
	{ "route", FWH_ROUTE },
	{ "up", FWH_UP },
	{ "down", FWH_DOWN },
	{ "unroute", FWH_UNROUTE },
	{ "disconnectNM", FWH_VERB_OTHER },	/* Libreswan 4, cisco + NM */
	{ "updateresolvconf", FWH_VERB_OTHER },	/* Openswan */
	{ "restoreresolvconf", FWH_VERB_OTHER },
	{ "host", VERB_SUFFIX },
	{ "client", VERB_SUFFIX },
	{ "v6", VERB_SUFFIX },
};

/* "up-client-v6", "prepare-route-up": verbs, then suffixes.  The suffixes say
 * nothing that the selectors don't say better (4.x takes the family of the
 * gateways, 5.x that of the clients). */
static int parse_verb(const char *s, struct fwh_event *ev, void *field)
{
	const char *p = s;
	bool suffix = false;

	(void)field;
	ev->verbs = 0;
	for (;;) {
		size_t n = strcspn(p, "-");
		unsigned int word = find_word(verb_words,
					      ARRAY_SIZE(verb_words), p, n);

		if (!word || (suffix && word != VERB_SUFFIX))
			return -EOPNOTSUPP;
		if (word == VERB_SUFFIX)
			suffix = true;
		else
			ev->verbs |= word;
		if (!p[n])
			break;
		p += n + 1;
	}
	if (!ev->verbs || strlen(s) >= sizeof(ev->verb) ||
	    ((ev->verbs & (FWH_PREPARE | FWH_ROUTE | FWH_UP)) &&
	     (ev->verbs & (FWH_DOWN | FWH_UNROUTE))))
		return -EOPNOTSUPP;
	strcpy(ev->verb, s);	/* the length was checked */
	return 0;
}

static void format_verb(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)field;
	fputs(ev->verb, f);
}

const struct type fwh_type_verb = {
	parse_verb, format_verb,
	"prepare, route, up, down or unroute, -host or -client, -v6"
};

/* Libreswan 4.10 constants.c, 5.x connections.c */
enum { KIND_PERMANENT = 1, KIND_INSTANCE, KIND_TEMPLATE, KIND_GOING_AWAY };
static const struct word kind_words[] = {
	{ "CK_PERMANENT", KIND_PERMANENT },
	{ "CK_INSTANCE", KIND_INSTANCE },
	{ "CK_TEMPLATE", KIND_TEMPLATE },
	{ "CK_GROUP", KIND_TEMPLATE },
	{ "CK_GROUPINSTANCE", KIND_TEMPLATE },
	{ "CK_GOING_AWAY", KIND_GOING_AWAY },
	{ "CK_LABELED_TEMPLATE", KIND_TEMPLATE },
	{ "CK_LABELED_PARENT", KIND_PERMANENT },
	{ "CK_LABELED_CHILD", KIND_INSTANCE },
};

static int parse_kind(const char *s, struct fwh_event *ev, void *field)
{
	unsigned int kind = find_word(kind_words, ARRAY_SIZE(kind_words), s,
				      strlen(s));

	(void)field;
	if (!kind)
		return -EINVAL;
	ev->instance = kind == KIND_INSTANCE;
	ev->tmpl = kind == KIND_TEMPLATE;
	ev->going_away = kind == KIND_GOING_AWAY;
	return 0;
}

static void format_kind(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)field;
	fputs(ev->instance ? "CK_INSTANCE" : ev->tmpl ? "CK_TEMPLATE" :
	      ev->going_away ? "CK_GOING_AWAY" : "CK_PERMANENT", f);
}

const struct type fwh_type_conn_kind = { parse_kind, format_kind, "CK_..." };

static const struct word policy_words[] = {
	{ "NEVER_NEGOTIATE", FWH_CONN_NEVER_NEGOTIATE },
	{ "PASS", FWH_CONN_PASS },
	{ "OPPORTUNISTIC", FWH_CONN_OPPORTUNISTIC },
	{ "NEGO_PASS", FWH_CONN_NEGO_PASS },
	{ "failurePASS", FWH_CONN_FAILURE_PASS },
	{ "MOBIKE", FWH_CONN_MOBIKE },
	{ "UP", FWH_CONN_UP },
	{ "ROUTE", FWH_CONN_ROUTE },
	{ "COMPRESS", FWH_CONN_COMPRESS },
};

/* "IKEv2+PSK+ENCRYPT+...": words that are not ours are the daemon's matter,
 * but the form has to be right. */
static int parse_policy(const char *s, struct fwh_event *ev, void *field)
{
	(void)field;
	ev->flags = 0;
	if (!fwh_is_text(s) || strlen(s) > TEXT_LIMIT)
		return -EINVAL;
	for (;;) {
		size_t n = strcspn(s, "+");

		ev->flags |= find_word(policy_words, ARRAY_SIZE(policy_words),
				       s, n);
		if (!s[n])
			return 0;
		s += n + 1;
	}
}

static void format_policy(const struct fwh_event *ev, const void *field,
			  FILE *f)
{
	const char *sep = "";
	size_t i;

	(void)field;
	for (i = 0; i < ARRAY_SIZE(policy_words); i++) {
		if (!(ev->flags & policy_words[i].value))
			continue;
		fprintf(f, "%s%s", sep, policy_words[i].name);
		sep = "+";
	}
}

const struct type fwh_type_policy = {
	parse_policy, format_policy, "words joined by +"
};

static const struct word mode_words[] = {
	{ "tunnel", FWH_TUNNEL },
	{ "transport", FWH_TRANSPORT },
	{ "beet", FWH_BEET },
};

static int parse_mode(const char *s, struct fwh_event *ev, void *field)
{
	(void)field;
	ev->mode = find_word(mode_words, ARRAY_SIZE(mode_words), s, strlen(s));
	return ev->mode == FWH_MODE_UNKNOWN ? -EINVAL : 0;
}

static void format_mode(const struct fwh_event *ev, const void *field, FILE *f)
{
	(void)field;
	if (ev->mode != FWH_MODE_UNKNOWN)
		fputs(mode_words[ev->mode - 1].name, f);
}

const struct type fwh_type_mode = {
	parse_mode, format_mode, "tunnel or transport"
};

#define SA_TYPE_NONE	256
static const struct word sa_type_words[] = {
	{ "ESP", IPPROTO_ESP }, { "AH", IPPROTO_AH }, { "IPCOMP", IPPROTO_COMP },
	{ "esp", IPPROTO_ESP }, { "ah", IPPROTO_AH },
	{ "none", SA_TYPE_NONE }, { "unknown?", SA_TYPE_NONE },
};

static int parse_sa_type(const char *s, struct fwh_event *ev, void *field)
{
	unsigned int type = find_word(sa_type_words, ARRAY_SIZE(sa_type_words),
				      s, strlen(s));

	(void)field;
	if (!type)
		return -EINVAL;
	ev->ipproto = type == SA_TYPE_NONE ? 0 : (uint8_t)type;
	return 0;
}

static void format_sa_type(const struct fwh_event *ev, const void *field,
			   FILE *f)
{
	(void)field;
	fputs(ev->ipproto == IPPROTO_ESP ? "ESP" : ev->ipproto == IPPROTO_AH ?
	      "AH" : ev->ipproto == IPPROTO_COMP ? "IPCOMP" : "none", f);
}

const struct type fwh_type_sa_type = {
	parse_sa_type, format_sa_type, "ESP, AH, IPCOMP or none"
};
const struct type fwh_type_proto = { parse_sa_type, NULL, "esp or ah" };
