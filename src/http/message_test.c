/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages: the same result however the bytes are cut, and the end where it is (WB-08, DO-01). */
#include "http/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static const struct {
	struct slice text;
	enum refusal want;
	size_t end; /* where the message ends; 0: it doesn't */
	const char *body;
	bool keep;
} cases[] = {
	{SLICE_LIT("GET /a?b HTTP/1.1\r\nHost: h\r\n\r\nGET /"), REFUSAL_NONE, 30, "", true},
	{SLICE_LIT("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"), REFUSAL_NONE, 51, "", false},
	{SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), REFUSAL_NONE, 46, "", false},
	{SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloX"), REFUSAL_NONE, 52, "hello", true},
	{SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\n\r\nX"), REFUSAL_NONE, 28, "", true},
	{SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\nX"),
	 REFUSAL_NONE, 76, "hello", true},
	{SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab"),
	 REFUSAL_NONE, 83, "ab", true},
	{SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhell"), REFUSAL_NONE, 0, NULL, false},
	{SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nhel\r\n0\r\n\r\n"),
	 REFUSAL_CHUNK, 0, NULL, false},
	{SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n"), REFUSAL_CHUNK,
	 0, NULL, false},
	{SLICE_LIT("GET /../x HTTP/1.1\r\nHost: h\r\n\r\n"), REFUSAL_PATH_DOTS, 0, NULL, false},
	{SLICE_LIT("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n"), REFUSAL_PATH_ESCAPE, 0, NULL, false},
	{SLICE_LIT("PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n"), REFUSAL_METHOD, 0, NULL, false},
};

struct outcome {
	enum refusal why;
	size_t end;
	bool complete, keep;
	char body[32];
};

/* Feeds the text in pieces of `step` bytes. */
static struct outcome feed(struct slice text, size_t step)
{
	struct arena *arena = arena_new(1 << 20);
	struct request *r = ARENA_NEW(arena, struct request);
	struct outcome out = {.why = REFUSAL_NONE};
	struct message m;
	struct buf body;
	size_t head = 0;

	r->arena = arena;
	buf_init(&body, REQUEST_BODY_MAX);
	assert_int_equal(head_scan(text, 0, &head, &out.why), HEAD_COMPLETE);
	out.why = message_begin(&m, slice_sub(text, 0, head), r, &body);
	out.end = head;
	while (!out.why && !m.complete && out.end < text.n) {
		size_t used = 0;

		out.why = message_feed(&m, slice_sub(text, out.end, step), &used);
		out.end += used;
	}
	out.complete = !out.why && m.complete;
	if (out.complete) {
		out.keep = m.keep_alive;
		assert_in_range(r->body.n, 0, sizeof out.body - 1);
		memcpy(out.body, r->body.p, r->body.n);
	}
	buf_done(&body);
	arena_free(&arena);
	return out;
}

static void test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t step = 1; step < cases[i].text.n; step++) {
			struct outcome got = feed(cases[i].text, step);

			if (got.why != cases[i].want)
				fail_msg("case %zu step %zu: %s", i, step, refusal_kind(got.why)->text);
			assert_int_equal(got.complete, cases[i].end != 0);
			if (!got.complete)
				continue;
			if (got.end != cases[i].end)
				fail_msg("case %zu step %zu: ends at %zu", i, step, got.end);
			assert_string_equal(got.body, cases[i].body);
			assert_int_equal(got.keep, cases[i].keep);
		}
}

static void test_headers(void **state)
{
	struct slice head = SLICE_LIT("GET /p HTTP/1.1\r\nHost: h\r\nX-A: \t v w\t \r\nX-Empty:\r\nX-Blank:  \r\n"
				      "x-mIXED: \xC3\xA9\r\nConnection: a, close\r\n\r\n");
	static const struct {
		const char *name, *value;
	} want[] = {{"host", "h"},   {"x-a", "v w"},	      {"x-empty", ""},
		    {"x-blank", ""}, {"x-mixed", "\xC3\xA9"}, {"connection", "a, close"}};
	struct arena *arena = arena_new(1 << 20);
	struct request *r = ARENA_NEW(arena, struct request);
	struct message m;
	struct buf body;

	(void)state;
	r->arena = arena;
	buf_init(&body, REQUEST_BODY_MAX);
	assert_int_equal(message_begin(&m, head, r, &body), REFUSAL_NONE);
	assert_true(m.complete && !m.keep_alive);
	assert_int_equal(r->header_count, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(slice_is(r->header[i].name, want[i].name));
		assert_non_null(r->header[i].value.p);
		if (!slice_is(r->header[i].value, want[i].value))
			fail_msg("%s: '%.*s'", want[i].name, SLICE_ARG(r->header[i].value));
	}
	assert_true(r->header[0].value.p < head.p || r->header[0].value.p >= head.p + head.n); /* its own copy */
	buf_done(&body);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages), cmocka_unit_test(test_headers)};

	return cmocka_run_group_tests_name("http/message", tests, NULL, NULL);
}
