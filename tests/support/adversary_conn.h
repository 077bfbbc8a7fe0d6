/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: reading requests from it, one at a time, and handing each to adversary_play. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <llhttp.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "support/adversary_play.h"
#include "support/adversary_request.h"
#include "support/adversary_server.h"

struct adversary_span {
	size_t at, n;
};

struct adversary_conn {
	struct list node;    /* in server->connections */
	struct list waiting; /* in server->waiters while a control wait is pending */
	struct adversary_server *server;
	uv_tcp_t tcp;
	uv_timer_t timer;
	unsigned open_handles;
	bool closing;	/* the socket is being closed */
	bool busy;	/* a request is being worked on; outlives the socket */
	bool mute;	/* no further request is answered */
	bool deaf;	/* nor looked at */
	bool advancing; /* guards against recursion through pipelined requests */
	bool is_control;
	uint64_t number;
	uint64_t requests; /* complete ones so far */

	llhttp_t parser;
	struct buf in; /* from the begin of the present request on */
	size_t parsed; /* how much of it the parser has seen */
	struct buf body;
	struct adversary_span target;
	struct adversary_span names[ADVERSARY_REQUEST_HEADERS_MAX], values[ADVERSARY_REQUEST_HEADERS_MAX];
	size_t header_count;
	bool too_many_headers;
	bool complete;
	bool keep_alive;
	struct adversary_request request;

	struct adversary_play play;
	enum adversary_endpoint awaited; /* a control wait: until this endpoint … */
	uint64_t awaited_hits;		 /* … has had so many requests */
};

/* Takes a new connection from the listening port. */
void adversary_conn_accept(struct adversary_port *port);

/* Ends the connection, with RST when asked. A request in work still runs to its commit. */
void adversary_conn_close(struct adversary_conn *conn, bool reset);

/* The request in work is done: looks for the next one, or lets go of a closed connection. */
void adversary_conn_done(struct adversary_conn *conn);

/* For the stop of the server: ends the connection and its request at once. */
void adversary_conn_abort(struct adversary_conn *conn);
