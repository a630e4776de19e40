// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iptables_raw.c - a person's words become an entry of a legacy table, by the
 * parsers of iptables' own extensions.  Those keep what they have loaded and end
 * the program when they do not like a word, so they run in a child.
 *
 * What is no extension's is read here: libxtables has no parser for it, and that
 * of iptables would ask a name server for what it does not take for an address.
 */
#include <errno.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "libxtables.h"		/* ahead of linux/if.h */

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "contain.h"
#include "iptables.h"
#include "raw.h"

#define ARGS_MAX	128
#define OPTION_SCALE	256		/* of the numbers of an extension's options */

/* ---- the child: words ---- */

struct command {
	enum fwh_family family;
	const char *protocol;
	bool protocol_loaded;
	struct xtables_rule_match *matches;
	struct xtables_target *target;
	union {				/* the last: it ends with a flexible array */
		struct ipt_entry v4;
		struct ip6t_entry v6;
	} head;
};

static const struct option options[] = {
	{ "protocol", required_argument, NULL, 'p' },
	{ "source", required_argument, NULL, 's' },
	{ "src", required_argument, NULL, 's' },
	{ "destination", required_argument, NULL, 'd' },
	{ "dst", required_argument, NULL, 'd' },
	{ "in-interface", required_argument, NULL, 'i' },
	{ "out-interface", required_argument, NULL, 'o' },
	{ "match", required_argument, NULL, 'm' },
	{ "jump", required_argument, NULL, 'j' },
	{ NULL, 0, NULL, 0 },
};

static const struct fwh_xtables *xt;
static jmp_buf out;
static char message[FWH_RAW_TEXT_MAX];

__attribute__((noreturn, format(printf, 2, 3)))
static void fail(enum xtables_exittype status, const char *fmt, ...)
{
	va_list ap;

	(void)status;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	longjmp(out, 1);
}

static struct xtables_globals globals = {
	.program_name = PACKAGE_NAME,
	.program_version = PACKAGE_VERSION,
	.orig_opts = (struct option *)options,
	.exit_err = fail,
};

/* In place; a quotation is a part of its word.  Was checked: quotes end, and a
 * backslash stands in them alone. */
static int split(char *text, char *argv[ARGS_MAX])
{
	int argc = 0;
	char *to;

	argv[argc++] = (char *)PACKAGE_NAME;
	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		bool quoted = false;

		if (argc == ARGS_MAX - 1)
			fail(PARAMETER_PROBLEM, "more than %d words", ARGS_MAX);
		argv[argc++] = to = text;
		for (; *text && (quoted || !strchr(" \t", *text)); text++) {
			if (*text == '"')
				quoted = !quoted;
			else
				*to++ = *text == '\\' ? *++text : *text;
		}
		if (*text)
			text++;
		*to = '\0';
	}
	argv[argc] = NULL;
	return argc;
}

/* ---- the child: the packet's header ---- */

