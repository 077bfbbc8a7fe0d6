/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes over the wire when a script breaks the delivery, seen by a client that takes every byte as
 * it comes: cuts at each offset, ends of all kinds, wrong framing, floods, slowness, and what the
 * provider has committed meanwhile.
 */
#include "support/adversary_delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/mem.h"
#include "support/adversary_case.h"
#include "support/adversary_fetch.h"

enum { SILENCE_MS = 150 };

static struct adversary *adversary;

static int setup(void **state)
{
	const struct adversary_args args = {.settings = "{\"rotation\":\"R3\"}"};
	struct errinfo why = {0};

	(void)state;
	if (adversary_start(&args, &adversary, &why)) {
		print_error("%s\n", why.detail);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return adversary_stop(&adversary) ? 0 : -1;
}

static void play(const char *rule)
{
	char *script = mem_printf("{\"rules\":[%s]}", rule);

	adversary_case_tell(adversary, "/_adversary/reset", "{}");
	adversary_case_tell(adversary, "/_adversary/script", script);
	free(script);
}

/* A refresh request for a new grant, as bytes; the caller frees. */
static char *new_request(void)
{
	json_t *made = adversary_case_ask(adversary, "POST", "/_adversary/grants", "{\"client_id\":\"app\"}");
	char *form = mem_printf(
		"grant_type=refresh_token&client_id=app&refresh_token=%s",
		adversary_case_text(json_array_get(json_object_get(made, "grants"), 0), "refresh_token"));
	char *request = mem_printf(
		"POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		strlen(form), form);

	free(form);
	json_decref(made);
	return request;
}

static enum adversary_raw_end talk(struct buf *ret_bytes)
{
	char *request = new_request();
	enum adversary_raw_end end = adversary_fetch_raw(adversary_url(adversary), slice_from(request), SILENCE_MS,
							 ret_bytes);

	free(request);
	return end;
}

static json_int_t grant_number(const char *name)
{
	json_t *answer = adversary_case_ask(adversary, "GET", "/_adversary/grants", NULL);
	json_int_t n = json_integer_value(json_object_get(json_array_get(json_object_get(answer, "grants"), 0), name));

	json_decref(answer);
	return n;
}

static char *last_outcome(void)
{
	json_t *record = adversary_case_ask(adversary, "GET", "/_adversary/record", NULL);
	json_t *list = json_object_get(record, "requests");
	char *outcome = mem_strdup(adversary_case_text(json_array_get(list, json_array_size(list) - 1), "outcome"));

	json_decref(record);
	return outcome;
}

#define EOF_	 ADVERSARY_RAW_EOF
#define RST_	 ADVERSARY_RAW_RESET
#define SILENCE_ ADVERSARY_RAW_SILENCE

static const struct {
	const char *rule; /* behind "endpoint":"token" */
	enum adversary_raw_end end;
	const char *bytes; /* somewhere in what came; a leading '=': all of it */
	bool committed;
	const char *outcome;
} ends[] = {
	{"", SILENCE_, "HTTP/1.1 200 OK\r\n", true, "answered"},
	{",\"deliver\":{\"bytes\":0}", EOF_, "=", true, "closed"},
	{",\"commit\":false,\"deliver\":{\"bytes\":0}", EOF_, "=", false, "closed"},
	{",\"deliver\":{\"bytes\":0,\"then\":\"rst\"}", RST_, "=", true, "rst"},
	{",\"commit\":false,\"deliver\":{\"bytes\":0,\"then\":\"rst\"}", RST_, "=", false, "rst"},
	{",\"deliver\":{\"bytes\":0,\"then\":\"stall\"}", SILENCE_, "=", true, "stalled"},
	{",\"deliver\":{\"bytes\":0,\"then\":\"half_close\"}", EOF_, "=", true, "half_closed"},
	{",\"deliver\":{\"bytes\":12,\"then\":\"rst\"}", RST_, "=HTTP/1.1 200", true, "rst"},
	{",\"deliver\":{\"bytes\":12,\"then\":\"stall\"}", SILENCE_, "=HTTP/1.1 200", true, "stalled"},
	{",\"answer\":{\"body\":\"0123456789\"},\"deliver\":{\"body_bytes\":4}", EOF_, "\r\n\r\n0123", false, "closed"},
	{",\"answer\":{\"body\":\"0123456789\"},\"deliver\":{\"bytes\":-4}", EOF_, "\r\n\r\n012345", false, "closed"},
	{",\"answer\":{\"body\":\"0123\"},\"deliver\":{\"body_bytes\":-99}", EOF_, "Content-Length: 4\r\n\r\n", false,
	 "closed"},
	{",\"deliver\":{\"then\":\"close\"}", EOF_, "Content-Length: ", true, "closed"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"content_length\":2}", SILENCE_, "Content-Length: 2\r\n\r\nabc",
	 false, "answered"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"content_length\":\"-1\"}", SILENCE_, "Content-Length: -1\r\n",
	 false, "answered"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"content_length\":\"18446744073709551617\"}", SILENCE_,
	 "Content-Length: 18446744073709551617\r\n", false, "answered"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"framing\":\"close\"}", EOF_, "Connection: close\r\n\r\nabc",
	 false, "answered"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"framing\":\"chunked\"}", SILENCE_,
	 "\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false, "answered"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"chunk_error\":\"bad_size\"}", SILENCE_,
	 "\r\n\r\nxyz\r\nabc\r\n", false, "answered"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"chunk_error\":\"huge_size\"}", SILENCE_,
	 "\r\n\r\nfffffffffffffffff\r\nabc", false, "answered"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"chunk_error\":\"no_crlf\"}", SILENCE_, "\r\n3\r\nabc0\r\n",
	 false, "answered"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"chunk_error\":\"no_end\"}", EOF_, "\r\n3\r\nabc\r\n", false,
	 "closed"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"chunk_error\":\"long_extension\"}", SILENCE_,
	 "\r\n3;x=eeeeeeee", false, "answered"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"chunk_error\":\"trailers\"}", SILENCE_,
	 "\r\n0\r\nX-Trailer: tttttttt\r\nX-Trailer", false, "answered"},
	{",\"answer\":{\"body\":\"abc\"},\"deliver\":{\"chunk_error\":\"with_length\"}", SILENCE_,
	 "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", false, "answered"},
	{",\"deliver\":{\"interim\":2,\"interim_status\":100}", SILENCE_,
	 "HTTP/1.1 100 Interim\r\n\r\nHTTP/1.1 100 Interim\r\n\r\nHTTP/1.1 200 OK\r\n", true, "answered"},
	{",\"deliver\":{\"header_flood\":2,\"header_flood_bytes\":3}", SILENCE_,
	 "\r\nX-Flood: fff\r\nX-Flood: fff\r\n\r\n{", true, "answered"},
	{",\"deliver\":{\"status_line\":\"HTTP/9.9 20 Odd\"}", SILENCE_, "HTTP/9.9 20 Odd\r\n", true, "answered"},
	{",\"deliver\":{\"raw_base64\":\"U1NILTIuMA0K\",\"then\":\"close\"}", EOF_, "=SSH-2.0\r\n", true, "closed"},
	{",\"deliver\":{\"raw_base64\":\"\",\"then\":\"close\"}", EOF_, "=", true, "closed"},
};

static void test_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char *rule = mem_printf("{\"endpoint\":\"token\"%s}", ends[i].rule);
		const char *wanted = ends[i].bytes;
		struct buf bytes;
		enum adversary_raw_end end;
		char *outcome;
		bool fits;

		play(rule);
		end = talk(&bytes);
		fits = wanted[0] == '=' ? slice_is(buf_slice(&bytes), wanted + 1)
					: strstr(buf_cstr(&bytes), wanted) != NULL;
		if (!fits || end != ends[i].end)
			fail_msg("%s: end %d, %s", rule, (int)end, buf_cstr(&bytes));
		if (grant_number("refreshes") != ends[i].committed)
			fail_msg("%s: refreshed %d times", rule, (int)grant_number("refreshes"));
		outcome = last_outcome();
		assert_string_equal(outcome, ends[i].outcome);
		free(outcome);
		buf_done(&bytes);
		free(rule);
	}
}

