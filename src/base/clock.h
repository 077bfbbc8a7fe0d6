/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time is handed in. `wall_ms` is epoch milliseconds for stored points in time (`*_at`), `mono_ms`
 * never jumps and is for waiting. Tests put in a clock of their own.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

struct clock {
	int64_t (*wall_ms)(void *arg);
	int64_t (*mono_ms)(void *arg);
	void *arg;
};

/* The machine's clock. */
extern const struct clock clock_system;

int64_t clock_wall_ms(const struct clock *c);
int64_t clock_mono_ms(const struct clock *c);

enum { CLOCK_RFC3339_BYTES = 32 };
/*
 * "2026-11-23T23:08:52Z" (RFC 3339, UTC, whole seconds) into `ret`, NUL-terminated. What lies before
 * 1970 or after 9999 becomes the first or last second of that span.
 */
void clock_rfc3339(int64_t at_ms, char ret[CLOCK_RFC3339_BYTES]);
