/* SPDX-License-Identifier: Apache-2.0 */
/* DO-03: connects that nobody goes on with are bounded, forgotten, and leave the database as large as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/flows.h"
#include "core/links.h"
#include "core/testcore.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)

enum { ROUND = 1000, ROUNDS = 16 };

static enum err make_link(struct testcore *t, struct link_row *ret, const char **ret_url)
{
	const struct link_args args = {.app = &t->app, .authenticator = slice_from("Probe")};

	err_clear(&t->ei);
	return links_create(&t->core, &t->admin, &args, t->arena, ret, ret_url, &t->ei);
}

/* A link, opened, and its flow: the first of many. */
static void begin_one(struct testcore *t)
{
	struct link_row link;
	const char *url, *to;

	(void)testcore_probe(t);
	OK(make_link(t, &link, &url));
	OK(links_spend(&t->core, slice_from(strrchr(url, '/') + 1), SLICE_LIT("jar A"), t->arena, &to, &t->ei));
	testcore_sql(t, "CREATE TABLE one_flow AS SELECT * FROM oauth_sessions; CREATE TABLE one_link AS SELECT * FROM connect_links;"
			"DELETE FROM oauth_sessions; DELETE FROM connect_links;");
}

/* So many more like it, begun now, in that app; of the links a third is not even opened. */
static void begin_many(struct testcore *t, int count, int links, const char *app)
{
	const char *times = arena_printf(t->arena, "created_at = %lld, expires_at = %lld", (long long)t->now_ms,
					 (long long)t->now_ms + FLOWS_LIFE_MS);

	testcore_sql(t, arena_printf(t->arena,
		"UPDATE one_flow SET app_id = '%s', %s; UPDATE one_link SET app_id = '%s', %s;"
		"CREATE TEMP TABLE f AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT one_flow.* FROM n, one_flow;"
		"UPDATE f SET id = lower(hex(randomblob(16))), state_token = lower(hex(randomblob(16))); UPDATE f SET session_id = id;"
		"INSERT INTO oauth_sessions SELECT * FROM f;"
		"CREATE TEMP TABLE l AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT one_link.* FROM n, one_link;"
		"UPDATE l SET link_id = lower(hex(randomblob(16))), link_hash = lower(hex(randomblob(16)));"
		"UPDATE l SET spent_at = 0, status = 'waiting' WHERE rowid %% 3 = 0;"
		"INSERT INTO connect_links SELECT * FROM l; DROP TABLE f; DROP TABLE l;",
		app, times, app, times, count, links));
}

static int64_t counted(struct testcore *t, enum sql sql, struct store_params params)
{
	struct count_row row;

	OK(store_find(t->core.store, sql, params, t->arena, &row, &t->ei));
	return row.count;
}

static int64_t unfinished(struct testcore *t)
{
	return counted(t, SQL_FLOWS_UNFINISHED_COUNT, STORE_PARAMS(STORE_INT(0)));
}

static int64_t waiting(struct testcore *t)
{
	return counted(t, SQL_LINKS_WAITING_OF_APP, STORE_PARAMS(STORE_TEXT("default"), STORE_INT(0)));
}

