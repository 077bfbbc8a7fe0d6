/* SPDX-License-Identifier: Apache-2.0 */
/* OA-05, OA-07, OA-08, OA-09: what may come back from a provider, and what is made of it. */
#include "oauth/callback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define P(name_, value_) \
	{ \
		SLICE_LIT(name_), SLICE_LIT(value_) \
	}

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void test_code(void **state)
{
	const struct callback_param params[] = {P("scope", "a b"), P("state", "s-1"), P("code", "4/0Ab~ c"),
						P("iss", "https://as.example"), P("setup_action", "install")};
	struct callback c;

	(void)state;
	assert_int_equal(callback_parse(params, ARRAY_LEN(params), arena, &c, NULL), ERR_OK);
	assert_true(slice_is(c.state, "s-1"));
	assert_true(secret_equal(c.code, SLICE_LIT("4/0Ab~ c")));
	assert_true(slice_is(c.iss, "https://as.example"));
	assert_string_equal(c.error, "");
	assert_string_equal(c.description, "");
}

static void test_missing_parts(void **state)
{
	const struct callback_param params[] = {P("code", "x")};
	struct callback c;

	(void)state;
	assert_int_equal(callback_parse(params, 1, arena, &c, NULL), ERR_OK);
	assert_int_equal(c.state.n, 0);
	assert_null(c.iss.p);
}

