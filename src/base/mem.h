/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that cannot be missing: allocation either succeeds or ends the process (the supervisor
 * starts the role again). Sizes that come from outside are capped by the caller before they get here.
 */
#pragma once

#include <stddef.h>

#include "base/slice.h"

/* Runs `fn(&variable)` when the variable goes out of scope; `fn` takes T ** and accepts NULL inside. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hands the pointer over and leaves NULL behind: the only way ownership moves. */
#define TAKE(p)                        \
	__extension__({                \
		typeof(p) take_ = (p); \
		(p) = NULL;            \
		take_;                 \
	})

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Zeroed memory for `n` items of `size`; aborts when the product overflows or memory is out. Never NULL. */
void *mem_calloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
#define MEM_NEW(type) ((type *)mem_calloc(1, sizeof(type)))
#define MEM_NEW_N(n, type) ((type *)mem_calloc((n), sizeof(type)))
/* Grows to `n` items; what is new is not zeroed. Not for secrets: realloc leaves copies behind. */
void *mem_realloc(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
/* A NUL-terminated copy. */
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *mem_strndup(struct slice text) __attribute__((malloc, returns_nonnull));
/* printf into new memory. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2), malloc, returns_nonnull));
/* Frees and sets NULL; usable with CLEANUP for `char *`. */
void mem_free_str(char **p);
