/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCE. The verifier proves that who redeems the code is who asked for it, so it is a secret until it
 * is sent to the token endpoint. Must never offer the method "plain" (RFC 7636 §7.2, OA-02).
 */
#include "oauth/pkce.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "secret/hash.h"

enum { VERIFIER_RANDOM_BYTES = 32 };

void pkce_challenge(const struct secret *verifier, char ret_challenge[PKCE_TEXT_BYTES])
{
	unsigned char digest[HASH_SHA256_BYTES];
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, PKCE_TEXT_BYTES);
	hash_sha256(secret_expose(verifier), digest);
	encode_base64url(&text, slice_make(digest, sizeof digest));
	memcpy(ret_challenge, buf_cstr(&text), PKCE_TEXT_BYTES);
}

struct secret *pkce_new(char ret_challenge[PKCE_TEXT_BYTES])
{
	CLEANUP(secret_free) struct secret *random = secret_random(VERIFIER_RANDOM_BYTES);
	struct secret *verifier;
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, PKCE_TEXT_BYTES);
	encode_base64url(&text, secret_expose(random));
	verifier = secret_new(buf_slice(&text));
	pkce_challenge(verifier, ret_challenge);
	return verifier;
}
