/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients let in. The caps of DO-02 are here: how many connections in all, and how many of one client.
 * At the cap a connection that keeps us waiting makes room; one that is being worked on never
 * does. It must never leave a client in the queue, because libuv then stops listening.
 */
#include "http/accept.h"

#include <string.h>

#include "base/mem.h"

/* The first that waits for its client: in a head, in a body, or until the client takes its answer. */
static struct connection *find_slow(struct server *s)
{
	for (struct list *at = s->active.next; at != &s->active; at = at->next) {
		struct connection *c = CONTAINER_OF(at, struct connection, node);

		if (c->state != CONNECTION_BUSY)
			return c;
	}
	return NULL;
}

/*
 * One goes that keeps us waiting, and of each kind the one that does so longest: who is slow with a request or an answer, then
 * who came and has not asked anything, and only then who has asked before and may come again. A client that is as
 * quick as clients are is in the first two for some milliseconds, behind all who are slow on purpose.
 */
static bool close_waiting(struct server *s)
{
	struct connection *c = find_slow(s);

	if (!c && !list_empty(&s->fresh))
		c = CONTAINER_OF(s->fresh.next, struct connection, node);
	if (!c && !list_empty(&s->idle))
		c = CONTAINER_OF(s->idle.next, struct connection, node);
	if (c)
		connection_close(c);
	return c != NULL;
}

/* Room for one more? */
static bool make_room(struct server *s)
{
	return s->connection_count < s->args.max_connections || close_waiting(s);
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
	close_waiting(s);
}
