/* SPDX-License-Identifier: Apache-2.0 */
/* What a failed refresh does under each rotation class, through the store (LIFECYCLE §4.6, §4.7, §4.12, §5.5). */
#include "core/testrefresh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/* RF-06, LIFECYCLE §4.6: what each answer leaves behind. */
static void a_refusal_is_read_for_what_it_says(void **state)
{
	static const struct {
		struct fetch_answer answer;
		const char *body, *failure;
		bool uncertain, paused;
	} cases[] = {
		{{.err = ERR_UPSTREAM_DOWN}, NULL, "provider_unreachable", false, false},             /* DNS, connect, TLS */
		{{.err = ERR_FORBIDDEN}, NULL, "provider_unreachable", false, false},                 /* egress says no */
		{{.err = ERR_UPSTREAM_DOWN, .sent = true}, NULL, "provider_unreachable", true, false}, /* timeout, reset */
		{{.err = ERR_TOO_LARGE, .sent = true}, NULL, "provider_unreachable", true, false},
		{{.err = ERR_NOT_FOUND}, NULL, "answer_lost", true, false},
		{{.status = 429}, "", "provider_busy", false, false},
		{{.status = 503, .retry_after_s = 5}, "", "provider_busy", false, false},
		{{.status = 421}, "", "provider_busy", false, false},
		{{.status = 400}, "{\"error\":\"temporarily_unavailable\"}", "provider_busy", false, false},
		{{.status = 500}, "", "provider_unreadable", true, false},
		{{.status = 502}, "", "provider_unreadable", true, false},
		{{.status = 503}, "busy", "provider_unreadable", true, false},
		{{.status = 504}, "", "provider_unreadable", true, false},
		{{.status = 500}, "{\"error\":\"invalid_grant\"}", "provider_unreadable", true, false},
		{{.status = 200}, "not json", "provider_unreadable", true, false},
		{{.status = 204}, "", "provider_unreadable", true, false},
		{{.status = 400}, "", "provider_refused", false, false}, /* an empty body proves nothing */
		{{.status = 403}, "{}", "provider_refused", false, false},
		{{.status = 400}, "{\"error\":\"invalid_request\"}", "provider_refused", false, false},
		{{.status = 401}, "{\"error\":\"invalid_client\"}", "client_rejected", false, true},
		{{.status = 400}, "{\"error\":\"unauthorized_client\"}", "client_rejected", false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fetch_answer answer = cases[i].answer;
		struct authenticator_row auth;
		struct testrefresh w;

		testrefresh_init(&w, "\"U\"");
		testrefresh_expect(&w, &testrefresh_all, "rt-1");
		answer.complete = answer.sent = answer.sent || answer.status;
		assert_int_equal(testrefresh_take(&w, &w.attempt, &answer, cases[i].body), ERR_UPSTREAM_DOWN);
		assert_string_equal(w.t.ei.code, cases[i].failure);
		assert_string_equal(testrefresh_row(&w).failure, cases[i].failure);
		assert_string_equal(testrefresh_row(&w).status, "active");
		assert_string_equal(testrefresh_row(&w).intent_attempt, "");
		assert_int_equal(testrefresh_row(&w).generation, 1);
		assert_int_equal(testrefresh_row(&w).uncertain, cases[i].uncertain);
		OK(store_find(w.t.core.store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_TEXT(w.auth.authenticator_id)), w.t.arena, &auth, &w.t.ei));
		assert_int_equal(auth.client_failures, cases[i].paused);
		assert_int_equal(testcore_events(&w.t, "refresh_failed"), 1);
		assert_int_equal(testcore_events(&w.t, "authenticator_paused"), cases[i].paused);
		testrefresh_done(&w);
	}
}

