/* SPDX-License-Identifier: Apache-2.0 */
/* Sign in, sign out, the administrator's link: WB-01, WB-02, WB-03, WB-07, and no way to another site. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/users.h"
#include "ui/next.h"
#include "ui/testui.h"

static int setup(void **state)
{
	struct testui *t = MEM_NEW(struct testui);

	testui_init(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	testui_done(*state);
	free(*state);
	return 0;
}

static const char *link_path(struct testui *t)
{
	struct secret *token;

	assert_int_equal(users_admin_link(&t->core.core, t->core.arena, &token, &t->core.ei), ERR_OK);
	return TESTUI_PRINT(t, "/admin-link/%.*s", SLICE_ARG(secret_expose(token)));
}

static void looking_at_the_link_spends_nothing(void **state)
{
	struct testui *t = *state;
	struct testui_jar jar = {0};
	const char *path = link_path(t);

	t->jar = &jar;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(testui_get(t, path), 200);
		assert_non_null(strstr(testui_body(t), "Choose a password"));
		assert_string_equal(jar.session, "");
	}
	assert_int_equal(testui_post(t, path, "password=correct+horse&again=correct+horse"), 303);
	assert_string_equal(testui_location(t), "/settings/oauth-authenticators");
	assert_non_null(strstr(testui_head(t), "HttpOnly; SameSite=Lax"));
	assert_true(strlen(jar.session) >= 43);
}

static void the_link_works_once(void **state)
{
	struct testui *t = *state;
	struct testui_jar jar = {0}, other = {0};
	const char *path = link_path(t);

	t->jar = &jar;
	assert_int_equal(testui_post(t, path, "password=correct+horse&again=correct+horse"), 303);
	t->jar = &other;
	assert_int_equal(testui_post(t, path, "password=another+one&again=another+one"), 404);
	assert_int_equal(testui_get(t, path), 404);
	assert_null(strstr(testui_body(t), "type=\"password\""));
	assert_string_equal(other.session, "");
	assert_int_equal(testui_post(t, "/login", "name=admin&password=another+one"), 401);
}

static void a_bad_choice_of_password_spends_nothing(void **state)
{
	static const char *const forms[] = {
		"password=short&again=short", "password=correct+horse&again=correct+hors", "password=&again=",
		"password=correct+horse", "again=correct+horse", "",
	};
	struct testui *t = *state;
	struct testui_jar jar = {0};
	const char *path = link_path(t);

	t->jar = &jar;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_int_equal(testui_post(t, path, forms[i]), 422);
		assert_non_null(strstr(testui_body(t), "role=\"alert\""));
		assert_string_equal(jar.session, "");
	}
	assert_int_equal(testui_get(t, path), 200);
	t->core.now_ms += USERS_LINK_LIFE_MS + 1;
	assert_int_equal(testui_get(t, path), 404);
	assert_int_equal(testui_post(t, path, "password=correct+horse&again=correct+horse"), 404);
}

static void every_wrong_sign_in_looks_the_same(void **state)
{
	static const char *const forms[] = {
		"name=admin&password=wrong+horse", "name=nobody&password=correct+horse", "name=&password=", "password=x",
		"name=admin&password=", "name=admin",
	};
	struct testui *t = *state;
	struct testui_jar jar = {0}, fresh = {0};

	t->jar = &jar;
	testui_sign_in(t);
	t->jar = &fresh;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_int_equal(testui_post(t, "/login", forms[i]), 401);
		assert_string_equal(testui_between(t, testui_body(t), "role=\"alert\"><strong>", '<'), "The name or the password is wrong.");
		assert_string_equal(fresh.session, "");
		assert_null(strstr(testui_body(t), "horse"));
	}
	assert_int_equal(testui_post(t, "/login", "name=admin&password=correct+horse"), 303);
	assert_true(fresh.session[0] != '\0');
	assert_string_not_equal(fresh.session, jar.session);
}

static void forms_of_other_sites_are_refused(void **state)
{
	static const struct testui_ask asks[] = {
		{.site = "cross-site", .origin = "https://evil.example"},
		{.site = "same-site", .origin = "http://127.0.0.1:7002"},
		{.site = "same-origin", .origin = "https://evil.example"},
		{.site = "cross-site", .origin = "null"},
		{.site = "none"},
		{.site = ""},
		{.site = "same-origin", .type = "application/json"},
		{.site = "same-origin", .type = "text/plain"},
	};
	struct testui *t = *state;
	struct testui_jar jar = {0};

	t->jar = &jar;
	testui_sign_in(t);
	memset(&jar, 0, sizeof jar);
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		struct testui_ask ask = asks[i];

		ask.method = HTTP_M_POST;
		ask.target = "/login";
		ask.form = "name=admin&password=correct+horse";
		assert_int_equal(testui_ask(t, &ask), ask.type ? 400 : 403);
		assert_string_equal(jar.session, "");
	}
}

static void sign_out_needs_this_sessions_form(void **state)
{
	struct testui *t = *state;
	struct testui_jar jar = {0}, copy, other = {0};
	const char *foreign, *own;

	t->jar = &jar;
	testui_sign_in(t);
	assert_int_equal(testui_get(t, "/settings/oauth-authenticators"), 200);
	own = testui_form_token(t);
	t->jar = &other;
	assert_int_equal(testui_post(t, "/login", "name=admin&password=correct+horse"), 303);
	assert_int_equal(testui_get(t, "/settings/oauth-authenticators"), 200);
	foreign = testui_form_token(t);
	assert_string_not_equal(own, foreign);

	t->jar = &jar;
	assert_int_equal(testui_post(t, "/logout", ""), 403);
	assert_int_equal(testui_post(t, "/logout", TESTUI_PRINT(t, "form_token=%s", foreign)), 403);
	assert_int_equal(testui_get(t, "/settings/oauth-authenticators"), 200);
	copy = jar;
	assert_int_equal(testui_post(t, "/logout", TESTUI_PRINT(t, "form_token=%s", own)), 303);
	assert_string_equal(jar.session, "");
	t->jar = &copy; /* a copied cookie is worth nothing now */
	assert_int_equal(testui_get(t, "/settings/oauth-authenticators"), 401);
	t->jar = &other; /* the other session goes on */
	assert_int_equal(testui_get(t, "/settings/oauth-authenticators"), 200);
}

