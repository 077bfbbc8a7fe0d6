/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/text.h"

static const struct table_column columns[] = {{"NAME", false}, {"SCOPES", false}, {"ID", true}};

static void fill(struct table *t)
{
	table_row(t, (struct table_cell[]){
			     {"Google", TONE_BOLD}, {"openid, profile, email", TONE_PLAIN}, {"0123456789", TONE_DIM}});
	table_row(t, (struct table_cell[]){{"東京", TONE_BOLD}, {NULL, TONE_PLAIN}, {"abcdef", TONE_DIM}});
}

static void expect(unsigned width, bool colour, const char *wanted)
{
	struct arena *a = arena_new(65536);
	struct table *t = table_new(a, columns, 3);
	struct buf out;

	buf_init(&out, 4096);
	fill(t);
	assert_int_equal(table_count(t), 2);
	table_write(t, width, colour, &out);
	assert_string_equal(buf_cstr(&out), wanted);
	buf_done(&out);
	arena_free(&a);
}

static void wide_enough_nothing_is_cut(void **state)
{
	static const char whole[] = "NAME    SCOPES                  ID\n"
				    "Google  openid, profile, email  0123456789\n"
				    "東京    -                       abcdef\n";

	(void)state;
	expect(0, false, whole);
	expect(42, false, whole);
}

static void narrow_cuts_the_widest(void **state)
{
	(void)state;
	expect(34, false,
	       "NAME    SCOPES          ID\n"
	       "Google  openid, profi…  0123456789\n"
	       "東京    -               abcdef\n");
}

static void too_narrow_becomes_blocks(void **state)
{
	(void)state;
	expect(24, false,
	       "  NAME    Google\n  SCOPES  openid, profile, email\n  ID      0123456789\n\n"
	       "  NAME    東京\n  SCOPES  -\n  ID      abcdef\n");
}

static void colour_changes_no_width(void **state)
{
	struct arena *a = arena_new(65536);
	struct table *t = table_new(a, columns, 3);
	struct buf plain, coloured, stripped;

	(void)state;
	buf_init(&plain, 4096);
	buf_init(&coloured, 4096);
	buf_init(&stripped, 4096);
	fill(t);
	table_write(t, 34, false, &plain);
	table_write(t, 34, true, &coloured);
	for (const char *c = buf_cstr(&coloured); *c; c++) {
		if (*c == '\033')
			c += strcspn(c, "m");
		else
			buf_putc(&stripped, *c);
	}
	assert_string_equal(buf_cstr(&stripped), buf_cstr(&plain));
	assert_non_null(strstr(buf_cstr(&coloured), "\033[1mGoogle\033[0m"));
	buf_done(&plain);
	buf_done(&coloured);
	buf_done(&stripped);
	arena_free(&a);
}

/* Whatever the width, no line is wider, except where blocks are shown. */
static void no_line_is_too_wide(void **state)
{
	struct arena *a = arena_new(65536);
	struct table *t = table_new(a, columns, 3);

	(void)state;
	fill(t);
	for (unsigned width = 28; width < 60; width++) {
		struct slice rest, line;
		struct buf out;

		buf_init(&out, 4096);
		table_write(t, width, false, &out);
		rest = buf_slice(&out);
		while (slice_split(&rest, '\n', &line))
			assert_true(text_width(line) <= width);
		buf_done(&out);
	}
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wide_enough_nothing_is_cut), cmocka_unit_test(narrow_cuts_the_widest),
		cmocka_unit_test(too_narrow_becomes_blocks),  cmocka_unit_test(colour_changes_no_width),
		cmocka_unit_test(no_line_is_too_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
