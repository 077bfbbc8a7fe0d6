/* SPDX-License-Identifier: Apache-2.0 */
/* Listing and finding connections: what a list may cost, and what a disabled authenticator still allows. */
#include "core/connections.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "core/revocation.h"
#include "core/testcore.h"

enum { ACCOUNTS = 40, LIST_BYTES = 1 << 20 };

/* An answer with tokens of `token_bytes` each, and scopes that were asked for or are invented, `scopes` of them. */
static const char *answer(struct testcore *t, size_t token_bytes, size_t scopes)
{
	struct buf text;
	const char *copy;

	buf_init(&text, 1 << 20);
	buf_puts(&text, "{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"");
	for (size_t i = 0; i < token_bytes; i++)
		buf_putc(&text, 'a');
	buf_puts(&text, "\",\"refresh_token\":\"");
	for (size_t i = 0; i < token_bytes; i++)
		buf_putc(&text, 'r');
	buf_puts(&text, "\",\"scope\":\"read");
	for (size_t i = 0; i < scopes; i++)
		buf_printf(&text, " %0250zu", i);
	buf_puts(&text, "\"}");
	assert_true(buf_ok(&text));
	copy = arena_strndup(t->arena, buf_slice(&text));
	buf_done(&text);
	return copy;
}

static void connect_accounts(struct testcore *t, const struct authenticator_row *auth, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		const char *who = arena_printf(t->arena, "{\"sub\":\"s%zu\",\"email\":\"%zu@example.org\"}", i, i);
		struct flow_row flow = testcore_connect(t, auth, &t->admin.owner, text, who);

		assert_string_equal(flow.result, "connected");
	}
}

static enum err list(struct testcore *t, struct arena *a, size_t *ret_n)
{
	struct connection_view *views;

	err_clear(&t->ei);
	return connections_list(&t->core, t->app.app_id, t->admin.owner.user_id, (struct slice){0}, a, &views, ret_n, &t->ei);
}

/* The list once read every token of every row into the request's arena, whose end is the process's. */
static void a_list_holds_no_tokens(void **state)
{
	struct testcore *t = *state;
	CLEANUP(arena_free) struct arena *small = arena_new(LIST_BYTES);
	struct authenticator_row auth = testcore_probe(t);
	size_t n;

	connect_accounts(t, &auth, ACCOUNTS, answer(t, 30000, 0)); /* 2.4 MB of tokens */
	assert_int_equal(list(t, small, &n), ERR_OK);
	assert_int_equal(n, ACCOUNTS);
}

static void a_list_that_does_not_fit_is_refused(void **state)
{
	struct testcore *t = *state;
	CLEANUP(arena_free) struct arena *a = arena_new(32 << 20);
	struct authenticator_row auth = testcore_probe(t);
	const char *text = answer(t, 10, 99);
	size_t n = 0;

	connect_accounts(t, &auth, 100, text); /* 2.5 MB of scopes */
	assert_int_equal(list(t, a, &n), ERR_OK);
	assert_int_equal(n, 100);
	for (size_t i = 100; i < 140; i++)
		testcore_connect(t, &auth, &t->admin.owner, text, arena_printf(t->arena, "{\"sub\":\"s%zu\"}", i));
	assert_int_equal(list(t, a, &n), ERR_CONFLICT);
	assert_string_equal(t->ei.code, "limit_reached");
}

static void what_is_disabled_can_be_ended_but_not_used(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	const char *user = t->admin.owner.user_id;
	struct connection_row row;

	connect_accounts(t, &auth, 1, answer(t, 10, 0));
	testcore_sql(t, "UPDATE oauth_authenticators SET is_active = 0");
	assert_int_equal(connections_resolve(&t->core, "default", user, SLICE_LIT("probe"), t->arena, &row, &t->ei), ERR_NOT_FOUND);
	assert_int_equal(connections_resolve_any(&t->core, "default", user, SLICE_LIT("probe"), t->arena, &row, &t->ei), ERR_OK);
	assert_int_equal(connections_disconnect(&t->core, &row, "test", &t->ei), ERR_OK);
	assert_int_equal(connections_resolve_any(&t->core, "default", user, SLICE_LIT("probe"), t->arena, &row, &t->ei), ERR_NOT_FOUND);
}

