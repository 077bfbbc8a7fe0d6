/* SPDX-License-Identifier: Apache-2.0 */
/* What is JSON to us, what is refused (DO-01), and that nothing of a document stays behind in freed memory. */
#include "json/jsonr.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

enum { MOST = 1 << 20 };

static struct jsonr *parse(const char *text)
{
	struct jsonr *doc = NULL;

	assert_int_equal(jsonr_parse(slice_from(text), MOST, &doc, NULL), ERR_OK);
	return doc;
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"",
		" ",
		"{",
		"}",
		"[",
		"]",
		"[1",
		"{\"a\"",
		"{\"a\":",
		"{\"a\":1",
		"{\"a\":1,}",
		"[1,]",
		"[,1]",
		"{,}",
		"{a:1}",
		"{'a':1}",
		"{\"a\":1 \"b\":2}",
		"[1 2]",
		"nul",
		"True",
		"NaN",
		"Infinity",
		"-Infinity",
		"undefined",
		"+1",
		"01",
		"-",
		"1.",
		".5",
		"1e",
		"1e+",
		"0x10",
		"\"",
		"\"\\\"",
		"\"\\x41\"",
		"\"\\u12\"",
		"\"\\ud800\"",
		"\"\\udc00\"",
		"\"\\ud800\\u0041\"",
		"\"\n\"",
		"\"\t\"",
		"\"\x01\"",
		"\"\x80\"",
		"\"\xc0\xaf\"",
		"\"\xed\xa0\x80\"",
		"\"\xf5\x80\x80\x80\"",
		"\"\xc3\"",
		"\xff",
		"\xef\xbb\xbf{}", /* byte order mark */
		"{} {}",
		"{}x",
		"1 1",
		"null,",
		"// c\n1",
		"/* c */ 1",
		"{\"a\":1}\n]",
		/* duplicate keys: two readers could see different values */
		"{\"a\":1,\"a\":1}",
		"{\"access_token\":\"x\",\"b\":1,\"access_token\":\"y\"}",
		"{\"a\":{\"b\":1,\"b\":2}}",
		"[{\"a\":1,\"\\u0061\":2}]",
		/* NUL in a string would cut it for whoever takes it as a C string */
		"\"\\u0000\"",
		"{\"a\":\"b\\u0000c\"}",
		"{\"\\u0000\":1}",
		"{\"a\\u0000b\":1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jsonr *doc = NULL;
		struct errinfo ei = {0};
		enum err e = jsonr_parse(slice_from(cases[i]), MOST, &doc, &ei);

		if (e != ERR_INVALID)
			print_error("taken: %s\n", cases[i]);
		assert_int_equal(e, ERR_INVALID);
		assert_null(doc);
		assert_non_null(strstr(ei.detail, "not valid JSON: line "));
	}
}

static void test_nothing_behind_the_slice_is_read(void **state)
{
	static const char text[] = "{\"a\":\"b\"}";
	struct jsonr *doc = NULL;

	(void)state;
	for (size_t n = 0; n < sizeof text - 1; n++) {
		char *copy = mem_calloc(1, n ? n : 1);

		memcpy(copy, text, n);
		assert_int_equal(jsonr_parse(slice_make(copy, n), MOST, &doc, NULL), ERR_INVALID);
		free(copy);
	}
	assert_int_equal(jsonr_parse((struct slice){0}, MOST, &doc, NULL), ERR_INVALID);
	assert_int_equal(jsonr_parse(slice_make("1\0", 2), MOST, &doc, NULL), ERR_INVALID);
	assert_int_equal(jsonr_parse(slice_make("[1\0,2]", 7), MOST, &doc, NULL), ERR_INVALID);
	assert_int_equal(jsonr_parse(slice_make("\"a\0b\"", 5), MOST, &doc, NULL), ERR_INVALID);
}

/* The text may be a token endpoint's answer: the sentence tells the place and quotes nothing. */
static void test_the_sentence_quotes_nothing(void **state)
{
	static const char *const cases[] = {"{\"access_token\":\"s3cret\"", "s3cret", "{\"a\":s3cret}", "\"s3cret",
					    "{\"s3cret\":1,\"s3cret\":2}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jsonr *doc = NULL;
		struct errinfo ei = {0};

		assert_int_equal(jsonr_parse(slice_from(cases[i]), MOST, &doc, &ei), ERR_INVALID);
		assert_null(strstr(ei.detail, "s3cret"));
	}
}

static char *nested(const char *open, const char *close, int depth)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < depth; i++)
		buf_puts(&b, open);
	buf_puts(&b, "1");
	for (int i = 0; i < depth; i++)
		buf_puts(&b, close);
	text = mem_strdup(buf_cstr(&b));
	buf_done(&b);
	return text;
}

