/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening, the clock that enforces deadlines, and ending in order. The server keeps accepting at the
 * limit of descriptors or connections by closing whoever has kept it waiting longest. It must never wait for
 * a client without a deadline.
 */
#include "http/server.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "http/accept.h"
#include "http/answer.h"
#include "http/connection.h"

enum { BACKLOG = 1024, SCRATCH_MAX = 64 * 1024, MAX_CONNECTIONS = 4096, SWEEP_MAX_MS = 1000, SWEEP_MIN_MS = 10 };

static int64_t or_default(int64_t value, int64_t otherwise)
{
	return value > 0 ? value : otherwise;
}

static struct server_limits limits_from(const struct server_limits *wanted)
{
	return (struct server_limits){
		.head_ms = or_default(wanted->head_ms, 10000),
		.idle_ms = or_default(wanted->idle_ms, 60000),
		.body_ms = or_default(wanted->body_ms, 10000),
		.write_ms = or_default(wanted->write_ms, 20000),
		.linger_ms = or_default(wanted->linger_ms, 2000),
		.body_rate = or_default(wanted->body_rate, 1024),
		.write_rate = or_default(wanted->write_rate, 4096),
		.per_peer = wanted->per_peer ? wanted->per_peer : 256,
		.count_loopback = wanted->count_loopback,
	};
}

/* A quarter of the shortest deadline, so that none is missed by much. */
static uint64_t sweep_ms(const struct server_limits *l)
{
	const int64_t all[] = {l->head_ms, l->idle_ms, l->body_ms, l->write_ms, l->linger_ms};
	int64_t least = SWEEP_MAX_MS * 4;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		least = all[i] < least ? all[i] : least;
	return (uint64_t)(least / 4 < SWEEP_MIN_MS ? SWEEP_MIN_MS : least / 4);
}

static void sweep_list(struct list *head, int64_t now)
{
	struct list *next;

	for (struct list *at = head->next; at != head; at = next) {
		struct connection *c = CONTAINER_OF(at, struct connection, node);

		next = at->next;
		if (c->deadline_at <= now)
			connection_expire(c);
	}
}

static void on_sweep(uv_timer_t *timer)
{
	struct server *s = timer->data;
	int64_t now = (int64_t)uv_now(s->args.loop);

	sweep_list(&s->idle, now);
	sweep_list(&s->fresh, now);
	sweep_list(&s->active, now);
	if (s->connection_count == 0)
		uv_timer_stop(timer);
}

static void on_resume(uv_idle_t *idle)
{
	struct server *s = idle->data;
	struct list turn;

	/* Who yields again during this turn waits for the next. */
	list_init(&turn);
	while (!list_empty(&s->yielded)) {
		struct list *at = s->yielded.next;

		list_remove(at);
		list_append(&turn, at);
	}
	while (!list_empty(&turn))
		connection_resume(CONTAINER_OF(turn.next, struct connection, yielded));
	if (list_empty(&s->yielded))
		uv_idle_stop(idle);
}

void server_wake(struct server *s)
{
	uv_idle_start(&s->resume, on_resume); /* does nothing when it is active */
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct server *s = listener->data;

	if (status < 0) {
		accept_failed(s);
		return;
	}
	accept_next(s);
	if (!uv_is_active((uv_handle_t *)&s->sweep))
		uv_timer_start(&s->sweep, on_sweep, sweep_ms(&s->limits), sweep_ms(&s->limits));
}

struct arena *server_take_arena(struct server *s)
{
	return s->spare_count ? s->spare[--s->spare_count] : arena_new(REQUEST_ARENA_MAX);
}

void server_give_arena(struct server *s, struct arena *arena)
{
	if (!arena)
		return;
	if (s->spare_count == SERVER_SPARE_ARENAS) {
		arena_free(&arena);
		return;
	}
	arena_reset(arena);
	s->spare[s->spare_count++] = arena;
}

static void dispose(struct server *s)
{
	while (s->spare_count)
		arena_free(&s->spare[--s->spare_count]);
	map_free(&s->peers);
	buf_done(&s->scratch);
	free(s);
}

