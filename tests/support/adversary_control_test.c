/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the adversary remembers and lets itself be told: the record and its caps, grants and tokens,
 * the clock, and refusing every control call that it does not understand.
 */
#include "support/adversary_control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <jansson.h>
#include <sodium.h>

#include "base/mem.h"
#include "support/adversary_case.h"
#include "support/adversary_fetch.h"

static struct adversary *adversary;

static int setup(void **state)
{
	const struct adversary_args args = {0};
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

static void test_record(void **state)
{
	char *url = mem_printf("%s/other/path?q=1", adversary_url(adversary));
	CURL *curl = curl_easy_init();
	struct adversary_fetch fetch = {
		.url = url, .form = "a=b\x01\xff", .headers = {"X-Odd: 1", "X-odd: 2"}, .reuse = curl};
	json_t *record, *list, *first, *second;

	(void)state;
	adversary_case_tell(adversary, "/_adversary/reset", "{}");
	adversary_fetch(&fetch);
	assert_int_equal(fetch.status, 404);
	adversary_fetch_done(&fetch);
	fetch.form = "plain";
	adversary_fetch(&fetch);
	adversary_fetch_done(&fetch);
	curl_easy_cleanup(curl);
	record = adversary_case_ask(adversary, "GET", "/_adversary/record?endpoint=other", NULL);
	list = json_object_get(record, "requests");
	assert_int_equal(json_array_size(list), 2);
	first = json_array_get(list, 0);
	second = json_array_get(list, 1);
	assert_string_equal(adversary_case_text(first, "method"), "POST");
	assert_string_equal(adversary_case_text(first, "target"), "/other/path?q=1");
	assert_string_equal(adversary_case_text(first, "body_base64"), "YT1iAf8=");
	assert_string_equal(adversary_case_text(second, "body"), "plain");
	assert_string_equal(adversary_case_text(first, "outcome"), "answered");
	assert_false(json_is_true(json_object_get(first, "reused")));
	assert_true(json_is_true(json_object_get(second, "reused")));
	assert_int_equal(json_integer_value(json_object_get(first, "connection")),
			 json_integer_value(json_object_get(second, "connection")));
	json_decref(record);
	adversary_case_tell(adversary, "/_adversary/reset", "{\"what\":[\"record\"]}");
	assert_int_equal(adversary_case_count(adversary, "other"), 0);
	free(url);
}

static void test_record_is_bounded(void **state)
{
	json_t *record, *counters;
	long status;

	(void)state;
	adversary_case_tell(adversary, "/_adversary/reset", "{}");
	adversary_case_tell(adversary, "/_adversary/config", "{\"record_requests\":3,\"record_body_bytes\":10}");
	for (int i = 0; i < 10; i++)
		json_decref(adversary_case_post(adversary, "/token", "grant_type=refresh_token&client_id=app", NULL,
						&status));
	record = adversary_case_ask(adversary, "GET", "/_adversary/record", NULL);
	counters = adversary_case_ask(adversary, "GET", "/_adversary/counters", NULL);
	assert_int_equal(json_array_size(json_object_get(record, "requests")), 3);
	assert_string_equal(adversary_case_text(json_array_get(json_object_get(record, "requests"), 2), "body"),
			    "grant_type");
	assert_int_equal(json_integer_value(json_object_get(counters, "forgotten")), 7);
	assert_int_equal(json_integer_value(json_object_get(counters, "kept")), 3);
	assert_int_equal(adversary_case_count(adversary, "token"), 10);
	json_decref(record);
	json_decref(counters);
	adversary_case_tell(adversary, "/_adversary/config", "{\"record_requests\":1000,\"record_bytes\":2000}");
	for (int i = 0; i < 20; i++)
		json_decref(adversary_case_post(adversary, "/token", "grant_type=refresh_token&client_id=app", NULL,
						&status));
	record = adversary_case_ask(adversary, "GET", "/_adversary/record", NULL);
	assert_in_range(json_array_size(json_object_get(record, "requests")), 1, 10);
	json_decref(record);
	adversary_case_tell(adversary, "/_adversary/reset", "{}");
}

static void test_grants_can_be_asked(void **state)
{
	json_t *made, *answer, *results;
	const char *token;
	char *body, hex[65];
	unsigned char hash[32];
	long status;

	(void)state;
	adversary_case_tell(adversary, "/_adversary/reset", "{}");
	made = adversary_case_ask(adversary, "POST", "/_adversary/grants",
				  "{\"count\":3,\"client_id\":\"app\",\"account\":\"u\"}");
	token = adversary_case_text(json_array_get(json_object_get(made, "grants"), 1), "refresh_token");
	crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	for (int used = 0; used < 2; used++) {
		body = mem_printf("{\"refresh_tokens\":[\"%s\",\"rt_2_9_x\"]}", token);
		answer = adversary_case_ask(adversary, "POST", "/_adversary/alive", body);
		results = json_object_get(answer, "results");
		assert_int_equal(json_is_true(json_object_get(json_array_get(results, 0), "alive")), !used);
		assert_string_equal(adversary_case_text(json_array_get(results, 1), "verdict"), "unknown");
		json_decref(answer);
		free(body);
		body = mem_printf("{\"sha256\":[\"%s\"]}", hex);
		answer = adversary_case_ask(adversary, "POST", "/_adversary/alive", body);
		results = json_object_get(answer, "results");
		assert_int_equal(json_is_true(json_object_get(json_array_get(results, 0), "alive")), !used);
		json_decref(answer);
		free(body);
		json_decref(adversary_case_refresh(adversary, token, &status));
	}
	answer = adversary_case_ask(adversary, "GET", "/_adversary/grants?account=u-2", NULL);
	results = json_object_get(answer, "grants");
	assert_int_equal(json_array_size(results), 1);
	/* refreshed once, and then once too often */
	assert_int_equal(json_integer_value(json_object_get(json_array_get(results, 0), "refreshes")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(results, 0), "reuses")), 1);
	assert_string_equal(adversary_case_text(json_array_get(results, 0), "ended"), "reuse");
	json_decref(answer);
	adversary_case_tell(adversary, "/_adversary/end", "{\"account\":\"u-1\"}");
	json_decref(adversary_case_refresh(
		adversary, adversary_case_text(json_array_get(json_object_get(made, "grants"), 0), "refresh_token"),
		&status));
	assert_int_equal(status, 400);
	json_decref(adversary_case_refresh(
		adversary, adversary_case_text(json_array_get(json_object_get(made, "grants"), 2), "refresh_token"),
		&status));
	assert_int_equal(status, 200);
	json_decref(made);
}

