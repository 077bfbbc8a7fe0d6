/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role's end of a connection, in the loop: reading by uv_poll and recvmsg, the queue of what the
 * socket did not take, and the hand-over to a successor's connection. Must never deliver a
 * successor's message before the last one of its predecessor, nor wait.
 */
#include "ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"

enum { QUEUE_MAX_BYTES = 4 << 20, MESSAGES_A_TURN = 64 };

/* One connection; it outlives the channel until libuv has let go of the handle. */
struct conn {
	uv_poll_t poll;
	struct channel *channel; /* NULL once the channel has let go of it */
	int fd;
};

/* A message that waits for room in the socket. */
struct waiting {
	struct list node;
	struct buf frame;
	int fds[IPC_FIELDS_MAX];
	size_t fd_count;
};

struct channel {
	struct channel_args args;
	struct conn *conn;
	struct list queue;
	size_t queued_bytes;
	uint64_t seen_once; /* bit per kind that came on this connection */
	uint64_t last_id;
	int depth; /* callbacks that are running */
	bool broke, freed;
};

/* The one thing that belongs to the process and not to a channel: who is told of broken rules. */
static struct {
	channel_broke_fn *fn;
	void *arg;
} broke_watcher;

void channel_watch_broke(channel_broke_fn *fn, void *arg)
{
	broke_watcher.fn = fn;
	broke_watcher.arg = arg;
}

_Static_assert(IPC_KIND__COUNT <= 64, "seen_once has a bit per kind");

struct channel *channel_new(const struct channel_args *args)
{
	struct channel *c = MEM_NEW(struct channel);

	c->args = *args;
	list_init(&c->queue);
	return c;
}

static void waiting_free(struct channel *c, struct waiting *w)
{
	list_remove(&w->node);
	c->queued_bytes -= w->frame.n;
	buf_done(&w->frame);
	for (size_t i = 0; i < w->fd_count; i++)
		close(w->fds[i]);
	free(w);
}

static void queue_clear(struct channel *c)
{
	while (!list_empty(&c->queue))
		waiting_free(c, CONTAINER_OF(c->queue.next, struct waiting, node));
}

static void on_handle_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF(handle, struct conn, poll));
}

/* Lets go of the connection: the peer sees end-of-file at once. */
static void disconnect(struct channel *c)
{
	struct conn *conn = TAKE(c->conn);

	queue_clear(c);
	if (!conn)
		return;
	conn->channel = NULL;
	uv_close((uv_handle_t *)&conn->poll, on_handle_closed);
	close(conn->fd);
}

static void release(struct channel *c)
{
	if (c->freed && c->depth == 0)
		free(c);
}

static void ended(struct channel *c, bool broke)
{
	c->broke = broke;
	disconnect(c);
	if (broke && broke_watcher.fn)
		broke_watcher.fn(c->args.peer, c->args.peer_slot, broke_watcher.arg);
	c->depth++;
	c->args.on_closed(c, c->args.arg);
	c->depth--;
}

/* True when a message was delivered; afterwards the connection may be another one, or the channel freed. */
static bool deliver_one(struct channel *c)
{
	struct arena *a = arena_new(IPC_ARENA_BYTES);
	struct ipc_message m;
	enum err e = ipc_receive(c->conn->fd, c->args.peer, c->args.self, a, &m);
	bool again = e == ERR_OK && ipc_once(m.kind) && (c->seen_once >> m.kind & 1);

	if (again)
		ipc_close_fds(&m);
	if (e == ERR_OK && !again) {
		c->seen_once |= (uint64_t)1 << m.kind;
		c->depth++;
		c->args.on_message(c, &m, c->args.arg);
		c->depth--;
	} else if (e != ERR_BUSY) {
		ended(c, e != ERR_NOT_FOUND);
	}
	arena_free(&a);
	return e == ERR_OK && !again;
}

/* Delivers at most `max` messages of this connection. */
static void deliver(struct channel *c, const struct conn *conn, size_t max)
{
	while (max-- > 0 && !c->freed && c->conn == conn)
		if (!deliver_one(c))
			return;
}

static void watch(struct conn *conn);

