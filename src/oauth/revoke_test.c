/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation: the request in both forms, and when to ask again (RFC 7009 §2.1, §2.2, §2.2.1; RF-08 in small). */
#include "oauth/revoke.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(4 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const char *header(const struct fetch_request *r, const char *name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (strcmp(r->header[i].name, name) == 0)
			return arena_strndup(arena, r->header[i].value);
	return "";
}

static void test_rfc_7009_request(void **state)
{
	struct profile p = *profile_default();
	CLEANUP(secret_free) struct secret *secret = secret_new(SLICE_LIT("s"));
	CLEANUP(secret_free) struct secret *token = secret_new(SLICE_LIT("t/1"));
	struct token_client c = {&p, "id", secret, "google"};
	struct fetch_request r = {.url = "untouched"};

	(void)state;
	assert_false(revoke_request(&c, token, "refresh_token", arena, &r));
	assert_string_equal(r.url, "untouched");
	p.revoke_url = "https://as.example/revoke";
	assert_true(revoke_request(&c, token, "refresh_token", arena, &r));
	assert_int_equal(r.flags, 0);
	assert_string_equal(r.attempt, "");
	assert_string_equal(r.method, "POST");
	assert_string_equal(r.url, "https://as.example/revoke");
	assert_string_equal(r.label, "revoke google");
	assert_true(slice_is(r.body, "token=t%2F1&token_type_hint=refresh_token"));
	assert_string_equal(header(&r, "Authorization"), "Basic aWQ6cw==");
	p.auth = CLIENT_AUTH_POST;
	assert_true(revoke_request(&c, token, "access_token", arena, &r));
	assert_true(slice_is(r.body, "token=t%2F1&token_type_hint=access_token&client_id=id&client_secret=s"));
	assert_string_equal(header(&r, "Authorization"), "");
}

static void test_github_request(void **state)
{
	struct profile p = *profile_default();
	CLEANUP(secret_free) struct secret *secret = secret_new(SLICE_LIT("s"));
	CLEANUP(secret_free) struct secret *token = secret_new(SLICE_LIT("gho_\"1"));
	struct token_client c = {&p, "Iv1./x", secret, "github"};
	struct fetch_request r;

	(void)state;
	p.revoke_url = "https://api.github.example/applications";
	p.revoke_style = REVOKE_GITHUB;
	p.auth = CLIENT_AUTH_POST;
	assert_true(revoke_request(&c, token, "access_token", arena, &r));
	assert_string_equal(r.method, "DELETE");
	assert_string_equal(r.url, "https://api.github.example/applications/Iv1.%2Fx/token");
	assert_true(slice_is(r.body, "{\"access_token\":\"gho_\\\"1\"}"));
	assert_string_equal(header(&r, "Content-Type"), "application/json");
	assert_string_equal(header(&r, "Authorization"), "Basic SXYxLiUyRng6cw==");
	assert_string_equal(r.label, "revoke github");
}

/* Whoever holds the token may end it: no client secret is sent, and no refresh token, which is no Bearer token. */
static void test_bearer_requests(void **state)
{
	static const struct {
		enum revoke_style style;
		const char *method;
	} cases[] = {{REVOKE_BEARER, "POST"}, {REVOKE_BEARER_DELETE, "DELETE"}};
	struct profile p = *profile_default();
	CLEANUP(secret_free) struct secret *secret = secret_new(SLICE_LIT("s"));
	CLEANUP(secret_free) struct secret *token = secret_new(SLICE_LIT("t/1"));
	struct token_client c = {&p, "id", secret, "dropbox"};

	(void)state;
	p.revoke_url = "https://as.example/revoke";
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fetch_request r = {.url = "untouched"};

		p.revoke_style = cases[i].style;
		assert_false(revoke_request(&c, token, "refresh_token", arena, &r));
		assert_string_equal(r.url, "untouched");
		assert_true(revoke_request(&c, token, "access_token", arena, &r));
		assert_string_equal(r.method, cases[i].method);
		assert_string_equal(r.url, "https://as.example/revoke");
		assert_string_equal(header(&r, "Authorization"), "Bearer t/1");
		assert_string_equal(header(&r, "Content-Type"), "");
		assert_int_equal(r.body.n, 0);
		assert_string_equal(r.label, "revoke dropbox");
	}
}

