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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
