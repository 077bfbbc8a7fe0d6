/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds is whole, and sentences are cut where a person can still read them. */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void test_every_kind_is_mapped(void **state)
{
	(void)state;
	for (int e = 0; e < ERR__COUNT; e++) {
		const struct err_kind *kind = err_kind((enum err)e);

		assert_non_null(kind->name);
		assert_true(kind->code && kind->code[0]);
		assert_in_range(kind->http_status, 200, 599);
		assert_true((kind->http_status == 200) == (e == ERR_OK));
		assert_true((kind->exit_code == 0) == (e == ERR_OK));
		assert_in_range(kind->log_level, 0, 3);
		for (int other = 0; other < e; other++)
			assert_string_not_equal(kind->code, err_kind((enum err)other)->code);
	}
	assert_ptr_equal(err_kind((enum err)ERR__COUNT), err_kind(ERR_INTERNAL));
	assert_ptr_equal(err_kind((enum err) - 1), err_kind(ERR_INTERNAL));
}

static void test_null_is_allowed_everywhere(void **state)
{
	(void)state;
	err_clear(NULL);
	assert_int_equal(err_set(NULL, ERR_LIMIT, "x"), ERR_LIMIT);
	assert_int_equal(err_hint(NULL, ERR_LIMIT, "x"), ERR_LIMIT);
	assert_int_equal(err_code(NULL, ERR_LIMIT, "x"), ERR_LIMIT);
	assert_int_equal(err_field(NULL, "name", "x"), ERR_UNPROCESSABLE);
	assert_string_equal(err_wire_code(ERR_NOT_FOUND, NULL), "not_found");
}

static void test_codes_and_fields(void **state)
{
	struct errinfo ei = {0};

	(void)state;
	assert_int_equal(err_set(&ei, ERR_CONFLICT, "two match %d", 2), ERR_CONFLICT);
	assert_string_equal(err_wire_code(ERR_CONFLICT, &ei), "conflict");
	assert_int_equal(err_code(&ei, ERR_CONFLICT, "ambiguous"), ERR_CONFLICT);
	assert_string_equal(err_wire_code(ERR_CONFLICT, &ei), "ambiguous");
	assert_int_equal(err_field(&ei, "name", "is missing"), ERR_UNPROCESSABLE);
	assert_string_equal(ei.detail, "two match 2"); /* kept */
	err_clear(&ei);
	assert_string_equal(ei.detail, "");
	for (int i = 0; i < ERRINFO_FIELDS_MAX + 5; i++)
		assert_int_equal(err_field(&ei, "field", "number %d", i), ERR_UNPROCESSABLE);
	assert_int_equal(ei.field_count, ERRINFO_FIELDS_MAX);
	assert_string_equal(ei.detail, "field: number 0");
	assert_string_equal(ei.fields[ERRINFO_FIELDS_MAX - 1].why, "number 11");
}

/* A two, three and four byte letter placed so that the cap falls before, into and behind it. */
static void test_long_texts_are_cut_between_letters(void **state)
{
	static const char *const letters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x91"};

	(void)state;
	for (size_t l = 0; l < ARRAY_LEN(letters); l++) {
		for (size_t before = ERRINFO_DETAIL_MAX - 8; before < ERRINFO_DETAIL_MAX + 4; before++) {
			struct errinfo ei = {0};
			char *text = mem_printf("%*s%s%s", (int)before, "", letters[l],
						"tail that is longer than the cap");

			err_set(&ei, ERR_INVALID, "%s", text);
			err_hint(&ei, ERR_INVALID, "%s", text);
			assert_true(strlen(ei.detail) < sizeof ei.detail);
			assert_true(strlen(ei.detail) >= sizeof ei.detail - 6);
			assert_true(slice_is_utf8(slice_from(ei.detail)));
			assert_true(slice_is_utf8(slice_from(ei.hint)));
			mem_free_str(&text);
		}
	}
}

static void test_long_names_and_codes_are_cut(void **state)
{
	struct errinfo ei = {0};
	char *text = mem_printf("%0600d", 1);

	(void)state;
	err_code(&ei, ERR_INVALID, text);
	err_field(&ei, text, "%s", text);
	assert_int_equal(strlen(ei.code), sizeof ei.code - 1);
	assert_int_equal(strlen(ei.fields[0].name), sizeof ei.fields[0].name - 1);
	assert_int_equal(strlen(ei.fields[0].why), sizeof ei.fields[0].why - 1);
	mem_free_str(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_is_mapped),
		cmocka_unit_test(test_null_is_allowed_everywhere),
		cmocka_unit_test(test_codes_and_fields),
		cmocka_unit_test(test_long_texts_are_cut_between_letters),
		cmocka_unit_test(test_long_names_and_codes_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
