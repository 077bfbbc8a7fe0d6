/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of one request (LIFECYCLE §4.2): sent once, answered; when it yields tokens, sealed, written,
 * synced, handed on. All answers of one loop turn share one sync, which runs beside the loop. Must never
 * hand on a sealed answer before it is durable, and never log a body, a URL or a query.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "courier/post_private.h"
#include "secret/spoolseal.h"

enum { LABEL_BYTES = 65, SEALED_MAX_BYTES = 2 * SPOOL_BODY_MAX_BYTES };

/* One request on its way. */
struct job {
	struct list node;
	struct post *post;
	struct transfer *transfer;
	struct attempt *attempt; /* NULL: yields no tokens, and message_id waits for it */
	struct fetch_bond bond;
	uint64_t message_id;	 /* 0: nobody waits any more */
	int64_t started_at;
	char label[LABEL_BYTES];
	struct arena *arena; /* head and sealed body */
	struct fetch_answer answer;
};

static bool is_idle(const struct post *p)
{
	return list_empty(&p->running) && list_empty(&p->written) && list_empty(&p->syncing) && !p->sync_running;
}

static void job_free(struct job *j)
{
	struct post *p = j->post;

	list_remove(&j->node);
	if (!j->attempt)
		p->plain_count--;
	transfer_free(&j->transfer);
	arena_free(&j->arena);
	free(j);
	if (p->stopping && is_idle(p))
		job_schedule(p); /* which tells the owner, from the loop */
}

static void log_outcome(const struct job *j, const struct fetch_answer *answer)
{
	if (answer->err)
		metrics_add(METRIC_FETCHES_NONE);
	else
		metrics_add_status(METRIC_FETCHES_2XX, answer->status);
	metrics_add_time(METRIC_TIME_PROVIDER, clock_mono_ms(j->post->args.clock) - j->started_at);
	LOG(answer->err ? LOG_WARN : LOG_INFO, "fetched", LOG_S("label", j->label), LOG_I("status", answer->status),
	    LOG_I("ms", clock_mono_ms(j->post->args.clock) - j->started_at),
	    LOG_S("result", err_kind(answer->err)->code), LOG_I("sent", answer->sent),
	    LOG_I("complete", answer->complete), LOG_S("cause", transfer_cause(j->transfer)));
}

/* Nobody answered: nothing to keep on disk, but the same id must not be sent again. */
static void conclude_failure(struct job *j, const struct fetch_answer *answer)
{
	struct post *p = j->post;
	struct attempt *attempt = j->attempt;

	spool_release(p->spool, attempt->slot);
	attempts_fail(p->attempts, attempt, answer);
	post_answer_waiters(p, attempt, &attempt->failure);
	if (attempt->released)
		attempts_remove(p->attempts, &attempt);
	job_free(j);
}

static void seal(struct job *j)
{
	const struct fetch_answer *clear = transfer_answer(j->transfer);
	struct secret *body = secret_new(clear->body);
	struct buf head;

	j->arena = arena_new(SEALED_MAX_BYTES);
	j->answer = *clear;
	j->answer.sealed = true;
	buf_init(&head, SPOOL_HEAD_MAX_BYTES);
	fetch_put_head(&head, &j->bond, &j->answer);
	j->answer.head = arena_copy(j->arena, buf_slice(&head));
	buf_done(&head);
	j->answer.body = spoolseal_make(j->post->public_key, j->post->mac_key, j->answer.head, body, j->arena);
	secret_free(&body);
	transfer_free(&j->transfer); /* wipes the clear body */
}

static void spool_trouble(struct post *p, const char *what)
{
	/* The answer is handed on all the same: the clerk's commit is the grant's other chance. */
	spool_set_failed(p->spool);
	LOG(LOG_ERROR, "spool_failed", LOG_S("what", what));
}

static void spool_answer(struct job *j)
{
	struct post *p = j->post;
	struct spool_entry entry = {.at = clock_wall_ms(p->args.clock)};

	seal(j);
	memcpy(entry.attempt, j->attempt->id, sizeof entry.attempt);
	entry.err = j->answer.err;
	entry.head = j->answer.head;
	entry.body = j->answer.body;
	j->attempt->stored_at = entry.at;
	if (!FAULT(courier_forget) && spool_put(p->spool, j->attempt->slot, &entry))
		spool_trouble(p, "an answer could not be written");
	list_remove(&j->node);
	list_append(&p->written, &j->node);
	job_schedule(p);
}

static void on_transferred(struct transfer *t, void *arg)
{
	struct job *j = arg;
	const struct fetch_answer *answer = transfer_answer(t);

	log_outcome(j, answer);
	if (!j->attempt) {
		post_answer(j->post, j->message_id, answer);
		job_free(j);
	} else if (answer->status > 0) {
		spool_answer(j);
	} else {
		conclude_failure(j, answer);
	}
}

static void deliver(struct job *j)
{
	struct post *p = j->post;
	struct attempt *attempt = j->attempt;

	attempt->state = ATTEMPT_STORED;
	post_answer_waiters(p, attempt, &j->answer);
	if (attempt->released)
		post_forget(p, attempt);
	job_free(j);
}

static void run_sync(uv_work_t *work)
{
	struct post *p = CONTAINER_OF(work, struct post, sync);

	p->sync_err = spool_sync(p->spool);
}

static void on_synced(uv_work_t *work, int status)
{
	struct post *p = CONTAINER_OF(work, struct post, sync);

	p->sync_running = false;
	if (status < 0 || p->sync_err)
		spool_trouble(p, "answers could not be synced");
	while (!list_empty(&p->syncing))
		deliver(CONTAINER_OF(p->syncing.next, struct job, node));
	job_schedule(p);
}

/* Runs after everything else that was due in this turn, so that all its answers share the sync. */
static void on_sync_timer(uv_timer_t *timer)
{
	struct post *p = CONTAINER_OF(timer, struct post, sync_timer);

	if (p->stopping && is_idle(p) && !p->idle_told) {
		p->idle_told = true;
		p->args.idle(p->args.arg);
		return;
	}
	if (p->sync_running || list_empty(&p->written))
		return;
	while (!list_empty(&p->written)) {
		struct list *node = p->written.next;

		list_remove(node);
		list_append(&p->syncing, node);
	}
	p->sync_running = true;
	p->sync_err = ERR_OK;
	uv_queue_work(p->args.loop, &p->sync, run_sync, on_synced);
}

void job_schedule(struct post *p)
{
	if (!uv_is_active((uv_handle_t *)&p->sync_timer))
		uv_timer_start(&p->sync_timer, on_sync_timer, 0, 0);
}

void job_start(struct post *p, const struct fetch_request *r, uint64_t message_id, struct attempt *attempt)
{
	struct job *j = MEM_NEW(struct job);
	struct slice label = slice_sub(slice_from(r->label), 0, sizeof j->label - 1);

	j->post = p;
	j->attempt = attempt;
	j->message_id = message_id;
	j->started_at = clock_mono_ms(p->args.clock);
	if (label.n)
		memcpy(j->label, label.p, label.n);
	fetch_bond_of(r, &j->bond);
	list_append(&p->running, &j->node);
	j->transfer = transfer_start(p->transfers, r, on_transferred, j);
}

void job_forget_messages(struct post *p)
{
	for (struct list *node = p->running.next; node != &p->running; node = node->next)
		CONTAINER_OF(node, struct job, node)->message_id = 0;
}
