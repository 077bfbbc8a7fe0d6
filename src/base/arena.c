/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked request memory, wiped at the end. Must never hand out memory that outlives the arena. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"

enum { CHUNK_BYTES = 8192, ALIGN = 16 };

struct chunk {
	struct chunk *next;
	size_t used, cap;
	_Alignas(16) char bytes[];
};

struct owned {
	struct owned *next;
	void *p;
	void (*fn)(void *);
};

struct arena {
	struct chunk *chunks;
	struct owned *owned;
	size_t total, max;
};

struct arena *arena_new(size_t max_bytes)
{
	struct arena *a = MEM_NEW(struct arena);

	a->max = max_bytes < SIZE_MAX / 2 ? max_bytes : SIZE_MAX / 2;
	return a;
}

void arena_free(struct arena **ap)
{
	struct arena *a = ap ? *ap : NULL;

	if (!a)
		return;
	for (struct owned *o = a->owned; o; o = o->next)
		o->fn(o->p);
	while (a->chunks) {
		struct chunk *c = a->chunks;

		a->chunks = c->next;
		sodium_memzero(c, sizeof *c + c->cap);
		free(c);
	}
	free(a);
	*ap = NULL;
}

static struct chunk *add_chunk(struct arena *a, size_t bytes)
{
	size_t cap = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	struct chunk *c = mem_calloc(1, sizeof *c + cap);

	c->cap = cap;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
	struct chunk *c = a->chunks;
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > a->max - a->total) {
		fputs("arena limit exceeded\n", stderr);
		abort();
	}
	bytes = bytes ? (bytes - 1) / ALIGN * ALIGN + ALIGN : ALIGN; /* `max` is far below where this could wrap */
	if (!c || bytes > c->cap - c->used)
		c = add_chunk(a, bytes);
	p = c->bytes + c->used;
	c->used += bytes;
	a->total += bytes;
	if (a->total > a->max)
		a->total = a->max;
	return p;
}

char *arena_strndup(struct arena *a, struct slice text)
{
	char *copy = arena_alloc(a, text.n + 1, 1);

	if (text.n)
		memcpy(copy, text.p, text.n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
	return arena_strndup(a, slice_from(text));
}

struct slice arena_copy(struct arena *a, struct slice bytes)
{
	return slice_make(arena_strndup(a, bytes), bytes.n);
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args, again;
	char *text;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1, 1);
	if (n > 0)
		vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	return text;
}

void arena_own(struct arena *a, void *owned, void (*fn)(void *owned))
{
	struct owned *o = ARENA_NEW(a, struct owned);

	*o = (struct owned){.next = a->owned, .p = owned, .fn = fn};
	a->owned = o;
}
