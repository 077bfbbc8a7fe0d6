/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, locks and leftovers on a real file system: what is read back, and what is not. */
#include "courier/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/testtree.h"

#define ONE "11111111111111111111111111111111"
#define TWO "22222222222222222222222222222222"

/* What the program calls in place of pread(). */
ssize_t __real_pread64(int fd, void *to, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t at);
static bool unreadable;

ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t at)
{
	if (!unreadable)
		return __real_pread64(fd, to, n, at);
	errno = EIO;
	return -1;
}

struct world {
	char dir[64];
	struct arena *arena;
	int64_t now;
	struct clock clock;
	size_t found;
	struct spool_slot slots[8];
	char attempts[8][SPOOL_ATTEMPT_BYTES + 1];
};

static int64_t now_of(void *arg)
{
	return ((struct world *)arg)->now;
}

static int setup(void **state)
{
	struct world *w = MEM_NEW(struct world);

	memcpy(w->dir, "/tmp/spool_test.XXXXXX", 23);
	assert_non_null(mkdtemp(w->dir));
	w->arena = arena_new(16 << 20);
	w->now = 1700000000000;
	w->clock = (struct clock){.wall_ms = now_of, .mono_ms = now_of, .arg = w};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	arena_free(&w->arena);
	testtree_remove(w->dir);
	free(w);
	return 0;
}

static void on_found(const struct spool_entry *entry, struct spool_slot slot, void *arg)
{
	struct world *w = arg;

	w->slots[w->found] = slot;
	memcpy(w->attempts[w->found], entry->attempt, sizeof entry->attempt);
	w->found++;
}

static enum err try_open(struct world *w, const char *instance, size_t slots_max, struct spool **ret_spool,
			 struct errinfo *ei)
{
	struct spool_args args = {
		.data_dir = w->dir, .instance = instance, .slots_max = slots_max, .clock = &w->clock};

	w->found = 0;
	return spool_open(&args, on_found, w, ret_spool, ei);
}

static struct spool *open_spool(struct world *w, const char *instance)
{
	struct spool *s = NULL;

	assert_int_equal(try_open(w, instance, 0, &s, NULL), ERR_OK);
	return s;
}

static struct spool_entry entry_of(struct world *w, char c, struct slice body)
{
	struct spool_entry e = {.at = w->now, .head = SLICE_LIT("head\n"), .body = body};

	memset(e.attempt, c, SPOOL_ATTEMPT_BYTES);
	return e;
}

static struct spool_slot put(struct world *w, struct spool *s, char c, struct slice body)
{
	struct spool_entry e = entry_of(w, c, body);
	struct spool_slot slot;

	assert_int_equal(spool_reserve(s, &slot), ERR_OK);
	assert_int_equal(spool_put(s, slot, &e), ERR_OK);
	assert_int_equal(spool_sync(s), ERR_OK);
	return slot;
}

static char *path_of(struct world *w, const char *rest)
{
	return arena_printf(w->arena, "%s/spool/%s", w->dir, rest);
}

/* what the disk does not give today is not thrown away; nobody is told that it is not there. */
static void an_entry_that_cannot_be_read_now_is_kept(void **state)
{
	struct world *w = *state;
	struct spool *s = open_spool(w, ONE);
	struct errinfo ei = {.detail = ""};

	put(w, s, 'a', SLICE_LIT("sealed a"));
	spool_free(&s);
	unreadable = true;
	assert_int_equal(try_open(w, ONE, 0, &s, &ei), ERR_CONFIG);
	assert_non_null(strstr(ei.detail, "cannot be read"));
	s = open_spool(w, TWO);
	assert_int_equal(spool_adopt(s, on_found, w), 1); /* look again */
	assert_int_equal(w->found, 0);
	unreadable = false;
	assert_int_equal(spool_adopt(s, on_found, w), 0);
	assert_int_equal(w->found, 1);
	spool_free(&s);
}

