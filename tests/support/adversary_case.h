/* SPDX-License-Identifier: Apache-2.0 */
/* Steps for cmocka tests that use an adversary. Each fails the test when it cannot be taken. */
#pragma once

#include <jansson.h>

#include "base/slice.h"
#include "support/adversary.h"

/* A control call that must succeed; a new value. */
json_t *adversary_case_ask(const struct adversary *a, const char *method, const char *path, const char *body);
/* A POST whose answer does not matter. */
void adversary_case_tell(const struct adversary *a, const char *path, const char *body);
/* How many requests the endpoint has had. */
json_int_t adversary_case_count(const struct adversary *a, const char *endpoint);
/* The member's string, "" when there is none. Borrowed. */
const char *adversary_case_text(const json_t *object, const char *name);
/* The parameter of a URL's query as it stands there, the caller's; NULL when there is none. */
char *adversary_case_param(struct slice url, const char *name);

/*
 * The honest flow, step by step, as client "app" with redirect_uri http://x/cb, state "s t" and PKCE:
 * /authorize (`more` is appended to the query) to the code, which is the caller's …
 */
char *adversary_case_code(const struct adversary *a, const char *more);
/* … the code's exchange and a refresh: the answer as a new value (NULL: no JSON) and its status. */
json_t *adversary_case_exchange(const struct adversary *a, const char *code, const char *user_password,
				long *ret_status);
json_t *adversary_case_refresh(const struct adversary *a, const char *token, long *ret_status);
/* Any form to any path. */
json_t *adversary_case_post(const struct adversary *a, const char *path, const char *form, const char *user_password,
			    long *ret_status);
/* The status of /userinfo with the access token, and its "sub" (NULL: not wanted), which is the caller's. */
long adversary_case_userinfo(const struct adversary *a, const char *access_token, char **ret_sub);
