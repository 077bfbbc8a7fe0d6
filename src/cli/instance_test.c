/* SPDX-License-Identifier: Apache-2.0 */
/* Instance files and app files, on a real directory. */
#include "cli/instance.h"

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
#include "base/testtree.h"
#include "cli/appdir.h"
#include "cli/file.h"

struct place {
	struct arena *a;
	const char *home;
};

static int set_up(void **state)
{
	struct place *p = MEM_NEW(struct place);
	char folder[] = "/tmp/cli-instance-XXXXXX";

	p->a = arena_new(1 << 20);
	assert_non_null(mkdtemp(folder));
	p->home = arena_strdup(p->a, folder);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	testtree_remove(p->home);
	arena_free(&p->a);
	free(p);
	return 0;
}

static void save(struct place *p, const char *name, const char *url, const char *key)
{
	struct instance in = {
		.name = name, .base_url = url, .api_key = secret_in_arena(p->a, secret_new(slice_from(key)))};
	bool replaced;

	assert_int_equal(instance_save(p->a, p->home, &in, &replaced, NULL), ERR_OK);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void saved_is_loaded(void **state)
{
	struct place *p = *state;
	struct instance in;
	const char *path;

	save(p, "local", "http://127.0.0.1:7001", "fw_key");
	path = arena_printf(p->a, "%s/configs/local.json", p->home);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(mode_of(arena_printf(p->a, "%s/configs", p->home)), 0700);
	assert_int_equal(instance_load(p->a, p->home, "local", &in, NULL), ERR_OK);
	assert_string_equal(in.name, "local");
	assert_string_equal(in.base_url, "http://127.0.0.1:7001");
	assert_true(secret_equal(in.api_key, SLICE_LIT("fw_key")));
	assert_string_equal(in.path, path);
}

static void replacing_keeps_the_mode_tight(void **state)
{
	struct place *p = *state;
	const char *path = arena_printf(p->a, "%s/configs/local.json", p->home);
	struct instance in;

	save(p, "local", "http://127.0.0.1:7001", "one");
	chmod(path, 0644);
	assert_true(file_is_open_to_others(path));
	save(p, "local", "http://127.0.0.1:7001", "two");
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(instance_load(p->a, p->home, "local", &in, NULL), ERR_OK);
	assert_true(secret_equal(in.api_key, SLICE_LIT("two")));
}

static void names_are_made_safe(void **state)
{
	static const struct {
		const char *name, *file;
	} cases[] = {
		{"local", "local"}, {"../../etc/passwd", "______etc_passwd"},
		{"a b", "a_b"},	    {"Prod-1_x", "Prod-1_x"},
		{"zoë", "zo__"},    {".hidden", "_hidden"},
		{"a/b", "a_b"},
	};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(instance_file_name(p->a, cases[i].name), cases[i].file);
}

static void one_file_has_one_owner(void **state)
{
	struct place *p = *state;
	struct instance in = {
		.name = "a_b", .base_url = "https://y", .api_key = secret_in_arena(p->a, secret_new(SLICE_LIT("k")))};
	struct errinfo ei = {0};
	bool replaced;

	save(p, "a b", "https://x", "k");
	assert_int_equal(instance_save(p->a, p->home, &in, &replaced, &ei), ERR_CONFLICT);
	assert_non_null(strstr(ei.detail, "\"a b\""));
	in.name = "a b";
	assert_int_equal(instance_save(p->a, p->home, &in, &replaced, &ei), ERR_OK);
	assert_true(replaced);
}

static void unknown_lists_the_known(void **state)
{
	struct place *p = *state;
	struct errinfo ei = {0};
	struct instance in;

	assert_int_equal(instance_load(p->a, p->home, NULL, &in, &ei), ERR_NOT_FOUND);
	assert_string_equal(ei.detail, "no instance is configured");
	save(p, "prod", "https://x", "k");
	save(p, "local", "https://x", "k");
	assert_int_equal(instance_load(p->a, p->home, "stage", &in, &ei), ERR_NOT_FOUND);
	assert_string_equal(ei.detail, "there is no instance \"stage\"");
	assert_non_null(strstr(ei.hint, "local, prod"));
	assert_int_equal(instance_load(p->a, p->home, NULL, &in, &ei), ERR_NOT_FOUND);
	assert_string_equal(ei.detail, "no instance is the default");
}

static void default_is_kept(void **state)
{
	struct place *p = *state;
	const char *path = arena_printf(p->a, "%s/default_config.txt", p->home);
	struct instance in;

	assert_null(instance_default(p->a, p->home));
	save(p, "prod", "https://x", "k");
	assert_int_equal(instance_set_default(p->a, p->home, "prod", NULL), ERR_OK);
	assert_string_equal(instance_default(p->a, p->home), "prod");
	assert_int_equal(instance_load(p->a, p->home, NULL, &in, NULL), ERR_OK);
	assert_string_equal(in.name, "prod");
	/* As other clients write it. */
	assert_int_equal(file_write(path, SLICE_LIT(" prod\r\n"), false, NULL), ERR_OK);
	assert_string_equal(instance_default(p->a, p->home), "prod");
	assert_int_equal(file_write(path, SLICE_LIT("\n"), false, NULL), ERR_OK);
	assert_null(instance_default(p->a, p->home));
}

static void broken_files_are_named(void **state)
{
	static const struct {
		const char *text, *detail;
	} cases[] = {
		{"{", "broken.json: not valid JSON"},
		{"[]", "broken.json has no \"base_url\""},
		{"{\"base_url\":\"https://x\"}", "broken.json has no \"api_key\""},
		{"{\"base_url\":\"https://x\",\"api_key\":7}", "broken.json has no \"api_key\""},
		{"{\"api_key\":\"canary\"}", "broken.json has no \"base_url\""},
	};
	struct place *p = *state;

	save(p, "other", "https://x", "k");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *path = arena_printf(p->a, "%s/configs/broken.json", p->home);
		struct errinfo ei = {0};
		struct instance in;

		assert_int_equal(file_write(path, slice_from(cases[i].text), true, NULL), ERR_OK);
		assert_int_equal(instance_load(p->a, p->home, "broken", &in, &ei), ERR_CONFIG);
		assert_non_null(strstr(ei.detail, cases[i].detail));
		assert_null(strstr(ei.detail, "canary"));
	}
}

