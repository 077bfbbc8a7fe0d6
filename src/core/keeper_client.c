/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the keeper. Must never keep a key's bytes in a message longer than the call. */
#include "core/keeper_client.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { CALL_MS = 2000, SUCCESSOR_S = 3 };

struct keeper_client {
	enum ipc_role self;
	uint64_t last_id;
	pthread_mutex_t lock;
	pthread_cond_t connected;
	int fd;     /* under lock: the newest connection, -1 when taken or none */
	int in_use; /* of the store thread alone */
};

struct keeper_client *keeper_client_new(enum ipc_role self)
{
	struct keeper_client *k = MEM_NEW(struct keeper_client);
	pthread_condattr_t monotonic;

	k->self = self;
	k->fd = k->in_use = -1;
	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&k->connected, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return k;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void keeper_client_free(struct keeper_client **kp)
{
	struct keeper_client *k = kp ? *kp : NULL;

	if (!k)
		return;
	close_fd(&k->fd);
	close_fd(&k->in_use);
	pthread_mutex_destroy(&k->lock);
	pthread_cond_destroy(&k->connected);
	free(k);
	*kp = NULL;
}

void keeper_client_connect(struct keeper_client *k, int fd)
{
	pthread_mutex_lock(&k->lock);
	close_fd(&k->fd);
	k->fd = fd;
	pthread_cond_signal(&k->connected);
	pthread_mutex_unlock(&k->lock);
}

/* Takes over the newest connection; with `wait`, waits for one. False when there is none. */
static bool take_connection(struct keeper_client *k, bool wait)
{
	struct timespec until;
	bool taken;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += SUCCESSOR_S;
	pthread_mutex_lock(&k->lock);
	while (wait && k->fd < 0)
		if (pthread_cond_timedwait(&k->connected, &k->lock, &until) == ETIMEDOUT)
			break;
	taken = k->fd >= 0;
	if (taken) {
		close_fd(&k->in_use);
		k->in_use = k->fd;
		k->fd = -1;
	}
	pthread_mutex_unlock(&k->lock);
	return taken;
}

static enum err ask(struct keeper_client *k, struct ipc_message *m, struct arena *a, struct ipc_message *ret,
		    struct errinfo *ei)
{
	enum err e = ERR_INTERNAL;

	take_connection(k, k->in_use < 0);
	for (int tries = 0; tries < 2 && k->in_use >= 0; tries++) {
		m->id = ++k->last_id;
		e = ipc_call(k->in_use, k->self, IPC_KEEPER, m, CALL_MS, a, ret);
		if (!e)
			return ERR_OK;
		/* A keeper that was only slow keeps its connection: no other comes. Its late answer is skipped by its id. */
		if (e == ERR_TIMEOUT)
			break;
		close_fd(&k->in_use);
		take_connection(k, true);
	}
	err_hint(ei, ERR_BUSY, "Try again in a moment.");
	return err_set(ei, ERR_BUSY, "the keeper of the keys does not answer");
}

static enum err ask_key(struct keeper_client *k, struct ipc_message *m, struct data_key *io, struct arena *a,
			struct slice *ret_wrapped, struct errinfo *ei)
{
	struct ipc_message answer = {.kind = IPC_KIND__COUNT};
	struct slice clear;
	enum err e;

	m->field[IPC_KEY_ID].bytes = slice_from(io->id);
	m->field[IPC_KEY_APP].bytes = slice_from(io->app_id);
	m->field[IPC_KEY_EPOCH].number = io->epoch;
	e = ask(k, m, a, &answer, ei);
	if (e)
		return e;
	if (answer.kind != IPC_KEY)
		return err_set(ei, ERR_INTERNAL, "the keeper gave another answer than was asked for");
	if (answer.field[IPC_KEY_ERR].number)
		return err_set(ei, ERR_CRYPTO, "%.*s", SLICE_ARG(answer.field[IPC_KEY_DETAIL].bytes));
	clear = answer.field[IPC_KEY_CLEAR].bytes;
	if (clear.n != sizeof io->bytes)
		return err_set(ei, ERR_INTERNAL, "the keeper gave a key of %zu bytes", clear.n);
	memcpy(io->bytes, clear.p, sizeof io->bytes);
	if (ret_wrapped)
		*ret_wrapped = answer.field[IPC_KEY_WRAPPED_OUT].bytes;
	return ERR_OK;
}

static enum err fresh(void *arg, struct data_key *io, struct arena *a, struct slice *ret_wrapped, struct errinfo *ei)
{
	CLEANUP(arena_free) struct arena *mine = arena_new(2 * IPC_ARENA_BYTES);
	struct ipc_message m = {.kind = IPC_NEW_KEY};
	struct slice wrapped;
	enum err e = ask_key(arg, &m, io, mine, &wrapped, ei);

	if (!e)
		*ret_wrapped = arena_copy(a, wrapped);
	return e;
}

static enum err unwrap(void *arg, struct slice wrapped, struct data_key *io, struct errinfo *ei)
{
	CLEANUP(arena_free) struct arena *a = arena_new(2 * IPC_ARENA_BYTES);
	struct ipc_message m = {.kind = IPC_UNWRAP};

	m.field[IPC_KEY_WRAPPED].bytes = wrapped;
	return ask_key(arg, &m, io, a, NULL, ei);
}

struct key_source keeper_client_source(struct keeper_client *k)
{
	return (struct key_source){.fresh = fresh, .unwrap = unwrap, .arg = k};
}

enum err keeper_client_open(struct keeper_client *k, struct slice head, struct slice entry, struct arena *a,
			    struct secret **ret_clear, struct errinfo *ei)
{
	CLEANUP(arena_free) struct arena *mine = arena_new(2 * IPC_ARENA_BYTES);
	struct ipc_message m = {.kind = IPC_OPEN_SPOOL}, answer = {.kind = IPC_KIND__COUNT};
	enum err e;

	m.field[IPC_OPEN_SPOOL_HEAD].bytes = head;
	m.field[IPC_OPEN_SPOOL_ENTRY].bytes = entry;
	e = ask(k, &m, mine, &answer, ei);
	if (e)
		return e;
	if (answer.kind != IPC_SPOOL_OPENED)
		return err_set(ei, ERR_INTERNAL, "the keeper gave another answer than was asked for");
	if (answer.field[IPC_SPOOL_OPENED_ERR].number)
		return err_set(ei, ERR_CRYPTO, "%.*s", SLICE_ARG(answer.field[IPC_SPOOL_OPENED_DETAIL].bytes));
	*ret_clear = secret_in_arena(a, secret_new(answer.field[IPC_SPOOL_OPENED_BODY].bytes));
	return ERR_OK;
}
