/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: every file of providers/ loads and says what it must; variables; and what a broken template is told. */
#include "catalog/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/url.h"

static struct arena *arena;

static int begin(void **state)
{
	struct errinfo ei = {0};

	(void)state;
	arena = arena_new(4 << 20);
	if (template_load_all(&ei))
		fail_msg("%s", ei.detail);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const struct jsonr *json(const char *text)
{
	struct jsonr *doc;

	assert_int_equal(jsonr_parse(slice_from(text), 1 << 20, &doc, NULL), ERR_OK);
	return jsonr_in_arena(arena, doc);
}

static void test_the_main_types(void **state)
{
	static const struct {
		const char *type, *name, *authorize, *token, *issuer;
		enum rotation rotation;
		enum revoke_ends ends;
	} cases[] = {
		{"custom", "Another provider", "", "", "", ROTATION_U, REVOKE_ENDS_GRANT},
		{"github", "GitHub", "https://github.com/login/oauth/authorize",
		 "https://github.com/login/oauth/access_token", "", ROTATION_R3, REVOKE_ENDS_TOKEN},
		/* As the developer guide writes them. */
		{"google", "Google", "https://accounts.google.com/o/oauth2/v2/auth",
		 "https://oauth2.googleapis.com/token", "https://accounts.google.com", ROTATION_R0, REVOKE_ENDS_GRANT},
		{"microsoft", "Microsoft", "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
		 "https://login.microsoftonline.com/common/oauth2/v2.0/token", "", ROTATION_R0, REVOKE_ENDS_GRANT},
		{"practice", "Practice", "http://localhost:7002/auth", "http://localhost:7002/token",
		 "http://localhost:7002", ROTATION_R4, REVOKE_ENDS_GRANT},
		{"slack", "Slack", "https://slack.com/oauth/v2/authorize", "https://slack.com/api/oauth.v2.access", "", ROTATION_R3, REVOKE_ENDS_GRANT},
	};

	(void)state;
	assert_true(template_count() >= ARRAY_LEN(cases));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct template *t = template_find(slice_from(cases[i].type));
		struct profile p;

		assert_non_null(t);
		assert_string_equal(t->display_name, cases[i].name);
		assert_int_equal(template_profile(t, NULL, arena, &p, NULL), ERR_OK);
		assert_string_equal(p.authorize_url, cases[i].authorize);
		assert_string_equal(p.token_url, cases[i].token);
		assert_string_equal(p.issuer, cases[i].issuer);
		assert_int_equal(p.rotation, cases[i].rotation);
		assert_int_equal(p.revoke_ends, cases[i].ends);
	}
	assert_null(template_at(template_count()));
	assert_null(template_find(SLICE_LIT("no_such_provider")));
	assert_null(template_find(SLICE_LIT("")));
	assert_ptr_equal(template_find(SLICE_LIT("GitHub")), template_find(SLICE_LIT("github")));
	assert_int_equal(template_load_all(NULL), ERR_OK);
	assert_null(template_at(template_count()));
}

static void test_every_template_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < template_count(); i++) {
		const struct template *t = template_at(i);
		const struct jsonr *known = jsonr_get(t->document, "known_scopes");
		const struct jsonr *steps = jsonr_path(t->document, "guide.steps");
		struct profile p;
		CLEANUP(buf_done) struct buf text;
		struct url url;

		assert_int_equal(template_profile(t, NULL, arena, &p, NULL), ERR_OK);
		buf_init(&text, 1 << 16);
		jsonr_dump(steps, &text);
		if (strcmp(t->type, "practice") != 0)
			assert_non_null(strstr(buf_cstr(&text), "{callback_url}"));
		if (strcmp(t->type, "custom") == 0)
			continue;
		if (p.identity_url[0])
			assert_int_equal(url_parse(slice_from(p.identity_url), &url, NULL), ERR_OK);
		if (t->scope_count && jsonr_count(known) < 3)
			fail_msg("%s explains few scopes", t->type);
		/* Each default scope is explained. */
		for (size_t s = 0; s < t->scope_count; s++) {
			bool explained = false;

			for (size_t k = 0; k < jsonr_count(known); k++)
				explained |= slice_is(jsonr_get_string(jsonr_at(known, k), "scope"), t->scopes[s]);
			if (!explained)
				fail_msg("%s: %s is not explained", t->type, t->scopes[s]);
		}
	}
}

static void test_only_loopback_is_http(void **state)
{
	(void)state;
	for (size_t i = 0; i < template_count(); i++) {
		struct profile p;
		struct url url;

		assert_int_equal(template_profile(template_at(i), NULL, arena, &p, NULL), ERR_OK);
		const char *const urls[] = {p.authorize_url, p.token_url, p.refresh_url, p.revoke_url, p.identity_url, p.issuer, p.jwks_url};
		for (size_t u = 0; u < ARRAY_LEN(urls); u++)
			if (url_parse(slice_from(urls[u]), &url, NULL) == ERR_OK)
				assert_true(url.is_https || url_is_loopback(&url));
	}
}

