/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rotation classes of LIFECYCLE §3, one step after the other in simulated time: which old token
 * still works, what reuse does to the rest. A wrong adversary would make every test that uses it lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "support/adversary_grants.h"

enum { STEPS_MAX = 12, TOKENS_MAX = 8 };

/* refresh: uses token `with` and expects `verdict`; a success becomes the next token. */
struct step {
	enum { DONE, REFRESH, ACCESS, LATER, CHECK } what;
	int with;
	enum adversary_verdict verdict;
	int64_t ms;
};

#define R(with_, verdict_) \
	{ \
		REFRESH, with_, ADVERSARY_##verdict_, 0 \
	}
#define A(with_, verdict_) \
	{ \
		ACCESS, with_, ADVERSARY_##verdict_, 0 \
	}
#define C(with_, verdict_) \
	{ \
		CHECK, with_, ADVERSARY_##verdict_, 0 \
	}
#define T(ms_) \
	{ \
		LATER, 0, ADVERSARY_FINE, ms_ \
	}

static const struct {
	const char *name;
	struct adversary_config config;
	struct step steps[STEPS_MAX];
} rows[] = {
	{"R0 new: every token stays",
	 {.rotation = ADVERSARY_R0, .r0_answer = ADVERSARY_R0_NEW},
	 {R(0, FINE), R(0, FINE), R(1, FINE), R(2, FINE), A(0, FINE)}},
	{"R1: the old one lives until the new one is used to refresh",
	 {.rotation = ADVERSARY_R1},
	 {R(0, FINE), C(0, FINE), R(0, FINE), C(1, FINE), R(2, FINE), R(0, REUSED), C(1, FINE), C(3, FINE)}},
	{"R1: use of the new access token closes the old door",
	 {.rotation = ADVERSARY_R1},
	 {R(0, FINE), A(0, FINE), C(0, FINE), A(1, FINE), R(0, REUSED), R(1, FINE)}},
	{"R2: old one valid in its window, any number of times",
	 {.rotation = ADVERSARY_R2, .window_ms = 1000},
	 {R(0, FINE), T(400), R(0, FINE), T(599), R(0, FINE), T(1), R(0, REUSED), C(1, FINE), C(3, FINE)}},
	{"R2: the window runs from the first use",
	 {.rotation = ADVERSARY_R2, .window_ms = 1000},
	 {R(0, FINE), T(900), R(0, FINE), T(900), R(0, REUSED), R(2, FINE)}},
	{"R2 late reuse kills",
	 {.rotation = ADVERSARY_R2, .window_ms = 1000, .late_reuse_kills = true},
	 {R(0, FINE), T(1000), C(1, FINE), R(0, REUSED), R(1, ENDED), A(1, ENDED)}},
	{"R2 of no width is R3", {.rotation = ADVERSARY_R2}, {R(0, FINE), R(0, REUSED), R(1, FINE)}},
	{"R3: single use, others survive",
	 {.rotation = ADVERSARY_R3},
	 {R(0, FINE), R(0, REUSED), R(0, REUSED), A(0, FINE), R(1, FINE), R(1, REUSED), R(2, FINE)}},
	{"R3 with the old access token dying",
	 {.rotation = ADVERSARY_R3, .old_access_dies = true},
	 {A(0, FINE), R(0, FINE), A(0, ENDED), A(1, FINE)}},
	{"R4: reuse ends the family",
	 {.rotation = ADVERSARY_R4},
	 {R(0, FINE), R(1, FINE), A(2, FINE), R(0, REUSED), R(2, ENDED), A(2, ENDED), R(0, ENDED)}},
	{"R4: checking is not using", {.rotation = ADVERSARY_R4}, {R(0, FINE), C(0, REUSED), C(0, REUSED), R(1, FINE)}},
	{"a refresh token grows old",
	 {.rotation = ADVERSARY_R3, .refresh_ttl_s = 10},
	 {T(9999), C(0, FINE), T(1), R(0, OLD)}},
	{"an access token grows old", {.rotation = ADVERSARY_R3}, {T(3599999), A(0, FINE), T(1), A(0, OLD)}},
};

static const struct adversary_wish wish = {
	.client_id = {"client", 6}, .redirect_uri = {"https://x/cb", 12}, .account = {"u", 1}};

static enum adversary_verdict run_step(struct adversary_grants *g, const struct step *step, int64_t now,
				       struct adversary_tokens *tokens, int *count)
{
	struct adversary_grant *grant;

