/* SPDX-License-Identifier: Apache-2.0 */
/* The connections page: what it shows, that it shows it as text (WB-06), and who may disconnect. */
#include "core/connections.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/apps.h"
#include "core/users.h"
#include "ui/testui.h"

#define PAGE_PATH "/settings/oauth-authenticators"
#define XSS "\\\"'><script>alert(1)</script>&"
#define SHOWN "&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;"

static const char answer[] = "{\"access_token\":\"at\",\"refresh_token\":\"rt\",\"token_type\":\"Bearer\",\"expires_in\":3600}";
static const char ann[] = "{\"sub\":\"ann\",\"email\":\"ann@example.org\"}";

struct bench {
	struct testui ui;
	struct testui_jar jar;
};

static int setup(void **state)
{
	struct bench *b = MEM_NEW(struct bench);

	testui_init(&b->ui);
	b->ui.jar = &b->jar;
	testui_sign_in(&b->ui);
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

static size_t connection_count(struct testui *t, const char *user_id)
{
	struct connection_view *views;
	size_t n;

	assert_int_equal(connections_list(&t->core.core, "default", user_id, (struct slice){0}, t->core.arena, &views, &n,
					  &t->core.ei), ERR_OK);
	return n;
}

static void without_authenticators_the_page_says_what_to_type(void **state)
{
	struct testui *t = *state;

	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_non_null(strstr(testui_body(t), "fiber register-authenticator google \\\n    --client-id=… --client-secret=-"));
	assert_non_null(strstr(testui_body(t), "Signed in as</span> <strong>admin</strong>"));
	testcore_probe(&t->core);
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_null(strstr(testui_body(t), "register-authenticator"));
	assert_non_null(strstr(testui_body(t), "<h2>Probe</h2>"));
	assert_non_null(strstr(testui_body(t), ">Connect</button>"));
	assert_non_null(strstr(testui_body(t), "No account is connected."));
	assert_true(t->response.form_leads_away);
}

static void nobody_sees_it_without_a_session(void **state)
{
	struct testui *t = *state;
	struct testui_jar stranger = {.session = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

	testcore_probe(&t->core);
	t->jar = NULL;
	assert_int_equal(testui_get(t, PAGE_PATH), 401);
	assert_null(strstr(testui_body(t), "Probe"));
	t->jar = &stranger;
	assert_int_equal(testui_get(t, PAGE_PATH), 401);
	assert_null(strstr(testui_body(t), "Probe"));
}

static void settings_passes_on_what_a_flow_had_to_say(void **state)
{
	struct testui *t = *state;

	assert_int_equal(testui_get(t, "/settings?connected=false&error=access_denied"), 303);
	assert_string_equal(testui_location(t), PAGE_PATH "?connected=false&error=access_denied");
	t->jar = NULL;
	assert_int_equal(testui_get(t, "/settings?connected=true"), 303);
	assert_string_equal(testui_location(t), "/login");
}

static void accounts_stand_with_status_and_times(void **state)
{
	struct testui *t = *state;
	struct authenticator_row auth = testcore_probe(&t->core);
	struct flow_row flow = testcore_connect(&t->core, &auth, &t->core.admin.owner, answer, ann);

	assert_string_equal(flow.result, "connected");
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_non_null(strstr(testui_body(t), "<strong>ann@example.org</strong> <span class=\"badge good\">Active</span>"));
	assert_non_null(strstr(testui_body(t), "Connected since <time datetime=\"2027-01-15T08:00:00Z\">2027-01-15 08:00 UTC</time>"));
	assert_non_null(strstr(testui_body(t), "expires <time datetime=\"2027-01-15T09:00:00Z\" title=\"2027-01-15T09:00:00Z\">in 1 hour</time>"));
	assert_non_null(strstr(testui_body(t), ">Connect another account</button>"));
	assert_non_null(strstr(testui_body(t), "aria-label=\"Disconnect ann@example.org\""));
	t->core.now_ms += 65 * 60 * 1000;
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_non_null(strstr(testui_body(t), ">5 minutes ago</time>, the next read refreshes it"));
}

static void a_connection_that_needs_its_user_says_why_and_offers_it(void **state)
{
	struct testui *t = *state;
	struct authenticator_row auth = testcore_probe(&t->core);

	testcore_connect(&t->core, &auth, &t->core.admin.owner, answer, ann);
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_null(strstr(testui_body(t), "Connect again"));
	testcore_sql(&t->core, "UPDATE user_app_oauth_authentications SET auth_status = 'needs_reauth';"
			       "UPDATE oauth_token_grants SET status = 'needs_reauth', cause = 'invalid_grant'");
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_non_null(strstr(testui_body(t), "<span class=\"badge bad\">Needs a new sign-in</span>"));
	assert_non_null(strstr(testui_body(t), "aria-label=\"Connect again: ann@example.org\""));
}

static void scopes_that_were_not_granted_are_named(void **state)
{
	static const char less[] = "{\"access_token\":\"at\",\"token_type\":\"Bearer\",\"expires_in\":60,\"scope\":\"read\"}";
	struct testui *t = *state;
	struct authenticator_row auth = testcore_probe(&t->core);

	testcore_connect(&t->core, &auth, &t->core.admin.owner, answer, ann);
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_null(strstr(testui_body(t), "Not granted"));
	testcore_connect(&t->core, &auth, &t->core.admin.owner, less, ann);
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_non_null(strstr(testui_body(t), "Not granted: <code>write</code></p>"));
	assert_non_null(strstr(testui_body(t), "<span class=\"badge warn\">Ends soon</span>"));
}

static void a_switched_off_authenticator_shows_only_what_is_left(void **state)
{
	struct testui *t = *state;
	struct authenticator_row auth = testcore_probe(&t->core);

	testcore_connect(&t->core, &auth, &t->core.admin.owner, answer, ann);
	testcore_sql(&t->core, "UPDATE oauth_authenticators SET is_active = 0");
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_non_null(strstr(testui_body(t), "Switched off"));
	assert_non_null(strstr(testui_body(t), "Disconnect ann@example.org"));
	assert_null(strstr(testui_body(t), "/api/v1/credentials/auth/initiate/"));
	testcore_sql(&t->core, "UPDATE user_app_oauth_authentications SET auth_status = 'revoked'");
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_null(strstr(testui_body(t), "Probe"));
}

static void another_users_accounts_are_not_shown(void **state)
{
	struct testui *t = *state;
	struct authenticator_row auth = testcore_probe(&t->core);
	struct user_row other;

	assert_int_equal(users_external(&t->core.core, "default", SLICE_LIT("customer-7"), t->core.arena, &other, &t->core.ei), ERR_OK);
	testcore_connect(&t->core, &auth, &other, answer, ann);
	assert_int_equal(connection_count(t, other.user_id), 1);
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_null(strstr(testui_body(t), "ann@example.org"));
}

static void names_and_accounts_are_text(void **state)
{
	struct testui *t = *state;
	struct authenticator_row auth =
		testcore_register(&t->core, "{\"name\":\"A" XSS "\",\"authenticator_type\":\"custom\",\"client_id\":\"cid\","
					    "\"client_secret\":\"s\",\"scopes\":[\"read\"],"
					    "\"authorize_url\":\"https://provider.example/authorize\","
					    "\"token_url\":\"https://provider.example/token\","
					    "\"configuration\":{\"identity_url\":\"https://provider.example/me\"}}");
	struct app_row app;

	testcore_connect(&t->core, &auth, &t->core.admin.owner, answer, "{\"sub\":\"x\",\"email\":\"B" XSS "\"}");
	assert_int_equal(connection_count(t, t->core.admin.owner.user_id), 1);
	assert_int_equal(apps_create(&t->core.core, &t->core.admin, SLICE_LIT("C\"'><script>alert(1)</script>&"), NULL,
				     t->core.arena, &app, &t->core.ei), ERR_OK);
	assert_int_equal(testui_get(t, PAGE_PATH "?connected=true&authenticator=A%22'%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%26"), 200);
	assert_null(strstr(testui_body(t), "<script"));
	assert_non_null(strstr(testui_body(t), "<h2>A&quot;&#39;" SHOWN "</h2>"));
	assert_non_null(strstr(testui_body(t), "aria-label=\"Connect another account of A&quot;&#39;" SHOWN "\""));
	assert_non_null(strstr(testui_body(t), "<strong>B&quot;&#39;" SHOWN "</strong>"));
	assert_non_null(strstr(testui_body(t), ">C&quot;&#39;" SHOWN "</a>"));
	assert_non_null(strstr(testui_body(t), "Connected to A&quot;&#39;" SHOWN ".</strong>"));
}

static void the_outcome_is_told_in_our_words(void **state)
{
	static const struct {
		const char *query, *mood, *sentence;
	} cases[] = {
		{"connected=true&authenticator=probe&app_id=default", "good\" role=\"status", "Connected to Probe."},
		{"connected=true&authenticator=Evil+Corp", "good\" role=\"status", "Connected."},
		{"connected=true", "good\" role=\"status", "Connected."},
		{"connected=false&error=access_denied&error_description=evil", "bad\" role=\"alert",
		 "Not connected.</strong> The account’s owner, or its organisation, did not allow it.</p>"},
		{"connected=false&error=wrong_account", "bad\" role=\"alert", "Not connected.</strong> This is not the account"},
		{"connected=false&error=evil", "bad\" role=\"alert", "Not connected.</strong> The provider did not go along with it."},
		{"connected=false", "bad\" role=\"alert", "Not connected.</strong> The provider did not go along with it."},
		{"disconnected=true", "good\" role=\"status", "Disconnected."},
	};
	struct testui *t = *state;

	testcore_probe(&t->core);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(testui_get(t, TESTUI_PRINT(t, PAGE_PATH "?%s", cases[i].query)), 200);
		assert_non_null(strstr(testui_body(t), TESTUI_PRINT(t, "<p class=\"banner %s\"><strong>%s", cases[i].mood, cases[i].sentence)));
		assert_null(strstr(testui_body(t), "evil"));
		assert_null(strstr(testui_body(t), "Evil"));
	}
	assert_int_equal(testui_get(t, PAGE_PATH "?connected=maybe&error=access_denied"), 200);
	assert_null(strstr(testui_body(t), "banner"));
}

static void disconnect_needs_this_sessions_form(void **state)
{
	struct bench *b = *state;
	struct testui *t = &b->ui;
	struct authenticator_row auth = testcore_probe(&t->core);
	struct testui_jar other = {0};
	const char *mine, *foreign, *id, *admin = t->core.admin.owner.user_id;

	testcore_connect(&t->core, &auth, &t->core.admin.owner, answer, ann);
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	mine = testui_form_token(t);
	id = testui_between(t, testui_body(t), "name=\"connection\" value=\"", '"');
	t->jar = &other;
	assert_int_equal(testui_post(t, "/login", "name=admin&password=correct+horse"), 303);
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	foreign = testui_form_token(t);
	t->jar = &b->jar;
	assert_int_equal(testui_post(t, PAGE_PATH "/disconnect", TESTUI_PRINT(t, "connection=%s", id)), 403);
	assert_int_equal(testui_post(t, PAGE_PATH "/disconnect", TESTUI_PRINT(t, "connection=%s&form_token=%s", id, foreign)), 403);
	assert_int_equal(testui_ask(t, &(struct testui_ask){.method = HTTP_M_POST, .target = PAGE_PATH "/disconnect", .site = "cross-site",
							    .form = TESTUI_PRINT(t, "connection=%s&form_token=%s", id, mine)}), 403);
	assert_int_equal(t->call.revoke_count, 0);
	assert_int_equal(connection_count(t, admin), 1);

	assert_int_equal(testui_post(t, PAGE_PATH "/disconnect", TESTUI_PRINT(t, "connection=%s&form_token=%s", id, mine)), 303);
	assert_string_equal(testui_location(t), PAGE_PATH "?disconnected=true");
	assert_int_equal(t->call.revoke_count, 1);
	assert_int_equal(connection_count(t, admin), 0);
	assert_int_equal(testui_post(t, PAGE_PATH "/disconnect", TESTUI_PRINT(t, "connection=%s&form_token=%s", id, mine)), 303);
	assert_string_equal(testui_location(t), PAGE_PATH "?disconnected=before");
	assert_int_equal(t->call.revoke_count, 0);
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_null(strstr(testui_body(t), "ann@example.org"));
}

static void somebody_elses_connection_stays(void **state)
{
	struct testui *t = *state;
	struct authenticator_row auth = testcore_probe(&t->core);
	struct user_row other;
	struct flow_row flow;

	assert_int_equal(users_external(&t->core.core, "default", SLICE_LIT("customer-7"), t->core.arena, &other, &t->core.ei), ERR_OK);
	flow = testcore_connect(&t->core, &auth, &other, answer, ann);
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_int_equal(testui_post(t, PAGE_PATH "/disconnect",
				     TESTUI_PRINT(t, "connection=%s&form_token=%s", flow.auth_id, testui_form_token(t))), 303);
	assert_int_equal(t->call.revoke_count, 0);
	assert_int_equal(connection_count(t, other.user_id), 1);
}

static void each_app_has_its_page(void **state)
{
	struct testui *t = *state;
	struct app_row app;

	testcore_probe(&t->core);
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_null(strstr(testui_body(t), "class=\"apps\""));
	assert_int_equal(apps_create(&t->core.core, &t->core.admin, SLICE_LIT("Second"), NULL, t->core.arena, &app, &t->core.ei), ERR_OK);
	assert_int_equal(testui_get(t, PAGE_PATH), 200);
	assert_non_null(strstr(testui_body(t), TESTUI_PRINT(t, "<a href=\"" PAGE_PATH "/%s\">Second</a>", app.app_id)));
	assert_int_equal(testui_get(t, TESTUI_PRINT(t, PAGE_PATH "/%s", app.app_id)), 200);
	assert_null(strstr(testui_body(t), "Probe"));
	/* The way back from a provider adds the app's id to the query. */
	assert_int_equal(testui_get(t, TESTUI_PRINT(t, PAGE_PATH "/%s?connected=true&app_id=%s", app.app_id, app.app_id)), 200);
	assert_int_equal(testui_get(t, TESTUI_PRINT(t, PAGE_PATH "?app_id=%s", app.app_id)), 200);
	assert_null(strstr(testui_body(t), "Probe"));
	assert_int_equal(testui_get(t, PAGE_PATH "/%3Cscript%3E"), 422);
	assert_null(strstr(testui_body(t), "<script"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_authenticators_the_page_says_what_to_type, setup, teardown),
		cmocka_unit_test_setup_teardown(settings_passes_on_what_a_flow_had_to_say, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_sees_it_without_a_session, setup, teardown),
		cmocka_unit_test_setup_teardown(accounts_stand_with_status_and_times, setup, teardown),
		cmocka_unit_test_setup_teardown(a_connection_that_needs_its_user_says_why_and_offers_it, setup, teardown),
		cmocka_unit_test_setup_teardown(scopes_that_were_not_granted_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(a_switched_off_authenticator_shows_only_what_is_left, setup, teardown),
		cmocka_unit_test_setup_teardown(another_users_accounts_are_not_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(names_and_accounts_are_text, setup, teardown),
		cmocka_unit_test_setup_teardown(the_outcome_is_told_in_our_words, setup, teardown),
		cmocka_unit_test_setup_teardown(disconnect_needs_this_sessions_form, setup, teardown),
		cmocka_unit_test_setup_teardown(somebody_elses_connection_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(each_app_has_its_page, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
