/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of which the cache's entries are made. Must never let go of one without wiping it, nor let one get into a core file. */
#include "worker/cache_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"

void cache_blocks_init(struct cache *c, size_t bytes)
{
	size_t blocks = bytes / CACHE_BLOCK_BYTES;

	if (blocks > UINT32_MAX / 2)
		blocks = UINT32_MAX / 2;
	if (blocks < 2)
		return;
	c->region_bytes = blocks * CACHE_BLOCK_BYTES;
	c->region = mmap(NULL, c->region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->region == MAP_FAILED || madvise(c->region, c->region_bytes, MADV_DONTDUMP) != 0) {
		fputs("no memory for the cache\n", stderr);
		abort();
	}
	c->block_count = (uint32_t)blocks;
	c->fresh = 1;
	c->free_count = (uint32_t)blocks - 1;
}

void cache_blocks_done(struct cache *c)
{
	if (c->region)
		munmap(c->region, c->region_bytes);
	c->region = NULL;
}

uint32_t cache_blocks_take(struct cache *c)
{
	uint32_t at = c->free;

	c->free_count--;
	if (at == NO_BLOCK)
		return c->fresh++;
	c->free = more_at(c, at)->next;
	return at;
}

void cache_blocks_give_back(struct cache *c, uint32_t at)
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

struct cache_cursor cache_body(const struct cache *c, uint32_t at)
{
	struct entry *e = entry_at(c, at);

	return (struct cache_cursor){.cache = c, .p = e->bytes + e->texts_n, .left = (size_t)ENTRY_ROOM - e->texts_n, .next = e->next};
}

/* The next piece of at most `n` bytes. */
static struct slice next_piece(struct cache_cursor *at, size_t n)
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

void cache_body_store(struct cache_cursor *at, struct slice bytes)
{
	while (bytes.n) {
		struct slice piece = next_piece(at, bytes.n);

		memcpy((char *)(uintptr_t)piece.p, bytes.p, piece.n);
		bytes = slice_sub(bytes, piece.n, bytes.n);
	}
}

void cache_body_load(struct cache_cursor *at, size_t n, struct buf *out)
{
	while (n) {
		struct slice piece = next_piece(at, n);

		buf_put(out, piece);
		n -= piece.n;
	}
}
