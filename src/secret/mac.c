/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC by its definition, over OpenSSL's SHA-256, which uses the processor's instructions for it where libsodium has portable C:
 * the states after the inner and the outer key block are kept, and each MAC begins with copies of them. OpenSSL's plain functions
 * keep such a state in a plain struct; its newer interface allocates one for every copy, which costs more than the hashing. Must
 * never leave a state behind unwiped: whoever has one can make MACs.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "secret/mac.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "base/mem.h"

enum { BLOCK_BYTES = SHA256_CBLOCK, TEXT_BYTES = HASH_FINGERPRINT_BYTES - 1 };

struct mac {
	SHA256_CTX inner, outer;
};

/* The state after the key block (RFC 2104 §2: the key, filled up with zeros, each byte XORed with `pad`). */
static SHA256_CTX begin(const unsigned char key[HASH_KEY_BYTES], unsigned char pad)
{
	unsigned char block[BLOCK_BYTES];
	SHA256_CTX c;

	memset(block, pad, sizeof block);
	for (size_t i = 0; i < HASH_KEY_BYTES; i++)
		block[i] ^= key[i];
	SHA256_Init(&c); /* none of the three can fail */
	SHA256_Update(&c, block, sizeof block);
	secret_wipe(block, sizeof block);
	return c;
}

struct mac *mac_new(const unsigned char key[HASH_KEY_BYTES])
{
	struct mac *m = MEM_NEW(struct mac);

	m->inner = begin(key, 0x36);
	m->outer = begin(key, 0x5C);
	return m;
}

void mac_free(struct mac **mp)
{
	struct mac *m = mp ? *mp : NULL;

	if (!m)
		return;
	secret_wipe(m, sizeof *m);
	free(m);
	*mp = NULL;
}

static void finish(SHA256_CTX state, const void *bytes, size_t n, unsigned char ret[HASH_SHA256_BYTES])
{
	SHA256_Update(&state, bytes, n);
	SHA256_Final(ret, &state); /* wipes the state's block */
	secret_wipe(&state, sizeof state);
}

void mac_text(struct mac *m, struct slice bytes, char ret[HASH_FINGERPRINT_BYTES])
{
	unsigned char mac[HASH_SHA256_BYTES];

	finish(m->inner, bytes.n ? bytes.p : "", bytes.n, mac);
	finish(m->outer, mac, sizeof mac, mac);
	for (size_t i = 0; i < TEXT_BYTES / 2; i++) {
		ret[2 * i] = "0123456789abcdef"[mac[i] >> 4];
		ret[2 * i + 1] = "0123456789abcdef"[mac[i] & 15];
	}
	ret[TEXT_BYTES] = '\0';
	secret_wipe(mac, sizeof mac);
}
