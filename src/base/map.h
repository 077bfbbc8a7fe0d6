/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from bytes to a pointer. Keys are hashed with SipHash under a random key of the
 * process, so that nobody outside can make them collide (DO-05). It copies keys, not values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct map;

struct map *map_new(void);
/* Frees the table and the copied keys, not the values. */
void map_free(struct map **m);
size_t map_count(const struct map *m);
/* NULL when absent. */
void *map_get(const struct map *m, struct slice key);
/* Puts or replaces; `value` is not NULL. Returns what stood there before, or NULL. */
void *map_put(struct map *m, struct slice key, void *value);
/* Takes it out and returns it; NULL when absent. */
void *map_remove(struct map *m, struct slice key);
/* Calls `fn` once per entry in no particular order; `fn` must not change the table. */
void map_each(const struct map *m, void (*fn)(struct slice key, void *value, void *arg), void *arg);
