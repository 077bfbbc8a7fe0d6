/* SPDX-License-Identifier: Apache-2.0 */
/* Flows: what may start them, what may end them, and where the browser may go (OA-01, OA-05, OA-06, OA-12, OA-20). */
#include "core/flows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/links.h"
#include "core/testcore.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)

static const char answer[] = "{\"access_token\":\"at\",\"refresh_token\":\"rt\",\"token_type\":\"Bearer\",\"expires_in\":60}";
static const char ann[] = "{\"sub\":\"ann\",\"email\":\"ann@example.org\"}";

/* A started flow and what its honest return looks like. */
struct started {
	struct authenticator_row auth;
	struct callback callback;
	struct flow_return_args back;
	const char *url;
};

static void start_flow(struct testcore *t, struct started *s)
{
	struct flow_start_args args = {
		.app = &t->app, .user_id = t->admin.owner.user_id, .ref = slice_from("probe"), .return_to = "/done",
		.session_hash = "session-1", .link_id = "", .browser = slice_from("jar A"),
	};
	struct url redirect;
	const char *state;

	s->auth = testcore_probe(t);
	args.authenticator = &s->auth;
	args.scopes = s->auth.scopes;
	OK(flows_start(&t->core, &args, t->arena, &s->url, &t->ei));
	OK(url_parse(slice_from(s->auth.redirect_uri), &redirect, &t->ei));
	state = strstr(s->url, "state=") + 6;
	s->callback = (struct callback){.state = slice_make(state, strcspn(state, "&")), .error = "", .description = "",
					.code = secret_in_arena(t->arena, secret_new(SLICE_LIT("code")))};
	s->back = (struct flow_return_args){.callback = &s->callback, .path = redirect.path, .browser = slice_from("jar A"),
					    .session_hash = "session-1"};
}

static enum err come_back(struct testcore *t, const struct started *s, struct flow_row *flow, bool *exchange)
{
	err_clear(&t->ei);
	return flows_return(&t->core, &s->back, t->arena, flow, exchange, &t->ei);
}

static void the_provider_gets_pkce_and_no_secret(void **state)
{
	struct testcore *t = *state;
	struct started s;

	start_flow(t, &s);
	assert_non_null(strstr(s.url, "https://provider.example/authorize?"));
	assert_non_null(strstr(s.url, "response_type=code"));
	assert_non_null(strstr(s.url, "code_challenge_method=S256"));
	assert_int_equal(s.callback.state.n, 43);
	assert_null(strstr(s.url, "csecret"));
	assert_null(strstr(s.url, "verifier"));
}

