/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: what is read, what is written back, what is refused and in which words (OA-07, AP-04 in small). */
#include "catalog/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(4 << 20);
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

/* Every member, none as it is by default. */
static const char full[] =
	"{\"answer_scope\":\"scopes\",\"answer_subject\":\"team.id bot\",\"authorize_params\":{\"a\":\"1\",\"response_mode\":"
	"\"query\"},\"authorize_url\":\"https://as.example/a?x=y\",\"bearer_names\":\"bot user\",\"client_auth\":\"client_"
	"secret_post\",\"error_flag\":\"ok\",\"error_names\":{\"invalid_code\":\"invalid_grant\"},\"error_path\":\"error.co"
	"de\",\"expires_in\":{\"assumed_s\":7200,\"path\":\"data.expires_in\",\"unit\":\"ms\",\"zero_is_never\":true},\"form_"
	"answers\":true,\"id_token_algs\":[\"ES256\"],\"identity_body\":\"null\",\"identity_headers\":{\"Notion-Version\":\"2022-06-28\"},\"identity_la"
	"bel\":\"email name\",\"identity_method\":\"POST\",\"identity_scheme\":\"OAuth\",\"identity_subject\":\"id\",\"identi"
	"ty_url\":\"https://as.example/me\",\"iss_in_callback\":true,\"issuer\":\"https://as.example\",\"jwks_url\":\"https://as.example/k\",\"keep_from_answ"
	"er\":[\"instance_url\",\"team.id\"],\"keep_from_callback\":[\"realmId\"],\"param_names\":{\"client_id\":\"client_k"
	"ey\"},\"pkce\":\"none\",\"refresh_life\":{\"absolute_s\":31536000,\"idle_s\":7776000,\"path\":\"refresh_expires_in"
	"\"},\"refresh_params\":{\"b\":\"2\"},\"refresh_sends_redirect_uri\":true,\"refresh_url\":\"https://as.example/re"
	"fresh\",\"revoke_ends\":\"token\",\"revoke_style\":\"bearer_delete\",\"revoke_url\":\"https://as.example/r\",\"rot"
	"ation\":{\"class\":\"R2\",\"window_s\":600},\"scope_comma_in_answer\":true,\"scope_separator\":\",\",\"token_encod"
	"ing\":\"json\",\"token_headers\":{\"User-Agent\":\"x\"},\"token_params\":{\"c\":\"3\"},\"token_path\":\"authed_user\",\""
	"token_type_optional\":true,\"token_url\":\"https://as.example/t\"}";

static const char *written(const struct profile *p)
{
	struct buf out;
	struct jsonw w;
	const struct jsonr *doc;
	const char *text;

	buf_init(&out, 1 << 16);
	jsonw_init(&w, &out);
	profile_write(p, &w, NULL);
	doc = json(buf_cstr(&out));
	buf_reset(&out);
	jsonr_dump(doc, &out);
	text = arena_strndup(arena, buf_slice(&out));
	buf_done(&out);
	return text;
}

static void test_everything_comes_back(void **state)
{
	struct profile p, again;

	(void)state;
	assert_int_equal(profile_parse(json(full), arena, &p, NULL), ERR_OK);
	assert_int_equal(p.auth, CLIENT_AUTH_POST);
	assert_int_equal(p.rotation, ROTATION_R2);
	assert_int_equal(p.rotation_window_s, 600);
	assert_int_equal(p.revoke_ends, REVOKE_ENDS_TOKEN);
	assert_int_equal(p.revoke_style, REVOKE_BEARER_DELETE);
	assert_int_equal(p.pkce, PKCE_NONE);
	assert_int_equal(p.token_encoding, TOKEN_JSON);
	assert_int_equal(p.expires_assumed_s, 7200);
	assert_string_equal(p.keep_from_answer.text[1], "team.id");
	assert_int_equal(p.scope_separator, ',');
	assert_int_equal(p.param_count, 2);
	assert_string_equal(written(&p), full);
	assert_int_equal(profile_parse(json(written(&p)), arena, &again, NULL), ERR_OK);
	assert_string_equal(written(&again), full);
}