static void put_net(const struct command *command, const char *text,
		    uint8_t *addr, uint8_t *mask)
{
	struct fwh_net nets[FWH_RANGE_NETS_MAX];
	struct fwh_range range;
	unsigned int i;

	if (fwh_range_parse(text, &range))
		fail(PARAMETER_PROBLEM, "%s: expected ADDRESS or ADDRESS/LENGTH "
		     "without host bits", text);
	if (range.family != command->family)
		fail(PARAMETER_PROBLEM, "%s: the connection is of IPv%d; a rule "
		     "for the other alone begins with -%d", text,
		     command->family == FWH_IPV4 ? 4 : 6,
		     command->family == FWH_IPV4 ? 6 : 4);
	if (fwh_range_to_nets(&range, nets) != 1)
		fail(PARAMETER_PROBLEM, "%s: no network; -m iprange takes "
		     "ranges", text);
	memcpy(addr, nets[0].addr.b, fwh_family_bytes(range.family));
	for (i = 0; i < nets[0].len; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

static void put_address(struct command *command, bool source, bool invert)
{
	struct ipt_ip *v4 = &command->head.v4.ip;
	struct ip6t_ip6 *v6 = &command->head.v6.ipv6;
	uint8_t flag = source ? IPT_INV_SRCIP : IPT_INV_DSTIP;

	if (command->family == FWH_IPV4) {
		put_net(command, optarg, (void *)(source ? &v4->src : &v4->dst),
			(void *)(source ? &v4->smsk : &v4->dmsk));
		v4->invflags |= invert ? flag : 0;
	} else {
		put_net(command, optarg, (void *)(source ? &v6->src : &v6->dst),
			(void *)(source ? &v6->smsk : &v6->dmsk));
		v6->invflags |= invert ? flag : 0;
	}
}

static void put_device(struct command *command, bool in, bool invert)
{
	struct ipt_ip *v4 = &command->head.v4.ip;
	struct ip6t_ip6 *v6 = &command->head.v6.ipv6;
	uint8_t flag = in ? IPT_INV_VIA_IN : IPT_INV_VIA_OUT;

	if (command->family == FWH_IPV4) {
		xt->parse_interface(optarg, in ? v4->iniface : v4->outiface,
					in ? v4->iniface_mask :
					     v4->outiface_mask);
		v4->invflags |= invert ? flag : 0;
	} else {
		xt->parse_interface(optarg, in ? v6->iniface : v6->outiface,
					in ? v6->iniface_mask :
					     v6->outiface_mask);
		v6->invflags |= invert ? flag : 0;
	}
}

static void put_protocol(struct command *command, bool invert)
{
	uint16_t number = xt->parse_protocol(optarg);

	command->protocol = optarg;
	if (!number && invert)
		fail(PARAMETER_PROBLEM, "no packet is of no protocol");
	if (command->family == FWH_IPV4) {
		command->head.v4.ip.proto = number;
		command->head.v4.ip.invflags |= invert ? XT_INV_PROTO : 0;
		return;
	}
	command->head.v6.ipv6.proto = number;
	command->head.v6.ipv6.flags |= number ? IP6T_F_PROTO : 0;
	command->head.v6.ipv6.invflags |= invert ? XT_INV_PROTO : 0;
}

/* ---- the child: extensions ---- */

static void merge(const struct xt_option_entry *entries,
		  const struct option *extra, unsigned int *offset)
{
	struct option *merged = entries ?
		xt->options_xfrm(globals.orig_opts, globals.opts, entries,
				     offset) :
		xt->merge_options(globals.orig_opts, globals.opts, extra,
				      offset);

	if (!merged)
		fail(RESOURCE_PROBLEM, "out of memory");
	globals.opts = merged;
}

static void start_match(struct xtables_match *m)
{
	size_t size = XT_ALIGN(sizeof(struct xt_entry_match)) + m->size;

	m->m = xt->calloc(1, size);
	m->m->u.match_size = (uint16_t)size;
	strncpy(m->m->u.user.name, m->real_name ? m->real_name : m->name,
		sizeof(m->m->u.user.name) - 1);
	m->m->u.user.revision = m->revision;
	if (m->udata_size)
		m->udata = xt->calloc(1, m->udata_size);
	if (m->init)
		m->init(m->m);
	if (m == m->next)		/* once more: its options are known */
		return;
	merge(m->x6_options, m->extra_opts, &m->option_offset);
}

static void start_target(struct command *command, const char *name)
{
	struct xtables_target *t = xt->find_target(name, XTF_TRY_LOAD);
	size_t size;

	if (command->target)
		fail(PARAMETER_PROBLEM, "-j is given twice");
	if (!t)
		fail(PARAMETER_PROBLEM, "-j %s: iptables has no such target, and "
		     "chains cannot be jumped to from here", name);
	size = XT_ALIGN(sizeof(struct xt_entry_target)) + t->size;
	t->t = xt->calloc(1, size);
	t->t->u.target_size = (uint16_t)size;
	strncpy(t->t->u.user.name, t->real_name ? t->real_name : name,
		sizeof(t->t->u.user.name) - 1);
	t->t->u.user.revision = t->revision;
	if (t->udata_size)
		t->udata = xt->calloc(1, t->udata_size);
	if (t->init)
		t->init(t->t);
	merge(t->x6_options, t->extra_opts, &t->option_offset);
	command->target = t;
}

static bool owns(unsigned int offset, int c)
{
	return c >= 0 && (unsigned int)c >= offset &&
	       (unsigned int)c < offset + OPTION_SCALE;
}

/* -p tcp brings the match of that name along, if an option needs it. */
static bool start_protocol(struct command *command)
{
	struct xtables_match *m;

	if (!command->protocol || command->protocol_loaded)
		return false;
	command->protocol_loaded = true;
	m = xt->find_match(command->protocol, XTF_TRY_LOAD,
			       &command->matches);
	if (m)
		start_match(m);
	return m != NULL;
}

/* An option that is none of ours.  False: look at it once more. */
static bool take_option(struct command *command, int c, char *argv[], bool invert)
{
	struct xtables_target *t = command->target;
	struct xtables_rule_match *i;

	if (t && (t->parse || t->x6_parse) && owns(t->option_offset, c)) {
		xt->option_tpcall((unsigned int)c, argv, invert, t,
				      &command->head);
		return true;
	}
	for (i = command->matches; i; i = i->next) {
		if (i->completed || (!i->match->x6_parse && !i->match->parse) ||
		    !owns(i->match->option_offset, c))
			continue;
		xt->option_mpcall((unsigned int)c, argv, invert, i->match,
				      &command->head);
		return true;
	}
	if (start_protocol(command)) {
		optind--;
		return false;
	}
	if (c == ':')
		fail(PARAMETER_PROBLEM, "%s needs a value", argv[optind - 1]);
	fail(PARAMETER_PROBLEM, "unknown option %s; the table and the chain are "
	     "said before the ':'", argv[optind - 1]);
}

/* ---- the child: a rule ---- */

/* False: an option has to be looked at once more. */
static bool take_word(struct command *command, int c, char *argv[], bool invert)
{
	switch (c) {
	case 'p':
		put_protocol(command, invert);
		return true;
	case 's':
	case 'd':
		put_address(command, c == 's', invert);
		return true;
	case 'i':
	case 'o':
		put_device(command, c == 'i', invert);
		return true;
	case 'm':
		if (invert)
			fail(PARAMETER_PROBLEM, "a '!' stands before an option "
			     "of -m %s", optarg);
		start_match(xt->find_match(optarg, XTF_LOAD_MUST_SUCCEED,
					       &command->matches));
		return true;
	case 'j':
		if (invert)
			fail(PARAMETER_PROBLEM, "a '!' before -j");
		start_target(command, optarg);
		return true;
	default:
		return take_option(command, c, argv, invert);
	}
}

static void take_words(struct command *command, int argc, char *argv[])
{
	bool invert = false;
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "-:p:s:d:i:o:m:j:", globals.opts,
				NULL)) != -1) {
		if (c == 1 && !strcmp(optarg, "!") && !invert) {
			invert = true;
			continue;
		}
		if (c == 1)
			fail(PARAMETER_PROBLEM, "%s belongs to no option",
			     optarg);
		if (take_word(command, c, argv, invert))
			invert = false;
	}
	if (invert)
		fail(PARAMETER_PROBLEM, "nothing follows the '!'");
	if (!command->target)
		fail(PARAMETER_PROBLEM, "-j is missing");
}

