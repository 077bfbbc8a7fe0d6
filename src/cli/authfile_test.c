/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/authfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static const char *environment(const char *name, void *arg)
{
	size_t *asked = arg;

	++*asked;
	if (strcmp(name, "SECRET") == 0)
		return "s3cr\"et\\\n\x01";
	if (strcmp(name, "SCOPE") == 0)
		return "openid";
	if (strcmp(name, "EMPTY") == 0)
		return "";
	if (strcmp(name, "BROKEN") == 0)
		return "\xFF";
	if (strcmp(name, "INJECT") == 0)
		return "\",\"token_url\":\"https://evil.example";
	return NULL;
}

static enum err parse(struct arena *a, const char *text, size_t *asked, struct authfile *file, struct errinfo *ei)
{
	*asked = 0;
	return authfile_parse(a, "x.json", slice_from(text), environment, asked, file, ei);
}

static void files_are_read(void **state)
{
	static const struct {
		const char *text, *json; /* what the object is in the end */
		size_t variables;
	} cases[] = {
		{"{}", "{}", 0},
		{"// first\n{\"a\": 1} // last", "{\"a\":1}", 0},
		{"/* a\n * b */ {\"a\": /* in */ [1, 2 /* x */], \"b\":{}}\n", "{\"a\":[1,2],\"b\":{}}", 0},
		{"{\"url\": \"https://x/*y*/\", \"c\":\"// no comment\"}",
		 "{\"c\":\"// no comment\",\"url\":\"https://x/*y*/\"}", 0},
		{"{\"a\": \"q\\\"// \\\\\"} // c", "{\"a\":\"q\\\"// \\\\\"}", 0},
		{"{\"s\": \"${SECRET}\"}", "{\"s\":\"s3cr\\\"et\\\\\\n\\u0001\"}", 1},
		{"{\"s\": \"a${SCOPE}b${SCOPE}\", \"e\": \"${EMPTY}\"}", "{\"e\":\"\",\"s\":\"aopenidbopenid\"}", 3},
		{"{\"l\": [\"${SCOPE}\", {\"x\":\"${SCOPE}\"}]}", "{\"l\":[\"openid\",{\"x\":\"openid\"}]}", 2},
		{"{\"a\": \"$SCOPE $ {SCOPE} $\"}", "{\"a\":\"$SCOPE $ {SCOPE} $\"}", 0},
		{"{\"a\": \"\\u0024{SCOPE}\"}", "{\"a\":\"${SCOPE}\"}", 0},
		{"{\"${SCOPE}\": \"name\"}", "{\"${SCOPE}\":\"name\"}", 0}, /* only values */
		{"{} // ${UNSET}", "{}", 0},
		{"\xEF\xBB\xBF{\"a\":true,\"b\":null,\"c\":-1.5e3}", "{\"a\":true,\"b\":null,\"c\":-1500.0}", 0},
		{"{\"a\":1}\r\n\t ", "{\"a\":1}", 0},
		/* A value is never syntax. */
		{"{\"s\": \"${INJECT}\"}", "{\"s\":\"\\\",\\\"token_url\\\":\\\"https://evil.example\"}", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(1 << 20);
		struct errinfo ei = {0};
		struct authfile file;
		struct buf json;
		size_t asked;

		if (parse(a, cases[i].text, &asked, &file, &ei))
			fail_msg("%s: %s", cases[i].text, ei.detail);
		buf_init(&json, 4096);
		jsonr_dump(file.object, &json);
		assert_string_equal(buf_cstr(&json), cases[i].json);
		assert_int_equal(asked, cases[i].variables);
		buf_done(&json);
		arena_free(&a);
	}
}

static void mistakes_have_a_line(void **state)
{
	static const struct {
		const char *text, *detail;
	} cases[] = {
		{"", "x.json is empty"},
		{"// only this", "x.json is empty"},
		{"{\n\"a\": 1\n", "line 3: the file ends before a } closes the object"},
		{"{\"a\": [1\n", "line 2: the file ends before a ] closes the list"},
		{"{\"a\": 1,\n}", "line 2: a comma too many before the closing bracket"},
		{"{\"a\": [1,]}", "line 1: a comma too many"},
		{"{\n\"a\": 1\n\"b\": 2}", "line 3: a comma or colon is missing before this"},
		{"{\"a\" \"b\"}", "line 1: a comma or colon is missing"},
		{"{\"a\": 1 2}", "line 1: a comma or colon is missing"},
		{"{}\n{}", "line 2: text stands behind the end of the object"},
		{"{}\n\n x", "line 3: text stands behind the end of the object"},
		{"{\n/* no end\n\n", "line 2: the comment that begins here has no end"},
		{"{/*/", "line 1: the comment that begins here has no end"},
		{"{\n\"a\": \"b\n\"}", "line 2: a string is not closed on its line"},
		{"{\"a\": \"b", "line 1: a string is not closed"},
		{"{\"a\": \"b\\", "line 1: a string is not closed"},
		{"{\"a\": 1]", "line 1: a closing bracket that nothing opened"},
		{"]", "line 1: a closing bracket that nothing opened"},
		{"{\n\n\"s\": \"${UNSET}\"}", "line 3: ${UNSET} is not set in the environment"},
		{"{\"s\": \"${BROKEN}\"}", "line 1: the value of ${BROKEN} is not UTF-8"},
		{"{\"s\":\n\"${}\"}", "line 2: after ${ a variable's name and } must follow"},
		{"{\"s\": \"${A B}\"}", "line 1: after ${ a variable's name"},
		{"{\"s\": \"${1A}\"}", "line 1: after ${ a variable's name"},
		{"{\"s\": \"${SCOPE\"}", "line 1: after ${ a variable's name"},
		{"{\"a\": wrong}", "x.json: not valid JSON: line 1"},
		{"{a: 1}", "x.json: not valid JSON: line 1"},
		{"{'a': 1}", "x.json: not valid JSON: line 1"},
		{"/* 1\n2 */ {\n\"a\": 1, \"a\": 2}", "x.json: not valid JSON: line 3"},
		{"{\"a\": \"\\q\"}", "x.json: not valid JSON: line 1"},
		{"[{\"a\":1}]", "line 1: one object is expected"},
		{"\"text\"", "line 1: one object is expected"},
		{"{\"a\":\n / 1}", "line 2: a / that begins no comment"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(1 << 20);
		struct authfile file = {.count = 77};
		struct errinfo ei = {0};
		size_t asked;

		assert_int_equal(parse(a, cases[i].text, &asked, &file, &ei), ERR_INVALID);
		if (!strstr(ei.detail, cases[i].detail))
			fail_msg("%s: got \"%s\"", cases[i].text, ei.detail);
		assert_int_equal(file.count, 77);
		arena_free(&a);
	}
}

static void errors_never_quote_values(void **state)
{
	static const char *const cases[] = {
		"{\"client_secret\": \"GOCSPX-canary\" \"x\": 1}",
		"{\"client_secret\": \"GOCSPX-canary\n\"}",
		"{\"client_secret\": GOCSPX-canary}",
		"{\"client_secret\": \"GOCSPX-canary\", \"client_secret\": \"GOCSPX-canary\"}",
		"{\"a\": \"${GOCSPX-canary}\"}",
		"{\"client_secret\": \"GOCSPX-canary\\q\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(1 << 20);
		struct errinfo ei = {0};
		struct authfile file;
		size_t asked;

		assert_int_equal(parse(a, cases[i], &asked, &file, &ei), ERR_INVALID);
		assert_null(strstr(ei.detail, "canary"));
		assert_null(strstr(ei.hint, "canary"));
		arena_free(&a);
	}
}

static void members_have_lines(void **state)
{
	static const char text[] =
		"{\n  // c\n  \"name\": \"G\",\n  \"configuration\": {\n    \"issuer\": \"i\"\n  },\n"
		"  \"scopes\": [\n    \"name2\"\n  ]\n}\n";
	struct arena *a = arena_new(1 << 20);
	struct authfile file;
	size_t asked;

	(void)state;
	assert_int_equal(parse(a, text, &asked, &file, NULL), ERR_OK);
	assert_int_equal(authfile_line(&file, "name"), 3);
	assert_int_equal(authfile_line(&file, "configuration.issuer"), 4);
	assert_int_equal(authfile_line(&file, "scopes[0]"), 7);
	assert_int_equal(authfile_line(&file, "issuer"), 0);
	assert_int_equal(authfile_line(&file, "name2"), 0);
	assert_int_equal(authfile_line(&file, "client_id"), 0);
	arena_free(&a);
}

static void sizes_have_limits(void **state)
{
	struct arena *a = arena_new(1 << 24);
	struct errinfo ei = {0};
	struct authfile file;
	struct buf text;
	size_t asked = 0;

	(void)state;
	buf_init(&text, 1 << 20);
	for (int i = 0; i < JSONR_MAX_DEPTH + 1; i++)
		buf_putc(&text, '[');
	assert_int_equal(authfile_parse(a, "x.json", buf_slice(&text), environment, &asked, &file, &ei), ERR_INVALID);
	assert_non_null(strstr(ei.detail, "nested too deep"));

	buf_reset(&text);
	buf_puts(&text, "{\"a\":\"");
	for (int i = 0; i < AUTHFILE_MAX_BYTES; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\"}");
	assert_int_equal(authfile_parse(a, "x.json", buf_slice(&text), environment, &asked, &file, &ei), ERR_TOO_LARGE);

	assert_int_equal(authfile_parse(a, "x.json", SLICE_LIT("{\"a\":\0 1}"), environment, &asked, &file, &ei),
			 ERR_INVALID);
	assert_non_null(strstr(ei.detail, "line 1: a NUL byte"));
	buf_done(&text);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(mistakes_have_a_line),
		cmocka_unit_test(errors_never_quote_values),
		cmocka_unit_test(members_have_lines),
		cmocka_unit_test(sizes_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
