/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adversary while nobody tells it to misbehave: the whole honest flow over HTTP, what it refuses,
 * and its life as a child process.
 */
#include "support/adversary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
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

/* ── the flow ── */

static void test_honest_flow(void **state)
{
	long status;
	char *code = adversary_case_code(adversary, "&login_hint=ann%40x.test"), *sub;
	json_t *first = adversary_case_exchange(adversary, code, NULL, &status), *second, *third, *gone;
	char *form;

	(void)state;
	assert_int_equal(status, 200);
	assert_string_equal(adversary_case_text(first, "token_type"), "Bearer");
	assert_string_equal(adversary_case_text(first, "scope"), "openid mail");
	assert_int_equal(json_integer_value(json_object_get(first, "expires_in")), 3600);
	assert_int_equal(adversary_case_userinfo(adversary, adversary_case_text(first, "access_token"), &sub), 200);
	assert_string_equal(sub, "ann@x.test");
	free(sub);
	second = adversary_case_refresh(adversary, adversary_case_text(first, "refresh_token"), &status);
	assert_int_equal(status, 200);
	assert_string_not_equal(adversary_case_text(second, "refresh_token"),
				adversary_case_text(first, "refresh_token"));
	/* R4 is the default: the old one again ends it all. */
	third = adversary_case_refresh(adversary, adversary_case_text(first, "refresh_token"), &status);
	assert_int_equal(status, 400);
	assert_string_equal(adversary_case_text(third, "error"), "invalid_grant");
	gone = adversary_case_refresh(adversary, adversary_case_text(second, "refresh_token"), &status);
	assert_int_equal(status, 400);
	assert_int_equal(adversary_case_userinfo(adversary, adversary_case_text(second, "access_token"), NULL), 401);
	form = mem_printf("token=%s&client_id=app", adversary_case_text(second, "refresh_token"));
	json_decref(adversary_case_post(adversary, "/revoke", form, NULL, &status));
	assert_int_equal(status, 200);
	free(form);
	free(code);
	json_decref(first);
	json_decref(second);
	json_decref(third);
	json_decref(gone);
}

static void test_code_is_for_one_use(void **state)
{
	long status;
	char *code = adversary_case_code(adversary, "");
	json_t *first = adversary_case_exchange(adversary, code, NULL, &status),
	       *again = adversary_case_exchange(adversary, code, NULL, &status), *dead;

	(void)state;
	assert_int_equal(status, 400);
	assert_string_equal(adversary_case_text(again, "error"), "invalid_grant");
	dead = adversary_case_refresh(adversary, adversary_case_text(first, "refresh_token"), &status);
	assert_int_equal(status, 400);
	free(code);
	json_decref(first);
	json_decref(again);
	json_decref(dead);
}

