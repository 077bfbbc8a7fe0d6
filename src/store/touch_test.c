/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every statement of the product against the rule that a change of a row on which a kept token rests names whom it
 * touches. A statement that is added later is held to it too.
 */
#include "store/touch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool changes_table(const char *text, const char *table)
{
	static const char *const verbs[] = {"UPDATE ", "DELETE FROM ", "INSERT INTO "};
	size_t n = strlen(table);

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (begins(text, verbs[i]) && strncmp(text + strlen(verbs[i]), table, n) == 0 && text[strlen(verbs[i]) + n] == ' ')
			return true;
	return false;
}

/* The parameter stands where the id is compared, and nowhere else is that column bound to another. */
static void names(const char *text, const char *column, unsigned number)
{
	char wanted[64];

	snprintf(wanted, sizeof wanted, "%s = $%u", column, number);
	assert_true(number > 0);
	assert_non_null(strstr(strstr(text, " WHERE "), wanted));
}

static void each_statement_names_whom_it_touches(void **state)
{
	(void)state;
	for (int i = 0; i < SQL__COUNT; i++) {
		const char *text = store_sql_text((enum sql)i);
		struct touch t = touch_of(text);

		/* Other beginnings (WITH …, REPLACE) would go unseen. */
		assert_true(begins(text, "SELECT ") || begins(text, "UPDATE ") || begins(text, "DELETE FROM ") || begins(text, "INSERT INTO "));
		if (begins(text, "SELECT "))
			assert_int_equal(t.kind, TOUCH_NOTHING);
		if (changes_table(text, "oauth_token_grants")) {
			assert_false(begins(text, "INSERT"));
			if (t.kind == TOUCH_STRIPES)
				names(text, "grant_id", t.grant);
			else if (t.kind != TOUCH_NOTHING || (i != SQL_GRANT_INTENT && i != SQL_GRANT_INTENT_DROP))
				fail_msg("a change of grants must name its grant_id = $n: %s", text);
		}
		if (changes_table(text, "user_app_oauth_authentications")) {
			assert_false(begins(text, "INSERT"));
			if (t.kind == TOUCH_STRIPES)
				names(text, "user_id", t.user);
			else if (t.kind != TOUCH_NOTHING || i != SQL_CONNECTION_USED)
				fail_msg("a change of connections must name its user_id = $n: %s", text);
		}
	}
}

static void whatever_a_key_rests_on_touches_all(void **state)
{
	static const enum sql all[] = {SQL_APP_UPDATE, SQL_USER_SET_PASSWORD, SQL_API_KEY_REVOKE, SQL_AUTHENTICATOR_UPDATE,
				       SQL_AUTHENTICATOR_DELETE};
	static const enum sql nothing[] = {SQL_SESSION_SEEN, SQL_SESSION_DELETE, SQL_FLOW_CLAIM, SQL_FLOWS_EXPIRE, SQL_LINK_SPEND, SQL_LINKS_EXPIRE,
					   SQL_REVOCATION_POSTPONE, SQL_REVOCATION_FORGET, SQL_AUDIT_HEAD_MOVE,
					   SQL_GRANT_INTENT, SQL_GRANT_INTENT_DROP, SQL_CONNECTION_USED,
					   SQL_AUTHENTICATOR_PAUSE, SQL_AUTHENTICATOR_PROBE, SQL_AUTHENTICATOR_RESUME};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal(touch_of(store_sql_text(all[i])).kind, TOUCH_ALL);
	for (size_t i = 0; i < ARRAY_LEN(nothing); i++)
		assert_int_equal(touch_of(store_sql_text(nothing[i])).kind, TOUCH_NOTHING);
}

