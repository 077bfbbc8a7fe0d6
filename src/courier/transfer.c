/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outbound requests (SS-01 to SS-10, RF-16). The URL that libcurl gets is written anew from the parts
 * that url_parse() found; its names are pinned to the vetted addresses; the socket callback refuses every
 * other address, and the established connection's peer is checked once more before the first byte.
 * Must never follow a redirect, ask a proxy, reuse a connection, or send a request twice.
 */
#include "courier/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "courier/curlloop.h"
#include "courier/easy.h"

enum {
	TOTAL_MS = 60000,
	CONNECT_MS = 10000,
	HEADERS_MAX_BYTES = 32 * 1024, /* SS-07 */
	HEADERS_MAX_COUNT = 100,
	REQUEST_MAX_BYTES = 256 * 1024,
	CAUSE_BYTES = 320,
};

struct transfers {
	struct transfers_args args;
	char *ca_file; /* NULL: the system's */
	struct curlloop *curl;
};

struct transfer {
	struct transfers *engine;
	transfer_done_fn *done;
	void *arg;
	uv_timer_t timer;
	struct resolve resolve;
	struct arena *arena; /* the request; NULL once it is over */
	struct fetch_request request; /* in the arena */
	struct url url;
	struct easy easy; /* handle NULL: not with libcurl */
	size_t peer_count;
	struct egress_peer peer[RESOLVE_ADDRESSES_MAX];
	char cause[CAUSE_BYTES], curl_error[CURL_ERROR_SIZE];
	size_t header_bytes, header_count;
	bool head_done, too_large;
	bool framed;	  /* the head told how long the body is (RFC 9112 §6.3) */
	bool closed_well; /* TLS ended by close_notify */
	struct buf received;
	struct fetch_answer answer;
};

static void on_curl_done(CURL *easy, CURLcode result, void *private_data);

static enum err check_ca_file(const char *path, struct errinfo *ei)
{
	if (access(path, R_OK) == 0)
		return ERR_OK;
	err_set(ei, ERR_CONFIG, "FIBERWISE_EGRESS_CA_FILE: \"%s\" cannot be read", path);
	return err_hint(ei, ERR_CONFIG, "name a readable file of PEM certificates, or unset it for the system's");
}

enum err transfers_new(const struct transfers_args *args, struct transfers **ret_transfers, struct errinfo *ei)
{
	bool own_ca = args->ca_file && args->ca_file[0];
	struct transfers *s;
	enum err e = own_ca ? check_ca_file(args->ca_file, ei) : ERR_OK;
	struct curlloop *curl;

	if (e)
		return e;
	e = curlloop_new(args->loop, on_curl_done, &curl, ei);
	if (e)
		return e;
	s = MEM_NEW(struct transfers);
	s->args = *args;
	s->ca_file = own_ca ? mem_strdup(args->ca_file) : NULL;
	s->curl = curl;
	if (s->args.total_ms == 0)
		s->args.total_ms = TOTAL_MS;
	if (s->args.connect_ms == 0)
		s->args.connect_ms = CONNECT_MS;
	*ret_transfers = s;
	return ERR_OK;
}

void transfers_free(struct transfers **tp)
{
	struct transfers *s = tp ? *tp : NULL;

	if (!s)
		return;
	*tp = NULL;
	curlloop_free(&s->curl);
	mem_free_str(&s->ca_file);
	free(s);
}

/* Ends everything that may hold the request's secrets; only the answer stays. */
static void drop_request(struct transfer *t)
{
	resolve_abort(&t->resolve);
	if (t->easy.handle)
		curlloop_remove(t->engine->curl, t->easy.handle);
	easy_done(&t->easy);
	arena_free(&t->arena);
	t->request = (struct fetch_request){0};
	t->url = (struct url){0};
}

static void on_finished(uv_timer_t *timer)
{
	struct transfer *t = timer->data;

	t->done(t, t->arg);
}

/* The request is over, one way or the other. `done` comes from the loop, never from inside libcurl. */
static void finish(struct transfer *t)
{
	drop_request(t);
	t->answer.body = buf_slice(&t->received);
	uv_timer_start(&t->timer, on_finished, 0, 0);
}

/* The end of it. `detail` is what a tenant may read, `cause` what our log says. */
static void conclude(struct transfer *t, enum err e, const char *detail, const char *cause)
{
	snprintf(t->cause, sizeof t->cause, "%s", cause);
	snprintf(t->answer.detail, sizeof t->answer.detail, "%s", detail);
	t->answer.err = e;
	finish(t);
}

