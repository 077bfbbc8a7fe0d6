/* SPDX-License-Identifier: Apache-2.0 */
/* Known answers, and that only the whole stored text matches. */
#include "secret/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void test_known_answers(void **state)
{
	static const struct {
		const char *in, *hex;
	} cases[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	};
	char hex[HASH_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hash_text(slice_from(cases[i].in), hex);
		assert_string_equal(hex, cases[i].hex);
		assert_true(hash_matches(slice_from(cases[i].in), slice_from(hex)));
	}
	hash_text((struct slice){0}, hex);
	assert_string_equal(hex, cases[0].hex);
}

static void test_only_the_whole_hash_matches(void **state)
{
	char hex[HASH_TEXT_BYTES];

	(void)state;
	hash_text(SLICE_LIT("state"), hex);
	assert_true(hash_matches(SLICE_LIT("state"), slice_make(hex, 64)));
	assert_false(hash_matches(SLICE_LIT("State"), slice_make(hex, 64)));
	assert_false(hash_matches(slice_make(hex, 64), slice_make(hex, 64))); /* the stored text is no password */
	for (size_t n = 0; n < 64; n++)
		assert_false(hash_matches(SLICE_LIT("state"), slice_make(hex, n)));
	assert_false(hash_matches(SLICE_LIT("state"), slice_make(hex, 65)));
	assert_false(hash_matches(SLICE_LIT("state"), (struct slice){0}));
	for (size_t i = 0; i < 64; i++) {
		hex[i] ^= 1;
		assert_false(hash_matches(SLICE_LIT("state"), slice_make(hex, 64)));
		hex[i] ^= 1;
	}
}

static void test_fingerprints_depend_on_key_and_token(void **state)
{
	/* RFC 4231 test case 2 has a shorter key; padded with zeros to the block it is the same key */
	unsigned char key[HASH_KEY_BYTES] = {'J', 'e', 'f', 'e'}, other[HASH_KEY_BYTES] = {1};
	char a[HASH_FINGERPRINT_BYTES], b[HASH_FINGERPRINT_BYTES];

	(void)state;
	hash_fingerprint(key, SLICE_LIT("what do ya want for nothing?"), a);
	assert_string_equal(a, "5bdcc146bf60754e6a042426089575c7");
	hash_fingerprint(other, SLICE_LIT("what do ya want for nothing?"), b);
	assert_string_not_equal(a, b);
	hash_fingerprint(key, SLICE_LIT("what do ya want for nothing"), b);
	assert_string_not_equal(a, b);
	hash_fingerprint(key, (struct slice){0}, a);
	hash_fingerprint(key, SLICE_LIT(""), b);
	assert_string_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_only_the_whole_hash_matches),
		cmocka_unit_test(test_fingerprints_depend_on_key_and_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
