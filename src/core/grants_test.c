/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a grant in core: connect, read, refresh, end; and what tampering with the database gets. */
#include "core/grants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/connections.h"
#include "core/refresh.h"
#include "core/revocation.h"
#include "core/testcore.h"
#include "core/users.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)
#define ATTEMPT "33333333333333333333333333333333"

static const char first_answer[] = "{\"access_token\":\"at-1\",\"refresh_token\":\"rt-1\",\"token_type\":\"Bearer\",\"expires_in\":3600}";
static const char ann[] = "{\"sub\":\"ann\",\"email\":\"ann@example.org\"}";
static const char bob[] = "{\"sub\":\"bob\",\"email\":\"bob@example.org\"}";

static bool holds(struct slice text, const char *word)
{
	return memmem(text.p, text.n, word, strlen(word)) != NULL;
}

static const struct refresh_want soon = {.min_life_ms = 7200 * 1000, .newer_than = -1};

static enum err read_token(struct testcore *t, const char *ref, int64_t min_ttl_s, bool after, struct grant_reading *r)
{
	const struct grant_read_args args = {.app = &t->app, .user = &t->admin.owner, .ref = slice_from(ref),
					     .min_ttl_s = min_ttl_s, .after_refresh = after};

	err_clear(&t->ei);
	return grants_read(&t->core, &args, t->arena, r, &t->ei);
}

static struct flow_row connect_account(struct testcore *t, const struct authenticator_row *auth, const char *who)
{
	struct flow_row flow = testcore_connect(t, auth, &t->admin.owner, first_answer, who);

	assert_string_equal(flow.result, "connected");
	return flow;
}

static void a_connected_account_gives_its_token(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct grant_reading r;

	connect_account(t, &auth, ann);
	OK(read_token(t, "probe", 60, false, &r));
	assert_false(r.wants_refresh);
	assert_true(slice_is(secret_expose(r.access_token), "at-1"));
	assert_int_equal(r.life.expires_at, t->now_ms + 3600 * 1000);
	assert_int_equal(testcore_events(t, "connected"), 1);
	assert_int_equal(read_token(t, "other", 60, false, &r), ERR_NOT_FOUND);
}

static void two_accounts_are_two_connections(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct flow_row one = connect_account(t, &auth, ann), two = connect_account(t, &auth, bob), again;
	struct grant_reading r;

	assert_string_not_equal(one.auth_id, two.auth_id);
	assert_int_equal(read_token(t, "probe", 60, false, &r), ERR_CONFLICT);
	assert_string_equal(t->ei.code, "ambiguous");
	OK(read_token(t, one.auth_id, 60, false, &r));
	OK(read_token(t, two.auth_id, 60, false, &r));
	/* The same account again replaces its tokens and stays one connection. */
	again = connect_account(t, &auth, ann);
	assert_string_equal(again.auth_id, one.auth_id);
}

static void a_short_life_asks_for_a_refresh(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct grant_reading r;

	connect_account(t, &auth, ann);
	t->now_ms += 3590 * 1000;
	OK(read_token(t, "probe", 60, false, &r));
	assert_true(r.wants_refresh);
	/* The clerk could not help, but the token lives: it is served with its true end. */
	OK(read_token(t, "probe", 60, true, &r));
	assert_false(r.wants_refresh);
	t->now_ms += 20 * 1000;
	assert_int_equal(read_token(t, "probe", 60, true, &r), ERR_UPSTREAM_DOWN);
	/* min_ttl is capped at nine tenths of the life, so a fresh token is served whatever was asked. */
	t->now_ms -= 3610 * 1000;
	OK(read_token(t, "probe", 24 * 3600, false, &r));
	assert_true(r.wants_refresh == false || r.min_life_ms <= 3240 * 1000);
}

static struct connection_row the_connection(struct testcore *t)
{
	struct connection_row c;

	OK(connections_resolve(&t->core, t->app.app_id, t->admin.owner.user_id, slice_from("probe"), t->arena, &c, &t->ei));
	return c;
}

static struct grant_row grant_of(struct testcore *t, const char *id)
{
	struct grant_row g;

	OK(store_find(t->core.store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(id)), t->arena, &g, &t->ei));
	return g;
}

static enum err commit_as(struct testcore *t, const char *id, const char *consumes, const struct fetch_answer *answer,
			  struct secret *body)
{
	const struct refresh_attempt attempt = {.id = ATTEMPT, .generation = grant_of(t, id).intent_generation,
						.consumes = consumes, .asked = true};
	struct refresh_after after;

