/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers out. Head and body leave in one write; what the socket does not take at once is kept, wiped
 * when it has gone, and has a deadline, so that a slow reader holds memory for a bounded time. One
 * answer is under way per connection. It must never send a half-built answer: 500 goes instead.
 */
#include "http/answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SHORT_BODY_BYTES = 4096 };

struct rest {
	uv_write_t request;
	struct connection *connection;
	struct buf head, body;
};

static bool is_fit(const struct response *r)
{
	return r->status >= 200 && r->status <= 599 && !r->bad && buf_ok(&r->body) && buf_ok(&r->head);
}

static void put_error(struct server *s, const struct exchange *x, struct response *r, enum err e, int status,
		      const struct errinfo *ei)
{
	response_done(r);
	s->args.on_error(r, &x->request, e, status, ei, s->args.arg);
	r->status = status;
	if (is_fit(r))
		return;
	response_done(r);
	r->status = status;
	r->content_type = "text/plain; charset=utf-8";
	buf_puts(&r->body, "error\n");
}

static void put_broken(struct server *s, const struct exchange *x, struct response *r)
{
	struct errinfo ei = {0};

	err_set(&ei, ERR_INTERNAL, "The server could not write its answer.");
	err_hint(&ei, ERR_INTERNAL, "Report the request_id to the operator.");
	put_error(s, x, r, ERR_INTERNAL, 500, &ei);
}

static void on_rest_written(uv_write_t *request, int status)
{
	struct rest *rest = CONTAINER_OF(request, struct rest, request);
	struct connection *c = rest->connection;

	buf_done(&rest->head);
	buf_done(&rest->body);
	free(rest);
	if (status < 0)
		connection_close(c);
	else
		connection_answered(c);
}

/* Queues what is left of scratch, and of the body if that isn't in it, after the first `sent` bytes. */
static void write_rest(struct connection *c, struct response *r, bool with_body, size_t sent)
{
	const struct server_limits *l = &c->server->limits;
	struct slice head = buf_slice(&c->server->scratch);
	struct rest *rest = MEM_NEW(struct rest);
	size_t body_sent = sent > head.n ? sent - head.n : 0;
	size_t left = head.n - (sent - body_sent);
	uv_buf_t parts[2];

	rest->connection = c;
	buf_init(&rest->head, head.n);
	buf_put(&rest->head, slice_sub(head, sent - body_sent, head.n));
	buf_init(&rest->body, RESPONSE_BODY_MAX);
	parts[0] = uv_buf_init(rest->head.p, (unsigned)rest->head.n);
	parts[1] = uv_buf_init(NULL, 0);
	if (with_body) {
		rest->body = r->body;
		buf_init(&r->body, RESPONSE_BODY_MAX);
		left += rest->body.n - body_sent;
		parts[1] = uv_buf_init(rest->body.p + body_sent, (unsigned)(rest->body.n - body_sent));
	}
	connection_wait(c, CONNECTION_WRITING, l->write_ms + (int64_t)left * 1000 / l->write_rate);
	if (uv_write(&rest->request, (uv_stream_t *)&c->tcp, parts, 2, on_rest_written) < 0) {
		buf_done(&rest->head);
		buf_done(&rest->body);
		free(rest);
		connection_close(c);
	}
}

bool answer_write(struct connection *c, const struct exchange *x, struct response *r)
{
	struct server *s = c->server;
	uv_buf_t parts[2];
	bool with_body, all_sent;
	size_t total;
	int sent;

	if (!is_fit(r))
		put_broken(s, x, r);
	with_body = r->body.n > 0 && !c->head_only && !wire_is_bodiless(r->status);
	c->keep = c->keep && !s->draining;
	wire_put_head(&s->wire, &s->scratch, r, x->request.id, c->keep);
	if (with_body && r->body.n <= SHORT_BODY_BYTES) { /* one piece is cheaper to send than two */
		buf_put(&s->scratch, buf_slice(&r->body));
		with_body = false;
	}
	total = s->scratch.n + (with_body ? r->body.n : 0);
	parts[0] = uv_buf_init(s->scratch.p, (unsigned)s->scratch.n);
	parts[1] = uv_buf_init(r->body.p, (unsigned)r->body.n);
	sent = uv_try_write((uv_stream_t *)&c->tcp, parts, with_body ? 2 : 1);
	if (sent == UV_EAGAIN)
		sent = 0;
	all_sent = sent >= 0 && (size_t)sent == total;
	if (sent < 0)
		connection_close(c);
	else if (!all_sent)
		write_rest(c, r, with_body, (size_t)sent);
	buf_reset(&s->scratch);
	return all_sent;
}

void answer_refuse(struct connection *c, enum refusal why)
{
	const struct refusal_kind *kind = refusal_kind(why);
	struct exchange *x = c->exchange ? TAKE(c->exchange) : connection_new_exchange(c);
	struct arena *arena = x->request.arena;
	struct errinfo ei = {0};
	struct response r;
	bool left;

	c->keep = false;
	c->refused = true;
	err_set(&ei, kind->err, "The request was refused: %s.", kind->text);
	response_init(&r);
	put_error(c->server, x, &r, kind->err, kind->status, &ei);
	if (why == REFUSAL_METHOD_BANNED)
		r.allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
	left = answer_write(c, x, &r);
	response_done(&r);
	server_give_arena(c->server, arena);
	if (left)
		connection_answered(c);
}

void answer_continue(struct connection *c)
{
	static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	uv_buf_t part = uv_buf_init(text, sizeof text - 1);

	/* A full socket would mean that the client has stopped reading; it sends its body after a while all the same. */
	if (uv_try_write((uv_stream_t *)&c->tcp, &part, 1) < 0)
		return;
}