static void test_clock_can_be_moved(void **state)
{
	json_t *made;
	const char *token;

	(void)state;
	adversary_case_tell(adversary, "/_adversary/reset", "{}");
	made = adversary_case_ask(adversary, "POST", "/_adversary/grants", "{}");
	token = adversary_case_text(json_array_get(json_object_get(made, "grants"), 0), "access_token");
	assert_int_equal(adversary_case_userinfo(adversary, token, NULL), 200);
	adversary_case_tell(adversary, "/_adversary/advance", "{\"ms\":3600001}");
	assert_int_equal(adversary_case_userinfo(adversary, token, NULL), 401);
	adversary_case_tell(adversary, "/_adversary/advance", "{\"ms\":-3600001}");
	assert_int_equal(adversary_case_userinfo(adversary, token, NULL), 200);
	json_decref(made);
}

/* What is not understood is refused, and nothing has changed then. */
static void test_control_refuses(void **state)
{
	static const char *const tries[][3] = {
		{"GET", "/_adversary/nothing", NULL},
		{"POST", "/_adversary/config", "{"},
		{"POST", "/_adversary/config", "{\"rotation\":\"R5\"}"},
		{"POST", "/_adversary/config", "{\"rotation\":\"R1\",\"windw_ms\":1}"},
		{"POST", "/_adversary/config", "{\"window_ms\":-1}"},
		{"POST", "/_adversary/config", "{\"window_ms\":\"1\"}"},
		{"POST", "/_adversary/config", "{\"delay_after_ms\":[2,1]}"},
		{"POST", "/_adversary/config", "{\"iss_in_callback\":1}"},
		{"POST", "/_adversary/config", "[]"},
		{"POST", "/_adversary/script", "{}"},
		{"POST", "/_adversary/script", "{\"rules\":[{\"endpoint\":\"tokn\"}]}"},
		{"POST", "/_adversary/script", "{\"rules\":[{\"hit\":0}]}"},
		{"POST", "/_adversary/script", "{\"rules\":[{\"chance\":1.1}]}"},
		{"POST", "/_adversary/script", "{\"rules\":[{\"comit\":true}]}"},
		{"POST", "/_adversary/script", "{\"rules\":[{\"answer\":{\"bdy\":\"x\"}}]}"},
		{"POST", "/_adversary/script", "{\"rules\":[{\"answer\":{\"body_base64\":\"*\"}}]}"},
		{"POST", "/_adversary/script", "{\"rules\":[{\"answer\":{\"style\":\"xml\"}}]}"},
		{"POST", "/_adversary/script", "{\"rules\":[{\"answer\":{\"generate\":{\"kind\":\"zip\"}}}]}"},
		{"POST", "/_adversary/script", "{\"rules\":[{\"answer\":{\"id_token\":{\"signature\":\"odd\"}}}]}"},
		{"POST", "/_adversary/script", "{\"rules\":[{\"deliver\":{\"then\":\"explode\"}}]}"},
		{"POST", "/_adversary/script", "{\"rules\":[{\"deliver\":{\"bytes\":1,\"body_bytes\":1}}]}"},
		{"POST", "/_adversary/script", "{\"rules\":[{},{\"deliver\":{\"interim\":-1}}]}"},
		{"POST", "/_adversary/alive", "{\"refresh_token\":\"x\"}"},
		{"POST", "/_adversary/alive", "{\"refresh_tokens\":[1]}"},
		{"POST", "/_adversary/reset", "{\"what\":[\"everything\"]}"},
		{"POST", "/_adversary/grants", "{\"count\":0}"},
		{"POST", "/_adversary/end", "{}"},
		{"GET", "/_adversary/wait?hits=1", NULL},
		{"GET", "/_adversary/record?endpoint=tokn", NULL},
		{"GET", "/_adversary/record?limit=x", NULL},
	};
	json_t *before, *after;

	(void)state;
	adversary_case_tell(adversary, "/_adversary/reset", "{}");
	before = adversary_case_ask(adversary, "GET", "/_adversary/config", NULL);
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		char *text = NULL;
		struct errinfo why = {0};

		if (adversary_ask(adversary, tries[i][0], tries[i][1], tries[i][2], &text, &why) != ERR_INVALID)
			fail_msg("%s %s was taken", tries[i][1], tries[i][2]);
		assert_true(strstr(why.detail, "\"error\"") != NULL);
	}
	after = adversary_case_ask(adversary, "GET", "/_adversary/config", NULL);
	assert_true(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	after = adversary_case_ask(adversary, "GET", "/_adversary/script", NULL);
	assert_int_equal(json_array_size(json_object_get(after, "rules")), 0);
	json_decref(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_is_bounded),
		cmocka_unit_test(test_grants_can_be_asked),
		cmocka_unit_test(test_clock_can_be_moved),
		cmocka_unit_test(test_control_refuses),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