static void test_depth_and_size(void **state)
{
	static const struct {
		const char *open, *close;
	} kinds[] = {{"[", "]"}, {"{\"a\":", "}"}};
	static const struct {
		int depth;
		enum err e;
	} cases[] = {{JSONR_MAX_DEPTH - 1, ERR_OK},
		     {JSONR_MAX_DEPTH, ERR_OK},
		     {JSONR_MAX_DEPTH + 1, ERR_INVALID},
		     {100000, ERR_INVALID}};
	struct jsonr *doc = NULL;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			char *text = nested(kinds[k].open, kinds[k].close, cases[i].depth);

			assert_int_equal(jsonr_parse(slice_from(text), MOST, &doc, NULL), cases[i].e);
			jsonr_free(&doc);
			mem_free_str(&text);
		}
	}
	/* brackets in strings don't count, and closing ones cannot buy depth */
	doc = parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[\"]");
	jsonr_free(&doc);
	assert_int_equal(jsonr_parse(SLICE_LIT("[[1,2]]"), 7, &doc, NULL), ERR_OK);
	jsonr_free(&doc);
	assert_int_equal(jsonr_parse(SLICE_LIT("[[1,2]]"), 6, &doc, NULL), ERR_TOO_LARGE);
	assert_null(doc);
}

static void test_lookups(void **state)
{
	struct jsonr *doc = parse(
		"{\"s\":\"t\\u00e9\",\"n\":null,\"b\":true,\"f\":false,\"i\":1,\"r\":1.5,\"a\":[1,\"x\"],"
		"\"o\":{\"p\":{\"q\":\"deep\"}},\"\":\"empty\",\"x.y\":1}");
	static const struct {
		const char *key;
		enum jsonr_type type;
		size_t count;
	} cases[] = {
		{"s", JSONR_STRING, 0}, {"n", JSONR_NULL, 0},	{"b", JSONR_BOOL, 0},
		{"f", JSONR_BOOL, 0},	{"i", JSONR_NUMBER, 0}, {"r", JSONR_NUMBER, 0},
		{"a", JSONR_ARRAY, 2},	{"o", JSONR_OBJECT, 1}, {"zz", JSONR_ABSENT, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(jsonr_type(jsonr_get(doc, cases[i].key)), cases[i].type);
		assert_int_equal(jsonr_count(jsonr_get(doc, cases[i].key)), cases[i].count);
	}
	assert_true(slice_is(jsonr_get_string(doc, "s"), "t\xc3\xa9"));
	assert_null(jsonr_get_string(doc, "i").p);
	assert_null(jsonr_get_string(doc, "zz").p);
	assert_null(jsonr_get_string(NULL, "s").p);
	assert_non_null(jsonr_get_string(doc, "").p);
	assert_true(jsonr_is_true(jsonr_get(doc, "b")));
	assert_false(jsonr_is_true(jsonr_get(doc, "f")));
	assert_false(jsonr_is_true(jsonr_get(doc, "i")));
	assert_false(jsonr_is_true(NULL));
	assert_true(slice_is(jsonr_string(jsonr_path(doc, "o.p.q")), "deep"));
	assert_null(jsonr_path(doc, "o.p.q.r"));
	assert_null(jsonr_path(doc, "o..q"));
	assert_true(slice_is(jsonr_string(jsonr_path(doc, "a.1")), "x"));
	assert_null(jsonr_path(doc, "a.2"));
	assert_null(jsonr_path(doc, "a.-1"));
	assert_null(jsonr_path(doc, "a."));
	assert_null(jsonr_path(doc, "a.x"));
	assert_null(jsonr_path(doc, "a.18446744073709551617"));
	assert_null(jsonr_path(doc, "o.0")); /* a name, in an object */
	assert_null(jsonr_path(doc, "x.y"));
	assert_null(jsonr_path(NULL, "o"));
	assert_true(slice_is(jsonr_string(jsonr_at(jsonr_get(doc, "a"), 1)), "x"));
	assert_null(jsonr_at(jsonr_get(doc, "a"), 2));
	assert_null(jsonr_at(jsonr_get(doc, "o"), 0));
	assert_null(jsonr_at(NULL, 0));
	assert_null(jsonr_get(jsonr_get(doc, "a"), "x"));
	assert_null(jsonr_get(jsonr_get(doc, "s"), "x"));
	jsonr_free(&doc);
	assert_null(doc);
	jsonr_free(&doc);
	jsonr_free(NULL);
}

/* OA-15: every form of expires_in. */
static void test_integers(void **state)
{
	static const struct {
		const char *text;
		bool whole;
		int64_t value;
	} cases[] = {
		{"0", true, 0},
		{"-1", true, -1},
		{"3600", true, 3600},
		{"3600.0", true, 3600},
		{"3.6e3", true, 3600},
		{"-0.0", true, 0},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9007199254740992.0", true, 9007199254740992},
		{"9007199254740993.0e3", false, 0},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0},
		{"100000000000000000000000000000000000000000", false, 0},
		{"3600.5", false, 0},
		{"1e300", false, 0},
		{"1e309", false, 0},
		{"-1e309", false, 0},
		{"1e99999", false, 0},
		{"1e-400", true, 0},
		{"\"3600\"", false, 0},
		{"true", false, 0},
		{"null", false, 0},
		{"[1]", false, 0},
		{"{}", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = mem_printf("{\"access_token\":\"a1e309\\\"1e309\",\"expires_in\":%s,\"n\":12345}",
					cases[i].text);
		struct jsonr *doc = parse(text);
		int64_t value = 4711;

		assert_int_equal(jsonr_integer(jsonr_get(doc, "expires_in"), &value), cases[i].whole);
		assert_int_equal(value, cases[i].whole ? cases[i].value : 4711);
		/* a number out of range costs only itself */
		assert_true(slice_is(jsonr_get_string(doc, "access_token"), "a1e309\"1e309"));
		assert_true(jsonr_integer(jsonr_get(doc, "n"), &value));
		assert_int_equal(value, 12345);
		jsonr_free(&doc);
		mem_free_str(&text);
	}
	assert_false(jsonr_integer(NULL, &(int64_t){0}));
}

static void test_large_numbers_don_t_make_bad_json_good(void **state)
{
	static const char *const cases[] = {"[1e309", "[1e309,]",  "{\"a\":1e309,\"a\":2}",
					    "1e309x", "[1e309 2]", "[\"\\u0000\",1e309]"};
	struct jsonr *doc = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(jsonr_parse(slice_from(cases[i]), MOST, &doc, NULL), ERR_INVALID);
}

static void note_key(const char *key, const struct jsonr *value, void *arg)
{
	buf_printf(arg, "%s%d ", key, (int)jsonr_type(value));
}

static void test_each_goes_in_the_document_s_order(void **state)
{
	struct jsonr *doc = parse("{\"z\":1,\"a\":\"x\",\"m\":null}");
	struct buf seen;

	(void)state;
	buf_init(&seen, 100);
	jsonr_each(doc, note_key, &seen);
	assert_string_equal(buf_cstr(&seen), "z3 a4 m1 ");
	buf_reset(&seen);
	jsonr_each(jsonr_get(doc, "a"), note_key, &seen);
	jsonr_each(NULL, note_key, &seen);
	assert_string_equal(buf_cstr(&seen), "");
	jsonr_free(&doc);
	buf_done(&seen);
}

static void test_dump(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"{ \"b\" : [ 1 , 2.5 ] , \"a\" : null }", "{\"a\":null,\"b\":[1,2.5]}"},
		{" \"x\\\"\\u0041\\n\" ", "\"x\\\"A\\n\""},
		{"true", "true"},
		{"[]", "[]"},
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jsonr *doc = parse(cases[i].in);

		buf_init(&out, 100);
		jsonr_dump(doc, &out);
		assert_string_equal(buf_cstr(&out), cases[i].out);
		buf_done(&out);
		buf_init(&out, strlen(cases[i].out) - 1);
		jsonr_dump(doc, &out);
		assert_false(buf_ok(&out));
		buf_done(&out);
		jsonr_free(&doc);
	}
	buf_init(&out, 10);
	jsonr_dump(NULL, &out);
	assert_int_equal(out.n, 0);
	buf_done(&out);
}

