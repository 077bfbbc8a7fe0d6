/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How every process learns at once that a row has changed: counters in memory that all of them share.
 *
 * There is one `epoch`. A change takes the next number of it and writes that number to the stripes of the ids that it
 * touched, or to `policy` when it may concern everybody (keys, users, apps, authenticators). Who wants to keep something
 * that it reads takes the epoch first and keeps that number: what it kept is good as long as neither `policy` nor the
 * stripes of the ids it met hold a later one. So one number tells both whether a change came between the first row read
 * and the last, and whether one has come since. Several ids may share a stripe; that costs a fresh read, never a wrong answer.
 *
 * Readers take no lock and make no system call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum { STRIPES_COUNT = 1 << 16 }; /* 512 KiB; a refresh of one grant in a second empties 1/65536 of a cache */

struct stripes;

/* Fresh shared memory that cannot be cut short, for all roles of one service. The descriptor is the caller's. ERR_CONFIG. */
enum err stripes_create(int *ret_fd, struct errinfo *ei);
/* Maps it; the descriptor stays the caller's. ERR_CONFIG for one that is no such memory. */
enum err stripes_map(int fd, struct stripes **ret_stripes, struct errinfo *ei);
void stripes_unmap(struct stripes **s);

/* The stripe of an id; the same in every process. */
uint32_t stripes_of(struct slice id);
/* Before the first row is read. */
uint64_t stripes_epoch(const struct stripes *s);
/* True when nothing that was read after `epoch` was taken can have changed for these two stripes. */
bool stripes_unchanged(const struct stripes *s, uint64_t epoch, uint32_t one, uint32_t other);
/* After COMMIT, before anybody hears of it. */
void stripes_touch(struct stripes *s, uint32_t stripe);
/* The same for everything at once. */
void stripes_touch_all(struct stripes *s);
