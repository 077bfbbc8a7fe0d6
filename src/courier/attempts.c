/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of attempts. Bounded: in flight and stored ones by the spool's slots, failed ones by a ring,
 * sought ones by the clerk's open intents. Must never forget an attempt that may have reached a provider
 * before the clerk has released it, except a failure that thousands of later ones pushed out.
 */
#include "courier/attempts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

struct attempts {
	struct map *by_id, *by_consumed;
	struct list failed;
	size_t failed_count;
};

struct attempts *attempts_new(void)
{
	struct attempts *a = MEM_NEW(struct attempts);

	a->by_id = map_new();
	a->by_consumed = map_new();
	list_init(&a->failed);
	return a;
}

static void free_value(struct slice key, void *value, void *arg)
{
	(void)key;
	(void)arg;
	free(value);
}

void attempts_free(struct attempts **ap)
{
	struct attempts *a = ap ? *ap : NULL;

	if (!a)
		return;
	map_each(a->by_id, free_value, NULL);
	map_free(&a->by_id);
	map_free(&a->by_consumed);
	free(a);
	*ap = NULL;
}

struct attempt *attempts_find(const struct attempts *a, struct slice id)
{
	return map_get(a->by_id, id);
}

struct attempt *attempts_add(struct attempts *a, struct slice id, enum attempt_state state)
{
	struct attempt *attempt = MEM_NEW(struct attempt);
	void *before;

	assert(id.n == SPOOL_ATTEMPT_BYTES);
	memcpy(attempt->id, id.p, id.n);
	attempt->state = state;
	list_init(&attempt->failed);
	before = map_put(a->by_id, id, attempt);
	assert(!before);
	return attempt;
}

struct attempt *attempts_consumer(const struct attempts *a, const char *consumes)
{
	return map_get(a->by_consumed, slice_from(consumes));
}

void attempts_note(struct attempts *a, struct attempt *attempt, const char *consumes)
{
	struct slice text = slice_from(consumes);

	assert(!attempt->consumes[0] && text.n > 0 && text.n <= FETCH_CONSUMES_MAX);
	memcpy(attempt->consumes, text.p, text.n);
	if (!attempts_consumer(a, consumes))
		map_put(a->by_consumed, text, attempt);
}

void attempts_remove(struct attempts *a, struct attempt **attempt)
{
	struct attempt *gone = *attempt;

	if (gone->consumes[0] && attempts_consumer(a, gone->consumes) == gone)
		map_remove(a->by_consumed, slice_from(gone->consumes));
	if (gone->state == ATTEMPT_FAILED) {
		list_remove(&gone->failed);
		a->failed_count--;
	}
	map_remove(a->by_id, slice_from(gone->id));
	free(gone);
	*attempt = NULL;
}

void attempts_fail(struct attempts *a, struct attempt *attempt, const struct fetch_answer *failure)
{
	assert(attempt->state != ATTEMPT_FAILED);
	if (a->failed_count == ATTEMPTS_FAILED_MAX) {
		struct attempt *oldest = CONTAINER_OF(a->failed.next, struct attempt, failed);

		attempts_remove(a, &oldest);
	}
	attempt->state = ATTEMPT_FAILED;
	attempt->slot = (struct spool_slot){0};
	attempt->failure = *failure;
	attempt->failure.head = (struct slice){0};
	attempt->failure.body = (struct slice){0};
	list_append(&a->failed, &attempt->failed);
	a->failed_count++;
}

bool attempt_wait(struct attempt *attempt, uint64_t message_id)
{
	if (attempt->waiter_count == ATTEMPT_WAITERS_MAX)
		return false;
	attempt->waiter[attempt->waiter_count++] = message_id;
	return true;
}

static void forget(struct slice key, void *value, void *arg)
{
	struct attempt *attempt = value;

	(void)key;
	(void)arg;
	attempt->waiter_count = 0;
}

void attempts_forget_waiters(struct attempts *a)
{
	map_each(a->by_id, forget, NULL);
}

struct selection {
	enum attempt_state state;
	size_t count;
	struct attempt **picked;
};

static void pick(struct slice key, void *value, void *arg)
{
	struct selection *s = arg;
	struct attempt *attempt = value;

	(void)key;
	if (attempt->state == s->state)
		s->picked[s->count++] = attempt;
}

void attempts_each(struct attempts *a, enum attempt_state state, void (*fn)(struct attempt *attempt, void *arg),
		   void *arg)
{
	struct selection s = {.state = state, .picked = MEM_NEW_N(map_count(a->by_id), struct attempt *)};

	map_each(a->by_id, pick, &s);
	for (size_t i = 0; i < s.count; i++)
		fn(s.picked[i], arg);
	free(s.picked);
}
