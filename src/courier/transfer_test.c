/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request at a time against a scripted provider and a scripted name server: what reaches the
 * provider, what does not, and what is said about it afterwards.
 */
#include "courier/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "base/clock.h"
#include "base/mem.h"
#include "courier/testdns.h"
#include "courier/testserver.h"

#define ATTEMPT "0123456789abcdef0123456789abcdef"

struct world {
	uv_loop_t loop;
	struct egress egress;
	struct resolver *resolver;
	struct transfers *transfers;
	struct testserver *server;
	struct testdns *dns;
	struct arena *arena;
	struct fetch_request request;
	/* of the last transfer */
	struct fetch_answer answer;
	char cause[320];
	int done;
	int64_t began, took_ms;
};

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

static void script(struct world *w, struct testserver_script s)
{
	testserver_script(w->server, &s);
}

static void answer_with(struct world *w, const char *response)
{
	script(w, (struct testserver_script){.response = response, .n = strlen(response)});
}

static void resolve_to(struct world *w, const char *v4, const char *v6)
{
	testdns_set(w->dns, &(struct testdns_answer){.v4 = {v4}, .v6 = {v6}}, NULL);
}

static void open_world(struct world *w, const char *allow, int64_t total_ms)
{
	struct resolver_args resolver = {.loop = &w->loop};
	struct transfers_args args = {.loop = &w->loop, .egress = &w->egress, .total_ms = total_ms, .connect_ms = 700};

	assert_int_equal(egress_parse(slice_from(allow), &w->egress, NULL), ERR_OK);
	resolver.servers = arena_printf(w->arena, "127.0.0.1:%u", testdns_port(w->dns));
	assert_int_equal(resolver_new(&resolver, &w->resolver, NULL), ERR_OK);
	args.resolver = w->resolver;
	assert_int_equal(transfers_new(&args, &w->transfers, NULL), ERR_OK);
}

static int setup(void **state)
{
	struct world *w = MEM_NEW(struct world);

	assert_int_equal(uv_loop_init(&w->loop), 0);
	w->arena = arena_new(1 << 20);
	w->server = testserver_start(NULL);
	w->dns = testdns_start();
	resolve_to(w, "127.0.0.1", NULL);
	answer_with(w, ok);
	open_world(w, "127.0.0.1/32,127.0.0.2/32", 2000);
	w->request = (struct fetch_request){
		.flags = FETCH_YIELDS_TOKENS,
		.attempt = ATTEMPT,
		.method = "POST",
		.url = arena_printf(w->arena, "http://as.test:%u/token?x=1", testserver_port(w->server)),
		.body_cap = 1000,
		.header_count = 1,
		.header = {{"Authorization", SLICE_LIT("Basic Zm9v")}},
		.body = SLICE_LIT("grant_type=x"),
		.label = "test",
	};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	transfers_free(&w->transfers);
	resolver_free(&w->resolver);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0); /* no handle is left */
	testserver_stop(&w->server);
	testdns_stop(&w->dns);
	arena_free(&w->arena);
	free(w);
	return 0;
}

static void on_done(struct transfer *t, void *arg)
{
	struct world *w = arg;

	w->answer = *transfer_answer(t);
	w->answer.body = arena_copy(w->arena, w->answer.body);
	memset(w->cause, 0, sizeof w->cause);
	memcpy(w->cause, transfer_cause(t), strlen(transfer_cause(t)));
	w->took_ms = clock_mono_ms(&clock_system) - w->began;
	w->done++;
	transfer_free(&t);
}

static void run(struct world *w)
{
	w->done = 0;
	w->began = clock_mono_ms(&clock_system);
	transfer_start(w->transfers, &w->request, on_done, w);
	assert_int_equal(w->done, 0); /* never before it returned */
	while (!w->done)
		uv_run(&w->loop, UV_RUN_ONCE);
	assert_int_equal(w->done, 1);
}

static void run_url(struct world *w, const char *url)
{
	w->request.url = url;
	run(w);
}

/* What a tenant reads is one sentence; what our log reads says more. */
static void assert_unreachable(const struct world *w, enum err e, bool sent)
{
	assert_int_equal(w->answer.err, e);
	assert_string_equal(w->answer.detail, TRANSFER_UNREACHABLE);
	assert_true(w->cause[0] != '\0');
	assert_int_equal(w->answer.sent, sent);
	assert_false(w->answer.complete);
	assert_int_equal(w->answer.status, 0);
}

