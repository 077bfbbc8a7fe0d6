/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in and out, transactions, migrations, batches and damaged files. */
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "store/schema.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)

struct bench {
	char dir[32], path[64];
	struct store *store;
	struct arena *arena;
	struct errinfo ei;
};

static int setup(void **state)
{
	struct bench *b = MEM_NEW(struct bench);
	struct store_args args = {.create = true};

	memcpy(b->dir, "/tmp/fw-store-XXXXXX", sizeof "/tmp/fw-store-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->path, sizeof b->path, "%s/x.db", b->dir);
	b->arena = arena_new(16 << 20);
	args.path = b->path;
	OK(store_open(&args, &b->store, &b->ei));
	OK(store_migrate(b->store, 1, &b->ei));
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	static const char *const ends[] = {"", "-wal", "-shm"};

	store_close(&b->store);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char file[80];

		snprintf(file, sizeof file, "%s%s", b->path, ends[i]);
		unlink(file);
	}
	rmdir(b->dir);
	arena_free(&b->arena);
	free(b);
	return 0;
}

static const struct app_row an_app = {.app_id = "a1", .name = "One \"quoted\" ünï", .owner_user_id = "u", .return_to = "[]",
				      .created_at = INT64_MAX, .updated_at = -5};

/* Every table: what is inserted comes back, column by column. */
static void a_row_comes_back_as_it_went_in(void **state)
{
	struct bench *b = *state;
	struct app_row back;
	struct data_key_row key = {.key_id = "k", .app_id = "", .purpose = "seal", .epoch = 1,
				   .wrapped = {.bytes = slice_make("\0\1\2", 3)}}, key_back;

	OK(store_insert(b->store, TABLE_APPS, &an_app, &b->ei));
	OK(store_find(b->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT("a1")), b->arena, &back, &b->ei));
	assert_string_equal(back.name, an_app.name);
	assert_true(back.created_at == INT64_MAX && back.updated_at == -5);
	OK(store_insert(b->store, TABLE_DATA_KEYS, &key, &b->ei));
	OK(store_find(b->store, SQL_DATA_KEY_BY_ID, STORE_PARAMS(STORE_TEXT("k")), b->arena, &key_back, &b->ei));
	assert_true(slice_eq(key_back.wrapped.bytes, key.wrapped.bytes));
	assert_int_equal(store_find(b->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT("a2")), b->arena, &back, &b->ei), ERR_NOT_FOUND);
}

/* Texts are parameters, never SQL. */
static void input_is_never_sql(void **state)
{
	struct bench *b = *state;
	struct app_row back;

	OK(store_insert(b->store, TABLE_APPS, &an_app, &b->ei));
	assert_int_equal(store_find(b->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT("' OR 1=1 --")), b->arena, &back, &b->ei), ERR_NOT_FOUND);
	OK(store_find(b->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT("a1")), b->arena, &back, &b->ei));
}

/* Each statement of the table prepares, and gives the columns that its row structure has. */
static void every_statement_prepares(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < SQL__COUNT; i++) {
		sqlite3 *db;
		sqlite3_stmt *stmt = NULL;

		assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
		if (sqlite3_prepare_v2(db, store_sql_text((enum sql)i), -1, &stmt, NULL) != SQLITE_OK)
			fail_msg("statement %d: %s", i, sqlite3_errmsg(db));
		if (store_sql_table((enum sql)i) != TABLE_NONE)
			assert_int_equal(sqlite3_column_count(stmt), table_get(store_sql_table((enum sql)i))->column_count);
		sqlite3_finalize(stmt);
		sqlite3_close(db);
	}
}

static void a_second_row_of_one_key_is_a_conflict(void **state)
{
	struct bench *b = *state;

	OK(store_insert(b->store, TABLE_APPS, &an_app, &b->ei));
	assert_int_equal(store_insert(b->store, TABLE_APPS, &an_app, &b->ei), ERR_CONFLICT);
}