	switch (step->what) {
	case REFRESH: {
		enum adversary_verdict verdict = adversary_grants_refresh(g, slice_from(tokens[step->with].refresh),
									  wish.client_id, now, &tokens[*count]);

		*count += verdict == ADVERSARY_FINE;
		return verdict;
	}
	case ACCESS: return adversary_grants_access(g, slice_from(tokens[step->with].access), now, &grant);
	case CHECK: return adversary_grants_check(g, slice_from(tokens[step->with].refresh), now);
	case LATER:
	case DONE: break;
	}
	return ADVERSARY_FINE;
}

static void test_rotation_classes(void **state)
{
	(void)state;
	for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
		struct adversary_config config = rows[row].config;
		struct adversary_tokens tokens[TOKENS_MAX];
		struct adversary_grants *g;
		int64_t now = 1700000000000;
		int count = 1;

		config.issue_refresh_token = true;
		config.access_ttl_s = 3600;
		config.max_grants = 1;
		g = adversary_grants_new(&config);
		assert_int_equal(adversary_grants_make(g, &wish, now, &tokens[0]), ADVERSARY_FINE);
		for (size_t i = 0; i < STEPS_MAX && rows[row].steps[i].what != DONE; i++) {
			const struct step *step = &rows[row].steps[i];
			enum adversary_verdict verdict = run_step(g, step, now, tokens, &count);

			now += step->ms;
			if (verdict != step->verdict)
				fail_msg("%s, step %zu: %s instead of %s", rows[row].name, i + 1,
					 adversary_verdict_name(verdict), adversary_verdict_name(step->verdict));
		}
		adversary_grants_free(&g);
	}
}

