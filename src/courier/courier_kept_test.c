/* SPDX-License-Identifier: Apache-2.0 */
/* The role as a process: what it keeps for a clerk that is gone, and what stands in the way of what; a disk that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "courier/testrole.h"

#define ATTEMPT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ATTEMPT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* what is here goes to the clerk, whose commit is its other chance; then the process ends, and its successor is clean. */
static void r_05_a_courier_whose_disk_fails_ends(void **state)
{
	struct testrole *w = *state;
	struct testserver_script slow = {.response = testrole_good, .n = testrole_good_n, .delay_ms = 300};
	struct fetch_answer answer;
	struct ipc_message m = {.kind = IPC_KIND__COUNT};

	w->file_max = 100 << 20; /* so that it lives through a lower limit */
	testserver_script(w->server, &slow);
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	m = testrole_token_message(w, ATTEMPT_A);
	m.id = 1000;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	testrole_wait_for_requests(w, 1);
	assert_int_equal(prlimit(w->pid, RLIMIT_FSIZE, &(struct rlimit){0, 100 << 20}, NULL), 0);
	m = testrole_receive(w);
	assert_int_equal(fetch_answer_from_message(&m, &answer), ERR_OK);
	testrole_assert_good(w, &answer, ATTEMPT_A);
	assert_int_equal(testrole_reap(w), 1);
	assert_int_equal(ipc_receive(w->control, IPC_COURIER, IPC_SUPERVISOR, w->arena, &m), ERR_OK);
	assert_string_equal(ipc_kind_name(m.kind), "FAILED");
	testrole_close_ends(w);
	w->file_max = 0;
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_B));
	testrole_assert_good(w, &answer, ATTEMPT_B);
	testrole_stop(w);
}

static struct ipc_message consuming(struct testrole *w, const char *attempt, const char *consumes)
{
	struct ipc_message m = testrole_token_message(w, attempt);

	m.field[IPC_FETCH_CONSUMES].bytes = slice_from(consumes);
	return m;
}

/*
 * DESIGN §2: another id whose refresh token is in flight or unreleased is busy. So a clerk with a restored database asks
 * no provider a second time with a token that was spent.
 */
static void one_token_is_not_consumed_by_two_attempts(void **state)
{
	struct testrole *w = *state;
	struct testserver_script slow = {.response = testrole_good, .n = testrole_good_n, .delay_ms = 300};
	struct ipc_message m, release = testrole_attempt_message(IPC_RELEASE, ATTEMPT_A);
	struct fetch_answer answer;

	testserver_script(w->server, &slow);
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	m = consuming(w, ATTEMPT_A, "refresh g fp");
	m.id = 1000;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	answer = testrole_ask(w, consuming(w, ATTEMPT_B, "refresh g fp")); /* in flight */
	assert_int_equal(answer.err, ERR_BUSY);
	assert_false(answer.sent);
	m = testrole_receive(w);
	assert_int_equal(m.id, 1000);
	answer = testrole_ask(w, consuming(w, ATTEMPT_B, "refresh g fp")); /* unreleased */
	assert_int_equal(answer.err, ERR_BUSY);
	testrole_kill(w);
	testrole_start(w, TESTROLE_2, "127.0.0.0/8");
	testrole_send_keys(w);
	answer = testrole_ask(w, consuming(w, ATTEMPT_B, "refresh g fp")); /* found in a dead courier's spool */
	assert_int_equal(answer.err, ERR_BUSY);
	assert_int_equal(testserver_requests(w->server), 1);
	assert_int_equal(ipc_send(w->clerk, &release), ERR_OK);
	answer = testrole_ask(w, consuming(w, ATTEMPT_B, "refresh g fp"));
	testrole_assert_good(w, &answer, ATTEMPT_B);
	assert_int_equal(testserver_requests(w->server), 2);
	testrole_stop(w);
}

/* The same after a failure that nobody released, and for another token it says nothing. */
static void a_failed_attempt_is_in_the_way_until_released(void **state)
{
	struct testrole *w = *state;
	struct ipc_message release = testrole_attempt_message(IPC_RELEASE, ATTEMPT_A);
	struct fetch_answer answer;

	testserver_script(w->server, &(struct testserver_script){.reset = true});
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	answer = testrole_ask(w, consuming(w, ATTEMPT_A, "refresh g fp"));
	assert_int_equal(answer.err, ERR_UPSTREAM_DOWN);
	answer = testrole_ask(w, consuming(w, ATTEMPT_B, "refresh g fp"));
	assert_int_equal(answer.err, ERR_BUSY);
	assert_int_equal(ipc_send(w->clerk, &release), ERR_OK);
	answer = testrole_ask(w, consuming(w, ATTEMPT_B, "refresh g fp"));
	assert_int_equal(answer.err, ERR_UPSTREAM_DOWN);
	answer = testrole_ask(w, consuming(w, ATTEMPT_A, "refresh g fp2"));
	assert_int_equal(answer.err, ERR_UPSTREAM_DOWN);
	assert_int_equal(testserver_requests(w->server), 3);
	testrole_stop(w);
}

static void meet_new_clerk(struct testrole *w)
{
	close(w->clerk);
	testrole_introduce(w, IPC_CLERK, &w->clerk);
}

/* A clerk that dies between its commit and its RELEASE must not cost a slot for a day. */
static void what_nobody_released_is_offered_to_the_next_clerk(void **state)
{
	struct testrole *w = *state;
	struct testserver_script slow = {.response = testrole_good, .n = testrole_good_n, .delay_ms = 300};
	struct ipc_message m, release = testrole_attempt_message(IPC_RELEASE, ATTEMPT_A);
	struct fetch_answer answer;

	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	testrole_assert_good(w, &answer, ATTEMPT_A);
	meet_new_clerk(w);
	testrole_expect_holds(w, ATTEMPT_A);
	assert_int_equal(ipc_send(w->clerk, &release), ERR_OK);
	/* Asked for by a clerk that died meanwhile: offered as soon as it is there. */
	testserver_script(w->server, &slow);
	m = testrole_token_message(w, ATTEMPT_B);
	m.id = 1001;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	testrole_wait_for_requests(w, 2);
	meet_new_clerk(w);
	testrole_expect_holds(w, ATTEMPT_B); /* and A, released, is not */
	/* And by the courier of the next instance. */
	testrole_kill(w);
	testrole_start(w, TESTROLE_2, "127.0.0.0/8");
	testrole_expect_holds(w, ATTEMPT_B);
	testrole_stop(w);
}

static void a_failure_is_offered_too(void **state)
{
	struct testrole *w = *state;
	struct fetch_answer answer;

	testserver_script(w->server, &(struct testserver_script){.reset = true});
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_UPSTREAM_DOWN);
	meet_new_clerk(w);
	testrole_expect_holds(w, ATTEMPT_A);
	testrole_stop(w);
}

int main(int argc, char **argv)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, testrole_setup, testrole_teardown)
	const struct CMUnitTest tests[] = {
		TEST(r_05_a_courier_whose_disk_fails_ends),
		TEST(one_token_is_not_consumed_by_two_attempts),
		TEST(a_failed_attempt_is_in_the_way_until_released),
		TEST(what_nobody_released_is_offered_to_the_next_clerk),
		TEST(a_failure_is_offered_too),
	};
#undef TEST

	if (argc == 2 && strcmp(argv[1], TESTROLE_PLAY) == 0)
		return testrole_play();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
