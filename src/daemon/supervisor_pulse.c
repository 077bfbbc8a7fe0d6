/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role that lives but does nothing any more: asked for a sign of life over its control connection, killed when none
 * comes, and started again as after any other death. Time is counted in our own pings, so that a machine or container
 * that was paused as a whole, and we with it, costs nobody his life. Must never kill a courier that may still have an
 * answer of a provider to read: what it asked for has ended by itself before its time is over.
 */
#include "daemon/supervisor_state.h"

#include "base/log.h"

/* Of SUPERVISOR_PULSE_MS: 20 s; a courier's requests end after 60 s (courier/transfer.c). */
enum { SILENCE_MAX = 4, COURIER_SILENCE_MAX = 18 };

static void ask(struct supervisor *s, struct child *c)
{
	unsigned most = c->role == IPC_COURIER ? COURIER_SILENCE_MAX : SILENCE_MAX;

	if (c->unanswered >= most) {
		LOG(LOG_ERROR, "role_hangs", LOG_S("of", c->name), LOG_I("silent_ms", (int64_t)c->unanswered * s->pulse_ms));
		child_kill(c);
	} else {
		c->unanswered++;
		(void)child_send(c, &(struct ipc_message){.kind = IPC_PING}); /* not taken: not answered either */
	}
}

static void on_pulse(uv_timer_t *timer)
{
	struct supervisor *s = timer->data;

	for (size_t i = 0; s->phase == PHASE_SERVING && i < s->child_count; i++)
		if (child_alive(&s->children[i]) && s->children[i].ready)
			ask(s, &s->children[i]);
}

void supervisor_start_pulse(struct supervisor *s)
{
	uv_timer_start(&s->pulse, on_pulse, s->pulse_ms, s->pulse_ms);
}
