/* SPDX-License-Identifier: Apache-2.0 */
/* ID-09: metadata counts only for the issuer that was asked, and only as a whole (OIDC Discovery §4.3, RFC 8414 §3). */
#include "oauth/discovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/url.h"

#define ISSUER	  "https://as.example/tenant"
#define IS_ISSUER "\"issuer\":\"" ISSUER "\""

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(16 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void test_addresses(void **state)
{
	static const struct {
		const char *issuer, *openid, *rfc8414;
	} cases[] = {
		{"https://as.example", "https://as.example/.well-known/openid-configuration",
		 "https://as.example/.well-known/oauth-authorization-server"},
		{"https://as.example/", "https://as.example/.well-known/openid-configuration",
		 "https://as.example/.well-known/oauth-authorization-server"},
		{"https://as.example:8443/a/b", "https://as.example:8443/a/b/.well-known/openid-configuration",
		 "https://as.example:8443/.well-known/oauth-authorization-server/a/b"},
		{"https://as.example/a/", "https://as.example/a/.well-known/openid-configuration",
		 "https://as.example/.well-known/oauth-authorization-server/a"},
		{"http://127.0.0.1:7002", "http://127.0.0.1:7002/.well-known/openid-configuration",
		 "http://127.0.0.1:7002/.well-known/oauth-authorization-server"},
	};
	static const char *const none[] = {"", "as.example", "http://as.example", "https://as.example?a=b", "https://as.example/#a",
					   "https://user@as.example", "ftp://as.example", "https://as.example/../a"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(discovery_url(cases[i].issuer, DISCOVERY_OPENID, arena), cases[i].openid);
		assert_string_equal(discovery_url(cases[i].issuer, DISCOVERY_RFC8414, arena), cases[i].rfc8414);
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (discovery_url(none[i], DISCOVERY_OPENID, arena) || discovery_url(none[i], DISCOVERY_RFC8414, arena))
			fail_msg("%s", none[i]);
}

/* The longest issuer whose metadata still has an address, and one character more. */
static void test_an_issuer_that_is_too_long(void **state)
{
	static const char *const more[DISCOVERY__COUNT] = {[DISCOVERY_OPENID] = "/.well-known/openid-configuration",
							   [DISCOVERY_RFC8414] = "/.well-known/oauth-authorization-server"};
	char issuer[URL_MAX_BYTES + 1];

	(void)state;
	for (int form = 0; form < DISCOVERY__COUNT; form++) {
		size_t longest = URL_MAX_BYTES - strlen(more[form]);

		memset(issuer, 'a', sizeof issuer);
		memcpy(issuer, "https://as.example/", strlen("https://as.example/"));
		issuer[longest + 1] = '\0';
		assert_null(discovery_url(issuer, (enum discovery_form)form, arena));
		issuer[longest] = '\0';
		assert_non_null(discovery_url(issuer, (enum discovery_form)form, arena));
	}
}

static enum err parse(const char *text, struct discovery *ret, struct errinfo *ei)
{
	return discovery_parse(slice_from(text), ISSUER, arena, ret, ei);
}

static void test_what_is_read(void **state)
{
	struct discovery d;

	(void)state;
	assert_int_equal(parse("{" IS_ISSUER ",\"authorization_endpoint\":\"https://login.example/a?p=1\","
			       "\"token_endpoint\":\"https://as.example/t\",\"revocation_endpoint\":\"https://as.example/r\","
			       "\"userinfo_endpoint\":\"https://api.example/me\",\"jwks_uri\":\"https://keys.example/k\","
			       "\"pushed_authorization_request_endpoint\":\"https://as.example/par\","
			       "\"require_pushed_authorization_requests\":true,"
			       "\"authorization_response_iss_parameter_supported\":true,"
			       "\"id_token_signing_alg_values_supported\":[\"none\",\"HS256\",\"RS256\",\"EdDSA\",7],"
			       "\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\",\"client_secret_post\",\"none\"],"
			       "\"code_challenge_methods_supported\":[\"plain\"]}", &d, NULL), ERR_OK);
	assert_string_equal(d.authorize_url, "https://login.example/a?p=1");
	assert_string_equal(d.token_url, "https://as.example/t");
	assert_string_equal(d.revoke_url, "https://as.example/r");
	assert_string_equal(d.userinfo_url, "https://api.example/me");
	assert_string_equal(d.jwks_url, "https://keys.example/k");
	assert_string_equal(d.par_url, "https://as.example/par");
	assert_true(d.par_required && d.iss_in_callback && d.auth_known);
	assert_int_equal(d.auth, CLIENT_AUTH_POST);
	assert_int_equal(d.id_token_algs, 1u << JWS_RS256 | 1u << JWS_EDDSA);
}

static void test_what_is_not_told(void **state)
{
	struct discovery d;

	(void)state;
	assert_int_equal(parse("{" IS_ISSUER "}", &d, NULL), ERR_OK);
	assert_string_equal(d.token_url, "");
	assert_string_equal(d.jwks_url, "");
	assert_true(!d.par_required && !d.iss_in_callback && d.auth_known);
	assert_int_equal(d.auth, CLIENT_AUTH_BASIC);
	assert_int_equal(d.id_token_algs, 0);
	assert_int_equal(parse("{" IS_ISSUER ",\"token_endpoint_auth_methods_supported\":[\"tls_client_auth\"]}", &d, NULL), ERR_OK);
	assert_false(d.auth_known);
	assert_int_equal(parse("{" IS_ISSUER ",\"authorization_response_iss_parameter_supported\":\"true\"}", &d, NULL), ERR_OK);
	assert_false(d.iss_in_callback);
}

static void test_id_09_another_issuer(void **state)
{
	static const char *const bad[] = {
		"{}", "{\"issuer\":\"\"}", "{\"issuer\":null}", "{\"issuer\":[\"" ISSUER "\"]}", "{\"issuer\":\"" ISSUER "/\"}",
		"{\"issuer\":\"https://as.example\"}", "{\"issuer\":\"https://AS.example/tenant\"}",
		"{\"issuer\":\"https://as.example:443/tenant\"}", "{\"issuer\":\"http://as.example/tenant\"}",
		"{\"issuer\":\"https://as.example/%74enant\"}", "{\"issuer\":\" " ISSUER "\"}", "{\"issuer\":\"" ISSUER "\\u0000\"}",
		"{" IS_ISSUER ",\"issuer\":\"https://evil.example\"}", "{\"issuer\":\"https://login.example/{tenantid}/v2.0\"}",
	};
	struct discovery d = {.token_url = "untouched"};
	struct errinfo ei = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (parse(bad[i], &d, &ei) != ERR_INVALID || strcmp(d.token_url, "untouched") != 0)
			fail_msg("%s", bad[i]);
	assert_int_equal(discovery_parse(SLICE_LIT("{\"issuer\":\"\"}"), "", arena, &d, NULL), ERR_INVALID);
}

static void test_id_09_addresses_that_are_none(void **state)
{
	static const char *const names[] = {"authorization_endpoint", "token_endpoint", "revocation_endpoint", "userinfo_endpoint", "jwks_uri",
					    "pushed_authorization_request_endpoint"};
	static const char *const bad[] = {"\"http://as.example/t\"", "\"\"", "null", "7", "[\"https://as.example/t\"]",
					  "\"javascript:alert(1)\"", "\"file:///etc/passwd\"", "\"https://as.example/t#f\"",
					  "\"https://user:pw@as.example/t\"", "\"//as.example/t\"", "\"https://0x7f.1/\""};
	struct discovery d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		for (size_t j = 0; j < ARRAY_LEN(bad); j++) {
			struct errinfo ei = {0};
			const char *text = arena_printf(arena, "{" IS_ISSUER ",\"%s\":%s}", names[i], bad[j]);

			if (parse(text, &d, &ei) != ERR_INVALID || !strstr(ei.detail, names[i]))
				fail_msg("%s: %s", text, ei.detail);
		}
	}
}

static void test_id_09_no_documents(void **state)
{
	static const char *const bad[] = {"", "<html>", "[]", "null", "{" IS_ISSUER, "{" IS_ISSUER "}x"};
	CLEANUP(buf_done) struct buf large;
	struct discovery d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(parse(bad[i], &d, NULL), ERR_INVALID);
	buf_init(&large, 1 << 20);
	buf_puts(&large, "{" IS_ISSUER "}");
	while (large.n <= FETCH_METADATA_CAP)
		buf_puts(&large, "                                                                ");
	assert_int_equal(parse(buf_cstr(&large), &d, NULL), ERR_INVALID);
}

static void test_request(void **state)
{
	struct fetch_request r;

	(void)state;
	discovery_request("https://as.example/k", "keys", arena, &r);
	assert_string_equal(r.method, "GET");
	assert_int_equal(r.flags, 0);
	assert_int_equal(r.body_cap, 512 * 1024);
	assert_int_equal(r.body.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_an_issuer_that_is_too_long),
		cmocka_unit_test(test_what_is_read),
		cmocka_unit_test(test_what_is_not_told),
		cmocka_unit_test(test_id_09_another_issuer),
		cmocka_unit_test(test_id_09_addresses_that_are_none),
		cmocka_unit_test(test_id_09_no_documents),
		cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
