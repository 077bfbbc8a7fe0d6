/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed view of bytes. Never NUL-terminated by promise; never owns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *p;
	size_t n;
};

#define SLICE_LIT(text) ((struct slice){.p = (text), .n = sizeof(text) - 1})
/* For printf("%.*s", SLICE_ARG(s)). Only for text that may be shown. */
#define SLICE_ARG(s) (int)(s).n, (s).p

/* View of a C string; NULL gives the empty slice. */
struct slice slice_from(const char *text);
struct slice slice_make(const void *p, size_t n);
bool slice_eq(struct slice a, struct slice b);
/* Compares with a C string. Not for secrets. */
bool slice_is(struct slice a, const char *text);
/* ASCII case is ignored. */
bool slice_eq_nocase(struct slice a, struct slice b);
bool slice_is_nocase(struct slice a, const char *text);
bool slice_starts(struct slice a, const char *prefix);
bool slice_ends(struct slice a, const char *suffix);
/* The part from `at` (clamped) of at most `n` bytes. */
struct slice slice_sub(struct slice a, size_t at, size_t n);
/* Without leading and trailing spaces and tabs. */
struct slice slice_trim(struct slice a);
/* Index of the first `c`, or a.n when absent. */
size_t slice_index(struct slice a, char c);
/* Takes the text before the next `sep` off the front of `*rest`; false when `*rest` was used up. "" gives one empty token. */
bool slice_split(struct slice *rest, char sep, struct slice *ret_token);
/* True when the bytes are valid UTF-8 without NUL. */
bool slice_is_utf8(struct slice a);
/* True when every byte is printable ASCII (0x20 to 0x7E). */
bool slice_is_printable(struct slice a);
/* Decimal digits only, no sign, no blank, at most `max`; false otherwise. */
bool slice_to_u64(struct slice a, uint64_t max, uint64_t *ret_value);
