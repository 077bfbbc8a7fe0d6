/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in, requests out. A connection hands on one request at a time and leaves further bytes alone
 * (bounded) until that one is answered, so answers keep the order of requests. Every state in which it
 * waits for the client has a deadline. It must never keep request bytes longer than it needs them: the
 * read buffer is shared by all connections and wiped after every read.
 */
#include "http/connection.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"
#include "http/answer.h"
#include "http/forwarded.h"
#include "http/repeat.h"

enum {
	READ_AHEAD_MAX = 16 * 1024, /* while a request is being worked on */
	INPUT_MAX = REQUEST_HEAD_MAX + REQUEST_TARGET_MAX + 1024 + 2 * CONNECTION_READ_BYTES + READ_AHEAD_MAX,
};

void connection_wait(struct connection *c, enum connection_state state, int64_t for_ms)
{
	struct server *s = c->server;

	if (c->state != state || state == CONNECTION_IDLE) {
		list_remove(&c->node);
		list_append(state != CONNECTION_IDLE ? &s->active : c->was_served ? &s->idle : &s->fresh, &c->node);
	}
	c->state = state;
	c->deadline_at = for_ms < 0 ? INT64_MAX : (int64_t)uv_now(s->args.loop) + for_ms;
}

static void on_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;
	struct server *s = c->server;

	buf_done(&c->in);
	sodium_memzero(c, sizeof *c);
	free(c);
	server_connection_gone(s);
}

