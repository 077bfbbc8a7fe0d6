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
	int stripes;          /* the shared memory of clerk and workers; -1 for others */
	int limits;           /* the shared memory of the workers; -1 for others */
	const struct role_hooks *hooks;
	void *state;          /* the role's own */
	struct channel *control;
	char *config;         /* NAME=value, each ended by a NUL */
	size_t config_n;
	int log_fd;
	bool started, stopping;
	int exit_code;
};

struct role_hooks {
	/*
	 * START came: configuration, log and slot are known. Peers come later. The role calls role_ready() here or
	 * later. A failure ends the role with FAILED; what start() began it has ended itself by then.
	 */
	enum err (*start)(struct role *role, struct errinfo *ei);
	/* A connection to that role and slot; `fd` is the callee's. */
	void (*on_peer)(struct role *role, enum ipc_role peer, int64_t slot, int fd);
	/*
	 * End what is running, then call role_stopped(), at once or later. Comes once. `orphaned`: the supervisor is
	 * gone, no successor will come.
	 */
	void (*on_stop)(struct role *role, bool orphaned);
	/* Any other message of the control connection (ADMIN_LINK), with its descriptors; may be NULL. */
	void (*on_control)(struct role *role, struct ipc_message *m);
};

/*
 * Runs the role until it has stopped; returns the process's exit code. `name` outlives the call. ROLE_CONTROL_FD
 * is the control connection.
 */
int role_run(enum ipc_role self, const char *name, const struct role_hooks *hooks, void *state);
/* The value of a configuration key that this role was given, never NULL ("" when not given). */
const char *role_config(const struct role *role, const char *key);
/* Tells the supervisor that the role can serve. */
void role_ready(struct role *role);
/* Ends the role: the supervisor is told why (and says it when the service has not been ready yet). Call it once, then return. */
void role_fail(struct role *role, enum err e, const struct errinfo *ei);
/* A line for the administrator's terminal, never for a log. */
void role_say(struct role *role, const char *text);
/*
 * A file's fdatasync failed: what of `what` the disk has, nobody knows any more, and asking again may say yes to what is gone.
 * The process ends on the spot, having promised nothing more; its successor starts from what is there. From any thread.
 */
_Noreturn void role_disk_failed(const char *what);
/* After on_stop: everything of the role's own is closed. */
void role_stopped(struct role *role);
/*
 * Not dumpable, no new privileges, no core, files for the owner only, no descriptor from `first_fd` on, signals of
 * the terminal left to the supervisor. Roles do this in role_run().
 */
void role_harden(int first_fd);
/* At most this many descriptors (cut to the hard limit), and no child process or thread when `alone`. */
void role_limit(unsigned fds, bool alone);
