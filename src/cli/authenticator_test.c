/* SPDX-License-Identifier: Apache-2.0 */
/* Listing, changing and deleting authenticators by the real binary. */
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
	assert_string_equal(harness_body(h, 1), "{\"scopes\":[\"a\",\"b\"],\"client_secret\":\"canarySECRET\"}");

	harness_reply(h, LIST, 200, "[" OLD "," GOOGLE "]");
	harness_reply(h, "PATCH /api/v1/oauth/authenticators/old1", 200, OLD);
	HAS(RUN(h, "update-authenticator old1 --enable", NULL, 0).out, "disabled");
	assert_string_equal(harness_body(h, 3), "{\"is_active\":true}");

	harness_write(h, "./g.json",
		      "{\"name\":\"Google\",\"scopes\":[\"x\"],\"app_id\":\"a\",\"token_uri\":\"https://old\"}");
	harness_reply(h, LIST, 200, "[" GOOGLE "]");
	harness_reply(h, "PATCH /api/v1/oauth/authenticators/" ID, 422,
		      "{\"error\":\"validation_failed\",\"detail\":\"d\",\"fields\":{\"scopes\":\"unknown\"}}");
	HAS(RUN(h, "app oauth update Google --authenticator-config g.json --token-url https://new", NULL, 1).err,
	    "(line 1) unknown");
	assert_string_equal(harness_body(h, 5),
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
	assert_int_equal(script_count(harness_script(h)), 5);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(authenticators_are_listed),   HARNESS_TEST(hostile_names_cannot_steer),
		HARNESS_TEST(update_by_any_name),	   HARNESS_TEST(references_that_do_not_fit),
		HARNESS_TEST(deleting_asks_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
