/* SPDX-License-Identifier: Apache-2.0 */
/* Registering, and being asked for what is missing: what the real binary sends, prints, and how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/harness.h"

#define ID "0123456789abcdef0123456789abcdef"
#define GOOGLE \
	"{\"id\":\"" ID "\",\"authenticator_id\":\"" ID "\",\"name\":\"Google\",\"authenticator_type\":\"google\"," \
	"\"client_id\":\"c1\",\"scopes\":[\"openid\",\"email\"],\"redirect_uri\":\"http://127.0.0.1:7001/auth/" \
	"callback/" ID "\",\"app_id\":\"default\",\"is_active\":true}"
#define OLD  "{\"id\":\"old1\",\"name\":\"Old\",\"authenticator_type\":\"google\",\"scopes\":[],\"is_active\":false}"
#define LIST "GET /api/v1/oauth/authenticators?include_disabled=true"

static const char google_file[] = "// Google\n{\n  \"name\": \"Google\",\n  \"authenticator_type\": \"google\",\n"
				  "  \"client_id\": \"c1\",\n  \"client_secret\": \"${GOOGLE_SECRET}\",\n"
				  "  \"scopes\": [\"openid\", \"email\"], /* few */\n  \"app_id\": null\n}\n";

static void file_is_registered(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_write(h, "./g.json", google_file);
	HAS(RUN(h, "app oauth register --authenticator-config g.json", NULL, 1).err,
	    "g.json, line 6: ${GOOGLE_SECRET} is not set in the environment");
	assert_int_equal(script_count(harness_script(h)), 0);

	harness_setenv(h, "GOOGLE_SECRET=canary\"SECRET");
	harness_reply(h, "POST /api/v1/oauth/authenticators", 201, GOOGLE);
	o = RUN(h, "app oauth register-authenticator --authenticator-config ./g.json --verbose", NULL, 0);
	assert_string_equal(
		harness_body(h, 0),
		"{\"name\":\"Google\",\"authenticator_type\":\"google\",\"client_id\":\"c1\","
		"\"client_secret\":\"canary\\\"SECRET\",\"scopes\":[\"openid\",\"email\"],\"app_id\":null}");
	HAS(script_request(harness_script(h), 0)->head, "Authorization: Bearer " HARNESS_KEY "\r\n");
	HAS(script_request(harness_script(h), 0)->head, "Content-Type: application/json");
	HAS(o.out, "Registered \"Google\".");
	HAS(o.out, "http://127.0.0.1:7001/auth/callback/" ID);
	HAS(o.out, "fiber app oauth connect Google");
	/* What --verbose shows. */
	HAS(o.err, "> POST http://127.0.0.1:");
	HAS(o.err, "\"client_secret\":\"****\"");
	HAS(o.err, "< 201 after ");
}

static void same_again_is_fine(void **state)
{
	struct harness *h = *state;

	harness_setenv(h, "GOOGLE_SECRET=canarySECRET");
	harness_write(h, "./g.json", google_file);
	harness_reply(h, "POST /api/v1/oauth/authenticators", 409,
		      "{\"error\":\"conflict\",\"detail\":\"there is one\"}");
	harness_reply(h, LIST, 200, "[" OLD "," GOOGLE "]");
	HAS(RUN(h, "app oauth register --authenticator-config g.json", NULL, 0).out,
	    "is registered already with this configuration");
}

static void different_one_says_how_to_update(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_setenv(h, "GOOGLE_CLIENT_SECRET=canarySECRET");
	harness_reply(h, "GET /api/v1/oauth/templates/google", 200,
		      "{\"type\":\"google\",\"display_name\":\"Google\"}");
	harness_reply(h, "POST /api/v1/oauth/authenticators", 409,
		      "{\"error\":\"conflict\",\"detail\":\"there is one\"}");
	harness_reply(h, LIST, 200, "[" GOOGLE "]");
	o = RUN(h, "register-authenticator google --client-id=c2 --scopes=openid,email", NULL, 1);
	HAS(o.err, "is registered already, with another configuration (client_id)");
	HAS(o.err, "fiber app oauth update Google");

	/* A conflict about something else keeps the server's words. */
	harness_reply(h, "GET /api/v1/oauth/templates/google", 404, "{\"error\":\"not_found\",\"detail\":\"x\"}");
	harness_reply(h, "POST /api/v1/oauth/authenticators", 409,
		      "{\"error\":\"conflict\",\"detail\":\"about else\"}");
	harness_reply(h, LIST, 200, "[" OLD "]");
	o = RUN(h, "register-authenticator google --client-id=c2 --json", NULL, 1);
	HAS(o.err, "{\"error\":\"conflict\",\"detail\":\"about else\"}");
	assert_string_equal(o.out, "");
}

