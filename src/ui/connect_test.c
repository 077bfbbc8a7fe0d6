/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting by session and by link: who may start a flow, what a page says before, where it may end (OA-12, OA-20). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/mem.h"
#include "core/apps.h"
#include "core/links.h"
#include "ui/testui.h"

#define INITIATE "/api/v1/credentials/auth/initiate"

struct bench {
	struct testui ui;
	struct testui_jar jar;
	struct authenticator_row auth;
};

static int setup(void **state)
{
	struct bench *b = MEM_NEW(struct bench);

	testui_init(&b->ui);
	b->auth = testcore_probe(&b->ui.core);
	b->ui.jar = &b->jar;
	*state = b;
	return 0;
}

static int signed_in(void **state)
{
	setup(state);
	testui_sign_in(*state);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	testui_done(&b->ui);
	free(b);
	return 0;
}

static int64_t flow_count(struct testui *t)
{
	struct count_row count;

	assert_int_equal(store_find(t->core.core.store, SQL_FLOWS_UNFINISHED_COUNT, STORE_PARAMS(STORE_INT(t->core.now_ms)),
				    t->core.arena, &count, &t->core.ei), ERR_OK);
	return count.count;
}

static int go(struct testui *t, const char *target, const char *site, const char *referer)
{
	return testui_ask(t, &(struct testui_ask){.method = HTTP_M_GET, .target = target, .site = site, .referer = referer});
}

static void allow_return_to(struct testui *t, const char *json)
{
	struct jsonr *list;

	assert_int_equal(jsonr_parse(slice_from(json), 4096, &list, &t->core.ei), ERR_OK);
	jsonr_in_arena(t->core.arena, list);
	assert_int_equal(apps_update(&t->core.core, &t->core.app, (struct slice){0}, list, t->core.arena, &t->core.ei), ERR_OK);
}

static void our_own_pages_go_straight_to_the_provider(void **state)
{
	static const char *const targets[] = {
		INITIATE "/probe", INITIATE "/PROBE?return_to=%2Fsettings", "/api/v1/credentials/auth/Probe?app_id=default",
	};
	struct bench *b = *state;
	struct testui *t = &b->ui;

	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		assert_int_equal(go(t, targets[i], "same-origin", NULL), 303);
		assert_non_null(strstr(testui_location(t), "https://provider.example/authorize?"));
		assert_int_equal(flow_count(t), i + 1);
	}
	assert_true(strlen(b->jar.browser) >= ENCODE_B64URL_32);
}

static void other_sites_get_a_page_that_asks(void **state)
{
	static const struct {
		const char *site, *referer;
	} asks[] = {
		{"cross-site", NULL}, {"none", NULL}, {"same-site", NULL}, {"", NULL},
		{"cross-site", "https://evil.example/"}, {"cross-site", "https://app.example.evil.example/"},
		{"cross-site", "http://app.example/"}, {"cross-site", "https://app.example:444/"},
		{"cross-site", "https://app.example@evil.example/"}, {"cross-site", "null"},
	};
	struct testui *t = *state;
	const char *token;

	allow_return_to(t, "[\"https://app.example/done\"]");
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		assert_int_equal(go(t, INITIATE "/probe?return_to=%2Fsettings", asks[i].site, asks[i].referer), 200);
		assert_string_equal(testui_location(t), "");
		assert_int_equal(flow_count(t), 0);
		assert_true(t->response.form_leads_away);
		assert_non_null(strstr(testui_body(t), "<dd>default</dd>"));
		assert_non_null(strstr(testui_body(t), "<dd>Probe</dd>"));
		assert_non_null(strstr(testui_body(t), "<dd>admin</dd>"));
		assert_string_equal(testui_between(t, testui_body(t), "name=\"return_to\" value=\"", '"'), "/settings");
	}
	token = testui_form_token(t);
	assert_int_equal(testui_post(t, INITIATE "/probe", "return_to=%2Fsettings"), 403);
	assert_int_equal(testui_post(t, INITIATE "/probe", "return_to=%2Fsettings&form_token=0123456789abcdef0123456789abcdef"), 403);
	assert_int_equal(flow_count(t), 0);
	assert_int_equal(testui_post(t, INITIATE "/probe", TESTUI_PRINT(t, "return_to=%%2Fsettings&form_token=%s", token)), 303);
	assert_non_null(strstr(testui_location(t), "https://provider.example/authorize?"));
	assert_int_equal(flow_count(t), 1);
}

static void a_listed_app_may_send_its_users(void **state)
{
	struct testui *t = *state;

	assert_int_equal(go(t, INITIATE "/probe", "cross-site", "https://app.example/"), 200);
	allow_return_to(t, "[\"https://app.example/done\"]");
	assert_int_equal(go(t, INITIATE "/probe?return_to=https%3A%2F%2Fapp.example%2Fdone%2Fx", "cross-site", "https://app.example/"), 303);
	assert_int_equal(flow_count(t), 1);
}

