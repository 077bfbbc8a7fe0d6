/* SPDX-License-Identifier: Apache-2.0 */
/* The provider's answer: only by the browser and session that left, at the path it left for, once (OA-01, OA-07 to OA-10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/exchange.h"
#include "core/links.h"
#include "ui/testui.h"

#define ATTEMPT "22222222222222222222222222222222"

struct bench {
	struct testui ui;
	struct testui_jar jar;
	struct authenticator_row auth;
	const char *path, *state; /* of the flow under way */
};

static int setup(void **state)
{
	struct bench *b = MEM_NEW(struct bench);
	struct testui *t = &b->ui;

	testui_init(t);
	b->auth = testcore_probe(&t->core);
	t->jar = &b->jar;
	testui_sign_in(t);
	assert_int_equal(testui_ask(t, &(struct testui_ask){
		.method = HTTP_M_GET, .target = "/api/v1/credentials/auth/initiate/Probe?return_to=%2Fdone%3Fa%3Db"}), 303);
	b->state = testui_between(t, testui_location(t), "&state=", '&');
	b->path = b->auth.redirect_uri + strlen("http://127.0.0.1:7001");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	testui_done(&b->ui);
	free(b);
	return 0;
}

static int come_back(struct bench *b, const char *query)
{
	return testui_get(&b->ui, TESTUI_PRINT(&b->ui, "%s?%s", b->path, query));
}

static int come_back_with_code(struct bench *b)
{
	return come_back(b, TESTUI_PRINT(&b->ui, "state=%s&code=the-code", b->state));
}

static struct flow_row the_flow(struct bench *b)
{
	struct testcore *t = &b->ui.core;
	struct flow_row row;

	assert_int_equal(flows_get(&t->core, b->ui.call.ask.subject, t->arena, &row, &t->ei), ERR_OK);
	return row;
}

/* What the clerk does with the code. */
static void exchange_code(struct bench *b, const char *subject)
{
	static const char tokens[] = "{\"access_token\":\"at\",\"refresh_token\":\"rt\",\"token_type\":\"Bearer\",\"expires_in\":60}";
	const struct fetch_answer got = {.status = 200, .complete = true, .sent = true, .content_type = "application/json"};
	const struct fetch_answer who = {.status = 200, .complete = true, .sent = true,
					 .body = SLICE_LIT("{\"sub\":\"ann\",\"email\":\"ann@example.org\"}")};
	struct testcore *t = &b->ui.core;
	struct secret *code = secret_in_arena(t->arena, secret_new(SLICE_LIT("the-code")));
	struct secret *body = secret_in_arena(t->arena, secret_new(slice_from(tokens)));
	struct exchange x = {.wants_identity = false};
	struct fetch_request request;
	struct exchange_plan plan;

	assert_int_equal(exchange_intend(&t->core, subject, code, ATTEMPT, t->arena, &plan, &t->ei), ERR_OK);
	assert_int_equal(exchange_read(&t->core, subject, &got, body, t->arena, &x, &request, &t->ei), ERR_OK);
	assert_int_equal(exchange_commit(&t->core, &x, &who, t->arena, &t->ei), ERR_OK);
}

/* An answer that belongs to nobody here: an error page, nothing asked of the clerk, nothing of the query repeated. */
static void assert_refused(struct bench *b, int status)
{
	assert_int_equal(b->ui.response.status, status);
	assert_int_equal(b->ui.call.ask.kind, CALL_ASK_NOTHING);
	assert_string_equal(testui_location(&b->ui), "");
	assert_null(strstr(testui_body(&b->ui), "the-code"));
	assert_null(strstr(testui_body(&b->ui), b->state));
	assert_null(strstr(testui_body(&b->ui), "evil"));
}

