/* SPDX-License-Identifier: Apache-2.0 */
/* Telling the provider that a connection ended (RFC 7009). The connection is over here before and whatever comes of it. */
#pragma once

#include "core/core.h"
#include "fetch/fetch.h"

/* Requests to send in order: refresh token first, then access token (RF-08). */
struct revocation_plan {
	size_t count;
	struct fetch_request request[2];
};

/*
 * What to tell the provider for an ended grant. Nothing when the provider has no revocation endpoint, the endpoints were changed, or the
 * same account is connected elsewhere with the same client (LIFECYCLE §5.3); then and after revocation_done() the tokens are wiped from the row.
 * ERR_BUSY while a refresh of the grant is under way: ask again after it, else the tokens that it brings would live on (RF-05).
 */
enum err revocation_plan(struct core *core, const char *grant_id, struct arena *a, struct revocation_plan *ret,
			 struct errinfo *ei);
/*
 * The provider could not be told: tries again later, after `retry_after_s` (0: not said) or a growing pause. Given up
 * after a week, as revocation_done() with `told` false.
 */
enum err revocation_failed(struct core *core, const char *grant_id, int64_t retry_after_s, struct arena *a,
			   struct errinfo *ei);
/* Wipes the tokens and notes in an event whether the provider said yes. */
enum err revocation_done(struct core *core, const char *grant_id, bool told, struct arena *a, struct errinfo *ei);
/* Ended grants that still hold tokens and are due: the provider is to be told of them. Ids in the arena. */
enum err revocation_open(struct core *core, struct arena *a, const char ***ret_grants, size_t *ret_n, struct errinfo *ei);
