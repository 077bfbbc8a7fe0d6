/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens that were read lately, so that reading them again costs no look into the database. One per worker, used on its loop only.
 *
 * An entry is found by a keyed hash over the whole question: the API key as it was presented, the reference, the app, the user.
 * Finding it is the comparison of the key: there is no byte to compare one after the other, and the key itself is not kept.
 * An entry is handed out only while nothing has changed on which it rests (store/stripes.h). Nothing negative is kept.
 *
 * Entries are chains of blocks in one region of fixed size. The region is left out of core dumps, and a block is wiped when
 * its entry goes.
 */
#pragma once

#include "base/buf.h"
#include "core/grants.h"
#include "store/stripes.h"

enum { CACHE_KEY_BYTES = 32, CACHE_BLOCK_BYTES = 512, CACHE_BODY_MAX = 32 * 1024, CACHE_SWEEPS = 16 };

struct cache;

/* A token as it was answered. Texts are borrowed; those of a found one hold until the next call. */
struct cache_token {
	const char *connection_id, *actor;
	const char *subject; /* of its audit record, of record_put_subject() */
	struct grant_life life;
	int64_t used_at; /* the last use that was noted, or is about to be */
};

/* Tokens and their surroundings may take up to so many bytes; too few for any: every look is a miss. */
struct cache *cache_new(size_t bytes, const struct stripes *stripes);
/* Wipes everything. */
void cache_free(struct cache **c);

/* The key of a question. Each part counts with its length; one with p NULL is absent, which differs from empty. False: they are too long. */
bool cache_key(const struct cache *c, const struct slice *parts, size_t n, unsigned char ret[CACHE_KEY_BYTES]);
/* A token to be kept. */
struct cache_fill {
	struct cache_token token;
	const char *user_id, *grant_id; /* on whose changes it rests */
	uint64_t epoch;                 /* taken before its first row was read */
	struct slice before, after;     /* the answer's body around the digits of its remaining seconds */
};

/* Keeps it, unless its rows may have changed meanwhile or it is too large. */
void cache_put(struct cache *c, const unsigned char key[CACHE_KEY_BYTES], const struct cache_fill *fill);

struct cache_hit {
	struct cache_token token;
	uint32_t at; /* the cache's own */
};

/* False: it is not there, or something has changed. */
bool cache_find(struct cache *c, const unsigned char key[CACHE_KEY_BYTES], struct cache_hit *ret);
/* Appends the answer's body, `seconds` where they belong if the token has an end. */
void cache_put_body(const struct cache *c, const struct cache_hit *hit, int64_t seconds, struct buf *out);
/* Remembers that a use at that time is noted. */
void cache_noted(struct cache *c, const struct cache_hit *hit, int64_t at);
/*
 * Looks through a part of all entries and wipes those that can never be handed out again, because something changed or the
 * token is over. CACHE_SWEEPS calls in a row have met every entry.
 */
void cache_sweep(struct cache *c, int64_t now);

/* How many entries there are, and how many bytes they take. */
size_t cache_count(const struct cache *c);
size_t cache_bytes(const struct cache *c);
