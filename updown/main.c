// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - what an IKE daemon runs as leftupdown=: firewall first on the way
 * up, routes (or the script that does them) first on the way down, one line for
 * each failure.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "chain.h"
#include "confine.h"
#include "fwhook.h"
#include "harden.h"

/* pluto folds what it logs of us at 256 bytes, its own prefix included. */
#define LINE_SIZE	2048

struct program {
	struct fwh_call_options options;
	bool dry_run, unconfined;
	char **chain_args;
	char *const *env;
	struct fwh_call *call;
	enum fwh_updown updown;
	const char *missing;		/* what is not built in, NULL: nothing */
	const char *script;		/* NULL: none is run */
	bool brokered;			/* by our parent */
	enum fwh_verbosity verbosity;
	bool to_syslog;
};

/* ---- talking -------------------------------------------------------------- */

/* One line: verb, connection, what, why; on stderr, which is the daemon's
 * log, and in syslog if the settings say so. */
__attribute__((format(printf, 3, 4)))
static void say(const struct program *prog, enum fwh_verbosity level,
		const char *fmt, ...)
{
	const struct fwh_event *ev = prog->call ? fwh_call_event(prog->call) :
						  NULL;
	char text[LINE_SIZE], line[LINE_SIZE + FWH_CONN_MAX + 64];
	char *p;
	va_list ap;

	if (level > prog->verbosity)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (ev)
		snprintf(line, sizeof(line), "%s: %s: %s", ev->conn, ev->verb,
			 text);
	else
		snprintf(line, sizeof(line), "ipsec-fw-updown: %s", text);
	for (p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	/* One write: lines of several helpers don't mix. */
	fprintf(stderr, "%s\n", line);
	if (prog->to_syslog)
		syslog(level == FWH_ERROR ? LOG_ERR : level == FWH_INFO ?
		       LOG_INFO : LOG_DEBUG, "%s", line);
}

/* ---- the firewall's half ---------------------------------------------------- */

/* Returns 0, or 1 for failure; *ret_held: up, but blocked. */
static int run_firewall(struct program *prog, bool *ret_held)
{
	const struct fwh_err *warning;
	struct fwh_err err;
	int code = fwh_call_run(prog->call, ret_held, &err);

	warning = fwh_call_warning(prog->call);
	if (warning)
		say(prog, FWH_ERROR, "%s", warning->msg);
	if (code) {
		say(prog, FWH_ERROR, code == -ENOTRECOVERABLE ? "failed: %s" :
		    "failed, nothing was changed: %s", err.msg);
		return 1;
	}
	if (*ret_held)
		say(prog, FWH_ERROR, "ON HOLD, the connection's traffic is "
		    "blocked: %s; mend it and bring the connection up again",
		    err.msg);
	else
		say(prog, FWH_INFO, "the firewall follows");
	return 0;
}

static void undo_firewall(struct program *prog)
{
	struct fwh_err err;

	if (fwh_call_revert(prog->call, &err))
		say(prog, FWH_ERROR, "undoing the firewall failed: %s", err.msg);
}

/* ---- the script's half ------------------------------------------------------- */

/* The script's own file of settings; Fedora's name and Debian's. */
static bool is_customised(const struct program *prog)
{
	return *prog->chain_args ||
	       !access("/etc/sysconfig/pluto_updown", F_OK) ||
	       !access("/etc/default/pluto_updown", F_OK);
}

/* Who does what is no firewall matter. */
static void share_work(struct program *prog)
{
	const struct fwh_settings *settings = fwh_call_settings(prog->call);
	const struct fwh_event *ev = fwh_call_event(prog->call);

	prog->updown = fwh_updown_of(settings, ev, is_customised(prog),
				     &prog->missing);
	if (ev->verbs & FWH_VERB_OTHER || prog->updown == FWH_UPDOWN_CHAIN)
		prog->script = chain_find(settings, ev->dialect);
}

static int start_script(void *arg)
{
	const struct program *prog = arg;

	return chain_run(prog->script, prog->chain_args, prog->env);
}

/* 0 if there is no script.  consequence: what its failure leads to. */
static int run_script(struct program *prog, const char *consequence)
{
	const char *script = prog->script;
	int status;

	if (!script) {
		say(prog, FWH_DEBUG, "no script to chain");
		return 0;
	}
	status = prog->brokered ? fwh_broker_script() : start_script(prog);
	if (status < 0) {
		say(prog, FWH_ERROR, "%s: %s%s", script, strerror(-status),
		    consequence);
		return 1;
	}
	say(prog, status ? FWH_ERROR : FWH_DEBUG, "%s: exit status %d%s",
	    script, status, status ? consequence : "");
	return status;
}

/* ---- routes, addresses and DNS ----------------------------------------------------- */

/* on-error = hold: better a connection whose traffic is blocked than a daemon
 * that tries again without end.  Returns the exit status. */
static int hold(struct program *prog, const char *why)
{
	unsigned int verbs = fwh_call_event(prog->call)->verbs;
	struct fwh_err err;

	if (verbs & FWH_UP && fwh_call_hold(prog->call, &err)) {
		say(prog, FWH_ERROR, "%s; and the guard could not be set: %s",
		    why, err.msg);
		return 1;
	}
	say(prog, FWH_ERROR, verbs & FWH_UP ? "ON HOLD, the connection's traffic "
	    "is blocked: %s; mend it and bring the connection up again" :
	    "%s", why);
	return 0;
}

static void say_trouble(const struct fwh_err *err, void *arg)
{
	say(arg, FWH_ERROR, "%s", err->msg);
}

static int run_native(struct program *prog, const char *consequence)
{
	unsigned int verbs = fwh_call_event(prog->call)->verbs;
	struct fwh_err err;

	if (prog->missing && verbs & FWH_UP)
		say(prog, FWH_ERROR, "%s is not built in; updown = chain leaves "
		    "it to the daemon's script", prog->missing);
	if (!fwh_call_route(prog->call, true, say_trouble, prog, &err)) {
		say(prog, FWH_INFO, "routes, addresses and DNS follow");
		return 0;
	}
	if (verbs & (FWH_PREPARE | FWH_ROUTE | FWH_UP) &&
	    fwh_call_settings(prog->call)->hold)
		return hold(prog, err.msg);
	say(prog, FWH_ERROR, "%s%s", err.msg, consequence);
	return 1;
}

/* What was ours before somebody else took over, we still let go of. */
static int run_others(struct program *prog, const char *consequence)
{
	struct fwh_err err;

	if (fwh_call_route(prog->call, false, say_trouble, prog, &err))
		say(prog, FWH_ERROR, "%s", err.msg);
	return prog->updown == FWH_UPDOWN_CHAIN ?
	       run_script(prog, consequence) : 0;
}

static int run_updown(struct program *prog, const char *consequence)
{
	return prog->updown == FWH_UPDOWN_NATIVE ?
	       run_native(prog, consequence) : run_others(prog, consequence);
}

static int go_up(struct program *prog)
{
	bool held;
	int status = run_firewall(prog, &held);

	if (status)
		return status;
	status = run_updown(prog, "; the firewall goes back to what it was");
	if (status)
		undo_firewall(prog);
	return status;
}

static int go_down(struct program *prog)
{
	bool held;
	int status = run_updown(prog, "");
	int failed = run_firewall(prog, &held);

	return status ? status : failed;
}

/* All that needs more than the firewall does has been done, or is the broker's:
 * without a script and resolvers' programs there is none, and one process. */
static int give_up_rights(struct program *prog, struct fwh_err *err)
{
	struct confine confined = {
		.run_dir = prog->options.run_dir,
		.state_dir = prog->options.state_dir,
	};
	int code = 0;

	fwh_call_needs(prog->call, prog->updown == FWH_UPDOWN_NATIVE,
		       &confined.needs);
	prog->brokered = prog->script || confined.needs.broker;
	if (prog->brokered)
		code = fwh_broker_fork(prog->script ? start_script : NULL, prog,
				       err);
	return code ? code : confine(&confined, err);
}

static int run_event(struct program *prog)
{
	unsigned int verbs = fwh_call_event(prog->call)->verbs;
	const struct fwh_err *bad = fwh_call_config_error(prog->call);

	/* An up says itself why it fails. */
	if (bad && !(verbs & FWH_UP))
		say(prog, FWH_ERROR, "%s", bad->msg);
	if (verbs & FWH_VERB_OTHER)
		return run_script(prog, "");
	return verbs & (FWH_DOWN | FWH_UNROUTE) ? go_down(prog) : go_up(prog);
}

static int run_dry(struct program *prog)
{
	struct fwh_err err;

	if (!fwh_call_print(prog->call, stdout, &err) && !fflush(stdout))
		return 0;
	say(prog, FWH_ERROR, "%s", err.msg);
	return 1;
}

/* ---- command line ------------------------------------------------------------- */

static void usage(FILE *f)
{
	fputs("Usage: ipsec-fw-updown [OPTION]... [-- SCRIPT-ARGUMENT...]\n"
	      "Called by an IKE daemon (leftupdown=) with its PLUTO_* "
	      "variables.\n\n"
	      "  -c, --config FILE   read this file only, instead of\n"
	      "                      " FWH_SYSCONFDIR "/ipsec-fw/ipsec-fw.conf "
	      "and conf.d/*.conf\n"
	      "  -r, --run-dir DIR   keep records there instead of\n"
	      "                      " FWH_RUNSTATEDIR "/ipsec-fw\n"
	      "  -s, --state-dir DIR keep what outlives a boot there instead\n"
	      "                      of in " FWH_STATEDIR "/ipsec-fw\n"
	      "  -n, --dry-run       print the rules as they are loaded, and "
	      "routes as\n"
	      "                      commands in comments; change nothing\n"
	      "  -u, --unconfined    keep all rights, for a debugger\n"
	      "  -h, --help          show this\n"
	      "  -V, --version       show the version\n\n"
	      "See ipsec-fw-updown(8).\n", f);
}

/* Returns -1 to go on, or the exit status. */
static int parse_options(struct program *prog, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "state-dir", required_argument, NULL, 's' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "unconfined", no_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+c:r:s:nuhV", options, NULL)) != -1) {
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
		case 'n':
			prog->dry_run = true;
			break;
		case 'u':
			prog->unconfined = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("ipsec-fw-updown " PACKAGE_VERSION);
			return 0;
		default:
			usage(stderr);
			return 1;
		}
	}
	prog->chain_args = argv + optind;
	return -1;
}

