/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into a request: which endpoint, which header, which parameters. Must never change it. */
#include "support/adversary_request.h"

#include <string.h>

#include "base/buf.h"
#include "base/encode.h"

enum { PARAM_BYTES_MAX = 1 << 20 };

static const struct {
	const char *name;
	const char *path; /* NULL: not by an exact path */
} endpoints[ADVERSARY_ENDPOINTS] = {
	[ADVERSARY_ANY] = {"any", NULL},
	[ADVERSARY_CONNECT] = {"connect", NULL},
	[ADVERSARY_AUTHORIZE] = {"authorize", "/authorize"},
	[ADVERSARY_TOKEN] = {"token", "/token"},
	[ADVERSARY_REVOKE] = {"revoke", "/revoke"},
	[ADVERSARY_USERINFO] = {"userinfo", "/userinfo"},
	[ADVERSARY_DISCOVERY] = {"discovery", "/.well-known/openid-configuration"},
	[ADVERSARY_JWKS] = {"jwks", "/jwks"},
	[ADVERSARY_CONTROL] = {"control", NULL},
	[ADVERSARY_OTHER] = {"other", NULL},
};

enum adversary_endpoint adversary_request_endpoint(struct slice path)
{
	for (int i = 0; i < ADVERSARY_ENDPOINTS; i++)
		if (endpoints[i].path && slice_is(path, endpoints[i].path))
			return (enum adversary_endpoint)i;
	return slice_starts(path, "/_adversary/") ? ADVERSARY_CONTROL : ADVERSARY_OTHER;
}

const char *adversary_request_endpoint_name(enum adversary_endpoint endpoint)
{
	return endpoints[endpoint].name;
}

bool adversary_request_endpoint_find(const char *name, enum adversary_endpoint *ret_endpoint)
{
	for (int i = 0; i < ADVERSARY_ENDPOINTS; i++)
		if (strcmp(endpoints[i].name, name) == 0) {
			*ret_endpoint = (enum adversary_endpoint)i;
			return true;
		}
	return false;
}

struct slice adversary_request_header(const struct adversary_request *r, const char *name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (slice_is_nocase(r->headers[i].name, name))
			return r->headers[i].value;
	return (struct slice){0};
}

static bool decode(struct slice text, struct arena *arena, struct slice *ret_text)
{
	struct buf out;
	bool ok;

	if (slice_index(text, '%') == text.n && slice_index(text, '+') == text.n && slice_index(text, '\0') == text.n) {
		*ret_text = text;
		return true;
	}
	buf_init(&out, PARAM_BYTES_MAX);
	ok = decode_percent(text, true, &out) && buf_ok(&out);
	if (ok)
		*ret_text = arena_copy(arena, buf_slice(&out));
	buf_done(&out);
	return ok;
}

bool adversary_params_parse(struct slice text, struct arena *arena, struct adversary_params *ret_params)
{
	struct slice pair;

	*ret_params = (struct adversary_params){0};
	while (slice_split(&text, '&', &pair)) {
		struct slice name, value;
		size_t at = slice_index(pair, '=');

		if (pair.n == 0)
			continue;
		if (ret_params->count == ADVERSARY_PARAMS_MAX || !decode(slice_sub(pair, 0, at), arena, &name) ||
		    !decode(slice_sub(pair, at + 1, pair.n), arena, &value))
			return false;
		for (size_t i = 0; i < ret_params->count; i++)
			if (slice_eq(ret_params->items[i].name, name))
				ret_params->duplicate = true;
		ret_params->items[ret_params->count].name = name;
		ret_params->items[ret_params->count++].value = value;
	}
	return true;
}

struct slice adversary_params_get(const struct adversary_params *params, const char *name)
{
	for (size_t i = 0; i < params->count; i++)
		if (slice_is(params->items[i].name, name))
			return params->items[i].value;
	return (struct slice){0};
}
