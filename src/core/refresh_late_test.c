/* SPDX-License-Identifier: Apache-2.0 */
/* Several refresh tokens of one grant, answers that come late, and telling the provider of the end (LIFECYCLE §4.8, §4.9, §5.3; RF-08). */
#include "core/testrefresh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/connections.h"
#include "core/grants.h"
#include "core/revocation.h"
#include "core/vault.h"

/* §4.8: the previous token, only after a definite no to the new one, and only where it costs nothing. */
static void the_previous_token_is_tried_last(void **state)
{
	static const struct {
		const char *rotation;
		bool tried;
	} cases[] = {{"\"R0\"", true}, {"\"R1\"", true}, {"{\"class\":\"R2\",\"window_s\":600}", true},
		     {"\"R3\"", true}, {"\"R4\"", false}, {"\"U\"", false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int heals = 0; heals < 2; heals++) {
			struct testrefresh w;

			testrefresh_init(&w, cases[i].rotation);
			testrefresh_expect(&w, &testrefresh_all, "rt-1");
			OK(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 2)));
			assert_true(testrefresh_row(&w).previous_refresh_token.bytes.n > 0);
			testrefresh_pass(&w, 3600 * 1000);
			testrefresh_expect(&w, &testrefresh_all, "rt-2");
			if (!cases[i].tried) {
				assert_int_equal(testrefresh_answered(&w, 400, testrefresh_invalid_grant), ERR_UPSTREAM_DENIED);
				testrefresh_done(&w);
				continue;
			}
			assert_int_equal(testrefresh_answered(&w, 400, testrefresh_invalid_grant), ERR_UPSTREAM_DOWN);
			assert_true(w.after.again);
			testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-1");
			if (heals) {
				OK(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 3)));
				assert_int_equal(testrefresh_row(&w).generation, 3);
				testrefresh_pass(&w, 3600 * 1000);
				testrefresh_expect(&w, &testrefresh_all, "rt-3");
			} else {
				assert_int_equal(testrefresh_answered(&w, 400, testrefresh_invalid_grant), ERR_UPSTREAM_DENIED);
				testrefresh_expect_cause(&w, "revoked_by_provider");
			}
			testrefresh_done(&w);
		}
	}
}

/* RF-02: one that stays has worked once itself, so nothing older is kept beside it. */
static void a_token_that_stays_needs_no_predecessor(void **state)
{
	struct testrefresh w;

	(void)state;
	testrefresh_init(&w, "\"R0\"");
	testrefresh_expect(&w, &testrefresh_all, "rt-1");
	OK(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 2)));
	testrefresh_expect(&w, &testrefresh_all, "rt-2");
	OK(testrefresh_answered(&w, 200, "{\"access_token\":\"at-3\",\"token_type\":\"Bearer\",\"expires_in\":3600}"));
	assert_int_equal(testrefresh_row(&w).previous_refresh_token.bytes.n, 0);
	testrefresh_expect(&w, &testrefresh_all, "rt-2");
	testrefresh_done(&w);
}

/* §4.9, §5.3 line 2: newest first, the other once. */
static void two_successors_are_both_kept(void **state)
{
	const struct fetch_answer good = {.status = 200, .complete = true, .sent = true};

	(void)state;
	for (int heals = 0; heals < 2; heals++) {
		struct refresh_attempt late;
		struct testrefresh w;

		testrefresh_init(&w, "\"R1\"");
		testrefresh_expect(&w, &testrefresh_all, "rt-1");
		late = w.attempt;
		assert_int_equal(testrefresh_cut(&w), ERR_UPSTREAM_DOWN);
		testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-1");
		OK(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 2)));
		assert_int_equal(testrefresh_take(&w, &late, &good, testrefresh_tokens(&w, 99)), ERR_CONFLICT);
		assert_int_equal(testrefresh_row(&w).generation, 2);
		assert_true(testrefresh_row(&w).alternate_refresh_token.bytes.n > 0);
		assert_int_equal(testcore_events(&w.t, "alternate_kept"), 1);
		testrefresh_expect(&w, &testrefresh_all, "rt-2");
		assert_int_equal(testrefresh_answered(&w, 400, testrefresh_invalid_grant), ERR_UPSTREAM_DOWN);
		testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-99");
		if (heals) {
			OK(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 3)));
			assert_int_equal(testrefresh_row(&w).alternate_refresh_token.bytes.n, 0);
			testrefresh_expect(&w, &testrefresh_all, "rt-3");
		} else { /* then the one before both, and then it is over: once each */
			assert_int_equal(testrefresh_answered(&w, 400, testrefresh_invalid_grant), ERR_UPSTREAM_DOWN);
			testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-1");
			assert_int_equal(testrefresh_answered(&w, 400, testrefresh_invalid_grant), ERR_UPSTREAM_DENIED);
		}
		testrefresh_done(&w);
	}
}

