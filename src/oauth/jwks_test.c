/* SPDX-License-Identifier: Apache-2.0 */
/* ID-01, ID-10: which published keys count, and signatures under them (RFC 7515 appendix A, RFC 7517 §5, RFC 8037 appendix A). */
#include "oauth/jwks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/mem.h"
#include "oauth/testsigner.h"

#define N                                                                                                              \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs" \
	"D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV" \
	"MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define ED "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

static struct arena *arena;
static struct testsigner *signer;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(16 << 20);
	signer = testsigner_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	testsigner_free(&signer);
	return 0;
}

static struct jwks set_of(const char *keys)
{
	struct jwks set;

	assert_int_equal(jwks_parse(slice_from(testsigner_set(keys, arena)), arena, &set, NULL), ERR_OK);
	return set;
}

static void test_keys_that_count(void **state)
{
	static const char *const good[] = {
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAB\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"k\"}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"Aw\",\"key_ops\":[\"sign\",\"verify\"],\"x5c\":[\"a\"]}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\",\"kid\":\"\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED "\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (set_of(good[i]).n != 1)
			fail_msg("%s", good[i]);
	assert_string_equal(set_of(good[1]).key[0].kid, "k");
	assert_string_equal(set_of(good[1]).key[0].alg, "RS256");
	assert_int_equal(set_of(good[1]).key[0].first.n, 256);
}

static void test_id_01_keys_that_do_not_count(void **state)
{
	static const char *const bad[] = {
		"{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", /* a published key is no secret */
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAB\",\"use\":\"enc\"}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAB\",\"use\":7}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAB\",\"key_ops\":[\"encrypt\"]}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAB\",\"key_ops\":\"verify\"}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAB\",\"kid\":7}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAB\",\"alg\":\"RSA-OAEP-256-and-more\"}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQ\"}", /* 1 */
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"Ag\"}", /* even */
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"\"}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQABAQABAQABAQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\"}",
		"{\"kty\":\"RSA\",\"n\":\"" ED ED ED "\",\"e\":\"AQAB\"}", /* weak */
		"{\"kty\":\"RSA\",\"n\":\"" N "=\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":7,\"e\":\"AQAB\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"AAAA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X "\",\"y\":\"" Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" X "\",\"y\":\"" Y "\"}",
		"{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\"}",
		"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" ED "\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
		"{\"kty\":[\"RSA\"],\"n\":\"" N "\",\"e\":\"AQAB\"}",
		"{}", "7", "null", "[]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct jwks set = set_of(arena_printf(arena, "%s,%s", bad[i],
						      testsigner_key(signer, JWK_P256, "other", arena)));

		if (set.n != 1 || strcmp(set.key[0].kid, "other") != 0)
			fail_msg("%s", bad[i]);
	}
}

static void test_no_sets(void **state)
{
	static const char *const bad[] = {"", "7", "[]", "{}", "{\"keys\":{}}", "{\"keys\":null}", "{\"keys\":[]",
					  "{\"keys\":[],\"keys\":[]}", "<html>"};
	CLEANUP(buf_done) struct buf many, large;
	struct jwks set = {.n = 7};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (jwks_parse(slice_from(bad[i]), arena, &set, NULL) != ERR_INVALID || set.n != 7)
			fail_msg("%s", bad[i]);
	buf_init(&many, 1 << 16);
	for (int i = 0; i <= JWKS_KEYS_MAX; i++)
		buf_printf(&many, "%s{}", i ? "," : "{\"keys\":[");
	buf_puts(&many, "]}");
	assert_int_equal(jwks_parse(buf_slice(&many), arena, &set, NULL), ERR_INVALID);
	buf_init(&large, 1 << 20);
	buf_puts(&large, "{\"keys\":[]}");
	while (large.n <= 512 * 1024)
		buf_puts(&large, "                                                                ");
	assert_int_equal(jwks_parse(buf_slice(&large), arena, &set, NULL), ERR_TOO_LARGE);
	assert_int_equal(set.n, 7);
	assert_int_equal(set_of("").n, 0);
}

static bool signed_by(enum jws_alg alg, const struct jwk *key, const char *compact)
{
	struct slice whole = slice_from(compact), rest = whole, part, third;
	CLEANUP(buf_done) struct buf signature;

	buf_init(&signature, 1024);
	assert_true(slice_split(&rest, '.', &part) && slice_split(&rest, '.', &part) && slice_split(&rest, '.', &third));
	assert_true(decode_base64url(third, &signature));
	return jws_verify(alg, key, slice_sub(whole, 0, whole.n - third.n - 1), buf_slice(&signature));
}

