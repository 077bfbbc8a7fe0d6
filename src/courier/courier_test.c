/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The role as a process: the test plays supervisor, keeper and clerk over real sockets, kills it at the
 * worst moments and asks its successor.
 */
#include "courier/courier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "courier/testrole.h"

#define ATTEMPT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ATTEMPT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void answers_sealed_and_once(void **state)
{
	struct testrole *w = *state;
	struct fetch_answer answer;

	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	testrole_assert_good(w, &answer, ATTEMPT_A);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A)); /* joined, not sent again */
	testrole_assert_good(w, &answer, ATTEMPT_A);
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_A));
	testrole_assert_good(w, &answer, ATTEMPT_A);
	assert_int_equal(testserver_requests(w->server), 1);
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_B));
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	testrole_stop(w);
}

static void released_attempts_are_forgotten(void **state)
{
	struct testrole *w = *state;
	struct ipc_message release = testrole_attempt_message(IPC_RELEASE, ATTEMPT_A);
	struct fetch_answer answer;
	char *dir = arena_printf(w->arena, "%s/spool/" TESTROLE_1, w->dir);

	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	testrole_assert_good(w, &answer, ATTEMPT_A);
	assert_int_equal(ipc_send(w->clerk, &release), ERR_OK);
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	assert_int_equal(access(dir, F_OK), 0);
	testrole_stop(w);
	assert_int_not_equal(access(dir, F_OK), 0); /* nothing left to keep */
}

static void takes_no_tokens_without_keys(void **state)
{
	struct testrole *w = *state;
	struct fetch_answer answer;

	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_BUSY);
	assert_false(answer.sent);
	assert_int_equal(testserver_connections(w->server), 0);
	testrole_stop(w);
}

static void refuses_what_is_not_allowed(void **state)
{
	struct testrole *w = *state;
	struct fetch_answer answer;

	testrole_start(w, TESTROLE_1, "");
	testrole_send_keys(w);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_FORBIDDEN);
	assert_false(answer.sent);
	assert_int_equal(testserver_connections(w->server), 0);
	testrole_stop(w);
}

/* The clerk dies while its request is under way; its successor gets the answer of the one request. */
static void answer_outlives_the_clerk(void **state)
{
	struct testrole *w = *state;
	struct testserver_script slow = {.response = testrole_good, .n = testrole_good_n, .delay_ms = 400};
	struct fetch_answer answer;
	struct ipc_message m;

	testserver_script(w->server, &slow);
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	m = testrole_token_message(w, ATTEMPT_A);
	m.id = 77;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	testrole_wait_for_requests(w, 1);
	close(w->clerk);
	testrole_introduce(w, IPC_CLERK, &w->clerk);
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_A)); /* still in flight: waits */
	testrole_assert_good(w, &answer, ATTEMPT_A);
	assert_int_equal(testserver_requests(w->server), 1);
	testrole_stop(w);
}

/* kill -9 after the answer was handed on: the next instance's courier still has it. */
static void spool_outlives_the_courier(void **state)
{
	struct testrole *w = *state;
	struct fetch_answer answer;

	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	testrole_assert_good(w, &answer, ATTEMPT_A);
	testrole_kill(w);
	testrole_start(w, TESTROLE_2, "127.0.0.0/8");
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_A));
	testrole_assert_good(w, &answer, ATTEMPT_A);
	testrole_kill(w);
	testrole_start(w, TESTROLE_2, "127.0.0.0/8"); /* the same instance again: its courier alone was killed */
	testrole_send_keys(w);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	testrole_assert_good(w, &answer, ATTEMPT_A);
	assert_int_equal(testserver_requests(w->server), 1);
	testrole_stop(w);
}

/* The supervisor dies: the courier brings home what is in flight, and the next one waits for it. */
static void orphan_finishes_and_successor_waits(void **state)
{
	struct testrole *w = *state;
	struct testserver_script slow = {.response = testrole_good, .n = testrole_good_n, .delay_ms = 800};
	struct fetch_answer answer;
	struct ipc_message m;
	pid_t orphan;
	int status = 0;

	testserver_script(w->server, &slow);
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	m = testrole_token_message(w, ATTEMPT_A);
	m.id = 5;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	testrole_wait_for_requests(w, 1);
	orphan = w->pid;
	testrole_close_ends(w);
	testrole_start(w, TESTROLE_2, "127.0.0.0/8");
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_A)); /* waits for the older courier's spool */
	testrole_assert_good(w, &answer, ATTEMPT_A);
	assert_int_equal(waitpid(orphan, &status, 0), orphan);
	assert_int_equal(status, 0);
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_B)); /* and now nothing is to be waited for */
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	assert_int_equal(testserver_requests(w->server), 1);
	testrole_stop(w);
}