	return refresh_commit(&t->core, id, &attempt, answer, body, t->arena, &after, &t->ei);
}

static enum err commit(struct testcore *t, const char *id, const struct fetch_answer *answer, struct secret *body)
{
	return commit_as(t, id, "", answer, body);
}

static enum err refresh(struct testcore *t, const char *grant_id, int status, const char *json)
{
	const struct fetch_answer answer = {.status = status, .complete = true, .sent = true, .content_type = "application/json"};
	struct secret *body = secret_in_arena(t->arena, secret_new(slice_from(json)));
	struct refresh_plan plan;

	err_clear(&t->ei);
	OK(refresh_intend(&t->core, grant_id, &soon, ATTEMPT, t->arena, &plan, &t->ei));
	assert_true(plan.needed);
	return commit(t, grant_id, &answer, body);
}

/* A sealed answer whose head names another token, grant or endpoint than the one that was asked with. */
static enum err refresh_with(struct testcore *t, const char *grant_id, const char *url, const char *consumes)
{
	struct fetch_answer answer = {.status = 200, .complete = true, .sent = true, .sealed = true,
				      .content_type = "application/json"};
	struct secret *body = secret_in_arena(t->arena, secret_new(SLICE_LIT("{\"access_token\":\"at-9\",\"refresh_token\":\"rt-9\",\"token_type\":\"bearer\"}")));
	struct refresh_plan plan;
	struct fetch_request asked;
	struct fetch_bond bond;
	struct buf head;
	const char *own;

	err_clear(&t->ei);
	OK(refresh_intend(&t->core, grant_id, &soon, ATTEMPT, t->arena, &plan, &t->ei));
	asked = plan.request;
	own = plan.request.consumes;
	asked.url = url ? url : asked.url;
	asked.consumes = consumes ? consumes : asked.consumes;
	fetch_bond_of(&asked, &bond);
	buf_init(&head, 512);
	fetch_put_head(&head, &bond, &answer);
	answer.head = arena_copy(t->arena, buf_slice(&head));
	buf_done(&head);
	return commit_as(t, grant_id, own, &answer, body);
}

/* The attempt id alone would do for whoever can write into a row; LIFECYCLE §5.2, rule 4. */
static void the_answer_to_another_request_is_not_taken(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct grant_row g;

	connect_account(t, &auth, ann);
	g = grant_of(t, the_connection(t).grant_id);
	assert_int_equal(refresh_with(t, g.grant_id, "https://other.example/token", NULL), ERR_UPSTREAM_DOWN);
	t->now_ms += 3600 * 1000; /* its access token is used up, so it is asked again */
	testcore_sql(t, "UPDATE oauth_token_grants SET uncertain = 0");
	assert_int_equal(refresh_with(t, g.grant_id, NULL, "refresh 00000000000000000000000000000000 0123456789abcdef0123456789abcdef"), ERR_UPSTREAM_DOWN);
	t->now_ms += 60 * 1000;
	testcore_sql(t, "UPDATE oauth_token_grants SET uncertain = 0");
	assert_int_equal(refresh_with(t, g.grant_id, NULL, arena_printf(t->arena, "refresh %s 0123456789abcdef0123456789abcdef", g.grant_id)), ERR_UPSTREAM_DOWN);
	g = grant_of(t, g.grant_id);
	assert_true(g.generation == 1 && g.uncertain == 1);
	assert_string_equal(g.intent_attempt, "");
	t->now_ms += 60 * 1000;
	OK(refresh_with(t, g.grant_id, NULL, NULL));
	assert_int_equal(grant_of(t, g.grant_id).generation, 2);
}

