/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of an API key: fw_<public id>_<secret><checksum>. The public id (16 hex digits) finds the
 * row; the secret (32 random bytes, base64url) is stored only as a hash; the checksum (6 hex digits of
 * SHA-256 over what stands before it) lets tools find a leaked key and refuses a typing error early.
 */
#pragma once

#include "base/err.h"
#include "secret/hash.h"
#include "secret/secret.h"

enum { APIKEY_ID_BYTES = 17, APIKEY_TEXT_LENGTH = 3 + 16 + 1 + 43 + 6 };

/* A new key: its public id, the hash to store, and the text to show once. */
void apikey_make(char ret_id[APIKEY_ID_BYTES], char ret_hash[HASH_TEXT_BYTES], struct secret **ret_text);
/*
 * Takes a key's text apart; any number of "api_" before it is skipped. `ret_secret` is a view into
 * `text`. ERR_UNAUTHENTICATED when it cannot be one of our keys.
 */
enum err apikey_parse(struct slice text, char ret_id[APIKEY_ID_BYTES], struct slice *ret_secret, struct errinfo *ei);
