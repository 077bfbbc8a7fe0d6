/* SPDX-License-Identifier: Apache-2.0 */
/* OA-13: which scopes may be asked for, and how what was granted compares (RFC 6749 §3.3, §5.1). */
#include "oauth/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

enum { DOC_MAX = 1 << 20 };

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

static const struct jsonr *json(const char *text)
{
	struct jsonr *doc;

	assert_int_equal(jsonr_parse(slice_from(text), DOC_MAX, &doc, NULL), ERR_OK);
	return jsonr_in_arena(arena, doc);
}

static const char *text(struct slice s)
{
	return arena_strndup(arena, s);
}

static void test_oa_13_requested_scopes(void **state)
{
	static const struct {
		const char *json, *array;
	} cases[] = {
		{"[]", "[]"},
		{"\"\"", "[]"},
		{"[\"a\"]", "[\"a\"]"},
		{"[\"b\",\"a\",\"b\"]", "[\"b\",\"a\"]"},
		{"\"a b\"", "[\"a\",\"b\"]"},
		{"\"a,b , c\\n\"", "[\"a\",\"b\",\"c\"]"},
		{"\"profile,email,https://www.googleapis.com/auth/gmail.readonly\"",
		 "[\"profile\",\"email\",\"https://www.googleapis.com/auth/gmail.readonly\"]"},
		{"[\"custom:scope1\",\"read/write!#$%&'()*+-.~\"]", "[\"custom:scope1\",\"read/write!#$%&'()*+-.~\"]"},
		{"[\"A\",\"a\"]", "[\"A\",\"a\"]"}, /* case counts (§3.3) */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice array;

		assert_int_equal(scope_from_json(json(cases[i].json), arena, &array, NULL), ERR_OK);
		assert_string_equal(text(array), cases[i].array);
	}
}

