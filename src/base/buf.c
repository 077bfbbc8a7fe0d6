/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capped buffer. Must never leave an unwiped copy behind: it grows by copy and wipe, not by realloc. It wipes what was
 * handed out for writing since the last time, committed or not, and no more: a short answer in a big buffer costs its length.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"

enum { FIRST_BYTES = 256 };

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
	if (!b)
		return;
	if (b->p) {
		sodium_memzero(b->p, b->touched);
		free(b->p);
	}
	*b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
	if (b->p)
		sodium_memzero(b->p, b->touched);
	b->n = b->touched = 0;
	b->overflow = false;
}

bool buf_ok(const struct buf *b)
{
	return !b->overflow;
}

struct slice buf_slice(const struct buf *b)
{
	return slice_make(b->p, b->n);
}

/* Makes room for `need` bytes in all and the NUL behind them. */
static void grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : FIRST_BYTES;
	char *bigger;

	while (cap <= need)
		cap = cap > SIZE_MAX / 2 ? need + 1 : cap * 2;
	bigger = mem_realloc(NULL, cap, 1); /* not zeroed: what nobody wrote is neither read nor wiped */
	if (b->p) {
		memcpy(bigger, b->p, b->n);
		sodium_memzero(b->p, b->touched);
		free(b->p);
	}
	bigger[b->n] = '\0';
	b->p = bigger;
	b->cap = cap;
	b->touched = b->n;
}

static char *room(struct buf *b, size_t n)
{
	size_t need;

	if (b->overflow || n > b->max - b->n) {
		b->overflow = true;
		return NULL;
	}
	need = b->n + n;
	if (need >= b->cap)
		grow(b, need);
	if (need >= b->touched)
		b->touched = need + 1;
	return b->p + b->n;
}

void buf_ensure(struct buf *b, size_t n)
{
	if (!b->overflow && n <= b->max - b->n && b->n + n >= b->cap)
		grow(b, b->n + n);
}

char *buf_reserve(struct buf *b, size_t n)
{
	return room(b, n);
}

void buf_commit(struct buf *b, size_t n)
{
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_put(struct buf *b, struct slice bytes)
{
	char *to = bytes.n ? room(b, bytes.n) : NULL;

	if (!to)
		return;
	memcpy(to, bytes.p, bytes.n);
	b->n += bytes.n;
	to[bytes.n] = '\0';
}

void buf_puts(struct buf *b, const char *text)
{
	buf_put(b, slice_from(text));
}

void buf_putc(struct buf *b, char c)
{
	char *to = room(b, 1);

	if (!to)
		return;
	to[0] = c;
	to[1] = '\0';
	b->n++;
}

void buf_put_all(struct buf *b, const struct slice *parts, size_t n)
{
	size_t total = 0;
	char *to;

	for (size_t i = 0; i < n; i++)
		total = parts[i].n > SIZE_MAX - total ? SIZE_MAX : total + parts[i].n;
	to = total ? room(b, total) : NULL;
	if (!to)
		return;
	for (size_t i = 0; i < n; i++)
		if (parts[i].n) {
			memcpy(to, parts[i].p, parts[i].n);
			to += parts[i].n;
		}
	b->n += total;
	*to = '\0';
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	int n;
	char *to;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	to = n < 0 ? NULL : buf_reserve(b, (size_t)n);
	if (to) {
		vsnprintf(to, (size_t)n + 1, format, again);
		buf_commit(b, (size_t)n);
	} else {
		b->overflow = true;
	}
	va_end(again);
}

void buf_put_i64(struct buf *b, int64_t value)
{
	char digits[20]; /* of 9223372036854775808, and a sign */
	size_t at = sizeof digits;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		digits[--at] = '-';
	buf_put(b, slice_make(digits + at, sizeof digits - at));
}

void buf_consume(struct buf *b, size_t n)
{
	if (n > b->n)
		n = b->n;
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	sodium_memzero(b->p + (b->n - n), n);
	b->n -= n;
}

void buf_cut(struct buf *b, size_t n)
{
	if (n >= b->n)
		return;
	sodium_memzero(b->p + n, b->n - n);
	b->n = n;
}

const char *buf_cstr(struct buf *b)
{
	if (!b->p)
		grow(b, 0);
	if (b->n >= b->touched)
		b->touched = b->n + 1;
	b->p[b->n] = '\0';
	return b->p;
}
