/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker needs to answer a token read from what it has kept, in the same words as the handler. */
#pragma once

#include "call/call.h"

/* The parameter min_ttl, or its default. ERR_UNPROCESSABLE, field "min_ttl". */
enum err api_tokens_min_ttl(const struct params *query, int64_t *ret_seconds, struct errinfo *ei);
/* The event of its audit record. */
#define API_TOKENS_EVENT "token_read"
/* The answer's "expires_in": whole seconds, never below 0. */
int64_t api_tokens_seconds_left(const struct grant_life *life, int64_t now);
