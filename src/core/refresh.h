/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The refresh of one grant: intend (durable note, request) → courier → commit by compare-and-set
 * (LIFECYCLE §4). Runs in the clerk, one at a time per grant.
 */
#pragma once

#include "core/core.h"
#include "fetch/fetch.h"

enum { REFRESH_DEADLINE_MS = 90 * 1000 };

struct refresh_plan {
	bool needed; /* false: the grant has a token that is good enough */
	const char *join; /* the attempt whose intent stands already: its answer is to be joined, nothing sent; "" none */
	struct fetch_request request;
};

/* What the caller wants of the grant's access token. */
struct refresh_want {
	int64_t min_life_ms; /* at least so much life left */
	int64_t newer_than;  /* of a later generation than this; -1: any will do */
};

/*
 * Decides whether the grant needs a refresh (it has no token such as wanted), writes the intent under `attempt`
 * and builds the request. ERR_UPSTREAM_DENIED when only the user can help. An intent that stands already is given as `join`.
 */
enum err refresh_intend(struct core *core, const char *grant_id, const struct refresh_want *want, const char *attempt,
			struct arena *a, struct refresh_plan *ret, struct errinfo *ei);
/*
 * Takes in the answer of an attempt (`body` clear, NULL when none came). ERR_OK: new tokens are committed. ERR_UPSTREAM_DENIED: only
 * the user can help. ERR_UPSTREAM_DOWN: the grant stands as before; an answer that no courier knows (ERR_NOT_FOUND in `answer`) leaves it
 * uncertain. ERR_CONFLICT: renewed or ended meanwhile; of an ended grant the new tokens are kept for the revocation only. In these cases the
 * attempt may be released. Any other error: not written, join the attempt again later.
 */
enum err refresh_commit(struct core *core, const char *grant_id, const char *attempt, const struct fetch_answer *answer,
			const struct secret *body, struct arena *a, struct errinfo *ei);
/* Grants whose intent stands: their attempts are to be joined after a crash. Ids in the arena. */
enum err refresh_open(struct core *core, struct arena *a, const char ***ret_grants, size_t *ret_n, struct errinfo *ei);