static void stop_finishes_what_is_in_flight(void **state)
{
	struct testrole *w = *state;
	struct testserver_script slow = {.response = testrole_good, .n = testrole_good_n, .delay_ms = 400};
	struct fetch_answer answer;
	struct ipc_message m, back;

	testserver_script(w->server, &slow);
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	m = testrole_token_message(w, ATTEMPT_A);
	m.id = 5;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	testrole_wait_for_requests(w, 1);
	assert_int_equal(ipc_send(w->control, &(struct ipc_message){.kind = IPC_STOP}), ERR_OK);
	usleep(100000);
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_B)); /* it still speaks */
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	m = testrole_token_message(w, ATTEMPT_B);
	m.id = 6;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	for (int got = 0; got < 2;) {
		enum err e = ipc_receive(w->clerk, IPC_COURIER, IPC_CLERK, w->arena, &back);

		if (e == ERR_BUSY) {
			usleep(10000);
			continue;
		}
		assert_int_equal(e, ERR_OK);
		assert_int_equal(fetch_answer_from_message(&back, &answer), ERR_OK);
		if (back.id == 6)
			assert_int_equal(answer.err, ERR_BUSY);
		else
			testrole_assert_good(w, &answer, ATTEMPT_A);
		got++;
	}
	assert_int_equal(testrole_reap(w), 0);
	testrole_close_ends(w);
	assert_int_equal(testserver_requests(w->server), 1);
}

static void malformed_fetch_is_refused(void **state)
{
	struct testrole *w = *state;
	struct ipc_message m;
	struct fetch_answer answer;

	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	m = testrole_token_message(w, ATTEMPT_A);
	m.field[IPC_FETCH_ATTEMPT].bytes = SLICE_LIT("short");
	answer = testrole_ask(w, m);
	assert_int_equal(answer.err, ERR_INVALID);
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, "short"));
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	assert_int_equal(testserver_connections(w->server), 0);
	testrole_stop(w);
}

/* a disk without room is noticed before anything is sent; what needs no spool still works. */
static void no_room_means_nothing_sent(void **state)
{
	struct testrole *w = *state;
	struct fetch_answer answer;
	struct ipc_message m;

	w->file_max = 100 * 1024;
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_BUSY);
	assert_false(answer.sent);
	assert_int_equal(testserver_connections(w->server), 0);
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_A)); /* so it may be asked again under its id */
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	m = testrole_token_message(w, ATTEMPT_A);
	m.field[IPC_FETCH_FLAGS].number = 0;
	m.field[IPC_FETCH_ATTEMPT].bytes = m.field[IPC_FETCH_CONSUMES].bytes = SLICE_LIT("");
	answer = testrole_ask(w, m);
	assert_int_equal(answer.err, ERR_OK);
	assert_false(answer.sealed);
	assert_true(slice_is(answer.body, TESTROLE_BODY)); /* asked for in clear */
	testrole_stop(w);
}

static void same_attempt_at_once_is_one_request(void **state)
{
	struct testrole *w = *state;
	struct testserver_script slow = {.response = testrole_good, .n = testrole_good_n, .delay_ms = 300};
	struct ipc_message m, back;
	struct fetch_answer answer;
	unsigned seen = 0;

	testserver_script(w->server, &slow);
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	m = testrole_token_message(w, ATTEMPT_A);
	for (m.id = 1; m.id <= 10; m.id++)
		assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	while (seen != 0x7fe) {
		enum err e = ipc_receive(w->clerk, IPC_COURIER, IPC_CLERK, w->arena, &back);

		if (e == ERR_BUSY) {
			usleep(5000);
			continue;
		}
		assert_int_equal(e, ERR_OK);
		assert_int_equal(fetch_answer_from_message(&back, &answer), ERR_OK);
		testrole_assert_good(w, &answer, ATTEMPT_A);
		seen |= 1u << back.id;
	}
	assert_int_equal(testserver_requests(w->server), 1);
	testrole_stop(w);
}