static void test_r0_answers(void **state)
{
	static const struct {
		enum adversary_r0_answer answer;
		bool some, same;
	} shapes[] = {
		{ADVERSARY_R0_ABSENT, false, false}, {ADVERSARY_R0_SAME, true, true}, {ADVERSARY_R0_NEW, true, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct adversary_config config;
		struct adversary_grants *g;
		struct adversary_tokens first, second;

		adversary_config_default(&config);
		config.rotation = ADVERSARY_R0;
		config.r0_answer = shapes[i].answer;
		g = adversary_grants_new(&config);
		adversary_grants_make(g, &wish, 0, &first);
		assert_int_equal(adversary_grants_refresh(g, slice_from(first.refresh), wish.client_id, 1, &second),
				 ADVERSARY_FINE);
		assert_int_equal(second.refresh[0] != '\0', shapes[i].some);
		assert_int_equal(strcmp(first.refresh, second.refresh) == 0, shapes[i].same);
		assert_string_not_equal(first.access, second.access);
		adversary_grants_free(&g);
	}
}

/* RFC 6749 §4.1.2, §4.1.3; RFC 7636 §4.6 with the vector of its appendix B. */
static void test_codes(void **state)
{
	static const char verifier[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
	static const struct slice challenge = SLICE_LIT("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
	static const struct {
		const char *client_id, *redirect_uri, *verifier;
		int64_t after_ms;
		enum adversary_verdict verdict;
	} tries[] = {
		{"client", "https://x/cb", verifier, 0, ADVERSARY_FINE},
		{"other", "https://x/cb", verifier, 0, ADVERSARY_OTHER_CLIENT},
		{"client", "https://x/cb/", verifier, 0, ADVERSARY_OTHER_URI},
		{"client", "", verifier, 0, ADVERSARY_OTHER_URI},
		{"client", "https://x/cb", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK", 0, ADVERSARY_BAD_VERIFIER},
		{"client", "https://x/cb", "", 0, ADVERSARY_BAD_VERIFIER},
		{"client", "https://x/cb", verifier, 60000, ADVERSARY_OLD},
	};
	struct adversary_config config;
	struct adversary_wish with_challenge = wish;

	(void)state;
	with_challenge.challenge = challenge;
	adversary_config_default(&config);
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		struct adversary_grants *g = adversary_grants_new(&config);
		struct adversary_wish claim = {.client_id = slice_from(tries[i].client_id),
					       .redirect_uri = slice_from(tries[i].redirect_uri)};
		struct adversary_tokens tokens, more;
		char code[ADVERSARY_TOKEN_MAX];
		enum adversary_verdict verdict;

		adversary_grants_code(g, &with_challenge, 0, code);
		verdict = adversary_grants_redeem(g, slice_from(code), &claim, slice_from(tries[i].verifier),
						  tries[i].after_ms, &tokens);
		assert_int_equal(verdict, tries[i].verdict);
		if (verdict == ADVERSARY_FINE) {
			/* A replay is refused and ends what the first use gave. */
			assert_int_equal(
				adversary_grants_redeem(g, slice_from(code), &claim, slice_from(verifier), 1, &more),
				ADVERSARY_REUSED);
			assert_int_equal(adversary_grants_check(g, slice_from(tokens.refresh), 1), ADVERSARY_ENDED);
		} else {
			assert_int_equal(adversary_grants_count(g), 0);
		}
		adversary_grants_free(&g);
	}
}

static void test_pkce_modes(void **state)
{
	static const struct {
		int mode;
		const char *challenge, *verifier;
		enum adversary_verdict verdict;
	} tries[] = {
		{ADVERSARY_PKCE_VERIFY, "", "", ADVERSARY_FINE},
		{ADVERSARY_PKCE_VERIFY, "", "verifier", ADVERSARY_BAD_VERIFIER},
		{ADVERSARY_PKCE_REQUIRE, "", "", ADVERSARY_BAD_VERIFIER},
		{ADVERSARY_PKCE_IGNORE, "anything", "else", ADVERSARY_FINE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		struct adversary_config config;
		struct adversary_wish asked = wish;
		struct adversary_grants *g;
		struct adversary_tokens tokens;
		char code[ADVERSARY_TOKEN_MAX];

		adversary_config_default(&config);
		config.pkce = tries[i].mode;
		asked.challenge = slice_from(tries[i].challenge);
		g = adversary_grants_new(&config);
		adversary_grants_code(g, &asked, 0, code);
		assert_int_equal(
			adversary_grants_redeem(g, slice_from(code), &wish, slice_from(tries[i].verifier), 0, &tokens),
			tries[i].verdict);
		adversary_grants_free(&g);
	}
}

/* RFC 7009 §2.1, §2.2. */
static void test_revocation(void **state)
{
	struct adversary_config config;
	struct adversary_grants *g;
	struct adversary_tokens a, b;
	struct adversary_grant *grant;

	(void)state;
	adversary_config_default(&config);
	g = adversary_grants_new(&config);
	adversary_grants_make(g, &wish, 0, &a);
	adversary_grants_make(g, &wish, 0, &b);
	assert_false(adversary_grants_revoke(g, slice_from(a.refresh), SLICE_LIT("other")));
	assert_int_equal(adversary_grants_check(g, slice_from(a.refresh), 0), ADVERSARY_FINE);
	assert_true(adversary_grants_revoke(g, SLICE_LIT("rubbish"), SLICE_LIT("client")));
	assert_true(adversary_grants_revoke(g, slice_from(a.access), SLICE_LIT("client")));
	assert_int_equal(adversary_grants_access(g, slice_from(a.access), 0, &grant), ADVERSARY_ENDED);
	assert_int_equal(adversary_grants_check(g, slice_from(a.refresh), 0), ADVERSARY_FINE);
	assert_true(adversary_grants_revoke(g, slice_from(a.refresh), SLICE_LIT("client")));
	assert_int_equal(adversary_grants_check(g, slice_from(a.refresh), 0), ADVERSARY_ENDED);
	assert_int_equal(adversary_grants_access(g, slice_from(b.access), 0, &grant), ADVERSARY_FINE);
	adversary_grants_free(&g);
}

/* A token with one character changed, cut or lengthened is nobody's. */
static void test_forged_tokens(void **state)
{
	struct adversary_config config;
	struct adversary_grants *g, *other;
	struct adversary_tokens tokens;
	struct adversary_grant *grant;

	(void)state;
	adversary_config_default(&config);
	g = adversary_grants_new(&config);
	other = adversary_grants_new(&config);
	adversary_grants_make(g, &wish, 0, &tokens);
	for (size_t i = 0; i < strlen(tokens.refresh); i++) {
		char text[ADVERSARY_TOKEN_MAX];

		memcpy(text, tokens.refresh, sizeof text);
		text[i] = text[i] == '1' ? '2' : '1';
		assert_int_equal(adversary_grants_check(g, slice_from(text), 0), ADVERSARY_UNKNOWN);
		assert_int_equal(adversary_grants_check(g, slice_make(tokens.refresh, i), 0), ADVERSARY_UNKNOWN);
	}
	assert_int_equal(adversary_grants_check(other, slice_from(tokens.refresh), 0), ADVERSARY_UNKNOWN);
	assert_int_equal(adversary_grants_access(g, slice_from(tokens.refresh), 0, &grant), ADVERSARY_UNKNOWN);
	assert_int_equal(adversary_grants_check(g, slice_from(tokens.access), 0), ADVERSARY_UNKNOWN);
	adversary_grants_free(&g);
	adversary_grants_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotation_classes),
		cmocka_unit_test(test_r0_answers),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_pkce_modes),
		cmocka_unit_test(test_revocation),
		cmocka_unit_test(test_forged_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
