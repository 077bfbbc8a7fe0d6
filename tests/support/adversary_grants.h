/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authorization codes and grants (token families) that the adversary has given out, and what
 * becomes of them: rotation classes, reuse, revocation. Knows no HTTP.
 * The memory of a grant does not grow with the number of its refreshes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "support/adversary_codes.h"
#include "support/adversary_config.h"
#include "support/adversary_token.h"

enum { ADVERSARY_LIVE_MAX = 256 };

/* A refresh token that a grant still takes. */
struct adversary_live {
	uint32_t serial;
	uint32_t parent; /* the serial it was exchanged for; 0: came with the code */
	int64_t dies_at; /* epoch ms; INT64_MAX: no end in sight */
	bool exchanged;	 /* has been used at least once */
};

struct adversary_grant {
	uint32_t id;
	char *client_id;
	char *account;
	char *scope;
	char *nonce;
	const char *ended; /* NULL while it lives; else "reuse", "revoked", "code_replay", "ended" */
	struct adversary_live *live;
	uint32_t live_count, live_cap;
	uint32_t refresh_serial; /* of the last one issued; 0: none yet */
	uint32_t access_serial;
	uint32_t first_access; /* access tokens with a lower serial are dead */
	uint32_t refreshes;    /* successful ones */
	uint32_t refused;
	uint32_t reuses;    /* refused because used before */
	uint32_t in_flight; /* token requests with one of its refresh tokens being worked on */
	uint32_t max_in_flight;
};

struct adversary_tokens {
	struct adversary_grant *grant;
	char access[ADVERSARY_TOKEN_MAX];
	char refresh[ADVERSARY_TOKEN_MAX]; /* empty: the answer has none */
	int64_t expires_in_s;
};

struct adversary_grants;

/* `config` is borrowed and may change between calls. */
struct adversary_grants *adversary_grants_new(const struct adversary_config *config);
void adversary_grants_free(struct adversary_grants **grants);

/* A new authorization code for the wish, NUL-terminated. */
void adversary_grants_code(struct adversary_grants *g, const struct adversary_wish *wish, int64_t now,
			   char ret_code[ADVERSARY_TOKEN_MAX]);

/* One use of a code. A second use refuses and ends the grant of the first (RFC 6749 §4.1.2). */
enum adversary_verdict adversary_grants_redeem(struct adversary_grants *g, struct slice code,
					       const struct adversary_wish *claim, struct slice verifier, int64_t now,
					       struct adversary_tokens *ret_tokens);

/* A grant without a code, for a harness that wants many. */
enum adversary_verdict adversary_grants_make(struct adversary_grants *g, const struct adversary_wish *wish, int64_t now,
					     struct adversary_tokens *ret_tokens);

/* One refresh under the rotation class in force (LIFECYCLE §3). This is the provider's commit. */
enum adversary_verdict adversary_grants_refresh(struct adversary_grants *g, struct slice refresh_token,
						struct slice client_id, int64_t now,
						struct adversary_tokens *ret_tokens);

/* The grant that a refresh token was issued for, dead or alive; NULL when it is not one of ours. */
struct adversary_grant *adversary_grants_of(struct adversary_grants *g, struct slice refresh_token);

/* Whether a refresh now would succeed, without doing it. */
enum adversary_verdict adversary_grants_check(const struct adversary_grants *g, struct slice refresh_token,
					      int64_t now);

/* An API call with an access token: on success that counts as first use (R1). */
enum adversary_verdict adversary_grants_access(struct adversary_grants *g, struct slice access_token, int64_t now,
					       struct adversary_grant **ret_grant);

/*
 * RFC 7009: a refresh token ends its grant, an access token dies alone. Unknown tokens are fine
 * (§2.2); false only when the token belongs to another client. An empty client_id is not checked.
 */
bool adversary_grants_revoke(struct adversary_grants *g, struct slice token, struct slice client_id);

/* Ends a grant for the reason given (static text). */
void adversary_grants_end(struct adversary_grant *grant, const char *reason);

size_t adversary_grants_count(const struct adversary_grants *g);
/* Ids run from 1 to the count. NULL past that. */
struct adversary_grant *adversary_grants_get(const struct adversary_grants *g, uint32_t id);

/* The text of a refresh token of the grant. */
void adversary_grants_text(const struct adversary_grants *g, const struct adversary_grant *grant, uint32_t serial,
			   char ret_token[ADVERSARY_TOKEN_MAX]);
