/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that cannot fail, the list, ids, and the two ways ownership ends. */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/list.h"
#include "base/random.h"

static int end_of(void *(*fn)(size_t n, size_t size), size_t n, size_t size)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		_exit(fn(n, size) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void *realloc_new(size_t n, size_t size)
{
	return mem_realloc(NULL, n, size);
}

static void test_an_overflowing_product_aborts(void **state)
{
	(void)state;
	assert_int_not_equal(end_of(mem_calloc, SIZE_MAX / 2 + 2, 2),
			     0); /* the sanitizer's calloc ends it its own way */
	assert_int_equal(end_of(realloc_new, SIZE_MAX / 2 + 2, 2), SIGABRT);
	assert_int_equal(end_of(mem_calloc, 0, 0), 0);
	assert_int_equal(end_of(realloc_new, 0, 8), 0);
}

static void test_copies_and_ownership(void **state)
{
	char *a = mem_strdup("grant"), *b = mem_strndup(slice_make("grant", 2)), *c = mem_printf("%d-%s", 1, "x");
	char *none = mem_strdup(NULL), *moved = TAKE(a);

	(void)state;
	assert_null(a);
	assert_string_equal(moved, "grant");
	assert_string_equal(b, "gr");
	assert_string_equal(c, "1-x");
	assert_string_equal(none, "");
	mem_free_str(&moved);
	mem_free_str(&b);
	mem_free_str(&c);
	mem_free_str(&none);
	assert_null(b);
	mem_free_str(&b);
	mem_free_str(NULL);
}

struct item {
	int number;
	struct list node;
};

static void test_list(void **state)
{
	struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	for (int i = 0; i < 3; i++)
		list_append(&head, &items[i].node);
	assert_int_equal(CONTAINER_OF(head.next, struct item, node)->number, 0);
	assert_int_equal(CONTAINER_OF(head.prev, struct item, node)->number, 2);
	list_remove(&items[1].node);
	list_remove(&items[1].node);
	assert_ptr_equal(items[0].node.next, &items[2].node);
	assert_ptr_equal(items[2].node.prev, &items[0].node);
	list_remove(&items[0].node);
	list_remove(&items[2].node);
	assert_true(list_empty(&head));
}

static void test_random_ids(void **state)
{
	char first[RANDOM_ID_BYTES], second[RANDOM_ID_BYTES];
	unsigned char all[256] = {0}, any = 0;

	(void)state;
	random_id(first);
	random_id(second);
	assert_int_equal(strlen(first), 32);
	assert_int_equal(strspn(first, "0123456789abcdef"), 32);
	assert_string_not_equal(first, second);
	random_bytes(all, sizeof all);
	for (size_t i = 0; i < sizeof all; i++)
		any |= all[i];
	assert_int_not_equal(any, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_overflowing_product_aborts),
		cmocka_unit_test(test_copies_and_ownership),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_random_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
