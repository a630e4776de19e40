// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_raw.c - nft's own parser on a person's words, and what it makes of them.
 *
 * libnftables gives its messages to nobody but the kernel.  So it puts the words
 * into a table of their own, in a chain that no packet comes to; from there their
 * expressions are read and go into our own transaction, which takes that table
 * away: the connection's rules come all at once or not at all.  libnftables is
 * loaded only for words that the kernel does not hold yet, in a child: the others
 * are known by the name of their chain.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter.h>

#include "contain.h"
#include "library.h"
#include "nft_job.h"

#define DRAFT		FWH_NFT_TABLE "_draft"
#define CHAIN		"c"
#define LIBRARY		"libnftables.so.1"

bool fwh_nft_is_anonymous(const char *set)
{
	return !strncmp(set, "__", 2);
}

void fwh_nft_delete_draft(struct job *job)
{
	fwh_nft_delete_table(job, DRAFT);
}

void fwh_nft_drop_draft(struct job *job)
{
	char words[FWH_NLMSG_WORDS_MAX];
	size_t refused;

	fwh_nft_delete_draft(job);
	fwh_nft_commit(job->link, &job->batch, 0, &refused, words);
	fwh_nft_batch_free(&job->batch);
	free(job->notes);
	job->notes = NULL;
	job->n_notes = job->cap_notes = 0;
	job->draft = false;
}

/* ---- the child ---- */

/* One that was left behind by a call that was killed goes first. */
static const char script_head[] =
	"add table inet " DRAFT "\n"
	"delete table inet " DRAFT "\n"
	"add table inet " DRAFT "\n"
	"add chain inet " DRAFT " " CHAIN "\n";
#define HEAD_LINES	4

struct nft_ctx;

struct library {
	struct nft_ctx *(*new)(uint32_t flags);
	int (*buffer)(struct nft_ctx *ctx);
	int (*run)(struct nft_ctx *ctx, const char *script);
	const char *(*error)(struct nft_ctx *ctx);
};

static bool load(struct library *ret)
{
	static const struct fwh_symbol symbols[] = {
		{ "ctx_new", offsetof(struct library, new) },
		{ "ctx_buffer_error", offsetof(struct library, buffer) },
		{ "run_cmd_from_buffer", offsetof(struct library, run) },
		{ "ctx_get_error_buffer", offsetof(struct library, error) },
	};

	return fwh_library_load(LIBRARY, "nft_", symbols, ARRAY_SIZE(symbols),
				ret);
}

/* The answer: nothing, or what it does not like. */
static void run_script(FILE *answer, void *arg)
{
	struct library library;
	struct nft_ctx *ctx;

	if (!load(&library)) {
		fputs("this needs " LIBRARY ", of the package libnftables1 or "
		      "nftables", answer);
		return;
	}
	ctx = library.new(0);
	if (!ctx || library.buffer(ctx))
		fputs("out of memory", answer);
	else if (library.run(ctx, arg))
		fputs(library.error(ctx), answer);
}

/* ---- words ---- */

/* Rules that are only words yet. */
struct words {
	struct fwh_nft_rule **list;
	size_t n, cap;
};

static int gather(struct job *job, struct words *ret)
{
	fwh_autofree struct todo *todo = NULL;
	size_t n, i, j;
	int code = fwh_nft_find_todo(job, false, &todo, &n);

	for (i = 0; !code && i < n; i++) {
		for (j = 0; j < todo[i].set->n_rules; j++) {
			struct fwh_nft_rule *rule = &todo[i].set->rules[j];

			if (!rule->raw || rule->understood)
				continue;
			if (!fwh_grow(&ret->list, ret->n, &ret->cap,
				      sizeof(rule)))
				return -ENOMEM;
			ret->list[ret->n++] = rule;
		}
	}
	return code;
}

static char *write_script(const struct words *words)
{
	struct fwh_print script;
	FILE *f = fwh_print_begin(&script);
	size_t i;

	if (!f)
		return NULL;
	fputs(script_head, f);
	for (i = 0; i < words->n; i++)
		fprintf(f, "add rule inet " DRAFT " " CHAIN " %s\n",
			words->list[i]->raw->text);
	return fwh_print_end(&script, f);
}

/* "<cmdline>:5:40-44: Error: syntax error, ..." and some lines that point at it. */
static int explain(const struct words *words, char *said, struct fwh_err *err)
{
	char *line = strchr(said, ':'), *error = strstr(said, "rror: ");
	unsigned long n = line ? strtoul(line + 1, NULL, 10) : 0;

	said[strcspn(said, "\n")] = '\0';
	error = error ? error + strlen("rror: ") : said;
	if (n > HEAD_LINES && n <= HEAD_LINES + words->n)
		return fwh_fail(err, -EINVAL, "%s: %s",
				words->list[n - HEAD_LINES - 1]->raw->line,
				error);
	return fwh_fail(err, -EINVAL, "%s: %s", words->list[0]->raw->line,
			error);
}