static void addresses(void **state)
{
	static const struct {
		const char *url, *root; /* NULL: refused */
	} cases[] = {
		{"http://127.0.0.1:7001", "http://127.0.0.1:7001"},
		{"http://127.0.0.1:7001/", "http://127.0.0.1:7001"},
		{"http://localhost:7001/api/v1", "http://localhost:7001"},
		{"http://localhost:7001/api/v1/", "http://localhost:7001"},
		{"https://api.example.com/api/v1", "https://api.example.com"},
		{"https://example.com/fiber/", "https://example.com/fiber"},
		{"https://example.com/fiber/api/v1", "https://example.com/fiber"},
		{"http://[::1]:7001", "http://[::1]:7001"},
		{"http://example.com", NULL},
		{"http://192.168.1.5:7001", NULL},
		{"http://127.0.0.1.example.com", NULL},
		{"https://user:pass@example.com", NULL},
		{"https://example.com/?x=1", NULL},
		{"https://example.com/#f", NULL},
		{"ftp://example.com", NULL},
		{"file:///etc/passwd", NULL},
		{"example.com", NULL},
		{"", NULL},
	};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct errinfo ei = {0};
		const char *root = NULL;
		enum err e = instance_check_url(p->a, cases[i].url, &root, &ei);

		if (cases[i].root) {
			assert_int_equal(e, ERR_OK);
			assert_string_equal(root, cases[i].root);
		} else {
			assert_int_equal(e, ERR_INVALID);
			assert_true(ei.detail[0]);
			assert_null(root);
		}
	}
}

static void keys(void **state)
{
	static const char *const wrong[] = {"", "with blank", "line\nbreak", "tab\t", "caf\xC3\xA9", "del\x7F"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct secret *key = secret_new(slice_from(wrong[i]));

		assert_int_equal(instance_check_key(key, NULL), ERR_INVALID);
		secret_free(&key);
	}
	struct secret *key = secret_new(SLICE_LIT("api_api_fw_0123"));

	assert_int_equal(instance_check_key(key, NULL), ERR_OK);
	secret_free(&key);
	assert_int_equal(instance_check_key(NULL, NULL), ERR_INVALID);
}

static void put(struct place *p, const char *folder, const char *file, const char *text)
{
	const char *path = arena_printf(p->a, "%s/%s", p->home, folder);

	assert_int_equal(file_make_directory(path, false, NULL), ERR_OK);
	assert_int_equal(file_write(arena_printf(p->a, "%s/%s", path, file), slice_from(text), false, NULL), ERR_OK);
}

