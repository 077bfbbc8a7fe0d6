/* SPDX-License-Identifier: Apache-2.0 */
/* The table of attempts: who waits for what, what is kept of failures, and for how many. */
#include "courier/attempts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct slice id_of(int n, char text[33])
{
	snprintf(text, 33, "%032x", (unsigned)n);
	return slice_make(text, 32);
}

static void count(struct attempt *attempt, void *arg)
{
	(void)attempt;
	++*(int *)arg;
}

struct removal {
	struct attempts *table;
	int n;
};

static void remove_it(struct attempt *attempt, void *arg)
{
	struct removal *r = arg;

	attempts_remove(r->table, &attempt);
	r->n++;
}

static void known_until_removed(void **state)
{
	struct attempts *a = attempts_new();
	char text[33];
	struct attempt *attempt = attempts_add(a, id_of(1, text), ATTEMPT_IN_FLIGHT);

	(void)state;
	assert_ptr_equal(attempts_find(a, id_of(1, text)), attempt);
	assert_null(attempts_find(a, id_of(2, text)));
	assert_null(attempts_find(a, SLICE_LIT("")));
	assert_string_equal(attempt->id, "00000000000000000000000000000001");
	attempts_remove(a, &attempt);
	assert_null(attempt);
	assert_null(attempts_find(a, id_of(1, text)));
	attempts_free(&a);
	assert_null(a);
	attempts_free(&a);
}

static void waiters_are_bounded_and_forgotten(void **state)
{
	struct attempts *a = attempts_new();
	char text[33];
	struct attempt *attempt = attempts_add(a, id_of(1, text), ATTEMPT_IN_FLIGHT);

	(void)state;
	for (uint64_t i = 0; i < ATTEMPT_WAITERS_MAX; i++)
		assert_true(attempt_wait(attempt, i + 1));
	assert_false(attempt_wait(attempt, 99));
	assert_int_equal(attempt->waiter[ATTEMPT_WAITERS_MAX - 1], ATTEMPT_WAITERS_MAX);
	attempts_forget_waiters(a);
	assert_int_equal(attempt->waiter_count, 0);
	assert_ptr_equal(attempts_find(a, id_of(1, text)), attempt); /* what runs goes on */
	attempts_free(&a);
}

static void failures_keep_what_matters(void **state)
{
	struct fetch_answer failure = {.err = ERR_UPSTREAM_DOWN,
				       .detail = "gone",
				       .sent = true,
				       .head = SLICE_LIT("h"),
				       .body = SLICE_LIT("b")};
	struct attempts *a = attempts_new();
	char text[33];
	struct attempt *attempt = attempts_add(a, id_of(1, text), ATTEMPT_IN_FLIGHT);

	(void)state;
	attempts_fail(a, attempt, &failure);
	assert_int_equal(attempt->state, ATTEMPT_FAILED);
	assert_int_equal(attempt->failure.err, ERR_UPSTREAM_DOWN);
	assert_true(attempt->failure.sent);
	assert_string_equal(attempt->failure.detail, "gone");
	assert_null(attempt->failure.head.p); /* views would dangle */
	assert_null(attempt->failure.body.p);
	attempts_remove(a, &attempt);
	attempts_free(&a);
}

static void the_oldest_failures_go(void **state)
{
	struct fetch_answer failure = {.err = ERR_UPSTREAM_DOWN};
	struct attempts *a = attempts_new();
	struct removal removal = {.table = a};
	char text[33];
	int failed = 0, stored = 0;

	(void)state;
	attempts_add(a, id_of(-1, text), ATTEMPT_STORED);
	for (int i = 0; i < ATTEMPTS_FAILED_MAX + 2; i++)
		attempts_fail(a, attempts_add(a, id_of(i, text), ATTEMPT_IN_FLIGHT), &failure);
	assert_null(attempts_find(a, id_of(0, text)));
	assert_null(attempts_find(a, id_of(1, text)));
	assert_non_null(attempts_find(a, id_of(2, text)));
	attempts_each(a, ATTEMPT_FAILED, count, &failed);
	assert_int_equal(failed, ATTEMPTS_FAILED_MAX);
	attempts_each(a, ATTEMPT_STORED, count, &stored);
	assert_int_equal(stored, 1);
	attempts_each(a, ATTEMPT_FAILED, remove_it, &removal);
	assert_int_equal(removal.n, ATTEMPTS_FAILED_MAX);
	failed = 0;
	attempts_each(a, ATTEMPT_FAILED, count, &failed);
	assert_int_equal(failed, 0);
	assert_non_null(attempts_find(a, id_of(-1, text)));
	attempts_free(&a);
}

static void what_is_consumed_leads_to_its_attempt(void **state)
{
	struct attempts *a = attempts_new();
	char text[33];
	struct attempt *first = attempts_add(a, id_of(1, text), ATTEMPT_IN_FLIGHT);
	struct attempt *second = attempts_add(a, id_of(2, text), ATTEMPT_STORED);
	struct attempt *other = attempts_add(a, id_of(3, text), ATTEMPT_STORED);

	(void)state;
	assert_null(attempts_consumer(a, "refresh g fp"));
	attempts_note(a, first, "refresh g fp");
	attempts_note(a, second, "refresh g fp"); /* of an older spool: the first keeps its place */
	attempts_note(a, other, "refresh g fp2");
	assert_ptr_equal(attempts_consumer(a, "refresh g fp"), first);
	attempts_fail(a, first, &(struct fetch_answer){.err = ERR_UPSTREAM_DOWN});
	assert_ptr_equal(attempts_consumer(a, "refresh g fp"), first); /* a failure may have consumed it too */
	attempts_remove(a, &second);
	assert_ptr_equal(attempts_consumer(a, "refresh g fp"), first);
	attempts_remove(a, &first);
	assert_null(attempts_consumer(a, "refresh g fp"));
	assert_ptr_equal(attempts_consumer(a, "refresh g fp2"), other);
	attempts_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_until_removed),
		cmocka_unit_test(waiters_are_bounded_and_forgotten),
		cmocka_unit_test(failures_keep_what_matters),
		cmocka_unit_test(the_oldest_failures_go),
		cmocka_unit_test(what_is_consumed_leads_to_its_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
