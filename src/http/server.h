/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inbound HTTP/1.1 on a libuv loop: keep-alive, pipelining (one request at a time per connection, in
 * order), limits and deadlines (DO-01, DO-02), strict parsing (WB-08, DESIGN §6).
 */
#pragma once

#include <uv.h>

#include "base/clock.h"
#include "http/proxies.h"
#include "http/request.h"
#include "http/response.h"

struct server;
struct exchange; /* one request and its answer; lives until server_answer() */

/*
 * A request is complete. Called on the loop. Sooner or later, in this call or after it, answer with
 * server_answer(); the request stays readable until then, also when the client has gone.
 */
typedef void server_request_fn(struct exchange *x, const struct request *request, void *arg);

/*
 * A head may be one that was read before, byte for byte: asked with its digest before it is parsed. True when it is, and the
 * exchange was taken, to be answered as after on_request; false when nothing has happened. Only id, peer, arena and digest of
 * the request are set, and peer is the connection's, not whom a proxy names. Whoever takes it must have had the same digest in a request with `repeatable` set: only then have
 * these bytes passed gate and parser, as a GET without body on a connection that stays open.
 */
typedef bool server_repeat_fn(struct exchange *x, const struct request *request, void *arg);

/* Deadlines and caps; 0 means the default. */
struct server_limits {
	int64_t head_ms;    /* from a connection's or a head's first byte to its end: 10 s (DO-02) */
	int64_t idle_ms;    /* between two requests: 60 s */
	int64_t body_ms;    /* grace for a body, which then must come at body_rate: 10 s */
	int64_t write_ms;   /* grace for an answer, which then must be taken at write_rate: 20 s */
	int64_t body_rate;  /* bytes a second: 1024 */
	int64_t write_rate; /* bytes a second: 4096 */
	int64_t linger_ms;  /* how long a refused client's bytes are still read, so that it can read why: 2 s */
	size_t per_peer;    /* connections of one IPv4 address or IPv6 /64: 256 */
	bool count_loopback; /* apply per_peer to loopback too; by default it is exempt: local tools and proxies live there */
};

struct server_args {
	uv_loop_t *loop;
	int socket;		/* listening; taken, also on failure */
	bool https;		/* the public URL is https: Strict-Transport-Security is sent */
	bool loopback_forms;	/* the public URL is loopback: form-action also names the loopback http origins */
	size_t max_connections; /* 0: 4096. At the cap one that keeps us waiting makes room (accept.c), else the newcomer is closed */
	struct server_limits limits;
	const struct proxies *proxies; /* whose word counts on who the client is; outlives the server; NULL: nobody's */
	const struct clock *clock;     /* for Date; NULL: the machine's */
	/*
	 * Writes the error answer in our error shape (JSON or page) for what never became a request. Of `request` only
	 * arena, id and peer are sure to be set; everything else may be empty. It must not answer.
	 */
	void (*on_error)(struct response *r, const struct request *request, enum err e, int status,
			 const struct errinfo *ei, void *arg);
	server_request_fn *on_request;
	server_repeat_fn *on_repeat; /* NULL: every head is parsed */
	void *arg;
};

/* ERR_CONFIG: the socket cannot be listened on. */
enum err server_start(const struct server_args *args, struct server **ret_server, struct errinfo *ei);
/* Sends the response (which is emptied, and can be used again) and ends the exchange with its request. On the loop only. */
void server_answer(struct exchange *x, struct response *r);
/*
 * Takes no new connections, closes idle ones, lets running requests end; calls `done` once when none is left, never
 * before this returns.
 */
void server_drain(struct server *s, void (*done)(void *arg), void *arg);
/*
 * Closes whatever is left. Exchanges may still be answered after it, to nobody. The memory goes when the loop has run
 * the close callbacks: run it until then.
 */
void server_free(struct server **s);
size_t server_connections(const struct server *s);
