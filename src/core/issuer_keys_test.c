/* SPDX-License-Identifier: Apache-2.0 */
/* ID-10: when an issuer's keys are asked for, and how seldom. */
#include "core/issuer_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define ISSUER "https://as.example"
#define KEY(kid) "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"" kid "\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"

static const char metadata[] = "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://keys.example/1\",\"id_token_signing_alg_values_supported\":[\"RS256\"]}";

struct bench {
	struct arena *arena;
	struct issuer_keys *keys;
	struct profile profile;
	int64_t now;
	struct fetch_request request;
};

static int begin(void **state)
{
	struct bench *b = MEM_NEW(struct bench);

	b->arena = arena_new(64 << 20);
	b->keys = issuer_keys_new();
	b->profile = *profile_default();
	b->profile.issuer = ISSUER;
	b->now = 1000;
	*state = b;
	return 0;
}

static int end(void **state)
{
	struct bench *b = *state;

	issuer_keys_free(&b->keys);
	arena_free(&b->arena);
	free(b);
	return 0;
}

static enum issuer_keys_next need(struct bench *b, bool newer, struct issuer_keys_walk *walk)
{
	return issuer_keys_need(b->keys, &b->profile, newer, b->now, walk, b->arena, &b->request);
}

static enum issuer_keys_next take(struct bench *b, struct issuer_keys_walk *walk, int status, const char *body)
{
	const struct fetch_answer answer = {.err = status ? ERR_OK : ERR_UPSTREAM_DOWN, .status = status, .sent = true, .complete = true,
					    .body = slice_from(body)};

	return issuer_keys_take(b->keys, &answer, b->now, walk, b->arena, &b->request);
}

/* The kid of the only key at hand; "" when there is none. */
static const char *at_hand(struct bench *b, struct issuer_keys_walk *walk)
{
	struct id_token_keys k = issuer_keys_find(b->keys, &b->profile, b->now, walk);

	return k.keys && k.keys->n == 1 ? k.keys->key[0].kid : "";
}

static void fetch(struct bench *b, const char *keys)
{
	struct issuer_keys_walk walk = {0};

	assert_int_equal(need(b, false, &walk), ISSUER_KEYS_ASK);
	if (walk.asked == ISSUER_KEYS_METADATA)
		assert_int_equal(take(b, &walk, 200, metadata), ISSUER_KEYS_ASK);
	assert_int_equal(take(b, &walk, 200, keys), ISSUER_KEYS_READY);
}

static void asked_once_then_at_hand(void **state)
{
	struct bench *b = *state;
	struct issuer_keys_walk walk = {0}, other = {0};

	assert_string_equal(at_hand(b, &walk), "");
	assert_int_equal(need(b, false, &walk), ISSUER_KEYS_ASK);
	assert_string_equal(b->request.url, ISSUER "/.well-known/openid-configuration");
	assert_int_equal(need(b, false, &other), ISSUER_KEYS_WAIT);
	assert_int_equal(take(b, &walk, 200, metadata), ISSUER_KEYS_ASK);
	assert_string_equal(b->request.url, "https://keys.example/1");
	assert_int_equal(need(b, false, &other), ISSUER_KEYS_WAIT);
	assert_int_equal(take(b, &walk, 200, KEY("one")), ISSUER_KEYS_READY);
	assert_int_equal(need(b, false, &other), ISSUER_KEYS_READY);
	assert_string_equal(at_hand(b, &other), "one");
	assert_int_equal(issuer_keys_find(b->keys, &b->profile, b->now, &other).algs, 1u << JWS_RS256);
}

static void the_other_form_of_metadata(void **state)
{
	struct bench *b = *state;
	struct issuer_keys_walk walk = {0};

	assert_int_equal(need(b, false, &walk), ISSUER_KEYS_ASK);
	assert_int_equal(take(b, &walk, 404, ""), ISSUER_KEYS_ASK);
	assert_string_equal(b->request.url, ISSUER "/.well-known/oauth-authorization-server");
	assert_int_equal(take(b, &walk, 200, metadata), ISSUER_KEYS_ASK);
	assert_int_equal(take(b, &walk, 200, KEY("one")), ISSUER_KEYS_READY);
}

