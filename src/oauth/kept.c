/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept beside the tokens. Must never grow without bound, and never keep what the profile does not name. */
#include "oauth/kept.h"

#include "base/mem.h"
#include "json/jsonw.h"

/* An object while it grows. */
struct object {
	struct buf text;
	struct jsonw w;
	size_t count;
};

static void object_begin(struct object *o)
{
	buf_init(&o->text, KEPT_MAX_BYTES);
	jsonw_init(&o->w, &o->text);
	o->count = 0;
	jsonw_object(&o->w, NULL);
}

static const char *object_end(struct object *o, struct arena *a)
{
	const char *text = "";

	jsonw_object_end(&o->w);
	if (o->count && buf_ok(&o->text))
		text = arena_strndup(a, buf_slice(&o->text));
	buf_done(&o->text);
	return text;
}

static void put_text(struct object *o, const char *name, struct slice text)
{
	if (text.n == 0 || text.n > KEPT_VALUE_MAX || !slice_is_utf8(text))
		return;
	jsonw_slice(&o->w, name, text);
	o->count++;
}

static void put_value(struct object *o, const char *name, const struct jsonr *v)
{
	int64_t number;

	if (jsonr_type(v) == JSONR_BOOL) {
		jsonw_bool(&o->w, name, jsonr_is_true(v));
		o->count++;
	} else if (jsonr_integer(v, &number)) {
		jsonw_integer(&o->w, name, number);
		o->count++;
	} else {
		put_text(o, name, jsonr_string(v));
	}
}

const char *kept_from_callback(const struct profile *p, const struct callback_param *params, size_t count, struct arena *a)
{
	const struct profile_list *names = &p->keep_from_callback;
	struct object o;

	object_begin(&o);
	for (size_t i = 0; i < names->count; i++)
		for (size_t k = 0; k < count; k++)
			if (slice_is(params[k].name, names->text[i]))
				put_text(&o, names->text[i], params[k].value);
	return object_end(&o, a);
}

const char *kept_from_answer(const struct profile *p, const struct jsonr *doc, struct arena *a)
{
	const struct profile_list *names = &p->keep_from_answer;
	struct object o;

	object_begin(&o);
	for (size_t i = 0; i < names->count; i++)
		put_value(&o, names->text[i], jsonr_path(doc, names->text[i]));
	return object_end(&o, a);
}

struct merging {
	struct object object;
	const struct jsonr *unless; /* names in it are left out */
};

static void take(const char *name, const struct jsonr *value, void *arg)
{
	struct merging *m = arg;

	if (!jsonr_get(m->unless, name))
		put_value(&m->object, name, value);
}

const char *kept_merge(const char *before, const char *newer, struct arena *a)
{
	struct jsonr *old = NULL, *now = NULL;
	struct merging m = {.unless = NULL};
	const char *text;

	if (!newer[0] || !before[0])
		return newer[0] ? newer : before;
	/* Both are our own texts; one that cannot be read any more gives way. */
	if (jsonr_parse(slice_from(newer), KEPT_MAX_BYTES, &now, NULL))
		return before;
	jsonr_in_arena(a, now);
	if (jsonr_parse(slice_from(before), KEPT_MAX_BYTES, &old, NULL))
		return newer;
	jsonr_in_arena(a, old);
	object_begin(&m.object);
	jsonr_each(now, take, &m);
	m.unless = now;
	jsonr_each(old, take, &m);
	text = object_end(&m.object, a);
	return text[0] ? text : newer;
}
