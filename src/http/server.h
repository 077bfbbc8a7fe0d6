/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inbound HTTP/1.1 on a libuv loop: keep-alive, pipelining (one request at a time per connection, in
 * order), limits and deadlines (DO-01, DO-02), strict parsing (WB-08, DESIGN §6).
 */
#pragma once

#include <uv.h>

#include "http/request.h"
#include "http/response.h"

struct server;
struct exchange; /* one request and its answer; lives until server_answer() */

/*
 * A request is complete. Called on the loop. Sooner or later, in this call or after it, answer with
 * server_answer(); the request stays readable until then, also when the client has gone.
 */
typedef void server_request_fn(struct exchange *x, const struct request *request, void *arg);

struct server_args {
	uv_loop_t *loop;
	int socket; /* listening; taken */
	bool https; /* the public URL is https: Strict-Transport-Security is sent */
	bool loopback_forms; /* the public URL is loopback: form-action also names the loopback http origins */
	size_t max_connections;
	/* Writes the error answer in our error shape (JSON or page) for what never became a request or found no route. */
	void (*on_error)(struct response *r, const struct request *request_or_null, enum err e, int status,
			 const struct errinfo *ei, void *arg);
	server_request_fn *on_request;
	void *arg;
};

enum err server_start(const struct server_args *args, struct server **ret_server, struct errinfo *ei);
/* Sends the response (which is emptied) and ends the exchange. */
void server_answer(struct exchange *x, struct response *r);
/* Takes no new connections, closes idle ones, lets running requests end; calls `done` when none is left. */
void server_drain(struct server *s, void (*done)(void *arg), void *arg);
void server_free(struct server **s);
