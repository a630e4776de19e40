// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * verb_doctor.c - the table of checks, and how their findings are told.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "json.h"
#include "tty.h"

static const struct {
	const char *name;
	void (*run)(struct doctor *d);
} checks[] = {
	{ "settings", check_settings },
	{ "kernel", check_kernel },
	{ "flavours", check_flavours },
	{ "translations", check_translations },
	{ "drift", check_drift },
	{ "accept-in-chain", check_accept_chains },
	{ "owned-tables", check_owned_tables },
	{ "monitor", check_monitor },
	{ "forwarding", check_forwarding },
	{ "rp-filter", check_rp_filter },
	{ "offload", check_offload },
	{ "daemons", check_daemons },
	{ "stale", check_stale },
	{ "clock", check_clock },
	{ "ipsec.conf", check_ipsec_conf },
	{ "swanctl.conf", check_swanctl },
	{ "saved-guards", check_saved },
	{ "guard-unit", check_unit },
	{ "denials", check_denials },
};

/* ---- telling ---- */

void found(struct doctor *d, const char *why, const char *mend,
	   const char *fmt, ...)
{
	char what[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	d->n++;
	if (d->json) {
		json_open(NULL, '{');
		json_string("check", d->check);
		json_string("what", what);
		json_string("why", why);
		json_string("mend", mend);
		json_close();
		return;
	}
	printf("\n%s%s%s: %s\n", tty_color(YELLOW), d->check, tty_color(PLAIN),
	       what);
	printf("  why:  %s\n", why);
	printf("  mend: %s%s%s\n", tty_color(BOLD), mend, tty_color(PLAIN));
}

void fact(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	if (d->json)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* ---- what checks share ---- */

bool read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return false;
	while (n + 1 < size && (got = read(fd, buf + n, size - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	buf[n] = '\0';
	return true;
}

long read_number(const char *fmt, ...)
{
	char path[256], text[32];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (!read_file(path, text, sizeof(text)) ||
	    !isdigit((unsigned char)*text))
		return -1;
	return strtol(text, NULL, 10);
}

/* /proc/PID/cmdline: words that end with a NUL each. */
static bool has_argument(const char *pid, const char *argument)
{
	char path[64], text[1024];
	size_t n;
	int fd;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return false;
	text[got] = '\0';
	for (n = 0; n < (size_t)got; n += strlen(text + n) + 1)
		if (!strcmp(text + n, argument))
			return true;
	return false;
}

int find_process(const char *const names[], const char *argument)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[64], name[32];
	int pid = 0;
	size_t i;

	while (dir && !pid && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm",
			 entry->d_name);
		if (!read_file(path, name, sizeof(name)))
			continue;
		name[strcspn(name, "\n")] = '\0';
		for (i = 0; names[i]; i++)
			if (!strcmp(name, names[i]) &&
			    (!argument || has_argument(entry->d_name,
						       argument)))
				pid = atoi(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return pid;
}

/* ---- the whole ---- */

static void tell_complaint(const struct fwh_err *err, void *arg)
{
	found(arg, "what the record says is not known: its rules cannot be "
	      "renewed", "ipsec auto --replace CONN, or swanctl --initiate: "
	      "the next event writes it anew", "%s", err->msg);
}

static void run_checks(struct doctor *d)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(checks); i++) {
		d->check = checks[i].name;
		checks[i].run(d);
	}
}

/* Broken settings are a check of their own. */
static void tell_record(const struct fwh_err *err, void *arg)
{
	if (strstr(err->msg, "damaged record"))
		tell_complaint(err, arg);
}

static int give_up(const struct program *prog, const struct fwh_err *err)
{
	if (prog->json)
		json_close();
	return fail(err);
}

int verb_doctor(struct program *prog)
{
	struct doctor d = { .prog = prog, .json = prog->json,
			    .check = "records" };
	struct fwh_survey *survey;
	struct fwh_view *view;
	struct fwh_err err;

	if (prog->json)
		json_open(NULL, '[');
	if (fwh_survey_take(&survey, &err))
		return give_up(prog, &err);
	if (fwh_view_open(&prog->options, false, tell_record, &d, NULL, &view,
			  &err)) {
		fwh_survey_free(survey);
		return give_up(prog, &err);
	}
	d.view = view;
	d.survey = survey;
	fact(&d, "backend: %s (%s)", fwh_backend_name(view->backend),
	     view->why);
	run_checks(&d);
	fwh_view_free(view);
	fwh_survey_free(survey);
	if (prog->json)
		json_close();
	else if (d.n)
		printf("\n%zu finding%s\n", d.n, plural(d.n));
	else
		puts("no finding");
	return d.n ? FAILED : DONE;
}
