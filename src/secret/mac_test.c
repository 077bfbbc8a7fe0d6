/* SPDX-License-Identifier: Apache-2.0 */
/* The quick MAC says what the plain one says, whatever was hashed before it (RFC 4231 is what both are held against). */
#include "secret/mac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"

/* RFC 4231 §4.5: a key of 25 bytes; zeros behind it are part of HMAC's own filling. */
static void test_known_answer(void **state)
{
	unsigned char key[HASH_KEY_BYTES] = {0};
	char text[50], got[HASH_FINGERPRINT_BYTES];
	struct mac *m;

	(void)state;
	for (unsigned i = 0; i < 25; i++)
		key[i] = (unsigned char)(i + 1);
	memset(text, (char)0xCD, sizeof text);
	m = mac_new(key);
	mac_text(m, slice_make(text, sizeof text), got);
	assert_string_equal(got, "82558a389a443c0ea4cc819899f2083a");
	mac_free(&m);
	assert_null(m);
	mac_free(&m);
	mac_free(NULL);
}

static void test_as_the_plain_one(void **state)
{
	unsigned char key[HASH_KEY_BYTES];
	char text[300], got[HASH_FINGERPRINT_BYTES], want[HASH_FINGERPRINT_BYTES];

	(void)state;
	for (int round = 0; round < 5; round++) {
		struct mac *m;

		random_bytes(key, sizeof key);
		m = mac_new(key);
		for (size_t n = 0; n < sizeof text; n++) {
			random_bytes(text, sizeof text);
			mac_text(m, slice_make(n ? text : NULL, n), got);
			hash_fingerprint(key, slice_make(text, n), want);
			assert_string_equal(got, want);
		}
		mac_free(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_answer), cmocka_unit_test(test_as_the_plain_one)};

	return cmocka_run_group_tests_name("secret/mac", tests, NULL, NULL);
}
