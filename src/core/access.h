/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who calls and what they may: an API key with owner, reach and scopes, or a user's session. What a
 * caller may not see is answered like what does not exist (AP-02).
 */
#pragma once

#include "core/core.h"
#include "secret/secret.h"

#define ACCESS_SCOPES(X)                                \
	X(AUTHENTICATORS_READ, "authenticators:read")   \
	X(AUTHENTICATORS_WRITE, "authenticators:write") \
	X(CONNECTIONS_READ, "connections:read")         \
	X(CONNECTIONS_WRITE, "connections:write")       \
	X(TOKENS_READ, "tokens:read")                   \
	X(AUDIT_READ, "audit:read")                     \
	X(ADMIN, "admin")

enum access_bit {
#define X(scope, name) ACCESS_BIT_##scope,
	ACCESS_SCOPES(X)
#undef X
		ACCESS_BIT__COUNT
};
enum access_scope {
	ACCESS_NOTHING = 0,
#define X(scope, name) ACCESS_##scope = 1 << ACCESS_BIT_##scope,
	ACCESS_SCOPES(X)
#undef X
		ACCESS_ALL = (1 << ACCESS_BIT__COUNT) - 1
};

enum caller_kind { CALLER_NOBODY, CALLER_KEY, CALLER_SESSION };

struct caller {
	enum caller_kind kind;
	unsigned scopes;          /* of enum access_scope; "admin" holds all */
	const char *key_id;       /* "" for sessions */
	const char *session_hash; /* "" for keys */
	const char *reach_app_id; /* "": the whole platform */
	struct user_row owner;    /* the key's owner or the session's user */
	const char *actor;        /* for events: "key <id>", "user <id>" */
};

/* ERR_UNAUTHENTICATED for anything but a live key of an active owner. */
enum err access_by_key(struct core *core, struct slice text, struct arena *a, struct caller *ret, struct errinfo *ei);
/* By the session cookie's value. ERR_UNAUTHENTICATED when unknown, expired or idle for too long. */
enum err access_by_session(struct core *core, struct slice cookie, struct arena *a, struct caller *ret,
			   struct errinfo *ei);
/* ERR_FORBIDDEN, naming the scope that is missing. */
enum err access_need(const struct caller *c, enum access_scope scope, struct errinfo *ei);
/* The app by id (n 0: `default`). ERR_UNPROCESSABLE, field "app_id", for an unknown one or one out of reach. */
enum err access_app(struct core *core, const struct caller *c, struct slice app_id, struct arena *a,
		    struct app_row *ret, struct errinfo *ei);
/* True when the caller may act in that app: key's reach, or the session's user owns it. */
bool access_reaches(const struct caller *c, const struct app_row *app);
/*
 * Whom the caller acts for in the app: itself (`user` p NULL), or `user` (an external id; keys only: a session gets
 * ERR_FORBIDDEN). ERR_NOT_FOUND for an unknown external user, ERR_UNPROCESSABLE, field "user", for an empty id.
 */
enum err access_user(struct core *core, const struct caller *c, const struct app_row *app, struct slice user,
		     struct arena *a, struct user_row *ret, struct errinfo *ei);
/* A JSON array of scope names to bits. ERR_UNPROCESSABLE, field "scopes". */
enum err access_scopes_parse(const char *array, unsigned *ret, struct errinfo *ei);
/* And back, each once; "admin" alone when it is among them. */
const char *access_scopes_text(unsigned scopes, struct arena *a);
