/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings against known answers, round trips of every byte, and what decoders must refuse. */
#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

typedef void encode_fn(struct buf *out, struct slice bytes);

static void test_known_answers(void **state)
{
	static const struct {
		encode_fn *encode;
		const char *in, *out;
	} cases[] = {
		{encode_hex, "", ""},
		{encode_hex, "\x01\xab\xff", "01abff"},
		{encode_base64, "", ""},
		{encode_base64, "f", "Zg=="}, /* RFC 4648 §10 */
		{encode_base64, "fo", "Zm8="},
		{encode_base64, "foobar", "Zm9vYmFy"},
		{encode_base64url, "f", "Zg"},
		{encode_base64url, "\xfb\xff\xbf", "-_-_"},
		{encode_percent, "AZaz09-._~", "AZaz09-._~"},
		{encode_percent, "a b+c/d%\xc3\xa9", "a%20b%2Bc%2Fd%25%C3%A9"},
		{encode_form, "a b+c~", "a+b%2Bc~"},
		{encode_form, "a:b%+&= \xc3\xa9", "a%3Ab%25%2B%26%3D+%C3%A9"}, /* OA-16 */
		{encode_form, "\r\n", "%0D%0A"},
		{encode_html, "<a href=\"x\">'&'</a>", "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"},
		{encode_html, "plain \xc3\xa9", "plain \xc3\xa9"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, strlen(cases[i].out)); /* exactly enough must be enough */
		cases[i].encode(&out, slice_from(cases[i].in));
		assert_true(buf_ok(&out));
		assert_string_equal(buf_cstr(&out), cases[i].out);
		buf_done(&out);
		if (!cases[i].out[0])
			continue;
		buf_init(&out, strlen(cases[i].out) - 1);
		cases[i].encode(&out, slice_from(cases[i].in));
		assert_false(buf_ok(&out));
		buf_done(&out);
	}
}

static bool decode_form(struct slice text, struct buf *out)
{
	return decode_percent(text, true, out);
}

static bool decode_uri(struct slice text, struct buf *out)
{
	return decode_percent(text, false, out);
}

typedef bool decode_fn(struct slice text, struct buf *out);

static void test_round_trips(void **state)
{
	static const struct {
		encode_fn *encode;
		decode_fn *decode;
		int first; /* byte from which the round trip holds: percent-decoding refuses NUL */
	} pairs[] = {{encode_hex, decode_hex, 0},
		     {encode_base64url, decode_base64url, 0},
		     {encode_percent, decode_uri, 1},
		     {encode_form, decode_form, 1}};
	char bytes[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		for (size_t n = 0; n <= (size_t)(256 - pairs[i].first); n++) {
			struct buf text, back;

			for (size_t k = 0; k < n; k++)
				bytes[k] = (char)(unsigned char)(255 - k);
			buf_init(&text, 4096);
			buf_init(&back, n);
			pairs[i].encode(&text, slice_make(bytes, n));
			assert_true(pairs[i].decode(buf_slice(&text), &back));
			assert_true(slice_eq(buf_slice(&back), slice_make(bytes, n)));
			buf_done(&text);
			buf_done(&back);
		}
	}
}

static void test_refused(void **state)
{
	static const struct {
		decode_fn *decode;
		const char *text;
		size_t n; /* 0: the text's length */
	} cases[] = {
		{decode_hex, "0", 0},	       {decode_hex, "0g", 0},	       {decode_hex, "00 0", 0},
		{decode_hex, "0x00", 0},       {decode_hex, "\xff\xff", 0},    {decode_hex, "00\0", 4},
		{decode_base64url, "A", 0},    {decode_base64url, "AAAAA", 0}, {decode_base64url, "Zg==", 0},
		{decode_base64url, "Zh", 0}, /* spare bits */
		{decode_base64url, "Zm9=", 0}, {decode_base64url, "Z g", 0},   {decode_base64url, "+/+/", 0},
		{decode_base64url, "Zg\n", 0}, {decode_base64url, "Z\0g", 3},  {decode_base64url, "Zm9v\0", 5},
		{decode_uri, "%", 0},	       {decode_uri, "%4", 0},	       {decode_uri, "a%4", 0},
		{decode_uri, "%zz", 0},	       {decode_uri, "%4g", 0},	       {decode_uri, "%00", 0},
		{decode_uri, "a%00b", 0},      {decode_uri, "a\0b", 3},	       {decode_uri, "% 41", 0},
		{decode_uri, "%-1", 0},	       {decode_form, "%+1", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n = cases[i].n ? cases[i].n : strlen(cases[i].text);
		char *text = mem_calloc(1, n); /* of its own, so that the sanitizer sees a read behind the end */
		struct buf out;

		memcpy(text, cases[i].text, n);
		buf_init(&out, 100);
		assert_false(cases[i].decode(slice_make(text, n), &out));
		free(text);
		buf_done(&out);
	}
}

static void test_plus_and_cut_lengths(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_true(decode_percent(SLICE_LIT("a+b%2B%2f"), true, &out));
	assert_string_equal(buf_cstr(&out), "a b+/");
	buf_reset(&out);
	assert_true(decode_percent(SLICE_LIT("a+b"), false, &out));
	assert_string_equal(buf_cstr(&out), "a+b");
	buf_reset(&out);
	assert_false(decode_percent(slice_make("%41", 2), false, &out)); /* the third byte is not ours to read */
	buf_done(&out);
	buf_init(&out, 2);
	assert_false(decode_percent(SLICE_LIT("abc"), false, &out)); /* more than the buffer may hold */
	buf_reset(&out);
	assert_false(decode_hex(SLICE_LIT("616263"), &out));
	buf_reset(&out);
	assert_false(decode_base64url(SLICE_LIT("YWJj"), &out));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_plus_and_cut_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
