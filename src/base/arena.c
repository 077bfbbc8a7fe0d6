/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunked request memory, wiped at the end as far as it was handed out: what lies behind is zero as it came, which also spares
 * the zeroing of what is handed out next. Must never hand out memory that outlives the arena.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"

/* So that memory which is kept for the next user is as forbidden to the last one as if it were freed. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

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

static void wipe(struct chunk *c)
{
	ASAN_UNPOISON_MEMORY_REGION(c->bytes, c->used);
	sodium_memzero(c->bytes, c->used);
	ASAN_POISON_MEMORY_REGION(c->bytes, c->used);
	c->used = 0;
}

static void give_back(struct chunk *c)
{
	if (c)
		ASAN_UNPOISON_MEMORY_REGION(c->bytes, c->cap);
	free(c);
}

/* Down to the first chunk, which is the last in the list. */
static void empty(struct arena *a)
{
	for (struct owned *o = a->owned; o; o = o->next)
		o->fn(o->p);
	a->owned = NULL;
	a->total = 0;
	for (struct chunk *c = a->chunks, *next; c; c = next) {
		next = c->next;
		wipe(c);
		a->chunks = c;
		if (next)
			give_back(c);
	}
}

void arena_reset(struct arena *a)
{
	empty(a);
	if (a->chunks && a->chunks->cap > CHUNK_BYTES) {
		give_back(a->chunks);
		a->chunks = NULL;
	}
}

void arena_free(struct arena **ap)
{
	struct arena *a = ap ? *ap : NULL;

	if (!a)
		return;
	empty(a);
	give_back(a->chunks);
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
	ASAN_POISON_MEMORY_REGION(c->bytes, cap);
	return c;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
	struct chunk *c = a->chunks;
	size_t asked, bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &asked) || asked > a->max - a->total) {
		fputs("arena limit exceeded\n", stderr);
		abort();
	}
	bytes = asked ? (asked - 1) / ALIGN * ALIGN + ALIGN : ALIGN; /* `max` is far below where this could wrap */
	if (!c || bytes > c->cap - c->used)
		c = add_chunk(a, bytes);
	p = c->bytes + c->used;
	ASAN_UNPOISON_MEMORY_REGION(p, asked);
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
