/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3339 at the edges, and that a clock handed in is the one that is asked. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"

static void test_rfc3339(void **state)
{
	static const struct {
		int64_t at_ms;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00Z"},
		{999, "1970-01-01T00:00:00Z"},
		{1000, "1970-01-01T00:00:01Z"},
		{951782400000, "2000-02-29T00:00:00Z"},
		{4294967296000, "2106-02-07T06:28:16Z"},
		{253402300799999, "9999-12-31T23:59:59Z"},
		{253402300800000, "9999-12-31T23:59:59Z"},
		{INT64_MAX, "9999-12-31T23:59:59Z"},
		{-1, "1970-01-01T00:00:00Z"}, /* long past must never look like for ever */
		{INT64_MIN, "1970-01-01T00:00:00Z"},
	};
	char text[CLOCK_RFC3339_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		clock_rfc3339(cases[i].at_ms, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* Every day of four centuries and the days around each other century's end, against libc. */
static void test_rfc3339_is_what_libc_says(void **state)
{
	char text[CLOCK_RFC3339_BYTES], want[CLOCK_RFC3339_BYTES];
	struct tm tm;

	(void)state;
	for (int64_t day = 0; day < 8030LL * 366; day += day < 146098 || day % 36524 < 400 ? 1 : 97) {
		time_t seconds = (time_t)(day * 86400 + day * 7919 % 86400);

		if (!gmtime_r(&seconds, &tm) || tm.tm_year > 8099)
			break;
		strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm);
		clock_rfc3339((int64_t)seconds * 1000 + day % 1000, text);
		assert_string_equal(text, want);
	}
}

static int64_t plus_one(void *arg)
{
	return ++*(int64_t *)arg;
}

static void test_the_clock_is_handed_in(void **state)
{
	int64_t now = 41;
	struct clock fake = {.wall_ms = plus_one, .mono_ms = plus_one, .arg = &now};

	(void)state;
	assert_int_equal(clock_wall_ms(&fake), 42);
	assert_int_equal(clock_mono_ms(&fake), 43);
	assert_true(clock_wall_ms(&clock_system) > 1700000000000);
	now = clock_mono_ms(&clock_system);
	assert_true(clock_mono_ms(&clock_system) >= now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_rfc3339_is_what_libc_says),
		cmocka_unit_test(test_the_clock_is_handed_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
