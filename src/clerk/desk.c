/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machinery of the clerk's operations: a step on the store thread, then the courier (desk_courier.c), then the next
 * step. Must never act on what a step wrote before it is committed.
 */
#include "clerk/desk_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"

static const char *const kind_names[] = {"exchange", "refresh", "revoke", "discover"};
static const enum ipc_kind answer_kinds[] = {IPC_EXCHANGED, IPC_REFRESHED, IPC_REFRESHED, IPC_DISCOVERED};

struct operation *desk_find(const struct desk *d, enum operation_kind kind, struct slice subject)
{
	char key[128];
	int n = snprintf(key, sizeof key, "%s %.*s", kind_names[kind], SLICE_ARG(subject));

	return n > 0 && (size_t)n < sizeof key ? map_get(d->operations, slice_from(key)) : NULL;
}

/*
 * A refresh's success above its cap was cut there, and what came may hold a whole refresh token: it is read as any other cut answer
 * (LIFECYCLE §4.3). Its head says that it is not complete.
 */
static void take_as_cut(struct fetch_answer *answer)
{
	if (answer->err == ERR_TOO_LARGE && answer->sealed && answer->status >= 200 && answer->status <= 299)
		answer->err = ERR_OK;
}

static enum err open_body(struct operation *op)
{
	op->body = NULL;
	if (op->kind == OPERATION_REFRESH)
		take_as_cut(&op->answer);
	if (op->answer.err)
		return ERR_OK;
	if (!op->answer.sealed) {
		op->body = secret_in_arena(op->arena, secret_new(op->answer.body));
		return ERR_OK;
	}
	return keeper_client_open(op->desk->keeper, op->answer.head, op->answer.body, op->arena, &op->body, &op->why);
}

/* Before the batch writes anything: nobody else's write waits while the keeper is asked. */
static void on_job_prepare(struct job *job)
{
	struct operation *op = CONTAINER_OF(job, struct operation, job);

	if (op->answered)
		op->opened = open_body(op);
	op->answered = false;
}

/* The first step only begins what can be recorded (LG-03): before anything is sent that is an answer of 503, and nothing else. */
static void on_job_run(struct job *job)
{
	struct operation *op = CONTAINER_OF(job, struct operation, job);

	if (!op->promised)
		op->err = ledger_promise(&op->desk->ledger, &op->desk->core, &op->why);
	if (!op->promised && op->err) {
		op->release = false;
		op->next = OPERATION_END;
		return;
	}
	op->promised = true;
	op->step(op);
}

/*
 * What the step wrote is not there, or nobody knows whether it is: nothing is sent under an intent that may not stand, and
 * no answer is released that may not be stored. If the intent stands, the next look for open ones joins it.
 */
static void on_job_undone(struct job *job)
{
	struct operation *op = CONTAINER_OF(job, struct operation, job);

	op->found_good = false;
	op->release = false;
	op->next = OPERATION_END;
	op->err = err_set(&op->why, ERR_STORE, "the database could not be written");
}

static void batch_begin(void *arg)
{
	struct desk *d = arg;

	store_batch_begin(d->core.store);
	ledger_begin(&d->ledger, &d->core);
}

/* One commit for all, then the records of what is committed, then the answers. */
static bool batch_end(void *arg)
{
	struct desk *d = arg;
	struct errinfo why = {.detail = ""};

	if (store_batch_end(d->core.store, &why) == ERR_OK) {
		ledger_end(&d->ledger, &d->core);
		return true;
	}
	LOG(LOG_ERROR, "batch_not_written", LOG_S("detail", why.detail));
	ledger_drop(&d->ledger, &d->core);
	return false;
}

static void after_step(struct operation *op);

static void on_job_done(struct job *job)
{
	after_step(CONTAINER_OF(job, struct operation, job));
}

struct operation *desk_open(struct desk *d, enum operation_kind kind, struct slice subject, operation_step_fn *step)
{
	struct operation *op = MEM_NEW(struct operation);