/* §4.7: where the class bears it the same token goes out again at once, and as often as it takes. */
static void classes_that_bear_it_are_asked_again_at_once(void **state)
{
	static const char *const classes[] = {"\"R0\"", "\"R1\"", "{\"class\":\"R2\",\"window_s\":600}"};
	enum err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		struct testrefresh w;

		testrefresh_init(&w, classes[i]);
		testrefresh_expect(&w, &testrefresh_all, "rt-1");
		assert_int_equal(testrefresh_cut(&w), ERR_UPSTREAM_DOWN);
		assert_true(w.after.again);
		for (int n = 0; n < 5; n++) {
			testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-1");
			assert_int_equal(testrefresh_cut(&w), ERR_UPSTREAM_DOWN);
			assert_false(w.after.again);
			/* Nobody need ask, and nobody may ask too soon. */
			assert_true(w.after.look_in_ms > 0 && w.after.look_in_ms <= 64 * 1000);
			testrefresh_pass(&w, w.after.look_in_ms);
		}
		testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-1");
		OK(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 2)));
		assert_int_equal(testrefresh_row(&w).generation, 2);
		assert_int_equal(testrefresh_row(&w).uncertain, 0);
		assert_int_equal(testrefresh_row(&w).failures, 0);
		assert_int_equal(testrefresh_row(&w).refresh_due_at, 0);
		assert_string_equal(testrefresh_sent(&w, &REFRESH_WANT_DUE, &e), "");
		OK(e);
		testrefresh_done(&w);
	}
}

/* And again when that is ambiguous too: a server that answers 500 for an hour has said nothing about the grant. */
static void classes_that_do_not_are_asked_when_the_token_is_over(void **state)
{
	static const char *const classes[] = {"\"R3\"", "\"R4\"", "\"U\"", "{\"class\":\"R2\",\"window_s\":1}"};
	const struct refresh_want rejected = {.newer_than = 1};
	enum err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		struct testrefresh w;

		testrefresh_init(&w, classes[i]);
		testrefresh_expect(&w, &testrefresh_all, "rt-1");
		testrefresh_pass(&w, 60 * 1000); /* the window of the last class is over */
		assert_int_equal(testrefresh_cut(&w), ERR_UPSTREAM_DOWN);
		assert_false(w.after.again);
		assert_int_equal(testrefresh_row(&w).refresh_due_at, testrefresh_row(&w).expires_at - 60 * 1000);
		testrefresh_pass(&w, 16 * 60 * 1000);
		assert_string_equal(testrefresh_sent(&w, &testrefresh_all, &e), "");
		OK(e);
		assert_string_equal(testrefresh_sent(&w, &REFRESH_WANT_DUE, &e), "");
		OK(e);
		if (i % 2) { /* the provider takes it no more: then there is nothing to spare */
			testrefresh_expect(&w, &rejected, "rt-1");
		} else {
			testrefresh_pass(&w, testrefresh_row(&w).refresh_due_at - w.t.now_ms);
			testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-1");
		}
		for (int n = 0; n < 5; n++) {
			assert_int_equal(testrefresh_cut(&w), ERR_UPSTREAM_DOWN);
			assert_false(w.after.again);
			assert_true(w.after.look_in_ms >= 2000);
			testrefresh_pass(&w, w.after.look_in_ms);
			testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-1");
		}
		assert_int_equal(testrefresh_answered(&w, 400, "{\"error\":\"invalid_grant\"}"), ERR_UPSTREAM_DENIED);
		testrefresh_expect_cause(&w, "rotation_response_lost");
		assert_string_equal(testrefresh_sent(&w, &testrefresh_all, &e), "");
		assert_int_equal(e, ERR_UPSTREAM_DENIED);
		testrefresh_done(&w);
	}
}

