/* SPDX-License-Identifier: Apache-2.0 */
/* Argon2id through libsodium. Must never answer faster for a user that does not exist. */
#include "secret/password.h"

#include <string.h>

#include <sodium.h>

enum { PASSES = 3, MEMORY_BYTES = 32 << 20 };

_Static_assert(PASSWORD_HASH_BYTES == crypto_pwhash_STRBYTES, "room for the encoded hash");

/* Code points of valid UTF-8. */
static size_t characters(struct slice text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.n; i++)
		if (((unsigned char)text.p[i] & 0xC0) != 0x80)
			count++;
	return count;
}

enum err password_hash(const struct secret *password, char ret_hash[PASSWORD_HASH_BYTES], struct errinfo *ei)
{
	struct slice text = secret_expose(password);
	char hash[crypto_pwhash_STRBYTES];

	if (!slice_is_utf8(text))
		return err_field(ei, "password", "is not valid UTF-8 text");
	if (characters(text) < PASSWORD_MIN || text.n > PASSWORD_MAX)
		return err_field(ei, "password", "must have at least %d characters and at most %d bytes", PASSWORD_MIN,
				 PASSWORD_MAX);
	if (crypto_pwhash_str_alg(hash, text.p, text.n, PASSES, MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(ei, ERR_INTERNAL, "not enough memory to hash a password");
	memcpy(ret_hash, hash, sizeof hash);
	return ERR_OK;
}

bool password_matches(const struct secret *password, const char *stored)
{
	struct slice text = secret_expose(password);
	unsigned char out[32];
	static const unsigned char salt[crypto_pwhash_SALTBYTES];

	if (text.n > PASSWORD_MAX)
		return false;
	if (stored && stored[0])
		return crypto_pwhash_str_verify(stored, text.p, text.n) == 0;
	/* Nobody of that name: spend the same time and say no. */
	if (crypto_pwhash(out, sizeof out, text.p, text.n, salt, PASSES, MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13))
		return false;
	sodium_memzero(out, sizeof out);
	return false;
}
