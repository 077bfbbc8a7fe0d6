/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time, as a person wants to read them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/* RFC 3339 with "Z" or an offset; a fraction of a second is dropped. False for anything else. */
bool when_parse(struct slice text, int64_t *ret_at_ms);
/* "in 54 min", "3 h ago", "just now"; further than six days away the local date, "12 Oct 2026 14:03". */
const char *when_text(struct arena *a, int64_t at_ms, int64_t now_ms);
/* when_text() of an RFC 3339 text; "-" when there is none. */
const char *when_of(struct arena *a, struct slice rfc3339, int64_t now_ms);
