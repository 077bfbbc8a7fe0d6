/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes on a real socket become requests, or are refused without one (WB-08, DO-01, DO-02). */
#include "http/connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/testserver.h"

#define CLOSING " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"

static size_t count(const struct buf *b, const char *needle)
{
	size_t hits = 0, n = strlen(needle);

	for (size_t i = 0; i + n <= b->n; i++)
		hits += memcmp(b->p + i, needle, n) == 0;
	return hits;
}

/* Each of these once made two servers disagree. None may reach a handler, and nothing behind it may either. */
static void test_wb08_smuggling(void **state)
{
#define NEXT "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	static const struct {
		struct slice bytes;
		int status;
	} cases[] = {
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 44\r\nTransfer-Encoding: "
			   "chunked\r\n\r\n0\r\n\r\n" NEXT),
		 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: "
			   "4\r\n\r\n0\r\n\r\n" NEXT),
		 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 39\r\n\r\n" NEXT), 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 39\r\n\r\n" NEXT), 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length : 39\r\n\r\n" NEXT), 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" NEXT), 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" NEXT), 501},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" NEXT), 501},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT),
		 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nX: y\nContent-Length: 39\r\n\r\n" NEXT), 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nX: y\rContent-Length: 39\r\n\r\n" NEXT), 400},
		{SLICE_LIT("POST /a HTTP/1.1\nHost: h\n\n" NEXT), 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;\nx\r\n0\r\n\r\n" NEXT),
		 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n" NEXT),
		 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx0\r\n\r\n" NEXT),
		 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n" NEXT),
		 400},
		{SLICE_LIT("GET /a HTTP/1.1\r\nHost: h\r\nHost: evil\r\n\r\n" NEXT), 400},
		{SLICE_LIT("GET http://evil/ HTTP/1.1\r\nHost: h\r\n\r\n" NEXT), 400},
		{SLICE_LIT("GET /a\r\n\r\n" NEXT), 400},
		{SLICE_LIT("GET /a HTTP/2.0\r\nHost: h\r\n\r\n" NEXT), 505},
		{SLICE_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" NEXT), 501},
		{SLICE_LIT("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n" NEXT), 405},
		{SLICE_LIT("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n" NEXT), 405},
		{SLICE_LIT("DEBUG / HTTP/1.1\r\nHost: h\r\n\r\n" NEXT), 501},
		{SLICE_LIT("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n" NEXT), 400},
		{SLICE_LIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400},
		{SLICE_LIT("GET /a/../b HTTP/1.1\r\nHost: h\r\n\r\n" NEXT), 400},
		{SLICE_LIT("GET /a%00 HTTP/1.1\r\nHost: h\r\n\r\n" NEXT), 400},
		{SLICE_LIT("POST /a HTTP/1.1\r\nHost: h\r\nExpect: magic\r\n\r\n" NEXT), 417},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct testserver t;
		struct buf out;
		int status;

		testserver_start(&t, NULL);
		buf_init(&out, 1 << 20);
		status = testserver_talk(&t, cases[i].bytes, &out);
		if (status != cases[i].status)
			fail_msg("case %zu: %d", i, status);
		assert_int_equal(t.requests, 0);
		assert_int_equal(t.errors, 1);
		assert_int_equal(count(&out, "\r\nDate: "), 1); /* one answer */
		assert_int_equal(count(&out, "\r\nConnection: close\r\n"), 1);
		assert_int_equal(count(&out, "\r\nContent-Security-Policy: "), 1); /* WB-04 */
		assert_int_equal(count(&out, "\r\nX-Request-Id: "), 1);
		assert_int_equal(count(&out, "Access-Control"), 0); /* WB-05 */
		assert_int_equal(count(&out, "smuggled"), 0);
		buf_done(&out);
		testserver_stop(&t);
	}
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
	static const char text[] =
		"GET /hold1 HTTP/1.1\r\nHost: h\r\n\r\n"
		"POST /two HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
		"POST /three HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
		"GET /hold4 HTTP/1.1\r\nHost: h\r\n\r\n"
		"GET /five" CLOSING "\r\n"
		"GET /never HTTP/1.1\r\nHost: h\r\n\r\n";

	(void)state;
	for (size_t step = 1; step <= sizeof text; step += step < 8 ? 1 : 50) {
		struct testserver t;
		struct buf out;
		int fd;

		testserver_start(&t, NULL);
		buf_init(&out, 1 << 20);
		fd = testserver_connect(&t);
		for (size_t at = 0; at < sizeof text - 1; at += step) {
			testserver_send(fd, slice_sub(SLICE_LIT(text), at, step));
			if (step < 8)
				testserver_run(&t, 0);
			uv_run(&t.loop, UV_RUN_NOWAIT);
		}
		testserver_run(&t, 20);
		assert_int_equal(t.requests, 1); /* the others wait */
		assert_int_equal(t.held_count, 1);
		testserver_release(&t);
		assert_true(testserver_until(&t, fd, &out, "POST /three 2 3\n"));
		testserver_run(&t, 5);
		assert_int_equal(t.requests, 4);
		testserver_release(&t);
		assert_true(testserver_until(&t, fd, &out, NULL));
		assert_int_equal(t.requests, 5);
		assert_int_equal(count(&out, "HTTP/1.1 200"), 5);
		assert_true(strstr(buf_cstr(&out), "released\n") < strstr(out.p, "POST /two 3 2\n"));
		assert_true(strstr(out.p, "POST /two 3 2\n") < strstr(out.p, "POST /three 2 3\n"));
		assert_non_null(strstr(out.p, "GET /five 0 5\n"));
		close(fd);
		buf_done(&out);
		testserver_stop(&t);
	}
}