void connection_close(struct connection *c)
{
	struct arena *unread = NULL;

	if (c->state == CONNECTION_CLOSED)
		return;
	if (c->exchange) {
		c->exchange->connection = NULL;
		if (c->state != CONNECTION_BUSY)
			unread = c->exchange->request.arena; /* no handler has seen it */
		c->exchange = NULL;
	}
	server_give_arena(c->server, unread);
	c->state = CONNECTION_CLOSED;
	list_remove(&c->node);
	list_remove(&c->yielded);
	peer_drop(c->server->peers, &c->peer_count);
	c->server->connection_count--;
	uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void wipe_body(void *body)
{
	buf_done(body);
}

/* Unique and unpredictable, without a system call: SipHash of a counter under a key of this process. */
static void put_id(struct server *s, char ret[REQUEST_ID_BYTES])
{
	unsigned char id[crypto_shorthash_siphashx24_BYTES];
	uint64_t n = s->id_counter++;

	crypto_shorthash_siphashx24(id, (const unsigned char *)&n, sizeof n, s->id_key);
	for (size_t i = 0; i < sizeof id; i++) {
		ret[2 * i] = "0123456789abcdef"[id[i] >> 4];
		ret[2 * i + 1] = "0123456789abcdef"[id[i] & 15];
	}
}

struct exchange *connection_new_exchange(struct connection *c)
{
	struct arena *arena = server_take_arena(c->server);
	struct exchange *x = ARENA_NEW(arena, struct exchange);

	x->request.arena = arena;
	x->request.path = SLICE_LIT("/");
	x->request.query = SLICE_LIT("");
	x->request.body = SLICE_LIT("");
	put_id(c->server, x->request.id);
	memcpy(x->request.peer, c->peer.text, sizeof x->request.peer);
	memcpy(x->request.peer_key, c->peer.key, sizeof x->request.peer_key);
	x->connection = c;
	buf_init(&x->body, REQUEST_BODY_MAX);
	return x;
}

static void dispatch(struct connection *c)
{
	struct server *s = c->server;

	if (c->from_proxy)
		forwarded_apply(s->args.proxies, &c->exchange->request);
	c->keep = c->message.keep_alive;
	c->head_only = c->exchange->request.method == HTTP_M_HEAD;
	c->budget--;
	connection_wait(c, CONNECTION_BUSY, -1);
	s->args.on_request(c->exchange, &c->exchange->request, s->args.arg);
}

static void await_body(struct connection *c, bool all_is_read)
{
	arena_own(c->exchange->request.arena, &c->exchange->body, wipe_body);
	if (!c->message.head.chunked) /* at most REQUEST_BODY_MAX, the head check saw to that */
		buf_reserve(&c->exchange->body, (size_t)c->message.head.length);
	c->body_since_at = (int64_t)uv_now(c->server->args.loop);
	c->body_bytes = 0;
	connection_wait(c, CONNECTION_BODY, c->server->limits.body_ms);
	if (all_is_read && c->message.head.expects_continue && !c->message.head.is_1_0)
		answer_continue(c);
}

/* A head, when it is there entirely. Returns how many bytes were used. */
static size_t take_head(struct connection *c, struct slice bytes)
{
	size_t length = 0;
	enum refusal why = REFUSAL_NONE;
	enum head_scan scan = head_scan(bytes, c->scanned, &length, &why);
	struct slice head = slice_sub(bytes, 0, length);

	if (scan == HEAD_PARTIAL) {
		c->scanned = bytes.n;
		if (c->state == CONNECTION_IDLE)
			connection_wait(c, CONNECTION_HEAD, c->server->limits.head_ms);
		return 0;
	}
	c->scanned = 0;
	if (scan == HEAD_COMPLETE) {
		c->exchange = connection_new_exchange(c);
		if (repeat_take(c, head))
			return length;
		why = message_begin(&c->message, head, &c->exchange->request, &c->exchange->body);
	}
	if (why) {
		answer_refuse(c, why);
	} else if (c->message.complete) {
		c->exchange->request.repeatable = repeat_is_possible(c, head);
		dispatch(c);
	}
	else
		await_body(c, bytes.n == length);
	return length;
}

/* A client that has sent hundreds of requests at once lets others have their turn. */
static void yield(struct connection *c)
{
	if (list_empty(&c->yielded))
		list_append(&c->server->yielded, &c->yielded);
	server_wake(c->server);
}

static size_t take_body(struct connection *c, struct slice bytes)
{
	size_t used = 0;
	enum refusal why = message_feed(&c->message, bytes, &used);

	if (why) {
		answer_refuse(c, why);
		return 0;
	}
	c->body_bytes += used;
	c->deadline_at = c->body_since_at + c->server->limits.body_ms +
			 (int64_t)c->body_bytes * 1000 / c->server->limits.body_rate;
	if (c->message.complete)
		dispatch(c);
	return used;
}

/* Goes through the bytes as far as it may now; returns how many are done with. */
static size_t run(struct connection *c, struct slice bytes)
{
	size_t at = 0;
	bool stuck = false;

	c->running = true;
	while (at < bytes.n && !stuck) {
		struct slice rest = slice_sub(bytes, at, bytes.n);
		size_t used = 0;

		switch (c->state) {
		case CONNECTION_IDLE:
		case CONNECTION_HEAD:
			if (c->budget)
				used = take_head(c, rest);
			else
				yield(c);
			stuck = used == 0;
			break;
		case CONNECTION_BODY:
			used = take_body(c, rest);
			stuck = used == 0;
			break;
		case CONNECTION_LINGER: used = rest.n; break;
		case CONNECTION_BUSY:
		case CONNECTION_WRITING:
		case CONNECTION_CLOSED:
		default: stuck = true; break;
		}
		at += used;
	}
	c->running = false;
	return at;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *ret_buf)
{
	struct connection *c = handle->data;

	(void)wanted;
	*ret_buf = uv_buf_init(c->server->read_buffer, sizeof c->server->read_buffer);
}

/* Reads on unless enough is waiting already. */
static void adjust_reading(struct connection *c)
{
	bool waits = c->state == CONNECTION_BUSY || c->state == CONNECTION_WRITING || !list_empty(&c->yielded);
	bool want = !c->at_end && !(waits && c->in.n - c->in_at >= READ_AHEAD_MAX);

	if (c->state == CONNECTION_CLOSED || want == c->reading)
		return;
	c->reading = want;
	if (!want)
		uv_read_stop((uv_stream_t *)&c->tcp);
	else if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) < 0)
		connection_close(c);
}

