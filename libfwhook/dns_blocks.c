// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dns_blocks.c - our lines in a resolv.conf, between two marks that find them again
 * whatever others write beside them.  Pure.
 *
 * Resolvers ask the servers in the order of the lines, so ours come first; of
 * several search lines the last one counts, so ours is the last, and ends with what
 * that of the file says.
 */
#include <errno.h>
#include <string.h>

#include "dns.h"

#define BEGIN	"# ipsec-fw: begin"
/* Ahead of it there was no end of the line. */
#define OPEN	"# ipsec-fw: begin, after a line without end"
#define END	"# ipsec-fw: end"

/* A line of the text, without its end. */
struct line {
	const char *s;
	size_t n;
	bool ended;
};

static bool next_line(const char **at, const char *end, struct line *ret)
{
	const char *newline;

	if (*at == end)
		return false;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	ret->s = *at;
	ret->ended = newline != NULL;
	ret->n = (size_t)((newline ? newline : end) - *at);
	*at = newline ? newline + 1 : end;
	return true;
}

static bool line_is(const struct line *line, const char *s)
{
	return line->n == strlen(s) && !memcmp(line->s, s, line->n);
}

/* The words of a keyword's line. */
static bool line_begins(const struct line *line, const char *word, const char **ret)
{
	size_t n = strlen(word);

	if (line->n <= n || memcmp(line->s, word, n) != 0 ||
	    (line->s[n] != ' ' && line->s[n] != '\t'))
		return false;
	*ret = line->s + n + 1;
	return true;
}

/* ---- what is not ours ------------------------------------------------------------- */

/* Somebody may have cut our end off: a block ends as well at what no block has. */
static const char *skip_block(const char *at, const char *end)
{
	const char *next = at, *words;
	struct line line;

	while (next_line(&next, end, &line)) {
		if (line_is(&line, END))
			return next;
		if (!line_begins(&line, "nameserver", &words) &&
		    !line_begins(&line, "search", &words))
			break;
		at = next;
	}
	return at;
}

/* ret: room for as much as the text. */
static size_t strip(const char *text, size_t n, char *ret)
{
	const char *at = text, *end = text + n;
	struct line line;
	size_t kept = 0, length;

	while (next_line(&at, end, &line)) {
		if (line_is(&line, BEGIN) || line_is(&line, OPEN)) {
			if (line_is(&line, OPEN) && kept &&
			    ret[kept - 1] == '\n')
				kept--;
			at = skip_block(at, end);
			continue;
		}
		length = line.n + line.ended;
		memcpy(ret + kept, line.s, length);
		kept += length;
	}
	return kept;
}

/* ---- what is ------------------------------------------------------------------------ */

static void put_servers(FILE *f, const char *state)
{
	struct fwh_dns_line line;

	if (!fwh_dns_has(state, "server"))
		return;
	fputs(BEGIN "\n", f);
	while (fwh_dns_next(&state, &line))
		if (!strcmp(line.key, "server"))
			fprintf(f, "nameserver %s\n", line.value);
	fputs(END "\n", f);
}

static bool has_domain(const char *state, const char *word, size_t n)
{
	struct fwh_dns_line line;

	while (fwh_dns_next(&state, &line))
		if (!strcmp(line.key, "domain") && strlen(line.value) == n &&
		    !memcmp(line.value, word, n))
			return true;
	return false;
}

/* The words of the file's own last search or domain line. */
static void put_own_search(FILE *f, const char *text, size_t n, const char *state)
{
	const char *at = text, *end = text + n, *words = NULL, *found;
	const char *stop = NULL;
	struct line line;
	size_t length;

	while (next_line(&at, end, &line))
		if (line_begins(&line, "search", &found) ||
		    line_begins(&line, "domain", &found)) {
			words = found;
			stop = line.s + line.n;
		}
	for (; words && words < stop; words += length + !length) {
		for (length = 0; words + length < stop &&
		     !strchr(" \t\r", words[length]);)
			length++;
		if (length && (*words == '#' || *words == ';'))
			break;
		if (length && !has_domain(state, words, length))
			fprintf(f, " %.*s", (int)length, words);
	}
}

static void put_search(FILE *f, const char *text, size_t n, const char *state)
{
	const char *at = state;
	struct fwh_dns_line line;

	if (!fwh_dns_has(state, "domain"))
		return;
	fputs(n && text[n - 1] != '\n' ? "\n" OPEN "\nsearch" :
					 BEGIN "\nsearch", f);
	while (fwh_dns_next(&at, &line))
		if (!strcmp(line.key, "domain"))
			fprintf(f, " %s", line.value);
	put_own_search(f, text, n, state);
	fputs("\n" END "\n", f);
}

int fwh_dns_blocks_put(const char *text, size_t n, const char *state, char **ret,
		       size_t *ret_n)
{
	fwh_autofree char *own = malloc(n + 1);
	struct fwh_print all;
	FILE *f = own ? fwh_print_begin(&all) : NULL;

	if (!f)
		return -ENOMEM;
	n = strip(text, n, own);
	put_servers(f, state);
	fwrite(own, 1, n, f);
	put_search(f, own, n, state);
	*ret = fwh_print_end(&all, f);
	*ret_n = all.len;
	return *ret ? 0 : -ENOMEM;
}
