/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients let in. The caps of DO-02 are here: how many connections in all, and how many of one client.
 * At the cap the connection that has been idle longest makes room; one that is being worked on never
 * does. It must never leave a client in the queue, because libuv then stops listening.
 */
#include "http/accept.h"

#include <string.h>

#include "base/mem.h"

/* The connection that has been idle longest goes. */
static bool close_idle(struct server *s)
{
	if (list_empty(&s->idle))
		return false;
	connection_close(CONTAINER_OF(s->idle.next, struct connection, node));
	return true;
}

/* Room for one more? */
static bool make_room(struct server *s)
{
	if (s->connection_count < s->args.max_connections)
		return true;
	return close_idle(s);
}

/* False when this client has too many connections. */
static bool count_peer(struct connection *c)
{
	struct server *s = c->server;
	struct sockaddr_storage address;
	int n = sizeof address;

	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &n) < 0)
		return false; /* gone already */
	c->peer = peer_from((const struct sockaddr *)&address);
	c->from_proxy = s->args.proxies && proxies_hold(s->args.proxies, &c->peer);
	/* A proxy's connections are its clients'. */
	if (c->from_proxy || (c->peer.is_loopback && !s->limits.count_loopback))
		return true;
	c->peer_count = peer_add(s->peers, &c->peer, s->limits.per_peer);
	return c->peer_count != NULL;
}

void accept_next(struct server *s)
{
	bool room = make_room(s);
	struct connection *c = connection_new(s);

	if (!c)
		return;
	if (uv_accept((uv_stream_t *)&s->listener, (uv_stream_t *)&c->tcp) < 0 || !room || !count_peer(c)) {
		connection_close(c);
		return;
	}
	uv_tcp_nodelay(&c->tcp, 1);
	connection_begin(c);
}

void accept_failed(struct server *s)
{
	close_idle(s);
}
