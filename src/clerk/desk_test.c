/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clerk's operations against a courier that the test plays: one refresh for all who wait (RF-03), and what
 * a courier's death between request and answer does (OA-18, RF-16).
 */
#include "clerk/desk.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "clerk/errands.h"
#include "core/connections.h"
#include "core/testcore.h"
#include "ipc/ipc.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)

static const char first[] = "{\"access_token\":\"at-1\",\"refresh_token\":\"rt-1\",\"token_type\":\"Bearer\",\"expires_in\":60}";
static const char second[] = "{\"access_token\":\"at-2\",\"refresh_token\":\"rt-2\",\"token_type\":\"Bearer\",\"expires_in\":3600}";

struct bench {
	struct testcore core;
	uv_loop_t loop;
	struct desk desk;
	int courier, worker; /* the test's ends */
	struct arena *arena; /* of received messages */
	const char *grant_id;
	bool stopped;
};

static void on_courier(struct channel *c, struct ipc_message *m, void *arg)
{
	(void)c;
	if (m->kind == IPC_HOLDS)
		errands_held(arg, m->field[IPC_HOLDS_ATTEMPTS].bytes);
	else
		desk_courier_message(arg, m);
}

static void on_worker(struct channel *c, struct ipc_message *m, void *arg)
{
	struct desk *d = arg;
	const struct refresh_want want = {.min_life_ms = m->field[IPC_REFRESH_MIN_LIFE_MS].number,
					  .newer_than = m->field[IPC_REFRESH_NEWER_THAN].number};

	(void)c;
	desk_wait(errands_refresh(d, m->field[IPC_REFRESH_GRANT].bytes, &want), 0, m->id, &want);
}

static void on_courier_closed(struct channel *c, void *arg)
{
	(void)c;
	(void)arg;
}

static void on_worker_closed(struct channel *c, void *arg)
{
	(void)c;
	desk_worker_gone(arg, 0);
}

/* A connection of the desk to a peer that the test plays; gives the test's end. */
static int connect_peer(struct bench *b, struct channel **c, enum ipc_role peer, channel_message_fn *fn)
{
	const struct channel_args args = {.loop = &b->loop, .self = IPC_CLERK, .peer = peer, .on_message = fn,
					  .on_closed = peer == IPC_WORKER ? on_worker_closed : on_courier_closed, .arg = &b->desk};
	int fds[2];

	OK(ipc_pair(fds));
	if (!*c)
		*c = channel_new(&args);
	channel_replace(*c, fds[0]);
	return fds[1];
}

static int setup(void **state)
{
	struct bench *b = MEM_NEW(struct bench);
	struct authenticator_row auth;
	struct connection_row c;

	testcore_init(&b->core);
	auth = testcore_probe(&b->core);
	assert_string_equal(testcore_connect(&b->core, &auth, &b->core.admin.owner, first, "{\"sub\":\"ann\"}").result, "connected");
	OK(connections_resolve(&b->core.core, "default", b->core.admin.owner.user_id, slice_from("probe"), b->core.arena, &c,
			       &b->core.ei));
	b->grant_id = c.grant_id;
	b->arena = arena_new(64 << 20);
	uv_loop_init(&b->loop);
	b->desk.loop = &b->loop;
	b->desk.core = b->core.core;
	desk_init(&b->desk);
	b->courier = connect_peer(b, &b->desk.courier, IPC_COURIER, on_courier);
	b->worker = connect_peer(b, &b->desk.worker[0], IPC_WORKER, on_worker);
	*state = b;
	return 0;
}

static void note_stop(void *arg)
{
	*(bool *)arg = true;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	channel_free(&b->desk.courier);
	channel_free(&b->desk.worker[0]);
	desk_done(&b->desk, note_stop, &b->stopped);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_true(b->stopped);
	uv_loop_close(&b->loop);
	ledger_done(&b->desk.ledger, &b->core.core);
	close(b->courier);
	close(b->worker);
	arena_free(&b->arena);
	testcore_done(&b->core);
	free(b);
	return 0;
}

