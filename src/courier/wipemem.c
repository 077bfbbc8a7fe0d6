/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc with the size kept before the block, so that freeing can wipe. May return NULL, as libcurl
 * handles that itself. Must never let realloc move a block without wiping the old place.
 */
#include "courier/wipemem.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "secret/secret.h"

struct block {
	size_t n;
	_Alignas(16) char bytes[];
};

void *wipemem_malloc(size_t n)
{
	struct block *b;
	size_t total;

	if (__builtin_add_overflow(n, sizeof *b, &total))
		return NULL;
	b = malloc(total);
	if (!b)
		return NULL;
	b->n = n;
	return b->bytes;
}

void *wipemem_calloc(size_t n, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	p = wipemem_malloc(total);
	if (p)
		memset(p, 0, total);
	return p;
}

void wipemem_free(void *p)
{
	struct block *b = p ? CONTAINER_OF(p, struct block, bytes) : NULL;

	if (!b)
		return;
	secret_wipe(b->bytes, b->n);
	free(b);
}

void *wipemem_realloc(void *p, size_t n)
{
	struct block *b = p ? CONTAINER_OF(p, struct block, bytes) : NULL;
	void *moved = wipemem_malloc(n);

	if (!moved || !b)
		return moved;
	memcpy(moved, b->bytes, b->n < n ? b->n : n);
	wipemem_free(p);
	return moved;
}

char *wipemem_strdup(const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = wipemem_malloc(n);

	if (copy)
		memcpy(copy, text, n);
	return copy;
}
