/* SPDX-License-Identifier: Apache-2.0 */
/* Registering, changing and finding authenticators; what callers may reach. */
#include "core/authenticators.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/apps.h"
#include "core/connections.h"
#include "core/testcore.h"
#include "core/users.h"
#include "secret/apikey.h"
#include "secret/password.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)
#define REST "\"client_id\":\"c\",\"client_secret\":\"s3cr3t-value\",\"authorize_url\":\"https://p.example/a\",\"token_url\":\"https://p.example/t\""

static enum err read_input(struct testcore *t, const char *json, struct authenticator_input *in)
{
	struct jsonr *body;

	err_clear(&t->ei);
	OK(jsonr_parse(slice_from(json), 65536, &body, &t->ei));
	jsonr_in_arena(t->arena, body);
	return authenticator_input_new(&t->core, &(struct authenticator_wish){.body = body}, t->arena, in, &t->ei);
}

static bool names_field(const struct errinfo *ei, const char *field)
{
	for (size_t i = 0; i < ei->field_count; i++)
		if (strcmp(ei->fields[i].name, field) == 0)
			return true;
	return false;
}

static void bad_input_names_its_field(void **state)
{
	static const struct {
		const char *json, *field;
	} cases[] = {
		{"{}", "authenticator_type"},
		{"{\"authenticator_type\":\"custom\"," REST "}", "name"},
		{"{\"name\":\"n\",\"authenticator_type\":\"gogle\"," REST "}", "authenticator_type"},
		{"{\"name\":\"n\",\"authenticator_type\":\"google\",\"client_secret\":\"s\"}", "client_id"},
		{"{\"name\":\"n\",\"authenticator_type\":\"google\",\"client_id\":\"c\"}", "client_secret"},
		{"{\"name\":5,\"authenticator_type\":\"custom\"," REST "}", "name"},
		{"{\"name\":\"a\\u0007b\",\"authenticator_type\":\"custom\"," REST "}", "name"},
		{"{\"name\":\"n\",\"authenticator_type\":\"custom\",\"client_id\":\"c\",\"client_secret\":\"s\"}", "authorize_url"},
		{"{\"name\":\"n\",\"authenticator_type\":\"google\",\"client_id\":\"c\",\"client_secret\":\"s\",\"token_url\":\"http://p.example/t\"}", "token_url"},
		{"{\"name\":\"n\",\"authenticator_type\":\"google\",\"client_id\":\"c\",\"client_secret\":\"s\",\"authorize_url\":\"javascript:alert(1)\"}", "authorize_url"},
		{"{\"name\":\"n\",\"authenticator_type\":\"google\",\"client_id\":\"c\",\"client_secret\":\"s\",\"token_url\":\"http://127.0.0.1:7001/t\"}", "token_url"},
		{"{\"name\":\"n\",\"authenticator_type\":\"google\",\"client_id\":\"c\",\"client_secret\":\"s\",\"redirect_uri\":\"http://app.example/cb\"}", "redirect_uri"},
		{"{\"name\":\"n\",\"authenticator_type\":\"google\",\"client_id\":\"c\",\"client_secret\":\"s\",\"redirect_uri\":\"http://127.0.0.1:7001/elsewhere\"}", "redirect_uri"},
		{"{\"name\":\"n\",\"authenticator_type\":\"google\",\"client_id\":\"c\",\"client_secret\":\"s\",\"scopes\":{}}", "scopes"},
		{"{\"name\":\"n\",\"authenticator_type\":\"google\",\"client_id\":\"c\",\"client_secret\":\"s\",\"is_active\":\"yes\"}", "is_active"},
		{"{\"name\":\"n\",\"authenticator_type\":\"google\",\"client_id\":\"c\",\"client_secret\":\"s\",\"id\":\"mine\"}", "id"},
		{"{\"name\":\"n\",\"authenticator_type\":\"google\",\"client_id\":\"c\",\"client_secret\":\"s\",\"configuration\":\"x\"}", "configuration"},
	};
	struct testcore *t = *state;
	struct authenticator_input in;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(read_input(t, cases[i].json, &in), ERR_UNPROCESSABLE);
		if (!names_field(&t->ei, cases[i].field))
			fail_msg("case %zu does not name %s: %s", i, cases[i].field, t->ei.detail);
		assert_null(strstr(t->ei.detail, "s3cr3t-value"));
	}
}

