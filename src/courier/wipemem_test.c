/* SPDX-License-Identifier: Apache-2.0 */
/* The allocators keep malloc's promises; that they wipe shows in the tests that look through a process. */
#include "courier/wipemem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <stdint.h>

#include <cmocka.h>

static void blocks_are_aligned_and_kept(void **state)
{
	char *p = wipemem_malloc(3), *q;

	(void)state;
	assert_int_equal((uintptr_t)p % 16, 0);
	memcpy(p, "abc", 3);
	q = wipemem_realloc(p, 5000);
	assert_memory_equal(q, "abc", 3);
	memset(q, 'x', 5000);
	q = wipemem_realloc(q, 2);
	assert_memory_equal(q, "xx", 2);
	wipemem_free(q);
	q = wipemem_realloc(NULL, 10);
	assert_non_null(q);
	wipemem_free(q);
	wipemem_free(NULL);
	q = wipemem_malloc(0);
	assert_non_null(q);
	wipemem_free(q);
}

static void zeroed_and_copied(void **state)
{
	static const char zeros[48];
	char *p = wipemem_calloc(3, 16);

	(void)state;
	assert_memory_equal(p, zeros, 48);
	wipemem_free(p);
	p = wipemem_strdup("text");
	assert_string_equal(p, "text");
	wipemem_free(p);
}

static void impossible_sizes_give_null(void **state)
{
	/* Not known to the compiler, which would warn. */
	volatile size_t most = SIZE_MAX, half = SIZE_MAX / 2 + 1;
	char *p = wipemem_strdup("kept");

	(void)state;
	assert_null(wipemem_malloc(most));
	assert_null(wipemem_malloc(most - 15));
	assert_null(wipemem_calloc(half, 2));
	assert_null(wipemem_realloc(p, most));
	assert_string_equal(p, "kept");
	wipemem_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_aligned_and_kept),
		cmocka_unit_test(zeroed_and_copied),
		cmocka_unit_test(impossible_sizes_give_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
