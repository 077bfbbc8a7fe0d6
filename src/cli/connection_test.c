/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting, listing, reading tokens and disconnecting by the real binary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/harness.h"

#define TOKEN \
	"{\"access_token\":\"canaryTOKEN.abc-_\",\"token_type\":\"Bearer\",\"expires_at\":\"2099-01-01T00:00:00Z\"," \
	"\"expires_in\":3600,\"scopes\":[\"openid\"],\"fingerprint\":\"f1f2\"}"

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
	HAS(o.err,
	    "fiber: Google needs alice again\n  next: the person must allow it again: fiber app oauth connect g\n");
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
	HAS(RUN(h, "app oauth disconnect ../x", NULL, 1).err,
	    "fiber: none\n  next: \"fiber app oauth connections\" lists what there is");
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
		harness_body(h, 0),
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
	struct harness_outcome o;

	harness_reply(h, "POST /api/v1/credentials/connect-links", 201, LINK);
	harness_reply(
		h, "GET /api/v1/credentials/connect-links/l1", 200,
		"{\"status\":\"failed\",\"error\":\"access_denied\",\"error_description\":\"The person said no.\"}");
	o = RUN(h, "app oauth connect google --user Ann~B", NULL, 1);
	HAS(o.err, "not connected: The person said no.");
	HAS(o.err, "next: try again: fiber app oauth connect google --user 'Ann B'\n");
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

/* A desktop's browser gets the link through a page that only the user can read, not through its command line. */
static void connect_opens_a_browser_on_a_desktop(void **state)
{
	static const char opener[] =
		"#!/bin/sh\nd=${0%/*}\necho \"$@\" >$d/argv\nstat -c %a \"$1\" >$d/mode\ncat \"$1\" >$d/page\n";
	struct harness *h = *state;
	struct harness_outcome o;
	char path[512], runtime[256], page[256];
	const char *argv;

	harness_write(h, "bin/xdg-open", opener);
	assert_int_equal(chmod(harness_path(h, "bin/xdg-open"), 0700), 0);
	snprintf(path, sizeof path, "PATH=%.200s:%.250s", harness_path(h, "bin"), getenv("PATH"));
	harness_setenv(h, path);
	harness_setenv(h, "DISPLAY=:99");
	harness_reply(h, "POST /api/v1/credentials/connect-links", 201, LINK);
	harness_reply(h, "GET /api/v1/credentials/connect-links/l1", 200, "{\"status\":\"waiting\"}");
	harness_reply(h, "GET /api/v1/credentials/connect-links/l1", 200, "{\"status\":\"connected\"}");
	/* Without a directory of the user's own the link is only shown. */
	assert_int_equal(harness_run_tty(h, 80, "app oauth connect google", NULL).code, 0);
	assert_null(harness_read(h, "bin/argv"));

	snprintf(runtime, sizeof runtime, "XDG_RUNTIME_DIR=%.200s", harness_path(h, "bin"));
	harness_setenv(h, runtime);
	harness_reply(h, "POST /api/v1/credentials/connect-links", 201, LINK);
	harness_reply(h, "GET /api/v1/credentials/connect-links/l1", 200, "{\"status\":\"waiting\"}");
	harness_reply(h, "GET /api/v1/credentials/connect-links/l1", 200, "{\"status\":\"waiting\"}");
	harness_reply(h, "GET /api/v1/credentials/connect-links/l1", 200, "{\"status\":\"connected\"}");
	o = harness_run_tty(h, 80, "app oauth connect google", NULL);
	assert_int_equal(o.code, 0);
	HAS(o.out, "http://127.0.0.1:7001/connect/LINK");
	HAS(harness_read(h, "bin/page"), "url=http://127.0.0.1:7001/connect/LINK\"");
	HAS(harness_read(h, "bin/mode"), "600");
	argv = harness_read(h, "bin/argv");
	LACKS(argv, "LINK");
	/* The page is gone again. */
	snprintf(page, sizeof page, "%.*s", (int)strcspn(argv, "\n"), argv);
	HAS(page, "/bin/fiber-");
	assert_int_equal(access(page, F_OK), -1);
	assert_int_equal(access(harness_path(h, "bin/page"), F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(connections_are_listed),
		HARNESS_TEST(token_goes_into_pipes_only),
		HARNESS_TEST(accounts_are_disconnected),
		HARNESS_TEST(connect_waits_for_the_person),
		HARNESS_TEST(connect_shows_progress_on_a_terminal),
		HARNESS_TEST(connect_fails_with_a_reason),
		HARNESS_TEST(connect_opens_a_browser_on_a_desktop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