	op->desk = d;
	op->kind = kind;
	op->arena = arena_new(DESK_ARENA_BYTES);
	op->subject = arena_strndup(op->arena, subject);
	op->key = arena_printf(op->arena, "%s %s", kind_names[kind], op->subject);
	op->job = (struct job){.prepare = on_job_prepare, .run = on_job_run, .undone = on_job_undone, .done = on_job_done};
	op->step = step;
	random_id(op->attempt);
	list_init(&op->waiters);
	list_init(&op->park);
	map_put(d->operations, slice_from(op->key), op);
	metrics_set(METRIC_OPERATIONS, map_count(d->operations));
	return op;
}

void desk_wait(struct operation *op, int64_t slot, uint64_t message_id, const struct refresh_want *want)
{
	struct waiter *w = MEM_NEW(struct waiter);

	if (want)
		w->want = *want;
	w->slot = slot;
	w->message_id = message_id;
	list_append(&op->waiters, &w->node);
}

static void forget_waiters(struct slice key, void *value, void *arg)
{
	struct operation *op = value;
	const int64_t *slot = arg;

	(void)key;
	for (struct list *n = op->waiters.next, *next; n != &op->waiters; n = next) {
		struct waiter *w = CONTAINER_OF(n, struct waiter, node);

		next = n->next;
		if (w->slot == *slot) {
			list_remove(n);
			free(w);
		}
	}
}

void desk_worker_gone(struct desk *d, int64_t slot)
{
	map_each(d->operations, forget_waiters, &slot);
}

void desk_run(struct operation *op)
{
	op->awaited = !list_empty(&op->waiters);
	jobs_submit(op->desk->jobs, &op->job);
}

void desk_wake(struct desk *d)
{
	struct list woken;

	list_init(&woken);
	while (!list_empty(&d->parked)) {
		struct list *node = d->parked.next;

		list_remove(node);
		list_append(&woken, node);
	}
	while (!list_empty(&woken)) {
		struct operation *op = CONTAINER_OF(woken.next, struct operation, park);

		list_remove(&op->park);
		desk_run(op);
	}
}

size_t desk_busy(const struct desk *d)
{
	return map_count(d->operations) + d->looks;
}

void desk_enter(struct desk *d)
{
	d->looks++;
}

static void tell_idle(struct desk *d)
{
	if (d->stopping && desk_busy(d) == 0)
		d->idle(d);
}

void desk_leave(struct desk *d)
{
	d->looks--;
	tell_idle(d);
}

static void answer_waiters(struct operation *op)
{
	struct ipc_message m = {.kind = answer_kinds[op->kind]};

	m.field[IPC_RESULT_ERR].number = op->err;
	m.field[IPC_RESULT_CODE].bytes = slice_from(op->why.code);
	m.field[IPC_RESULT_DETAIL].bytes = slice_from(op->why.detail);
	m.field[IPC_RESULT_HINT].bytes = slice_from(op->why.hint);
	m.field[IPC_RESULT_RETRY_AFTER_S].number = op->why.retry_after_s;
	m.field[IPC_RESULT_CAUSE].bytes = slice_from(op->why.cause);
	if (op->kind == OPERATION_DISCOVER)
		m.field[IPC_DISCOVERED_DOCUMENT].bytes = op->document;
	while (!list_empty(&op->waiters)) {
		struct waiter *w = CONTAINER_OF(op->waiters.next, struct waiter, node);
		struct channel *c = op->desk->worker[w->slot];

		list_remove(op->waiters.next);
		m.id = w->message_id;
		if (c)
			(void)channel_send(c, &m);
		free(w);
	}
}

/*
 * Somebody who came later wants more of the token than those that the step just decided for: it decides again
 * for the most that is wanted.
 */
static bool wants_more(struct operation *op)
{
	struct refresh_want most = op->want;

	for (struct list *n = op->waiters.next; n != &op->waiters; n = n->next) {
		const struct waiter *w = CONTAINER_OF(n, struct waiter, node);

		if (w->want.min_life_ms > most.min_life_ms)
			most.min_life_ms = w->want.min_life_ms;
		if (w->want.newer_than > most.newer_than)
			most.newer_than = w->want.newer_than;
	}
	if (most.min_life_ms == op->want.min_life_ms && most.newer_than == op->want.newer_than)
		return false;
	op->want = most;
	return true;
}