static void on_deadline(uv_timer_t *timer)
{
	on_curl_done(NULL, CURLE_OPERATION_TIMEDOUT, timer->data);
}

static bool is_pinned(const struct transfer *t, const struct egress_peer *p)
{
	for (size_t i = 0; i < t->peer_count; i++)
		if (egress_peer_eq(&t->peer[i], p))
			return true;
	return false;
}

/* Vetted again at connect time (SS-03): libcurl gets no socket for any address but ours. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *t = arg;
	struct egress_peer p;

	if (purpose != CURLSOCKTYPE_IPCXN || !egress_peer_from(&address->addr, address->addrlen, &p) ||
	    !is_pinned(t, &p) || egress_vet_peer(t->engine->args.egress, t->url.is_https, &p, NULL))
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
}

/* The connection stands, TLS included; the next thing on it is the request. */
static int before_request(void *arg, char *peer_text, char *own_text, int peer_port, int own_port)
{
	struct transfer *t = arg;
	struct egress_peer p;

	(void)own_text;
	(void)own_port;
	if (!egress_peer_parse(slice_from(peer_text), (uint16_t)peer_port, &p) || !is_pinned(t, &p))
		return CURL_PREREQFUNC_ABORT;
	t->answer.sent = true;
	return CURL_PREREQFUNC_OK;
}

/* Of the last head that has begun. */
static void note_framing(struct transfer *t, struct slice line)
{
	if (slice_starts(line, "HTTP/"))
		t->framed = false;
	else if (slice_is_nocase(slice_sub(line, 0, 15), "Content-Length:") ||
		 slice_is_nocase(slice_sub(line, 0, 18), "Transfer-Encoding:"))
		t->framed = true;
}

static size_t take_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	bool blank = n > 0 && (p[0] == '\r' || p[0] == '\n');
	long status = 0;

	t->header_bytes += size * n;
	t->header_count += !blank;
	if (t->header_bytes > HEADERS_MAX_BYTES || t->header_count > HEADERS_MAX_COUNT) {
		t->too_large = true;
		return 0;
	}
	note_framing(t, slice_make(p, size * n));
	/* The blank line ends the head, unless it was an interim one (RFC 9110 §15.2). */
	if (blank) {
		curl_easy_getinfo(t->easy.handle, CURLINFO_RESPONSE_CODE, &status);
		t->head_done = t->head_done || status >= 200;
	}
	return size * n;
}

/* What fits is kept: a cut answer may still hold a whole refresh token. */
static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t bytes = size * n, room = t->received.max - t->received.n;

	buf_put(&t->received, slice_make(p, bytes < room ? bytes : room));
	if (bytes <= room)
		return bytes;
	t->too_large = true;
	return 0;
}

/* The addresses stand in t->peer; from here on libcurl has it. */
static void connect_to_peers(struct transfer *t)
{
	const struct easy_args args = {
		.request = &t->request,
		.url = &t->url,
		.peer = t->peer,
		.peer_count = t->peer_count,
		.ca_file = t->engine->ca_file,
		.connect_ms = t->engine->args.connect_ms,
		.error = t->curl_error,
		.closed_well = &t->closed_well,
		.arg = t,
		.open_socket = open_socket,
		.before_request = before_request,
		.take_header = take_header,
		.take_body = take_body,
	};
	struct errinfo ei = {0};
	enum err e = egress_vet_peers(t->engine->args.egress, t->url.is_https, t->peer, t->peer_count, &ei);

	if (e) {
		conclude(t, e, TRANSFER_UNREACHABLE, ei.detail);
		return;
	}
	if (!easy_init(&t->easy, &args) || !curlloop_add(t->engine->curl, t->easy.handle))
		conclude(t, ERR_INTERNAL, TRANSFER_UNREACHABLE, "libcurl refused an option");
}

static void on_resolved(struct resolve *r)
{
	struct transfer *t = CONTAINER_OF(r, struct transfer, resolve);

	if (r->err) {
		conclude(t, r->err, TRANSFER_UNREACHABLE, r->cause);
		return;
	}
	t->peer_count = r->count;
	memcpy(t->peer, r->peer, r->count * sizeof r->peer[0]);
	connect_to_peers(t);
}

