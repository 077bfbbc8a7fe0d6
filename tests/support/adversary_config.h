/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of provider the adversary is when no script rule says otherwise. Plain values. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * What becomes of a refresh token when it is used.
 * R0: it stays; R1: the old one is valid until its successor (or the access token that came with it)
 * is first used; R2: the old one is valid for `window_ms` more; R3: single use; R4: single use, and
 * using it again ends the whole grant (RFC 9700 §4.14.2).
 */
enum adversary_rotation { ADVERSARY_R0, ADVERSARY_R1, ADVERSARY_R2, ADVERSARY_R3, ADVERSARY_R4 };

/* Which client authentication the token endpoint takes (RFC 6749 §2.3.1). */
enum adversary_auth { ADVERSARY_AUTH_ANY, ADVERSARY_AUTH_BASIC, ADVERSARY_AUTH_POST, ADVERSARY_AUTH_NONE };

/* VERIFY checks a verifier when the request had a challenge, IGNORE is the server of OA-03. */
enum adversary_pkce { ADVERSARY_PKCE_VERIFY, ADVERSARY_PKCE_REQUIRE, ADVERSARY_PKCE_IGNORE };

/* What an R0 provider puts into a refresh answer. */
enum adversary_r0_answer { ADVERSARY_R0_ABSENT, ADVERSARY_R0_SAME, ADVERSARY_R0_NEW };

enum adversary_id_token { ADVERSARY_ID_TOKEN_RS256, ADVERSARY_ID_TOKEN_NONE, ADVERSARY_ID_TOKEN_OFF };

/* Milliseconds, both ends included. */
struct adversary_range {
	int64_t lo;
	int64_t hi;
};

enum { ADVERSARY_TEXT_MAX = 256 };

struct adversary_config {
	int rotation;	 /* enum adversary_rotation */
	int client_auth; /* enum adversary_auth */
	int pkce;	 /* enum adversary_pkce */
	int r0_answer;	 /* enum adversary_r0_answer */
	int id_token;	 /* enum adversary_id_token; only sent when scope has "openid" */
	int64_t window_ms;
	bool old_access_dies;	  /* a refresh ends the access tokens issued before it (GitHub Apps) */
	bool late_reuse_kills;	  /* R2: reuse after the window ends the grant */
	bool issue_refresh_token; /* false: no answer has one */
	bool id_token_on_refresh; /* OIDC Core §12.2 */
	bool iss_in_callback;	  /* RFC 9207 */
	int64_t access_ttl_s;
	int64_t refresh_ttl_s; /* 0: no end */
	int64_t code_ttl_s;
	struct adversary_range delay_before_ms; /* token endpoint, before its commit */
	struct adversary_range delay_after_ms;	/* token endpoint, between commit and answer */
	char client_id[ADVERSARY_TEXT_MAX];	/* empty: any */
	char client_secret[ADVERSARY_TEXT_MAX]; /* empty: unchecked */
	char issuer[ADVERSARY_TEXT_MAX];	/* empty: the URL under which it listens */
	int64_t seed;				/* of every random choice but the tokens' */
	int64_t record_requests;		/* how many requests the record keeps; 0: none */
	int64_t record_bytes;			/* and how many bytes of them in all */
	int64_t record_body_bytes;		/* of one body; what is longer is cut */
	int64_t signing_key;			/* 0 to 7: of ID tokens and key set */
	int64_t max_grants;			/* past it the token endpoint answers 503 */
};

/* R4, PKCE verified, any client, tokens of one hour, no delay, 10,000 requests in 16 MiB recorded. */
void adversary_config_default(struct adversary_config *ret_config);

/*
 * Takes over the members of a JSON object that are there. ERR_INVALID names an unknown member or a
 * wrong value; then nothing has changed.
 */
enum err adversary_config_merge(struct adversary_config *config, const json_t *object, struct errinfo *ei);

/* A new object with every member. */
json_t *adversary_config_dump(const struct adversary_config *config);

/* "R2" for the rotation class, for messages. */
const char *adversary_config_rotation_name(int rotation);
