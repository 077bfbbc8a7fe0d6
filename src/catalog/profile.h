/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to talk to a provider: endpoints and quirks, as plain values. A template (providers/<type>.json) holds one, and each
 * authenticator stores the one it was registered with, so that a changed template never changes an
 * authenticator behind its owner's back.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "json/jsonr.h"
#include "json/jsonw.h"

/* How a client proves itself at the token endpoint (RFC 6749 §2.3.1). */
enum client_auth { CLIENT_AUTH_BASIC, CLIENT_AUTH_POST, CLIENT_AUTH_NONE, CLIENT_AUTH__COUNT };
/*
 * What becomes of a refresh token that was used (LIFECYCLE §3). R0 stays valid; R1 until its successor is used; R2 for a window of
 * time; R3 dies; R4 dies, and its use again ends the whole grant; U unknown, so treated as R4.
 */
enum rotation { ROTATION_U, ROTATION_R0, ROTATION_R1, ROTATION_R2, ROTATION_R3, ROTATION_R4, ROTATION__COUNT };
/* What a revoked token takes with it: perhaps the whole grant, other connections of the same account included (unknown: that), or itself only. */
enum revoke_ends { REVOKE_ENDS_GRANT, REVOKE_ENDS_TOKEN, REVOKE_ENDS__COUNT };

/*
 * How a token is revoked: RFC 7009 §2.1; GitHub's DELETE <revoke_url>/<client_id>/token with a JSON body and Basic; POST or DELETE
 * with the token as Bearer and no body; POST {"token": …} as JSON.
 */
enum revoke_style { REVOKE_RFC7009, REVOKE_GITHUB, REVOKE_BEARER, REVOKE_JSON, REVOKE_BEARER_DELETE, REVOKE__COUNT };
/* Whether the authorization code is bound to this client (RFC 7636 §4.3). None only where the provider breaks at it. */
enum pkce_method { PKCE_S256, PKCE_NONE, PKCE__COUNT };
/* The body of a request to the token endpoint: RFC 6749 appendix B, or what some providers take instead. */
enum token_encoding { TOKEN_FORM, TOKEN_JSON, TOKEN__COUNT };

enum {
	PROFILE_PARAMS_MAX = 8,
	PROFILE_VARIABLES_MAX = 4,
	PROFILE_ERRORS_MAX = 16,
	PROFILE_NAMES_MAX = 6,
	PROFILE_KEEP_MAX = 8,
	PROFILE_TEXT_MAX = 2048,
	PROFILE_WINDOW_MAX_S = 24 * 3600,
	PROFILE_LIFE_MAX_S = 10 * 366 * 24 * 3600,
};

struct profile_param {
	const char *name, *value;
};

struct profile_pairs {
	size_t count;
	struct profile_param pair[PROFILE_PARAMS_MAX];
};

struct profile_list {
	size_t count;
	const char *text[PROFILE_KEEP_MAX];
};

