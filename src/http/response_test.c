/* SPDX-License-Identifier: Apache-2.0 */
/* No byte of a value ends a header line (WB-09); redirects and cookies are well formed (WB-01). */
#include "http/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void test_headers(void **state)
{
	static const struct {
		const char *name;
		struct slice value;
		bool good;
	} cases[] = {
		{"Retry-After", SLICE_LIT("30"), true},
		{"X-Note", SLICE_LIT("a\tb \xC3\xA9"), true},
		{"X-Note", SLICE_LIT(""), true},
		{"X-Note", SLICE_LIT("a\r\nSet-Cookie: x=y"), false},
		{"X-Note", SLICE_LIT("a\nb"), false},
		{"X-Note", SLICE_LIT("a\rb"), false},
		{"X-Note", SLICE_LIT("a\0b"), false},
		{"X-Note", SLICE_LIT("\x1B"), false},
		{"X-Note", SLICE_LIT("\x7F"), false},
		{"X Note", SLICE_LIT("a"), false},
		{"X-Note:", SLICE_LIT("a"), false},
		{"X\r\nY", SLICE_LIT("a"), false},
		{"", SLICE_LIT("a"), false},
		{"Content-Length", SLICE_LIT("5"), false},
		{"transfer-encoding", SLICE_LIT("chunked"), false},
		{"Connection", SLICE_LIT("close"), false},
		{"Content-Security-Policy", SLICE_LIT("none"), false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct response r;

		response_init(&r);
		response_header(&r, cases[i].name, cases[i].value);
		if (r.bad == cases[i].good)
			fail_msg("case %zu: %s", i, cases[i].name);
		assert_int_equal(r.head.n > 0, cases[i].good);
		response_done(&r);
		assert_false(r.bad);
	}
}

static void test_redirects(void **state)
{
	static const struct {
		int status;
		const char *location;
		bool good;
	} cases[] = {
		{303, "/", true},
		{303, "/a?b=c&d=%20", true},
		{302, "https://id.example/authorize?x=y", true},
		{307, "http://localhost:7002/auth", true},
		{303, "", false},
		{303, "a", false},
		{303, "//evil.example", false},
		{303, "/\\evil.example", false},
		{303, "javascript:alert(1)", false},
		{303, "data:text/html,x", false},
		{303, "https://", false},
		{303, "HTTPS://a", false},
		{303, "/a b", false},
		{303, "/a\r\nX: y", false},
		{303, "/a\n", false},
		{303, "/\xC3\xA9", false},
		{303, "/a\"b", false},
		{303, "/<script>", false},
		{200, "/", false},
		{304, "/", false},
		{300, "/", false},
		{309, "/", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct response r;

		response_init(&r);
		response_redirect(&r, cases[i].status, slice_from(cases[i].location));
		if (r.bad == cases[i].good)
			fail_msg("%s", cases[i].location);
		assert_int_equal(r.status, cases[i].good ? cases[i].status : 0);
		response_done(&r);
	}
}

static void test_cookies(void **state)
{
	static const struct {
		struct cookie c;
		const char *want; /* NULL: refused */
	} cases[] = {
		{{"s", SLICE_LIT("abc-_"), false, -1}, "Set-Cookie: s=abc-_; Path=/; HttpOnly; SameSite=Lax\r\n"},
		{{"s", SLICE_LIT("a"), true, 60},
		 "Set-Cookie: __Host-s=a; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60\r\n"},
		{{"fw_s", SLICE_LIT(""), false, 0}, "Set-Cookie: fw_s=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0\r\n"},
		{{"s", SLICE_LIT("a;Domain=evil"), false, -1}, NULL},
		{{"s", SLICE_LIT("a b"), false, -1}, NULL},
		{{"s", SLICE_LIT("a\r\nX: y"), false, -1}, NULL},
		{{"s", SLICE_LIT("a,b"), false, -1}, NULL},
		{{"s", SLICE_LIT("\xC3\xA9"), false, -1}, NULL},
		{{"s=t", SLICE_LIT("a"), false, -1}, NULL},
		{{"", SLICE_LIT("a"), false, -1}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct response r;

		response_init(&r);
		response_cookie(&r, &cases[i].c);
		assert_int_equal(r.bad, cases[i].want == NULL);
		assert_string_equal(buf_cstr(&r.head), cases[i].want ? cases[i].want : "");
		response_done(&r);
	}
}

static void test_too_many_headers_are_not_cut(void **state)
{
	struct response r;

	(void)state;
	response_init(&r);
	for (size_t i = 0; i < 4096 && !r.bad; i++)
		response_header(&r, "X-Note", SLICE_LIT("0123456789"));
	assert_true(r.bad);
	response_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_too_many_headers_are_not_cut),
	};

	return cmocka_run_group_tests_name("http/response", tests, NULL, NULL);
}
