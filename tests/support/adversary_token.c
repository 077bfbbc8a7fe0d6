/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing and recognising the adversary's own tokens. Must never take a token by its shape alone: it
 * is written anew from the numbers read, and only the identical text counts.
 */
#include "support/adversary_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/random.h"

enum { MAC_BYTES = 32 };

void adversary_token_key_new(struct adversary_token_key *ret_key)
{
	random_bytes(ret_key->bytes, sizeof ret_key->bytes);
}

void adversary_token_write(const struct adversary_token_key *key, const char *kind, const uint64_t *parts, size_t n,
			   char ret_token[ADVERSARY_TOKEN_MAX])
{
	unsigned char mac[MAC_BYTES];
	size_t at = (size_t)snprintf(ret_token, ADVERSARY_TOKEN_MAX, "%s_", kind);

	for (size_t i = 0; i < n && i < ADVERSARY_TOKEN_PARTS_MAX; i++)
		at += (size_t)snprintf(ret_token + at, ADVERSARY_TOKEN_MAX - at, "%llx_", (unsigned long long)parts[i]);
	crypto_generichash(mac, sizeof mac, (const unsigned char *)ret_token, at, key->bytes, sizeof key->bytes);
	sodium_bin2base64(ret_token + at, ADVERSARY_TOKEN_MAX - at, mac, sizeof mac,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool adversary_token_read(const struct adversary_token_key *key, const char *kind, struct slice token,
			  uint64_t *ret_parts, size_t n)
{
	char text[ADVERSARY_TOKEN_MAX], again[ADVERSARY_TOKEN_MAX];
	const char *at = text + strlen(kind) + 1;
	uint64_t parts[ADVERSARY_TOKEN_PARTS_MAX];

	if (token.n >= sizeof text || token.n <= strlen(kind) || n > ADVERSARY_TOKEN_PARTS_MAX ||
	    !slice_starts(token, kind))
		return false;
	memcpy(text, token.p, token.n);
	text[token.n] = '\0';
	for (size_t i = 0; i < n; i++) {
		char *end;

		parts[i] = strtoull(at, &end, 16);
		if (end == at || *end != '_')
			return false;
		at = end + 1;
	}
	adversary_token_write(key, kind, parts, n, again);
	if (!slice_is(token, again))
		return false;
	memcpy(ret_parts, parts, n * sizeof parts[0]);
	return true;
}
