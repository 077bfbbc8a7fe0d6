/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an authorization code to a stored grant, in steps between which the clerk waits for the courier:
 * intend (durable note, request) → read (tokens, perhaps an identity request) → commit. Runs in the clerk.
 */
#pragma once

#include "core/flows.h"
#include "fetch/fetch.h"
#include "oauth/identity.h"

enum { EXCHANGE_DEADLINE_MS = 90 * 1000 };

/* What is known of one exchange between its steps; lives in the operation's arena. */
struct exchange {
	struct flow_row flow;
	struct profile profile; /* the snapshot of the flow */
	struct token_answer tokens;
	struct identity identity;
	bool wants_identity;
};

/*
 * Writes the intent and builds the token request. ERR_CONFLICT: the flow has an intent or a result already (read it with flows_get()).
 * Any other error: the flow was failed with a sentence, nothing was sent.
 */
enum err exchange_intend(struct core *core, const char *flow_id, const struct secret *code, const char *attempt,
			 struct arena *a, struct fetch_request *ret, struct errinfo *ei);
/*
 * Reads the token answer (`body` clear). ERR_OK: go on, with `ret_identity` when `x->wants_identity`. Else the flow was failed.
 */
enum err exchange_read(struct core *core, const char *flow_id, const struct fetch_answer *answer,
		       const struct secret *body, struct arena *a, struct exchange *x,
		       struct fetch_request *ret_identity, struct errinfo *ei);
/*
 * Takes the identity answer in (NULL when none was wanted) and commits grant, connection, flow, link and event in one
 * transaction. On an error the flow was failed, except for ERR_STORE: then nothing was written and the attempt may be joined again.
 */
enum err exchange_commit(struct core *core, struct exchange *x, const struct fetch_answer *identity, struct arena *a,
			 struct errinfo *ei);
/* Ends a flow whose answer is lost (nobody knows the attempt any more). */
enum err exchange_lost(struct core *core, const char *flow_id, struct arena *a, struct errinfo *ei);
