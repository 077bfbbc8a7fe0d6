/* SPDX-License-Identifier: Apache-2.0 */
/* OA-02: PKCE is S256 from 32 random bytes (RFC 7636 §4.1, §4.2, appendix B). */
#include "oauth/pkce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/mem.h"

static void test_oa_02_challenge_is_that_of_rfc_7636_appendix_b(void **state)
{
	CLEANUP(secret_free)
	struct secret *verifier = secret_new(SLICE_LIT("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
	char challenge[PKCE_TEXT_BYTES];

	(void)state;
	pkce_challenge(verifier, challenge);
	assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

static void test_oa_02_verifier_is_32_random_bytes(void **state)
{
	char first[PKCE_TEXT_BYTES], second[PKCE_TEXT_BYTES], again[PKCE_TEXT_BYTES];
	CLEANUP(secret_free) struct secret *a = pkce_new(first);
	CLEANUP(secret_free) struct secret *b = pkce_new(second);
	CLEANUP(buf_done) struct buf bytes;

	(void)state;
	buf_init(&bytes, 64);
	assert_int_equal(secret_length(a), 43);
	assert_true(decode_base64url(secret_expose(a), &bytes));
	assert_int_equal(bytes.n, 32);
	assert_false(secret_equal(a, secret_expose(b)));
	assert_string_not_equal(first, second);
	assert_int_equal(strlen(first), 43);
	pkce_challenge(a, again);
	assert_string_equal(first, again);
	/* Never the method "plain": the challenge does not give the verifier away. */
	assert_false(secret_equal(a, slice_from(first)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oa_02_challenge_is_that_of_rfc_7636_appendix_b),
		cmocka_unit_test(test_oa_02_verifier_is_32_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
