/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short way of a token read. Must never answer a question that the handler would refuse: whatever is unusual in a
 * request takes the long way, where it gets its refusal.
 */
#include "worker/reads.h"

#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

/* One read under way, between its answer and its audit record. Lives in the request's arena. */
struct read {
	struct handle_desk *desk;
	struct exchange *exchange;
	const struct request *request;
	const char *pattern;
	struct response response;
	struct outbox_item records;
	int64_t began_ms;
};

enum { SWEEP_MS = 800 / CACHE_SWEEPS, KNOWN_HEADS = 16 * 1024 }; /* nothing that went is in memory a second later (CR-06) */

/* What is asked: the entry's key, and how much life is wanted. */
struct question {
	unsigned char key[CACHE_KEY_BYTES];
	int64_t min_ttl_s;
	uint64_t bucket; /* of the API key's reads; 0: not looked up yet */
};

/*
 * Heads that asked for a token in the usual form, so that the same bytes need no second reading. It holds digests only, and
 * says nothing about what may be answered: that is the cache's to know, each time anew.
 */
struct reads_known {
	struct known_head {
		unsigned char digest[REQUEST_DIGEST_BYTES];
		struct question question;
		const char *pattern; /* of the route; NULL: a free place */
	} head[KNOWN_HEADS];
};

static struct known_head *place_of(struct reads_known *known, const struct request *request)
{
	uint32_t h; /* the digest is random already */

	memcpy(&h, request->digest, sizeof h);
	return &known->head[h % KNOWN_HEADS];
}

static void remember(struct handle_desk *d, const struct request *request, const struct question *q, const char *pattern)
{
	struct known_head *k = request->repeatable && d->known ? place_of(d->known, request) : NULL;

	if (!k)
		return;
	memcpy(k->digest, request->digest, sizeof k->digest);
	k->question = *q;
	k->pattern = pattern;
}

static void on_sweep(uv_timer_t *timer)
{
	struct handle_desk *d = timer->data;

	cache_sweep(d->cache, clock_wall_ms(d->core.clock));
	metrics_set(METRIC_CACHE_ENTRIES, cache_count(d->cache));
	metrics_set(METRIC_CACHE_BYTES, cache_bytes(d->cache));
	if (cache_count(d->cache) == 0)
		uv_timer_stop(timer);
}

void reads_init(struct handle_desk *d)
{
	d->known = MEM_NEW(struct reads_known);
	uv_timer_init(d->loop, &d->sweep);
	d->sweep.data = d;
	uses_init(&d->uses, d->loop, d->core.clock, &d->clerk);
}

void reads_done(struct handle_desk *d)
{
	uses_done(&d->uses);
	free(TAKE(d->known));
	uv_close((uv_handle_t *)&d->sweep, NULL);
}

static bool is_known(const struct params *query)
{
	for (size_t i = 0; i < query->count; i++) {
		struct slice name = query->pair[i].name;

		if (!slice_is(name, "user") && !slice_is(name, "app_id") && !slice_is(name, "min_ttl"))
			return false;
	}
	return true;
}

/* False for anything but the usual form. */
static bool ask(const struct handle_desk *d, const struct request *request, struct question *ret)
{
	struct params query;
	struct slice parts[4];
	bool presented;

	ret->bucket = 0;
	if (request->method != HTTP_M_GET || request->body.n)
		return false;
	parts[0] = call_presented_key(request, &presented);
	if (!parts[0].n || params_parse(request->query, request->arena, &query, NULL) || !is_known(&query) ||
	    api_tokens_min_ttl(&query, &ret->min_ttl_s, NULL))
		return false;
	parts[1] = request_path_param(request, "ref");
	parts[2] = params_get(&query, "app_id");
	parts[3] = params_get(&query, "user");
	return cache_key(d->cache, parts, ARRAY_LEN(parts), ret->key);
}

