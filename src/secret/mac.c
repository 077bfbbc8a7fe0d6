/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC by its definition, over OpenSSL's SHA-256, which uses the processor's instructions for it where libsodium has portable C:
 * the states after the inner and the outer key block are kept, and each MAC begins with copies of them. Must never leave a state
 * behind unwiped: whoever has one can make MACs.
 */
#include "secret/mac.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/mem.h"

enum { BLOCK_BYTES = 64, TEXT_BYTES = HASH_FINGERPRINT_BYTES - 1 };

struct mac {
	EVP_MD_CTX *inner, *outer, *work;
};

/* OpenSSL fails here for want of memory only. */
static void must(int done)
{
	if (done != 1)
		abort();
}

static EVP_MD_CTX *context(void)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (!c)
		abort();
	return c;
}

/* The state after the key block (RFC 2104 §2: the key, filled up with zeros, each byte XORed with `pad`). */
static EVP_MD_CTX *begin(const unsigned char key[HASH_KEY_BYTES], unsigned char pad)
{
	EVP_MD_CTX *c = context();
	unsigned char block[BLOCK_BYTES];

	memset(block, pad, sizeof block);
	for (size_t i = 0; i < HASH_KEY_BYTES; i++)
		block[i] ^= key[i];
	must(EVP_DigestInit_ex(c, EVP_sha256(), NULL));
	must(EVP_DigestUpdate(c, block, sizeof block));
	secret_wipe(block, sizeof block);
	return c;
}

struct mac *mac_new(const unsigned char key[HASH_KEY_BYTES])
{
	struct mac *m = MEM_NEW(struct mac);

	m->inner = begin(key, 0x36);
	m->outer = begin(key, 0x5C);
	m->work = context();
	return m;
}

void mac_free(struct mac **mp)
{
	struct mac *m = mp ? *mp : NULL;

	if (!m)
		return;
	EVP_MD_CTX_free(m->inner); /* wipes */
	EVP_MD_CTX_free(m->outer);
	EVP_MD_CTX_free(m->work);
	free(m);
	*mp = NULL;
}

static void finish(struct mac *m, const EVP_MD_CTX *from, const void *bytes, size_t n, unsigned char ret[HASH_SHA256_BYTES])
{
	must(EVP_MD_CTX_copy_ex(m->work, from));
	must(EVP_DigestUpdate(m->work, bytes, n));
	must(EVP_DigestFinal_ex(m->work, ret, NULL));
}

void mac_text(struct mac *m, struct slice bytes, char ret[HASH_FINGERPRINT_BYTES])
{
	unsigned char mac[HASH_SHA256_BYTES];

	finish(m, m->inner, bytes.n ? bytes.p : "", bytes.n, mac);
	finish(m, m->outer, mac, sizeof mac, mac);
	for (size_t i = 0; i < TEXT_BYTES / 2; i++) {
		ret[2 * i] = "0123456789abcdef"[mac[i] >> 4];
		ret[2 * i + 1] = "0123456789abcdef"[mac[i] & 15];
	}
	ret[TEXT_BYTES] = '\0';
	secret_wipe(mac, sizeof mac);
}
