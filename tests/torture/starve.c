/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An allocator that has no memory when a test says so (LIFECYCLE R-03). It is linked into fiberd-starved alone, before the C
 * library's own, so that the libraries' allocations fail as well as ours. The roles' environment is empty; what a test wants stands
 * in a file "starve" of the working directory, mapped by every process. Must never be part of a program that anybody uses.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* As tests/torture/points_memory_test.mjs writes it. */
struct order {
	uint32_t pid;     /* whom it concerns */
	uint32_t forever; /* else once */
	uint64_t nth;     /* 0: nothing fails */
	uint64_t count;   /* of this process, written by it, as the next */
	uint64_t failed;
};

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t alignment, size_t n);

void *memalign(size_t alignment, size_t n);

static struct order *order;
static uint32_t self;

__attribute__((constructor)) static void read_order(void)
{
	int fd = open("starve", O_RDWR | O_CLOEXEC);
	void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	self = (uint32_t)getpid();
	if (map != MAP_FAILED)
		order = map;
}

static int starved(void)
{
	uint64_t n;

	if (!order || __atomic_load_n(&order->pid, __ATOMIC_RELAXED) != self)
		return 0;
	n = __atomic_add_fetch(&order->count, 1, __ATOMIC_RELAXED);
	if (!order->nth || (order->forever ? n < order->nth : n != order->nth))
		return 0;
	__atomic_add_fetch(&order->failed, 1, __ATOMIC_RELAXED);
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n)
{
	return starved() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return starved() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return starved() ? NULL : __libc_realloc(p, n);
}

void *memalign(size_t alignment, size_t n)
{
	return starved() ? NULL : __libc_memalign(alignment, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
	return memalign(alignment, n);
}

int posix_memalign(void **ret, size_t alignment, size_t n)
{
	void *p = memalign(alignment, n);

	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}