static void a_template_fills_in_what_is_missing(void **state)
{
	struct testcore *t = *state;
	struct authenticator_input in;

	OK(read_input(t, "{\"name\":\"G\",\"authenticator_type\":\"Google\",\"client_id\":\"c\",\"client_secret\":\"s\","
			 "\"authorize_url\":\"\",\"app_id\":null,\"nonsense\":1,\"redirect_uri\":\"https://your-app.com/auth/callback/google\"}", &in));
	assert_string_equal(in.profile.token_url, "https://oauth2.googleapis.com/token");
	assert_true(in.scopes.n > 2);
	assert_int_equal(in.ignored_count, 1);
	assert_string_equal(in.ignored[0], "nonsense");
	assert_int_equal(in.warning_count, 2); /* a redirect URI at another origin, an id that is none of Google's */
}

static void the_secret_is_sealed_and_opens_only_for_its_client(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row auth = testcore_probe(t);
	struct token_client client;
	struct profile profile;

	assert_true(auth.client_secret.bytes.n > SEAL_OVERHEAD_BYTES);
	OK(authenticators_client(&t->core, &auth, t->arena, &profile, &client, &t->ei));
	assert_true(slice_is(secret_expose(client.client_secret), "csecret"));
}

static void a_name_is_taken_without_regard_to_case(void **state)
{
	struct testcore *t = *state;
	struct authenticator_input in;
	struct authenticator_row row, first = testcore_probe(t);
	const char **grants;
	size_t n;

	OK(read_input(t, "{\"name\":\"pROBE\",\"authenticator_type\":\"custom\"," REST "}", &in));
	assert_int_equal(authenticators_register(&t->core, &t->admin, &t->app, &in, t->arena, &row, &t->ei), ERR_CONFLICT);
	/* Deleting frees it. */
	OK(authenticators_delete(&t->core, &t->admin, &first, t->arena, &grants, &n, &t->ei));
	OK(authenticators_register(&t->core, &t->admin, &t->app, &in, t->arena, &row, &t->ei));
}

static void refs_resolve_by_id_name_then_type(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row hit, one = testcore_probe(t);
	struct authenticator_row two = testcore_register(t, "{\"name\":\"Second\",\"authenticator_type\":\"custom\"," REST "}");

	OK(authenticators_resolve(&t->core, "default", slice_from(one.id), false, t->arena, &hit, &t->ei));
	OK(authenticators_resolve(&t->core, "default", slice_from("SECOND"), false, t->arena, &hit, &t->ei));
	assert_string_equal(hit.id, two.id);
	assert_int_equal(authenticators_resolve(&t->core, "default", slice_from("custom"), false, t->arena, &hit, &t->ei), ERR_CONFLICT);
	assert_string_equal(t->ei.code, "ambiguous");
	assert_int_equal(authenticators_resolve(&t->core, "default", slice_from("nothing"), false, t->arena, &hit, &t->ei), ERR_NOT_FOUND);
}

static enum err change(struct testcore *t, struct authenticator_row *row, const char *json)
{
	struct authenticator_input in;
	struct jsonr *body;
	bool endpoints;
	enum err e;

	err_clear(&t->ei);
	OK(jsonr_parse(slice_from(json), 65536, &body, &t->ei));
	jsonr_in_arena(t->arena, body);
	e = authenticator_input_change(&t->core, row, body, t->arena, &in, &endpoints, &t->ei);
	return e ? e : authenticators_update(&t->core, &t->admin, &in, endpoints, t->arena, row, &t->ei);
}

/* AP-06: whoever changes an endpoint shows that they hold the secret, and old grants stay away from the new host. */
static void endpoints_change_only_with_the_secret(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row row = testcore_probe(t);

	OK(change(t, &row, "{\"scopes\":[\"read\"]}"));
	assert_int_equal(row.endpoint_rev, 1);
	assert_string_equal(row.scopes, "[\"read\"]");
	assert_int_equal(change(t, &row, "{\"token_url\":\"https://evil.example/t\"}"), ERR_UNPROCESSABLE);
	assert_int_equal(change(t, &row, "{\"configuration\":{\"revoke_url\":\"https://evil.example/r\"}}"), ERR_UNPROCESSABLE);
	assert_int_equal(change(t, &row, "{\"configuration\":{\"issuer\":\"https://evil.example\"}}"), ERR_UNPROCESSABLE);
	assert_int_equal(change(t, &row, "{\"configuration\":{\"refresh_url\":\"https://evil.example/t\"}}"), ERR_UNPROCESSABLE);
	assert_int_equal(change(t, &row, "{\"configuration\":{\"identity_url\":\"https://evil.example/me\"}}"), ERR_UNPROCESSABLE);
	assert_int_equal(row.endpoint_rev, 1);
	OK(change(t, &row, "{\"token_url\":\"https://new.example/t\",\"client_secret\":\"again\"}"));
	assert_int_equal(row.endpoint_rev, 2);
	OK(change(t, &row, "{\"configuration\":{\"refresh_url\":\"https://new.example/r\"},\"client_secret\":\"again\"}"));
	assert_int_equal(row.endpoint_rev, 3);
	/* Not to another scheme, nor to ourselves: it is vetted like the others. */
	assert_int_equal(change(t, &row, "{\"configuration\":{\"refresh_url\":\"http://new.example/r\"},\"client_secret\":\"again\"}"), ERR_UNPROCESSABLE);
	assert_int_equal(change(t, &row, "{\"configuration\":{\"refresh_url\":\"http://127.0.0.1:7001/r\"},\"client_secret\":\"again\"}"), ERR_UNPROCESSABLE);
	assert_int_equal(change(t, &row, "{\"id\":\"other\"}"), ERR_UNPROCESSABLE);
	assert_int_equal(change(t, &row, "{\"authenticator_type\":\"google\"}"), ERR_UNPROCESSABLE);
}

