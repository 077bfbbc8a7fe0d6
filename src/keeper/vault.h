/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's answers: what the master key does for other roles, without sockets. */
#pragma once

#include "ipc/ipc.h"
#include "secret/master.h"

/*
 * The answer to NEW_KEY, UNWRAP or OPEN_SPOOL, its bytes in the arena. A request that is wrong or does not
 * open is answered with its error; ERR_INVALID only for a message that is no request to the keeper.
 */
enum err vault_answer(const struct master *m, const struct ipc_message *ask, struct arena *a,
		      struct ipc_message *ret_answer);
/* SPOOL_KEYS for a courier. */
void vault_spool_keys(const struct master *m, struct arena *a, struct ipc_message *ret_message);