static void without_a_session_nothing_starts(void **state)
{
	struct testui *t = *state;

	assert_int_equal(go(t, INITIATE "/probe", "same-origin", NULL), 401);
	assert_int_equal(testui_post(t, INITIATE "/probe", "form_token=x"), 401);
	assert_int_equal(flow_count(t), 0);
}

static void what_cannot_be_connected_says_so(void **state)
{
	static const struct {
		const char *target;
		int status;
	} cases[] = {
		{INITIATE "/nobody", 404}, {INITIATE "/%3Cscript%3E", 404}, {INITIATE "/probe?app_id=other", 422},
		{INITIATE "/probe?return_to=a&return_to=b", 400}, {INITIATE "/probe?return_to=%zz", 400},
	};
	struct testui *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(go(t, cases[i].target, "same-origin", NULL), cases[i].status);
		assert_null(strstr(testui_body(t), "<script"));
	}
	assert_int_equal(flow_count(t), 0);
}

static void return_to_leads_to_no_other_site(void **state)
{
	static const char *const bad[] = {
		"//evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example", "https:/evil.example",
		"https://evil.example", "https://app.example@evil.example/done", "https://app.example.evil.example/done",
		"https://app.example:444/done", "http://app.example/done", "https://app.example/donut", "https://app.example/",
		"https://app.example/done/../x", "https://app.example/done/%2e%2e/x", "https://app.example/done\\x",
		"javascript:alert(1)", "data:text/html,x", "/\t/evil.example", "/x\ny", "\t//evil.example",
		"/x\r\nSet-Cookie: a=b", "https://\xD0\xB0pp.example/done", "https://app.example%2f@evil.example/", "evil.example",
		"http://127.0.0.1:7002/", "/../x", "/./x", "?x", "#x", " /x", "/x y", "ftp://app.example/done",
	};
	static const char *const good[] = {
		"", "/", "/settings", "/x?a=b", "/x#y", "https://app.example/done", "https://app.example/done/",
		"https://app.example/done/x?a=b#c", "https://APP.example/done", "http://127.0.0.1:7001/x",
	};
	struct testui *t = *state;

	allow_return_to(t, "[\"https://app.example/done\"]");
	for (size_t i = 0; i < ARRAY_LEN(bad) + ARRAY_LEN(good); i++) {
		bool is_bad = i < ARRAY_LEN(bad);
		struct slice text = slice_from(is_bad ? bad[i] : good[i - ARRAY_LEN(bad)]);
		struct buf target;
		int status;

		buf_init(&target, 4096);
		buf_puts(&target, INITIATE "/probe?return_to=");
		encode_percent(&target, text);
		status = go(t, buf_cstr(&target), "same-origin", NULL);
		buf_done(&target);
		if (status != (is_bad ? 422 : 303))
			fail_msg("return_to \"%.*s\" gives %d", SLICE_ARG(text), status);
		if (is_bad) {
			assert_string_equal(testui_location(t), "");
			assert_non_null(strstr(testui_body(t), "<code>return_to</code>"));
			assert_null(strstr(testui_body(t), "evil"));
		}
	}
	assert_int_equal(flow_count(t), ARRAY_LEN(good));
}

static void return_to_has_a_most(void **state)
{
	struct testui *t = *state;
	struct buf form;

	assert_int_equal(go(t, INITIATE "/probe", "none", NULL), 200);
	buf_init(&form, 70000);
	buf_puts(&form, TESTUI_PRINT(t, "form_token=%s&return_to=/", testui_form_token(t)));
	for (size_t i = 0; i < 60000; i++)
		buf_putc(&form, 'a');
	assert_int_equal(testui_post(t, INITIATE "/probe", buf_cstr(&form)), 422);
	buf_done(&form);
	assert_int_equal(flow_count(t), 0);
}

/* Makes a link for customer-7 and gives the path of its page. */
static const char *make_link(struct testui *t, const struct link_args *more)
{
	struct link_args args = *more;
	struct link_row row;
	const char *url;

	args.app = &t->core.app;
	args.authenticator = args.authenticator.n ? args.authenticator : SLICE_LIT("probe");
	args.user = args.user.n ? args.user : SLICE_LIT("customer-7");
	assert_int_equal(links_create(&t->core.core, &t->core.admin, &args, t->core.arena, &row, &url, &t->core.ei), ERR_OK);
	return url + strlen("http://127.0.0.1:7001");
}

static void a_links_page_says_who_gets_what_and_spends_nothing(void **state)
{
	struct bench *b = *state;
	struct testui *t = &b->ui;
	const char *path = make_link(t, &(struct link_args){.expect_account = SLICE_LIT("ann@example.org")});

	for (int i = 0; i < 3; i++) {
		assert_int_equal(testui_get(t, path), 200);
		assert_non_null(strstr(testui_body(t), "<dt>App</dt><dd>default</dd>"));
		assert_non_null(strstr(testui_body(t), "<dt>Provider</dt><dd>Probe</dd>"));
		assert_non_null(strstr(testui_body(t), "<dd>customer-7</dd>"));
		assert_non_null(strstr(testui_body(t), "<dt>Account</dt><dd>ann@example.org</dd>"));
		assert_non_null(strstr(testui_body(t), "Continue to Probe</button>"));
		assert_true(t->response.form_leads_away);
		assert_int_equal(flow_count(t), 0);
		assert_string_equal(b->jar.browser, "");
	}
	assert_int_equal(testui_post(t, path, ""), 303);
	assert_non_null(strstr(testui_location(t), "https://provider.example/authorize?"));
	assert_true(b->jar.browser[0] != '\0');
}

