/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

static const char there[] =
	"{\"id\":\"1\",\"name\":\"G\",\"authenticator_type\":\"google\",\"client_id\":\"c\","
	"\"scopes\":[\"a\",\"b\"],\"authorize_url\":\"https://p/a\",\"token_url\":\"https://p/t\","
	"\"redirect_uri\":\"https://s/r\",\"is_active\":true,\"configuration\":{\"issuer\":\"https://p\"}}";

static void differences(void **state)
{
	static const struct {
		const char *sent, *differ;
	} cases[] = {
		{"{\"name\":\"g\",\"authenticator_type\":\"google\",\"client_id\":\"c\",\"client_secret\":\"new\"}",
		 NULL},
		{"{}", NULL},
		{"{\"scopes\":[\"b\",\"a\"]}", NULL},
		{"{\"scopes\":\"b, a\"}", NULL},
		{"{\"scopes\":\"a b\"}", NULL},
		{"{\"scopes\":[\"a\"]}", "scopes"},
		{"{\"scopes\":[\"a\",\"b\",\"c\"]}", "scopes"},
		{"{\"scopes\":\"a\"}", "scopes"},
		{"{\"scopes\":[]}", "scopes"},
		{"{\"client_id\":\"d\"}", "client_id"},
		{"{\"client_id\":\"d\",\"scopes\":[\"x\"]}", "client_id, scopes"},
		{"{\"token_url\":\"\",\"authorize_url\":null}", NULL},
		{"{\"token_url\":\"https://q/t\"}", "token_url"},
		{"{\"token_uri\":\"https://q/t\"}", "token_url"},
		{"{\"auth_uri\":\"https://p/a\",\"token_uri\":\"https://p/t\"}", NULL},
		{"{\"is_active\":false}", "is_active"},
		{"{\"configuration\":{\"issuer\":\"https://p\"}}", NULL},
		{"{\"configuration\":{\"issuer\":\"https://q\"}}", "configuration.issuer"},
		{"{\"configuration\":{\"unknown\":1}}", NULL},
		{"{\"system_name\":\"s\"}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(1 << 20);
		struct jsonr *sent, *has;
		const char *differ;

		assert_int_equal(jsonr_parse(slice_from(cases[i].sent), 4096, &sent, NULL), ERR_OK);
		assert_int_equal(jsonr_parse(slice_from(there), 4096, &has, NULL), ERR_OK);
		differ = compare_configuration(a, sent, has);
		if (cases[i].differ) {
			assert_non_null(differ);
			assert_string_equal(differ, cases[i].differ);
		} else if (differ) {
			fail_msg("%s: %s", cases[i].sent, differ);
		}
		jsonr_free(&sent);
		jsonr_free(&has);
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(differences)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
