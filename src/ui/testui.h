/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the pages: asks them as a browser would, through router, checks and handler, on the test bench of
 * core. A jar is one browser; it keeps the cookies that answers set.
 */
#pragma once

#include "call/call.h"
#include "core/testcore.h"
#include "http/router.h"

enum { TESTUI_COOKIE_MAX = 160 };

struct testui_jar {
	char session[TESTUI_COOKIE_MAX], browser[TESTUI_COOKIE_MAX];
};

struct testui {
	struct testcore core;
	struct router *router;
	struct testui_jar *jar;    /* whose browser asks; NULL for one without cookies */
	struct arena *arena;       /* of the last request */
	struct request request;
	struct response response;
	const struct call_route *route;
	struct call call;
	struct call_reply reply;
	enum err err;              /* of the last request; its page is in the body all the same */
	struct errinfo why;
};

struct testui_ask {
	enum http_method method;
	const char *target;
	const char *form;    /* body of a POST; NULL none */
	const char *site;    /* Sec-Fetch-Site; NULL: "same-origin" */
	const char *origin;  /* NULL: not sent */
	const char *referer; /* NULL: not sent */
	const char *type;    /* NULL: that of a form */
};

void testui_init(struct testui *t);
void testui_done(struct testui *t);
/* Asks and returns the status. */
int testui_ask(struct testui *t, const struct testui_ask *ask);
int testui_get(struct testui *t, const char *target);
int testui_post(struct testui *t, const char *target, const char *form);
/* The clerk's reply to what the last request asked for: runs its handler again. Returns the status. */
int testui_reply(struct testui *t, enum err e);
/* Of the last answer. */
const char *testui_body(struct testui *t);
const char *testui_head(struct testui *t);
/* "" when there is none. */
const char *testui_location(struct testui *t);
/* The jar's browser signs in as the administrator, whose password is "correct horse". */
void testui_sign_in(struct testui *t);
/* The form token on the last page. */
const char *testui_form_token(struct testui *t);
/* Text between `before` and the next `end` in `text`; fails the test when it is not there. Lives as long as the bench. */
const char *testui_between(struct testui *t, const char *text, const char *before, char end);
#define TESTUI_PRINT(t, ...) arena_printf((t)->core.arena, __VA_ARGS__)
