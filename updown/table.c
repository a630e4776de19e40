// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * table.c - lines with columns that fit a terminal: first the gaps shrink, then
 * cells take their shorter form, then columns that can be had elsewhere go, then
 * what is longest is cut.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

struct layout {
	unsigned int width[TABLE_COLUMNS_MAX];	/* 0: not shown */
	unsigned int gap;
	bool tight;
};

struct cell *table_row(struct table *table)
{
	size_t n = table->n_columns;
	struct cell *row;

	if (table->n_rows == table->cap) {
		size_t cap = table->cap ? 2 * table->cap : 16;
		struct cell *cells = reallocarray(table->cells, cap,
						  n * sizeof(*cells));

		if (!cells)
			return NULL;
		table->cells = cells;
		table->cap = cap;
	}
	row = &table->cells[table->n_rows++ * n];
	memset(row, 0, n * sizeof(*row));
	return row;
}

void table_free(struct table *table)
{
	size_t i;

	for (i = 0; i < table->n_rows * table->n_columns; i++) {
		free(table->cells[i].text);
		free(table->cells[i].tight);
	}
	free(table->cells);
}

static const char *text_of(const struct cell *cell, const struct layout *layout)
{
	if (layout->tight && cell->tight)
		return cell->tight;
	return cell->text ? cell->text : "";
}

static void measure(const struct table *table, struct layout *layout)
{
	size_t i, j;

	for (j = 0; j < table->n_columns; j++) {
		unsigned int width = 0, n;

		for (i = 0; i < table->n_rows; i++) {
			n = (unsigned int)strlen(text_of(&table->cells[
					i * table->n_columns + j], layout));
			width = n > width ? n : width;
		}
		n = (unsigned int)strlen(table->columns[j].title);
		/* A column with nothing in it says nothing. */
		layout->width[j] = width && width < n ? n : width;
	}
}

static unsigned int total(const struct table *table,
			  const struct layout *layout)
{
	unsigned int sum = 0;
	size_t j;

	for (j = 0; j < table->n_columns; j++)
		if (layout->width[j])
			sum += layout->width[j] + layout->gap;
	return sum ? sum - layout->gap : 0;
}

static void drop_columns(const struct table *table, struct layout *layout,
			 unsigned int width)
{
	unsigned int turn;
	size_t j;

	for (turn = 1; turn <= TABLE_COLUMNS_MAX; turn++)
		for (j = 0; j < table->n_columns; j++)
			if (table->columns[j].drop == turn &&
			    total(table, layout) > width)
				layout->width[j] = 0;
}

/* The longest first, a character at a time. */
static void cut_columns(const struct table *table, struct layout *layout,
			unsigned int width)
{
	while (total(table, layout) > width) {
		size_t j, longest = table->n_columns;

		for (j = 0; j < table->n_columns; j++)
			if (table->columns[j].least &&
			    layout->width[j] > table->columns[j].least &&
			    (longest == table->n_columns ||
			     layout->width[j] > layout->width[longest]))
				longest = j;
		if (longest == table->n_columns)
			return;
		layout->width[longest]--;
	}
}

static void fit(const struct table *table, unsigned int width,
		struct layout *layout)
{
	layout->gap = 2;
	measure(table, layout);
	if (!width || total(table, layout) <= width)
		return;
	layout->gap = 1;
	if (total(table, layout) <= width)
		return;
	layout->tight = true;
	measure(table, layout);
	drop_columns(table, layout, width);
	cut_columns(table, layout, width);
}

/* Cut in the middle: both ends tell more. */
static void put_text(const char *s, unsigned int width, bool right)
{
	size_t n = strlen(s), head;

	if (n <= width) {
		printf(right ? "%*s" : "%-*s", (int)width, s);
		return;
	}
	head = (width - 1) / 2;
	printf("%.*s~%s", (int)head, s, s + n - (width - 1 - head));
}

static void put_cell(const struct column *column, const char *text,
		     enum color color, unsigned int width, bool last)
{
	/* No blanks at the end of a line. */
	if (last && !column->right && strlen(text) < width)
		width = (unsigned int)strlen(text);
	fputs(color ? tty_color(color) : "", stdout);
	put_text(text, width, column->right);
	fputs(color ? tty_color(PLAIN) : "", stdout);
}

/* row NULL: the titles. */
static const char *nth_text(const struct table *table,
			    const struct layout *layout,
			    const struct cell *row, size_t j)
{
	return row ? text_of(&row[j], layout) : table->columns[j].title;
}

static void put_row(const struct table *table, const struct layout *layout,
		    const struct cell *row)
{
	size_t j, last = 0;
	bool first = true;

	for (j = 0; j < table->n_columns; j++)
		if (layout->width[j] && *nth_text(table, layout, row, j))
			last = j;
	for (j = 0; j <= last; j++) {
		if (!layout->width[j])
			continue;
		if (!first)
			printf("%*s", (int)layout->gap, "");
		put_cell(&table->columns[j], nth_text(table, layout, row, j),
			 row ? row[j].color : BOLD, layout->width[j], j == last);
		first = false;
	}
	putchar('\n');
}

void table_print(const struct table *table, unsigned int width)
{
	struct layout layout = { .gap = 2 };
	size_t i;

	fit(table, width, &layout);
	put_row(table, &layout, NULL);
	for (i = 0; i < table->n_rows; i++)
		put_row(table, &layout, &table->cells[i * table->n_columns]);
}
