/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept beside the tokens, and how long the refresh token lives: from callback and answers into rows, readings and lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/grants.h"
#include "core/testrefresh.h"

#define KEEPS ",\"keep_from_callback\":[\"realmId\"],\"keep_from_answer\":[\"instance_url\",\"team.id\"]"
enum { DAY_S = 24 * 3600 };

static struct connection_view connection(struct testrefresh *w)
{
	struct connection_view *views;
	size_t n;

	OK(connections_list(&w->t.core, w->t.app.app_id, w->flow.user_id, (struct slice){0}, w->t.arena, &views, &n, &w->t.ei));
	assert_int_equal(n, 1);
	return views[0];
}

static const char *read_extra(struct testrefresh *w)
{
	struct user_row user;
	const struct grant_read_args args = {.app = &w->t.app, .user = &user, .ref = slice_from("probe"), .min_ttl_s = 0, .after_refresh = true};
	struct grant_reading reading;

	OK(store_find(w->t.core.store, SQL_USER_BY_ID, STORE_PARAMS(STORE_TEXT(w->flow.user_id)), w->t.arena, &user, &w->t.ei));
	OK(grants_read(&w->t.core, &args, w->t.arena, &reading, &w->t.ei));
	return reading.extra;
}

static void renew(struct testrefresh *w, const char *answer)
{
	enum err e;

	testrefresh_pass(w, 3600 * 1000);
	assert_true(strlen(testrefresh_sent(w, &testrefresh_all, &e)) > 0);
	OK(e);
	OK(testrefresh_answered(w, 200, answer));
}

static void what_the_callback_brought_stays_through_refreshes(void **state)
{
	struct testrefresh w;

	(void)state;
	testrefresh_init_as(&w, KEEPS);
	assert_string_equal(testrefresh_row(&w).kept, "{\"realmId\":\"4620\"}");
	assert_string_equal(read_extra(&w), "{\"realmId\":\"4620\"}");
	assert_string_equal(connection(&w).extra, "{\"realmId\":\"4620\"}");
	renew(&w, "{\"access_token\":\"at-2\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"rt-2\",\"team\":{\"id\":\"T1\"}}");
	assert_string_equal(read_extra(&w), "{\"team.id\":\"T1\",\"realmId\":\"4620\"}");
	renew(&w, "{\"access_token\":\"at-3\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"rt-3\"}");
	assert_string_equal(read_extra(&w), "{\"team.id\":\"T1\",\"realmId\":\"4620\"}");
	renew(&w, "{\"access_token\":\"at-4\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"rt-4\",\"team\":{\"id\":\"T2\"}}");
	assert_string_equal(read_extra(&w), "{\"team.id\":\"T2\",\"realmId\":\"4620\"}");
	assert_string_equal(connection(&w).extra, "{\"team.id\":\"T2\",\"realmId\":\"4620\"}");
	testrefresh_done(&w);
}

/* The same answers and callback, and a profile that asks for nothing. */
static void nothing_is_kept_that_nobody_asked_for(void **state)
{
	struct testrefresh w;

	(void)state;
	testrefresh_init_as(&w, "");
	assert_string_equal(testrefresh_row(&w).kept, "");
	renew(&w, "{\"access_token\":\"at-2\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"rt-2\",\"instance_url\":\"https://x.example\"}");
	assert_string_equal(read_extra(&w), "");
	assert_string_equal(connection(&w).extra, "");
	assert_int_equal(connection(&w).refresh_expires_at, 0);
	testrefresh_done(&w);
}

static void a_token_cannot_be_kept_in_clear(void **state)
{
	static const char *const lists[] = {
		"{\"keep_from_answer\":[\"refresh_token\"]}", "{\"keep_from_answer\":[\"authed_user.access_token\"]}",
		"{\"keep_from_answer\":[\"id_token\"]}",      "{\"keep_from_callback\":[\"code\"]}",
		"{\"keep_from_callback\":[\"state\"]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);
		struct errinfo ei = {0};
		struct profile p;
		struct jsonr *doc;

		OK(jsonr_parse(slice_from(lists[i]), 1000, &doc, NULL));
		jsonr_in_arena(a, doc);
		assert_int_equal(profile_parse(doc, a, &p, &ei), ERR_UNPROCESSABLE);
		assert_non_null(strstr(ei.detail, "secret"));
	}
}

