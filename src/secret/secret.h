/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only type for tokens, client secrets, codes, verifiers, keys and pass phrases. It cannot be
 * printed, is wiped when freed, and is read only through secret_expose(), a word one can grep; who
 * may call that is listed in tools/check-style.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

struct secret;

/* A copy of the bytes; the caller wipes its own. */
struct secret *secret_new(struct slice bytes);
/* `n` random bytes. */
struct secret *secret_random(size_t n);
/* Wipes and frees; sets NULL; NULL and half-built are fine. */
void secret_free(struct secret **s);
/* A view of the clear bytes, valid as long as `s`. NULL gives the empty slice. */
struct slice secret_expose(const struct secret *s);
size_t secret_length(const struct secret *s);
/* In constant time for equal lengths. */
bool secret_equal(const struct secret *a, struct slice b);
/* Wipes bytes that are not in a struct secret. */
void secret_wipe(void *p, size_t n);
/* Ties the secret to the arena: it is freed when the arena is. Returns `s`. */
struct secret *secret_in_arena(struct arena *a, struct secret *s);
