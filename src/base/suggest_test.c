/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const words[] = {"connect", "connections", "disconnect", "token", "list", "update", "app", "json"};

static void nearest_word(void **state)
{
	static const struct {
		const char *typed, *best;
	} cases[] = {
		{"conect", "connect"},
		{"connetc", "connect"},
		{"connectionss", "connections"},
		{"disconect", "disconnect"},
		{"tokne", "token"},
		{"tok", "token"},
		{"lsit", "list"},
		{"updat", "update"},
		{"ap", "app"},
		{"jsno", "json"},
		{"wombat", NULL},
		{"x", NULL},
		{"", NULL},
		{"token", "token"},
		{"delete", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct suggest s;

		suggest_init(&s, slice_from(cases[i].typed));
		for (size_t w = 0; w < sizeof words / sizeof *words; w++)
			suggest_offer(&s, words[w]);
		if (cases[i].best)
			assert_string_equal(s.best, cases[i].best);
		else
			assert_null(s.best);
	}
}

static void distances(void **state)
{
	char longer[200];

	(void)state;
	assert_int_equal(suggest_distance(SLICE_LIT(""), SLICE_LIT("abc")), 3);
	assert_int_equal(suggest_distance(SLICE_LIT("abc"), SLICE_LIT("")), 3);
	assert_int_equal(suggest_distance(SLICE_LIT("ab"), SLICE_LIT("ba")), 1);
	assert_int_equal(suggest_distance(SLICE_LIT("kitten"), SLICE_LIT("sitting")), 3);
	assert_int_equal(suggest_distance(SLICE_LIT("abc"), SLICE_LIT("abc")), 0);
	memset(longer, 'a', sizeof longer);
	assert_int_equal(suggest_distance(slice_make(longer, sizeof longer), SLICE_LIT("")), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nearest_word), cmocka_unit_test(distances)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
