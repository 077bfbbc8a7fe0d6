/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts: which request a rule meets, and every way in which it can bend or replace an answer. Each
 * row also says whether the provider had done its work, since that decides whether a grant is lost.
 */
#include "support/adversary_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "support/adversary_case.h"
#include "support/adversary_fetch.h"

static struct adversary *adversary;

static int setup(void **state)
{
	const struct adversary_args args = {.settings = "{\"rotation\":\"R3\"}"};
	struct errinfo why = {0};

	(void)state;
	if (adversary_start(&args, &adversary, &why)) {
		print_error("%s\n", why.detail);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return adversary_stop(&adversary) ? 0 : -1;
}

static void play(const char *rules)
{
	char *script = mem_printf("{\"rules\":[%s]}", rules);

	adversary_case_tell(adversary, "/_adversary/reset", "{}");
	adversary_case_tell(adversary, "/_adversary/script", script);
	free(script);
}

/* One grant, and the refresh form for it; the caller frees. */
static char *new_form(void)
{
	json_t *made = adversary_case_ask(adversary, "POST", "/_adversary/grants",
					  "{\"client_id\":\"app\",\"scope\":\"a b\"}");
	char *form = mem_printf(
		"grant_type=refresh_token&client_id=app&refresh_token=%s",
		adversary_case_text(json_array_get(json_object_get(made, "grants"), 0), "refresh_token"));

	json_decref(made);
	return form;
}

/* How many refreshes the first grant has had. */
static json_int_t refreshes(void)
{
	json_t *answer = adversary_case_ask(adversary, "GET", "/_adversary/grants", NULL);
	json_int_t n = json_integer_value(
		json_object_get(json_array_get(json_object_get(answer, "grants"), 0), "refreshes"));

	json_decref(answer);
	return n;
}

static void fetch_token(struct adversary_fetch *fetch)
{
	char *form = new_form();
	char *url = mem_printf("%s/token", adversary_url(adversary));

	fetch->url = url;
	fetch->form = form;
	adversary_fetch(fetch);
	free(form);
	free(url);
}

/* ── what is answered ── */

static const struct {
	const char *rule; /* behind "endpoint":"token" */
	long status;
	const char *body; /* somewhere in it; a leading '=': all of it */
	const char *header, *value;
	bool committed;
} answers[] = {
	{"", 200, "\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"rt_1_2_", "Content-Type",
	 "application/json", true},
	/* Replaced, so nothing was done. */
	{",\"answer\":{\"status\":400}", 400, "=", NULL, NULL, false},
	{",\"answer\":{\"status\":500,\"body\":\"oops\"}", 500, "=oops", NULL, NULL, false},
	{",\"answer\":{\"status\":503,\"retry_after\":7}", 503, "=", "Retry-After", "7", false},
	{",\"answer\":{\"status\":429,\"retry_after\":\"soon\"}", 429, "=", "Retry-After", "soon", false},
	{",\"answer\":{\"error\":\"invalid_grant\"}", 400, "={\"error\":\"invalid_grant\"}", NULL, NULL, false},
	{",\"answer\":{\"error\":\"invalid_grant\",\"status\":403}", 403, "={\"error\":\"invalid_grant\"}", NULL, NULL,
	 false},
	{",\"answer\":{\"error\":\"invalid_client\"}", 401, "invalid_client", "WWW-Authenticate",
	 "Basic realm=\"adversary\"", false},
	{",\"answer\":{\"error\":\"e\",\"error_description\":\"<b>\\r\\n\\u001b\"}", 400,
	 "\"error_description\":\"<b>\\u000d\\u000a\\u001b\"", NULL, NULL, false},
	{",\"answer\":{\"style\":\"github_error\"}", 200, "={\"error\":\"bad_verification_code\"}", NULL, NULL, false},
	{",\"answer\":{\"style\":\"slack_error\"}", 200, "={\"ok\":false,\"error\":\"invalid_code\"}", NULL, NULL,
	 false},
	{",\"answer\":{\"body_base64\":\"/wA=\"}", 200, "=\xff", NULL, NULL, false},
	{",\"answer\":{\"generate\":{\"kind\":\"nesting\",\"depth\":3}}", 200, "=[[[]]]", NULL, NULL, false},
	{",\"answer\":{\"generate\":{\"kind\":\"members\",\"count\":2}}", 200,
	 "={\"member\":\"value\",\"member\":\"value\"}", NULL, NULL, false},
	{",\"answer\":{\"generate\":{\"kind\":\"fill\",\"bytes\":3,\"prefix\":\"<\",\"suffix\":\">\"}}", 200, "=<aaa>",
	 NULL, NULL, false},
	{",\"answer\":{\"status\":301,\"location\":\"http://169.254.169.254/\"}", 301, "=", "Location",
	 "http://169.254.169.254/", false},
	{",\"answer\":{\"status\":302,\"location\":\"/x\"}", 302, "=", "Location", "/x", false},
	{",\"answer\":{\"status\":303,\"location\":\"/x\"}", 303, "=", "Location", "/x", false},
	{",\"answer\":{\"status\":307,\"location\":\"/x\"}", 307, "=", "Location", "/x", false},
	{",\"answer\":{\"status\":308,\"location\":\"/x\"}", 308, "=", "Location", "/x", false},
	{",\"commit\":false", 200, "=", NULL, NULL, false},
	/* Replaced, and yet done: the answer that loses a grant. */
	{",\"commit\":true,\"answer\":{\"status\":500,\"body\":\"\"}", 500, "=", NULL, NULL, true},
	{",\"commit\":true,\"answer\":{\"status\":201}", 201, "\"refresh_token\":\"rt_1_2_", NULL, NULL, true},
	/* Bent: done, and the answer shaped otherwise. */
	{",\"answer\":{\"style\":\"form\"}", 200, "&token_type=Bearer&expires_in=3600&refresh_token=rt_1_2_",
	 "Content-Type", "application/x-www-form-urlencoded", true},
	{",\"answer\":{\"style\":\"slack\"}", 200, "{\"ok\":true,\"authed_user\":{\"access_token\":\"at_", NULL, NULL,
	 true},
	{",\"answer\":{\"remove\":[\"refresh_token\",\"scope\"]}", 200, "\"expires_in\":3600}", NULL, NULL, true},
	{",\"answer\":{\"set\":{\"refresh_token\":\"\"}}", 200, "\"refresh_token\":\"\"", NULL, NULL, true},
	{",\"answer\":{\"set\":{\"refresh_token\":null,\"scope\":[\"a\"]}}", 200,
	 "\"refresh_token\":null,\"scope\":[\"a\"]", NULL, NULL, true},
	{",\"answer\":{\"set\":{\"token_type\":\"mac\",\"expires_in\":\"3600\"}}", 200,
	 "\"token_type\":\"mac\",\"expires_in\":\"3600\"", NULL, NULL, true},
	{",\"answer\":{\"set\":{\"expires_in\":-1}}", 200, "\"expires_in\":-1", NULL, NULL, true},
	{",\"answer\":{\"raw\":{\"expires_in\":\"1e309\"}}", 200, "\"expires_in\":1e309", NULL, NULL, true},
	{",\"answer\":{\"raw\":{\"expires_in\":\"9223372036854775808\"}}", 200, "9223372036854775808", NULL, NULL,
	 true},
	{",\"answer\":{\"raw_base64\":{\"scope\":\"Iv8i\"}}", 200, "\"scope\":\"\xff\"", NULL, NULL, true},
	{",\"answer\":{\"set\":{\"access_token\":\"a\\u0000b\"}}", 200, "\"access_token\":\"a\\u0000b\"", NULL, NULL,
	 true},
	{",\"answer\":{\"add\":[[\"access_token\",\"second\"]]}", 200, "\"access_token\":\"second\"}", NULL, NULL,
	 true},
	{",\"answer\":{\"add_front\":[[\"access_token\",\"zeroth\"]]}", 200,
	 "{\"access_token\":\"zeroth\",\"access_token\":\"at_", NULL, NULL, true},
	{",\"answer\":{\"nest\":{\"extra\":4}}", 200, "\"extra\":[[[[]]]]", NULL, NULL, true},
	{",\"answer\":{\"content_type\":\"text/html\"}", 200, "at_1_2_", "Content-Type", "text/html", true},
	{",\"answer\":{\"headers\":[[\"X-A\",\"1\"],[\"X-A\",\"2\"]]}", 200, "at_1_2_", "X-A", "1", true},
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		char *rule = mem_printf("{\"endpoint\":\"token\"%s}", answers[i].rule);
		struct adversary_fetch fetch = {0};
		const char *body = answers[i].body;
		bool fits;

		play(rule);
		fetch_token(&fetch);
		fits = body[0] == '=' ? slice_starts(buf_slice(&fetch.body), body + 1) && (body[1] || !fetch.body.n)
				      : strstr(buf_cstr(&fetch.body), body) != NULL;
		if (!fits || fetch.curl_code || fetch.status != answers[i].status)
			fail_msg("%s: %d, %ld, %s", rule, fetch.curl_code, fetch.status, buf_cstr(&fetch.body));
		if (answers[i].header && !slice_is(adversary_fetch_header(&fetch, answers[i].header), answers[i].value))
			fail_msg("%s: %.*s", rule, SLICE_ARG(adversary_fetch_header(&fetch, answers[i].header)));
		if (refreshes() != answers[i].committed)
			fail_msg("%s: refreshed %d times", rule, (int)refreshes());
		adversary_fetch_done(&fetch);
		free(rule);
	}
}

