/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every child role has in common: its control connection to the supervisor (descriptor 3), the
 * START message, introductions to peers, draining on STOP, and giving up when the supervisor is gone.
 * A role hardens itself (role_harden) before it reads anything.
 */
#pragma once

#include <uv.h>

#include "ipc/channel.h"

enum { ROLE_CONTROL_FD = 3 };

struct role {
	enum ipc_role self;
	uv_loop_t *loop;
	const char *name;     /* "worker 0", as in the process's command line and the log */
	int64_t slot, workers;
	const char *instance; /* random per start of the supervisor; 32 hex digits */
	int socket;           /* the worker's listening socket; -1 for others */
	const struct role_hooks *hooks;
	void *state;          /* the role's own */
	struct channel *control;
	char *config;         /* lines NAME=value */
};

struct role_hooks {
	/* START came: configuration, log and slot are known. Peers come later. A failure ends the role with FAILED. */
	enum err (*start)(struct role *role, struct errinfo *ei);
	/* A connection to that role and slot; `fd` is the callee's. */
	void (*on_peer)(struct role *role, enum ipc_role peer, int64_t slot, int fd);
	/* End what is running, then call role_stopped(). `orphaned`: the supervisor is gone, no successor will come. */
	void (*on_stop)(struct role *role, bool orphaned);
	/* Any other message of the control connection (ADMIN_LINK); may be NULL. */
	void (*on_control)(struct role *role, struct ipc_message *m);
};

/* Runs the role until it has stopped; returns the process's exit code. */
int role_run(enum ipc_role self, const char *name, const struct role_hooks *hooks, void *state);
/* The value of a configuration key that this role was given, never NULL ("" when not given). */
const char *role_config(const struct role *role, const char *key);
/* Tells the supervisor that the role can serve. */
void role_ready(struct role *role);
/* A line for the administrator's terminal, never for a log. */
void role_say(struct role *role, const char *text);
/* After on_stop: everything of the role's own is closed. */
void role_stopped(struct role *role);
/* Not dumpable, no new privileges, no core, no inherited descriptors but 0 to 3, file and process limits. */
void role_harden(void);