static void test_oa_13_scopes_that_are_none(void **state)
{
	static const struct {
		const char *json, *why;
	} cases[] = {
		{"null", "must be an array"},
		{"7", "must be an array"},
		{"{\"a\":1}", "must be an array"},
		{"[1]", "element 1 is not a text"},
		{"[\"a\",null]", "element 2 is not a text"},
		{"[[\"a\"]]", "element 1 is not a text"},
		{"[\"\"]", "is no scope"},
		{"[\"a b\"]", "\"a b\" is no scope"},
		{"[\"a,b\"]", "\"a,b\" is no scope"},
		{"[\"a\\\"b\"]", "is no scope"},
		{"[\"a\\\\b\"]", "is no scope"},
		{"[\"a\\nb\"]", "not printable"},
		{"\"a \\u00e9\"", "not printable"},
		{"\"\\u007f\"", "not printable"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice array = SLICE_LIT("untouched");
		struct errinfo ei = {0};

		assert_int_equal(scope_from_json(json(cases[i].json), arena, &array, &ei), ERR_UNPROCESSABLE);
		assert_string_equal(ei.fields[0].name, "scopes");
		assert_non_null(strstr(ei.fields[0].why, cases[i].why));
		assert_true(slice_is(array, "untouched"));
	}
}

/* `count` different scopes of `length` characters each, as a JSON array. */
static const struct jsonr *many(size_t count, size_t length)
{
	CLEANUP(buf_done) struct buf out;

	buf_init(&out, DOC_MAX);
	for (size_t i = 0; i < count; i++) {
		buf_puts(&out, i ? ",\"" : "[\"");
		for (size_t c = 3; c < length; c++)
			buf_putc(&out, 'x');
		buf_printf(&out, "%03zu\"", i);
	}
	buf_putc(&out, ']');
	return json(buf_cstr(&out));
}

static void test_limits(void **state)
{
	struct slice array;
	struct errinfo ei = {0};

	(void)state;
	assert_int_equal(scope_from_json(many(SCOPE_MAX, SCOPE_TEXT_MAX), arena, &array, NULL), ERR_OK);
	assert_true(scope_within(array, array));
	assert_true(slice_ends(array, "099\"]"));
	assert_int_equal(scope_from_json(many(SCOPE_MAX + 1, 3), arena, &array, &ei), ERR_UNPROCESSABLE);
	assert_non_null(strstr(ei.fields[0].why, "more than 100"));
	assert_int_equal(scope_from_json(many(1, SCOPE_TEXT_MAX + 1), arena, &array, NULL), ERR_UNPROCESSABLE);
	/* A provider's answer is cut, never refused. */
	array = scope_from_answer(many(SCOPE_MAX + 5, SCOPE_TEXT_MAX), false, arena);
	assert_true(slice_ends(array, "099\"]"));
}

static void test_oa_13_granted_scopes(void **state)
{
	static const struct {
		const char *json;
		bool comma;
		const char *array;
	} cases[] = {
		{"\"a b\"", false, "[\"a\",\"b\"]"},
		{"\"a,b\"", true, "[\"a\",\"b\"]"},
		{"\"a,b c\"", true, "[\"a\",\"b\",\"c\"]"},
		{"\"a,b c\"", false, "[\"c\"]"},		 /* "a,b" is none of ours */
		{"[\"a\",\"b\",\"a\"]", false, "[\"a\",\"b\"]"}, /* Twitch */
		{"\"\"", false, "[]"},
		{"[]", false, "[]"},
		{"\"a \\u0000b\"", false, NULL}, /* refused by the reader */
		{"[\"ok\",7,null,[\"x\"],\"a b\",\"q\\\"\"]", false, "[\"ok\"]"},
		{"\"ok \\u202e x\\\"y\"", false, "[\"ok\"]"},
		{"null", false, ""},
		{"7", false, ""},
		{"{\"a\":1}", false, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice array;
		struct jsonr *doc;

		if (!cases[i].array) {
			assert_int_equal(jsonr_parse(slice_from(cases[i].json), DOC_MAX, &doc, NULL), ERR_INVALID);
			continue;
		}
		array = scope_from_answer(json(cases[i].json), cases[i].comma, arena);
		assert_string_equal(text(array), cases[i].array);
	}
	assert_int_equal(scope_from_answer(NULL, false, arena).n, 0);
}

static void test_oa_13_missing_and_wider(void **state)
{
	static const struct {
		const char *requested, *granted, *missing;
		bool within; /* granted lies within requested */
	} cases[] = {
		{"[\"a\",\"b\"]", "", "[]", true}, /* §5.1: not told means as requested */
		{"[\"a\",\"b\"]", "[\"b\",\"a\"]", "[]", true},
		{"[\"a\",\"b\"]", "[\"a\"]", "[\"b\"]", true},
		{"[\"a\",\"b\"]", "[]", "[\"a\",\"b\"]", true},
		{"[\"a\"]", "[\"a\",\"admin\"]", "[]", false},
		{"[\"a\"]", "[\"A\"]", "[\"a\"]", false},
		{"[\"ab\"]", "[\"a\",\"b\"]", "[\"ab\"]", false},
		{"[\"openid\",\"email\",\"profile\",\"offline_access\"]", "[\"x\"]", "[]", false},
		{"[\"openid\",\"email\",\"mail\"]", "[\"https://www.googleapis.com/auth/userinfo.email\"]",
		 "[\"mail\"]", false},
		{"[]", "[\"a\"]", "[]", false},
		{"[]", "", "[]", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice requested = slice_from(cases[i].requested), granted = slice_from(cases[i].granted);

		assert_string_equal(text(scope_missing(requested, granted, arena)), cases[i].missing);
		assert_int_equal(scope_within(granted, requested), cases[i].within);
	}
}

static void test_join_and_has(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 20);
	scope_join(SLICE_LIT("[\"a\",\"b:c\"]"), ' ', &out);
	assert_string_equal(buf_cstr(&out), "a b:c");
	buf_reset(&out);
	scope_join(SLICE_LIT("[\"a\",\"b\"]"), ',', &out);
	assert_string_equal(buf_cstr(&out), "a,b");
	buf_reset(&out);
	scope_join(SLICE_LIT("[]"), ' ', &out);
	assert_int_equal(out.n, 0);
	buf_done(&out);
	assert_true(scope_has(SLICE_LIT("[\"openid\"]"), "openid"));
	assert_false(scope_has(SLICE_LIT("[\"openid\"]"), "open"));
	assert_false(scope_has(SLICE_LIT("[\"openid\"]"), ","));
	assert_false(scope_has(SLICE_LIT("[]"), ""));
	assert_false(scope_has((struct slice){0}, "openid"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_oa_13_requested_scopes, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_13_scopes_that_are_none, begin, end),
		cmocka_unit_test_setup_teardown(test_limits, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_13_granted_scopes, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_13_missing_and_wider, begin, end),
		cmocka_unit_test_setup_teardown(test_join_and_has, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