static void test_huge_token(void **state)
{
	struct adversary_fetch fetch = {0};
	json_t *answer;

	(void)state;
	play("{\"endpoint\":\"token\",\"answer\":{\"size\":{\"access_token\":1048576}}}");
	fetch_token(&fetch);
	answer = adversary_fetch_json(&fetch);
	assert_int_equal(json_string_length(json_object_get(answer, "access_token")), 1048576);
	assert_int_equal(refreshes(), 1);
	json_decref(answer);
	adversary_fetch_done(&fetch);
}

/* RFC 9110 §10.2.3: the other form of Retry-After. */
static void test_retry_after_date(void **state)
{
	struct adversary_fetch fetch = {0};
	struct slice date;

	(void)state;
	play("{\"endpoint\":\"token\",\"answer\":{\"status\":503,\"retry_after\":{\"date_in_s\":120}}}");
	fetch_token(&fetch);
	date = adversary_fetch_header(&fetch, "Retry-After");
	assert_int_equal(date.n, 29);
	assert_true(slice_ends(date, " GMT"));
	adversary_fetch_done(&fetch);
}

static void test_gzip_bomb(void **state)
{
	static const char *const sizes[] = {"0", "1", "1048576", "67108865"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *rule = mem_printf(
			"{\"endpoint\":\"token\",\"answer\":{\"generate\":{\"kind\":\"gzip_bomb\",\"bytes\":%s}}}",
			sizes[i]);
		struct adversary_fetch fetch = {.accept_encoding = "gzip"};
		uint64_t wanted;

		assert_true(slice_to_u64(slice_from(sizes[i]), UINT32_MAX, &wanted));
		play(rule);
		fetch_token(&fetch);
		/* libcurl checks the stream to its checksum. */
		assert_int_equal(fetch.curl_code, 0);
		assert_int_equal(fetch.body_bytes, wanted);
		adversary_fetch_done(&fetch);
		free(rule);
	}
}

