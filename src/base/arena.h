/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives as long as one request or one job and is wiped when that ends. Everything a core
 * function hands back (rows, texts) lies in its caller's arena, so nothing is freed piece by piece.
 */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct arena;

/* `max_bytes`: asking for more in all ends the process, so cap what comes from outside first. */
struct arena *arena_new(size_t max_bytes);
/* Wipes and frees everything. */
void arena_free(struct arena **a);
/*
 * As if freed and made anew, with the same maximum, but the first chunk stays: what was handed out of it is wiped, and only
 * that. For whoever needs one arena after the other.
 */
void arena_reset(struct arena *a);
/* Zeroed, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *a, size_t n, size_t size) __attribute__((returns_nonnull));
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), 1, sizeof(type)))
#define ARENA_NEW_N(a, n, type) ((type *)arena_alloc((a), (n), sizeof(type)))
/* NUL-terminated copies. */
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, struct slice text);
struct slice arena_copy(struct arena *a, struct slice bytes);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Calls `fn(owned)` when the arena is freed, last registered first: for what is not arena memory. */
void arena_own(struct arena *a, void *owned, void (*fn)(void *owned));