static void a_refresh_commits_a_new_generation(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct grant_reading r;
	struct secret *rt;
	struct grant_row g;

	connect_account(t, &auth, ann);
	OK(refresh(t, the_connection(t).grant_id, 200, "{\"access_token\":\"at-2\",\"refresh_token\":\"rt-2\",\"token_type\":\"bearer\",\"expires_in\":60}"));
	OK(read_token(t, "probe", 0, false, &r));
	assert_true(slice_is(secret_expose(r.access_token), "at-2"));
	g = grant_of(t, r.grant_id);
	assert_int_equal(g.generation, 2);
	assert_string_equal(g.intent_attempt, "");
	assert_true(g.previous_refresh_token.bytes.n > 0);
	/* RF-02: an absent and an empty refresh token keep the old one. */
	OK(refresh(t, g.grant_id, 200, "{\"access_token\":\"at-3\",\"token_type\":\"Bearer\",\"expires_in\":60}"));
	OK(refresh(t, g.grant_id, 200, "{\"access_token\":\"at-4\",\"refresh_token\":\"\",\"token_type\":\"Bearer\",\"expires_in\":60}"));
	g = grant_of(t, g.grant_id);
	assert_int_equal(g.generation, 4);
	OK(grants_open_refresh(&t->core, &g, t->arena, &rt, &t->ei));
	assert_true(slice_is(secret_expose(rt), "rt-2"));
}

static void a_standing_intent_is_joined_not_repeated(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct refresh_plan plan;
	const char *id;

	connect_account(t, &auth, ann);
	id = the_connection(t).grant_id;
	OK(refresh_intend(&t->core, id, &soon, ATTEMPT, t->arena, &plan, &t->ei));
	assert_string_equal(plan.join, "");
	OK(refresh_intend(&t->core, id, &soon, "44444444444444444444444444444444", t->arena, &plan, &t->ei));
	assert_string_equal(plan.join, ATTEMPT);
}

/* LIFECYCLE §4.7: of this start or an earlier one, at once and by its name. */
static void an_answer_that_no_courier_knows_leaves_the_grant_uncertain(void **state)
{
	const struct fetch_answer unknown = {.err = ERR_NOT_FOUND};
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct refresh_plan plan;
	const char *id;

	connect_account(t, &auth, ann);
	id = the_connection(t).grant_id;
	OK(refresh_intend(&t->core, id, &soon, ATTEMPT, t->arena, &plan, &t->ei));
	t->core.instance = "99999999999999999999999999999999";
	assert_int_equal(commit(t, id, &unknown, NULL), ERR_UPSTREAM_DOWN);
	assert_string_equal(t->ei.code, "answer_lost");
	assert_string_equal(grant_of(t, id).intent_attempt, "");
	assert_string_equal(grant_of(t, id).status, "active");
	assert_int_equal(grant_of(t, id).uncertain, 1);
	t->now_ms += 3600 * 1000; /* until then its access token is used up */
	/* The one retry says what had become of it. */
	assert_int_equal(refresh(t, id, 400, "{\"error\":\"invalid_grant\"}"), ERR_UPSTREAM_DENIED);
	assert_string_equal(grant_of(t, id).cause, "rotation_response_lost");
}

static enum err commit_second(struct testcore *t, const char *grant_id)
{
	static const char second[] = "{\"access_token\":\"at-2\",\"refresh_token\":\"rt-2\",\"token_type\":\"Bearer\",\"expires_in\":3600}";
	const struct fetch_answer answer = {.status = 200, .complete = true, .sent = true, .content_type = "application/json"};
	struct secret *body = secret_in_arena(t->arena, secret_new(slice_from(second)));

	return commit(t, grant_id, &answer, body);
}

/* LIFECYCLE §4.7: while the outcome is open, the living access token is served instead of risking the grant. */
static void an_uncertain_grant_is_retried_late(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct grant_reading r;

	connect_account(t, &auth, ann);
	t->now_ms += 600 * 1000;
	OK(read_token(t, "probe", 24 * 3600, false, &r));
	assert_true(r.wants_refresh);
	testcore_sql(t, "UPDATE oauth_token_grants SET uncertain = 1");
	OK(read_token(t, "probe", 24 * 3600, false, &r));
	assert_false(r.wants_refresh);
	t->now_ms += 2950 * 1000;
	OK(read_token(t, "probe", 24 * 3600, false, &r));
	assert_true(r.wants_refresh);
	assert_int_equal(r.min_life_ms, 60 * 1000);
}

/* The answer may hold the only living tokens: a switch that was turned meanwhile must not drop them. */
static void disabling_the_authenticator_in_mid_refresh_loses_nothing(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct refresh_plan plan;
	struct secret *token;
	struct grant_row g;
	const char *id;

	connect_account(t, &auth, ann);
	id = the_connection(t).grant_id;
	OK(refresh_intend(&t->core, id, &soon, ATTEMPT, t->arena, &plan, &t->ei));
	testcore_sql(t, "UPDATE oauth_authenticators SET is_active = 0, client_secret = x'0101'");
	OK(commit_second(t, id));
	g = grant_of(t, id);
	OK(grants_open_refresh(&t->core, &g, t->arena, &token, &t->ei));
	assert_true(slice_is(secret_expose(token), "rt-2"));
}