static void two_providers_share_no_redirect_uri(void **state)
{
	struct testcore *t = *state;
	struct authenticator_input in;
	struct authenticator_row row;

	testcore_register(t, "{\"name\":\"A\",\"authenticator_type\":\"custom\",\"redirect_uri\":\"http://127.0.0.1:7001/auth/callback/x\"," REST "}");
	OK(read_input(t, "{\"name\":\"B\",\"authenticator_type\":\"custom\",\"redirect_uri\":\"http://127.0.0.1:7001/auth/callback/x\","
			 "\"client_id\":\"c\",\"client_secret\":\"s\",\"authorize_url\":\"https://p.example/a\",\"token_url\":\"https://evil.example/t\"}", &in));
	assert_int_equal(authenticators_register(&t->core, &t->admin, &t->app, &in, t->arena, &row, &t->ei), ERR_UNPROCESSABLE);
	assert_true(names_field(&t->ei, "redirect_uri"));
}

static struct caller caller_of(struct testcore *t, const char *app_id, const char *scopes)
{
	CLEANUP(jsonr_free) struct jsonr *doc = NULL;
	struct api_key_row row;
	struct secret *text;
	struct caller c;

	OK(jsonr_parse(slice_from(scopes), 1000, &doc, &t->ei));
	OK(apps_key_create(&t->core, &t->admin, app_id, slice_from("k"), doc, t->arena, &row, &text, &t->ei));
	OK(access_by_key(&t->core, secret_expose(text), t->arena, &c, &t->ei));
	return c;
}

/* AP-02, AP-03: what is out of reach is answered like what does not exist. */
static void an_app_key_stays_in_its_app(void **state)
{
	struct testcore *t = *state;
	struct authenticator_row hit, row = testcore_probe(t);
	struct errinfo theirs = {0}, none = {0};
	struct app_row other, app;
	struct api_key_row key;
	struct secret *text;
	struct caller c;

	OK(apps_create(&t->core, &t->admin, slice_from("other"), NULL, t->arena, &other, &t->ei));
	c = caller_of(t, other.app_id, "[\"authenticators:read\",\"tokens:read\"]");
	assert_int_equal(authenticators_get(&t->core, &c, slice_from(row.id), t->arena, &hit, &theirs), ERR_NOT_FOUND);
	assert_int_equal(authenticators_get(&t->core, &c, slice_from("00000000000000000000000000000000"), t->arena, &hit, &none), ERR_NOT_FOUND);
	assert_string_equal(theirs.detail, none.detail);
	assert_int_equal(access_app(&t->core, &c, slice_from("default"), t->arena, &app, &t->ei), ERR_UNPROCESSABLE);
	OK(access_app(&t->core, &c, (struct slice){0}, t->arena, &app, &t->ei)); /* none named: its own */
	assert_string_equal(app.app_id, other.app_id);
	assert_int_equal(access_need(&c, ACCESS_CONNECTIONS_WRITE, &t->ei), ERR_FORBIDDEN);
	OK(access_need(&c, ACCESS_TOKENS_READ, &t->ei));
	assert_int_equal(apps_key_create(&t->core, &c, other.app_id, slice_from("wide"), NULL, t->arena, &key, &text, &t->ei), ERR_FORBIDDEN);
	assert_int_equal(apps_key_create(&t->core, &c, "", slice_from("far"), NULL, t->arena, &key, &text, &t->ei), ERR_FORBIDDEN);
	assert_int_equal(apps_create(&t->core, &c, slice_from("third"), NULL, t->arena, &app, &t->ei), ERR_FORBIDDEN);
}

