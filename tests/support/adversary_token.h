/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of the adversary's tokens and codes: <kind>_<hex>_…_<keyed hash>. The numbers say what is
 * meant, the hash that this adversary (since its last reset) issued it; so no table of them is needed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { ADVERSARY_TOKEN_MAX = 128, ADVERSARY_TOKEN_PARTS_MAX = 4 };

struct adversary_token_key {
	unsigned char bytes[32];
};

void adversary_token_key_new(struct adversary_token_key *ret_key);

/* Writes the token of that kind ("rt", "at", "code") with `n` numbers, NUL-terminated. */
void adversary_token_write(const struct adversary_token_key *key, const char *kind, const uint64_t *parts, size_t n,
			   char ret_token[ADVERSARY_TOKEN_MAX]);

/* Reads the `n` numbers back; false unless the token is of that kind and issued under this key. */
bool adversary_token_read(const struct adversary_token_key *key, const char *kind, struct slice token,
			  uint64_t *ret_parts, size_t n);
