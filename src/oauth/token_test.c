/* SPDX-License-Identifier: Apache-2.0 */
/* OA-02, OA-16: requests to the token endpoint and client authentication (RFC 6749 §2.3.1, §4.1.3, §6). */
#include "oauth/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define ATTEMPT "0123456789abcdef0123456789abcdef"
#define REDIRECT "https://app.example/cb"

struct fixture {
	struct arena *arena;
	struct profile profile;
	struct secret *client_secret, *code, *verifier, *refresh;
	struct token_client client;
};

static int begin(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);

	f->arena = arena_new(4 << 20);
	f->profile = *profile_default();
	f->profile.token_url = "https://as.example/token?x=1";
	f->client_secret = secret_new(SLICE_LIT("a:b%+&= \303\251"));
	f->code = secret_new(SLICE_LIT("4/co+de"));
	f->verifier = secret_new(SLICE_LIT("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
	f->refresh = secret_new(SLICE_LIT("r&t"));
	f->client = (struct token_client){&f->profile, "my id:1", f->client_secret, "google"};
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	secret_free(&f->client_secret);
	secret_free(&f->code);
	secret_free(&f->verifier);
	secret_free(&f->refresh);
	arena_free(&f->arena);
	free(f);
	return 0;
}

static struct slice header(const struct fetch_request *r, const char *name)
{
	struct slice found = {0};

	for (size_t i = 0; i < r->header_count; i++) {
		if (strcmp(r->header[i].name, name) != 0)
			continue;
		assert_null(found.p);
		found = r->header[i].value;
	}
	return found;
}

static void assert_common(const struct fetch_request *r)
{
	assert_int_equal(r->flags, FETCH_YIELDS_TOKENS);
	assert_string_equal(r->attempt, ATTEMPT);
	assert_string_equal(r->method, "POST");
	assert_string_equal(r->url, "https://as.example/token?x=1");
	assert_int_equal(r->body_cap, FETCH_TOKEN_CAP);
	assert_true(slice_is(header(r, "Accept"), "application/json"));
	assert_true(slice_is(header(r, "Content-Type"), "application/x-www-form-urlencoded"));
	assert_string_equal(r->label, "token google");
}

static const char *body(struct fixture *f, const struct fetch_request *r)
{
	return arena_strndup(f->arena, r->body);
}

static void test_oa_16_basic_encodes_first(void **state)
{
	struct fixture *f = *state;
	struct fetch_request r;

	token_request_exchange(&f->client, ATTEMPT, &(struct token_exchange){f->code, f->verifier, "https://app.example/cb?a=b"}, f->arena, &r);
	assert_common(&r);
	/* base64 of my+id%3A1:a%3Ab%25%2B%26%3D+%C3%A9 */
	assert_true(slice_is(header(&r, "Authorization"), "Basic bXkraWQlM0ExOmElM0FiJTI1JTJCJTI2JTNEKyVDMyVBOQ=="));
	assert_string_equal(body(f, &r), "grant_type=authorization_code&code=4%2Fco%2Bde"
					 "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fa%3Db"
					 "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

static void test_oa_16_post_has_no_header(void **state)
{
	struct fixture *f = *state;
	struct fetch_request r;

	f->profile.auth = CLIENT_AUTH_POST;
	token_request_refresh(&f->client, ATTEMPT, &(struct token_renewal){f->refresh, REDIRECT}, f->arena, &r);
	assert_common(&r);
	assert_null(header(&r, "Authorization").p);
	assert_string_equal(body(f, &r), "grant_type=refresh_token&refresh_token=r%26t&client_id=my+id%3A1"
					 "&client_secret=a%3Ab%25%2B%26%3D+%C3%A9");
}

static void test_oa_16_public_client_only_names_itself(void **state)
{
	struct fixture *f = *state;
	struct fetch_request r;

	f->profile.auth = CLIENT_AUTH_NONE;
	token_request_refresh(&f->client, ATTEMPT, &(struct token_renewal){f->refresh, REDIRECT}, f->arena, &r);
	assert_null(header(&r, "Authorization").p);
	assert_string_equal(body(f, &r), "grant_type=refresh_token&refresh_token=r%26t&client_id=my+id%3A1");
	f->profile.auth = CLIENT_AUTH_BASIC;
	f->client.client_secret = NULL;
	token_request_refresh(&f->client, ATTEMPT, &(struct token_renewal){f->refresh, REDIRECT}, f->arena, &r);
	assert_null(header(&r, "Authorization").p);
	assert_string_equal(body(f, &r), "grant_type=refresh_token&refresh_token=r%26t&client_id=my+id%3A1");
}

static void test_oa_02_oa_16_no_secret_in_url_or_label(void **state)
{
	struct fixture *f = *state;

	for (int auth = 0; auth < CLIENT_AUTH__COUNT; auth++) {
		struct fetch_request r;

		f->profile.auth = (enum client_auth)auth;
		token_request_exchange(&f->client, ATTEMPT, &(struct token_exchange){f->code, f->verifier, "https://app.example/cb"}, f->arena, &r);
		assert_string_equal(r.url, "https://as.example/token?x=1");
		assert_string_equal(r.label, "token google");
		assert_non_null(strstr(body(f, &r), "code_verifier="));
	}
}

static void test_largest_refresh_token_fits(void **state)
{
	struct fixture *f = *state;
	char *text = mem_calloc(TOKEN_MAX_BYTES, 1);
	CLEANUP(secret_free) struct secret *big = NULL;
	struct fetch_request r;

	memset(text, '&', TOKEN_MAX_BYTES); /* three bytes each when encoded */
	big = secret_new(slice_make(text, TOKEN_MAX_BYTES));
	free(text);
	f->profile.auth = CLIENT_AUTH_POST;
	token_request_refresh(&f->client, ATTEMPT, &(struct token_renewal){big, REDIRECT}, f->arena, &r);
	assert_true(r.body.n > 3 * TOKEN_MAX_BYTES);
	assert_true(slice_ends(r.body, "&client_id=my+id%3A1&client_secret=a%3Ab%25%2B%26%3D+%C3%A9"));
}

/* A provider that wants JSON, its own names and constants besides (TikTok, Notion, Intuit). */
static void test_json_body_own_names_and_constants(void **state)
{
	struct fixture *f = *state;
	struct fetch_request r;

	f->profile.auth = CLIENT_AUTH_POST;
	f->profile.token_encoding = TOKEN_JSON;
	f->profile.param_names = (struct profile_pairs){2, {{"client_id", "client_key"}, {"code", "auth_code"}}};
	f->profile.token_params = (struct profile_pairs){1, {{"audience", "a\"b"}}};
	f->profile.token_headers = (struct profile_pairs){2, {{"Notion-Version", "2022-06-28"}, {"user-agent", "theirs"}}};
	token_request_exchange(&f->client, ATTEMPT, &(struct token_exchange){f->code, f->verifier, REDIRECT}, f->arena, &r);
	assert_true(slice_is(header(&r, "Content-Type"), "application/json"));
	assert_true(slice_is(header(&r, "Notion-Version"), "2022-06-28"));
	assert_true(slice_is(header(&r, "user-agent"), "theirs"));
	assert_null(header(&r, "User-Agent").p); /* one of them, not two */
	assert_null(header(&r, "Authorization").p);
	assert_string_equal(body(f, &r), "{\"grant_type\":\"authorization_code\",\"auth_code\":\"4/co+de\",\"redirect_uri\":\"" REDIRECT "\","
					 "\"code_verifier\":\"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk\",\"audience\":\"a\\\"b\","
					 "\"client_key\":\"my id:1\",\"client_secret\":\"a:b%+&= \303\251\"}");
}

static void test_json_body_with_basic_holds_no_secret(void **state)
{
	struct fixture *f = *state;
	struct fetch_request r;

	f->profile.token_encoding = TOKEN_JSON;
	token_request_refresh(&f->client, ATTEMPT, &(struct token_renewal){f->refresh, REDIRECT}, f->arena, &r);
	assert_true(header(&r, "Authorization").n > 0);
	assert_string_equal(body(f, &r), "{\"grant_type\":\"refresh_token\",\"refresh_token\":\"r&t\"}");
}

/* OA-02: only where the profile says so; the verifier then goes nowhere. */
static void test_pkce_none_sends_no_verifier(void **state)
{
	struct fixture *f = *state;
	struct fetch_request r;

	f->profile.pkce = PKCE_NONE;
	token_request_exchange(&f->client, ATTEMPT, &(struct token_exchange){f->code, f->verifier, REDIRECT}, f->arena, &r);
	assert_string_equal(body(f, &r), "grant_type=authorization_code&code=4%2Fco%2Bde&redirect_uri=https%3A%2F%2Fapp.example%2Fcb");
}

/* Each request has its own constants; those of the exchange are not in a refresh, nor the other way round. */
static void test_refresh_has_its_own_url_and_constants(void **state)
{
	struct fixture *f = *state;
	struct fetch_request r;

	f->profile.refresh_url = "https://as.example/refresh";
	f->profile.refresh_sends_redirect_uri = true;
	f->profile.param_names = (struct profile_pairs){1, {{"refresh_token", "token"}}};
	f->profile.token_params = (struct profile_pairs){1, {{"a", "1"}}};
	f->profile.refresh_params = (struct profile_pairs){1, {{"b", "2"}}};
	token_request_refresh(&f->client, ATTEMPT, &(struct token_renewal){f->refresh, REDIRECT}, f->arena, &r);
	assert_string_equal(r.url, "https://as.example/refresh");
	assert_string_equal(token_refresh_url(&f->profile), "https://as.example/refresh");
	assert_string_equal(body(f, &r), "grant_type=refresh_token&token=r%26t&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&b=2");
	token_request_exchange(&f->client, ATTEMPT, &(struct token_exchange){f->code, f->verifier, REDIRECT}, f->arena, &r);
	assert_string_equal(r.url, "https://as.example/token?x=1");
	assert_true(slice_ends(r.body, "&a=1"));
	f->profile.refresh_url = "";
	assert_string_equal(token_refresh_url(&f->profile), "https://as.example/token?x=1");
}

/* As many constants and headers as a profile can hold, beside all of ours. */
static void test_a_full_profile_fits(void **state)
{
	struct fixture *f = *state;
	struct fetch_request r;

	for (size_t i = 0; i < PROFILE_PARAMS_MAX; i++) {
		const char *name = arena_printf(f->arena, "X-%zu", i);

		f->profile.token_params.pair[i] = f->profile.refresh_params.pair[i] = (struct profile_param){name, "v"};
		f->profile.token_headers.pair[i] = (struct profile_param){name, "v"};
	}
	f->profile.token_params.count = f->profile.refresh_params.count = f->profile.token_headers.count = PROFILE_PARAMS_MAX;
	f->profile.refresh_sends_redirect_uri = true;
	f->profile.auth = CLIENT_AUTH_POST;
	token_request_exchange(&f->client, ATTEMPT, &(struct token_exchange){f->code, f->verifier, REDIRECT}, f->arena, &r);
	assert_non_null(strstr(body(f, &r), "&X-7=v&client_id="));
	f->profile.auth = CLIENT_AUTH_BASIC;
	token_request_refresh(&f->client, ATTEMPT, &(struct token_renewal){f->refresh, REDIRECT}, f->arena, &r);
	assert_true(header(&r, "Authorization").n > 0);
	assert_true(slice_is(header(&r, "X-7"), "v"));
	assert_int_equal(r.header_count, FETCH_HEADERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_oa_16_basic_encodes_first, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_16_post_has_no_header, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_16_public_client_only_names_itself, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_02_oa_16_no_secret_in_url_or_label, begin, end),
		cmocka_unit_test_setup_teardown(test_largest_refresh_token_fits, begin, end),
		cmocka_unit_test_setup_teardown(test_json_body_own_names_and_constants, begin, end),
		cmocka_unit_test_setup_teardown(test_json_body_with_basic_holds_no_secret, begin, end),
		cmocka_unit_test_setup_teardown(test_pkce_none_sends_no_verifier, begin, end),
		cmocka_unit_test_setup_teardown(test_refresh_has_its_own_url_and_constants, begin, end),
		cmocka_unit_test_setup_teardown(test_a_full_profile_fits, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
