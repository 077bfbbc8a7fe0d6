/* SPDX-License-Identifier: Apache-2.0 */
/* Writing chains: going on after a stop and after kill -9, rotation, torn ends, and a disk that takes no more (LG-03). */
#include "audit/journal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/verify.h"
#include "base/mem.h"
#include "base/testtree.h"

static const unsigned char key[HASH_KEY_BYTES] = {1, 2, 3};
static char dir[64];

static struct journal *open_journal(size_t segment_bytes)
{
	const struct journal_args args = {.data_dir = dir, .name = "worker-0", .key = key, .clock = &clock_system,
					  .segment_bytes = segment_bytes};
	struct errinfo ei = {0};
	struct journal *j = NULL;

	if (journal_open(&args, &j, &ei))
		fail_msg("%s", ei.detail);
	return j;
}

static enum err add(struct journal *j, const char *event)
{
	const struct record r = {.at = 1790000000000, .event = event, .actor = "key 1"};
	struct buf members;
	enum err e;

	buf_init(&members, RECORD_MAX_BYTES);
	record_put(&members, &r);
	e = journal_add(j, buf_slice(&members));
	buf_done(&members);
	return e;
}

static void write_records(struct journal *j, int n)
{
	for (int i = 0; i < n; i++) {
		assert_int_equal(add(j, "token_read"), ERR_OK);
		if (i % 3 == 2)
			assert_int_equal(journal_write(j, NULL), ERR_OK);
	}
	assert_int_equal(journal_write(j, NULL), ERR_OK);
}

static void take(const struct verify_result *r, void *arg)
{
	*(struct verify_result *)arg = *r;
}

static struct verify_result check(void)
{
	const struct verify_args args = {.data_dir = dir, .key = key};
	struct verify_result r = {0};
	bool ok = false;

	assert_int_equal(verify_all(&args, take, &r, &ok, NULL), ERR_OK);
	if (!ok)
		fail_msg("%s", r.defect);
	return r;
}

static void path_of(int segment, char ret[128])
{
	snprintf(ret, 128, "%s/audit/worker-0/%03d.log", dir, segment);
}

static void test_goes_on_after_a_stop(void **state)
{
	struct journal *j;
	struct stat st;
	char path[128];

	(void)state;
	for (int i = 0; i < 3; i++) {
		j = open_journal(0);
		write_records(j, 10);
		journal_close(&j);
	}
	assert_int_equal(check().records, 30);
	path_of(1, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	path_of(2, path);
	assert_int_not_equal(stat(path, &st), 0);
	snprintf(path, sizeof path, "%s/audit/worker-0", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

/* What is too large leaves nothing behind, and the chain goes on where it stood. */
static void test_too_large(void **state)
{
	static char much[JOURNAL_BATCH_MAX];
	struct journal *j = open_journal(0);

	(void)state;
	memset(much, 'x', sizeof much);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(add(j, "token_read"), ERR_OK);
		assert_int_equal(journal_add(j, slice_make(much, RECORD_MAX_BYTES + 1)), ERR_TOO_LARGE);
		assert_int_equal(journal_add(j, slice_make(much, sizeof much)), ERR_TOO_LARGE);
		assert_int_equal(add(j, "token_read"), ERR_OK);
		assert_int_equal(journal_write(j, NULL), ERR_OK);
		assert_int_equal(journal_head(j).seq, 2 * (i + 1));
	}
	journal_close(&j);
	assert_int_equal(check().records, 6);
}

static void test_one_writer(void **state)
{
	const struct journal_args args = {.data_dir = dir, .name = "worker-0", .key = key, .clock = &clock_system};
	struct journal *j = open_journal(0), *other = NULL;
	struct errinfo ei = {0};

	(void)state;
	assert_int_equal(journal_open(&args, &other, &ei), ERR_BUSY);
	assert_null(other);
	journal_close(&j);
}

static void test_rotation(void **state)
{
	struct journal *j = open_journal(4096);
	struct verify_result r;

	(void)state;
	write_records(j, 100);
	journal_close(&j);
	j = open_journal(4096);
	write_records(j, 100);
	journal_close(&j);
	r = check();
	assert_int_equal(r.records, 200);
	assert_true(r.segments > 5);
}

static void test_torn_end(void **state)
{
	static const char *const junk[] = {"{\"seq\":1", "{\"seq\":11,\"by\":\"worker-0\"", "\n\n", "x\ny\nz", "{}\n"};
	char path[128];

	(void)state;
	path_of(1, path);
	for (size_t i = 0; i < ARRAY_LEN(junk); i++) {
		struct journal *j = open_journal(0);
		struct verify_result r;
		int fd;

		write_records(j, 10);
		journal_close(&j);
		fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
		assert_int_equal(write(fd, junk[i], strlen(junk[i])), strlen(junk[i]));
		assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) + 4096), 0);
		close(fd);
		assert_int_equal(check().open_bytes, strlen(junk[i]));
		j = open_journal(0);
		journal_close(&j);
		r = check();
		assert_int_equal(r.records, (int64_t)(11 * (i + 1)));
		assert_int_equal(r.torn, i + 1);
		assert_int_equal(r.open_bytes, 0);
	}
}

