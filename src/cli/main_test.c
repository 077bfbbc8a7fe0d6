/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each command of the real binary against a scripted server: what it asks, what it prints, how it
 * ends. Every secret of these runs holds the word "canary", which no output may show.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/harness.h"

#define ID "0123456789abcdef0123456789abcdef"
#define GOOGLE \
	"{\"id\":\"" ID "\",\"authenticator_id\":\"" ID "\",\"name\":\"Google\",\"authenticator_type\":\"google\"," \
	"\"client_id\":\"c1\",\"scopes\":[\"openid\",\"email\"],\"redirect_uri\":\"http://127.0.0.1:7001/auth/" \
	"callback/" ID "\",\"app_id\":\"default\",\"is_active\":true}"
#define LIST "GET /api/v1/oauth/authenticators?include_disabled=true"

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
	assert_int_equal(script_count(harness_script(h)), 0);
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
	assert_int_equal(script_count(harness_script(h)), 0);
}

/* ---- app init */

static void app_is_made_once(void **state)
{
	struct harness *h = *state;
	struct harness_outcome o;

	harness_reply(h, "POST /api/v1/apps", 201, "{\"id\":\"app-1\",\"name\":\"Mail\"}");
	o = RUN(h, "app init --name Mail", NULL, 0);
	HAS(o.out, "Made the app \"Mail\"");
	assert_string_equal(harness_body(h, 0), "{\"name\":\"Mail\"}");
	HAS(harness_read(h, "./.fw-data/fw_app_info.json"), "\"app_id\":\"app-1\"");

	harness_reply(h, "GET /api/v1/apps/app-1", 200, "{\"id\":\"app-1\",\"name\":\"Mail\"}");
	HAS(RUN(h, "app init", NULL, 0).out, "already has the app \"Mail\"");
	harness_reply(h, "GET /api/v1/apps/app-1", 404, "{\"error\":\"not_found\",\"detail\":\"no\"}");
	HAS(RUN(h, "app init", NULL, 1).err, "delete that file to make a new app");
	assert_int_equal(script_count(harness_script(h)), 3);

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
	assert_string_equal(harness_body(h, 0), "{\"name\":\"work\"}");
	HAS(harness_read(h, "./.fw-data/fw_app_info.json"), "\"app_id\":\"app-2\"");
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
	harness_reply(h, LIST, SCRIPT_CLOSE, "");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "broke off");
	harness_reply(h, LIST, 502, "<html>bad gateway</html>");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "not available (HTTP status 502)");
	harness_reply_with(h, LIST, 429, "Retry-After: 7\r\n", "{\"error\":\"too_many_requests\",\"detail\":\"slow\"}");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "try again in 7 s");
	harness_reply(h, LIST, 401,
		      "{\"error\":\"unauthenticated\",\"detail\":\"bad key\",\"hint\":\"send a header\"}");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "give the instance \"local\" a valid key");
}

/* The key must not follow a redirect, nor go to a proxy. */
static void the_key_stays_here(void **state)
{
	struct harness *h = *state;
	char redirect[80], proxy[80];

	snprintf(redirect, sizeof redirect, "Location: http://127.0.0.1:%u/api/v1/elsewhere\r\n",
		 script_port(harness_script(h)));
	harness_reply_with(h, LIST, 302, redirect, "");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "sent us to another address");
	assert_int_equal(script_count(harness_script(h)), 1);

	snprintf(proxy, sizeof proxy, "http_proxy=http://127.0.0.1:%u", script_port(harness_script(h)));
	harness_setenv(h, proxy);
	harness_write(h, ".fiberwise/configs/local.json",
		      "{\"api_key\":\"canary\",\"base_url\":\"http://127.0.0.1:9\"}");
	HAS(RUN(h, "app oauth list", NULL, 1).err, "nothing answers at http://127.0.0.1:9");
	assert_int_equal(script_count(harness_script(h)), 1);
}

static void lost_output_is_an_error(void **state)
{
	struct harness *h = *state;
	char *binary = getenv("FIBER_BINARY"), *argv[] = {binary, (char[]){"account"}, (char[]){"list-configs"}, NULL};
	char home[256], *env[] = {home, NULL};
	posix_spawn_file_actions_t to_full;
	int status = 0;
	pid_t pid;

	if (!binary) {
		fail_msg("FIBER_BINARY is not set");
		return;
	}
	snprintf(home, sizeof home, "HOME=%s", harness_path(h, ""));
	posix_spawn_file_actions_init(&to_full);
	posix_spawn_file_actions_addopen(&to_full, STDOUT_FILENO, "/dev/full", O_WRONLY, 0);
	assert_int_equal(posix_spawn(&pid, binary, &to_full, NULL, argv, env), 0);
	posix_spawn_file_actions_destroy(&to_full);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HARNESS_TEST(help_and_version),
		HARNESS_TEST(instances),
		HARNESS_TEST(wrong_instances),
		HARNESS_TEST(app_is_made_once),
		HARNESS_TEST(app_takes_the_directorys_name),
		HARNESS_TEST(terminals_get_colour_and_their_width),
		HARNESS_TEST(servers_that_misbehave),
		HARNESS_TEST(the_key_stays_here),
		HARNESS_TEST(lost_output_is_an_error),
	};

	if (!getenv("FIBER_BINARY")) {
		fprintf(stderr, "set FIBER_BINARY to the program to test\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
