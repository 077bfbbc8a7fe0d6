/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define BAD "\xEF\xBF\xBD"

static void clean_takes_harm_out(void **state)
{
	static const struct {
		const char *raw, *clean;
	} cases[] = {
		{"Google", "Google"},
		{"Zoë 東京 🙂", "Zoë 東京 🙂"},
		{"\033[31mred\033[0m", BAD "[31mred" BAD "[0m"},
		{"a\x7F", "a" BAD},
		{"c1\xC2\x9Bx", "c1" BAD "x"},	 /* CSI as one C1 character */
		{"\xE2\x80\xAEgnp", BAD "gnp"},	 /* right-to-left override */
		{"x\xE2\x81\xA6y", "x" BAD "y"}, /* isolate */
		{"bad\xFF\xFEutf", "bad" BAD BAD "utf"},
		{"cut\xE6\x9D", "cut" BAD BAD}, /* sequence without its end */
		{"over\xC0\xAFlong", "over" BAD BAD "long"},
		{"surrogate\xED\xA0\x80", "surrogate" BAD BAD BAD},
		{"two\nlines\tand\rmore", "two lines and more"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *a = arena_new(4096);

		assert_string_equal(text_clean(a, slice_from(cases[i].raw)), cases[i].clean);
		arena_free(&a);
	}
}

static void nul_is_not_an_end(void **state)
{
	struct arena *a = arena_new(4096);

	(void)state;
	assert_string_equal(text_clean(a, slice_make("a\0b", 3)), "a" BAD "b");
	arena_free(&a);
}

static void width_counts_columns(void **state)
{
	(void)state;
	assert_int_equal(text_width(SLICE_LIT("abc")), 3);
	assert_int_equal(text_width(SLICE_LIT("Zoë")), 3);
	assert_int_equal(text_width(SLICE_LIT("東京")), 4);
	assert_int_equal(text_width(SLICE_LIT("e\xCC\x81")), 1); /* e and a combining accent */
	assert_int_equal(text_width(SLICE_LIT("")), 0);
}

static void cut_keeps_characters_whole(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		const char *cut;
	} cases[] = {
		{"abcdef", 6, "abcdef"}, {"abcdef", 4, "abc…"}, {"東京都", 6, "東京都"}, {"東京都", 5, "東京…"},
		{"東京都", 4, "東…"},	 {"abc", 1, "…"},	{"abc", 0, ""},		 {"ééé", 2, "é…"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out;
		size_t used;

		buf_init(&out, 100);
		used = text_put_cut(&out, slice_from(cases[i].text), cases[i].width);
		assert_string_equal(buf_cstr(&out), cases[i].cut);
		assert_int_equal(used, text_width(buf_slice(&out)));
		assert_true(used <= cases[i].width);
		buf_done(&out);
	}
}

static void json_keeps_its_meaning(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 200);
	text_put_json(&out, SLICE_LIT("{\"a\":\"Zoë\xC2\x9B\xE2\x80\xAE\"}"));
	assert_string_equal(buf_cstr(&out), "{\"a\":\"Zoë\\u009b\\u202e\"}");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean_takes_harm_out),	  cmocka_unit_test(nul_is_not_an_end),
		cmocka_unit_test(width_counts_columns),	  cmocka_unit_test(cut_keeps_characters_whole),
		cmocka_unit_test(json_keeps_its_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
