/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared counters. Must never let a stripe go back: two who touch one at the same time may come in either order,
 * and the later number has to stand.
 */
#include "store/stripes.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "base/shared.h"

/* `epoch` is written by everybody, the others are only read most of the time: each has a cache line of its own. */
struct stripes {
	_Alignas(64) _Atomic uint64_t epoch;
	_Alignas(64) _Atomic uint64_t policy;
	_Alignas(64) _Atomic uint64_t stripe[STRIPES_COUNT];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "what processes share must not depend on a lock inside one of them");

enum err stripes_create(int *ret_fd, struct errinfo *ei)
{
	return shared_create("stripes", sizeof(struct stripes), ret_fd, ei);
}

enum err stripes_map(int fd, struct stripes **ret_stripes, struct errinfo *ei)
{
	void *p = NULL;
	enum err e = shared_map("stripes", sizeof(struct stripes), fd, &p, ei);

	if (!e)
		*ret_stripes = p;
	return e;
}

void stripes_unmap(struct stripes **sp)
{
	if (sp)
		shared_unmap(TAKE(*sp), sizeof **sp);
}

/* FNV-1a. Ids are random and of our own making, so nobody can aim at a stripe. */
uint32_t stripes_of(struct slice id)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < id.n; i++)
		h = (h ^ (unsigned char)id.p[i]) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 32) % STRIPES_COUNT;
}

uint64_t stripes_epoch(const struct stripes *s)
{
	return atomic_load(&s->epoch);
}

bool stripes_unchanged(const struct stripes *s, uint64_t epoch, uint32_t one, uint32_t other)
{
	return atomic_load_explicit(&s->policy, memory_order_acquire) <= epoch &&
	       atomic_load_explicit(&s->stripe[one % STRIPES_COUNT], memory_order_acquire) <= epoch &&
	       atomic_load_explicit(&s->stripe[other % STRIPES_COUNT], memory_order_acquire) <= epoch;
}

/*
 * The number is taken first: a reader that begins between the two steps takes it too, and sees the rows as committed.
 * One that began before keeps a lower number, and what it keeps is void as soon as the second step is done.
 */
static void raise_to_next(struct stripes *s, _Atomic uint64_t *counter)
{
	uint64_t mine = atomic_fetch_add(&s->epoch, 1) + 1, seen = atomic_load(counter);

	while (seen < mine && !atomic_compare_exchange_weak(counter, &seen, mine))
		;
}

void stripes_touch(struct stripes *s, uint32_t stripe)
{
	raise_to_next(s, &s->stripe[stripe % STRIPES_COUNT]);
}

void stripes_touch_all(struct stripes *s)
{
	raise_to_next(s, &s->policy);
}
