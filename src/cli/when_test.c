/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* 2026-11-23T23:08:52Z */
static const int64_t noon = INT64_C(1795475332000);

static void dates_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t at;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-23T23:08:52Z", INT64_C(1795475332000)},
		{"2026-11-23T23:08:52.987654Z", INT64_C(1795475332000)},
		{"2026-11-24T00:08:52+01:00", INT64_C(1795475332000)},
		{"2026-11-23T17:38:52-05:30", INT64_C(1795475332000)},
		{"2024-02-29T00:00:00z", INT64_C(1709164800000)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t at = -1;

		assert_true(when_parse(slice_from(cases[i].text), &at));
		assert_int_equal(at, cases[i].at);
	}
}

static void what_is_no_date_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"null",
		"2026-11-23",
		"2026-11-23T23:08:52",
		"2026-11-23T23:08Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2025-02-29T00:00:00Z",
		"2026-11-23T24:00:00Z",
		"2026-11-23T23:60:00Z",
		"2026-11-23T23:08:52.Z",
		"2026-11-23T23:08:52+1:00",
		"2026-11-23T23:08:52Zx",
		" 2026-11-23T23:08:52Z",
		"+026-11-23T23:08:52Z",
		"99999-11-23T23:08:52Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t at = -1;

		assert_false(when_parse(slice_from(cases[i]), &at));
		assert_int_equal(at, -1);
	}
}

static void distances_read_well(void **state)
{
	static const struct {
		int64_t away_s;
		const char *text;
	} cases[] = {
		{0, "just now"},
		{2, "now"},
		{-2, "just now"},
		{54, "in 54 s"},
		{-119, "119 s ago"},
		{120, "in 2 min"},
		{597, "in 10 min"},
		{569, "in 9 min"},
		{-3600, "60 min ago"},
		{7200, "in 2 h"},
		{-90000, "25 h ago"},
		{172800, "in 2 days"},
		{-432000, "5 days ago"},
		{864000, "3 Dec 2026 23:08"},
		{-3600 * 24 * 60, "24 Sep 2026 23:08"},
	};
	struct arena *a = arena_new(65536);

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(when_text(a, noon + cases[i].away_s * 1000, noon), cases[i].text);
	assert_string_equal(when_of(a, SLICE_LIT(""), noon), "-");
	assert_string_equal(when_of(a, SLICE_LIT("2026-11-23T23:09:52Z"), noon), "in 60 s");
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_read),
		cmocka_unit_test(what_is_no_date_is_refused),
		cmocka_unit_test(distances_read_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
