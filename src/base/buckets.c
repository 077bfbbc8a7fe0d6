/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared table. A bucket is one number: the moment at which it will be full again (GCRA, the token bucket without
 * a timer). A count of failures is one number too: the moment at which the last of them is forgotten, with their number in
 * the lowest byte. So both change by one compare-and-swap, and of two places the lower number is the one that may go.
 * Must never take memory for what a stranger sends.
 */
#include "base/buckets.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/shared.h"

enum { ROW = 4, FAILURES_MAX = 64 };
#define FAILURES_MASK ((uint64_t)0xFF)

struct place {
	_Atomic uint64_t id; /* 0: nobody's */
	_Atomic uint64_t value;
};

struct buckets {
	_Alignas(64) unsigned char seed[crypto_shorthash_siphashx24_KEYBYTES];
	_Alignas(64) struct place place[BUCKETS_COUNT];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "what processes share must not depend on a lock inside one of them");
_Static_assert(sizeof(struct place) * ROW == 64, "a row is one cache line");

enum err buckets_create(int *ret_fd, struct errinfo *ei)
{
	unsigned char seed[crypto_shorthash_siphashx24_KEYBYTES];
	int fd = -1;
	enum err e = shared_create("limits", sizeof(struct buckets), &fd, ei);

	if (e)
		return e;
	random_bytes(seed, sizeof seed);
	if (pwrite(fd, seed, sizeof seed, offsetof(struct buckets, seed)) != (ssize_t)sizeof seed) {
		close(fd);
		return err_set(ei, ERR_CONFIG, "cannot write the key of the limits");
	}
	*ret_fd = fd;
	return ERR_OK;
}

enum err buckets_map(int fd, struct buckets **ret_buckets, struct errinfo *ei)
{
	void *p = NULL;
	enum err e = shared_map("limits", sizeof(struct buckets), fd, &p, ei);

	if (!e)
		*ret_buckets = p;
	return e;
}

void buckets_unmap(struct buckets **bp)
{
	if (bp)
		shared_unmap(TAKE(*bp), sizeof **bp);
}

static uint64_t hash(const struct buckets *b, const void *p, size_t n)
{
	unsigned char out[crypto_shorthash_siphashx24_BYTES];
	uint64_t h;

	crypto_shorthash_siphashx24(out, n ? p : (const unsigned char *)"", n, b->seed);
	memcpy(&h, out, sizeof h);
	return h;
}

uint64_t buckets_id(const struct buckets *b, unsigned char kind, struct slice whose, struct slice within)
{
	const uint64_t parts[3] = {kind, hash(b, whose.p, whose.n), hash(b, within.p, within.n)};
	uint64_t id = hash(b, parts, sizeof parts);

	return id ? id : 1;
}

static struct place *row_of(struct buckets *b, uint64_t id)
{
	return &b->place[id % (BUCKETS_COUNT / ROW) * ROW];
}

/* NULL: nobody of that name has a place. */
static struct place *find(struct buckets *b, uint64_t id)
{
	struct place *row = row_of(b, id);

	for (size_t i = 0; i < ROW; i++)
		if (atomic_load_explicit(&row[i].id, memory_order_relaxed) == id)
			return &row[i];
	return NULL;
}

/* The place of that name, which may have been somebody else's: of the row the one with the lowest number. */
static struct place *find_or_claim(struct buckets *b, uint64_t id)
{
	struct place *place = find(b, id), *row = row_of(b, id);
	uint64_t owner;

	if (place)
		return place;
	place = row;
	for (size_t i = 1; i < ROW; i++)
		if (atomic_load_explicit(&row[i].value, memory_order_relaxed) <
		    atomic_load_explicit(&place->value, memory_order_relaxed))
			place = &row[i];
	owner = atomic_load(&place->id);
	if (owner != id && atomic_compare_exchange_strong(&place->id, &owner, id))
		atomic_store(&place->value, 0);
	return place; /* lost to another who came at the same moment: one request is counted for him */
}

struct bucket_rate bucket_rate_of(uint64_t per_s, uint64_t burst)
{
	struct bucket_rate rate = {0};

	if (!per_s)
		return rate;
	rate.interval_ns = (int64_t)(1000000000u / per_s);
	if (rate.interval_ns < 1)
		rate.interval_ns = 1;
	rate.ahead_ns = rate.interval_ns * (int64_t)(burst ? burst : 1);
	return rate;
}

static int64_t wait_for_one(uint64_t value, const struct bucket_rate *rate, int64_t now_ns, int64_t *ret_full_at)
{
	*ret_full_at = (int64_t)value > now_ns ? (int64_t)value : now_ns;
	return *ret_full_at + rate->interval_ns - rate->ahead_ns - now_ns;
}

