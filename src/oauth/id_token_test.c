/* SPDX-License-Identifier: Apache-2.0 */
/* ID-01, ID-05, ID-10: which signed texts are what their issuer signed (OIDC Core §3.1.3.7, §10.1; RFC 7515 §4.1, RFC 8725 §3.1). */
#include "oauth/id_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/mem.h"
#include "oauth/testsigner.h"

#define ONLY(alg) (1u << JWS_##alg)

static struct arena *arena;
static struct testsigner *issuer, *attacker;
static struct secret *access_token;
static struct jwks keys; /* of the issuer: rsa, p256, ed */

static int begin(void **state)
{
	const char *set;

	(void)state;
	arena = arena_new(64 << 20);
	issuer = testsigner_new();
	attacker = testsigner_new();
	access_token = secret_new(SLICE_LIT("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"));
	set = testsigner_set(arena_printf(arena, "%s,%s,%s", testsigner_key(issuer, JWK_RSA, "rsa", arena),
					  testsigner_key(issuer, JWK_P256, "p256", arena),
					  testsigner_key(issuer, JWK_ED25519, "ed", arena)), arena);
	assert_int_equal(jwks_parse(slice_from(set), arena, &keys, NULL), ERR_OK);
	assert_int_equal(keys.n, 3);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	testsigner_free(&issuer);
	testsigner_free(&attacker);
	secret_free(&access_token);
	return 0;
}

static enum id_token_verdict verdict(const char *token, const struct jwks *set, unsigned algs, struct errinfo *ei)
{
	CLEANUP(secret_free) struct secret *s = secret_new(slice_from(token));
	const struct id_token_trust trust = {.keys = set, .algs = algs, .access_token = access_token};

	return id_token_verify(s, &trust, arena, ei);
}

static void expect_bad(const char *token, unsigned algs, const char *why)
{
	struct errinfo ei = {0};

	if (verdict(token, &keys, algs, &ei) != ID_TOKEN_BAD || !strstr(ei.detail, why))
		fail_msg("%s: %s", token, ei.detail);
	assert_string_equal(ei.code, "id_token_invalid");
	/* The verdict does not wait for keys that cannot change it. */
	if (!strstr(why, "sign") && !strstr(why, "at_hash"))
		assert_int_equal(verdict(token, NULL, algs, NULL), ID_TOKEN_BAD);
}

