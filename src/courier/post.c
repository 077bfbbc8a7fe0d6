/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask for what, and what is known of each attempt (LIFECYCLE §4.1): a slot is reserved before a
 * request is sent, the same id gets the same answer, older couriers' spools are taken over. Must never
 * send an attempt twice.
 */
#include "courier/post.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "courier/post_private.h"

enum {
	PLAIN_MAX = 64, /* requests without tokens at once */
	ADOPT_MS = 500,
	SWEEP_MS = 3600 * 1000,
	OFFER_MAX = 1024, /* in one message */
	SEALED_MAX_BYTES = 2 * SPOOL_BODY_MAX_BYTES,
};

void post_answer(struct post *p, uint64_t message_id, const struct fetch_answer *answer)
{
	if (message_id)
		p->args.answer(p->args.arg, message_id, answer);
}

static void refuse(struct post *p, uint64_t message_id, enum err e, const char *detail)
{
	struct fetch_answer answer = {.err = e};
	struct slice text = slice_from(detail);

	memcpy(answer.detail, text.p, text.n < sizeof answer.detail ? text.n : sizeof answer.detail - 1);
	post_answer(p, message_id, &answer);
}

static void offer(struct post *p, const struct attempt *attempt)
{
	p->args.holds(p->args.arg, slice_from(attempt->id));
}

void post_answer_waiters(struct post *p, struct attempt *attempt, const struct fetch_answer *answer)
{
	if (attempt->waiter_count == 0 && !attempt->released)
		offer(p, attempt);
	for (size_t i = 0; i < attempt->waiter_count; i++)
		post_answer(p, attempt->waiter[i], answer);
	attempt->waiter_count = 0;
}

void post_forget(struct post *p, struct attempt *attempt)
{
	spool_release(p->spool, attempt->slot);
	attempts_remove(p->attempts, &attempt);
}

/* The stored answer again, from its slot. */
static void answer_stored(struct post *p, struct attempt *attempt, uint64_t message_id)
{
	CLEANUP(arena_free) struct arena *a = arena_new(SEALED_MAX_BYTES);
	struct fetch_answer answer = {0};
	struct spool_entry entry;
	enum err e = spool_get(p->spool, attempt->slot, a, &entry);

	if (e == ERR_STORE) {
		refuse(p, message_id, ERR_BUSY, "the stored answer cannot be read now");
		return;
	}
	if (e || fetch_parse_head(entry.head, &answer) ||
	    !fetch_head_is_of(entry.head, attempt->id)) {
		LOG(LOG_ERROR, "spool_entry_lost", LOG_S("attempt", attempt->id));
		answer = (struct fetch_answer){.err = ERR_UPSTREAM_DOWN, .detail = TRANSFER_UNREACHABLE, .sent = true};
	} else {
		answer.err = entry.err;
		answer.body = entry.body;
	}
	post_answer(p, message_id, &answer);
}

static void join_attempt(struct post *p, struct attempt *attempt, uint64_t message_id)
{
	if (attempt->state == ATTEMPT_STORED)
		answer_stored(p, attempt, message_id);
	else if (attempt->state == ATTEMPT_FAILED)
		post_answer(p, message_id, &attempt->failure);
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
	/* After a restored database or a clerk that forgot: two answers to one token end a family (DESIGN §2). */
	if (attempts_consumer(p->attempts, r->consumes)) {
		LOG(LOG_WARN, "attempt_in_the_way", LOG_S("attempt", r->attempt),
		    LOG_S("of", attempts_consumer(p->attempts, r->consumes)->id));
		refuse(p, message_id, ERR_BUSY, "another attempt with the same refresh token or code is under way");
		return;
	}
	if (spool_reserve(p->spool, &slot)) {
		LOG(LOG_ERROR, "spool_full", LOG_I("used", spool_used(p->spool)));
		refuse(p, message_id, ERR_BUSY, "there is no room to keep the provider's answer");
		return;
	}
	attempt = attempts_add(p->attempts, slice_from(r->attempt), ATTEMPT_IN_FLIGHT);
	attempts_note(p->attempts, attempt, r->consumes);
	attempt->slot = slot;
	if (message_id)
		attempt_wait(attempt, message_id);
	job_start(p, r, 0, attempt);
}

