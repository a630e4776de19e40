// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * verb_plan.c - what an event would lead to, or what a connection's record asks
 * for; changes nothing, and needs no rights to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipsec-fw.h"
#include "seen.h"

#define LINES_MAX	512
#define TEXT_MAX	65536

/* NAME=VALUE lines, as env(1) prints them; quotes of a shell's "export -p" are
 * no part of a value. */
struct env_file {
	char text[TEXT_MAX];
	char *lines[LINES_MAX + 1];
};

static char *unquote(char *value)
{
	size_t n = strlen(value);

	if (n >= 2 && (*value == '"' || *value == '\'') &&
	    value[n - 1] == *value) {
		memmove(value, value + 1, n - 2);
		value[n - 2] = '\0';
	}
	return value;
}

static bool split(struct env_file *file)
{
	char *line, *save = NULL, *equals;
	size_t n = 0;

	for (line = strtok_r(file->text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "export ", 7))
			line += 7;
		if (!strncmp(line, "declare -x ", 11))
			line += 11;
		equals = strchr(line, '=');
		if (*line == '#' || !equals)
			continue;
		unquote(equals + 1);
		if (n == LINES_MAX)
			return false;
		file->lines[n++] = line;
	}
	file->lines[n] = NULL;
	return true;
}

static int plan_event(struct program *prog)
{
	static struct env_file file;
	struct fwh_call *call;
	struct fwh_err err;
	size_t n;
	int status = DONE;

	if (isatty(STDIN_FILENO))
		fputs("ipsec-fw: reading PLUTO_...=VALUE lines from the "
		      "terminal; ^D ends them\n", stderr);
	n = fread(file.text, 1, sizeof(file.text) - 1, stdin);
	if (ferror(stdin) || n == sizeof(file.text) - 1 ||
	    strlen(file.text) != n || !split(&file)) {
		fputs("ipsec-fw: standard input is no list of variables\n",
		      stderr);
		return FAILED;
	}
	if (fwh_call_open(&prog->options, file.lines, &call, &err))
		return fail(&err);
	if (fwh_call_print(call, stdout, &err))
		status = fail(&err);
	fwh_call_free(call);
	return status;
}

static int plan_record(struct program *prog)
{
	struct fwh_view *view;
	struct fwh_err err;
	int status = DONE;
	size_t i;

	if (fwh_view_open(&prog->options, true, complain, NULL, NULL, &view,
			  &err))
		return fail(&err);
	if (!seen_find(view, prog->conn))
		status = FAILED;
	for (i = 0; status == DONE && i < view->n; i++)
		if (seen_is(&view->conns[i], prog->conn) &&
		    fwh_view_print(view, i, stdout, &err))
			status = fail(&err);
	fwh_view_free(view);
	return status;
}

int verb_plan(struct program *prog)
{
	return prog->conn ? plan_record(prog) : plan_event(prog);
}