static void texts_are_read_as_they_are_meant(void **state)
{
	static const struct {
		const char *text;
		struct touch touch;
	} cases[] = {
		{"UPDATE oauth_token_grants SET cause = $2 WHERE grant_id = $1", {TOUCH_STRIPES, 0, 1}},
		{"UPDATE oauth_token_grants SET cause = $2 WHERE generation = $3 AND grant_id = $12", {TOUCH_STRIPES, 0, 12}},
		{"UPDATE oauth_token_grants SET intent_attempt = coalesce($2, ''), intent_deadline = 0 WHERE grant_id = $1", {TOUCH_NOTHING, 0, 0}},
		{"UPDATE oauth_token_grants SET intent_attempt = coalesce($2, ''), cause = $3 WHERE grant_id = $1", {TOUCH_STRIPES, 0, 1}},
		{"UPDATE oauth_token_grants SET cause = $2, intent_attempt = '' WHERE grant_id = $1", {TOUCH_STRIPES, 0, 1}},
		/* What names nobody touches everybody: */
		{"UPDATE oauth_token_grants SET cause = $2 WHERE intent_instance = $1", {TOUCH_ALL, 0, 0}},
		{"UPDATE oauth_token_grants SET grant_id = $2 WHERE intent_instance = $1", {TOUCH_ALL, 0, 0}},
		{"UPDATE oauth_token_grants SET cause = $2 WHERE old_grant_id = $1", {TOUCH_ALL, 0, 0}},
		{"UPDATE oauth_token_grants SET cause = $2 WHERE grant_id IN ($1)", {TOUCH_ALL, 0, 0}},
		{"UPDATE oauth_token_grants SET intent_attempt = ''", {TOUCH_ALL, 0, 0}},
		{"DELETE FROM oauth_token_grants WHERE grant_id = $1", {TOUCH_STRIPES, 0, 1}},
		{"DELETE FROM user_app_oauth_authentications WHERE auth_id = $1", {TOUCH_ALL, 0, 0}},
		{"DELETE FROM user_app_oauth_authentications WHERE auth_id = $1 AND user_id = $2", {TOUCH_STRIPES, 2, 0}},
		{"UPDATE user_app_oauth_authentications SET last_used_at = $2, auth_status = $3 WHERE user_id = $1", {TOUCH_STRIPES, 1, 0}},
		{"INSERT INTO user_app_oauth_authentications (auth_id, user_id, app_id) VALUES ($1, $2, $3)", {TOUCH_STRIPES, 2, 0}},
		{"INSERT INTO oauth_token_grants (grant_id, user_id) VALUES ($1, $2)", {TOUCH_NOTHING, 0, 0}},
		{"INSERT INTO api_keys (key_id) VALUES ($1)", {TOUCH_NOTHING, 0, 0}},
		{"INSERT INTO api_keys (key_id) VALUES ($1) ON CONFLICT (key_id) DO UPDATE SET scopes = $2", {TOUCH_ALL, 0, 0}},
		{"INSERT INTO oauth_token_grants (grant_id) VALUES ($1) ON CONFLICT (grant_id) DO UPDATE SET cause = $2", {TOUCH_ALL, 0, 0}},
		{"UPDATE oauth_authenticators SET paused_until = $2 WHERE authenticator_id = $1", {TOUCH_NOTHING, 0, 0}},
		{"UPDATE oauth_authenticators SET paused_until = $2, is_active = $3 WHERE authenticator_id = $1", {TOUCH_ALL, 0, 0}},
		{"UPDATE oauth_authenticators SET paused_until = $2", {TOUCH_ALL, 0, 0}},
		{"UPDATE users_of_old SET name = $1", {TOUCH_NOTHING, 0, 0}},
		{"SELECT grant_id FROM oauth_token_grants WHERE grant_id = $1", {TOUCH_NOTHING, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct touch t = touch_of(cases[i].text);

		if (t.kind != cases[i].touch.kind || t.user != cases[i].touch.user || t.grant != cases[i].touch.grant)
			fail_msg("%s: kind %d user %u grant %u", cases[i].text, (int)t.kind, t.user, t.grant);
	}
}

/* More marks than fit, or a parameter that is not there, are everything. */
static void marks_never_get_lost(void **state)
{
	struct touch_marks *m = MEM_NEW(struct touch_marks);
	const struct touch user = {.kind = TOUCH_STRIPES, .user = 2};

	(void)state;
	for (unsigned i = 0; i < TOUCH_MARKS_MAX; i++)
		touch_mark(m, &user, STORE_PARAMS(STORE_TEXT("a"), STORE_TEXT("u")));
	assert_true(m->count == TOUCH_MARKS_MAX && !m->all);
	assert_int_equal(m->stripe[0], stripes_of(SLICE_LIT("u")));
	touch_mark(m, &user, STORE_PARAMS(STORE_TEXT("a"), STORE_TEXT("u")));
	assert_true(m->all);
	touch_forget(m);
	touch_mark(m, &user, STORE_PARAMS(STORE_TEXT("a")));
	assert_true(m->all);
	touch_tell(m, NULL);
	assert_true(!m->all && m->count == 0);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_statement_names_whom_it_touches),
		cmocka_unit_test(whatever_a_key_rests_on_touches_all),
		cmocka_unit_test(texts_are_read_as_they_are_meant),
		cmocka_unit_test(marks_never_get_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
