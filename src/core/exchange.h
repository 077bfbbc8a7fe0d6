/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an authorization code to a stored grant, in steps between which the clerk waits for the courier:
 * prepare (the issuer's keys) → intend (durable note, request) → read (tokens, perhaps an identity request) → commit. Runs in the clerk.
 */
#pragma once

#include "core/flows.h"
#include "core/issuer_keys.h"
#include "fetch/fetch.h"
#include "oauth/identity.h"

enum {
	EXCHANGE_DEADLINE_MS = 90 * 1000,
	EXCHANGE_KEYS_PATIENCE_MS = 10 * 60 * 1000, /* so long tokens wait unread for the keys that verify them */
	EXCHANGE_KEYS_AGAIN_MS = 5 * 1000,
};

/* What is known of one exchange between its steps; lives in the operation's arena. */
struct exchange {
	struct flow_row flow;
	struct profile profile; /* the snapshot of the flow */
	struct token_answer tokens;
	struct identity identity;
	bool wants_identity;
	struct issuer_keys_walk walk;
	enum issuer_keys_next keys; /* ASK with `keys_request`, or WAIT: before the step can be done */
	struct fetch_request keys_request;
};

struct exchange_plan {
	bool needed;      /* false: the flow has its result */
	const char *join; /* the attempt whose intent stands already; "" none */
	struct fetch_request request;
};

/*
 * Sees that the keys are at hand that the ID token will be verified with, before the code is spent: without them nothing could be
 * done with the answer. `x->keys` tells whether to go on. On an error that is not ERR_STORE the flow was failed; nothing was sent.
 */
enum err exchange_prepare(struct core *core, const char *flow_id, bool with_code, struct arena *a, struct exchange *x, struct errinfo *ei);
/*
 * Writes the intent and builds the token request. `code` NULL (recovery): only an intent that stands is joined.
 * On an error that is not ERR_STORE or ERR_BUSY the flow was failed with a sentence; nothing was sent.
 */
enum err exchange_intend(struct core *core, const char *flow_id, const struct secret *code, const char *attempt,
			 struct arena *a, struct exchange_plan *ret, struct errinfo *ei);
/*
 * Reads the token answer (`body` clear). ERR_OK: go on, with `ret_identity` when `x->wants_identity`. ERR_UPSTREAM_DENIED, ERR_UPSTREAM_DOWN
 * and ERR_CRYPTO: the flow was failed; ERR_CONFLICT: it had its result. ERR_BUSY: keys are needed first (`x->keys`), then read again.
 * Any other error: join the attempt again later.
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
/* Flows whose intent stands without a result: their attempts are to be joined after a crash. Ids in the arena. */
enum err exchange_open(struct core *core, struct arena *a, const char ***ret_flows, size_t *ret_n, struct errinfo *ei);
/* Part of exchange_read(): the ID token's signature (ID-01, ID-05). The same errors, but the flow is not failed yet. */
enum err exchange_keys_verify(struct core *core, struct exchange *x, struct arena *a, struct errinfo *ei);
/* What the user reads whose issuer's keys could not be had. */
extern const char exchange_keys_sentence[];
