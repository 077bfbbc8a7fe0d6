/* SPDX-License-Identifier: Apache-2.0 */
/* One-way forms of secrets. Must never be used for pass phrases (see password.h). */
#include "secret/hash.h"

#include <string.h>

#include <sodium.h>

void hash_sha256(struct slice bytes, unsigned char ret[HASH_SHA256_BYTES])
{
	crypto_hash_sha256(ret, (const unsigned char *)(bytes.n ? bytes.p : ""), bytes.n);
}

void hash_text(struct slice bytes, char ret[HASH_TEXT_BYTES])
{
	unsigned char digest[HASH_SHA256_BYTES];

	hash_sha256(bytes, digest);
	sodium_bin2hex(ret, HASH_TEXT_BYTES, digest, sizeof digest);
}

bool hash_matches(struct slice secret, struct slice stored_hex)
{
	char text[HASH_TEXT_BYTES];

	hash_text(secret, text);
	return stored_hex.n == HASH_TEXT_BYTES - 1 && sodium_memcmp(text, stored_hex.p, stored_hex.n) == 0;
}

void hash_keyed(const unsigned char key[HASH_KEY_BYTES], struct slice bytes, unsigned char ret[HASH_KEYED_BYTES])
{
	crypto_generichash(ret, HASH_KEYED_BYTES, (const unsigned char *)(bytes.n ? bytes.p : ""), bytes.n, key, HASH_KEY_BYTES);
}

void hash_fingerprint(const unsigned char key[HASH_KEY_BYTES], struct slice token, char ret[HASH_FINGERPRINT_BYTES])
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];

	crypto_auth_hmacsha256(mac, (const unsigned char *)(token.n ? token.p : ""), token.n, key);
	sodium_bin2hex(ret, HASH_FINGERPRINT_BYTES, mac, (HASH_FINGERPRINT_BYTES - 1) / 2);
	sodium_memzero(mac, sizeof mac);
}
