/* SPDX-License-Identifier: Apache-2.0 */
/* Where values come from, what is refused and with which words, and that the documentation is the table's. */
#include "daemon/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static const char *docs_path;
static char dir[] = "/tmp/config_test.XXXXXX";
static char file[64];

static enum err load(const char *conf, const char *const *env, struct config **ret, struct errinfo *ei)
{
	char *none[] = {NULL};
	struct config_args args = {.env = env ? (char *const *)(uintptr_t)env : none};

	memset(ei, 0, sizeof *ei);
	if (conf) {
		FILE *f = fopen(file, "w");

		assert_non_null(f);
		fputs(conf, f);
		fclose(f);
		args.file = file;
	}
	return config_load(&args, ret, ei);
}

static void test_defaults(void **state)
{
	struct config *c = NULL;
	struct errinfo ei;
	struct sockaddr_storage address;

	(void)state;
	assert_int_equal(load("", NULL, &c, &ei), ERR_OK);
	assert_string_equal(config_get(c, CONFIG_LISTEN), "127.0.0.1:7001");
	assert_string_equal(config_get(c, CONFIG_PUBLIC_URL), "http://127.0.0.1:7001");
	assert_string_equal(config_get(c, CONFIG_DATA_DIR), ".fiberwise-core");
	assert_string_equal(config_get(c, CONFIG_DATABASE), "sqlite:.fiberwise-core/fiberwise.db");
	assert_string_equal(config_get(c, CONFIG_MASTER_KEY_FILE), ".fiberwise-core/keys/master.key");
	assert_string_equal(config_get(c, CONFIG_LOG_FILE), ".fiberwise-core/logs/oauth.log");
	assert_string_equal(config_get(c, CONFIG_EGRESS_ALLOW), "");
	assert_string_equal(config_get(c, CONFIG_DEBUG), "false");
	assert_string_equal(config_source(c, CONFIG_DEBUG), "default");
	assert_in_range(config_workers(c), 1, CONFIG_WORKERS_MAX);
	assert_true(config_listen(c, &address) > 0);
	config_free(&c);
	assert_null(c);
}

static void test_environment_wins_over_file(void **state)
{
	static const char *const env[] = {"HOME=/root", "FIBERWISE_WORKERS=3", "OAUTH_DEBUG=true", "NOT_OURS=1", NULL};
	struct config *c = NULL;
	struct errinfo ei;

	(void)state;
	assert_int_equal(load("# a comment\n\n  FIBERWISE_WORKERS = 2 \r\nFIBERWISE_LISTEN=[::1]:7002\n"
			      "FIBERWISE_DATA_DIR=/srv/a dir\n",
			      env, &c, &ei),
			 ERR_OK);
	assert_int_equal(config_workers(c), 3);
	assert_string_equal(config_source(c, CONFIG_WORKERS), "environment");
	assert_non_null(strstr(config_source(c, CONFIG_LISTEN), "fiberd.conf line 4"));
	assert_string_equal(config_get(c, CONFIG_PUBLIC_URL), "http://[::1]:7002");
	assert_string_equal(config_get(c, CONFIG_DATABASE), "sqlite:/srv/a dir/fiberwise.db");
	assert_string_equal(config_get(c, CONFIG_DEBUG), "true");
	config_free(&c);
}

static void test_file_in_the_data_directory(void **state)
{
	char env_text[96];
	const char *env[] = {env_text, NULL};
	struct config *c = NULL;
	struct errinfo ei;
	FILE *f = fopen(file, "w");

	(void)state;
	snprintf(env_text, sizeof env_text, "FIBERWISE_DATA_DIR=%s", dir);
	fputs("FIBERWISE_WORKERS=5\n", f);
	fclose(f);
	assert_int_equal(load(NULL, env, &c, &ei), ERR_OK);
	assert_int_equal(config_workers(c), 5);
	config_free(&c);
	f = fopen(file, "w");
	fputs("FIBERWISE_DATA_DIR=/elsewhere\n", f);
	fclose(f);
	assert_int_equal(load(NULL, env, &c, &ei), ERR_CONFIG);
	assert_non_null(strstr(ei.detail, "cannot say where that is"));
	unlink(file);
	assert_int_equal(load(NULL, env, &c, &ei), ERR_OK); /* no file there is fine */
	assert_string_equal(ei.detail, "");
	config_free(&c);
}