static void only_the_browser_that_left_may_return(void **state)
{
	struct testcore *t = *state;
	struct flow_row flow;
	struct started s;
	struct flow_return_args honest;
	bool exchange;

	start_flow(t, &s);
	honest = s.back;
	/* OA-01, OA-05: each wrong part alone is refused and claims nothing. */
	s.back.browser = slice_from("jar B");
	assert_int_equal(come_back(t, &s, &flow, &exchange), ERR_INVALID);
	s.back.browser = (struct slice){0};
	assert_int_equal(come_back(t, &s, &flow, &exchange), ERR_INVALID);
	s.back = honest;
	s.back.session_hash = "session-2";
	assert_int_equal(come_back(t, &s, &flow, &exchange), ERR_INVALID);
	s.back = honest;
	s.back.path = slice_from("/auth/callback/another");
	assert_int_equal(come_back(t, &s, &flow, &exchange), ERR_INVALID);
	s.back = honest;
	s.callback.state = slice_from("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	assert_int_equal(come_back(t, &s, &flow, &exchange), ERR_INVALID);
	assert_false(exchange);
}

static void a_flow_is_claimed_once(void **state)
{
	struct testcore *t = *state;
	struct flow_row flow;
	struct started s;
	bool exchange;

	start_flow(t, &s);
	OK(come_back(t, &s, &flow, &exchange));
	assert_true(exchange);
	/* A repetition while the exchange runs waits with it; after the end it finds the stored result. */
	OK(come_back(t, &s, &flow, &exchange));
	assert_true(exchange);
	OK(flows_fail(&t->core, &flow, "access_denied", "No.", &t->ei));
	OK(come_back(t, &s, &flow, &exchange));
	assert_false(exchange);
	assert_string_equal(flow.error_code, "access_denied");
}

static void a_late_return_is_refused(void **state)
{
	struct testcore *t = *state;
	struct flow_row flow;
	struct started s;
	bool exchange;

	start_flow(t, &s);
	t->now_ms += FLOWS_LIFE_MS;
	assert_int_equal(come_back(t, &s, &flow, &exchange), ERR_INVALID);
	assert_false(exchange);
}

static void an_error_answer_ends_the_flow(void **state)
{
	struct testcore *t = *state;
	struct flow_row flow;
	struct started s;
	bool exchange;

	start_flow(t, &s);
	s.callback.error = "access_denied";
	OK(come_back(t, &s, &flow, &exchange));
	assert_false(exchange);
	assert_string_equal(flow.result, "failed");
	assert_int_equal(testcore_events(t, "connect_failed"), 1);
	/* OA-01: the state is used up; a code that comes after it is not exchanged. */
	s.callback.error = "";
	OK(come_back(t, &s, &flow, &exchange));
	assert_false(exchange);
	assert_string_equal(flow.result, "failed");
}

static void an_authenticator_changed_in_flight_ends_the_flow(void **state)
{
	struct testcore *t = *state;
	struct exchange_plan plan;
	struct flow_row flow;
	struct started s;
	bool exchange;

	start_flow(t, &s);
	OK(come_back(t, &s, &flow, &exchange));
	testcore_sql(t, "UPDATE oauth_authenticators SET endpoint_rev = endpoint_rev + 1");
	assert_int_equal(exchange_intend(&t->core, flow.session_id, s.callback.code, "22222222222222222222222222222222",
					 t->arena, &plan, &t->ei), ERR_CONFLICT);
	OK(flows_get(&t->core, flow.session_id, t->arena, &flow, &t->ei));
	assert_string_equal(flow.error_code, "authenticator_changed");
}

static void a_code_has_one_exchange_in_its_life(void **state)
{
	struct testcore *t = *state;
	struct exchange_plan plan;
	struct flow_row flow;
	struct started s;
	bool exchange;

	start_flow(t, &s);
	OK(come_back(t, &s, &flow, &exchange));
	OK(exchange_intend(&t->core, flow.session_id, s.callback.code, "22222222222222222222222222222222", t->arena, &plan, &t->ei));
	assert_string_equal(plan.join, "");
	OK(exchange_intend(&t->core, flow.session_id, s.callback.code, "55555555555555555555555555555555", t->arena, &plan, &t->ei));
	assert_string_equal(plan.join, "22222222222222222222222222222222");
}

static void refused_answers_store_no_grant(void **state)
{
	static const struct {
		const char *answer, *identity, *code;
	} cases[] = {
		{"{\"error\":\"invalid_grant\"}", ann, "invalid_grant"},
		{"{\"access_token\":\"x\",\"token_type\":\"mac\"}", ann, NULL}, /* OA-14 */
		{answer, "{}", "identity_unknown"},
		{answer, "not json", "identity_unknown"},
	};
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct flow_row flow = testcore_connect(t, &auth, &t->admin.owner, cases[i].answer, cases[i].identity);

		assert_string_equal(flow.result, "failed");
		if (cases[i].code)
			assert_string_equal(flow.error_code, cases[i].code);
	}
	assert_int_equal(testcore_events(t, "connected"), 0);
}

