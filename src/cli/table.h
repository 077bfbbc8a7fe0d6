/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and lists of facts that fit the terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_DIM, TONE_BOLD };

struct table_cell {
	const char *text; /* clean (text_clean()), outlives the table; NULL or "" shows "-" */
	enum tone tone;
};

struct table_column {
	const char *title;
	bool whole; /* never cut, for ids and whatever is copied from the screen */
};

enum { TABLE_COLUMNS_MAX = 8, TABLE_CELL_MIN = 6 };

struct table;

/* `columns` (at most TABLE_COLUMNS_MAX) outlive the table. */
struct table *table_new(struct arena *a, const struct table_column *columns, size_t n);
/* `cells`: as many as there are columns; copied. */
void table_row(struct table *t, const struct table_cell *cells);
size_t table_count(const struct table *t);
/*
 * Writes the table into at most `width` columns of the terminal (0: as wide as it gets): wide cells
 * are cut first; where even that isn't enough, each row becomes a block of lines.
 */
void table_write(const struct table *t, unsigned width, bool colour, struct buf *out);

/* A line "  name   text" with the name padded to `name_width`; never cut, so that it can be copied. */
void table_put_fact(struct buf *out, const char *name, size_t name_width, struct table_cell cell, bool colour);
/* `text` between the escape sequences of a tone, or bare without `colour`. */
void table_put_toned(struct buf *out, enum tone tone, const char *text, bool colour);