/* The wrapped free() (see meson.build) looks for the marker in everything that is given back. */
static const char marker[] = "s3cret-marker";
static size_t freed, dirty;

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	size_t n = p ? malloc_usable_size(p) : 0;

	freed += p != NULL;
	dirty += n && memmem(p, n, marker, 6) != NULL;
	__real_free(p);
}

static void test_nothing_of_a_document_stays_in_freed_memory(void **state)
{
	static const char *const texts[] = {
		"{\"access_token\":\"s3cret-marker\",\"a\":[\"s3cret-marker\",{\"b\":\"s3cret-marker\"}]}",
		"{\"s3cret-marker\":{\"s3cret-marker\":1}}",
		"\"s3cret-marker s3cret-marker s3cret-marker s3cret-marker s3cret-marker s3cret-marker\"",
		"{\"access_token\":\"s3cret-marker\",\"broken\":", /* what was parsed before an error */
		"{\"access_token\":\"s3cret-marker",
		"{\"a\":\"s3cret-marker\",\"expires_in\":1e309}", /* the copy with smaller numbers */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct jsonr *doc = NULL;
		struct arena *a = arena_new(4096);

		freed = dirty = 0;
		if (jsonr_parse(slice_from(texts[i]), MOST, &doc, NULL) == ERR_OK)
			assert_ptr_equal(jsonr_in_arena(a, doc), doc);
		arena_free(&a);
		assert_true(freed > 2);
		assert_int_equal(dirty, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nothing_behind_the_slice_is_read),
		cmocka_unit_test(test_the_sentence_quotes_nothing),
		cmocka_unit_test(test_depth_and_size),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_large_numbers_don_t_make_bad_json_good),
		cmocka_unit_test(test_each_goes_in_the_document_s_order),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_nothing_of_a_document_stays_in_freed_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
