/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of tokens that were read lately. Must never hand out an entry after a change was told of on which it rests.
 */
#include "worker/cache_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "secret/hash.h"

enum { PARTS_MAX_BYTES = 1024, SWEEP_LEAST = 64, SPARED_MAX = 64 };
/* The hash is random already. */
static uint32_t *bucket_of(const struct cache *c, const unsigned char key[CACHE_KEY_BYTES])
{
	uint32_t h;

	memcpy(&h, key, sizeof h);
	return &c->bucket[h & c->bucket_mask];
}

struct cache *cache_new(size_t bytes, const struct stripes *stripes)
{
	struct cache *c = MEM_NEW(struct cache);
	size_t buckets = 1;

	c->stripes = stripes;
	random_bytes(c->hash_key, sizeof c->hash_key);
	cache_blocks_init(c, bytes);
	if (!c->region)
		return c;
	while (buckets < c->block_count / 2)
		buckets *= 2;
	c->bucket = MEM_NEW_N(buckets, uint32_t);
	c->bucket_mask = (uint32_t)buckets - 1;
	return c;
}

/* Out of the order of age. */
static void leave_order(struct cache *c, const struct entry *e)
{
	if (e->older)
		entry_at(c, e->older)->newer = e->newer;
	else
		c->oldest = e->newer;
	if (e->newer)
		entry_at(c, e->newer)->older = e->older;
	else
		c->newest = e->older;
}

static void become_newest(struct cache *c, uint32_t at)
{
	struct entry *e = entry_at(c, at);

	e->older = c->newest;
	e->newer = NO_BLOCK;
	if (c->newest)
		entry_at(c, c->newest)->newer = at;
	else
		c->oldest = at;
	c->newest = at;
}

static void drop(struct cache *c, uint32_t at)
{
	const struct entry *e = entry_at(c, at);
	uint32_t *link = bucket_of(c, e->key);

	while (*link != at)
		link = &entry_at(c, *link)->same_bucket;
	*link = e->same_bucket;
	leave_order(c, e);
	cache_blocks_give_back(c, at);
	c->count--;
}

/*
 * Who was asked for since it was last passed over gets another round: nearly the order of use, without writing it at each hit.
 * Where all were, one of them goes all the same: going through a large table would keep everybody waiting.
 */
static void make_room(struct cache *c, uint32_t blocks)
{
	unsigned spared = 0;

	while (c->free_count < blocks) {
		uint32_t at = c->oldest;
		struct entry *e = entry_at(c, at);

		if (!e->asked || spared == SPARED_MAX) {
			drop(c, at);
			continue;
		}
		spared++;
		e->asked = false;
		leave_order(c, e);
		become_newest(c, at);
	}
}

void cache_free(struct cache **cp)
{
	struct cache *c = cp ? *cp : NULL;

	if (!c)
		return;
	while (c->oldest)
		drop(c, c->oldest);
	cache_blocks_done(c);
	free(c->bucket);
	secret_wipe(c, sizeof *c);
	free(c);
	*cp = NULL;
}

bool cache_key(const struct cache *c, const struct slice *parts, size_t n, unsigned char ret[CACHE_KEY_BYTES])
{
	char all[PARTS_MAX_BYTES];
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t length = parts[i].p ? parts[i].n : UINT64_MAX;

		if (parts[i].n > sizeof all - used || sizeof length > sizeof all - used - parts[i].n) {
			secret_wipe(all, used);
			return false;
		}
		memcpy(all + used, &length, sizeof length);
		if (parts[i].p && parts[i].n)
			memcpy(all + used + sizeof length, parts[i].p, parts[i].n);
		used += sizeof length + parts[i].n;
	}
	hash_keyed(c->hash_key, slice_make(all, used), ret);
	secret_wipe(all, used);
	return true;
}

/* The entry's first block with all but chain, order and body. */
static void fill_head(struct entry *e, const unsigned char key[CACHE_KEY_BYTES], const struct cache_fill *fill,
		      const struct slice text[TEXT__COUNT])
{
	e->kind = BLOCK_ENTRY;
	memcpy(e->key, key, CACHE_KEY_BYTES);
	e->epoch = fill->epoch;
	e->life = fill->token.life;
	e->used_at = fill->token.used_at;
	e->user_stripe = stripes_of(slice_from(fill->user_id));
	e->grant_stripe = stripes_of(slice_from(fill->grant_id));
	e->before_n = (uint32_t)fill->before.n;
	e->after_n = (uint32_t)fill->after.n;
	e->texts_n = 0;
	for (int i = 0; i < TEXT__COUNT; i++) {
		e->text_at[i] = e->texts_n;
		if (text[i].n)
			memcpy(e->bytes + e->texts_n, text[i].p, text[i].n);
		e->bytes[e->texts_n + text[i].n] = '\0';
		e->texts_n = (uint16_t)(e->texts_n + text[i].n + 1);
	}
}

