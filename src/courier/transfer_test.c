/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and answers: what reaches the provider, how often, and what is said about it afterwards when
 * the answer is cut, slow, too large or missing.
 */
#include "courier/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "courier/testworld.h"

static void request_arrives_as_described(void **state)
{
	struct testworld *w = *state;
	const char *seen;

	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_OK);
	assert_int_equal(w->answer.status, 200);
	assert_true(w->answer.sent && w->answer.complete && !w->answer.sealed);
	assert_string_equal(w->answer.content_type, "text/plain");
	assert_true(slice_is(w->answer.body, "hello"));
	assert_string_equal(w->cause, "");
	seen = testserver_last(w->server);
	assert_ptr_equal(strstr(seen, "POST /token?x=1 HTTP/1.1\r\n"), seen);
	assert_non_null(strstr(seen, "\r\nHost: as.test:"));
	assert_non_null(strstr(seen, "\r\nAuthorization: Basic Zm9v\r\n"));
	assert_non_null(strstr(seen, "\r\nAccept-Encoding: identity\r\n"));
	assert_non_null(strstr(seen, "\r\nContent-Length: 12\r\n"));
	assert_null(strcasestr(seen, "\r\nExpect:"));
	assert_non_null(strstr(seen, "\r\n\r\ngrant_type=x"));
	assert_int_equal(testserver_requests(w->server), 1);
}

static void methods_and_empty_bodies(void **state)
{
	struct testworld *w = *state;

	w->request.flags = 0;
	w->request.attempt = w->request.consumes = "";
	w->request.method = "GET";
	w->request.body = (struct slice){0};
	w->request.header[0] = (struct fetch_header){"X-Empty", SLICE_LIT("")};
	testworld_run(w);
	assert_int_equal(w->answer.status, 200);
	assert_ptr_equal(strstr(testserver_last(w->server), "GET /token?x=1 "), testserver_last(w->server));
	assert_non_null(strstr(testserver_last(w->server), "\r\nX-Empty:"));
	w->request.method = "DELETE";
	testworld_run(w);
	assert_ptr_equal(strstr(testserver_last(w->server), "DELETE /token?x=1 "), testserver_last(w->server));
	assert_null(strstr(testserver_last(w->server), "Content-Length"));
	w->request.body = SLICE_LIT("{\"access_token\":\"x\"}"); /* GitHub's revocation */
	testworld_run(w);
	assert_ptr_equal(strstr(testserver_last(w->server), "DELETE /token?x=1 "), testserver_last(w->server));
	assert_non_null(strstr(testserver_last(w->server), "\r\n\r\n{\"access_token\":\"x\"}"));
	w->request.method = "POST";
	w->request.body = (struct slice){0};
	testworld_run(w);
	assert_non_null(strstr(testserver_last(w->server), "\r\nContent-Length: 0\r\n"));
	assert_int_equal(testserver_requests(w->server), 4);
	assert_int_equal(testserver_connections(w->server), 4); /* RF-16: each on its own */
}

static void ss_07_body_cap(void **state)
{
	struct testworld *w = *state;
	char *big = arena_alloc(w->arena, 1100, 1), *text;

	memset(big, 'x', 1001);
	w->request.body_cap = 1001;
	text = arena_printf(w->arena, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n%s", big);
	testworld_answer(w, text);
	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_OK);
	assert_int_equal(w->answer.body.n, 1001);
	w->request.body_cap = 1000;
	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_TOO_LARGE);
	assert_int_equal(w->answer.status, 200);
	assert_int_equal(w->answer.body.n, 1000); /* kept: it may hold a whole token */
	assert_true(w->answer.sent);
	assert_false(w->answer.complete);
	testworld_answer(w, arena_printf(w->arena, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n%s", big));
	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_TOO_LARGE);
	/* What says gzip is not unpacked, so it cannot explode. */
	testworld_answer(w, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x01");
	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_OK);
	assert_int_equal(w->answer.body.n, 4);
}

static char *head_with(struct testworld *w, int lines, int width)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 19);
	buf_puts(&b, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < lines; i++) {
		buf_puts(&b, "X: ");
		for (int j = 0; j < width; j++)
			buf_putc(&b, 'y');
		buf_puts(&b, "\r\n");
	}
	buf_puts(&b, "Content-Length: 0\r\n\r\n");
	assert_true(buf_ok(&b));
	text = arena_strndup(w->arena, buf_slice(&b));
	buf_done(&b);
	return text;
}

static void ss_07_header_caps(void **state)
{
	struct testworld *w = *state;
	struct buf flood;

	testworld_answer(w, head_with(w, 98, 1)); /* with status line and length: 100 */
	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_OK);
	testworld_answer(w, head_with(w, 99, 1));
	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_TOO_LARGE);
	assert_true(w->answer.sent);
	assert_int_equal(w->answer.status, 0);
	testworld_answer(w, head_with(w, 8, 4000));
	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_OK);
	testworld_answer(w, head_with(w, 9, 4000));
	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_TOO_LARGE);
	buf_init(&flood, 1 << 16);
	for (int i = 0; i < 200; i++)
		buf_puts(&flood, "HTTP/1.1 103 Early\r\n\r\n");
	buf_puts(&flood, TESTWORLD_OK);
	testworld_answer(w, arena_strndup(w->arena, buf_slice(&flood)));
	buf_done(&flood);
	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_TOO_LARGE);
}

static void interim_heads_are_no_answers(void **state)
{
	struct testworld *w = *state;

	testworld_answer(w, arena_printf(w->arena, "HTTP/1.1 103 Early\r\nX: y\r\n\r\n%s", TESTWORLD_OK));
	testworld_run(w);
	assert_int_equal(w->answer.status, 200);
	assert_true(w->answer.complete);
	testworld_answer(w, "HTTP/1.1 103 Early\r\nX: y\r\n\r\n");
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
}

