/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the courier knows of each attempt id: in flight, answered and spooled, failed, or sought in a
 * spool that is still locked; and which messages wait for it. It makes "the same id gets the same answer,
 * never a second request" true. No sockets, no disk.
 */
#pragma once

#include "base/list.h"
#include "courier/spool.h"
#include "fetch/fetch.h"

enum { ATTEMPT_WAITERS_MAX = 16, ATTEMPTS_FAILED_MAX = 4096 };

enum attempt_state {
	ATTEMPT_SOUGHT,	   /* only asked for; an older courier may have it */
	ATTEMPT_IN_FLIGHT, /* requested, its answer is not durable yet */
	ATTEMPT_STORED,	   /* the answer lies in `slot` */
	ATTEMPT_FAILED,	   /* nobody answered: `failure` */
};

struct attempt {
	struct list failed; /* in the order of failure */
	char id[SPOOL_ATTEMPT_BYTES + 1];
	char consumes[FETCH_CONSUMES_MAX + 1]; /* "" while unknown */
	enum attempt_state state;
	struct spool_slot slot; /* IN_FLIGHT: reserved; STORED: holds the answer */
	int64_t stored_at;
	bool released; /* RELEASE came while in flight */
	struct fetch_answer failure;
	size_t waiter_count;
	uint64_t waiter[ATTEMPT_WAITERS_MAX];
};

struct attempts;

struct attempts *attempts_new(void);
void attempts_free(struct attempts **ap);
/* NULL when unknown. Borrowed until attempts_remove(). */
struct attempt *attempts_find(const struct attempts *a, struct slice id);
/* `id` is unknown and well formed. */
struct attempt *attempts_add(struct attempts *a, struct slice id, enum attempt_state state);
void attempts_remove(struct attempts *a, struct attempt **attempt);
/* Notes what the attempt consumes; views are copied. An attempt that was noted earlier with the same keeps its place. */
void attempts_note(struct attempts *a, struct attempt *attempt, const char *consumes);
/* The attempt that consumes this and was not removed yet, or NULL. */
struct attempt *attempts_consumer(const struct attempts *a, const char *consumes);
/* Keeps the failure (views in it are dropped); the oldest goes when there are too many. */
void attempts_fail(struct attempts *a, struct attempt *attempt, const struct fetch_answer *failure);
/* False when too many wait already. */
bool attempt_wait(struct attempt *attempt, uint64_t message_id);
/* Who asked is gone; what runs goes on. */
void attempts_forget_waiters(struct attempts *a);
/* Calls `fn` for each attempt in that state; `fn` may remove the attempt that it gets. */
void attempts_each(struct attempts *a, enum attempt_state state, void (*fn)(struct attempt *attempt, void *arg),
		   void *arg);
