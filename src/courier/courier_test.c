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
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "courier/testserver.h"
#include "fetch/fetch.h"
#include "ipc/role.h"
#include "secret/master.h"

#define INSTANCE_1 "11111111111111111111111111111111"
#define INSTANCE_2 "22222222222222222222222222222222"
#define ATTEMPT_A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ATTEMPT_B  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BODY	   "{\"access_token\":\"at-1\",\"refresh_token\":\"rt-1\"}"

static const char good[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 46\r\n\r\n" BODY;

struct world {
	char dir[64];
	struct master *master;
	struct testserver *server;
	struct arena *arena;
	pid_t pid;
	int control, keeper, clerk;
};

static int pair(int *ret_theirs)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	*ret_theirs = fds[1];
	return fds[0];
}

static void introduce(struct world *w, enum ipc_role role, int *ret_ours)
{
	struct ipc_message m = {.kind = IPC_PEER};
	int theirs;

	*ret_ours = pair(&theirs);
	m.field[IPC_PEER_ROLE].number = role;
	m.field[IPC_PEER_SOCKET].fd = theirs;
	assert_int_equal(ipc_send(w->control, &m), ERR_OK);
	close(theirs);
}

static void send_keys(struct world *w)
{
	unsigned char public_key[MASTER_PUBLIC_BYTES], mac_key[MASTER_MAC_KEY_BYTES];
	struct ipc_message m = {.kind = IPC_SPOOL_KEYS};

	master_spool_public(w->master, public_key);
	master_spool_mac_key(w->master, mac_key);
	m.field[IPC_SPOOL_KEYS_PUBLIC].bytes = slice_make(public_key, sizeof public_key);
	m.field[IPC_SPOOL_KEYS_MAC].bytes = slice_make(mac_key, sizeof mac_key);
	assert_int_equal(ipc_send(w->keeper, &m), ERR_OK);
}

static void expect_ready(struct world *w)
{
	struct ipc_message m;

	for (int i = 0; i < 500; i++) {
		enum err e = ipc_receive(w->control, IPC_COURIER, IPC_SUPERVISOR, w->arena, &m);

		if (e == ERR_OK) {
			assert_int_equal(m.kind, IPC_READY);
			return;
		}
		assert_int_equal(e, ERR_BUSY);
		usleep(10000);
	}
	fail_msg("the courier did not get ready");
}

static void start_courier(struct world *w, const char *instance, const char *allow)
{
	struct ipc_message m = {.kind = IPC_START};
	int theirs, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	w->control = pair(&theirs);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0) {
		if (theirs == ROLE_CONTROL_FD)
			fcntl(theirs, F_SETFD, 0);
		else
			dup2(theirs, ROLE_CONTROL_FD);
		_exit(courier_main("courier"));
	}
	close(theirs);
	fcntl(w->control, F_SETFL, O_NONBLOCK);
	m.field[IPC_START_CONFIG].bytes =
		slice_from(arena_printf(w->arena, "FIBERWISE_DATA_DIR=%s\nFIBERWISE_EGRESS_ALLOW=%s\n", w->dir, allow));
	m.field[IPC_START_WORKERS].number = 1;
	m.field[IPC_START_INSTANCE].bytes = slice_from(instance);
	m.field[IPC_START_LOG].fd = null;
	m.field[IPC_START_SOCKET].fd = null;
	assert_int_equal(ipc_send(w->control, &m), ERR_OK);
	close(null);
	expect_ready(w);
	introduce(w, IPC_KEEPER, &w->keeper);
	introduce(w, IPC_CLERK, &w->clerk);
}

/* Until the end of the process; its exit status, or minus the signal. */
static int reap(struct world *w)
{
	int status = 0;

	for (int i = 0; i < 1000; i++) {
		if (waitpid(w->pid, &status, WNOHANG) == w->pid) {
			w->pid = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
		}
		usleep(10000);
	}
	fail_msg("the courier did not end");
	return 0;
}

static void close_ends(struct world *w)
{
	close(w->control);
	close(w->keeper);
	close(w->clerk);
}

static void kill_courier(struct world *w)
{
	kill(w->pid, SIGKILL);
	assert_int_equal(reap(w), -SIGKILL);
	close_ends(w);
}

static void stop_courier(struct world *w)
{
	assert_int_equal(ipc_send(w->control, &(struct ipc_message){.kind = IPC_STOP}), ERR_OK);
	assert_int_equal(reap(w), 0);
	close_ends(w);
}

static struct ipc_message token_message(struct world *w, const char *attempt)
{
	struct fetch_request r = {
		.flags = FETCH_YIELDS_TOKENS,
		.attempt = attempt,
		.method = "POST",
		.url = arena_printf(w->arena, "http://127.0.0.1:%u/token", testserver_port(w->server)),
		.body_cap = FETCH_TOKEN_CAP,
		.body = SLICE_LIT("grant_type=refresh_token"),
		.label = "token test",
	};
	struct ipc_message m;

	assert_int_equal(fetch_to_message(&r, w->arena, &m, NULL), ERR_OK);
	return m;
}