/* RF-05: ended in mid-refresh, a grant stays ended, and the provider is told of the new tokens. */
static void a_revoke_is_never_undone(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct connection_row c;
	struct refresh_plan plan;
	struct revocation_plan revocation;
	struct grant_reading r;

	connect_account(t, &auth, ann);
	c = the_connection(t);
	OK(refresh_intend(&t->core, c.grant_id, &soon, ATTEMPT, t->arena, &plan, &t->ei));
	OK(connections_disconnect(&t->core, &c, "test", &t->ei));
	assert_int_equal(revocation_plan(&t->core, c.grant_id, t->arena, &revocation, &t->ei), ERR_BUSY);
	OK(refresh_intend(&t->core, c.grant_id, &soon, ATTEMPT, t->arena, &plan, &t->ei));
	assert_string_equal(plan.join, ATTEMPT);
	assert_int_equal(commit_second(t, c.grant_id), ERR_CONFLICT);
	assert_int_equal(grant_of(t, c.grant_id).is_revoked, 1);
	assert_string_equal(grant_of(t, c.grant_id).status, "revoked");
	assert_int_equal(read_token(t, c.auth_id, 60, false, &r), ERR_NOT_FOUND);
	OK(revocation_plan(&t->core, c.grant_id, t->arena, &revocation, &t->ei));
	assert_int_equal(revocation.count, 2);
	assert_true(holds(revocation.request[0].body, "rt-2"));
	assert_true(holds(revocation.request[1].body, "at-2"));
	OK(revocation_done(&t->core, c.grant_id, true, t->arena, &t->ei));
	assert_int_equal(grant_of(t, c.grant_id).access_token.bytes.n, 0);
	assert_int_equal(grant_of(t, c.grant_id).refresh_token.bytes.n, 0);
	OK(revocation_plan(&t->core, c.grant_id, t->arena, &revocation, &t->ei));
	assert_int_equal(revocation.count, 0);
}

/* Whatever else the provider or the courier says of an ended grant's refresh, its own tokens are revoked then. */
static void a_failed_refresh_of_an_ended_grant_makes_way(void **state)
{
	static const struct fetch_answer answers[] = {
		{.err = ERR_NOT_FOUND},
		{.err = ERR_UPSTREAM_DOWN, .sent = true},
		{.status = 400, .complete = true, .sent = true, .content_type = "application/json"},
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct secret *body;
		struct revocation_plan revocation;
		struct authenticator_row auth;
		struct refresh_plan plan;
		struct connection_row c;
		struct testcore t;

		(void)state;
		testcore_init(&t);
		auth = testcore_probe(&t);
		connect_account(&t, &auth, ann);
		c = the_connection(&t);
		OK(refresh_intend(&t.core, c.grant_id, &soon, ATTEMPT, t.arena, &plan, &t.ei));
		OK(connections_disconnect(&t.core, &c, "test", &t.ei));
		body = secret_in_arena(t.arena, secret_new(SLICE_LIT("{\"error\":\"invalid_grant\"}")));
		assert_int_not_equal(commit(&t, c.grant_id, &answers[i], answers[i].err ? NULL : body), ERR_OK);
		assert_string_equal(grant_of(&t, c.grant_id).status, "revoked");
		OK(revocation_plan(&t.core, c.grant_id, t.arena, &revocation, &t.ei));
		assert_int_equal(revocation.count, 2);
		testcore_done(&t);
	}
}

static void changed_endpoints_part_the_grant(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct refresh_plan plan;
	const char *id;

	connect_account(t, &auth, ann);
	id = the_connection(t).grant_id;
	testcore_sql(t, "UPDATE oauth_authenticators SET endpoint_rev = 2");
	assert_int_equal(refresh_intend(&t->core, id, &soon, ATTEMPT, t->arena, &plan, &t->ei), ERR_UPSTREAM_DENIED);
	assert_string_equal(grant_of(t, id).cause, "client_config");
}