static int parse_words(const struct words *words, struct fwh_err *err)
{
	fwh_autofree char *script = write_script(words), *said = NULL;
	size_t n;
	int code;

	if (!script)
		return fwh_fail(err, -ENOMEM, "out of memory");
	code = fwh_contain(run_script, script, LIBRARY, &said, &n, err);
	if (code || !n)
		return code;
	said[n] = '\0';			/* there was a mark */
	return explain(words, said, err);
}

/* ---- what they mean ---- */

struct reading {
	const struct words *words;
	size_t n;			/* rules that were read */
	struct nftnl_set *set;		/* being filled */
	struct fwh_err *err;
};

static int ask(struct job *job, uint16_t type, const char *set, uint16_t flags,
	       fwh_nft_answer *answer, void *arg)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct nlmsghdr *nlh = fwh_nft_begin(job->link, &batch, type,
					     NFPROTO_INET, flags);
	int code = -ENOMEM;

	if (nlh) {			/* the same number for all kinds */
		mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, DRAFT);
		if (set)
			mnl_attr_put_strz(nlh, NFTA_SET_NAME, set);
		fwh_nft_end(&batch, nlh);
		code = flags & NLM_F_DUMP ?
		       fwh_nft_dump(job->link, &batch, answer, arg) :
		       fwh_nft_ask(job->link, &batch, answer, arg);
	}
	fwh_nft_batch_free(&batch);
	return code;
}
_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_RULE_TABLE == 1 && NFTA_SET_TABLE == 1 &&
	       NFTA_SET_ELEM_LIST_TABLE == 1 && NFTA_SET_NAME == 2 &&
	       NFTA_SET_ELEM_LIST_SET == 2, "ask()");

static int take_table(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	(void)nlh;
	(void)question;
	*(bool *)arg = true;
	return 0;
}

bool fwh_nft_has_draft(struct job *job)
{
	bool there = false;

	return !ask(job, NFT_MSG_GETTABLE, NULL, 0, take_table, &there) &&
	       there;
}

/* Things of a table, and chains, are not there in ours, and a rule stays in its
 * chain. */
static const char *refuse(struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);

	if (!strcmp(name, "dynset") || !strcmp(name, "objref") ||
	    !strcmp(name, "flow_offload"))
		return "a rule here can have no named set and no named object";
	if (!strcmp(name, "immediate") &&
	    nftnl_expr_is_set(e, NFTNL_EXPR_IMM_CHAIN))
		return "a rule here can jump to no chain";
	return NULL;
}

static int take_set(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct reading *reading = arg;

	(void)question;
	return nftnl_set_nlmsg_parse(nlh, reading->set) ? -EBADMSG : 0;
}

static int take_elements(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct reading *reading = arg;

	(void)question;
	return nftnl_set_elems_nlmsg_parse(nlh, reading->set) ? -EBADMSG : 0;
}

/* The kernel numbers it anew in the other table. */
static const char *pattern_of(const char *set)
{
	return strncmp(set, "__map", 5) ? "__set%d" : "__map%d";
}

/* Fill a set of which only the name was known. */
static int copy_set(struct job *job, struct nftnl_set *set)
{
	struct reading reading = { .set = set };
	char name[FWH_NFT_NAME_MAX];
	int code;

	snprintf(name, sizeof(name), "%s",
		 nftnl_set_get_str(set, NFTNL_SET_NAME));
	code = ask(job, NFT_MSG_GETSET, name, 0, take_set, &reading);
	if (!code)
		code = ask(job, NFT_MSG_GETSETELEM, name, NLM_F_DUMP,
			   take_elements, &reading);
	nftnl_set_unset(set, NFTNL_SET_HANDLE);
	if (!code && (nftnl_set_set_str(set, NFTNL_SET_TABLE, FWH_NFT_TABLE) ||
		      nftnl_set_set_str(set, NFTNL_SET_NAME, pattern_of(name))))
		code = -ENOMEM;
	return code;
}

static int move_comment(struct nftnl_rule *from, struct nftnl_rule *to)
{
	uint32_t n;
	const void *data = nftnl_rule_get_data(from, NFTNL_RULE_USERDATA, &n);

	return data && nftnl_rule_set_data(to, NFTNL_RULE_USERDATA, data, n) ?
	       -ENOMEM : 0;
}

