/* SPDX-License-Identifier: Apache-2.0 */
/* AP-09: what one caller may ask for, what it is told beyond that, and that others are not touched. */
#include "core/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "core/testquota.h"

static enum err take(struct quota *l, enum quota_kind kind, const char *whose, struct errinfo *ei)
{
	return quota_take(l, kind, slice_from(whose), SLICE_LIT(""), ei);
}

static size_t take_all(struct quota *l, enum quota_kind kind, const char *whose)
{
	size_t n = 0;

	while (take(l, kind, whose, NULL) == ERR_OK)
		assert_true(++n < 100000);
	return n;
}

static void beyond_it_one_is_told_how_long_to_wait(void **state)
{
	struct quota *l = *state;
	struct errinfo ei = {.field_count = 3, .code = "left over"};
	const uint64_t of_key = metrics_sum(METRIC_THROTTLED_KEY), of_app = metrics_sum(METRIC_THROTTLED_APP);

	quota_set(l, QUOTA_KEY, 10);
	assert_int_equal(take_all(l, QUOTA_KEY, "a"), 20); /* two seconds' worth */
	assert_int_equal(quota_check(l, QUOTA_KEY, SLICE_LIT("a"), &ei), ERR_LIMIT);
	assert_int_equal(quota_check(l, QUOTA_KEY, SLICE_LIT("b"), &ei), ERR_OK);
	assert_int_equal(take(l, QUOTA_KEY, "a", &ei), ERR_LIMIT);
	assert_int_equal(ei.retry_after_s, 1);
	assert_int_equal(ei.field_count, 0);
	assert_string_equal(err_wire_code(ERR_LIMIT, &ei), "too_many_requests");
	assert_string_equal(ei.detail, "this API key makes more than the 10 requests a second that it may");
	assert_string_equal(
		ei.hint, "Wait 1 second and go on more slowly; the operator sets this limit with FIBERWISE_RATE_KEY.");
	testquota_now_ms += 1000; /* as told, and it works */
	assert_int_equal(take_all(l, QUOTA_KEY, "a"), 10);
	assert_int_equal(metrics_sum(METRIC_THROTTLED_KEY) - of_key, 4);
	assert_int_equal(metrics_sum(METRIC_THROTTLED_APP) - of_app, 0);
}

static void others_have_their_own(void **state)
{
	struct quota *l = *state;

	for (enum quota_kind kind = 0; kind < QUOTA__COUNT; kind++)
		quota_set(l, kind, 1);
	take_all(l, QUOTA_KEY, "a");
	assert_int_equal(take(l, QUOTA_KEY, "b", NULL), ERR_OK);
	for (enum quota_kind kind = 0; kind < QUOTA__COUNT; kind++)
		if (kind != QUOTA_KEY)
			assert_int_equal(take(l, kind, "a", NULL), ERR_OK);
	assert_int_equal(take_all(l, QUOTA_USER, "u"), 5);
	assert_int_equal(quota_take(l, QUOTA_USER, SLICE_LIT("u"), SLICE_LIT("other app"), NULL), ERR_OK);
}

/* DO-03: within any ten minutes no more than so many, however they come. */
static void so_many_within_a_span(void **state)
{
	struct quota *l = *state;
	size_t begun[40] = {0};

	quota_set_within(l, QUOTA_STARTS, 100, 600 * 1000);
	for (size_t minute = 0; minute < ARRAY_LEN(begun); minute++) {
		size_t sum = 0;

		begun[minute] = take_all(l, QUOTA_STARTS, "a");
		for (size_t i = minute >= 10 ? minute - 9 : 0; i <= minute; i++)
			sum += begun[i];
		assert_in_range(sum, 45, 100);
		testquota_now_ms += 60 * 1000;
	}
	assert_int_equal(begun[0], 50);
	assert_int_equal(begun[1], 5);
}

static void nothing_set_is_no_limit(void **state)
{
	struct quota *l = *state;

	quota_set(l, QUOTA_KEY, 1);
	quota_set(l, QUOTA_KEY, 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(take(l, QUOTA_KEY, "a", NULL), ERR_OK);
	assert_int_equal(take(NULL, QUOTA_KEY, "a", NULL), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(beyond_it_one_is_told_how_long_to_wait, testquota_setup, testquota_teardown),
		cmocka_unit_test_setup_teardown(others_have_their_own, testquota_setup, testquota_teardown),
		cmocka_unit_test_setup_teardown(so_many_within_a_span, testquota_setup, testquota_teardown),
		cmocka_unit_test_setup_teardown(nothing_set_is_no_limit, testquota_setup, testquota_teardown),
	};

	return cmocka_run_group_tests_name("core/quota", tests, NULL, NULL);
}