void post_fetch(struct post *p, uint64_t message_id, const struct fetch_request *r)
{
	if (r->flags & FETCH_YIELDS_TOKENS) {
		fetch_tokens(p, message_id, r);
	} else if (p->stopping || p->plain_count == PLAIN_MAX) {
		refuse(p, message_id, ERR_BUSY, "the courier takes no requests now");
	} else {
		p->plain_count++;
		job_start(p, r, message_id, NULL);
	}
}

void post_join(struct post *p, uint64_t message_id, struct slice id)
{
	struct attempt *attempt = attempts_find(p->attempts, id);

	if (FAULT(courier_forget) && attempt && attempt->released)
		attempt = NULL;
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
		post_forget(p, attempt);
}

static void drop_sought(struct attempt *attempt, void *arg)
{
	struct post *p = arg;

	attempts_remove(p->attempts, &attempt);
}

static void release_one(struct attempt *attempt, void *arg)
{
	post_release(arg, slice_from(attempt->id));
}

void post_forget_waiters(struct post *p)
{
	if (FAULT(courier_forget)) {
		attempts_each(p->attempts, ATTEMPT_IN_FLIGHT, release_one, p);
		attempts_each(p->attempts, ATTEMPT_STORED, release_one, p);
	}
	attempts_forget_waiters(p->attempts);
	attempts_each(p->attempts, ATTEMPT_SOUGHT, drop_sought, p);
	job_forget_messages(p);
}

static void on_found(const struct spool_entry *entry, struct spool_slot slot, void *arg)
{
	struct post *p = arg;
	struct attempt *attempt = attempts_find(p->attempts, slice_from(entry->attempt));
	struct fetch_bond bond;

	if (!attempt)
		attempt = attempts_add(p->attempts, slice_from(entry->attempt), ATTEMPT_SOUGHT);
	if (attempt->state != ATTEMPT_SOUGHT)
		return; /* the newer one counts; the old one goes with its age */
	attempt->state = ATTEMPT_STORED;
	attempt->slot = slot;
	attempt->stored_at = entry->at;
	if (fetch_parse_bond(entry->head, &bond) == ERR_OK && bond.consumes[0])
		attempts_note(p->attempts, attempt, bond.consumes);
	LOG(LOG_INFO, "spool_entry_found", LOG_S("attempt", attempt->id));
	if (attempt->waiter_count == 0)
		offer(p, attempt);
	for (size_t i = 0; i < attempt->waiter_count; i++)
		answer_stored(p, attempt, attempt->waiter[i]);
	attempt->waiter_count = 0;
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
		post_forget(p, attempt);
	}
}

void post_sweep(struct post *p)
{
	attempts_each(p->attempts, ATTEMPT_STORED, sweep_one, p);
}

/* A RELEASE or an offer that was not heard is made good here: what is kept bars its token from another attempt. */
static void on_sweep_timer(uv_timer_t *timer)
{
	struct post *p = CONTAINER_OF(timer, struct post, sweep_timer);

	post_sweep(p);
	post_offer(p);
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

/* Ids on their way into one message. */
struct offering {
	struct post *post;
	struct buf ids;
};

static void send_offering(struct offering *o)
{
	if (o->ids.n)
		o->post->args.holds(o->post->args.arg, buf_slice(&o->ids));
	buf_reset(&o->ids);
}

static void collect(struct attempt *attempt, void *arg)
{
	struct offering *o = arg;

	if (o->ids.n == o->ids.max)
		send_offering(o);
	buf_puts(&o->ids, attempt->id);
}

void post_offer(struct post *p)
{
	struct offering o = {.post = p};

	buf_init(&o.ids, OFFER_MAX * SPOOL_ATTEMPT_BYTES);
	attempts_each(p->attempts, ATTEMPT_STORED, collect, &o);
	attempts_each(p->attempts, ATTEMPT_FAILED, collect, &o);
	send_offering(&o);
	buf_done(&o.ids);
}

void post_stop(struct post *p)
{
	p->stopping = true;
	job_schedule(p);
}

bool post_failed(const struct post *p)
{
	return spool_failed(p->spool);
}