static void note_head(struct transfer *t)
{
	curl_off_t retry = 0;
	char *type = NULL;
	long status = 0;

	curl_easy_getinfo(t->easy.handle, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy.handle, CURLINFO_RETRY_AFTER, &retry);
	curl_easy_getinfo(t->easy.handle, CURLINFO_CONTENT_TYPE, &type);
	t->answer.status = (int)status;
	t->answer.retry_after_s = retry > 0 ? (int64_t)retry : 0;
	if (type && strlen(type) < sizeof t->answer.content_type)
		memcpy(t->answer.content_type, type, strlen(type));
}

/* A body that ends with a TLS connection is whole only if the end was said. */
static bool is_whole(const struct transfer *t, CURLcode result)
{
	bool bodiless = t->answer.status == 204 || t->answer.status == 304;

	return result == CURLE_OK && (t->framed || bodiless || !t->url.is_https || t->closed_well);
}

/* Also for our own deadline, then without a handle. */
static void on_curl_done(CURL *easy, CURLcode result, void *private_data)
{
	struct transfer *t = private_data;
	const char *cause = t->curl_error[0] ? t->curl_error : curl_easy_strerror(result);

	(void)easy;
	if (t->head_done)
		note_head(t);
	if (t->too_large) {
		conclude(t, ERR_TOO_LARGE, "the provider's answer is too large", "the answer is above its cap");
		return;
	}
	if (!t->head_done) {
		conclude(t, ERR_UPSTREAM_DOWN, TRANSFER_UNREACHABLE, cause);
		return;
	}
	t->answer.complete = is_whole(t, result);
	if (result == CURLE_OK)
		cause = t->answer.complete ? "" : "TLS ended without close_notify";
	conclude(t, ERR_OK, "", cause);
}

/* Everything of the request is copied into memory that goes with it. */
static void keep_request(struct transfer *t, const struct fetch_request *r)
{
	t->arena = arena_new(REQUEST_MAX_BYTES);
	t->request = *r;
	t->request.attempt = t->request.label = "";
	t->request.method = arena_strdup(t->arena, r->method);
	t->request.url = arena_strdup(t->arena, r->url);
	t->request.body = arena_copy(t->arena, r->body);
	for (size_t i = 0; i < r->header_count; i++) {
		t->request.header[i].name = arena_strdup(t->arena, r->header[i].name);
		t->request.header[i].value = arena_copy(t->arena, r->header[i].value);
	}
}

static void begin(struct transfer *t)
{
	struct errinfo ei = {0};
	enum err e = url_parse(slice_from(t->request.url), &t->url, &ei);

	if (!e)
		e = egress_vet_url(&t->url, &ei);
	if (e) {
		conclude(t, ERR_FORBIDDEN, ei.detail, ei.detail);
		return;
	}
	uv_timer_start(&t->timer, on_deadline, (uint64_t)t->engine->args.total_ms, 0);
	if (!t->url.is_ipv4 && !t->url.is_ipv6) {
		t->resolve.done = on_resolved;
		resolve_start(t->engine->args.resolver, &t->resolve, t->url.host, t->url.port,
			      t->engine->args.connect_ms);
		return;
	}
	if (!egress_peer_parse(t->url.host, t->url.port, &t->peer[0])) {
		conclude(t, ERR_FORBIDDEN, TRANSFER_UNREACHABLE, "the address cannot be read");
		return;
	}
	t->peer_count = 1;
	connect_to_peers(t);
}

struct transfer *transfer_start(struct transfers *s, const struct fetch_request *r, transfer_done_fn *done, void *arg)
{
	struct transfer *t = MEM_NEW(struct transfer);

	t->engine = s;
	t->done = done;
	t->arg = arg;
	keep_request(t, r);
	buf_init(&t->received, r->body_cap);
	buf_ensure(&t->received, r->body_cap); /* memory for the answer before anything is sent */
	uv_timer_init(s->args.loop, &t->timer);
	t->timer.data = t;
	begin(t);
	return t;
}

const struct fetch_answer *transfer_answer(const struct transfer *t)
{
	return &t->answer;
}

const char *transfer_cause(const struct transfer *t)
{
	return t->cause;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void transfer_free(struct transfer **tp)
{
	struct transfer *t = tp ? *tp : NULL;

	if (!t)
		return;
	*tp = NULL;
	drop_request(t);
	buf_done(&t->received);
	uv_close((uv_handle_t *)&t->timer, on_closed);
}
