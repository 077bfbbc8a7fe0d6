/* SPDX-License-Identifier: Apache-2.0 */
/* Which heads are refused, each for its own reason, and which are not (WB-08, DO-01, RFC 9112). */
#include "http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

#define HEAD(text)  SLICE_LIT(text "\r\n\r\n")
#define GET(fields) HEAD("GET / HTTP/1.1\r\nHost: h" fields)

static const struct {
	const char *name;
	struct slice head;
	enum refusal want;
} cases[] = {
	{"plain", GET(""), REFUSAL_NONE},
	{"all methods: HEAD", HEAD("HEAD / HTTP/1.1\r\nHost: h"), REFUSAL_NONE},
	{"POST", HEAD("POST / HTTP/1.1\r\nHost: h"), REFUSAL_NONE},
	{"PUT", HEAD("PUT / HTTP/1.1\r\nHost: h"), REFUSAL_NONE},
	{"PATCH", HEAD("PATCH / HTTP/1.1\r\nHost: h"), REFUSAL_NONE},
	{"DELETE", HEAD("DELETE / HTTP/1.1\r\nHost: h"), REFUSAL_NONE},
	{"OPTIONS", HEAD("OPTIONS / HTTP/1.1\r\nHost: h"), REFUSAL_NONE},
	{"1.0 with Host", HEAD("GET / HTTP/1.0\r\nHost: h"), REFUSAL_NONE},
	{"host with port", HEAD("GET / HTTP/1.1\r\nHost: 127.0.0.1:7001"), REFUSAL_NONE},
	{"IPv6 host", HEAD("GET / HTTP/1.1\r\nhOST: [::1]:7001"), REFUSAL_NONE},
	{"no blank after colon", HEAD("GET / HTTP/1.1\r\nHost:h"), REFUSAL_NONE},
	{"tabs around value", GET("\r\nA:\tb\t"), REFUSAL_NONE},
	{"empty value", GET("\r\nA:"), REFUSAL_NONE},
	{"UTF-8 in value", GET("\r\nA: \xC3\xA9"), REFUSAL_NONE},
	{"length", GET("\r\nContent-Length: 65536"), REFUSAL_NONE},
	{"length 0", GET("\r\nContent-Length: 0"), REFUSAL_NONE},
	{"chunked", GET("\r\nTransfer-Encoding: chunked"), REFUSAL_NONE},
	{"expect", GET("\r\nExpect: 100-Continue"), REFUSAL_NONE},
	{"query with brackets", HEAD("GET /a?b={[|]}\"^` HTTP/1.1\r\nHost: h"), REFUSAL_NONE},

	{"TRACE", HEAD("TRACE / HTTP/1.1\r\nHost: h"), REFUSAL_METHOD_BANNED},
	{"CONNECT", HEAD("CONNECT h:443 HTTP/1.1\r\nHost: h"), REFUSAL_METHOD_BANNED},
	{"unknown method", HEAD("PROPFIND / HTTP/1.1\r\nHost: h"), REFUSAL_METHOD},
	{"lower-case method", HEAD("Get / HTTP/1.1\r\nHost: h"), REFUSAL_METHOD},
	{"method with a control", HEAD("GE\x01T / HTTP/1.1\r\nHost: h"), REFUSAL_REQUEST_LINE},
	{"HTTP/0.9", HEAD("GET /"), REFUSAL_REQUEST_LINE},
	{"no target", HEAD("GET  HTTP/1.1\r\nHost: h"), REFUSAL_REQUEST_LINE},
	{"two blanks", HEAD("GET  / HTTP/1.1\r\nHost: h"), REFUSAL_REQUEST_LINE},
	{"blank behind version", HEAD("GET / HTTP/1.1 \r\nHost: h"), REFUSAL_REQUEST_LINE},
	{"tab as separator", HEAD("GET\t/\tHTTP/1.1\r\nHost: h"), REFUSAL_REQUEST_LINE},
	{"lower-case version", HEAD("GET / http/1.1\r\nHost: h"), REFUSAL_REQUEST_LINE},
	{"other protocol", HEAD("GET / RTSP/1.0\r\nHost: h"), REFUSAL_REQUEST_LINE},
	{"HTTP/2.0", HEAD("PUT / HTTP/2.0\r\nHost: h"), REFUSAL_VERSION},
	{"HTTP/1.2", HEAD("GET / HTTP/1.2\r\nHost: h"), REFUSAL_VERSION},
	{"HTTP/1.11", HEAD("GET / HTTP/1.11\r\nHost: h"), REFUSAL_REQUEST_LINE},
	{"absolute-form", HEAD("GET http://h/ HTTP/1.1\r\nHost: h"), REFUSAL_TARGET_FORM},
	{"authority-form", HEAD("GET h:80 HTTP/1.1\r\nHost: h"), REFUSAL_TARGET_FORM},
	{"asterisk-form", HEAD("OPTIONS * HTTP/1.1\r\nHost: h"), REFUSAL_TARGET_FORM},
	{"fragment", HEAD("GET /a#b HTTP/1.1\r\nHost: h"), REFUSAL_TARGET_BYTE},
	{"8-bit target", HEAD("GET /\xC3\xA9 HTTP/1.1\r\nHost: h"), REFUSAL_TARGET_BYTE},
	{"NUL in target", HEAD("GET /a\0b HTTP/1.1\r\nHost: h"), REFUSAL_TARGET_BYTE},
	{"bare CR in target", HEAD("GET /a\rb HTTP/1.1\r\nHost: h"), REFUSAL_TARGET_BYTE},
	{"DEL in target", HEAD("GET /\x7F HTTP/1.1\r\nHost: h"), REFUSAL_TARGET_BYTE},

	{"bare LF behind request line", HEAD("GET / HTTP/1.1\nHost: h"), REFUSAL_LINE_END},
	{"bare LF between fields", GET("\nA: b"), REFUSAL_LINE_END},
	{"bare CR in value", GET("\r\nA: b\rC: d"), REFUSAL_LINE_END},
	{"CR CR LF", GET("\r\nA: b\r"), REFUSAL_LINE_END},
	{"obs-fold with blank", GET("\r\nA: b\r\n c"), REFUSAL_FOLDED},
	{"obs-fold with tab", GET("\r\nA: b\r\n\tc"), REFUSAL_FOLDED},
	{"first header begins with blank", HEAD("GET / HTTP/1.1\r\n Host: h"), REFUSAL_FOLDED},
	{"blank before colon", GET("\r\nA : b"), REFUSAL_NAME},
	{"tab before colon", GET("\r\nTransfer-Encoding\t: chunked"), REFUSAL_NAME},
	{"blank inside name", GET("\r\nA B: b"), REFUSAL_NAME},
	{"no colon", GET("\r\nAB"), REFUSAL_NAME},
	{"empty name", GET("\r\n: b"), REFUSAL_NAME},
	{"NUL in name", GET("\r\nA\0: b"), REFUSAL_NAME},
	{"8-bit name", GET("\r\n\xC3\xA9: b"), REFUSAL_NAME},
	{"NUL in value", GET("\r\nA: b\0c"), REFUSAL_VALUE},
	{"ESC in value", GET("\r\nA: \x1B[1m"), REFUSAL_VALUE},
	{"DEL in value", GET("\r\nA: \x7F"), REFUSAL_VALUE},

	{"no Host", HEAD("GET / HTTP/1.1\r\nA: b"), REFUSAL_HOST},
	{"no Host in 1.0", HEAD("GET / HTTP/1.0\r\nA: b"), REFUSAL_HOST},
	{"two Hosts", GET("\r\nHost: h"), REFUSAL_HOST},
	{"two Hosts, other case", GET("\r\nHOST: evil"), REFUSAL_HOST},
	{"empty Host", HEAD("GET / HTTP/1.1\r\nHost: "), REFUSAL_HOST},
	{"Host list", HEAD("GET / HTTP/1.1\r\nHost: a, b"), REFUSAL_HOST},
	{"Host with user", HEAD("GET / HTTP/1.1\r\nHost: a@b"), REFUSAL_HOST},
	{"Host with path", HEAD("GET / HTTP/1.1\r\nHost: a/b"), REFUSAL_HOST},
	{"two Authorization", GET("\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b"), REFUSAL_TWICE},
	{"two X-API-Key", GET("\r\nX-API-Key: a\r\nx-api-key: b"), REFUSAL_TWICE},
	{"two Cookie", GET("\r\nCookie: a=b\r\nCookie: c=d"), REFUSAL_TWICE},
	{"two Content-Type", GET("\r\nContent-Type: a/b\r\nContent-Type: c/d"), REFUSAL_TWICE},
	{"two Origin", GET("\r\nOrigin: null\r\nOrigin: https://a"), REFUSAL_TWICE},
	{"two Sec-Fetch-Site", GET("\r\nSec-Fetch-Site: none\r\nSec-Fetch-Site: same-origin"), REFUSAL_TWICE},

	{"two lengths, same", GET("\r\nContent-Length: 5\r\nContent-Length: 5"), REFUSAL_LENGTH},
	{"two lengths, other", GET("\r\nContent-Length: 5\r\ncontent-length: 6"), REFUSAL_LENGTH},
	{"length list", GET("\r\nContent-Length: 5, 5"), REFUSAL_LENGTH},
	{"signed length", GET("\r\nContent-Length: +5"), REFUSAL_LENGTH},
	{"negative length", GET("\r\nContent-Length: -1"), REFUSAL_LENGTH},
	{"hex length", GET("\r\nContent-Length: 0x5"), REFUSAL_LENGTH},
	{"float length", GET("\r\nContent-Length: 5.0"), REFUSAL_LENGTH},
	{"leading zero", GET("\r\nContent-Length: 05"), REFUSAL_LENGTH},
	{"empty length", GET("\r\nContent-Length:"), REFUSAL_LENGTH},
	{"length past 64 bit", GET("\r\nContent-Length: 18446744073709551617"), REFUSAL_LENGTH},
	{"blank inside length", GET("\r\nContent-Length: 1 0"), REFUSAL_LENGTH},
	{"length and chunked", GET("\r\nContent-Length: 5\r\nTransfer-Encoding: chunked"), REFUSAL_LENGTH_AND_CODING},
	{"chunked and length 0", GET("\r\nTransfer-Encoding: chunked\r\nContent-Length: 0"), REFUSAL_LENGTH_AND_CODING},
	{"chunked with a blank behind", GET("\r\nTransfer-Encoding: chunked "), REFUSAL_PADDED},
	{"chunked with tabs behind", GET("\r\nTransfer-Encoding: chunked\t\t"), REFUSAL_PADDED},
	{"length with a blank behind", GET("\r\nContent-Length: 5 "), REFUSAL_PADDED},
	{"length with a tab behind", GET("\r\nContent-Length: 5\t"), REFUSAL_PADDED},
	{"empty length with blanks", GET("\r\nContent-Length:  "), REFUSAL_LENGTH},
	{"gzip, chunked", GET("\r\nTransfer-Encoding: gzip, chunked"), REFUSAL_CODING},
	{"chunked, identity", GET("\r\nTransfer-Encoding: chunked, identity"), REFUSAL_CODING},
	{"identity", GET("\r\nTransfer-Encoding: identity"), REFUSAL_CODING},
	{"Chunked", GET("\r\nTransfer-Encoding: Chunked"), REFUSAL_CODING},
	{"xchunked", GET("\r\nTransfer-Encoding: xchunked"), REFUSAL_CODING},
	{"chunked with VT",
	 GET("\r\nTransfer-Encoding: \x0B"
	     "chunked"),
	 REFUSAL_VALUE},
	{"chunked twice", GET("\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), REFUSAL_TWICE},
	{"chunked, then identity", GET("\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity"), REFUSAL_TWICE},
	{"chunked in 1.0", HEAD("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked"), REFUSAL_CODING},
	{"other expectation", GET("\r\nExpect: 200-ok"), REFUSAL_EXPECT},
	{"body past the cap", GET("\r\nContent-Length: 65537"), REFUSAL_BODY_LARGE},
	{"body far past the cap", GET("\r\nContent-Length: 9223372036854775807"), REFUSAL_BODY_LARGE},
	{"nothing", SLICE_LIT(""), REFUSAL_LINE_END},
	{"no empty line", SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\n"), REFUSAL_LINE_END},
	{"bytes behind the empty line", SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\n\r\nx"), REFUSAL_LINE_END},
};

static void test_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct head h = {0};
		enum refusal got = head_check(cases[i].head, &h);

		if (got != cases[i].want)
			fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].name, refusal_kind(got)->text,
				 refusal_kind(cases[i].want)->text);
		if (got)
			assert_int_equal(h.field_count, 0); /* written only on success */
	}
}

