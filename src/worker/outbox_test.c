/* SPDX-License-Identifier: Apache-2.0 */
/* No audit, no secret (LG-03): when answers leave, which of them share a write, and that none leaves when the disk takes nothing. */
#include "worker/outbox.h"

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
#include <unistd.h>

#include <cmocka.h>

#include "audit/verify.h"
#include "base/mem.h"
#include "core/testcore.h"

enum { ITEMS_MAX = 64, PATIENCE_MS = 5000 };

/* The disk, as far as this test has it in hand: how often it was written and synced, whether that fails or is held up. */
static struct {
	uv_mutex_t lock;
	uv_cond_t changed;
	int writes, syncs, handlers;
	bool sync_fails, sync_held;
	bool dirty; /* written since the last sync */
} disk;

/* pwrite() by its name for files of any size */
ssize_t __real_pwrite64(int fd, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
	uv_mutex_lock(&disk.lock);
	disk.writes++;
	disk.dirty = true;
	uv_mutex_unlock(&disk.lock);
	return __real_pwrite64(fd, bytes, n, at);
}

int __wrap_fdatasync(int fd)
{
	bool fails;

	uv_mutex_lock(&disk.lock);
	while (disk.sync_held)
		uv_cond_wait(&disk.changed, &disk.lock);
	disk.syncs++;
	disk.dirty = false;
	fails = disk.sync_fails;
	uv_mutex_unlock(&disk.lock);
	return fails ? -1 : __real_fdatasync(fd);
}

static void hold_syncs(bool held)
{
	uv_mutex_lock(&disk.lock);
	disk.sync_held = held;
	uv_cond_signal(&disk.changed);
	uv_mutex_unlock(&disk.lock);
}

/* While it lasts, no file grows. */
static void fill_disk(bool full)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = full ? 0 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

struct answer {
	struct outbox_item item;
	struct job job;
	struct bench *bench;
	const char *event; /* NULL: leaves no note */
	int times;
	bool dirty; /* the disk, when this left */
	struct answer *next; /* is ready when this has left */
	enum err err;
	struct errinfo why;
};

struct bench {
	struct testcore core;
	uv_loop_t loop;
	struct outbox outbox;
	struct answer answer[ITEMS_MAX];
	size_t count;
	bool stopped, jobs_ended;
};

static void left(struct outbox_item *item, enum err e, const struct errinfo *why)
{
	struct answer *a = CONTAINER_OF(item, struct answer, item);

	a->times++;
	uv_mutex_lock(&disk.lock);
	a->dirty = disk.dirty;
	uv_mutex_unlock(&disk.lock);
	a->err = e;
	if (e)
		a->why = *why;
	if (a->next)
		outbox_put(&a->bench->outbox, &a->next->item);
}

static void handle(struct job *job)
{
	struct answer *a = CONTAINER_OF(job, struct answer, job);

	outbox_begin(&a->bench->outbox, &a->item);
	if (a->event)
		auditing_note(&a->bench->core.core, &(const struct record){.event = a->event});
	outbox_end(&a->bench->outbox);
	uv_mutex_lock(&disk.lock);
	disk.handlers++;
	uv_mutex_unlock(&disk.lock);
}

static int handlers_run(void)
{
	int n;

	uv_mutex_lock(&disk.lock);
	n = disk.handlers;
	uv_mutex_unlock(&disk.lock);
	return n;
}

static void handled(struct job *job)
{
	struct answer *a = CONTAINER_OF(job, struct answer, job);

	a->item.request = "req";
	a->item.actor = "key k1";
	a->item.result = "ok";
	outbox_put(&a->bench->outbox, &a->item);
}

/* An answer whose handler leaves that note. */
static struct answer *ask(struct bench *b, const char *event)
{
	struct answer *a = &b->answer[b->count++];

	assert_true(b->count <= ITEMS_MAX);
	*a = (struct answer){.bench = b, .event = event, .job = {.run = handle, .done = handled}};
	outbox_item_init(&a->item, left);
	jobs_submit(b->outbox.jobs, &a->job);
	return a;
}

/* Runs the loop until the answer has left; false when it has not for that long. */
static bool wait_for(struct bench *b, const struct answer *a, int64_t ms)
{
	const int64_t until = clock_mono_ms(&clock_system) + ms;

	while (!a->times && clock_mono_ms(&clock_system) < until) {
		uv_run(&b->loop, UV_RUN_NOWAIT);
		usleep(200);
	}
	return a->times > 0;
}

static enum err outcome(struct bench *b, struct answer *a)
{
	assert_true(wait_for(b, a, PATIENCE_MS));
	return a->err;
}

static void take(const struct verify_result *r, void *arg)
{
	*(struct verify_result *)arg = *r;
}

