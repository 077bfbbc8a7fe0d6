/* SPDX-License-Identifier: Apache-2.0 */
/* Proof Key for Code Exchange, S256 only (RFC 7636 §4.1, §4.2; OA-02). */
#pragma once

#include "secret/secret.h"

enum { PKCE_TEXT_BYTES = 44 }; /* 43 characters and a NUL */

/* A verifier of 32 random bytes as base64url, and its challenge. */
struct secret *pkce_new(char ret_challenge[PKCE_TEXT_BYTES]);
void pkce_challenge(const struct secret *verifier, char ret_challenge[PKCE_TEXT_BYTES]);