static void return_to_stays_on_the_list(void **state)
{
	static const char *const good[] = {"/settings", "/a?b=c", "/a#b", "https://app.example/x/y", "https://app.example/x",
					   "https://app.example/x?y=1", "http://127.0.0.1:7001/settings"};
	static const char *const bad[] = {
		"//evil.example", "/\\evil.example", "\\\\evil", "https:evil.example", "https://app.example@evil.example/x",
		"https://app.example.evil.example/x", "javascript:alert(1)", "data:text/html,x", "/a\tb", "/a\nb", "/a b",
		"https://app.example/xy", "https://app.example/", "https://app.example", "http://app.example/x",
		"https://app.example:444/x", "https://app.example/x/../../y", "https://app.example/x/%2e%2e/y",
		"/a/../b", "settings", "https://\xd0\xb0pp.example/x", "/%zz", "ftp://app.example/x", "https://[::1/x",
	};
	struct testcore *t = *state;
	const char *to;

	t->app.return_to = "[\"https://app.example/x\"]";
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		err_clear(&t->ei);
		if (flows_check_return_to(&t->core, &t->app, slice_from(good[i]), t->arena, &to, &t->ei))
			fail_msg("refused: %s (%s)", good[i], t->ei.detail);
		assert_string_equal(to, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (flows_check_return_to(&t->core, &t->app, slice_from(bad[i]), t->arena, &to, &t->ei) == ERR_OK)
			fail_msg("let through: %s", bad[i]);
}

static void the_end_leads_to_return_to(void **state)
{
	struct testcore *t = *state;
	struct flow_row flow = {.return_to = "/spa?tab=1#/x", .ref = "Pro be", .app_id = "default", .result = "connected"};

	assert_string_equal(flows_end_url(&t->core, &flow, t->arena),
			    "/spa?tab=1&connected=true&authenticator=Pro%20be&app_id=default#/x");
	flow = (struct flow_row){.return_to = "", .result = "failed", .error_code = "access_denied", .error_detail = "No <b>."};
	assert_string_equal(flows_end_url(&t->core, &flow, t->arena),
			    "/connect/result?connected=false&error=access_denied&error_description=No%20%3Cb%3E.");
}

static struct link_row make_link(struct testcore *t, const struct link_args *args, struct slice *ret_token)
{
	struct link_row link;
	const char *url;

	OK(links_create(&t->core, &t->admin, args, t->arena, &link, &url, &t->ei));
	*ret_token = slice_from(strrchr(url, '/') + 1);
	return link;
}

static void a_link_is_spent_once_by_its_post(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	const struct link_args args = {.app = &t->app, .authenticator = slice_from("probe"), .user = slice_from("u-1"),
				       .return_to = slice_from("/x")};
	struct slice token;
	struct link_row link = make_link(t, &args, &token);
	struct link_view view;
	const char *url;

	(void)auth;
	for (int i = 0; i < 3; i++)
		OK(links_view(&t->core, token, t->arena, &view, &t->ei)); /* OA-20: looking spends nothing */
	assert_string_equal(view.user.external_id, "u-1");
	OK(links_spend(&t->core, token, slice_from("jar V"), t->arena, &url, &t->ei));
	assert_int_equal(links_spend(&t->core, token, slice_from("jar V"), t->arena, &url, &t->ei), ERR_NOT_FOUND);
	assert_int_equal(links_view(&t->core, token, t->arena, &view, &t->ei), ERR_NOT_FOUND);
	OK(links_get(&t->core, &t->admin, slice_from(link.link_id), t->arena, &link, &t->ei));
	assert_string_equal(link.status, "opened");
}

static void a_link_ends_with_its_time(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	const struct link_args args = {.app = &t->app, .authenticator = slice_from("probe"), .user = slice_from("u-1")};
	struct slice token;
	struct link_row link = make_link(t, &args, &token);
	const char *url;

	(void)auth;
	t->now_ms += LINKS_LIFE_MS;
	assert_int_equal(links_spend(&t->core, token, slice_from("jar V"), t->arena, &url, &t->ei), ERR_NOT_FOUND);
	OK(links_get(&t->core, &t->admin, slice_from(link.link_id), t->arena, &link, &t->ei));
	assert_string_equal(link.error_code, "expired");
}

static void a_link_asks_for_no_more_than_configured(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	CLEANUP(jsonr_free) struct jsonr *scopes = NULL;
	struct link_args args = {.app = &t->app, .authenticator = slice_from("probe"), .user = slice_from("u")};
	struct link_row link;
	const char *url;

	(void)auth;
	OK(jsonr_parse(SLICE_LIT("[\"read\",\"admin:all\"]"), 100, &scopes, &t->ei));
	args.scopes = scopes;
	assert_int_equal(links_create(&t->core, &t->admin, &args, t->arena, &link, &url, &t->ei), ERR_UNPROCESSABLE);
	args.scopes = NULL;
	args.return_to = slice_from("https://evil.example/");
	assert_int_equal(links_create(&t->core, &t->admin, &args, t->arena, &link, &url, &t->ei), ERR_UNPROCESSABLE);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, testcore_setup, testcore_teardown)
	const struct CMUnitTest tests[] = {
		CASE(the_provider_gets_pkce_and_no_secret),
		CASE(only_the_browser_that_left_may_return),
		CASE(a_flow_is_claimed_once),
		CASE(a_late_return_is_refused),
		CASE(an_error_answer_ends_the_flow),
		CASE(an_authenticator_changed_in_flight_ends_the_flow),
		CASE(a_code_has_one_exchange_in_its_life),
		CASE(refused_answers_store_no_grant),
		CASE(return_to_stays_on_the_list),
		CASE(the_end_leads_to_return_to),
		CASE(a_link_is_spent_once_by_its_post),
		CASE(a_link_ends_with_its_time),
		CASE(a_link_asks_for_no_more_than_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
