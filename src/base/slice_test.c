/* SPDX-License-Identifier: Apache-2.0 */
/* Views: cutting, comparing and the three questions about content, each with its neighbours. */
#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void test_comparing(void **state)
{
	(void)state;
	assert_true(slice_is(slice_from(NULL), ""));
	assert_true(slice_eq((struct slice){0}, SLICE_LIT("")));
	assert_true(slice_is(SLICE_LIT("code"), "code"));
	assert_false(slice_is(SLICE_LIT("code"), "Code"));
	assert_false(slice_is(SLICE_LIT("code"), "cod"));
	assert_false(slice_is(slice_make("a\0b", 3), "a"));
	assert_true(slice_is_nocase(SLICE_LIT("BeArEr"), "bearer"));
	assert_false(slice_is_nocase(SLICE_LIT("BeArE"), "bearer"));
	assert_false(
		slice_is_nocase(SLICE_LIT("["), "{")); /* 0x5B and 0x7B differ by the case bit, but are no letters */
	assert_false(slice_is_nocase(SLICE_LIT("@"), "`"));
	assert_true(slice_starts(SLICE_LIT("api_fw"), "api_") && slice_starts(SLICE_LIT("x"), ""));
	assert_false(slice_starts(SLICE_LIT("api"), "api_"));
	assert_true(slice_ends(SLICE_LIT("a.json"), ".json") && slice_ends((struct slice){0}, ""));
	assert_false(slice_ends(SLICE_LIT("json"), ".json"));
}

static void test_cutting(void **state)
{
	static const struct {
		size_t at, n;
		const char *part;
	} cases[] = {{0, 3, "abc"},	 {0, 9, "abc"}, {1, 1, "b"},
		     {2, SIZE_MAX, "c"}, {3, 1, ""},	{SIZE_MAX, SIZE_MAX, ""}};
	static const struct {
		const char *text, *trimmed;
	} trims[] = {{" \t x y\t ", "x y"}, {"", ""}, {" \t", ""}, {"\nx\n", "\nx\n"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(slice_is(slice_sub(SLICE_LIT("abc"), cases[i].at, cases[i].n), cases[i].part));
	assert_int_equal(slice_sub((struct slice){0}, 5, 5).n, 0);
	for (size_t i = 0; i < ARRAY_LEN(trims); i++)
		assert_true(slice_is(slice_trim(slice_from(trims[i].text)), trims[i].trimmed));
	assert_int_equal(slice_index(SLICE_LIT("a=b="), '='), 1);
	assert_int_equal(slice_index(SLICE_LIT("ab"), '='), 2);
	assert_int_equal(slice_index((struct slice){0}, '='), 0);
	assert_int_equal(slice_index(slice_make("ab=", 2), '='), 2); /* never behind the end */
}

static void test_splitting(void **state)
{
	static const struct {
		const char *text, *joined; /* every token followed by '|' */
	} cases[] = {{"", "|"},	    {"a", "a|"},   {"a,b", "a|b|"},  {",", "||"},
		     {"a,", "a||"}, {",a", "|a|"}, {"a,,b", "a||b|"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice rest = slice_from(cases[i].text), token;
		char joined[16] = "";

		while (slice_split(&rest, ',', &token)) {
			strncat(joined, token.p, token.n);
			strncat(joined, "|", 2);
		}
		assert_string_equal(joined, cases[i].joined);
		assert_false(slice_split(&rest, ',', &token));
	}
}

static void test_utf8(void **state)
{
	static const struct {
		const char *bytes;
		bool valid;
	} cases[] = {
		{"", true},
		{"plain", true},
		{"\xc2\x80", true},
		{"\xdf\xbf", true},
		{"\xe0\xa0\x80", true},
		{"\xed\x9f\xbf", true},
		{"\xee\x80\x80", true},
		{"\xf0\x90\x80\x80", true},
		{"\xf4\x8f\xbf\xbf", true},
		{"\x80", false},
		{"\xbf", false},
		{"\xc0\xaf", false}, /* overlong '/' */
		{"\xc1\xbf", false},
		{"\xc2", false},
		{"\xc2\x41", false},
		{"\xe0\x9f\xbf", false}, /* overlong */
		{"\xe0\xa0", false},
		{"\xed\xa0\x80", false}, /* a surrogate */
		{"\xe2\x82\x41", false},
		{"\xf0\x8f\xbf\xbf", false}, /* overlong */
		{"\xf4\x90\x80\x80", false}, /* behind U+10FFFF */
		{"\xf0\x90\x80", false},
		{"\xf0\x90\x80\x41", false},
		{"\xf5\x80\x80\x80", false},
		{"\xfe", false},
		{"\xff", false},
		{"ok\xc3", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(slice_is_utf8(slice_from(cases[i].bytes)), cases[i].valid);
	assert_false(slice_is_utf8(slice_make("a\0b", 3)));
	assert_false(slice_is_utf8(slice_make("\xc3\xa9", 1))); /* the second byte is not ours to read */
}

static void test_printable(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char byte = (char)(unsigned char)c;

		assert_int_equal(slice_is_printable(slice_make(&byte, 1)), c >= 0x20 && c <= 0x7E);
	}
	assert_true(slice_is_printable((struct slice){0}));
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool taken;
		uint64_t value;
	} cases[] = {
		{"0", 0, true, 0},
		{"7", 9, true, 7},
		{"007", 9, true, 7},
		{"65535", 65535, true, 65535},
		{"65536", 65535, false, 0},
		{"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, false, 0},
		{"99999999999999999999999", UINT64_MAX, false, 0},
		{"", 9, false, 0},
		{"-1", 9, false, 0},
		{"+1", 9, false, 0},
		{" 1", 9, false, 0},
		{"1 ", 9, false, 0},
		{"0x1", 9, false, 0},
		{"1e1", 99, false, 0},
		{"/", 99, false, 0}, /* the neighbours of '0' and '9' */
		{":", 99, false, 0},
		{"\xb2", 99, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t value = 4711;

		assert_int_equal(slice_to_u64(slice_from(cases[i].text), cases[i].max, &value), cases[i].taken);
		assert_true(value == (cases[i].taken ? cases[i].value : 4711));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comparing), cmocka_unit_test(test_cutting),   cmocka_unit_test(test_splitting),
		cmocka_unit_test(test_utf8),	  cmocka_unit_test(test_printable), cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
