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
	struct fetch_request request;
};

/*
 * Decides whether the grant needs a refresh (its access token has less than `min_life_ms` left), writes the intent under `attempt`
 * and builds the request. ERR_UPSTREAM_DENIED when only the user can help; ERR_CONFLICT when another attempt's intent stands.
 */
enum err refresh_intend(struct core *core, const char *grant_id, int64_t min_life_ms, const char *attempt,
			struct arena *a, struct refresh_plan *ret, struct errinfo *ei);
/*
 * Takes in the answer of an attempt (`body` clear, NULL when none came). ERR_OK: new tokens are committed. ERR_UPSTREAM_DENIED: only
 * the user can help. ERR_UPSTREAM_DOWN: the grant stands as before. ERR_STORE: not written; join the attempt again. In all but
 * the last case the attempt may be released.
 */
enum err refresh_commit(struct core *core, const char *grant_id, const char *attempt, const struct fetch_answer *answer,
			const struct secret *body, struct arena *a, struct errinfo *ei);