/* OA-18, RF-16: nobody knows what the provider made of it, so the same id is told so and not sent again. */
static void ambiguous_failures_are_remembered(void **state)
{
	struct testrole *w = *state;
	struct ipc_message release = testrole_attempt_message(IPC_RELEASE, ATTEMPT_A);
	struct fetch_answer answer;

	testserver_script(w->server, &(struct testserver_script){.reset = true});
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	for (int i = 0; i < 2; i++) {
		answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
		assert_int_equal(answer.err, ERR_UPSTREAM_DOWN);
		assert_true(answer.sent);
		assert_int_equal(testserver_requests(w->server), 1);
	}
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_UPSTREAM_DOWN);
	assert_int_equal(ipc_send(w->clerk, &release), ERR_OK);
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	testrole_stop(w);
}

/* An answer above what one frame holds, and above its cap: the part that fitted comes with it. */
static void large_answers_arrive(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n";
	enum { N = 262145 };
	struct testrole *w = *state;
	char *text = arena_alloc(w->arena, sizeof head + N, 1);
	struct testserver_script script = {.response = text, .n = sizeof head - 1 + N};
	struct secret *clear = NULL;
	struct fetch_answer answer;

	memcpy(text, head, sizeof head - 1);
	memset(text + sizeof head - 1, 'x', N);
	testserver_script(w->server, &script);
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_TOO_LARGE);
	assert_true(answer.sealed && answer.sent && !answer.complete);
	assert_int_equal(master_open_spool(w->master, answer.head, answer.body, &clear, NULL), ERR_OK);
	assert_int_equal(secret_length(clear), FETCH_TOKEN_CAP);
	secret_free(&clear);
	testrole_kill(w);
	testrole_start(w, TESTROLE_2, "127.0.0.0/8");
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_TOO_LARGE);
	assert_int_equal(answer.body.n, FETCH_TOKEN_CAP + 80);
	testrole_stop(w);
}

/* A clerk that asks much and reads late: what its connection has no room for waits and comes. */
static void a_slow_clerk_gets_every_answer(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
	enum { N = 100000, TIMES = 80 }; /* past the channel's 4 MiB, in whole frames */
	struct testrole *w = *state;
	char *text = arena_alloc(w->arena, sizeof head + N, 1);
	struct testserver_script script = {.response = text, .n = sizeof head - 1 + N};
	struct ipc_message join = testrole_attempt_message(IPC_JOIN, ATTEMPT_A), back;
	struct fetch_answer answer;

	memcpy(text, head, sizeof head - 1);
	memset(text + sizeof head - 1, 'x', N);
	testserver_script(w->server, &script);
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_OK);
	for (join.id = 1000; join.id < 1000 + TIMES; join.id++)
		while (ipc_send(w->clerk, &join) == ERR_BUSY)
			usleep(1000);
	usleep(300000);
	for (uint64_t id = 1000; id < 1000 + TIMES;) {
		CLEANUP(arena_free) struct arena *a = arena_new(4 << 20);
		enum err e = ipc_receive(w->clerk, IPC_COURIER, IPC_CLERK, a, &back);

		if (e == ERR_BUSY) {
			usleep(1000);
			continue;
		}
		assert_int_equal(e, ERR_OK);
		assert_int_equal(back.id, id++);
		assert_int_equal(fetch_answer_from_message(&back, &answer), ERR_OK);
		assert_int_equal(answer.body.n, N + 80);
	}
	testrole_stop(w);
}

/* An unknown attempt is judged only when the older courier has ended. */
static void unknown_is_said_only_after_the_older_courier(void **state)
{
	struct testrole *w = *state;
	struct testserver_script slow = {.response = testrole_good, .n = testrole_good_n, .delay_ms = 500};
	struct fetch_answer answer;
	struct ipc_message m;
	int64_t began = clock_mono_ms(&clock_system);
	pid_t orphan;
	int status;

	testserver_script(w->server, &slow);
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	m = testrole_token_message(w, ATTEMPT_A);
	m.id = 5;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	testrole_wait_for_requests(w, 1);
	orphan = w->pid;
	testrole_close_ends(w);
	testrole_start(w, TESTROLE_2, "127.0.0.0/8");
	answer = testrole_ask(w, testrole_attempt_message(IPC_JOIN, ATTEMPT_B));
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	assert_true(clock_mono_ms(&clock_system) - began >= 450); /* not before the older one had its answer */
	assert_int_equal(waitpid(orphan, &status, 0), orphan);
	assert_int_equal(status, 0);
	testrole_stop(w);
}