/* Runs the loop until something came for the test's end, at most two seconds; false when nothing did. */
static bool next_message(struct bench *b, int fd, enum ipc_role to, int tries, struct ipc_message *ret)
{
	for (int i = 0; i < tries; i++) {
		enum err e = ipc_receive(fd, IPC_CLERK, to, b->arena, ret);

		if (!e)
			return true;
		assert_int_equal(e, ERR_BUSY);
		uv_run(&b->loop, UV_RUN_NOWAIT);
		usleep(2000);
	}
	return false;
}

static struct ipc_message expect(struct bench *b, int fd, enum ipc_role to, enum ipc_kind kind)
{
	struct ipc_message m;

	assert_true(next_message(b, fd, to, 1000, &m));
	assert_string_equal(ipc_kind_name(m.kind), ipc_kind_name(kind));
	return m;
}

static void ask(struct bench *b, uint64_t id, int64_t min_life_ms, int64_t newer_than)
{
	struct ipc_message m = {.kind = IPC_REFRESH, .id = id};

	m.field[IPC_REFRESH_GRANT].bytes = slice_from(b->grant_id);
	m.field[IPC_REFRESH_MIN_LIFE_MS].number = min_life_ms;
	m.field[IPC_REFRESH_NEWER_THAN].number = newer_than;
	OK(ipc_send(b->worker, &m));
}

static void ask_refresh(struct bench *b, uint64_t id)
{
	ask(b, id, 120 * 1000, -1);
}

static void answer_fetch(struct bench *b, uint64_t id, const struct fetch_answer *answer)
{
	struct ipc_message m;

	fetch_answer_to_message(answer, b->arena, &m);
	m.id = id;
	OK(ipc_send(b->courier, &m));
}

static void answer_ok(struct bench *b, uint64_t id)
{
	const struct fetch_answer answer = {.status = 200, .sent = true, .complete = true,
					    .content_type = "application/json", .body = slice_from(second)};

	answer_fetch(b, id, &answer);
}

static void all_who_wait_get_one_refresh(void **state)
{
	struct bench *b = *state;
	struct ipc_message fetch, more;

	for (uint64_t id = 1; id <= 50; id++)
		ask_refresh(b, id);
	fetch = expect(b, b->courier, IPC_COURIER, IPC_FETCH);
	assert_false(next_message(b, b->courier, IPC_COURIER, 20, &more));
	answer_ok(b, fetch.id);
	for (uint64_t id = 1; id <= 50; id++) {
		struct ipc_message m = expect(b, b->worker, IPC_WORKER, IPC_REFRESHED);

		assert_int_equal(m.id, id);
		assert_int_equal(m.field[IPC_RESULT_ERR].number, ERR_OK);
	}
	more = expect(b, b->courier, IPC_COURIER, IPC_RELEASE);
	assert_true(slice_eq(more.field[IPC_RELEASE_ATTEMPT].bytes, fetch.field[IPC_FETCH_ATTEMPT].bytes));
	assert_int_equal(desk_busy(&b->desk), 0);
}

static void a_new_courier_is_asked_to_join_never_to_repeat(void **state)
{
	struct bench *b = *state;
	struct ipc_message fetch, join;

	ask_refresh(b, 1);
	fetch = expect(b, b->courier, IPC_COURIER, IPC_FETCH);
	close(b->courier);
	b->courier = connect_peer(b, &b->desk.courier, IPC_COURIER, on_courier);
	desk_courier_returned(&b->desk);
	join = expect(b, b->courier, IPC_COURIER, IPC_JOIN);
	assert_true(slice_eq(join.field[IPC_JOIN_ATTEMPT].bytes, fetch.field[IPC_FETCH_ATTEMPT].bytes));
	answer_ok(b, join.id);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).field[IPC_RESULT_ERR].number, ERR_OK);
}

/* While it lasts, nothing that this process writes reaches a file. */
static void fill_disk(bool full)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = full ? 0 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* LIFECYCLE §4.1: no request without a durable intent. */
static void nothing_is_sent_when_the_intent_is_not_committed(void **state)
{
	struct bench *b = *state;
	struct ipc_message m;

	fill_disk(true);
	ask_refresh(b, 1);
	m = expect(b, b->worker, IPC_WORKER, IPC_REFRESHED);
	fill_disk(false);
	assert_int_equal(m.field[IPC_RESULT_ERR].number, ERR_STORE);
	assert_false(next_message(b, b->courier, IPC_COURIER, 20, &m));
	ask_refresh(b, 2);
	answer_ok(b, expect(b, b->courier, IPC_COURIER, IPC_FETCH).id);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).field[IPC_RESULT_ERR].number, ERR_OK);
}