struct profile {
	const char *authorize_url, *token_url; /* variables filled in; never NULL, "" while unknown */
	const char *revoke_url;                /* "" none */
	enum revoke_style revoke_style;
	const char *issuer;                    /* "" unknown */
	const char *jwks_url;                  /* where the keys of ID tokens are; "": where the issuer's metadata says */
	struct profile_list id_token_algs;     /* that count, by name; none: all that are known */
	bool iss_in_callback;                  /* the provider says so in its metadata: a missing iss ends the flow (RFC 9207 §2.4) */
	enum client_auth auth;
	enum rotation rotation;
	int64_t rotation_window_s;             /* R2: how long the old token is still taken; else 0 */
	enum revoke_ends revoke_ends;
	char scope_separator;                  /* what we send: ' ' or ',' */
	bool scope_comma_in_answer;            /* GitHub answers "a,b" */
	bool form_answers;                     /* token answers may be form-encoded (OA-19) */
	bool token_type_optional;              /* an answer without token_type means Bearer (OA-14; RFC 6749 §5.1 requires it) */
	const char *bearer_names;              /* further words for Bearer in token_type, blank-separated (Slack: "bot user"); "" none */
	size_t error_count;
	struct profile_param error_name[PROFILE_ERRORS_MAX]; /* own word for an error and what RFC 6749 §5.2 calls it */
	const char *error_flag;                /* a member that is false in a 200 that is an error (Slack's "ok"); "" none */
	const char *token_path;                /* where the token members are in the answer (Slack user tokens: "authed_user"); "" top */
	size_t param_count;
	struct profile_param authorize_param[PROFILE_PARAMS_MAX]; /* access_type=offline, … */
	/* Who the account is. With an issuer and openid the id_token's sub comes first. */
	const char *identity_url;              /* "" none */
	const char *identity_method;           /* GET or POST */
	const char *identity_subject;          /* dotted path, "sub"; several, blank-separated, are joined by '/'; "" none */
	const char *identity_label;            /* dotted paths by preference, blank-separated: "email preferred_username name" */
	const char *answer_subject;            /* likewise, in the token answer itself (Slack: "team.id bot_user_id"); "" none */
	/* What is sent. */
	enum pkce_method pkce;
	enum token_encoding token_encoding;
	const char *refresh_url;               /* "": token_url */
	bool refresh_sends_redirect_uri;
	struct profile_pairs token_params, refresh_params; /* constants of the two requests' bodies */
	struct profile_pairs token_headers;    /* constants of both requests */
	struct profile_pairs param_names;      /* our name of a parameter and the provider's: client_id, client_key */
	struct profile_pairs identity_headers; /* "{client_id}" in a value stands for it */
	const char *identity_scheme;           /* "Bearer" */
	const char *identity_body;             /* constant JSON of a POST; "" none */
	/* What is read. */
	const char *answer_scope;              /* path of the granted scopes in the token answer, a text or an array of texts */
	const char *error_path;                /* of the error's code in an error answer */
	struct profile_list keep_from_callback, keep_from_answer; /* kept with the connection, handed out as "extra": realmId, instance_url */
	const char *expires_path;              /* of the access token's life */
	bool expires_in_ms, expires_zero_is_never;
	int64_t expires_assumed_s;             /* where the answer says nothing; 0: unknown */
	int64_t refresh_idle_s, refresh_absolute_s; /* limits of the refresh token; 0: none known */
	const char *refresh_life_path;         /* of the seconds that it has left; "" none */
};

/* What holds where nothing else is said. */
const struct profile *profile_default(void);
/*
 * Reads a profile object, everything optional (defaults: Basic, blank, U, GET, "sub", "email"), and checks it with
 * profile_check(). ERR_UNPROCESSABLE with the field and the allowed forms. Texts lie in the arena. Unknown members are ignored.
 */
enum err profile_parse(const struct jsonr *obj, struct arena *a, struct profile *ret, struct errinfo *ei);
/*
 * Changes in `io` what `obj` names and leaves the rest: an authenticator's own configuration over its template's profile.
 * The same members and errors, but URLs are not looked at: call profile_check() when all is put together.
 * `io` is unchanged on error. Also understood: userinfo_url, revocation_url, token_endpoint_auth_method.
 */
enum err profile_overlay(const struct jsonr *obj, struct arena *a, struct profile *io, struct errinfo *ei);
/* The same with its texts in the arena. */
void profile_copy(const struct profile *from, struct arena *a, struct profile *ret);
/* Every URL is "" or one that url_parse() takes, without fragment; no parameter is in the way of the protocol's own. */
enum err profile_check(const struct profile *p, struct errinfo *ei);
/* Writes every member, so that profile_parse() gives it back. Opens and closes the object. */
void profile_write(const struct profile *p, struct jsonw *w, const char *key);
/*
 * True for a parameter that an authorization request may not get from configuration: those that the protocol sets itself,
 * those that would replace them (request, request_uri), secrets, and any response_mode but query (OA-07, OA-16).
 */
bool profile_param_reserved(struct slice name, struct slice value);
const char *profile_rotation_name(enum rotation rotation); /* "U", "R0", … */
bool profile_rotation_from_name(struct slice name, enum rotation *ret);
const char *profile_auth_name(enum client_auth auth); /* "client_secret_basic", "client_secret_post", "none" */
bool profile_auth_from_name(struct slice name, enum client_auth *ret);
