/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing of single values: XChaCha20-Poly1305 (libsodium) under a data key with a random nonce. The
 * place where the value lives (table, row, column, app, key, sequence) is associated data, so a
 * ciphertext that was moved, cut or changed does not open (CR-01, CR-02).
 *
 * Layout: version 1, algorithm 1, key id (16 bytes), nonce (24), ciphertext, tag (16).
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/random.h"
#include "secret/secret.h"

enum { SEAL_KEY_BYTES = 32, SEAL_OVERHEAD_BYTES = 58, SEAL_CLEAR_MAX_BYTES = 1 << 20 };

/* The only form in which secrets enter or leave the store. */
struct sealed {
	struct slice bytes; /* n = 0: absent (SQL NULL) */
};

/* One data key. `app_id` is "" for the platform's own. Wipe with seal_key_wipe(). */
struct data_key {
	char id[RANDOM_ID_BYTES];
	char app_id[RANDOM_ID_BYTES];
	int64_t epoch;
	unsigned char bytes[SEAL_KEY_BYTES];
};

void seal_key_wipe(struct data_key *key);

/* Where a sealed value lives. `seq` is the generation for grant rows, 0 elsewhere. The app is the key's. */
struct seal_place {
	const char *table, *row, *column;
	int64_t seq;
};

/*
 * Seals into the arena. NULL `clear` gives the absent value. `clear` has at most SEAL_CLEAR_MAX_BYTES and
 * the names of its place less than 64 KiB together; callers see to that.
 */
struct sealed seal_value(const struct data_key *key, const struct seal_place *place, const struct secret *clear,
			 struct arena *a);

/*
 * Opens. The absent value opens to NULL. ERR_CRYPTO when it is not what was sealed at this place with
 * this key; the sentence names table, row and column, never the value.
 */
enum err seal_open(const struct data_key *key, const struct seal_place *place, struct sealed value,
		   struct secret **ret_clear, struct errinfo *ei);

/* The id of the key that a value claims to be sealed with. ERR_CRYPTO when the value is no sealed value. */
enum err seal_key_id(struct sealed value, char ret_id[RANDOM_ID_BYTES], struct errinfo *ei);
