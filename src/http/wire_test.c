/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an answer: WB-04 on each, framing, and no CORS (WB-05). */
#include "http/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static int64_t fixed(void *arg)
{
	(void)arg;
	return INT64_C(1795479532999); /* Tue, 24 Nov 2026 00:18:52 GMT */
}

static const struct clock at_fixed = {.wall_ms = fixed, .mono_ms = fixed};

static const char *head_of(struct buf *out, bool https, bool loopback, struct response *r, bool keep)
{
	static struct wire w;

	wire_init(&w, &at_fixed, https, loopback);
	buf_init(out, 1 << 16);
	wire_put_head(&w, out, r, "0123", keep);
	return buf_cstr(out);
}

static void test_security_headers_on_every_answer(void **state)
{
	static const int statuses[] = {200, 201, 204, 303, 304, 400, 404, 413, 500, 503, 599};
	static const char *const wanted[] = {
		"\r\nContent-Security-Policy: default-src 'none'; ",
		"object-src 'none'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
		"\r\nX-Content-Type-Options: nosniff\r\n",
		"script-src 'self';",
		"\r\nCross-Origin-Opener-Policy: same-origin\r\n",
		"\r\nReferrer-Policy: no-referrer\r\n",
		"\r\nX-Request-Id: 0123\r\n",
		"\r\nCache-Control: ",
		"\r\nDate: Tue, 24 Nov 2026 00:18:52 GMT\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		for (unsigned bits = 0; bits < 16; bits++) {
			struct response r = {.status = statuses[i], .form_leads_away = bits & 1, .cacheable = bits & 2};
			struct buf b;
			const char *head = head_of(&b, bits & 4, bits & 8, &r, true);

			for (size_t k = 0; k < ARRAY_LEN(wanted); k++)
				if (!strstr(head, wanted[k]))
					fail_msg("%d lacks %s", statuses[i], wanted[k]);
			assert_int_equal(strstr(head, "Strict-Transport-Security: max-age=31536000") != NULL,
					 (bits & 4) != 0);
			assert_int_equal(strstr(head, "no-store") != NULL, !(bits & 2));
			assert_int_equal(strstr(head, "form-action 'self';") != NULL, !(bits & 1));
			assert_int_equal(strstr(head, "http://localhost:*") != NULL, (bits & 9) == 9);
			assert_int_equal(strstr(head, "form-action 'self' https:") != NULL, (bits & 1) != 0);
			assert_null(strstr(head, "Access-Control"));
			assert_null(strstr(head, "unsafe"));
			assert_null(strstr(head, "Connection: close"));
			buf_done(&b);
		}
}

/* JSON may load nothing and send nothing, whatever a browser takes it for. */
static void test_data_has_the_strictest_policy(void **state)
{
	struct response r = {.status = 200, .content_type = "application/json"};
	struct buf b;
	const char *head = head_of(&b, true, true, &r, true);

	(void)state;
	assert_non_null(strstr(head, "\r\nContent-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; "
				     "frame-ancestors 'none'\r\n"));
	assert_null(strstr(head, "'self'"));
	buf_done(&b);
}

static void test_framing(void **state)
{
	static const struct {
		int status;
		bool length;
	} cases[] = {{200, true}, {303, true}, {204, false}, {304, false}, {500, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct response r;
		struct buf b;
		const char *head;

		response_init(&r);
		r.status = cases[i].status;
		r.content_type = "text/plain";
		r.allow = "GET";
		buf_puts(&r.body, "hello");
		response_header(&r, "X-Extra", SLICE_LIT("1"));
		head = head_of(&b, false, false, &r, false);
		assert_int_equal(strstr(head, "\r\nContent-Length: 5\r\n") != NULL, cases[i].length);
		assert_int_equal(strstr(head, "\r\nContent-Type: text/plain\r\n") != NULL, cases[i].length);
		assert_non_null(strstr(head, "\r\nAllow: GET\r\n"));
		assert_non_null(strstr(head, "\r\nConnection: close\r\n"));
		assert_non_null(strstr(head, "\r\nX-Extra: 1\r\n\r\n"));
		assert_int_equal(strncmp(head, "HTTP/1.1 ", 9), 0);
		assert_true(strstr(head, "\r\n\r\n") + 4 == head + b.n);
		buf_done(&b);
		response_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_security_headers_on_every_answer),
		cmocka_unit_test(test_data_has_the_strictest_policy),
		cmocka_unit_test(test_framing),
	};

	return cmocka_run_group_tests_name("http/wire", tests, NULL, NULL);
}