static void test_what_is_found(void **state)
{
	struct head h;

	(void)state;
	assert_int_equal(
		head_check(HEAD("POST /a?b HTTP/1.0\r\nHost: h\r\nContent-Length: 17\r\nExpect: 100-continue"), &h),
		REFUSAL_NONE);
	assert_true(slice_is(h.method, "POST"));
	assert_int_equal(h.method_kind, HTTP_M_POST);
	assert_true(slice_is(h.target, "/a?b"));
	assert_int_equal(h.field_count, 3);
	assert_int_equal(h.length, 17);
	assert_true(h.is_1_0 && h.has_length && h.expects_continue && !h.chunked);
}

/* A head with a target of `target` bytes, `fields` further headers, and header lines of `size` bytes in all. */
static struct slice make_head(struct buf *b, size_t target, size_t fields, size_t size)
{
	static const char host[] = "Host: h\r\n", line[] = "A: \r\n";
	size_t rest = size - (sizeof host - 1) - (sizeof line - 1) * fields;

	buf_init(b, 1 << 20);
	buf_puts(b, "GET /");
	for (size_t i = 1; i < target; i++)
		buf_putc(b, 'x');
	buf_puts(b, " HTTP/1.1\r\n");
	buf_puts(b, host);
	for (size_t i = 0; i < fields; i++) {
		buf_puts(b, "A: ");
		for (; i == 0 && rest; rest--)
			buf_putc(b, 'y');
		buf_puts(b, "\r\n");
	}
	buf_puts(b, "\r\n");
	return buf_slice(b);
}

