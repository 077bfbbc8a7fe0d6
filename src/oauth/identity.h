/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose account it is: from the ID token that came straight from the token endpoint, and from the identity request.
 * An account is (issuer, subject), never an e-mail address (ID-06).
 */
#pragma once

#include "catalog/profile.h"
#include "fetch/fetch.h"
#include "oauth/token.h"

struct identity {
	const char *issuer;  /* the ID token's iss, or the token endpoint's origin when the provider has no issuer */
	const char *subject; /* "" when the provider tells nobody */
	const char *label;   /* for people: e-mail, login, name; "" unknown. UTF-8, capped at 200 bytes, no control characters */
};

struct identity_expect {
	const char *client_id;
	const struct secret *nonce; /* NULL: none was sent */
	int64_t now_ms;
};

/*
 * Claims of the ID token (OIDC Core §3.1.3.7): iss exact when the profile has an issuer, aud has our client_id, azp, exp, iat
 * (60 s skew), nonce, sub ≤ 255 ASCII. The signature is id_token_verify()'s.
 * ERR_UPSTREAM_DENIED with code "id_token_invalid" and what is wrong. `ret->label` from email, preferred_username, name if there.
 */
enum err identity_from_id_token(const struct profile *p, const struct secret *id_token,
				const struct identity_expect *expect, struct arena *a, struct identity *ret,
				struct errinfo *ei);
/* Where there is no ID token: the issuer, or else the token endpoint's origin, and the token answer's subject ("" none). */
void identity_begin(const struct profile *p, const char *subject, struct arena *a, struct identity *ret);
/* False when the profile has no identity request. Of `client` profile, id and label are used: no secret of it is sent. In the arena. */
bool identity_request(const struct token_client *client, const struct secret *access_token, struct arena *a, struct fetch_request *ret);
/*
 * Merges the answer's subject and label into `io` by the profile's paths (numbers become their decimal text). A subject that differs from one already
 * known from the ID token is ERR_UPSTREAM_DENIED "subject_mismatch" (ID-08; only when the path is "sub"). An unreadable answer is ERR_UPSTREAM_DOWN.
 */
enum err identity_from_answer(const struct profile *p, struct slice body, struct arena *a, struct identity *io,
			      struct errinfo *ei);
