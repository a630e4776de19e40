/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_files.h - daemons' settings, read line by line, includes followed. */
#ifndef DOCTOR_FILES_H
#define DOCTOR_FILES_H

#include <stdbool.h>
#include <stddef.h>

#define CONF_LINE_MAX	1024

/* Call line() for each line of a file, without comments and the blanks at its
 * end, and of files that it includes ("include PATTERN", relative to its own
 * folder).  What cannot be read is as if it were empty.  Returns false if there is
 * no such file. */
bool each_line(const char *path, void (*line)(char *line, void *arg), void *arg);

/* Names with ", " between, and "..." where there is no more room. */
struct names {
	char text[512];
	size_t n;
};
void add_name(struct names *names, const char *name);

#endif
