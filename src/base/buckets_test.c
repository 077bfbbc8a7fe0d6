/* SPDX-License-Identifier: Apache-2.0 */
/* Shared token buckets and counts of failures: to the nanosecond, between mappings, under threads, and under a flood of strangers. */
#include "base/buckets.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/mem.h"

#define S    INT64_C(1000000000)
#define KIND 1

static int setup(void **state)
{
	struct buckets *b = NULL;
	int fd = -1;

	assert_int_equal(buckets_create(&fd, NULL), ERR_OK);
	assert_int_equal(buckets_map(fd, &b, NULL), ERR_OK);
	close(fd);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	buckets_unmap((struct buckets **)state);
	return 0;
}

static uint64_t id_of(const struct buckets *b, uint64_t n)
{
	return buckets_id(b, KIND, slice_make(&n, sizeof n), SLICE_LIT(""));
}

static void a_burst_and_then_the_rate(void **state)
{
	struct buckets *b = *state;
	struct bucket_rate rate = bucket_rate_of(10, 5);
	uint64_t id = id_of(b, 1);
	int64_t now = 1000 * S;

	for (int i = 0; i < 5; i++)
		assert_int_equal(buckets_take(b, id, &rate, now), 0);
	assert_int_equal(buckets_take(b, id, &rate, now), S / 10);
	assert_int_equal(buckets_take(b, id, &rate, now + S / 20), S / 20); /* asking costs nothing */
	assert_int_equal(buckets_wait(b, id, &rate, now + S / 20), S / 20);
	assert_int_equal(buckets_wait(b, id_of(b, 2), &rate, now), 0);
	assert_int_equal(buckets_take(b, id, &rate, now + S / 10 - 1), 1);
	assert_int_equal(buckets_take(b, id, &rate, now + S / 10), 0); /* exactly then */
	assert_int_equal(buckets_take(b, id, &rate, now + S / 10), S / 10);
	assert_int_equal(buckets_take(b, id_of(b, 2), &rate, now), 0); /* another's is full */
	/* No more than a burst is saved up. */
	now += 3600 * S;
	for (int i = 0; i < 5; i++)
		assert_int_equal(buckets_take(b, id, &rate, now), 0);
	assert_true(buckets_take(b, id, &rate, now) > 0);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
	struct buckets *b = *state;
	struct bucket_rate rate = bucket_rate_of(1, 2);
	uint64_t id = id_of(b, 1);

	buckets_give(b, id, &rate); /* never taken: nothing to give */
	assert_int_equal(buckets_take(b, id, &rate, S), 0);
	assert_int_equal(buckets_take(b, id, &rate, S), 0);
	assert_int_equal(buckets_take(b, id, &rate, S), S);
	buckets_give(b, id, &rate);
	assert_int_equal(buckets_take(b, id, &rate, S), 0);
	assert_int_equal(buckets_take(b, id, &rate, S), S);
}

static void no_rate_is_no_limit(void **state)
{
	struct buckets *b = *state;
	struct bucket_rate rate = bucket_rate_of(0, 5);

	for (int i = 0; i < 1000; i++)
		assert_int_equal(buckets_take(b, id_of(b, 1), &rate, S), 0);
}

static void kinds_and_reaches_are_apart(void **state)
{
	struct buckets *b = *state;
	struct slice a = SLICE_LIT("a"), bb = SLICE_LIT("b"), none = {0}, ab = SLICE_LIT("ab"), empty = SLICE_LIT("");
	const uint64_t ids[] = {buckets_id(b, 1, a, bb), buckets_id(b, 2, a, bb), buckets_id(b, 1, bb, a),
				buckets_id(b, 1, ab, empty), buckets_id(b, 1, empty, ab)};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		for (size_t k = 0; k < i; k++)
			assert_true(ids[i] != ids[k]);
	assert_true(buckets_id(b, 1, none, none) == buckets_id(b, 1, empty, empty));
}

static void processes_share_one_bucket(void **state)
{
	struct bucket_rate rate = bucket_rate_of(1, 3);
	struct buckets *here = NULL, *there = NULL, *other = *state;
	int fd = -1;

	assert_int_equal(buckets_create(&fd, NULL), ERR_OK);
	assert_int_equal(buckets_map(fd, &here, NULL), ERR_OK);
	assert_int_equal(buckets_map(fd, &there, NULL), ERR_OK);
	assert_true(id_of(here, 7) == id_of(there, 7));
	assert_true(id_of(here, 7) != id_of(other, 7)); /* another service hashes otherwise (DO-05) */
	assert_int_equal(buckets_take(here, id_of(here, 7), &rate, S), 0);
	assert_int_equal(buckets_take(there, id_of(there, 7), &rate, S), 0);
	assert_int_equal(buckets_take(here, id_of(here, 7), &rate, S), 0);
	assert_int_equal(buckets_take(there, id_of(there, 7), &rate, S), S);
	buckets_unmap(&here);
	buckets_unmap(&there);
	close(fd);
	fd = open("/dev/null", 2);
	assert_int_equal(buckets_map(fd, &here, NULL), ERR_CONFIG);
	close(fd);
}

