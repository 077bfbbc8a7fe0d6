/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of secrets: what the store keeps in place of the thing itself. */
#pragma once

#include <stdbool.h>

#include "secret/secret.h"

enum {
	HASH_SHA256_BYTES = 32,
	HASH_TEXT_BYTES = 65,        /* SHA-256 as hex and a NUL */
	HASH_FINGERPRINT_BYTES = 33, /* 128 bit as hex and a NUL */
	HASH_KEY_BYTES = 32,
	HASH_KEYED_BYTES = 32,
};

void hash_sha256(struct slice bytes, unsigned char ret[HASH_SHA256_BYTES]);
/* SHA-256 as lower-case hex: states, cookies, link tokens, key secrets at rest. Right for random secrets only. */
void hash_text(struct slice bytes, char ret[HASH_TEXT_BYTES]);
/* True when `secret` hashes to the stored hex text; compared in constant time. */
bool hash_matches(struct slice secret, struct slice stored_hex);
/* BLAKE2b-256 under `key` (RFC 7693): for tables that are looked up by a secret without keeping or comparing it. */
void hash_keyed(const unsigned char key[HASH_KEY_BYTES], struct slice bytes, unsigned char ret[HASH_KEYED_BYTES]);
/* HMAC-SHA-256 under `key`, cut to 128 bit, hex: how a token appears in logs, events and refresh_fp. */
void hash_fingerprint(const unsigned char key[HASH_KEY_BYTES], struct slice token, char ret[HASH_FINGERPRINT_BYTES]);
