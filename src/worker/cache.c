/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of tokens that were read lately. Must never hand out an entry after a change was told of on which it rests, nor
 * let go of a block without wiping it.
 */
#include "worker/cache.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "base/random.h"
#include "secret/hash.h"

enum { NO_BLOCK = 0, PARTS_MAX_BYTES = 1024, SWEEP_LEAST = 64, SPARED_MAX = 64 };
enum block_kind { BLOCK_FREE, BLOCK_ENTRY, BLOCK_MORE };
enum text { TEXT_CONNECTION, TEXT_ACTOR, TEXT_SUBJECT, TEXT__COUNT };

/* Any block but an entry's first. */
struct more {
	uint32_t next;
	uint32_t kind;
	char bytes[CACHE_BLOCK_BYTES - 8];
};

/* The first block of an entry: `bytes` begins with its texts, each with its NUL; then comes the body, on into the blocks behind. */
struct entry {
	uint32_t next;
	uint32_t kind;
	unsigned char key[CACHE_KEY_BYTES];
	uint64_t epoch;
	struct grant_life life;
	int64_t used_at;
	uint32_t same_bucket, older, newer;
	uint32_t user_stripe, grant_stripe;
	uint32_t before_n, after_n;
	uint16_t text_at[TEXT__COUNT], texts_n;
	bool asked; /* since it was last passed over */
	char bytes[];
};

enum { ENTRY_ROOM = CACHE_BLOCK_BYTES - (int)offsetof(struct entry, bytes) };
_Static_assert(sizeof(struct more) == CACHE_BLOCK_BYTES && (int)ENTRY_ROOM > 360, "an entry's texts fit beside its head");

struct cache {
	const struct stripes *stripes;
	unsigned char hash_key[HASH_KEY_BYTES];
	char *region;
	size_t region_bytes;
	uint32_t *bucket;
	uint32_t bucket_mask;
	uint32_t block_count; /* block 0 is never used */
	uint32_t fresh;       /* the first block that has never been used: pages behind it are not touched */
	uint32_t free;        /* chain of blocks that were given back */
	uint32_t free_count;  /* both together */
	uint32_t oldest, newest;
	uint32_t swept;       /* where the sweep goes on */
	size_t count;
};

static struct more *more_at(const struct cache *c, uint32_t at)
{
	return (struct more *)(void *)(c->region + (size_t)at * CACHE_BLOCK_BYTES);
}

static struct entry *entry_at(const struct cache *c, uint32_t at)
{
	return (struct entry *)(void *)(c->region + (size_t)at * CACHE_BLOCK_BYTES);
}

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
	size_t blocks = bytes / CACHE_BLOCK_BYTES, buckets = 1;

	c->stripes = stripes;
	random_bytes(c->hash_key, sizeof c->hash_key);
	if (blocks > UINT32_MAX / 2)
		blocks = UINT32_MAX / 2;
	if (blocks < 2)
		return c;
	c->region_bytes = blocks * CACHE_BLOCK_BYTES;
	c->region = mmap(NULL, c->region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->region == MAP_FAILED || madvise(c->region, c->region_bytes, MADV_DONTDUMP) != 0) {
		fputs("no memory for the cache\n", stderr);
		abort();
	}
	while (buckets < blocks / 2)
		buckets *= 2;
	c->bucket = MEM_NEW_N(buckets, uint32_t);
	c->bucket_mask = (uint32_t)buckets - 1;
	c->block_count = (uint32_t)blocks;
	c->fresh = 1;
	c->free_count = (uint32_t)blocks - 1;
	return c;
}

static uint32_t take_block(struct cache *c)
{
	uint32_t at = c->free;

	c->free_count--;
	if (at == NO_BLOCK)
		return c->fresh++;
	c->free = more_at(c, at)->next;
	return at;
}

static void give_chain_back(struct cache *c, uint32_t at)
{
	while (at != NO_BLOCK) {
		struct more *b = more_at(c, at);
		uint32_t next = b->next;

		secret_wipe(b, sizeof *b);
		b->next = c->free;
		c->free = at;
		c->free_count++;
		at = next;
	}
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
	give_chain_back(c, at);
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
	if (c->region)
		munmap(c->region, c->region_bytes);
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

/* A place in an entry's body, block after block. */
struct cursor {
	const struct cache *cache;
	char *p;
	size_t left; /* in this block */
	uint32_t next;
};

static struct cursor body_of(const struct cache *c, uint32_t at)
{
	struct entry *e = entry_at(c, at);

	return (struct cursor){.cache = c, .p = e->bytes + e->texts_n, .left = (size_t)ENTRY_ROOM - e->texts_n, .next = e->next};
}

/* The next piece of at most `n` bytes. */
static struct slice next_piece(struct cursor *at, size_t n)
{
	struct slice piece;

	if (at->left == 0) {
		struct more *b = more_at(at->cache, at->next);

		at->p = b->bytes;
		at->left = sizeof b->bytes;
		at->next = b->next;
	}
	piece = slice_make(at->p, n < at->left ? n : at->left);
	at->p += piece.n;
	at->left -= piece.n;
	return piece;
}

static void store_bytes(struct cursor *at, struct slice bytes)
{
	while (bytes.n) {
		struct slice piece = next_piece(at, bytes.n);

		memcpy((char *)(uintptr_t)piece.p, bytes.p, piece.n);
		bytes = slice_sub(bytes, piece.n, bytes.n);
	}
}

static void load_bytes(struct cursor *at, size_t n, struct buf *out)
{
	while (n) {
		struct slice piece = next_piece(at, n);

		buf_put(out, piece);
		n -= piece.n;
	}
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
	struct cursor cursor;

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
	at = take_block(c);
	fill_head(entry_at(c, at), key, fill, text);
	entry_at(c, at)->next = NO_BLOCK;
	while (more--) {
		uint32_t b = take_block(c);

		more_at(c, b)->kind = BLOCK_MORE;
		more_at(c, b)->next = entry_at(c, at)->next;
		entry_at(c, at)->next = b;
	}
	cursor = body_of(c, at);
	store_bytes(&cursor, fill->before);
	store_bytes(&cursor, fill->after);
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
	struct cursor cursor = body_of(c, hit->at);

	(void)buf_reserve(out, (size_t)e->before_n + e->after_n + 24);
	load_bytes(&cursor, e->before_n, out);
	if (e->life.expires_at)
		buf_put_i64(out, seconds);
	load_bytes(&cursor, e->after_n, out);
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
