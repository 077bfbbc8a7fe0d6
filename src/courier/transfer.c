/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outbound requests (SS-01 to SS-10, RF-16). The URL that libcurl gets is written anew from the parts
 * that url_parse() found; its names are pinned to the vetted addresses; the socket callback refuses every
 * other address, and the established connection's peer is checked once more before the first byte.
 * Must never follow a redirect, ask a proxy, reuse a connection, or send a request twice.
 */
#include "courier/transfer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/mem.h"
#include "courier/curlloop.h"

enum {
	TOTAL_MS = 60000,
	CONNECT_MS = 10000,
	HEADERS_MAX_BYTES = 32 * 1024, /* SS-07 */
	HEADERS_MAX_COUNT = 100,
	REQUEST_MAX_BYTES = 256 * 1024,
	/* Below this for so long an answer without tokens is given up; one with tokens gets its whole time. */
	SLOW_BYTES_PER_S = 64,
	SLOW_S = 20,
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
	struct url url;
	const char *method;
	struct slice body;
	int flags;
	CURL *easy;
	CURLSH *names; /* its own, so that a pin never serves another transfer */
	struct curl_slist *headers, *pins;
	size_t peer_count;
	struct egress_peer peer[RESOLVE_ADDRESSES_MAX];
	char cause[CAUSE_BYTES], curl_error[CURL_ERROR_SIZE];
	size_t header_bytes, header_count;
	bool head_done, too_large, finished;
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

static void drop_list(struct curl_slist **list)
{
	curl_slist_free_all(*list); /* wiped by our allocators */
	*list = NULL;
}

/* Ends everything that may hold the request's secrets; only the answer stays. */
static void drop_request(struct transfer *t)
{
	resolve_abort(&t->resolve);
	if (t->easy) {
		curlloop_remove(t->engine->curl, t->easy);
		curl_easy_cleanup(t->easy);
		t->easy = NULL;
	}
	if (t->names)
		curl_share_cleanup(t->names);
	t->names = NULL;
	drop_list(&t->headers);
	drop_list(&t->pins);
	arena_free(&t->arena);
	t->body = (struct slice){0};
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
	t->finished = true;
	drop_request(t);
	t->answer.body = buf_slice(&t->received);
	uv_timer_start(&t->timer, on_finished, 0, 0);
}

/* `detail` is what a tenant may read, `cause` what our log says. */
static void fail(struct transfer *t, enum err e, const char *detail, const char *cause)
{
	struct slice text = slice_sub(slice_from(cause), 0, sizeof t->cause - 1);

	memset(t->cause, 0, sizeof t->cause);
	memcpy(t->cause, text.p, text.n);
	text = slice_sub(slice_from(detail), 0, sizeof t->answer.detail - 1);
	memcpy(t->answer.detail, text.p, text.n);
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
	/* The blank line ends the head, unless it was an interim one (RFC 9110 §15.2). */
	if (blank) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
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

/* Decrypted bytes are wiped from OpenSSL's buffers once we have read them. */
static CURLcode tune_tls(CURL *easy, void *ssl_ctx, void *arg)
{
	(void)easy;
	(void)arg;
	SSL_CTX_set_options(ssl_ctx, SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_RENEGOTIATION);
	return CURLE_OK;
}

static bool add_line(struct curl_slist **list, struct buf *line)
{
	struct curl_slist *longer = buf_ok(line) ? curl_slist_append(*list, buf_cstr(line)) : NULL;

	buf_reset(line);
	if (!longer)
		return false;
	*list = longer;
	return true;
}

static bool add_headers(struct transfer *t, const struct fetch_request *r)
{
	struct buf line;
	bool ok;

	buf_init(&line, REQUEST_MAX_BYTES);
	buf_puts(&line, "Accept-Encoding: identity");
	ok = add_line(&t->headers, &line);
	buf_puts(&line, "Expect:");
	ok = ok && add_line(&t->headers, &line);
	for (size_t i = 0; ok && i < r->header_count; i++) {
		buf_puts(&line, r->header[i].name);
		/* "Name;" is libcurl's way to send an empty value. */
		buf_puts(&line, r->header[i].value.n ? ": " : ";");
		buf_put(&line, r->header[i].value);
		ok = add_line(&t->headers, &line);
	}
	buf_done(&line);
	return ok;
}

/* host:port:address,address */
static bool add_pin(struct transfer *t)
{
	char text[EGRESS_TEXT_BYTES];
	struct buf line;
	bool ok;

	buf_init(&line, REQUEST_MAX_BYTES);
	buf_put(&line, t->url.host);
	buf_printf(&line, ":%u:", t->url.port);
	for (size_t i = 0; i < t->peer_count; i++) {
		egress_peer_text(&t->peer[i], text);
		buf_printf(&line, t->peer[i].is_ipv6 ? "%s[%s]" : "%s%s", i ? "," : "", text);
	}
	ok = add_line(&t->pins, &line);
	buf_done(&line);
	return ok;
}

static bool set_url(struct transfer *t)
{
	struct buf text;
	bool ok;

	buf_init(&text, URL_MAX_BYTES + 16);
	egress_put_url(&text, &t->url);
	ok = buf_ok(&text) && curl_easy_setopt(t->easy, CURLOPT_URL, buf_cstr(&text)) == CURLE_OK;
	buf_done(&text);
	return ok;
}

/* An option that this libcurl refuses makes the transfer fail: none of them is decoration. */
static bool set_safety(struct transfer *t)
{
	CURL *h = t->easy;
	const char *ca = t->engine->ca_file ? t->engine->ca_file : curl_version_info(CURLVERSION_NOW)->cainfo;
	bool yields = t->flags & FETCH_YIELDS_TOKENS;

	return curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, t->url.is_https ? "https" : "http") == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HTTP_CONTENT_DECODING, 0L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, tune_tls) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_CAINFO, ca) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_TCP_FASTOPEN, 0L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)t->engine->args.connect_ms) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, yields ? 0L : (long)SLOW_BYTES_PER_S) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, yields ? 0L : (long)SLOW_S) == CURLE_OK;
}

