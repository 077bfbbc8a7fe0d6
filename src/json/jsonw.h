/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writer: begin/end calls and values in order; commas and escapes are its business. Check buf_ok() of
 * the buffer at the end. Bad UTF-8 is replaced by U+FFFD.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct jsonw {
	struct buf *out;
	bool comma;
};

void jsonw_init(struct jsonw *w, struct buf *out);
/* In an object give the key, in an array or at the top NULL. */
void jsonw_object(struct jsonw *w, const char *key);
void jsonw_object_end(struct jsonw *w);
void jsonw_array(struct jsonw *w, const char *key);
void jsonw_array_end(struct jsonw *w);
void jsonw_string(struct jsonw *w, const char *key, const char *text); /* NULL text writes null */
void jsonw_slice(struct jsonw *w, const char *key, struct slice text);
void jsonw_integer(struct jsonw *w, const char *key, int64_t value);
void jsonw_bool(struct jsonw *w, const char *key, bool value);
void jsonw_null(struct jsonw *w, const char *key);
/* RFC 3339, or null when `at_ms` is 0. */
void jsonw_time(struct jsonw *w, const char *key, int64_t at_ms);
/* Text that is JSON already (stored by us); "" writes null. */
void jsonw_raw(struct jsonw *w, const char *key, struct slice json);
