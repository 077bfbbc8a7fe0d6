/* SPDX-License-Identifier: Apache-2.0 */
/* The test bench of core: everything real but the keeper and the clock. */
#include "core/testcore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "base/testtree.h"
#include "core/profiles.h"
#include "core/setup.h"
#include "json/jsonr.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)

static int64_t read_now(void *arg)
{
	return ((struct testcore *)arg)->now_ms;
}

static enum err fresh(void *arg, struct data_key *io, struct arena *a, struct slice *ret_wrapped, struct errinfo *ei)
{
	(void)ei;
	random_bytes(io->bytes, sizeof io->bytes);
	*ret_wrapped = master_wrap(arg, io, a);
	return ERR_OK;
}

static enum err unwrap(void *arg, struct slice wrapped, struct data_key *io, struct errinfo *ei)
{
	return master_unwrap(arg, wrapped, io, ei);
}

struct key_source testcore_source(struct testcore *t)
{
	return (struct key_source){.fresh = fresh, .unwrap = unwrap, .arg = t->master};
}

static char *in_dir(const struct testcore *t, const char *name)
{
	return mem_printf("%s/%s", t->dir, name);
}

void testcore_init(struct testcore *t)
{
	CLEANUP(mem_free_str) char *key = NULL, *admin = NULL;
	struct key_source source;
	struct store_args args = {.create = true, .checkpoints = true};
	struct api_key_row row;

	*t = (struct testcore){.dir = "/tmp/fw-core-XXXXXX", .now_ms = 1800000000000, .arena = arena_new(64 << 20)};
	assert_non_null(mkdtemp(t->dir));
	key = in_dir(t, "master.key");
	admin = in_dir(t, "admin.key");
	t->database = in_dir(t, "fiberwise.db");
	args.path = t->database;
	t->clock = (struct clock){.wall_ms = read_now, .mono_ms = read_now, .arg = t};
	OK(master_create(key, &t->ei));
	OK(master_load(key, &t->master, &t->ei));
	OK(store_open(&args, &t->core.store, &t->ei));
	OK(store_migrate(t->core.store, t->now_ms, &t->ei));
	OK(setup_first_start(t->core.store, t->master, admin, &t->clock, &t->ei));
	source = testcore_source(t);
	t->core.keys = keys_new(&source);
	t->core.profiles = profiles_new();
	t->core.issuer_keys = issuer_keys_new();
	t->core.clock = &t->clock;
	t->core.instance = "11111111111111111111111111111111";
	OK(core_set_public_url(&t->core, "http://127.0.0.1:7001", &t->ei));
	OK(template_load_all(&t->ei));
	t->admin = (struct caller){.kind = CALLER_KEY, .scopes = ACCESS_ALL, .key_id = "", .session_hash = "",
				   .reach_app_id = "", .actor = "key test"};
	OK(store_find(t->core.store, SQL_USER_ADMIN, STORE_NO_PARAMS, t->arena, &t->admin.owner, &t->ei));
	OK(store_find(t->core.store, SQL_API_KEYS_OF_USER, STORE_PARAMS(STORE_TEXT(t->admin.owner.user_id)), t->arena, &row, &t->ei));
	OK(access_app(&t->core, &t->admin, (struct slice){0}, t->arena, &t->app, &t->ei));
}

void testcore_done(struct testcore *t)
{
	store_close(&t->core.store);
	keys_free(&t->core.keys);
	profiles_free(&t->core.profiles);
	issuer_keys_free(&t->core.issuer_keys);
	master_free(&t->master);
	assert_true(testtree_remove(t->dir));
	mem_free_str(&t->database);
	arena_free(&t->arena);
}

struct authenticator_row testcore_register(struct testcore *t, const char *json)
{
	struct authenticator_wish wish = {.metadata = {0}};
	struct authenticator_input in;
	struct authenticator_row row;
	struct jsonr *body;

	err_clear(&t->ei);
	OK(jsonr_parse(slice_from(json), 65536, &body, &t->ei));
	jsonr_in_arena(t->arena, body);
	wish.body = body;
	OK(authenticator_input_new(&t->core, &wish, t->arena, &in, &t->ei));
	OK(authenticators_register(&t->core, &t->admin, &t->app, &in, t->arena, &row, &t->ei));
	return row;
}

