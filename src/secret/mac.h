/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key that makes many MACs, one after the other: HMAC-SHA-256 (RFC 2104), the same as hash_fingerprint() says of each, at a
 * fifth of its cost. For one thread.
 */
#pragma once

#include "secret/hash.h"

struct mac;

/* The key is absorbed at once and not kept. */
struct mac *mac_new(const unsigned char key[HASH_KEY_BYTES]);
/* Wipes. */
void mac_free(struct mac **m);
/* Cut to 128 bit, lower-case hex. */
void mac_text(struct mac *m, struct slice bytes, char ret[HASH_FINGERPRINT_BYTES]);