static enum err insert_then_fail(void *arg, struct errinfo *ei)
{
	struct bench *b = arg;

	OK(store_insert(b->store, TABLE_APPS, &an_app, ei));
	return ERR_LIMIT;
}

static void a_failed_transaction_leaves_nothing(void **state)
{
	struct bench *b = *state;
	struct app_row back;

	assert_int_equal(store_transaction(b->store, insert_then_fail, b, &b->ei), ERR_LIMIT);
	assert_int_equal(store_find(b->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT("a1")), b->arena, &back, &b->ei), ERR_NOT_FOUND);
	OK(store_begin(b->store, &b->ei));
	store_rollback(b->store);
	store_rollback(b->store); /* harmless without a transaction */
}

static bool seen_by_others(struct bench *b, const char *id)
{
	const struct store_args args = {.path = b->path};
	struct store *other;
	struct app_row row;
	enum err e;

	OK(store_open(&args, &other, &b->ei));
	e = store_find(other, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT(id)), b->arena, &row, &b->ei);
	store_close(&other);
	return e == ERR_OK;
}

static enum err insert(struct bench *b, const char *id)
{
	struct app_row row = an_app;

	row.app_id = id;
	return store_insert(b->store, TABLE_APPS, &row, &b->ei);
}

static enum err insert_two(void *arg, struct errinfo *ei)
{
	(void)ei;
	OK(insert(arg, "two"));
	return insert(arg, "three");
}

/* One commit for single changes and transactions; a part that fails takes nothing else with it. */
static void a_batch_is_durable_at_its_end(void **state)
{
	struct bench *b = *state;

	store_batch_begin(b->store);
	OK(insert(b, "one"));
	assert_int_equal(store_transaction(b->store, insert_then_fail, b, &b->ei), ERR_LIMIT);
	assert_int_equal(insert(b, "one"), ERR_CONFLICT);
	OK(store_transaction(b->store, insert_two, b, &b->ei));
	assert_false(seen_by_others(b, "one") || seen_by_others(b, "two"));
	OK(store_batch_end(b->store, &b->ei));
	assert_true(seen_by_others(b, "one") && seen_by_others(b, "two") && seen_by_others(b, "three"));
	assert_false(seen_by_others(b, "a1"));
	OK(insert(b, "four")); /* and every change for itself again */
	assert_true(seen_by_others(b, "four"));
}

/* Others can write while a batch only reads. */
static void a_batch_takes_the_writers_place_at_its_first_write(void **state)
{
	struct bench *b = *state;
	struct app_row row;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
	store_batch_begin(b->store);
	assert_int_equal(store_find(b->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT("x")), b->arena, &row, &b->ei), ERR_NOT_FOUND);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM apps", NULL, NULL, NULL), SQLITE_OK);
	OK(insert(b, "one"));
	assert_int_equal(sqlite3_exec(db, "DELETE FROM apps", NULL, NULL, NULL), SQLITE_BUSY);
	OK(store_batch_end(b->store, &b->ei));
	sqlite3_close(db);
}

static void a_batch_that_cannot_be_committed_leaves_nothing(void **state)
{
	struct bench *b = *state;
	struct rlimit limit;
	rlim_t most;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	most = limit.rlim_cur;
	store_batch_begin(b->store);
	OK(insert(b, "one"));
	OK(store_transaction(b->store, insert_two, b, &b->ei));
	limit.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(store_batch_end(b->store, &b->ei), ERR_STORE);
	limit.rlim_cur = most;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	store_batch_begin(b->store);
	OK(insert(b, "four"));
	OK(store_batch_end(b->store, &b->ei));
	assert_true(seen_by_others(b, "four"));
	assert_false(seen_by_others(b, "one") || seen_by_others(b, "two"));
}