static void request_arrives_as_described(void **state)
{
	struct world *w = *state;
	const char *seen;

	run(w);
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
	struct world *w = *state;

	w->request.flags = 0;
	w->request.attempt = "";
	w->request.method = "GET";
	w->request.body = (struct slice){0};
	w->request.header[0] = (struct fetch_header){"X-Empty", SLICE_LIT("")};
	run(w);
	assert_int_equal(w->answer.status, 200);
	assert_ptr_equal(strstr(testserver_last(w->server), "GET /token?x=1 "), testserver_last(w->server));
	assert_non_null(strstr(testserver_last(w->server), "\r\nX-Empty:"));
	w->request.method = "DELETE";
	run(w);
	assert_ptr_equal(strstr(testserver_last(w->server), "DELETE /token?x=1 "), testserver_last(w->server));
	w->request.method = "POST";
	run(w);
	assert_non_null(strstr(testserver_last(w->server), "\r\nContent-Length: 0\r\n"));
	assert_int_equal(testserver_requests(w->server), 3);
	assert_int_equal(testserver_connections(w->server), 3); /* RF-16: each on its own */
}

static void ss_02_private_addresses_get_no_connection(void **state)
{
	static const char *const v4[] = {"10.0.0.1", "127.0.0.3", "169.254.169.254", "192.168.1.1", "0.0.0.0"};
	static const char *const v6[] = {"::1", "fd00:ec2::254", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
					 "2002:7f00:1::"};
	struct world *w = *state;
	int before;

	for (size_t i = 0; i < ARRAY_LEN(v4); i++) {
		resolve_to(w, v4[i], NULL);
		run(w);
		assert_unreachable(w, ERR_FORBIDDEN, false);
		assert_non_null(strstr(w->cause, v4[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(v6); i++) {
		resolve_to(w, NULL, v6[i]);
		run(w);
		assert_unreachable(w, ERR_FORBIDDEN, false);
	}
	before = testdns_queries(w->dns);
	run_url(w, arena_printf(w->arena, "http://127.0.0.3:%u/", testserver_port(w->server)));
	assert_unreachable(w, ERR_FORBIDDEN, false);
	run_url(w, arena_printf(w->arena, "http://[::1]:%u/", testserver_port(w->server)));
	assert_unreachable(w, ERR_FORBIDDEN, false);
	assert_int_equal(testdns_queries(w->dns), before); /* literals are not asked for */
	assert_int_equal(testserver_connections(w->server), 0);
}

static void ss_03_mixed_addresses_are_refused(void **state)
{
	struct world *w = *state;

	testdns_set(w->dns, &(struct testdns_answer){.v4 = {"127.0.0.1", "10.0.0.1"}}, NULL);
	run(w);
	assert_unreachable(w, ERR_FORBIDDEN, false);
	resolve_to(w, "127.0.0.1", "fd00::1");
	run(w);
	assert_unreachable(w, ERR_FORBIDDEN, false);
	assert_int_equal(testserver_connections(w->server), 0);
}

static void ss_03_rebinding_meets_the_vetted_address(void **state)
{
	struct world *w = *state;

	testdns_set(w->dns, &(struct testdns_answer){.v4 = {"127.0.0.1"}},
		    &(struct testdns_answer){.v4 = {"127.0.0.3"}});
	run(w);
	assert_int_equal(w->answer.status, 200);
	assert_int_equal(testdns_queries(w->dns), 1); /* asked once, connected to that */
	run(w);
	assert_unreachable(w, ERR_FORBIDDEN, false); /* every new connection is vetted anew */
	assert_int_equal(testserver_connections(w->server), 1);
}

/* Two transfers of one name at once, whose answers differ: neither gets the other's address. */
static void ss_03_pins_are_not_shared(void **state)
{
	struct world *w = *state;

	script(w, (struct testserver_script){.response = ok, .n = sizeof ok - 1, .delay_ms = 100});
	testdns_set(w->dns, &(struct testdns_answer){.v4 = {"127.0.0.1"}},
		    &(struct testdns_answer){.v4 = {"127.0.0.2"}}); /* nobody listens there */
	transfer_start(w->transfers, &w->request, on_done, w);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(w->answer.status, 200);
	run(w);
	assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	assert_int_equal(testserver_connections(w->server), 1);
}

static void ss_01_urls_are_refused_with_a_reason(void **state)
{
	static const char *const urls[] = {
		"https://u:p@as.test/",	 "https://as.test/#x", "ftp://as.test/", "file:///etc/passwd",
		"gopher://as.test:70/_", "https://127.1/",     "x",
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		run_url(w, urls[i]);
		assert_int_equal(w->answer.err, ERR_FORBIDDEN);
		assert_string_not_equal(w->answer.detail, "");
		assert_string_not_equal(w->answer.detail, TRANSFER_UNREACHABLE);
		assert_false(w->answer.sent);
	}
	assert_int_equal(testdns_queries(w->dns), 0);
}

/* http to what the list does not name, even if public; no address is dialled. */
static void ss_01_http_only_where_listed(void **state)
{
	struct world *w = *state;

	resolve_to(w, "8.8.8.8", NULL);
	run(w);
	assert_unreachable(w, ERR_FORBIDDEN, false);
	assert_non_null(strstr(w->cause, "http to 8.8.8.8"));
	run_url(w, "https://as.test:22/");
	assert_unreachable(w, ERR_FORBIDDEN, false);
	assert_non_null(strstr(w->cause, "port 22"));
}

static void ss_04_redirects_are_not_followed(void **state)
{
	static const int codes[] = {301, 302, 303, 307, 308};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		answer_with(w, arena_printf(w->arena,
					    "HTTP/1.1 %d Moved\r\nLocation: http://127.0.0.1:%u/other\r\n"
					    "Content-Length: 0\r\n\r\n",
					    codes[i], testserver_port(w->server)));
		run(w);
		assert_int_equal(w->answer.err, ERR_OK);
		assert_int_equal(w->answer.status, codes[i]);
		assert_int_equal(testserver_requests(w->server), i + 1);
	}
}

static void ss_06_environment_is_ignored(void **state)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	struct world *w = *state;
	struct testserver *proxy = testserver_start(NULL);
	char *url = arena_printf(w->arena, "http://127.0.0.1:%u", testserver_port(proxy));

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		setenv(names[i], url, 1);
	run(w);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	assert_int_equal(w->answer.status, 200);
	assert_int_equal(testserver_connections(proxy), 0);
	testserver_stop(&proxy);
}

static void ss_07_body_cap(void **state)
{
	struct world *w = *state;
	char *big = arena_alloc(w->arena, 1100, 1), *text;

	memset(big, 'x', 1001);
	w->request.body_cap = 1001;
	text = arena_printf(w->arena, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n%s", big);
	answer_with(w, text);
	run(w);
	assert_int_equal(w->answer.err, ERR_OK);
	assert_int_equal(w->answer.body.n, 1001);
	w->request.body_cap = 1000;
	run(w);
	assert_int_equal(w->answer.err, ERR_TOO_LARGE);
	assert_int_equal(w->answer.status, 200);
	assert_int_equal(w->answer.body.n, 1000); /* kept: it may hold a whole token */
	assert_true(w->answer.sent);
	assert_false(w->answer.complete);
	answer_with(w, arena_printf(w->arena, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n%s", big));
	run(w);
	assert_int_equal(w->answer.err, ERR_TOO_LARGE);
	/* What says gzip is not unpacked, so it cannot explode. */
	answer_with(w, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x01");
	run(w);
	assert_int_equal(w->answer.err, ERR_OK);
	assert_int_equal(w->answer.body.n, 4);
}

static char *head_with(struct world *w, int lines, int width)
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
	struct world *w = *state;
	struct buf flood;

	answer_with(w, head_with(w, 98, 1)); /* with status line and length: 100 */
	run(w);
	assert_int_equal(w->answer.err, ERR_OK);
	answer_with(w, head_with(w, 99, 1));
	run(w);
	assert_int_equal(w->answer.err, ERR_TOO_LARGE);
	assert_true(w->answer.sent);
	assert_int_equal(w->answer.status, 0);
	answer_with(w, head_with(w, 8, 4000));
	run(w);
	assert_int_equal(w->answer.err, ERR_OK);
	answer_with(w, head_with(w, 9, 4000));
	run(w);
	assert_int_equal(w->answer.err, ERR_TOO_LARGE);
	buf_init(&flood, 1 << 16);
	for (int i = 0; i < 200; i++)
		buf_puts(&flood, "HTTP/1.1 103 Early\r\n\r\n");
	buf_puts(&flood, ok);
	answer_with(w, arena_strndup(w->arena, buf_slice(&flood)));
	buf_done(&flood);
	run(w);
	assert_int_equal(w->answer.err, ERR_TOO_LARGE);
}

static void interim_heads_are_no_answers(void **state)
{
	struct world *w = *state;

	answer_with(w, arena_printf(w->arena, "HTTP/1.1 103 Early\r\nX: y\r\n\r\n%s", ok));
	run(w);
	assert_int_equal(w->answer.status, 200);
	assert_true(w->answer.complete);
	answer_with(w, "HTTP/1.1 103 Early\r\nX: y\r\n\r\n");
	run(w);
	assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
}

/* RF-16, OA-18: the provider has read it and is gone; it must see it once only. */
static void rf_16_dropped_requests_are_not_repeated(void **state)
{
	struct world *w = *state;

	script(w, (struct testserver_script){.n = 0});
	run(w);
	assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
	assert_int_equal(testserver_requests(w->server), 1);
	script(w, (struct testserver_script){.reset = true});
	run(w);
	assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
	assert_int_equal(testserver_requests(w->server), 2);
	script(w, (struct testserver_script){.no_read = true, .reset = true});
	run(w);
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
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
		answer_with(w, cut[i]);
		run(w);
		assert_int_equal(w->answer.err, ERR_OK);
		assert_int_equal(w->answer.status, 200);
		assert_true(w->answer.sent);
		assert_false(w->answer.complete);
		assert_true(slice_is(w->answer.body, "{\"refresh_token\":\"r\""));
	}
	answer_with(w, "HTTP/1.1 200 OK\r\nContent-Le"); /* no whole head: nobody answered */
	run(w);
	assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
	answer_with(w, "hello"); /* HTTP/0.9 is no answer */
	run(w);
	assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
}

static void deadlines_end_drips_and_silence(void **state)
{
	struct world *w = *state;

	transfers_free(&w->transfers);
	resolver_free(&w->resolver);
	open_world(w, "127.0.0.1/32", 500);
	script(w, (struct testserver_script){.hang = true});
	run(w);
	assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
	assert_in_range(w->took_ms, 450, 1500);
	script(w, (struct testserver_script){.response = ok, .n = sizeof ok - 1, .drip_ms = 50});
	run(w);
	assert_unreachable(w, ERR_UPSTREAM_DOWN, true);
	assert_in_range(w->took_ms, 450, 1500);
}

static void nobody_there_means_not_sent(void **state)
{
	struct world *w = *state;

	testserver_stop(&w->server); /* the port is closed now */
	run(w);
	assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	run_url(w, "https://no-such.test/");
	assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	run_url(w, "https://mute-name.test/");
	assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	assert_in_range(w->took_ms, 600, 1900);
	w->server = testserver_start(NULL);
}

static void too_many_addresses_are_refused(void **state)
{
	struct testdns_answer many = {0};
	struct world *w = *state;

	for (size_t i = 0; i < 16; i++) /* what fits into a UDP answer */
		many.v6[i] = arena_printf(w->arena, "fd00::%zu", i);
	for (size_t i = 0; i < 17; i++)
		many.v4[i] = "127.0.0.1";
	testdns_set(w->dns, &many, NULL);
	run(w);
	assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	assert_non_null(strstr(w->cause, "too many addresses"));
	assert_int_equal(testserver_connections(w->server), 0);
}

/* /etc/hosts is honoured; both families may come of it. */
static void localhost_is_found_in_hosts(void **state)
{
	struct world *w = *state;

	transfers_free(&w->transfers);
	resolver_free(&w->resolver);
	open_world(w, "127.0.0.0/8,::1/128", 2000);
	testdns_set(w->dns, &(struct testdns_answer){0}, NULL);
	run_url(w, arena_printf(w->arena, "http://localhost:%u/", testserver_port(w->server)));
	assert_int_equal(w->answer.status, 200);
	assert_int_equal(testdns_queries(w->dns), 0);
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
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fetch_answer back = {0};
		struct buf head;

		answer_with(w, arena_printf(w->arena, "HTTP/1.1 429 No\r\n%s\r\nContent-Length: 0\r\n\r\n", cases[i].line));
		run(w);
		assert_int_equal(w->answer.status, 429);
		buf_init(&head, 512);
		fetch_put_head(&head, "", &w->answer);
		assert_int_equal(fetch_parse_head(buf_slice(&head), &back), ERR_OK);
		assert_in_range(back.retry_after_s, cases[i].low, cases[i].high);
		buf_done(&head);
	}
}

static void abort_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct transfer *t;

	script(w, (struct testserver_script){.hang = true});
	t = transfer_start(w->transfers, &w->request, on_done, w);
	transfer_free(&t); /* while the name is asked for */
	assert_null(t);
	transfer_free(&t);
	t = transfer_start(w->transfers, &w->request, on_done, w);
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
	struct world *w = *state;
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
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(request_arrives_as_described),
		TEST(methods_and_empty_bodies),
		TEST(ss_02_private_addresses_get_no_connection),
		TEST(ss_03_mixed_addresses_are_refused),
		TEST(ss_03_rebinding_meets_the_vetted_address),
		TEST(ss_03_pins_are_not_shared),
		TEST(ss_01_urls_are_refused_with_a_reason),
		TEST(ss_01_http_only_where_listed),
		TEST(ss_04_redirects_are_not_followed),
		TEST(ss_06_environment_is_ignored),
		TEST(ss_07_body_cap),
		TEST(ss_07_header_caps),
		TEST(interim_heads_are_no_answers),
		TEST(rf_16_dropped_requests_are_not_repeated),
		TEST(cut_answers_are_incomplete),
		TEST(deadlines_end_drips_and_silence),
		TEST(nobody_there_means_not_sent),
		TEST(too_many_addresses_are_refused),
		TEST(localhost_is_found_in_hosts),
		TEST(retry_after_and_content_type),
		TEST(abort_leaves_nothing),
		TEST(unreadable_ca_file_is_refused),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
