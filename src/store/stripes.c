/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared counters. Must never let a stripe go back: two who touch one at the same time may come in either order,
 * and the later number has to stand.
 */
#include "store/stripes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* `epoch` is written by everybody, the others are only read most of the time: each has a cache line of its own. */
struct stripes {
	_Alignas(64) _Atomic uint64_t epoch;
	_Alignas(64) _Atomic uint64_t policy;
	_Alignas(64) _Atomic uint64_t stripe[STRIPES_COUNT];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "what processes share must not depend on a lock inside one of them");

static enum err failed(const char *what, struct errinfo *ei)
{
	return err_set(ei, ERR_CONFIG, "cannot %s the memory that the roles share: %s", what, strerror(errno));
}

enum err stripes_create(int *ret_fd, struct errinfo *ei)
{
	int fd = memfd_create("fiberd stripes", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return failed("make", ei);
	/* Sealed, so that no role can take the memory away under the others. */
	if (ftruncate(fd, sizeof(struct stripes)) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		enum err e = failed("size", ei);

		close(fd);
		return e;
	}
	*ret_fd = fd;
	return ERR_OK;
}

enum err stripes_map(int fd, struct stripes **ret_stripes, struct errinfo *ei)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0 || st.st_size != (off_t)sizeof(struct stripes))
		return err_set(ei, ERR_CONFIG, "the memory that the roles share has another size: are all of one version?");
	p = mmap(NULL, sizeof(struct stripes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return failed("map", ei);
	*ret_stripes = p;
	return ERR_OK;
}

void stripes_unmap(struct stripes **sp)
{
	if (!sp || !*sp)
		return;
	munmap(*sp, sizeof **sp);
	*sp = NULL;
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