static void id_09_what_does_not_count(void **state)
{
	static const struct {
		int status;
		const char *metadata;
	} cases[] = {
		{0, ""}, {302, metadata}, {500, metadata}, {200, "{}"}, {200, "{\"issuer\":\"" ISSUER "\"}"},
		{200, "{\"issuer\":\"" ISSUER "/\",\"jwks_uri\":\"https://keys.example/1\"}"},
		{200, "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"http://keys.example/1\"}"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct issuer_keys_walk walk = {0};

		b->now += ISSUER_KEYS_PAUSE_MS;
		assert_int_equal(need(b, false, &walk), ISSUER_KEYS_ASK);
		assert_int_equal(take(b, &walk, cases[i].status, cases[i].metadata), ISSUER_KEYS_ASK);
		assert_non_null(strstr(b->request.url, "oauth-authorization-server"));
		assert_int_equal(take(b, &walk, cases[i].status, cases[i].metadata), ISSUER_KEYS_DOWN);
		assert_int_equal(need(b, false, &walk), ISSUER_KEYS_DOWN);
		assert_string_equal(at_hand(b, &walk), "");
	}
}

static void id_10_an_unknown_key_is_looked_for_once_in_five_minutes(void **state)
{
	struct bench *b = *state;
	struct issuer_keys_walk walk = {0}, other = {0};

	fetch(b, KEY("one"));
	assert_string_equal(at_hand(b, &walk), "one");
	assert_string_equal(at_hand(b, &other), "one");
	assert_int_equal(need(b, true, &walk), ISSUER_KEYS_ASK);
	assert_int_equal(need(b, true, &other), ISSUER_KEYS_WAIT);
	assert_int_equal(take(b, &walk, 200, metadata), ISSUER_KEYS_ASK);
	b->now++;
	assert_int_equal(take(b, &walk, 200, KEY("two")), ISSUER_KEYS_READY);
	/* Who waited has what it did not see before, and looks there first. */
	assert_int_equal(need(b, true, &other), ISSUER_KEYS_READY);
	for (int i = 0; i < 10000; i++) {
		struct issuer_keys_walk more = {0};

		assert_string_equal(at_hand(b, &more), "two");
		assert_int_equal(need(b, true, &more), ISSUER_KEYS_SAME);
	}
	b->now += ISSUER_KEYS_NEWER_MS;
	assert_string_equal(at_hand(b, &walk), "two");
	assert_int_equal(need(b, true, &walk), ISSUER_KEYS_ASK);
}

static void an_issuer_that_is_away_takes_no_keys_away(void **state)
{
	struct bench *b = *state;
	struct issuer_keys_walk walk = {0}, other = {0};

	fetch(b, KEY("one"));
	b->now += ISSUER_KEYS_FRESH_MS;
	assert_int_equal(need(b, false, &walk), ISSUER_KEYS_ASK);
	assert_string_equal(b->request.url, "https://keys.example/1");
	assert_int_equal(need(b, false, &other), ISSUER_KEYS_READY); /* while one asks, the others go on */
	assert_int_equal(take(b, &walk, 0, ""), ISSUER_KEYS_DOWN);
	assert_int_equal(need(b, false, &walk), ISSUER_KEYS_READY);
	assert_string_equal(at_hand(b, &walk), "one");
	/* A newer one cannot be told from none: that is tried again, and not taken for an answer. */
	assert_int_equal(need(b, true, &walk), ISSUER_KEYS_DOWN);
	b->now += ISSUER_KEYS_PAUSE_MS;
	assert_int_equal(need(b, true, &walk), ISSUER_KEYS_ASK);
	assert_non_null(strstr(b->request.url, "openid-configuration"));
	assert_int_equal(take(b, &walk, 503, ""), ISSUER_KEYS_ASK);
	assert_int_equal(take(b, &walk, 503, ""), ISSUER_KEYS_DOWN);
	b->now += ISSUER_KEYS_KEPT_MS;
	assert_string_equal(at_hand(b, &walk), "");
	assert_int_equal(need(b, false, &walk), ISSUER_KEYS_ASK);
}

static void who_asked_and_is_gone_holds_nobody_up(void **state)
{
	struct bench *b = *state;
	struct issuer_keys_walk walk = {0}, other = {0};

	assert_int_equal(need(b, false, &walk), ISSUER_KEYS_ASK);
	b->now += ISSUER_KEYS_PATIENCE_MS - 1;
	assert_int_equal(need(b, false, &other), ISSUER_KEYS_WAIT);
	b->now++;
	assert_int_equal(need(b, false, &other), ISSUER_KEYS_ASK);
}

static void spoiled_keys_are_none(void **state)
{
	struct bench *b = *state;
	struct issuer_keys_walk walk = {0};

	assert_int_equal(need(b, false, &walk), ISSUER_KEYS_ASK);
	assert_int_equal(take(b, &walk, 200, metadata), ISSUER_KEYS_ASK);
	assert_int_equal(take(b, &walk, 200, "<html>"), ISSUER_KEYS_DOWN);
	assert_string_equal(at_hand(b, &walk), "");
}

static void an_address_of_their_own_goes_before_the_metadata(void **state)
{
	struct bench *b = *state;
	struct issuer_keys_walk walk = {0}, other = {0};

	fetch(b, KEY("one"));
	b->profile.jwks_url = ISSUER; /* of all addresses */
	assert_string_equal(at_hand(b, &walk), "");
	assert_int_equal(need(b, false, &walk), ISSUER_KEYS_ASK);
	assert_string_equal(b->request.url, ISSUER);
	assert_int_equal(take(b, &walk, 200, "<html>"), ISSUER_KEYS_DOWN);
	b->profile.jwks_url = "";
	assert_string_equal(at_hand(b, &other), "one");
	assert_int_equal(need(b, false, &other), ISSUER_KEYS_READY);
	b->profile.issuer = "";
	assert_false(issuer_keys_possible(&b->profile));
	b->profile.jwks_url = "https://keys.example/2";
	assert_true(issuer_keys_possible(&b->profile));
	walk = (struct issuer_keys_walk){0};
	assert_int_equal(need(b, false, &walk), ISSUER_KEYS_ASK);
	assert_int_equal(take(b, &walk, 200, KEY("two")), ISSUER_KEYS_READY);
	assert_string_equal(at_hand(b, &walk), "two");
	/* Newer ones are where these were. */
	assert_int_equal(need(b, true, &walk), ISSUER_KEYS_ASK);
	assert_string_equal(b->request.url, "https://keys.example/2");
}

static void algorithms_of_profile_and_issuer(void **state)
{
	struct bench *b = *state;
	struct issuer_keys_walk walk = {0};

	assert_int_equal(issuer_keys_find(b->keys, &b->profile, b->now, &walk).algs, JWS_ALGS_ALL);
	b->profile.id_token_algs = (struct profile_list){2, {"ES256", "RS256"}};
	assert_int_equal(issuer_keys_check(&b->profile, NULL), ERR_OK);
	assert_int_equal(issuer_keys_find(b->keys, &b->profile, b->now, &walk).algs, 1u << JWS_RS256 | 1u << JWS_ES256);
	fetch(b, KEY("one"));
	assert_int_equal(issuer_keys_find(b->keys, &b->profile, b->now, &walk).algs, 1u << JWS_RS256);
	b->profile.id_token_algs = (struct profile_list){1, {"ES256"}};
	assert_int_equal(issuer_keys_find(b->keys, &b->profile, b->now, &walk).algs, 0);
	for (size_t i = 0; i < 3; i++) {
		struct errinfo ei = {0};

		b->profile.id_token_algs = (struct profile_list){2, {"RS256", (const char *[]){"none", "HS256", "rs256"}[i]}};
		assert_int_equal(issuer_keys_check(&b->profile, &ei), ERR_UNPROCESSABLE);
		assert_string_equal(ei.fields[0].name, "configuration.id_token_algs");
	}
}

static void a_bounded_number_of_issuers(void **state)
{
	struct bench *b = *state;
	struct issuer_keys_walk walk = {0};

	fetch(b, KEY("one"));
	for (int i = 0; i < 3 * ISSUER_KEYS_MAX; i++) {
		struct issuer_keys_walk more = {0};

		b->profile.issuer = arena_printf(b->arena, "https://as-%d.example", i);
		b->now++;
		assert_int_equal(need(b, false, &more), ISSUER_KEYS_ASK);
	}
	/* Those that never had any went first. */
	b->profile.issuer = ISSUER;
	assert_string_equal(at_hand(b, &walk), "one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(asked_once_then_at_hand, begin, end),
		cmocka_unit_test_setup_teardown(the_other_form_of_metadata, begin, end),
		cmocka_unit_test_setup_teardown(id_09_what_does_not_count, begin, end),
		cmocka_unit_test_setup_teardown(id_10_an_unknown_key_is_looked_for_once_in_five_minutes, begin, end),
		cmocka_unit_test_setup_teardown(an_issuer_that_is_away_takes_no_keys_away, begin, end),
		cmocka_unit_test_setup_teardown(who_asked_and_is_gone_holds_nobody_up, begin, end),
		cmocka_unit_test_setup_teardown(spoiled_keys_are_none, begin, end),
		cmocka_unit_test_setup_teardown(an_address_of_their_own_goes_before_the_metadata, begin, end),
		cmocka_unit_test_setup_teardown(algorithms_of_profile_and_issuer, begin, end),
		cmocka_unit_test_setup_teardown(a_bounded_number_of_issuers, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
