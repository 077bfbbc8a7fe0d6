/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness. Must never fall back to anything weaker than the kernel's generator. */
#include "base/random.h"

#include <sodium.h>

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
