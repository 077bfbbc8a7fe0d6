/* SPDX-License-Identifier: Apache-2.0 */
/* The authorization codes given out and not yet forgotten: the last 16,384. */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "support/adversary_config.h"
#include "support/adversary_token.h"

/* Why a request about a code or token was refused; the OAuth error code is the caller's to choose. */
enum adversary_verdict {
	ADVERSARY_FINE,
	ADVERSARY_UNKNOWN,	/* never issued by this adversary, or its memory was reset */
	ADVERSARY_OTHER_CLIENT, /* belongs to another client */
	ADVERSARY_OTHER_URI,	/* redirect_uri differs (RFC 6749 §4.1.3) */
	ADVERSARY_BAD_VERIFIER, /* PKCE (RFC 7636 §4.6) */
	ADVERSARY_OLD,		/* expired */
	ADVERSARY_REUSED,	/* single use, and used before */
	ADVERSARY_ENDED,	/* the grant is over */
	ADVERSARY_FULL,		/* max_grants reached */
};

/* "reused" and so on, for messages. */
const char *adversary_verdict_name(enum adversary_verdict verdict);

/* What /authorize was asked for. */
struct adversary_wish {
	struct slice client_id, redirect_uri, scope, account, nonce, challenge;
};

struct adversary_code {
	uint32_t serial; /* 0: never given out */
	uint32_t grant;	 /* the grant it was redeemed for; 0: none yet */
	int64_t expires_at;
	char *client_id, *redirect_uri, *scope, *account, *nonce, *challenge;
};

struct adversary_codes;

/* Both are borrowed and outlive the codes. */
struct adversary_codes *adversary_codes_new(const struct adversary_config *config,
					    const struct adversary_token_key *key);
void adversary_codes_free(struct adversary_codes **codes);

/* A new code for a copy of the wish. */
void adversary_codes_issue(struct adversary_codes *codes, const struct adversary_wish *wish, int64_t now,
			   char ret_code[ADVERSARY_TOKEN_MAX]);

/*
 * Checks client, expiry, redirect_uri and PKCE. ADVERSARY_FINE: the caller puts its grant into the
 * code. ADVERSARY_REUSED: `grant` tells for whom it was redeemed before. Both set *ret_code.
 */
enum adversary_verdict adversary_codes_check(struct adversary_codes *codes, struct slice text,
					     const struct adversary_wish *claim, struct slice verifier, int64_t now,
					     struct adversary_code **ret_code);
