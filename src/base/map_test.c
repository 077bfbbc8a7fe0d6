/* SPDX-License-Identifier: Apache-2.0 */
/* The table against a plain array that does the same slowly, and its edges. */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/mem.h"

static void test_put_get_remove(void **state)
{
	int one = 1, two = 2;
	struct map *m = map_new();

	(void)state;
	assert_null(map_get(m, SLICE_LIT("a")));
	assert_null(map_remove(m, SLICE_LIT("a")));
	assert_null(map_put(m, SLICE_LIT("a"), &one));
	assert_ptr_equal(map_put(m, SLICE_LIT("a"), &two), &one);
	assert_int_equal(map_count(m), 1);
	assert_ptr_equal(map_get(m, SLICE_LIT("a")), &two);
	assert_null(map_get(m, SLICE_LIT("A")));
	assert_null(map_get(m, SLICE_LIT("")));
	assert_null(map_put(m, (struct slice){0}, &one)); /* the empty key is a key */
	assert_ptr_equal(map_get(m, SLICE_LIT("")), &one);
	assert_null(map_put(m, slice_make("a\0", 2), &one)); /* bytes, not C strings */
	assert_int_equal(map_count(m), 3);
	assert_ptr_equal(map_remove(m, SLICE_LIT("a")), &two);
	assert_null(map_get(m, SLICE_LIT("a")));
	assert_int_equal(map_count(m), 2);
	map_free(&m);
	assert_null(m);
	map_free(&m);
	map_free(NULL);
}

static void test_keys_are_copied(void **state)
{
	char key[4] = "key";
	struct map *m = map_new();

	(void)state;
	map_put(m, slice_from(key), key);
	memset(key, 'x', 3);
	assert_ptr_equal(map_get(m, SLICE_LIT("key")), key);
	assert_null(map_get(m, SLICE_LIT("xxx")));
	map_free(&m);
}

static void count_one(struct slice key, void *value, void *arg)
{
	size_t *seen = arg;

	assert_true(key.n > 0 && key.n < 8);
	seen[*(size_t *)value]++;
}

/* Thousands of keys, of which every third goes again: none is lost while the table widens. */
static void test_many(void **state)
{
	enum { MANY = 5000 };
	struct map *m = map_new();
	size_t *values = MEM_NEW_N(MANY, size_t), *seen = MEM_NEW_N(MANY, size_t);
	char key[8];

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		values[i] = i;
		snprintf(key, sizeof key, "k%zu", i);
		assert_null(map_put(m, slice_from(key), &values[i]));
	}
	for (size_t i = 0; i < MANY; i += 3) {
		snprintf(key, sizeof key, "k%zu", i);
		assert_ptr_equal(map_remove(m, slice_from(key)), &values[i]);
	}
	assert_int_equal(map_count(m), MANY - (MANY + 2) / 3);
	map_each(m, count_one, seen);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(key, sizeof key, "k%zu", i);
		assert_ptr_equal(map_get(m, slice_from(key)), i % 3 ? &values[i] : NULL);
		assert_int_equal(seen[i], i % 3 ? 1 : 0);
	}
	map_free(&m);
	free(values);
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_get_remove),
		cmocka_unit_test(test_keys_are_copied),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
