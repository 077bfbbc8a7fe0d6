/* SPDX-License-Identifier: Apache-2.0 */
/* One client's connection: internal to the room, between server.c and the bytes. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "http/message.h"
#include "http/peer.h"
#include "http/server.h"
#include "http/wire.h"

enum {
	CONNECTION_READ_BYTES = 16 * 1024,
	CONNECTION_BUDGET = 32, /* requests of one connection in one turn of the loop */
	SERVER_SPARE_ARENAS = 64,
};

enum connection_state {
	CONNECTION_IDLE, /* no byte of a request yet */
	CONNECTION_HEAD, /* part of a head */
	CONNECTION_BODY,
	CONNECTION_BUSY,    /* a handler has the request */
	CONNECTION_WRITING, /* the client takes its answer slowly */
	CONNECTION_LINGER,  /* everything was said; its bytes are read and dropped */
	CONNECTION_CLOSED,
};

/* Everything a request owns; lies in the request's arena. */
struct exchange {
	struct request request;
	struct connection *connection; /* NULL when the client has gone */
	struct buf body;
};

struct connection {
	uv_tcp_t tcp;
	uv_shutdown_t shutdown;
	struct server *server;
	struct list node;	       /* of server->idle, fresh or active */
	struct list yielded;	       /* of server->yielded, while its input waits for the next turn */
	unsigned budget;	       /* requests left for this turn */
	struct peer_count *peer_count; /* NULL: not counted */
	struct exchange *exchange;     /* the request being read or handled */
	struct message message;
	struct buf in;	     /* bytes read and not yet understood */
	size_t in_at;	     /* of which so many are done with */
	size_t scanned;	     /* of an incomplete head: looked at already */
	int64_t deadline_at; /* on the loop's clock; INT64_MAX: none */
	int64_t body_since_at;
	size_t body_bytes;
	enum connection_state state;
	bool running; /* in the loop over the input: answers don't start another */
	bool reading;
	bool keep; /* the client wants to keep the connection after this request */
	bool refused;
	bool head_only; /* HEAD */
	bool at_end;	/* the client sends no more */
	struct peer peer;
	bool was_served; /* it has been answered before */
	bool from_proxy; /* one whose word counts on who the client is */
};

struct server {
	struct server_args args;
	struct server_limits limits;
	uv_tcp_t listener;
	uv_timer_t sweep;
	uv_idle_t resume; /* active while connections have yielded */
	struct list yielded;
	struct wire wire;
	struct buf scratch; /* the answer being written: its head, and a short body; else empty */
	char read_buffer[CONNECTION_READ_BYTES];
	struct arena *spare[SERVER_SPARE_ARENAS]; /* of requests that have ended; wiped */
	size_t spare_count;
	/* Connections in the order in which they came into their state; fresh ones are idle too, and have not asked anything yet. */
	struct list idle, fresh, active;
	size_t connection_count;
	size_t handles; /* open uv handles that point here, connections included */
	struct map *peers;
	unsigned char id_key[16];
	uint64_t id_counter;
	unsigned char digest_key[16];
	bool draining, freeing;
	void (*drain_done)(void *arg);
	void *drain_arg;
};

/* Counted and open, with nobody at the other end yet; NULL when the loop has no room for its handle. */
struct connection *connection_new(struct server *s);
/* Somebody is there: reads. The first head has its deadline from now on. */
void connection_begin(struct connection *c);
/* Into a state in which it stays for at most `for_ms`; negative: for ever. */
void connection_wait(struct connection *c, enum connection_state state, int64_t for_ms);
/* Its answer has left: on with the next request, or the end. */
void connection_answered(struct connection *c);
/* A request with id and peer, nothing else. It is not yet c->exchange. */
struct exchange *connection_new_exchange(struct connection *c);
/* Ends it now. */
void connection_close(struct connection *c);
/* Goes on with input that it left for a later turn. */
void connection_resume(struct connection *c);
/* Its deadline has passed. */
void connection_expire(struct connection *c);

/* The arena of a new request. */
struct arena *server_take_arena(struct server *s);
/* The end of a request: all that lies in its arena is wiped. NULL is allowed. */
void server_give_arena(struct server *s, struct arena *arena);
/* Somebody yielded: server.c calls connection_resume() in the loop's next turn. */
void server_wake(struct server *s);
/* A connection's handle is closed and its memory gone: server.c counts. */
void server_connection_gone(struct server *s);