static void the_honest_answer_ends_at_return_to(void **state)
{
	struct bench *b = *state;
	struct testui *t = &b->ui;
	const char *subject;

	assert_int_equal(come_back_with_code(b), 0);
	assert_int_equal(t->call.ask.kind, CALL_ASK_EXCHANGE);
	assert_true(secret_equal(t->call.ask.code, SLICE_LIT("the-code")));
	subject = arena_strdup(t->core.arena, t->call.ask.subject);
	assert_string_equal(the_flow(b).session_id, subject);
	exchange_code(b, subject);
	assert_int_equal(testui_reply(t, ERR_OK), 303);
	assert_string_equal(testui_location(t), "/done?a=b&connected=true&authenticator=Probe&app_id=default");
	/* A repetition gets the stored result and asks nobody. */
	assert_int_equal(come_back_with_code(b), 303);
	assert_string_equal(testui_location(t), "/done?a=b&connected=true&authenticator=Probe&app_id=default");
	assert_int_equal(t->call.ask.kind, CALL_ASK_NOTHING);
}

static void a_slow_provider_is_waited_for_by_reloading(void **state)
{
	struct bench *b = *state;
	struct testui *t = &b->ui;

	assert_int_equal(come_back_with_code(b), 0);
	assert_int_equal(testui_reply(t, ERR_TIMEOUT), 503);
	assert_non_null(strstr(testui_head(t), "Retry-After: 5\r\n"));
	assert_non_null(strstr(testui_body(t), "Reload this page in a moment"));
	assert_null(strstr(testui_body(t), "the-code"));
	assert_int_equal(come_back_with_code(b), 0); /* the reload waits with the exchange under way */
	exchange_code(b, arena_strdup(t->core.arena, t->call.ask.subject));
	assert_int_equal(testui_reply(t, ERR_OK), 303);
}

static void a_refusal_comes_back_in_our_words(void **state)
{
	struct bench *b = *state;
	struct testui *t = &b->ui;

	assert_int_equal(come_back(b, TESTUI_PRINT(t, "state=%s&error=access_denied&error_description=evil%%0d%%0aX:y", b->state)), 303);
	assert_int_equal(t->call.ask.kind, CALL_ASK_NOTHING);
	assert_non_null(strstr(testui_location(t), "/done?a=b&connected=false&error=access_denied&error_description="));
	assert_null(strstr(testui_head(t), "evil"));
	/* The flow is over: a code that comes later is worth nothing. */
	assert_int_equal(come_back_with_code(b), 303);
	assert_non_null(strstr(testui_location(t), "connected=false&error=access_denied"));
	assert_int_equal(t->call.ask.kind, CALL_ASK_NOTHING);
}

static void answers_of_no_flow_are_refused(void **state)
{
	struct bench *b = *state;
	struct testui *t = &b->ui;
	const char *const queries[] = {
		"state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&code=the-code",
		"code=the-code",
		"state=&code=the-code",
		TESTUI_PRINT(t, "state=%.*s&code=the-code", 42, b->state),
		TESTUI_PRINT(t, "state=%s", b->state),
		TESTUI_PRINT(t, "state=%s&code=", b->state),
		TESTUI_PRINT(t, "state=%s&code=the-code&error=access_denied", b->state),
		TESTUI_PRINT(t, "state=%s&code=the-code&access_token=evil", b->state),
		TESTUI_PRINT(t, "state=%s&code=the-code&id_token=evil", b->state),
		TESTUI_PRINT(t, "state=%s&state=%s&code=the-code", b->state, b->state),
		TESTUI_PRINT(t, "state=%s&code=the-code&code=evil", b->state),
		TESTUI_PRINT(t, "state=%s&code=%%00", b->state),
		TESTUI_PRINT(t, "state=%s&error=", b->state),
		"error=access_denied&error_description=%3Cscript%3Eevil",
		"error=%3Cscript%3Eevil&state=x",
		"",
	};

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		come_back(b, queries[i]);
		assert_refused(b, 400);
		assert_null(strstr(testui_body(t), "<script"));
	}
	assert_int_equal(come_back_with_code(b), 0); /* none of these harmed the flow */
	assert_int_equal(t->call.ask.kind, CALL_ASK_EXCHANGE);
}

