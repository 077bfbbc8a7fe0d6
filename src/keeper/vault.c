/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the master key does for other roles: data keys made, wrapped and unwrapped, spooled answers
 * opened. Must never give out the master key or what is derived from it, but for the courier's two
 * spool keys, which open nothing.
 */
#include "keeper/vault.h"

#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "secret/secret.h"

/* An id as our rows have it, into `to` with a NUL. What else could stand there would blur the wrapped key's associated data. */
static bool take_id(struct slice id, bool may_be_empty, char to[RANDOM_ID_BYTES])
{
	if (id.n >= RANDOM_ID_BYTES || (id.n == 0 && !may_be_empty))
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'))
			return false;
		to[i] = c;
	}
	to[id.n] = '\0';
	return true;
}

static enum err do_key(const struct master *m, const struct ipc_message *ask, struct data_key *key, struct slice *wrapped,
		       struct arena *a, struct errinfo *ei)
{
	if (!take_id(ask->field[IPC_KEY_ID].bytes, false, key->id) ||
	    !take_id(ask->field[IPC_KEY_APP].bytes, true, key->app_id) || ask->field[IPC_KEY_EPOCH].number < 0)
		return err_set(ei, ERR_INVALID, "a data key was asked for with an id, app or epoch that is none");
	key->epoch = ask->field[IPC_KEY_EPOCH].number;
	if (ask->kind == IPC_UNWRAP)
		return master_unwrap(m, ask->field[IPC_KEY_WRAPPED].bytes, key, ei);
	random_bytes(key->bytes, sizeof key->bytes);
	*wrapped = master_wrap(m, key, a);
	return ERR_OK;
}

static void answer_key(const struct master *m, const struct ipc_message *ask, struct arena *a, struct ipc_message *answer)
{
	struct errinfo ei = {.detail = ""};
	struct slice wrapped = {.p = NULL};
	struct data_key key = {.epoch = 0};
	enum err e = do_key(m, ask, &key, &wrapped, a, &ei);

	answer->kind = IPC_KEY;
	answer->field[IPC_KEY_ERR].number = (int64_t)e;
	answer->field[IPC_KEY_DETAIL].bytes = slice_from(arena_strdup(a, ei.detail));
	if (!e) {
		answer->field[IPC_KEY_WRAPPED_OUT].bytes = wrapped;
		answer->field[IPC_KEY_CLEAR].bytes = arena_copy(a, slice_make(key.bytes, sizeof key.bytes));
	}
	seal_key_wipe(&key);
}

static void answer_spool(const struct master *m, const struct ipc_message *ask, struct arena *a,
			 struct ipc_message *answer)
{
	struct errinfo ei = {.detail = ""};
	CLEANUP(secret_free) struct secret *clear = NULL;
	enum err e = master_open_spool(m, ask->field[IPC_OPEN_SPOOL_HEAD].bytes, ask->field[IPC_OPEN_SPOOL_ENTRY].bytes,
				       &clear, &ei);

	answer->kind = IPC_SPOOL_OPENED;
	answer->field[IPC_SPOOL_OPENED_ERR].number = (int64_t)e;
	answer->field[IPC_SPOOL_OPENED_DETAIL].bytes = slice_from(arena_strdup(a, ei.detail));
	if (!e)
		answer->field[IPC_SPOOL_OPENED_BODY].bytes = arena_copy(a, secret_expose(clear));
}

enum err vault_answer(const struct master *m, const struct ipc_message *ask, struct arena *a,
		      struct ipc_message *ret_answer)
{
	struct ipc_message answer = {.id = ask->id};

	if (ask->kind == IPC_NEW_KEY || ask->kind == IPC_UNWRAP)
		answer_key(m, ask, a, &answer);
	else if (ask->kind == IPC_OPEN_SPOOL)
		answer_spool(m, ask, a, &answer);
	else
		return ERR_INVALID;
	*ret_answer = answer;
	return ERR_OK;
}

void vault_spool_keys(const struct master *m, struct arena *a, struct ipc_message *ret_message)
{
	unsigned char *public_key = arena_alloc(a, 1, MASTER_PUBLIC_BYTES);
	unsigned char *mac_key = arena_alloc(a, 1, MASTER_MAC_KEY_BYTES);

	master_spool_public(m, public_key);
	master_spool_mac_key(m, mac_key);
	*ret_message = (struct ipc_message){.kind = IPC_SPOOL_KEYS};
	ret_message->field[IPC_SPOOL_KEYS_PUBLIC].bytes = slice_make(public_key, MASTER_PUBLIC_BYTES);
	ret_message->field[IPC_SPOOL_KEYS_MAC].bytes = slice_make(mac_key, MASTER_MAC_KEY_BYTES);
}