/* §5.3 line 1: nobody else succeeded; another attempt may be under way, and finds a successor then. */
static void a_late_answer_is_accepted_when_nobody_was_faster(void **state)
{
	const struct fetch_answer good = {.status = 200, .complete = true, .sent = true};
	struct refresh_attempt late;
	struct testrefresh w;

	(void)state;
	testrefresh_init(&w, "\"R1\"");
	testrefresh_expect(&w, &testrefresh_all, "rt-1");
	late = w.attempt;
	assert_int_equal(testrefresh_cut(&w), ERR_UPSTREAM_DOWN);
	testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-1");
	OK(testrefresh_take(&w, &late, &good, testrefresh_tokens(&w, 2)));
	assert_int_equal(testrefresh_row(&w).generation, 2);
	/* The one under way is still known, and its answer is not written over ours, nor its refusal taken for ours. */
	assert_string_equal(testrefresh_row(&w).intent_attempt, w.attempt.id);
	assert_int_equal(testrefresh_row(&w).intent_generation, 1);
	assert_int_equal(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 3)), ERR_CONFLICT);
	assert_int_equal(testrefresh_row(&w).generation, 2);
	assert_string_equal(testrefresh_row(&w).intent_attempt, "");
	testrefresh_expect(&w, &testrefresh_all, "rt-2");
	testrefresh_done(&w);
}

static void a_late_refusal_says_nothing(void **state)
{
	const struct fetch_answer good = {.status = 200, .complete = true, .sent = true};
	struct refresh_attempt late;
	struct testrefresh w;

	(void)state;
	testrefresh_init(&w, "\"R1\"");
	testrefresh_expect(&w, &testrefresh_all, "rt-1");
	late = w.attempt;
	assert_int_equal(testrefresh_cut(&w), ERR_UPSTREAM_DOWN);
	testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-1");
	OK(testrefresh_take(&w, &late, &good, testrefresh_tokens(&w, 2)));
	assert_int_equal(testrefresh_answered(&w, 400, testrefresh_invalid_grant), ERR_CONFLICT);
	assert_string_equal(testrefresh_row(&w).status, "active");
	assert_string_equal(testrefresh_row(&w).intent_attempt, "");
	testrefresh_done(&w);
}

/* §5.3 line 5. */
static void a_late_answer_heals_what_was_thought_lost(void **state)
{
	const struct fetch_answer good = {.status = 200, .complete = true, .sent = true};
	struct grant_read_args args;
	struct grant_reading reading_;
	struct refresh_attempt late;
	struct testrefresh w;

	(void)state;
	testrefresh_init(&w, "\"R4\"");
	testrefresh_pass(&w, 3600 * 1000);
	testrefresh_expect(&w, &testrefresh_all, "rt-1");
	late = w.attempt;
	assert_int_equal(testrefresh_cut(&w), ERR_UPSTREAM_DOWN);
	testrefresh_pass(&w, 60 * 1000);
	testrefresh_expect(&w, &testrefresh_all, "rt-1");
	assert_int_equal(testrefresh_answered(&w, 400, testrefresh_invalid_grant), ERR_UPSTREAM_DENIED);
	testrefresh_expect_cause(&w, "rotation_response_lost");
	OK(testrefresh_take(&w, &late, &good, testrefresh_tokens(&w, 2)));
	assert_string_equal(testrefresh_row(&w).status, "active");
	assert_int_equal(testcore_events(&w.t, "healed"), 1);
	args = (struct grant_read_args){.app = &w.t.app, .user = &w.t.admin.owner, .ref = SLICE_LIT("probe")};
	OK(grants_read(&w.t.core, &args, w.t.arena, &reading_, &w.t.ei));
	assert_true(slice_is(secret_expose(reading_.access_token), "at-2"));
	testrefresh_done(&w);
}

