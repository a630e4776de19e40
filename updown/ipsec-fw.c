// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ipsec-fw.c - what a person types: guards put up and released by hand, and
 * what stands now.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fwhook.h"

struct program {
	struct fwh_call_options options;
	bool all, yes;
	char **args;			/* behind the verb */
	int n_args;
};

static int fail(const struct fwh_err *err)
{
	fprintf(stderr, "ipsec-fw: %s\n", err->msg);
	return 1;
}

/* ---- verbs ------------------------------------------------------------------- */

static void complain(const struct fwh_err *err, void *arg)
{
	(void)arg;
	fail(err);
}

static int arm(struct program *prog)
{
	size_t n, complaints;
	struct fwh_err err;

	if (prog->n_args)
		return 2;
	if (fwh_guards_arm(&prog->options, complain, NULL, &n, &complaints,
			   &err))
		return fail(&err);
	printf("%zu guard%s armed\n", n, n == 1 ? "" : "s");
	return complaints ? 1 : 0;
}

static int reconcile(struct program *prog)
{
	size_t n, complaints;
	struct fwh_err err;

	if (prog->n_args)
		return 2;
	if (fwh_guards_reconcile(&prog->options, complain, NULL, &n,
				 &complaints, &err))
		return fail(&err);
	printf("%zu connection%s as recorded\n", n, n == 1 ? "" : "s");
	return complaints ? 1 : 0;
}

static int monitor(struct program *prog)
{
	struct fwh_err err;

	if (prog->n_args)
		return 2;
	fwh_guards_monitor(&prog->options, complain, NULL, &err);
	return fail(&err);
}

/* Only a person at a terminal is asked. */
static bool is_sure(const struct program *prog)
{
	char answer[8];

	if (prog->yes || !isatty(STDIN_FILENO))
		return true;
	fputs("Their traffic can leave in clear text then.  Release it? [y/N] ",
	      stdout);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) &&
	       (*answer == 'y' || *answer == 'Y');
}

static int disarm_one(struct program *prog, const char *conn)
{
	struct fwh_err err;
	size_t n;

	if (fwh_guards_disarm(&prog->options, conn, &n, &err))
		return fail(&err);
	if (!n && conn) {
		fprintf(stderr, "ipsec-fw: no armed connection is called '%s'; "
			"see ipsec-fw status\n", conn);
		return 1;
	}
	printf("%s: %zu guard%s released\n", conn ? conn : "all", n,
	       n == 1 ? "" : "s");
	return 0;
}

static int disarm(struct program *prog)
{
	int i, status = 0;

	if (prog->all == (prog->n_args > 0))
		return 2;
	if (!is_sure(prog))
		return 1;
	if (prog->all)
		return disarm_one(prog, NULL);
	for (i = 0; i < prog->n_args; i++)
		if (disarm_one(prog, prog->args[i]))
			status = 1;
	return status;
}

static int by_name(const void *a, const void *b)
{
	const struct fwh_record *x = a, *y = b;

	return strcmp(x->ev.conn, y->ev.conn);
}

static void print_record(const struct fwh_record *record)
{
	static const char *const states[] = {
		[FWH_STATE_DOWN] = "down", [FWH_STATE_ARMED] = "armed",
		[FWH_STATE_UP] = "up", [FWH_STATE_BLOCKED] = "blocked",
	};
	const struct fwh_selector *sel = &record->ev.sel;
	char local[FWH_RANGE_STRLEN], remote[FWH_RANGE_STRLEN];

	printf("%-20s %-8s %s === %s\n", record->ev.conn,
	       states[record->state], fwh_range_format(&sel->local, local),
	       fwh_range_format(&sel->remote, remote));
}

static int status(struct program *prog)
{
	const struct fwh_backend *backend;
	struct fwh_record *records;
	const char *why;
	struct fwh_err err;
	size_t n, i;

	if (prog->n_args)
		return 2;
	if (fwh_guards_backend(&prog->options, &backend, &why, &err) ||
	    fwh_guards_list(&prog->options, &records, &n, &err))
		return fail(&err);
	printf("backend: %s (%s)\n", fwh_backend_name(backend), why);
	if (n)
		qsort(records, n, sizeof(*records), by_name);
	for (i = 0; i < n; i++)
		print_record(&records[i]);
	free(records);
	return 0;
}

/* ---- command line ------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*run)(struct program *prog);	/* 2: wrong usage */
	const char *usage;
} verbs[] = {
	{ "arm", arm, "arm                    put up the saved and the "
	  "configured guards" },
	{ "disarm", disarm, "disarm NAME...|--all   release the traffic of "
	  "connections that are down" },
	{ "monitor", monitor, "monitor                reconcile whenever somebody "
	  "changes the tables" },
	{ "reconcile", reconcile, "reconcile              put back what was "
	  "lost, as the records say" },
	{ "status", status, "status                 the connections, a line "
	  "each" },
};

#define VERBS	(sizeof(verbs) / sizeof(verbs[0]))

static int usage(FILE *f)
{
	size_t i;

	fputs("Usage: ipsec-fw [OPTION]... VERB\n\n", f);
	for (i = 0; i < VERBS; i++)
		fprintf(f, "  %s\n", verbs[i].usage);
	fputs("\n  -c, --config FILE      read this file only\n"
	      "  -r, --run-dir DIR      the records of this boot\n"
	      "  -s, --state-dir DIR    what outlives a boot\n"
	      "  -a, --all              all connections\n"
	      "  -y, --yes              don't ask\n"
	      "  -h, --help             show this\n"
	      "  -V, --version          show the version\n\n"
	      "See ipsec-fw(8).\n", f);
	return f == stdout ? 0 : 2;
}

/* Returns -1 to go on, or the exit status. */
static int parse_options(struct program *prog, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "state-dir", required_argument, NULL, 's' },
		{ "all", no_argument, NULL, 'a' },
		{ "yes", no_argument, NULL, 'y' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:r:s:ayhV", options,
				NULL)) != -1) {
		switch (c) {
		case 'c':
			prog->options.config_file = optarg;
			break;
		case 'r':
			prog->options.run_dir = optarg;
			break;
		case 's':
			prog->options.state_dir = optarg;
			break;
		case 'a':
			prog->all = true;
			break;
		case 'y':
			prog->yes = true;
			break;
		case 'h':
			return usage(stdout);
		case 'V':
			puts("ipsec-fw " PACKAGE_VERSION);
			return 0;
		default:
			return usage(stderr);
		}
	}
	if (optind == argc)
		return usage(stderr);
	prog->args = argv + optind;
	prog->n_args = argc - optind;
	return -1;
}

int main(int argc, char **argv)
{
	struct program prog = { .all = false };
	int code = parse_options(&prog, argc, argv);
	size_t i;

	if (code >= 0)
		return code;
	for (i = 0; i < VERBS; i++) {
		if (strcmp(prog.args[0], verbs[i].name) != 0)
			continue;
		prog.args++;
		prog.n_args--;
		code = verbs[i].run(&prog);
		return code == 2 ? usage(stderr) : code;
	}
	fprintf(stderr, "ipsec-fw: unknown verb '%s'\n", prog.args[0]);
	return usage(stderr);
}