static void test_oa_09_errors_are_cleaned(void **state)
{
	static const struct {
		struct callback_param params[3];
		const char *error, *description;
	} cases[] = {
		{{P("error", "access_denied"), P("state", "s")}, "access_denied", ""},
		{{P("error", "access_denied"), P("error_description", "No, thanks.")}, "access_denied", "No, thanks."},
		{{P("error", "<script>"), P("error_description", "<script>alert(1)</script>")},
		 "invalid_error",
		 "<script>alert(1)</script>"}, /* printable: who shows it escapes it */
		{{P("error", "a\r\nSet-Cookie: x"), P("error_description", "a\r\nb\033[31mc\342\200\256d")},
		 "invalid_error",
		 "a??b?[31mc???d"},
		{{P("error", "ACCESS_DENIED"), P("code", "")}, "invalid_error", ""},
		{{P("error", "access denied"), P("error_uri", "https://evil.example")}, "invalid_error", ""},
		{{P("error", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), P("x", "y")},
		 "invalid_error",
		 ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct callback c;

		assert_int_equal(callback_parse(cases[i].params, 2, arena, &c, NULL), ERR_OK);
		assert_string_equal(c.error, cases[i].error);
		assert_string_equal(c.description, cases[i].description);
		assert_null(c.code);
	}
}

static void test_oa_09_description_is_cut(void **state)
{
	char longer[CALLBACK_DESCRIPTION_MAX + 50] = {0};
	struct callback_param params[] = {P("error", "server_error"),
					  {SLICE_LIT("error_description"), slice_make(longer, sizeof longer)}};
	struct callback c;

	(void)state;
	memset(longer, '\n', sizeof longer);
	assert_int_equal(callback_parse(params, 2, arena, &c, NULL), ERR_OK);
	assert_int_equal(strlen(c.description), CALLBACK_DESCRIPTION_MAX);
	assert_null(strchr(c.description, '\n'));
}

static void test_oa_07_oa_08_refused(void **state)
{
	static const struct {
		struct callback_param params[3];
		size_t count;
		const char *why;
	} cases[] = {
		{{{{0}, {0}}}, 0, "neither"},
		{{P("state", "s")}, 1, "neither"},
		{{P("code", ""), P("state", "s")}, 2, "neither"},
		{{P("error", "")}, 1, "neither"},
		{{P("code", "x"), P("error", "access_denied")}, 2, "both"},
		{{P("code", "x"), P("error", "")}, 2, "both"},
		{{P("code", "x"), P("code", "y")}, 2, "\"code\" twice"},
		{{P("code", "x"), P("code", "x")}, 2, "\"code\" twice"},
		{{P("code", ""), P("code", "x")}, 2, "\"code\" twice"},
		{{P("code", "x"), P("state", "s"), P("state", "")}, 3, "\"state\" twice"},
		{{P("code", "x"), P("iss", "https://a"), P("iss", "https://a")}, 3, "\"iss\" twice"},
		{{P("code", "x"), P("access_token", "t")}, 2, "\"access_token\""},
		{{P("code", "x"), P("id_token", "t")}, 2, "\"id_token\""},
		{{P("code", "x"), P("id_token", "")}, 2, "\"id_token\""},
		{{P("error", "x"), P("access_token", "t")}, 2, "\"access_token\""},
		{{P("response", "eyJ")}, 1, "\"response\""}, /* JARM is not asked for */
		{{P("code", "a\nb")}, 1, "\"code\" with characters"},
		{{P("code", "a\0b")}, 1, "\"code\" with characters"},
		{{P("code", "\303\251")}, 1, "\"code\" with characters"},
		{{P("code", "x"), P("state", "a\tb")}, 2, "\"state\" with characters"},
		{{P("code", "x"), P("iss", "https://a\r\n")}, 2, "\"iss\" with characters"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct callback c = {.error = "untouched"};
		struct errinfo ei = {0};

		assert_int_equal(callback_parse(cases[i].params, cases[i].count, arena, &c, &ei), ERR_INVALID);
		assert_non_null(strstr(ei.detail, cases[i].why));
		assert_string_equal(c.error, "untouched");
	}
}

static void test_oa_08_limits(void **state)
{
	static char text[CALLBACK_CODE_MAX + 1];
	struct callback_param many[33], params[] = {{SLICE_LIT("code"), {text, CALLBACK_CODE_MAX}},
						    {SLICE_LIT("state"), {text, CALLBACK_STATE_MAX}}};
	struct callback c;

	(void)state;
	memset(text, 'x', sizeof text);
	assert_int_equal(callback_parse(params, 2, arena, &c, NULL), ERR_OK);
	params[0].value.n++;
	assert_int_equal(callback_parse(params, 2, arena, &c, NULL), ERR_INVALID);
	params[0].value.n--;
	params[1].value.n++;
	assert_int_equal(callback_parse(params, 2, arena, &c, NULL), ERR_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (struct callback_param){SLICE_LIT("x"), SLICE_LIT("y")};
	many[0] = (struct callback_param)P("code", "c");
	assert_int_equal(callback_parse(many, 32, arena, &c, NULL), ERR_OK);
	assert_int_equal(callback_parse(many, 33, arena, &c, NULL), ERR_INVALID);
}

static void test_oa_05_issuer(void **state)
{
	static const struct {
		const char *iss; /* NULL: missing */
		const char *issuer;
		bool promised, accepted;
	} cases[] = {
		{"https://as.example", "https://as.example", true, true},
		{"https://as.example", "https://as.example", false, true},
		{NULL, "https://as.example", false, true},
		{NULL, "https://as.example", true, false},
		{"", "https://as.example", true, false},
		{"", "https://as.example", false, false},
		{"https://as.example/", "https://as.example", true, false},
		{"https://as.example", "https://as.example/", true, false},
		{"https://AS.example", "https://as.example", true, false},
		{"HTTPS://as.example", "https://as.example", false, false},
		{"https://as.example:443", "https://as.example", true, false},
		{"https%3A%2F%2Fas.example", "https://as.example", true, false},
		{"https://evil.example", "https://as.example", false, false},
		{"https://as.example.evil", "https://as.example", true, false},
		{"https://evil.example", "", false, true}, /* no issuer is known: nothing to compare with */
		{NULL, "", false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct profile snapshot = *profile_default();
		struct callback c = {.iss = slice_from(cases[i].iss)};
		struct errinfo ei = {0};

		snapshot.issuer = cases[i].issuer;
		snapshot.iss_in_callback = cases[i].promised;
		assert_int_equal(callback_check_issuer(&c, &snapshot, &ei),
				 cases[i].accepted ? ERR_OK : ERR_UPSTREAM_DENIED);
		assert_string_equal(ei.code, cases[i].accepted ? "" : "issuer_mismatch");
		assert_null(strstr(ei.detail, "evil")); /* nothing of theirs is repeated */
	}
}

static void test_oa_09_sentences_are_our_own(void **state)
{
	(void)state;
	assert_non_null(strstr(callback_sentence("access_denied"), "did not allow"));
	assert_non_null(strstr(callback_sentence("temporarily_unavailable"), "Try again"));
	assert_string_equal(callback_sentence("something_else"), callback_sentence(""));
	assert_string_equal(callback_sentence(NULL), callback_sentence(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_code, begin, end),
		cmocka_unit_test_setup_teardown(test_missing_parts, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_09_errors_are_cleaned, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_09_description_is_cut, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_07_oa_08_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_08_limits, begin, end),
		cmocka_unit_test(test_oa_05_issuer),
		cmocka_unit_test(test_oa_09_sentences_are_our_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
