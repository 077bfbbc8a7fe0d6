/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role's process: spawned from our own program file, gone when it is reaped *and* its control
 * connection is read to the end. Must never let go of a process that still runs, nor pass on the
 * environment.
 */
#include "daemon/child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc/role.h"

enum { STEADY_MS = 5000, BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 5000 };

struct process {
	uv_process_t handle;
	struct child *child;
};

void child_init(struct child *c, const struct child_args *args)
{
	*c = (struct child){.loop = args->loop, .role = args->role, .slot = args->slot, .on_message = args->on_message,
			    .on_gone = args->on_gone, .arg = args->arg};
	if (args->numbered)
		snprintf(c->name, sizeof c->name, "%s %lld", ipc_role_name(c->role), (long long)c->slot);
	else
		snprintf(c->name, sizeof c->name, "%s", ipc_role_name(c->role));
	uv_timer_init(c->loop, &c->restart);
	c->restart.data = c;
}

void child_done(struct child *c)
{
	uv_close((uv_handle_t *)&c->restart, NULL);
}

bool child_alive(const struct child *c)
{
	return c->process != NULL;
}

static void on_process_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF(handle, struct process, handle));
}

static void maybe_gone(struct child *c)
{
	struct process *p;

	if (!c->exited || !c->closed)
		return;
	p = TAKE(c->process);
	uv_close((uv_handle_t *)&p->handle, on_process_closed);
	channel_free(&c->control);
	c->on_gone(c, c->exit_status, c->signal);
}

static void on_process_exit(uv_process_t *handle, int64_t exit_status, int signal)
{
	struct child *c = CONTAINER_OF(handle, struct process, handle)->child;

	c->exited = true;
	c->exit_status = (int)exit_status;
	c->signal = signal;
	maybe_gone(c);
}

static void on_message(struct channel *channel, struct ipc_message *m, void *arg)
{
	struct child *c = arg;

	(void)channel;
	c->on_message(c, m);
}

static void on_closed(struct channel *channel, void *arg)
{
	struct child *c = arg;

	c->closed = true;
	if (channel_broke(channel))
		LOG(LOG_ERROR, "role_broke_the_rules", LOG_S("of", c->name));
	/* A role keeps descriptor 3 until it ends, so this one ends now, or is of no use any more. */
	if (!c->exited)
		child_kill(c);
	maybe_gone(c);
}

enum err child_spawn(struct child *c, struct errinfo *ei)
{
	const struct channel_args channel_args = {.loop = c->loop, .self = IPC_SUPERVISOR, .peer = c->role,
						  .peer_slot = c->slot, .on_message = on_message, .on_closed = on_closed,
						  .arg = c};
	char title[CHILD_NAME_BYTES + 16];
	char *args[] = {title, NULL};
	char *env[] = {FAULT_ENVIRONMENT, NULL};
	uv_stdio_container_t stdio[ROLE_CONTROL_FD + 1] = {
		[0] = {.flags = UV_IGNORE},
		[1] = {.flags = UV_IGNORE},
		[2] = {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	};
	uv_process_options_t options = {.file = "/proc/self/exe", .args = args, .env = env, .exit_cb = on_process_exit,
					.stdio = stdio, .stdio_count = ROLE_CONTROL_FD + 1};
	struct process *p;
	int fds[2];
	int failed;

	if (ipc_pair(fds))
		return err_set(ei, ERR_INTERNAL, "cannot start the %s: out of file descriptors", c->name);
	snprintf(title, sizeof title, "fiberd: %s", c->name);
	stdio[ROLE_CONTROL_FD] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = fds[1]};
	p = MEM_NEW(struct process);
	p->child = c;
	failed = uv_spawn(c->loop, &p->handle, &options);
	close(fds[1]);
	if (failed) {
		close(fds[0]);
		uv_close((uv_handle_t *)&p->handle, on_process_closed);
		return err_set(ei, ERR_INTERNAL, "cannot start the %s: %s", c->name, uv_strerror(failed));
	}
	c->process = p;
	c->exited = c->closed = c->ready = c->stop_sent = false;
	c->unanswered = 0;
	c->started_ms = (int64_t)uv_now(c->loop);
	c->control = channel_new(&channel_args);
	channel_replace(c->control, fds[0]);
	return ERR_OK;
}

enum err child_send(struct child *c, const struct ipc_message *m)
{
	return c->control ? channel_send(c->control, m) : ERR_BUSY;
}

void child_kill(struct child *c)
{
	if (c->process && !c->exited)
		uv_process_kill(&c->process->handle, SIGKILL);
}

unsigned child_backoff_ms(struct child *c, int64_t now_ms)
{
	unsigned wait = 0;

	if (now_ms - c->started_ms >= STEADY_MS)
		c->quick_deaths = 0;
	if (c->quick_deaths > 0)
		wait = c->quick_deaths > 6 ? BACKOFF_MAX_MS : (unsigned)BACKOFF_FIRST_MS << (c->quick_deaths - 1);
	c->quick_deaths++;
	return wait > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : wait;
}