/* RFC 6749 §2.3.1: both halves of Basic are form-encoded first. */
static void test_client_authentication(void **state)
{
	static const struct {
		const char *settings, *user_password, *body;
		long status;
		const char *error;
	} tries[] = {
		{"basic", "app:a%3Ab%25%2B%26%3D+%C3%A9", "", 200, ""},
		{"basic", "app:wrong", "", 401, "invalid_client"},
		{"basic", "other:a%3Ab%25%2B%26%3D+%C3%A9", "", 401, "invalid_client"},
		{"basic", NULL, "&client_id=app&client_secret=a%3Ab%25%2B%26%3D+%C3%A9", 401, "invalid_client"},
		{"post", NULL, "&client_id=app&client_secret=a%3Ab%25%2B%26%3D+%C3%A9", 200, ""},
		{"post", NULL, "&client_id=app", 401, "invalid_client"},
		{"post", "app:a%3Ab%25%2B%26%3D+%C3%A9", "", 401, "invalid_client"},
		{"none", NULL, "&client_id=app", 200, ""},
		{"none", NULL, "&client_id=app&client_secret=x", 401, "invalid_client"},
		{"any", "app:a%3Ab%25%2B%26%3D+%C3%A9", "&client_secret=x", 400, "invalid_request"},
		{"any", NULL, "", 401, "invalid_client"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		char *settings = mem_printf(
			"{\"client_auth\":\"%s\",\"client_id\":\"app\",\"client_secret\":\"a:b%%+&= é\"}",
			tries[i].settings);
		json_t *made, *answer;
		char *form;
		long status;

		adversary_case_tell(adversary, "/_adversary/config", settings);
		made = adversary_case_ask(adversary, "POST", "/_adversary/grants", "{\"client_id\":\"app\"}");
		form = mem_printf(
			"grant_type=refresh_token&refresh_token=%s%s",
			adversary_case_text(json_array_get(json_object_get(made, "grants"), 0), "refresh_token"),
			tries[i].body);
		answer = adversary_case_post(adversary, "/token", form, tries[i].user_password, &status);
		if (status != tries[i].status || strcmp(adversary_case_text(answer, "error"), tries[i].error) != 0)
			fail_msg("try %zu: %ld %s", i + 1, status, adversary_case_text(answer, "error"));
		json_decref(made);
		json_decref(answer);
		free(form);
		free(settings);
	}
	adversary_case_tell(adversary, "/_adversary/reset", "{\"what\":[\"config\"]}");
}

static void test_token_endpoint_refuses(void **state)
{
	static const struct {
		const char *form;
		long status;
		const char *error;
	} tries[] = {
		{"grant_type=password&client_id=app&username=u&password=p", 400, "unsupported_grant_type"},
		{"client_id=app", 400, "unsupported_grant_type"},
		{"grant_type=refresh_token&refresh_token=x", 400, "invalid_request"},
		{"grant_type=refresh_token&client_id=app", 400, "invalid_grant"},
		{"grant_type=refresh_token&client_id=app&refresh_token=rt_1_1_x", 400, "invalid_grant"},
		{"grant_type=refresh_token&grant_type=refresh_token&client_id=app", 400, "invalid_request"},
		{"grant_type=refresh_token&client_id=%zz", 400, "invalid_request"},
		{"grant_type=authorization_code&client_id=app&code=code_1_x", 400, "invalid_grant"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		long status;
		json_t *answer = adversary_case_post(adversary, "/token", tries[i].form, NULL, &status);

		if (status != tries[i].status || strcmp(adversary_case_text(answer, "error"), tries[i].error) != 0)
			fail_msg("%s: %ld %s", tries[i].form, status, adversary_case_text(answer, "error"));
		json_decref(answer);
	}
}

static void test_authorize_refuses(void **state)
{
	static const struct {
		const char *query;
		long status;
		const char *error; /* in the callback */
	} tries[] = {
		{"response_type=code&client_id=app", 400, NULL},
		{"response_type=code&redirect_uri=http://x/", 400, NULL},
		{"response_type=code&client_id=app&redirect_uri=javascript:x", 400, NULL},
		{"response_type=code&client_id=app&client_id=app&redirect_uri=http://x/", 400, NULL},
		{"response_type=token&client_id=app&redirect_uri=http://x/", 302, "unsupported_response_type"},
		{"response_type=code&client_id=app&redirect_uri=http://x/&code_challenge=a&code_challenge_method=plain",
		 302, "invalid_request"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		char *url = mem_printf("%s/authorize?%s", adversary_url(adversary), tries[i].query);
		struct adversary_fetch fetch = {.url = url};
		struct slice location;
		char *error;

		adversary_fetch(&fetch);
		location = adversary_fetch_header(&fetch, "Location");
		error = adversary_case_param(location, "error");
		assert_int_equal(fetch.status, tries[i].status);
		assert_int_equal(error != NULL, tries[i].error != NULL);
		if (error)
			assert_string_equal(error, tries[i].error);
		assert_null(adversary_case_param(location, "code"));
		free(error);
		free(url);
		adversary_fetch_done(&fetch);
	}
}

static json_t *decode_part(struct slice part)
{
	char bytes[4096];
	size_t n;

	assert_int_equal(sodium_base642bin((unsigned char *)bytes, sizeof bytes, part.p, part.n, NULL, &n, NULL,
					   sodium_base64_VARIANT_URLSAFE_NO_PADDING),
			 0);
	return json_loadb(bytes, n, 0, NULL);
}

/* The signature itself is checked in adversary_signer_test. */
static void test_id_token_claims(void **state)
{
	long status;
	char *code = adversary_case_code(adversary, "&account=bob&nonce=n-1");
	json_t *answer = adversary_case_exchange(adversary, code, NULL, &status), *claims, *header;
	struct slice rest = slice_from(adversary_case_text(answer, "id_token")), part;

	(void)state;
	assert_true(slice_split(&rest, '.', &part));
	header = decode_part(part);
	assert_string_equal(adversary_case_text(header, "alg"), "RS256");
	assert_true(slice_split(&rest, '.', &part));
	claims = decode_part(part);
	assert_string_equal(adversary_case_text(claims, "iss"), adversary_url(adversary));
	assert_string_equal(adversary_case_text(claims, "aud"), "app");
	assert_string_equal(adversary_case_text(claims, "sub"), "bob");
	assert_string_equal(adversary_case_text(claims, "nonce"), "n-1");
	assert_true(slice_split(&rest, '.', &part));
	assert_int_equal(part.n, 342);
	free(code);
	json_decref(answer);
	json_decref(header);
	json_decref(claims);
}

static void test_start_says_what_is_wrong(void **state)
{
	struct adversary *second = NULL;
	struct errinfo why = {0};
	struct adversary_args args = {.settings = "{\"rotation\":\"R9\"}"};
	uint64_t port;

	(void)state;
	assert_int_equal(adversary_start(&args, &second, &why), ERR_CONFIG);
	assert_true(strstr(why.detail, "rotation") != NULL);
	assert_true(slice_to_u64(slice_from(strrchr(adversary_url(adversary), ':') + 1), 65535, &port));
	args = (struct adversary_args){.port = (int)port};
	assert_int_equal(adversary_start(&args, &second, &why), ERR_CONFIG);
	assert_true(strstr(why.detail, "address already in use") != NULL);
	assert_null(second);
	/* Two at once are strangers to each other. */
	args.port = 0;
	assert_int_equal(adversary_start(&args, &second, &why), ERR_OK);
	assert_string_not_equal(adversary_url(adversary), adversary_url(second));
	assert_true(adversary_stop(&second));
	assert_null(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_honest_flow),
		cmocka_unit_test(test_code_is_for_one_use),
		cmocka_unit_test(test_client_authentication),
		cmocka_unit_test(test_token_endpoint_refuses),
		cmocka_unit_test(test_authorize_refuses),
		cmocka_unit_test(test_id_token_claims),
		cmocka_unit_test(test_start_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