/* LG-03: no request whose outcome could not be recorded. What is refused leaves no intent behind. */
static void nothing_is_sent_when_it_could_not_be_recorded(void **state)
{
	struct bench *b = *state;
	struct ipc_message m;
	struct grant_row g;
	char path[64];

	b->desk.ledger.data_dir = b->core.dir;
	snprintf(path, sizeof path, "%s/audit", b->core.dir);
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0); /* a file where the directory should be */
	ask_refresh(b, 1);
	m = expect(b, b->worker, IPC_WORKER, IPC_REFRESHED);
	assert_int_equal(m.field[IPC_RESULT_ERR].number, ERR_BUSY);
	assert_false(next_message(b, b->courier, IPC_COURIER, 20, &m));
	OK(store_find(b->core.core.store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(b->grant_id)), b->core.arena, &g, &b->core.ei));
	assert_string_equal(g.intent_attempt, "");
	assert_int_equal(unlink(path), 0);
	ask_refresh(b, 2);
	answer_ok(b, expect(b, b->courier, IPC_COURIER, IPC_FETCH).id);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).field[IPC_RESULT_ERR].number, ERR_OK);
	expect(b, b->courier, IPC_COURIER, IPC_RELEASE);
	assert_int_equal(atomic_load(&b->desk.ledger.promised), 0);
	assert_int_equal(b->desk.ledger.notes.n, 0);
}

/* LIFECYCLE §4.10: what was not committed is not released; the courier is asked for it again, under its old id. */
static void an_answer_is_released_only_when_it_is_committed(void **state)
{
	struct bench *b = *state;
	struct ipc_message fetch, m;
	struct grant_row g;

	b->desk.left_open = errands_recover;
	ask_refresh(b, 1);
	fetch = expect(b, b->courier, IPC_COURIER, IPC_FETCH);
	fill_disk(true);
	answer_ok(b, fetch.id);
	m = expect(b, b->worker, IPC_WORKER, IPC_REFRESHED);
	fill_disk(false);
	assert_int_equal(m.field[IPC_RESULT_ERR].number, ERR_STORE);
	m = expect(b, b->courier, IPC_COURIER, IPC_JOIN);
	assert_true(slice_eq(m.field[IPC_JOIN_ATTEMPT].bytes, fetch.field[IPC_FETCH_ATTEMPT].bytes));
	OK(store_find(b->core.core.store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(b->grant_id)), b->core.arena, &g, &b->core.ei));
	assert_int_equal(g.generation, 1);
	answer_ok(b, m.id);
	m = expect(b, b->courier, IPC_COURIER, IPC_RELEASE);
	assert_true(slice_eq(m.field[IPC_RELEASE_ATTEMPT].bytes, fetch.field[IPC_FETCH_ATTEMPT].bytes));
	OK(store_find(b->core.core.store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(b->grant_id)), b->core.arena, &g, &b->core.ei));
	assert_int_equal(g.generation, 2);
}

static void an_answer_that_nobody_knows_leaves_the_grant_alive(void **state)
{
	const struct fetch_answer unknown = {.err = ERR_NOT_FOUND};
	struct bench *b = *state;
	struct ipc_message join;
	struct grant_row g;

	ask_refresh(b, 1);
	expect(b, b->courier, IPC_COURIER, IPC_FETCH);
	close(b->courier);
	b->courier = connect_peer(b, &b->desk.courier, IPC_COURIER, on_courier);
	desk_courier_returned(&b->desk);
	join = expect(b, b->courier, IPC_COURIER, IPC_JOIN);
	answer_fetch(b, join.id, &unknown);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).field[IPC_RESULT_ERR].number, ERR_UPSTREAM_DOWN);
	OK(store_find(b->core.core.store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(b->grant_id)), b->core.arena, &g, &b->core.ei));
	assert_string_equal(g.status, "active");
	assert_int_equal(g.uncertain, 1);
	assert_string_equal(g.intent_attempt, "");
}

