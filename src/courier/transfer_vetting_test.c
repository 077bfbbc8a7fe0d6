/* SPDX-License-Identifier: Apache-2.0 */
/* Where a transfer does not go (SS-01 to SS-06): every test also counts what reached the provider. */
#include "courier/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "courier/testworld.h"

static void ss_02_private_addresses_get_no_connection(void **state)
{
	static const char *const v4[] = {"10.0.0.1", "127.0.0.3", "169.254.169.254", "192.168.1.1", "0.0.0.0"};
	static const char *const v6[] = {"::1", "fd00:ec2::254", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
					 "2002:7f00:1::"};
	struct testworld *w = *state;
	int before;

	for (size_t i = 0; i < ARRAY_LEN(v4); i++) {
		testworld_resolve(w, v4[i], NULL);
		testworld_run(w);
		testworld_assert_unreachable(w, ERR_FORBIDDEN, false);
		assert_non_null(strstr(w->cause, v4[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(v6); i++) {
		testworld_resolve(w, NULL, v6[i]);
		testworld_run(w);
		testworld_assert_unreachable(w, ERR_FORBIDDEN, false);
	}
	before = testdns_queries(w->dns);
	testworld_run_url(w, arena_printf(w->arena, "http://127.0.0.3:%u/", testserver_port(w->server)));
	testworld_assert_unreachable(w, ERR_FORBIDDEN, false);
	testworld_run_url(w, arena_printf(w->arena, "http://[::1]:%u/", testserver_port(w->server)));
	testworld_assert_unreachable(w, ERR_FORBIDDEN, false);
	assert_int_equal(testdns_queries(w->dns), before); /* literals are not asked for */
	assert_int_equal(testserver_connections(w->server), 0);
}

static void ss_03_mixed_addresses_are_refused(void **state)
{
	struct testworld *w = *state;

	testdns_set(w->dns, &(struct testdns_answer){.v4 = {"127.0.0.1", "10.0.0.1"}}, NULL);
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_FORBIDDEN, false);
	testworld_resolve(w, "127.0.0.1", "fd00::1");
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_FORBIDDEN, false);
	assert_int_equal(testserver_connections(w->server), 0);
}

static void ss_03_rebinding_meets_the_vetted_address(void **state)
{
	struct testworld *w = *state;

	testdns_set(w->dns, &(struct testdns_answer){.v4 = {"127.0.0.1"}},
		    &(struct testdns_answer){.v4 = {"127.0.0.3"}});
	testworld_run(w);
	assert_int_equal(w->answer.status, 200);
	assert_int_equal(testdns_queries(w->dns), 1); /* asked once, connected to that */
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_FORBIDDEN, false); /* every new connection is vetted anew */
	assert_int_equal(testserver_connections(w->server), 1);
}

/* Two transfers of one name at once, whose answers differ: neither gets the other's address. */
static void ss_03_pins_are_not_shared(void **state)
{
	struct testworld *w = *state;

	testworld_script(w, (struct testserver_script){.response = TESTWORLD_OK, .n = sizeof TESTWORLD_OK - 1, .delay_ms = 100});
	testdns_set(w->dns, &(struct testdns_answer){.v4 = {"127.0.0.1"}},
		    &(struct testdns_answer){.v4 = {"127.0.0.2"}}); /* nobody listens there */
	transfer_start(w->transfers, &w->request, testworld_on_done, w);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(w->answer.status, 200);
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	assert_int_equal(testserver_connections(w->server), 1);
}

static void ss_01_urls_are_refused_with_a_reason(void **state)
{
	static const char *const urls[] = {
		"https://u:p@as.test/",	 "https://as.test/#x", "ftp://as.test/", "file:///etc/passwd",
		"gopher://as.test:70/_", "https://127.1/",     "x",
	};
	struct testworld *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		testworld_run_url(w, urls[i]);
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
	struct testworld *w = *state;

	testworld_resolve(w, "8.8.8.8", NULL);
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_FORBIDDEN, false);
	assert_non_null(strstr(w->cause, "http to 8.8.8.8"));
	testworld_run_url(w, "https://as.test:22/");
	testworld_assert_unreachable(w, ERR_FORBIDDEN, false);
	assert_non_null(strstr(w->cause, "port 22"));
}

static void ss_04_redirects_are_not_followed(void **state)
{
	static const int codes[] = {301, 302, 303, 307, 308};
	struct testworld *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		testworld_answer(w, arena_printf(w->arena,
					    "HTTP/1.1 %d Moved\r\nLocation: http://127.0.0.1:%u/other\r\n"
					    "Content-Length: 0\r\n\r\n",
					    codes[i], testserver_port(w->server)));
		testworld_run(w);
		assert_int_equal(w->answer.err, ERR_OK);
		assert_int_equal(w->answer.status, codes[i]);
		assert_int_equal(testserver_requests(w->server), i + 1);
	}
}

static void ss_06_environment_is_ignored(void **state)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	struct testworld *w = *state;
	struct testserver *proxy = testserver_start(NULL);
	char *url = arena_printf(w->arena, "http://127.0.0.1:%u", testserver_port(proxy));

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		setenv(names[i], url, 1);
	testworld_run(w);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	assert_int_equal(w->answer.status, 200);
	assert_int_equal(testserver_connections(proxy), 0);
	testserver_stop(&proxy);
}

static void too_many_addresses_are_refused(void **state)
{
	struct testdns_answer many = {0};
	struct testworld *w = *state;

	for (size_t i = 0; i < 16; i++) /* what fits into a UDP answer */
		many.v6[i] = arena_printf(w->arena, "fd00::%zu", i);
	for (size_t i = 0; i < 17; i++)
		many.v4[i] = "127.0.0.1";
	testdns_set(w->dns, &many, NULL);
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	assert_non_null(strstr(w->cause, "too many addresses"));
	assert_int_equal(testserver_connections(w->server), 0);
}

/* /etc/hosts is honoured; both families may come of it. */
static void localhost_is_found_in_hosts(void **state)
{
	struct testworld *w = *state;

	transfers_free(&w->transfers);
	resolver_free(&w->resolver);
	testworld_open(w, "127.0.0.0/8,::1/128", "", 2000);
	testdns_set(w->dns, &(struct testdns_answer){0}, NULL);
	testworld_run_url(w, arena_printf(w->arena, "http://localhost:%u/", testserver_port(w->server)));
	assert_int_equal(w->answer.status, 200);
	assert_int_equal(testdns_queries(w->dns), 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, testworld_setup, testworld_teardown)
	const struct CMUnitTest tests[] = {
		TEST(ss_02_private_addresses_get_no_connection),
		TEST(ss_03_mixed_addresses_are_refused),
		TEST(ss_03_rebinding_meets_the_vetted_address),
		TEST(ss_03_pins_are_not_shared),
		TEST(ss_01_urls_are_refused_with_a_reason),
		TEST(ss_01_http_only_where_listed),
		TEST(ss_04_redirects_are_not_followed),
		TEST(ss_06_environment_is_ignored),
		TEST(too_many_addresses_are_refused),
		TEST(localhost_is_found_in_hosts),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