static size_t told(struct testrefresh *w)
{
	struct revocation_plan plan;

	OK(revocation_plan(&w->t.core, w->grant_id, w->t.arena, &plan, &w->t.ei));
	return plan.count;
}

/* §5.3 lines 3 and 4. */
static void a_late_answer_of_an_ended_grant_is_revoked_where_that_ends_no_other(void **state)
{
	static const struct {
		const char *ends;
		bool superseded;
		size_t told;
	} cases[] = {{"grant", true, 0}, {"token", true, 2}, {"grant", false, 2}, {"token", false, 2}};
	const struct fetch_answer good = {.status = 200, .complete = true, .sent = true};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct connection_row c;
		char text[64];
		struct testrefresh w;

		snprintf(text, sizeof text, ",\"revoke_ends\":\"%s\"", cases[i].ends);
		testrefresh_init_as(&w, text);
		testrefresh_expect(&w, &testrefresh_all, "rt-1");
		OK(connections_resolve(&w.t.core, w.t.app.app_id, w.t.admin.owner.user_id, SLICE_LIT("probe"), w.t.arena, &c, &w.t.ei));
		if (cases[i].superseded)
			testcore_connect(&w.t, &w.auth, &w.t.admin.owner, testrefresh_reading, testrefresh_ann);
		else
			OK(connections_disconnect(&w.t.core, &c, "test", &w.t.ei));
		assert_int_equal(testrefresh_take(&w, &w.attempt, &good, testrefresh_tokens(&w, 2)), ERR_CONFLICT);
		assert_int_equal(w.after.revoke, cases[i].told > 0);
		assert_int_equal(told(&w), cases[i].told);
		assert_string_equal(testrefresh_row(&w).status, cases[i].superseded ? "superseded" : "revoked");
		assert_int_equal(testrefresh_row(&w).refresh_token.bytes.n > 0, cases[i].told > 0);
		assert_string_equal(testrefresh_row(&w).intent_attempt, "");
		testrefresh_done(&w);
	}
}

