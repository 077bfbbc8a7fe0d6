/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's state, shared by its files and nobody else. */
#pragma once

#include <uv.h>

#include "base/random.h"
#include "daemon/child.h"
#include "daemon/config.h"
#include "daemon/control.h"
#include "daemon/datadir.h"
#include "ipc/sandbox.h"
#include "store/stripes.h"

enum { BROKEN_PAIRS_MAX = 16 };

/* Two roles whose connection was broken off, as they were then: a restart gives them a fresh one anyway. */
struct broken_pair {
	struct child *one, *other;
	int64_t one_started_ms, other_started_ms;
};

enum phase { PHASE_INIT, PHASE_STARTING, PHASE_SERVING, PHASE_STOPPING };

struct supervisor {
	const struct config *config;
	uv_loop_t loop;
	uv_signal_t signals[3];
	uv_timer_t deadline; /* of the stage of stopping that runs */
	uv_timer_t renew;    /* of pairs whose connection was broken off */
	uv_timer_t pulse;    /* when roles are asked for a sign of life */
	unsigned pulse_ms;
	struct datadir dir;
	struct control *control;
	int log_fd, null_fd, stripes_fd, limits_fd, metrics_fd;
	struct stripes *stripes; /* by which roles that keep what they read learn of changes */
	int *listeners; /* one per worker */
	bool listening;
	char instance[RANDOM_ID_BYTES];
	struct broken_pair broken[BROKEN_PAIRS_MAX];
	size_t broken_count;
	struct sandbox sandbox;
	struct child init;
	struct child *children; /* keeper, courier, clerk, workers */
	size_t child_count, worker_count;
	enum phase phase;
	size_t stage; /* of stopping */
	bool ended;
	int exit_code;
};

/* START with what this role needs. */
enum err supervisor_send_start(const struct supervisor *s, struct child *c);
/* Fresh connections between this role and all its partners that are alive. */
void supervisor_introduce(struct supervisor *s, struct child *c);
/* `c` closed its connection to this partner, which broke the rules: both get a fresh one, a second later. */
void supervisor_renew_pair(struct supervisor *s, struct child *c, int64_t role, int64_t slot);
/* After a death: at once, or later when it died soon after its start before. */
void supervisor_restart_later(struct supervisor *s, struct child *c);
/* Begins the orderly stop, or goes on with it after a role has gone. */
void supervisor_stop(struct supervisor *s);
/* From the first time that all are ready. */
void supervisor_start_pulse(struct supervisor *s);
/* SIGHUP: opens the log file anew and hands it to everybody. */
void supervisor_reopen_log(struct supervisor *s);
void supervisor_signals(struct supervisor *s, uv_signal_cb on_stop, uv_signal_cb on_hup);
/* After the loop has ended: lets go of everything. */
void supervisor_done(struct supervisor *s);
