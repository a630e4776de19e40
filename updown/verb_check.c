// SPDX-License-Identifier: GPL-2.0-or-later
/* verb_check.c - everything that is wrong with the INI files, without root. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipsec-fw.h"
#include "json.h"

static void print_finding(const struct fwh_err *err, void *arg)
{
	(void)arg;
	puts(err->msg);
}

/* "FILE:LINE: TEXT", or a text about a whole file. */
static void finding_json(const struct fwh_err *err, void *arg)
{
	const char *colon = strstr(err->msg, ": "), *number = colon;
	char file[sizeof(err->msg)];

	(void)arg;
	while (number && number > err->msg && number[-1] >= '0' &&
	       number[-1] <= '9')
		number--;
	json_open(NULL, '{');
	if (number && number < colon && number > err->msg + 1 &&
	    number[-1] == ':') {
		snprintf(file, sizeof(file), "%.*s",
			 (int)(number - 1 - err->msg), err->msg);
		json_string("file", file);
		json_number("line", strtoul(number, NULL, 10));
		json_string("message", colon + 2);
	} else {
		json_string("message", err->msg);
	}
	json_close();
}

int verb_check(struct program *prog)
{
	const char *const *files = (const char *const *)prog->args;
	size_t n = (size_t)prog->n_args, found;
	struct fwh_err err;
	int code;

	if (!n && prog->options.config_file) {
		files = &prog->options.config_file;
		n = 1;
	}
	if (prog->json)
		json_open(NULL, '[');
	code = fwh_config_check(files, n, prog->json ? finding_json :
				print_finding, NULL, &found, &err);
	if (prog->json)
		json_close();
	if (code)
		return fail(&err);
	if (!prog->json && !found)
		puts("no finding");
	return found ? FAILED : DONE;
}
