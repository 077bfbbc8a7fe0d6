/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request on its way through a worker: who calls, what the handler works with, and what it may ask of
 * the clerk. A handler is a straight-line function on the store thread. What needs a provider, or the time that
 * checking a password takes, it puts into `ask` and returns; the worker brings the reply and runs the handler
 * again with `reply` set.
 */
#pragma once

#include "core/access.h"
#include "core/grants.h"
#include "core/quota.h"
#include "http/request.h"
#include "http/response.h"
#include "json/jsonr.h"
#include "json/jsonw.h"

enum call_ask_kind { CALL_ASK_NOTHING, CALL_ASK_EXCHANGE, CALL_ASK_REFRESH, CALL_ASK_PASSWORD, CALL_ASK_DISCOVER };

struct call_ask {
	enum call_ask_kind kind;
	const char *subject;    /* flow or grant id; the issuer whose metadata is wanted */
	struct secret *code;    /* exchange */
	int64_t min_life_ms;    /* refresh: at least so much life, */
	int64_t newer_than;     /* and of a later generation than this; -1: any */
	const struct secret *password; /* password: does it match */
	const char *stored;     /* this hash; "": nobody's */
};

struct call_reply {
	enum err err;
	struct errinfo why;
	bool matches; /* to a password */
	struct slice document; /* an issuer's metadata, as it came */
};

/*
 * What a handler leaves of a token that it has handed out, so that its worker may answer the same question again without it.
 * Texts are the request's.
 */
struct call_kept {
	const char *user_id;
	struct grant_reading reading;  /* its secret is in the body */
	const char *subject;           /* of its audit record */
	size_t seconds_at, seconds_end; /* where in the body the digits of the remaining seconds stand */
};

enum { CALL_REVOKES_MAX = 10000 };

struct call {
	struct core *core;
	const struct request *request;
	struct arena *arena;
	struct params query;
	struct caller caller;          /* CALLER_NOBODY on public routes without credentials */
	const struct jsonr *body;      /* the JSON object of a request that has one, else NULL */
	struct response *response;
	struct quota *quota; /* NULL: none */
	bool is_counted;     /* for the client's address already */
	struct call_ask ask;
	const struct call_reply *reply; /* set when the handler runs again */
	void *state;                   /* the handler's own, kept between its two runs; in the arena */
	const struct call_kept *kept;  /* NULL: nothing may be kept of this answer */
	/* Ended grants that the clerk is to tell the provider of, after the answer; nobody waits. */
	const char *const *revoke;
	size_t revoke_count;
};

/* ERR_OK: the response is filled in, or `ask` is. Else the route's error answer is made from `ei`. */
typedef enum err call_fn(struct call *c, struct errinfo *ei);

/* Who may call a route. */
enum call_who {
	CALL_ANYBODY,  /* credentials are looked at when they are there */
	CALL_KNOWN,    /* a key or a session */
	CALL_KEY,      /* a key only: a session gets 403 */
	CALL_SESSION,  /* a session only; a page redirects to the sign-in */
};

struct call_route {
	call_fn *handler;
	enum call_who who;
	enum access_scope scope;
	bool page; /* errors are shown as a page, not as JSON */
};

/*
 * Credentials (key beats cookie), query and JSON body of a request, checked against the route: CSRF rules for
 * unsafe methods by cookie (WB-03), content type, scope. On ERR_OK the handler may run. ERR_LIMIT: the key, its app, the
 * user, or the address that tries keys has had its share.
 */
enum err call_prepare(struct call *c, const struct call_route *route, struct errinfo *ei);

/* The key that the request presents, if any (`ret_presented`): Bearer beats X-API-Key; n 0 when it cannot be one. */
struct slice call_presented_key(const struct request *request, bool *ret_presented);
/*
 * Before anything is looked up: a request without what has the form of a key takes one from its address (`ret_counted`); one with
 * a key that is at its limit now is not looked at any further. ERR_LIMIT.
 */
enum err call_admit(struct quota *l, const struct request *request, bool *ret_counted, struct errinfo *ei);
/* Takes one from the client's address. */
enum err call_count_address(struct quota *l, const struct request *request, struct errinfo *ei);
/* The same for a connect that is about to begin (DO-03). */
enum err call_count_connect(struct call *c, struct errinfo *ei);
/* A cookie by its name without and with the prefix that it has under https; n 0 when absent or too long. */
struct slice call_cookie(const struct call *c, const char *plain, const char *host_only);
/* Sets one, by its name without prefix; `max_age_s` -1: until the browser closes. */
void call_set_cookie(struct call *c, const char *name, struct slice value, int64_t max_age_s);
/* The session cookie's and the browser cookie's value; n 0 when absent. */
struct slice call_session_cookie(const struct call *c);
struct slice call_browser_cookie(const struct call *c);
/*
 * The browser's cookie, made and set on the response when the request has none: what flows are bound to (OA-01).
 */
struct slice call_browser(struct call *c);
/*
 * A sign-in takes both runs of a handler: the first asks for the password's check, or returns ERR_LIMIT when too many failed
 * lately (core/throttle.h); the second opens the session, or returns ERR_UNAUTHENTICATED, or ERR_LIMIT when too many sign in at
 * this moment.
 */
enum err call_ask_password(struct call *c, struct slice name, struct slice password, struct errinfo *ei);
enum err call_signed_in(struct call *c, struct slice name, struct secret **ret_cookie, struct errinfo *ei);
/* From now on this browser is known by that name: its sign-ins are counted for themselves (WB-07). */
void call_know_browser(struct call *c, struct slice name);
void call_set_session(struct call *c, const struct secret *cookie);
void call_clear_session(struct call *c);
/* The token that this session's forms carry; ERR_FORBIDDEN unless the form's field `form_token` is it. */
const char *call_form_token(struct call *c);
enum err call_check_form(struct call *c, const struct params *form, struct errinfo *ei);
/* A form body, taken apart. ERR_INVALID for another content type. */
enum err call_form(struct call *c, struct params *ret, struct errinfo *ei);

/* Begins a JSON answer of that status; write into the returned writer. */
struct jsonw call_json(struct call *c, int status);
/* A text member of the body; p NULL when absent or null. ERR_UNPROCESSABLE, with the field, when it is no text or longer than `max`. */
enum err call_text(const struct call *c, const char *field, size_t max, struct slice *ret, struct errinfo *ei);
/* API.md's error shape. */
void call_error_json(struct response *r, const char *request_id, enum err e, int status, const struct errinfo *ei);