static void test_json_request(void **state)
{
	struct profile p = *profile_default();
	CLEANUP(secret_free) struct secret *secret = secret_new(SLICE_LIT("s"));
	CLEANUP(secret_free) struct secret *token = secret_new(SLICE_LIT("t\"1"));
	struct token_client c = {&p, "id", secret, "intuit"};
	struct fetch_request r;

	(void)state;
	p.revoke_url = "https://as.example/revoke";
	p.revoke_style = REVOKE_JSON;
	assert_true(revoke_request(&c, token, "refresh_token", arena, &r));
	assert_string_equal(r.method, "POST");
	assert_string_equal(header(&r, "Authorization"), "Basic aWQ6cw==");
	assert_string_equal(header(&r, "Content-Type"), "application/json");
	assert_true(slice_is(r.body, "{\"token\":\"t\\\"1\"}"));
	p.auth = CLIENT_AUTH_POST;
	p.param_names = (struct profile_pairs){1, {{"client_id", "client_key"}}};
	assert_true(revoke_request(&c, token, "refresh_token", arena, &r));
	assert_string_equal(header(&r, "Authorization"), "");
	assert_true(slice_is(r.body, "{\"token\":\"t\\\"1\",\"client_key\":\"id\",\"client_secret\":\"s\"}"));
}

static void test_answers(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum err e;
		const char *code;
	} cases[] = {
		{200, "", ERR_OK, ""},
		{200, "{}", ERR_OK, ""},
		{200, "anything", ERR_OK, ""}, /* §2.2: the body is ignored */
		{204, "", ERR_OK, ""},	       /* GitHub */
		{200, "{\"ok\":true,\"revoked\":true}", ERR_OK, ""},
		{200, "{\"ok\":false,\"error\":\"token_revoked\"}", ERR_OK, ""},
		{200, "{\"ok\":false,\"error\":\"ratelimited\"}", ERR_UPSTREAM_DOWN, "ratelimited"},
		{200, "{\"ok\":false,\"error\":\"missing_scope\"}", ERR_UPSTREAM_DENIED, "missing_scope"},
		{200, "{\"ok\":false}", ERR_UPSTREAM_DENIED, "provider_error"},
		{400, "{\"error\":\"unsupported_token_type\"}", ERR_OK, ""}, /* §2.2.1 */
		{400, "{\"error\":\"invalid_token\"}", ERR_OK, ""},	     /* Google: revoked already */
		{400, "{\"error\":\"invalid_request\"}", ERR_UPSTREAM_DENIED, "invalid_request"},
		{401, "{\"error\":\"invalid_client\"}", ERR_UPSTREAM_DENIED, "invalid_client"},
		{400, "", ERR_UPSTREAM_DENIED, ""},
		{403, "", ERR_UPSTREAM_DENIED, ""},
		{302, "", ERR_UPSTREAM_DENIED, ""},
		{429, "", ERR_UPSTREAM_DOWN, ""},
		{500, "", ERR_UPSTREAM_DOWN, ""},
		{503, "", ERR_UPSTREAM_DOWN, ""},
		{503, "{\"error\":\"invalid_token\"}", ERR_UPSTREAM_DOWN, "invalid_token"},
		{400, "{\"error\":\"temporarily_unavailable\"}", ERR_UPSTREAM_DOWN, "temporarily_unavailable"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct fetch_answer answer = {.status = cases[i].status, .complete = true, .retry_after_s = 5};
		struct errinfo ei = {0};
		enum err e = revoke_parse(&answer, slice_from(cases[i].body), &ei);

		if (e != cases[i].e)
			fail_msg("%d %s gave %s", cases[i].status, cases[i].body, err_kind(e)->name);
		assert_string_equal(ei.code, cases[i].code);
		assert_int_equal(ei.retry_after_s, e ? 5 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rfc_7009_request, begin, end),
		cmocka_unit_test_setup_teardown(test_github_request, begin, end),
		cmocka_unit_test_setup_teardown(test_bearer_requests, begin, end),
		cmocka_unit_test_setup_teardown(test_json_request, begin, end),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
