/* SPDX-License-Identifier: Apache-2.0 */
/* What can be saved of a spoiled answer: every place where it may be cut, and what must not be taken for a token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "oauth/token.h"

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(16 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static bool salvage(const struct profile *p, struct slice bytes, int status, struct token_answer *ret)
{
	const struct fetch_answer answer = {.status = status, .sent = true};
	struct secret *body = secret_in_arena(arena, secret_new(bytes));

	return token_salvage(p, &answer, body, arena, ret);
}

/* The bytes hold the refresh token when its closing quote is among them, and the access token likewise. */
static void each_place_where_an_answer_may_be_cut(void **state)
{
	static const char *const answers[] = {
		"{\"access_token\":\"at-2\",\"refresh_token\":\"rt-2\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"scope\":\"a\"}",
		"{\"token_type\":\"bearer\",\"expires_in\":3600,\"refresh_token\":\"rt-2\",\"access_token\":\"at-2\"}",
		"{ \"scope\" : [\"refresh_token\", {\"refresh_token\":\"not\"}],\n\t\"refresh_token\" :\t\"rt\\u002d2\" ,\r\n \"token_type\":\"Bearer\",\"access_token\":\"at-2\" }",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const char *rt = strstr(answers[i], i == 2 ? "\"rt\\u002d2\"" : "\"rt-2\""), *at = strstr(answers[i], "\"at-2\"");
		const char *type = strcasestr(answers[i], "\"bearer\"");
		size_t whole = strlen(answers[i]), rt_end = (size_t)(rt - answers[i]) + (i == 2 ? 11 : 6);
		size_t at_end = (size_t)(at - answers[i]) + 6, type_end = (size_t)(type - answers[i]) + 8;

		for (size_t n = 0; n <= whole; n++) {
			struct token_answer t = {.subject = "untouched"};
			bool saved = salvage(profile_default(), slice_make(answers[i], n), 200, &t);

			assert_int_equal(saved, n >= rt_end);
			if (!saved) {
				assert_string_equal(t.subject, "untouched");
				continue;
			}
			assert_true(slice_is(secret_expose(t.refresh_token), "rt-2"));
			assert_null(t.other_refresh_token);
			assert_int_equal(t.access_token != NULL, n >= at_end && n >= type_end);
			if (t.access_token)
				assert_true(slice_is(secret_expose(t.access_token), "at-2"));
		}
	}
}