static void wrong_keys_are_no_keys(void **state)
{
	struct testrole *w = *state;
	struct ipc_message keys = {.kind = IPC_SPOOL_KEYS};
	struct fetch_answer answer;

	keys.field[IPC_SPOOL_KEYS_PUBLIC].bytes = SLICE_LIT("short");
	keys.field[IPC_SPOOL_KEYS_MAC].bytes = SLICE_LIT("short");
	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	assert_int_equal(ipc_send(w->keeper, &keys), ERR_OK);
	usleep(50000);
	answer = testrole_ask(w, testrole_token_message(w, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_BUSY);
	assert_int_equal(testserver_connections(w->server), 0);
	testrole_stop(w);
}

static struct slice read_file(struct testrole *w, const char *path)
{
	int fd = open(path, O_RDONLY);
	char *text = arena_alloc(w->arena, 1 << 20, 1);
	ssize_t n = read(fd, text, 1 << 20);

	assert_true(n > 0);
	close(fd);
	return slice_make(text, (size_t)n);
}

/* LG-01 in small: neither log nor spool holds anything of a request or an answer in clear. */
static void log_and_spool_hold_no_secret(void **state)
{
	static const char *const secrets[] = {"at-1", "rt-1", "canary-body", "canary-query", "canary-header", "/token"};
	struct testrole *w = *state;
	struct fetch_request r = {
		.flags = FETCH_YIELDS_TOKENS,
		.attempt = ATTEMPT_A,
		.consumes = "refresh grant fp",
		.method = "POST",
		.url = arena_printf(w->arena, "http://127.0.0.1:%u/token?canary-query", testserver_port(w->server)),
		.body_cap = FETCH_TOKEN_CAP,
		.header_count = 1,
		.header = {{"Authorization", SLICE_LIT("canary-header")}},
		.body = SLICE_LIT("canary-body"),
		.label = "token test",
	};
	struct fetch_answer answer;
	struct ipc_message m;
	struct slice log, slots;

	testrole_start(w, TESTROLE_1, "127.0.0.0/8");
	testrole_send_keys(w);
	assert_int_equal(fetch_to_message(&r, w->arena, &m, NULL), ERR_OK);
	answer = testrole_ask(w, m);
	testrole_assert_good(w, &answer, ATTEMPT_A);
	testserver_script(w->server, &(struct testserver_script){.reset = true});
	r.attempt = ATTEMPT_B;
	r.consumes = "refresh other fp";
	assert_int_equal(fetch_to_message(&r, w->arena, &m, NULL), ERR_OK);
	answer = testrole_ask(w, m);
	assert_int_equal(answer.err, ERR_UPSTREAM_DOWN);
	testrole_stop(w);
	log = read_file(w, arena_printf(w->arena, "%s/log", w->dir));
	slots = read_file(w, arena_printf(w->arena, "%s/spool/" TESTROLE_1 "/slots", w->dir));
	assert_non_null(memmem(log.p, log.n, "token test", 10));
	assert_non_null(memmem(slots.p, slots.n, ATTEMPT_A, 32));
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		if (memmem(log.p, log.n, secrets[i], strlen(secrets[i])) ||
		    memmem(slots.p, slots.n, secrets[i], strlen(secrets[i])))
			fail_msg("%s was found", secrets[i]);
	}
}

int main(int argc, char **argv)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, testrole_setup, testrole_teardown)
	const struct CMUnitTest tests[] = {
		TEST(answers_sealed_and_once),		   TEST(released_attempts_are_forgotten),
		TEST(takes_no_tokens_without_keys),	   TEST(refuses_what_is_not_allowed),
		TEST(answer_outlives_the_clerk),	   TEST(spool_outlives_the_courier),
		TEST(orphan_finishes_and_successor_waits), TEST(stop_finishes_what_is_in_flight),
		TEST(malformed_fetch_is_refused),	   TEST(no_room_means_nothing_sent),
		TEST(same_attempt_at_once_is_one_request), TEST(ambiguous_failures_are_remembered),
		TEST(unknown_is_said_only_after_the_older_courier),
		TEST(wrong_keys_are_no_keys),
		TEST(a_slow_clerk_gets_every_answer),
		TEST(large_answers_arrive),		   TEST(log_and_spool_hold_no_secret),
	};
#undef TEST

	if (argc == 2 && strcmp(argv[1], TESTROLE_PLAY) == 0)
		return testrole_play();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