/* SQLite may roll back everything in the middle (a full disk, a broken page): what came before is gone, so nothing may follow. */
static void a_batch_that_the_database_gave_up_stays_given_up(void **state)
{
	struct bench *b = *state;
	struct user_row user = {.user_id = "u", .kind = "admin"};
	sqlite3 *db;

	assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TRIGGER no BEFORE INSERT ON users BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
				      NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	store_batch_begin(b->store);
	OK(insert(b, "one"));
	assert_int_equal(store_insert(b->store, TABLE_USERS, &user, &b->ei), ERR_STORE);
	assert_int_equal(insert(b, "two"), ERR_STORE);
	assert_int_equal(store_transaction(b->store, insert_two, b, &b->ei), ERR_STORE);
	assert_int_equal(store_batch_end(b->store, &b->ei), ERR_STORE);
	assert_false(seen_by_others(b, "one") || seen_by_others(b, "two"));
	OK(insert(b, "two"));
}

static void compare_and_set_hits_one_row_or_tells(void **state)
{
	struct bench *b = *state;
	struct store_params p = STORE_PARAMS(STORE_TEXT("a1"), STORE_TEXT("n"), STORE_TEXT("[]"), STORE_INT(2));

	assert_int_equal(store_change_one(b->store, SQL_APP_UPDATE, p, &b->ei), ERR_CONFLICT);
	OK(store_insert(b->store, TABLE_APPS, &an_app, &b->ei));
	OK(store_change_one(b->store, SQL_APP_UPDATE, p, &b->ei));
}

static void lists_are_bounded(void **state)
{
	struct bench *b = *state;
	struct app_row row = an_app, *rows;
	size_t n;
	char id[8];

	for (int i = 0; i < 5; i++) {
		snprintf(id, sizeof id, "b%d", i);
		row.app_id = id;
		OK(store_insert(b->store, TABLE_APPS, &row, &b->ei));
	}
	OK(store_list(b->store, SQL_APPS_ALL, STORE_NO_PARAMS, 5, b->arena, &rows, &n, &b->ei));
	assert_int_equal(n, 5);
	assert_string_equal(rows[4].app_id, "b4");
	assert_int_equal(store_list(b->store, SQL_APPS_ALL, STORE_NO_PARAMS, 4, b->arena, &rows, &n, &b->ei), ERR_LIMIT);
}

static void migrating_again_changes_nothing_and_newer_is_refused(void **state)
{
	struct bench *b = *state;
	sqlite3 *db;

	OK(store_migrate(b->store, 2, &b->ei));
	assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "INSERT INTO schema_migrations VALUES (999, 1)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_migrate(b->store, 3, &b->ei), ERR_CONFIG);
	assert_non_null(strstr(b->ei.detail, "999"));
}

static void a_file_that_is_no_database_is_refused(void **state)
{
	struct bench *b = *state;
	struct store_args args = {.path = b->path};
	struct store *s = NULL;
	FILE *f;

	store_close(&b->store);
	f = fopen(b->path, "w");
	assert_non_null(f);
	for (int i = 0; i < 1000; i++)
		fputs("this is not a database ", f);
	fclose(f);
	assert_int_equal(store_open(&args, &s, &b->ei), ERR_CONFIG);
	assert_null(s);
	assert_non_null(strstr(b->ei.detail, b->path));
	args.path = "/nonexistent/x.db";
	assert_int_equal(store_open(&args, &s, &b->ei), ERR_CONFIG);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_row_comes_back_as_it_went_in),
		CASE(input_is_never_sql),
		CASE(every_statement_prepares),
		CASE(a_second_row_of_one_key_is_a_conflict),
		CASE(a_failed_transaction_leaves_nothing),
		CASE(a_batch_is_durable_at_its_end),
		CASE(a_batch_takes_the_writers_place_at_its_first_write),
		CASE(a_batch_that_cannot_be_committed_leaves_nothing),
		CASE(a_batch_that_the_database_gave_up_stays_given_up),
		CASE(compare_and_set_hits_one_row_or_tells),
		CASE(lists_are_bounded),
		CASE(migrating_again_changes_nothing_and_newer_is_refused),
		CASE(a_file_that_is_no_database_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