/* A client that keeps sending while its first request is worked on fills no memory. */
static void test_read_ahead_is_bounded(void **state)
{
	struct testserver t;
	struct buf out;
	char junk[4096];
	size_t sent = 0;
	int fd;

	(void)state;
	testserver_start(&t, NULL);
	buf_init(&out, 1 << 20);
	memset(junk, 'x', sizeof junk);
	fd = testserver_connect(&t);
	testserver_send(fd, SLICE_LIT("GET /hold HTTP/1.1\r\nHost: h\r\n\r\nGET /"));
	testserver_run(&t, 20);
	for (int idle = 0; idle < 20 && sent < 64 << 20;) {
		ssize_t n = send(fd, junk, sizeof junk, MSG_DONTWAIT | MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		testserver_run(&t, n > 0 ? 0 : 2);
		uv_run(&t.loop, UV_RUN_NOWAIT);
	}
	assert_true(sent < 64 << 20); /* the kernel's buffers are full, ours are not */
	assert_int_equal(server_connections(t.server), 1);
	testserver_release(&t);
	assert_true(testserver_until(&t, fd, &out, "414 URI Too Long"));
	assert_int_equal(t.requests, 1);
	close(fd);
	buf_done(&out);
	testserver_stop(&t);
}

/* Thousands of requests at once are all answered, in order, but not in one turn of the loop. */
static void test_a_flood_leaves_turns_to_others(void **state)
{
	enum { REQUESTS = 3000 };
	struct testserver t;
	struct buf in, out;
	char last[32];
	size_t most = 0;
	int flood, other;

	(void)state;
	testserver_start(&t, NULL);
	buf_init(&in, 1 << 20);
	buf_init(&out, 8 << 20);
	for (int i = 0; i < REQUESTS; i++)
		buf_puts(&in, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	flood = testserver_connect(&t);
	other = testserver_connect(&t);
	testserver_run(&t, 10);
	testserver_send(flood, buf_slice(&in));
	while (t.requests < REQUESTS) {
		size_t before = t.requests;

		uv_run(&t.loop, UV_RUN_NOWAIT);
		most = t.requests - before > most ? t.requests - before : most;
		if (before == 0)
			testserver_send(other, SLICE_LIT("GET /other HTTP/1.1\r\nHost: h\r\n\r\n"));
	}
	assert_in_range(most, 1, 2 * CONNECTION_BUDGET + 2); /* a resumed turn and a read, and the other one */
	snprintf(last, sizeof last, "GET / 0 %zu\n", t.requests);
	assert_true(testserver_until(&t, other, &out, "GET /other 0 "));
	assert_true(strtol(strstr(out.p, "/other 0 ") + 9, NULL, 10) < 4 * CONNECTION_BUDGET);
	buf_reset(&out);
	shutdown(flood, SHUT_WR);
	assert_true(testserver_until(&t, flood, &out, NULL));
	assert_true(t.requests > REQUESTS);
	assert_int_equal(count(&out, "GET / 0 "), REQUESTS);
	assert_true(slice_ends(buf_slice(&out), last) || count(&out, last));
	close(flood);
	close(other);
	buf_done(&in);
	buf_done(&out);
	testserver_stop(&t);
}

/* Nothing of a request stays in the server's own buffers. */
static void test_request_bytes_are_wiped(void **state)
{
	static const char *const requests[] = {
		"GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer c4n4ry-secret\r\n\r\n",
		"GET /hold HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer c4n4ry-secret\r\n\r\n",
		"GET /hold HTTP/1.1\r\nHost: h\r\n\r\nGET /a HTTP/1.1\r\nAuthorization: Bearer c4n4ry-secret",
		"GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer c4n4ry-secret\n\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct testserver t;
		int fd;

		testserver_start(&t, NULL);
		fd = testserver_connect(&t);
		testserver_send(fd, slice_from(requests[i]));
		testserver_run(&t, 20);
		assert_int_equal(t.requests + t.errors, 1);
		for (size_t k = 0; k < sizeof t.server->read_buffer; k++)
			assert_int_equal(t.server->read_buffer[k], 0);
		assert_null(t.server->scratch.p ? memmem(t.server->scratch.p, t.server->scratch.cap, "c4n4ry", 6)
						: NULL);
		close(fd);
		testserver_stop(&t);
	}
}

static void fill(struct buf *b, size_t n)
{
	while (n--)
		buf_putc(b, 'x');
}

/* A header whose line is that long with its CRLF, and the end of the head. */
static void put_header(struct buf *b, size_t n)
{
	fill(b, n - 3);
	buf_puts(b, ":\r\n\r\n");
}

/* DO-01 at the socket: the limit itself is served, one more is not. */
static void test_do01_limits(void **state)
{
	static const struct {
		size_t target, body, header;
		bool chunked;
		int status;
	} cases[] = {
		{8192, 0, 0, false, 200},	{8193, 0, 0, false, 414}, {1, 65536, 0, false, 200},
		{1, 65537, 0, false, 413},	{1, 65536, 0, true, 200}, {1, 65537, 0, true, 413},
		{1, 0, 16384 - 28, false, 200}, /* Host and Connection are 28 bytes */
		{1, 0, 16384 - 27, false, 431},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct testserver t;
		struct buf in, out;

		buf_init(&in, 1 << 20);
		buf_init(&out, 1 << 20);
		buf_puts(&in, cases[i].body ? "POST /" : "GET /");
		fill(&in, cases[i].target - 1);
		buf_puts(&in, " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n");
		if (cases[i].chunked)
			buf_printf(&in, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", cases[i].body);
		else if (cases[i].body)
			buf_printf(&in, "Content-Length: %zu\r\n\r\n", cases[i].body);
		else if (cases[i].header)
			put_header(&in, cases[i].header);
		else
			buf_puts(&in, "\r\n");
		fill(&in, cases[i].body);
		if (cases[i].chunked)
			buf_puts(&in, "\r\n0\r\n\r\n");
		testserver_start(&t, NULL);
		if (testserver_talk(&t, buf_slice(&in), &out) != cases[i].status)
			fail_msg("case %zu: %.40s", i, buf_cstr(&out));
		assert_int_equal(t.requests, cases[i].status == 200);
		testserver_stop(&t);
		buf_done(&in);
		buf_done(&out);
	}
}

/* DO-02: each way of being slow ends at its deadline, with 408 where a request had begun. */
static void test_do02_deadlines(void **state)
{
	static const struct {
		const char *sent;
		const char *answer; /* "" none */
	} cases[] = {
		{"", ""},
		{"GET / HT", "HTTP/1.1 408 "},
		{"GET / HTTP/1.1\r\nHost: h\r\n", "HTTP/1.1 408 "},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel", "HTTP/1.1 408 "},
		{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "HTTP/1.1 408 "},
		{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 "}, /* then idle */
	};
	const struct server_args args = {
		.limits = {.head_ms = 60, .idle_ms = 60, .body_ms = 60, .write_ms = 60, .linger_ms = 40}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct testserver t;
		struct buf out;
		int fd;

		testserver_start(&t, &args);
		buf_init(&out, 1 << 20);
		fd = testserver_connect(&t);
		testserver_send(fd, slice_from(cases[i].sent));
		assert_true(testserver_until(&t, fd, &out, NULL));
		if (!slice_starts(buf_slice(&out), cases[i].answer) || (!cases[i].answer[0] && out.n))
			fail_msg("case %zu: %.40s", i, buf_cstr(&out));
		testserver_run(&t, 100);
		assert_int_equal(server_connections(t.server), 0);
		close(fd);
		buf_done(&out);
		testserver_stop(&t);
	}
}

/* A body that comes drop by drop ends although each drop comes in time. */
static void test_do02_a_dripping_body_ends(void **state)
{
	const struct server_args args = {.limits = {.head_ms = 5000, .body_ms = 100, .linger_ms = 40}};
	struct testserver t;
	struct buf out;
	int fd;

	(void)state;
	testserver_start(&t, &args);
	buf_init(&out, 1 << 20);
	fd = testserver_connect(&t);
	testserver_send(fd, SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n"));
	for (int i = 0; i < 60 && !out.n; i++) {
		char bytes[512];
		ssize_t n;

		testserver_send(fd, SLICE_LIT("x"));
		testserver_run(&t, 10);
		n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
		if (n > 0)
			buf_put(&out, slice_make(bytes, (size_t)n));
	}
	assert_true(slice_starts(buf_slice(&out), "HTTP/1.1 408 "));
	assert_int_equal(t.requests, 0);
	close(fd);
	buf_done(&out);
	testserver_stop(&t);
}

static void test_expect_continue(void **state)
{
	struct testserver t;
	struct buf out;
	int fd;

	(void)state;
	testserver_start(&t, NULL);
	buf_init(&out, 1 << 20);
	fd = testserver_connect(&t);
	testserver_send(fd,
			SLICE_LIT("PUT /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
	assert_true(testserver_until(&t, fd, &out, "HTTP/1.1 100 Continue\r\n\r\n"));
	assert_int_equal(t.requests, 0);
	testserver_send(fd, SLICE_LIT("ab"));
	assert_true(testserver_until(&t, fd, &out, "PUT /e 2 1\n"));
	/* Who has sent the body already need not be told to. */
	buf_reset(&out);
	testserver_send(fd,
			SLICE_LIT("PUT /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab"));
	assert_true(testserver_until(&t, fd, &out, "PUT /e 2 2\n"));
	assert_int_equal(count(&out, "100 Continue"), 0);
	/* And too large a body is refused before it is sent. */
	buf_reset(&out);
	testserver_send(
		fd, SLICE_LIT("PUT /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n"));
	assert_true(testserver_until(&t, fd, &out, "HTTP/1.1 413 "));
	assert_int_equal(count(&out, "100 Continue"), 0);
	close(fd);
	buf_done(&out);
	testserver_stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wb08_smuggling),
		cmocka_unit_test(test_pipelined_requests_are_answered_in_order),
		cmocka_unit_test(test_read_ahead_is_bounded),
		cmocka_unit_test(test_a_flood_leaves_turns_to_others),
		cmocka_unit_test(test_request_bytes_are_wiped),
		cmocka_unit_test(test_do01_limits),
		cmocka_unit_test(test_do02_deadlines),
		cmocka_unit_test(test_do02_a_dripping_body_ends),
		cmocka_unit_test(test_expect_continue),
	};

	return cmocka_run_group_tests_name("http/connection", tests, NULL, NULL);
}