static void a_request_made_without_a_courier_goes_to_the_next(void **state)
{
	struct bench *b = *state;
	struct ipc_message more;

	close(b->courier);
	for (int i = 0; i < 5; i++)
		uv_run(&b->loop, UV_RUN_NOWAIT);
	ask_refresh(b, 1);
	assert_false(next_message(b, b->worker, IPC_WORKER, 50, &more));
	b->courier = connect_peer(b, &b->desk.courier, IPC_COURIER, on_courier);
	desk_courier_returned(&b->desk);
	answer_ok(b, expect(b, b->courier, IPC_COURIER, IPC_FETCH).id);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).field[IPC_RESULT_ERR].number, ERR_OK);
}

/* It went out once, so it is never sent again, and its intent stands until somebody knows what came of it. */
static void an_answer_that_is_not_at_hand_keeps_its_intent(void **state)
{
	const struct fetch_answer busy = {.err = ERR_BUSY};
	struct bench *b = *state;
	struct ipc_message m;
	struct grant_row g;

	testcore_sql(&b->core, "UPDATE oauth_token_grants SET intent_attempt = '66666666666666666666666666666666'");
	ask_refresh(b, 1);
	for (int i = 0; i <= DESK_TRIES_MAX; i++)
		answer_fetch(b, expect(b, b->courier, IPC_COURIER, IPC_JOIN).id, &busy);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).field[IPC_RESULT_ERR].number, ERR_BUSY);
	assert_false(next_message(b, b->courier, IPC_COURIER, 60, &m));
	OK(store_find(b->core.core.store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(b->grant_id)), b->core.arena, &g, &b->core.ei));
	assert_string_equal(g.intent_attempt, "66666666666666666666666666666666");
}

static void an_intent_left_by_a_dead_clerk_is_joined(void **state)
{
	struct bench *b = *state;
	struct ipc_message m;

	testcore_sql(&b->core, "UPDATE oauth_token_grants SET intent_attempt = '66666666666666666666666666666666', "
			       "intent_instance = '11111111111111111111111111111111', intent_deadline = 1");
	errands_recover(&b->desk);
	m = expect(b, b->courier, IPC_COURIER, IPC_JOIN);
	assert_true(slice_is(m.field[IPC_JOIN_ATTEMPT].bytes, "66666666666666666666666666666666"));
	answer_ok(b, m.id);
	m = expect(b, b->courier, IPC_COURIER, IPC_RELEASE);
	assert_true(slice_is(m.field[IPC_RELEASE_ATTEMPT].bytes, "66666666666666666666666666666666"));
}

#define ATTEMPT "66666666666666666666666666666666"

static void offer(struct bench *b, struct slice attempts)
{
	struct ipc_message m = {.kind = IPC_HOLDS};

	m.field[IPC_HOLDS_ATTEMPTS].bytes = attempts;
	OK(ipc_send(b->courier, &m));
}

/* Left by a clerk that died between its commit and its RELEASE. */
static void what_the_courier_holds_for_nobody_is_released(void **state)
{
	struct bench *b = *state;
	struct ipc_message m;

	offer(b, SLICE_LIT("77777777777777777777777777777777" ATTEMPT));
	m = expect(b, b->courier, IPC_COURIER, IPC_RELEASE);
	assert_true(slice_is(m.field[IPC_RELEASE_ATTEMPT].bytes, "77777777777777777777777777777777"));
	m = expect(b, b->courier, IPC_COURIER, IPC_RELEASE);
	assert_true(slice_is(m.field[IPC_RELEASE_ATTEMPT].bytes, ATTEMPT));
	assert_int_equal(desk_busy(&b->desk), 0);
	offer(b, SLICE_LIT("6666"));
	assert_false(next_message(b, b->courier, IPC_COURIER, 20, &m));
}