static void test_published_examples(void **state)
{
	static const struct {
		enum jws_alg alg;
		const char *key, *token;
	} cases[] = {
		{JWS_RS256, "{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAB\"}",
		 "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
		 "fQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7"
		 "t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzD"
		 "wusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77"
		 "Rw"},
		{JWS_ES256, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\"}",
		 "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
		 "fQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
		{JWS_EDDSA, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED "\"}",
		 "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4"
		 "iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jwks set = set_of(cases[i].key);

		assert_int_equal(set.n, 1);
		assert_true(signed_by(cases[i].alg, &set.key[0], cases[i].token));
	}
}

static void test_each_algorithm_with_its_own_key_only(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < JWS_ALG__COUNT; alg++) {
		const char *token = testsigner_sign(signer, (enum jws_alg)alg, "{}", "{\"a\":1}", arena);
		unsigned good = 0;

		for (unsigned type = 0; type < JWK__COUNT; type++) {
			struct jwks set = set_of(testsigner_key(signer, (enum jwk_type)type, NULL, arena));

			assert_int_equal(set.n, 1);
			good += signed_by((enum jws_alg)alg, &set.key[0], token);
			for (unsigned other = 0; other < JWS_ALG__COUNT; other++)
				assert_false(other != alg && signed_by((enum jws_alg)other, &set.key[0], token));
		}
		assert_int_equal(good, 1);
	}
}

static void test_altered(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < JWS_ALG__COUNT; alg++) {
		char *token = arena_strdup(arena, testsigner_sign(signer, (enum jws_alg)alg, "{}", "{\"a\":1}", arena));
		const char *dot = strrchr(token, '.');

		for (unsigned type = 0; type < JWK__COUNT; type++) {
			struct jwks set = set_of(testsigner_key(signer, (enum jwk_type)type, NULL, arena));
			char *in_claims = strchr(token, '.') + 2, *in_signature = token + (dot - token) + 5;

			*in_claims = (char)(*in_claims == 'A' ? 'B' : 'A');
			assert_false(signed_by((enum jws_alg)alg, &set.key[0], token));
			*in_claims = (char)(*in_claims == 'A' ? 'B' : 'A');
			*in_signature = (char)(*in_signature == 'A' ? 'B' : 'A');
			assert_false(signed_by((enum jws_alg)alg, &set.key[0], token));
			assert_false(jws_verify((enum jws_alg)alg, &set.key[0], SLICE_LIT("a"), (struct slice){0}));
		}
	}
}

static void test_a_point_off_its_curve_verifies_nothing(void **state)
{
	struct jwks set = set_of("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" X "\"}");

	(void)state;
	assert_int_equal(set.n, 1);
	assert_false(signed_by(JWS_ES256, &set.key[0], testsigner_sign(signer, JWS_ES256, "{}", "{}", arena)));
}

static void test_names_of_algorithms(void **state)
{
	static const char *const none[] = {"", "none", "NONE", "HS256", "HS384", "rs256", "RS256 ", "RS", "ES256K", "RSA1_5"};
	enum jws_alg alg;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_false(jws_alg_find(slice_from(none[i]), &alg));
	assert_true(jws_alg_find(SLICE_LIT("PS384"), &alg) && alg == JWS_PS384);
}

static void test_copy(void **state)
{
	struct arena *other = arena_new(1 << 20);
	struct jwks copy, set = set_of(arena_printf(arena, "%s,%s", testsigner_key(signer, JWK_RSA, "one", arena),
						    testsigner_key(signer, JWK_ED25519, NULL, arena)));

	(void)state;
	jwks_copy(&set, other, &copy);
	assert_int_equal(copy.n, 2);
	assert_string_equal(copy.key[0].kid, "one");
	assert_true(copy.key[0].kid != set.key[0].kid && copy.key[0].first.p != set.key[0].first.p);
	assert_true(signed_by(JWS_EDDSA, &copy.key[1], testsigner_sign(signer, JWS_EDDSA, "{}", "{}", arena)));
	arena_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_that_count),
		cmocka_unit_test(test_id_01_keys_that_do_not_count),
		cmocka_unit_test(test_no_sets),
		cmocka_unit_test(test_published_examples),
		cmocka_unit_test(test_each_algorithm_with_its_own_key_only),
		cmocka_unit_test(test_altered),
		cmocka_unit_test(test_a_point_off_its_curve_verifies_nothing),
		cmocka_unit_test(test_names_of_algorithms),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