static void a_link_goes_on_once(void **state)
{
	struct testui *t = *state;
	struct testui_jar other = {0};
	const char *path = make_link(t, &(struct link_args){0});

	assert_int_equal(testui_post(t, path, ""), 303);
	assert_int_equal(flow_count(t), 1);
	assert_int_equal(testui_post(t, path, ""), 404);
	t->jar = &other;
	assert_int_equal(testui_post(t, path, ""), 404);
	assert_string_equal(testui_location(t), "");
	assert_int_equal(testui_get(t, path), 404);
	assert_null(strstr(testui_body(t), "<button"));
	assert_int_equal(flow_count(t), 1);
}

static void a_link_ends_with_its_time_and_takes_no_foreign_form(void **state)
{
	struct testui *t = *state;
	const char *path = make_link(t, &(struct link_args){0});

	assert_int_equal(testui_ask(t, &(struct testui_ask){.method = HTTP_M_POST, .target = path, .site = "cross-site",
							    .origin = "https://evil.example", .form = ""}), 403);
	assert_int_equal(testui_get(t, path), 200);
	t->core.now_ms += LINKS_LIFE_MS + 1;
	assert_int_equal(testui_get(t, path), 404);
	assert_int_equal(testui_post(t, path, ""), 404);
	assert_int_equal(testui_get(t, "/connect/unknown"), 404);
	assert_int_equal(flow_count(t), 0);
}

static void names_on_a_links_page_are_text(void **state)
{
	struct testui *t = *state;
	const char *path;

	testcore_register(&t->core, "{\"name\":\"<b>P\",\"authenticator_type\":\"custom\",\"client_id\":\"cid\",\"client_secret\":\"s\","
				    "\"scopes\":[\"read\"],\"authorize_url\":\"https://provider.example/authorize\","
				    "\"token_url\":\"https://provider.example/token\"}");
	assert_int_equal(apps_update(&t->core.core, &t->core.app, SLICE_LIT("<i>A\""), NULL, t->core.arena, &t->core.ei), ERR_OK);
	path = make_link(t, &(struct link_args){.authenticator = SLICE_LIT("<b>P"), .user = SLICE_LIT("\"'><script>alert(1)</script>"),
						.expect_account = SLICE_LIT("<u>x")});
	assert_int_equal(testui_get(t, path), 200);
	assert_null(strstr(testui_body(t), "<script"));
	assert_null(strstr(testui_body(t), "<b>"));
	assert_null(strstr(testui_body(t), "<i>"));
	assert_null(strstr(testui_body(t), "<u>"));
	assert_non_null(strstr(testui_body(t), "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
	assert_non_null(strstr(testui_body(t), "Continue to &lt;b&gt;P</button>"));
}

static void the_result_speaks_our_words(void **state)
{
	struct testui *t = *state;

	assert_int_equal(testui_get(t, "/connect/result?connected=true&authenticator=evil&app_id=default"), 200);
	assert_non_null(strstr(testui_body(t), "The account is connected."));
	assert_null(strstr(testui_body(t), "evil"));
	assert_int_equal(testui_get(t, "/connect/result?connected=false&error=access_denied&error_description=evil"), 200);
	assert_non_null(strstr(testui_body(t), "did not allow it"));
	assert_null(strstr(testui_body(t), "evil"));
	assert_int_equal(testui_get(t, "/connect/result"), 200);
	assert_non_null(strstr(testui_body(t), "<h1>Not connected</h1>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(our_own_pages_go_straight_to_the_provider, signed_in, teardown),
		cmocka_unit_test_setup_teardown(other_sites_get_a_page_that_asks, signed_in, teardown),
		cmocka_unit_test_setup_teardown(a_listed_app_may_send_its_users, signed_in, teardown),
		cmocka_unit_test_setup_teardown(without_a_session_nothing_starts, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_connected_says_so, signed_in, teardown),
		cmocka_unit_test_setup_teardown(return_to_leads_to_no_other_site, signed_in, teardown),
		cmocka_unit_test_setup_teardown(return_to_has_a_most, signed_in, teardown),
		cmocka_unit_test_setup_teardown(a_links_page_says_who_gets_what_and_spends_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_goes_on_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_ends_with_its_time_and_takes_no_foreign_form, setup, teardown),
		cmocka_unit_test_setup_teardown(names_on_a_links_page_are_text, setup, teardown),
		cmocka_unit_test_setup_teardown(the_result_speaks_our_words, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