/* More than one transaction's worth, and none is left behind. */
static void a_deleted_authenticator_ends_them_all(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	const char **grants;
	size_t n = 0;

	connect_accounts(t, &auth, 210, answer(t, 10, 0));
	assert_int_equal(authenticators_delete(&t->core, &t->admin, &auth, t->arena, &grants, &n, &t->ei), ERR_OK);
	assert_int_equal(n, 210);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(strlen(grants[i]), RANDOM_ID_BYTES - 1);
	assert_int_equal(list(t, t->arena, &n), ERR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(authenticators_delete(&t->core, &t->admin, &auth, t->arena, &grants, &n, &t->ei), ERR_NOT_FOUND);
}

/* Deleted between the token request and its answer: no connection, no usable token, and one grant to be revoked. */
static void an_account_that_comes_too_late_is_not_connected(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct flow_row flow;
	struct grant_row g;
	const char **ended;
	size_t n;

	testcore_sql(t, "CREATE TRIGGER late AFTER UPDATE OF intent_attempt ON oauth_sessions WHEN NEW.intent_attempt <> '' "
			"BEGIN UPDATE oauth_authenticators SET deleted_at = 1, is_active = 0; END");
	flow = testcore_connect(t, &auth, &t->admin.owner, answer(t, 10, 0), "{\"sub\":\"late\"}");
	assert_string_equal(flow.result, "failed");
	assert_string_equal(flow.error_code, "authenticator_changed");
	assert_int_equal(list(t, t->arena, &n), ERR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(revocation_open(&t->core, t->arena, &ended, &n, &t->ei), ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(store_find(t->core.store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(ended[0])), t->arena, &g, &t->ei), ERR_OK);
	assert_true(g.is_revoked);
	assert_int_equal(testcore_events(t, "connected"), 0);
}

/* Once a minute at most, and never back. */
static void a_use_is_noted_once_a_minute(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	static const struct {
		int64_t at, stands;
	} uses[] = {{100000, 100000}, {100001, 100000}, {159999, 100000}, {160000, 160000}, {100000, 160000}};
	struct connection_row c;

	connect_accounts(t, &auth, 1, answer(t, 10, 0));
	for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
		assert_int_equal(connections_resolve(&t->core, "default", t->admin.owner.user_id, slice_from("probe"), t->arena, &c, &t->ei), ERR_OK);
		assert_int_equal(connections_used(&t->core, slice_from(c.auth_id), uses[i].at, &t->ei), ERR_OK);
		assert_int_equal(connections_resolve(&t->core, "default", t->admin.owner.user_id, slice_from("probe"), t->arena, &c, &t->ei), ERR_OK);
		assert_true(c.last_used_at == uses[i].stands);
	}
	assert_int_equal(connections_used(&t->core, SLICE_LIT("nobody"), 1, &t->ei), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_list_holds_no_tokens, testcore_setup, testcore_teardown),
		cmocka_unit_test_setup_teardown(a_list_that_does_not_fit_is_refused, testcore_setup, testcore_teardown),
		cmocka_unit_test_setup_teardown(what_is_disabled_can_be_ended_but_not_used, testcore_setup, testcore_teardown),
		cmocka_unit_test_setup_teardown(a_deleted_authenticator_ends_them_all, testcore_setup, testcore_teardown),
		cmocka_unit_test_setup_teardown(an_account_that_comes_too_late_is_not_connected, testcore_setup, testcore_teardown),
		cmocka_unit_test_setup_teardown(a_use_is_noted_once_a_minute, testcore_setup, testcore_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