static void what_the_courier_holds_for_an_open_intent_is_joined(void **state)
{
	struct bench *b = *state;
	struct ipc_message join, m;

	testcore_sql(&b->core, "UPDATE oauth_token_grants SET intent_attempt = '" ATTEMPT "', intent_deadline = 1");
	offer(b, SLICE_LIT(ATTEMPT));
	join = expect(b, b->courier, IPC_COURIER, IPC_JOIN);
	assert_true(slice_is(join.field[IPC_JOIN_ATTEMPT].bytes, ATTEMPT));
	offer(b, SLICE_LIT(ATTEMPT)); /* while that runs nothing is released */
	assert_false(next_message(b, b->courier, IPC_COURIER, 20, &m));
	answer_ok(b, join.id);
	m = expect(b, b->courier, IPC_COURIER, IPC_RELEASE);
	assert_true(slice_is(m.field[IPC_RELEASE_ATTEMPT].bytes, ATTEMPT));
}

/* A flow's too: the code was sent, so the answer to it is all there will ever be (OA-18). */
static void what_the_courier_holds_for_a_flow_is_joined(void **state)
{
	struct bench *b = *state;
	struct ipc_message m;

	testcore_sql(&b->core, "UPDATE oauth_sessions SET intent_attempt = '" ATTEMPT "', result = ''");
	offer(b, SLICE_LIT(ATTEMPT));
	m = expect(b, b->courier, IPC_COURIER, IPC_JOIN);
	assert_true(slice_is(m.field[IPC_JOIN_ATTEMPT].bytes, ATTEMPT));
	answer_fetch(b, m.id, &(struct fetch_answer){.err = ERR_NOT_FOUND});
	expect(b, b->courier, IPC_COURIER, IPC_RELEASE);
	assert_int_equal(desk_busy(&b->desk), 0);
}

static bool holds(struct slice text, const char *word)
{
	return memmem(text.p, text.n, word, strlen(word)) != NULL;
}

/* RF-05: the provider is told of the tokens that the refresh brings, and only after it. */
static void a_revoke_waits_for_the_refresh(void **state)
{
	struct bench *b = *state;
	struct ipc_message fetch, more;

	ask_refresh(b, 1);
	fetch = expect(b, b->courier, IPC_COURIER, IPC_FETCH);
	testcore_sql(&b->core, "UPDATE oauth_token_grants SET is_revoked = 1, status = 'revoked'; "
			       "UPDATE user_app_oauth_authentications SET is_active = 0, auth_status = 'revoked'");
	errands_revoke(&b->desk, slice_from(b->grant_id));
	assert_false(next_message(b, b->courier, IPC_COURIER, 20, &more));
	answer_ok(b, fetch.id);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).field[IPC_RESULT_ERR].number, ERR_CONFLICT);
	expect(b, b->courier, IPC_COURIER, IPC_RELEASE);
	more = expect(b, b->courier, IPC_COURIER, IPC_FETCH);
	assert_true(slice_is(more.field[IPC_FETCH_URL].bytes, "https://provider.example/revoke"));
	assert_true(holds(more.field[IPC_FETCH_BODY].bytes, "rt-2"));
	answer_ok(b, more.id);
	more = expect(b, b->courier, IPC_COURIER, IPC_FETCH);
	assert_true(holds(more.field[IPC_FETCH_BODY].bytes, "at-2"));
	answer_ok(b, more.id);
	assert_false(next_message(b, b->courier, IPC_COURIER, 20, &more));
	assert_int_equal(desk_busy(&b->desk), 0);
}

/* The successor numbers its requests from 1 again: an answer to its predecessor must not meet one of them. */
static void a_dead_workers_answer_does_not_go_to_its_successor(void **state)
{
	struct bench *b = *state;
	struct ipc_message fetch, more;

	ask_refresh(b, 1);
	fetch = expect(b, b->courier, IPC_COURIER, IPC_FETCH);
	close(b->worker);
	b->worker = connect_peer(b, &b->desk.worker[0], IPC_WORKER, on_worker);
	ask_refresh(b, 2);
	assert_false(next_message(b, b->courier, IPC_COURIER, 20, &more));
	answer_ok(b, fetch.id);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).id, 2);
	assert_false(next_message(b, b->worker, IPC_WORKER, 20, &more));
}

