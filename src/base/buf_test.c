/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer's hard maximum, its memory of an overflow, and that no copy stays behind. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void test_the_maximum_is_exact(void **state)
{
	static const size_t maxima[] = {0, 1, 2, 255, 256, 257, 511, 512, 513, 5000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(maxima); i++) {
		struct buf b;

		buf_init(&b, maxima[i]);
		for (size_t k = 0; k < maxima[i]; k++)
			buf_putc(&b, (char)('a' + k % 26));
		assert_true(buf_ok(&b));
		assert_int_equal(b.n, maxima[i]);
		assert_int_equal(strlen(buf_cstr(&b)), maxima[i]);
		buf_putc(&b, 'x');
		assert_false(buf_ok(&b));
		assert_int_equal(b.n, maxima[i]);
		buf_done(&b);
		assert_true(buf_ok(&b));
		assert_int_equal(b.max, maxima[i]);
	}
}

static void test_an_overflow_is_remembered_and_takes_nothing_more(void **state)
{
	static const struct {
		const char *first, *second;
	} cases[] = {{"12345", "6789"}, {"", "123456789"}, {"12345678", "9"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b;

		buf_init(&b, 8);
		buf_puts(&b, cases[i].first);
		buf_puts(&b, cases[i].second);
		buf_puts(&b, "x"); /* would fit in the first two cases */
		assert_false(buf_ok(&b));
		assert_string_equal(buf_cstr(&b), cases[i].first);
		assert_null(buf_reserve(&b, 0));
		buf_consume(&b, 3);
		assert_false(buf_ok(&b));
		buf_consume(&b, 100); /* all: an overflow must survive this too */
		assert_false(buf_ok(&b));
		assert_int_equal(b.n, 0);
		buf_reset(&b);
		assert_true(buf_ok(&b));
		buf_puts(&b, "12345678");
		assert_true(buf_ok(&b));
		buf_done(&b);
	}
}

static void test_printf_counts_like_the_rest(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_printf(&b, "%s", "12345");
	assert_true(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "12345");
	buf_printf(&b, "%s", "");
	assert_true(buf_ok(&b));
	buf_printf(&b, "%d", 6);
	assert_false(buf_ok(&b));
	buf_done(&b);
	buf_init(&b, 1000);
	buf_printf(&b, "%0300d", 1);
	assert_int_equal(b.n, 300);
	buf_reset(&b);
	buf_put_i64(&b, INT64_MIN);
	buf_putc(&b, ' ');
	buf_put_i64(&b, INT64_MAX);
	assert_string_equal(buf_cstr(&b), "-9223372036854775808 9223372036854775807");
	buf_done(&b);
}

static void test_consume(void **state)
{
	static const struct {
		size_t n;
		const char *left;
	} cases[] = {{0, "abcdef"}, {1, "bcdef"}, {5, "f"}, {6, ""}, {7, ""}, {SIZE_MAX, ""}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b;

		buf_init(&b, 100);
		buf_consume(&b, 1);
		buf_puts(&b, "abcdef");
		buf_consume(&b, cases[i].n);
		assert_string_equal(buf_cstr(&b), cases[i].left);
		for (size_t k = b.n; k < 6; k++)
			assert_int_equal(b.p[k], 0); /* what was consumed is wiped */
		buf_done(&b);
	}
}

static void test_cut(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 6);
	buf_cut(&b, 0);
	buf_puts(&b, "abcdef");
	buf_putc(&b, 'x');
	buf_cut(&b, 7);
	buf_cut(&b, 2);
	assert_string_equal(buf_cstr(&b), "ab");
	for (size_t k = b.n; k < 6; k++)
		assert_int_equal(b.p[k], 0); /* what was cut off is wiped */
	assert_false(buf_ok(&b));
	buf_done(&b);
}

