/* SPDX-License-Identifier: Apache-2.0 */
/* What is written is JSON whatever goes in: each case is read back by the reader. */
#include "json/jsonw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "json/jsonr.h"

static void test_commas_and_nesting(void **state)
{
	struct buf out;
	struct jsonw w;

	(void)state;
	buf_init(&out, 1000);
	jsonw_init(&w, &out);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "s", "x");
	jsonw_string(&w, "n", NULL);
	jsonw_object(&w, "empty");
	jsonw_object_end(&w);
	jsonw_array(&w, "a");
	jsonw_integer(&w, NULL, INT64_MIN);
	jsonw_array(&w, NULL);
	jsonw_array_end(&w);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "t", true);
	jsonw_bool(&w, "f", false);
	jsonw_object_end(&w);
	jsonw_null(&w, NULL);
	jsonw_array_end(&w);
	jsonw_time(&w, "never", 0);
	jsonw_time(&w, "at", 1000);
	jsonw_raw(&w, "raw", SLICE_LIT("[1]"));
	jsonw_raw(&w, "none", (struct slice){0});
	jsonw_slice(&w, "nothing", (struct slice){0});
	jsonw_object_end(&w);
	assert_true(buf_ok(&out));
	assert_string_equal(
		buf_cstr(&out),
		"{\"s\":\"x\",\"n\":null,\"empty\":{},\"a\":[-9223372036854775808,[],{\"t\":true,\"f\":false},"
		"null],\"never\":null,\"at\":\"1970-01-01T00:00:01Z\",\"raw\":[1],\"none\":null,"
		"\"nothing\":\"\"}");
	buf_done(&out);
}

/* Writes [text], reads it back; `expect` NULL: the same text. */
static void round_trip(struct slice text, const char *expect)
{
	struct jsonr *doc = NULL;
	struct buf out;
	struct jsonw w;

	buf_init(&out, 4096);
	jsonw_init(&w, &out);
	jsonw_array(&w, NULL);
	jsonw_slice(&w, NULL, text);
	jsonw_array_end(&w);
	for (size_t i = 0; i < out.n; i++)
		assert_true((unsigned char)out.p[i] >= 0x20 && out.p[i] != 0x7F);
	assert_int_equal(jsonr_parse(buf_slice(&out), 4096, &doc, NULL), ERR_OK);
	assert_int_equal(jsonr_count(doc), 1);
	assert_true(slice_eq(jsonr_string(jsonr_at(doc, 0)), expect ? slice_from(expect) : text));
	jsonr_free(&doc);
	buf_done(&out);
}

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static void test_texts(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"", NULL},
		{"plain", NULL},
		{"\"\\/", NULL},
		{"\"}],{\"admin\":true", NULL},
		{"\r\n\t\b\f\x1b[2J\x7f", NULL},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91", NULL},
		{"\xe2\x80\xa8\xe2\x80\xae", NULL},
		{"</script>", NULL},
		{"\xff", BAD},
		{"a\xc3", "a" BAD},
		{"\xc3(", BAD "("},
		{"\xe2\x82", BAD BAD},
		{"\xc0\xaf", BAD BAD},
		{"\xed\xa0\x80", BAD BAD BAD},
		{"\xf0\x9f\x94\xf0\x9f\x94\x91", BAD BAD BAD "\xf0\x9f\x94\x91"},
		{"\x80\xc3\xa9", BAD "\xc3\xa9"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		round_trip(slice_from(cases[i].in), cases[i].out);
	for (int c = 1; c < 0x80; c++) {
		char byte = (char)c;

		round_trip(slice_make(&byte, 1), NULL);
	}
}

static void test_nul_and_keys_are_escaped_too(void **state)
{
	struct buf out;
	struct jsonw w;

	(void)state;
	buf_init(&out, 200);
	jsonw_init(&w, &out);
	jsonw_object(&w, NULL);
	jsonw_slice(&w, "k\"\n\xff", slice_make("a\0b", 3));
	jsonw_object_end(&w);
	assert_string_equal(buf_cstr(&out), "{\"k\\\"\\u000a\\ufffd\":\"a\\u0000b\"}");
	buf_done(&out);
}

/* Cut anywhere, the buffer says so: half an answer must not pass for a whole one. */
static void test_every_too_small_buffer_says_so(void **state)
{
	static const char whole[] = "{\"a\":[\"\\u0001\",1,true,null]}";

	(void)state;
	for (size_t max = 0; max < sizeof whole; max++) {
		struct buf out;
		struct jsonw w;

		buf_init(&out, max);
		jsonw_init(&w, &out);
		jsonw_object(&w, NULL);
		jsonw_array(&w, "a");
		jsonw_string(&w, NULL, "\x01");
		jsonw_integer(&w, NULL, 1);
		jsonw_bool(&w, NULL, true);
		jsonw_null(&w, NULL);
		jsonw_array_end(&w);
		jsonw_object_end(&w);
		assert_int_equal(buf_ok(&out), max == sizeof whole - 1);
		if (buf_ok(&out))
			assert_string_equal(buf_cstr(&out), whole);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commas_and_nesting),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_nul_and_keys_are_escaped_too),
		cmocka_unit_test(test_every_too_small_buffer_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
