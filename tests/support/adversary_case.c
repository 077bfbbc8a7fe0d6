/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that tests of and with the adversary take again and again. Must never let a step fail silently. */
#include "support/adversary_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "base/mem.h"
#include "support/adversary_fetch.h"

/* RFC 7636 appendix B. */
static const char verifier[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
static const char challenge[] = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

json_t *adversary_case_ask(const struct adversary *a, const char *method, const char *path, const char *body)
{
	char *text = NULL;
	struct errinfo why = {0};
	json_t *value;

	if (adversary_ask(a, method, path, body, &text, &why))
		fail_msg("%s %s: %s", method, path, why.detail);
	value = json_loads(text, JSON_ALLOW_NUL, NULL);
	assert_non_null(value);
	free(text);
	return value;
}

void adversary_case_tell(const struct adversary *a, const char *path, const char *body)
{
	json_decref(adversary_case_ask(a, "POST", path, body));
}

json_int_t adversary_case_count(const struct adversary *a, const char *endpoint)
{
	json_t *counters = adversary_case_ask(a, "GET", "/_adversary/counters", NULL);
	json_int_t n = json_integer_value(json_object_get(json_object_get(counters, "requests"), endpoint));

	json_decref(counters);
	return n;
}

char *adversary_case_param(struct slice url, const char *name)
{
	struct slice query = slice_sub(url, slice_index(url, '?') + 1, url.n), pair;
	size_t n = strlen(name);

	while (slice_split(&query, '&', &pair))
		if (slice_starts(pair, name) && pair.n > n && pair.p[n] == '=')
			return mem_strndup(slice_sub(pair, n + 1, pair.n));
	return NULL;
}

char *adversary_case_code(const struct adversary *a, const char *more)
{
	char *url = mem_printf("%s/authorize?response_type=code&client_id=app&redirect_uri=http%%3A%%2F%%2Fx%%2Fcb"
			       "&state=s%%20t&scope=openid%%20mail&code_challenge=%s&code_challenge_method=S256%s",
			       adversary_url(a), challenge, more);
	struct adversary_fetch fetch = {.url = url};
	struct slice location;
	char *code, *state_back, *iss;

	adversary_fetch(&fetch);
	assert_int_equal(fetch.curl_code, CURLE_OK);
	assert_int_equal(fetch.status, 302);
	location = adversary_fetch_header(&fetch, "Location");
	assert_true(slice_starts(location, "http://x/cb?"));
	code = adversary_case_param(location, "code");
	state_back = adversary_case_param(location, "state");
	iss = adversary_case_param(location, "iss");
	assert_non_null(code);
	assert_string_equal(state_back, "s+t");
	assert_true(slice_starts(slice_from(iss), "http%3A%2F%2F127.0.0.1%3A"));
	free(state_back);
	free(iss);
	free(url);
	adversary_fetch_done(&fetch);
	return code;
}

json_t *adversary_case_post(const struct adversary *a, const char *path, const char *form, const char *user_password,
			    long *ret_status)
{
	char *url = mem_printf("%s%s", adversary_url(a), path);
	struct adversary_fetch fetch = {.url = url, .form = form, .user_password = user_password};
	json_t *value;

	adversary_fetch(&fetch);
	assert_int_equal(fetch.curl_code, CURLE_OK);
	*ret_status = fetch.status;
	value = adversary_fetch_json(&fetch);
	adversary_fetch_done(&fetch);
	free(url);
	return value;
}

const char *adversary_case_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

json_t *adversary_case_exchange(const struct adversary *a, const char *code, const char *user_password,
				long *ret_status)
{
	char *form = mem_printf("grant_type=authorization_code&code=%s&redirect_uri=http%%3A%%2F%%2Fx%%2Fcb"
				"&code_verifier=%s%s",
				code, verifier, user_password ? "" : "&client_id=app");
	json_t *answer = adversary_case_post(a, "/token", form, user_password, ret_status);

	free(form);
	return answer;
}

json_t *adversary_case_refresh(const struct adversary *a, const char *token, long *ret_status)
{
	char *form = mem_printf("grant_type=refresh_token&client_id=app&refresh_token=%s", token);
	json_t *answer = adversary_case_post(a, "/token", form, NULL, ret_status);

	free(form);
	return answer;
}

long adversary_case_userinfo(const struct adversary *a, const char *access_token, char **ret_sub)
{
	char *url = mem_printf("%s/userinfo", adversary_url(a));
	char *header = mem_printf("Authorization: Bearer %s", access_token);
	struct adversary_fetch fetch = {.url = url, .headers = {header}};
	json_t *claims;

	adversary_fetch(&fetch);
	claims = adversary_fetch_json(&fetch);
	if (ret_sub)
		*ret_sub = mem_strdup(adversary_case_text(claims, "sub"));
	json_decref(claims);
	adversary_fetch_done(&fetch);
	free(header);
	free(url);
	return fetch.status;
}
