/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a token that this worker has read before: answered on the loop, without lock, SQL or another thread, in the same
 * bytes and with the same audit record as the handler would.
 */
#pragma once

#include "api/tokens.h"
#include "worker/cache.h"
#include "worker/handle.h"

void reads_init(struct handle_desk *d);
/* Tells the clerk of the last uses; nothing is answered from here on. The cache stays: what the store thread has begun is still kept. */
void reads_done(struct handle_desk *d);
/*
 * Answers, and returns true, when the request asks for a token in the usual form with a key, and what was kept of an earlier
 * answer still holds. Else nothing has happened, and the request takes the long way.
 */
bool reads_answer(struct handle_desk *d, struct exchange *x, const struct request *request, const struct call_route *route,
		  const char *pattern);
/* The same by the head's digest alone, before anything is parsed; for server_args.on_repeat. `arg` is the desk. */
bool reads_repeat(struct exchange *x, const struct request *request, void *arg);
/* On the loop, before the answer leaves: keeps what the handler has read. `epoch` was taken before its first row. */
void reads_keep(struct handle_desk *d, const struct call *c, uint64_t epoch);