static void entries_come_back(void **state)
{
	struct world *w = *state;
	struct spool *s = open_spool(w, ONE);
	char *big = arena_alloc(w->arena, SPOOL_BODY_MAX_BYTES, 1);
	struct spool_slot a, b;
	struct spool_entry e;
	struct stat st;

	memset(big, 'x', SPOOL_BODY_MAX_BYTES);
	a = put(w, s, 'a', SLICE_LIT("sealed a"));
	b = put(w, s, 'b', slice_make(big, SPOOL_BODY_MAX_BYTES));
	assert_int_equal(spool_used(s), 2);
	assert_int_equal(spool_get(s, a, w->arena, &e), ERR_OK);
	assert_true(slice_is(e.body, "sealed a") && slice_is(e.head, "head\n"));
	assert_int_equal(spool_get(s, b, w->arena, &e), ERR_OK);
	assert_int_equal(e.body.n, SPOOL_BODY_MAX_BYTES);
	spool_free(&s); /* entries stay */
	assert_int_equal(stat(path_of(w, ONE), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(path_of(w, ONE "/slots"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	s = open_spool(w, ONE);
	assert_int_equal(w->found, 2);
	assert_string_equal(w->attempts[0], "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_int_equal(spool_get(s, w->slots[1], w->arena, &e), ERR_OK);
	assert_int_equal(e.attempt[0], 'b');
	spool_release(s, w->slots[0]);
	spool_release(s, w->slots[0]); /* twice is once */
	assert_int_equal(spool_used(s), 1);
	spool_free(&s);
	s = open_spool(w, ONE);
	assert_int_equal(w->found, 1);
	assert_string_equal(w->attempts[0], "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	spool_release(s, w->slots[0]);
	spool_free(&s);
	assert_int_not_equal(access(path_of(w, ONE), F_OK), 0); /* empty, so gone */
}

static void reserved_slots_hold_nothing(void **state)
{
	struct world *w = *state;
	struct spool *s = open_spool(w, ONE);
	struct spool_slot slot;
	struct spool_entry e;

	assert_int_equal(spool_reserve(s, &slot), ERR_OK);
	assert_int_equal(spool_get(s, slot, w->arena, &e), ERR_INVALID);
	spool_free(&s);
	s = open_spool(w, ONE); /* the courier died before the answer came */
	assert_int_equal(w->found, 0);
	assert_int_equal(spool_used(s), 0);
	spool_release(s, (struct spool_slot){0});
	spool_free(&s);
}

/* Every way a write can be cut short by a kill, and bits that turn. */
static void torn_entries_are_recognised(void **state)
{
	static const off_t places[] = {0, 4, 8, 12, 16, 24, 60, 95, 96, 100, 101, 120};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct spool *s = open_spool(w, ONE);
		char c = 0;
		int fd;

		put(w, s, 'a', SLICE_LIT("0123456789012345678901234567"));
		spool_free(&s);
		fd = open(path_of(w, ONE "/slots"), O_RDWR);
		assert_int_equal(pread(fd, &c, 1, places[i]), 1);
		c = (char)(c ^ 0x40);
		assert_int_equal(pwrite(fd, &c, 1, places[i]), 1);
		close(fd);
		s = open_spool(w, ONE);
		if (w->found != 0 || spool_torn(s) != 1)
			fail_msg("a turned bit at %d was not seen", (int)places[i]);
		spool_free(&s);
		assert_int_not_equal(access(path_of(w, ONE), F_OK), 0);
	}
	for (int n = 1; n < 128; n += 3) {
		struct spool *s = open_spool(w, ONE);
		static const char zeros[256];
		int fd;

		put(w, s, 'a', SLICE_LIT("0123456789012345678901234567"));
		spool_free(&s);
		fd = open(path_of(w, ONE "/slots"), O_RDWR);
		assert_int_equal(pwrite(fd, zeros, sizeof zeros, n), sizeof zeros);
		close(fd);
		s = open_spool(w, ONE);
		if (w->found != 0)
			fail_msg("an entry cut at %d was taken", n);
		spool_free(&s);
	}
}

static void old_entries_are_dropped(void **state)
{
	struct world *w = *state;
	struct spool *s = open_spool(w, ONE);

	put(w, s, 'a', SLICE_LIT("x"));
	spool_free(&s);
	w->now += SPOOL_KEEP_MS;
	s = open_spool(w, ONE);
	assert_int_equal(w->found, 1);
	spool_free(&s);
	w->now += 1;
	s = open_spool(w, ONE);
	assert_int_equal(w->found, 0);
	assert_int_equal(spool_torn(s), 0);
	spool_free(&s);
}

static void a_held_spool_is_waited_for(void **state)
{
	struct world *w = *state;
	struct spool *old = open_spool(w, ONE), *s;
	struct errinfo ei = {0};

	put(w, old, 'a', SLICE_LIT("x"));
	assert_int_equal(try_open(w, ONE, 0, &s, &ei), ERR_CONFLICT);
	assert_true(ei.detail[0]);
	s = open_spool(w, TWO);
	assert_int_equal(spool_adopt(s, on_found, w), 1); /* still held */
	assert_int_equal(w->found, 0);
	put(w, old, 'b', SLICE_LIT("y")); /* it finishes what is in flight */
	spool_free(&old);
	assert_int_equal(spool_adopt(s, on_found, w), 0);
	assert_int_equal(w->found, 2);
	assert_int_equal(spool_adopt(s, on_found, w), 0); /* not twice */
	assert_int_equal(w->found, 2);
	assert_int_equal(spool_used(s), 2);
	spool_release(s, w->slots[0]);
	assert_int_equal(access(path_of(w, ONE), F_OK), 0);
	spool_release(s, w->slots[1]);
	assert_int_not_equal(access(path_of(w, ONE), F_OK), 0);
	spool_free(&s);
}

static void strange_directories_are_left_alone(void **state)
{
	struct world *w = *state;
	struct spool *s = open_spool(w, TWO);

	assert_int_equal(mkdir(path_of(w, "notes"), 0700), 0);
	assert_int_equal(mkdir(path_of(w, ONE), 0700), 0); /* died between making it and its file */
	assert_int_equal(symlink("/etc", path_of(w, "33333333333333333333333333333333")), 0);
	assert_int_equal(spool_adopt(s, on_found, w), 0);
	assert_int_equal(w->found, 0);
	assert_int_equal(access(path_of(w, "notes"), F_OK), 0);
	assert_int_not_equal(access(path_of(w, ONE), F_OK), 0);
	spool_free(&s);
}

static void opening_fails_clearly(void **state)
{
	struct world *w = *state;
	struct spool *s = NULL;
	struct errinfo ei = {0};
	int fd;

	assert_int_equal(try_open(w, "../../etc", 0, &s, &ei), ERR_INTERNAL);
	fd = open(arena_printf(w->arena, "%s/spool", w->dir), O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(rmdir(arena_printf(w->arena, "%s/spool", w->dir)), 0);
	fd = open(arena_printf(w->arena, "%s/spool", w->dir), O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(try_open(w, ONE, 0, &s, &ei), ERR_CONFIG);
	assert_non_null(strstr(ei.detail, w->dir));
	assert_true(ei.hint[0]);
	assert_null(s);
	struct spool_args args = {.data_dir = "/nonexistent", .instance = ONE, .clock = &w->clock};
	assert_int_equal(spool_open(&args, on_found, w, &s, &ei), ERR_CONFIG);
}

static void slots_are_bounded(void **state)
{
	struct world *w = *state;
	struct spool_slot slot[3];
	struct spool *s = NULL;

	assert_int_equal(try_open(w, ONE, 2, &s, NULL), ERR_OK);
	assert_int_equal(spool_reserve(s, &slot[0]), ERR_OK);
	assert_int_equal(spool_reserve(s, &slot[1]), ERR_OK);
	assert_int_equal(spool_reserve(s, &slot[2]), ERR_BUSY);
	spool_release(s, slot[0]);
	assert_int_equal(spool_reserve(s, &slot[2]), ERR_OK);
	assert_int_equal(slot[2].index, slot[0].index);
	spool_release(s, slot[1]);
	spool_set_failed(s);
	assert_true(spool_failed(s));
	assert_int_equal(spool_reserve(s, &slot[1]), ERR_BUSY);
	spool_free(&s);
}

/* no space is noticed when the slot is asked for. A file size limit stands in for a full disk. */
static void no_space_means_no_slot(void **state)
{
	struct world *w = *state;
	struct spool *s = open_spool(w, ONE);
	struct rlimit old, small;
	struct spool_slot slot;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){.rlim_cur = 400 * 1024, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(spool_reserve(s, &slot), ERR_OK);
	assert_int_equal(spool_reserve(s, &slot), ERR_BUSY);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(spool_reserve(s, &slot), ERR_OK);
	spool_free(&s);
}

/* kill -9 at whatever place the writer is: what is found is whole. */
static void kill_9_leaves_whole_entries(void **state)
{
	struct world *w = *state;

	for (int round = 0; round < 30; round++) {
		pid_t pid = fork();
		struct spool *s;

		assert_true(pid >= 0);
		if (pid == 0) {
			s = open_spool(w, ONE);
			for (;;) {
				struct spool_entry e = entry_of(w, 'a', SLICE_LIT("0123456789"));
				struct spool_slot slot;

				if (spool_reserve(s, &slot) || spool_put(s, slot, &e))
					_exit(1);
				spool_release(s, slot);
			}
		}
		usleep(2000 + (useconds_t)round * 300);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		s = open_spool(w, ONE);
		assert_in_range(w->found, 0, 1);
		if (w->found) {
			struct spool_entry e;

			assert_int_equal(spool_get(s, w->slots[0], w->arena, &e), ERR_OK);
			assert_true(slice_is(e.body, "0123456789"));
			spool_release(s, w->slots[0]);
		}
		spool_free(&s);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_entry_that_cannot_be_read_now_is_kept),
		TEST(entries_come_back),	   TEST(reserved_slots_hold_nothing),
		TEST(torn_entries_are_recognised), TEST(old_entries_are_dropped),
		TEST(a_held_spool_is_waited_for),  TEST(strange_directories_are_left_alone),
		TEST(opening_fails_clearly),	   TEST(slots_are_bounded),
		TEST(no_space_means_no_slot),	   TEST(kill_9_leaves_whole_entries),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
