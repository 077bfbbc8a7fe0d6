/* SPDX-License-Identifier: Apache-2.0 */
/* The authorization request: what it must hold, and what configuration may not put into it. */
#include "oauth/authorize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct profile profile(void)
{
	struct profile p = *profile_default();

	p.authorize_url = "https://as.example/authorize";
	p.token_url = "https://as.example/token";
	return p;
}

static struct authorize_args args_for(const struct profile *p)
{
	return (struct authorize_args){
		.profile = p,
		.client_id = "client id&1",
		.redirect_uri = "https://app.example/auth/callback/7?x=1",
		.scopes = SLICE_LIT("[\"openid\",\"https://as.example/mail\"]"),
		.state = SLICE_LIT("st-ate_1"),
		.challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
		.nonce = SLICE_LIT("no-nce"),
	};
}

static void test_oa_02_oa_07_oa_13_whole_request(void **state)
{
	struct profile p = profile();
	struct authorize_args args = args_for(&p);
	CLEANUP(buf_done) struct buf out;

	(void)state;
	buf_init(&out, 4096);
	p.authorize_param[p.param_count++] = (struct profile_param){"access_type", "offline"};
	args.login_hint = SLICE_LIT("a+b@example.com");
	assert_int_equal(authorize_url(&args, &out, NULL), ERR_OK);
	assert_string_equal(buf_cstr(&out),
			    "https://as.example/authorize?response_type=code&client_id=client%20id%261"
			    "&redirect_uri=https%3A%2F%2Fapp.example%2Fauth%2Fcallback%2F7%3Fx%3D1"
			    "&scope=openid%20https%3A%2F%2Fas.example%2Fmail&state=st-ate_1"
			    "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
			    "&nonce=no-nce&login_hint=a%2Bb%40example.com&access_type=offline");
}

static void test_optional_parts(void **state)
{
	struct profile p = profile();
	struct authorize_args args = args_for(&p);
	CLEANUP(buf_done) struct buf out;

	(void)state;
	buf_init(&out, 4096);
	p.authorize_url = "https://as.example/authorize?tenant=7&x";
	p.scope_separator = ',';
	args.scopes = SLICE_LIT("[\"a\",\"b\"]");
	args.nonce = (struct slice){0};
	assert_int_equal(authorize_url(&args, &out, NULL), ERR_OK);
	assert_true(slice_starts(buf_slice(&out), "https://as.example/authorize?tenant=7&x&response_type=code&"));
	assert_non_null(strstr(buf_cstr(&out), "&scope=a%2Cb&"));
	assert_null(strstr(buf_cstr(&out), "nonce"));
	assert_null(strstr(buf_cstr(&out), "login_hint"));
	buf_reset(&out);
	args.scopes = SLICE_LIT("[]");
	assert_int_equal(authorize_url(&args, &out, NULL), ERR_OK);
	assert_null(strstr(buf_cstr(&out), "scope="));
	/* OA-02: without nonce, scope or hint PKCE is still there. */
	assert_non_null(strstr(buf_cstr(&out), "&code_challenge_method=S256"));
}

static void test_oa_07_oa_16_configuration_cannot_override(void **state)
{
	static const struct profile_param cases[] = {
		{"response_type", "token"},
		{"response_type", "code"},
		{"response_mode", "fragment"},
		{"response_mode", "form_post"},
		{"state", "x"},
		{"nonce", "x"},
		{"redirect_uri", "https://e"},
		{"client_id", "x"},
		{"scope", "admin"},
		{"code_challenge", "x"},
		{"code_challenge_method", "plain"},
		{"request", "eyJ"},
		{"request_uri", "https://e"},
		{"client_secret", "x"},
		{"grant_type", "password"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct profile p = profile();
		struct authorize_args args = args_for(&p);
		struct errinfo ei = {0};
		char url[200];
		CLEANUP(buf_done) struct buf out;

		buf_init(&out, 4096);
		p.authorize_param[p.param_count++] = cases[i];
		assert_int_equal(authorize_url(&args, &out, &ei), ERR_UNPROCESSABLE);
		assert_string_equal(ei.fields[0].name, "authorize_params");
		assert_int_equal(out.n, 0);
		p.param_count = 0;
		snprintf(url, sizeof url, "https://as.example/authorize?a=b&%s=%s", cases[i].name, cases[i].value);
		p.authorize_url = url;
		err_clear(&ei);
		assert_int_equal(authorize_url(&args, &out, &ei), ERR_UNPROCESSABLE);
		assert_string_equal(ei.fields[0].name, "authorize_url");
		assert_int_equal(out.n, 0);
	}
}

static void test_bad_endpoints(void **state)
{
	static const char *const cases[] = {
		"",
		"javascript:alert(1)",
		"as.example/authorize",
		"https://as.example/authorize#x",
		"https://user@as.example/authorize",
		"https://as.example/authorize?st%61te=x",
		"https://as.example/auth orize",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct profile p = profile();
		struct authorize_args args = args_for(&p);
		struct errinfo ei = {0};
		CLEANUP(buf_done) struct buf out;

		buf_init(&out, 4096);
		p.authorize_url = cases[i];
		assert_int_equal(authorize_url(&args, &out, &ei), ERR_UNPROCESSABLE);
		assert_string_equal(ei.fields[0].name, "authorize_url");
		assert_int_equal(out.n, 0);
	}
}

static void test_too_long(void **state)
{
	struct profile p = profile();
	struct authorize_args args = args_for(&p);
	struct errinfo ei = {0};
	CLEANUP(buf_done) struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_int_equal(authorize_url(&args, &out, &ei), ERR_UNPROCESSABLE);
	assert_string_equal(ei.fields[0].name, "scopes");
}

static void test_pkce_none_and_own_names(void **state)
{
	struct profile p = profile();
	struct authorize_args args = args_for(&p);
	CLEANUP(buf_done) struct buf out;

	(void)state;
	buf_init(&out, 4096);
	p.pkce = PKCE_NONE;
	p.param_names = (struct profile_pairs){2, {{"client_id", "client_key"}, {"scope", "user_scope"}}};
	args.nonce = (struct slice){0};
	args.scopes = SLICE_LIT("[\"a\"]");
	assert_int_equal(authorize_url(&args, &out, NULL), ERR_OK);
	assert_string_equal(buf_cstr(&out), "https://as.example/authorize?response_type=code&client_key=client%20id%261"
					    "&redirect_uri=https%3A%2F%2Fapp.example%2Fauth%2Fcallback%2F7%3Fx%3D1"
					    "&user_scope=a&state=st-ate_1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oa_02_oa_07_oa_13_whole_request),
		cmocka_unit_test(test_optional_parts),
		cmocka_unit_test(test_pkce_none_and_own_names),
		cmocka_unit_test(test_oa_07_oa_16_configuration_cannot_override),
		cmocka_unit_test(test_bad_endpoints),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
