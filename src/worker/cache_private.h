/* SPDX-License-Identifier: Apache-2.0 */
/* How the cache keeps its entries: chains of blocks in one region. For cache.c and cache_blocks.c alone. */
#pragma once

#include "worker/cache.h"

#include <stddef.h>

enum { NO_BLOCK = 0 };
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

static inline struct more *more_at(const struct cache *c, uint32_t at)
{
	return (struct more *)(void *)(c->region + (size_t)at * CACHE_BLOCK_BYTES);
}

static inline struct entry *entry_at(const struct cache *c, uint32_t at)
{
	return (struct entry *)(void *)(c->region + (size_t)at * CACHE_BLOCK_BYTES);
}

/* Room for `bytes`; too few for any block: `region` stays NULL. No memory ends the process. */
void cache_blocks_init(struct cache *c, size_t bytes);
void cache_blocks_done(struct cache *c);
/* One of free_count. */
uint32_t cache_blocks_take(struct cache *c);
/* Wipes the block and those behind it. */
void cache_blocks_give_back(struct cache *c, uint32_t at);

/* A place in an entry's body, block after block. */
struct cache_cursor {
	const struct cache *cache;
	char *p;
	size_t left; /* in this block */
	uint32_t next;
};

struct cache_cursor cache_body(const struct cache *c, uint32_t at);
/* The chain has room for all of them. */
void cache_body_store(struct cache_cursor *at, struct slice bytes);
void cache_body_load(struct cache_cursor *at, size_t n, struct buf *out);
