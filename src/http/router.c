/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table as a tree of segments. A step tries the literal child first and then the parameter,
 * and takes back what led nowhere; so the work is bounded by the table, not by the request. It must
 * never look at the joined path, in which a slash that is data can't be told from a separator.
 */
#include "http/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum { METHODS = HTTP_M_OPTIONS + 1 };

struct node {
	struct slice text; /* of a literal */
	struct node *next; /* sibling */
	struct node *literals, *param;
	const struct route *route[METHODS];
};

struct router {
	struct node root;
};

static bool is_param(struct slice segment)
{
	return segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
}

static struct node *child_of(struct node *n, struct slice segment)
{
	struct node **at = is_param(segment) ? &n->param : &n->literals;

	while (*at && !is_param(segment) && !slice_eq((*at)->text, segment))
		at = &(*at)->next;
	if (!*at) {
		*at = MEM_NEW(struct node);
		(*at)->text = segment;
	}
	return *at;
}

static void add(struct node *n, const struct route *route)
{
	struct slice rest = slice_from(route->pattern), segment = {0};

	while (slice_split(&rest, '/', &segment))
		if (segment.n)
			n = child_of(n, segment);
	if (n->route[route->method])
		abort(); /* a pattern twice: our own table is wrong */
	n->route[route->method] = route;
}

struct router *router_new(const struct route *routes, size_t count)
{
	struct router *r = MEM_NEW(struct router);

	for (size_t i = 0; i < count; i++)
		add(&r->root, &routes[i]);
	return r;
}

static void free_children(struct node *n)
{
	struct node *child = n->literals;

	while (child) {
		struct node *next = child->next;

		free_children(child);
		free(child);
		child = next;
	}
	if (n->param) {
		free_children(n->param);
		free(n->param);
	}
}

void router_free(struct router **rp)
{
	if (!rp || !*rp)
		return;
	free_children(&(*rp)->root);
	free(*rp);
	*rp = NULL;
}

struct search {
	const struct request *request;
	enum http_method method; /* GET for HEAD */
	unsigned allowed;	 /* a bit per method of what matched the path */
};

static const struct route *find(struct search *s, const struct node *n, size_t depth)
{
	const struct route *hit;

	if (depth == s->request->segment_count) {
		for (unsigned m = 0; m < METHODS; m++)
			s->allowed |= n->route[m] ? 1u << m : 0;
		return n->route[s->method];
	}
	for (const struct node *c = n->literals; c; c = c->next)
		if (slice_eq(c->text, s->request->segment[depth])) {
			hit = find(s, c, depth + 1);
			if (hit)
				return hit;
			break;
		}
	return n->param ? find(s, n->param, depth + 1) : NULL;
}

static void fill_params(struct request *request, const struct route *route)
{
	struct slice rest = slice_from(route->pattern), segment = {0};
	size_t at = 0;

	request->path_param_count = 0;
	while (slice_split(&rest, '/', &segment)) {
		if (segment.n == 0)
			continue;
		if (is_param(segment) && request->path_param_count < REQUEST_PATH_PARAMS_MAX)
			request->path_param[request->path_param_count++] = (struct request_pair){
				.name = slice_sub(segment, 1, segment.n - 2), .value = request->segment[at]};
		at++;
	}
}

static const char *allow_text(struct arena *a, unsigned allowed)
{
	static const char names[METHODS][8] = {
		[HTTP_M_GET] = "GET",	  [HTTP_M_HEAD] = "HEAD",     [HTTP_M_POST] = "POST",	   [HTTP_M_PUT] = "PUT",
		[HTTP_M_PATCH] = "PATCH", [HTTP_M_DELETE] = "DELETE", [HTTP_M_OPTIONS] = "OPTIONS"};
	char *text = arena_alloc(a, METHODS * 10, 1);
	size_t n = 0;

	if (allowed & 1u << HTTP_M_GET)
		allowed |= 1u << HTTP_M_HEAD;
	for (unsigned m = 0; m < METHODS; m++) {
		if (!(allowed & 1u << m))
			continue;
		memcpy(text + n, ", ", n ? 2 : 0);
		n += n ? 2 : 0;
		memcpy(text + n, names[m], strlen(names[m]));
		n += strlen(names[m]);
	}
	return text;
}

enum err router_find(const struct router *r, struct request *request, const struct route **ret_route,
		     const char **ret_allow)
{
	struct search s = {.request = request, .method = request->method};
	const struct route *route;

	if (s.method == HTTP_M_HEAD)
		s.method = HTTP_M_GET;
	route = find(&s, &r->root, 0);
	if (route) {
		fill_params(request, route);
		*ret_route = route;
		return ERR_OK;
	}
	if (!s.allowed)
		return ERR_NOT_FOUND;
	*ret_allow = allow_text(request->arena, s.allowed);
	return ERR_INVALID;
}