int64_t buckets_wait(struct buckets *b, uint64_t id, const struct bucket_rate *rate, int64_t now_ns)
{
	struct place *place = rate->interval_ns ? find(b, id) : NULL;
	int64_t full_at, wait_ns = place ? wait_for_one(atomic_load(&place->value), rate, now_ns, &full_at) : 0;

	return wait_ns > 0 ? wait_ns : 0;
}

int64_t buckets_take(struct buckets *b, uint64_t id, const struct bucket_rate *rate, int64_t now_ns)
{
	struct place *place;
	uint64_t seen;

	if (!rate->interval_ns)
		return 0;
	place = find_or_claim(b, id);
	seen = atomic_load_explicit(&place->value, memory_order_relaxed);
	for (;;) {
		int64_t full_at, wait_ns = wait_for_one(seen, rate, now_ns, &full_at);

		if (wait_ns > 0)
			return wait_ns;
		if (atomic_compare_exchange_weak(&place->value, &seen, (uint64_t)(full_at + rate->interval_ns)))
			return 0;
	}
}

void buckets_give(struct buckets *b, uint64_t id, const struct bucket_rate *rate)
{
	struct place *place = rate->interval_ns ? find(b, id) : NULL;
	uint64_t seen = place ? atomic_load(&place->value) : 0;

	while (seen > (uint64_t)rate->interval_ns &&
	       !atomic_compare_exchange_weak(&place->value, &seen, seen - (uint64_t)rate->interval_ns))
		;
}

struct failures {
	unsigned count; /* as many as were remembered at the last one */
	int64_t forgotten_at;
};

static struct failures failures_of(uint64_t value)
{
	return (struct failures){.count = (unsigned)(value & FAILURES_MASK),
				 .forgotten_at = (int64_t)(value & ~FAILURES_MASK)};
}

static uint64_t pack(struct failures f)
{
	return f.count ? ((uint64_t)f.forgotten_at & ~FAILURES_MASK) | f.count : 0;
}

static int64_t wait_after(const struct bucket_growth *g, unsigned count)
{
	int64_t wait_ns = g->first_ns;

	if (count <= g->free)
		return 0;
	for (unsigned i = g->free + 1; i < count && wait_ns < g->max_ns; i++)
		wait_ns *= 2;
	return wait_ns < g->max_ns ? wait_ns : g->max_ns;
}

static int64_t wait_left(const struct bucket_growth *g, struct failures f, int64_t now_ns)
{
	int64_t last_at = f.forgotten_at - (int64_t)f.count * g->decay_ns;
	int64_t left_ns = last_at + wait_after(g, f.count) - now_ns;

	return f.count && f.forgotten_at > now_ns && left_ns > 0 ? left_ns : 0;
}

static struct failures one_more(const struct bucket_growth *g, struct failures f, int64_t now_ns)
{
	int64_t left = f.forgotten_at > now_ns ? (f.forgotten_at - now_ns + g->decay_ns - 1) / g->decay_ns : 0;
	unsigned count = left < (int64_t)f.count ? (unsigned)left : f.count;

	if (count < FAILURES_MAX)
		count++;
	return (struct failures){.count = count, .forgotten_at = now_ns + (int64_t)count * g->decay_ns};
}

int64_t buckets_attempt(struct buckets *b, uint64_t id, const struct bucket_growth *g, int64_t now_ns)
{
	struct place *place = find_or_claim(b, id);
	uint64_t seen = atomic_load(&place->value);

	for (;;) {
		struct failures f = failures_of(seen);
		int64_t left_ns = wait_left(g, f, now_ns);

		if (left_ns > 0)
			return left_ns;
		if (atomic_compare_exchange_weak(&place->value, &seen, pack(one_more(g, f, now_ns))))
			return 0;
	}
}

void buckets_attempt_undo(struct buckets *b, uint64_t id, const struct bucket_growth *g)
{
	struct place *place = find(b, id);
	uint64_t seen = place ? atomic_load(&place->value) : 0, less;

	do {
		struct failures f = failures_of(seen);

		if (!f.count)
			return;
		less = pack((struct failures){.count = f.count - 1, .forgotten_at = f.forgotten_at - g->decay_ns});
	} while (!atomic_compare_exchange_weak(&place->value, &seen, less));
}

void buckets_forget(struct buckets *b, uint64_t id)
{
	struct place *place = find(b, id);

	if (place)
		atomic_store(&place->value, 0);
}