static void strangers_do_not_free_who_is_limited(void **state)
{
	struct buckets *b = *state;
	struct bucket_rate rate = bucket_rate_of(1, 100);
	struct bucket_growth growth = {.free = 1, .first_ns = 60 * S, .max_ns = 600 * S, .decay_ns = 600 * S};
	uint64_t limited = id_of(b, 1), failing = id_of(b, 2);
	int64_t now = 1000 * S;

	for (int i = 0; i < 100; i++)
		assert_int_equal(buckets_take(b, limited, &rate, now), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(buckets_attempt(b, failing, &growth, now), 0);
	/* Eight times as many as there are places, each with one request. */
	for (uint64_t n = 10; n < 8 * (uint64_t)BUCKETS_COUNT; n++)
		assert_int_equal(buckets_take(b, id_of(b, n), &rate, now), 0);
	assert_int_equal(buckets_take(b, limited, &rate, now), S);
	assert_int_equal(buckets_attempt(b, failing, &growth, now), 60 * S);
}

static void failures_cost_more_and_more_time(void **state)
{
	static const int64_t waits_s[] = {0, 0, 0, 2, 4, 8, 16, 20, 20}; /* after the first, the second, … */
	struct buckets *b = *state;
	struct bucket_growth g = {.free = 3, .first_ns = 2 * S, .max_ns = 20 * S, .decay_ns = 600 * S};
	uint64_t id = id_of(b, 1);
	int64_t now = 1000 * S;

	for (size_t i = 0; i < ARRAY_LEN(waits_s); i++) {
		assert_int_equal(buckets_attempt(b, id, &g, now), 0);
		/* Points in time are kept to 256 ns. */
		if (waits_s[i])
			assert_in_range(buckets_attempt(b, id, &g, now), waits_s[i] * S - 256, waits_s[i] * S);
		now += waits_s[i] * S;
	}
}

static void failures_are_forgotten(void **state)
{
	struct buckets *b = *state;
	struct bucket_growth g = {.free = 2, .first_ns = 10 * S, .max_ns = 600 * S, .decay_ns = 60 * S};
	uint64_t id = id_of(b, 1);
	int64_t now = 1000 * S;

	for (int i = 0; i < 3; i++)
		assert_int_equal(buckets_attempt(b, id, &g, now), 0);
	assert_true(buckets_attempt(b, id, &g, now) > 0);
	/* Two are forgotten after two minutes: the third counts, so two more are free of waiting. */
	now += 121 * S;
	assert_int_equal(buckets_attempt(b, id, &g, now), 0);
	assert_int_equal(buckets_attempt(b, id, &g, now), 0);
	assert_true(buckets_attempt(b, id, &g, now) > 0);
	buckets_forget(b, id);
	for (int i = 0; i < 3; i++)
		assert_int_equal(buckets_attempt(b, id, &g, now), 0);
	assert_true(buckets_attempt(b, id, &g, now) > 0);
	buckets_attempt_undo(b, id, &g);
	assert_int_equal(buckets_attempt(b, id, &g, now), 0);
	assert_true(buckets_attempt(b, id, &g, now) > 0);
	buckets_attempt_undo(b, id_of(b, 9), &g); /* nobody's */
	buckets_forget(b, id_of(b, 9));
}

enum { THREADS = 4, TRIES = 50000, BURST = 70000 };

struct taker {
	struct buckets *b;
	size_t taken;
};

static void *take_many(void *arg)
{
	struct taker *t = arg;
	struct bucket_rate rate = bucket_rate_of(1, BURST);
	uint64_t id = id_of(t->b, 5);

	for (int i = 0; i < TRIES; i++)
		t->taken += buckets_take(t->b, id, &rate, S) == 0;
	return NULL;
}

static void all_together_get_no_more_than_there_is(void **state)
{
	struct taker takers[THREADS];
	pthread_t threads[THREADS];
	size_t taken = 0;

	for (size_t i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){.b = *state};
		assert_int_equal(pthread_create(&threads[i], NULL, take_many, &takers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		taken += takers[i].taken;
	}
	assert_in_range(taken, BURST - THREADS,
			BURST); /* at the very first they may meet at a place that changes hands */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_burst_and_then_the_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_given_back_can_be_taken_again, setup, teardown),
		cmocka_unit_test_setup_teardown(no_rate_is_no_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(kinds_and_reaches_are_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(processes_share_one_bucket, setup, teardown),
		cmocka_unit_test_setup_teardown(strangers_do_not_free_who_is_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_cost_more_and_more_time, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_are_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(all_together_get_no_more_than_there_is, setup, teardown),
	};

	return cmocka_run_group_tests_name("base/buckets", tests, NULL, NULL);
}
