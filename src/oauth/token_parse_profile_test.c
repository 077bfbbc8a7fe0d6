/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of providers that depart from RFC 6749 §5.1 and §5.2, read as their profiles say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "oauth/token.h"

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(4 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static enum token_verdict parse(const struct profile *p, int status, const char *text, struct token_answer *ret, struct errinfo *ei)
{
	const struct fetch_answer answer = {.status = status, .sent = true, .complete = true};
	CLEANUP(secret_free) struct secret *body = secret_new(slice_from(text));

	return token_parse(p, &answer, body, arena, ret, ei);
}

#define GOOD "{\"access_token\":\"a\",\"token_type\":\"Bearer\""

static void test_oa_15_life_where_and_as_the_profile_says(void **state)
{
	static const struct {
		const char *path;
		bool ms, zero_is_never;
		int64_t assumed;
		const char *body;
		int64_t life;
	} cases[] = {
		{"expires_in", false, false, 0, GOOD ",\"expires_in\":3600}", 3600},
		{"expires_in", true, false, 0, GOOD ",\"expires_in\":3600000}", 3600},
		{"expires_in", true, false, 0, GOOD ",\"expires_in\":\"3600000\"}", 3600},
		{"expires_in", true, false, 0, GOOD ",\"expires_in\":1}", 1},
		{"life.left", false, false, 0, GOOD ",\"life\":{\"left\":60},\"expires_in\":9}", 60},
		{"life.left", false, false, 0, GOOD ",\"expires_in\":9}", TOKEN_LIFE_UNKNOWN},
		{"expires_in", false, false, 7200, GOOD "}", 7200},
		{"expires_in", false, false, 7200, GOOD ",\"expires_in\":60}", 60},
		{"expires_in", false, false, 7200, GOOD ",\"expires_in\":0}", 7200},
		{"expires_in", false, false, 7200, GOOD ",\"expires_in\":-1}", 7200},
		{"expires_in", false, false, 7200, GOOD ",\"expires_in\":\"soon\"}", 7200},
		{"expires_in", false, true, 7200, GOOD ",\"expires_in\":0}", TOKEN_LIFE_UNKNOWN},
		{"expires_in", false, true, 7200, GOOD "}", 7200},
		{"expires_in", false, false, 0, GOOD ",\"expires_in\":0}", TOKEN_LIFE_UNKNOWN},
		{"expires_in", false, false, 0, GOOD ",\"expires_in\":9223372036854775807}", (int64_t)10 * 365 * 24 * 3600},
		{"expires_in", true, false, 0, GOOD ",\"expires_in\":9223372036854775807}", (int64_t)10 * 365 * 24 * 3600},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct profile p = *profile_default();
		struct token_answer t;

		p.expires_path = cases[i].path;
		p.expires_in_ms = cases[i].ms;
		p.expires_zero_is_never = cases[i].zero_is_never;
		p.expires_assumed_s = cases[i].assumed;
		assert_int_equal(parse(&p, 200, cases[i].body, &t, NULL), TOKEN_OK);
		if (t.expires_in_s != cases[i].life)
			fail_msg("case %zu: %lld", i, (long long)t.expires_in_s);
	}
}

static void test_refresh_life(void **state)
{
	static const struct {
		const char *path, *body;
		int64_t life;
	} cases[] = {
		{"", GOOD ",\"refresh_expires_in\":60}", TOKEN_LIFE_UNKNOWN},
		{"refresh_expires_in", GOOD ",\"refresh_expires_in\":60}", 60},
		{"refresh_expires_in", GOOD ",\"refresh_expires_in\":\"60\"}", 60},
		{"refresh_expires_in", GOOD "}", TOKEN_LIFE_UNKNOWN},
		{"refresh_expires_in", GOOD ",\"refresh_expires_in\":0}", TOKEN_LIFE_UNKNOWN},
		{"refresh_expires_in", GOOD ",\"refresh_expires_in\":-5}", TOKEN_LIFE_UNKNOWN},
		{"refresh_expires_in", GOOD ",\"refresh_expires_in\":{}}", TOKEN_LIFE_UNKNOWN},
		{"refresh_expires_in", GOOD ",\"refresh_expires_in\":9223372036854775807}", (int64_t)10 * 365 * 24 * 3600},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct profile p = *profile_default();
		struct token_answer t;

		p.refresh_life_path = cases[i].path;
		assert_int_equal(parse(&p, 200, cases[i].body, &t, NULL), TOKEN_OK);
		if (t.refresh_life_s != cases[i].life)
			fail_msg("case %zu: %lld", i, (long long)t.refresh_life_s);
	}
}

static void test_scopes_where_the_profile_says(void **state)
{
	static const struct {
		const char *path, *token_path, *body, *scopes;
	} cases[] = {
		{"scope", "", GOOD ",\"scope\":\"x y\"}", "[\"x\",\"y\"]"},
		{"scopes", "", GOOD ",\"scopes\":\"x y\",\"scope\":\"no\"}", "[\"x\",\"y\"]"},
		{"granted.list", "", GOOD ",\"granted\":{\"list\":[\"x\",\"y\"]}}", "[\"x\",\"y\"]"},
		{"granted.list", "", GOOD ",\"granted\":\"x\"}", ""},
		{"granted", "", GOOD ",\"granted\":{\"x\":1}}", ""},
		/* Slack's user token: what is at the top belongs to the bot. */
		{"scope", "user", "{\"scope\":\"bot\",\"user\":{\"access_token\":\"a\",\"token_type\":\"Bearer\"}}", ""},
		{"scope", "user", "{\"scope\":\"bot\",\"user\":{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"scope\":\"mine\"}}", "[\"mine\"]"},
		{"user.scope", "user", "{\"user\":{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"scope\":\"mine\"}}", "[\"mine\"]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct profile p = *profile_default();
		struct token_answer t;

		p.answer_scope = cases[i].path;
		p.token_path = cases[i].token_path;
		assert_int_equal(parse(&p, 200, cases[i].body, &t, NULL), TOKEN_OK);
		if (!slice_is(t.scopes, cases[i].scopes))
			fail_msg("case %zu: %.*s", i, SLICE_ARG(t.scopes));
	}
}

/* A code in an error object, a number for a code, a word that means success: by the profile only. */
static void test_errors_where_the_profile_says(void **state)
{
	static const struct {
		const char *path;
		struct profile_param name;
		int status;
		const char *body, *code;
		enum token_verdict verdict;
	} cases[] = {
		{"error.code", {"expired_grant", "invalid_grant"}, 400, "{\"error\":{\"code\":\"expired_grant\"}}", "expired_grant", TOKEN_GRANT_DEAD},
		{"errors.type", {"x", "y"}, 400, "{\"errors\":{\"type\":\"invalid_grant\"}}", "invalid_grant", TOKEN_GRANT_DEAD},
		{"errcode", {"40029", "invalid_grant"}, 200, "{\"errcode\":40029}", "provider_error", TOKEN_GRANT_DEAD},
		{"errcode", {"40029", "invalid_grant"}, 200, "{\"errcode\":40030}", "provider_error", TOKEN_REFUSED},
		{"code", {"EXPIRED", "invalid_grant"}, 400, "{\"code\":\"EXPIRED\"}", "provider_error", TOKEN_GRANT_DEAD},
		{"code", {"ok", ""}, 200, GOOD ",\"code\":\"ok\"}", "", TOKEN_OK},
		{"code", {"0", ""}, 200, GOOD ",\"code\":0}", "", TOKEN_OK},
		{"code", {"0", ""}, 200, GOOD ",\"code\":1}", "provider_error", TOKEN_REFUSED},
		/* The standard's place counts beside it, so that a refusal is never taken for success. */
		{"errors.type", {"x", "y"}, 400, "{\"error\":\"invalid_grant\"}", "invalid_grant", TOKEN_GRANT_DEAD},
		{"errors.type", {"x", "y"}, 200, GOOD ",\"error\":\"invalid_grant\"}", "invalid_grant", TOKEN_GRANT_DEAD},
		{"", {"x", "y"}, 400, "{\"error\":\"invalid_grant\"}", "invalid_grant", TOKEN_GRANT_DEAD},
		{"", {"x", "y"}, 200, GOOD "}", "", TOKEN_OK},
		{"error", {"ok", ""}, 200, "{\"error\":\"ok\"}", "answer_unreadable", TOKEN_AMBIGUOUS}, /* no token, so no success */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct profile p = *profile_default();
		struct token_answer t;
		struct errinfo ei = {0};

		p.error_path = cases[i].path;
		p.error_name[0] = cases[i].name;
		p.error_count = 1;
		if (parse(&p, cases[i].status, cases[i].body, &t, &ei) != cases[i].verdict)
			fail_msg("case %zu: %s", i, ei.detail);
		assert_string_equal(ei.code, cases[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_oa_15_life_where_and_as_the_profile_says, begin, end),
		cmocka_unit_test_setup_teardown(test_refresh_life, begin, end),
		cmocka_unit_test_setup_teardown(test_scopes_where_the_profile_says, begin, end),
		cmocka_unit_test_setup_teardown(test_errors_where_the_profile_says, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
