/* SPDX-License-Identifier: Apache-2.0 */
/* The courier's half of the spool's sealing. Must never need a secret that opens what it made. */
#include "secret/spoolseal.h"

#include <assert.h>

#include <sodium.h>

enum { MAC = crypto_auth_hmacsha256_BYTES };

_Static_assert(crypto_box_SEALBYTES + MAC == SPOOLSEAL_OVERHEAD_BYTES, "documented overhead");

static void mac_of(const unsigned char *key, struct slice head, struct slice box, unsigned char ret[MAC])
{
	crypto_auth_hmacsha256_state state;
	unsigned char length[8];

	for (int i = 0; i < 8; i++)
		length[i] = (unsigned char)((uint64_t)head.n >> (8 * (7 - i)));
	crypto_auth_hmacsha256_init(&state, key, MASTER_MAC_KEY_BYTES);
	crypto_auth_hmacsha256_update(&state, length, sizeof length);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)(head.n ? head.p : ""), head.n);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)box.p, box.n);
	crypto_auth_hmacsha256_final(&state, ret);
	sodium_memzero(&state, sizeof state);
}

struct slice spoolseal_make(const unsigned char public_key[MASTER_PUBLIC_BYTES],
			    const unsigned char mac_key[MASTER_MAC_KEY_BYTES], struct slice head,
			    const struct secret *clear, struct arena *a)
{
	struct slice text = secret_expose(clear);
	size_t box_n = text.n + crypto_box_SEALBYTES;
	unsigned char *out = arena_alloc(a, 1, box_n + MAC);
	bool sealed;

	/* Fails only for a public key of low order, which the keeper's cannot be; all zeros, a key never set, is one. */
	sealed = crypto_box_seal(out, (const unsigned char *)text.p, text.n, public_key) == 0;
	assert(sealed);
	mac_of(mac_key, head, slice_make(out, box_n), out + box_n);
	return slice_make(out, box_n + MAC);
}

bool spoolseal_check(const unsigned char mac_key[MASTER_MAC_KEY_BYTES], struct slice head, struct slice entry)
{
	unsigned char mac[MAC];

	if (entry.n < SPOOLSEAL_OVERHEAD_BYTES)
		return false;
	mac_of(mac_key, head, slice_make(entry.p, entry.n - MAC), mac);
	return sodium_memcmp(mac, entry.p + entry.n - MAC, MAC) == 0;
}
