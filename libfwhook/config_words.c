// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config_words.c - known words: which of them a text is, and which it may have
 * been meant for.
 */
#include <ctype.h>
#include <string.h>

#include "config.h"

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that make b of
 * a; WORD_MAX if one is too long to be a slip of the other. */
static unsigned int distance(const char *a, const char *b, size_t nb)
{
	uint8_t d[WORD_MAX][WORD_MAX];
	size_t na = strlen(a), i, j;

	if (na >= WORD_MAX || nb >= WORD_MAX)
		return WORD_MAX;
	for (i = 0; i <= na; i++)
		d[i][0] = (uint8_t)i;
	for (j = 0; j <= nb; j++)
		d[0][j] = (uint8_t)j;
	for (i = 1; i <= na; i++) {
		for (j = 1; j <= nb; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);
			unsigned int best;

			best = least(d[i - 1][j], d[i][j - 1]) + 1u;
			best = least(best, d[i - 1][j - 1] + (x != y));
			if (i > 1 && j > 1 && x != y &&
			    x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]))
				best = least(best, d[i - 2][j - 2] + 1u);
			d[i][j] = (uint8_t)best;
		}
	}
	return d[na][nb];
}

void fwh_nearest_consider(struct nearest *nearest, const char *word, size_t len)
{
	unsigned int d = distance(nearest->got, word, len);

	if (nearest->word && d >= nearest->distance)
		return;
	nearest->word = word;
	nearest->len = len;
	nearest->distance = d;
}

void fwh_nearest_words(struct nearest *nearest, const char *words)
{
	while (*words) {
		size_t n = strcspn(words, " ");

		fwh_nearest_consider(nearest, words, n);
		words += n + strspn(words + n, " ");
	}
}

const char *fwh_nearest_suggest(const struct nearest *nearest, char *buf,
				size_t size)
{
	/* A third of the letters may be wrong. */
	*buf = '\0';
	if (nearest->word && nearest->distance <= (nearest->len + 2) / 3)
		snprintf(buf, size, "; did you mean '%.*s'?", (int)nearest->len,
			 nearest->word);
	return buf;
}

int fwh_word_index(const char *words, const char *text)
{
	size_t len = strlen(text);
	int i;

	for (i = 0; *words; i++) {
		size_t n = strcspn(words, " ");

		if (n == len && !strncasecmp(words, text, n))
			return i;
		words += n + strspn(words + n, " ");
	}
	return -1;
}
