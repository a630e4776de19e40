// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ipsec-fw.c - what a person types: the table of verbs, and the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "confine.h"
#include "ipsec-fw.h"

/* ---- what verbs share --------------------------------------------------------- */

int fail(const struct fwh_err *err)
{
	fprintf(stderr, "ipsec-fw: %s\n", err->msg);
	return FAILED;
}

void complain(const struct fwh_err *err, void *arg)
{
	(void)arg;
	fail(err);
}

bool is_sure(const struct program *prog, const char *question)
{
	char answer[8];

	if (prog->yes || !isatty(STDIN_FILENO))
		return true;
	printf("%s [y/N] ", question);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) &&
	       (*answer == 'y' || *answer == 'Y');
}

const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- command line ------------------------------------------------------------- */

static const struct verb {
	const char *name;
	int (*run)(struct program *prog);
	bool args;			/* takes words behind it */
	bool confined;			/* changes the tables, with few rights */
	unsigned int options;		/* OPT_... that it takes */
	const char *usage, *help;
} verbs[] = {
	{ "arm", verb_arm, false, true, 0, "", "put up the saved and the configured "
	  "guards" },
	{ "check", verb_check, true, false, OPT_JSON, "[FILE...]", "everything that is "
	  "wrong with the settings" },
	{ "disarm", verb_disarm, true, true, OPT_ALL | OPT_YES, "CONN...|--all",
	  "release the traffic of connections that are down" },
	{ "doctor", verb_doctor, false, false, OPT_JSON, "", "look the system over: "
	  "what is wrong, why, what mends it" },
	{ "flush", verb_flush, false, true, OPT_YES, "", "take all rules, guards and "
	  "records away" },
	{ "monitor", verb_monitor, false, true, 0, "", "reconcile whenever somebody "
	  "changes the tables" },
	{ "plan", verb_plan, false, false, OPT_CONN, "[--conn CONN]", "the rules of "
	  "an event on stdin, or of a record" },
	{ "reconcile", verb_reconcile, false, true, OPT_CHECK | OPT_JSON,
	  "[--check]", "put back what was lost, as the records say" },
	{ "show", verb_show, true, false, OPT_JSON | OPT_RULES, "CONN", "the way of "
	  "its packets, with rules and counters" },
	{ "status", verb_status, true, false, OPT_JSON, "[CONN]", "a line a "
	  "connection: state, packets, what was stopped" },
};

static const struct {
	struct option option;
	unsigned int bit;		/* OPT_..., 0: any verb takes it */
	const char *argument, *help;
} options[] = {
	{ { "all", no_argument, NULL, 'a' }, OPT_ALL, "", "all connections" },
	{ { "check", no_argument, NULL, 'n' }, OPT_CHECK, "", "tell only, change nothing" },
	{ { "config", required_argument, NULL, 'c' }, 0, "FILE",
	  "read this file only" },
	{ { "conn", required_argument, NULL, 'C' }, OPT_CONN, "CONN",
	  "this connection, from its record" },
	{ { "help", no_argument, NULL, 'h' }, 0, "", "show this" },
	{ { "json", no_argument, NULL, 'j' }, OPT_JSON, "", "for programs" },
	{ { "rules", no_argument, NULL, 'R' }, OPT_RULES, "", "the rules, nothing else" },
	{ { "run-dir", required_argument, NULL, 'r' }, 0, "DIR",
	  "the records of this boot" },
	{ { "state-dir", required_argument, NULL, 's' }, 0, "DIR",
	  "what outlives a boot" },
	{ { "unconfined", no_argument, NULL, 'u' }, 0, "",
	  "keep all rights, for a debugger" },
	{ { "version", no_argument, NULL, 'V' }, 0, "", "show the version" },
	{ { "yes", no_argument, NULL, 'y' }, OPT_YES, "", "don't ask" },
};

#define SHORT_OPTIONS	"ac:hjnr:s:uVy"

static int usage(FILE *f)
{
	char buf[40];
	size_t i;

	fputs("Usage: ipsec-fw [OPTION]... VERB [CONN]...\n\n", f);
	for (i = 0; i < ARRAY_LEN(verbs); i++) {
		snprintf(buf, sizeof(buf), "%s %s", verbs[i].name,
			 verbs[i].usage);
		fprintf(f, "  %-23s %s\n", buf, verbs[i].help);
	}
	fputc('\n', f);
	for (i = 0; i < ARRAY_LEN(options); i++) {
		const struct option *option = &options[i].option;

		snprintf(buf, sizeof(buf), "--%s %s", option->name,
			 options[i].argument);
		if (strchr(SHORT_OPTIONS, option->val))
			fprintf(f, "  -%c, %-19s %s\n", option->val, buf,
				options[i].help);
		else
			fprintf(f, "      %-19s %s\n", buf, options[i].help);
	}
	fputs("\nSee ipsec-fw(8).\n", f);
	return f == stdout ? DONE : USAGE;
}

