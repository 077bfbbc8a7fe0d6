/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ID tokens of the adversary: the honest one verifies against the published key, the forged ones do
 * not, and claims and headers can be bent (ID-01 to ID-07 need each).
 */
#include "support/adversary_signer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>

#include "base/mem.h"

enum { TEXT_MAX = 1 << 16 };

static const struct adversary_claims claims = {
	.issuer = {"https://as.test", 15},
	.client_id = {"app", 3},
	.account = {"ann", 3},
	.nonce = {"n", 1},
	.access_token = {"at", 2},
	.now = 1700000000000,
	.ttl_s = 60,
};

static size_t decode(struct slice text, unsigned char *ret_bytes, size_t cap)
{
	size_t n;

	assert_int_equal(sodium_base642bin(ret_bytes, cap, text.p, text.n, NULL, &n, NULL,
					   sodium_base64_VARIANT_URLSAFE_NO_PADDING),
			 0);
	return n;
}

/* The public key as the JWK set has it. */
static EVP_PKEY *published_key(struct adversary_signer *signer)
{
	struct buf set;
	json_t *jwks, *jwk;
	unsigned char n[512], e[8];
	size_t n_bytes, e_bytes;
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	BIGNUM *modulus, *exponent;
	OSSL_PARAM *params;

	buf_init(&set, TEXT_MAX);
	assert_int_equal(adversary_signer_jwks(signer, &set), ERR_OK);
	jwks = json_loads(buf_cstr(&set), 0, NULL);
	jwk = json_array_get(json_object_get(jwks, "keys"), 0);
	n_bytes = decode(slice_from(json_string_value(json_object_get(jwk, "n"))), n, sizeof n);
	e_bytes = decode(slice_from(json_string_value(json_object_get(jwk, "e"))), e, sizeof e);
	modulus = BN_bin2bn(n, (int)n_bytes, NULL);
	exponent = BN_bin2bn(e, (int)e_bytes, NULL);
	OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus);
	OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent);
	params = OSSL_PARAM_BLD_to_param(builder);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(ctx);
	BN_free(modulus);
	BN_free(exponent);
	json_decref(jwks);
	buf_done(&set);
	return key;
}

static bool verifies(EVP_PKEY *key, struct slice input, struct slice signature)
{
	unsigned char bytes[512];
	size_t n = decode(signature, bytes, sizeof bytes);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestVerify(ctx, bytes, n, (const unsigned char *)input.p, input.n) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

static json_t *part_of(struct slice text)
{
	unsigned char bytes[4096];
	size_t n = decode(text, bytes, sizeof bytes);

	return json_loadb((const char *)bytes, n, 0, NULL);
}

static void test_tokens(void **state)
{
	static const struct {
		bool sign;
		const char *forge; /* "": none */
		bool verifies;
		const char *alg;	  /* in the header; NULL: none there */
		const char *name, *value; /* a claim; value NULL: none there */
	} rows[] = {
		{true, "", true, "RS256", "iss", "https://as.test"},
		{true, "", true, "RS256", "nonce", "n"},
		{true, "", true, "RS256", "email", "ann@adversary.test"},
		{true, "{\"signature\":\"bad\"}", false, "RS256", "sub", "ann"},
		{true, "{\"signature\":\"empty\"}", false, "RS256", "sub", "ann"},
		{true, "{\"signature\":\"hs256\"}", false, "HS256", "sub", "ann"},
		{false, "", false, "none", "sub", "ann"},
		{true, "{\"claims\":{\"nonce\":null}}", true, "RS256", "nonce", NULL},
		{true, "{\"claims\":{\"sub\":\"eve\"}}", true, "RS256", "sub", "eve"},
		{true, "{\"header\":{\"alg\":null}}", true, NULL, "sub", "ann"},
		{true, "{\"header\":{\"alg\":\"none\"},\"signature\":\"empty\"}", false, "none", "sub", "ann"},
	};
	struct adversary_signer *signer = adversary_signer_new();
	EVP_PKEY *key = published_key(signer);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *forge = rows[i].forge[0] ? json_loads(rows[i].forge, 0, NULL) : NULL;
		struct slice rest, head, body;
		struct buf jws;
		json_t *header, *payload;
		const char *text;

		buf_init(&jws, TEXT_MAX);
		assert_true(adversary_signer_forge_known(forge));
		assert_int_equal(adversary_signer_make(signer, &claims, rows[i].sign, forge, &jws), ERR_OK);
		rest = buf_slice(&jws);
		assert_true(slice_split(&rest, '.', &head) && slice_split(&rest, '.', &body));
		assert_int_equal(verifies(key, slice_make(jws.p, head.n + 1 + body.n), rest), rows[i].verifies);
		header = part_of(head);
		payload = part_of(body);
		text = json_string_value(json_object_get(header, "alg"));
		assert_true(rows[i].alg ? text && strcmp(text, rows[i].alg) == 0 : !text);
		text = json_string_value(json_object_get(payload, rows[i].name));
		assert_true(rows[i].value ? text && strcmp(text, rows[i].value) == 0 : !text);
		assert_int_equal(json_integer_value(json_object_get(payload, "exp")), 1700000060);
		json_decref(header);
		json_decref(payload);
		json_decref(forge);
		buf_done(&jws);
	}
	EVP_PKEY_free(key);
	adversary_signer_free(&signer);
}

static void test_unknown_forgeries_are_refused(void **state)
{
	static const char *const rows[] = {
		"[]",
		"{\"clams\":{}}",
		"{\"claims\":[]}",
		"{\"header\":1}",
		"{\"signature\":\"odd\"}",
		"{\"signature\":1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *forge = json_loads(rows[i], 0, NULL);

		assert_false(adversary_signer_forge_known(forge));
		json_decref(forge);
	}
}

static void test_a_roll_over_leaves_the_old_key_behind(void **state)
{
	struct adversary_signer *signer = adversary_signer_new();
	EVP_PKEY *first = published_key(signer), *second, *again;

	(void)state;
	adversary_signer_use(signer, 1);
	second = published_key(signer);
	adversary_signer_use(signer, 0);
	again = published_key(signer);
	assert_int_not_equal(EVP_PKEY_eq(first, second), 1);
	assert_int_equal(EVP_PKEY_eq(first, again), 1);
	EVP_PKEY_free(first);
	EVP_PKEY_free(second);
	EVP_PKEY_free(again);
	adversary_signer_free(&signer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_unknown_forgeries_are_refused),
		cmocka_unit_test(test_a_roll_over_leaves_the_old_key_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