/* CR-01, CR-02: whatever is done to the ciphertexts, nothing is served and an event is left. */
static void tampered_ciphertexts_are_refused(void **state)
{
	static const char *const tamper[] = {
		/* between rows, between columns, a cut one, a changed bit, an older generation, another user's row */
		"UPDATE oauth_token_grants SET access_token = (SELECT access_token FROM oauth_token_grants g WHERE g.grant_id <> oauth_token_grants.grant_id)",
		"UPDATE oauth_token_grants SET access_token = refresh_token",
		"UPDATE oauth_token_grants SET access_token = substr(access_token, 1, length(access_token) - 1)",
		"UPDATE oauth_token_grants SET access_token = CAST(substr(access_token, 1, 50) || CASE substr(access_token, 51, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(access_token, 52) AS BLOB)",
		"UPDATE oauth_token_grants SET generation = generation + 1",
		"UPDATE oauth_token_grants SET access_token = x'0101'",
		"UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys d WHERE d.app_id = '' LIMIT 1) WHERE app_id <> ''",
	};

	for (size_t i = 0; i < ARRAY_LEN(tamper); i++) {
		struct testcore t;
		struct authenticator_row auth;
		struct grant_reading r;
		struct flow_row one;
		struct key_source source;

		(void)state;
		testcore_init(&t);
		auth = testcore_probe(&t);
		one = connect_account(&t, &auth, ann);
		connect_account(&t, &auth, bob);
		OK(read_token(&t, one.auth_id, 60, false, &r));
		testcore_sql(&t, tamper[i]);
		/* As after a restart: no key is known yet. */
		source = testcore_source(&t);
		keys_free(&t.core.keys);
		t.core.keys = keys_new(&source);
		r.access_token = NULL;
		assert_int_equal(read_token(&t, one.auth_id, 60, false, &r), ERR_CRYPTO);
		assert_null(r.access_token);
		assert_true(testcore_events(&t, "sealed_value_refused") >= 1);
		testcore_done(&t);
	}
}

static size_t due_revocations(struct testcore *t)
{
	const char **ids;
	size_t n;

	OK(revocation_open(&t->core, t->arena, &ids, &n, &t->ei));
	return n;
}

/* RF-08: the queue outlives the provider's silence, waits as long as it asks, and does not wait for ever. */
static void the_provider_is_told_until_it_listens(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct connection_row c;

	connect_account(t, &auth, ann);
	c = the_connection(t);
	assert_int_equal(due_revocations(t), 0);
	OK(connections_disconnect(&t->core, &c, "test", &t->ei));
	assert_int_equal(due_revocations(t), 1);
	OK(revocation_failed(&t->core, c.grant_id, 600, t->arena, &t->ei));
	t->now_ms += 599 * 1000;
	assert_int_equal(due_revocations(t), 0);
	t->now_ms += 1000;
	assert_int_equal(due_revocations(t), 1);
	for (int i = 0; i < 20; i++)
		OK(revocation_failed(&t->core, c.grant_id, 0, t->arena, &t->ei));
	assert_int_equal(testcore_events(t, "revocation_delayed"), 1);
	t->now_ms += 60 * 60 * 1000;
	assert_int_equal(due_revocations(t), 1);
	assert_true(grant_of(t, c.grant_id).refresh_token.bytes.n > 0);
	t->now_ms += (int64_t)8 * 24 * 60 * 60 * 1000;
	OK(revocation_failed(&t->core, c.grant_id, 0, t->arena, &t->ei));
	assert_int_equal(due_revocations(t), 0);
	assert_int_equal(grant_of(t, c.grant_id).refresh_token.bytes.n, 0);
	assert_int_equal(testcore_events(t, "not_revoked_at_provider"), 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, testcore_setup, testcore_teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_connected_account_gives_its_token),
		CASE(two_accounts_are_two_connections),
		CASE(a_short_life_asks_for_a_refresh),
		CASE(a_refresh_commits_a_new_generation),
		CASE(the_answer_to_another_request_is_not_taken),
		CASE(a_standing_intent_is_joined_not_repeated),
		CASE(an_answer_that_no_courier_knows_leaves_the_grant_uncertain),
		CASE(an_uncertain_grant_is_retried_late),
		CASE(disabling_the_authenticator_in_mid_refresh_loses_nothing),
		CASE(a_revoke_is_never_undone),
		CASE(the_provider_is_told_until_it_listens),
		cmocka_unit_test(a_failed_refresh_of_an_ended_grant_makes_way),
		CASE(changed_endpoints_part_the_grant),
		cmocka_unit_test(tampered_ciphertexts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