/* Those that a provider has answered, or should have; `release` says so. */
static void count_end(const struct operation *op)
{
	enum metric first = op->kind == OPERATION_REFRESH ? METRIC_REFRESHES_OK : METRIC_EXCHANGES_OK;

	_Static_assert(METRIC_REFRESHES_OTHER - METRIC_REFRESHES_OK == METRIC_EXCHANGES_OTHER - METRIC_EXCHANGES_OK,
		       "in the same order");
	if (!op->release || (op->kind != OPERATION_REFRESH && op->kind != OPERATION_EXCHANGE))
		return;
	if (op->err == ERR_UPSTREAM_DENIED)
		first += METRIC_REFRESHES_DENIED - METRIC_REFRESHES_OK;
	else if (op->err == ERR_UPSTREAM_DOWN)
		first += METRIC_REFRESHES_DOWN - METRIC_REFRESHES_OK;
	else if (op->err)
		first += METRIC_REFRESHES_OTHER - METRIC_REFRESHES_OK;
	metrics_add(first);
}

void desk_end(struct operation *op)
{
	struct desk *d = op->desk;
	operation_follow_fn *follow = op->follow;
	CLEANUP(mem_free_str) char *subject = mem_strndup(slice_from(op->subject));

	if (op->err)
		LOG(op->err == ERR_UPSTREAM_DENIED ? LOG_INFO : LOG_WARN, "operation_failed", LOG_S("what", op->key),
		    LOG_S("result", err_wire_code(op->err, &op->why)), LOG_S("cause", op->why.cause), LOG_S("detail", op->why.detail));
	else
		LOG(LOG_INFO, "operation_done", LOG_S("what", op->key));
	count_end(op);
	answer_waiters(op);
	if (op->release)
		desk_release(d, op->attempt);
	else if (d->left_open && (op->err == ERR_STORE || op->err == ERR_BUSY))
		d->left_open(d);
	if (op->promised)
		ledger_kept(&d->ledger);
	if (op->look_in_ms && d->look_again)
		d->look_again(d, op->look_in_ms);
	map_remove(d->operations, slice_from(op->key));
	metrics_set(METRIC_OPERATIONS, map_count(d->operations));
	arena_free(&op->arena);
	free(op);
	if (follow && !d->stopping) /* else the next start finds it in the database */
		follow(d, slice_from(subject));
	tell_idle(d);
}

void desk_init(struct desk *d)
{
	const struct jobs_batch batch = {.begin = batch_begin, .end = batch_end, .arg = d};

	uv_timer_init(d->loop, &d->again);
	d->again.data = d;
	ledger_init(&d->ledger);
	list_init(&d->parked);
	d->operations = map_new();
	d->awaiting = map_new();
	d->jobs = jobs_start(d->loop, &batch);
}

void desk_done(struct desk *d, void (*stopped)(void *arg), void *arg)
{
	map_free(&d->operations);
	map_free(&d->awaiting);
	uv_close((uv_handle_t *)&d->again, NULL);
	jobs_stop(d->jobs, stopped, arg);
}

static void do_next(struct operation *op)
{
	switch (op->next) {
	case OPERATION_FETCH:
	case OPERATION_JOIN:
		if (!desk_can_ask(op)) {
			op->err = ERR_INTERNAL;
			desk_end(op);
			break;
		}
		op->fetching = true;
		op->tries = 0;
		op->sent_once = op->next == OPERATION_JOIN;
		desk_ask(op);
		break;
	case OPERATION_AGAIN: /* its outcome is noted: the courier may forget it, and the next attempt has a name of its own */
		if (op->desk->stopping) { /* what is due stands in the database: the next start finds it */
			desk_end(op);
			break;
		}
		desk_release(op->desk, op->attempt);
		random_id(op->attempt);
		desk_run(op);
		break;
	case OPERATION_PARK:
		list_append(&op->desk->parked, &op->park);
		break;
	case OPERATION_END:
		if (op->found_good && wants_more(op)) {
			op->found_good = false;
			desk_run(op);
		} else {
			desk_end(op);
		}
		break;
	}
}

static void after_step(struct operation *op)
{
	bool wakes = op->wakes;
	struct desk *d = op->desk;

	op->wakes = false;
	do_next(op);
	if (wakes)
		desk_wake(d);
}

enum err desk_open_body(const struct operation *op)
{
	return op->opened;
}