/* A handle's memory is gone. Ends what waits for that. */
static void handle_gone(struct server *s)
{
	s->handles--;
	if (s->freeing && s->handles == 0) {
		dispose(s);
		return;
	}
	if (s->drain_done && s->handles == 2) { /* timer and idle handle alone */
		void (*done)(void *arg) = TAKE(s->drain_done);

		done(s->drain_arg);
	}
}

static void on_handle_closed(uv_handle_t *handle)
{
	handle_gone(handle->data);
}

void server_connection_gone(struct server *s)
{
	handle_gone(s);
}

static enum err listen_on(struct server *s, struct errinfo *ei)
{
	int status = uv_tcp_open(&s->listener, s->args.socket);

	if (status < 0)
		close(s->args.socket);
	else
		status = uv_listen((uv_stream_t *)&s->listener, BACKLOG, on_connection);
	if (status == 0)
		return ERR_OK;
	return err_set(ei, ERR_CONFIG, "Cannot listen on the socket: %s.", uv_strerror(status));
}

enum err server_start(const struct server_args *args, struct server **ret_server, struct errinfo *ei)
{
	struct server *s = MEM_NEW(struct server);
	enum err e;

	s->args = *args;
	s->limits = limits_from(&args->limits);
	if (!s->args.max_connections)
		s->args.max_connections = MAX_CONNECTIONS;
	wire_init(&s->wire, args->clock ? args->clock : &clock_system, args->https, args->loopback_forms);
	buf_init(&s->scratch, SCRATCH_MAX);
	list_init(&s->idle);
	list_init(&s->fresh);
	list_init(&s->active);
	list_init(&s->yielded);
	s->peers = map_new();
	random_bytes(s->id_key, sizeof s->id_key);
	random_bytes(s->digest_key, sizeof s->digest_key);
	s->listener.data = s->sweep.data = s->resume.data = s;
	uv_timer_init(args->loop, &s->sweep); /* none of the three can fail */
	uv_idle_init(args->loop, &s->resume);
	uv_tcp_init(args->loop, &s->listener);
	s->handles = 3;
	e = listen_on(s, ei);
	if (e) {
		server_free(&s);
		return e;
	}
	*ret_server = s;
	return ERR_OK;
}

void server_answer(struct exchange *x, struct response *r)
{
	struct connection *c = x->connection;
	struct server *s = c ? c->server : NULL; /* else it may be gone, too */
	struct arena *arena = x->request.arena;
	bool left = false;

	if (s) {
		c->exchange = NULL;
		left = answer_write(c, x, r);
	}
	response_done(r);
	if (s)
		server_give_arena(s, arena);
	else
		arena_free(&arena);
	if (left)
		connection_answered(c);
}

static void close_all(struct list *head)
{
	while (!list_empty(head))
		connection_close(CONTAINER_OF(head->next, struct connection, node));
}

void server_drain(struct server *s, void (*done)(void *arg), void *arg)
{
	int64_t soon = (int64_t)uv_now(s->args.loop) + s->limits.linger_ms;

	s->draining = true;
	s->drain_done = done;
	s->drain_arg = arg;
	uv_close((uv_handle_t *)&s->listener, on_handle_closed);
	close_all(&s->idle);
	close_all(&s->fresh);
	for (struct list *at = s->active.next; at != &s->active; at = at->next) {
		struct connection *c = CONTAINER_OF(at, struct connection, node);

		if (c->state != CONNECTION_BUSY && c->deadline_at > soon)
			c->deadline_at = soon;
	}
}

void server_free(struct server **sp)
{
	struct server *s = sp && *sp ? TAKE(*sp) : NULL;

	if (!s)
		return;
	s->freeing = true;
	s->drain_done = NULL;
	close_all(&s->idle);
	close_all(&s->fresh);
	close_all(&s->active);
	uv_close((uv_handle_t *)&s->sweep, on_handle_closed);
	uv_close((uv_handle_t *)&s->resume, on_handle_closed);
	if (!uv_is_closing((uv_handle_t *)&s->listener))
		uv_close((uv_handle_t *)&s->listener, on_handle_closed);
}

size_t server_connections(const struct server *s)
{
	return s->connection_count;
}
