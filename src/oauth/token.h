/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token endpoint: requests for a code and for a refresh token (RFC 6749 §4.1.3, §6), client
 * authentication (§2.3.1: id and secret form-encoded before Basic, OA-16), and reading the answer (§5.1, §5.2).
 */
#pragma once

#include "catalog/profile.h"
#include "fetch/fetch.h"
#include "secret/secret.h"

struct token_client {
	const struct profile *profile;
	const char *client_id;
	const struct secret *client_secret; /* NULL: public client */
	const char *label;                  /* authenticator type, for logs */
};

/* What an exchange sends besides constants. */
struct token_exchange {
	const struct secret *code, *verifier;
	const char *redirect_uri;
};

struct token_renewal {
	const struct secret *refresh_token;
	const char *redirect_uri; /* of the authenticator; sent only where the profile says so */
};

/* Where refreshes go. */
const char *token_refresh_url(const struct profile *p);
/* Requests lie in the arena (wiped with it); `attempt` is the intent's id. */
void token_request_exchange(const struct token_client *c, const char *attempt, const struct token_exchange *x, struct arena *a,
			    struct fetch_request *ret);
void token_request_refresh(const struct token_client *c, const char *attempt, const struct token_renewal *x, struct arena *a,
			   struct fetch_request *ret);

enum { TOKEN_MAX_BYTES = 64 * 1024, TOKEN_LIFE_UNKNOWN = -1 };

struct token_answer {
	struct secret *access_token;  /* in the arena, as the others */
	struct secret *refresh_token; /* NULL: absent or empty (RF-02) */
	struct secret *other_refresh_token; /* of a salvaged answer that had two; else NULL */
	struct secret *id_token;      /* NULL: absent */
	const char *token_type;       /* "Bearer" or "DPoP", as canonical spelling (OA-14) */
	int64_t expires_in_s;         /* TOKEN_LIFE_UNKNOWN when absent, 0, negative or not a number (OA-15); capped at 10 years */
	int64_t refresh_life_s;       /* what the refresh token has left, likewise */
	struct slice scopes;          /* granted, as JSON array text; n 0: not told, so as requested (§5.1) */
	const char *subject;          /* profile.answer_subject; "" none */
	const char *kept;             /* kept_from_answer(); "" none */
};

/* What a failed answer means for the grant (RF-06). */
enum token_verdict {
	TOKEN_OK,
	TOKEN_GRANT_DEAD,      /* invalid_grant: only the user can help */
	TOKEN_CLIENT_WRONG,    /* invalid_client, unauthorized_client: the authenticator is to blame */
	TOKEN_RETRY_LATER,     /* 429, 503, temporarily_unavailable: surely not processed */
	TOKEN_AMBIGUOUS,       /* 500/502/504, cut or unreadable 200: may have been processed */
	TOKEN_REFUSED,         /* any other definite no, an empty 400 included */
};

/*
 * Reads an answer that arrived (answer->err is OK) whose clear body is `body`. TOKEN_OK fills `ret`; else the sentence, the
 * OAuth error code (as ei->code; only [a-z_.]) and a hint are set and `ret` is untouched. The provider's texts go nowhere
 * but, cut and cleaned to printable ASCII, into ei->detail. Success is 200 with a JSON object (form-encoded where the profile
 * says so) that has a string access_token and no error (OA-19).
 */
enum token_verdict token_parse(const struct profile *p, const struct fetch_answer *answer, const struct secret *body,
			       struct arena *a, struct token_answer *ret, struct errinfo *ei);

/*
 * What the provider's words, as token_parse() left them in `said` for a refusal, tell about its reason. For naming a loss only, never for
 * what is done: that the refresh token was used twice; that it was too old; that the request or its client is wrong, not the grant.
 */
bool token_tells_reuse(const struct errinfo *said);
bool token_tells_expiry(const struct errinfo *said);
bool token_blames_request(const struct errinfo *said);

/*
 * After token_parse() found a 2xx answer unusable: true when its bytes hold a complete refresh token, which `ret` then has, with the
 * access token if that is complete and a Bearer token (else NULL, and no token_type). Nothing else of `ret` is known.
 */
bool token_salvage(const struct profile *p, const struct fetch_answer *answer, const struct secret *body, struct arena *a,
		   struct token_answer *ret);
