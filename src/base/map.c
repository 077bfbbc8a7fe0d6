/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chained hash table with a keyed hash; doubles when as full as it is wide. Must never use an
 * unkeyed hash: keys come from outside.
 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"
#include "base/random.h"

struct entry {
	struct entry *next;
	uint64_t hash;
	void *value;
	size_t key_n;
	char key[];
};

struct map {
	struct entry **slots;
	size_t width; /* a power of two */
	size_t count;
	unsigned char seed[crypto_shorthash_KEYBYTES];
};

struct map *map_new(void)
{
	struct map *m = MEM_NEW(struct map);

	m->width = 16;
	m->slots = MEM_NEW_N(m->width, struct entry *);
	random_bytes(m->seed, sizeof m->seed);
	return m;
}

void map_free(struct map **mp)
{
	struct map *m = mp ? *mp : NULL;

	if (!m)
		return;
	for (size_t i = 0; i < m->width; i++) {
		while (m->slots[i]) {
			struct entry *e = m->slots[i];

			m->slots[i] = e->next;
			free(e);
		}
	}
	free(m->slots);
	free(m);
	*mp = NULL;
}

size_t map_count(const struct map *m)
{
	return m->count;
}

static uint64_t hash_key(const struct map *m, struct slice key)
{
	unsigned char out[crypto_shorthash_BYTES];
	uint64_t hash;

	crypto_shorthash(out, (const unsigned char *)(key.n ? key.p : ""), key.n, m->seed);
	memcpy(&hash, out, sizeof hash);
	return hash;
}

/* The link that points at the entry, or the NULL link at the end of its chain. */
static struct entry **locate(const struct map *m, struct slice key, uint64_t hash)
{
	struct entry **link = &m->slots[hash & (m->width - 1)];

	while (*link && ((*link)->hash != hash || !slice_eq(key, slice_make((*link)->key, (*link)->key_n))))
		link = &(*link)->next;
	return link;
}

void *map_get(const struct map *m, struct slice key)
{
	const struct entry *e = *locate(m, key, hash_key(m, key));

	return e ? e->value : NULL;
}

static void widen(struct map *m)
{
	size_t width = m->width * 2;
	struct entry **slots = MEM_NEW_N(width, struct entry *);

	for (size_t i = 0; i < m->width; i++) {
		while (m->slots[i]) {
			struct entry *e = m->slots[i];

			m->slots[i] = e->next;
			e->next = slots[e->hash & (width - 1)];
			slots[e->hash & (width - 1)] = e;
		}
	}
	free(m->slots);
	m->slots = slots;
	m->width = width;
}

void *map_put(struct map *m, struct slice key, void *value)
{
	uint64_t hash = hash_key(m, key);
	struct entry **link = locate(m, key, hash);
	struct entry *e = *link;

	if (e) {
		void *before = e->value;

		e->value = value;
		return before;
	}
	e = mem_calloc(1, sizeof *e + key.n);
	e->hash = hash;
	e->value = value;
	e->key_n = key.n;
	if (key.n)
		memcpy(e->key, key.p, key.n);
	*link = e;
	if (++m->count > m->width)
		widen(m);
	return NULL;
}

void *map_remove(struct map *m, struct slice key)
{
	struct entry **link = locate(m, key, hash_key(m, key));
	struct entry *e = *link;
	void *value;

	if (!e)
		return NULL;
	value = e->value;
	*link = e->next;
	free(e);
	m->count--;
	return value;
}

void map_each(const struct map *m, void (*fn)(struct slice key, void *value, void *arg), void *arg)
{
	for (size_t i = 0; i < m->width; i++)
		for (const struct entry *e = m->slots[i]; e; e = e->next)
			fn(slice_make(e->key, e->key_n), e->value, arg);
}
