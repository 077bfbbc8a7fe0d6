/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Randomness, and the start of libsodium, which must come before any second thread. Whoever seals,
 * hashes keys or makes ids links this file. Must never fall back to anything weaker than the kernel's
 * generator.
 */
#include "base/random.h"

#include <stdlib.h>

#include <sodium.h>

static void __attribute__((constructor)) start_libsodium(void)
{
	if (sodium_init() < 0)
		abort();
}

void random_bytes(void *p, size_t n)
{
	randombytes_buf(p, n);
}

void random_id(char ret[RANDOM_ID_BYTES])
{
	unsigned char raw[16];

	random_bytes(raw, sizeof raw);
	sodium_bin2hex(ret, RANDOM_ID_BYTES, raw, sizeof raw);
}
