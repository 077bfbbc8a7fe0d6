/* SPDX-License-Identifier: Apache-2.0 */
/* The arena's promises: zeroed, aligned, capped, and everything that was tied to it freed in order. */
#include "base/arena.h"

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

#include "base/mem.h"

static void test_memory_is_zeroed_aligned_and_apart(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 15, 16, 17, 8191, 8192, 8193, 100000, 1, 3};
	struct arena *a = arena_new(1 << 20);
	unsigned char *got[ARRAY_LEN(sizes)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		got[i] = arena_alloc(a, sizes[i], 1);
		assert_int_equal((uintptr_t)got[i] % 16, 0);
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(got[i][k], 0);
		memset(got[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(got[i][k], i + 1);
	arena_free(&a);
	assert_null(a);
	arena_free(&a);
	arena_free(NULL);
}

static void test_copies(void **state)
{
	struct arena *a = arena_new(1 << 16);

	(void)state;
	assert_string_equal(arena_strdup(a, "grant"), "grant");
	assert_string_equal(arena_strdup(a, NULL), "");
	assert_string_equal(arena_strndup(a, slice_make("grant", 2)), "gr");
	assert_string_equal(arena_strndup(a, (struct slice){0}), "");
	assert_true(slice_eq(arena_copy(a, slice_make("a\0b", 3)), slice_make("a\0b", 3)));
	assert_int_equal(arena_copy(a, (struct slice){0}).n, 0);
	assert_string_equal(arena_printf(a, "%s-%d", "x", 7), "x-7");
	assert_string_equal(arena_printf(a, "%s", ""), "");
	arena_free(&a);
}

static char order[8];

static void note(void *p)
{
	strncat(order, p, 1);
}

static void test_owned_things_go_last_first_and_while_the_memory_stands(void **state)
{
	struct arena *a = arena_new(1 << 16);

	(void)state;
	arena_own(a, arena_strdup(a, "1"), note);
	arena_own(a, arena_strdup(a, "2"), note);
	arena_own(a, arena_strdup(a, "3"), note);
	assert_string_equal(order, "");
	arena_free(&a);
	assert_string_equal(order, "321");
}

/* Reads memory that the arena has taken back: what a test of wiping must do, and AddressSanitizer rightly forbids. */
__attribute__((no_sanitize_address)) static size_t not_zero(const volatile unsigned char *p, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += p[i] != 0;
	return found;
}

static void test_a_reset_wipes_and_begins_anew(void **state)
{
	struct arena *a = arena_new(100000);
	unsigned char *first = arena_alloc(a, 4000, 1), *again;

	(void)state;
	for (int round = 0; round < 3; round++) {
		memset(first, 's', 4000);
		arena_own(a, arena_strdup(a, "x"), note);
		memset(arena_alloc(a, 50000, 1), 's', 50000); /* a chunk of its own, which does not stay */
		order[0] = '\0';
		arena_reset(a);
		assert_string_equal(order, "x");
		assert_int_equal(not_zero(first, 4000), 0);
		again = arena_alloc(a, 4000, 1);
		assert_ptr_equal(again, first);
		assert_int_equal(not_zero(again, 4000), 0);
	}
	arena_reset(a);
	arena_alloc(a, 60000, 1); /* the maximum counts from the reset on */
	arena_reset(a);
	arena_alloc(a, 60000, 1);
	arena_free(&a);
	assert_string_equal(order, "x"); /* once each */
}

static void test_a_reset_of_nothing(void **state)
{
	struct arena *a = arena_new(100000);

	(void)state;
	arena_reset(a);
	memset(arena_alloc(a, 20000, 1), 's', 20000); /* the first chunk is bigger than the usual one, and goes */
	arena_reset(a);
	assert_int_equal(not_zero(arena_alloc(a, 20000, 1), 20000), 0);
	arena_free(&a);
}

/* Runs in a child, because it must abort. */
static int ask(size_t max, size_t times, size_t n, size_t size)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		struct arena *a = arena_new(max);

		(void)!freopen("/dev/null", "w", stderr);
		for (size_t i = 0; i < times; i++)
			arena_alloc(a, n, size);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_the_maximum_ends_the_process(void **state)
{
	static const struct {
		size_t max, times, n, size;
		int end;
	} cases[] = {
		{64, 1, 64, 1, 0},
		{64, 1, 65, 1, SIGABRT},
		{64, 4, 16, 1, 0},
		{64, 5, 16, 1, SIGABRT},
		{64, 5, 1, 1, SIGABRT}, /* what alignment takes counts */
		{1 << 20, 1, SIZE_MAX, 1, SIGABRT},
		{1 << 20, 1, SIZE_MAX / 2 + 2, 2, SIGABRT}, /* the product wraps to 2 */
		{SIZE_MAX, 1, SIZE_MAX, 1, SIGABRT},	    /* rounding up would wrap to 0 */
		{SIZE_MAX, 1, SIZE_MAX - 14, 1, SIGABRT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(ask(cases[i].max, cases[i].times, cases[i].n, cases[i].size), cases[i].end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_owned_things_go_last_first_and_while_the_memory_stands),
		cmocka_unit_test(test_a_reset_wipes_and_begins_anew),
		cmocka_unit_test(test_a_reset_of_nothing),
		cmocka_unit_test(test_the_maximum_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