/* A courier that has just started has no keys yet: that is no failure of the provider's. */
static void what_the_courier_did_not_take_is_offered_again(void **state)
{
	const struct fetch_answer busy = {.err = ERR_BUSY};
	struct bench *b = *state;
	struct ipc_message one, two;

	ask_refresh(b, 1);
	one = expect(b, b->courier, IPC_COURIER, IPC_FETCH);
	answer_fetch(b, one.id, &busy);
	two = expect(b, b->courier, IPC_COURIER, IPC_FETCH);
	assert_true(slice_eq(one.field[IPC_FETCH_ATTEMPT].bytes, two.field[IPC_FETCH_ATTEMPT].bytes));
	answer_ok(b, two.id);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).field[IPC_RESULT_ERR].number, ERR_OK);
}

/* The token has 60 s left: enough for who asks first, not for who joins. RF-07: a report about a token names its generation. */
static void who_joins_wanting_more_gets_it(void **state)
{
	struct bench *b = *state;

	ask(b, 1, 10 * 1000, -1);
	ask(b, 2, 10 * 1000, 1);
	answer_ok(b, expect(b, b->courier, IPC_COURIER, IPC_FETCH).id);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).field[IPC_RESULT_ERR].number, ERR_OK);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).field[IPC_RESULT_ERR].number, ERR_OK);
}

static void a_report_about_an_old_token_refreshes_nothing(void **state)
{
	struct bench *b = *state;
	struct ipc_message more;

	ask(b, 1, 0, 0);
	assert_int_equal(expect(b, b->worker, IPC_WORKER, IPC_REFRESHED).field[IPC_RESULT_ERR].number, ERR_OK);
	assert_false(next_message(b, b->courier, IPC_COURIER, 20, &more));
}

/* RF-08: a provider that is down is told later; the disconnected account's tokens stay for that alone. */
static void a_revocation_that_fails_is_kept(void **state)
{
	const struct fetch_answer busy = {.status = 503, .sent = true, .complete = true, .retry_after_s = 5};
	struct bench *b = *state;
	struct revocation_row row;
	struct connection_row c;

	OK(store_find(b->core.core.store, SQL_CONNECTION_BY_GRANT, STORE_PARAMS(STORE_TEXT(b->grant_id)), b->core.arena, &c, &b->core.ei));
	OK(connections_disconnect(&b->core.core, &c, "test", &b->core.ei));
	errands_revoke(&b->desk, slice_from(b->grant_id));
	answer_fetch(b, expect(b, b->courier, IPC_COURIER, IPC_FETCH).id, &busy);
	for (int i = 0; i < 1000 && desk_busy(&b->desk); i++) {
		uv_run(&b->loop, UV_RUN_NOWAIT);
		usleep(2000);
	}
	OK(store_find(b->core.core.store, SQL_REVOCATION_BY_GRANT, STORE_PARAMS(STORE_TEXT(b->grant_id)), b->core.arena, &row, &b->core.ei));
	assert_int_equal(row.attempts, 1);
	assert_int_equal(row.due_at, b->core.now_ms + 30 * 1000);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(all_who_wait_get_one_refresh),
		CASE(a_new_courier_is_asked_to_join_never_to_repeat),
		CASE(nothing_is_sent_when_the_intent_is_not_committed),
		CASE(nothing_is_sent_when_it_could_not_be_recorded),
		CASE(an_answer_is_released_only_when_it_is_committed),
		CASE(an_answer_that_nobody_knows_leaves_the_grant_alive),
		CASE(a_request_made_without_a_courier_goes_to_the_next),
		CASE(an_answer_that_is_not_at_hand_keeps_its_intent),
		CASE(an_intent_left_by_a_dead_clerk_is_joined),
		CASE(what_the_courier_holds_for_nobody_is_released),
		CASE(what_the_courier_holds_for_an_open_intent_is_joined),
		CASE(what_the_courier_holds_for_a_flow_is_joined),
		CASE(a_revocation_that_fails_is_kept),
		CASE(who_joins_wanting_more_gets_it),
		CASE(a_report_about_an_old_token_refreshes_nothing),
		CASE(a_revoke_waits_for_the_refresh),
		CASE(a_dead_workers_answer_does_not_go_to_its_successor),
		CASE(what_the_courier_did_not_take_is_offered_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
