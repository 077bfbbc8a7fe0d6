/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each command of the real binary against a scripted server: what it asks, what it prints, how it
 * ends. Every secret of these runs holds the word "canary", which no output may show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
#define TOKEN \
	"{\"access_token\":\"canaryTOKEN.abc-_\",\"token_type\":\"Bearer\",\"expires_at\":\"2099-01-01T00:00:00Z\"," \
	"\"expires_in\":3600,\"scopes\":[\"openid\"],\"fingerprint\":\"f1f2\"}"

static int set_up(void **state)
{
	*state = harness_new();
	return 0;
}

static int tear_down(void **state)
{
	struct harness *h = *state;

	/* The script was played to its end, and nothing was asked that isn't in it. */
	assert_int_equal(harness_left(h), 0);
	assert_int_equal(harness_unexpected(h), 0);
	harness_free(&h);
	return 0;
}

static void has_line(int line, const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("line %d: \"%s\" is not in: %s", line, part, text ? text : "(nothing)");
}

static void lacks_line(int line, const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("line %d: \"%s\" is in: %s", line, part, text);
}

#define HAS(text, part)	  has_line(__LINE__, text, part)
#define LACKS(text, part) lacks_line(__LINE__, text, part)

static struct harness_outcome run_checked(struct harness *h, int line, const char *command, const char *input, int code)
{
	struct harness_outcome o = harness_run(h, command, input);

	if (o.code != code)
		fail_msg("line %d: fiber %s ended with %d: %s%s", line, command, o.code, o.out, o.err);
	lacks_line(line, o.out, "canary");
	lacks_line(line, o.err, "canary");
	lacks_line(line, o.out, "\033");
	lacks_line(line, o.err, "\033");
	return o;
}

#define RUN(h, command, input, code) run_checked(h, __LINE__, command, input, code)

/* ---- without a server */

static void help_and_version(void **state)
{
	struct harness *h = *state;

	HAS(RUN(h, "", NULL, 0).out, "account add-config");
	HAS(RUN(h, "--help", NULL, 0).out, "app oauth token REF");
	HAS(RUN(h, "help app init", NULL, 0).out, "Make an app for this directory");
	HAS(RUN(h, "app oauth connect --help", NULL, 0).out, "--user=ID");
	HAS(RUN(h, "--version", NULL, 0).out, "fiber ");
	HAS(RUN(h, "app oauth", NULL, 2).err, "app oauth connections");
	HAS(RUN(h, "app oauth conect x", NULL, 2).err, "did you mean \"fiber app oauth connect\"?");
	HAS(RUN(h, "app oauth token", NULL, 2).err, "needs a REF");
	HAS(RUN(h, "app oauth list --jsn --json", NULL, 2).err, "did you mean --json?");
	assert_int_equal(harness_count(h), 0);
}

