/* SPDX-License-Identifier: Apache-2.0 */
/* ID-02, ID-03, ID-04, ID-06, ID-08: whose account an ID token and an identity answer speak of (OIDC Core §3.1.3.7, §5.3.2). */
#include "oauth/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/mem.h"

#define NOW_S	   1800000000
#define GOOD_TIMES "\"exp\":1800000600,\"iat\":1799999990"
#define GOOD_WHO   "\"iss\":\"https://as.example\",\"sub\":\"248289761001\""
#define GOOD_NONCE "\"nonce\":\"n-0S6_WzA2Mj\""
#define GOOD_AUD   "\"aud\":\"client-1\""

static struct arena *arena;
static struct secret *nonce;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(16 << 20);
	nonce = secret_new(SLICE_LIT("n-0S6_WzA2Mj"));
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	secret_free(&nonce);
	return 0;
}

static struct profile profile(void)
{
	struct profile p = *profile_default();

	p.issuer = "https://as.example";
	p.token_url = "https://as.example:8443/token";
	p.identity_url = "https://as.example/me";
	return p;
}

static struct secret *token_of(const char *header, const char *claims)
{
	struct buf text;
	struct secret *s;

	buf_init(&text, 1 << 20);
	encode_base64url(&text, slice_from(header));
	buf_putc(&text, '.');
	encode_base64url(&text, slice_from(claims));
	buf_puts(&text, ".c2ln");
	s = secret_in_arena(arena, secret_new(buf_slice(&text)));
	buf_done(&text);
	return s;
}

static enum err check(const struct profile *p, const struct secret *id_token, struct identity *ret, struct errinfo *ei)
{
	const struct identity_expect expect = {"client-1", nonce, (int64_t)NOW_S * 1000};

	return identity_from_id_token(p, id_token, &expect, arena, ret, ei);
}

static enum err check_claims(const char *claims, struct identity *ret, struct errinfo *ei)
{
	struct profile p = profile();

	return check(&p, token_of("{\"alg\":\"RS256\"}", claims), ret, ei);
}

static void test_id_02_id_03_id_04_accepted(void **state)
{
	static const struct {
		const char *claims, *label;
	} cases[] = {
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES "}", ""},
		{"{" GOOD_WHO ",\"aud\":[\"client-1\"]," GOOD_NONCE "," GOOD_TIMES
		 ",\"email\":\"a@b.example\",\"name\":\"A\"}",
		 "a@b.example"},
		{"{" GOOD_WHO ",\"aud\":[\"client-1\",\"client-1\"],\"azp\":\"client-1\"," GOOD_NONCE "," GOOD_TIMES
		 ",\"preferred_username\":\"jane\",\"email\":\"\"}",
		 "jane"},
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE ",\"exp\":1799999941,\"iat\":1800000060,\"nbf\":1800000060}",
		 ""},
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE
		 ",\"exp\":1800000600.75,\"iat\":1799999990.5,\"name\":\"J\\u00f6rg\"}",
		 "J\303\266rg"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct identity id;
		struct errinfo ei = {0};

		if (check_claims(cases[i].claims, &id, &ei))
			fail_msg("%s: %s", cases[i].claims, ei.detail);
		assert_string_equal(id.issuer, "https://as.example");
		assert_string_equal(id.subject, "248289761001");
		assert_string_equal(id.label, cases[i].label);
	}
}

