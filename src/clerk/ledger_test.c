/* SPDX-License-Identifier: Apache-2.0 */
/* The clerk's records: none lost while the process lives, room for them before anything begins (LG-03), heads only of what is on disk. */
#include "clerk/ledger.h"

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

#define JUST_NOW (INT64_MAX / 2) /* for ledger.synced_ms: however slow this machine is */

static int syncs;
static bool sync_fails;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
	syncs++;
	return sync_fails ? -1 : __real_fdatasync(fd);
}

/* No file grows beyond `bytes`; negative: as it likes. */
static void limit_files(int64_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < 0 ? limit.rlim_max : (rlim_t)bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

struct bench {
	struct testcore core;
	struct ledger ledger;
};

static int setup(void **state)
{
	struct bench *b = MEM_NEW(struct bench);

	testcore_init(&b->core);
	b->ledger.data_dir = b->core.dir;
	ledger_init(&b->ledger);
	syncs = 0;
	sync_fails = false;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	limit_files(-1);
	ledger_done(&b->ledger, &b->core.core);
	testcore_done(&b->core);
	free(b);
	return 0;
}

/* A batch that leaves so many notes of one step each. */
static void batch(struct bench *b, int notes)
{
	struct core *core = &b->core.core;

	ledger_begin(&b->ledger, core);
	for (int i = 0; i < notes; i++)
		auditing_note(core, &(const struct record){.event = "refreshed", .grant_id = "g1"});
	ledger_end(&b->ledger, core);
	assert_null(core->notes);
}

static enum err promise(struct bench *b)
{
	struct errinfo why = {.detail = ""};
	enum err e;

	ledger_begin(&b->ledger, &b->core.core);
	e = ledger_promise(&b->ledger, &b->core.core, &why);
	ledger_end(&b->ledger, &b->core.core);
	assert_int_equal(e != ERR_OK, why.detail[0] != '\0');
	return e;
}

static void take(const struct verify_result *r, void *arg)
{
	*(struct verify_result *)arg = *r;
}

static int64_t records(struct bench *b)
{
	struct verify_args args = {.data_dir = b->core.dir};
	const struct data_key *key;
	struct verify_result r = {.records = 0};
	bool ok = false;

	assert_int_equal(keys_current(&b->core.core, "", KEYS_PURPOSE_AUDIT, &key, NULL), ERR_OK);
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

static void what_was_noted_is_written(void **state)
{
	struct bench *b = *state;

	batch(b, 0);
	assert_null(b->ledger.journal);
	batch(b, 3);
	batch(b, 1);
	assert_int_equal(records(b), 4);
	assert_int_equal(b->ledger.notes.n, 0);
}

static void what_was_undone_is_dropped_and_nothing_else(void **state)
{
	struct bench *b = *state;

	limit_files(0);
	batch(b, 2); /* stay */
	ledger_begin(&b->ledger, &b->core.core);
	auditing_note(&b->core.core, &(const struct record){.event = "refreshed"});
	ledger_drop(&b->ledger, &b->core.core);
	limit_files(-1);
	batch(b, 1);
	assert_int_equal(records(b), 3);
}

static void a_failing_disk_keeps_notes_and_begins_nothing(void **state)
{
	struct bench *b = *state;

	assert_int_equal(promise(b), ERR_OK);
	batch(b, 1);
	limit_files(0);
	batch(b, 2);
	for (int i = 0; i < 3; i++)
		assert_int_equal(promise(b), ERR_BUSY);
	batch(b, 2);
	assert_int_equal(records(b), 1);
	limit_files(-1);
	assert_int_equal(promise(b), ERR_OK); /* writes what was left, first */
	assert_int_equal(records(b), 5);
}

static void without_a_chain_nothing_begins(void **state)
{
	struct bench *b = *state;
	char path[64];

	snprintf(path, sizeof path, "%s/audit", b->core.dir);
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	assert_int_equal(promise(b), ERR_BUSY);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(promise(b), ERR_OK);
}

/* Whoever was promised room has it when the disk is full: as many begin as fit, and the records of all of them are written. */
static void the_room_is_there_when_the_disk_is_full(void **state)
{
	struct bench *b = *state;
	char path[64];
	struct stat st;
	int begun = 0;

	assert_int_equal(promise(b), ERR_OK);
	snprintf(path, sizeof path, "%s/audit/clerk-0/001.log", b->core.dir);
	assert_int_equal(stat(path, &st), 0);
	limit_files(st.st_size);
	for (begun = 1; promise(b) == ERR_OK; begun++)
		assert_in_range(begun, 1, st.st_size / LEDGER_ROOM_BYTES);
	assert_in_range(begun, st.st_size / LEDGER_ROOM_BYTES - 1, st.st_size / LEDGER_ROOM_BYTES);
	for (int i = 0; i < begun; i++)
		batch(b, LEDGER_ROOM_BYTES / 512); /* more than any operation leaves */
	assert_int_equal(b->ledger.notes.n, 0);
	assert_int_equal(records(b), begun * LEDGER_ROOM_BYTES / 512);
	for (int i = 0; i < begun; i++)
		ledger_kept(&b->ledger);
	assert_int_equal(atomic_load(&b->ledger.promised), 0);
}

static void the_disk_follows(void **state)
{
	struct bench *b = *state;

	batch(b, 1);
	assert_int_equal(syncs, 1);
	b->ledger.synced_ms = JUST_NOW;
	batch(b, 1);
	assert_int_equal(syncs, 1);
	b->ledger.synced_ms = 0;
	batch(b, 1);
	assert_int_equal(syncs, 2);
	b->ledger.always = true;
	syncs = 0;
	batch(b, 1);
	batch(b, 1);
	assert_int_equal(syncs, 2);
}

/* What a failed fdatasync() dropped nobody knows. */
static void after_a_failed_sync_nothing_is_recorded_signed_or_begun(void **state)
{
	struct bench *b = *state;

	b->ledger.always = true;
	batch(b, 1);
	sync_fails = true;
	batch(b, 1);
	ledger_sign(&b->ledger, &b->core.core);
	sync_fails = false;
	batch(b, 1);
	assert_int_equal(promise(b), ERR_BUSY);
	assert_int_equal(heads(b), 0);
	assert_true(b->ledger.notes.n > 0); /* not lost while this process lives */
}

static void a_head_is_of_what_is_on_the_disk(void **state)
{
	struct bench *b = *state;

	ledger_sign(&b->ledger, &b->core.core);
	assert_int_equal(heads(b), 0);
	batch(b, 1);
	syncs = 0;
	b->ledger.synced_ms = JUST_NOW; /* so this one waits */
	batch(b, 1);
	assert_int_equal(syncs, 0);
	ledger_sign(&b->ledger, &b->core.core);
	assert_int_equal(syncs, 1);
	assert_int_equal(b->ledger.signed_seq, 2);
	ledger_sign(&b->ledger, &b->core.core);
	assert_int_equal(heads(b), 1);
	batch(b, 1);
	sync_fails = true;
	ledger_sign(&b->ledger, &b->core.core);
	assert_int_equal(b->ledger.signed_seq, 2);
}

static void the_last_head_is_signed_at_the_end(void **state)
{
	struct bench *b = *state;

	batch(b, 2);
	ledger_done(&b->ledger, &b->core.core);
	assert_int_equal(heads(b), 1);
	assert_int_equal(records(b), 2);
	ledger_init(&b->ledger);
}

static void without_a_directory_nothing_is_recorded(void **state)
{
	struct bench *b = *state;

	b->ledger.data_dir = NULL;
	batch(b, 3);
	assert_int_equal(promise(b), ERR_OK);
	ledger_kept(&b->ledger);
	assert_null(b->ledger.journal);
	assert_int_equal(b->ledger.notes.n, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_noted_is_written), TEST(what_was_undone_is_dropped_and_nothing_else),
		TEST(a_failing_disk_keeps_notes_and_begins_nothing), TEST(without_a_chain_nothing_begins),
		TEST(the_room_is_there_when_the_disk_is_full), TEST(the_disk_follows),
		TEST(after_a_failed_sync_nothing_is_recorded_signed_or_begun), TEST(a_head_is_of_what_is_on_the_disk),
		TEST(the_last_head_is_signed_at_the_end), TEST(without_a_directory_nothing_is_recorded),
	};

	return cmocka_run_group_tests_name("clerk/ledger", tests, NULL, NULL);
}
