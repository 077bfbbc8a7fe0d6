/* SPDX-License-Identifier: Apache-2.0 */
/* The courier's work in one process, with a clock of its own and a disk that fails on demand. */
#include "courier/post.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/testtree.h"
#include "courier/testworld.h"

#define INSTANCE "11111111111111111111111111111111"

/* What the program calls in place of fdatasync(). */
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
static atomic_int syncs_until_failure = -1; /* -1: none fails */

int __wrap_fdatasync(int fd)
{
	if (atomic_load(&syncs_until_failure) >= 0 && atomic_fetch_sub(&syncs_until_failure, 1) == 0) {
		errno = EIO;
		return -1;
	}
	return __real_fdatasync(fd);
}

struct office {
	struct testworld *world;
	char dir[64];
	int64_t wall;
	struct clock clock;
	struct post *post;
	int answers, idle, offers;
	size_t offered;
	uint64_t last_id;
	struct fetch_answer last;
};

static int64_t wall_of(void *arg)
{
	return ((struct office *)arg)->wall;
}

static int64_t mono_of(void *arg)
{
	(void)arg;
	return clock_mono_ms(&clock_system);
}

static void on_answer(void *arg, uint64_t message_id, const struct fetch_answer *answer)
{
	struct office *o = arg;

	o->answers++;
	o->last_id = message_id;
	o->last = *answer;
}

static void on_holds(void *arg, struct slice attempts)
{
	struct office *o = arg;

	assert_true(attempts.n && attempts.n % SPOOL_ATTEMPT_BYTES == 0);
	o->offers++;
	o->offered += attempts.n / SPOOL_ATTEMPT_BYTES;
}

static void on_idle(void *arg)
{
	((struct office *)arg)->idle++;
}

static void open_post(struct office *o)
{
	static const unsigned char public_key[MASTER_PUBLIC_BYTES] = {9}, mac_key[MASTER_MAC_KEY_BYTES] = {1};
	struct post_args args = {.loop = &o->world->loop,
				 .clock = &o->clock,
				 .egress = &o->world->egress,
				 .resolver = o->world->resolver,
				 .ca_file = "",
				 .data_dir = o->dir,
				 .instance = INSTANCE,
				 .slots_max = 3,
				 .total_ms = 2000,
				 .answer = on_answer,
				 .holds = on_holds,
				 .idle = on_idle,
				 .arg = o};

	assert_int_equal(post_new(&args, &o->post, NULL), ERR_OK);
	post_set_keys(o->post, public_key, mac_key);
}

static int setup(void **state)
{
	struct office *o = MEM_NEW(struct office);
	void *world = NULL;

	log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), "test", false);
	assert_int_equal(testworld_setup(&world), 0);
	o->world = world;
	memcpy(o->dir, "/tmp/post_test.XXXXXX", 22);
	assert_non_null(mkdtemp(o->dir));
	o->wall = 1700000000000;
	o->clock = (struct clock){.wall_ms = wall_of, .mono_ms = mono_of, .arg = o};
	open_post(o);
	*state = o;
	return 0;
}

static int teardown(void **state)
{
	struct office *o = *state;
	void *world = o->world;

	post_free(&o->post);
	testworld_teardown(&world);
	testtree_remove(o->dir);
	free(o);
	return 0;
}

static void wait_answers(struct office *o, int n)
{
	while (o->answers < n)
		uv_run(&o->world->loop, UV_RUN_ONCE);
	assert_int_equal(o->answers, n);
}

static void fetch(struct office *o, uint64_t id, const char *attempt)
{
	struct fetch_request r = o->world->request;

	r.flags = attempt[0] ? FETCH_YIELDS_TOKENS : 0;
	r.attempt = attempt;
	r.consumes = attempt[0] ? arena_printf(o->world->arena, "refresh %s", attempt) : "";
	post_fetch(o->post, id, &r);
}

static const char *attempt_of(struct office *o, int n)
{
	return arena_printf(o->world->arena, "%032x", (unsigned)n);
}

