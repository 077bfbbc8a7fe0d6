/* SPDX-License-Identifier: Apache-2.0 */
/* An issuer's key set. What is kept can be asked for a signature, and its copy is the same. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "oauth/jws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void try_key(const struct jwk *key, const struct jwk *copy)
{
	static const char zeros[1024];

	require(strlen(key->kid) <= JWKS_KID_MAX && (unsigned)key->type < JWK__COUNT && key->first.n >= 32 && key->first.n <= 1024);
	require(strcmp(key->kid, copy->kid) == 0 && slice_eq(key->first, copy->first) && slice_eq(key->second, copy->second));
	for (unsigned alg = 0; alg < JWS_ALG__COUNT; alg++) {
		if (!jws_key_fits(key, (enum jws_alg)alg))
			continue;
		for (size_t n = 0; n <= key->first.n && n <= sizeof zeros; n += 32)
			require(!jws_verify((enum jws_alg)alg, key, SLICE_LIT("a.b"), slice_make(zeros, n)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(64 << 20);
	struct jwks set = {.n = 0}, copy;

	if (jwks_parse(slice_make(data, size), a, &set, NULL) == ERR_OK) {
		require(set.n <= JWKS_KEYS_MAX);
		jwks_copy(&set, a, &copy);
		for (size_t i = 0; i < set.n; i++)
			try_key(&set.key[i], &copy.key[i]);
	} else {
		require(set.n == 0);
	}
	arena_free(&a);
	return 0;
}
