/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The refresh of one grant: intend (durable note, request) → courier → commit by compare-and-set
 * (LIFECYCLE §4). Runs in the clerk, one at a time per grant. What follows from which answer is in core/rotation.h.
 */
#pragma once

#include "core/core.h"
#include "core/rotation.h"
#include "fetch/fetch.h"

enum { REFRESH_DEADLINE_MS = 90 * 1000 };

/* What an attempt consumes; known from its plan. */
struct refresh_attempt {
	const char *id;
	int64_t generation;
	enum rotation_source source;
	const char *consumes; /* what binds request and answer to this grant and its tokens then, and to no other (LIFECYCLE §5.2, rule 4) */
	bool asked; /* somebody waits for it: the access token is in use */
};

struct refresh_plan {
	bool needed; /* false: the grant has a token that is good enough, or nothing is due */
	const char *join; /* the attempt whose intent stands already: its answer is to be joined, nothing sent; "" none */
	int64_t generation;
	enum rotation_source source;
	const char *consumes;
	struct fetch_request request;
};

/* What the caller wants of the grant's access token. */
struct refresh_want {
	int64_t min_life_ms; /* at least so much life left */
	int64_t newer_than;  /* of a later generation than this; -1: any will do */
	bool due;            /* also when a retry is due, whatever the token's life */
};

/* Nobody wants anything: only what stands open is looked into, and what is due is tried again. */
#define REFRESH_WANT_DUE ((struct refresh_want){.min_life_ms = INT64_MIN / 4, .newer_than = -1, .due = true})

/*
 * Decides whether the grant needs a refresh (it has no token such as wanted), writes the intent under `attempt`
 * and builds the request. ERR_UPSTREAM_DENIED when only the user can help; ERR_UPSTREAM_DOWN, with the seconds to wait, while the provider
 * is given time. An intent that stands already is given as `join`.
 */
enum err refresh_intend(struct core *core, const char *grant_id, const struct refresh_want *want, const char *attempt,
			struct arena *a, struct refresh_plan *ret, struct errinfo *ei);

/* What is to be done after refresh_commit(), whatever it returned. */
struct refresh_after {
	bool again;         /* at once: refresh_intend() with REFRESH_WANT_DUE and a new attempt */
	bool revoke;        /* the grant has ended, and now holds tokens that the provider is to be told of */
	int64_t look_in_ms; /* something is due then, whether anybody asks or not; 0: nothing */
};

/*
 * Takes in the answer of an attempt (`body` clear, NULL when none came). ERR_OK: new tokens are committed. ERR_UPSTREAM_DENIED: only
 * the user can help. ERR_UPSTREAM_DOWN: the grant stands as before; an answer that no courier knows (ERR_NOT_FOUND in `answer`) leaves it
 * uncertain. ERR_CONFLICT: renewed or ended meanwhile; the tokens were kept where they are of use. In these cases the
 * attempt may be released. Any other error: not written, join the attempt again later.
 */
enum err refresh_commit(struct core *core, const char *grant_id, const struct refresh_attempt *attempt,
			const struct fetch_answer *answer, const struct secret *body, struct arena *a,
			struct refresh_after *ret_after, struct errinfo *ei);
/* Grants whose intent stands: their attempts are to be joined after a crash. Ids in the arena. */
enum err refresh_open(struct core *core, struct arena *a, const char ***ret_grants, size_t *ret_n, struct errinfo *ei);
/* Grants whose retry is due and whose authenticator may be used now, the longest waiting first. */
enum err refresh_due(struct core *core, struct arena *a, const char ***ret_grants, size_t *ret_n, struct errinfo *ei);
/* In how many ms the next grant will be due that is not due yet; 0: none. */
enum err refresh_next_due(struct core *core, struct arena *a, int64_t *ret_in_ms, struct errinfo *ei);
/* Forgets what was kept for support and is a day old. */
enum err refresh_housekeeping(struct core *core, struct errinfo *ei);
