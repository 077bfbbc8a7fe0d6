/* SPDX-License-Identifier: Apache-2.0 */
#include "core/profiles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/authenticator_input.h"

static const char full[] =
	"{\"authorize_url\":\"https://p.example/a\",\"token_url\":\"https://p.example/t\",\"revoke_url\":\"https://p.example/r\","
	"\"issuer\":\"https://p.example\",\"iss_in_callback\":true,\"client_auth\":\"none\",\"rotation\":\"R3\","
	"\"scope_separator\":\",\",\"form_answers\":true,\"bearer_names\":\"bot\",\"identity_url\":\"https://p.example/me\","
	"\"identity_method\":\"POST\",\"identity_subject\":\"a b\",\"identity_label\":\"c\",\"token_path\":\"x\",\"error_flag\":\"ok\","
	"\"answer_subject\":\"team.id\",\"authorize_params\":{\"access_type\":\"offline\",\"prompt\":\"consent\"},"
	"\"error_names\":{\"token_revoked\":\"invalid_grant\"}}";

/* What a profile says, all of it. */
static char *words_of(const struct profile *p)
{
	struct arena *a = arena_new(1 << 20);
	char *words = mem_strdup(authenticator_input_configuration(p, a));

	arena_free(&a);
	return words;
}

static void assert_same(const struct profile *a, const struct profile *b)
{
	char *first = words_of(a), *second = words_of(b);

	assert_string_equal(first, second);
	free(first);
	free(second);
}

/* Read, read again, and read after everything else was forgotten: the same words, each time in the asker's own memory. */
static void test_a_remembered_profile_is_the_same(void **state)
{
	struct profiles *known = profiles_new();
	struct arena *first = arena_new(1 << 20), *second = arena_new(1 << 20);
	struct profile fresh, again, never;
	struct errinfo ei = {0};

	(void)state;
	assert_int_equal(profiles_read(NULL, full, first, &never, &ei), ERR_OK);
	assert_int_equal(profiles_read(known, full, first, &fresh, &ei), ERR_OK);
	assert_same(&never, &fresh);
	arena_free(&first);
	assert_int_equal(profiles_read(known, full, second, &again, &ei), ERR_OK);
	assert_string_equal(again.authorize_param[1].value, "consent");
	profiles_free(&known);
	assert_null(known);
	assert_same(&again, &again);
	assert_int_equal(again.rotation, ROTATION_R3);
	assert_string_equal(again.token_url, "https://p.example/t");
	arena_free(&second);
	profiles_free(&known);
}

/* More texts than are kept, twice over: each has its own words, also those that were forgotten. */
static void test_many_texts(void **state)
{
	struct profiles *known = profiles_new();
	struct errinfo ei = {0};

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct arena *a = arena_new(1 << 20);
		char *url = mem_printf("https://p%d.example/t", i % 100), *text = mem_printf("{\"token_url\":\"%s\"}", url);
		struct profile p;

		assert_int_equal(profiles_read(known, text, a, &p, &ei), ERR_OK);
		assert_string_equal(p.token_url, url);
		free(url);
		free(text);
		arena_free(&a);
	}
	profiles_free(&known);
}

static void test_what_is_wrong_is_not_remembered(void **state)
{
	struct profiles *known = profiles_new();
	struct arena *a = arena_new(1 << 20);
	struct profile p = {.token_url = "untouched"};
	struct errinfo ei = {0};

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_not_equal(profiles_read(known, "{\"token_url\":", a, &p, &ei), ERR_OK);
		assert_int_not_equal(profiles_read(known, "{\"rotation\":\"R9\"}", a, &p, &ei), ERR_OK);
		assert_string_equal(p.token_url, "untouched");
	}
	arena_free(&a);
	profiles_free(&known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_remembered_profile_is_the_same),
		cmocka_unit_test(test_many_texts),
		cmocka_unit_test(test_what_is_wrong_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