static void test_id_02_id_03_id_04_refused(void **state)
{
	static const struct {
		const char *claims, *why;
	} cases[] = {
		/* ID-02: issuer and audience */
		{"{\"sub\":\"1\"," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES "}", "iss is missing"},
		{"{\"iss\":\"https://as.example/\",\"sub\":\"1\"," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES "}",
		 "iss is not"},
		{"{\"iss\":\"https://AS.example\",\"sub\":\"1\"," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES "}",
		 "iss is not"},
		{"{\"iss\":[\"https://as.example\"],\"sub\":\"1\"," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES "}",
		 "iss is missing"},
		{"{" GOOD_WHO "," GOOD_NONCE "," GOOD_TIMES "}", "aud is not"},
		{"{" GOOD_WHO ",\"aud\":\"client-2\"," GOOD_NONCE "," GOOD_TIMES "}", "aud is not"},
		{"{" GOOD_WHO ",\"aud\":\"\"," GOOD_NONCE "," GOOD_TIMES "}", "aud is not"},
		{"{" GOOD_WHO ",\"aud\":[]," GOOD_NONCE "," GOOD_TIMES "}", "aud is empty"},
		{"{" GOOD_WHO ",\"aud\":[\"client-1\",\"other\"]," GOOD_NONCE "," GOOD_TIMES "}", "somebody else"},
		{"{" GOOD_WHO ",\"aud\":[\"client-1\",7]," GOOD_NONCE "," GOOD_TIMES "}", "somebody else"},
		{"{" GOOD_WHO ",\"aud\":{\"client-1\":1}," GOOD_NONCE "," GOOD_TIMES "}", "aud is not"},
		{"{" GOOD_WHO "," GOOD_AUD ",\"azp\":\"client-2\"," GOOD_NONCE "," GOOD_TIMES "}", "azp"},
		{"{" GOOD_WHO "," GOOD_AUD ",\"azp\":null," GOOD_NONCE "," GOOD_TIMES "}", "azp"},
		/* ID-03: times and subject */
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE ",\"iat\":1799999990}", "exp is missing"},
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE ",\"exp\":\"1800000600\",\"iat\":1799999990}",
		 "exp is missing"},
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE ",\"exp\":1799999940,\"iat\":1799999900}", "expired"},
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE ",\"exp\":1e309,\"iat\":1799999990}", "exp is missing"},
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE ",\"exp\":9223372036854775807,\"iat\":1799999990}",
		 "exp is missing"},
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE ",\"exp\":-1,\"iat\":1799999990}", "exp is missing"},
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE ",\"exp\":1800000600}", "iat is missing"},
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE ",\"exp\":1800000600,\"iat\":1800000061}", "future"},
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES ",\"nbf\":1800000061}", "not valid yet"},
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES ",\"nbf\":\"now\"}", "not valid yet"},
		{"{\"iss\":\"https://as.example\"," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES "}", "sub is missing"},
		{"{\"iss\":\"https://as.example\",\"sub\":\"\"," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES "}",
		 "sub is missing"},
		{"{\"iss\":\"https://as.example\",\"sub\":7," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES "}",
		 "sub is missing"},
		{"{\"iss\":\"https://as.example\",\"sub\":\"\\u00e9\"," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES "}",
		 "sub is missing"},
		{"{\"iss\":\"https://as.example\",\"sub\":\"a\\nb\"," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES "}",
		 "sub is missing"},
		/* ID-04: nonce */
		{"{" GOOD_WHO "," GOOD_AUD "," GOOD_TIMES "}", "nonce"},
		{"{" GOOD_WHO "," GOOD_AUD ",\"nonce\":\"\"," GOOD_TIMES "}", "nonce"},
		{"{" GOOD_WHO "," GOOD_AUD ",\"nonce\":\"n-0S6_WzA2Mk\"," GOOD_TIMES "}", "nonce"},
		{"{" GOOD_WHO "," GOOD_AUD ",\"nonce\":\"N-0S6_WZA2MJ\"," GOOD_TIMES "}", "nonce"},
		{"{" GOOD_WHO "," GOOD_AUD ",\"nonce\":[\"n-0S6_WzA2Mj\"]," GOOD_TIMES "}", "nonce"},
		/* form */
		{"[]", "no signed JSON Web Token"},
		{"{", "no signed JSON Web Token"},
		{"{" GOOD_WHO ",\"sub\":\"2\"," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES "}", "no signed JSON Web Token"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct identity id = {.subject = "untouched"};
		struct errinfo ei = {0};

		assert_int_equal(check_claims(cases[i].claims, &id, &ei), ERR_UPSTREAM_DENIED);
		assert_string_equal(ei.code, "id_token_invalid");
		if (!strstr(ei.detail, cases[i].why))
			fail_msg("%s: %s", cases[i].claims, ei.detail);
		assert_string_equal(id.subject, "untouched");
	}
}

