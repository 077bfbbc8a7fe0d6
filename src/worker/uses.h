/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connections' tokens were read: collected on the loop, and told to the clerk every few seconds in one message, so that
 * reading a token writes nothing.
 */
#pragma once

#include <uv.h>

#include "base/clock.h"
#include "base/map.h"
#include "ipc/channel.h"

enum { USES_EVERY_MS = 2000, USES_MAX = 2000 };

struct uses {
	const struct clock *clock;
	struct channel **clerk; /* borrowed */
	struct map *ids;
	uv_timer_t timer;       /* runs while there is something to tell */
};

void uses_init(struct uses *u, uv_loop_t *loop, const struct clock *clock, struct channel **clerk);
/* Tells what is left and closes the timer, before the clerk's channel goes. */
void uses_done(struct uses *u);
/* Notes a use of a connection whose last known one was at `used_at`; returns what is known from now on. */
int64_t uses_note(struct uses *u, const char *connection_id, int64_t used_at, int64_t now);