/* A failed disk loses nothing that is already here, and takes nothing new. */
static void r_05_a_failing_disk(void **state)
{
	struct office *o = *state;
	struct rlimit old, none;

	testworld_script(o->world, (struct testserver_script){.response = TESTWORLD_OK,
							      .n = sizeof TESTWORLD_OK - 1,
							      .delay_ms = 100});
	fetch(o, 1, attempt_of(o, 1));
	assert_false(post_failed(o->post));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &none);
	wait_answers(o, 1);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(o->last.err, ERR_OK);
	assert_int_equal(o->last.status, 200);
	assert_true(o->last.sealed);
	assert_true(post_failed(o->post));
	fetch(o, 2, attempt_of(o, 2));
	assert_int_equal(o->answers, 2);
	assert_int_equal(o->last.err, ERR_BUSY);
	assert_int_equal(testserver_requests(o->world->server), 1);
	/* Asked again, it says honestly that the answer is gone; it must not be sent again. */
	post_join(o->post, 3, slice_from(attempt_of(o, 1)));
	assert_int_equal(o->last.err, ERR_UPSTREAM_DOWN);
	assert_true(o->last.sent);
}

/*
 * one fdatasync that fails. What is here is handed on, nothing new is taken, also when the disk says that all is well
 * again (its next answer would be a lie about this one), and the next process finds what was written.
 */
static void r_05_a_sync_that_fails(void **state)
{
	struct office *o = *state;

	testworld_script(o->world, (struct testserver_script){.response = TESTWORLD_OK,
							      .n = sizeof TESTWORLD_OK - 1,
							      .delay_ms = 50});
	atomic_store(&syncs_until_failure, 0);
	fetch(o, 1, attempt_of(o, 1));
	fetch(o, 2, attempt_of(o, 2));
	while (o->answers < 2)
		uv_run(&o->world->loop, UV_RUN_ONCE);
	assert_true(post_failed(o->post));
	assert_int_equal(o->last.err, ERR_OK);
	assert_true(o->last.sealed);
	fetch(o, 3, attempt_of(o, 3));
	assert_int_equal(o->last.err, ERR_BUSY);
	assert_false(o->last.sent);
	assert_int_equal(testserver_requests(o->world->server), 2);
	post_stop(o->post);
	while (!o->idle)
		uv_run(&o->world->loop, UV_RUN_NOWAIT);
	post_free(&o->post);
	open_post(o);
	assert_false(post_failed(o->post));
	assert_int_equal(o->offered, 2);
	for (int i = 1; i <= 2; i++) {
		post_join(o->post, 9, slice_from(attempt_of(o, i)));
		assert_int_equal(o->last.err, ERR_OK);
	}
	fetch(o, 3, attempt_of(o, 3));
	wait_answers(o, 6);
	assert_int_equal(o->last.err, ERR_OK);
	atomic_store(&syncs_until_failure, -1);
}

static void slots_come_back_by_release(void **state)
{
	struct office *o = *state;

	for (int i = 0; i < 3; i++)
		fetch(o, 1, attempt_of(o, i));
	fetch(o, 9, attempt_of(o, 3));
	assert_int_equal(o->last_id, 9);
	assert_int_equal(o->last.err, ERR_BUSY);
	assert_false(o->last.sent);
	wait_answers(o, 4);
	fetch(o, 9, attempt_of(o, 3));
	assert_int_equal(o->last.err, ERR_BUSY);
	post_release(o->post, slice_from(attempt_of(o, 1)));
	post_release(o->post, slice_from(attempt_of(o, 1)));
	post_release(o->post, SLICE_LIT("unknown"));
	fetch(o, 9, attempt_of(o, 3));
	wait_answers(o, 6);
	assert_int_equal(o->last.err, ERR_OK);
	assert_int_equal(testserver_requests(o->world->server), 4);
}

static void release_in_flight_counts_later(void **state)
{
	struct office *o = *state;

	fetch(o, 1, attempt_of(o, 1));
	post_release(o->post, slice_from(attempt_of(o, 1)));
	wait_answers(o, 1);
	assert_int_equal(o->last.err, ERR_OK);
	post_join(o->post, 2, slice_from(attempt_of(o, 1)));
	assert_int_equal(o->last.err, ERR_NOT_FOUND);
	testworld_script(o->world, (struct testserver_script){.reset = true});
	fetch(o, 3, attempt_of(o, 2));
	post_release(o->post, slice_from(attempt_of(o, 2)));
	wait_answers(o, 3);
	assert_int_equal(o->last.err, ERR_UPSTREAM_DOWN);
	post_join(o->post, 4, slice_from(attempt_of(o, 2)));
	assert_int_equal(o->last.err, ERR_NOT_FOUND);
}

