/* SPDX-License-Identifier: Apache-2.0 */
/* Where a chunked body ends, and what is refused in it (RFC 9112 §7.1, WB-08). */
#include "http/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/request.h"

static const struct {
	struct slice body;
	enum refusal want;
	bool done;
	size_t used;
} cases[] = {
	{SLICE_LIT("0\r\n\r\n"), REFUSAL_NONE, true, 5},
	{SLICE_LIT("5\r\nhello\r\n0\r\n\r\n"), REFUSAL_NONE, true, 15},
	{SLICE_LIT("5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\nGET /"), REFUSAL_NONE, true, 30},
	{SLICE_LIT("a\r\n0\r\n\r\nxxxx\r\n000\r\n\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("a\r\n0\r\n\r\nxxxxx\r\n000\r\n\r\n"), REFUSAL_NONE, true, 22},
	{SLICE_LIT("00000005\r\nhello\r\n0\r\n\r\n"), REFUSAL_NONE, true, 22},
	{SLICE_LIT(""), REFUSAL_NONE, false, 0},
	{SLICE_LIT("5\r\nhel"), REFUSAL_NONE, false, 6},
	{SLICE_LIT("000000005\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("5;a=b\r\nhello\r\n0\r\n\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("5;\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("5;\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("5 \r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT(" 5\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("+5\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("-1\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("0x5\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("5_0\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("5\nhello\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("5\rXhello\r\n0\r\n\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("5\rhello\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("5\r\nhello\n0\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("5\r\nhello0\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("5\r\nhello\rX"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("0\r\n\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("0\r\nTrailer: x\r\n\r\n"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("0\r\n\rX"), REFUSAL_CHUNK, false, 0},
	{SLICE_LIT("10000\r\n"), REFUSAL_NONE, false, 7},
	{SLICE_LIT("10001\r\n"), REFUSAL_BODY_LARGE, false, 0},
	{SLICE_LIT("ffffffff\r\n"), REFUSAL_BODY_LARGE, false, 0},
	{SLICE_LIT("1\r\nx\r\n10000\r\n"), REFUSAL_BODY_LARGE, false, 0},
	{SLICE_LIT("1\r\nx\r\nffff\r\n"), REFUSAL_NONE, false, 12},
};

static void test_bodies_in_one_piece(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct chunk c;
		size_t used = 0;

		chunk_init(&c);
		if (chunk_feed(&c, cases[i].body, &used) != cases[i].want)
			fail_msg("case %zu", i);
		assert_int_equal(used, cases[i].used);
		if (cases[i].want == REFUSAL_NONE)
			assert_int_equal(c.state == CHUNK_DONE, cases[i].done);
	}
}

static void test_bodies_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum refusal why = REFUSAL_NONE;
		struct chunk c;
		size_t at = 0;

		chunk_init(&c);
		while (at < cases[i].body.n && !why && c.state != CHUNK_DONE) {
			size_t used = 0;

			why = chunk_feed(&c, slice_sub(cases[i].body, at, 1), &used);
			at += used;
			assert_true(why || used == 1);
		}
		assert_int_equal(why, cases[i].want);
		if (!why)
			assert_int_equal(at, cases[i].used);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies_in_one_piece),
		cmocka_unit_test(test_bodies_byte_by_byte),
	};

	return cmocka_run_group_tests_name("http/chunk", tests, NULL, NULL);
}
