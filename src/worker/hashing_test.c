/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of passwords: their outcome, that the queue ends somewhere, and that the store thread does not wait for them. */
#include "worker/hashing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "secret/password.h"

struct bench {
	uv_loop_t loop;
	struct hashing hashing;
	struct jobs *store;
	struct secret *right, *wrong;
	char stored[PASSWORD_HASH_BYTES];
	bool stopped;
};

struct one {
	struct hashing_check check;
	int done;
};

static int checks_done, reads_done, checks_before_read;

static int setup(void **state)
{
	struct bench *b = MEM_NEW(struct bench);

	checks_done = reads_done = 0;
	checks_before_read = -1;
	assert_int_equal(uv_loop_init(&b->loop), 0);
	hashing_start(&b->hashing, &b->loop);
	b->store = jobs_start(&b->loop, NULL);
	b->right = secret_new(SLICE_LIT("correct horse"));
	b->wrong = secret_new(SLICE_LIT("wrong horse"));
	assert_int_equal(password_hash(b->right, b->stored, NULL), ERR_OK);
	*state = b;
	return 0;
}

static void stopped(void *arg)
{
	struct bench *b = arg;

	b->stopped = true;
}

static void hashing_stopped(void *arg)
{
	struct bench *b = arg;

	jobs_stop(b->store, stopped, b);
}

static int teardown(void **state)
{
	struct bench *b = *state;

	hashing_stop(&b->hashing, hashing_stopped, b);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_true(b->stopped);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	secret_free(&b->right);
	secret_free(&b->wrong);
	free(b);
	return 0;
}

static void done(struct hashing_check *check)
{
	struct one *o = CONTAINER_OF(check, struct one, check);

	o->done++;
	checks_done++;
}

static void finish(struct bench *b, int count)
{
	while (checks_done < count)
		uv_run(&b->loop, UV_RUN_ONCE);
}

static void test_says_whether_it_matches(void **state)
{
	struct bench *b = *state;
	struct one right = {.check = {.password = b->right, .stored = b->stored, .done = done}},
		   wrong = {.check = {.password = b->wrong, .stored = b->stored, .done = done}},
		   nobodys = {.check = {.password = b->right, .stored = "", .done = done}};

	assert_true(hashing_submit(&b->hashing, &right.check));
	assert_true(hashing_submit(&b->hashing, &wrong.check));
	assert_true(hashing_submit(&b->hashing, &nobodys.check));
	assert_int_equal(right.done, 0);
	finish(b, 3);
	assert_true(right.check.matches);
	assert_false(wrong.check.matches);
	assert_false(nobodys.check.matches);
	assert_int_equal(right.done + wrong.done + nobodys.done, 3);
}

static void read_something(struct job *job)
{
	(void)job;
}

static void read_done(struct job *job)
{
	(void)job;
	reads_done++;
	checks_before_read = checks_done;
}

static void test_is_bounded_and_lets_reads_pass(void **state)
{
	struct bench *b = *state;
	struct one many[HASHING_WAITING_MAX], more = {.check = {.password = b->right, .stored = b->stored, .done = done}};
	struct job read = {.run = read_something, .done = read_done};

	memset(many, 0, sizeof many);
	for (int i = 0; i < HASHING_WAITING_MAX; i++) {
		many[i].check = (struct hashing_check){.password = b->right, .stored = b->stored, .done = done};
		assert_true(hashing_submit(&b->hashing, &many[i].check));
	}
	assert_false(hashing_submit(&b->hashing, &more.check));
	jobs_submit(b->store, &read);
	finish(b, HASHING_WAITING_MAX);
	assert_int_equal(reads_done, 1);
	assert_in_range(checks_before_read, 0, HASHING_WAITING_MAX / 2);
	for (int i = 0; i < HASHING_WAITING_MAX; i++)
		assert_true(many[i].done == 1 && many[i].check.matches);
	assert_int_equal(more.done, 0);

	assert_true(hashing_submit(&b->hashing, &more.check)); /* there is room again */
	finish(b, HASHING_WAITING_MAX + 1);
	assert_true(more.check.matches);
}

static void test_checks_that_wait_are_done_before_the_end(void **state)
{
	struct bench *b = *state;
	static struct one few[3];

	memset(few, 0, sizeof few);
	for (size_t i = 0; i < ARRAY_LEN(few); i++) {
		few[i].check = (struct hashing_check){.password = b->wrong, .stored = b->stored, .done = done};
		assert_true(hashing_submit(&b->hashing, &few[i].check));
	}
	hashing_stop(&b->hashing, stopped, b);
	while (!b->stopped)
		uv_run(&b->loop, UV_RUN_ONCE);
	assert_int_equal(checks_done, 3);
	hashing_start(&b->hashing, &b->loop); /* for teardown */
	b->stopped = false;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_says_whether_it_matches),
		TEST(test_is_bounded_and_lets_reads_pass),
		TEST(test_checks_that_wait_are_done_before_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
