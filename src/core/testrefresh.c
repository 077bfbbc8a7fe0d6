/* SPDX-License-Identifier: Apache-2.0 */
/* One grant and its provider's answers, on the bench of core. */
#include "core/testrefresh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/connections.h"

const char testrefresh_ann[] = "{\"sub\":\"ann\",\"email\":\"ann@example.org\"}";
const char testrefresh_reading[] = "{\"access_token\":\"at-1\",\"refresh_token\":\"rt-1\",\"token_type\":\"Bearer\",\"expires_in\":3600}";
const struct refresh_want testrefresh_all = {.min_life_ms = 7200 * 1000, .newer_than = -1};

void testrefresh_init_as(struct testrefresh *w, const char *configuration)
{
	struct connection_row c;

	*w = (struct testrefresh){.grant_id = ""};
	testcore_init(&w->t);
	w->auth = testcore_register(&w->t, arena_printf(w->t.arena,
		"{\"name\":\"Probe\",\"authenticator_type\":\"custom\",\"client_id\":\"cid\",\"client_secret\":\"csecret\","
		"\"scopes\":[\"read\"],\"authorize_url\":\"https://provider.example/authorize\","
		"\"token_url\":\"https://provider.example/token\",\"configuration\":{\"identity_url\":\"https://provider.example/me\","
		"\"revoke_url\":\"https://provider.example/revoke\"%s}}", configuration));
	w->flow = testcore_connect(&w->t, &w->auth, &w->t.admin.owner, testrefresh_reading, testrefresh_ann);
	OK(connections_resolve(&w->t.core, w->t.app.app_id, w->t.admin.owner.user_id, SLICE_LIT("probe"), w->t.arena, &c, &w->t.ei));
	w->grant_id = c.grant_id;
}

void testrefresh_init(struct testrefresh *w, const char *rotation)
{
	char text[128];

	snprintf(text, sizeof text, ",\"rotation\":%s", rotation);
	testrefresh_init_as(w, text);
}

void testrefresh_done(struct testrefresh *w)
{
	testcore_done(&w->t);
}

struct grant_row testrefresh_row(struct testrefresh *w)
{
	struct grant_row g;

	OK(store_find(w->t.core.store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(w->grant_id)), w->t.arena, &g, &w->t.ei));
	return g;
}

/* Intends; the refresh token that leaves, or "" when nothing does. */
const char *testrefresh_sent(struct testrefresh *w, const struct refresh_want *want, enum err *ret_err)
{
	struct refresh_plan plan = {.needed = false};
	const char *at;
	size_t n;

	random_id(w->id);
	err_clear(&w->t.ei);
	*ret_err = refresh_intend(&w->t.core, w->grant_id, want, w->id, w->t.arena, &plan, &w->t.ei);
	if (*ret_err || !plan.needed)
		return "";
	assert_string_equal(plan.join, "");
	w->attempt = (struct refresh_attempt){.id = arena_strdup(w->t.arena, w->id), .generation = plan.generation,
					      .source = plan.source, .consumes = plan.consumes, .asked = true};
	at = memmem(plan.request.body.p, plan.request.body.n, "refresh_token=rt", strlen("refresh_token=rt"));
	assert_non_null(at);
	at += strlen("refresh_token=");
	for (n = 0; at + n < plan.request.body.p + plan.request.body.n && at[n] != '&';)
		n++;
	return arena_strndup(w->t.arena, slice_make(at, n));
}

void testrefresh_expect(struct testrefresh *w, const struct refresh_want *want, const char *token)
{
	enum err e;

	assert_string_equal(testrefresh_sent(w, want, &e), token);
	OK(e);
}

enum err testrefresh_take(struct testrefresh *w, const struct refresh_attempt *attempt, const struct fetch_answer *answer, const char *body)
{
	struct secret *clear = body ? secret_in_arena(w->t.arena, secret_new(slice_from(body))) : NULL;

	err_clear(&w->t.ei);
	return refresh_commit(&w->t.core, w->grant_id, attempt, answer, clear, w->t.arena, &w->after, &w->t.ei);
}

enum err testrefresh_answered(struct testrefresh *w, int status, const char *body)
{
	const struct fetch_answer answer = {.status = status, .complete = true, .sent = true, .content_type = "application/json"};

	return testrefresh_take(w, &w->attempt, &answer, body);
}

enum err testrefresh_cut(struct testrefresh *w)
{
	const struct fetch_answer answer = {.err = ERR_UPSTREAM_DOWN, .sent = true};

	return testrefresh_take(w, &w->attempt, &answer, NULL);
}

const char *testrefresh_tokens(struct testrefresh *w, int n)
{
	return arena_printf(w->t.arena, "{\"access_token\":\"at-%d\",\"refresh_token\":\"rt-%d\",\"token_type\":\"Bearer\",\"expires_in\":3600}", n, n);
}

const char testrefresh_invalid_grant[] = "{\"error\":\"invalid_grant\"}";

/* After the longest pause. */
void testrefresh_pass(struct testrefresh *w, int64_t ms)
{
	w->t.now_ms += ms;
}

void testrefresh_expect_cause(struct testrefresh *w, const char *cause)
{
	struct connection_view *views;
	size_t n;

	assert_string_equal(testrefresh_row(w).status, "needs_reauth");
	assert_string_equal(testrefresh_row(w).cause, cause);
	assert_string_equal(w->t.ei.cause, cause);
	assert_string_equal(w->t.ei.code, "needs_reauth");
	assert_int_equal(testcore_events(&w->t, "needs_reauth"), 1);
	OK(connections_list(&w->t.core, w->t.app.app_id, w->t.admin.owner.user_id, (struct slice){0}, w->t.arena, &views, &n, &w->t.ei));
	assert_string_equal(views[0].status, "needs_reauth");
	assert_string_equal(views[0].cause, cause);
}
