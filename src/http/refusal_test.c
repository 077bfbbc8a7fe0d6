/* SPDX-License-Identifier: Apache-2.0 */
/* Every refusal has a kind, a status that is an error, and a sentence. */
#include "http/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_table(void **state)
{
	(void)state;
	for (enum refusal r = REFUSAL_NONE + 1; r < REFUSAL__COUNT; r++) {
		const struct refusal_kind *k = refusal_kind(r);

		assert_int_not_equal(k->err, ERR_OK);
		assert_in_range(k->status, 400, 599);
		assert_true(strlen(k->text) > 10);
		assert_null(strchr(k->text, '%'));
	}
	assert_ptr_equal(refusal_kind(REFUSAL__COUNT), refusal_kind(REFUSAL_PARSER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};

	return cmocka_run_group_tests_name("http/refusal", tests, NULL, NULL);
}