static void test_id_03_subject_length(void **state)
{
	char sub[257];
	struct identity id;

	(void)state;
	memset(sub, 's', sizeof sub);
	for (size_t n = 255; n <= 256; n++) {
		sub[n] = '\0';
		assert_int_equal(check_claims(arena_printf(arena,
							   "{\"iss\":\"https://as.example\",\"sub\":\"%s\"," GOOD_AUD
							   "," GOOD_NONCE "," GOOD_TIMES "}",
							   sub),
					      &id, NULL),
				 n == 255 ? ERR_OK : ERR_UPSTREAM_DENIED);
		sub[n] = 's';
	}
}

static void test_form_of_the_token(void **state)
{
	/* {"alg":"RS256"} . {} and what is left of them */
	static const char *const cases[] = {
		"",
		".",
		"..",
		"...",
		"eyJhbGciOiJSUzI1NiJ9.e30",	   /* two parts */
		"eyJhbGciOiJSUzI1NiJ9.e30.",	   /* unsigned (RFC 7519 §6) */
		"eyJhbGciOiJSUzI1NiJ9.e30.c2ln.x", /* four */
		"eyJhbGciOiJSUzI1NiJ9.e30.a.b.c",  /* five: encrypted */
		"eyJhbGciOiJSUzI1NiJ9.e30=.c2ln",  /* padding */
		"eyJhbGciOiJSUzI1NiJ9.e31.c2ln",   /* spare bits */
		"eyJhbGciOiJSUzI1NiJ9.e3 0.c2ln",  /* blank */
		"eyJhbGciOiJSUzI1NiJ9.e3+/.c2ln",  /* the other alphabet */
		"eyJhbGciOiJSUzI1NiJ9..c2ln",
		".e30.c2ln",
		"e30.e30.c2ln",			/* no alg */
		"eyJhbGciOiJub25lIn0.e30.c2ln", /* none */
		"eyJhbGciOiJOT05FIn0.e30.c2ln", /* NONE */
		"eyJhbGciOjF9.e30.c2ln",	/* alg 1 */
		"bnVsbA.e30.c2ln",
		"eyJhbGciOiJSUzI1NiJ9.bnVsbA.c2ln",
	};
	struct profile p = profile();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(secret_free) struct secret *token = secret_new(slice_from(cases[i]));
		struct identity id;
		struct errinfo ei = {0};

		assert_int_equal(check(&p, token, &id, &ei), ERR_UPSTREAM_DENIED);
		if (!strstr(ei.detail, "no signed JSON Web Token"))
			fail_msg("%s: %s", cases[i], ei.detail);
	}
	assert_int_equal(check(&p, NULL, &(struct identity){0}, NULL), ERR_UPSTREAM_DENIED);
}

static void test_without_issuer_or_nonce(void **state)
{
	struct profile p = profile();
	struct identity id;
	const struct identity_expect expect = {"client-1", NULL, (int64_t)NOW_S * 1000};

	(void)state;
	p.issuer = ""; /* Microsoft's common: the tenant's own issuer stands in the token */
	assert_int_equal(
		identity_from_id_token(&p,
				       token_of("{\"alg\":\"RS256\"}", "{\"iss\":\"https://login.example/7/v2.0\","
								       "\"sub\":\"s\"," GOOD_AUD "," GOOD_TIMES "}"),
				       &expect, arena, &id, NULL),
		ERR_OK);
	assert_string_equal(id.issuer, "https://login.example/7/v2.0");
	assert_int_equal(identity_from_id_token(
				 &p, token_of("{\"alg\":\"RS256\"}", "{\"sub\":\"s\"," GOOD_AUD "," GOOD_TIMES "}"),
				 &expect, arena, &id, NULL),
			 ERR_UPSTREAM_DENIED);
}

