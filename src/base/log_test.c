/* SPDX-License-Identifier: Apache-2.0 */
/* LG-02: one record is one line of valid JSON whatever comes in, and no input can make a record vanish. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

static int ends[2];
static char line[65536];

static int open_log(void **state)
{
	(void)state;
	if (pipe(ends) != 0)
		return -1;
	log_open(ends[1], "worker 0", false);
	return 0;
}

static int close_log(void **state)
{
	(void)state;
	log_open(STDERR_FILENO, "-", false);
	close(ends[0]);
	return close(ends[1]);
}

/* What was written by one log call. */
static const char *written(void)
{
	ssize_t n = read(ends[0], line, sizeof line - 1);

	assert_true(n > 0);
	line[n] = '\0';
	return line;
}

/* A string's contents may hold only printable ASCII, an escaped quote or backslash, or \u00XX. */
static size_t skip_string(const char *p)
{
	size_t i = 1;

	assert_int_equal(p[0], '"');
	while (p[i] != '"') {
		assert_in_range(p[i], 0x20, 0x7E);
		if (p[i] == '\\') {
			i++;
			assert_true(p[i] == '"' || p[i] == '\\' || (p[i] == 'u' && p[i + 1] == '0' && p[i + 2] == '0'));
		}
		i++;
	}
	return i + 1;
}

/* One object of strings and numbers, one line. */
static size_t check_line(const char *p)
{
	size_t i = 0, fields = 0;

	assert_int_equal(p[i], '{');
	do {
		i++;
		i += skip_string(p + i);
		assert_int_equal(p[i], ':');
		i++;
		if (p[i] == '"')
			i += skip_string(p + i);
		else
			while (p[i] == '-' || (p[i] >= '0' && p[i] <= '9'))
				i++;
		fields++;
	} while (p[i] == ',');
	assert_string_equal(p + i, "}\n");
	return fields;
}

static void test_a_plain_line(void **state)
{
	(void)state;
	LOG(LOG_WARN, "refresh_failed", LOG_S("grant", "g1"), LOG_I("tries", -3));
	assert_int_equal(check_line(written()), 6);
	assert_non_null(strstr(line, "\"level\":\"warn\",\"role\":\"worker 0\",\"event\":\"refresh_failed\","
				     "\"grant\":\"g1\",\"tries\":-3}"));
}

static void test_every_byte_in_a_field(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char bytes[3] = {'a', (char)(unsigned char)c, 'b'};

		LOG(LOG_ERROR, "x", LOG_SLICE("f", slice_make(bytes, 3)));
		assert_int_equal(check_line(written()), 5);
	}
	LOG(LOG_ERROR, "x", LOG_S("f", NULL));
	assert_int_equal(check_line(written()), 5);
}

static void test_forged_lines(void **state)
{
	static const char *const inputs[] = {
		"x\"}\n{\"event\":\"forged\"}",
		"\r\n",
		"\x1b[2J",
		"\xe2\x80\xa8",
		"\xe2\x80\xae",
		"\xff\xfe",
		"\\",
		"\\\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		LOG(LOG_ERROR, inputs[i], LOG_S("f", inputs[i]));
		assert_int_equal(check_line(written()), 5);
		assert_null(strstr(line, "\"event\":\"forged\""));
	}
}

/* Control bytes grow sixfold: a line must be cut then, not dropped. */
static void test_hostile_fields_cannot_hide_a_record(void **state)
{
	struct log_field fields[200];
	char *bytes = mem_calloc(1, 100000);

	(void)state;
	for (size_t n = 1; n <= ARRAY_LEN(fields); n += 1 + n / 4) {
		for (size_t i = 0; i < n; i++)
			fields[i] = LOG_SLICE("field", slice_make(bytes, 100000));
		log_write(LOG_ERROR, "denied", fields, n > 100 ? 100 : n);
		assert_int_equal(check_line(written()), (n > 100 ? 100 : n) + 4);
		assert_true(strlen(line) <= 16384);
	}
	free(bytes);
}

static void test_levels(void **state)
{
	(void)state;
	assert_false(log_wants(LOG_DEBUG));
	LOG(LOG_DEBUG, "hidden", LOG_I("n", 1));
	LOG(LOG_INFO, "shown", LOG_I("n", 1));
	assert_null(strstr(written(), "hidden"));
	log_open(ends[1], "worker 0", true);
	assert_true(log_wants(LOG_DEBUG));
	LOG(LOG_DEBUG, "shown", LOG_I("n", 1));
	assert_int_equal(check_line(written()), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_plain_line, open_log, close_log),
		cmocka_unit_test_setup_teardown(test_every_byte_in_a_field, open_log, close_log),
		cmocka_unit_test_setup_teardown(test_forged_lines, open_log, close_log),
		cmocka_unit_test_setup_teardown(test_hostile_fields_cannot_hide_a_record, open_log, close_log),
		cmocka_unit_test_setup_teardown(test_levels, open_log, close_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