static void test_bytes_and_reserve(void **state)
{
	struct buf b;
	char *to;

	(void)state;
	buf_init(&b, 4);
	buf_put(&b, (struct slice){0});
	assert_null(b.p);
	buf_put(&b, slice_make("a\0b", 3));
	assert_true(slice_eq(buf_slice(&b), slice_make("a\0b", 3)));
	assert_null(buf_reserve(&b, 2));
	assert_false(buf_ok(&b));
	buf_reset(&b);
	assert_int_equal(b.p[0], 0);
	to = buf_reserve(&b, 4);
	assert_non_null(to);
	memcpy(to, "wxyz", 5); /* room for the NUL is promised */
	buf_commit(&b, 2);
	assert_string_equal(buf_cstr(&b), "wx");
	buf_done(&b);
	buf_done(&b);
	buf_done(NULL);
	assert_string_equal(buf_cstr(&b), "");
	buf_done(&b);
	buf_init(&b, SIZE_MAX);
	buf_puts(&b, "x");
	assert_null(buf_reserve(&b, SIZE_MAX));
	buf_done(&b);
}

/* Memory is there before it is needed, and costs no wiping as long as nothing was written into it. */
static void test_ensure(void **state)
{
	struct buf b;
	const char *p;

	(void)state;
	buf_init(&b, 5000);
	buf_ensure(&b, 5001);
	assert_null(b.p);
	assert_true(buf_ok(&b));
	buf_ensure(&b, 5000);
	p = b.p;
	assert_non_null(p);
	assert_int_equal(b.touched, 0);
	assert_string_equal(buf_cstr(&b), "");
	for (int i = 0; i < 5000; i++)
		buf_putc(&b, 'x');
	assert_true(buf_ok(&b));
	assert_ptr_equal(b.p, p);
	buf_done(&b);
}

static size_t not_zero(const struct buf *b)
{
	size_t found = 0;

	for (size_t i = 0; i < b->cap; i++)
		found += b->p[i] != 0;
	return found;
}

/* Also what was written into reserved room and never committed, and what lay behind a shorter second content. */
static void test_a_reset_leaves_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5000);
	buf_ensure(&b, 5000);
	memset(b.p, 0, b.cap); /* what was there before is not ours to wipe */
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 200; i++)
			buf_puts(&b, "secret ");
		buf_consume(&b, 1000);
		buf_puts(&b, "more");
		buf_reset(&b);
		assert_int_equal(not_zero(&b), 0);
		memset(buf_reserve(&b, 3000), 's', 3001);
		buf_reset(&b);
		assert_int_equal(not_zero(&b), 0);
		memset(buf_reserve(&b, 3000), 's', 3001);
		buf_commit(&b, 10);
		buf_consume(&b, 10);
		buf_puts(&b, "short");
		buf_reset(&b);
		assert_int_equal(not_zero(&b), 0);
		buf_putc(&b, 's');
		assert_string_equal(buf_cstr(&b), "s");
		buf_put_i64(&b, 7);
		buf_printf(&b, "%s", "secret");
		buf_reset(&b);
		assert_int_equal(not_zero(&b), 0);
	}
	buf_done(&b);
}

static void test_parts_go_in_together_or_not_at_all(void **state)
{
	const struct slice parts[] = {SLICE_LIT("ab"), {0}, SLICE_LIT(""), SLICE_LIT("cde")};
	const struct slice endless[] = {{.p = "x", .n = SIZE_MAX}, {.p = "x", .n = 2}};
	struct buf b;

	(void)state;
	buf_init(&b, 12);
	buf_put_all(&b, parts, ARRAY_LEN(parts));
	buf_put_all(&b, NULL, 0);
	buf_put_all(&b, parts, ARRAY_LEN(parts));
	assert_true(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "abcdeabcde");
	buf_put_all(&b, parts, ARRAY_LEN(parts));
	assert_false(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "abcdeabcde");
	buf_reset(&b);
	buf_put_all(&b, endless, ARRAY_LEN(endless));
	assert_false(buf_ok(&b));
	assert_int_equal(b.n, 0);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_maximum_is_exact),
		cmocka_unit_test(test_an_overflow_is_remembered_and_takes_nothing_more),
		cmocka_unit_test(test_printf_counts_like_the_rest),
		cmocka_unit_test(test_consume),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bytes_and_reserve),
		cmocka_unit_test(test_ensure),
		cmocka_unit_test(test_a_reset_leaves_nothing),
		cmocka_unit_test(test_parts_go_in_together_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
