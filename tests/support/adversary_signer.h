/* SPDX-License-Identifier: Apache-2.0 */
/* ID tokens (OIDC Core §2), rightly signed or forged in a way that a script names. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct adversary_signer;

enum { ADVERSARY_SIGNER_KEYS = 8 };

/* RSA keys (2048 bit) are made at first use. */
struct adversary_signer *adversary_signer_new(void);
void adversary_signer_free(struct adversary_signer **signer);
/* From now on this key, of those from 0 to 7, is the only one: a roll-over. */
void adversary_signer_use(struct adversary_signer *signer, size_t number);

struct adversary_claims {
	struct slice issuer, client_id, account, nonce, access_token;
	int64_t now; /* epoch ms */
	int64_t ttl_s;
};

/* An object whose "claims" and "header" are objects and whose "signature" is a known word, or NULL. */
bool adversary_signer_forge_known(const json_t *forge);

/*
 * Appends the compact JWS. `forge` (NULL: honest) may hold "claims" and "header", laid over ours with
 * null taking a member out, and "signature": "good", "bad" (one bit flipped), "empty", "hs256" (HMAC
 * keyed with the public key in PEM). With `sign` false the header says alg none. ERR_CRYPTO when
 * OpenSSL fails.
 */
enum err adversary_signer_make(struct adversary_signer *signer, const struct adversary_claims *claims, bool sign,
			       const json_t *forge, struct buf *out);

/* Appends the JWK set with the public key. */
enum err adversary_signer_jwks(struct adversary_signer *signer, struct buf *out);
