/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token buckets and counts of failures in memory that several processes share: what one of them takes is gone for all, so a
 * limit is a limit of the service and not of each process.
 *
 * The table has a fixed size. A place is found by a keyed hash under a key that only these processes know (DO-05), and belongs
 * to whoever used it last; when a row of places is full, the one goes that would be full again (or forgotten) soonest. So
 * a flood of strangers can make us forget those who are hardly limited, and never those who are.
 *
 * Nobody takes a lock or makes a system call. Two who meet in the same nanosecond at a place that is just changing hands may
 * leave it one request off, for one of them; that is the whole of what is lost.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum { BUCKETS_COUNT = 1 << 18 }; /* 4 MiB, of which only what was touched is there */

struct buckets;

/* One request costs `interval_ns`; so much may be taken ahead. interval_ns 0: no limit. */
struct bucket_rate {
	int64_t interval_ns, ahead_ns;
};

/* `per_s` requests a second, and `burst` at once; 0 a second: no limit. */
struct bucket_rate bucket_rate_of(uint64_t per_s, uint64_t burst);

/* After `free` failures each further one doubles the wait, from `first_ns` to `max_ns`; every `decay_ns` one is forgotten. */
struct bucket_growth {
	unsigned free;
	int64_t first_ns, max_ns, decay_ns;
};

/* Fresh shared memory that cannot be cut short, with its key in it. The descriptor is the caller's. ERR_CONFIG. */
enum err buckets_create(int *ret_fd, struct errinfo *ei);
/* Maps it; the descriptor stays the caller's. ERR_CONFIG for one that is no such memory. */
enum err buckets_map(int fd, struct buckets **ret_buckets, struct errinfo *ei);
void buckets_unmap(struct buckets **b);

/* The name of a bucket: a kind, whose it is, and within what. The same in every process; never 0. */
uint64_t buckets_id(const struct buckets *b, unsigned char kind, struct slice whose, struct slice within);

/* Points in time are nanoseconds of a clock that never goes back and that all processes share. */

/* Takes one. 0: it was there; else nothing was taken, and so many ns from now it will be. */
int64_t buckets_take(struct buckets *b, uint64_t id, const struct bucket_rate *rate, int64_t now_ns);
/* The same question, and nothing is taken. */
int64_t buckets_wait(struct buckets *b, uint64_t id, const struct bucket_rate *rate, int64_t now_ns);
/* Puts back what was taken and not used. */
void buckets_give(struct buckets *b, uint64_t id, const struct bucket_rate *rate);

/* An attempt, counted as a failure until one knows better. 0: go on; else nothing was counted, and so many ns are to be waited. */
int64_t buckets_attempt(struct buckets *b, uint64_t id, const struct bucket_growth *g, int64_t now_ns);
/* It was none: that one failure is taken back. */
void buckets_attempt_undo(struct buckets *b, uint64_t id, const struct bucket_growth *g);
/* All failures of that name are forgotten. */
void buckets_forget(struct buckets *b, uint64_t id);