static void app_comes_from_its_files(void **state)
{
	struct place *p = *state;
	struct errinfo ei = {0};
	struct appdir app;

	assert_int_equal(appdir_find(p->a, p->home, "local", &app, &ei), ERR_OK);
	assert_null(app.app_id);
	put(p, ".fiber/local", "app.json", "{\"app_id\":\"second\"}");
	assert_int_equal(appdir_find(p->a, p->home, "local", &app, &ei), ERR_OK);
	assert_string_equal(app.app_id, "second");
	assert_int_equal(appdir_find(p->a, p->home, "prod", &app, &ei), ERR_OK);
	assert_null(app.app_id);
	put(p, ".fw-data", "fw_app_info.json", "{\"app_id\":\"first\"}");
	assert_int_equal(appdir_find(p->a, p->home, "local", &app, &ei), ERR_OK);
	assert_string_equal(app.app_id, "first");
	assert_non_null(strstr(app.path, ".fw-data/fw_app_info.json"));
}

static void app_of_another_instance_is_not_taken(void **state)
{
	struct place *p = *state;
	struct appdir app;
	const char *path;

	assert_int_equal(appdir_save(p->a, p->home, "local", "of-local", "A", &path, NULL), ERR_OK);
	assert_non_null(strstr(path, ".fw-data/fw_app_info.json"));
	assert_int_equal(appdir_find(p->a, p->home, "prod", &app, NULL), ERR_OK);
	assert_null(app.app_id);
	assert_int_equal(appdir_save(p->a, p->home, "prod", "of-prod", "A", &path, NULL), ERR_OK);
	assert_non_null(strstr(path, ".fiber/prod/app.json"));
	assert_int_equal(appdir_find(p->a, p->home, "prod", &app, NULL), ERR_OK);
	assert_string_equal(app.app_id, "of-prod");
	assert_int_equal(appdir_find(p->a, p->home, "local", &app, NULL), ERR_OK);
	assert_string_equal(app.app_id, "of-local");
}

static void broken_app_files_are_named(void **state)
{
	struct place *p = *state;
	struct errinfo ei = {0};
	struct appdir app;

	assert_int_equal(appdir_find(p->a, arena_printf(p->a, "%s/none", p->home), "local", &app, &ei), ERR_NOT_FOUND);
	put(p, ".fw-data", "fw_app_info.json", "{\"name\":\"x\"}");
	assert_int_equal(appdir_find(p->a, p->home, "local", &app, &ei), ERR_CONFIG);
	assert_non_null(strstr(ei.detail, "fw_app_info.json has no \"app_id\""));
	put(p, ".fw-data", "fw_app_info.json", "nope");
	assert_int_equal(appdir_find(p->a, p->home, "local", &app, &ei), ERR_CONFIG);
	assert_non_null(strstr(ei.detail, "fw_app_info.json: not valid JSON"));
}

static void failed_writes_leave_nothing(void **state)
{
	struct place *p = *state;
	const char *path = arena_printf(p->a, "%s/none/x.json", p->home);
	struct errinfo ei = {0};
	struct buf text;

	assert_int_equal(file_write(path, SLICE_LIT("x"), true, &ei), ERR_CONFIG);
	assert_non_null(strstr(ei.detail, "none/x.json"));
	/* A directory stands where the file should be: the rename fails, and the file beside it goes. */
	assert_int_equal(file_make_directory(arena_printf(p->a, "%s/d/x.json", p->home), true, NULL), ERR_OK);
	assert_int_equal(file_write(arena_printf(p->a, "%s/d/x.json", p->home), SLICE_LIT("x"), true, &ei), ERR_CONFIG);
	assert_int_equal(rmdir(arena_printf(p->a, "%s/d/x.json", p->home)), 0);
	assert_int_equal(rmdir(arena_printf(p->a, "%s/d", p->home)), 0);
	buf_init(&text, 8);
	assert_int_equal(file_read(p->home, &text, &ei), ERR_CONFIG);
	assert_int_equal(file_write(arena_printf(p->a, "%s/big", p->home), SLICE_LIT("123456789"), true, NULL), ERR_OK);
	assert_int_equal(file_read(arena_printf(p->a, "%s/big", p->home), &text, &ei), ERR_TOO_LARGE);
	buf_done(&text);
}

#define AT_A_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_A_PLACE(saved_is_loaded),
		AT_A_PLACE(replacing_keeps_the_mode_tight),
		AT_A_PLACE(names_are_made_safe),
		AT_A_PLACE(one_file_has_one_owner),
		AT_A_PLACE(unknown_lists_the_known),
		AT_A_PLACE(default_is_kept),
		AT_A_PLACE(broken_files_are_named),
		AT_A_PLACE(addresses),
		AT_A_PLACE(keys),
		AT_A_PLACE(app_comes_from_its_files),
		AT_A_PLACE(app_of_another_instance_is_not_taken),
		AT_A_PLACE(broken_app_files_are_named),
		AT_A_PLACE(failed_writes_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
