/* SPDX-License-Identifier: Apache-2.0 */
/* Targets taken apart: decoded once, never climbing (WB-10). */
#include "http/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static const struct {
	const char *target, *path, *query;
	size_t segments;
	const char *last; /* segment */
	enum refusal want;
} cases[] = {
	{"/", "/", "", 0, NULL, REFUSAL_NONE},
	{"/?a=b", "/", "a=b", 0, NULL, REFUSAL_NONE},
	{"//", "/", "", 0, NULL, REFUSAL_NONE},
	{"/a", "/a", "", 1, "a", REFUSAL_NONE},
	{"/a/", "/a", "", 1, "a", REFUSAL_NONE},
	{"//a///b//", "/a/b", "", 2, "b", REFUSAL_NONE},
	{"/a/b?c=d?e&f=/../", "/a/b", "c=d?e&f=/../", 2, "b", REFUSAL_NONE},
	{"/a%20b", "/a b", "", 1, "a b", REFUSAL_NONE},
	{"/a+b", "/a+b", "", 1, "a+b", REFUSAL_NONE},
	{"/a%2Fb/c%2f", "/a%2Fb/c%2F", "", 2, "c/", REFUSAL_NONE},
	{"/%252e%252e", "/%2e%2e", "", 1, "%2e%2e", REFUSAL_NONE}, /* once, not twice */
	{"/%C3%A9", "/\xC3\xA9", "", 1, "\xC3\xA9", REFUSAL_NONE},
	{"/...", "/...", "", 1, "...", REFUSAL_NONE},
	{"/a?%zz", "/a", "%zz", 1, "a", REFUSAL_NONE}, /* the query is params_parse()'s */
	{"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "", 16, "16",
	 REFUSAL_NONE},
	{"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "", 16, "16",
	 REFUSAL_NONE},

	{.target = "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", .want = REFUSAL_PATH_DEEP},
	{.target = "/..", .want = REFUSAL_PATH_DOTS},
	{.target = "/.", .want = REFUSAL_PATH_DOTS},
	{.target = "/a/../b", .want = REFUSAL_PATH_DOTS},
	{.target = "/a/./b", .want = REFUSAL_PATH_DOTS},
	{.target = "/%2e%2e/etc/passwd", .want = REFUSAL_PATH_DOTS},
	{.target = "/%2E.", .want = REFUSAL_PATH_DOTS},
	{.target = "/a//../b", .want = REFUSAL_PATH_DOTS},
	{.target = "/a%00", .want = REFUSAL_PATH_ESCAPE},
	{.target = "/a%0d%0aSet-Cookie:x", .want = REFUSAL_PATH_ESCAPE},
	{.target = "/a%1b", .want = REFUSAL_PATH_ESCAPE},
	{.target = "/a%7F", .want = REFUSAL_PATH_ESCAPE},
	{.target = "/a%", .want = REFUSAL_PATH_ESCAPE},
	{.target = "/a%4", .want = REFUSAL_PATH_ESCAPE},
	{.target = "/a%4g", .want = REFUSAL_PATH_ESCAPE},
	{.target = "/%u002e", .want = REFUSAL_PATH_ESCAPE},
	{.target = "/%c0%ae%c0%ae", .want = REFUSAL_PATH_ESCAPE}, /* overlong ".." */
	{.target = "/%ff", .want = REFUSAL_PATH_ESCAPE},
	{.target = "/%ed%a0%80", .want = REFUSAL_PATH_ESCAPE},
};

static void test_targets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(1 << 20);
		struct request *r = ARENA_NEW(a, struct request);
		enum refusal got;

		r->arena = a;
		got = path_parse(r, slice_from(cases[i].target));
		if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].target, refusal_kind(got)->text);
		if (!got) {
			if (!slice_is(r->path, cases[i].path))
				fail_msg("%s: path %.*s", cases[i].target, SLICE_ARG(r->path));
			assert_true(slice_is(r->query, cases[i].query));
			assert_int_equal(r->segment_count, cases[i].segments);
			if (cases[i].last)
				assert_true(slice_is(r->segment[r->segment_count - 1], cases[i].last));
		}
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_targets)};

	return cmocka_run_group_tests_name("http/path", tests, NULL, NULL);
}