static void a_revoked_or_broken_key_opens_nothing(void **state)
{
	struct testcore *t = *state;
	struct api_key_row row;
	struct secret *text;
	struct caller c;
	char changed[APIKEY_TEXT_LENGTH + 1];

	OK(apps_key_create(&t->core, &t->admin, "", slice_from("k"), NULL, t->arena, &row, &text, &t->ei));
	OK(access_by_key(&t->core, slice_from(arena_printf(t->arena, "api_api_%.*s", SLICE_ARG(secret_expose(text)))), t->arena, &c, &t->ei));
	for (size_t i = 0; i < APIKEY_TEXT_LENGTH; i++) {
		memcpy(changed, secret_expose(text).p, APIKEY_TEXT_LENGTH);
		changed[i] = changed[i] == 'x' ? 'y' : 'x';
		assert_int_equal(access_by_key(&t->core, slice_make(changed, APIKEY_TEXT_LENGTH), t->arena, &c, &t->ei), ERR_UNAUTHENTICATED);
	}
	OK(apps_key_revoke(&t->core, &t->admin, NULL, slice_from(row.key_id), t->arena, &t->ei));
	assert_int_equal(access_by_key(&t->core, secret_expose(text), t->arena, &c, &t->ei), ERR_UNAUTHENTICATED);
}

static enum err sign_in(struct testcore *t, const char *name, const struct secret *password, struct secret **ret_cookie)
{
	const char *stored;

	OK(users_password(&t->core, slice_from(name), t->arena, &stored, &t->ei));
	return users_sign_in(&t->core, slice_from(name), stored, password_matches(password, stored), t->arena, ret_cookie, &t->ei);
}

static void signing_in_and_out(void **state)
{
	struct testcore *t = *state;
	CLEANUP(secret_free) struct secret *password = secret_new(SLICE_LIT("correct horse")), *wrong = secret_new(SLICE_LIT("wrong horse"));
	struct secret *token, *cookie, *second;
	const char *stored;
	struct caller c;
	bool needed;

	OK(users_needs_password(&t->core, t->arena, &needed, &t->ei));
	assert_true(needed);
	OK(users_admin_link(&t->core, t->arena, &token, &t->ei));
	OK(users_link_check(&t->core, secret_expose(token), t->arena, &t->ei));
	OK(users_link_spend(&t->core, secret_expose(token), password, t->arena, &cookie, &t->ei));
	assert_int_equal(users_link_spend(&t->core, secret_expose(token), password, t->arena, &second, &t->ei), ERR_NOT_FOUND);
	OK(access_by_session(&t->core, secret_expose(cookie), t->arena, &c, &t->ei));
	assert_int_equal(access_need(&c, ACCESS_TOKENS_READ, &t->ei), ERR_FORBIDDEN);
	assert_int_equal(sign_in(t, "admin", wrong, &second), ERR_UNAUTHENTICATED);
	assert_int_equal(sign_in(t, "nobody", password, &second), ERR_UNAUTHENTICATED);
	OK(sign_in(t, "admin", password, &second));
	OK(users_sign_out(&t->core, c.session_hash, &t->ei));
	assert_int_equal(access_by_session(&t->core, secret_expose(cookie), t->arena, &c, &t->ei), ERR_UNAUTHENTICATED);
	t->now_ms += USERS_SESSION_IDLE_MS + 1; /* WB-02 */
	assert_int_equal(access_by_session(&t->core, secret_expose(second), t->arena, &c, &t->ei), ERR_UNAUTHENTICATED);
	OK(users_admin_link(&t->core, t->arena, &token, &t->ei));
	/* While the right password was being checked, another was chosen. */
	OK(users_password(&t->core, slice_from("admin"), t->arena, &stored, &t->ei));
	OK(users_link_spend(&t->core, secret_expose(token), wrong, t->arena, &cookie, &t->ei));
	assert_int_equal(users_sign_in(&t->core, slice_from("admin"), stored, true, t->arena, &second, &t->ei), ERR_UNAUTHENTICATED);
	OK(sign_in(t, "admin", wrong, &second));
	OK(users_admin_link(&t->core, t->arena, &token, &t->ei));
	t->now_ms += USERS_LINK_LIFE_MS;
	assert_int_equal(users_link_check(&t->core, secret_expose(token), t->arena, &t->ei), ERR_NOT_FOUND);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, testcore_setup, testcore_teardown)
	const struct CMUnitTest tests[] = {
		CASE(bad_input_names_its_field),
		CASE(a_template_fills_in_what_is_missing),
		CASE(the_secret_is_sealed_and_opens_only_for_its_client),
		CASE(a_name_is_taken_without_regard_to_case),
		CASE(refs_resolve_by_id_name_then_type),
		CASE(endpoints_change_only_with_the_secret),
		CASE(two_providers_share_no_redirect_uri),
		CASE(an_app_key_stays_in_its_app),
		CASE(a_revoked_or_broken_key_opens_nothing),
		CASE(signing_in_and_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
