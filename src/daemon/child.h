/* SPDX-License-Identifier: Apache-2.0 */
/* One role's process as the supervisor sees it: started, spoken to, killed, reaped. */
#pragma once

#include <uv.h>

#include "ipc/channel.h"

struct child;

/* A message of the child's control connection; its descriptors are the callee's. */
typedef void child_message_fn(struct child *c, struct ipc_message *m);
/* The process is gone and its last message was delivered. One of the two numbers is 0. */
typedef void child_gone_fn(struct child *c, int exit_status, int signal);

enum { CHILD_NAME_BYTES = 32 };

struct child {
	/* Set by child_init(). */
	uv_loop_t *loop;
	enum ipc_role role;
	int64_t slot;
	char name[CHILD_NAME_BYTES]; /* "worker 0" */
	child_message_fn *on_message;
	child_gone_fn *on_gone;
	void *arg;
	/* The process that runs now. */
	struct process *process;
	struct channel *control;
	bool exited, closed; /* reaped; control connection read to its end */
	int exit_status, signal;
	/* For the supervisor. */
	bool ready, stop_sent;
	unsigned unanswered; /* pings in a row */
	int64_t started_ms;
	unsigned quick_deaths;
	uv_timer_t restart;
};

struct child_args {
	uv_loop_t *loop;
	enum ipc_role role;
	int64_t slot;
	bool numbered; /* the slot is part of the name */
	child_message_fn *on_message;
	child_gone_fn *on_gone;
	void *arg;
};

void child_init(struct child *c, const struct child_args *args);
/* Only when it is not alive. Its timer is let go of by the loop. */
void child_done(struct child *c);
/* True from child_spawn() until on_gone. */
bool child_alive(const struct child *c);
/*
 * Starts this program again as "fiberd: <name>", with an empty environment, the control connection as descriptor 3
 * and standard error as the only other thing of ours. ERR_INTERNAL: the system has no room for a process.
 */
enum err child_spawn(struct child *c, struct errinfo *ei);
/* As channel_send(). */
enum err child_send(struct child *c, const struct ipc_message *m);
void child_kill(struct child *c);
/* Milliseconds to wait before the next start, counting this death. */
unsigned child_backoff_ms(struct child *c, int64_t now_ms);
