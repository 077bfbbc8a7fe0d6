/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a connection to another role in a libuv loop. Messages are delivered in order and one at
 * a time; what cannot be sent at once is queued (bounded). A successor connection to the same peer is
 * attached with channel_replace(): the old one is read to its end before the new one's first message.
 */
#pragma once

#include <uv.h>

#include "ipc/ipc.h"

struct channel;

/* The message's bytes live until the callback returns; its descriptors are the callee's. */
typedef void channel_message_fn(struct channel *c, struct ipc_message *m, void *arg);
/* The peer is gone or broke the rules; no successor is attached. Comes after its last message. */
typedef void channel_closed_fn(struct channel *c, void *arg);

struct channel_args {
	uv_loop_t *loop;
	enum ipc_role self, peer;
	int64_t peer_slot;
	channel_message_fn *on_message;
	channel_closed_fn *on_closed;
	void *arg;
};

/* Without a connection until channel_replace(). */
struct channel *channel_new(const struct channel_args *args);
/* Takes `fd`. The first call connects; a later one puts the new connection behind the old one. */
void channel_replace(struct channel *c, int fd);
bool channel_connected(const struct channel *c);
/* ERR_BUSY when not connected or the queue (4 MiB) is full. */
enum err channel_send(struct channel *c, const struct ipc_message *m);
/* Closes; no callback comes after it. The memory goes when libuv has let go of the handle. */
void channel_free(struct channel **c);
/* For answers: a number that is not in use on this channel. Never 0. */
uint64_t channel_next_id(struct channel *c);
