/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer with a hard maximum that is given at init. Writing past it does not fail at
 * once: the buffer remembers (`overflow`), takes nothing more, and the one check is buf_ok() at the
 * end. Its memory is wiped on growth and at the end, so it may carry secrets on their way out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf {
	char *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* never more than this in use */
	size_t touched; /* so many bytes may have been written since the last wiping; beyond them is nothing of ours */
	bool overflow;
};

void buf_init(struct buf *b, size_t max);
/* Wipes and frees; the buffer can be used again with the same maximum. NULL is allowed. */
void buf_done(struct buf *b);
/* Wipes the content and keeps the memory. */
void buf_reset(struct buf *b);
/* False after a write that did not fit. */
bool buf_ok(const struct buf *b);
struct slice buf_slice(const struct buf *b);
void buf_put(struct buf *b, struct slice bytes);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
/* The parts one after the other, with one look at the room: all of them, or none and an overflow. */
void buf_put_all(struct buf *b, const struct slice *parts, size_t n);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Decimal. */
void buf_put_i64(struct buf *b, int64_t value);
/* Gets the memory for `n` more bytes now; a maximum that forbids them shows when they are put. */
void buf_ensure(struct buf *b, size_t n);
/*
 * Room for `n` more bytes, and a NUL behind them, to be written at the returned place; NULL when the
 * maximum forbids. Then buf_commit() of what was written.
 */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
/* Drops the first `n` bytes (wiped). Does not forget an overflow. */
void buf_consume(struct buf *b, size_t n);
/* Drops what is behind the first `n` bytes (wiped). Does not forget an overflow. */
void buf_cut(struct buf *b, size_t n);
/* The content as a C string (a NUL is kept behind the content, not counted). */
const char *buf_cstr(struct buf *b);
