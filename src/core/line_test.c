/* SPDX-License-Identifier: Apache-2.0 */
#include "core/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_plain(void **state)
{
	static const char *const good[] = {"", "a", "Ada Lovelace", "ada@example.com", "é", "日本語", "مرحبا", "שלום", "👩‍💻", "a\xC2\xA0" "b",
					   "\xE2\x80\x8B", "\xE2\x80\xA7", "\xE2\x80\xAF", "\xE2\x81\xA5", "\xE2\x81\xAA"};
	static const char *const bad[] = {"a\nb", "\r", "\t", "\x1b[31m", "\x7f", "\xC2\x80", "\xC2\x9F", "a\xE2\x80\x8E", "\xE2\x80\x8F",
					  "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAA", "admin\xE2\x80\xAE", "\xE2\x81\xA6", "\xE2\x81\xA9",
					  "\xFF", "\xC0\xAF", "\xE2\x80", "\xED\xA0\x80"};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(line_is_plain(slice_from(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(line_is_plain(slice_from(bad[i])));
	assert_false(line_is_plain(slice_make("a\0b", 3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