static void test_variables(void **state)
{
	struct profile p;

	(void)state;
	assert_int_equal(template_profile(template_find(SLICE_LIT("microsoft")), json("{\"tenant\":\"contoso.com\"}"),
					  arena, &p, NULL),
			 ERR_OK);
	assert_string_equal(p.token_url, "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token");
	assert_string_equal(p.issuer, "");
	assert_int_equal(template_profile(template_find(SLICE_LIT("practice")),
					  json("{\"base\":\"http://127.0.0.1:9\"}"), arena, &p, NULL),
			 ERR_OK);
	assert_string_equal(p.issuer, "http://127.0.0.1:9");
	assert_string_equal(p.revoke_url, "http://127.0.0.1:9/token/revocation");
	assert_true(p.iss_in_callback);
	assert_int_equal(template_profile(template_find(SLICE_LIT("google")), json("{}"), arena, &p, NULL), ERR_OK);
}

static void test_variables_cannot_move_a_host(void **state)
{
	static const struct {
		const char *type, *variables;
	} cases[] = {
		{"microsoft", "{\"tenant\":\"\"}"},
		{"microsoft", "{\"tenant\":\"a/b\"}"},
		{"microsoft", "{\"tenant\":\"..\"}"},
		{"microsoft", "{\"tenant\":\".\"}"},
		{"microsoft", "{\"tenant\":\".a\"}"},
		{"microsoft", "{\"tenant\":\"a.\"}"},
		{"microsoft", "{\"tenant\":\"-a\"}"},
		{"microsoft", "{\"tenant\":\"a@evil.example\"}"},
		{"microsoft", "{\"tenant\":\"a?x\"}"},
		{"microsoft", "{\"tenant\":\"a#x\"}"},
		{"microsoft", "{\"tenant\":\"a%2fb\"}"},
		{"microsoft", "{\"tenant\":\"{tenant}\"}"},
		{"microsoft", "{\"tenant\":\"a b\"}"},
		{"microsoft", "{\"tenant\":\"a\\nb\"}"},
		{"microsoft", "{\"tenant\":\"\\u00e9\"}"},
		{"microsoft", "{\"tenant\":7}"},
		{"microsoft", "{\"tenant\":null}"},
		{"microsoft", "{\"other\":\"a\"}"},
		{"microsoft", "{\"TENANT\":\"a\"}"},
		{"microsoft", "[]"},
		{"google", "{\"tenant\":\"a\"}"},
		{"practice", "{\"base\":\"localhost:7002\"}"},
		{"practice", "{\"base\":\"http://localhost:7002/\"}"},
		{"practice", "{\"base\":\"http://localhost:7002?x=\"}"},
		{"practice", "{\"base\":\"http://localhost:7002#\"}"},
		{"practice", "{\"base\":\"javascript:alert(1)\"}"},
		{"practice", "{\"base\":\"http://user@localhost\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct profile p = {.issuer = "untouched"};
		struct errinfo ei = {0};

		if (template_profile(template_find(slice_from(cases[i].type)), json(cases[i].variables), arena, &p,
				     &ei) != ERR_UNPROCESSABLE)
			fail_msg("%s was taken", cases[i].variables);
		assert_string_equal(ei.fields[0].name, "variables");
		assert_string_equal(p.issuer, "untouched");
	}
}

static void test_a_variable_has_a_limit(void **state)
{
	char longest[201] = {0};
	struct profile p;

	(void)state;
	memset(longest, 'a', 200);
	assert_int_equal(template_profile(template_find(SLICE_LIT("microsoft")),
					  json(arena_printf(arena, "{\"tenant\":\"%s\"}", longest)), arena, &p, NULL),
			 ERR_OK);
	assert_int_equal(template_profile(template_find(SLICE_LIT("microsoft")),
					  json(arena_printf(arena, "{\"tenant\":\"%sa\"}", longest)), arena, &p, NULL),
			 ERR_UNPROCESSABLE);
}

#define BARE "\"authorize_url\":\"https://a/{v}\",\"token_url\":\"https://a/t\""
#define WHO  BARE ",\"identity_url\":\"https://a/me\""
#define URLS WHO ",\"revoke_url\":\"\",\"rotation\":\"R3\""
#define TEXTS \
	"\"guide\":{\"steps\":[\"s\"],\"mistakes\":[\"m\"]},\"sources\":[{\"url\":\"https://" \
	"a\",\"date\":\"2026-11\"}]"
#define SCOPES "\"scopes\":[\"s\"],\"known_scopes\":[{\"scope\":\"s\",\"sentence\":\"S.\"}]"
#define HEAD   "\"type\":\"x\",\"display_name\":\"X\""
#define GOOD "{" HEAD "," VARS ",\"profile\":{" URLS "}," SCOPES "," TEXTS
#define VARS   "\"variables\":{\"v\":\"d\"}"

static void test_broken_templates(void **state)
{
	static const struct {
		const char *json, *why; /* NULL: fine */
	} cases[] = {
		{"{" HEAD "," VARS ",\"profile\":{" URLS "}," SCOPES "," TEXTS "}", NULL},
		{"{" VARS ",\"profile\":{" URLS "}," SCOPES "," TEXTS "}", "\"type\""},
		{"{\"type\":\"X\",\"display_name\":\"X\"," VARS ",\"profile\":{" URLS "}," SCOPES "," TEXTS "}",
		 "\"type\""},
		{"{\"type\":\"x\"," VARS ",\"profile\":{" URLS "}," SCOPES "," TEXTS "}", "display_name"},
		{"{" HEAD "," VARS "," SCOPES "," TEXTS "}", "must be an object"},
		{"{" HEAD "," VARS ",\"profile\":{}," SCOPES "," TEXTS "}", "needs authorize_url"},
		{"{" HEAD "," VARS ",\"profile\":{" WHO ",\"rotation\":\"R7\"}," SCOPES "," TEXTS "}", "rotation"},
		{"{" HEAD "," VARS ",\"profile\":{" WHO ",\"rotation\":{\"class\":\"R2\"}}," SCOPES "," TEXTS "}", "window_s"},
		{"{" HEAD "," VARS ",\"profile\":{" URLS ",\"revoke_ends\":\"x\"}," SCOPES "," TEXTS "}", "revoke_ends"},
		{"{" HEAD ",\"profile\":{" URLS "}," SCOPES "," TEXTS "}", "without a default"},
		{"{" HEAD ",\"variables\":{\"w\":\"d\"},\"profile\":{" URLS "}," SCOPES "," TEXTS "}",
		 "without a default"},
		{"{" HEAD ",\"variables\":{\"v\":\"a/b\"},\"profile\":{" URLS "}," SCOPES "," TEXTS "}",
		 "\"variables\""},
		{"{" HEAD ",\"variables\":{\"V\":\"a\"},\"profile\":{" URLS "}," SCOPES "," TEXTS "}", "\"variables\""},
		{"{" HEAD ",\"variables\":[],\"profile\":{" URLS "}," SCOPES "," TEXTS "}", "\"variables\""},
		{"{" HEAD
		 ",\"variables\":{\"v\":\"1\",\"a\":\"1\",\"b\":\"1\",\"c\":\"1\",\"d\":\"1\"},\"profile\":{" URLS
		 "}," SCOPES "," TEXTS "}",
		 "\"variables\""},
		{"{" HEAD "," VARS
		 ",\"profile\":{\"authorize_url\":\"https://a/{v\",\"token_url\":\"https://a\"}," SCOPES "," TEXTS "}",
		 "without a default"},
		{"{" HEAD "," VARS ",\"profile\":{\"authorize_url\":\"a/{v}\",\"token_url\":\"https://a\"}," SCOPES
		 "," TEXTS "}",
		 "authorize_url"},
		{"{" HEAD "," VARS ",\"profile\":{" URLS "},\"known_scopes\":[]," TEXTS "}", "\"scopes\""},
		{"{" HEAD "," VARS ",\"profile\":{" URLS "},\"scopes\":[\"a b\"],\"known_scopes\":[]," TEXTS "}",
		 "no scope"},
		{"{" HEAD "," VARS ",\"profile\":{" URLS "},\"scopes\":[\"a\"]," TEXTS "}", "known_scopes"},
		{"{" HEAD "," VARS ",\"profile\":{" URLS "},\"scopes\":[],\"known_scopes\":[{\"scope\":\"a\"}]," TEXTS
		 "}",
		 "sentence"},
		{"{" HEAD "," VARS ",\"profile\":{" URLS "}," SCOPES "}", "guide"},
		{"{" HEAD "," VARS ",\"profile\":{" URLS "}," SCOPES ",\"guide\":{\"steps\":[],\"mistakes\":[\"m\"]}}",
		 "guide"},
		{"{" HEAD "," VARS ",\"profile\":{" URLS "}," SCOPES
		 ",\"guide\":{\"steps\":[\"s\"],\"mistakes\":[\"m\"]}}",
		 "sources"},
		{"{" HEAD "," VARS ",\"profile\":{" URLS "}," SCOPES
		 ",\"guide\":{\"steps\":[\"s\"],\"mistakes\":[\"m\"]},"
		 "\"sources\":[{\"url\":\"https://a\"}]}",
		 "sources"},
		{"{" HEAD "," VARS ",\"profile\":{" URLS "}," SCOPES
		 ",\"guide\":{\"steps\":[\"s\"],\"mistakes\":[\"m\"]},"
		 "\"sources\":[{\"url\":\"https://a\",\"date\":\"2026-13\"}]}",
		 "sources"},
		{"[]", "\"type\""},
		/* What an authenticator cannot do without. */
		{"{" HEAD "," VARS ",\"profile\":{" WHO "}," SCOPES "," TEXTS "}", "rotation class"},
		{"{" HEAD "," VARS ",\"profile\":{" BARE ",\"rotation\":\"R0\"}," SCOPES "," TEXTS "}", "tell accounts apart"},
		{"{" HEAD "," VARS ",\"profile\":{" WHO ",\"rotation\":\"R0\",\"identity_subject\":\"\"}," SCOPES "," TEXTS "}", "tell accounts apart"},
		{"{" HEAD "," VARS ",\"profile\":{" BARE ",\"rotation\":\"R0\",\"issuer\":\"https://a\"}," SCOPES "," TEXTS "}", "tell accounts apart"},
		{"{" HEAD "," VARS ",\"profile\":{" BARE ",\"rotation\":\"R0\",\"issuer\":\"https://a\"},\"scopes\":[\"openid\"],\"known_scopes\":[]," TEXTS "}", NULL},
		{"{" HEAD "," VARS ",\"profile\":{" BARE ",\"rotation\":\"R0\",\"answer_subject\":\"id\"}," SCOPES "," TEXTS "}", NULL},
		{"{\"type\":\"2x\",\"display_name\":\"X\"," VARS ",\"profile\":{" URLS "}," SCOPES "," TEXTS "}", "\"type\""},
		{"{\"type\":\"x2\",\"display_name\":\"X\"," VARS ",\"profile\":{" URLS "}," SCOPES "," TEXTS "}", NULL},
		{GOOD ",\"aliases\":[\"a\",\"b2\"]}", NULL},
		{GOOD ",\"aliases\":[\"A\"]}", "aliases"},
		{GOOD ",\"aliases\":\"a\"}", "aliases"},
		{GOOD ",\"requires\":[\"par\",\"dpop\"]}", NULL},
		{GOOD ",\"requires\":[\"magic\"]}", "requires"},
		{GOOD ",\"requires\":\"par\"}", "requires"},
		{GOOD ",\"offline\":{\"scope\":\"offline_access\"}}", NULL},
		{GOOD ",\"offline\":{}}", "offline"},
		{GOOD ",\"offline\":{\"scope\":\"a\",\"param\":\"b\"}}", "offline"},
		{GOOD ",\"offline\":{\"param\":\"access_type\"}}", "authorize_params"},
		{GOOD ",\"client_id_form\":{\"form\":\"uuid\"}}", NULL},
		{GOOD ",\"client_id_form\":{\"form\":\"x\"}}", "client_id_form"},
		{GOOD ",\"client_secret_form\":[]}", "client_secret_form"},
		{GOOD ",\"callback_rules\":{\"https_only\":true}}", NULL},
		{GOOD ",\"callback_rules\":{\"https_only\":1}}", "callback_rules"},
		{GOOD ",\"callback_rules\":[]}", "callback_rules"},
		{GOOD ",\"device_url\":\"http://a\"}", "device_url"},
		{GOOD ",\"api_hosts\":[]}", "api_hosts"},
		{GOOD ",\"scope_sets\":[{\"name\":\"n\"}]}", "scope_sets"},
		{GOOD ",\"sunset\":[{\"date\":\"2027-02-16\",\"what\":\"It ends.\"}]}", NULL},
		{GOOD ",\"sunset\":[{\"date\":\"soon\",\"what\":\"It ends.\"}]}", "sunset"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct template t;
		struct errinfo ei = {0};
		enum err e = template_parse(json(cases[i].json), arena, &t, &ei);

		assert_int_equal(e, cases[i].why ? ERR_CONFIG : ERR_OK);
		if (cases[i].why && !strstr(ei.detail, cases[i].why))
			fail_msg("%s: %s", cases[i].json, ei.detail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_main_types, begin, end),
		cmocka_unit_test_setup_teardown(test_every_template_is_complete, begin, end),
		cmocka_unit_test_setup_teardown(test_only_loopback_is_http, begin, end),
		cmocka_unit_test_setup_teardown(test_variables, begin, end),
		cmocka_unit_test_setup_teardown(test_variables_cannot_move_a_host, begin, end),
		cmocka_unit_test_setup_teardown(test_a_variable_has_a_limit, begin, end),
		cmocka_unit_test_setup_teardown(test_broken_templates, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
