/* SPDX-License-Identifier: Apache-2.0 */
/* Pass phrases: Argon2id with 3 passes over 32 MiB (WB-07 asks for at least 2 over 19 MiB). */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "secret/secret.h"

/* The least number of characters, and the most bytes. */
enum { PASSWORD_HASH_BYTES = 128, PASSWORD_MIN = 8, PASSWORD_MAX = 256 };

/* ERR_UNPROCESSABLE with the field "password" when too short, too long or not UTF-8. Takes about 50 ms. */
enum err password_hash(const struct secret *password, char ret_hash[PASSWORD_HASH_BYTES], struct errinfo *ei);
/* Takes as long for an empty `stored` (no such user) as for a real one, and is then false. */
bool password_matches(const struct secret *password, const char *stored);
