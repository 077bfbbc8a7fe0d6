/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of things for a request that yields tokens (LIFECYCLE §4.1, §4.2): slot reserved, request
 * sent once, answer sealed, written, synced, handed on, released. All answers of one loop turn share one
 * sync, which runs beside the loop. Must never hand on a sealed answer before it is durable, never log a
 * body, a URL or a query, and never send an attempt twice.
 */
#include "courier/post.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "courier/attempts.h"
#include "secret/spoolseal.h"

enum {
	PLAIN_MAX = 64, /* requests without tokens at once */
	LABEL_BYTES = 65,
	ADOPT_MS = 500,
	SWEEP_MS = 3600 * 1000,
	SEALED_MAX_BYTES = 2 * SPOOL_BODY_MAX_BYTES,
};

struct post {
	struct post_args args;
	struct spool *spool;
	struct transfers *transfers;
	struct attempts *attempts;
	struct list running, written, syncing; /* jobs */
	size_t plain_count;
	size_t foreign; /* spools that an older courier still holds */
	uv_timer_t sync_timer, adopt_timer, sweep_timer;
	uv_work_t sync;
	enum err sync_err;
	bool sync_running, stopping, idle_told, have_keys;
	size_t handles; /* that are not closed yet */
	unsigned char public_key[MASTER_PUBLIC_BYTES], mac_key[MASTER_MAC_KEY_BYTES];
};

/* One request on its way. */
struct job {
	struct list node;
	struct post *post;
	struct transfer *transfer;
	struct attempt *attempt; /* NULL: yields no tokens, and message_id waits for it */
	uint64_t message_id;	 /* 0: nobody waits any more */
	int64_t started_at;
	char label[LABEL_BYTES];
	struct arena *arena; /* head and sealed body */
	struct fetch_answer answer;
};

static void schedule_sync(struct post *p);

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
		schedule_sync(p); /* which tells the owner, from the loop */
}

static void answer_one(struct post *p, uint64_t message_id, const struct fetch_answer *answer)
{
	if (message_id)
		p->args.answer(p->args.arg, message_id, answer);
}

static void refuse(struct post *p, uint64_t message_id, enum err e, const char *detail)
{
	struct fetch_answer answer = {.err = e};
	struct slice text = slice_from(detail);

	memcpy(answer.detail, text.p, text.n < sizeof answer.detail ? text.n : sizeof answer.detail - 1);
	answer_one(p, message_id, &answer);
}

static void answer_waiters(struct post *p, struct attempt *attempt, const struct fetch_answer *answer)
{
	for (size_t i = 0; i < attempt->waiter_count; i++)
		answer_one(p, attempt->waiter[i], answer);
	attempt->waiter_count = 0;
}

static void log_outcome(const struct job *j, const struct fetch_answer *answer)
{
	LOG(answer->err ? LOG_WARN : LOG_INFO, "fetched", LOG_S("label", j->label), LOG_I("status", answer->status),
	    LOG_I("ms", clock_mono_ms(j->post->args.clock) - j->started_at),
	    LOG_S("result", err_kind(answer->err)->code), LOG_I("sent", answer->sent),
	    LOG_I("complete", answer->complete), LOG_S("cause", transfer_cause(j->transfer)));
}

static void forget_attempt(struct post *p, struct attempt *attempt)
{
	spool_release(p->spool, attempt->slot);
	attempts_remove(p->attempts, &attempt);
}

/* Nobody answered: nothing to keep on disk, but the same id must not be sent again. */
static void conclude_failure(struct job *j, const struct fetch_answer *answer)
{
	struct post *p = j->post;
	struct attempt *attempt = j->attempt;

	spool_release(p->spool, attempt->slot);
	attempts_fail(p->attempts, attempt, answer);
	answer_waiters(p, attempt, &attempt->failure);
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
	fetch_put_head(&head, j->attempt->id, &j->answer);
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
	if (spool_put(p->spool, j->attempt->slot, &entry))
		spool_trouble(p, "an answer could not be written");
	list_remove(&j->node);
	list_append(&p->written, &j->node);
	schedule_sync(p);
}

