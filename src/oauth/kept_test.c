/* SPDX-License-Identifier: Apache-2.0 */
/* Kept values: only those that the profile names, of a form that fits, and none lost when others come. */
#include "oauth/kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(4 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct profile profile(void)
{
	struct profile p = *profile_default();

	p.keep_from_callback = (struct profile_list){2, {"realmId", "region"}};
	p.keep_from_answer = (struct profile_list){3, {"instance_url", "team.id", "on"}};
	return p;
}

static void of_a_callback(void **state)
{
	static char big[KEPT_VALUE_MAX + 1];
	const struct profile p = profile();
	const struct callback_param wanted[] = {{SLICE_LIT("code"), SLICE_LIT("c")}, {SLICE_LIT("realmId"), SLICE_LIT("9\"1")}};
	const struct callback_param bad[] = {{SLICE_LIT("realmId"), SLICE_LIT("a\xff")}, {SLICE_LIT("region"), SLICE_LIT("")},
					     {SLICE_LIT("RealmId"), SLICE_LIT("1")}};
	struct callback_param large = {SLICE_LIT("region"), {big, sizeof big - 1}};

	(void)state;
	memset(big, 'x', sizeof big);
	assert_string_equal(kept_from_callback(&p, wanted, 2, arena), "{\"realmId\":\"9\\\"1\"}");
	assert_string_equal(kept_from_callback(&p, bad, 3, arena), "");
	assert_string_equal(kept_from_callback(&p, NULL, 0, arena), "");
	assert_string_equal(kept_from_callback(profile_default(), wanted, 2, arena), "");
	assert_true(strlen(kept_from_callback(&p, &large, 1, arena)) > KEPT_VALUE_MAX);
	large.value.n++;
	assert_string_equal(kept_from_callback(&p, &large, 1, arena), "");
}

static void of_an_answer(void **state)
{
	static const struct {
		const char *doc, *kept;
	} cases[] = {
		{"{\"instance_url\":\"https://na1.example\",\"access_token\":\"t\"}", "{\"instance_url\":\"https://na1.example\"}"},
		{"{\"team\":{\"id\":7,\"name\":\"n\"},\"on\":true}", "{\"team.id\":7,\"on\":true}"},
		{"{\"team\":{\"id\":{\"deep\":1}},\"on\":null,\"instance_url\":[\"x\"]}", ""},
		{"{\"team\":\"id\",\"team.id\":\"7\",\"instance_url\":1.5}", ""},
		{"{\"on\":false}", "{\"on\":false}"},
		{"{}", ""},
	};
	const struct profile p = profile();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jsonr *doc;

		assert_int_equal(jsonr_parse(slice_from(cases[i].doc), 1000, &doc, NULL), ERR_OK);
		jsonr_in_arena(arena, doc);
		assert_string_equal(kept_from_answer(&p, doc, arena), cases[i].kept);
		assert_string_equal(kept_from_answer(profile_default(), doc, arena), "");
	}
}

static void newer_values_replace_only_their_own(void **state)
{
	static const struct {
		const char *before, *newer, *kept;
	} cases[] = {
		{"", "", ""},
		{"{\"a\":1}", "", "{\"a\":1}"},
		{"", "{\"a\":1}", "{\"a\":1}"},
		{"{\"a\":1,\"b\":\"x\"}", "{\"a\":2}", "{\"a\":2,\"b\":\"x\"}"},
		{"{\"a\":1}", "{\"b\":false}", "{\"b\":false,\"a\":1}"},
		{"no JSON", "{\"b\":1}", "{\"b\":1}"},
		{"{\"a\":1}", "no JSON", "{\"a\":1}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(kept_merge(cases[i].before, cases[i].newer, arena), cases[i].kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(of_a_callback, begin, end),
		cmocka_unit_test_setup_teardown(of_an_answer, begin, end),
		cmocka_unit_test_setup_teardown(newer_values_replace_only_their_own, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