static bool set_request(struct transfer *t)
{
	CURL *h = t->easy;
	bool has_body = strcmp(t->method, "POST") == 0;

	if (has_body && (curl_easy_setopt(h, CURLOPT_POST, 1L) != CURLE_OK ||
			 curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.n) != CURLE_OK ||
			 curl_easy_setopt(h, CURLOPT_POSTFIELDS, t->body.p ? t->body.p : "") != CURLE_OK))
		return false;
	if (strcmp(t->method, "DELETE") == 0 && curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, "DELETE") != CURLE_OK)
		return false;
	return set_url(t) && curl_easy_setopt(h, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_USERAGENT, "FiberWise/" FW_VERSION) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_RESOLVE, t->pins) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SHARE, t->names) == CURLE_OK;
}

static bool set_callbacks(struct transfer *t)
{
	CURL *h = t->easy;

	return curl_easy_setopt(h, CURLOPT_PRIVATE, t) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_ERRORBUFFER, t->curl_error) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_PREREQFUNCTION, before_request) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_PREREQDATA, t) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HEADERDATA, t) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_WRITEDATA, t) == CURLE_OK;
}

/* The addresses stand in t->peer; from here on libcurl has it. */
static void connect_to_peers(struct transfer *t)
{
	struct errinfo ei = {0};
	enum err e = egress_vet_peers(t->engine->args.egress, t->url.is_https, t->peer, t->peer_count, &ei);

	if (e) {
		fail(t, e, TRANSFER_UNREACHABLE, ei.detail);
		return;
	}
	t->names = curl_share_init();
	t->easy = curl_easy_init();
	if (!t->names || !t->easy || curl_share_setopt(t->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK ||
	    !add_pin(t) || !set_safety(t) || !set_callbacks(t) || !set_request(t) ||
	    !curlloop_add(t->engine->curl, t->easy))
		fail(t, ERR_INTERNAL, TRANSFER_UNREACHABLE, "libcurl refused an option");
}

static void on_resolved(struct resolve *r)
{
	struct transfer *t = CONTAINER_OF(r, struct transfer, resolve);

	if (r->err) {
		fail(t, r->err, TRANSFER_UNREACHABLE, r->cause);
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

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry);
	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
	t->answer.status = (int)status;
	t->answer.retry_after_s = retry > 0 ? (int64_t)retry : 0;
	if (type && strlen(type) < sizeof t->answer.content_type)
		memcpy(t->answer.content_type, type, strlen(type));
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
		fail(t, ERR_TOO_LARGE, "the provider's answer is too large", "the answer is above its cap");
		return;
	}
	if (!t->head_done) {
		fail(t, ERR_UPSTREAM_DOWN, TRANSFER_UNREACHABLE, cause);
		return;
	}
	t->answer.complete = result == CURLE_OK;
	fail(t, ERR_OK, "", t->answer.complete ? "" : cause);
}

static void begin(struct transfer *t, const struct fetch_request *r)
{
	struct errinfo ei = {0};
	enum err e = url_parse(slice_from(arena_strdup(t->arena, r->url)), &t->url, &ei);

	if (!e)
		e = egress_vet_url(&t->url, &ei);
	if (e) {
		fail(t, ERR_FORBIDDEN, ei.detail, ei.detail);
		return;
	}
	if (!add_headers(t, r)) {
		fail(t, ERR_INTERNAL, TRANSFER_UNREACHABLE, "libcurl refused a header");
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
		fail(t, ERR_FORBIDDEN, TRANSFER_UNREACHABLE, "the address cannot be read");
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
	t->flags = r->flags;
	t->arena = arena_new(REQUEST_MAX_BYTES);
	t->method = arena_strdup(t->arena, r->method);
	t->body = arena_copy(t->arena, r->body);
	buf_init(&t->received, r->body_cap);
	buf_reserve(&t->received, r->body_cap); /* memory for the answer before anything is sent */
	uv_timer_init(s->args.loop, &t->timer);
	t->timer.data = t;
	begin(t, r);
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
