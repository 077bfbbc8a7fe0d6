/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc with the size kept before the block, so that freeing can wipe. May return NULL, as libcurl
 * handles that itself. Must never let realloc move a block without wiping the old place.
 */
#include "courier/wipemem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secret/secret.h"

enum { FRONT_BYTES = 16 }; /* the size stands here; keeps the alignment of malloc */

static size_t size_of(const char *p)
{
	size_t n;

	memcpy(&n, p - FRONT_BYTES, sizeof n);
	return n;
}

void *wipemem_malloc(size_t n)
{
	char *front = n > SIZE_MAX - FRONT_BYTES ? NULL : malloc(n + FRONT_BYTES);

	if (!front)
		return NULL;
	memcpy(front, &n, sizeof n);
	return front + FRONT_BYTES;
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
	if (!p)
		return;
	secret_wipe(p, size_of(p));
	free((char *)p - FRONT_BYTES);
}

void *wipemem_realloc(void *p, size_t n)
{
	void *moved = wipemem_malloc(n);
	size_t old_n;

	if (!moved || !p)
		return moved;
	old_n = size_of(p);
	memcpy(moved, p, old_n < n ? old_n : n);
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
