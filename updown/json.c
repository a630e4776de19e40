// SPDX-License-Identifier: GPL-2.0-or-later
/* json.c - JSON on stdout, as RFC 8259 has it. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "json.h"

#define DEPTH_MAX	16

static struct {
	char close;			/* the bracket that ends it */
	bool used;
} level[DEPTH_MAX];
static unsigned int depth;

/* Others than ASCII by number, each byte as a character of its own: what a
 * daemon calls its connections need not be UTF-8. */
static void put_text(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c > '~')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void begin(const char *name)
{
	if (depth) {
		printf("%s\n%*s", level[depth - 1].used ? "," : "",
		       (int)(2 * depth), "");
		level[depth - 1].used = true;
	}
	if (name) {
		put_text(name);
		fputs(": ", stdout);
	}
}

void json_open(const char *name, char bracket)
{
	assert(depth < DEPTH_MAX);
	begin(name);
	putchar(bracket);
	level[depth].close = bracket == '{' ? '}' : ']';
	level[depth++].used = false;
}

void json_close(void)
{
	assert(depth);
	depth--;
	if (level[depth].used)
		printf("\n%*s", (int)(2 * depth), "");
	putchar(level[depth].close);
	if (!depth)
		putchar('\n');
}

void json_string(const char *name, const char *value)
{
	begin(name);
	put_text(value);
}

void json_number(const char *name, uint64_t value)
{
	begin(name);
	printf("%" PRIu64, value);
}

void json_bool(const char *name, bool value)
{
	begin(name);
	fputs(value ? "true" : "false", stdout);
}