static void copy32(struct nftnl_expr *from, struct nftnl_expr *to, uint16_t attr)
{
	if (nftnl_expr_is_set(from, attr))
		nftnl_expr_set_u32(to, attr, nftnl_expr_get_u32(from, attr));
}

/* A lookup in a set of the draft's becomes one in a set that will be ours.  (That
 * of libnftnl 1.2 loses its set's name when it gets another.) */
static int move_lookup(struct nftnl_expr *from, struct fwh_nft_rule *to)
{
	const char *name = nftnl_expr_get_str(from, NFTNL_EXPR_LOOKUP_SET);
	struct nftnl_expr *e = nftnl_expr_alloc("lookup");
	struct nftnl_set *set = nftnl_set_alloc();

	if (!e || !set ||
	    !fwh_grow(&to->anonymous, to->n_anonymous, &to->cap_anonymous,
		      sizeof(set))) {
		if (e)
			nftnl_expr_free(e);
		if (set)
			nftnl_set_free(set);
		return -ENOMEM;
	}
	to->anonymous[to->n_anonymous++] = set;
	if (nftnl_set_set_str(set, NFTNL_SET_NAME, name) ||
	    nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, pattern_of(name))) {
		nftnl_expr_free(e);
		return -ENOMEM;
	}
	copy32(from, e, NFTNL_EXPR_LOOKUP_SREG);
	copy32(from, e, NFTNL_EXPR_LOOKUP_DREG);
	copy32(from, e, NFTNL_EXPR_LOOKUP_FLAGS);
	nftnl_rule_add_expr(to->rule, e);
	return 0;
}

static struct nftnl_expr *first_expression(struct nftnl_rule *rule)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	struct nftnl_expr *e = iter ? nftnl_expr_iter_next(iter) : NULL;

	if (iter)
		nftnl_expr_iter_destroy(iter);
	return e;
}

/* From the draft's rule to ours, which has none yet. */
static int move_expressions(struct nftnl_rule *from, struct fwh_nft_rule *to,
			    struct fwh_err *err)
{
	struct nftnl_expr *e;
	const char *why;
	int code = 0;

	while (!code && (e = first_expression(from))) {
		why = refuse(e);
		if (why)
			return fwh_fail(err, -EINVAL, "%s: %s", to->raw->line,
					why);
		nftnl_rule_del_expr(e);
		if (strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_NAME), "lookup")) {
			nftnl_rule_add_expr(to->rule, e);
			continue;
		}
		code = move_lookup(e, to);
		nftnl_expr_free(e);
	}
	return code;
}

/* In the order of the words. */
static int take_rule(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct reading *reading = arg;
	int code = -EBADMSG;

	(void)question;
	if (!rule)
		return -ENOMEM;
	if (reading->n < reading->words->n &&
	    !nftnl_rule_nlmsg_parse(nlh, rule)) {
		struct fwh_nft_rule *to = reading->words->list[reading->n++];

		code = move_comment(rule, to->rule);
		if (!code)
			code = move_expressions(rule, to, reading->err);
	}
	nftnl_rule_free(rule);
	return code;
}

static int copy_sets(struct job *job, struct fwh_nft_rule *rule)
{
	size_t i;
	int code = 0;

	for (i = 0; !code && i < rule->n_anonymous; i++)
		code = copy_set(job, rule->anonymous[i]);
	rule->understood = !code;
	return code;
}

static int read_draft(struct job *job, const struct words *words,
		      struct fwh_err *err)
{
	struct reading reading = { .words = words, .err = err };
	size_t i;
	int code;

	fwh_fail(err, 0, "%s", "");
	code = ask(job, NFT_MSG_GETRULE, NULL, NLM_F_DUMP, take_rule, &reading);
	if (!code && reading.n != words->n)
		code = -EBADMSG;
	for (i = 0; !code && i < words->n; i++)
		code = copy_sets(job, words->list[i]);
	if (code && !(err && *err->msg))
		return fwh_fail(err, code, "nftables: reading %s: %s", DRAFT,
				strerror(-code));
	return code;
}

int fwh_nft_understand(struct job *job, struct fwh_err *err)
{
	struct words words = { .n = 0 };
	int code = gather(job, &words);

	if (code)
		fwh_fail(err, code, "out of memory");
	if (!code && words.n) {
		code = parse_words(&words, err);
		job->draft = job->draft || !code;
		if (!code)
			code = read_draft(job, &words, err);
		if (!code)
			code = -EAGAIN;
	}
	free(words.list);
	return code;
}
