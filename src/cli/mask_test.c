/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "secret/apikey.h"

static void json_is_masked(void **state)
{
	static const struct {
		const char *json, *shown;
	} cases[] = {
		{"{\"client_secret\":\"s\",\"name\":\"n\"}", "{\"client_secret\":\"****\",\"name\":\"n\"}"},
		{"{\"access_token\":\"t\",\"token_type\":\"Bearer\"}",
		 "{\"access_token\":\"****\",\"token_type\":\"Bearer\"}"},
		{"[{\"a\":{\"Refresh_Token\":\"t\"}}]", "[{\"a\":{\"Refresh_Token\":\"****\"}}]"},
		{"{\"api_key\":{\"id\":\"x\",\"v\":\"y\"}}", "{\"api_key\":\"****\"}"},
		{"{\"tokens\":[\"a\",\"b\"]}", "{\"tokens\":\"****\"}"},
		{"{\"code\":12345}", "{\"code\":\"****\"}"},
		{"{\"password\":null}", "{\"password\":null}"},
		{"{\"has_secret\":true}", "{\"has_secret\":true}"},
		{"{\"token_url\":\"https://x/token\"}", "{\"token_url\":\"https://x/token\"}"},
		{"{\"url\":\"http://127.0.0.1:7001/connect/abcDEF123\"}",
		 "{\"url\":\"http://127.0.0.1:7001/connect/****\"}"},
		{"{\"url\":\"http://x/connect/\"}", "{\"url\":\"http://x/connect/\"}"},
		{"{\"n\":[1,2.5,true,null,\"s\"]}", "{\"n\":[1,2.5,true,null,\"s\"]}"},
		{"\"text\"", "\"text\""},
		{"{\"name\":\"\xC2\x9B\"}", "{\"name\":\"\\u009b\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jsonr *doc;
		struct buf out;

		buf_init(&out, 4096);
		assert_int_equal(jsonr_parse(slice_from(cases[i].json), 4096, &doc, NULL), ERR_OK);
		mask_json(doc, &out);
		assert_string_equal(buf_cstr(&out), cases[i].shown);
		jsonr_free(&doc);
		buf_done(&out);
	}
}

static void names(void **state)
{
	static const char *const secret[] = {
		"client_secret",
		"clientSecret",
		"refreshToken",
		"id_token",
		"API-KEY",
		"code_verifier",
		"code",
		"state",
		"webhook_signing_key",
		"private_key_pem",
		"session_id",
		"Authorization",
		"password",
	};
	static const char *const open[] = {"name",	 "scopes",	 "token_url",	"token_type",
					   "status",	 "id",		 "fingerprint", "account",
					   "expires_at", "redirect_uri", "jwks_uri",	"client_id"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(secret); i++)
		assert_true(mask_is_secret_name(slice_from(secret[i])));
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		assert_false(mask_is_secret_name(slice_from(open[i])));
}

static void keys_show_only_their_public_id(void **state)
{
	char id[APIKEY_ID_BYTES], hash[HASH_TEXT_BYTES];
	struct secret *key, *other = secret_new(SLICE_LIT("some-other-key-0123456789"));
	struct buf out;

	(void)state;
	buf_init(&out, 256);
	apikey_make(id, hash, &key);
	mask_key(key, &out);
	assert_int_equal(out.n, 3 + 16 + 5);
	assert_non_null(strstr(buf_cstr(&out), id));
	assert_null(strstr(buf_cstr(&out), secret_expose(key).p + 20));
	buf_reset(&out);
	mask_key(other, &out);
	assert_string_equal(buf_cstr(&out), "****");
	secret_free(&key);
	secret_free(&other);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_masked),
		cmocka_unit_test(names),
		cmocka_unit_test(keys_show_only_their_public_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