void reads_keep(struct handle_desk *d, const struct call *c, uint64_t epoch)
{
	const struct call_kept *k = c->kept;
	struct slice body = buf_slice(&c->response->body);
	struct question question;
	struct cache_fill fill;
	int64_t used_at = uses_note(&d->uses, k->reading.connection_id, k->reading.used_at, clock_wall_ms(d->core.clock));

	if (c->caller.kind != CALLER_KEY || !buf_ok(&c->response->body) || !ask(d, c->request, &question))
		return;
	fill = (struct cache_fill){
		.token = {.connection_id = k->reading.connection_id, .actor = c->caller.actor, .subject = k->subject,
			  .life = k->reading.life, .used_at = used_at},
		.user_id = k->user_id, .grant_id = k->reading.grant_id, .epoch = epoch,
		.before = slice_sub(body, 0, k->seconds_at), .after = slice_sub(body, k->seconds_end, body.n),
	};
	cache_put(d->cache, question.key, &fill);
	if (!uv_is_active((uv_handle_t *)&d->sweep) && !uv_is_closing((uv_handle_t *)&d->sweep))
		uv_timer_start(&d->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
}

/* The record is written, or the token stays here (LG-03). */
static void deliver(struct outbox_item *item, enum err e, const struct errinfo *why)
{
	struct read *r = CONTAINER_OF(item, struct read, records);
	struct response response;

	if (e) {
		response_done(&r->response); /* wipes it */
		response_init(&r->response);
		call_error_json(&r->response, r->request->id, e, 0, why);
	}
	handle_log(&(const struct handle_line){.request = r->request, .pattern = r->pattern, .actor = item->actor, .err = e,
					       .detail = e ? why->detail : "", .status = r->response.status, .began_ms = r->began_ms});
	if (!e)
		metrics_add(METRIC_READS_MEMORY);
	r->desk->running--;
	response = r->response; /* `r` goes with the request's arena */
	server_answer(r->exchange, &response);
	response_done(&response);
}

static void answer(struct read *r, const struct cache_hit *hit, int64_t now)
{
	const struct cache_token *t = &hit->token;
	const struct record act = {.at = now, .event = API_TOKENS_EVENT};

	outbox_item_init(&r->records, deliver);
	auditing_put_about(&r->records.notes, &act, slice_from(t->subject));
	r->records.request = r->request->id;
	r->records.actor = arena_strdup(r->request->arena, t->actor); /* the entry may be gone when the record is written */
	r->records.result = "ok";
	response_init(&r->response);
	r->response.status = 200;
	r->response.content_type = "application/json";
	cache_put_body(r->desk->cache, hit, api_tokens_seconds_left(&t->life, now), &r->response.body);
	outbox_put(&r->desk->outbox, &r->records);
}

static bool is_within_limit(struct handle_desk *d, struct question *q, const struct cache_hit *hit, struct errinfo *why)
{
	if (!d->quota.rate[QUOTA_READS].interval_ns)
		return true;
	if (!q->bucket)
		q->bucket = quota_id(&d->quota, QUOTA_READS, slice_from(hit->token.actor), (struct slice){0});
	return quota_take_id(&d->quota, QUOTA_READS, q->bucket, (int64_t)uv_now(d->loop), why) == ERR_OK;
}

/* False, and nothing has happened, when the entry is gone or its token too old. */
static bool answer_from_cache(struct handle_desk *d, struct exchange *x, const struct request *request, struct question *q,
			      const char *pattern)
{
	struct errinfo why; /* set when it is needed: to empty it for each read costs more than the limit does */
	struct cache_hit hit;
	struct read *r;
	int64_t now;

	if (!cache_find(d->cache, q->key, &hit))
		return false;
	now = clock_wall_ms(d->core.clock);
	if (!grants_is_fresh(&hit.token.life, q->min_ttl_s, now))
		return false;
	if (!is_within_limit(d, q, &hit, &why)) {
		handle_refuse(x, (struct handle_line){.request = request, .pattern = pattern, .actor = hit.token.actor, .err = ERR_LIMIT,
						      .began_ms = (int64_t)uv_now(d->loop)},
			      false, &why);
		return true;
	}
	r = ARENA_NEW(request->arena, struct read);
	r->desk = d;
	r->exchange = x;
	r->request = request;
	r->pattern = pattern;
	r->began_ms = (int64_t)uv_now(d->loop);
	d->running++;
	cache_noted(d->cache, &hit, uses_note(&d->uses, hit.token.connection_id, hit.token.used_at, now));
	answer(r, &hit, now);
	return true;
}

bool reads_answer(struct handle_desk *d, struct exchange *x, const struct request *request, const struct call_route *route,
		  const char *pattern)
{
	struct question question;

	/* Without a journal no record can be written: that is so before a job has opened the chain. */
	if (route->handler != api_tokens_read || !d->outbox.journal || !ask(d, request, &question) ||
	    !answer_from_cache(d, x, request, &question, pattern))
		return false;
	remember(d, request, &question, pattern);
	return true;
}

bool reads_repeat(struct exchange *x, const struct request *request, void *arg)
{
	struct handle_desk *d = arg;
	struct known_head *k = d->known && d->outbox.journal ? place_of(d->known, request) : NULL;

	return k && k->pattern && memcmp(k->digest, request->digest, sizeof k->digest) == 0 &&
	       answer_from_cache(d, x, request, &k->question, k->pattern);
}