static void on_transferred(struct transfer *t, void *arg)
{
	struct job *j = arg;
	const struct fetch_answer *answer = transfer_answer(t);

	log_outcome(j, answer);
	if (!j->attempt) {
		answer_one(j->post, j->message_id, answer);
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
	answer_waiters(p, attempt, &j->answer);
	if (attempt->released)
		forget_attempt(p, attempt);
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
	schedule_sync(p);
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

static void schedule_sync(struct post *p)
{
	if (!uv_is_active((uv_handle_t *)&p->sync_timer))
		uv_timer_start(&p->sync_timer, on_sync_timer, 0, 0);
}

static void start_job(struct post *p, const struct fetch_request *r, uint64_t message_id, struct attempt *attempt)
{
	struct job *j = MEM_NEW(struct job);
	struct slice label = slice_sub(slice_from(r->label), 0, sizeof j->label - 1);

	j->post = p;
	j->attempt = attempt;
	j->message_id = message_id;
	j->started_at = clock_mono_ms(p->args.clock);
	memcpy(j->label, label.p, label.n);
	list_append(&p->running, &j->node);
	j->transfer = transfer_start(p->transfers, r, on_transferred, j);
}

/* The stored answer again, from its slot. */
static void answer_stored(struct post *p, struct attempt *attempt, uint64_t message_id)
{
	CLEANUP(arena_free) struct arena *a = arena_new(SEALED_MAX_BYTES);
	struct fetch_answer answer = {0};
	struct spool_entry entry;

	if (spool_get(p->spool, attempt->slot, a, &entry) || fetch_parse_head(entry.head, &answer) ||
	    !fetch_head_is_of(entry.head, attempt->id)) {
		LOG(LOG_ERROR, "spool_entry_lost", LOG_S("attempt", attempt->id));
		answer = (struct fetch_answer){.err = ERR_UPSTREAM_DOWN, .detail = TRANSFER_UNREACHABLE, .sent = true};
	} else {
		answer.err = entry.err;
		answer.body = entry.body;
	}
	answer_one(p, message_id, &answer);
}

static void join_attempt(struct post *p, struct attempt *attempt, uint64_t message_id)
{
	if (attempt->state == ATTEMPT_STORED)
		answer_stored(p, attempt, message_id);
	else if (attempt->state == ATTEMPT_FAILED)
		answer_one(p, message_id, &attempt->failure);
	else if (message_id && !attempt_wait(attempt, message_id))
		refuse(p, message_id, ERR_BUSY, "too many wait for this attempt");
}

static void fetch_tokens(struct post *p, uint64_t message_id, const struct fetch_request *r)
{
	struct attempt *attempt = attempts_find(p->attempts, slice_from(r->attempt));
	struct spool_slot slot;

	if (attempt) {
		join_attempt(p, attempt, message_id);
		return;
	}
	if (p->stopping || !p->have_keys) {
		refuse(p, message_id, ERR_BUSY, "the courier takes no requests now");
		return;
	}
	if (spool_reserve(p->spool, &slot)) {
		LOG(LOG_ERROR, "spool_full", LOG_I("used", spool_used(p->spool)));
		refuse(p, message_id, ERR_BUSY, "there is no room to keep the provider's answer");
		return;
	}
	attempt = attempts_add(p->attempts, slice_from(r->attempt), ATTEMPT_IN_FLIGHT);
	attempt->slot = slot;
	if (message_id)
		attempt_wait(attempt, message_id);
	start_job(p, r, 0, attempt);
}

void post_fetch(struct post *p, uint64_t message_id, const struct fetch_request *r)
{
	if (r->flags & FETCH_YIELDS_TOKENS) {
		fetch_tokens(p, message_id, r);
	} else if (p->stopping || p->plain_count == PLAIN_MAX) {
		refuse(p, message_id, ERR_BUSY, "the courier takes no requests now");
	} else {
		p->plain_count++;
		start_job(p, r, message_id, NULL);
	}
}

void post_join(struct post *p, uint64_t message_id, struct slice id)
{
	struct attempt *attempt = attempts_find(p->attempts, id);

	if (!attempt && p->foreign > 0 && id.n == SPOOL_ATTEMPT_BYTES)
		attempt = attempts_add(p->attempts, id, ATTEMPT_SOUGHT);
	if (attempt)
		join_attempt(p, attempt, message_id);
	else
		refuse(p, message_id, ERR_NOT_FOUND, "the courier does not know this attempt");
}

void post_release(struct post *p, struct slice id)
{
	struct attempt *attempt = attempts_find(p->attempts, id);

	if (!attempt)
		return;
	if (attempt->state == ATTEMPT_IN_FLIGHT)
		attempt->released = true;
	else
		forget_attempt(p, attempt);
}

static void forget_message(struct list *jobs)
{
	for (struct list *node = jobs->next; node != jobs; node = node->next)
		CONTAINER_OF(node, struct job, node)->message_id = 0;
}

static void drop_sought(struct attempt *attempt, void *arg)
{
	struct post *p = arg;

	attempts_remove(p->attempts, &attempt);
}

void post_forget_waiters(struct post *p)
{
	attempts_forget_waiters(p->attempts);
	attempts_each(p->attempts, ATTEMPT_SOUGHT, drop_sought, p);
	forget_message(&p->running);
}

static void on_found(const struct spool_entry *entry, struct spool_slot slot, void *arg)
{
	struct post *p = arg;
	struct attempt *attempt = attempts_find(p->attempts, slice_from(entry->attempt));

	if (!attempt)
		attempt = attempts_add(p->attempts, slice_from(entry->attempt), ATTEMPT_SOUGHT);
	if (attempt->state != ATTEMPT_SOUGHT)
		return; /* the newer one counts; the old one goes with its age */
	attempt->state = ATTEMPT_STORED;
	attempt->slot = slot;
	attempt->stored_at = entry->at;
	for (size_t i = 0; i < attempt->waiter_count; i++)
		answer_stored(p, attempt, attempt->waiter[i]);
	attempt->waiter_count = 0;
	LOG(LOG_INFO, "spool_entry_found", LOG_S("attempt", attempt->id));
}

static void tell_unknown(struct attempt *attempt, void *arg)
{
	struct post *p = arg;

	for (size_t i = 0; i < attempt->waiter_count; i++)
		refuse(p, attempt->waiter[i], ERR_NOT_FOUND, "the courier does not know this attempt");
	attempts_remove(p->attempts, &attempt);
}

static void adopt(struct post *p)
{
	size_t torn = spool_torn(p->spool);

	p->foreign = spool_adopt(p->spool, on_found, p);
	if (spool_torn(p->spool) > torn)
		LOG(LOG_WARN, "spool_entries_torn", LOG_I("count", spool_torn(p->spool) - torn));
	if (p->foreign == 0)
		attempts_each(p->attempts, ATTEMPT_SOUGHT, tell_unknown, p);
}

static void on_adopt_timer(uv_timer_t *timer)
{
	struct post *p = CONTAINER_OF(timer, struct post, adopt_timer);

	adopt(p);
	if (p->foreign == 0)
		uv_timer_stop(timer);
}

static void sweep_one(struct attempt *attempt, void *arg)
{
	struct post *p = arg;

	if (attempt->stored_at < clock_wall_ms(p->args.clock) - SPOOL_KEEP_MS) {
		LOG(LOG_WARN, "spool_entry_expired", LOG_S("attempt", attempt->id));
		forget_attempt(p, attempt);
	}
}

static void on_sweep_timer(uv_timer_t *timer)
{
	struct post *p = CONTAINER_OF(timer, struct post, sweep_timer);

	attempts_each(p->attempts, ATTEMPT_STORED, sweep_one, p);
}

static void start_timers(struct post *p)
{
	uv_timer_init(p->args.loop, &p->sync_timer);
	uv_timer_init(p->args.loop, &p->adopt_timer);
	uv_timer_init(p->args.loop, &p->sweep_timer);
	p->handles = 3;
	uv_timer_start(&p->sweep_timer, on_sweep_timer, SWEEP_MS, SWEEP_MS);
	if (p->foreign > 0)
		uv_timer_start(&p->adopt_timer, on_adopt_timer, ADOPT_MS, ADOPT_MS);
}

enum err post_new(const struct post_args *args, struct post **ret_post, struct errinfo *ei)
{
	const struct spool_args spool = {.data_dir = args->data_dir,
					 .instance = args->instance,
					 .slots_max = args->slots_max,
					 .clock = args->clock};
	const struct transfers_args transfers = {.loop = args->loop,
						 .egress = args->egress,
						 .resolver = args->resolver,
						 .ca_file = args->ca_file,
						 .total_ms = args->total_ms,
						 .connect_ms = args->connect_ms};
	struct post *p = MEM_NEW(struct post);
	enum err e;

	p->args = *args;
	list_init(&p->running);
	list_init(&p->written);
	list_init(&p->syncing);
	p->attempts = attempts_new();
	e = spool_open(&spool, on_found, p, &p->spool, ei);
	if (!e)
		e = transfers_new(&transfers, &p->transfers, ei);
	if (e) {
		spool_free(&p->spool);
		attempts_free(&p->attempts);
		free(p);
		return e;
	}
	adopt(p);
	start_timers(p);
	*ret_post = p;
	return ERR_OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct post *p = handle->data;

	if (--p->handles == 0)
		free(p);
}

void post_free(struct post **pp)
{
	struct post *p = pp ? *pp : NULL;
	uv_timer_t *timers[3];

	if (!p)
		return;
	*pp = NULL;
	secret_wipe(p->mac_key, sizeof p->mac_key);
	transfers_free(&p->transfers);
	spool_free(&p->spool);
	attempts_free(&p->attempts);
	timers[0] = &p->sync_timer;
	timers[1] = &p->adopt_timer;
	timers[2] = &p->sweep_timer;
	for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
		timers[i]->data = p;
		uv_close((uv_handle_t *)timers[i], on_handle_closed);
	}
}

void post_set_keys(struct post *p, const unsigned char public_key[MASTER_PUBLIC_BYTES],
		   const unsigned char mac_key[MASTER_MAC_KEY_BYTES])
{
	memcpy(p->public_key, public_key, sizeof p->public_key);
	memcpy(p->mac_key, mac_key, sizeof p->mac_key);
	p->have_keys = true;
}

void post_stop(struct post *p)
{
	p->stopping = true;
	schedule_sync(p);
}

bool post_failed(const struct post *p)
{
	return spool_failed(p->spool);
}
