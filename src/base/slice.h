/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed view of bytes. Never NUL-terminated by promise; never owns. What every parser does for every few bytes is
 * inline, so that a comparison with a literal costs its bytes and no call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *p;
	size_t n;
};

#define SLICE_LIT(text) ((struct slice){.p = (text), .n = sizeof(text) - 1})
/* For printf("%.*s", SLICE_ARG(s)). Only for text that may be shown. */
#define SLICE_ARG(s) (int)(s).n, (s).p

/* View of a C string; NULL gives the empty slice. */
static inline struct slice slice_from(const char *text)
{
	return (struct slice){.p = text, .n = text ? strlen(text) : 0};
}

static inline struct slice slice_make(const void *p, size_t n)
{
	return (struct slice){.p = p, .n = n};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || (a.p && b.p && memcmp(a.p, b.p, a.n) == 0));
}

/* Compares with a C string. Not for secrets. */
static inline bool slice_is(struct slice a, const char *text)
{
	return slice_eq(a, slice_from(text));
}

/* ASCII case is ignored. */
bool slice_eq_nocase(struct slice a, struct slice b);
bool slice_is_nocase(struct slice a, const char *text);
static inline bool slice_starts(struct slice a, const char *prefix)
{
	size_t n = strlen(prefix);

	return n == 0 || (a.n >= n && a.p && memcmp(a.p, prefix, n) == 0);
}

bool slice_ends(struct slice a, const char *suffix);
/* The part from `at` (clamped) of at most `n` bytes. */
static inline struct slice slice_sub(struct slice a, size_t at, size_t n)
{
	if (at > a.n)
		at = a.n;
	if (n > a.n - at)
		n = a.n - at;
	return (struct slice){.p = a.p ? a.p + at : NULL, .n = n};
}

/* Without leading and trailing spaces and tabs. */
struct slice slice_trim(struct slice a);
/* Index of the first `c`, or a.n when absent. */
static inline size_t slice_index(struct slice a, char c)
{
	const char *hit = a.n ? memchr(a.p, c, a.n) : NULL;

	return hit ? (size_t)(hit - a.p) : a.n;
}

/* Takes the text before the next `sep` off the front of `*rest`; false when `*rest` was used up. "" gives one empty token. */
static inline bool slice_split(struct slice *rest, char sep, struct slice *ret_token)
{
	size_t at;

	if (!rest->p)
		return false;
	at = slice_index(*rest, sep);
	*ret_token = slice_sub(*rest, 0, at);
	if (at == rest->n)
		*rest = (struct slice){0};
	else
		*rest = slice_sub(*rest, at + 1, rest->n);
	return true;
}

/* True when the bytes are valid UTF-8 without NUL. */
bool slice_is_utf8(struct slice a);
/* True when every byte is printable ASCII (0x20 to 0x7E). */
bool slice_is_printable(struct slice a);
/* Decimal digits only, no sign, no blank, at most `max`; false otherwise. */
bool slice_to_u64(struct slice a, uint64_t max, uint64_t *ret_value);
