/* SPDX-License-Identifier: Apache-2.0 */
/* The helper on which other tests rely to say that nothing was changed: that it sees each kind of change. */
#include "base/testtree.h"

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

static char dir[64];

static const char *at(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
	return path[turn];
}

static void put(const char *name, const char *text)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void look(unsigned char ret[TESTTREE_SNAPSHOT_BYTES])
{
	assert_true(testtree_snapshot(dir, ret));
}

/* Whether the tree is the one of the last call. */
static bool same(void)
{
	static unsigned char last[TESTTREE_SNAPSHOT_BYTES];
	unsigned char now[TESTTREE_SNAPSHOT_BYTES];
	bool equal;

	look(now);
	equal = memcmp(now, last, sizeof now) == 0;
	memcpy(last, now, sizeof now);
	return equal;
}

static void test_sees_what_changed(void **state)
{
	(void)state;
	assert_false(same());
	assert_true(same());
	put("one/file", "text");
	assert_true(same());
	put("one/file", "texT");
	assert_false(same());
	put("one/file", "text and more");
	assert_false(same());
	assert_int_equal(chmod(at("one/file"), 0640), 0);
	assert_false(same());
	assert_int_equal(rename(at("one/file"), at("one/other")), 0);
	assert_false(same());
	assert_int_equal(mkdir(at("empty"), 0700), 0);
	assert_false(same());
	assert_int_equal(chmod(dir, 0711), 0);
	assert_false(same());
	assert_int_equal(symlink("one", at("link")), 0);
	assert_false(same());
	assert_true(same());
}

static void test_a_missing_tree_is_no_empty_one(void **state)
{
	unsigned char unused[TESTTREE_SNAPSHOT_BYTES];

	(void)state;
	assert_false(testtree_snapshot(at("nowhere"), unused));
	assert_false(testtree_remove(at("nowhere")));
}

/* Beside the tree lies what only a link points to. */
static void test_follows_no_link(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("kept"), 0700), 0);
	put("kept/file", "x");
	assert_int_equal(symlink(at("kept"), at("one/out")), 0);
	assert_true(testtree_remove(at("one")));
	assert_int_not_equal(access(at("one"), F_OK), 0);
	assert_int_equal(access(at("kept/file"), F_OK), 0);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/testtree.XXXXXX");
	if (!mkdtemp(dir) || mkdir(at("one"), 0700) != 0)
		return 1;
	put("one/file", "text");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return testtree_remove(dir) && access(dir, F_OK) != 0 ? 0 : 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sees_what_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_missing_tree_is_no_empty_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_follows_no_link, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
