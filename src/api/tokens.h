/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker needs to answer a token read from what it has kept, in the same words as the handler. */
#pragma once

#include "call/call.h"

/* The parameter min_ttl, or its default. ERR_UNPROCESSABLE, field "min_ttl". */
enum err api_tokens_min_ttl(const struct params *query, int64_t *ret_seconds, struct errinfo *ei);
/* What the audit record of a read says; `at` is left to the caller. */
struct record api_tokens_record(const char *app_id, const char *user_id, const char *connection_id, const char *grant_id,
				int64_t generation, const char *fingerprint);
/* The answer's "expires_in": whole seconds, never below 0. */
int64_t api_tokens_seconds_left(const struct grant_life *life, int64_t now);