/* What surely was not carried out does not use up the one retry. */
static void a_retry_that_was_not_processed_does_not_count(void **state)
{
	const struct fetch_answer refused = {.err = ERR_UPSTREAM_DOWN};
	struct testrefresh w;
	int64_t next_ms = -1;

	(void)state;
	testrefresh_init(&w, "\"R4\"");
	testrefresh_pass(&w, 3600 * 1000);
	testrefresh_expect(&w, &testrefresh_all, "rt-1");
	assert_int_equal(testrefresh_cut(&w), ERR_UPSTREAM_DOWN);
	for (int i = 0; i < 8; i++) {
		assert_true(w.after.look_in_ms > 0);
		OK(refresh_next_due(&w.t.core, w.t.arena, &next_ms, &w.t.ei));
		assert_int_equal(next_ms, w.after.look_in_ms - 1);
		testrefresh_pass(&w, w.after.look_in_ms);
		testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-1");
		assert_int_equal(testrefresh_take(&w, &w.attempt, &refused, NULL), ERR_UPSTREAM_DOWN);
		assert_int_equal(testrefresh_row(&w).uncertain, 1);
	}
	testrefresh_pass(&w, w.after.look_in_ms);
	testrefresh_expect(&w, &REFRESH_WANT_DUE, "rt-1");
	assert_int_equal(testrefresh_answered(&w, 400, testrefresh_invalid_grant), ERR_UPSTREAM_DENIED);
	testrefresh_expect_cause(&w, "rotation_response_lost");
	testrefresh_done(&w);
}

/* A broken server gets half a minute before the one retry is spent on it. */
static void the_one_retry_is_not_spent_on_a_broken_server(void **state)
{
	struct testrefresh w;
	enum err e;

	(void)state;
	testrefresh_init(&w, "\"R4\"");
	testrefresh_pass(&w, 3600 * 1000);
	testrefresh_expect(&w, &testrefresh_all, "rt-1");
	assert_int_equal(testrefresh_answered(&w, 500, ""), ERR_UPSTREAM_DOWN);
	assert_int_equal(w.t.ei.retry_after_s, 30);
	testrefresh_pass(&w, 29 * 1000);
	assert_string_equal(testrefresh_sent(&w, &testrefresh_all, &e), "");
	assert_int_equal(e, ERR_UPSTREAM_DOWN);
	assert_int_equal(w.t.ei.retry_after_s, 1);
	testrefresh_pass(&w, 1000);
	testrefresh_expect(&w, &testrefresh_all, "rt-1");
	OK(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 2)));
	testrefresh_done(&w);
}