static void instances(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;
	struct stat st;

	o = RUN(h, "account add-config --name prod~1 --base-url https://fiber.example/api/v1 --api-key=-",
		"canaryKEY2\n", 0);
	HAS(o.out, "Added the instance \"prod 1\"");
	HAS(o.out, "The default stays \"local\"");
	HAS(harness_read(h, ".fiberwise/configs/prod_1.json"), "\"api_key\":\"canaryKEY2\"");
	assert_int_equal(stat(harness_path(h, ".fiberwise/configs/prod_1.json"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	o = RUN(h,
		"account add-config --name prod~1 --base-url https://fiber.example --api-key canaryKEY3 --set-default",
		NULL, 0);
	HAS(o.out, "Replaced the instance");
	assert_string_equal(harness_read(h, ".fiberwise/default_config.txt"), "prod 1\n");

	o = RUN(h, "account list-configs", NULL, 0);
	HAS(o.out, "prod 1");
	HAS(o.out, "default");
	HAS(o.out, "https://fiber.example");
	o = RUN(h, "account list-configs --json", NULL, 0);
	HAS(o.out, "{\"name\":\"prod 1\",\"base_url\":\"https://fiber.example\",\"default\":true}");

	harness_write(h, ".fiberwise/configs/broken.json", "{\"api_key\":\"canary\"");
	HAS(RUN(h, "account list-configs", NULL, 0).out, "broken, see its file");
}

static void wrong_instances(void **state)
{
	static const struct {
		const char *command, *input, *err;
	} cases[] = {
		{"account add-config --name n --base-url https://x", NULL, "--api-key is missing"},
		{"account add-config --name n --base-url https://x --api-key=-", "", "standard input ended"},
		{"account add-config --name n --base-url https://x --api-key=-", "\n", "read an empty line"},
		{"account add-config --name n --base-url https://x --api-key a~b", NULL, "can't be part of a key"},
		{"account add-config --base-url https://x --api-key k", NULL, "--name is missing"},
		{"account add-config --name n --api-key k", NULL, "--base-url is missing"},
		{"account add-config --name n --base-url http://far.example:7001 --api-key k", NULL,
		 "plain http to another machine"},
		{"account add-config --name n --base-url nonsense --api-key k", NULL, "write it like https://"},
	};
	struct harness *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct harness_outcome o = harness_run(h, cases[i].command, cases[i].input);

		assert_in_range(o.code, 1, 2);
		HAS(o.err, cases[i].err);
		assert_string_equal(o.out, "");
		assert_null(harness_read(h, ".fiberwise/configs/n.json"));
	}
	HAS(RUN(h, "app oauth list --to-instance stage", NULL, 1).err, "known: local");
	harness_write(h, ".fiberwise/configs/evil.json",
		      "{\"api_key\":\"canary\",\"base_url\":\"http://far.example\"}");
	HAS(RUN(h, "app oauth list --to-instance evil", NULL, 1).err, "evil.json: http://far.example is plain http");
	harness_write(h, ".fiberwise/configs/evil.json",
		      "{\"api_key\":\"canary\\r\\nX: y\",\"base_url\":\"http://127.0.0.1\"}");
	HAS(RUN(h, "app oauth list --to-instance evil", NULL, 1).err, "can't be part of a key");
	assert_int_equal(harness_count(h), 0);
}

/* ---- app init */

static void app_is_made_once(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_reply(h, "POST /api/v1/apps", 201, "{\"id\":\"app-1\",\"name\":\"Mail\"}");
	o = RUN(h, "app init --name Mail", NULL, 0);
	HAS(o.out, "Made the app \"Mail\"");
	assert_string_equal(harness_request(h, 0)->body, "{\"name\":\"Mail\"}");
	HAS(harness_read(h, "./.fw-data/fw_app_info.json"), "\"app_id\":\"app-1\"");

	harness_reply(h, "GET /api/v1/apps/app-1", 200, "{\"id\":\"app-1\",\"name\":\"Mail\"}");
	HAS(RUN(h, "app init", NULL, 0).out, "already has the app \"Mail\"");
	harness_reply(h, "GET /api/v1/apps/app-1", 404, "{\"error\":\"not_found\",\"detail\":\"no\"}");
	HAS(RUN(h, "app init", NULL, 1).err, "delete that file to make a new app");
	assert_int_equal(harness_count(h), 3);

	/* The app goes along from now on. */
	harness_reply(h, LIST "&app_id=app-1", 200, "[]");
	RUN(h, "app oauth list", NULL, 0);
	HAS(RUN(h, "app oauth list --app-id other", NULL, 2).err, "--app-id says other, but");
	harness_reply(h, LIST, 200, "[]");
	o = RUN(h, "app oauth list --app-dir ..", NULL, 0);
	HAS(o.err, "taking the app \"default\"");
	HAS(RUN(h, "app oauth list --app-dir ./none", NULL, 1).err, "there is no directory ./none");
}

static void app_takes_the_directorys_name(void **state)
{
	struct harness *h = *state;

	harness_reply(h, "POST /api/v1/apps", 201, "{\"app_id\":\"app-2\"}");
	RUN(h, "app init --json", NULL, 0);
	assert_string_equal(harness_request(h, 0)->body, "{\"name\":\"work\"}");
	HAS(harness_read(h, "./.fw-data/fw_app_info.json"), "\"app_id\":\"app-2\"");
}

/* ---- register */

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
	assert_int_equal(harness_count(h), 0);

	harness_setenv(h, "GOOGLE_SECRET=canary\"SECRET");
	harness_reply(h, "POST /api/v1/oauth/authenticators", 201, GOOGLE);
	o = RUN(h, "app oauth register-authenticator --authenticator-config ./g.json --verbose", NULL, 0);
	assert_string_equal(
		harness_request(h, 0)->body,
		"{\"name\":\"Google\",\"authenticator_type\":\"google\",\"client_id\":\"c1\","
		"\"client_secret\":\"canary\\\"SECRET\",\"scopes\":[\"openid\",\"email\"],\"app_id\":null}");
	HAS(harness_request(h, 0)->head, "Authorization: Bearer " HARNESS_KEY "\r\n");
	HAS(harness_request(h, 0)->head, "Content-Type: application/json");
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
		harness_request(h, 1)->body,
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
	assert_string_equal(harness_request(h, 2)->body,
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
	HAS(o.err, "fiber: 2 fields are wrong\n");
	HAS(o.err, "  client_id  is missing\n");
	HAS(o.err, "  scopes  (line 4) must be a list\n");
	HAS(o.err, "GOOGLE_CLIENT_ID in the environment");
	HAS(o.err, "request r-77");
}

/* ---- list, update, delete */

static void authenticators_are_listed(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_reply(h, LIST, 200, "[" GOOGLE "," OLD "]");
	o = RUN(h, "list-authenticators", NULL, 0);
	HAS(o.out, "NAME    TYPE    STATUS    SCOPES         ID\n");
	HAS(o.out, "Google  google  active    openid, email  " ID "\n");
	HAS(o.out, "Old     google  disabled  -              old1\n");
	harness_reply(h, LIST, 200, "[]");
	HAS(RUN(h, "app oauth list", NULL, 0).out, "No authenticator is registered");
	harness_reply(h, LIST, 200, "[" OLD "]");
	HAS(RUN(h, "app oauth list --json", NULL, 0).out, "[{\"authenticator_type\":\"google\",\"id\":\"old1\"");
}

static void hostile_names_cannot_steer(void **state)
{
	struct harness *h = *state;

	harness_reply(h, LIST, 200,
		      "[{\"id\":\"1\",\"name\":\"\\u001b]0;x\\u0007\\u202eevil\\u009b1m\",\"scopes\":[\"a\\nb\"]}]");
	HAS(RUN(h, "app oauth list", NULL, 0).out, "\xEF\xBF\xBD]0;x");
	harness_reply(h, LIST, 401, "{\"error\":\"x\",\"detail\":\"\\u001b[31mred\\nnew line\",\"hint\":\"\\u001b\"}");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "[31mred new line");
}

static void update_by_any_name(void **state)
{
	struct harness *h = *state;

	harness_reply(h, LIST, 200, "[" OLD "," GOOGLE "]");
	harness_reply(h, "PATCH /api/v1/oauth/authenticators/" ID, 200, GOOGLE);
	HAS(RUN(h, "app oauth update gooGLE --scopes=a,b --client-secret=-", "canarySECRET\n", 0).out,
	    "Updated \"Google\".");
	assert_string_equal(harness_request(h, 1)->body,
			    "{\"scopes\":[\"a\",\"b\"],\"client_secret\":\"canarySECRET\"}");

	harness_reply(h, LIST, 200, "[" OLD "," GOOGLE "]");
	harness_reply(h, "PATCH /api/v1/oauth/authenticators/old1", 200, OLD);
	HAS(RUN(h, "update-authenticator old1 --enable", NULL, 0).out, "disabled");
	assert_string_equal(harness_request(h, 3)->body, "{\"is_active\":true}");

	harness_write(h, "./g.json",
		      "{\"name\":\"Google\",\"scopes\":[\"x\"],\"app_id\":\"a\",\"token_uri\":\"https://old\"}");
	harness_reply(h, LIST, 200, "[" GOOGLE "]");
	harness_reply(h, "PATCH /api/v1/oauth/authenticators/" ID, 422,
		      "{\"error\":\"validation_failed\",\"detail\":\"d\",\"fields\":{\"scopes\":\"unknown\"}}");
	HAS(RUN(h, "app oauth update Google --authenticator-config g.json --token-url https://new", NULL, 1).err,
	    "(line 1) unknown");
	assert_string_equal(harness_request(h, 5)->body,
			    "{\"name\":\"Google\",\"scopes\":[\"x\"],\"token_url\":\"https://new\"}");

	HAS(RUN(h, "app oauth update Google", NULL, 2).err, "nothing to change was given");
	HAS(RUN(h, "app oauth update Google --enable --disable", NULL, 2).err, "contradict");
}

static void references_that_do_not_fit(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_reply(h, LIST, 200,
		      "[" OLD "," GOOGLE ",{\"id\":\"x\",\"name\":\"Slack\",\"authenticator_type\":\"google\"}]");
	/* "google" is the name of one; only without that it would be the type of three. */
	harness_reply(h, "DELETE /api/v1/oauth/authenticators/" ID, 200, "{\"success\":true,\"message\":\"m\"}");
	HAS(RUN(h, "app oauth delete google", NULL, 0).out, "Deleted \"Google\"");
	harness_reply(h, LIST, 200, "[" OLD ",{\"id\":\"x\",\"name\":\"Slack\",\"authenticator_type\":\"google\"}]");
	o = RUN(h, "app oauth delete google", NULL, 1);
	HAS(o.err, "\"google\" means more than one");
	HAS(o.err, "old1 (Old), x (Slack)");
	harness_reply(h, LIST, 200, "[" OLD "]");
	HAS(RUN(h, "app oauth delete github --yes", NULL, 1).err, "it has: Old");
	harness_reply(h, LIST, 200, "[]");
	HAS(RUN(h, "delete-authenticator github", NULL, 1).err, "it has none yet");
	assert_int_equal(harness_count(h), 5);
}

static void deleting_asks_on_a_terminal(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_reply(h, LIST, 200, "[" GOOGLE "]");
	o = harness_run_tty(h, 80, "app oauth delete Google", "n\n");
	assert_int_equal(o.code, 1);
	HAS(o.out, "Delete \"Google\" (" ID ") and revoke its connections? [y/N]");
	HAS(o.out, "nothing was deleted");
	harness_reply(h, LIST, 200, "[" GOOGLE "]");
	harness_reply(h, "DELETE /api/v1/oauth/authenticators/" ID, 200, "{}");
	assert_int_equal(harness_run_tty(h, 80, "app oauth delete Google", "y\n").code, 0);
	harness_reply(h, LIST, 200, "[" GOOGLE "]");
	harness_reply(h, "DELETE /api/v1/oauth/authenticators/" ID, 200, "{}");
	o = harness_run_tty(h, 80, "app oauth delete Google --yes", NULL);
	assert_int_equal(o.code, 0);
	LACKS(o.out, "[y/N]");
}

/* ---- connections, token, disconnect, connect */

static void connections_are_listed(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_reply(h, "GET /api/v1/credentials/connections?user=alice%40example&status=active", 200,
		      "[{\"id\":\"k1\",\"name\":\"Google\",\"account\":\"a@x\",\"status\":\"needs_reauth\",\"cause\":"
		      "\"revoked\","
		      "\"expires_at\":\"2099-01-02T03:04:05Z\",\"last_used_at\":null}]");
	o = RUN(h, "app oauth connections --user alice@example --status active", NULL, 0);
	HAS(o.out, "Google  a@x      needs_reauth (revoked)  2 Jan 2099 03:04  -          k1\n");
	harness_reply(h, "GET /api/v1/credentials/connections", 200, "[]");
	HAS(RUN(h, "app oauth connections", NULL, 0).out, "Nothing is connected");
	harness_reply(h, "GET /api/v1/credentials/connections", 200, "[]");
	assert_string_equal(RUN(h, "app oauth connections --json", NULL, 0).out, "[]\n");
}

static void token_goes_into_pipes_only(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_reply(h, "GET /api/v1/credentials/connections/My%20App%2F1/token?app_id=a&user=u&min_ttl=90", 200,
		      TOKEN);
	o = harness_run(h, "app oauth token My~App/1 --user u --app-id a --min-ttl 90 --verbose", NULL);
	assert_int_equal(o.code, 0);
	assert_string_equal(o.out, "canaryTOKEN.abc-_\n");
	LACKS(o.err, "canary");
	HAS(o.err, "\"access_token\":\"****\"");

	harness_reply(h, "GET /api/v1/credentials/connections/g/token", 200, TOKEN);
	o = harness_run(h, "app oauth token g --json", NULL);
	HAS(o.out, "\"access_token\":\"canaryTOKEN.abc-_\"");

	harness_reply(h, "GET /api/v1/credentials/connections/g/token", 200, TOKEN);
	o = harness_run_tty(h, 80, "app oauth token g", NULL);
	assert_int_equal(o.code, 0);
	LACKS(o.out, "canary");
	HAS(o.out, "f1f2");
	HAS(o.out, "1 Jan 2099 00:00");

	harness_reply(h, "GET /api/v1/credentials/connections/g/token", 200, TOKEN);
	o = harness_run_tty(h, 80, "app oauth token g --json", NULL);
	LACKS(o.out, "canary");
	HAS(o.out, "\"access_token\":\"****\"");

	harness_reply(h, "GET /api/v1/credentials/connections/g/token", 200, TOKEN);
	HAS(harness_run_tty(h, 80, "app oauth token g --show", NULL).out, "canaryTOKEN.abc-_");

	HAS(RUN(h, "app oauth token g --min-ttl soon", NULL, 2).err, "no number of seconds");
	harness_reply(h, "GET /api/v1/credentials/connections/g/token", 200, "{\"access_token\":\"\"}");
	HAS(RUN(h, "app oauth token g", NULL, 1).err, "holds no access token");
	harness_reply(h, "GET /api/v1/credentials/connections/g/token", 409,
		      "{\"error\":\"needs_reauth\",\"detail\":\"Google needs alice again\",\"hint\":\"connect anew\"}");
	o = RUN(h, "app oauth token g", NULL, 1);
	assert_string_equal(o.out, "");
	HAS(o.err, "fiber: Google needs alice again\n  next: connect anew\n");
	harness_reply(h, "GET /api/v1/credentials/connections/g/token", 409,
		      "{\"error\":\"ambiguous\",\"detail\":\"two\",\"candidates\":[{\"id\":\"k1\",\"account\":\"a@x\"},"
		      "{\"id\":\"k2\"}]}");
	HAS(RUN(h, "app oauth token g", NULL, 1).err, "    k1  a@x\n    k2\n");
}

static void accounts_are_disconnected(void **state)
{
	struct harness *h = *state;

	harness_reply(h, "DELETE /api/v1/credentials/connections/g?app_id=a&user=u", 200,
		      "{\"success\":true,\"message\":\"m\"}");
	HAS(RUN(h, "app oauth disconnect g --user u --app-id a", NULL, 0).out, "Disconnected \"g\".");
	harness_reply(h, "DELETE /api/v1/credentials/connections/..%2Fx", 404,
		      "{\"error\":\"not_found\",\"detail\":\"none\"}");
	HAS(RUN(h, "app oauth disconnect ../x", NULL, 1).err, "fiber: none");
}

#define LINK "{\"id\":\"l1\",\"url\":\"http://127.0.0.1:7001/connect/LINK\",\"expires_at\":\"2099-01-01T00:00:00Z\"}"

static void connect_waits_for_the_person(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_reply(h, "POST /api/v1/credentials/connect-links", 201, LINK);
	harness_reply(h, "GET /api/v1/credentials/connect-links/l1", 200, "{\"status\":\"waiting\"}");
	harness_reply(h, "GET /api/v1/credentials/connect-links/l1", 503, "{}");
	harness_reply(h, "GET /api/v1/credentials/connect-links/l1", 200,
		      "{\"status\":\"connected\",\"connection_id\":\"k1\"}");
	harness_reply(
		h, "GET /api/v1/credentials/connections?app_id=a&user=alice", 200,
		"[{\"id\":\"k0\"},{\"id\":\"k1\",\"account\":\"a@x\",\"status\":\"active\",\"scopes\":[\"openid\"],"
		"\"missing_scopes\":[\"mail\"]}]");
	o = RUN(h, "app oauth connect google --user alice --expect-account a@x --app-id a", NULL, 0);
	assert_string_equal(
		harness_request(h, 0)->body,
		"{\"authenticator\":\"google\",\"user\":\"alice\",\"expect_account\":\"a@x\",\"app_id\":\"a\"}");
	assert_string_equal(o.out,
			    "http://127.0.0.1:7001/connect/LINK\nConnected google as a@x.\n  connection      k1\n"
			    "  scopes          openid\n  not granted     mail\n");
	assert_string_equal(o.err, "");
}

static void connect_shows_progress_on_a_terminal(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_reply(h, "POST /api/v1/credentials/connect-links", 201, LINK);
	harness_reply(h, "GET /api/v1/credentials/connect-links/l1", 200, "{\"status\":\"opened\"}");
	harness_reply(h, "GET /api/v1/credentials/connect-links/l1", 200, "{\"status\":\"connected\"}");
	o = harness_run_tty(h, 80, "app oauth connect google", NULL);
	assert_int_equal(o.code, 0);
	HAS(o.out, "Open this link");
	HAS(o.out, "opened; waiting for the provider");
	HAS(o.out, "fiber app oauth token google");
}

static void connect_fails_with_a_reason(void **state)
{
	struct harness *h = *state;

	harness_reply(h, "POST /api/v1/credentials/connect-links", 201, LINK);
	harness_reply(
		h, "GET /api/v1/credentials/connect-links/l1", 200,
		"{\"status\":\"failed\",\"error\":\"access_denied\",\"error_description\":\"The person said no.\"}");
	HAS(RUN(h, "app oauth connect google", NULL, 1).err, "not connected: The person said no.");
	harness_reply(h, "POST /api/v1/credentials/connect-links", 201,
		      "{\"id\":\"l2\",\"url\":\"http://x/connect/L\",\"expires_at\":\"2001-01-01T00:00:00Z\"}");
	harness_reply(h, "GET /api/v1/credentials/connect-links/l2", 200, "{\"status\":\"waiting\"}");
	HAS(RUN(h, "app oauth connect google", NULL, 1).err, "ended before the account was connected");
	harness_reply(h, "POST /api/v1/credentials/connect-links", 404,
		      "{\"error\":\"not_found\",\"detail\":\"no google\"}");
	HAS(RUN(h, "app oauth connect google", NULL, 1).err, "no google");
	harness_reply(h, "POST /api/v1/credentials/connect-links", 201, LINK);
	HAS(RUN(h, "app oauth connect google --no-wait --json", NULL, 0).out, "\"id\":\"l1\"");
}

/* ---- asked on a terminal */

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
	HAS(o.out, "Client secret (Enter for none) of google: ");
	/* The id is echoed, the secret is not. */
	HAS(o.out, "my-client");
	LACKS(o.out, "canary");
	HAS(harness_request(h, 1)->body, "\"client_id\":\"my-client\",\"client_secret\":\"canarySECRET\"");

	o = harness_run_tty(h, 80, "account add-config --name asked --base-url https://x", "canaryKEY\n");
	assert_int_equal(o.code, 0);
	LACKS(o.out, "canary");
	HAS(harness_read(h, ".fiberwise/configs/asked.json"), "canaryKEY");
}