static void read_globals(struct program *prog)
{
	const struct fwh_globals *globals = fwh_call_globals(prog->call);

	prog->verbosity = globals->verbosity;
	prog->to_syslog = globals->log_syslog;
	if (prog->to_syslog) {
		/* Files that there are not for us later. */
		tzset();
		openlog("ipsec-fw-updown", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	}
}

int main(int argc, char **argv, char **env)
{
	struct program prog = { .verbosity = FWH_ERROR, .env = env };
	const char *trouble = harden_start();
	struct fwh_err err;
	int status;

	if (trouble) {
		say(&prog, FWH_ERROR, "%s", trouble);
		return 1;
	}
	status = parse_options(&prog, argc, argv);
	if (status >= 0)
		return status;
	if (fwh_call_open(&prog.options, env, &prog.call, &err)) {
		say(&prog, FWH_ERROR, "%s", err.msg);
		return 1;
	}
	read_globals(&prog);
	share_work(&prog);
	status = 0;
	if (!prog.dry_run && !prog.unconfined &&
	    give_up_rights(&prog, &err)) {
		say(&prog, FWH_ERROR, "%s", err.msg);
		status = 1;
	}
	if (!status)
		status = prog.dry_run ? run_dry(&prog) : run_event(&prog);
	fwh_call_leave(prog.call);
	return status;
}