/* RF-16, OA-18: the provider has read it and is gone; it must see it once only. */
static void rf_16_dropped_requests_are_not_repeated(void **state)
{
	struct testworld *w = *state;

	testworld_script(w, (struct testserver_script){.n = 0});
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
	assert_int_equal(testserver_requests(w->server), 1);
	testworld_script(w, (struct testserver_script){.reset = true});
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
	assert_int_equal(testserver_requests(w->server), 2);
	testworld_script(w, (struct testserver_script){.no_read = true, .reset = true});
	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_UPSTREAM_DOWN);
	assert_int_equal(testserver_connections(w->server), 3);
	assert_int_equal(testserver_requests(w->server), 2);
}

static void cut_answers_are_incomplete(void **state)
{
	static const char *const cut[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"refresh_token\":\"r\"",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"refresh_token\":\"r\"",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"refresh_token\":\"r\"\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"refresh_token\":\"r\"\r\nzz\r\n",
	};
	struct testworld *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
		testworld_answer(w, cut[i]);
		testworld_run(w);
		assert_int_equal(w->answer.err, ERR_OK);
		assert_int_equal(w->answer.status, 200);
		assert_true(w->answer.sent);
		assert_false(w->answer.complete);
		assert_true(slice_is(w->answer.body, "{\"refresh_token\":\"r\""));
	}
	testworld_answer(w, "HTTP/1.1 200 OK\r\nContent-Le"); /* no whole head: nobody answered */
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
	testworld_answer(w, "hello"); /* HTTP/0.9 is no answer */
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
}

static void deadlines_end_drips_and_silence(void **state)
{
	struct testworld *w = *state;

	transfers_free(&w->transfers);
	resolver_free(&w->resolver);
	testworld_open(w, "127.0.0.1/32", "", 500);
	testworld_script(w, (struct testserver_script){.hang = true});
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
	assert_in_range(w->took_ms, 450, 1500);
	testworld_script(w, (struct testserver_script){.response = TESTWORLD_OK, .n = sizeof TESTWORLD_OK - 1, .drip_ms = 50});
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
	assert_in_range(w->took_ms, 450, 1500);
}

static void nobody_there_means_not_sent(void **state)
{
	struct testworld *w = *state;

	testserver_stop(&w->server); /* the port is closed now */
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	testworld_run_url(w, "https://no-such.test/");
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	testworld_run_url(w, "https://mute-name.test/");
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	assert_in_range(w->took_ms, 600, 1900);
	w->server = testserver_start(NULL);
}

static void retry_after_and_content_type(void **state)
{
	static const struct {
		const char *line;
		int64_t low, high;
	} cases[] = {
		{"Retry-After: 30", 30, 30}, {"Retry-After: 999999", 3600, 3600}, {"Retry-After: -1", 0, 0},
		{"Retry-After: soon", 0, 0}, {"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT", 0, 0}, {"X: y", 0, 0},
	};
	struct testworld *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fetch_answer back = {0};
		struct buf head;

		testworld_answer(w, arena_printf(w->arena, "HTTP/1.1 429 No\r\n%s\r\nContent-Length: 0\r\n\r\n", cases[i].line));
		testworld_run(w);
		assert_int_equal(w->answer.status, 429);
		buf_init(&head, 512);
		fetch_put_head(&head, NULL, &w->answer);
		assert_int_equal(fetch_parse_head(buf_slice(&head), &back), ERR_OK);
		assert_in_range(back.retry_after_s, cases[i].low, cases[i].high);
		buf_done(&head);
	}
}

static void abort_leaves_nothing(void **state)
{
	struct testworld *w = *state;
	struct transfer *t;

	testworld_script(w, (struct testserver_script){.hang = true});
	t = transfer_start(w->transfers, &w->request, testworld_on_done, w);
	transfer_free(&t); /* while the name is asked for */
	assert_null(t);
	transfer_free(&t);
	t = transfer_start(w->transfers, &w->request, testworld_on_done, w);
	for (int i = 0; i < 200 && testserver_requests(w->server) == 0; i++) {
		uv_run(&w->loop, UV_RUN_NOWAIT);
		usleep(5000);
	}
	assert_int_equal(testserver_requests(w->server), 1);
	transfer_free(&t); /* while the provider thinks */
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(w->done, 0);
}

static void unreadable_ca_file_is_refused(void **state)
{
	struct testworld *w = *state;
	struct transfers_args args = {
		.loop = &w->loop, .egress = &w->egress, .resolver = w->resolver, .ca_file = "/nonexistent/ca.pem"};
	struct transfers *t = NULL;
	struct errinfo ei = {0};

	assert_int_equal(transfers_new(&args, &t, &ei), ERR_CONFIG);
	assert_non_null(strstr(ei.detail, "/nonexistent/ca.pem"));
	assert_null(t);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, testworld_setup, testworld_teardown)
	const struct CMUnitTest tests[] = {
		TEST(request_arrives_as_described),
		TEST(methods_and_empty_bodies),
		TEST(ss_07_body_cap),
		TEST(ss_07_header_caps),
		TEST(interim_heads_are_no_answers),
		TEST(rf_16_dropped_requests_are_not_repeated),
		TEST(cut_answers_are_incomplete),
		TEST(deadlines_end_drips_and_silence),
		TEST(nobody_there_means_not_sent),
		TEST(retry_after_and_content_type),
		TEST(abort_leaves_nothing),
		TEST(unreadable_ca_file_is_refused),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