struct authenticator_row testcore_probe(struct testcore *t)
{
	return testcore_register(t, "{\"name\":\"Probe\",\"authenticator_type\":\"custom\",\"client_id\":\"cid\","
				    "\"client_secret\":\"csecret\",\"scopes\":[\"read\",\"write\"],"
				    "\"authorize_url\":\"https://provider.example/authorize\","
				    "\"token_url\":\"https://provider.example/token\","
				    "\"configuration\":{\"identity_url\":\"https://provider.example/me\","
				    "\"revoke_url\":\"https://provider.example/revoke\"}}");
}

/* The value of a query parameter of a URL that holds nothing that needs decoding. */
static struct slice param_of(const char *url, const char *name)
{
	CLEANUP(mem_free_str) char *key = mem_printf("%s=", name);
	const char *at = strstr(url, key);
	size_t n;

	assert_non_null(at);
	at += strlen(key);
	n = strcspn(at, "&");
	return slice_make(at, n);
}

struct flow_row testcore_connect(struct testcore *t, const struct authenticator_row *auth, const struct user_row *user,
				 const char *answer, const char *identity)
{
	const struct flow_start_args start = {
		.app = &t->app, .user_id = user->user_id, .authenticator = auth, .ref = slice_from("probe"),
		.return_to = "/done", .scopes = auth->scopes, .session_hash = "", .link_id = "",
		.browser = slice_from("a browser's cookie"),
	};
	const struct fetch_answer got = {.status = 200, .complete = true, .sent = true, .content_type = "application/json"};
	const struct fetch_answer who = {.status = 200, .complete = true, .sent = true, .body = slice_from(identity)};
	struct callback callback = {.error = "", .description = "",
				    .code = secret_in_arena(t->arena, secret_new(SLICE_LIT("the-code")))};
	const struct callback_param beside = {SLICE_LIT("realmId"), SLICE_LIT("4620")}; /* as Intuit adds one */
	struct flow_return_args back = {.callback = &callback, .param = &beside, .param_count = 1, .browser = start.browser, .session_hash = ""};
	struct secret *body = secret_in_arena(t->arena, secret_new(slice_from(answer)));
	struct exchange x = {.wants_identity = false};
	struct fetch_request request;
	struct exchange_plan plan;
	struct flow_row flow;
	const char *url;
	struct url redirect;
	bool exchange;

	OK(flows_start(&t->core, &start, t->arena, &url, &t->ei));
	callback.state = param_of(url, "state");
	OK(url_parse(slice_from(auth->redirect_uri), &redirect, &t->ei));
	back.path = redirect.path;
	OK(flows_return(&t->core, &back, t->arena, &flow, &exchange, &t->ei));
	assert_true(exchange);
	OK(exchange_intend(&t->core, flow.session_id, callback.code, "22222222222222222222222222222222", t->arena, &plan, &t->ei));
	assert_true(plan.needed);
	if (exchange_read(&t->core, flow.session_id, &got, body, t->arena, &x, &request, &t->ei) == ERR_OK)
		(void)exchange_commit(&t->core, &x, &who, t->arena, &t->ei);
	OK(flows_get(&t->core, flow.session_id, t->arena, &flow, &t->ei));
	return flow;
}

size_t testcore_events(struct testcore *t, const char *kind)
{
	struct event_row *rows;
	size_t n, hits = 0;

	OK(store_list(t->core.store, SQL_EVENTS_OF_APP, STORE_PARAMS(STORE_TEXT(t->app.app_id)), 1000, t->arena, &rows, &n, &t->ei));
	for (size_t i = 0; i < n; i++)
		hits += strcmp(rows[i].kind, kind) == 0;
	return hits;
}

void testcore_sql(struct testcore *t, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(t->database, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 1000);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

int testcore_setup(void **state)
{
	struct testcore *t = MEM_NEW(struct testcore);

	testcore_init(t);
	*state = t;
	return 0;
}

int testcore_teardown(void **state)
{
	testcore_done(*state);
	free(*state);
	return 0;
}