static void too_many_waiters_are_refused(void **state)
{
	struct office *o = *state;

	for (uint64_t i = 1; i <= 16; i++)
		fetch(o, i, attempt_of(o, 1));
	assert_int_equal(o->answers, 0);
	fetch(o, 17, attempt_of(o, 1));
	assert_int_equal(o->last_id, 17);
	assert_int_equal(o->last.err, ERR_BUSY);
	wait_answers(o, 17);
	assert_int_equal(testserver_requests(o->world->server), 1);
}

static void plain_requests_are_bounded(void **state)
{
	struct office *o = *state;

	for (uint64_t i = 1; i <= 64; i++)
		fetch(o, i, "");
	assert_int_equal(o->answers, 0);
	fetch(o, 65, "");
	assert_int_equal(o->last_id, 65);
	assert_int_equal(o->last.err, ERR_BUSY);
	wait_answers(o, 65);
	assert_int_equal(o->last.err, ERR_OK);
	assert_false(o->last.sealed);
	fetch(o, 66, "");
	wait_answers(o, 66);
}

static void forgotten_askers_get_nothing(void **state)
{
	struct office *o = *state;

	fetch(o, 1, attempt_of(o, 1));
	fetch(o, 2, "");
	post_forget_waiters(o->post);
	post_stop(o->post);
	while (!o->idle)
		uv_run(&o->world->loop, UV_RUN_ONCE);
	assert_int_equal(o->answers, 0);
	assert_int_equal(o->offered, 1);
	post_offer(o->post);
	assert_int_equal(o->offered, 2);
	assert_int_equal(testserver_requests(o->world->server), 2); /* what ran went on */
	post_join(o->post, 3, slice_from(attempt_of(o, 1)));
	assert_int_equal(o->last.err, ERR_OK);
	fetch(o, 4, attempt_of(o, 2));
	assert_int_equal(o->last.err, ERR_BUSY);
	fetch(o, 5, "");
	assert_int_equal(o->last.err, ERR_BUSY);
	uv_run(&o->world->loop, UV_RUN_NOWAIT);
	assert_int_equal(o->idle, 1);
}

/* What the clerk could not read it does not release; after a day the slot is wanted back. */
static void unreleased_answers_go_after_a_day(void **state)
{
	struct office *o = *state;

	fetch(o, 1, attempt_of(o, 1));
	wait_answers(o, 1);
	o->wall += INT64_C(24) * 3600 * 1000;
	post_sweep(o->post);
	post_join(o->post, 2, slice_from(attempt_of(o, 1)));
	assert_int_equal(o->last.err, ERR_OK);
	o->wall += 1;
	post_sweep(o->post);
	post_join(o->post, 3, slice_from(attempt_of(o, 1)));
	assert_int_equal(o->last.err, ERR_NOT_FOUND);
}

/* An unlucky afternoon's worth of failures fits into messages of bounded length. */
static void offers_come_in_bounded_messages(void **state)
{
	enum { N = 1500 };
	struct office *o = *state;

	o->world->request.url = "http://192.0.2.1/token"; /* not allowed: fails at once */
	for (int i = 1; i <= N; i++) {
		fetch(o, 1, attempt_of(o, i));
		wait_answers(o, i);
	}
	assert_int_equal(o->offered, 0); /* somebody waited for each */
	post_offer(o->post);
	assert_int_equal(o->offers, 2);
	assert_int_equal(o->offered, N);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(r_05_a_failing_disk),	     TEST(r_05_a_sync_that_fails),
			     TEST(slots_come_back_by_release),
		TEST(release_in_flight_counts_later), TEST(too_many_waiters_are_refused),
		TEST(plain_requests_are_bounded),     TEST(forgotten_askers_get_nothing),
		TEST(unreleased_answers_go_after_a_day), TEST(offers_come_in_bounded_messages),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