/* Where no next segment is to be had, what was set aside is used up first; and nothing is lost when it is to be had again. */
static void test_room_set_aside(void **state)
{
	struct journal *j = open_journal(4096);
	struct verify_result r;
	char path[128];
	int written = 0;

	(void)state;
	write_records(j, 3);
	assert_int_equal(journal_reserve(j, 64 << 10, NULL), ERR_OK);
	path_of(2, path);
	assert_int_equal(mkdir(path, 0700), 0); /* in the way of the next segment */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(add(j, "token_read"), ERR_OK);
		assert_int_equal(journal_write(j, NULL), ERR_OK);
	}
	do {
		assert_int_equal(add(j, "token_read"), ERR_OK);
		written++;
	} while (journal_write(j, NULL) == ERR_OK && written < 100000);
	assert_in_range(written, 100, 99999);
	assert_int_equal(rmdir(path), 0);
	write_records(j, 5);
	journal_close(&j);
	r = check();
	assert_int_equal(r.records, 3 + 100 + written - 1 + 5);
	assert_int_equal(r.segments, 2);
}

/* What was acknowledged over the pipe is in the file, whenever the writer is killed. */
static void test_killed_writer(void **state)
{
	int64_t acknowledged = 0;

	(void)state;
	for (int i = 0; i < 40; i++) {
		int fds[2], status;
		char c;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (pid == 0) {
			struct journal *j = open_journal(16384);

			for (;;) {
				if (add(j, "token_read") || journal_write(j, NULL) || write(fds[1], ".", 1) != 1)
					_exit(1);
			}
		}
		close(fds[1]);
		for (int n = 0; n < 5 + i * 7 && read(fds[0], &c, 1) == 1; n++)
			acknowledged++;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		while (read(fds[0], &c, 1) == 1)
			acknowledged++;
		close(fds[0]);
	}
	assert_in_range(check().records, acknowledged, acknowledged + 40);
}

/* In a child, because a limit cannot be lifted again. */
static int write_into_a_limit(void)
{
	const struct rlimit limit = {.rlim_cur = 8192, .rlim_max = RLIM_INFINITY};
	const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
	struct journal *j = open_journal(0);
	int written = 0, refused = 0;

	signal(SIGXFSZ, SIG_IGN);
	journal_close(&j); /* gives the preallocated part back */
	setrlimit(RLIMIT_FSIZE, &limit);
	j = open_journal(0);
	for (int i = 0; i < 100; i++) {
		if (add(j, "token_read"))
			return 1;
		if (journal_write(j, NULL) == ERR_OK)
			written++;
		else
			refused++;
	}
	if (!written || !refused)
		return 2;
	setrlimit(RLIMIT_FSIZE, &none);
	for (int i = 0; i < 10; i++)
		if (add(j, "token_read") || journal_write(j, NULL))
			return 3;
	if (journal_head(j).seq != written + 10)
		return 4;
	journal_fail(j);
	if (add(j, "token_read") || journal_write(j, NULL) != ERR_STORE || journal_head(j).seq != written + 10)
		return 5;
	journal_close(&j);
	return 0;
}

static void test_full_disk(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(write_into_a_limit());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(WIFEXITED(status));
	assert_in_range(check().records, 11, 109);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/journal_test.XXXXXX");
	return mkdtemp(dir) ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	return testtree_remove(dir) ? 0 : 1;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_goes_on_after_a_stop), TEST(test_too_large), TEST(test_one_writer), TEST(test_rotation), TEST(test_room_set_aside),
		TEST(test_torn_end), TEST(test_killed_writer), TEST(test_full_disk),
	};

	return cmocka_run_group_tests_name("audit/journal", tests, NULL, NULL);
}
