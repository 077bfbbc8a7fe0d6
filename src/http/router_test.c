/* SPDX-License-Identifier: Apache-2.0 */
/* Literal before parameter, taking back, other methods (API.md §1). */
#include "http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "http/path.h"

static const struct route routes[] = {
	{HTTP_M_GET, "/", "root"},
	{HTTP_M_GET, "/health", "health"},
	{HTTP_M_GET, "/oauth/authenticators/{id}", "auth"},
	{HTTP_M_PATCH, "/oauth/authenticators/{id}", "auth-patch"},
	{HTTP_M_POST, "/oauth/authenticators/{app_id}", "auth-post"},
	{HTTP_M_POST, "/oauth/authenticators/validate", "validate"},
	{HTTP_M_GET, "/oauth/authenticators", "list"},
	{HTTP_M_GET, "/a/b/c", "abc"},
	{HTTP_M_GET, "/a/{x}/d", "axd"},
	{HTTP_M_DELETE, "/apps/{app_id}/api-keys/{key}", "key"},
	{HTTP_M_POST, "/only/post", "post"},
};

static const struct {
	enum http_method method;
	const char *target;
	enum err want;
	const char *handler; /* or what is allowed */
	const char *param, *value;
} cases[] = {
	{HTTP_M_GET, "/", ERR_OK, "root", NULL, NULL},
	{HTTP_M_HEAD, "//", ERR_OK, "root", NULL, NULL},
	{HTTP_M_GET, "/health", ERR_OK, "health", NULL, NULL},
	{HTTP_M_GET, "//health//?x", ERR_OK, "health", NULL, NULL},
	{HTTP_M_GET, "/oauth/authenticators/7", ERR_OK, "auth", "id", "7"},
	{HTTP_M_PATCH, "/oauth/authenticators/7", ERR_OK, "auth-patch", "id", "7"},
	{HTTP_M_POST, "/oauth/authenticators/7", ERR_OK, "auth-post", "app_id", "7"},
	{HTTP_M_POST, "/oauth/authenticators/validate", ERR_OK, "validate", "app_id", NULL},
	{HTTP_M_GET, "/oauth/authenticators/validate", ERR_OK, "auth", "id", "validate"},
	{HTTP_M_GET, "/oauth/authenticators/", ERR_OK, "list", NULL, NULL},
	{HTTP_M_GET, "/oauth/authenticators/a%2Fb", ERR_OK, "auth", "id", "a/b"}, /* one segment */
	{HTTP_M_GET, "/a/b/c", ERR_OK, "abc", NULL, NULL},
	{HTTP_M_GET, "/a/b/d", ERR_OK, "axd", "x", "b"}, /* taken back */
	{HTTP_M_GET, "/a/z/d", ERR_OK, "axd", "x", "z"},
	{HTTP_M_DELETE, "/apps/1/api-keys/k%20", ERR_OK, "key", "key", "k "},
	{HTTP_M_DELETE, "/apps/1/api-keys/2", ERR_OK, "key", "app_id", "1"},
	{HTTP_M_GET, "/nowhere", ERR_NOT_FOUND, NULL, NULL, NULL},
	{HTTP_M_GET, "/Health", ERR_NOT_FOUND, NULL, NULL, NULL},
	{HTTP_M_GET, "/healthy", ERR_NOT_FOUND, NULL, NULL, NULL},
	{HTTP_M_GET, "/health/x", ERR_NOT_FOUND, NULL, NULL, NULL},
	{HTTP_M_GET, "/apps", ERR_NOT_FOUND, NULL, NULL, NULL},
	{HTTP_M_GET, "/a%2Fb/c", ERR_NOT_FOUND, NULL, NULL, NULL}, /* a slash that is data separates nothing */
	{HTTP_M_GET, "/oauth%2Fauthenticators", ERR_NOT_FOUND, NULL, NULL, NULL},
	{HTTP_M_POST, "/health", ERR_INVALID, "GET, HEAD", NULL, NULL},
	{HTTP_M_OPTIONS, "/health", ERR_INVALID, "GET, HEAD", NULL, NULL},
	{HTTP_M_GET, "/only/post", ERR_INVALID, "POST", NULL, NULL},
	{HTTP_M_HEAD, "/only/post", ERR_INVALID, "POST", NULL, NULL},
	{HTTP_M_DELETE, "/oauth/authenticators/validate", ERR_INVALID, "GET, HEAD, POST, PATCH", NULL, NULL},
	{HTTP_M_PUT, "/oauth/authenticators/7", ERR_INVALID, "GET, HEAD, POST, PATCH", NULL, NULL},
};

static void test_routes(void **state)
{
	struct router *router = router_new(routes, ARRAY_LEN(routes));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(1 << 20);
		struct request *r = ARENA_NEW(a, struct request);
		const struct route *found = NULL;
		const char *allow = NULL;

		r->arena = a;
		r->method = cases[i].method;
		assert_int_equal(path_parse(r, slice_from(cases[i].target)), REFUSAL_NONE);
		if (router_find(router, r, &found, &allow) != cases[i].want)
			fail_msg("case %zu: %s", i, cases[i].target);
		if (cases[i].want == ERR_OK)
			assert_string_equal((const char *)found->handler, cases[i].handler);
		else
			assert_null(found);
		if (cases[i].want == ERR_INVALID)
			assert_string_equal(allow, cases[i].handler);
		else
			assert_null(allow);
		if (cases[i].param) {
			struct slice got = request_path_param(r, cases[i].param);

			assert_int_equal(got.p != NULL, cases[i].value != NULL);
			assert_true(!got.p || slice_is(got, cases[i].value));
		}
		arena_free(&a);
	}
	router_free(&router);
	assert_null(router);
	router_free(&router);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_routes)};

	return cmocka_run_group_tests_name("http/router", tests, NULL, NULL);
}