/* §4.12: each loss by its name. */
static void a_loss_has_a_name(void **state)
{
	static const struct {
		const char *body, *cause;
		bool uncertain;
	} cases[] = {
		{"{\"error\":\"invalid_grant\"}", "revoked_by_provider", false},
		{"{\"error\":\"invalid_grant\",\"error_description\":\"Refresh token reuse detected\"}", "reuse_detected", false},
		{"{\"error\":\"invalid_grant\",\"error_description\":\"it was already used\"}", "reuse_detected", false},
		{"{\"error\":\"token_expired\"}", "expired", false},
		{"{\"error\":\"invalid_grant\"}", "rotation_response_lost", true},
		{"{\"error\":\"invalid_grant\",\"error_description\":\"Refresh token reuse detected\"}", "rotation_response_lost", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct testrefresh w;

		testrefresh_init_as(&w, ",\"rotation\":\"R4\",\"error_names\":{\"token_expired\":\"invalid_grant\"}");
		testrefresh_pass(&w, 3600 * 1000);
		testrefresh_expect(&w, &testrefresh_all, "rt-1");
		if (cases[i].uncertain) {
			assert_int_equal(testrefresh_cut(&w), ERR_UPSTREAM_DOWN);
			testrefresh_pass(&w, 60 * 1000);
			testrefresh_expect(&w, &testrefresh_all, "rt-1");
		}
		assert_int_equal(testrefresh_answered(&w, 400, cases[i].body), ERR_UPSTREAM_DENIED);
		testrefresh_expect_cause(&w, cases[i].cause);
		testrefresh_done(&w);
	}
}

/* RF-06: bounded, then the user is asked; what was wrong is said. */
static void refusals_that_prove_nothing_are_bounded(void **state)
{
	static const struct {
		const char *body, *cause;
		int times;
		int64_t hours_min, hours_max;
	} cases[] = {
		/* A page of whatever stands before the provider ends nothing within hours. */
		{"<h1>Forbidden</h1>", "revoked_by_provider", ROTATION_SILENT_REFUSALS_MAX, 12, 48},
		{"{\"error\":\"invalid_request\"}", "client_config", ROTATION_REFUSALS_MAX, 0, 1},
		{"{\"error\":\"invalid_scope\"}", "client_config", ROTATION_REFUSALS_MAX, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct testrefresh w;
		int64_t began;
		int n = 1;

		testrefresh_init(&w, "\"U\"");
		testrefresh_pass(&w, 3600 * 1000);
		began = w.t.now_ms;
		for (;; n++) {
			testrefresh_expect(&w, &testrefresh_all, "rt-1");
			if (testrefresh_answered(&w, 400, cases[i].body) != ERR_UPSTREAM_DOWN)
				break;
			assert_string_equal(testrefresh_row(&w).status, "active");
			testrefresh_pass(&w, testrefresh_row(&w).not_before - w.t.now_ms);
		}
		assert_int_equal(n, cases[i].times);
		assert_in_range(w.t.now_ms - began, cases[i].hours_min * 3600 * 1000, cases[i].hours_max * 3600 * 1000);
		testrefresh_expect_cause(&w, cases[i].cause);
		testrefresh_done(&w);
	}
}

/* LIFECYCLE §5.5: the provider says when; nobody asks before, at most an hour. */
static void retry_after_is_honoured(void **state)
{
	static const int64_t asked[][2] = {{120, 120}, {3600, 3600}, {86400, 3600}};
	enum err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		const struct fetch_answer answer = {.status = 429, .complete = true, .sent = true, .retry_after_s = asked[i][0]};
		struct testrefresh w;

		testrefresh_init(&w, "\"U\"");
		testrefresh_pass(&w, 3600 * 1000);
		testrefresh_expect(&w, &testrefresh_all, "rt-1");
		assert_int_equal(testrefresh_take(&w, &w.attempt, &answer, ""), ERR_UPSTREAM_DOWN);
		assert_int_equal(w.t.ei.retry_after_s, asked[i][1]);
		testrefresh_pass(&w, asked[i][1] * 1000 - 1);
		assert_string_equal(testrefresh_sent(&w, &testrefresh_all, &e), "");
		assert_int_equal(e, ERR_UPSTREAM_DOWN);
		assert_string_equal(w.t.ei.code, "provider_busy");
		assert_int_equal(w.t.ei.retry_after_s, 1);
		testrefresh_pass(&w, 1);
		testrefresh_expect(&w, &testrefresh_all, "rt-1");
		OK(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 2)));
		testrefresh_done(&w);
	}
}

/* RF-06: a day of reads of an expired token, one a second, while the provider refuses it. */
static void reads_do_not_ask_each_time(void **state)
{
	struct testrefresh w;
	int asked = 0;

	(void)state;
	testrefresh_init(&w, "\"U\"");
	testrefresh_pass(&w, 3600 * 1000);
	for (int s = 0; s < 24 * 3600; s += 10) {
		const struct fetch_answer down = {.err = ERR_UPSTREAM_DOWN};
		enum err e;

		if (testrefresh_sent(&w, &testrefresh_all, &e)[0]) {
			asked++;
			assert_int_equal(testrefresh_take(&w, &w.attempt, &down, NULL), ERR_UPSTREAM_DOWN);
		} else {
			assert_int_equal(e, ERR_UPSTREAM_DOWN);
			assert_true(w.t.ei.retry_after_s > 0);
		}
		testrefresh_pass(&w, 10 * 1000);
	}
	/* A quarter of an hour at most, half of that on average: about 200 of 8640. */
	assert_in_range(asked, 96, 400);
	assert_string_equal(testrefresh_row(&w).status, "active");
	testrefresh_done(&w);
}

