/* SPDX-License-Identifier: Apache-2.0 */
/* WB-07: failures cost time, an account is never closed, and no count tells whether a name exists. */
#include "core/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "core/testquota.h"

static struct throttle_who who(const char *name, const char *client, const char *device)
{
	return (struct throttle_who){
		.name = slice_from(name), .client = slice_from(client), .device = slice_from(device)};
}

/* A wrong password at this moment; the seconds to wait, 0 when it was looked at. */
static unsigned try_wrong(struct quota *q, const char *name, const char *client, const char *device)
{
	const struct throttle_who w = who(name, client, device);
	struct errinfo ei = {.detail = ""};
	enum err e = throttle_begin(q, &w, &ei);

	if (!e)
		return 0;
	assert_int_equal(e, ERR_LIMIT);
	assert_string_equal(ei.detail, "too many sign-ins have failed lately");
	assert_true(ei.hint[0] && ei.retry_after_s > 0);
	return ei.retry_after_s;
}

/* Wrong passwords in a row from one client, each as soon as it may be; how many in that time. */
static size_t guess_for(struct quota *q, const char *name, const char *client, int64_t ms)
{
	int64_t end_ms = testquota_now_ms + ms;
	size_t n = 0;

	while (testquota_now_ms < end_ms) {
		unsigned wait_s = try_wrong(q, name, client, "");

		n += wait_s == 0;
		testquota_now_ms += (int64_t)wait_s * 1000;
	}
	return n;
}

static void waiting_grows(void **state)
{
	static const unsigned waits_s[] = {2, 4, 8, 16, 32, 64, 128};
	const uint64_t refused = metrics_sum(METRIC_THROTTLED_SIGN_INS);
	struct quota *q = *state;

	for (int i = 0; i < 6; i++)
		assert_int_equal(try_wrong(q, "admin", "a", ""), 0);
	for (size_t i = 0; i < ARRAY_LEN(waits_s); i++) {
		assert_int_equal(try_wrong(q, "admin", "a", ""), waits_s[i]);
		assert_int_equal(try_wrong(q, "admin", "a", ""), waits_s[i]); /* asking again makes it no longer */
		testquota_now_ms += waits_s[i] * 1000;
		assert_int_equal(try_wrong(q, "admin", "a", ""), 0);
	}
	assert_int_equal(metrics_sum(METRIC_THROTTLED_SIGN_INS) - refused, 2 * ARRAY_LEN(waits_s));
}

static void a_day_of_guessing_at_one_address_is_hopeless(void **state)
{
	struct quota *q = *state;
	size_t n = guess_for(q, "admin", "a", INT64_C(24) * 3600 * 1000);

	assert_in_range(n, 100, 200);
}

static void who_is_elsewhere_is_not_held_up(void **state)
{
	struct quota *q = *state;
	const struct throttle_who owner = who("admin", "b", "");

	for (int i = 0; i < 30; i++)
		(void)try_wrong(q, "admin", "a", "");
	assert_int_equal(throttle_begin(q, &owner, NULL), ERR_OK);
	throttle_succeeded(q, &owner);
}

/* From a thousand addresses: others wait for a turn of ten seconds, a known browser for nobody. */
static void a_thousand_addresses_slow_and_do_not_stop(void **state)
{
	struct quota *q = *state;
	const struct throttle_who known = who("admin", "addr 1", "device");
	size_t looked_at = 0;
	char client[32];

	for (int i = 0; i < 1000; i++) {
		snprintf(client, sizeof client, "addr %d", i);
		looked_at += try_wrong(q, "admin", client, "") == 0;
	}
	assert_int_equal(looked_at, 50);
	assert_in_range(try_wrong(q, "admin", "elsewhere", ""), 1, 10);
	assert_int_equal(throttle_begin(q, &known, NULL), ERR_OK);
	throttle_succeeded(q, &known);
	assert_int_equal(try_wrong(q, "another", "elsewhere", ""), 0);
	testquota_now_ms += 10 * 1000;
	assert_int_equal(try_wrong(q, "admin", "elsewhere", ""), 0);
}

static void a_known_browser_is_counted_too(void **state)
{
	struct quota *q = *state;

	for (int i = 0; i < 6; i++)
		assert_int_equal(try_wrong(q, "admin", "a", "stolen"), 0);
	assert_int_equal(try_wrong(q, "admin", "b", "stolen"), 2); /* wherever it is */
	assert_int_equal(try_wrong(q, "admin", "a", "other"), 0);
	assert_int_equal(try_wrong(q, "admin", "a", ""), 0);
}

static void one_address_and_many_names(void **state)
{
	struct quota *q = *state;
	char name[32];

	for (int i = 0; i < 21; i++) {
		snprintf(name, sizeof name, "name %d", i);
		assert_int_equal(try_wrong(q, name, "a", ""), 0);
	}
	assert_int_equal(try_wrong(q, "next", "a", ""), 2);
	assert_int_equal(try_wrong(q, "next", "b", ""), 0);
}

static void a_right_password_wipes_its_own_count_only(void **state)
{
	struct quota *q = *state;
	const struct throttle_who mine = who("mine", "a", "");
	char name[32];

	for (int i = 0; i < 5; i++)
		assert_int_equal(try_wrong(q, "mine", "a", ""), 0);
	assert_int_equal(throttle_begin(q, &mine, NULL), ERR_OK);
	throttle_succeeded(q, &mine);
	for (int i = 0; i < 6; i++)
		assert_int_equal(try_wrong(q, "mine", "a", ""), 0); /* from the beginning */
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "name %d", i);
		assert_int_equal(try_wrong(q, name, "a", ""), 0);
	}
	assert_int_equal(try_wrong(q, "next", "a", ""), 2); /* the address has its 21 */
}

static void what_nobody_looked_at_is_not_counted(void **state)
{
	struct quota *q = *state;
	const struct throttle_who w = who("admin", "a", ""), known = who("admin", "a", "device");

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(throttle_begin(q, &w, NULL), ERR_OK);
		throttle_undo(q, &w);
		assert_int_equal(throttle_begin(q, &known, NULL), ERR_OK);
		throttle_undo(q, &known);
	}
	assert_int_equal(throttle_begin(NULL, &w, NULL), ERR_OK);
	throttle_succeeded(NULL, &w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(waiting_grows, testquota_setup, testquota_teardown),
		cmocka_unit_test_setup_teardown(a_day_of_guessing_at_one_address_is_hopeless, testquota_setup, testquota_teardown),
		cmocka_unit_test_setup_teardown(who_is_elsewhere_is_not_held_up, testquota_setup, testquota_teardown),
		cmocka_unit_test_setup_teardown(a_thousand_addresses_slow_and_do_not_stop, testquota_setup, testquota_teardown),
		cmocka_unit_test_setup_teardown(a_known_browser_is_counted_too, testquota_setup, testquota_teardown),
		cmocka_unit_test_setup_teardown(one_address_and_many_names, testquota_setup, testquota_teardown),
		cmocka_unit_test_setup_teardown(a_right_password_wipes_its_own_count_only, testquota_setup, testquota_teardown),
		cmocka_unit_test_setup_teardown(what_nobody_looked_at_is_not_counted, testquota_setup, testquota_teardown),
	};

	return cmocka_run_group_tests_name("core/throttle", tests, NULL, NULL);
}
