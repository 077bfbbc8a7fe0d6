/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a browser may be sent at the end of a flow. Must never send it to an address that the app's owner
 * has not listed (open redirect, OA-12).
 */
#include <string.h>

#include "base/mem.h"
#include "core/flows.h"
#include "json/jsonr.h"

static enum err refused(struct errinfo *ei, const char *why)
{
	err_hint(ei, ERR_UNPROCESSABLE, "Use a path of this server (\"/settings\"), or add the address to the app's return_to list (PATCH /api/v1/apps/{id}).");
	return err_field(ei, "return_to", "%s", why);
}

/* Exact origin; the prefix's path ends at the same place or at a slash. */
static bool within(const struct url *u, const struct url *prefix)
{
	size_t n = prefix->path.n;

	if (!url_same_origin(u, prefix) || u->path.n < n || (n && memcmp(u->path.p, prefix->path.p, n) != 0))
		return false;
	return n == 0 || u->path.n == n || prefix->path.p[n - 1] == '/' || u->path.p[n] == '/';
}

static bool has_dot_segment(struct slice path)
{
	struct slice rest = path, segment;

	while (slice_split(&rest, '/', &segment))
		if (slice_is(segment, "..") || slice_is(segment, ".") || slice_is_nocase(segment, "%2e%2e") ||
		    slice_is_nocase(segment, ".%2e") || slice_is_nocase(segment, "%2e.") || slice_is_nocase(segment, "%2e"))
			return true;
	return false;
}

static bool on_list(const struct app_row *app, const struct url *u)
{
	CLEANUP(jsonr_free) struct jsonr *list = NULL;

	if (jsonr_parse(slice_from(app->return_to), 64 * 1024, &list, NULL))
		return false;
	for (size_t i = 0; i < jsonr_count(list); i++) {
		struct url prefix;

		if (!url_parse(jsonr_string(jsonr_at(list, i)), &prefix, NULL) && within(u, &prefix))
			return true;
	}
	return false;
}

enum err flows_check_return_to(struct core *core, const struct app_row *app, struct slice text, struct arena *a,
			       const char **ret, struct errinfo *ei)
{
	struct url u;
	const char *whole;

	if (text.n == 0) {
		*ret = "";
		return ERR_OK;
	}
	if (text.n > FLOWS_RETURN_TO_MAX)
		return refused(ei, "is longer than 2048 bytes");
	/* A path of ours is read as what the browser will make of it: our origin and the path. */
	if (text.p[0] == '/') {
		if (text.n > 1 && (text.p[1] == '/' || text.p[1] == '\\'))
			return refused(ei, "must be a path of this server, but leads to another one");
		whole = arena_printf(a, "%s%.*s", core->public_url, SLICE_ARG(text));
	} else {
		whole = arena_strndup(a, text);
	}
	if (strlen(whole) < text.n || url_parse(slice_from(whole), &u, NULL))
		return refused(ei, "is neither a path of this server nor a plain https URL");
	if (has_dot_segment(u.path))
		return refused(ei, "must not hold . or .. as a part of its path");
	if (text.p[0] != '/' && !url_same_origin(&u, &core->public) && !on_list(app, &u))
		return refused(ei, "is not on this app's list of return_to prefixes");
	*ret = arena_strndup(a, text);
	return ERR_OK;
}

const char *flows_end_url(const struct core *core, const struct flow_row *flow, struct arena *a)
{
	const char *to = flow->return_to[0] ? flow->return_to : "/connect/result";
	struct slice whole = slice_from(to);
	size_t hash = slice_index(whole, '#');
	struct slice before = slice_sub(whole, 0, hash);
	bool first = slice_index(before, '?') == before.n, connected = strcmp(flow->result, "connected") == 0;
	const char *url;
	struct buf out;

	(void)core;
	buf_init(&out, 16 * 1024);
	buf_put(&out, before);
	url_put_param(&out, &first, "connected", connected ? SLICE_LIT("true") : SLICE_LIT("false"));
	if (connected) {
		url_put_param(&out, &first, "authenticator", slice_from(flow->ref));
		url_put_param(&out, &first, "app_id", slice_from(flow->app_id));
	} else {
		url_put_param(&out, &first, "error", slice_from(flow->error_code));
		url_put_param(&out, &first, "error_description", slice_from(flow->error_detail));
	}
	buf_put(&out, slice_sub(whole, hash, whole.n));
	url = arena_strndup(a, buf_slice(&out));
	buf_done(&out);
	return url;
}
