/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a connection to another role in a libuv loop. Messages are delivered in order and one at
 * a time; what cannot be sent at once is queued (bounded). A successor connection to the same peer is
 * attached with channel_replace(): the old one is read to its end before the new one's first message.
 * What was queued or sent on a connection that ended is not sent again: the owner repeats it after
 * channel_replace() returned, if it wants to.
 */
#pragma once

#include <uv.h>

#include "ipc/ipc.h"

struct channel;

/* The message's bytes live until the callback returns; its descriptors are the callee's. */
typedef void channel_message_fn(struct channel *c, struct ipc_message *m, void *arg);
/*
 * The peer is gone or broke the rules; no successor is attached. Comes once for each connection, after
 * its last message, whether it ended by itself or by channel_replace().
 */
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
/*
 * Takes `fd`. The first call connects. A later one first delivers what the old connection still holds and
 * its on_closed (before it returns: the supervisor introduces a successor only after the old peer's
 * death, so nothing more can come); everything sent from then on goes to the successor.
 */
void channel_replace(struct channel *c, int fd);
bool channel_connected(const struct channel *c);
/* In on_closed: the peer sent what the table does not allow (otherwise it closed or died). */
bool channel_broke(const struct channel *c);
/*
 * ERR_BUSY when not connected or the queue (4 MiB) is full; ERR_TOO_LARGE, ERR_INTERNAL as ipc_encode().
 * The caller keeps its descriptors.
 */
enum err channel_send(struct channel *c, const struct ipc_message *m);
/* Closes; no callback comes after it. Allowed inside callbacks. libuv lets go of the handle in a later turn. */
void channel_free(struct channel **c);
/* For answers: a number that is not in use on this channel. Never 0. */
uint64_t channel_next_id(struct channel *c);

/*
 * For the process's runtime (role_run): called when any channel closed its connection because the peer broke the
 * rules, before that channel's on_closed. NULL: nobody. Without it both ends would live on without each other.
 */
typedef void channel_broke_fn(enum ipc_role peer, int64_t peer_slot, void *arg);
void channel_watch_broke(channel_broke_fn *fn, void *arg);