/* ---- colour and width */

static void terminals_get_colour_and_their_width(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_setenv(h, "TERM=xterm");
	harness_reply(h, LIST, 200, "[" GOOGLE "]");
	o = harness_run_tty(h, 70, "app oauth list", NULL);
	HAS(o.out, "\033[1mGoogle\033[0m");
	HAS(o.out, "openid, ema…");
	HAS(o.out, ID);
	harness_reply(h, LIST, 200, "[" GOOGLE "]");
	o = harness_run_tty(h, 40, "app oauth list", NULL);
	HAS(o.out, "NAME");
	HAS(o.out, "openid, email");
	harness_setenv(h, "NO_COLOR=1");
	harness_reply(h, LIST, 200, "[" GOOGLE "]");
	LACKS(harness_run_tty(h, 70, "app oauth list", NULL).out, "\033");
}

/* ---- servers that misbehave */

static void servers_that_misbehave(void **state)
{
	struct harness *h = *state;

	harness_reply(h, LIST, 200, "<html>");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "isn't JSON");
	harness_reply(h, LIST, 200, "{}");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "is no list");
	harness_reply(h, LIST, HARNESS_CLOSE, "");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "broke off");
	harness_reply(h, LIST, 502, "<html>bad gateway</html>");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "not available (HTTP status 502)");
	harness_reply_with(h, LIST, 429, "Retry-After: 7\r\n", "{\"error\":\"too_many_requests\",\"detail\":\"slow\"}");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "try again in 7 s");
	harness_reply(h, LIST, 401, "{\"error\":\"unauthenticated\",\"detail\":\"bad key\"}");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "give the instance \"local\" a valid key");
}

