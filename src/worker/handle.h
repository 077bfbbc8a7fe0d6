/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of one worker: from the parsed request through its handler on the store thread, perhaps to the clerk and back,
 * to the answer.
 */
#pragma once

#include <uv.h>

#include "base/map.h"
#include "core/core.h"
#include "core/quota.h"
#include "http/router.h"
#include "http/server.h"
#include "ipc/channel.h"
#include "store/jobs.h"
#include "worker/cache.h"
#include "worker/hashing.h"
#include "worker/outbox.h"
#include "worker/uses.h"

struct handle_desk {
	uv_loop_t *loop;
	struct jobs *jobs;
	struct core core;          /* of the store thread */
	struct outbox outbox;
	struct hashing hashing;
	struct quota quota;
	struct buckets *buckets;   /* of the limits, shared by all workers */
	struct stripes *stripes;   /* by which changes of rows are told */
	struct cache *cache;       /* tokens that were read lately; of the loop */
	struct reads_known *known; /* questions by the digests of their heads */
	uv_timer_t sweep;          /* runs while something is in the cache */
	struct uses uses;
	struct router *router;
	struct channel *clerk;
	struct list waiting;       /* handlings that wait for the clerk, oldest first */
	uv_timer_t deadline;
	size_t running;            /* handlings that are not answered yet */
};

/* Answers a request; called by the server. `arg` is the desk. */
void handle_request(struct exchange *x, const struct request *request, void *arg);
/* Writes the error answer for what never became a request. `arg` is the desk. */
void handle_error(struct response *r, const struct request *request, enum err e, int status, const struct errinfo *ei,
		  void *arg);
/* What the log and the metrics are told of an answered request. */
struct handle_line {
	const struct request *request;
	const char *pattern, *actor, *detail;
	enum err err;
	int status;
	int64_t began_ms;
};
void handle_log(const struct handle_line *line);
/* Answers with that error and tells of it; detail and status of `line` are filled in. Nothing is handed out, so nothing is recorded. */
void handle_refuse(struct exchange *x, struct handle_line line, bool page, const struct errinfo *why);
/* The clerk's answer to an EXCHANGE or REFRESH. */
void handle_clerk_message(struct handle_desk *d, struct ipc_message *m);
/* The clerk has a successor: ask it again for everything that waits. */
void handle_clerk_returned(struct handle_desk *d);
/* Ends the waiting of all, with 503: the worker stops. */
void handle_abandon(struct handle_desk *d);
void handle_init(struct handle_desk *d);
/* Closes the timer; nothing is running any more. */
void handle_done(struct handle_desk *d);