static void test_good(void **state)
{
	static const struct {
		enum jws_alg alg;
		const char *header;
	} cases[] = {
		{JWS_RS256, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}"},
		{JWS_PS512, "{\"alg\":\"PS512\",\"kid\":\"rsa\",\"typ\":\"JWT\"}"},
		{JWS_ES256, "{\"alg\":\"ES256\",\"kid\":\"p256\"}"},
		{JWS_EDDSA, "{\"alg\":\"EdDSA\",\"kid\":\"ed\"}"},
		{JWS_RS256, "{\"alg\":\"RS256\"}"}, /* one key fits: OIDC Core §10.1 */
		{JWS_EDDSA, "{\"alg\":\"EdDSA\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct errinfo ei = {0};

		if (verdict(testsigner_sign(issuer, cases[i].alg, cases[i].header, "{}", arena), &keys, JWS_ALGS_ALL, &ei))
			fail_msg("%s: %s", cases[i].header, ei.detail);
	}
}

/* header.claims. with the base64url of an HMAC's length, or nothing. */
static const char *unsigned_token(const char *header, const char *third)
{
	const char *made = testsigner_sign(issuer, JWS_RS256, header, "{}", arena);

	return arena_printf(arena, "%.*s.%s", (int)(strrchr(made, '.') - made), made, third);
}

static void test_id_01_algorithms(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"HS256\",\"kid\":\"rsa\"}", "{\"alg\":\"HS256\"}", "{\"alg\":\"rs256\",\"kid\":\"rsa\"}",
		"{\"alg\":\"RS1\",\"kid\":\"rsa\"}", "{\"alg\":\"ES256K\",\"kid\":\"p256\"}", "{\"alg\":\"dir\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		expect_bad(unsigned_token(headers[i], "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), JWS_ALGS_ALL, "algorithm");
	expect_bad(unsigned_token("{\"alg\":\"none\"}", "AAAA"), JWS_ALGS_ALL, "no signed");
	expect_bad(unsigned_token("{\"alg\":\"NoNe\"}", "AAAA"), JWS_ALGS_ALL, "no signed");
	expect_bad(unsigned_token("{\"alg\":\"none\"}", ""), JWS_ALGS_ALL, "no signed");
	expect_bad(unsigned_token("{\"alg\":[\"RS256\"]}", "AAAA"), JWS_ALGS_ALL, "no signed");
	expect_bad(unsigned_token("{\"alg\":\"RS256\",\"alg\":\"none\"}", "AAAA"), JWS_ALGS_ALL, "no signed");
	/* Well signed, but not with what this authenticator takes. */
	expect_bad(testsigner_sign(issuer, JWS_ES256, "{\"alg\":\"ES256\",\"kid\":\"p256\"}", "{}", arena), ONLY(RS256), "algorithm");
	expect_bad(testsigner_sign(issuer, JWS_RS256, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", "{}", arena), 0, "algorithm");
}

static void test_id_01_another_algorithm_than_it_was_signed_with(void **state)
{
	(void)state;
	expect_bad(testsigner_sign(issuer, JWS_RS256, "{\"alg\":\"PS256\",\"kid\":\"rsa\"}", "{}", arena), JWS_ALGS_ALL, "signature is wrong");
	expect_bad(testsigner_sign(issuer, JWS_RS512, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", "{}", arena), JWS_ALGS_ALL, "signature is wrong");
	/* The key of that name is not for that algorithm: as good as no key. */
	assert_int_equal(verdict(testsigner_sign(issuer, JWS_ES256, "{\"alg\":\"ES256\",\"kid\":\"rsa\"}", "{}", arena), &keys,
				 JWS_ALGS_ALL, NULL), ID_TOKEN_KEY_UNKNOWN);
	assert_int_equal(verdict(testsigner_sign(issuer, JWS_ES384, "{\"alg\":\"ES384\"}", "{}", arena), &keys, JWS_ALGS_ALL, NULL),
			 ID_TOKEN_KEY_UNKNOWN);
}

static void test_id_01_somebody_elses_signature(void **state)
{
	char *token = arena_strdup(arena, testsigner_sign(issuer, JWS_RS256, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", "{\"sub\":\"1\"}", arena));
	char *claims = strchr(token, '.') + 3;

	(void)state;
	expect_bad(testsigner_sign(attacker, JWS_RS256, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", "{}", arena), JWS_ALGS_ALL, "signature is wrong");
	expect_bad(testsigner_sign(attacker, JWS_EDDSA, "{\"alg\":\"EdDSA\",\"kid\":\"ed\"}", "{}", arena), JWS_ALGS_ALL, "signature is wrong");
	*claims = (char)(*claims == 'z' ? 'y' : 'z');
	expect_bad(token, JWS_ALGS_ALL, "sign");
}

static void test_id_01_keys_that_the_token_brings_are_not_looked_at(void **state)
{
	const char *own = testsigner_key(attacker, JWK_RSA, "rsa", arena);
	const char *const headers[] = {
		arena_printf(arena, "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jwk\":%s}", own),
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jku\":\"https://evil.example/keys\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5u\":\"https://evil.example/cert\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5c\":[\"AAAA\"],\"x5t\":\"AAAA\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		expect_bad(testsigner_sign(attacker, JWS_RS256, headers[i], "{}", arena), JWS_ALGS_ALL, "signature is wrong");
		assert_int_equal(verdict(testsigner_sign(issuer, JWS_RS256, headers[i], "{}", arena), &keys, JWS_ALGS_ALL, NULL), ID_TOKEN_GOOD);
	}
}

static void test_id_01_critical_extensions(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"b64\"],\"b64\":false}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"exp\"],\"exp\":1}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[]}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":null}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		expect_bad(testsigner_sign(issuer, JWS_RS256, headers[i], "{}", arena), JWS_ALGS_ALL, "critical");
}

static void test_id_10_key_ids(void **state)
{
	const char *two = testsigner_set(arena_printf(arena, "%s,%s", testsigner_key(issuer, JWK_RSA, "a", arena),
						      testsigner_key(attacker, JWK_RSA, "b", arena)), arena);
	const char *same = testsigner_set(arena_printf(arena, "%s,%s", testsigner_key(attacker, JWK_RSA, "rsa", arena),
						       testsigner_key(issuer, JWK_RSA, "rsa", arena)), arena);
	const char *nameless = testsigner_sign(issuer, JWS_RS256, "{\"alg\":\"RS256\"}", "{}", arena);
	const char *named = testsigner_sign(issuer, JWS_RS256, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", "{}", arena);
	struct jwks set, old;
	struct errinfo ei = {0};

	(void)state;
	assert_int_equal(jwks_parse(slice_from(two), arena, &set, NULL), ERR_OK);
	assert_int_equal(verdict(nameless, &set, JWS_ALGS_ALL, &ei), ID_TOKEN_BAD);
	assert_non_null(strstr(ei.detail, "which of the issuer's keys"));
	assert_int_equal(verdict(named, &set, JWS_ALGS_ALL, NULL), ID_TOKEN_KEY_UNKNOWN);
	assert_int_equal(jwks_parse(slice_from(same), arena, &set, NULL), ERR_OK);
	assert_int_equal(verdict(named, &set, JWS_ALGS_ALL, NULL), ID_TOKEN_GOOD);
	/* Rolled over without names: the one key that is known may be yesterday's. */
	assert_int_equal(jwks_parse(slice_from(testsigner_set(testsigner_key(attacker, JWK_RSA, NULL, arena), arena)), arena, &old, NULL), ERR_OK);
	assert_int_equal(verdict(nameless, &old, JWS_ALGS_ALL, NULL), ID_TOKEN_KEY_UNKNOWN);
	assert_int_equal(verdict(named, NULL, JWS_ALGS_ALL, NULL), ID_TOKEN_KEY_UNKNOWN);
	expect_bad(testsigner_sign(issuer, JWS_RS256, "{\"alg\":\"RS256\",\"kid\":7}", "{}", arena), JWS_ALGS_ALL, "key id");
	expect_bad(testsigner_sign(issuer, JWS_RS256, "{\"alg\":\"RS256\",\"kid\":\"\"}", "{}", arena), JWS_ALGS_ALL, "key id");
}

static void test_id_05_at_hash(void **state)
{
	static const char *const bad[] = {"\"\"", "\"AAAAAAAAAAAAAAAAAAAAAA\"", "null", "7", "[\"77QmUPtjPfzWtF2AnpK9RQ\"]",
					  "\"77QmUPtjPfzWtF2AnpK9RQ==\"", "\"77QmUPtjPfzWtF2AnpK9R\""};
	unsigned char digest[64];
	CLEANUP(buf_done) struct buf half;

	(void)state;
	/* The example of OIDC Core appendix A.3. */
	assert_int_equal(verdict(testsigner_sign(issuer, JWS_RS256, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}",
						 "{\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\"}", arena), &keys, JWS_ALGS_ALL, NULL), ID_TOKEN_GOOD);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect_bad(testsigner_sign(issuer, JWS_RS256, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}",
					   arena_printf(arena, "{\"at_hash\":%s}", bad[i]), arena), JWS_ALGS_ALL, "at_hash");
	/* The digest is that of the algorithm. */
	expect_bad(testsigner_sign(issuer, JWS_PS384, "{\"alg\":\"PS384\",\"kid\":\"rsa\"}",
				   "{\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\"}", arena), JWS_ALGS_ALL, "at_hash");
	assert_int_equal(jws_digest(JWS_EDDSA, secret_expose(access_token), digest), 64);
	buf_init(&half, 64);
	encode_base64url(&half, slice_make(digest, 32));
	assert_int_equal(verdict(testsigner_sign(issuer, JWS_EDDSA, "{\"alg\":\"EdDSA\",\"kid\":\"ed\"}",
						 arena_printf(arena, "{\"at_hash\":\"%s\"}", buf_cstr(&half)), arena), &keys, JWS_ALGS_ALL, NULL),
			 ID_TOKEN_GOOD);
}

static void test_parts(void **state)
{
	CLEANUP(secret_free) struct secret *good = secret_new(slice_from(
		testsigner_sign(issuer, JWS_EDDSA, "{\"alg\":\"EdDSA\"}", "{\"sub\":\"1\"}", arena)));
	CLEANUP(buf_done) struct buf large;
	CLEANUP(secret_free) struct secret *long_one = NULL, *long_signature = NULL;
	struct id_token t;

	(void)state;
	assert_true(id_token_read(good, arena, &t));
	assert_int_equal(t.signature.n, 64);
	assert_true(slice_is(jsonr_get_string(t.claims, "sub"), "1"));
	assert_int_equal(t.input.p[t.input.n], '.');
	buf_init(&large, 1 << 20);
	buf_puts(&large, "eyJhbGciOiJSUzI1NiJ9.e30.");
	while (large.n < 2048)
		buf_puts(&large, "AAAA");
	long_signature = secret_new(buf_slice(&large));
	assert_false(id_token_read(long_signature, arena, &t));
	while (large.n <= 64 * 1024)
		buf_puts(&large, "AAAA");
	long_one = secret_new(buf_slice(&large));
	assert_false(id_token_read(long_one, arena, &t));
	assert_false(id_token_read(NULL, arena, &t));
}

static void test_id_07_of_the_same_account(void **state)
{
	static const struct {
		const char *claims;
		bool same;
	} cases[] = {
		{"{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"c\"}", true},
		{"{\"iss\":\"i\",\"sub\":\"s\",\"aud\":[\"x\",\"c\"],\"exp\":1}", true},
		{"{\"iss\":\"i\",\"sub\":\"t\",\"aud\":\"c\"}", false},
		{"{\"iss\":\"i/\",\"sub\":\"s\",\"aud\":\"c\"}", false},
		{"{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"d\"}", false},
		{"{\"iss\":\"i\",\"sub\":\"s\",\"aud\":[]}", false},
		{"{\"iss\":\"i\",\"sub\":\"s\"}", false},
		{"{\"iss\":\"i\",\"aud\":\"c\"}", false},
		{"{\"sub\":\"s\",\"aud\":\"c\"}", false},
		{"[]", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(secret_free) struct secret *token = secret_new(slice_from(
			testsigner_sign(issuer, JWS_EDDSA, "{\"alg\":\"EdDSA\"}", cases[i].claims, arena)));

		if (id_token_is_of(token, "i", "s", "c", arena) != cases[i].same)
			fail_msg("%s", cases[i].claims);
	}
	assert_false(id_token_is_of(access_token, "i", "s", "c", arena));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_id_01_algorithms),
		cmocka_unit_test(test_id_01_another_algorithm_than_it_was_signed_with),
		cmocka_unit_test(test_id_01_somebody_elses_signature),
		cmocka_unit_test(test_id_01_keys_that_the_token_brings_are_not_looked_at),
		cmocka_unit_test(test_id_01_critical_extensions),
		cmocka_unit_test(test_id_10_key_ids),
		cmocka_unit_test(test_id_05_at_hash),
		cmocka_unit_test(test_id_07_of_the_same_account),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
