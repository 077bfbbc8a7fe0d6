/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void kinds_and_sentences(void **state)
{
	static const struct {
		long status;
		const char *body;
		enum err kind;
		const char *detail, *hint, *code;
	} cases[] = {
		{401, "{\"error\":\"unauthenticated\",\"detail\":\"No.\",\"hint\":\"Do.\"}", ERR_UNAUTHENTICATED, "No.",
		 "Do.", "unauthenticated"},
		{409, "{\"error\":\"needs_reauth\",\"detail\":\"d\"}", ERR_UPSTREAM_DENIED, "d", "", "needs_reauth"},
		{409, "{\"error\":\"conflict\",\"detail\":\"d\"}", ERR_CONFLICT, "d", "", "conflict"},
		{409, "{\"error\":\"ambiguous\",\"detail\":\"d\"}", ERR_CONFLICT, "d", "", "ambiguous"},
		{503, "{\"error\":\"store_unavailable\",\"detail\":\"d\"}", ERR_STORE, "d", "", "store_unavailable"},
		{503, "{}", ERR_BUSY, "the server is not available (HTTP status 503)", "", ""},
		{418, "{}", ERR_INVALID, "the server refused the request (HTTP status 418)", "", ""},
		{599, "[1]", ERR_INTERNAL, "the server failed (HTTP status 599)", "", ""},
		{404, "\"x\"", ERR_NOT_FOUND, "the server doesn't know this address (HTTP status 404)", "base URL", ""},
		{302, NULL, ERR_INVALID, "the server sent us to another address (HTTP status 302)", "base URL", ""},
		{400, "{\"error\":1,\"detail\":[],\"hint\":{}}", ERR_INVALID,
		 "the server refused the request (HTTP status 400)", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct errinfo ei = {0};
		struct jsonr *doc = NULL;

		if (cases[i].body)
			assert_int_equal(jsonr_parse(slice_from(cases[i].body), 4096, &doc, NULL), ERR_OK);
		assert_int_equal(answer_error(cases[i].status, doc, &ei), cases[i].kind);
		assert_string_equal(ei.detail, cases[i].detail);
		assert_non_null(strstr(ei.hint, cases[i].hint));
		assert_true(cases[i].hint[0] || !ei.hint[0]);
		assert_string_equal(ei.code, cases[i].code);
		jsonr_free(&doc);
	}
}

static void fields_are_taken(void **state)
{
	struct errinfo ei = {0};
	struct jsonr *doc;

	(void)state;
	assert_int_equal(jsonr_parse(SLICE_LIT("{\"error\":\"validation_failed\",\"detail\":\"two\",\"fields\":"
					       "{\"name\":\"is missing\",\"scopes\":7}}"),
				     4096, &doc, NULL),
			 ERR_OK);
	assert_int_equal(answer_error(422, doc, &ei), ERR_UNPROCESSABLE);
	assert_string_equal(ei.detail, "two");
	assert_int_equal(ei.field_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(ei.fields[i].why, strcmp(ei.fields[i].name, "name") == 0 ? "is missing" : "");
	jsonr_free(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(kinds_and_sentences), cmocka_unit_test(fields_are_taken)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
