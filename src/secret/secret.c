/* SPDX-License-Identifier: Apache-2.0 */
/* Owned clear bytes that are wiped. Must never grow in place and never be handed to printf or the log. */
#include "secret/secret.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"
#include "base/random.h"

struct secret {
	size_t n;
	char bytes[];
};

static struct secret *alloc(size_t n)
{
	struct secret *s = mem_calloc(1, sizeof *s + n + 1);

	s->n = n;
	return s;
}

struct secret *secret_new(struct slice bytes)
{
	struct secret *s = alloc(bytes.n);

	if (bytes.n)
		memcpy(s->bytes, bytes.p, bytes.n);
	return s;
}

struct secret *secret_random(size_t n)
{
	struct secret *s = alloc(n);

	random_bytes(s->bytes, n);
	return s;
}

void secret_free(struct secret **sp)
{
	struct secret *s = sp ? *sp : NULL;

	if (!s)
		return;
	sodium_memzero(s, sizeof *s + s->n + 1);
	free(s);
	*sp = NULL;
}

struct slice secret_expose(const struct secret *s)
{
	return s ? slice_make(s->bytes, s->n) : slice_make("", 0);
}

size_t secret_length(const struct secret *s)
{
	return s ? s->n : 0;
}

bool secret_equal(const struct secret *a, struct slice b)
{
	return a && a->n == b.n && sodium_memcmp(a->bytes, b.n ? b.p : "", b.n) == 0;
}

void secret_wipe(void *p, size_t n)
{
	sodium_memzero(p, n);
}

static void free_owned(void *p)
{
	struct secret *s = p;

	secret_free(&s);
}

struct secret *secret_in_arena(struct arena *a, struct secret *s)
{
	if (s)
		arena_own(a, s, free_owned);
	return s;
}
