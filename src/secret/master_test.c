/* SPDX-License-Identifier: Apache-2.0 */
/* CR-03 and CR-05: which key files are refused and what a person reads then; wrapping data keys. */
#include "secret/master.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char folder[64], path[128];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/master_test.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/master.key", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)chmod(folder, 0700);
	(void)remove(path);
	return rmdir(folder);
}

static void write_key(const char *text, size_t n, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* The sentence names the file and `what`, never a piece of the key. */
static void refused(const char *what)
{
	struct master *m = NULL;
	struct errinfo ei = {0};

	assert_int_equal(master_load(path, &m, &ei), ERR_CONFIG);
	assert_null(m);
	assert_non_null(strstr(ei.detail, path));
	assert_non_null(strstr(ei.detail, what));
	assert_null(strstr(ei.detail, "8899"));
	assert_null(strstr(ei.hint, "8899"));
}

static void test_a_new_file_is_private_whole_and_never_overwritten(void **state)
{
	struct errinfo ei = {0};
	struct master *m = NULL;
	struct stat st;
	char before[80] = "", after[80] = "";
	FILE *f;

	(void)state;
	assert_int_equal(master_create(path, NULL), ERR_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 65);
	f = fopen(path, "r");
	assert_non_null(fgets(before, sizeof before, f));
	fclose(f);
	assert_int_equal(strspn(before, "0123456789abcdef"), 64);
	assert_int_equal(master_load(path, &m, NULL), ERR_OK);
	master_free(&m);
	assert_null(m);
	master_free(&m);
	master_free(NULL);

	assert_int_equal(master_create(path, &ei), ERR_CONFLICT);
	assert_non_null(strstr(ei.detail, path));
	f = fopen(path, "r");
	assert_non_null(fgets(after, sizeof after, f));
	fclose(f);
	assert_string_equal(before, after);
}

static void test_no_place_for_a_new_file(void **state)
{
	struct errinfo ei = {0};

	(void)state;
	assert_int_equal(master_create("/proc/no such folder/master.key", &ei), ERR_CONFIG);
	assert_true(ei.detail[0]);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(master_create(path, NULL), ERR_CONFLICT);
	assert_int_not_equal(access("elsewhere", F_OK), 0); /* nothing was made through the link */
}

static void test_every_group_or_other_bit_is_refused(void **state)
{
	(void)state;
	for (mode_t mode = 0; mode <= 0777; mode++) {
		struct master *m = NULL;

		if (!(mode & 0400))
			continue; /* unreadable: what then is told depends on who runs this */
		write_key(HEX64 "\n", 65, mode);
		if (mode & 077) {
			char shown[8];

			snprintf(shown, sizeof shown, "%03o", (unsigned)mode);
			refused(shown);
		} else {
			assert_int_equal(master_load(path, &m, NULL), ERR_OK);
			master_free(&m);
		}
		assert_int_equal(unlink(path), 0);
	}
}

static void test_a_foreign_owner_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can give a file away */
	write_key(HEX64 "\n", 65, 0600);
	assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
	refused("12345");
}

