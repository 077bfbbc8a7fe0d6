/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of the adversary: bytes in, requests out. A connection works on one request at a time;
 * what is pipelined behind it waits in the buffer. Its memory outlives its socket while a request is in
 * work, since a provider whose client has gone still commits. Must never answer by itself anything
 * but 400 to what is not HTTP.
 */
#include "support/adversary_conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { IN_MAX = 24 << 20 }; /* a script of thousands of rules fits */

static void advance(struct adversary_conn *conn);

/* ── parsing ── */

static struct adversary_conn *of(llhttp_t *parser)
{
	return CONTAINER_OF(parser, struct adversary_conn, parser);
}

static void extend(struct adversary_conn *conn, struct adversary_span *span, const char *at, size_t n)
{
	if (span->n == 0)
		span->at = (size_t)(at - conn->in.p);
	span->n += n;
}

static int on_begin(llhttp_t *parser)
{
	struct adversary_conn *conn = of(parser);

	conn->target = (struct adversary_span){0};
	conn->header_count = 0;
	conn->names[0] = conn->values[0] = (struct adversary_span){0};
	conn->complete = false;
	conn->too_many_headers = false;
	return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
	extend(of(parser), &of(parser)->target, at, n);
	return 0;
}

static int on_name(llhttp_t *parser, const char *at, size_t n)
{
	struct adversary_conn *conn = of(parser);

	if (conn->header_count == ADVERSARY_REQUEST_HEADERS_MAX) {
		conn->too_many_headers = true;
		return -1;
	}
	extend(conn, &conn->names[conn->header_count], at, n);
	return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t n)
{
	struct adversary_conn *conn = of(parser);

	extend(conn, &conn->values[conn->header_count], at, n);
	return 0;
}

static int on_value_complete(llhttp_t *parser)
{
	struct adversary_conn *conn = of(parser);

	if (++conn->header_count < ADVERSARY_REQUEST_HEADERS_MAX)
		conn->names[conn->header_count] = conn->values[conn->header_count] = (struct adversary_span){0};
	return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
	struct adversary_conn *conn = of(parser);

	buf_put(&conn->body, slice_make(at, n));
	return buf_ok(&conn->body) ? 0 : -1;
}

static int on_complete(llhttp_t *parser)
{
	struct adversary_conn *conn = of(parser);

	conn->complete = true;
	conn->keep_alive = llhttp_should_keep_alive(parser);
	return HPE_PAUSED;
}

static const llhttp_settings_t *settings(void)
{
	static llhttp_settings_t s;

	if (!s.on_message_begin) {
		llhttp_settings_init(&s);
		s.on_message_begin = on_begin;
		s.on_url = on_url;
		s.on_header_field = on_name;
		s.on_header_value = on_value;
		s.on_header_value_complete = on_value_complete;
		s.on_body = on_body;
		s.on_message_complete = on_complete;
	}
	return &s;
}

static struct slice view(const struct adversary_conn *conn, struct adversary_span span)
{
	return slice_sub(buf_slice(&conn->in), span.at, span.n);
}

/* Points conn->request at the buffers; to be repeated when they have moved. */
static void point_request(struct adversary_conn *conn)
{
	struct adversary_request *r = &conn->request;
	size_t query;

	r->method = slice_from(llhttp_method_name((llhttp_method_t)llhttp_get_method(&conn->parser)));
	r->target = view(conn, conn->target);
	query = slice_index(r->target, '?');
	r->path = slice_sub(r->target, 0, query);
	r->query = slice_sub(r->target, query + 1, r->target.n);
	r->body = buf_slice(&conn->body);
	r->header_count = conn->header_count;
	for (size_t i = 0; i < conn->header_count; i++) {
		r->headers[i].name = view(conn, conn->names[i]);
		r->headers[i].value = view(conn, conn->values[i]);
	}
}

static void see_request(struct adversary_conn *conn)
{
	struct adversary_request *r = &conn->request;

	point_request(conn);
	r->connection = conn->number;
	r->on_connection = conn->requests++;
	r->arrived_at = adversary_world_now(&conn->server->world);
}

