/* SPDX-License-Identifier: Apache-2.0 */
/* A token endpoint's answer: profile, status, then the body. What is taken for success must hold all that callers rely on. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/template.h"
#include "oauth/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_success(const struct fetch_answer *answer, const struct token_answer *t)
{
	struct jsonr *scopes = NULL;

	require(answer->status == 200 && answer->complete);
	require(secret_length(t->access_token) > 0 && secret_length(t->access_token) <= TOKEN_MAX_BYTES);
	require(slice_is_printable(secret_expose(t->access_token)));
	require(!t->refresh_token ||
		(secret_length(t->refresh_token) > 0 && slice_is_printable(secret_expose(t->refresh_token))));
	require(!t->id_token || secret_length(t->id_token) > 0);
	require(strcmp(t->token_type, "Bearer") == 0 || strcmp(t->token_type, "DPoP") == 0);
	require(t->expires_in_s == TOKEN_LIFE_UNKNOWN || (t->expires_in_s > 0 && t->expires_in_s <= 315360000));
	require(slice_is_printable(slice_from(t->subject)) && strlen(t->subject) <= 255);
	if (t->scopes.n) {
		require(jsonr_parse(t->scopes, 1 << 20, &scopes, NULL) == ERR_OK && jsonr_type(scopes) == JSONR_ARRAY);
		jsonr_free(&scopes);
	}
}

static void check_failure(const struct token_answer *t, const struct errinfo *ei)
{
	require(strcmp(t->subject, "untouched") == 0 && !t->access_token);
	require(ei->detail[0] && ei->hint[0] && slice_is_utf8(slice_from(ei->detail)));
	for (const char *c = ei->detail; *c; c++) /* the sentences hold a paragraph sign */
		require((unsigned char)*c >= 0x20 && *c != 0x7F);
	for (const char *c = ei->code; *c; c++)
		require((*c >= 'a' && *c <= 'z') || *c == '_' || *c == '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"custom", "github", "slack", "google"};
	static const int statuses[] = {200, 400, 401, 429, 500, 503, 201, 302};
	struct token_answer t = {.subject = "untouched"};
	struct fetch_answer answer = {0};
	struct errinfo ei = {0};
	struct profile p;
	struct arena *a;
	struct secret *body;

	if (size < 2 || template_load_all(NULL) != ERR_OK)
		return 0;
	a = arena_new(16 << 20);
	require(template_profile(template_find(slice_from(types[data[0] & 3])), NULL, a, &p, NULL) == ERR_OK);
	if (data[0] & 4)
		p.token_path = "authed_user";
	p.token_type_optional = data[0] & 8;
	answer.complete = !(data[0] & 16);
	answer.status = statuses[data[1] & 7];
	body = secret_new(slice_make(data + 2, size - 2));
	if (token_parse(&p, &answer, body, a, &t, &ei) == TOKEN_OK)
		check_success(&answer, &t);
	else
		check_failure(&t, &ei);
	secret_free(&body);
	arena_free(&a);
	return 0;
}
