/* SPDX-License-Identifier: Apache-2.0 */
/* Answers on the wire: slow readers, clients that have gone, HEAD, and 500 in place of a broken one. */
#include "http/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/testserver.h"

static void test_forms_of_answers(void **state)
{
	static const struct {
		const char *request, *starts, *has, *lacks;
	} cases[] = {
		{"GET /a", "HTTP/1.1 200 OK\r\n", "GET /a 0 1\n", "evil"},
		{"HEAD /a", "HTTP/1.1 200 OK\r\n", "Content-Length: 12\r\n", "HEAD /a 0 1\n"},
		{"GET /empty", "HTTP/1.1 204 No Content\r\n", "X-Request-Id", "Content-Length"},
		{"GET /bad", "HTTP/1.1 500 ", "\"error\": \"internal\"", "evil"}, /* WB-09 */
		{"GET /unset", "HTTP/1.1 500 ", "\"error\": \"internal\"", "GET /unset"},
		{"OPTIONS /a", "HTTP/1.1 200 OK\r\n", "OPTIONS /a", "Access-Control"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct testserver t;
		struct buf in, out;

		testserver_start(&t, NULL);
		buf_init(&in, 4096);
		buf_init(&out, 1 << 20);
		buf_printf(&in, "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", cases[i].request);
		testserver_talk(&t, buf_slice(&in), &out);
		if (!slice_starts(buf_slice(&out), cases[i].starts) || !strstr(buf_cstr(&out), cases[i].has) ||
		    strstr(out.p, cases[i].lacks))
			fail_msg("case %zu: %s", i, out.p);
		assert_non_null(strstr(out.p, "\r\nContent-Security-Policy: "));
		buf_done(&in);
		buf_done(&out);
		testserver_stop(&t);
	}
}

static void test_http_1_0_is_served_and_closed(void **state)
{
	struct testserver t;
	struct buf out;

	(void)state;
	testserver_start(&t, NULL);
	buf_init(&out, 1 << 20);
	assert_int_equal(
		testserver_talk(&t, SLICE_LIT("GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"), &out),
		200);
	assert_non_null(strstr(buf_cstr(&out), "\r\nConnection: close\r\n"));
	buf_done(&out);
	testserver_stop(&t);
}

/* More than any socket buffer holds: it arrives whole, and the next request is answered behind it. */
static void test_a_big_answer_arrives_whole(void **state)
{
	struct testserver t;
	struct buf out;
	int fd;

	(void)state;
	testserver_start(&t, NULL);
	buf_init(&out, 8 << 20);
	fd = testserver_connect_narrow(&t);
	testserver_send(fd, SLICE_LIT("GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /after HTTP/1.1\r\nHost: h\r\n\r\n"));
	testserver_run(&t, 30);
	assert_int_equal(t.requests, 1); /* not before the first has been taken */
	assert_true(testserver_until(&t, fd, &out, "GET /after 0 2\n"));
	assert_true(out.n > TESTSERVER_BIG);
	assert_non_null(memmem(out.p, out.n, "bbbGET /big 0 1\nHTTP/1.1 200 OK\r\n", 33));
	close(fd);
	buf_done(&out);
	testserver_stop(&t);
}

static void test_do02_who_does_not_read_is_closed(void **state)
{
	/* The grace alone, and the grace with the time that 3 MiB may take. */
	static const struct {
		int64_t rate;
		size_t open;
	} cases[] = {{INT64_C(1) << 40, 0}, {4096, 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct server_args args = {.limits = {.write_ms = 40, .write_rate = cases[i].rate}};
		struct testserver t;
		int fd;

		testserver_start(&t, &args);
		fd = testserver_connect_narrow(&t);
		testserver_send(fd, SLICE_LIT("GET /big HTTP/1.1\r\nHost: h\r\n\r\n"));
		testserver_run(&t, 20);
		assert_int_equal(server_connections(t.server), 1);
		testserver_run(&t, 200);
		assert_int_equal(server_connections(t.server), cases[i].open);
		close(fd);
		testserver_run(&t, 20);
		assert_int_equal(server_connections(t.server), 0);
		testserver_stop(&t);
	}
}

/* A client that goes away while its request is worked on: the exchange lives on and is answered to nobody. */
static void test_a_client_that_disappears(void **state)
{
	static const struct linger abort_it = {.l_onoff = 1, .l_linger = 0};

	(void)state;
	for (int reset = 0; reset < 2; reset++) {
		struct testserver t;
		int fd;

		testserver_start(&t, NULL);
		fd = testserver_connect(&t);
		testserver_send(fd,
				SLICE_LIT("GET /hold HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer x\r\n\r\nGET /n"));
		testserver_run(&t, 20);
		assert_int_equal(t.held_count, 1);
		if (reset)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it);
		close(fd);
		testserver_run(&t, 20);
		assert_int_equal(t.disposed, 0); /* still readable */
		assert_int_equal(server_connections(t.server), reset ? 0 : 1);
		testserver_release(&t);
		testserver_run(&t, 20);
		assert_int_equal(t.disposed, 1);
		assert_int_equal(server_connections(t.server), 0);
		testserver_stop(&t);
	}
}

/* Nor does a request that never became one leave anything behind (the leak checker looks too). */
static void test_a_client_that_disappears_in_its_body(void **state)
{
	struct testserver t;
	int fd;

	(void)state;
	testserver_start(&t, NULL);
	fd = testserver_connect(&t);
	testserver_send(fd, SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"));
	testserver_run(&t, 20);
	assert_int_equal(server_connections(t.server), 1);
	close(fd);
	testserver_run(&t, 20);
	assert_int_equal(server_connections(t.server), 0);
	assert_int_equal(t.requests + t.errors, 0);
	testserver_stop(&t);
}

/* Half a close says "no more requests", not "no answer". */
static void test_a_half_closed_client_gets_its_answer(void **state)
{
	struct testserver t;
	struct buf out;
	int fd;

	(void)state;
	testserver_start(&t, NULL);
	buf_init(&out, 1 << 20);
	fd = testserver_connect(&t);
	testserver_send(
		fd, SLICE_LIT("GET /hold HTTP/1.1\r\nHost: h\r\n\r\nGET /two HTTP/1.1\r\nHost: h\r\n\r\nGET /part"));
	shutdown(fd, SHUT_WR);
	testserver_run(&t, 20);
	testserver_release(&t);
	assert_true(testserver_until(&t, fd, &out, NULL));
	assert_non_null(strstr(buf_cstr(&out), "released\n"));
	assert_non_null(strstr(out.p, "GET /two 0 2\n"));
	assert_int_equal(t.requests, 2);
	close(fd);
	buf_done(&out);
	testserver_stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms_of_answers),
		cmocka_unit_test(test_http_1_0_is_served_and_closed),
		cmocka_unit_test(test_a_big_answer_arrives_whole),
		cmocka_unit_test(test_do02_who_does_not_read_is_closed),
		cmocka_unit_test(test_a_client_that_disappears),
		cmocka_unit_test(test_a_client_that_disappears_in_its_body),
		cmocka_unit_test(test_a_half_closed_client_gets_its_answer),
	};

	return cmocka_run_group_tests_name("http/answer", tests, NULL, NULL);
}
