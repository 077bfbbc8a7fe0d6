/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the clerk's operations share: the store thread with its core context, the courier's connection, and
 * the table of operations by what they are about, so that a grant has one refresh at a time (RF-03).
 */
#pragma once

#include <uv.h>

#include "base/map.h"
#include "clerk/ledger.h"
#include "core/core.h"
#include "core/keeper_client.h"
#include "core/refresh.h"
#include "fetch/fetch.h"
#include "ipc/channel.h"
#include "store/jobs.h"

enum { DESK_WORKERS_MAX = 64, DESK_ARENA_BYTES = 8 << 20, DESK_AGAIN_MS = 100, DESK_TRIES_MAX = 50 };

struct desk {
	uv_loop_t *loop;
	struct jobs *jobs;
	struct core core;               /* of the store thread, set by the owner */
	struct ledger ledger;           /* its records */
	struct keeper_client *keeper;
	struct channel *courier;
	struct channel *worker[DESK_WORKERS_MAX];
	void *worker_link[DESK_WORKERS_MAX];
	struct map *operations;         /* "refresh <grant>", "exchange <flow>" to struct operation */
	struct map *awaiting;           /* message id (8 bytes) to the operation that waits for the courier */
	struct list parked;             /* operations that wait for what another one asks for */
	uv_timer_t again;               /* runs while an operation could not be handed to the courier */
	size_t looks;                   /* jobs beside the operations */
	bool stopping, recovering;
	void (*look_again)(struct desk *d, int64_t in_ms); /* asks for a recovery then; NULL: nobody does */
	void (*idle)(struct desk *d);   /* called when the last operation ended while stopping */
	void (*left_open)(struct desk *d); /* called when one ended whose outcome could not be written; NULL: nobody asks */
};

/* Who is to be answered when an operation ends. */
struct waiter {
	struct list node;
	int64_t slot;
	uint64_t message_id;
	struct refresh_want want; /* of a refresh */
};

enum operation_kind { OPERATION_EXCHANGE, OPERATION_REFRESH, OPERATION_REVOKE, OPERATION_DISCOVER };

struct operation;
/* The next step, on the store thread; sets op->next. */
typedef void operation_step_fn(struct operation *op);
/* What is to be done on the loop with the same subject when the operation has ended. */
typedef void operation_follow_fn(struct desk *d, struct slice subject);

/* One exchange, refresh or revocation from its request to its answer. */
struct operation {
	struct desk *desk;
	struct list park;
	struct job job;
	enum operation_kind kind;
	struct arena *arena;
	const char *key;          /* in desk->operations */
	const char *subject;      /* flow or grant id; hash of an issuer */
	char attempt[RANDOM_ID_BYTES];
	struct list waiters;
	struct secret *code;      /* exchange; in the arena */
	struct refresh_want want; /* refresh: the most that anybody who waits wants */
	bool found_good;          /* refresh: the token was as wanted, nothing was sent */
	bool awaited;             /* somebody waited when the step was submitted: for the store thread, `waiters` is the loop's */
	operation_step_fn *step;  /* what the next job does */
	bool promised;            /* its first step was run: its records have their room */
	enum { OPERATION_FETCH, OPERATION_JOIN, OPERATION_AGAIN, OPERATION_PARK, OPERATION_END } next; /* what to do after a job */
	bool wakes;               /* the parked ones are to run their steps again */
	struct fetch_request request;
	struct fetch_answer answer;
	bool answered;            /* the answer is new: its body is to be opened before the step */
	enum err opened;          /* what came of that */
	struct secret *body;      /* clear answer of a request that yields tokens */
	bool sent_once;           /* the FETCH went out: a courier's successor is asked by JOIN */
	bool joining;             /* what was asked last is JOIN */
	bool fetching;            /* between FETCH or JOIN and the answer */
	bool unheard;             /* the courier took nothing: it is asked again, at most DESK_TRIES_MAX times */
	unsigned tries;
	bool release;             /* at the end the attempt may be forgotten by the courier */
	operation_follow_fn *follow; /* NULL: nothing */
	struct refresh_attempt consumes; /* refresh: what the attempt uses up */
	int64_t look_in_ms;       /* at the end: something will be due then; 0: nothing */
	struct slice document;    /* discover: what was found; in the arena */
	void *state;              /* of the kind; in the arena */
	enum err err;
	struct errinfo why;
};

/*
 * Makes the tables and starts the store thread; `loop` and what that thread uses are set before. Steps that wait at the same
 * time run in one transaction, and what they want done is done when it is committed (DESIGN §3).
 */
void desk_init(struct desk *d);
/* Ends the store thread, then calls `stopped`; no operation is under way. */
void desk_done(struct desk *d, void (*stopped)(void *arg), void *arg);
/* A new operation, put into the table under kind and subject; NULL `step` is not allowed. */
struct operation *desk_open(struct desk *d, enum operation_kind kind, struct slice subject, operation_step_fn *step);
/* The one that is under way for that subject, or NULL. */
struct operation *desk_find(const struct desk *d, enum operation_kind kind, struct slice subject);
/* `want` may be NULL for an exchange. */
void desk_wait(struct operation *op, int64_t slot, uint64_t message_id, const struct refresh_want *want);
/*
 * The worker of that slot is gone, and nobody waits in its name any more: its successor counts its messages from the
 * beginning, so a late answer would be taken for that of another request.
 */
void desk_worker_gone(struct desk *d, int64_t slot);
/* Submits the operation's step to the store thread. */
void desk_run(struct operation *op);
/* Runs the steps of all parked operations again: each looks whether what it waits for is there. */
void desk_wake(struct desk *d);
/* A message from the courier. */
void desk_courier_message(struct desk *d, struct ipc_message *m);
/* Tells the courier to forget an attempt: what came of it is written, or no row waits for it. */
void desk_release(struct desk *d, const char *attempt);
/* The courier has a successor: ask again for everything that is under way. */
void desk_courier_returned(struct desk *d);
/* How many operations and other jobs are under way. */
size_t desk_busy(const struct desk *d);
/* Around a job that is no operation: the clerk does not stop while it runs. On the loop. */
void desk_enter(struct desk *d);
void desk_leave(struct desk *d);
/* In a step that an answer brought: whether its body could be opened, by the keeper when it was sealed; then it is op->body. */
enum err desk_open_body(const struct operation *op);