/* RF-08: the provider is not told where that would end another connection of the same account. */
static void telling_the_provider_spares_other_connections(void **state)
{
	static const struct {
		const char *ends, *token_url, *client_id;
		size_t told;
	} cases[] = {
		{"grant", "https://provider.example/token", "cid", 0},
		{"grant", "https://provider.example/other/token", "cid", 0}, /* the same origin */
		{"grant", "https://provider.example/token", "another", 2},
		{"grant", "https://provider.example.net/token", "cid", 2},
		{"token", "https://provider.example/token", "cid", 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct authenticator_row second;
		struct connection_row c;
		char text[64];
		struct testrefresh w;

		snprintf(text, sizeof text, ",\"revoke_ends\":\"%s\"", cases[i].ends);
		testrefresh_init_as(&w, text);
		second = testcore_register(&w.t, arena_printf(w.t.arena,
			"{\"name\":\"Second\",\"authenticator_type\":\"custom\",\"client_id\":\"%s\",\"client_secret\":\"s\",\"scopes\":[\"read\"],"
			"\"authorize_url\":\"https://provider.example/authorize\",\"token_url\":\"%s\","
			"\"configuration\":{\"identity_url\":\"https://provider.example/me\"}}", cases[i].client_id, cases[i].token_url));
		testcore_connect(&w.t, &second, &w.t.admin.owner, testrefresh_reading, testrefresh_ann);
		OK(connections_resolve(&w.t.core, w.t.app.app_id, w.t.admin.owner.user_id, SLICE_LIT("probe"), w.t.arena, &c, &w.t.ei));
		OK(connections_disconnect(&w.t.core, &c, "test", &w.t.ei));
		assert_int_equal(told(&w), cases[i].told);
		testrefresh_done(&w);
	}
}

/* AP-06: parted in mid-refresh, by whatever answer. */
static void changed_endpoints_part_the_grant_whatever_comes(void **state)
{
	for (int good = 0; good < 2; good++) {
		struct testrefresh w;

		(void)state;
		testrefresh_init(&w, "\"R4\"");
		testrefresh_expect(&w, &testrefresh_all, "rt-1");
		testcore_sql(&w.t, "UPDATE oauth_authenticators SET endpoint_rev = 2");
		assert_int_equal(good ? testrefresh_answered(&w, 200, testrefresh_tokens(&w, 2)) : testrefresh_answered(&w, 500, ""), ERR_UPSTREAM_DENIED);
		testrefresh_expect_cause(&w, "client_config");
		assert_int_equal(testrefresh_row(&w).generation, 1);
		testrefresh_done(&w);
	}
}

/* with the whole refresh token among its bytes the grant survives wherever the answer is cut, and without it is uncertain. */
static void an_answer_cut_anywhere_is_salvaged_or_kept(void **state)
{
	static const char whole[] = "{\"access_token\":\"at-2\",\"refresh_token\":\"rt-2\",\"token_type\":\"Bearer\",\"expires_in\":3600}";
	const size_t rt_end = (size_t)(strstr(whole, "rt-2") - whole) + 5, type_end = (size_t)(strstr(whole, "Bearer") - whole) + 7;
	size_t survived = 0, uncertain = 0;
	struct testrefresh w;

	(void)state;
	testrefresh_init(&w, "\"R4\"");
	for (size_t n = 0; n < strlen(whole); n++) {
		const struct fetch_answer cut = {.status = 200, .sent = true};
		const char *old = arena_strdup(w.t.arena, testrefresh_row(&w).refresh_fp);
		struct grant_row g;
		enum err e;

		testrefresh_sent(&w, &testrefresh_all, &e);
		OK(e);
		e = testrefresh_take(&w, &w.attempt, &cut, arena_strndup(w.t.arena, slice_make(whole, n)));
		g = testrefresh_row(&w);
		assert_int_equal(e, n < rt_end ? ERR_UPSTREAM_DOWN : ERR_OK);
		assert_int_equal(g.uncertain, n < rt_end);
		assert_string_equal(g.status, "active");
		if (n < rt_end) {
			uncertain++;
			assert_string_equal(g.refresh_fp, old);
		} else {
			survived++;
			testrefresh_sent(&w, &(struct refresh_want){.min_life_ms = 86400000, .newer_than = -1, .due = true}, &e);
			OK(e);
			assert_int_equal(w.after.again, n < type_end); /* its access token is not sure: once more */
			OK(testrefresh_answered(&w, 200, "{\"access_token\":\"at-1\",\"refresh_token\":\"rt-1\",\"token_type\":\"Bearer\",\"expires_in\":3600}"));
		}
		testcore_sql(&w.t, "UPDATE oauth_token_grants SET uncertain = 0, not_before = 0, refresh_due_at = 0, failures = 0");
	}
	assert_int_equal(survived + uncertain, strlen(whole));
	assert_true(survived > 30 && uncertain > 30);
	assert_int_equal(testcore_events(&w.t, "needs_reauth"), 0);
	testrefresh_done(&w);
}

/* Only the refresh token is there: it is stored with the old access token, used again at once, and not in a circle. */
static void a_refresh_token_alone_is_used_once_more(void **state)
{
	struct testrefresh w;
	struct secret *token;

	(void)state;
	testrefresh_init(&w, "\"R4\"");
	testrefresh_expect(&w, &testrefresh_all, "rt-1");
	OK(testrefresh_answered(&w, 200, "{\"refresh_token\":\"rt-2\",\"access_t"));
	assert_true(w.after.again);
	assert_int_equal(testrefresh_row(&w).generation, 2);
	assert_int_equal(testrefresh_row(&w).expires_at, w.t.now_ms + 3600 * 1000);
	{
		struct grant_row g = testrefresh_row(&w);

		OK(grants_open_access(&w.t.core, &g, w.t.arena, &token, &w.t.ei));
		assert_true(slice_is(secret_expose(token), "at-1"));
	}
	testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-2");
	OK(testrefresh_answered(&w, 200, "{\"refresh_token\":\"rt-3\",\"access_t"));
	assert_false(w.after.again);
	assert_true(w.after.look_in_ms >= 1000);
	testrefresh_pass(&w, w.after.look_in_ms);
	testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-3");
	OK(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 4)));
	assert_int_equal(testrefresh_row(&w).failures, 0);
	assert_int_equal(testrefresh_row(&w).refresh_due_at, 0);
	testrefresh_done(&w);
}