static void type_is_registered(void **state)
{
	struct harness *h = *state;

	harness_reply(h, "GET /api/v1/oauth/templates/google", 200,
		      "{\"type\":\"google\",\"display_name\":\"Google\"}");
	harness_reply(h, "POST /api/v1/oauth/authenticators", 201, GOOGLE);
	RUN(h, "add-provider google --client-id=c1 --client-secret=- --scopes=openid,~email --app-id a9 --debug",
	    "canarySECRET\nrest", 0);
	assert_string_equal(
		harness_body(h, 1),
		"{\"scopes\":[\"openid\",\"email\"],\"client_id\":\"c1\",\"client_secret\":\"canarySECRET\","
		"\"authenticator_type\":\"google\",\"name\":\"Google\",\"app_id\":\"a9\"}");

	/* From the environment, and with OAUTH_DEBUG. */
	harness_setenv(h, "MY_IDP_CLIENT_ID=c3");
	harness_setenv(h, "MY_IDP_CLIENT_SECRET=canarySECRET");
	harness_setenv(h, "OAUTH_DEBUG=true");
	harness_reply(h, "POST /api/v1/oauth/authenticators", 201, GOOGLE);
	HAS(RUN(h, "register-authenticator my-idp --name Mine --authorize-url https://p/a --token-url https://p/t",
		NULL, 0)
		    .err,
	    "> POST ");
	assert_string_equal(harness_body(h, 2),
			    "{\"name\":\"Mine\",\"authorize_url\":\"https://p/a\",\"token_url\":\"https://p/"
			    "t\",\"client_id\":\"c3\","
			    "\"client_secret\":\"canarySECRET\",\"authenticator_type\":\"my-idp\"}");
	harness_reply(h, "GET /api/v1/oauth/templates/google", 404, "{\"error\":\"not_found\",\"detail\":\"x\"}");
	HAS(RUN(h, "register-authenticator google --scopes=,", NULL, 2).err, "--scopes holds no scope");
	HAS(RUN(h, "app oauth register", NULL, 2).err, "--authenticator-config is missing");
	HAS(RUN(h, "app oauth register --authenticator-config none.json", NULL, 1).err, "there is no file none.json");
	HAS(RUN(h, "app oauth register --authenticator-config .", NULL, 1).err, "is a directory");
}

static void wrong_fields_have_their_line(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_write(h, "./g.json", "{\n\"name\": \"G\",\n\"authenticator_type\": \"google\",\n\"scopes\": 7\n}");
	harness_reply(
		h, "POST /api/v1/oauth/authenticators", 422,
		"{\"error\":\"validation_failed\",\"detail\":\"2 fields are wrong\",\"request_id\":\"r-77\",\"fields\":"
		"{\"client_id\":\"is missing\",\"scopes\":\"must be a list\"}}");
	o = RUN(h, "app oauth register --authenticator-config g.json", NULL, 1);
	HAS(o.err, "fiber: g.json: 2 values are refused\n");
	HAS(o.err, "  client_id  is missing\n");
	HAS(o.err, "  scopes  (line 4) must be a list\n");
	HAS(o.err, "GOOGLE_CLIENT_ID in the environment");
	HAS(o.err, "request r-77");
}

static void missing_values_are_asked_for(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_reply(h, "GET /api/v1/oauth/templates/google", 200,
		      "{\"type\":\"google\",\"display_name\":\"Google\"}");
	harness_reply(h, "POST /api/v1/oauth/authenticators", 201, GOOGLE);
	o = harness_run_tty(h, 80, "register-authenticator google", "my-client\ncanarySECRET\n");
	assert_int_equal(o.code, 0);
	HAS(o.out, "Client id of google: ");
	HAS(o.out, "Client secret of google (Enter for none): ");
	/* The id is echoed, the secret is not. */
	HAS(o.out, "my-client");
	LACKS(o.out, "canary");
	HAS(harness_body(h, 1), "\"client_id\":\"my-client\",\"client_secret\":\"canarySECRET\"");

	o = harness_run_tty(h, 80, "account add-config --name asked --base-url https://x", "canaryKEY\n");
	assert_int_equal(o.code, 0);
	LACKS(o.out, "canary");
	HAS(harness_read(h, ".fiberwise/configs/asked.json"), "canaryKEY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(file_is_registered),
		HARNESS_TEST(same_again_is_fine),
		HARNESS_TEST(different_one_says_how_to_update),
		HARNESS_TEST(type_is_registered),
		HARNESS_TEST(wrong_fields_have_their_line),
		HARNESS_TEST(missing_values_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