static int64_t records(const struct bench *b)
{
	struct verify_args args = {.data_dir = b->core.dir};
	const struct data_key *key;
	struct verify_result r = {.records = 0};
	bool ok = false;

	assert_int_equal(keys_current((struct core *)(uintptr_t)&b->core.core, "", KEYS_PURPOSE_AUDIT, &key, NULL), ERR_OK);
	args.key = key->bytes;
	assert_int_equal(verify_all(&args, take, &r, &ok, NULL), ERR_OK);
	if (!ok)
		fail_msg("%s", r.defect);
	return r.records;
}

static size_t heads(struct bench *b)
{
	struct audit_head_row *rows;
	size_t n = 0;

	assert_int_equal(store_list(b->core.core.store, SQL_AUDIT_HEADS_ALL, STORE_NO_PARAMS, 10, b->core.arena, &rows, &n, NULL), ERR_OK);
	return n;
}

static void start(struct bench *b, bool always)
{
	b->outbox = (struct outbox){.loop = &b->loop, .core = &b->core.core, .data_dir = b->core.dir, .name = "worker-0", .always = always};
	b->outbox.jobs = jobs_start(&b->loop, NULL);
	outbox_init(&b->outbox);
	disk.writes = disk.syncs = disk.handlers = 0;
	disk.sync_fails = disk.sync_held = disk.dirty = false;
}

static int setup(void **state)
{
	struct bench *b = MEM_NEW(struct bench);

	testcore_init(&b->core);
	uv_loop_init(&b->loop);
	uv_mutex_init(&disk.lock);
	uv_cond_init(&disk.changed);
	*state = b;
	return 0;
}

static void note_end(void *arg)
{
	*(bool *)arg = true;
}

static void stop(struct bench *b)
{
	if (b->stopped)
		return;
	b->stopped = true;
	outbox_stop(&b->outbox);
	jobs_stop(b->outbox.jobs, note_end, &b->jobs_ended);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_true(b->jobs_ended);
	outbox_done(&b->outbox);
}

static int teardown(void **state)
{
	struct bench *b = *state;

	fill_disk(false);
	hold_syncs(false);
	stop(b);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	for (size_t i = 0; i < b->count; i++)
		assert_int_equal(b->answer[i].times, 1); /* exactly once, whatever happened */
	uv_mutex_destroy(&disk.lock);
	uv_cond_destroy(&disk.changed);
	testcore_done(&b->core);
	free(b);
	return 0;
}

static void one_write_for_a_turn(void **state)
{
	struct bench *b = *state;
	struct answer *first;

	start(b, false);
	first = ask(b, "token_read"); /* opens the chain */
	assert_int_equal(outcome(b, first), ERR_OK);
	disk.writes = disk.handlers = 0;
	for (int i = 0; i < 20; i++)
		ask(b, "token_read");
	while (handlers_run() < 20) /* all of them before the loop looks again */
		usleep(1000);
	usleep(20000);
	for (size_t i = 1; i < b->count; i++)
		assert_int_equal(outcome(b, &b->answer[i]), ERR_OK);
	assert_in_range(disk.writes, 1, 2);
	assert_int_equal(records(b), 21);
}

/* A pipelined request that is answered from memory: nothing else wakes the loop for it. */
static void what_follows_leaves_in_the_same_turn(void **state)
{
	struct bench *b = *state;
	struct answer *first, *next = &b->answer[b->count++];

	start(b, false);
	*next = (struct answer){.bench = b};
	outbox_item_init(&next->item, left);
	auditing_put(&next->item.notes, &(const struct record){.event = "token_read"});
	first = ask(b, "token_read");
	first->next = next;
	assert_int_equal(outcome(b, first), ERR_OK);
	assert_int_equal(next->times, 1);
	assert_int_equal(next->err, ERR_OK);
	assert_int_equal(records(b), 2);
}

static void without_a_note_nothing_waits(void **state)
{
	struct bench *b = *state;

	start(b, true);
	fill_disk(true);
	assert_int_equal(outcome(b, ask(b, NULL)), ERR_OK);
	assert_int_equal(disk.writes, 0);
}

static void a_full_disk_refuses_and_heals(void **state)
{
	struct bench *b = *state;

	start(b, false);
	assert_int_equal(outcome(b, ask(b, "token_read")), ERR_OK);
	fill_disk(true);
	for (int i = 0; i < 5; i++) {
		struct answer *a = ask(b, "token_read");

		assert_int_equal(outcome(b, a), ERR_BUSY);
		assert_true(a->why.retry_after_s > 0);
		assert_non_null(strstr(a->why.detail, "audit"));
	}
	fill_disk(false);
	assert_int_equal(outcome(b, ask(b, "token_read")), ERR_OK);
	assert_int_equal(records(b), 2);
}