static size_t unread(struct testrefresh *w, struct unread_answer_row **ret)
{
	size_t n;

	OK(store_list(w->t.core.store, SQL_UNREAD_ANSWERS_ALL, STORE_NO_PARAMS, 10, w->t.arena, ret, &n, &w->t.ei));
	return n;
}

/* LIFECYCLE §4.3: sealed, for a day, the newest of a grant, gone with it. */
static void what_nobody_can_read_is_kept_sealed_for_a_day(void **state)
{
	struct unread_answer_row *rows;
	struct testrefresh w;
	struct secret *text;

	(void)state;
	testrefresh_init(&w, "\"R0\"");
	for (int i = 0; i < 3; i++) {
		testrefresh_expect(&w, &testrefresh_all, "rt-1");
		assert_int_equal(testrefresh_answered(&w, 200, "{\"refresh_token\":\"rt-secret-half"), ERR_UPSTREAM_DOWN);
		testrefresh_pass(&w, 60 * 1000);
	}
	assert_int_equal(unread(&w, &rows), 1);
	assert_null(memmem(rows[0].body.bytes.p, rows[0].body.bytes.n, "rt-secret", 9));
	OK(vault_open(&w.t.core, rows[0].app_id, &(struct seal_place){.table = "unread_answers", .row = rows[0].answer_id, .column = "body"},
		      rows[0].body, w.t.arena, &text, &w.t.ei));
	assert_true(slice_is(secret_expose(text), "{\"refresh_token\":\"rt-secret-half"));
	testrefresh_pass(&w, 23 * 3600 * 1000);
	OK(refresh_housekeeping(&w.t.core, &w.t.ei));
	assert_int_equal(unread(&w, &rows), 1);
	testrefresh_pass(&w, 3600 * 1000);
	OK(refresh_housekeeping(&w.t.core, &w.t.ei));
	assert_int_equal(unread(&w, &rows), 0);
	/* A refusal is no answer that anybody would want to read again. */
	testrefresh_expect(&w, &testrefresh_all, "rt-1");
	assert_int_equal(testrefresh_answered(&w, 400, "{\"error\":\"invalid_request\"}"), ERR_UPSTREAM_DOWN);
	assert_int_equal(unread(&w, &rows), 0);
	testrefresh_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_previous_token_is_tried_last),
		cmocka_unit_test(a_token_that_stays_needs_no_predecessor),
		cmocka_unit_test(two_successors_are_both_kept),
		cmocka_unit_test(a_late_answer_is_accepted_when_nobody_was_faster),
		cmocka_unit_test(a_late_refusal_says_nothing),
		cmocka_unit_test(a_late_answer_heals_what_was_thought_lost),
		cmocka_unit_test(a_late_answer_of_an_ended_grant_is_revoked_where_that_ends_no_other),
		cmocka_unit_test(telling_the_provider_spares_other_connections),
		cmocka_unit_test(changed_endpoints_part_the_grant_whatever_comes),
		cmocka_unit_test(an_answer_cut_anywhere_is_salvaged_or_kept),
		cmocka_unit_test(a_refresh_token_alone_is_used_once_more),
		cmocka_unit_test(what_nobody_can_read_is_kept_sealed_for_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