/* every truncation offset of a good answer. */
static void test_every_cut(void **state)
{
	static const char answer[] =
		"{\"endpoint\":\"token\",\"answer\":{\"body\":\"{\\\"refresh_token\\\":\\\"r\\\"}\"}%s}";
	char *rule = mem_printf(answer, ",\"deliver\":{\"then\":\"close\"}");
	struct buf whole, part;

	(void)state;
	play(rule);
	assert_int_equal(talk(&whole), ADVERSARY_RAW_EOF);
	assert_true(slice_ends(buf_slice(&whole), "\r\n\r\n{\"refresh_token\":\"r\"}"));
	free(rule);
	for (size_t n = 0; n <= whole.n; n++) {
		char *deliver = mem_printf(",\"deliver\":{\"bytes\":%zu}", n);

		rule = mem_printf(answer, deliver);
		play(rule);
		assert_int_equal(talk(&part), ADVERSARY_RAW_EOF);
		assert_true(slice_eq(buf_slice(&part), slice_sub(buf_slice(&whole), 0, n)));
		buf_done(&part);
		free(rule);
		free(deliver);
	}
	buf_done(&whole);
}

static void test_big_things_are_streamed(void **state)
{
	static const struct {
		const char *rule;
		uint64_t body, head; /* at least */
	} rows[] = {
		{"\"answer\":{\"generate\":{\"kind\":\"fill\",\"bytes\":268435456}}", 268435456, 0},
		{"\"answer\":{\"generate\":{\"kind\":\"nesting\",\"depth\":100000}}", 200000, 0},
		{"\"deliver\":{\"header_flood\":800,\"header_flood_bytes\":100}", 50, 80000},
		{"\"answer\":{\"generate\":{\"kind\":\"fill\",\"bytes\":10000000}},\"deliver\":{\"framing\":"
		 "\"chunked\"}",
		 10000000, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *rule = mem_printf("{\"endpoint\":\"token\",%s}", rows[i].rule);
		char *url = mem_printf("%s/token", adversary_url(adversary));
		struct adversary_fetch fetch = {.url = url, .form = "grant_type=x&client_id=app", .timeout_ms = 30000};

		play(rule);
		adversary_fetch(&fetch);
		assert_int_equal(fetch.curl_code, CURLE_OK);
		assert_true(fetch.body_bytes >= rows[i].body && fetch.head.n >= rows[i].head);
		adversary_fetch_done(&fetch);
		free(url);
		free(rule);
	}
}

static void test_floods(void **state)
{
	struct buf bytes;

	(void)state;
	play("{\"endpoint\":\"token\",\"deliver\":{\"interim\":10000,\"then\":\"close\"}}");
	assert_int_equal(talk(&bytes), ADVERSARY_RAW_EOF);
	assert_true(bytes.n > 10000 * strlen("HTTP/1.1 103 Interim\r\n\r\n"));
	assert_true(strstr(buf_cstr(&bytes), "HTTP/1.1 200 OK") != NULL);
	buf_done(&bytes);
	play("{\"endpoint\":\"token\",\"deliver\":{\"header_flood\":10000,\"then\":\"close\"}}");
	assert_int_equal(talk(&bytes), ADVERSARY_RAW_EOF);
	assert_true(bytes.n > 10000 * strlen("X-Flood: \r\n"));
	buf_done(&bytes);
}

static void test_drip(void **state)
{
	static const struct {
		const char *rule;
		int64_t at_least_ms;
	} rows[] = {
		{"{\"deliver\":{\"bytes_per_s\":1000,\"bytes\":200}}", 120},
		{"{\"deliver\":{\"bytes_per_s\":10,\"bytes\":4}}", 250},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t begin = clock_mono_ms(&clock_system);
		struct buf bytes;

		play(rows[i].rule);
		assert_int_equal(talk(&bytes), ADVERSARY_RAW_EOF);
		assert_true(clock_mono_ms(&clock_system) - begin >= rows[i].at_least_ms);
		buf_done(&bytes);
	}
}

/* A provider commits although its client has gone (LIFECYCLE §2, reading 1). */
static void test_commit_survives_the_client(void **state)
{
	struct buf bytes;
	json_t *counters;

	(void)state;
	play("");
	adversary_case_tell(adversary, "/_adversary/config", "{\"delay_before_ms\":[300,300],\"delay_after_ms\":1}");
	assert_int_equal(talk(&bytes), ADVERSARY_RAW_SILENCE);
	assert_int_equal(bytes.n, 0);
	assert_int_equal(grant_number("refreshes"), 0);
	assert_int_equal(grant_number("in_flight"), 1);
	for (int i = 0; i < 100 && grant_number("in_flight"); i++)
		usleep(10000);
	assert_int_equal(grant_number("refreshes"), 1);
	counters = adversary_case_ask(adversary, "GET", "/_adversary/counters", NULL);
	assert_int_equal(json_integer_value(json_object_get(counters, "client_gone")), 1);
	json_decref(counters);
	buf_done(&bytes);
}

/* RF-03 can only be tested if two at once are seen. */
static void test_overlap_is_counted(void **state)
{
	struct buf bytes;
	char *one, *both;

	(void)state;
	play("{\"endpoint\":\"token\",\"deliver\":{\"bytes\":0,\"then\":\"stall\"}}");
	assert_int_equal(talk(&bytes), ADVERSARY_RAW_SILENCE);
	buf_done(&bytes);
	assert_int_equal(grant_number("max_in_flight"), 1);
	play("");
	adversary_case_tell(adversary, "/_adversary/config", "{\"delay_after_ms\":50}");
	one = new_request();
	/* Pipelined requests are worked on one after the other: no overlap. */
	both = mem_printf("%s%s", one, one);
	assert_int_equal(adversary_fetch_raw(adversary_url(adversary), slice_from(both), SILENCE_MS, &bytes),
			 ADVERSARY_RAW_SILENCE);
	assert_non_null(strstr(buf_cstr(&bytes), "HTTP/1.1 200 OK"));
	assert_non_null(strstr(buf_cstr(&bytes), "HTTP/1.1 400 Bad Request"));
	buf_done(&bytes);
	assert_int_equal(grant_number("max_in_flight"), 1);
	/* Two whose clients do not wait for each other: overlap. */
	assert_int_equal(adversary_fetch_raw(adversary_url(adversary), slice_from(one), 1, &bytes),
			 ADVERSARY_RAW_SILENCE);
	buf_done(&bytes);
	assert_int_equal(adversary_fetch_raw(adversary_url(adversary), slice_from(one), 1, &bytes),
			 ADVERSARY_RAW_SILENCE);
	buf_done(&bytes);
	assert_int_equal(grant_number("max_in_flight"), 2);
	free(both);
	free(one);
}

/* RF-16: what comes behind a half-close is seen and not answered. */
static void test_half_close_keeps_listening(void **state)
{
	struct buf bytes;
	char *one, *both, *outcome;

	(void)state;
	play("{\"endpoint\":\"token\",\"hit\":1,\"deliver\":{\"then\":\"half_close\"}}");
	one = new_request();
	both = mem_printf("%s%s", one, one);
	assert_int_equal(adversary_fetch_raw(adversary_url(adversary), slice_from(both), SILENCE_MS, &bytes),
			 ADVERSARY_RAW_EOF);
	assert_non_null(strstr(buf_cstr(&bytes), "HTTP/1.1 200 OK"));
	assert_null(strstr(buf_cstr(&bytes), "HTTP/1.1 400"));
	assert_int_equal(adversary_case_count(adversary, "token"), 2);
	assert_int_equal(grant_number("refreshes"), 1);
	assert_int_equal(grant_number("refused"), 0);
	outcome = last_outcome();
	assert_string_equal(outcome, "ignored");
	free(outcome);
	buf_done(&bytes);
	free(one);
	free(both);
}

static void test_connect_rules(void **state)
{
	static const struct {
		const char *deliver;
		enum adversary_raw_end end;
		const char *bytes;
	} rows[] = {
		{"{\"then\":\"rst\"}", ADVERSARY_RAW_RESET, ""},
		{"{\"then\":\"close\"}", ADVERSARY_RAW_EOF, ""},
		{"{\"then\":\"stall\"}", ADVERSARY_RAW_SILENCE, ""},
		{"{\"raw_base64\":\"FQMDAAICKA==\",\"then\":\"close\"}", ADVERSARY_RAW_EOF, "\x15\x03\x03"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *rule = mem_printf("{\"endpoint\":\"connect\",\"deliver\":%s}", rows[i].deliver);
		struct buf bytes;

		play(rule);
		assert_int_equal(adversary_fetch_raw(adversary_url(adversary), (struct slice){0}, SILENCE_MS, &bytes),
				 rows[i].end);
		assert_true(slice_starts(buf_slice(&bytes), rows[i].bytes));
		assert_int_equal(bytes.n > 0, rows[i].bytes[0] != '\0');
		/* Control has its own port and goes on. */
		assert_int_equal(adversary_case_count(adversary, "token"), 0);
		buf_done(&bytes);
		free(rule);
	}
}

static void test_port_can_be_closed(void **state)
{
	struct buf bytes;

	(void)state;
	play("");
	for (int round = 0; round < 3; round++) {
		adversary_case_tell(adversary, "/_adversary/listen", "{\"open\":false}");
		assert_int_equal(talk(&bytes), ADVERSARY_RAW_REFUSED);
		buf_done(&bytes);
		adversary_case_tell(adversary, "/_adversary/listen", "{\"open\":true}");
		assert_int_equal(talk(&bytes), ADVERSARY_RAW_SILENCE);
		assert_true(slice_starts(buf_slice(&bytes), "HTTP/1.1 200 OK"));
		buf_done(&bytes);
	}
}

/* A harness waits for the moment at which to kill, without polling. */
static void test_wait(void **state)
{
	json_t *answer;
	struct buf bytes;
	int64_t begin = clock_mono_ms(&clock_system);
	pid_t caller;

	(void)state;
	play("");
	answer = adversary_case_ask(adversary, "GET", "/_adversary/wait?endpoint=token&hits=1&timeout_ms=60", NULL);
	assert_false(json_is_true(json_object_get(answer, "reached")));
	assert_true(clock_mono_ms(&clock_system) - begin >= 50);
	json_decref(answer);
	talk(&bytes);
	buf_done(&bytes);
	answer = adversary_case_ask(adversary, "GET", "/_adversary/wait?endpoint=token&hits=1&timeout_ms=60000", NULL);
	assert_true(json_is_true(json_object_get(answer, "reached")));
	json_decref(answer);
	caller = fork();
	if (caller == 0) {
		char *request = mem_strdup("GET /token HTTP/1.1\r\nHost: a\r\n\r\n");

		usleep(50000);
		adversary_fetch_raw(adversary_url(adversary), slice_from(request), 10, &bytes);
		_exit(0);
	}
	answer = adversary_case_ask(adversary, "GET", "/_adversary/wait?endpoint=token&hits=2&timeout_ms=60000", NULL);
	assert_true(json_is_true(json_object_get(answer, "reached")));
	assert_int_equal(json_integer_value(json_object_get(answer, "count")), 2);
	json_decref(answer);
	assert_int_equal(waitpid(caller, NULL, 0), caller);
}

static void test_rubbish_is_no_request(void **state)
{
	static const char *const rubbish[] = {
		"hello\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"\x16\x03\x01\x02",
		"GET / HTTP/1.1\r\nA : b\r\n\r\n",
		"POST /token HTTP/1.1\r\nContent-Length: x\r\n\r\n",
	};

	(void)state;
	play("");
	for (size_t i = 0; i < ARRAY_LEN(rubbish); i++) {
		struct buf bytes;

		assert_int_equal(
			adversary_fetch_raw(adversary_url(adversary), slice_from(rubbish[i]), SILENCE_MS, &bytes),
			ADVERSARY_RAW_EOF);
		assert_true(slice_starts(buf_slice(&bytes), "HTTP/1.1 400 "));
		buf_done(&bytes);
	}
	assert_int_equal(adversary_case_count(adversary, "token"), 0);
	assert_int_equal(adversary_case_count(adversary, "other"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_big_things_are_streamed),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_drip),
		cmocka_unit_test(test_commit_survives_the_client),
		cmocka_unit_test(test_overlap_is_counted),
		cmocka_unit_test(test_half_close_keeps_listening),
		cmocka_unit_test(test_connect_rules),
		cmocka_unit_test(test_port_can_be_closed),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_rubbish_is_no_request),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