static void test_a_named_file_must_be_there(void **state)
{
	char *none[] = {NULL};
	struct config_args args = {.file = "/nonexistent/fiberd.conf", .env = none};
	struct config *c = NULL;
	struct errinfo ei = {.detail = ""};

	(void)state;
	assert_int_equal(config_load(&args, &c, &ei), ERR_NOT_FOUND);
	assert_non_null(strstr(ei.detail, "/nonexistent/fiberd.conf"));
	assert_null(c);
}

static void test_what_is_refused_and_how(void **state)
{
	static const struct {
		const char *conf;
		const char *env;
		const char *says[4];
	} rows[] = {
		{"FIBERWISE_WORKER=2\n", NULL, {"fiberd.conf line 1", "FIBERWISE_WORKER", "FIBERWISE_WORKERS?"}},
		{"\nNONSENSE=2\n", NULL, {"line 2", "NONSENSE"}},
		{"", "FIBERWISE_LISTN=127.0.0.1:1", {"environment", "FIBERWISE_LISTN", "FIBERWISE_LISTEN?"}},
		{"", "FIBERWISE_TRACING=always", {"environment", "FIBERWISE_TRACING"}},
		{"FIBERWISE_AUDIT_SYNC=never\n", NULL, {"FIBERWISE_AUDIT_SYNC=never", "100ms or always"}},
		{"FIBERWISE_AUDIT_SYNC=\n", NULL, {"FIBERWISE_AUDIT_SYNC", "100ms or always"}},
		{"FIBERWISE_AUDIT_SYNC=100 ms\n", NULL, {"FIBERWISE_AUDIT_SYNC=100 ms"}},
		{"", "FIBERWISE_=1", {"FIBERWISE_"}},
		{"FIBERWISE_WORKERS\n", NULL, {"line 1", "neither"}},
		{"=2\n", NULL, {"line 1", "neither"}},
		{"FIBERWISE_WORKERS=2\nFIBERWISE_WORKERS=3\n", NULL, {"line 2", "line 1"}},
		{"FIBERWISE_WORKERS=0\n", NULL, {"FIBERWISE_WORKERS=0", "line 1", "from 1 to 64"}},
		{"FIBERWISE_WORKERS=65\n", NULL, {"FIBERWISE_WORKERS=65"}},
		{"FIBERWISE_WORKERS=-1\n", NULL, {"FIBERWISE_WORKERS=-1"}},
		{"FIBERWISE_WORKERS=\n", NULL, {"FIBERWISE_WORKERS= "}},
		{"FIBERWISE_WORKERS=two\n", NULL, {"FIBERWISE_WORKERS=two"}},
		{"", "FIBERWISE_WORKERS=2\n3", {"control character", "environment"}},
		{"FIBERWISE_LISTEN=7001\n", NULL, {"FIBERWISE_LISTEN=7001", "127.0.0.1:7001"}},
		{"FIBERWISE_LISTEN=localhost:7001\n", NULL, {"FIBERWISE_LISTEN=localhost:7001"}},
		{"FIBERWISE_LISTEN=127.0.0.1:0\n", NULL, {"FIBERWISE_LISTEN"}},
		{"FIBERWISE_LISTEN=127.0.0.1:65536\n", NULL, {"FIBERWISE_LISTEN"}},
		{"FIBERWISE_LISTEN=::1:7001\n", NULL, {"FIBERWISE_LISTEN"}},
		{"FIBERWISE_LISTEN=[127.0.0.1]:7001\n", NULL, {"FIBERWISE_LISTEN"}},
		{"FIBERWISE_LISTEN=[]:7001\n", NULL, {"FIBERWISE_LISTEN"}},
		{"FIBERWISE_PUBLIC_URL=http://fiber.example.org\n", NULL,
		 {"FIBERWISE_PUBLIC_URL=http://fiber.example.org", "clear", "https://"}},
		{"FIBERWISE_PUBLIC_URL=https://fiber.example.org/path\n", NULL, {"without path"}},
		{"FIBERWISE_PUBLIC_URL=https://fiber.example.org?x\n", NULL, {"without path"}},
		{"FIBERWISE_PUBLIC_URL=https://fiber.example.org#x\n", NULL, {"without path"}},
		{"FIBERWISE_PUBLIC_URL=https://user@fiber.example.org\n", NULL, {"FIBERWISE_PUBLIC_URL"}},
		{"FIBERWISE_PUBLIC_URL=ftp://fiber.example.org\n", NULL, {"FIBERWISE_PUBLIC_URL"}},
		{"FIBERWISE_PUBLIC_URL=\n", NULL, {"FIBERWISE_PUBLIC_URL"}},
		{"FIBERWISE_LISTEN=0.0.0.0:7001\n", NULL, {"FIBERWISE_PUBLIC_URL=http://0.0.0.0:7001", "https"}},
		{"FIBERWISE_DATABASE=postgresql://u:hunter2@db/x\n", NULL, {"FIBERWISE_DATABASE", "not supported", "sqlite:"}},
		{"FIBERWISE_DATABASE=sqlite:\n", NULL, {"FIBERWISE_DATABASE"}},
		{"FIBERWISE_DATABASE=fiberwise.db\n", NULL, {"FIBERWISE_DATABASE=fiberwise.db"}},
		{"FIBERWISE_DATA_DIR=\n", NULL, {"FIBERWISE_DATA_DIR"}},
		{"FIBERWISE_MASTER_KEY_FILE=\n", NULL, {"FIBERWISE_MASTER_KEY_FILE"}},
		{"FIBERWISE_LOG_FILE=\n", NULL, {"FIBERWISE_LOG_FILE"}},
		{"FIBERWISE_EGRESS_ALLOW=10.0.0.0/33\n", NULL, {"FIBERWISE_EGRESS_ALLOW", "10.0.0.0/33"}},
		{"FIBERWISE_EGRESS_ALLOW=all\n", NULL, {"FIBERWISE_EGRESS_ALLOW=all", "CIDR"}},
		{"OAUTH_DEBUG=yes\n", NULL, {"OAUTH_DEBUG=yes", "true or false"}},
		{"OAUTH_DEBUG=\n", NULL, {"OAUTH_DEBUG"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *env[] = {rows[i].env, NULL};
		struct config *c = NULL;
		struct errinfo ei;
		char all[2 * ERRINFO_DETAIL_MAX + 1];

		if (load(rows[i].conf, env, &c, &ei) != ERR_CONFIG)
			fail_msg("accepted: %s%s", rows[i].conf, rows[i].env ? rows[i].env : "");
		assert_null(c);
		snprintf(all, sizeof all, "%s %s", ei.detail, ei.hint);
		for (size_t k = 0; k < 4 && rows[i].says[k]; k++)
			if (!strstr(all, rows[i].says[k]))
				fail_msg("\"%s\" does not say \"%s\"", all, rows[i].says[k]);
		assert_null(strstr(all, "hunter2"));
		assert_null(strchr(all, '\n'));
	}
}

static void test_what_is_allowed(void **state)
{
	static const char *const rows[] = {
		"FIBERWISE_PUBLIC_URL=https://fiber.example.org\nFIBERWISE_LISTEN=0.0.0.0:80\n",
		"FIBERWISE_PUBLIC_URL=http://localhost:7001\n",
		"FIBERWISE_PUBLIC_URL=http://[::1]:7001\n",
		"FIBERWISE_EGRESS_ALLOW=127.0.0.0/8, ::1/128\n",
		"FIBERWISE_EGRESS_ALLOW=10.1.0.0/16:443\n",
		"FIBERWISE_EGRESS_ALLOW=\n",
		"FIBERWISE_WORKERS=64\n",
		"FIBERWISE_AUDIT_SYNC=100ms\n",
		"FIBERWISE_AUDIT_SYNC=always\n",
		"FIBERWISE_DATABASE=sqlite:/srv/x.db\n",
		"FIBERWISE_WORKERS=1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *c = NULL;
		struct errinfo ei;

		if (load(rows[i], NULL, &c, &ei))
			fail_msg("%s: %s", rows[i], ei.detail);
		config_free(&c);
	}
}

static void test_files_that_are_none(void **state)
{
	struct config *c = NULL;
	struct errinfo ei;
	char *big = mem_calloc(70001, 1);
	char *none[] = {NULL};
	struct config_args args = {.file = dir, .env = none};

	(void)state;
	memset(big, '#', 70000);
	assert_int_equal(load(big, NULL, &c, &ei), ERR_CONFIG);
	assert_non_null(strstr(ei.detail, "64 KiB"));
	assert_int_equal(load("FIBERWISE_DATA_DIR=\xff\n", NULL, &c, &ei), ERR_CONFIG);
	assert_int_equal(config_load(&args, &c, &ei), ERR_CONFIG); /* a directory */
	mem_free_str(&big);
}

/* The keeper gets the key file and nothing of the network, the courier no key file and no database. */
static void test_roles_get_only_what_they_need(void **state)
{
	static const struct {
		enum ipc_role role;
		const char *has, *has_not[3];
	} rows[] = {
		{IPC_KEEPER, "FIBERWISE_MASTER_KEY_FILE=", {"FIBERWISE_DATABASE", "FIBERWISE_DATA_DIR", "PUBLIC_URL"}},
		{IPC_COURIER, "FIBERWISE_EGRESS_ALLOW=", {"FIBERWISE_DATABASE", "MASTER_KEY", "PUBLIC_URL"}},
		{IPC_CLERK, "FIBERWISE_DATABASE=.fiberwise-core/fiberwise.db\n", {"MASTER_KEY", "LISTEN", "LOG_FILE"}},
		{IPC_WORKER, "FIBERWISE_PUBLIC_URL=http://127.0.0.1:7001\n", {"MASTER_KEY", "LISTEN", "LOG_FILE"}},
		{IPC_INIT, "FIBERWISE_MASTER_KEY_FILE=", {"LISTEN", "EGRESS", "LOG_FILE"}},
	};
	struct config *c = NULL;
	struct errinfo ei;

	(void)state;
	assert_int_equal(load("", NULL, &c, &ei), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf lines;

		buf_init(&lines, 4096);
		config_put_role(c, rows[i].role, &lines);
		assert_non_null(strstr(buf_cstr(&lines), rows[i].has));
		assert_non_null(strstr(buf_cstr(&lines), "OAUTH_DEBUG=false\n"));
		for (size_t k = 0; k < 3; k++)
			if (strstr(buf_cstr(&lines), rows[i].has_not[k]))
				fail_msg("%s gets %s", ipc_role_name(rows[i].role), rows[i].has_not[k]);
		buf_done(&lines);
	}
	config_free(&c);
}

/* Guard: a page kept by hand would drift from the table; the first draft of this one named keys that nothing read. */
static void test_documentation_is_current(void **state)
{
	struct buf docs;
	static char on_disk[65536];
	FILE *f = fopen(docs_path, "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(on_disk, 1, sizeof on_disk - 1, f);
	fclose(f);
	on_disk[n] = '\0';
	buf_init(&docs, sizeof on_disk);
	config_put_docs(&docs);
	for (size_t i = 0; i < CONFIG_KEY__COUNT; i++)
		assert_non_null(strstr(buf_cstr(&docs), config_name((enum config_key)i)));
	if (strcmp(buf_cstr(&docs), on_disk) != 0)
		fail_msg("docs/configuration.md is not the table's: type build/fiberd --print-config-docs >docs/configuration.md");
	buf_done(&docs);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_environment_wins_over_file),
		cmocka_unit_test(test_file_in_the_data_directory),
		cmocka_unit_test(test_a_named_file_must_be_there),
		cmocka_unit_test(test_what_is_refused_and_how),
		cmocka_unit_test(test_what_is_allowed),
		cmocka_unit_test(test_files_that_are_none),
		cmocka_unit_test(test_roles_get_only_what_they_need),
		cmocka_unit_test(test_documentation_is_current),
	};
	int failed;

	docs_path = argc > 1 ? argv[1] : "docs/configuration.md";
	if (!mkdtemp(dir))
		return 1;
	snprintf(file, sizeof file, "%s/fiberd.conf", dir);
	failed = cmocka_run_group_tests_name("daemon/config", tests, NULL, NULL);
	unlink(file);
	rmdir(dir);
	return failed;
}
