/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table.h - lines with columns that fit a terminal. */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>

#include "tty.h"

#define TABLE_COLUMNS_MAX	16

struct column {
	const char *title;
	bool right;			/* numbers */
	/* Where lines are too long, columns go in the order of these numbers, then
	 * others are cut to this width; 0: never. */
	unsigned int drop;
	unsigned int least;
};

struct cell {
	char *text, *tight;		/* a shorter form, or NULL */
	enum color color;
};

struct table {
	const struct column *columns;
	size_t n_columns;
	struct cell *cells;		/* n_rows times n_columns */
	size_t n_rows, cap;
};

/* A new row, its cells empty; NULL when out of memory. */
struct cell *table_row(struct table *table);
/* Print it with its titles to stdout, in at most so many columns (0: as many as
 * it takes). */
void table_print(const struct table *table, unsigned int width);
void table_free(struct table *table);

#endif
