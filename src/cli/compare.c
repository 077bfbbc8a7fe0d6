/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two configurations field by field. Must never take a missing field for an equal one's opposite. */
#include "cli/compare.h"

#include <string.h>

#include "base/mem.h"

/* A field, and another name under which files may hold it. */
static const struct {
	const char *name;
	const char *other_name;
} fields[] = {
	{"authenticator_type", NULL}, {"client_id", NULL},    {"scopes", NULL},	   {"authorize_url", "auth_uri"},
	{"token_url", "token_uri"},   {"redirect_uri", NULL}, {"is_active", NULL},
};

static bool list_has(const struct jsonr *list, struct slice word)
{
	for (size_t i = 0; i < jsonr_count(list); i++)
		if (slice_eq(jsonr_string(jsonr_at(list, i)), word))
			return true;
	return false;
}

static bool text_has(struct slice text, struct slice word)
{
	struct slice rest = text, part;

	while (slice_split(&rest, ',', &part)) {
		struct slice words = part, one;

		while (slice_split(&words, ' ', &one))
			if (one.n && slice_eq(one, word))
				return true;
	}
	return false;
}

static bool scopes_have(const struct jsonr *scopes, struct slice word)
{
	return jsonr_type(scopes) == JSONR_STRING ? text_has(jsonr_string(scopes), word) : list_has(scopes, word);
}

/* Every scope of `a` is one of `b`. */
static bool scopes_within(const struct jsonr *a, const struct jsonr *b)
{
	struct slice rest = jsonr_string(a), part;

	for (size_t i = 0; jsonr_type(a) == JSONR_ARRAY && i < jsonr_count(a); i++)
		if (!scopes_have(b, jsonr_string(jsonr_at(a, i))))
			return false;
	while (jsonr_type(a) == JSONR_STRING && slice_split(&rest, ',', &part)) {
		struct slice words = part, one;

		while (slice_split(&words, ' ', &one))
			if (one.n && !scopes_have(b, one))
				return false;
	}
	return true;
}

static bool is_left_to_server(const struct jsonr *v)
{
	enum jsonr_type type = jsonr_type(v);

	return type == JSONR_ABSENT || type == JSONR_NULL || (type == JSONR_STRING && jsonr_string(v).n == 0);
}

static bool same_value(const struct jsonr *a, const struct jsonr *b)
{
	struct buf x, y;
	bool same;

	buf_init(&x, 256 * 1024);
	buf_init(&y, 256 * 1024);
	jsonr_dump(a, &x);
	jsonr_dump(b, &y);
	same = buf_ok(&x) && buf_ok(&y) && slice_eq(buf_slice(&x), buf_slice(&y));
	buf_done(&x);
	buf_done(&y);
	return same;
}

struct differing {
	struct arena *arena;
	const struct jsonr *there; /* the server's "configuration" */
	const char *names;
};

static void add(struct differing *d, const char *name)
{
	d->names = d->names ? arena_printf(d->arena, "%s, %s", d->names, name) : name;
}

static void compare_member(const char *name, const struct jsonr *value, void *arg)
{
	struct differing *d = arg;
	const struct jsonr *there = jsonr_get(d->there, name);

	/* A server that doesn't repeat a member says nothing about it. */
	if (!is_left_to_server(value) && there && !same_value(value, there))
		add(d, arena_printf(d->arena, "configuration.%s", name));
}

const char *compare_configuration(struct arena *a, const struct jsonr *sent, const struct jsonr *there)
{
	struct differing d = {.arena = a, .there = jsonr_get(there, "configuration")};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct jsonr *ours = jsonr_get(sent, fields[i].name), *theirs = jsonr_get(there, fields[i].name);
		bool same;

		if (is_left_to_server(ours) && fields[i].other_name)
			ours = jsonr_get(sent, fields[i].other_name);
		if (is_left_to_server(ours) || !theirs)
			continue;
		if (strcmp(fields[i].name, "scopes") == 0)
			same = scopes_within(ours, theirs) && scopes_within(theirs, ours);
		else
			same = same_value(ours, theirs);
		if (!same)
			add(&d, fields[i].name);
	}
	jsonr_each(jsonr_get(sent, "configuration"), compare_member, &d);
	return d.names;
}