static void refuse(struct adversary_conn *conn)
{
	static char text[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	uv_buf_t piece = uv_buf_init(text, sizeof text - 1);

	adversary_record_counters(conn->server->world.record)->bad_requests++;
	if (!conn->mute)
		(void)uv_try_write((uv_stream_t *)&conn->tcp, &piece, 1);
	adversary_conn_close(conn, false);
}

/* True when a whole request lies in conn->request. */
static bool next_request(struct adversary_conn *conn)
{
	enum llhttp_errno e;

	if (conn->parsed == conn->in.n)
		return false;
	e = llhttp_execute(&conn->parser, conn->in.p + conn->parsed, conn->in.n - conn->parsed);
	conn->parsed = conn->in.n;
	if (e == HPE_OK)
		return false;
	if (e != HPE_PAUSED || !conn->complete) {
		refuse(conn);
		return false;
	}
	conn->parsed = (size_t)(llhttp_get_error_pos(&conn->parser) - conn->in.p);
	see_request(conn);
	return true;
}

/* Drops the request that is done and readies the parser for what follows. */
static void forget_request(struct adversary_conn *conn)
{
	buf_consume(&conn->in, conn->parsed);
	buf_reset(&conn->body);
	conn->parsed = 0;
	llhttp_resume(&conn->parser);
}

static void advance(struct adversary_conn *conn)
{
	if (conn->advancing)
		return;
	conn->advancing = true;
	while (!conn->busy && !conn->closing && !conn->deaf && next_request(conn)) {
		conn->busy = true;
		adversary_play_start(conn);
		if (!conn->busy)
			forget_request(conn);
	}
	conn->advancing = false;
}

/* ── life ── */

static void on_handle_closed(uv_handle_t *handle)
{
	struct adversary_conn *conn = handle->data;

	if (--conn->open_handles)
		return;
	adversary_play_done(conn);
	list_remove(&conn->node);
	list_remove(&conn->waiting);
	buf_done(&conn->in);
	buf_done(&conn->body);
	free(conn);
}

static void close_timer(struct adversary_conn *conn)
{
	if (!uv_is_closing((uv_handle_t *)&conn->timer))
		uv_close((uv_handle_t *)&conn->timer, on_handle_closed);
}

void adversary_conn_close(struct adversary_conn *conn, bool reset)
{
	if (conn->closing)
		return;
	conn->closing = true;
	if (!reset || uv_tcp_close_reset(&conn->tcp, on_handle_closed))
		uv_close((uv_handle_t *)&conn->tcp, on_handle_closed);
	if (!conn->busy)
		close_timer(conn);
}

void adversary_conn_done(struct adversary_conn *conn)
{
	conn->busy = false;
	if (conn->closing) {
		close_timer(conn);
		return;
	}
	if (conn->advancing)
		return;
	forget_request(conn);
	advance(conn);
}

void adversary_conn_abort(struct adversary_conn *conn)
{
	conn->busy = false;
	adversary_conn_close(conn, false);
	close_timer(conn);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *ret_piece)
{
	struct adversary_conn *conn = handle->data;

	(void)wanted;
	*ret_piece = uv_buf_init(conn->server->scratch, sizeof conn->server->scratch);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece)
{
	struct adversary_conn *conn = stream->data;

	if (n == 0 || conn->closing)
		return;
	if (n < 0) {
		if (conn->busy)
			adversary_record_counters(conn->server->world.record)->client_gone++;
		adversary_conn_close(conn, false);
		return;
	}
	if (conn->deaf)
		return;
	buf_put(&conn->in, slice_make(piece->base, (size_t)n));
	if (conn->busy)
		point_request(conn);
	if (buf_ok(&conn->in))
		advance(conn);
	else
		refuse(conn);
}

void adversary_conn_accept(struct adversary_port *port)
{
	struct adversary_server *server = port->server;
	struct adversary_conn *conn = MEM_NEW(struct adversary_conn);
	struct adversary_counters *counters = adversary_record_counters(server->world.record);

	conn->server = server;
	conn->is_control = port->is_control;
	list_append(&server->connections, &conn->node);
	list_init(&conn->waiting);
	buf_init(&conn->in, IN_MAX);
	buf_init(&conn->body, IN_MAX);
	llhttp_init(&conn->parser, HTTP_REQUEST, settings());
	uv_tcp_init(&server->loop, &conn->tcp);
	uv_timer_init(&server->loop, &conn->timer);
	conn->open_handles = 2;
	conn->tcp.data = conn->timer.data = conn;
	if (uv_accept((uv_stream_t *)&port->tcp, (uv_stream_t *)&conn->tcp)) {
		adversary_conn_close(conn, false);
		return;
	}
	uv_tcp_nodelay(&conn->tcp, 1);
	if (!conn->is_control) {
		conn->number = ++counters->connections;
		if (adversary_play_accept(conn))
			return;
	}
	uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
}