static void test_id_06_same_email_stays_two_accounts(void **state)
{
	struct identity first, second;

	(void)state;
	assert_int_equal(check_claims("{\"iss\":\"https://as.example\",\"sub\":\"1\",\"email\":\"a@b\"," GOOD_AUD
				      "," GOOD_NONCE "," GOOD_TIMES "}",
				      &first, NULL),
			 ERR_OK);
	assert_int_equal(check_claims("{\"iss\":\"https://as.example\",\"sub\":\"2\",\"email\":\"a@b\"," GOOD_AUD
				      "," GOOD_NONCE "," GOOD_TIMES "}",
				      &second, NULL),
			 ERR_OK);
	assert_string_equal(first.label, second.label);
	assert_string_not_equal(first.subject, second.subject);
}

static void test_labels_are_clean(void **state)
{
	static const struct {
		const char *json, *label;
	} cases[] = {
		{"\"a\\u202eb\\u2066c\\u200bd\\ufeff\\u061ce\"", "abcde"},
		{"\"a\\r\\nb\\u001b[31m\\u0085\\u2028c\\u007f\"", "ab[31mc"},
		{"\"  J\\u00f6rg \\ud83d\\ude00 \"", "J\303\266rg \360\237\230\200"},
		{"\"\\n\"", ""},
		{"7", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct identity id;

		assert_int_equal(check_claims(arena_printf(arena,
							   "{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES
							   ",\"email\":%s}",
							   cases[i].json),
					      &id, NULL),
				 ERR_OK);
		assert_string_equal(id.label, cases[i].label);
	}
}

static void test_label_is_cut_between_characters(void **state)
{
	char name[301] = {0};
	struct identity id;

	(void)state;
	for (size_t i = 0; i < 300; i += 3)
		memcpy(name + i, "\342\202\254", 3);
	assert_int_equal(
		check_claims(arena_printf(arena,
					  "{" GOOD_WHO "," GOOD_AUD "," GOOD_NONCE "," GOOD_TIMES ",\"email\":\"%s\"}",
					  name),
			     &id, NULL),
		ERR_OK);
	assert_int_equal(strlen(id.label), 198);
	assert_true(slice_is_utf8(slice_from(id.label)));
}

static void test_request(void **state)
{
	struct profile p = profile();
	CLEANUP(secret_free) struct secret *token = secret_new(SLICE_LIT("at-1"));
	struct fetch_request r;

	(void)state;
	assert_true(identity_request(&(struct token_client){&p, "cid", NULL, "google"}, token, arena, &r));
	assert_int_equal(r.flags, 0);
	assert_string_equal(r.attempt, "");
	assert_string_equal(r.method, "GET");
	assert_string_equal(r.url, "https://as.example/me");
	assert_string_equal(r.label, "identity google");
	assert_int_equal(r.body_cap, FETCH_METADATA_CAP);
	assert_int_equal(r.body.n, 0);
	assert_string_equal(r.header[r.header_count - 1].name, "Authorization");
	assert_true(slice_is(r.header[r.header_count - 1].value, "Bearer at-1"));
	p.identity_method = "POST";
	assert_true(identity_request(&(struct token_client){&p, "cid", NULL, "slack"}, token, arena, &r));
	assert_string_equal(r.method, "POST");
	p.identity_url = "";
	assert_false(identity_request(&(struct token_client){&p, "cid", NULL, "custom"}, token, arena, &r));
}

static const char *header(const struct fetch_request *r, const char *name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (strcmp(r->header[i].name, name) == 0)
			return arena_strndup(arena, r->header[i].value);
	return "";
}

static void test_request_as_the_profile_says(void **state)
{
	struct profile p = profile();
	CLEANUP(secret_free) struct secret *token = secret_new(SLICE_LIT("at-1"));
	CLEANUP(secret_free) struct secret *secret = secret_new(SLICE_LIT("hidden"));
	const struct token_client client = {&p, "cid", secret, "twitch"};
	struct fetch_request r;

	(void)state;
	p.identity_scheme = "OAuth";
	p.identity_headers = (struct profile_pairs){2, {{"Client-Id", "<{client_id}>"}, {"user-agent", "theirs"}}};
	p.identity_body = "{\"query\":\"{me{id}}\"}";
	assert_true(identity_request(&client, token, arena, &r));
	assert_string_equal(header(&r, "Authorization"), "OAuth at-1");
	assert_string_equal(header(&r, "Client-Id"), "<cid>");
	assert_string_equal(header(&r, "user-agent"), "theirs");
	assert_string_equal(header(&r, "User-Agent"), "");
	assert_int_equal(r.body.n, 0); /* a GET has none */
	assert_string_equal(header(&r, "Content-Type"), "");
	p.identity_method = "POST";
	assert_true(identity_request(&client, token, arena, &r));
	assert_true(slice_is(r.body, "{\"query\":\"{me{id}}\"}"));
	assert_string_equal(header(&r, "Content-Type"), "application/json");
	for (size_t i = 0; i < r.header_count; i++)
		assert_null(strstr(arena_strndup(arena, r.header[i].value), "hidden"));
}

/* TikTok: an error object is in every answer, and "ok" in it is none. */
static void test_error_member_that_may_say_ok(void **state)
{
	static const struct {
		const char *body;
		enum err e;
	} cases[] = {
		{"{\"data\":{\"user\":{\"open_id\":\"7\"}},\"error\":{\"code\":\"ok\",\"message\":\"\"}}", ERR_OK},
		{"{\"data\":{\"user\":{\"open_id\":\"7\"}},\"error\":{\"code\":\"scope_not_authorized\"}}", ERR_UPSTREAM_DOWN},
		{"{\"data\":{\"user\":{\"open_id\":\"7\"}},\"error\":\"invalid_token\"}", ERR_UPSTREAM_DOWN},
		{"{\"data\":{\"user\":{\"open_id\":\"7\"}}}", ERR_OK},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct profile p = profile();
		struct identity id = {.subject = ""};

		p.identity_subject = "data.user.open_id";
		p.error_path = "error.code";
		p.error_name[p.error_count++] = (struct profile_param){"ok", ""};
		assert_int_equal(identity_from_answer(&p, slice_from(cases[i].body), arena, &id, NULL), cases[i].e);
		assert_string_equal(id.subject, cases[i].e ? "" : "7");
	}
}

static void test_id_08_answer(void **state)
{
	static const struct {
		const char *path, *labels, *body, *known;
		enum err e;
		const char *subject, *label;
	} cases[] = {
		{"sub", "email name", "{\"sub\":\"1\",\"email\":\"a@b\"}", "", ERR_OK, "1", "a@b"},
		{"sub", "email name", "{\"sub\":\"1\",\"name\":\"A\"}", "1", ERR_OK, "1", "A"},
		{"sub", "email", "{\"sub\":\"2\",\"email\":\"a@b\"}", "1", ERR_UPSTREAM_DENIED, "1", "old"},
		{"id", "login", "{\"id\":583231,\"login\":\"octocat\"}", "", ERR_OK, "583231", "octocat"},
		{"id", "login", "{\"id\":9007199254740993,\"login\":\"x\"}", "", ERR_OK, "9007199254740993", "x"},
		{"id", "login", "{\"id\":5,\"login\":\"x\"}", "1", ERR_OK, "1",
		 "x"}, /* not "sub": the ID token's word stays */
		{"id", "login", "{\"login\":\"x\"}", "", ERR_OK, "", "x"},
		{"id", "login", "{\"id\":\"\"}", "", ERR_OK, "", "old"},
		{"id", "login", "{\"id\":{}}", "", ERR_OK, "", "old"},
		{"id", "login", "{\"id\":1.5}", "", ERR_OK, "", "old"},
		{"data.gid", "data.name", "{\"data\":{\"gid\":\"7\",\"name\":\"N\"}}", "", ERR_OK, "7", "N"},
		{"team_id user_id", "team", "{\"team_id\":\"T\",\"user_id\":\"U\",\"team\":\"W\"}", "", ERR_OK, "T/U",
		 "W"},
		{"team_id user_id", "team", "{\"team_id\":\"T\",\"team\":\"W\"}", "", ERR_OK, "", "W"},
		{"", "team", "{\"sub\":\"1\",\"team\":\"W\"}", "T/U", ERR_OK, "T/U", "W"},
		{"sub", "email", "", "", ERR_UPSTREAM_DOWN, "", "old"},
		{"sub", "email", "[]", "", ERR_UPSTREAM_DOWN, "", "old"},
		{"sub", "email", "<html>", "", ERR_UPSTREAM_DOWN, "", "old"},
		{"sub", "email", "{\"sub\":\"1\",\"sub\":\"2\"}", "", ERR_UPSTREAM_DOWN, "", "old"},
		{"sub", "email", "{\"error\":\"invalid_token\"}", "", ERR_UPSTREAM_DOWN, "", "old"},
		{"sub", "email", "{\"ok\":false,\"error\":\"invalid_auth\"}", "", ERR_UPSTREAM_DOWN, "", "old"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct profile p = profile();
		struct identity id = {.subject = cases[i].known, .label = "old"};
		struct errinfo ei = {0};

		p.identity_subject = cases[i].path;
		p.identity_label = cases[i].labels;
		p.error_flag = "ok";
		if (identity_from_answer(&p, slice_from(cases[i].body), arena, &id, &ei) != cases[i].e)
			fail_msg("%s: %s", cases[i].body, ei.detail);
		assert_string_equal(id.subject, cases[i].subject);
		assert_string_equal(id.label, cases[i].label);
		assert_string_equal(ei.code, cases[i].e == ERR_UPSTREAM_DENIED ? "subject_mismatch" : "");
	}
}

static void test_issuer_without_id_token(void **state)
{
	struct profile p = profile();
	struct identity id;

	(void)state;
	identity_begin(&p, "T/U", arena, &id);
	assert_string_equal(id.issuer, "https://as.example");
	assert_string_equal(id.subject, "T/U");
	assert_string_equal(id.label, "");
	p.issuer = "";
	identity_begin(&p, "", arena, &id);
	assert_string_equal(id.issuer, "https://as.example:8443");
	id = (struct identity){0};
	assert_int_equal(identity_from_answer(&p, SLICE_LIT("{}"), arena, &id, NULL), ERR_OK);
	assert_string_equal(id.issuer, "https://as.example:8443");
	assert_string_equal(id.subject, "");
	assert_string_equal(id.label, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_id_02_id_03_id_04_accepted, begin, end),
		cmocka_unit_test_setup_teardown(test_id_02_id_03_id_04_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_id_03_subject_length, begin, end),
		cmocka_unit_test_setup_teardown(test_form_of_the_token, begin, end),
		cmocka_unit_test_setup_teardown(test_without_issuer_or_nonce, begin, end),
		cmocka_unit_test_setup_teardown(test_id_06_same_email_stays_two_accounts, begin, end),
		cmocka_unit_test_setup_teardown(test_labels_are_clean, begin, end),
		cmocka_unit_test_setup_teardown(test_label_is_cut_between_characters, begin, end),
		cmocka_unit_test_setup_teardown(test_request, begin, end),
		cmocka_unit_test_setup_teardown(test_request_as_the_profile_says, begin, end),
		cmocka_unit_test_setup_teardown(test_error_member_that_may_say_ok, begin, end),
		cmocka_unit_test_setup_teardown(test_id_08_answer, begin, end),
		cmocka_unit_test_setup_teardown(test_issuer_without_id_token, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
