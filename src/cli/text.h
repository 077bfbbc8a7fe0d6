/* SPDX-License-Identifier: Apache-2.0 */
/* Text on its way to a terminal: its width in columns, cutting it, and taking the harm out of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

/*
 * Copies `text` so that it cannot steer a terminal or mislead the eye: control characters (C0, C1),
 * characters that turn the writing direction, and bytes that are not UTF-8 become U+FFFD; a line
 * break or tab becomes a blank.
 */
void text_put_clean(struct buf *out, struct slice text);
/* text_put_clean() into the arena, NUL-terminated. */
char *text_clean(struct arena *a, struct slice text);
/* Columns that clean text takes: 0 for combining marks, 2 for wide characters. */
size_t text_width(struct slice text);
/* At most `width` columns of clean text; what is cut ends in "…". Returns the columns written. */
size_t text_put_cut(struct buf *out, struct slice text, size_t width);
/* JSON text whose characters beyond ASCII are harmless to a terminal: the harmful ones become \uXXXX. */
void text_put_json(struct buf *out, struct slice json);
