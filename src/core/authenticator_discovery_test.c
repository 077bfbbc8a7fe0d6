/* SPDX-License-Identifier: Apache-2.0 */
/* ID-09, OA-04, RF-10: registering by issuer. */
#include "core/authenticator_discovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/testcore.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)

#define ISSUER	  "https://as.example"
#define ENDPOINTS "\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"https://as.example/a\",\"token_endpoint\":\"https://as.example/t\""
#define BODY(more, configuration)                                                                                        \
	"{\"name\":\"By issuer\",\"authenticator_type\":\"custom\",\"client_id\":\"cid\",\"client_secret\":\"s\",\"scopes\":[\"openid\"]" more \
	",\"configuration\":{\"issuer\":\"" ISSUER "\"" configuration "}}"

static enum err read_input(struct testcore *t, const char *json, const char *metadata, struct authenticator_input *in)
{
	struct authenticator_wish wish = {.metadata = slice_from(metadata)};
	struct jsonr *body;

	err_clear(&t->ei);
	OK(jsonr_parse(slice_from(json), 65536, &body, &t->ei));
	wish.body = jsonr_in_arena(t->arena, body);
	return authenticator_input_new(&t->core, &wish, t->arena, in, &t->ei);
}

static void the_metadata_fills_what_is_missing(void **state)
{
	static const char metadata[] = "{" ENDPOINTS ",\"revocation_endpoint\":\"https://as.example/r\",\"userinfo_endpoint\":\"https://as.example/u\","
				       "\"authorization_response_iss_parameter_supported\":true,"
				       "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]}";
	struct testcore *t = *state;
	struct authenticator_input in;

	OK(read_input(t, BODY("", ""), "", &in));
	assert_string_equal(in.discover, ISSUER);
	OK(read_input(t, BODY("", ""), metadata, &in));
	assert_string_equal(in.discover, "");
	assert_string_equal(in.profile.authorize_url, "https://as.example/a");
	assert_string_equal(in.profile.token_url, "https://as.example/t");
	assert_string_equal(in.profile.revoke_url, "https://as.example/r");
	assert_string_equal(in.profile.identity_url, "https://as.example/u");
	assert_true(in.profile.iss_in_callback);
	assert_int_equal(in.profile.auth, CLIENT_AUTH_POST);
	assert_int_equal(in.warning_count, 0);
	/* What the developer says stands. */
	OK(read_input(t, BODY(",\"token_url\":\"https://other.example/t\"",
			      ",\"userinfo_url\":\"https://other.example/u\",\"client_auth\":\"client_secret_basic\""), metadata, &in));
	assert_string_equal(in.profile.token_url, "https://other.example/t");
	assert_string_equal(in.profile.authorize_url, "https://as.example/a");
	assert_string_equal(in.profile.identity_url, "https://other.example/u");
	assert_int_equal(in.profile.auth, CLIENT_AUTH_BASIC);
}

static void nobody_is_asked_without_need(void **state)
{
	struct testcore *t = *state;
	struct authenticator_input in;

	OK(read_input(t, BODY(",\"authorize_url\":\"https://as.example/a\",\"token_url\":\"https://as.example/t\"", ""), "", &in));
	assert_string_equal(in.discover, "");
	/* A mistake is told before anybody is asked. */
	assert_int_equal(read_input(t, "{\"authenticator_type\":\"custom\",\"configuration\":{\"issuer\":\"" ISSUER "\"}}", "", &in), ERR_UNPROCESSABLE);
	assert_int_equal(read_input(t, "{\"name\":\"n\",\"authenticator_type\":\"custom\",\"client_id\":\"c\",\"client_secret\":\"s\"}", "", &in),
			 ERR_UNPROCESSABLE);
}

static void id_09_what_cannot_be_used_names_the_issuer(void **state)
{
	static const struct {
		const char *metadata, *why;
	} cases[] = {
		{"{}", "another issuer"},
		{"{\"issuer\":\"" ISSUER "/\",\"authorization_endpoint\":\"https://as.example/a\",\"token_endpoint\":\"https://as.example/t\"}", "another issuer"},
		{"{\"issuer\":\"" ISSUER "\"}", "without"},
		{"{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"https://as.example/a\"}", "without"},
		{"{" ENDPOINTS ",\"require_pushed_authorization_requests\":true}", "RFC 9126"},
		{"{" ENDPOINTS ",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]}", "takes none of"},
		{"{" ENDPOINTS ",\"revocation_endpoint\":\"http://as.example/r\"}", "revocation_endpoint"},
	};
	struct testcore *t = *state;
	struct authenticator_input in;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(read_input(t, BODY("", ""), cases[i].metadata, &in), ERR_UNPROCESSABLE);
		assert_int_equal(t->ei.field_count, 1);
		assert_string_equal(t->ei.fields[0].name, "configuration.issuer");
		if (!strstr(t->ei.fields[0].why, cases[i].why))
			fail_msg("%s: %s", cases[i].metadata, t->ei.fields[0].why);
	}
	/* Our own address is no provider's, whoever says it. */
	assert_int_equal(read_input(t, BODY("", ""), "{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"https://as.example/a\","
						     "\"token_endpoint\":\"http://127.0.0.1:7001/t\"}", &in), ERR_UNPROCESSABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_metadata_fills_what_is_missing, testcore_setup, testcore_teardown),
		cmocka_unit_test_setup_teardown(nobody_is_asked_without_need, testcore_setup, testcore_teardown),
		cmocka_unit_test_setup_teardown(id_09_what_cannot_be_used_names_the_issuer, testcore_setup, testcore_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