/* What only the kernel uses it gives back as zeros. */
static size_t append(uint8_t *to, size_t at, const void *from, size_t size,
		     size_t head, size_t used)
{
	if (at + size > FWH_IPT_ENTRY_MAX)
		fail(PARAMETER_PROBLEM, "too many matches");
	memcpy(to + at, from, size);
	if (head + used < size)
		memset(to + at + head + used, 0, size - head - used);
	return at + size;
}

static size_t assemble(struct command *command, uint8_t *ret)
{
	bool four = command->family == FWH_IPV4;
	size_t at = four ? sizeof(struct ipt_entry) : sizeof(struct ip6t_entry);
	size_t head = XT_ALIGN(sizeof(struct xt_entry_match)), target;
	const struct xtables_target *t = command->target;
	struct xtables_rule_match *i;

	for (i = command->matches; i; i = i->next)
		at = append(ret, at, i->match->m, i->match->m->u.match_size,
			    head, i->match->userspacesize);
	target = at;
	at = append(ret, at, t->t, t->t->u.target_size, head, t->userspacesize);
	if (four) {
		command->head.v4.target_offset = (uint16_t)target;
		command->head.v4.next_offset = (uint16_t)at;
		memcpy(ret, &command->head.v4, sizeof(command->head.v4));
	} else {
		command->head.v6.target_offset = (uint16_t)target;
		command->head.v6.next_offset = (uint16_t)at;
		memcpy(ret, &command->head.v6, sizeof(command->head.v6));
	}
	return at;
}

/* As a program that takes one command after the other has to. */
static void forget_last(void)
{
	struct xtables_match *m;
	struct xtables_target *t;

	xt->free_opts(1);
	/* iptables 1.8.11 frees what is here when an extension adds to it, earlier
	 * ones only what is not orig_opts. */
	globals.opts = xt->malloc(sizeof(options));
	memcpy(globals.opts, options, sizeof(options));
	/* One that still holds the last rule's would be taken for its second use in
	 * this one, whose options are known. */
	for (m = *xt->matches; m; m = m->next) {
		m->mflags = 0;
		m->m = NULL;
	}
	for (t = *xt->targets; t; t = t->next) {
		t->tflags = 0;
		t->used = 0;
	}
}

