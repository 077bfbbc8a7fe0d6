/* SPDX-License-Identifier: Apache-2.0 */
/* The browser of the tests. It stands where the worker stands, so what the worker does around a handler happens here too. */
#include "ui/testui.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/users.h"
#include "http/path.h"
#include "secret/password.h"
#include "ui/routes.h"

void testui_init(struct testui *t)
{
	*t = (struct testui){.jar = NULL};
	testcore_init(&t->core);
	t->router = router_new(ui_routes, ui_route_count);
	response_init(&t->response);
}

void testui_done(struct testui *t)
{
	response_done(&t->response);
	arena_free(&t->arena);
	router_free(&t->router);
	testcore_done(&t->core);
}

static void add_header(struct testui *t, const char *name, const char *value)
{
	if (!t->request.header)
		t->request.header = ARENA_NEW_N(t->arena, REQUEST_HEADERS_MAX, struct request_pair);
	assert_true(t->request.header_count < REQUEST_HEADERS_MAX);
	if (value)
		t->request.header[t->request.header_count++] =
			(struct request_pair){.name = slice_from(name), .value = arena_copy(t->arena, slice_from(value))};
}

static void add_cookies(struct testui *t)
{
	const struct testui_jar *j = t->jar;

	if (j && (j->session[0] || j->browser[0]))
		add_header(t, "cookie", arena_printf(t->arena, "fw_session=%s; fw_browser=%s", j->session, j->browser));
}

static void keep(const char *head, const char *name, char *into)
{
	const char *at = strstr(head, name);
	size_t n = 0;

	if (!at)
		return;
	at += strlen(name);
	n = strcspn(at, ";\r");
	assert_true(n < TESTUI_COOKIE_MAX);
	memcpy(into, at, n);
	into[n] = '\0';
}

static void take_cookies(struct testui *t)
{
	if (!t->jar)
		return;
	keep(testui_head(t), "Set-Cookie: fw_session=", t->jar->session);
	keep(testui_head(t), "Set-Cookie: fw_browser=", t->jar->browser);
}

static int finish(struct testui *t)
{
	if (t->err)
		ui_error(&t->response, t->request.id, t->err, 0, &t->why);
	assert_false(t->response.bad);
	assert_true(buf_ok(&t->response.body));
	take_cookies(t);
	return t->response.status;
}

static void prepare(struct testui *t, const struct testui_ask *ask)
{
	response_done(&t->response);
	arena_free(&t->arena);
	response_init(&t->response);
	t->arena = arena_new(REQUEST_ARENA_MAX);
	err_clear(&t->why);
	t->request = (struct request){.arena = t->arena, .method = ask->method, .id = "0123456789abcdef"};
	add_header(t, "sec-fetch-site", ask->site ? ask->site : "same-origin");
	add_header(t, "origin", ask->origin);
	add_header(t, "referer", ask->referer);
	add_cookies(t);
	if (ask->form) {
		add_header(t, "content-type", ask->type ? ask->type : "application/x-www-form-urlencoded");
		t->request.body = arena_copy(t->arena, slice_from(ask->form));
	}
	assert_int_equal(path_parse(&t->request, arena_copy(t->arena, slice_from(ask->target))), REFUSAL_NONE);
	t->call = (struct call){.core = &t->core.core, .request = &t->request, .arena = t->arena, .response = &t->response};
}

int testui_ask(struct testui *t, const struct testui_ask *ask)
{
	const struct route *route;
	const char *allow;

	prepare(t, ask);
	t->err = router_find(t->router, &t->request, &route, &allow);
	if (t->err) {
		t->route = NULL;
		return finish(t);
	}
	t->route = route->handler;
	t->err = call_prepare(&t->call, t->route, &t->why);
	if (!t->err)
		t->err = t->route->handler(&t->call, &t->why);
	if (!t->err && t->call.ask.kind == CALL_ASK_PASSWORD) {
		t->reply = (struct call_reply){.matches = password_matches(t->call.ask.password, t->call.ask.stored)};
		t->call.reply = &t->reply;
		t->err = t->route->handler(&t->call, &t->why);
		return finish(t);
	}
	return t->err || t->call.ask.kind == CALL_ASK_NOTHING ? finish(t) : 0;
}

int testui_get(struct testui *t, const char *target)
{
	return testui_ask(t, &(struct testui_ask){.method = HTTP_M_GET, .target = target, .site = "none"});
}

int testui_post(struct testui *t, const char *target, const char *form)
{
	/* As Chromium sends it under our Referrer-Policy. */
	return testui_ask(t, &(struct testui_ask){.method = HTTP_M_POST, .target = target, .form = form, .origin = "null"});
}

int testui_reply(struct testui *t, enum err e)
{
	assert_int_not_equal(t->call.ask.kind, CALL_ASK_NOTHING);
	t->reply = (struct call_reply){.err = e};
	t->call.reply = &t->reply;
	t->err = t->route->handler(&t->call, &t->why);
	return finish(t);
}

const char *testui_body(struct testui *t)
{
	return buf_cstr(&t->response.body);
}

const char *testui_head(struct testui *t)
{
	return buf_cstr(&t->response.head);
}

const char *testui_between(struct testui *t, const char *text, const char *before, char end)
{
	const char *at = strstr(text, before);
	const char *stop;

	if (at)
		at += strlen(before);
	stop = at ? strchr(at, end) : NULL;
	if (!at || !stop) {
		fail_msg("\"%s\" and '%c' behind it are not in: %s", before, end, text);
		return "";
	}
	return arena_strndup(t->core.arena, slice_make(at, (size_t)(stop - at)));
}

const char *testui_location(struct testui *t)
{
	return strstr(testui_head(t), "Location: ") ? testui_between(t, testui_head(t), "Location: ", '\r') : "";
}

const char *testui_form_token(struct testui *t)
{
	return testui_between(t, testui_body(t), "name=\"form_token\" value=\"", '"');
}

void testui_sign_in(struct testui *t)
{
	struct secret *token;

	assert_int_equal(users_admin_link(&t->core.core, t->core.arena, &token, &t->core.ei), ERR_OK);
	assert_int_equal(testui_post(t, TESTUI_PRINT(t, "/admin-link/%.*s", SLICE_ARG(secret_expose(token))),
				     "password=correct+horse&again=correct+horse"), 303);
	assert_true(t->jar->session[0] != '\0');
}