static void test_every_other_content_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t n;
	} cases[] = {
		{"", 0},
		{"\n", 1},
		{HEX64, 63},
		{HEX64 "\n\n", 66},
		{HEX64 "\r\n", 66},
		{HEX64 "0", 65},
		{HEX64 " ", 65},
		{HEX64 "\0", 65},
		{HEX64 HEX64, 128},
		{"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 65},
		{" 0112233445566778899aabbccddeeff00112233445566778899aabbccddeef\n", 65},
		{"\n" HEX64, 65},
		{"0x112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 64},
		{"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_key(cases[i].text, cases[i].n, 0600);
		refused("64 hex digits");
	}
}

static void test_what_is_no_file_is_refused(void **state)
{
	struct errinfo ei = {0};
	struct master *m = NULL;
	char target[140];

	(void)state;
	refused("No such file");
	assert_int_equal(master_load(path, &m, &ei), ERR_CONFIG);
	assert_non_null(strstr(ei.hint, "backup"));

	assert_int_equal(mkfifo(path, 0600), 0); /* a reader would wait for ever */
	refused("not a regular file");
	assert_int_equal(unlink(path), 0);

	assert_int_equal(mkdir(path, 0700), 0);
	refused("not a regular file");
	assert_int_equal(rmdir(path), 0);

	write_key(HEX64 "\n", 65, 0600);
	snprintf(target, sizeof target, "%s.real", path);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	refused("symbolic link");
	assert_int_equal(unlink(target), 0);
}

static struct master *load(const char *text)
{
	struct master *m = NULL;

	write_key(text, strlen(text), 0600);
	assert_int_equal(master_load(path, &m, NULL), ERR_OK);
	return m;
}

static void test_wrapped_keys_open_for_the_same_key_app_and_epoch_only(void **state)
{
	static const struct data_key key = {
		.id = "00112233445566778899aabbccddeeff", .app_id = "a", .epoch = 3, .bytes = {9, 8, 7}};
	struct arena *a = arena_new(1 << 16);
	struct master *m = load(HEX64), *other = load("ff"
						      "112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	struct slice wrapped;
	struct data_key got = key;

	(void)state;
	wrapped = master_wrap(m, &key, a);
	memset(got.bytes, 0, sizeof got.bytes);
	assert_int_equal(master_unwrap(m, wrapped, &got, NULL), ERR_OK);
	assert_memory_equal(got.bytes, key.bytes, SEAL_KEY_BYTES);
	for (int what = 0; what < 4; what++) {
		struct errinfo ei = {0};

		got = key;
		memset(got.bytes, 0, sizeof got.bytes);
		if (what == 0)
			got.id[0] = '1';
		if (what == 1)
			got.app_id[0] = 'b';
		if (what == 2)
			got.epoch = 4;
		assert_int_equal(master_unwrap(what == 3 ? other : m, wrapped, &got, &ei), ERR_CRYPTO);
		assert_memory_not_equal(got.bytes, key.bytes, SEAL_KEY_BYTES);
		assert_true(ei.detail[0] && ei.hint[0]);
	}
	assert_false(slice_eq(wrapped, master_wrap(m, &key, a)));
	master_free(&m);
	master_free(&other);
	arena_free(&a);
}

static void test_every_change_of_a_wrapped_key_is_refused(void **state)
{
	static const struct data_key key = {.id = "00112233445566778899aabbccddeeff", .epoch = 1, .bytes = {9, 8, 7}};
	struct arena *a = arena_new(1 << 16);
	struct master *m = load(HEX64 "\n");
	struct slice wrapped = master_wrap(m, &key, a);
	char *copy = arena_alloc(a, wrapped.n + 1, 1);
	struct data_key got = key;

	(void)state;
	for (size_t bit = 0; bit < wrapped.n * 8; bit++) {
		memcpy(copy, wrapped.p, wrapped.n);
		copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
		assert_int_equal(master_unwrap(m, slice_make(copy, wrapped.n), &got, NULL), ERR_CRYPTO);
	}
	for (size_t n = 0; n < wrapped.n; n++)
		assert_int_equal(master_unwrap(m, slice_make(wrapped.p, n), &got, NULL), ERR_CRYPTO);
	memcpy(copy, wrapped.p, wrapped.n);
	assert_int_equal(master_unwrap(m, slice_make(copy, wrapped.n + 1), &got, NULL), ERR_CRYPTO);
	assert_int_equal(master_unwrap(m, (struct slice){0}, &got, NULL), ERR_CRYPTO);
	master_free(&m);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_new_file_is_private_whole_and_never_overwritten, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_no_place_for_a_new_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_group_or_other_bit_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_foreign_owner_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_other_content_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_no_file_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrapped_keys_open_for_the_same_key_app_and_epoch_only, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_every_change_of_a_wrapped_key_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