static void take_option(struct program *prog, int c)
{
	switch (c) {
	case 'a':
		prog->all = true;
		break;
	case 'c':
		prog->options.config_file = optarg;
		break;
	case 'C':
		prog->conn = optarg;
		break;
	case 'j':
		prog->json = true;
		break;
	case 'n':
		prog->check = true;
		break;
	case 'r':
		prog->options.run_dir = optarg;
		break;
	case 'R':
		prog->rules = true;
		break;
	case 's':
		prog->options.state_dir = optarg;
		break;
	case 'u':
		prog->unconfined = true;
		break;
	case 'y':
		prog->yes = true;
		break;
	}
}

static unsigned int bit_of(int c)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].option.val == c)
			return options[i].bit;
	return 0;
}

/* Returns -1 to go on, or the exit status. */
static int parse_options(struct program *prog, int argc, char **argv,
			 unsigned int *ret_given)
{
	struct option longs[ARRAY_LEN(options) + 1];
	size_t i;
	int c;

	memset(longs, 0, sizeof(longs));
	for (i = 0; i < ARRAY_LEN(options); i++)
		longs[i] = options[i].option;
	while ((c = getopt_long(argc, argv, SHORT_OPTIONS, longs,
				NULL)) != -1) {
		if (c == 'h')
			return usage(stdout);
		if (c == 'V')
			return puts("ipsec-fw " PACKAGE_VERSION) < 0 ? FAILED :
								       DONE;
		if (c == '?')
			return usage(stderr);
		take_option(prog, c);
		*ret_given |= bit_of(c);
	}
	if (optind == argc)
		return usage(stderr);
	prog->args = argv + optind;
	prog->n_args = argc - optind;
	return -1;
}

static int wrong_usage(const struct verb *verb)
{
	size_t i;

	fprintf(stderr, "Usage: ipsec-fw %s %s", verb->name, verb->usage);
	for (i = 0; i < ARRAY_LEN(options); i++)
		if (verb->options & options[i].bit &&
		    !strstr(verb->usage, options[i].option.name))
			fprintf(stderr, " [--%s%s%s]", options[i].option.name,
				*options[i].argument ? " " : "",
				options[i].argument);
	fputs("\nSee ipsec-fw(8).\n", stderr);
	return USAGE;
}

/* Which connections there will be is not known: all that any can need.  What the
 * kernel and the machine lack is loaded and run by a process beside this one. */
static int give_up_rights(const struct program *prog, struct fwh_err *err)
{
	const struct confine confined = {
		.needs = { true, true, true, true, true },
		.run_dir = prog->options.run_dir,
		.state_dir = prog->options.state_dir,
		.rereads = true,
		.config_file = prog->options.config_file,
		.stays = true,
	};
	int code;

	prctl(PR_SET_DUMPABLE, 0);
	code = fwh_broker_fork(NULL, NULL, err);
	return code ? code : confine(&confined, err);
}

static int run(const struct verb *verb, struct program *prog,
	       unsigned int given)
{
	struct fwh_err err;
	int status;

	prog->args++;
	prog->n_args--;
	if (given & ~verb->options || (prog->n_args && !verb->args))
		return wrong_usage(verb);
	if (verb->confined && !prog->unconfined && give_up_rights(prog, &err))
		return fail(&err);
	status = verb->run(prog);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "ipsec-fw: stdout: %s\n", strerror(errno));
		return FAILED;
	}
	return status == USAGE ? wrong_usage(verb) : status;
}

int main(int argc, char **argv, char **env)
{
	struct program prog = { .env = env };
	unsigned int given = 0;
	int code = parse_options(&prog, argc, argv, &given);
	size_t i;

	if (code >= 0)
		return code;
	setlocale(LC_CTYPE, "");
	for (i = 0; i < ARRAY_LEN(verbs); i++)
		if (!strcmp(prog.args[0], verbs[i].name))
			return run(&verbs[i], &prog, given);
	fprintf(stderr, "ipsec-fw: unknown verb '%s'\n", prog.args[0]);
	return usage(stderr);
}
