/* SPDX-License-Identifier: Apache-2.0 */
/* The authorization request: the URL the browser is sent to (RFC 6749 §4.1.1, RFC 7636 §4.3). */
#pragma once

#include "catalog/profile.h"

struct authorize_args {
	const struct profile *profile;
	const char *client_id, *redirect_uri;
	struct slice scopes;    /* JSON array text as stored, ["a","b"] */
	struct slice state;     /* in clear: this is the one place it leaves */
	const char *challenge;  /* PKCE S256; sent unless the profile says none */
	struct slice nonce;     /* n 0: no openid scope, no nonce */
	struct slice login_hint; /* n 0: none */
};

/*
 * Appends to what query the configured URL already has. A profile parameter that names one of the
 * protocol's own (response_type, state, …) is refused: ERR_UNPROCESSABLE. response_type is always code (OA-07).
 */
enum err authorize_url(const struct authorize_args *args, struct buf *out, struct errinfo *ei);
