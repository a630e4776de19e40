// SPDX-License-Identifier: GPL-2.0-or-later
/* doctor_files.c - daemons' settings, read line by line, includes followed. */
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "doctor_files.h"

#define DEPTH_MAX	8		/* of includes */

struct reading {
	void (*line)(char *line, void *arg);
	void *arg;
	unsigned int depth;
};

static bool read_lines(const char *path, struct reading *reading);

static void include(const char *path, const char *pattern,
		    struct reading *reading)
{
	const char *slash = strrchr(path, '/');
	char full[2 * CONF_LINE_MAX];
	glob_t files;
	size_t i;

	if (*pattern == '/' || !slash)
		snprintf(full, sizeof(full), "%s", pattern);
	else
		snprintf(full, sizeof(full), "%.*s/%s", (int)(slash - path),
			 path, pattern);
	if (reading->depth == DEPTH_MAX || glob(full, 0, NULL, &files))
		return;
	reading->depth++;
	for (i = 0; i < files.gl_pathc; i++)
		read_lines(files.gl_pathv[i], reading);
	reading->depth--;
	globfree(&files);
}

/* A '#' begins a comment, but for those in quotes. */
static void strip(char *line)
{
	bool quoted = false;
	char *p;

	for (p = line; *p && (quoted || *p != '#'); p++)
		if (*p == '"')
			quoted = !quoted;
	while (p > line && isspace((unsigned char)p[-1]))
		p--;
	*p = '\0';
}

static bool read_lines(const char *path, struct reading *reading)
{
	char line[CONF_LINE_MAX], *p;
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		strip(line);
		p = line + strspn(line, " \t");
		if (!strncmp(p, "include", 7) && isspace((unsigned char)p[7])) {
			p += 7 + strspn(p + 7, " \t");
			n = strlen(p);
			if (*p == '"' && n > 1 && p[n - 1] == '"') {
				p[n - 1] = '\0';
				p++;
			}
			include(path, p, reading);
		} else if (*p) {
			reading->line(line, reading->arg);
		}
	}
	fclose(f);
	return true;
}

bool each_line(const char *path, void (*line)(char *line, void *arg), void *arg)
{
	struct reading reading = { .line = line, .arg = arg };

	return read_lines(path, &reading);
}

void add_name(struct names *names, const char *name)
{
	size_t len = strlen(names->text);

	names->n++;
	if (len + strlen(name) + sizeof(", ...") < sizeof(names->text))
		sprintf(names->text + len, "%s%s", len ? ", " : "", name);
	else if (len < 3 || strcmp(names->text + len - 3, "...") != 0)
		strcpy(names->text + len, "...");	/* room was kept */
}