/* DO-01, one byte and one header to either side. */
static void test_limits(void **state)
{
	static const struct {
		size_t target, fields, size;
		enum refusal want;
	} limits[] = {
		{REQUEST_TARGET_MAX, 1, 100, REFUSAL_NONE},
		{REQUEST_TARGET_MAX + 1, 1, 100, REFUSAL_TARGET_LONG},
		{1, REQUEST_HEADERS_MAX - 1, 1000, REFUSAL_NONE},
		{1, REQUEST_HEADERS_MAX, 1000, REFUSAL_HEAD_MANY},
		{1, 1, REQUEST_HEAD_MAX, REFUSAL_NONE},
		{1, 1, REQUEST_HEAD_MAX + 1, REFUSAL_HEAD_LARGE},
		{REQUEST_TARGET_MAX, REQUEST_HEADERS_MAX - 1, REQUEST_HEAD_MAX, REFUSAL_NONE},
		{REQUEST_TARGET_MAX, REQUEST_HEADERS_MAX - 1, REQUEST_HEAD_MAX + 1, REFUSAL_HEAD_LARGE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct buf b;
		struct slice head = make_head(&b, limits[i].target, limits[i].fields, limits[i].size);
		struct head h;
		size_t length = 0;
		enum refusal why = REFUSAL_NONE;

		assert_int_equal(head_check(head, &h), limits[i].want);
		if (head_scan(head, 0, &length, &why) == HEAD_COMPLETE)
			assert_int_equal(length, head.n);
		else
			assert_int_equal(why, limits[i].want);
		buf_done(&b);
	}
}

static void test_scan_finds_the_end_however_the_bytes_come(void **state)
{
	struct slice text = SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\n\r\n");
	const size_t end = 27;

	(void)state;
	for (size_t first = 0; first <= text.n; first++) {
		size_t length = 0;
		enum refusal why = REFUSAL_NONE;
		enum head_scan got = head_scan(slice_sub(text, 0, first), 0, &length, &why);

		assert_int_equal(got, first < end ? HEAD_PARTIAL : HEAD_COMPLETE);
		if (first < end)
			assert_int_equal(head_scan(text, first, &length, &why), HEAD_COMPLETE);
		assert_int_equal(length, end);
		assert_int_equal(why, REFUSAL_NONE);
	}
}

static void test_scan_refuses_early(void **state)
{
	static const struct {
		struct slice bytes;
		enum refusal want;
	} early[] = {
		{SLICE_LIT("\x16\x03\x01"), REFUSAL_FIRST_BYTE}, /* TLS */
		{SLICE_LIT("\r\n"), REFUSAL_FIRST_BYTE},
		{SLICE_LIT("\n"), REFUSAL_FIRST_BYTE},
		{SLICE_LIT(" GET"), REFUSAL_FIRST_BYTE},
		{SLICE_LIT("get"), REFUSAL_FIRST_BYTE},
		{SLICE_LIT("\0"), REFUSAL_FIRST_BYTE},
		{SLICE_LIT("GET / HTTP/1.1\n"), REFUSAL_LINE_END},
		{SLICE_LIT("GET / HTTP/1.1\r\nHost: h\n\n"), REFUSAL_LINE_END},
		{SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\n\n"), REFUSAL_LINE_END},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(early); i++) {
		size_t length = 99;
		enum refusal why = REFUSAL_NONE;

		assert_int_equal(head_scan(early[i].bytes, 0, &length, &why), HEAD_REFUSED);
		assert_int_equal(why, early[i].want);
		assert_int_equal(length, 99);
	}
}

/* Without an end in sight no more than the limits is ever waited for. */
static void test_scan_bounds_what_never_ends(void **state)
{
	static const struct {
		const char *start;
		enum refusal want;
		size_t most;
	} endless[] = {
		{"GET /", REFUSAL_TARGET_LONG, REQUEST_TARGET_MAX + 32},
		{"GET / HTTP/1.1\r\nA: ", REFUSAL_HEAD_LARGE, REQUEST_HEAD_MAX + 32},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
		struct buf b;
		size_t from = 0, length;
		enum refusal why = REFUSAL_NONE;

		buf_init(&b, 1 << 20);
		buf_puts(&b, endless[i].start);
		while (head_scan(buf_slice(&b), from, &length, &why) == HEAD_PARTIAL && b.n < 100000) {
			from = b.n;
			buf_putc(&b, 'x');
		}
		assert_int_equal(why, endless[i].want);
		assert_in_range(b.n, 1000, endless[i].most);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_what_is_found),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_scan_finds_the_end_however_the_bytes_come),
		cmocka_unit_test(test_scan_refuses_early),
		cmocka_unit_test(test_scan_bounds_what_never_ends),
	};

	return cmocka_run_group_tests_name("http/head", tests, NULL, NULL);
}
