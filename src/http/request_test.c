/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups in a request: headers, path parameters, cookies, media type. */
#include "http/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/* Its headers lie in one place: one such request at a time. */
static struct request with_header(const char *name, const char *value)
{
	static struct request_pair headers[2];

	headers[0] = (struct request_pair){SLICE_LIT("accept"), SLICE_LIT("*/*")};
	headers[1] = (struct request_pair){slice_from(name), slice_from(value)};
	return (struct request){.header_count = ARRAY_LEN(headers), .header = headers};
}

static void test_cookies(void **state)
{
	static const struct {
		const char *header, *name, *want; /* NULL: absent */
	} cases[] = {
		{"a=1", "a", "1"},
		{"a=1; b=2", "b", "2"},
		{"a=1;b=2", "b", "2"},
		{"  a=1 ;\tb=2 ", "a", "1"},
		{"a=", "a", ""},
		{"a=b=c", "a", "b=c"},
		{"__Host-s=x; s=y", "s", "y"},
		{"__Host-s=x; s=y", "__Host-s", "x"},
		{"xa=1; a=2", "a", "2"},
		{";;a=1;;", "a", "1"},
		{"a=\"1\"", "a", "\"1\""},
		{"a=1; a=2", "a", NULL}, /* planted */
		{"a=1; a=1", "a", NULL},
		{"a=1; b=2; a=", "a", NULL},
		{"a", "a", NULL},
		{"A=1", "a", NULL},
		{"ab=1", "a", NULL},
		{"=1", "a", NULL},
		{"", "a", NULL},
		{"a =1", "a", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct request r = with_header("cookie", cases[i].header);
		struct slice got = request_cookie(&r, cases[i].name);

		if ((got.p != NULL) != (cases[i].want != NULL) || (cases[i].want && !slice_is(got, cases[i].want)))
			fail_msg("cookie '%s' of '%s'", cases[i].name, cases[i].header);
	}
}

static void test_content_type(void **state)
{
	static const struct {
		const char *header, *type;
		bool want;
	} cases[] = {
		{"application/json", "application/json", true},
		{"Application/JSON; charset=utf-8", "application/json", true},
		{"application/json ;x", "application/json", true},
		{"application/jsonx", "application/json", false},
		{"text/plain; application/json", "application/json", false},
		{"", "application/json", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct request r = with_header("content-type", cases[i].header);

		assert_int_equal(request_content_is(&r, cases[i].type), cases[i].want);
	}
}

static void test_absence_is_told_from_emptiness(void **state)
{
	struct request r = with_header("x-empty", "");

	(void)state;
	assert_non_null(request_header(&r, "x-empty").p);
	assert_int_equal(request_header(&r, "x-empty").n, 0);
	assert_true(slice_is(request_header(&r, "accept"), "*/*"));
	assert_null(request_header(&r, "x-other").p);
	assert_null(request_header(&r, "X-Empty").p);
	assert_null(request_cookie(&r, "a").p);
	assert_false(request_content_is(&r, "text/html"));
	assert_null(request_path_param(&r, "id").p);
	r.path_param_count = 1;
	r.path_param[0] = (struct request_pair){SLICE_LIT("id"), SLICE_LIT("7")};
	assert_true(slice_is(request_path_param(&r, "id"), "7"));
	assert_null(request_path_param(&r, "i").p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_content_type),
		cmocka_unit_test(test_absence_is_told_from_emptiness),
	};

	return cmocka_run_group_tests_name("http/request", tests, NULL, NULL);
}
