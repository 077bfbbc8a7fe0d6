/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's process: master key in, a connection to every role that may ask, answers out. Must
 * never open a socket or a file but the key's.
 */
#include "keeper/keeper.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "ipc/role.h"
#include "keeper/vault.h"

enum { WORKERS_MAX = 1024 };

struct keeper {
	struct master *master;
	struct channel *clerk, *courier;
	struct channel **workers;
	size_t worker_count;
};

static void on_message(struct channel *c, struct ipc_message *m, void *arg)
{
	const struct keeper *k = arg;
	/* An opened answer is at most as long as its spool entry. */
	struct arena *a = arena_new(IPC_ARENA_BYTES + IPC_BODY_MAX);
	struct ipc_message answer;

	if (vault_answer(k->master, m, a, &answer) == ERR_OK) {
		/* Not sent: the asker is gone, or has so many answers unread that it cannot miss this one. */
		if (channel_send(c, &answer) != ERR_OK)
			LOG(LOG_WARN, "keeper_answer_dropped", LOG_S("kind", ipc_kind_name(answer.kind)));
		if (answer.field[0].number != ERR_OK)
			LOG(LOG_ERROR, "keeper_refused", LOG_S("kind", ipc_kind_name(m->kind)),
			    LOG_SLICE("detail", answer.field[1].bytes));
	}
	arena_free(&a);
}

/* Nothing is kept for a peer; its successor asks anew. */
static void on_closed(struct channel *c, void *arg)
{
	(void)c;
	(void)arg;
}

static enum err start(struct role *role, struct errinfo *ei)
{
	struct keeper *k = role->state;
	enum err e = master_load(role_config(role, "FIBERWISE_MASTER_KEY_FILE"), &k->master, ei);

	if (e)
		return e;
	if (role->workers > 0 && role->workers <= WORKERS_MAX)
		k->worker_count = (size_t)role->workers;
	k->workers = MEM_NEW_N(k->worker_count, struct channel *);
	role_ready(role);
	return ERR_OK;
}

/* Where the channel of this peer is kept; NULL for a role that has no business here. */
static struct channel **place_of(struct keeper *k, enum ipc_role peer, int64_t slot)
{
	if (peer == IPC_CLERK)
		return &k->clerk;
	if (peer == IPC_COURIER)
		return &k->courier;
	if (peer == IPC_WORKER && slot >= 0 && (uint64_t)slot < k->worker_count)
		return &k->workers[slot];
	return NULL;
}

static void send_spool_keys(const struct keeper *k)
{
	struct arena *a = arena_new(4096);
	struct ipc_message m;

	vault_spool_keys(k->master, a, &m);
	if (channel_send(k->courier, &m) != ERR_OK)
		LOG(LOG_WARN, "spool_keys_not_sent");
	arena_free(&a);
}

static void on_peer(struct role *role, enum ipc_role peer, int64_t slot, int fd)
{
	struct keeper *k = role->state;
	struct channel **c = place_of(k, peer, slot);
	const struct channel_args args = {
		.loop = role->loop,
		.self = IPC_KEEPER,
		.peer = peer,
		.peer_slot = slot,
		.on_message = on_message,
		.on_closed = on_closed,
		.arg = k,
	};

	if (!c) {
		close(fd);
		return;
	}
	if (!*c)
		*c = channel_new(&args);
	channel_replace(*c, fd);
	if (peer == IPC_COURIER)
		send_spool_keys(k);
}

static void on_stop(struct role *role, bool orphaned)
{
	struct keeper *k = role->state;

	(void)orphaned;
	channel_free(&k->clerk);
	channel_free(&k->courier);
	for (size_t i = 0; i < k->worker_count; i++)
		channel_free(&k->workers[i]);
	free(k->workers);
	k->workers = NULL;
	k->worker_count = 0;
	master_free(&k->master);
	role_stopped(role);
}

int keeper_main(const char *name)
{
	static const struct role_hooks hooks = {.start = start, .on_peer = on_peer, .on_stop = on_stop};
	struct keeper k = {.master = NULL};

	return role_run(IPC_KEEPER, name, &hooks, &k);
}