static void spoiled_answers(void **state)
{
	static const struct {
		const char *body, *refresh, *access;
		int64_t life;
	} cases[] = {
		/* oddities that the reader refuses as a whole */
		{"{\"access_token\":\"a\",\"refresh_token\":\"r\",\"token_type\":\"Bearer\",\"expires_in\":1e309}", "r", "a", 60},
		{"{\"expires_in\":120,\"access_token\":\"a\" \"refresh_token\":\"r\",\"token_type\":\"Bearer\"}", "r", "a", 120},
		{"{\"expires_in\":99999999,\"access_token\":\"a\",\"refresh_token\":\"r\",\"token_type\":\"Bearer\"} trailing", "r", "a", 60},
		{"{\"x\":\"\xff\xfe\",\"access_token\":\"a\",\"refresh_token\":\"r\",\"token_type\":\"Bearer\"}", "r", "a", 60},
		{"\xef\xbb\xbf{\"access_token\":\"a\",\"refresh_token\":\"r\",\"token_type\":\"Bearer\"}", "r", "a", 60},
		{"{\"access_token\":7,\"refresh_token\":\"r\",\"token_type\":\"Bearer\"}", "r", NULL, 60},
		{"{\"access_token\":\"a\",\"refresh_token\":\"r\",\"token_type\":\"mac\"}", "r", NULL, 60}, /* OA-14: not served */
		{"{\"access_token\":\"a\\n\",\"refresh_token\":\"r\",\"token_type\":\"Bearer\"}", "r", NULL, 60},
		{"{\"refresh_token\":\"r\"", "r", NULL, 60},
		/* nothing that is a token of ours */
		{"", NULL, NULL, 0},
		{"{\"refresh_token\":\"\"}", NULL, NULL, 0},
		{"{\"refresh_token\":null,\"x\":\"refresh_token\"", NULL, NULL, 0},
		{"{\"refresh_token\":\"r\\\"", NULL, NULL, 0},
		{"{\"refresh_token\":\"r\\u00e9\"}", NULL, NULL, 0},
		{"{\"refresh_token\":\"r\\q\"}", NULL, NULL, 0},
		{"{\"x\":\"\\\"refresh_token\\\":\\\"r\\\"\"", NULL, NULL, 0},
		{"{\"x\":{\"refresh_token\":\"r\"}", NULL, NULL, 0},
		{"[{\"refresh_token\":\"r\"", NULL, NULL, 0},
		{"refresh_token=r&x=", NULL, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct token_answer t;
		bool saved = salvage(profile_default(), slice_from(cases[i].body), 200, &t);

		assert_int_equal(saved, cases[i].refresh != NULL);
		if (!saved)
			continue;
		assert_true(slice_is(secret_expose(t.refresh_token), cases[i].refresh));
		assert_int_equal(t.access_token != NULL, cases[i].access != NULL);
		assert_int_equal(t.expires_in_s, cases[i].life);
	}
}

static void two_are_both_kept(void **state)
{
	struct token_answer t;

	(void)state;
	assert_true(salvage(profile_default(), SLICE_LIT("{\"refresh_token\":\"one\",\"a\":1,\"refresh_token\":\"two\"}"), 200, &t));
	assert_true(slice_is(secret_expose(t.refresh_token), "two"));
	assert_true(slice_is(secret_expose(t.other_refresh_token), "one"));
}

/* Slack: the bot's tokens are on top, the person's in authed_user; an authenticator is for one of them. */
static void each_identity_gets_its_own(void **state)
{
	static const char both[] = "{\"ok\":true,\"refresh_token\":\"bot\",\"authed_user\":{\"id\":\"U\",\"refresh_token\":\"person\"},\"team\":{\"refresh_token\":\"x\"}";
	struct profile person = *profile_default();
	struct token_answer t;

	(void)state;
	person.token_path = "authed_user";
	assert_true(salvage(profile_default(), slice_from(both), 200, &t));
	assert_true(slice_is(secret_expose(t.refresh_token), "bot"));
	assert_null(t.other_refresh_token);
	assert_true(salvage(&person, slice_from(both), 200, &t));
	assert_true(slice_is(secret_expose(t.refresh_token), "person"));
	assert_null(t.other_refresh_token);
	assert_false(salvage(&person, SLICE_LIT("{\"refresh_token\":\"bot\",\"authed_user\":7,\"team\":{\"refresh_token\":\"x\"}"), 200, &t));
}

static void only_a_yes_is_searched(void **state)
{
	static const int no[] = {0, 199, 300, 302, 400, 500};
	struct token_answer t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(salvage(profile_default(), SLICE_LIT("{\"refresh_token\":\"r\""), no[i], &t));
	assert_true(salvage(profile_default(), SLICE_LIT("{\"refresh_token\":\"r\""), 201, &t));
}

/* A life in milliseconds would be a thousand times too long: the token is renewed soon instead. */
static void a_life_in_milliseconds_is_not_believed(void **state)
{
	static const char cut[] = "{\"access_token\":\"at-2\",\"refresh_token\":\"rt-2\",\"token_type\":\"Bearer\",\"expires_in\":3600,";
	struct profile p = *profile_default();
	struct token_answer t;

	(void)state;
	assert_true(salvage(&p, slice_from(cut), 200, &t));
	assert_int_equal(t.expires_in_s, 3600);
	assert_int_equal(t.refresh_life_s, TOKEN_LIFE_UNKNOWN);
	assert_string_equal(t.kept, "");
	p.expires_in_ms = true;
	assert_true(salvage(&p, slice_from(cut), 200, &t));
	assert_int_equal(t.expires_in_s, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_life_in_milliseconds_is_not_believed, begin, end),
		cmocka_unit_test_setup_teardown(each_place_where_an_answer_may_be_cut, begin, end),
		cmocka_unit_test_setup_teardown(spoiled_answers, begin, end),
		cmocka_unit_test_setup_teardown(two_are_both_kept, begin, end),
		cmocka_unit_test_setup_teardown(each_identity_gets_its_own, begin, end),
		cmocka_unit_test_setup_teardown(only_a_yes_is_searched, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