static int64_t database_bytes(struct testcore *t)
{
	struct stat st;

	testcore_sql(t, "PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(stat(t->database, &st), 0);
	return st.st_size;
}

static void what_nobody_goes_on_with_leaves_nothing(void **state)
{
	struct testcore *t = *state;
	int64_t bytes = 0;

	begin_one(t);
	for (int i = 0; i < ROUNDS; i++) {
		begin_many(t, ROUND, ROUND, "default");
		t->now_ms += FLOWS_LIFE_MS + 1;
		OK(flows_housekeeping(&t->core, &t->ei));
		assert_in_range(unfinished(t), 0, 2 * ROUND);
		assert_in_range(waiting(t), 0, 8 * ROUND); /* an hour's, a third of each, and one on its way */
		if (i == ROUNDS / 2)
			bytes = database_bytes(t);
	}
	assert_in_range(database_bytes(t), 1, bytes + bytes / 20);
	t->now_ms += LINKS_ABANDONED_MS + FLOWS_LIFE_MS;
	for (int i = 0; i < 4; i++)
		OK(flows_housekeeping(&t->core, &t->ei));
	assert_int_equal(unfinished(t), 0);
	assert_int_equal(waiting(t), 0);
}

static void one_app_leaves_room_for_others(void **state)
{
	struct testcore *t = *state;
	struct link_row link;
	const char *url, *to;

	begin_one(t);
	OK(make_link(t, &link, &url)); /* while there is room for links */
	begin_many(t, FLOWS_PENDING_OF_APP_MAX, LINKS_WAITING_OF_APP_MAX, "default");
	assert_int_equal(links_spend(&t->core, slice_from(strrchr(url, '/') + 1), SLICE_LIT("jar A"), t->arena, &to, &t->ei), ERR_LIMIT);
	assert_int_equal(t->ei.retry_after_s, 60);
	testcore_sql(t, "UPDATE connect_links SET spent_at = 0, status = 'waiting' WHERE spent_at > 0");
	assert_int_equal(make_link(t, &link, &to), ERR_LIMIT);
	assert_true(t->ei.hint[0] && t->ei.retry_after_s == 60);
	/* As if it were all another app's: this one has its own room. */
	testcore_sql(t, arena_printf(t->arena, "UPDATE oauth_sessions SET app_id = 'other';"
					       "UPDATE connect_links SET app_id = 'other' WHERE created_at <> 0 AND link_id <> '%s'", link.link_id));
	OK(make_link(t, &link, &url));
	OK(links_spend(&t->core, slice_from(strrchr(url, '/') + 1), SLICE_LIT("jar A"), t->arena, &to, &t->ei));
}

static void all_apps_together_are_bounded(void **state)
{
	struct testcore *t = *state;
	struct link_row link;
	const char *url, *to;

	begin_one(t);
	OK(make_link(t, &link, &url));
	for (int i = 0; i < FLOWS_PENDING_MAX / FLOWS_PENDING_OF_APP_MAX; i++)
		begin_many(t, FLOWS_PENDING_OF_APP_MAX, 1, arena_printf(t->arena, "app-%d", i));
	assert_int_equal(links_spend(&t->core, slice_from(strrchr(url, '/') + 1), SLICE_LIT("jar A"), t->arena, &to, &t->ei), ERR_LIMIT);
	t->now_ms += LINKS_LIFE_MS / 2; /* the link lives */
	testcore_sql(t, "UPDATE oauth_sessions SET expires_at = 1");
	OK(links_spend(&t->core, slice_from(strrchr(url, '/') + 1), SLICE_LIT("jar A"), t->arena, &to, &t->ei));
}

static void what_came_to_an_end_is_told_for_a_day(void **state)
{
	struct testcore *t = *state;
	struct link_row link, confirmed;
	const char *url;

	(void)testcore_probe(t);
	OK(make_link(t, &link, &url));
	OK(make_link(t, &confirmed, &url));
	testcore_sql(t, arena_printf(t->arena, "UPDATE connect_links SET status = 'connected', spent_at = 1;"
					       "UPDATE connect_links SET confirm = 1 WHERE link_id = '%s'", confirmed.link_id));
	t->now_ms += LINKS_KEPT_MS;
	OK(flows_housekeeping(&t->core, &t->ei));
	OK(links_get(&t->core, &t->admin, slice_from(link.link_id), t->arena, &link, &t->ei));
	t->now_ms += LINKS_LIFE_MS + 1;
	OK(flows_housekeeping(&t->core, &t->ei));
	assert_int_equal(links_get(&t->core, &t->admin, slice_from(link.link_id), t->arena, &link, &t->ei), ERR_NOT_FOUND);
	OK(links_get(&t->core, &t->admin, slice_from(confirmed.link_id), t->arena, &confirmed, &t->ei)); /* its app may still agree */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_nobody_goes_on_with_leaves_nothing, testcore_setup, testcore_teardown),
		cmocka_unit_test_setup_teardown(one_app_leaves_room_for_others, testcore_setup, testcore_teardown),
		cmocka_unit_test_setup_teardown(all_apps_together_are_bounded, testcore_setup, testcore_teardown),
		cmocka_unit_test_setup_teardown(what_came_to_an_end_is_told_for_a_day, testcore_setup, testcore_teardown),
	};

	return cmocka_run_group_tests_name("core/abandoned", tests, NULL, NULL);
}
