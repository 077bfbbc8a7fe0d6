/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public keys of an issuer (RFC 7517), as it publishes them. Only what can verify a signature is kept: RSA of 2048 to
 * 8192 bits, the curves P-256, P-384 and P-521, and Ed25519.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum { JWKS_KEYS_MAX = 64, JWKS_KID_MAX = 256 };

enum jwk_type { JWK_RSA, JWK_P256, JWK_P384, JWK_P521, JWK_ED25519, JWK__COUNT };

struct jwk {
	const char *kid; /* "" none */
	const char *alg; /* the only algorithm it is for; "" any that fits its type */
	enum jwk_type type;
	struct slice first;  /* n; or x */
	struct slice second; /* e; or y; n 0 for Ed25519 */
};

struct jwks {
	size_t n;
	const struct jwk *key;
};

/*
 * Reads a JWK set; what `ret` holds lies in the arena, `text` is not needed any more. Keys that are for something else, of a kind
 * that is not known, too weak or malformed are left out (§5). ERR_INVALID for a text that is no set or has more than
 * JWKS_KEYS_MAX keys, ERR_TOO_LARGE above 512 KiB.
 */
enum err jwks_parse(struct slice text, struct arena *a, struct jwks *ret, struct errinfo *ei);
/* The same keys in another arena. */
void jwks_copy(const struct jwks *from, struct arena *a, struct jwks *ret);