static void a_new_sign_in_ends_the_browsers_old_session(void **state)
{
	struct testui *t = *state;
	struct testui_jar jar = {0}, old;

	t->jar = &jar;
	testui_sign_in(t);
	old = jar;
	assert_int_equal(testui_post(t, "/login", "name=admin&password=correct+horse"), 303);
	assert_string_not_equal(jar.session, old.session);
	assert_int_equal(testui_get(t, "/settings/oauth-authenticators"), 200);
	t->jar = &old;
	assert_int_equal(testui_get(t, "/settings/oauth-authenticators"), 401);
}

/* What `next` says, and where the sign-in leads. */
static const struct {
	const char *next, *to;
} ways[] = {
	{"/settings", "/settings"},
	{"/api/v1/credentials/auth/initiate/My App?return_to=%2Fx", "/api/v1/credentials/auth/initiate/My%20App?return_to=%2Fx"},
	{"/", "/"},
	{"/a//b", "/a//b"},
	{"/caf\xC3\xA9", "/caf%C3%A9"},
	{"/x\\y", "/x%5Cy"},
	{"/\"><script>", "/%22%3E%3Cscript%3E"},
	{"", ""},
	{"//evil.example", ""},
	{"/\\evil.example", ""},
	{"\\/evil.example", ""},
	{"https://evil.example/", ""},
	{"https:evil.example", ""},
	{"javascript:alert(1)", ""},
	{"data:text/html,x", ""},
	{"evil", ""},
	{" /x", ""},
	{"/\t/evil.example", ""},
	{"/x\r\nSet-Cookie: a=b", ""},
	{"/\x7F", ""},
	{"/\xFF", ""},
};

static void next_leads_only_to_paths_of_ours(void **state)
{
	struct testui *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		assert_string_equal(next_path(slice_from(ways[i].next), t->core.arena), ways[i].to);
	assert_string_equal(next_path((struct slice){0}, t->core.arena), "");
}

static void next_is_carried_through_the_form(void **state)
{
	struct testui *t = *state;
	struct testui_jar jar = {0};

	t->jar = &jar;
	testui_sign_in(t);
	memset(&jar, 0, sizeof jar);
	assert_int_equal(testui_get(t, "/login?next=%2Fsettings%3Fa%3Db"), 200);
	assert_string_equal(testui_between(t, testui_body(t), "name=\"next\" value=\"", '"'), "/settings?a=b");
	assert_int_equal(testui_get(t, "/login?next=%2F%2Fevil.example"), 200);
	assert_null(strstr(testui_body(t), "evil"));
	assert_int_equal(testui_post(t, "/login", "name=admin&password=correct+horse&next=%2F%2Fevil.example"), 303);
	assert_string_equal(testui_location(t), "/settings/oauth-authenticators");
	assert_int_equal(testui_post(t, "/login", "name=admin&password=correct+horse&next=%2Fsettings%3Fa%3Db"), 303);
	assert_string_equal(testui_location(t), "/settings?a=b");
	assert_int_equal(testui_get(t, "/login?next=%2F%5Cevil.example"), 303);
	assert_string_equal(testui_location(t), "/settings/oauth-authenticators");
}

static void the_typed_name_is_shown_as_text(void **state)
{
	struct testui *t = *state;

	assert_int_equal(testui_post(t, "/login", "name=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E&password=x"), 401);
	assert_null(strstr(testui_body(t), "<script"));
	assert_non_null(strstr(testui_body(t), "value=\"&quot;&gt;&lt;script&gt;"));
}

static void the_start_leads_where_one_may_go(void **state)
{
	struct testui *t = *state;
	struct testui_jar jar = {0};

	assert_int_equal(testui_get(t, "/"), 303);
	assert_string_equal(testui_location(t), "/login");
	assert_int_equal(testui_get(t, "/settings"), 303);
	assert_string_equal(testui_location(t), "/login");
	t->jar = &jar;
	testui_sign_in(t);
	assert_int_equal(testui_get(t, "/"), 303);
	assert_string_equal(testui_location(t), "/settings/oauth-authenticators");
	t->core.now_ms += USERS_SESSION_IDLE_MS + 1;
	assert_int_equal(testui_get(t, "/"), 303);
	assert_string_equal(testui_location(t), "/login");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(looking_at_the_link_spends_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(the_link_works_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_bad_choice_of_password_spends_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(every_wrong_sign_in_looks_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(forms_of_other_sites_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(sign_out_needs_this_sessions_form, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_sign_in_ends_the_browsers_old_session, setup, teardown),
		cmocka_unit_test_setup_teardown(next_leads_only_to_paths_of_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(next_is_carried_through_the_form, setup, teardown),
		cmocka_unit_test_setup_teardown(the_typed_name_is_shown_as_text, setup, teardown),
		cmocka_unit_test_setup_teardown(the_start_leads_where_one_may_go, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
