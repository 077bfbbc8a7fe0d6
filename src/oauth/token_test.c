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

	token_request_exchange(&f->client, ATTEMPT, f->code, f->verifier, "https://app.example/cb?a=b", f->arena, &r);
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
	token_request_refresh(&f->client, ATTEMPT, f->refresh, f->arena, &r);
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
	token_request_refresh(&f->client, ATTEMPT, f->refresh, f->arena, &r);
	assert_null(header(&r, "Authorization").p);
	assert_string_equal(body(f, &r), "grant_type=refresh_token&refresh_token=r%26t&client_id=my+id%3A1");
	f->profile.auth = CLIENT_AUTH_BASIC;
	f->client.client_secret = NULL;
	token_request_refresh(&f->client, ATTEMPT, f->refresh, f->arena, &r);
	assert_null(header(&r, "Authorization").p);
	assert_string_equal(body(f, &r), "grant_type=refresh_token&refresh_token=r%26t&client_id=my+id%3A1");
}

static void test_oa_02_oa_16_no_secret_in_url_or_label(void **state)
{
	struct fixture *f = *state;

	for (int auth = 0; auth < CLIENT_AUTH__COUNT; auth++) {
		struct fetch_request r;

		f->profile.auth = (enum client_auth)auth;
		token_request_exchange(&f->client, ATTEMPT, f->code, f->verifier, "https://app.example/cb", f->arena,
				       &r);
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
	token_request_refresh(&f->client, ATTEMPT, big, f->arena, &r);
	assert_true(r.body.n > 3 * TOKEN_MAX_BYTES);
	assert_true(slice_ends(r.body, "&client_id=my+id%3A1&client_secret=a%3Ab%25%2B%26%3D+%C3%A9"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_oa_16_basic_encodes_first, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_16_post_has_no_header, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_16_public_client_only_names_itself, begin, end),
		cmocka_unit_test_setup_teardown(test_oa_02_oa_16_no_secret_in_url_or_label, begin, end),
		cmocka_unit_test_setup_teardown(test_largest_refresh_token_fits, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
