/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master key: 32 random bytes in a file, held by the keeper alone. It wraps data keys, and two
 * more keys are derived from it for the courier's spool: a public key to seal to, and a MAC key.
 * The file holds one line of 64 hex digits.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "secret/seal.h"

enum { MASTER_PUBLIC_BYTES = 32, MASTER_MAC_KEY_BYTES = 32 };

struct master;

/* Makes a new key file (0600, never over an existing one: ERR_CONFLICT) and syncs it. */
enum err master_create(const char *path, struct errinfo *ei);
/*
 * Reads the key. ERR_CONFIG, with what to do: no file, a link, a foreign owner, any group or other
 * permission (CR-05), wrong content.
 */
enum err master_load(const char *path, struct master **ret_master, struct errinfo *ei);
void master_free(struct master **m);

/* Wraps a data key; id, app and epoch are associated data. */
struct slice master_wrap(const struct master *m, const struct data_key *key, struct arena *a);
/* Fills key->bytes; id, app_id and epoch are set by the caller. ERR_CRYPTO: another master key, or a changed row. */
enum err master_unwrap(const struct master *m, struct slice wrapped, struct data_key *key, struct errinfo *ei);

/* What the courier needs to seal answers that it cannot open itself. */
void master_spool_public(const struct master *m, unsigned char ret[MASTER_PUBLIC_BYTES]);
void master_spool_mac_key(const struct master *m, unsigned char ret[MASTER_MAC_KEY_BYTES]);
/*
 * Opens a spool entry made by spoolseal_make(): MAC first, then the box. ERR_CRYPTO when it was not made with
 * this master key's spool keys, or `head` is not the one it was made with.
 */
enum err master_open_spool(const struct master *m, struct slice head, struct slice entry, struct secret **ret_clear,
			   struct errinfo *ei);
