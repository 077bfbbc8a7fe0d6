/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the clerk's operations share: the store thread with its core context, the courier's connection, and
 * the table of operations by what they are about, so that a grant has one refresh at a time (RF-03).
 */
#pragma once

#include <uv.h>

#include "base/map.h"
#include "core/core.h"
#include "core/keeper_client.h"
#include "fetch/fetch.h"
#include "ipc/channel.h"
#include "store/jobs.h"

enum { DESK_WORKERS_MAX = 64, DESK_ARENA_BYTES = 8 << 20 };

struct desk {
	uv_loop_t *loop;
	struct jobs *jobs;
	struct core core;               /* of the store thread */
	struct keeper_client *keeper;
	struct channel *courier;
	struct channel *worker[DESK_WORKERS_MAX];
	void *worker_link[DESK_WORKERS_MAX];
	struct map *operations;         /* "refresh <grant>", "exchange <flow>" to struct operation */
	struct map *awaiting;           /* message id (8 bytes) to the operation that waits for the courier */
	bool stopping, recovering;
	void (*idle)(struct desk *d);   /* called when the last operation ended while stopping */
};

/* Who is to be answered when an operation ends. */
struct waiter {
	struct list node;
	int64_t slot;
	uint64_t message_id;
};

enum operation_kind { OPERATION_EXCHANGE, OPERATION_REFRESH, OPERATION_REVOKE };

struct operation;
/* The next step, on the store thread; sets op->next. */
typedef void operation_step_fn(struct operation *op);

/* One exchange, refresh or revocation from its request to its answer. */
struct operation {
	struct desk *desk;
	struct job job;
	enum operation_kind kind;
	struct arena *arena;
	const char *key;          /* in desk->operations */
	const char *subject;      /* flow or grant id */
	char attempt[RANDOM_ID_BYTES];
	struct list waiters;
	struct secret *code;      /* exchange; in the arena */
	int64_t min_life_ms;      /* refresh */
	operation_step_fn *step;  /* what the next job does */
	enum { OPERATION_FETCH, OPERATION_JOIN, OPERATION_END } next; /* what to do after a job */
	struct fetch_request request;
	struct fetch_answer answer;
	struct secret *body;      /* clear answer of a request that yields tokens */
	bool sent_once;           /* the FETCH went out: a courier's successor is asked by JOIN */
	bool fetching;            /* between FETCH or JOIN and the answer */
	bool release;             /* at the end the attempt may be forgotten by the courier */
	void *state;              /* of the kind; in the arena */
	enum err err;
	struct errinfo why;
};

/* A new operation, put into the table under kind and subject; NULL `step` is not allowed. */
struct operation *desk_open(struct desk *d, enum operation_kind kind, struct slice subject, operation_step_fn *step);
/* The one that is under way for that subject, or NULL. */
struct operation *desk_find(const struct desk *d, enum operation_kind kind, struct slice subject);
void desk_wait(struct operation *op, int64_t slot, uint64_t message_id);
/* Submits the operation's step to the store thread. */
void desk_run(struct operation *op);
/* A message from the courier. */
void desk_courier_message(struct desk *d, struct ipc_message *m);
/* The courier has a successor: ask again for everything that is under way. */
void desk_courier_returned(struct desk *d);
/* How many operations and recoveries are under way. */
size_t desk_busy(const struct desk *d);
/* On the store thread: opens the answer's body through the keeper when it is sealed. */
enum err desk_open_body(struct operation *op);
