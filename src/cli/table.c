/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout of tables. Widths are columns of the terminal, not bytes. Must never cut a column that is
 * marked whole, and never tear a character.
 */
#include "cli/table.h"

#include <string.h>

#include "base/mem.h"
#include "cli/text.h"

enum { GAP = 2 };

struct row {
	struct row *next;
	struct table_cell cells[TABLE_COLUMNS_MAX];
};

struct table {
	struct arena *arena;
	const struct table_column *columns;
	size_t n, rows;
	struct row *first, **last;
};

struct table *table_new(struct arena *a, const struct table_column *columns, size_t n)
{
	struct table *t = ARENA_NEW(a, struct table);

	t->arena = a;
	t->columns = columns;
	t->n = n < TABLE_COLUMNS_MAX ? n : TABLE_COLUMNS_MAX;
	t->last = &t->first;
	return t;
}

void table_row(struct table *t, const struct table_cell *cells)
{
	struct row *row = ARENA_NEW(t->arena, struct row);

	for (size_t i = 0; i < t->n; i++) {
		row->cells[i] = cells[i];
		if (!cells[i].text || !cells[i].text[0])
			row->cells[i].text = "-";
	}
	*t->last = row;
	t->last = &row->next;
	t->rows++;
}

size_t table_count(const struct table *t)
{
	return t->rows;
}

static const char *const escapes[] = {
	[TONE_PLAIN] = "",	 [TONE_GOOD] = "\033[32m", [TONE_WARN] = "\033[33m",
	[TONE_BAD] = "\033[31m", [TONE_DIM] = "\033[2m",   [TONE_BOLD] = "\033[1m",
};

static void tone_on(struct buf *out, enum tone tone, bool colour)
{
	if (colour)
		buf_puts(out, escapes[tone]);
}

static void tone_off(struct buf *out, enum tone tone, bool colour)
{
	if (colour && tone != TONE_PLAIN)
		buf_puts(out, "\033[0m");
}

void table_put_toned(struct buf *out, enum tone tone, const char *text, bool colour)
{
	tone_on(out, tone, colour);
	buf_puts(out, text);
	tone_off(out, tone, colour);
}

static size_t width_of(const char *text)
{
	return text_width(slice_from(text));
}

static size_t sum(const size_t *widths, size_t n)
{
	size_t all = n ? (n - 1) * GAP : 0;

	for (size_t i = 0; i < n; i++)
		all += widths[i];
	return all;
}

/* Fills in the widths that the contents want. */
static void measure(const struct table *t, size_t *widths)
{
	for (size_t i = 0; i < t->n; i++) {
		widths[i] = width_of(t->columns[i].title);
		for (const struct row *row = t->first; row; row = row->next) {
			size_t w = width_of(row->cells[i].text);

			widths[i] = w > widths[i] ? w : widths[i];
		}
	}
}

/* Takes columns off the widest cell that may be cut until the line fits. False when that is impossible. */
static bool shrink(const struct table *t, size_t *widths, size_t width)
{
	while (sum(widths, t->n) > width) {
		size_t widest = t->n;

		for (size_t i = 0; i < t->n; i++) {
			if (t->columns[i].whole || widths[i] <= TABLE_CELL_MIN ||
			    widths[i] <= width_of(t->columns[i].title))
				continue;
			if (widest == t->n || widths[i] > widths[widest])
				widest = i;
		}
		if (widest == t->n)
			return false;
		widths[widest]--;
	}
	return true;
}

static void put_padded(struct buf *out, struct table_cell cell, size_t width, bool last, bool colour)
{
	size_t used;

	tone_on(out, cell.tone, colour);
	used = text_put_cut(out, slice_from(cell.text), width);
	tone_off(out, cell.tone, colour);
	for (; !last && used < width + GAP; used++)
		buf_putc(out, ' ');
}

static void put_line(const struct table *t, const struct table_cell *cells, const size_t *widths, bool colour,
		     struct buf *out)
{
	for (size_t i = 0; i < t->n; i++)
		put_padded(out, cells[i], widths[i], i + 1 == t->n, colour);
	buf_putc(out, '\n');
}

static void put_blocks(const struct table *t, bool colour, struct buf *out)
{
	size_t names = 0;

	for (size_t i = 0; i < t->n; i++)
		names = width_of(t->columns[i].title) > names ? width_of(t->columns[i].title) : names;
	for (const struct row *row = t->first; row; row = row->next) {
		for (size_t i = 0; i < t->n; i++)
			table_put_fact(out, t->columns[i].title, names, row->cells[i], colour);
		if (row->next)
			buf_putc(out, '\n');
	}
}

void table_write(const struct table *t, unsigned width, bool colour, struct buf *out)
{
	struct table_cell titles[TABLE_COLUMNS_MAX];
	size_t widths[TABLE_COLUMNS_MAX];

	measure(t, widths);
	if (width && !shrink(t, widths, width)) {
		put_blocks(t, colour, out);
		return;
	}
	for (size_t i = 0; i < t->n; i++)
		titles[i] = (struct table_cell){t->columns[i].title, TONE_DIM};
	put_line(t, titles, widths, colour, out);
	for (const struct row *row = t->first; row; row = row->next)
		put_line(t, row->cells, widths, colour, out);
}

void table_put_fact(struct buf *out, const char *name, size_t name_width, struct table_cell cell, bool colour)
{
	buf_puts(out, "  ");
	tone_on(out, TONE_DIM, colour);
	buf_puts(out, name);
	tone_off(out, TONE_DIM, colour);
	for (size_t used = width_of(name); used < name_width + GAP; used++)
		buf_putc(out, ' ');
	table_put_toned(out, cell.tone, cell.text && cell.text[0] ? cell.text : "-", colour);
	buf_putc(out, '\n');
}
