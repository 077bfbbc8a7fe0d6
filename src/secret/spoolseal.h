/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the courier seals a provider's answer: an anonymous box to the keeper's public key (X25519,
 * XSalsa20-Poly1305; libsodium's sealed box), and HMAC-SHA-256 over head and box, because anybody who
 * knows a public key can make a box.
 */
#pragma once

#include "base/arena.h"
#include "secret/master.h"

enum { SPOOLSEAL_OVERHEAD_BYTES = 48 + 32 };

/* `head` is authenticated, not hidden. The result (box, then MAC) lies in the arena. */
struct slice spoolseal_make(const unsigned char public_key[MASTER_PUBLIC_BYTES],
			    const unsigned char mac_key[MASTER_MAC_KEY_BYTES], struct slice head,
			    const struct secret *clear, struct arena *a);
/* True when the MAC fits. */
bool spoolseal_check(const unsigned char mac_key[MASTER_MAC_KEY_BYTES], struct slice head, struct slice entry);