static void test_defaults(void **state)
{
	struct profile p;

	(void)state;
	assert_int_equal(
		profile_parse(json("{\"unknown\":{\"x\":1},\"issuer\":null,\"rotation\":null}"), arena, &p, NULL),
		ERR_OK);
	assert_string_equal(written(&p), written(profile_default()));
	assert_string_equal(p.authorize_url, "");
	assert_string_equal(p.identity_subject, "sub");
	assert_string_equal(p.identity_method, "GET");
	assert_int_equal(p.pkce, PKCE_S256);
	assert_string_equal(p.identity_scheme, "Bearer");
	assert_string_equal(p.answer_scope, "scope");
	assert_int_equal(p.auth, CLIENT_AUTH_BASIC);
	assert_int_equal(p.rotation, ROTATION_U);
	assert_int_equal(p.revoke_ends, REVOKE_ENDS_GRANT);
	assert_int_equal(p.scope_separator, ' ');
	assert_false(p.token_type_optional || p.form_answers || p.iss_in_callback || p.scope_comma_in_answer);
}

static void test_overlay_changes_only_what_is_named(void **state)
{
	struct profile p, before;

	(void)state;
	assert_int_equal(profile_parse(json(full), arena, &p, NULL), ERR_OK);
	before = p;
	assert_int_equal(profile_overlay(json("{}"), arena, &p, NULL), ERR_OK);
	assert_string_equal(written(&p), full);
	assert_int_equal(profile_overlay(json("{\"userinfo_url\":\"https://b.example/u\",\"revocation_url\":\"\","
					      "\"token_endpoint_auth_method\":\"none\",\"authorize_params\":{},"
					      "\"scope_separator\":\" \",\"form_answers\":false}"),
					 arena, &p, NULL),
			 ERR_OK);
	assert_string_equal(p.identity_url, "https://b.example/u");
	assert_string_equal(p.revoke_url, "");
	assert_int_equal(p.auth, CLIENT_AUTH_NONE);
	assert_int_equal(p.param_count, 0);
	assert_int_equal(p.scope_separator, ' ');
	assert_false(p.form_answers);
	assert_string_equal(p.token_url, before.token_url);
	assert_string_equal(p.identity_method, "POST");
	assert_int_equal(p.error_count, 1);
	/* The own name wins over the alias. */
	assert_int_equal(profile_overlay(json("{\"identity_url\":\"https://c/\",\"userinfo_url\":\"https://d/\"}"),
					 arena, &p, NULL),
			 ERR_OK);
	assert_string_equal(p.identity_url, "https://c/");
}