/* The key must not follow a redirect, nor go to a proxy. */
static void the_key_stays_here(void **state)
{
	struct harness *h = *state;
	char redirect[80], proxy[80];

	snprintf(redirect, sizeof redirect, "Location: http://127.0.0.1:%u/api/v1/elsewhere\r\n", harness_port(h));
	harness_reply_with(h, LIST, 302, redirect, "");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "sent us to another address");
	assert_int_equal(harness_count(h), 1);

	snprintf(proxy, sizeof proxy, "http_proxy=http://127.0.0.1:%u", harness_port(h));
	harness_setenv(h, proxy);
	harness_write(h, ".fiberwise/configs/local.json",
		      "{\"api_key\":\"canary\",\"base_url\":\"http://127.0.0.1:9\"}");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "nothing answers at http://127.0.0.1:9");
	assert_int_equal(harness_count(h), 1);
}

static void lost_output_is_an_error(void **state)
{
	struct harness *h = *state;
	char command[400];

	snprintf(command, sizeof command, "HOME=%s %s account list-configs >/dev/full", harness_path(h, ""),
		 getenv("FIBER_BINARY"));
	assert_int_not_equal(system(command), 0);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(help_and_version),
		WITH(instances),
		WITH(wrong_instances),
		WITH(app_is_made_once),
		WITH(app_takes_the_directorys_name),
		WITH(file_is_registered),
		WITH(same_again_is_fine),
		WITH(different_one_says_how_to_update),
		WITH(type_is_registered),
		WITH(wrong_fields_have_their_line),
		WITH(authenticators_are_listed),
		WITH(hostile_names_cannot_steer),
		WITH(update_by_any_name),
		WITH(references_that_do_not_fit),
		WITH(deleting_asks_on_a_terminal),
		WITH(connections_are_listed),
		WITH(token_goes_into_pipes_only),
		WITH(accounts_are_disconnected),
		WITH(connect_waits_for_the_person),
		WITH(connect_shows_progress_on_a_terminal),
		WITH(connect_fails_with_a_reason),
		WITH(missing_values_are_asked_for),
		WITH(terminals_get_colour_and_their_width),
		WITH(servers_that_misbehave),
		WITH(the_key_stays_here),
		WITH(lost_output_is_an_error),
	};

	if (!getenv("FIBER_BINARY")) {
		fprintf(stderr, "set FIBER_BINARY to the program to test\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
