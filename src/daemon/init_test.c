/* SPDX-License-Identifier: Apache-2.0 */
/* The first start, the second, and every data directory that must be refused without a change. */
#include "daemon/init.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/testtree.h"
#include "secret/master.h"

struct fixture {
	char dir[64], database[96], master_key[96], admin_key[96];
	struct init_args args;
};

static int setup(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);

	snprintf(f->dir, sizeof f->dir, "/tmp/init_test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->database, sizeof f->database, "%s/fiberwise.db", f->dir);
	snprintf(f->master_key, sizeof f->master_key, "%s/keys/master.key", f->dir);
	snprintf(f->admin_key, sizeof f->admin_key, "%s/admin.key", f->dir);
	f->args = (struct init_args){.database = f->database, .master_key = f->master_key, .admin_key = f->admin_key,
				     .clock = &clock_system};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (!testtree_remove(f->dir))
		return 1;
	free(f);
	return 0;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_mode & 0777 : 0;
}

static void prepare(const struct fixture *f)
{
	struct errinfo ei = {.detail = ""};

	if (init_prepare(&f->args, &ei))
		fail_msg("%s", ei.detail);
}

/* Refused, with this in the sentence, and nothing was changed. */
static void refused(const struct fixture *f, const char *says)
{
	struct errinfo ei = {.detail = ""};
	unsigned char before[TESTTREE_SNAPSHOT_BYTES], after[TESTTREE_SNAPSHOT_BYTES];

	assert_true(testtree_snapshot(f->dir, before));
	assert_int_equal(init_prepare(&f->args, &ei), ERR_CONFIG);
	assert_true(testtree_snapshot(f->dir, after));
	if (!strstr(ei.detail, says))
		fail_msg("\"%s\" does not say \"%s\"", ei.detail, says);
	assert_string_not_equal(ei.hint, "");
	assert_memory_equal(before, after, sizeof before);
}

static void change_file(const char *path, off_t at, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

static void test_first_and_second_start(void **state)
{
	struct fixture *f = *state;
	unsigned char before[TESTTREE_SNAPSHOT_BYTES], after[TESTTREE_SNAPSHOT_BYTES];
	char path[96];

	umask(077);
	prepare(f);
	snprintf(path, sizeof path, "%s/keys", f->dir);
	assert_int_equal(mode_of(path), 0700);
	assert_int_equal(mode_of(f->master_key), 0600);
	assert_int_equal(mode_of(f->admin_key), 0600);
	assert_int_equal(mode_of(f->database), 0600);
	assert_true(testtree_snapshot(f->dir, before));
	prepare(f);
	assert_true(testtree_snapshot(f->dir, after));
	assert_memory_equal(before, after, sizeof before);
}

static void test_a_key_without_database_is_used(void **state)
{
	struct fixture *f = *state;
	char path[96], before[128] = "", after[128] = "";
	int fd;

	snprintf(path, sizeof path, "%s/keys", f->dir);
	mkdir(path, 0700);
	assert_int_equal(master_create(f->master_key, NULL), ERR_OK);
	fd = open(f->master_key, O_RDONLY);
	assert_true(read(fd, before, sizeof before - 1) > 0);
	close(fd);
	prepare(f);
	fd = open(f->master_key, O_RDONLY);
	assert_true(read(fd, after, sizeof after - 1) > 0);
	close(fd);
	assert_string_equal(before, after);
}

static void test_a_missing_key_beside_a_database_is_refused(void **state)
{
	struct fixture *f = *state;

	prepare(f);
	assert_int_equal(unlink(f->master_key), 0);
	refused(f, "is missing");
	assert_int_equal(mode_of(f->master_key), 0); /* none was made */
}

static void test_a_wrong_key_is_refused(void **state)
{
	struct fixture *f = *state;

	prepare(f);
	assert_int_equal(unlink(f->master_key), 0);
	assert_int_equal(master_create(f->master_key, NULL), ERR_OK);
	refused(f, "the master key does not fit this database");
}

static void test_key_files_that_are_refused(void **state)
{
	struct fixture *f = *state;

	prepare(f);
	chmod(f->master_key, 0640);
	refused(f, "can be read by others");
	chmod(f->master_key, 0604);
	refused(f, "can be read by others");
}

static void test_a_broken_key_file_is_refused(void **state)
{
	struct fixture *f = *state;
	struct errinfo ei = {.detail = ""};

	prepare(f);
	assert_int_equal(truncate(f->master_key, 63), 0);
	assert_int_equal(init_prepare(&f->args, &ei), ERR_CONFIG);
	assert_non_null(strstr(ei.detail, "does not hold 64 hex digits"));
}

static void test_databases_that_are_none(void **state)
{
	static const struct {
		off_t at;
		const char *bytes;
		size_t n;
		const char *says;
	} rows[] = {
		{0, "sqlite", 6, "is not an SQLite file"},
		{15, "x", 1, "is not an SQLite file"},
		{16, "\0\0", 2, "is damaged"},
		{16, "\x10\x01", 2, "is damaged"},
		{21, "\0", 1, "is damaged"},
		{23, "\0", 1, "is damaged"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *f;

		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
		f = *state;
		prepare(f);
		change_file(f->database, rows[i].at, rows[i].bytes, rows[i].n);
		refused(f, rows[i].says);
	}
}

static void test_cut_databases(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	prepare(f);
	assert_int_equal(stat(f->database, &st), 0);
	assert_int_equal(truncate(f->database, st.st_size - 100), 0);
	refused(f, "a part of a page is missing");
	assert_int_equal(truncate(f->database, 50), 0);
	refused(f, "is not an SQLite file");
	unlink(f->database);
	mkdir(f->database, 0700);
	refused(f, "not a regular file");
}

static void test_a_first_start_that_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct errinfo ei = {.detail = ""};
	unsigned char before[TESTTREE_SNAPSHOT_BYTES], after[TESTTREE_SNAPSHOT_BYTES];

	snprintf(f->database, sizeof f->database, "%s/missing/fiberwise.db", f->dir);
	assert_true(testtree_snapshot(f->dir, before));
	assert_int_not_equal(init_prepare(&f->args, &ei), ERR_OK);
	assert_true(testtree_snapshot(f->dir, after));
	assert_memory_equal(before, after, sizeof before);
	assert_non_null(strstr(ei.detail, "missing/fiberwise.db"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_and_second_start),
		TEST(test_a_key_without_database_is_used),
		TEST(test_a_missing_key_beside_a_database_is_refused),
		TEST(test_a_wrong_key_is_refused),
		TEST(test_key_files_that_are_refused),
		TEST(test_a_broken_key_file_is_refused),
		TEST(test_databases_that_are_none),
		TEST(test_cut_databases),
		TEST(test_a_first_start_that_fails_leaves_nothing),
	};

	return cmocka_run_group_tests_name("daemon/init", tests, NULL, NULL);
}
