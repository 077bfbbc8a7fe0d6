/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON that came from outside: bounded in size and depth (DO-01), duplicate keys and NUL in
 * strings refused. The only place that knows jansson.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "secret/secret.h"

enum { JSONR_MAX_DEPTH = 32 };

struct jsonr; /* a value; a document is owned by who parsed it, members are borrowed from it */

/*
 * ERR_INVALID with line and column of what is wrong; ERR_TOO_LARGE above `max_bytes`. `text` must be one
 * whole value. A number that fits neither int64 nor double is taken as 1e300.
 */
enum err jsonr_parse(struct slice text, size_t max_bytes, struct jsonr **ret_doc, struct errinfo *ei);
/* Wipes and frees: keys, values, and what parsing needed. */
void jsonr_free(struct jsonr **doc);
/* Ties the document to the arena. Returns `doc`. */
struct jsonr *jsonr_in_arena(struct arena *a, struct jsonr *doc);

enum jsonr_type {
	JSONR_ABSENT,
	JSONR_NULL,
	JSONR_BOOL,
	JSONR_NUMBER,
	JSONR_STRING,
	JSONR_ARRAY,
	JSONR_OBJECT
};

/* JSONR_ABSENT for NULL, so lookups chain without checks. */
enum jsonr_type jsonr_type(const struct jsonr *v);
/* Member of an object; NULL when absent or `obj` is none. */
const struct jsonr *jsonr_get(const struct jsonr *obj, const char *key);
/* By dotted path, "authed_user.access_token"; a number leads into an array, "data.0.id". */
const struct jsonr *jsonr_path(const struct jsonr *obj, const char *path);
/* Elements of an array or members of an object, else 0. */
size_t jsonr_count(const struct jsonr *v);
const struct jsonr *jsonr_at(const struct jsonr *array, size_t i);
/* Calls `fn` for each member in the document's order. */
void jsonr_each(const struct jsonr *obj, void (*fn)(const char *key, const struct jsonr *value, void *arg), void *arg);
/* The string's bytes; p NULL when `v` is no string. */
struct slice jsonr_string(const struct jsonr *v);
/* jsonr_string() of a member. */
struct slice jsonr_get_string(const struct jsonr *obj, const char *key);
/* A whole number (3600.0 too); false for others and outside int64. */
bool jsonr_integer(const struct jsonr *v, int64_t *ret);
bool jsonr_is_true(const struct jsonr *v);
/* Compact text with sorted keys. */
void jsonr_dump(const struct jsonr *v, struct buf *out);