/* ── the callback ── */

static void test_callbacks(void **state)
{
	static const struct {
		const char *answer, *location; /* somewhere in it */
		const char *absent;
	} rows[] = {
		{"{\"remove\":[\"state\"]}", "code=code_", "state="},
		{"{\"set\":{\"state\":\"other\"}}", "state=other", "s+t"},
		{"{\"set\":{\"iss\":\"https://evil.test\"}}", "iss=https%3A%2F%2Fevil.test", "127.0.0.1"},
		{"{\"remove\":[\"iss\"]}", "state=s+t", "iss="},
		{"{\"add\":[[\"state\",\"again\"]]}", "state=s+t&iss=", NULL},
		{"{\"add\":[[\"code\",\"second\"]]}", "&code=second", NULL},
		{"{\"error\":\"access_denied\",\"error_description\":\"<script>\\r\\nX: y\"}",
		 "error=access_denied&error_description=%3Cscript%3E%0D%0AX%3A+y", "code="},
		{"{\"add\":[[\"access_token\",\"at\"]]}", "&access_token=at", NULL},
		{"{\"separator\":\"#\"}", "http://x/cb#code=", "?"},
		{"{\"suffix\":\"&x=%zz%00\"}", "&x=%zz%00", NULL},
		{"{\"location\":\"http://evil.test/\"}", "http://evil.test/?code=code_", "http://x"},
		{"{\"size\":{\"code\":5000}}", "AAAAAAAAAA", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *rule = mem_printf("{\"endpoint\":\"authorize\",\"answer\":%s}", rows[i].answer);
		char *url = mem_printf(
			"%s/authorize?response_type=code&client_id=app&redirect_uri=http://x/cb&state=s+t",
			adversary_url(adversary));
		struct adversary_fetch fetch = {.url = url};
		char *location;

		play(rule);
		adversary_fetch(&fetch);
		location = mem_strndup(adversary_fetch_header(&fetch, "Location"));
		if (fetch.status != 302 || !strstr(location, rows[i].location) ||
		    (rows[i].absent && strstr(location, rows[i].absent)))
			fail_msg("%s: %ld %s", rule, fetch.status, location);
		adversary_fetch_done(&fetch);
		free(location);
		free(url);
		free(rule);
	}
}

static void test_metadata_can_lie(void **state)
{
	char *url = mem_printf("%s/.well-known/openid-configuration", adversary_url(adversary));
	struct adversary_fetch fetch = {.url = url};
	json_t *metadata;

	(void)state;
	play("{\"endpoint\":\"discovery\",\"answer\":{\"set\":{\"issuer\":\"https://other.test\"},"
	     "\"remove\":[\"code_challenge_methods_supported\"]}}");
	adversary_fetch(&fetch);
	metadata = adversary_fetch_json(&fetch);
	assert_string_equal(adversary_case_text(metadata, "issuer"), "https://other.test");
	assert_null(json_object_get(metadata, "code_challenge_methods_supported"));
	json_decref(metadata);
	adversary_fetch_done(&fetch);
	free(url);
}

/* ── which request ── */

static long status_of(const char *form)
{
	long status;

	json_decref(adversary_case_post(adversary, "/token", form, NULL, &status));
	return status;
}

static void test_matching(void **state)
{
	static const struct {
		const char *filter;
		const char *fired; /* per request below: does the rule meet it? */
	} rows[] = {
		{"\"endpoint\":\"token\"", "1111"},
		{"\"endpoint\":\"any\"", "1111"},
		{"\"endpoint\":\"revoke\"", "0000"},
		{"\"hit\":1", "1000"},
		{"\"hit\":[2,3]", "0110"},
		{"\"grant_type\":\"refresh_token\"", "0101"},
		{"\"grant_type\":\"refresh_token\",\"hit\":2", "0001"},
		{"\"client_id\":\"b\"", "0011"},
		{"\"contains\":\"needle\"", "0010"},
		{"\"chance\":0", "0000"},
		{"\"chance\":1", "1111"},
	};
	static const char *const forms[] = {
		"grant_type=authorization_code&client_id=a", "grant_type=refresh_token&client_id=a",
		"grant_type=authorization_code&client_id=b&x=needle", "grant_type=refresh%5Ftoken&client_id=b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *rule = mem_printf("{%s,\"answer\":{\"status\":418}}", rows[i].filter);

		play(rule);
		for (size_t r = 0; r < ARRAY_LEN(forms); r++)
			if ((status_of(forms[r]) == 418) != (rows[i].fired[r] == '1'))
				fail_msg("%s: request %zu", rule, r + 1);
		free(rule);
	}
}

static void test_first_rule_wins_and_rules_append(void **state)
{
	json_t *script;

	(void)state;
	play("{\"hit\":1,\"answer\":{\"status\":418}},{\"answer\":{\"status\":419}}");
	adversary_case_tell(adversary, "/_adversary/script",
			    "{\"append\":true,\"rules\":[{\"answer\":{\"status\":420}}]}");
	assert_int_equal(status_of("a=b"), 418);
	assert_int_equal(status_of("a=b"), 419);
	script = adversary_case_ask(adversary, "GET", "/_adversary/script", NULL);
	assert_int_equal(json_array_size(json_object_get(script, "rules")), 3);
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(json_object_get(script, "rules"), 0), "fired")), 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(json_object_get(script, "rules"), 0), "seen")), 2);
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(json_object_get(script, "rules"), 2), "seen")), 0);
	json_decref(script);
}