static void run_pending(struct connection *c)
{
	c->in_at += run(c, slice_sub(buf_slice(&c->in), c->in_at, c->in.n));
	if (c->in_at == c->in.n) {
		buf_done(&c->in);
		c->in_at = 0;
	}
}

/* After a turn: the client has ended, and what is there does not make a request any more. */
static void end_if_over(struct connection *c)
{
	if (c->at_end && list_empty(&c->yielded) && c->state != CONNECTION_BUSY && c->state != CONNECTION_WRITING)
		connection_close(c);
}

static void take(struct connection *c, struct slice bytes)
{
	if (c->in.n) {
		if (c->in_at)
			buf_consume(&c->in, c->in_at);
		c->in_at = 0;
		buf_put(&c->in, bytes);
		run_pending(c);
	} else {
		size_t used = run(c, bytes);

		if (c->state != CONNECTION_CLOSED)
			buf_put(&c->in, slice_sub(bytes, used, bytes.n));
	}
	if (!buf_ok(&c->in))
		connection_close(c); /* never: READ_AHEAD_MAX and the head's limits come first */
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct connection *c = stream->data;

	if (n == UV_EOF) {
		c->at_end = true;
		c->reading = false;
		end_if_over(c);
		return;
	}
	if (n < 0) {
		connection_close(c);
		return;
	}
	if (list_empty(&c->yielded))
		c->budget = CONNECTION_BUDGET;
	take(c, slice_make(buf->base, (size_t)n));
	sodium_memzero(buf->base, (size_t)n);
	adjust_reading(c);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
	(void)request;
	(void)status; /* a connection that is gone is noticed by the read or the deadline */
}

/* Says that nothing more comes and waits a little for the client's end, so that it can read the last answer. */
static void linger(struct connection *c)
{
	if (c->at_end || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0) {
		connection_close(c);
		return;
	}
	connection_wait(c, CONNECTION_LINGER, c->server->limits.linger_ms);
}

void connection_answered(struct connection *c)
{
	if (c->state == CONNECTION_CLOSED)
		return;
	if (!c->keep || c->server->draining) {
		bool expected = !c->refused && !c->server->draining && c->in.n == c->in_at && !c->running;

		if (expected)
			connection_close(c);
		else
			linger(c);
	} else {
		c->was_served = true;
		connection_wait(c, CONNECTION_IDLE, c->server->limits.idle_ms);
	}
	if (c->running)
		return; /* run() goes on itself */
	if (c->in.n)
		run_pending(c);
	end_if_over(c);
	adjust_reading(c);
}

void connection_resume(struct connection *c)
{
	list_remove(&c->yielded);
	c->budget = CONNECTION_BUDGET;
	run_pending(c);
	end_if_over(c);
	adjust_reading(c);
}

void connection_expire(struct connection *c)
{
	if (c->state == CONNECTION_HEAD)
		answer_refuse(c, REFUSAL_HEAD_SLOW);
	else if (c->state == CONNECTION_BODY)
		answer_refuse(c, REFUSAL_BODY_SLOW);
	else
		connection_close(c);
}

struct connection *connection_new(struct server *s)
{
	struct connection *c = MEM_NEW(struct connection);

	c->server = s;
	c->tcp.data = c;
	buf_init(&c->in, INPUT_MAX);
	list_init(&c->node);
	list_init(&c->yielded);
	if (uv_tcp_init(s->args.loop, &c->tcp) < 0) {
		free(c);
		return NULL;
	}
	s->handles++;
	s->connection_count++;
	return c;
}

void connection_begin(struct connection *c)
{
	connection_wait(c, CONNECTION_IDLE, c->server->limits.head_ms);
	adjust_reading(c);
}
