/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: copies, comparing, freeing; and that the bytes are gone from memory afterwards. */
#include "secret/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_values(void **state)
{
	char source[] = "token";
	struct secret *s = secret_new(slice_from(source)), *empty = secret_new((struct slice){0});
	struct secret *nul = secret_new(slice_make("a\0b", 3));

	(void)state;
	memset(source, 'x', 5);
	assert_true(slice_is(secret_expose(s), "token")); /* a copy */
	assert_int_equal(secret_length(s), 5);
	assert_int_equal(secret_expose(s).p[5], 0);
	assert_true(slice_eq(secret_expose(nul), slice_make("a\0b", 3)));
	assert_int_equal(secret_length(empty), 0);
	assert_non_null(secret_expose(empty).p);
	assert_int_equal(secret_expose(NULL).n, 0);
	assert_int_equal(secret_length(NULL), 0);
	secret_free(&s);
	assert_null(s);
	secret_free(&s);
	secret_free(NULL);
	secret_free(&empty);
	secret_free(&nul);
}

static void test_comparing(void **state)
{
	static const struct {
		const char *b;
		bool same;
	} cases[] = {{"token", true}, {"tokeN", false}, {"toke", false}, {"token1", false}, {"", false}};
	struct secret *s = secret_new(SLICE_LIT("token")), *empty = secret_new(SLICE_LIT(""));

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(secret_equal(s, slice_from(cases[i].b)), cases[i].same);
	assert_false(secret_equal(NULL, SLICE_LIT("")));
	assert_false(secret_equal(NULL, SLICE_LIT("token")));
	assert_true(secret_equal(empty, (struct slice){0}));
	secret_free(&s);
	secret_free(&empty);
}

static void test_random_secrets_differ(void **state)
{
	struct secret *a = secret_random(32), *b = secret_random(32);

	(void)state;
	assert_int_equal(secret_length(a), 32);
	assert_false(secret_equal(a, secret_expose(b)));
	secret_free(&a);
	secret_free(&b);
}

/* The wrapped free() (see meson.build) looks at the memory just before it goes. */
static struct {
	const char *place;
	size_t n;
	bool seen, clean;
} watch;

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	if (watch.place && p && (const char *)p <= watch.place && watch.place < (const char *)p + 64) {
		watch.seen = true;
		watch.clean = true;
		for (size_t i = 0; i < watch.n; i++)
			watch.clean = watch.clean && watch.place[i] == 0;
		watch.place = NULL;
	}
	__real_free(p);
}

static void test_freeing_wipes(void **state)
{
	struct secret *s = secret_new(SLICE_LIT("refresh token"));
	struct arena *a;

	(void)state;
	watch.place = secret_expose(s).p;
	watch.n = 13;
	secret_free(&s);
	assert_true(watch.seen && watch.clean);

	watch.seen = watch.clean = false;
	a = arena_new(4096);
	s = secret_in_arena(a, secret_new(SLICE_LIT("refresh token")));
	assert_ptr_equal(secret_in_arena(a, NULL), NULL);
	watch.place = secret_expose(s).p;
	arena_free(&a);
	assert_true(watch.seen && watch.clean);
}

static void test_wiping_what_is_no_secret(void **state)
{
	char text[16] = "code";

	(void)state;
	secret_wipe(text, 2);
	assert_memory_equal(text, "\0\0de", 4);
	secret_wipe(text, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_comparing),
		cmocka_unit_test(test_random_secrets_differ),
		cmocka_unit_test(test_freeing_wipes),
		cmocka_unit_test(test_wiping_what_is_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