static struct ipc_message attempt_message(enum ipc_kind kind, const char *attempt)
{
	struct ipc_message m = {.kind = kind};

	m.field[0].bytes = slice_from(attempt);
	return m;
}

static struct fetch_answer ask(struct world *w, struct ipc_message m)
{
	static uint64_t id;
	struct ipc_message back;
	struct fetch_answer answer = {0};

	m.id = ++id;
	assert_int_equal(ipc_call(w->clerk, IPC_CLERK, IPC_COURIER, &m, 10000, w->arena, &back), ERR_OK);
	assert_int_equal(fetch_answer_from_message(&back, &answer), ERR_OK);
	return answer;
}

/* Sealed, durable, of this attempt, and the keeper reads in it what the provider said. */
static void assert_good(struct world *w, const struct fetch_answer *answer, const char *attempt)
{
	struct secret *clear = NULL;

	assert_int_equal(answer->err, ERR_OK);
	assert_int_equal(answer->status, 200);
	assert_true(answer->sent && answer->complete && answer->sealed);
	assert_string_equal(answer->content_type, "application/json");
	assert_true(fetch_head_is_of(answer->head, attempt));
	assert_null(memmem(answer->body.p, answer->body.n, "rt-1", 4));
	assert_int_equal(master_open_spool(w->master, answer->head, answer->body, &clear, NULL), ERR_OK);
	assert_true(slice_is(secret_expose(clear), BODY));
	secret_free(&clear);
}

static void wait_for_requests(struct world *w, int n)
{
	for (int i = 0; i < 500 && testserver_requests(w->server) < n; i++)
		usleep(10000);
	assert_int_equal(testserver_requests(w->server), n);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	struct world *w = MEM_NEW(struct world);
	char *key;

	memcpy(w->dir, "/tmp/courier_test.XXXXXX", 25);
	assert_non_null(mkdtemp(w->dir));
	w->arena = arena_new(64 << 20);
	key = arena_printf(w->arena, "%s/master.key", w->dir);
	assert_int_equal(master_create(key, NULL), ERR_OK);
	assert_int_equal(master_load(key, &w->master, NULL), ERR_OK);
	w->server = testserver_start(NULL);
	testserver_script(w->server, &(struct testserver_script){.response = good, .n = sizeof good - 1});
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
	}
	testserver_stop(&w->server);
	master_free(&w->master);
	arena_free(&w->arena);
	nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

static void answers_sealed_and_once(void **state)
{
	struct world *w = *state;
	struct fetch_answer answer;

	start_courier(w, INSTANCE_1, "127.0.0.0/8");
	send_keys(w);
	answer = ask(w, token_message(w, ATTEMPT_A));
	assert_good(w, &answer, ATTEMPT_A);
	answer = ask(w, token_message(w, ATTEMPT_A)); /* joined, not sent again */
	assert_good(w, &answer, ATTEMPT_A);
	answer = ask(w, attempt_message(IPC_JOIN, ATTEMPT_A));
	assert_good(w, &answer, ATTEMPT_A);
	assert_int_equal(testserver_requests(w->server), 1);
	answer = ask(w, attempt_message(IPC_JOIN, ATTEMPT_B));
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	stop_courier(w);
}