static void flush(struct channel *c)
{
	while (!list_empty(&c->queue)) {
		struct waiting *w = CONTAINER_OF(c->queue.next, struct waiting, node);

		/* A dead peer's end-of-file comes by reading; until then its queue just goes. */
		if (ipc_send_encoded(c->conn->fd, buf_slice(&w->frame), w->fds, w->fd_count) == ERR_BUSY)
			return;
		waiting_free(c, w);
	}
	watch(c->conn);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct conn *conn = CONTAINER_OF(poll, struct conn, poll);
	struct channel *c = conn->channel;

	if (!c)
		return;
	c->depth++; /* keeps `c` until the end of this function */
	if (status < 0) { /* a peer that died with unread messages; its own last ones are still here */
		deliver(c, conn, SIZE_MAX);
		if (!c->freed && c->conn == conn)
			ended(c, false);
	}
	if (!c->freed && c->conn == conn && (events & UV_WRITABLE))
		flush(c);
	if (events & UV_READABLE)
		deliver(c, conn, MESSAGES_A_TURN);
	c->depth--;
	release(c);
}

static void watch(struct conn *conn)
{
	int events = UV_READABLE | (list_empty(&conn->channel->queue) ? 0 : UV_WRITABLE);

	uv_poll_start(&conn->poll, events, on_poll);
}

void channel_replace(struct channel *c, int fd)
{
	struct conn *old = c->conn;

	c->depth++;
	if (old) {
		deliver(c, old, SIZE_MAX);
		if (!c->freed && c->conn == old)
			ended(c, false);
	}
	c->depth--;
	if (c->freed || c->conn) {
		close(fd);
		release(c);
		return;
	}
	c->conn = MEM_NEW(struct conn);
	c->conn->fd = fd;
	c->conn->channel = c;
	c->seen_once = 0;
	c->broke = false;
	if (uv_poll_init(c->args.loop, &c->conn->poll, fd) != 0)
		abort(); /* out of memory, or a descriptor that is no socket: our own bug */
	watch(c->conn);
}

bool channel_connected(const struct channel *c)
{
	return c->conn != NULL;
}

bool channel_broke(const struct channel *c)
{
	return c->broke;
}

/* Puts the encoded message behind the others, with descriptors of its own. */
static enum err enqueue(struct channel *c, struct buf *frame, const int *fds, size_t fd_count)
{
	struct waiting *w;

	if (frame->n > QUEUE_MAX_BYTES - c->queued_bytes)
		return ERR_BUSY;
	w = MEM_NEW(struct waiting);
	for (size_t i = 0; i < fd_count; i++) {
		w->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		if (w->fds[i] < 0) {
			while (i > 0)
				close(w->fds[--i]);
			free(w);
			return ERR_BUSY;
		}
	}
	w->fd_count = fd_count;
	w->frame = *frame;
	buf_init(frame, 0);
	c->queued_bytes += w->frame.n;
	list_append(&c->queue, &w->node);
	watch(c->conn);
	return ERR_OK;
}

enum err channel_send(struct channel *c, const struct ipc_message *m)
{
	const char *fields = ipc_fields(m->kind);
	int fds[IPC_FIELDS_MAX];
	size_t fd_count = 0;
	struct buf frame;
	enum err e;

	if (!c->conn)
		return ERR_BUSY;
	buf_init(&frame, IPC_BODY_MAX);
	e = ipc_encode(m, &frame);
	for (size_t i = 0; fields[i]; i++)
		if (fields[i] == 'f')
			fds[fd_count++] = m->field[i].fd;
	if (!e) {
		e = ERR_BUSY;
		if (list_empty(&c->queue))
			e = ipc_send_encoded(c->conn->fd, buf_slice(&frame), fds, fd_count);
		if (e == ERR_BUSY)
			e = enqueue(c, &frame, fds, fd_count);
		else if (e)
			e = ERR_BUSY; /* the peer is gone; reading will say so */
	}
	buf_done(&frame);
	return e;
}

void channel_free(struct channel **cp)
{
	struct channel *c = cp ? *cp : NULL;

	if (!c)
		return;
	*cp = NULL;
	disconnect(c);
	c->freed = true;
	release(c);
}

uint64_t channel_next_id(struct channel *c)
{
	return ++c->last_id;
}
