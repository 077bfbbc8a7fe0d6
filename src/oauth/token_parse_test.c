/* SPDX-License-Identifier: Apache-2.0 */
/* OA-13 to OA-16, OA-19, RF-02, RF-06: what a token endpoint's answer is taken for (RFC 6749 §5.1, §5.2). */
#include "oauth/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "catalog/template.h"

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(16 << 20);
	assert_int_equal(template_load_all(NULL), ERR_OK);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const struct profile *profile_of(const char *type)
{
	struct profile *p = ARENA_NEW(arena, struct profile);

	assert_int_equal(template_profile(template_find(slice_from(type)), NULL, arena, p, NULL), ERR_OK);
	return p;
}

static enum token_verdict parse_bytes(const struct profile *p, int status, struct slice text, struct token_answer *ret,
				      struct errinfo *ei)
{
	struct fetch_answer answer = {.status = status, .sent = true, .complete = true};
	CLEANUP(secret_free) struct secret *body = secret_new(text);

	return token_parse(p, &answer, body, arena, ret, ei);
}

static enum token_verdict parse(const char *type, int status, const char *text, struct token_answer *ret,
				struct errinfo *ei)
{
	return parse_bytes(profile_of(type), status, slice_from(text), ret, ei);
}

static void assert_secret(const struct secret *s, const char *text)
{
	if (!text)
		assert_null(s);
	else
		assert_true(secret_equal(s, slice_from(text)));
}

