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
/* LIFECYCLE §3. Until the catalogue names classes every provider is U. */
enum rotation { ROTATION_U, ROTATION_R0, ROTATION_R1, ROTATION_R2, ROTATION_R3, ROTATION_R4, ROTATION__COUNT };

enum { PROFILE_PARAMS_MAX = 8, PROFILE_VARIABLES_MAX = 4 };

struct profile_param {
	const char *name, *value;
};

struct profile {
	const char *authorize_url, *token_url; /* variables filled in; never NULL, "" while unknown */
	const char *revoke_url;                /* RFC 7009; "" none */
	const char *issuer;                    /* "" unknown */
	bool iss_in_callback;                  /* the provider says so in its metadata: a missing iss ends the flow (RFC 9207 §2.4) */
	enum client_auth auth;
	enum rotation rotation;
	char scope_separator;                  /* what we send: ' ' or ',' */
	bool scope_comma_in_answer;            /* GitHub answers "a,b" */
	bool form_answers;                     /* token answers may be form-encoded (OA-19) */
	const char *error_flag;                /* a member that is false in a 200 that is an error (Slack's "ok"); "" none */
	const char *token_path;                /* where the token members are in the answer (Slack user tokens: "authed_user"); "" top */
	size_t param_count;
	struct profile_param authorize_param[PROFILE_PARAMS_MAX]; /* access_type=offline, … */
	/* Who the account is. With an issuer and openid the id_token's sub comes first. */
	const char *identity_url;              /* "" none */
	const char *identity_method;           /* GET or POST */
	const char *identity_subject;          /* dotted path, "sub" */
	const char *identity_label;            /* dotted paths by preference, blank-separated: "email preferred_username name" */
	const char *answer_subject;            /* dotted path in the token answer itself (Slack: "authed_user.id"); "" none */
};

/*
 * Reads a profile object, everything optional (defaults: Basic, blank, U, "sub", "email"). ERR_UNPROCESSABLE with the
 * field and the allowed forms. Texts lie in the arena. Unknown members are ignored.
 */
enum err profile_parse(const struct jsonr *obj, struct arena *a, struct profile *ret, struct errinfo *ei);
/* Writes every member, so that profile_parse() gives it back. Opens and closes the object. */
void profile_write(const struct profile *p, struct jsonw *w, const char *key);
const char *profile_auth_name(enum client_auth auth); /* "client_secret_basic", "client_secret_post", "none" */
bool profile_auth_from_name(struct slice name, enum client_auth *ret);
