/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ID token as a signed text: its parts, its signature under the issuer's keys, its bond to the access token. What its claims
 * say is oauth/identity.h's.
 */
#pragma once

#include "json/jsonr.h"
#include "oauth/jws.h"
#include "secret/secret.h"

/* The three parts; documents in the arena, `signature` decoded. */
struct id_token {
	const struct jsonr *header, *claims;
	struct slice input; /* what is signed: a view into the token */
	struct slice signature;
};

enum id_token_verdict {
	ID_TOKEN_GOOD,
	ID_TOKEN_BAD,         /* nothing can make it good */
	ID_TOKEN_KEY_UNKNOWN, /* its key is not among these: the issuer may have a new one (OIDC Core §10.1.1) */
};

struct id_token_trust {
	const struct jwks *keys; /* NULL: not at hand */
	unsigned algs;           /* set of enum jws_alg that count; never none, never HMAC */
	const struct secret *access_token;
};

/* Takes the compact form apart. False unless it is one of exactly three strict parts whose first two are JSON objects (RFC 7515 §7.1), with an algorithm that is not none. */
bool id_token_read(const struct secret *token, struct arena *a, struct id_token *ret);
/*
 * Header, key, signature and at_hash (ID-01, ID-05). The key is one of `keys` and nothing else: jku, x5u, jwk and x5c are not looked at
 * (RFC 7515 §4.1). `ei` tells what is wrong, with code "id_token_invalid" for ID_TOKEN_BAD.
 */
enum id_token_verdict id_token_verify(const struct secret *token, const struct id_token_trust *trust, struct arena *a,
				      struct errinfo *ei);
/*
 * Whether a token that came with a refresh speaks of the same account and client as the first one (OIDC Core §12.2, ID-07). Only for refusing: its
 * signature is not looked at, so nothing may be taken from it.
 */
bool id_token_is_of(const struct secret *token, const char *issuer, const char *subject, const char *client_id, struct arena *a);
/* Sets the sentence for a person about an ID token that is refused; returns ERR_UPSTREAM_DENIED. */
enum err id_token_refuse(struct errinfo *ei, const char *what);
