/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the service: the roles one kind after the other, each with a deadline, then everything
 * that the supervisor holds. Must never end while a role of ours still runs.
 */
#include "daemon/supervisor_state.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

/*
 * Workers first, so that nothing new comes in; the courier's time is that of a request that is in flight
 * (LIFECYCLE §4.5); the keeper last, because the others need it. Together under the 90 s that service managers wait.
 */
static const struct {
	enum ipc_role role;
	unsigned deadline_ms;
} stages[] = {
	{IPC_INIT, 5000}, {IPC_WORKER, 8000}, {IPC_CLERK, 5000}, {IPC_COURIER, 65000}, {IPC_KEEPER, 2000},
};

/* Calls `fn` for each live role of the stage; returns how many there are. */
static size_t each(struct supervisor *s, enum ipc_role role, void (*fn)(struct child *c))
{
	size_t n = 0;

	if (role == IPC_INIT && child_alive(&s->init)) {
		fn(&s->init);
		n++;
	}
	for (size_t i = 0; i < s->child_count; i++) {
		struct child *c = &s->children[i];

		if (c->role == role && child_alive(c)) {
			fn(c);
			n++;
		}
	}
	return n;
}

static void send_stop(struct child *c)
{
	if (c->stop_sent)
		return;
	c->stop_sent = true;
	if (child_send(c, &(struct ipc_message){.kind = IPC_STOP}) != ERR_OK)
		child_kill(c);
}

static void kill_late(struct child *c)
{
	LOG(LOG_WARN, "role_stopped_too_slowly", LOG_S("of", c->name));
	child_kill(c);
}

static void on_deadline(uv_timer_t *timer)
{
	struct supervisor *s = timer->data;

	each(s, stages[s->stage].role, kill_late);
}

/* Nothing of ours runs any more: lets the loop end. */
static void end(struct supervisor *s)
{
	if (s->ended)
		return;
	s->ended = true;
	control_close(&s->control);
	uv_close((uv_handle_t *)&s->deadline, NULL);
	uv_close((uv_handle_t *)&s->renew, NULL);
	uv_close((uv_handle_t *)&s->pulse, NULL);
	for (size_t i = 0; i < ARRAY_LEN(s->signals); i++)
		uv_close((uv_handle_t *)&s->signals[i], NULL);
	child_done(&s->init);
	for (size_t i = 0; i < s->child_count; i++)
		child_done(&s->children[i]);
}

void supervisor_stop(struct supervisor *s)
{
	bool first = s->phase != PHASE_STOPPING;

	s->phase = PHASE_STOPPING;
	for (size_t i = 0; i < s->child_count; i++)
		uv_timer_stop(&s->children[i].restart);
	while (s->stage < ARRAY_LEN(stages)) {
		if (each(s, stages[s->stage].role, send_stop) > 0) {
			if (first)
				uv_timer_start(&s->deadline, on_deadline, stages[s->stage].deadline_ms, 0);
			return;
		}
		s->stage++;
		first = true;
	}
	end(s);
}

void supervisor_signals(struct supervisor *s, uv_signal_cb on_stop, uv_signal_cb on_hup)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		uv_signal_init(&s->loop, &s->signals[i]);
		s->signals[i].data = s;
		uv_signal_start(&s->signals[i], numbers[i] == SIGHUP ? on_hup : on_stop, numbers[i]);
	}
	uv_timer_init(&s->loop, &s->deadline);
	s->deadline.data = s;
	uv_timer_init(&s->loop, &s->renew);
	s->renew.data = s;
	uv_timer_init(&s->loop, &s->pulse);
	s->pulse.data = s;
}

void supervisor_done(struct supervisor *s)
{
	uv_loop_close(&s->loop);
	LOG(LOG_INFO, "service_ended", LOG_I("exit_code", s->exit_code));
	log_open(STDERR_FILENO, "-", false);
	for (size_t i = 0; s->listening && i < s->worker_count; i++)
		close(s->listeners[i]);
	free(s->listeners);
	free(s->children);
	datadir_close(&s->dir, s->exit_code != 0);
	if (s->log_fd >= 0)
		close(s->log_fd);
	if (s->null_fd >= 0)
		close(s->null_fd);
	stripes_unmap(&s->stripes);
	if (s->stripes_fd >= 0)
		close(s->stripes_fd);
	if (s->limits_fd >= 0)
		close(s->limits_fd);
	metrics_unmap();
	if (s->metrics_fd >= 0)
		close(s->metrics_fd);
}
