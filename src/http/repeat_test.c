/* SPDX-License-Identifier: Apache-2.0 */
/* Only the same bytes are taken for the same question, and only where the answer depends on nothing else. */
#include "http/repeat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/mem.h"
#include "http/testserver.h"

#define HOST "Host: h\r\n"
#define GET_A "GET /a HTTP/1.1\r\n" HOST "X-Api-Key: k\r\n\r\n"

static struct {
	size_t asked, taken;
	bool takes;
} seen;

static bool on_repeat(struct exchange *x, const struct request *request, void *arg)
{
	const struct testserver *t = arg;
	struct response r;

	seen.asked++;
	if (!seen.takes || !t->repeatable || memcmp(request->digest, t->digest, sizeof t->digest) != 0)
		return false;
	seen.taken++;
	response_init(&r);
	r.status = 200;
	r.content_type = "text/plain";
	buf_puts(&r.body, "as before\n");
	server_answer(x, &r);
	response_done(&r);
	return true;
}

static const struct server_args args = {.on_repeat = on_repeat};

struct fixture {
	struct testserver t;
	struct buf out;
	int fd;
};

static void begin(struct fixture *f)
{
	seen.asked = seen.taken = 0;
	seen.takes = true;
	testserver_start(&f->t, &args);
	buf_init(&f->out, 1 << 20);
	f->fd = testserver_connect(&f->t);
}

static void end(struct fixture *f)
{
	close(f->fd);
	buf_done(&f->out);
	testserver_stop(&f->t);
}

static void say(struct fixture *f, const char *bytes, const char *expected)
{
	buf_reset(&f->out);
	testserver_send(f->fd, slice_from(bytes));
	if (!testserver_until(&f->t, f->fd, &f->out, expected))
		fail_msg("%.60s: no \"%s\" in: %.200s", bytes, expected, buf_cstr(&f->out));
}

static void test_the_same_bytes_are_not_parsed_again(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	say(&f, GET_A, "GET /a 0 1\n");
	assert_true(f.t.repeatable);
	say(&f, GET_A, "as before\n");
	say(&f, GET_A GET_A, "as before\nHTTP/1.1 200 "); /* pipelined */
	assert_true(testserver_until(&f.t, f.fd, &f.out, "as before\n"));
	assert_int_equal(f.t.requests, 1);
	/* Another connection asks the same. */
	close(f.fd);
	f.fd = testserver_connect(&f.t);
	say(&f, GET_A, "as before\n");
	assert_int_equal(f.t.requests, 1);
	end(&f);
}

static void test_one_byte_makes_another_question(void **state)
{
	static const char *const others[] = {
		"GET /b HTTP/1.1\r\n" HOST "X-Api-Key: k\r\n\r\n",   "GET /a HTTP/1.1\r\n" HOST "X-Api-Key: l\r\n\r\n",
		"GET /a HTTP/1.1\r\n" HOST "X-Api-Key:  k\r\n\r\n",  "GET /a HTTP/1.1\r\n" HOST "X-Api-KeY: k\r\n\r\n",
		"GET /a? HTTP/1.1\r\n" HOST "X-Api-Key: k\r\n\r\n",  "HEAD /a HTTP/1.1\r\n" HOST "X-Api-Key: k\r\n\r\n",
		"GET /a HTTP/1.1\r\n" HOST "X-Api-Key: k\r\nA: b\r\n\r\n",
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		begin(&f);
		say(&f, GET_A, "GET /a 0 1\n");
		say(&f, others[i], "\r\n\r\n");
		assert_int_equal(f.t.requests, 2);
		assert_int_equal(seen.taken, 0);
		end(&f);
	}
}

/* A body, an end of the connection, another method or a long head: read anew each time. */
static void test_what_is_never_offered(void **state)
{
	static const char *const heads[] = {
		"POST /a HTTP/1.1\r\n" HOST "\r\n",
		"HEAD /a HTTP/1.1\r\n" HOST "\r\n",
		"GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
		"GET /a HTTP/1.0\r\n" HOST "\r\n",
		"GET /a HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab",
		"GET /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		begin(&f);
		say(&f, heads[i], "HTTP/1.1 200 ");
		if (f.t.repeatable)
			fail_msg("case %zu may be repeated", i);
		end(&f);
	}
	begin(&f);
	{
		CLEANUP(buf_done) struct buf head;

		buf_init(&head, 8192);
		buf_puts(&head, "GET /a HTTP/1.1\r\n" HOST "X: ");
		for (int i = 0; i < 3000; i++)
			buf_putc(&head, 'x');
		buf_puts(&head, "\r\n\r\n");
		say(&f, buf_cstr(&head), "GET /a 0 1\n");
		assert_false(f.t.repeatable);
		assert_int_equal(seen.asked, 0);
	}
	end(&f);
}

/* Whoever declines leaves the request as it came: it is parsed, and refused when it is bad. */
static void test_declined(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	seen.takes = false;
	say(&f, GET_A, "GET /a 0 1\n");
	say(&f, GET_A, "GET /a 0 2\n");
	say(&f, GET_A GET_A, "GET /a 0 4\n");
	assert_int_equal(seen.asked, 4);
	say(&f, "GET /a HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", "HTTP/1.1 400 ");
	assert_int_equal(seen.asked, 5);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_bytes_are_not_parsed_again),
		cmocka_unit_test(test_one_byte_makes_another_question),
		cmocka_unit_test(test_what_is_never_offered),
		cmocka_unit_test(test_declined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