static void only_the_browser_and_session_that_left_come_back(void **state)
{
	struct bench *b = *state;
	struct testui *t = &b->ui;
	struct testui_jar nobody = {0}, stranger = {.browser = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, half = b->jar;
	struct testui_jar signed_out = b->jar, other_session = {0};

	t->jar = &nobody;
	come_back_with_code(b);
	assert_refused(b, 400);
	t->jar = &stranger;
	come_back_with_code(b);
	assert_refused(b, 400);
	memcpy(half.browser, stranger.browser, sizeof half.browser); /* the session without the browser */
	t->jar = &half;
	come_back_with_code(b);
	assert_refused(b, 400);
	signed_out.session[0] = '\0'; /* the browser without the session */
	t->jar = &signed_out;
	come_back_with_code(b);
	assert_refused(b, 400);
	t->jar = &other_session;
	assert_int_equal(testui_post(t, "/login", "name=admin&password=correct+horse"), 303);
	memcpy(other_session.browser, b->jar.browser, sizeof other_session.browser);
	come_back_with_code(b);
	assert_refused(b, 400);
	t->jar = &b->jar;
	assert_int_equal(come_back_with_code(b), 0);
}

static void it_comes_back_at_its_path_and_in_its_time(void **state)
{
	struct bench *b = *state;
	struct testui *t = &b->ui;
	const char *const paths[] = {
		"/auth/callback/other", "/api/v1/credentials/auth/callback/x", "/api/v1/oauth/callback/x",
		"/api/v1/credentials/oauth/callback/x",
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		testui_get(t, TESTUI_PRINT(t, "%s?state=%s&code=the-code", paths[i], b->state));
		assert_refused(b, 400);
	}
	t->core.now_ms += FLOWS_LIFE_MS + 1;
	come_back_with_code(b);
	assert_refused(b, 400);
}

static void a_links_flow_needs_no_session_and_minds_none(void **state)
{
	struct bench *b = *state;
	struct testui *t = &b->ui;
	const struct link_args args = {.app = &t->core.app, .authenticator = SLICE_LIT("probe"), .user = SLICE_LIT("customer-7")};
	struct testui_jar visitor = {0}, *const browsers[] = {&visitor, &b->jar};

	for (size_t i = 0; i < ARRAY_LEN(browsers); i++) {
		struct link_row row;
		const char *url;

		t->jar = browsers[i];
		assert_int_equal(links_create(&t->core.core, &t->core.admin, &args, t->core.arena, &row, &url, &t->core.ei), ERR_OK);
		assert_int_equal(testui_post(t, url + strlen("http://127.0.0.1:7001"), ""), 303);
		b->state = testui_between(t, testui_location(t), "&state=", '&');
		assert_int_equal(come_back_with_code(b), 0);
		exchange_code(b, arena_strdup(t->core.arena, t->call.ask.subject));
		assert_int_equal(testui_reply(t, ERR_OK), 303);
		assert_string_equal(testui_location(t), "/connect/result?connected=true&authenticator=Probe&app_id=default");
	}
}

static void whatever_return_to_was_taken_can_be_gone_to(void **state)
{
	static const char odd[] = "!\"$&'()*+,-.;<=>@[]^_`{|}~";
	struct bench *b = *state;
	struct testui *t = &b->ui;
	size_t taken = 0;

	for (size_t i = 0; odd[i]; i++) {
		const char *target = TESTUI_PRINT(t, "/api/v1/credentials/auth/initiate/Probe?return_to=%%2Fdone%%2F%%%02X", odd[i]);

		if (testui_ask(t, &(struct testui_ask){.method = HTTP_M_GET, .target = target}) != 303) {
			assert_int_equal(t->response.status, 422);
			continue;
		}
		taken++;
		b->state = testui_between(t, testui_location(t), "&state=", '&');
		assert_int_equal(come_back(b, TESTUI_PRINT(t, "state=%s&error=access_denied", b->state)), 303);
		assert_non_null(strstr(testui_location(t), TESTUI_PRINT(t, "/done/%c?connected=false", odd[i])));
	}
	assert_true(taken > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_honest_answer_ends_at_return_to, setup, teardown),
		cmocka_unit_test_setup_teardown(a_slow_provider_is_waited_for_by_reloading, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_comes_back_in_our_words, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_of_no_flow_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(only_the_browser_and_session_that_left_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(it_comes_back_at_its_path_and_in_its_time, setup, teardown),
		cmocka_unit_test_setup_teardown(whatever_return_to_was_taken_can_be_gone_to, setup, teardown),
		cmocka_unit_test_setup_teardown(a_links_flow_needs_no_session_and_minds_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
