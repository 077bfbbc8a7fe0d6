/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of routes. A pattern's segments are literal or a parameter in braces, "/apps/{app_id}/api-keys";
 * a literal segment beats a parameter (API.md §1). HEAD is answered by GET's route.
 */
#pragma once

#include "base/err.h"
#include "http/request.h"

struct route {
	enum http_method method;
	const char *pattern;
	const void *handler; /* opaque to the router */
};

struct router;

/* The table is borrowed and outlives the router. Aborts on a pattern twice: our own bug. */
struct router *router_new(const struct route *routes, size_t count);
void router_free(struct router **r);
/*
 * Finds the route and fills the request's path parameters. ERR_NOT_FOUND, or ERR_INVALID with `ret_allow`
 * ("GET, HEAD, POST", in the request's arena) when the path exists for other methods only. A path that fits a literal
 * of another method and a parameter of this one is the parameter's.
 */
enum err router_find(const struct router *r, struct request *request, const struct route **ret_route,
		     const char **ret_allow);