/* A chain that cannot even be opened is opened as soon as it can. */
static void without_a_chain_nothing_leaves(void **state)
{
	struct bench *b = *state;
	char path[64];

	start(b, false);
	snprintf(path, sizeof path, "%s/audit", b->core.dir);
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0); /* a file where the directory should be */
	assert_int_equal(outcome(b, ask(b, "token_read")), ERR_BUSY);
	assert_int_equal(outcome(b, ask(b, NULL)), ERR_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(outcome(b, ask(b, "token_read")), ERR_OK);
	assert_int_equal(records(b), 1);
}

static void always_waits_for_the_disk(void **state)
{
	struct bench *b = *state;
	struct answer *a, *later;

	start(b, true);
	hold_syncs(true);
	a = ask(b, "token_read");
	assert_false(wait_for(b, a, 400));
	assert_int_equal(disk.writes, 1);
	later = ask(b, "token_read"); /* written while the first is being synced: it needs a sync of its own */
	assert_false(wait_for(b, later, 50));
	hold_syncs(false);
	assert_int_equal(outcome(b, a), ERR_OK);
	assert_int_equal(outcome(b, later), ERR_OK);
	assert_int_equal(disk.syncs, 2);
	assert_false(later->dirty);
}

static void otherwise_the_disk_follows_soon(void **state)
{
	struct bench *b = *state;
	struct answer *never = &(struct answer){.times = 0};

	start(b, false);
	assert_int_equal(outcome(b, ask(b, "token_read")), ERR_OK);
	assert_int_equal(disk.syncs, 0);
	assert_false(wait_for(b, never, OUTBOX_SYNC_MS * 3));
	assert_int_equal(disk.syncs, 1);
}

/* What a failed fdatasync() dropped nobody knows: nothing is recorded, let out or signed any more. */
static void a_failed_sync_is_the_end(void **state)
{
	struct bench *b = *state;
	struct answer *never = &(struct answer){.times = 0};

	for (int always = 0; always < 2; always++) {
		b->stopped = b->jobs_ended = false;
		start(b, always);
		disk.sync_fails = true;
		assert_int_equal(outcome(b, ask(b, "token_read")), always ? ERR_BUSY : ERR_OK);
		(void)wait_for(b, never, OUTBOX_SYNC_MS * 2);
		disk.sync_fails = false;
		for (int i = 0; i < 3; i++)
			assert_int_equal(outcome(b, ask(b, "token_read")), ERR_BUSY);
		assert_int_equal(outcome(b, ask(b, NULL)), ERR_OK);
		stop(b);
		assert_int_equal(heads(b), 0);
	}
}

static void the_head_is_signed_at_the_end(void **state)
{
	struct bench *b = *state;

	start(b, false);
	assert_int_equal(outcome(b, ask(b, "token_read")), ERR_OK);
	assert_int_equal(heads(b), 0);
	stop(b);
	assert_int_equal(heads(b), 1);
}

/* Stopping in the middle of a sync: who waits is answered, and what comes after it needs the disk, too. */
static void a_stop_in_mid_sync(void **state)
{
	struct bench *b = *state;
	struct answer *syncing, *behind, *after;

	start(b, true);
	hold_syncs(true);
	syncing = ask(b, "token_read");
	assert_false(wait_for(b, syncing, 50));
	behind = ask(b, "token_read");
	assert_false(wait_for(b, behind, 50));
	after = ask(b, "admin_link_made"); /* its job ends when the outbox is closed already */
	hold_syncs(false);
	stop(b);
	assert_int_equal(syncing->err, ERR_OK);
	assert_int_equal(behind->err, ERR_OK);
	assert_int_equal(after->err, ERR_OK);
	assert_false(after->dirty);
	assert_int_equal(records(b), 3);
}

static void too_much_to_record(void **state)
{
	struct bench *b = *state;
	struct answer *a;

	start(b, false);
	assert_int_equal(outcome(b, ask(b, "token_read")), ERR_OK);
	a = &b->answer[b->count++];
	*a = (struct answer){.bench = b};
	outbox_item_init(&a->item, left);
	while (buf_ok(&a->item.notes))
		auditing_put(&a->item.notes, &(const struct record){.event = "token_read"});
	outbox_put(&b->outbox, &a->item);
	assert_int_equal(outcome(b, a), ERR_BUSY);
	assert_int_equal(outcome(b, ask(b, "token_read")), ERR_OK);
	assert_int_equal(records(b), 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_write_for_a_turn), TEST(what_follows_leaves_in_the_same_turn), TEST(without_a_note_nothing_waits),
		TEST(a_full_disk_refuses_and_heals), TEST(without_a_chain_nothing_leaves), TEST(always_waits_for_the_disk),
		TEST(otherwise_the_disk_follows_soon),
		TEST(a_failed_sync_is_the_end), TEST(the_head_is_signed_at_the_end), TEST(a_stop_in_mid_sync), TEST(too_much_to_record),
	};

	return cmocka_run_group_tests_name("worker/outbox", tests, NULL, NULL);
}