static void a_refresh_token_ends_where_answer_and_profile_say(void **state)
{
	const int64_t created = 1000, now = 5 * (int64_t)DAY_S * 1000;
	static const struct {
		int64_t idle_s, absolute_s, answered_s;
		bool renewed;
		int64_t before, end_ms;
	} cases[] = {
		{0, 0, TOKEN_LIFE_UNKNOWN, true, 77, 0},
		{0, 0, TOKEN_LIFE_UNKNOWN, false, 77, 77}, /* the same token: what was known stays */
		{0, 0, 60, true, 77, 5 * (int64_t)DAY_S * 1000 + 60000},
		{0, 0, 60, false, 77, 5 * (int64_t)DAY_S * 1000 + 60000},
		{90 * DAY_S, 0, TOKEN_LIFE_UNKNOWN, true, 0, 95 * (int64_t)DAY_S * 1000},
		{90 * DAY_S, 0, TOKEN_LIFE_UNKNOWN, false, 77, 95 * (int64_t)DAY_S * 1000}, /* used just now */
		{0, 365 * DAY_S, TOKEN_LIFE_UNKNOWN, true, 0, 365 * (int64_t)DAY_S * 1000 + 1000},
		{90 * DAY_S, 30 * DAY_S, TOKEN_LIFE_UNKNOWN, true, 0, 30 * (int64_t)DAY_S * 1000 + 1000},
		{90 * DAY_S, 365 * DAY_S, 60, true, 0, 5 * (int64_t)DAY_S * 1000 + 60000}, /* the answer knows best */
	};
	struct secret *token = secret_new(SLICE_LIT("rt"));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct grant_row row = {.created_at = created, .updated_at = now, .refresh_token = {.bytes = SLICE_LIT("sealed")},
					      .refresh_expires_at = cases[i].before};
		const struct token_answer answer = {.refresh_token = cases[i].renewed ? token : NULL, .refresh_life_s = cases[i].answered_s};
		const struct grant_row bare = {.created_at = created};
		const struct token_answer none = {.refresh_life_s = cases[i].answered_s};
		struct profile p = *profile_default();

		p.refresh_idle_s = cases[i].idle_s;
		p.refresh_absolute_s = cases[i].absolute_s;
		if (grants_refresh_expires_at(&p, &row, &answer) != cases[i].end_ms)
			fail_msg("case %zu: %lld", i, (long long)grants_refresh_expires_at(&p, &row, &answer));
		assert_int_equal(grants_refresh_expires_at(&p, &bare, &none), 0); /* there is none */
	}
	secret_free(&token);
}

static void the_end_of_a_refresh_token_is_shown_and_moves(void **state)
{
	struct testrefresh w;
	int64_t first;

	(void)state;
	testrefresh_init_as(&w, ",\"refresh_life\":{\"idle_s\":7776000,\"path\":\"refresh_left\"}");
	first = testrefresh_row(&w).created_at + (int64_t)90 * DAY_S * 1000;
	assert_int_equal(connection(&w).refresh_expires_at, first);
	renew(&w, "{\"access_token\":\"at-2\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"rt-2\"}");
	assert_true(connection(&w).refresh_expires_at > first);
	renew(&w, "{\"access_token\":\"at-3\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"rt-3\",\"refresh_left\":120}");
	assert_int_equal(connection(&w).refresh_expires_at, testrefresh_row(&w).updated_at + 120 * 1000);
	testrefresh_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_callback_brought_stays_through_refreshes),
		cmocka_unit_test(nothing_is_kept_that_nobody_asked_for),
		cmocka_unit_test(a_token_cannot_be_kept_in_clear),
		cmocka_unit_test(a_refresh_token_ends_where_answer_and_profile_say),
		cmocka_unit_test(the_end_of_a_refresh_token_is_shown_and_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
