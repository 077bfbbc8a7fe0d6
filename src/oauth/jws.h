/* SPDX-License-Identifier: Apache-2.0 */
/* The signature of a JSON Web Signature (RFC 7515) under a public key, and the algorithms that count (RFC 7518 §3, RFC 8037 §3.1). */
#pragma once

#include <stdbool.h>

#include "oauth/jwks.h"

/* name, type of key, digest, bytes of the signature (0: as long as the key) */
#define JWS_ALGS(X)                                 \
	X(RS256, "RS256", JWK_RSA, "SHA256", 0)     \
	X(RS384, "RS384", JWK_RSA, "SHA384", 0)     \
	X(RS512, "RS512", JWK_RSA, "SHA512", 0)     \
	X(PS256, "PS256", JWK_RSA, "SHA256", 0)     \
	X(PS384, "PS384", JWK_RSA, "SHA384", 0)     \
	X(PS512, "PS512", JWK_RSA, "SHA512", 0)     \
	X(ES256, "ES256", JWK_P256, "SHA256", 64)   \
	X(ES384, "ES384", JWK_P384, "SHA384", 96)   \
	X(ES512, "ES512", JWK_P521, "SHA512", 132)  \
	X(EDDSA, "EdDSA", JWK_ED25519, "SHA512", 64)

enum jws_alg {
#define X(alg, name, type, digest, bytes) JWS_##alg,
	JWS_ALGS(X)
#undef X
		JWS_ALG__COUNT
};

/* A set of algorithms: bit 1 << alg. */
#define JWS_ALGS_ALL ((1u << JWS_ALG__COUNT) - 1)

/* By its exact name; false for none, HMAC and everything else that is not in the table. */
bool jws_alg_find(struct slice name, enum jws_alg *ret);
/* Whether this key may be used with this algorithm: its type, and its own word about it. */
bool jws_key_fits(const struct jwk *key, enum jws_alg alg);
/* True when `signature` (bytes) is that of `input` under this key. False for a key that does not fit, too. */
bool jws_verify(enum jws_alg alg, const struct jwk *key, struct slice input, struct slice signature);
/* The digest that goes with the algorithm (OIDC Core §3.1.3.8), of `bytes`; its length, or 0 when OpenSSL fails. `ret` has room for 64. */
size_t jws_digest(enum jws_alg alg, struct slice bytes, unsigned char ret[64]);
