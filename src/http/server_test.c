/* SPDX-License-Identifier: Apache-2.0 */
/* Listening, caps, draining, and going on at the limit of descriptors (DO-02). */
#include "http/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/testserver.h"

static const char plain[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

static void on_drained(void *arg)
{
	struct testserver *t = arg;

	t->drained = true;
}

static void ask(struct testserver *t, int fd, bool want)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	testserver_send(fd, slice_from(plain));
	assert_int_equal(testserver_until(t, fd, &out, "GET /a 0 "), want);
	buf_done(&out);
}

static bool is_ended(struct testserver *t, int fd)
{
	char byte;

	testserver_run(t, 20);
	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void test_request_ids_differ(void **state)
{
	struct testserver t;
	struct buf out;
	char first[REQUEST_ID_BYTES] = "", *id;

	(void)state;
	testserver_start(&t, NULL);
	for (int i = 0; i < 3; i++) {
		buf_init(&out, 1 << 20);
		testserver_talk(&t, SLICE_LIT("GET /a HTTP/1.0\r\nHost: h\r\n\r\n"), &out);
		id = strstr(buf_cstr(&out), "X-Request-Id: ");
		assert_non_null(id);
		assert_int_not_equal(strncmp(first, id + 14, 32), 0);
		assert_int_equal(strspn(id + 14, "0123456789abcdef"), 32);
		memcpy(first, id + 14, 32);
		buf_done(&out);
	}
	testserver_stop(&t);
}

static void test_do02_connections_of_one_client_are_capped(void **state)
{
	const struct server_args capped = {.limits = {.per_peer = 2, .count_loopback = true}};
	const struct server_args exempt = {.limits = {.per_peer = 2}};
	struct testserver t;
	int fd[4];

	(void)state;
	testserver_start(&t, &capped);
	for (int i = 0; i < 3; i++)
		fd[i] = testserver_connect(&t);
	ask(&t, fd[0], true);
	ask(&t, fd[1], true);
	assert_true(is_ended(&t, fd[2]));
	assert_int_equal(server_connections(t.server), 2);
	close(fd[0]);
	testserver_run(&t, 20);
	fd[3] = testserver_connect(&t);
	ask(&t, fd[3], true); /* a place was given back */
	for (int i = 1; i < 4; i++)
		close(fd[i]);
	testserver_stop(&t);

	testserver_start(&t, &exempt);
	for (int i = 0; i < 4; i++) {
		fd[i] = testserver_connect(&t);
		ask(&t, fd[i], true);
	}
	assert_int_equal(server_connections(t.server), 4);
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	testserver_stop(&t);
}

static void test_do02_the_longest_idle_makes_room(void **state)
{
	const struct server_args args = {.max_connections = 2};
	struct testserver t;
	int busy, idle, third, fourth;

	(void)state;
	testserver_start(&t, &args);
	idle = testserver_connect(&t);
	ask(&t, idle, true);
	busy = testserver_connect(&t);
	testserver_send(busy, SLICE_LIT("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
	testserver_run(&t, 20);
	third = testserver_connect(&t);
	testserver_send(third, SLICE_LIT("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
	testserver_run(&t, 20);
	assert_true(is_ended(&t, idle));
	assert_int_equal(t.held_count, 2);
	fourth = testserver_connect(&t); /* nobody is idle: the newcomer goes, the working ones stay */
	assert_true(is_ended(&t, fourth));
	assert_int_equal(server_connections(t.server), 2);
	testserver_release(&t);
	testserver_release(&t);
	close(busy);
	close(idle);
	close(third);
	close(fourth);
	testserver_stop(&t);
}

/* Slow heads and those who never ask go before who was served and may come again. */
static void test_do02_who_keeps_us_waiting_makes_room(void **state)
{
	const struct server_args args = {.max_connections = 4};
	struct testserver t;
	int served, fresh, slow[2], more[3];

	(void)state;
	testserver_start(&t, &args);
	served = testserver_connect(&t);
	ask(&t, served, true);
	fresh = testserver_connect(&t);
	testserver_run(&t, 20);
	for (int i = 0; i < 2; i++) {
		slow[i] = testserver_connect(&t);
		testserver_send(slow[i], SLICE_LIT("GET / HTTP/1.1\r\nHost"));
		testserver_run(&t, 20);
	}
	assert_int_equal(server_connections(t.server), 4);
	for (int i = 0; i < 3; i++) {
		more[i] = testserver_connect(&t);
		ask(&t, more[i], true);
		assert_int_equal(server_connections(t.server), 4);
		assert_true(is_ended(&t, i < 2 ? slow[i] : fresh));
	}
	ask(&t, served, true);
	for (int i = 0; i < 3; i++)
		close(more[i]);
	close(served);
	close(fresh);
	close(slow[0]);
	close(slow[1]);
	testserver_stop(&t);
}

static void test_do02_accept_goes_on_at_the_limit_of_descriptors(void **state)
{
	struct rlimit old, low;
	struct testserver t;
	int client[4], filler[512], n = 0, i;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	testserver_start(&t, NULL);
	for (i = 0; i < 4; i++)
		client[i] = testserver_connect(&t); /* in the queue, not accepted */
	low = old;
	low.rlim_cur = 256;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < 512 && (filler[n] = fcntl(0, F_DUPFD, 0)) >= 0)
		n++;
	testserver_run(&t, 30); /* nothing can be accepted; nothing hangs or crashes */
	assert_int_equal(t.requests, 0);
	while (n > 0)
		close(filler[--n]);
	setrlimit(RLIMIT_NOFILE, &old);
	for (i = 0; i < 4; i++)
		close(client[i]);
	client[0] = testserver_connect(&t);
	ask(&t, client[0], true);
	close(client[0]);
	testserver_stop(&t);
}

static void test_drain(void **state)
{
	struct testserver t;
	struct buf out;
	int idle, busy, head;

	(void)state;
	testserver_start(&t, NULL);
	buf_init(&out, 1 << 20);
	idle = testserver_connect(&t);
	ask(&t, idle, true);
	busy = testserver_connect(&t);
	testserver_send(busy, SLICE_LIT("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
	head = testserver_connect(&t);
	testserver_send(head, SLICE_LIT("GET /late HTTP/1.1\r\nHo"));
	testserver_run(&t, 20);
	server_drain(t.server, on_drained, &t);
	assert_false(t.drained);
	assert_true(is_ended(&t, idle));
	testserver_send(head, SLICE_LIT("st: h\r\n\r\n")); /* had begun: is served */
	assert_true(testserver_until(&t, head, &out, "GET /late 0 3\n"));
	assert_non_null(strstr(buf_cstr(&out), "\r\nConnection: close\r\n"));
	close(head);
	testserver_run(&t, 20);
	assert_false(t.drained);
	assert_int_equal(t.held_count, 1);
	testserver_release(&t);
	buf_reset(&out);
	assert_true(testserver_until(&t, busy, &out, NULL));
	assert_non_null(strstr(buf_cstr(&out), "\r\nConnection: close\r\n"));
	assert_non_null(strstr(out.p, "released\n"));
	close(busy);
	testserver_run(&t, 20);
	assert_true(t.drained);
	assert_int_equal(server_connections(t.server), 0);
	close(idle);
	buf_done(&out);
	testserver_stop(&t);
}

/* An answer that was under way when the drain began arrives whole, and its connection does not become idle again. */
static void test_drain_while_an_answer_leaves(void **state)
{
	const struct server_args args = {.limits = {.linger_ms = 3000}};
	struct testserver t;
	struct buf out;
	int fd;

	(void)state;
	testserver_start(&t, &args);
	buf_init(&out, 8 << 20);
	fd = testserver_connect_narrow(&t);
	testserver_send(fd, SLICE_LIT("GET /big HTTP/1.1\r\nHost: h\r\n\r\n"));
	testserver_run(&t, 20);
	server_drain(t.server, on_drained, &t);
	assert_true(testserver_until(&t, fd, &out, "GET /big 0 1\n"));
	assert_true(out.n > TESTSERVER_BIG);
	assert_true(is_ended(&t, fd));
	close(fd);
	testserver_run(&t, 20);
	assert_true(t.drained);
	buf_done(&out);
	testserver_stop(&t);
}

/* Who neither ends nor goes on does not hold up the end. */
static void test_drain_has_a_deadline(void **state)
{
	const struct server_args args = {.limits = {.linger_ms = 60}};
	struct testserver t;
	int head;

	(void)state;
	testserver_start(&t, &args);
	head = testserver_connect(&t);
	testserver_send(head, SLICE_LIT("GET /"));
	testserver_run(&t, 20);
	server_drain(t.server, on_drained, &t);
	testserver_run(&t, 300);
	assert_true(t.drained);
	close(head);
	testserver_stop(&t);
}

static void test_drain_with_nobody_there_is_asynchronous(void **state)
{
	struct testserver t;

	(void)state;
	testserver_start(&t, NULL);
	server_drain(t.server, on_drained, &t);
	assert_false(t.drained);
	testserver_run(&t, 5);
	assert_true(t.drained);
	testserver_stop(&t);
}

/* Exchanges outlive the server. */
static void test_free_with_work_in_hand(void **state)
{
	struct testserver t;
	char byte[1];
	int fd;

	(void)state;
	testserver_start(&t, NULL);
	fd = testserver_connect(&t);
	testserver_send(fd, SLICE_LIT("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"));
	testserver_run(&t, 20);
	assert_int_equal(t.held_count, 1);
	testserver_stop(&t); /* frees the server, then answers, and counts what was disposed of */
	assert_true(recv(fd, byte, 1, MSG_DONTWAIT) <= 0);
	close(fd);
}

static void test_a_socket_that_cannot_listen(void **state)
{
	uv_loop_t loop;
	struct server *s = NULL;
	struct errinfo ei = {0};
	struct server_args args = {.loop = &loop, .socket = open("/dev/null", O_RDONLY | O_CLOEXEC)};

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(server_start(&args, &s, &ei), ERR_CONFIG);
	assert_null(s);
	assert_true(ei.detail[0] != '\0');
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_ids_differ),
		cmocka_unit_test(test_do02_connections_of_one_client_are_capped),
		cmocka_unit_test(test_do02_the_longest_idle_makes_room),
		cmocka_unit_test(test_do02_who_keeps_us_waiting_makes_room),
		cmocka_unit_test(test_do02_accept_goes_on_at_the_limit_of_descriptors),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_while_an_answer_leaves),
		cmocka_unit_test(test_drain_has_a_deadline),
		cmocka_unit_test(test_drain_with_nobody_there_is_asynchronous),
		cmocka_unit_test(test_free_with_work_in_hand),
		cmocka_unit_test(test_a_socket_that_cannot_listen),
	};

	return cmocka_run_group_tests_name("http/server", tests, NULL, NULL);
}