static void test_refused(void **state)
{
	static const struct {
		const char *json, *field, *why;
	} cases[] = {
		{"[]", "configuration", "must be an object"},
		{"\"x\"", "configuration", "must be an object"},
		{"{\"token_url\":7}", "token_url", "must be a text"},
		{"{\"issuer\":\"https://a\\n\"}", "issuer", "must be a text"},
		{"{\"issuer\":\"https://\\u00e9\"}", "issuer", "must be a text"},
		{"{\"token_url\":\"ftp://a\"}", "token_url", "https://"},
		{"{\"token_url\":\"https://a#f\"}", "token_url", "fragment"},
		{"{\"token_url\":\"https://u@a\"}", "token_url", "user name"},
		{"{\"token_url\":\"https://127.1/\"}", "token_url", "IPv4"},
		{"{\"authorize_url\":\"javascript:alert(1)\"}", "authorize_url", "https://"},
		{"{\"authorize_url\":\"https://a/{tenant}\"}", "authorize_url", "character"},
		{"{\"authorize_url\":\"https://a/?state=1\"}", "authorize_url", "\"state\""},
		{"{\"authorize_url\":\"https://a/?x=1&response_type=token\"}", "authorize_url", "\"response_type\""},
		{"{\"authorize_url\":\"https://a/?response_mode=fragment\"}", "authorize_url", "\"response_mode\""},
		{"{\"authorize_url\":\"https://a/?s%74ate=1\"}", "authorize_url", "s%74ate"},
		{"{\"issuer\":\"as.example\"}", "issuer", "https://"},
		{"{\"issuer\":\"https://a?x\"}", "issuer", "query"},
		{"{\"iss_in_callback\":true}", "issuer", "needed"},
		{"{\"iss_in_callback\":1}", "iss_in_callback", "true or false"},
		{"{\"form_answers\":\"true\"}", "form_answers", "true or false"},
		{"{\"client_auth\":\"private_key_jwt\"}", "client_auth",
		 "client_secret_basic, client_secret_post, none"},
		{"{\"client_auth\":7}", "client_auth", "one of"},
		{"{\"rotation\":\"R9\"}", "rotation", "one of: U, R0, R1, R2, R3, R4"},
		{"{\"rotation\":{}}", "rotation", "one of: U, R0, R1, R2, R3, R4"},
		{"{\"rotation\":{\"window_s\":5}}", "rotation", "one of: U, R0, R1, R2, R3, R4"},
		{"{\"rotation\":\"R2\"}", "rotation", "window_s"},
		{"{\"rotation\":{\"class\":\"R2\"}}", "rotation", "window_s"},
		{"{\"rotation\":{\"class\":\"R2\",\"window_s\":0}}", "rotation", "1 to 86400"},
		{"{\"rotation\":{\"class\":\"R2\",\"window_s\":86401}}", "rotation", "1 to 86400"},
		{"{\"rotation\":{\"class\":\"R2\",\"window_s\":\"60\"}}", "rotation", "1 to 86400"},
		{"{\"rotation\":{\"class\":\"R3\",\"window_s\":60}}", "rotation", "with no other"},
		{"{\"revoke_ends\":\"all\"}", "revoke_ends", "one of: grant, token"},
		{"{\"revoke_style\":\"x\"}", "revoke_style", "one of: rfc7009, github"},
		{"{\"identity_method\":\"DELETE\"}", "identity_method", "one of: GET, POST"},
		{"{\"scope_separator\":\"+\"}", "scope_separator", "one of"},
		{"{\"scope_separator\":\"\"}", "scope_separator", "one of"},
		{"{\"authorize_params\":[]}", "authorize_params", "must be an object"},
		{"{\"authorize_params\":{\"a\":1}}", "authorize_params", "must be an object"},
		{"{\"authorize_params\":{\"\":\"x\"}}", "authorize_params", "must be an object"},
		{"{\"authorize_params\":{\"a\":\"\\n\"}}", "authorize_params", "must be an object"},
		{"{\"authorize_params\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\",\"6\":\"\",\"7\":\"\","
		 "\"8\":\"\","
		 "\"9\":\"\"}}",
		 "authorize_params", "at most 8"},
		{"{\"authorize_params\":{\"state\":\"x\"}}", "authorize_params", "\"state\""},
		{"{\"authorize_params\":{\"response_type\":\"token\"}}", "authorize_params", "\"response_type\""},
		{"{\"authorize_params\":{\"code_challenge_method\":\"plain\"}}", "authorize_params",
		 "code_challenge_method"},
		{"{\"error_names\":{\"a\":null}}", "error_names", "must be an object"},
		{"{\"refresh_url\":\"http:/x\"}", "refresh_url", "https://"},
		{"{\"pkce\":\"plain\"}", "pkce", "one of: S256, none"},
		{"{\"pkce\":\"none\",\"client_auth\":\"none\"}", "pkce", "without a secret"},
		{"{\"token_encoding\":\"xml\"}", "token_encoding", "one of: form, json"},
		{"{\"token_params\":{\"grant_type\":\"password\"}}", "token_params", "\"grant_type\""},
		{"{\"refresh_params\":{\"client_secret\":\"x\"}}", "refresh_params", "\"client_secret\""},
		{"{\"token_params\":[]}", "token_params", "must be an object"},
		{"{\"token_headers\":{\"Authorization\":\"x\"}}", "token_headers", "\"Authorization\""},
		{"{\"token_headers\":{\"content-length\":\"1\"}}", "token_headers", "\"content-length\""},
		{"{\"token_headers\":{\"Transfer-Encoding\":\"x\"}}", "token_headers", "\"Transfer-Encoding\""},
		{"{\"token_headers\":{\"X:y\":\"1\"}}", "token_headers", "\"X:y\""},
		{"{\"token_headers\":{\"X\":\"a\\r\\nY: z\"}}", "token_headers", "must be an object"},
		{"{\"identity_headers\":{\"Host\":\"evil\"}}", "identity_headers", "\"Host\""},
		{"{\"param_names\":{\"state\":\"s\"}}", "param_names", "only"},
		{"{\"param_names\":{\"client_id\":\"\"}}", "param_names", "client_id"},
		{"{\"param_names\":{\"client_id\":\"state\"}}", "param_names", "client_id"},
		{"{\"keep_from_answer\":\"a\"}", "keep_from_answer", "must be an array"},
		{"{\"keep_from_answer\":[\"\"]}", "keep_from_answer", "must be an array"},
		{"{\"keep_from_callback\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}", "keep_from_callback", "at most 8"},
		{"{\"expires_in\":3600}", "expires_in", "must be an object"},
		{"{\"expires_in\":{\"unit\":\"min\"}}", "expires_in", "one of: s, ms"},
		{"{\"expires_in\":{\"path\":\"\"}}", "expires_in", "not empty"},
		{"{\"expires_in\":{\"assumed_s\":-1}}", "expires_in", "whole seconds"},
		{"{\"expires_in\":{\"zero_is_never\":0}}", "expires_in", "true or false"},
		{"{\"refresh_life\":[]}", "refresh_life", "must be an object"},
		{"{\"refresh_life\":{\"idle_s\":1.5}}", "refresh_life", "whole seconds"},
		{"{\"refresh_life\":{\"absolute_s\":99999999999}}", "refresh_life", "whole seconds"},
		{"{\"grant\":\"password\"}", "grant", "authorization_code"},
		{"{\"grant_type\":\"implicit\"}", "grant_type", "authorization_code"},
		{"{\"response_type\":\"id_token token\"}", "response_type", "code"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct profile p = {.issuer = "untouched"};
		struct errinfo ei = {0};

		assert_int_equal(profile_parse(json(cases[i].json), arena, &p, &ei), ERR_UNPROCESSABLE);
		assert_string_equal(ei.fields[0].name, cases[i].field);
		if (!strstr(ei.fields[0].why, cases[i].why))
			fail_msg("%s: %s", cases[i].json, ei.fields[0].why);
		assert_string_equal(p.issuer, "untouched");
		assert_int_equal(profile_parse(json(cases[i].json), arena, &p, NULL), ERR_UNPROCESSABLE);
	}
}

/* The class alone, as a text or an object, takes the window of another class away. */
static void test_a_class_comes_with_its_window(void **state)
{
	struct profile p;

	(void)state;
	assert_int_equal(profile_parse(json(full), arena, &p, NULL), ERR_OK);
	assert_int_equal(profile_overlay(json("{\"rotation\":\"R1\"}"), arena, &p, NULL), ERR_OK);
	assert_int_equal(p.rotation, ROTATION_R1);
	assert_int_equal(p.rotation_window_s, 0);
	assert_int_equal(profile_overlay(json("{\"rotation\":{\"class\":\"R2\",\"window_s\":1}}"), arena, &p, NULL), ERR_OK);
	assert_int_equal(p.rotation_window_s, 1);
	assert_int_equal(profile_overlay(json("{\"rotation\":{\"class\":\"R4\"},\"revoke_ends\":\"grant\"}"), arena, &p, NULL), ERR_OK);
	assert_int_equal(p.rotation, ROTATION_R4);
	assert_int_equal(p.rotation_window_s, 0);
	assert_int_equal(p.revoke_ends, REVOKE_ENDS_GRANT);
	assert_string_equal(profile_rotation_name(ROTATION_R4), "R4");
}

static void test_overlay_is_whole_or_not_at_all(void **state)
{
	struct profile p;

	(void)state;
	assert_int_equal(profile_parse(json(full), arena, &p, NULL), ERR_OK);
	assert_int_equal(profile_overlay(json("{\"issuer\":\"https://evil\",\"rotation\":\"x\"}"), arena, &p, NULL),
			 ERR_UNPROCESSABLE);
	assert_string_equal(written(&p), full);
}

static void test_text_limit(void **state)
{
	char text[PROFILE_TEXT_MAX + 2] = {0};
	struct profile p = *profile_default();

	(void)state;
	memset(text, 'x', PROFILE_TEXT_MAX);
	assert_int_equal(
		profile_overlay(json(arena_printf(arena, "{\"identity_label\":\"%s\"}", text)), arena, &p, NULL),
		ERR_OK);
	text[PROFILE_TEXT_MAX] = 'x';
	assert_int_equal(
		profile_overlay(json(arena_printf(arena, "{\"identity_label\":\"%s\"}", text)), arena, &p, NULL),
		ERR_UNPROCESSABLE);
}

static void test_auth_names(void **state)
{
	enum client_auth auth = CLIENT_AUTH_NONE;

	(void)state;
	for (int i = 0; i < CLIENT_AUTH__COUNT; i++) {
		assert_true(profile_auth_from_name(slice_from(profile_auth_name((enum client_auth)i)), &auth));
		assert_int_equal(auth, i);
	}
	assert_false(profile_auth_from_name(SLICE_LIT("client_secret_jwt"), &auth));
	assert_false(profile_auth_from_name(SLICE_LIT(""), &auth));
	assert_int_equal(auth, CLIENT_AUTH_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_everything_comes_back, begin, end),
		cmocka_unit_test_setup_teardown(test_defaults, begin, end),
		cmocka_unit_test_setup_teardown(test_overlay_changes_only_what_is_named, begin, end),
		cmocka_unit_test_setup_teardown(test_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_a_class_comes_with_its_window, begin, end),
		cmocka_unit_test_setup_teardown(test_overlay_is_whole_or_not_at_all, begin, end),
		cmocka_unit_test_setup_teardown(test_text_limit, begin, end),
		cmocka_unit_test(test_auth_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
