/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking things up in a parsed request. Lookups borrow; they never change the request, because a job
 * on another thread may be reading it.
 */
#include "http/request.h"

struct slice request_header(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (slice_is(r->header[i].name, name))
			return r->header[i].value;
	return (struct slice){0};
}

struct slice request_path_param(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->path_param_count; i++)
		if (slice_is(r->path_param[i].name, name))
			return r->path_param[i].value;
	return (struct slice){0};
}

struct slice request_cookie(const struct request *r, const char *name)
{
	struct slice rest = request_header(r, "cookie"), pair = {0}, found = {0};

	while (slice_split(&rest, ';', &pair)) {
		size_t sign;

		pair = slice_trim(pair);
		sign = slice_index(pair, '=');
		if (sign == pair.n || !slice_is(slice_sub(pair, 0, sign), name))
			continue;
		if (found.p)
			return (struct slice){0}; /* two of one name: somebody planted one, believe neither */
		found = slice_sub(pair, sign + 1, pair.n);
	}
	return found;
}

bool request_content_is(const struct request *r, const char *type)
{
	struct slice value = request_header(r, "content-type");

	return value.p && slice_is_nocase(slice_trim(slice_sub(value, 0, slice_index(value, ';'))), type);
}