static size_t reads_that_ask(struct testrefresh *w, int seconds)
{
	size_t asked = 0;

	for (int s = 0; s < seconds; s++) {
		enum err e;

		if (testrefresh_sent(w, &testrefresh_all, &e)[0]) {
			asked++;
			assert_int_equal(testrefresh_answered(w, 401, "{\"error\":\"invalid_client\"}"), ERR_UPSTREAM_DOWN);
		} else {
			assert_string_equal(w->t.ei.code, "client_rejected");
		}
		testrefresh_pass(w, 1000);
	}
	return asked;
}

/* OA-16: the authenticator waits with all its grants, until its secret is changed or is taken again. */
static void a_refused_client_waits_and_loses_nothing(void **state)
{
	struct authenticator_input in = {.name = NULL};
	struct jsonr *body;
	bool endpoints;
	struct testrefresh w;

	(void)state;
	testrefresh_init(&w, "\"U\"");
	testrefresh_pass(&w, 3600 * 1000);
	assert_in_range(reads_that_ask(&w, 3600), 5, 40);
	assert_int_equal(testcore_events(&w.t, "authenticator_paused"), 1);
	assert_int_equal(testrefresh_row(&w).failures, 0);
	assert_string_equal(testrefresh_row(&w).status, "active");
	/* Another secret: asked at once. */
	OK(authenticators_get(&w.t.core, &w.t.admin, slice_from(w.auth.id), w.t.arena, &w.auth, &w.t.ei));
	assert_true(w.auth.paused_until > 0);
	assert_string_equal(w.auth.paused_cause, "invalid_client");
	OK(jsonr_parse(SLICE_LIT("{\"client_secret\":\"right\"}"), 1000, &body, &w.t.ei));
	jsonr_in_arena(w.t.arena, body);
	OK(authenticator_input_change(&w.t.core, &w.auth, body, w.t.arena, &in, &endpoints, &w.t.ei));
	OK(authenticators_update(&w.t.core, &w.t.admin, &in, endpoints, w.t.arena, &w.auth, &w.t.ei));
	assert_int_equal(w.auth.client_failures, 0);
	testrefresh_expect(&w, &testrefresh_all, "rt-1");
	OK(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 2)));
	/* And taken again without a change: the pause is over for all. */
	testrefresh_pass(&w, 3600 * 1000);
	assert_int_equal(reads_that_ask(&w, 1), 1);
	testrefresh_pass(&w, 3600 * 1000);
	testrefresh_expect(&w, &testrefresh_all, "rt-2");
	OK(testrefresh_answered(&w, 200, testrefresh_tokens(&w, 3)));
	OK(authenticators_get(&w.t.core, &w.t.admin, slice_from(w.auth.id), w.t.arena, &w.auth, &w.t.ei));
	assert_int_equal(w.auth.client_failures, 0);
	assert_int_equal(testcore_events(&w.t, "authenticator_resumed"), 1);
	testrefresh_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_is_read_for_what_it_says),
		cmocka_unit_test(classes_that_bear_it_are_asked_again_at_once),
		cmocka_unit_test(classes_that_do_not_are_asked_when_the_token_is_over),
		cmocka_unit_test(a_retry_that_was_not_processed_does_not_count),
		cmocka_unit_test(the_one_retry_is_not_spent_on_a_broken_server),
		cmocka_unit_test(a_loss_has_a_name),
		cmocka_unit_test(refusals_that_prove_nothing_are_bounded),
		cmocka_unit_test(retry_after_is_honoured),
		cmocka_unit_test(reads_do_not_ask_each_time),
		cmocka_unit_test(a_refused_client_waits_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
