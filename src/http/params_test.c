/* SPDX-License-Identifier: Apache-2.0 */
/* Queries and forms: strict (OA-08). */
#include "http/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static void test_good(void **state)
{
	static const struct {
		const char *text;
		size_t count;
		const char *name, *value;
	} cases[] = {
		{"", 0, "a", NULL},
		{"&&", 0, "a", NULL},
		{"a=1", 1, "a", "1"},
		{"a=1&b=2", 2, "b", "2"},
		{"a", 1, "a", ""},
		{"a=", 1, "a", ""},
		{"a=b=c", 1, "a", "b=c"},
		{"a=b+c%20d%2B", 1, "a", "b c d+"},
		{"%61=1", 1, "a", "1"},
		{"a=%C3%A9", 1, "a", "\xC3\xA9"},
		{"a=%0d%0a", 1, "a", "\r\n"}, /* data; WB-09 is the response's */
		{"a=1&A=2", 2, "A", "2"},
		{"&a=1&", 1, "a", "1"},
		{"a=1;b=2", 1, "a", "1;b=2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(1 << 20);
		struct params p;
		struct slice got;

		assert_int_equal(params_parse(slice_from(cases[i].text), a, &p, NULL), ERR_OK);
		assert_int_equal(p.count, cases[i].count);
		got = params_get(&p, cases[i].name);
		if ((got.p != NULL) != (cases[i].value != NULL) || (got.p && !slice_is(got, cases[i].value)))
			fail_msg("%s", cases[i].text);
		arena_free(&a);
	}
}

static void test_bad(void **state)
{
	static const struct {
		struct slice text;
		const char *named; /* in the sentence; NULL: must not be */
	} cases[] = {
		{SLICE_LIT("a=1&a=2"), "'a'"},
		{SLICE_LIT("a=1&%61=2"), "'a'"},
		{SLICE_LIT("state=x&b=1&state=x"), "'state'"},
		{SLICE_LIT("a=%"), "'a'"},
		{SLICE_LIT("a=%4"), "'a'"},
		{SLICE_LIT("a=%zz"), "'a'"},
		{SLICE_LIT("a=%00"), "'a'"},
		{SLICE_LIT("a=\0"), "'a'"},
		{SLICE_LIT("a=\xFF"), "'a'"},
		{SLICE_LIT("a=%FF"), "'a'"},
		{SLICE_LIT("a=%ED%A0%80"), "'a'"},
		{SLICE_LIT("=1"), NULL},
		{SLICE_LIT("%ff=1"), NULL},
		{SLICE_LIT("%=1"), NULL},
		{SLICE_LIT("%0aevil=1&%0aevil=2"), NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(1 << 20);
		struct params p = {.count = 77};
		struct errinfo ei = {0};

		if (params_parse(cases[i].text, a, &p, &ei) != ERR_INVALID)
			fail_msg("case %zu was taken", i);
		assert_int_equal(p.count, 77);
		assert_true(ei.detail[0] != '\0');
		if (cases[i].named)
			assert_non_null(strstr(ei.detail, cases[i].named));
		assert_null(strchr(ei.detail, '\n'));
		arena_free(&a);
	}
}

static void test_the_number_is_capped(void **state)
{
	(void)state;
	for (size_t n = REQUEST_PARAMS_MAX - 1; n <= REQUEST_PARAMS_MAX + 1; n++) {
		struct arena *a = arena_new(1 << 20);
		struct params p;
		struct buf b;

		buf_init(&b, 4096);
		for (size_t i = 0; i < n; i++)
			buf_printf(&b, "p%zu=1&", i);
		assert_int_equal(params_parse(buf_slice(&b), a, &p, NULL),
				 n <= REQUEST_PARAMS_MAX ? ERR_OK : ERR_INVALID);
		buf_done(&b);
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_the_number_is_capped),
	};

	return cmocka_run_group_tests_name("http/params", tests, NULL, NULL);
}