static void released_attempts_are_forgotten(void **state)
{
	struct world *w = *state;
	struct ipc_message release = attempt_message(IPC_RELEASE, ATTEMPT_A);
	struct fetch_answer answer;
	char *dir = arena_printf(w->arena, "%s/spool/" INSTANCE_1, w->dir);

	start_courier(w, INSTANCE_1, "127.0.0.0/8");
	send_keys(w);
	answer = ask(w, token_message(w, ATTEMPT_A));
	assert_good(w, &answer, ATTEMPT_A);
	assert_int_equal(ipc_send(w->clerk, &release), ERR_OK);
	answer = ask(w, attempt_message(IPC_JOIN, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	assert_int_equal(access(dir, F_OK), 0);
	stop_courier(w);
	assert_int_not_equal(access(dir, F_OK), 0); /* nothing left to keep */
}

static void takes_no_tokens_without_keys(void **state)
{
	struct world *w = *state;
	struct fetch_answer answer;

	start_courier(w, INSTANCE_1, "127.0.0.0/8");
	answer = ask(w, token_message(w, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_BUSY);
	assert_false(answer.sent);
	assert_int_equal(testserver_connections(w->server), 0);
	stop_courier(w);
}

static void refuses_what_is_not_allowed(void **state)
{
	struct world *w = *state;
	struct fetch_answer answer;

	start_courier(w, INSTANCE_1, "");
	send_keys(w);
	answer = ask(w, token_message(w, ATTEMPT_A));
	assert_int_equal(answer.err, ERR_FORBIDDEN);
	assert_false(answer.sent);
	assert_int_equal(testserver_connections(w->server), 0);
	stop_courier(w);
}

/* The clerk dies while its request is under way; its successor gets the answer of the one request. */
static void answer_outlives_the_clerk(void **state)
{
	struct world *w = *state;
	struct testserver_script slow = {.response = good, .n = sizeof good - 1, .delay_ms = 400};
	struct fetch_answer answer;
	struct ipc_message m;

	testserver_script(w->server, &slow);
	start_courier(w, INSTANCE_1, "127.0.0.0/8");
	send_keys(w);
	m = token_message(w, ATTEMPT_A);
	m.id = 77;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	wait_for_requests(w, 1);
	close(w->clerk);
	introduce(w, IPC_CLERK, &w->clerk);
	answer = ask(w, attempt_message(IPC_JOIN, ATTEMPT_A)); /* still in flight: waits */
	assert_good(w, &answer, ATTEMPT_A);
	assert_int_equal(testserver_requests(w->server), 1);
	stop_courier(w);
}

/* kill -9 after the answer was handed on: the next instance's courier still has it. */
static void spool_outlives_the_courier(void **state)
{
	struct world *w = *state;
	struct fetch_answer answer;

	start_courier(w, INSTANCE_1, "127.0.0.0/8");
	send_keys(w);
	answer = ask(w, token_message(w, ATTEMPT_A));
	assert_good(w, &answer, ATTEMPT_A);
	kill_courier(w);
	start_courier(w, INSTANCE_2, "127.0.0.0/8");
	answer = ask(w, attempt_message(IPC_JOIN, ATTEMPT_A));
	assert_good(w, &answer, ATTEMPT_A);
	kill_courier(w);
	start_courier(w, INSTANCE_2, "127.0.0.0/8"); /* the same instance again: its courier alone was killed */
	send_keys(w);
	answer = ask(w, token_message(w, ATTEMPT_A));
	assert_good(w, &answer, ATTEMPT_A);
	assert_int_equal(testserver_requests(w->server), 1);
	stop_courier(w);
}

/* The supervisor dies: the courier brings home what is in flight, and the next one waits for it. */
static void orphan_finishes_and_successor_waits(void **state)
{
	struct world *w = *state;
	struct testserver_script slow = {.response = good, .n = sizeof good - 1, .delay_ms = 800};
	struct fetch_answer answer;
	struct ipc_message m;
	pid_t orphan;
	int status = 0;

	testserver_script(w->server, &slow);
	start_courier(w, INSTANCE_1, "127.0.0.0/8");
	send_keys(w);
	m = token_message(w, ATTEMPT_A);
	m.id = 5;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	wait_for_requests(w, 1);
	orphan = w->pid;
	close_ends(w);
	start_courier(w, INSTANCE_2, "127.0.0.0/8");
	answer = ask(w, attempt_message(IPC_JOIN, ATTEMPT_A)); /* waits for the older courier's spool */
	assert_good(w, &answer, ATTEMPT_A);
	assert_int_equal(waitpid(orphan, &status, 0), orphan);
	assert_int_equal(status, 0);
	answer = ask(w, attempt_message(IPC_JOIN, ATTEMPT_B)); /* and now nothing is to be waited for */
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	assert_int_equal(testserver_requests(w->server), 1);
	stop_courier(w);
}

static void stop_finishes_what_is_in_flight(void **state)
{
	struct world *w = *state;
	struct testserver_script slow = {.response = good, .n = sizeof good - 1, .delay_ms = 400};
	struct fetch_answer answer;
	struct ipc_message m, back;

	testserver_script(w->server, &slow);
	start_courier(w, INSTANCE_1, "127.0.0.0/8");
	send_keys(w);
	m = token_message(w, ATTEMPT_A);
	m.id = 5;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	wait_for_requests(w, 1);
	assert_int_equal(ipc_send(w->control, &(struct ipc_message){.kind = IPC_STOP}), ERR_OK);
	usleep(100000);
	answer = ask(w, attempt_message(IPC_JOIN, ATTEMPT_B)); /* it still speaks */
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	m = token_message(w, ATTEMPT_B);
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
			assert_good(w, &answer, ATTEMPT_A);
		got++;
	}
	assert_int_equal(reap(w), 0);
	close_ends(w);
	assert_int_equal(testserver_requests(w->server), 1);
}

static void malformed_fetch_is_refused(void **state)
{
	struct world *w = *state;
	struct ipc_message m;
	struct fetch_answer answer;

	start_courier(w, INSTANCE_1, "127.0.0.0/8");
	send_keys(w);
	m = token_message(w, ATTEMPT_A);
	m.field[IPC_FETCH_ATTEMPT].bytes = SLICE_LIT("short");
	answer = ask(w, m);
	assert_int_equal(answer.err, ERR_INVALID);
	answer = ask(w, attempt_message(IPC_JOIN, "short"));
	assert_int_equal(answer.err, ERR_NOT_FOUND);
	assert_int_equal(testserver_connections(w->server), 0);
	stop_courier(w);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(answers_sealed_and_once),		   TEST(released_attempts_are_forgotten),
		TEST(takes_no_tokens_without_keys),	   TEST(refuses_what_is_not_allowed),
		TEST(answer_outlives_the_clerk),	   TEST(spool_outlives_the_courier),
		TEST(orphan_finishes_and_successor_waits), TEST(stop_finishes_what_is_in_flight),
		TEST(malformed_fetch_is_refused),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
