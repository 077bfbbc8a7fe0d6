/* SPDX-License-Identifier: Apache-2.0 */
/* Which members of a body count. Must never let one pass in silence: it is taken, refused, or named as ignored. */
#include "api/fields.h"

#include <string.h>

struct sorting {
	struct call *call;
	const char *const *taken;
	const struct fields_owned *owned;
	struct fields *fields;
	struct errinfo *ei;
};

static void sort_one(const char *key, const struct jsonr *value, void *arg)
{
	struct sorting *s = arg;

	for (const char *const *t = s->taken; *t; t++)
		if (strcmp(*t, key) == 0)
			return;
	for (const struct fields_owned *o = s->owned; o->name; o++) {
		if (strcmp(o->name, key) != 0)
			continue;
		if (jsonr_type(value) != JSONR_NULL && !(o->was && slice_is(jsonr_string(value), o->was)))
			err_field(s->ei, key, "is set by the server: leave it out");
		return;
	}
	s->fields->ignored[s->fields->ignored_count++] = arena_strdup(s->call->arena, key);
}

enum err fields_sort(struct call *c, const char *const *taken, const struct fields_owned *owned, struct fields *ret,
		     struct errinfo *ei)
{
	struct sorting s = {.call = c, .taken = taken, .owned = owned, .fields = ret, .ei = ei};

	*ret = (struct fields){.ignored = ARENA_NEW_N(c->arena, jsonr_count(c->body) + 1, const char *)};
	jsonr_each(c->body, sort_one, &s);
	return ei->field_count ? ERR_UNPROCESSABLE : ERR_OK;
}

void fields_write_ignored(struct jsonw *w, const struct fields *f)
{
	if (f->ignored_count == 0)
		return;
	jsonw_array(w, "ignored");
	for (size_t i = 0; i < f->ignored_count; i++)
		jsonw_string(w, NULL, f->ignored[i]);
	jsonw_array_end(w);
}

const char *fields_time(struct call *c, int64_t at_ms)
{
	char text[CLOCK_RFC3339_BYTES];

	clock_rfc3339(at_ms, text);
	return arena_strdup(c->arena, text);
}