static size_t parse_rule(enum fwh_family family, const char *text, uint8_t *ret)
{
	struct command command = { .family = family };
	char words[FWH_RAW_TEXT_MAX + 1], *argv[ARGS_MAX];
	struct xtables_rule_match *i;

	forget_last();
	strcpy(words, text);		/* the length was checked */
	take_words(&command, split(words, argv), argv);
	for (i = command.matches; i; i = i->next)
		xt->option_mfcall(i->match);
	xt->option_tfcall(command.target);
	return assemble(&command, ret);
}

/* ---- both ends ---- */

struct request {
	enum fwh_family family;
	const struct fwh_rule **rules;
	size_t n, cap;
};

/* The answer: entries, each behind its length, and at the first that is none, a 0
 * and what is wrong with it. */
static void parse_all(FILE *answer, void *arg)
{
	const struct request *request = arg;
	_Alignas(16) uint8_t entry[FWH_IPT_ENTRY_MAX];
	volatile size_t i = 0;
	size_t n;

	/* Whoever made the environment has no say in what is loaded. */
	unsetenv("XTABLES_LIBDIR");
	unsetenv("IPTABLES_LIB_DIR");
	unsetenv("IP6TABLES_LIB_DIR");
	if (setjmp(out)) {
		n = 0;
		message[strcspn(message, "\n")] = '\0';
		fwrite(&n, sizeof(n), 1, answer);
		fwrite(message, sizeof(message), 1, answer);
		return;
	}
	xt = fwh_xtables_load();
	if (!xt)
		fail(OTHER_PROBLEM, "this needs " FWH_LIBXTABLES ", of the package "
		     "libxtables12 or iptables-libs");
	globals.compat_rev = xt->compatible_revision;
	if (xt->init_all(&globals, request->family == FWH_IPV4 ?
			 NFPROTO_IPV4 : NFPROTO_IPV6))
		fail(OTHER_PROBLEM, "libxtables does not begin");
	for (; i < request->n; i++) {
		memset(entry, 0, sizeof(entry));
		n = parse_rule(request->family, request->rules[i]->raw->text,
			       entry);
		fwrite(&n, sizeof(n), 1, answer);
		fwrite(entry, n, 1, answer);
	}
}

static int take_entries(const struct request *request, const char *answer,
			struct fwh_err *err)
{
	size_t i, n;

	for (i = 0; i < request->n; i++) {
		struct fwh_raw_rule *raw = request->rules[i]->raw;

		memcpy(&n, answer, sizeof(n));
		answer += sizeof(n);
		if (!n)
			return fwh_fail(err, -EINVAL, "%s: %s", raw->line,
					answer);
		raw->entry = malloc(n);
		if (!raw->entry)
			return fwh_fail(err, -ENOMEM, "out of memory");
		memcpy(raw->entry, answer, n);
		answer += n;
	}
	return 0;
}

static int gather(const struct fwh_plan *const plans[], size_t n,
		  struct request *request)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < plans[i]->n; j++) {
			const struct fwh_rule *rule = &plans[i]->rules[j];

			if (!rule->raw || rule->raw->entry ||
			    rule->family != request->family)
				continue;
			if (!fwh_grow(&request->rules, request->n,
				      &request->cap, sizeof(rule)))
				return -ENOMEM;
			request->rules[request->n++] = rule;
		}
	}
	return 0;
}

int fwh_ipt_compile(const struct fwh_plan *const plans[], size_t n,
		    struct fwh_err *err)
{
	int code = 0;
	enum fwh_family family;

	/* libxtables takes one family in a life. */
	for (family = 0; !code && family < FWH_FAMILY_MAX; family++) {
		struct request request = { .family = family };
		fwh_autofree char *answer = NULL;
		size_t size;

		code = gather(plans, n, &request);
		if (code)
			fwh_fail(err, code, "out of memory");
		/* libxtables asks the kernel for revisions, and would load the
		 * module itself if it might. */
		if (!code && request.n)
			fwh_ipt_load_module(family);
		if (!code && request.n)
			code = fwh_contain(parse_all, &request, "libxtables",
					   &answer, &size, err);
		if (!code && request.n)
			code = take_entries(&request, answer, err);
		free(request.rules);
	}
	return code;
}