static void link_in(struct cache *c, uint32_t at)
{
	struct entry *e = entry_at(c, at);
	uint32_t *bucket = bucket_of(c, e->key);

	e->same_bucket = *bucket;
	*bucket = at;
	e->asked = false;
	become_newest(c, at);
	c->count++;
}

static uint32_t find(const struct cache *c, const unsigned char key[CACHE_KEY_BYTES])
{
	uint32_t at = c->bucket ? *bucket_of(c, key) : NO_BLOCK;

	while (at != NO_BLOCK && memcmp(entry_at(c, at)->key, key, CACHE_KEY_BYTES) != 0)
		at = entry_at(c, at)->same_bucket;
	return at;
}

static bool is_unchanged(const struct cache *c, const struct entry *e)
{
	return stripes_unchanged(c->stripes, e->epoch, e->user_stripe, e->grant_stripe);
}

void cache_put(struct cache *c, const unsigned char key[CACHE_KEY_BYTES], const struct cache_fill *fill)
{
	const struct slice text[TEXT__COUNT] = {slice_from(fill->token.connection_id), slice_from(fill->token.actor),
						slice_from(fill->token.subject)};
	size_t texts = 0, body = fill->before.n + fill->after.n, more = 0;
	uint32_t at, old = find(c, key);
	struct cache_cursor cursor;

	for (int i = 0; i < TEXT__COUNT; i++)
		texts += text[i].n + 1;
	if (old)
		drop(c, old);
	if (texts > (size_t)ENTRY_ROOM || body > CACHE_BODY_MAX)
		return;
	if (body > (size_t)ENTRY_ROOM - texts)
		more = (body - ((size_t)ENTRY_ROOM - texts) - 1) / sizeof(((struct more *)NULL)->bytes) + 1;
	if (more + 1 >= c->block_count)
		return;
	make_room(c, (uint32_t)more + 1);
	at = cache_blocks_take(c);
	fill_head(entry_at(c, at), key, fill, text);
	entry_at(c, at)->next = NO_BLOCK;
	while (more--) {
		uint32_t b = cache_blocks_take(c);

		more_at(c, b)->kind = BLOCK_MORE;
		more_at(c, b)->next = entry_at(c, at)->next;
		entry_at(c, at)->next = b;
	}
	cursor = cache_body(c, at);
	cache_body_store(&cursor, fill->before);
	cache_body_store(&cursor, fill->after);
	link_in(c, at);
	if (!is_unchanged(c, entry_at(c, at)))
		drop(c, at);
}

bool cache_find(struct cache *c, const unsigned char key[CACHE_KEY_BYTES], struct cache_hit *ret)
{
	uint32_t at = find(c, key);
	struct entry *e;

	if (at == NO_BLOCK)
		return false;
	e = entry_at(c, at);
	if (!is_unchanged(c, e)) {
		drop(c, at);
		return false;
	}
	e->asked = true;
	*ret = (struct cache_hit){
		.token = {.connection_id = e->bytes + e->text_at[TEXT_CONNECTION],
			  .actor = e->bytes + e->text_at[TEXT_ACTOR],
			  .subject = e->bytes + e->text_at[TEXT_SUBJECT],
			  .life = e->life,
			  .used_at = e->used_at},
		.at = at,
	};
	return true;
}

void cache_put_body(const struct cache *c, const struct cache_hit *hit, int64_t seconds, struct buf *out)
{
	const struct entry *e = entry_at(c, hit->at);
	struct cache_cursor cursor = cache_body(c, hit->at);

	(void)buf_reserve(out, (size_t)e->before_n + e->after_n + 24);
	cache_body_load(&cursor, e->before_n, out);
	if (e->life.expires_at)
		buf_put_i64(out, seconds);
	cache_body_load(&cursor, e->after_n, out);
}

void cache_noted(struct cache *c, const struct cache_hit *hit, int64_t at)
{
	entry_at(c, hit->at)->used_at = at;
}

void cache_sweep(struct cache *c, int64_t now)
{
	uint32_t blocks = c->fresh / CACHE_SWEEPS + SWEEP_LEAST;

	while (blocks-- && c->count) {
		const struct entry *e;

		if (++c->swept >= c->fresh)
			c->swept = 1;
		e = entry_at(c, c->swept);
		if (e->kind == BLOCK_ENTRY && (!is_unchanged(c, e) || (e->life.expires_at && e->life.expires_at <= now)))
			drop(c, c->swept);
	}
}

size_t cache_count(const struct cache *c)
{
	return c->count;
}

size_t cache_bytes(const struct cache *c)
{
	return c->region ? (size_t)(c->block_count - 1 - c->free_count) * CACHE_BLOCK_BYTES : 0;
}