/* The same seed chooses the same requests; another one others. */
static void test_chance_is_seeded(void **state)
{
	uint64_t drawn[3] = {0};
	static const char *const seeds[] = {"{\"seed\":7}", "{\"seed\":7}", "{\"seed\":8}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(seeds); i++) {
		struct adversary_args args = {.settings = seeds[i]};
		struct adversary *other;
		struct errinfo why;
		long status;

		assert_int_equal(adversary_start(&args, &other, &why), ERR_OK);
		adversary_case_tell(other, "/_adversary/script",
				    "{\"rules\":[{\"chance\":0.5,\"answer\":{\"status\":418}}]}");
		for (int r = 0; r < 40; r++) {
			json_decref(adversary_case_post(other, "/token", "a=b", NULL, &status));
			drawn[i] = drawn[i] << 1 | (status == 418);
		}
		assert_true(adversary_stop(&other));
	}
	assert_true(drawn[0] == drawn[1]);
	assert_true(drawn[0] != drawn[2]);
	assert_in_range(__builtin_popcountll(drawn[0]), 8, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),		 cmocka_unit_test(test_huge_token),
		cmocka_unit_test(test_retry_after_date), cmocka_unit_test(test_gzip_bomb),
		cmocka_unit_test(test_callbacks),	 cmocka_unit_test(test_metadata_can_lie),
		cmocka_unit_test(test_matching),	 cmocka_unit_test(test_first_rule_wins_and_rules_append),
		cmocka_unit_test(test_chance_is_seeded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
