/* SPDX-License-Identifier: Apache-2.0 */
/* Pass phrases: limits, salting, and that an unknown user costs the same time (WB-07). */
#include "secret/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <time.h>

#include "base/mem.h"

static enum err hash_of(const char *text, size_t n, char ret[PASSWORD_HASH_BYTES], struct errinfo *ei)
{
	struct secret *password = secret_new(slice_make(text, n));
	enum err e = password_hash(password, ret, ei);

	secret_free(&password);
	return e;
}

static bool matches(const char *text, const char *stored)
{
	struct secret *password = secret_new(slice_from(text));
	bool yes = password_matches(password, stored);

	secret_free(&password);
	return yes;
}

static void test_hash_and_match(void **state)
{
	char first[PASSWORD_HASH_BYTES], second[PASSWORD_HASH_BYTES];

	(void)state;
	assert_int_equal(hash_of("correct horse", 13, first, NULL), ERR_OK);
	assert_int_equal(hash_of("correct horse", 13, second, NULL), ERR_OK);
	assert_string_not_equal(first, second); /* salted */
	assert_non_null(strstr(first, "$argon2id$v=19$m=32768,t=3,"));
	assert_null(strstr(first, "horse"));
	assert_true(matches("correct horse", first));
	assert_true(matches("correct horse", second));
	assert_false(matches("correct horsf", first));
	assert_false(matches("correct horse ", first));
	assert_false(matches("", first));
	assert_false(password_matches(NULL, first));
	first[strlen(first) - 1] ^= 1;
	assert_false(matches("correct horse", first));
}

static void test_limits(void **state)
{
	char hash[PASSWORD_HASH_BYTES] = "untouched", text[PASSWORD_MAX + 2];
	const struct {
		const char *text;
		size_t n;
		enum err e;
	} cases[] = {
		{"", 0, ERR_UNPROCESSABLE},
		{"1234567", 7, ERR_UNPROCESSABLE},
		{"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 8, ERR_UNPROCESSABLE}, /* eight bytes are four characters */
		{"1234567\xff", 8, ERR_UNPROCESSABLE},
		{"1234\0"
		 "5678",
		 9, ERR_UNPROCESSABLE},
		{text, PASSWORD_MAX + 1, ERR_UNPROCESSABLE},
		{"12345678", 8, ERR_OK},
		{text, PASSWORD_MAX, ERR_OK},
	};

	(void)state;
	memset(text, 'p', sizeof text);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct errinfo ei = {0};

		assert_int_equal(hash_of(cases[i].text, cases[i].n, hash, &ei), cases[i].e);
		assert_int_equal(ei.field_count, cases[i].e ? 1 : 0);
		if (cases[i].e) {
			assert_string_equal(ei.fields[0].name, "password");
			assert_string_equal(hash, "untouched");
			assert_null(strstr(ei.detail, "1234567"));
		}
	}
	assert_string_not_equal(hash, "untouched");
}

static void test_what_is_stored_may_be_anything(void **state)
{
	static const char *const stored[] = {"", "x", "$argon2id$", "$argon2id$v=19$m=32768,t=3,p=1$$",
					     "plain password"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stored); i++)
		assert_false(matches("plain password", stored[i]));
	assert_false(matches("plain password", NULL));
}

static double seconds_for(const char *stored)
{
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int i = 0; i < 5; i++)
		assert_false(matches("wrong password", stored));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* Counted in CPU time, so that other load does not matter. */
static void test_an_unknown_user_costs_the_same(void **state)
{
	char hash[PASSWORD_HASH_BYTES];
	double known, unknown;

	(void)state;
	assert_int_equal(hash_of("correct horse", 13, hash, NULL), ERR_OK);
	known = seconds_for(hash);
	unknown = seconds_for("");
	assert_true(unknown > known / 2 && unknown < known * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_and_match),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_what_is_stored_may_be_anything),
		cmocka_unit_test(test_an_unknown_user_costs_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
