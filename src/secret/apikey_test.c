/* SPDX-License-Identifier: Apache-2.0 */
/* AP-01: what a key looks like, that nothing but its hash is kept, and that a damaged key is refused early. */
#include "secret/apikey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/mem.h"

static void test_a_new_key_comes_back_whole(void **state)
{
	char id[APIKEY_ID_BYTES], hash[HASH_TEXT_BYTES], found[APIKEY_ID_BYTES];
	struct slice part;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct secret *text = NULL;
		struct slice clear;

		apikey_make(id, hash, &text);
		clear = secret_expose(text);
		assert_int_equal(clear.n, APIKEY_TEXT_LENGTH);
		assert_true(slice_starts(clear, "fw_"));
		assert_int_equal(strspn(id, "0123456789abcdef"), 16);
		assert_int_equal(apikey_parse(clear, found, &part, NULL), ERR_OK);
		assert_string_equal(found, id);
		assert_int_equal(part.n, 43);
		assert_true(hash_matches(part, slice_from(hash)));
		assert_false(hash_matches(clear, slice_from(hash)));
		assert_null(strstr(clear.p, hash));
		secret_free(&text);
	}
}

static void test_api_prefixes_are_skipped(void **state)
{
	char id[APIKEY_ID_BYTES], hash[HASH_TEXT_BYTES], found[APIKEY_ID_BYTES];
	struct secret *text = NULL;
	struct slice part;

	(void)state;
	apikey_make(id, hash, &text);
	for (int times = 0; times < 4; times++) {
		char *prefixed = mem_printf("%.*s%s", times * 4, "api_api_api_api_", secret_expose(text).p);

		assert_int_equal(apikey_parse(slice_from(prefixed), found, &part, NULL), ERR_OK);
		assert_string_equal(found, id);
		assert_true(hash_matches(part, slice_from(hash)));
		mem_free_str(&prefixed);
	}
	secret_free(&text);
}

static void refused(struct slice text)
{
	char id[APIKEY_ID_BYTES] = "untouched";
	struct slice part = SLICE_LIT("untouched");
	struct errinfo ei = {0};

	assert_int_equal(apikey_parse(text, id, &part, &ei), ERR_UNAUTHENTICATED);
	assert_string_equal(id, "untouched");
	assert_true(slice_is(part, "untouched"));
	assert_true(ei.detail[0]);
}

static void test_every_damaged_key_is_refused(void **state)
{
	char id[APIKEY_ID_BYTES], hash[HASH_TEXT_BYTES], copy[APIKEY_TEXT_LENGTH + 1];
	struct secret *text = NULL;

	(void)state;
	apikey_make(id, hash, &text);
	for (size_t i = 0; i < APIKEY_TEXT_LENGTH; i++) {
		for (int bit = 0; bit < 8; bit++) {
			memcpy(copy, secret_expose(text).p, APIKEY_TEXT_LENGTH);
			copy[i] = (char)(copy[i] ^ (1 << bit));
			refused(slice_make(copy, APIKEY_TEXT_LENGTH));
		}
		refused(slice_make(secret_expose(text).p, i));
	}
	memcpy(copy, secret_expose(text).p, APIKEY_TEXT_LENGTH);
	copy[APIKEY_TEXT_LENGTH] = 'x';
	refused(slice_make(copy, APIKEY_TEXT_LENGTH + 1));
	secret_free(&text);
}

/* The checksum is no secret: a text with a fitting one must still have the form of a key. */
static void test_forged_keys_with_a_fitting_checksum_are_refused(void **state)
{
	static const struct {
		const char *id, *secret;
	} cases[] = {
		{"0123456789ABCDEF", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		{"' OR '1'='1' -- ", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		{"0123456789abcde\n", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		{"0123456789abcdef", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		{"0123456789abcdef", "AAAAAAAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAAAAAAAA"},
		{"0123456789abcdef", "AAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAA"},
	};
	char text[APIKEY_TEXT_LENGTH + 1], full[HASH_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(text, sizeof text, "fw_%s_%s", cases[i].id, cases[i].secret);
		hash_text(slice_from(text), full);
		snprintf(text, sizeof text, "fw_%s_%s%.6s", cases[i].id, cases[i].secret, full);
		refused(slice_make(text, APIKEY_TEXT_LENGTH));
	}
	snprintf(text, sizeof text, "fw_%s_%s", "0123456789abcdef", cases[0].secret);
	text[7] = '\0'; /* a NUL would end the id early */
	hash_text(slice_make(text, APIKEY_TEXT_LENGTH - 6), full);
	memcpy(text + APIKEY_TEXT_LENGTH - 6, full, 6);
	refused(slice_make(text, APIKEY_TEXT_LENGTH));
}

static void test_other_texts(void **state)
{
	static const char *const cases[] = {"", "api_", "api_api_", "fw_", "Bearer fw_", "API_fw_", "fw__", "null"};
	struct slice none = {0};

	(void)state;
	refused(none);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		refused(slice_from(cases[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_new_key_comes_back_whole),
		cmocka_unit_test(test_api_prefixes_are_skipped),
		cmocka_unit_test(test_every_damaged_key_is_refused),
		cmocka_unit_test(test_forged_keys_with_a_fitting_checksum_are_refused),
		cmocka_unit_test(test_other_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