static void test_oa_19_success_in_every_style(void **state)
{
	static const struct {
		const char *type, *body, *access, *refresh, *id, *scopes, *subject;
		int64_t life;
	} cases[] = {
		{"custom", "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}", "a", NULL, NULL, "", "", -1},
		{"custom",
		 " \r\n{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":60,\"scope\":\"x y\"} ", "a",
		 NULL, NULL, "[\"x\",\"y\"]", "", 60},
		{"google",
		 "{\"access_token\":\"ya29.a\",\"expires_in\":3599,\"refresh_token\":\"1//r\",\"scope\":\"openid e\","
		 "\"token_type\":\"Bearer\",\"id_token\":\"h.p.s\"}",
		 "ya29.a", "1//r", "h.p.s", "[\"openid\",\"e\"]", "", 3599},
		{"github", "{\"access_token\":\"gho_1\",\"scope\":\"repo,gist\",\"token_type\":\"bearer\"}", "gho_1",
		 NULL, NULL, "[\"repo\",\"gist\"]", "", -1},
		{"github", "access_token=gho_1&scope=repo%2Cgist&token_type=bearer", "gho_1", NULL, NULL,
		 "[\"repo\",\"gist\"]", "", -1},
		{"github", "access_token=ghu_1&expires_in=28800&refresh_token=ghr_1&scope=&token_type=bearer", "ghu_1",
		 "ghr_1", NULL, "[]", "", 28800},
		{"slack",
		 "{\"ok\":true,\"access_token\":\"xoxb-1\",\"token_type\":\"bot\",\"scope\":\"commands,chat:write\","
		 "\"bot_user_id\":\"U0K\",\"team\":{\"name\":\"T\",\"id\":\"T9T\"},\"authed_user\":{\"id\":\"U12\","
		 "\"access_token\":\"xoxp-1\",\"token_type\":\"user\"},\"error\":null}",
		 "xoxb-1", NULL, NULL, "[\"commands\",\"chat:write\"]", "T9T/U0K", -1},
		{"custom", "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"scope\":[\"x\",\"y\"],\"error\":\"\"}",
		 "a", NULL, NULL, "[\"x\",\"y\"]", "", -1},
		{"custom", "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"scopes\":\"x\",\"error\":false}", "a",
		 NULL, NULL, "[\"x\"]", "", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct token_answer t;
		struct errinfo ei = {0};

		assert_int_equal(parse(cases[i].type, 200, cases[i].body, &t, &ei), TOKEN_OK);
		assert_string_equal(ei.detail, "");
		assert_secret(t.access_token, cases[i].access);
		assert_secret(t.refresh_token, cases[i].refresh);
		assert_secret(t.id_token, cases[i].id);
		assert_string_equal(arena_strndup(arena, t.scopes), cases[i].scopes);
		assert_string_equal(t.subject, cases[i].subject);
		assert_string_equal(t.token_type, "Bearer");
		assert_int_equal(t.expires_in_s, cases[i].life);
	}
}

static void test_slack_user_token_by_configuration(void **state)
{
	struct profile p = *profile_of("slack");
	struct token_answer t;

	(void)state;
	p.token_path = "authed_user";
	p.answer_subject = "team.id authed_user.id";
	assert_int_equal(
		parse_bytes(
			&p, 200,
			SLICE_LIT("{\"ok\":true,\"team\":{\"id\":\"T1\"},\"authed_user\":{\"id\":\"U2\","
				  "\"scope\":\"chat:write\",\"access_token\":\"xoxp-1\",\"refresh_token\":\"xoxe-1\","
				  "\"expires_in\":43200,\"token_type\":\"user\"}}"),
			&t, NULL),
		TOKEN_OK);
	assert_secret(t.access_token, "xoxp-1");
	assert_secret(t.refresh_token, "xoxe-1");
	assert_string_equal(t.subject, "T1/U2");
	assert_int_equal(t.expires_in_s, 43200);
	/* Without the user's part there is no token, whatever stands at the top. */
	assert_int_equal(parse_bytes(&p, 200,
				     SLICE_LIT("{\"ok\":true,\"access_token\":\"xoxb\",\"token_type\":\"bot\"}"), &t,
				     NULL),
			 TOKEN_AMBIGUOUS);
}

static void test_rf_02_refresh_token_absent_or_empty(void **state)
{
	static const struct {
		const char *member, *expect;
	} cases[] = {
		{"", NULL},
		{",\"refresh_token\":null", NULL},
		{",\"refresh_token\":\"\"", NULL},
		{",\"refresh_token\":\"new\"", "new"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct token_answer t;

		assert_int_equal(parse("custom", 200,
				       arena_printf(arena, "{\"access_token\":\"a\",\"token_type\":\"Bearer\"%s}",
						    cases[i].member),
				       &t, NULL),
				 TOKEN_OK);
		assert_secret(t.refresh_token, cases[i].expect);
	}
}

static void test_oa_14_token_type(void **state)
{
	static const struct {
		const char *type, *member, *expect; /* NULL: refused */
	} cases[] = {
		{"custom", ",\"token_type\":\"Bearer\"", "Bearer"},
		{"custom", ",\"token_type\":\"bearer\"", "Bearer"},
		{"custom", ",\"token_type\":\"BEARER\"", "Bearer"},
		{"custom", ",\"token_type\":\"dpop\"", "DPoP"},
		{"custom", ",\"token_type\":\"mac\"", NULL},
		{"custom", ",\"token_type\":\"N_A\"", NULL},
		{"custom", ",\"token_type\":\"\"", NULL},
		{"custom", ",\"token_type\":7", NULL},
		{"custom", ",\"token_type\":\"Bearer \"", NULL},
		{"custom", ",\"token_type\":null", NULL},
		{"custom", "", NULL},
		{"custom", ",\"token_type\":\"bot\"", NULL},
		{"slack", ",\"token_type\":\"bot\"", "Bearer"},
		{"slack", ",\"token_type\":\"User\"", "Bearer"},
		{"slack", ",\"token_type\":\"bot user\"", NULL},
		{"slack", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct token_answer t = {.token_type = "untouched"};
		struct errinfo ei = {0};
		enum token_verdict v = parse(cases[i].type, 200,
					     arena_printf(arena, "{\"access_token\":\"a\"%s}", cases[i].member), &t,
					     &ei);

		assert_int_equal(v, cases[i].expect ? TOKEN_OK : TOKEN_REFUSED);
		assert_string_equal(t.token_type, cases[i].expect ? cases[i].expect : "untouched");
		assert_string_equal(ei.code, cases[i].expect ? "" : "token_type_unsupported");
	}
}

static void test_oa_14_absent_only_where_the_profile_says_so(void **state)
{
	struct profile p = *profile_default();
	struct token_answer t;

	(void)state;
	p.token_type_optional = true;
	assert_int_equal(parse_bytes(&p, 200, SLICE_LIT("{\"access_token\":\"a\"}"), &t, NULL), TOKEN_OK);
	assert_string_equal(t.token_type, "Bearer");
	assert_int_equal(parse_bytes(&p, 200, SLICE_LIT("{\"access_token\":\"a\",\"token_type\":\"mac\"}"), &t, NULL),
			 TOKEN_REFUSED);
}

static void test_oa_15_expires_in(void **state)
{
	static const struct {
		const char *value;
		int64_t expect;
	} cases[] = {
		{"3600", 3600},
		{"1", 1},
		{"\"3600\"", 3600},
		{"3600.0", 3600},
		{"3.6e3", 3600},
		{"315360000", 315360000},
		{"315360001", 315360000},
		{"9223372036854775807", 315360000},
		{"\"9223372036854775807\"", 315360000},
		{"0", TOKEN_LIFE_UNKNOWN}, /* Mailchimp: never ends */
		{"\"0\"", TOKEN_LIFE_UNKNOWN},
		{"-1", TOKEN_LIFE_UNKNOWN},
		{"-9223372036854775808", TOKEN_LIFE_UNKNOWN},
		{"9223372036854775808", TOKEN_LIFE_UNKNOWN},
		{"-99999999999999999999999999", TOKEN_LIFE_UNKNOWN},
		{"1e309", TOKEN_LIFE_UNKNOWN},
		{"1e400", TOKEN_LIFE_UNKNOWN},
		{"-1e999999", TOKEN_LIFE_UNKNOWN},
		{"0.5", TOKEN_LIFE_UNKNOWN},
		{"3599.5", TOKEN_LIFE_UNKNOWN},
		{"\"\"", TOKEN_LIFE_UNKNOWN},
		{"\"-5\"", TOKEN_LIFE_UNKNOWN},
		{"\"+5\"", TOKEN_LIFE_UNKNOWN},
		{"\" 5\"", TOKEN_LIFE_UNKNOWN},
		{"\"5s\"", TOKEN_LIFE_UNKNOWN},
		{"\"1e3\"", TOKEN_LIFE_UNKNOWN},
		{"\"99999999999999999999\"", TOKEN_LIFE_UNKNOWN},
		{"\"never\"", TOKEN_LIFE_UNKNOWN},
		{"null", TOKEN_LIFE_UNKNOWN},
		{"true", TOKEN_LIFE_UNKNOWN},
		{"[3600]", TOKEN_LIFE_UNKNOWN},
		{"{\"s\":3600}", TOKEN_LIFE_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct token_answer t;

		assert_int_equal(
			parse("custom", 200,
			      arena_printf(arena,
					   "{\"expires_in\":%s,\"access_token\":\"a\",\"token_type\":\"Bearer\"}",
					   cases[i].value),
			      &t, NULL),
			TOKEN_OK);
		if (t.expires_in_s != cases[i].expect)
			fail_msg("expires_in %s gave %lld", cases[i].value, (long long)t.expires_in_s);
		assert_secret(t.access_token, "a"); /* never lost over its neighbour */
	}
}

static void test_oa_19_not_a_success(void **state)
{
	static const struct {
		const char *type, *body;
		enum token_verdict verdict;
	} cases[] = {
		{"custom", "", TOKEN_AMBIGUOUS},
		{"custom", "[]", TOKEN_AMBIGUOUS},
		{"custom", "\"a\"", TOKEN_AMBIGUOUS},
		{"custom", "null", TOKEN_AMBIGUOUS},
		{"custom", "{}", TOKEN_AMBIGUOUS},
		{"custom", "<html>login</html>", TOKEN_AMBIGUOUS},
		{"custom", "access_token=a&token_type=bearer",
		 TOKEN_AMBIGUOUS}, /* form only where the profile says so */
		{"custom", "{\"access_token\":\"a\",\"token_type\":\"Bearer\"", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}x", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"Bearer\"}",
		 TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"\",\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":null,\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":7,\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":[\"a\"],\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"a\\u0000b\",\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"a\\nb\",\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"a\\u007f\",\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"\\u00e9\",\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"\377\",\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"a\",\"refresh_token\":7,\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"a\",\"refresh_token\":\"r\\r\\n\",\"token_type\":\"Bearer\"}",
		 TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"a\",\"id_token\":{},\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS},
		{"custom", "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"error\":\"x\"}", TOKEN_REFUSED},
		{"custom", "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"error\":{\"code\":1}}", TOKEN_REFUSED},
		{"custom", "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"error\":true}", TOKEN_REFUSED},
		{"slack", "{\"ok\":false,\"access_token\":\"a\",\"token_type\":\"bot\"}", TOKEN_REFUSED},
		{"github", "access_token=a&access_token=b&token_type=bearer", TOKEN_AMBIGUOUS},
		{"github", "access_token=%zz&token_type=bearer", TOKEN_AMBIGUOUS},
		{"github", "access_token=a%00&token_type=bearer", TOKEN_AMBIGUOUS},
		{"github", "access_token=%ff&token_type=bearer", TOKEN_AMBIGUOUS},
		{"github", "&&&", TOKEN_AMBIGUOUS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct token_answer t = {.subject = "untouched"};
		struct errinfo ei = {0};

		assert_int_equal(parse(cases[i].type, 200, cases[i].body, &t, &ei), cases[i].verdict);
		assert_string_equal(t.subject, "untouched");
		assert_null(t.access_token);
		assert_true(ei.detail[0] && ei.hint[0] && ei.code[0]);
	}
}

static void test_limits(void **state)
{
	char *text = mem_calloc(TOKEN_MAX_BYTES + 2, 1);
	struct token_answer t;

	(void)state;
	memset(text, 'x', TOKEN_MAX_BYTES);
	assert_int_equal(parse("custom", 200,
			       arena_printf(arena, "{\"access_token\":\"%s\",\"token_type\":\"Bearer\"}", text), &t,
			       NULL),
			 TOKEN_OK);
	assert_int_equal(secret_length(t.access_token), TOKEN_MAX_BYTES);
	text[TOKEN_MAX_BYTES] = 'x';
	assert_int_equal(parse("custom", 200,
			       arena_printf(arena, "{\"access_token\":\"%s\",\"token_type\":\"Bearer\"}", text), &t,
			       NULL),
			 TOKEN_AMBIGUOUS);
	free(text);
}

static void test_rf_06_classes(void **state)
{
	static const struct {
		const char *type;
		int status;
		const char *body;
		enum token_verdict verdict;
		const char *code;
	} cases[] = {
		{"custom", 400, "{\"error\":\"invalid_grant\"}", TOKEN_GRANT_DEAD, "invalid_grant"},
		{"custom", 401, "{\"error\":\"invalid_grant\"}", TOKEN_GRANT_DEAD, "invalid_grant"},
		{"custom", 403, "{\"error\":\"invalid_grant\"}", TOKEN_GRANT_DEAD, "invalid_grant"}, /* Atlassian */
		{"custom", 200, "{\"error\":\"invalid_grant\"}", TOKEN_GRANT_DEAD, "invalid_grant"},
		{"custom", 400, "{\"error\":\"invalid_client\"}", TOKEN_CLIENT_WRONG, "invalid_client"},
		{"custom", 401, "{\"error\":\"invalid_client\"}", TOKEN_CLIENT_WRONG, "invalid_client"},
		{"custom", 400, "{\"error\":\"unauthorized_client\"}", TOKEN_CLIENT_WRONG, "unauthorized_client"},
		{"custom", 401, "", TOKEN_CLIENT_WRONG, ""}, /* OA-16 */
		{"custom", 429, "", TOKEN_RETRY_LATER, ""},
		{"custom", 429, "{\"error\":\"rate_limited\"}", TOKEN_RETRY_LATER, "rate_limited"},
		{"custom", 421, "", TOKEN_RETRY_LATER, ""},
		{"custom", 400, "{\"error\":\"temporarily_unavailable\"}", TOKEN_RETRY_LATER,
		 "temporarily_unavailable"},
		{"custom", 503, "{\"error\":\"temporarily_unavailable\"}", TOKEN_RETRY_LATER,
		 "temporarily_unavailable"},
		{"custom", 503, "", TOKEN_AMBIGUOUS, ""}, /* a gateway may say so after the fact */
		{"custom", 500, "", TOKEN_AMBIGUOUS, ""},
		{"custom", 502, "<html>", TOKEN_AMBIGUOUS, ""},
		{"custom", 504, "", TOKEN_AMBIGUOUS, ""},
		{"custom", 500, "{\"error\":\"server_error\"}", TOKEN_AMBIGUOUS, "server_error"},
		{"custom", 500, "{\"error\":\"invalid_grant\"}", TOKEN_AMBIGUOUS, "invalid_grant"},
		{"custom", 400, "{\"error\":\"server_error\"}", TOKEN_AMBIGUOUS, "server_error"},
		{"custom", 201, "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}", TOKEN_AMBIGUOUS, ""},
		{"custom", 204, "", TOKEN_AMBIGUOUS, ""},
		{"custom", 400, "", TOKEN_REFUSED, ""}, /* an empty 400 proves nothing */
		{"custom", 400, "{}", TOKEN_REFUSED, ""},
		{"custom", 400, "invalid_grant", TOKEN_REFUSED, ""},
		{"custom", 400, "{\"error\":\"invalid_request\"}", TOKEN_REFUSED, "invalid_request"},
		{"custom", 400, "{\"error\":\"unsupported_grant_type\"}", TOKEN_REFUSED, "unsupported_grant_type"},
		{"custom", 400, "{\"error\":\"invalid_scope\"}", TOKEN_REFUSED, "invalid_scope"},
		{"custom", 400, "{\"error\":\"Invalid Grant\"}", TOKEN_REFUSED, "provider_error"},
		{"custom", 400, "{\"error\":{\"message\":\"invalid_grant\"}}", TOKEN_REFUSED, "provider_error"},
		{"custom", 400, "error=invalid_grant", TOKEN_REFUSED, ""},
		{"custom", 302, "", TOKEN_REFUSED, ""},
		{"custom", 404, "", TOKEN_REFUSED, ""},
		{"custom", 400, "{\"error\":\"bad_verification_code\"}", TOKEN_REFUSED, "bad_verification_code"},
		{"github", 200, "{\"error\":\"bad_verification_code\",\"error_description\":\"x\"}", TOKEN_GRANT_DEAD,
		 "bad_verification_code"},
		{"github", 200, "error=bad_refresh_token&error_description=The+refresh", TOKEN_GRANT_DEAD,
		 "bad_refresh_token"},
		{"github", 200, "{\"error\":\"incorrect_client_credentials\"}", TOKEN_CLIENT_WRONG,
		 "incorrect_client_credentials"},
		{"github", 200, "{\"error\":\"redirect_uri_mismatch\"}", TOKEN_REFUSED, "redirect_uri_mismatch"},
		{"slack", 200, "{\"ok\":false,\"error\":\"invalid_code\"}", TOKEN_GRANT_DEAD, "invalid_code"},
		{"slack", 200, "{\"ok\":false,\"error\":\"invalid_refresh_token\"}", TOKEN_GRANT_DEAD,
		 "invalid_refresh_token"},
		{"slack", 200, "{\"ok\":false,\"error\":\"bad_client_secret\"}", TOKEN_CLIENT_WRONG,
		 "bad_client_secret"},
		{"slack", 200, "{\"ok\":false,\"error\":\"ratelimited\"}", TOKEN_RETRY_LATER, "ratelimited"},
		{"slack", 200, "{\"ok\":false,\"error\":\"internal_error\"}", TOKEN_AMBIGUOUS, "internal_error"},
		{"slack", 200, "{\"ok\":false}", TOKEN_REFUSED, "provider_error"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct token_answer t = {.subject = "untouched"};
		struct errinfo ei = {.code = "before"};
		enum token_verdict v = parse(cases[i].type, cases[i].status, cases[i].body, &t, &ei);

		if (v != cases[i].verdict)
			fail_msg("%d %s: verdict %d", cases[i].status, cases[i].body, v);
		assert_string_equal(ei.code, cases[i].code);
		assert_string_equal(t.subject, "untouched");
		assert_true(ei.detail[0] && ei.hint[0]);
	}
}

static void test_rf_06_retry_after(void **state)
{
	static const struct {
		int status;
		int64_t retry_after_s;
		enum token_verdict verdict;
		unsigned expect;
	} cases[] = {
		{503, 30, TOKEN_RETRY_LATER, 30},	 {503, 0, TOKEN_AMBIGUOUS, 0}, {429, 7, TOKEN_RETRY_LATER, 7},
		{429, 1000000, TOKEN_RETRY_LATER, 3600}, {500, 5, TOKEN_AMBIGUOUS, 5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fetch_answer answer = {
			.status = cases[i].status, .complete = true, .retry_after_s = cases[i].retry_after_s};
		struct token_answer t;
		struct errinfo ei = {0};

		assert_int_equal(token_parse(profile_default(), &answer, NULL, arena, &t, &ei), cases[i].verdict);
		assert_int_equal(ei.retry_after_s, cases[i].expect);
	}
}

static void test_truncated_answers(void **state)
{
	static const char whole[] = "{\"access_token\":\"a\",\"refresh_token\":\"r\",\"token_type\":\"Bearer\"}";

	(void)state;
	for (size_t n = 0; n < sizeof whole; n++) {
		struct fetch_answer answer = {.status = 200, .complete = false};
		CLEANUP(secret_free) struct secret *body = secret_new(slice_make(whole, n));
		struct token_answer t = {.subject = "untouched"};
		struct errinfo ei = {0};

		assert_int_equal(token_parse(profile_default(), &answer, body, arena, &t, &ei), TOKEN_AMBIGUOUS);
		assert_string_equal(t.subject, "untouched");
		assert_string_equal(ei.code, "answer_unreadable");
		answer.complete = true; /* the provider's own end, too early */
		assert_int_equal(token_parse(profile_default(), &answer, body, arena, &t, NULL),
				 n == sizeof whole - 1 ? TOKEN_OK : TOKEN_AMBIGUOUS);
		t.subject = "untouched";
	}
}

static void test_cut_refusal_is_judged_by_its_status(void **state)
{
	struct fetch_answer answer = {.status = 400, .complete = false};
	CLEANUP(secret_free) struct secret *body = secret_new(SLICE_LIT("{\"error\":\"invalid_grant\"}"));
	struct token_answer t;

	(void)state;
	assert_int_equal(token_parse(profile_default(), &answer, body, arena, &t, NULL), TOKEN_REFUSED);
}

static void test_oa_09_provider_text_is_cleaned(void **state)
{
	struct token_answer t;
	struct errinfo ei = {0};

	(void)state;
	parse("custom", 400,
	      "{\"error\":\"invalid_grant\",\"error_description\":\"bad\\r\\nX: \\u001b[31m \\u202e token "
	      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk <b> "
	      "aaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaa "
	      "aaaaaaaaaaaaaaaaaaaa\"}",
	      &t, &ei);
	assert_true(slice_is_printable(slice_from(ei.detail)));
	assert_null(strstr(ei.detail, "dBjft")); /* a provider may quote what we sent */
	assert_non_null(strstr(ei.detail, "token [...] <b>"));
	assert_true(strlen(ei.detail) < 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_oa_19_success_in_every_style, begin, end),
		cmocka_unit_test_setup_teardown(test_slack_user_token_by_configuration, begin, end),
		cmocka_unit_test_setup_teardown(test_rf_02_refresh_token_absent_or_empty, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_14_token_type, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_14_absent_only_where_the_profile_says_so, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_15_expires_in, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_19_not_a_success, begin, end),
		cmocka_unit_test_setup_teardown(test_limits, begin, end),
		cmocka_unit_test_setup_teardown(test_rf_06_classes, begin, end),
		cmocka_unit_test_setup_teardown(test_rf_06_retry_after, begin, end),
		cmocka_unit_test_setup_teardown(test_truncated_answers, begin, end),
		cmocka_unit_test_setup_teardown(test_cut_refusal_is_judged_by_its_status, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_09_provider_text_is_cleaned, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
