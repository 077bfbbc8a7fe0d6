/* SPDX-License-Identifier: Apache-2.0 */
/* Token revocation (RFC 7009 §2.1). */
#pragma once

#include "oauth/token.h"

/* False when the profile has no revocation endpoint, or one that does not take such a token (a refresh token is no Bearer token). `hint` is "refresh_token" or "access_token". */
bool revoke_request(const struct token_client *c, const struct secret *token, const char *hint, struct arena *a,
		    struct fetch_request *ret);
/* 200 is done, also for an unknown token (§2.2); unsupported_token_type is done too; 503 and the like: ERR_UPSTREAM_DOWN. */
enum err revoke_parse(const struct fetch_answer *answer, struct slice body, struct errinfo *ei);
