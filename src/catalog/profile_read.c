/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile out of JSON. What an authenticator's owner writes here steers requests that carry secrets, so nothing is guessed: a
 * member has an allowed form or is refused by name. Must never change a profile by half.
 */
#include <string.h>

#include "base/mem.h"
#include "catalog/profile_members.h"

static bool is_given(const struct jsonr *v)
{
	return jsonr_type(v) != JSONR_ABSENT && jsonr_type(v) != JSONR_NULL;
}

static const struct jsonr *find(const struct jsonr *obj, const char *name, const char *alias)
{
	const struct jsonr *v = jsonr_get(obj, name);

	return v || !alias ? v : jsonr_get(obj, alias);
}

static enum err read_text(const struct jsonr *v, const char *name, struct arena *a, const char **io, struct errinfo *ei)
{
	struct slice text = jsonr_string(v);

	if (!is_given(v))
		return ERR_OK;
	if (!text.p || text.n > PROFILE_TEXT_MAX || !slice_is_printable(text))
		return err_field(ei, name, "must be a text of at most %d printable ASCII characters", PROFILE_TEXT_MAX);
	*io = arena_strndup(a, text);
	return ERR_OK;
}

static enum err read_flag(const struct jsonr *v, const char *name, bool *io, struct errinfo *ei)
{
	if (!is_given(v))
		return ERR_OK;
	if (jsonr_type(v) != JSONR_BOOL)
		return err_field(ei, name, "must be true or false");
	*io = jsonr_is_true(v);
	return ERR_OK;
}

/* A member that is one of a few words; absent and null leave `*io` as it is. */
static enum err read_word(const struct jsonr *v, const char *name, const char *const *words, unsigned count, unsigned *io,
			  struct errinfo *ei)
{
	CLEANUP(buf_done) struct buf allowed;

	buf_init(&allowed, PROFILE_VALUE_MAX_BYTES);
	if (!is_given(v))
		return ERR_OK;
	for (unsigned i = 0; i < count; i++) {
		if (slice_is(jsonr_string(v), words[i])) {
			*io = i;
			return ERR_OK;
		}
		buf_printf(&allowed, "%s%s", i ? ", " : "", words[i]);
	}
	return err_field(ei, name, "must be one of: %s", buf_cstr(&allowed));
}

static enum err read_words(const struct jsonr *obj, struct profile *p, struct errinfo *ei)
{
	static const char *const methods[] = {"GET", "POST"}, *const separators[] = {" ", ","};
	unsigned method = strcmp(p->identity_method, "POST") == 0, separator = p->scope_separator == ',';
	enum err e = read_word(jsonr_get(obj, "identity_method"), "identity_method", methods, 2, &method, ei);

	if (!e)
		e = read_word(jsonr_get(obj, "scope_separator"), "scope_separator", separators, 2, &separator, ei);
#define X(name, alias, member, words, count)                                                 \
	if (!e) {                                                                            \
		unsigned word = p->member;                                                   \
                                                                                             \
		e = read_word(find(obj, name, alias), name, words, count, &word, ei);        \
		p->member = word;                                                            \
	}
	PROFILE_WORDS(X)
#undef X
	p->identity_method = methods[method];
	p->scope_separator = separators[separator][0];
	return e;
}

/* {"class": "R2", "window_s": 600}; the bare class for those that need no more. A class given without a window has none. */
static enum err read_rotation(const struct jsonr *obj, struct profile *p, struct errinfo *ei)
{
	const struct jsonr *v = jsonr_get(obj, "rotation"), *window = jsonr_get(v, "window_s");
	const struct jsonr *name = jsonr_type(v) == JSONR_OBJECT ? jsonr_get(v, "class") : v;
	enum rotation rotation;
	int64_t window_s = 0;

	if (!is_given(v))
		return ERR_OK;
	if (!profile_rotation_from_name(jsonr_string(name), &rotation))
		return err_field(ei, "rotation", "must be an object whose \"class\" is one of: U, R0, R1, R2, R3, R4");
	if (is_given(window) != (rotation == ROTATION_R2) ||
	    (is_given(window) && (!jsonr_integer(window, &window_s) || window_s < 1 || window_s > PROFILE_WINDOW_MAX_S)))
		return err_field(ei, "rotation", "needs \"window_s\" with the class R2 and with no other: for how many seconds "
						 "(1 to %d) the old refresh token is still taken", PROFILE_WINDOW_MAX_S);
	p->rotation = rotation;
	p->rotation_window_s = window_s;
	return ERR_OK;
}

/* Seconds from 0, which means that there is no limit or none is known. */
static enum err read_seconds(const struct jsonr *v, const char *name, int64_t *io, struct errinfo *ei)
{
	int64_t seconds;

	if (!is_given(v))
		return ERR_OK;
	if (!jsonr_integer(v, &seconds) || seconds < 0 || seconds > PROFILE_LIFE_MAX_S)
		return err_field(ei, name, "takes whole seconds from 0 to %d", PROFILE_LIFE_MAX_S);
	*io = seconds;
	return ERR_OK;
}

/* {"path": "expires_in", "unit": "s", "zero_is_never": false, "assumed_s": 0}; what isn't named is as it was. */
static enum err read_expires(const struct jsonr *obj, struct arena *a, struct profile *p, struct errinfo *ei)
{
	static const char *const units[] = {"s", "ms"};
	static const char name[] = "expires_in";
	const struct jsonr *v = jsonr_get(obj, name);
	unsigned ms = p->expires_in_ms;
	enum err e;

	if (!is_given(v))
		return ERR_OK;
	if (jsonr_type(v) != JSONR_OBJECT)
		return err_field(ei, name, "must be an object of path, unit, zero_is_never and assumed_s");
	e = read_text(jsonr_get(v, "path"), name, a, &p->expires_path, ei);
	if (!e)
		e = read_word(jsonr_get(v, "unit"), name, units, 2, &ms, ei);
	if (!e)
		e = read_flag(jsonr_get(v, "zero_is_never"), name, &p->expires_zero_is_never, ei);
	if (!e)
		e = read_seconds(jsonr_get(v, "assumed_s"), name, &p->expires_assumed_s, ei);
	if (!e && p->expires_path[0] == '\0')
		e = err_field(ei, name, "needs a path that is not empty");
	p->expires_in_ms = ms;
	return e;
}

/* {"idle_s": 0, "absolute_s": 0, "path": ""} */
static enum err read_refresh_life(const struct jsonr *obj, struct arena *a, struct profile *p, struct errinfo *ei)
{
	static const char name[] = "refresh_life";
	const struct jsonr *v = jsonr_get(obj, name);
	enum err e;

	if (!is_given(v))
		return ERR_OK;
	if (jsonr_type(v) != JSONR_OBJECT)
		return err_field(ei, name, "must be an object of idle_s, absolute_s and path");
	e = read_seconds(jsonr_get(v, "idle_s"), name, &p->refresh_idle_s, ei);
	if (!e)
		e = read_seconds(jsonr_get(v, "absolute_s"), name, &p->refresh_absolute_s, ei);
	return e ? e : read_text(jsonr_get(v, "path"), name, a, &p->refresh_life_path, ei);
}

/* Who asks for another flow is told that there is none, instead of getting this one without a word (OA-07). */
static enum err check_flow(const struct jsonr *obj, struct errinfo *ei)
{
	static const char *const grants[] = {"authorization_code"}, *const responses[] = {"code"};
	unsigned i;
	enum err e = read_word(jsonr_get(obj, "grant"), "grant", grants, 1, &i, ei);

	if (!e)
		e = read_word(jsonr_get(obj, "grant_type"), "grant_type", grants, 1, &i, ei);
	return e ? e : read_word(jsonr_get(obj, "response_type"), "response_type", responses, 1, &i, ei);
}

struct pairs {
	struct profile_param *to;
	size_t count, max;
	struct arena *a;
	bool bad;
};

static void take_pair(const char *key, const struct jsonr *value, void *arg)
{
	struct pairs *pairs = arg;
	struct slice name = slice_from(key), text = jsonr_string(value);

	if (!text.p || name.n == 0 || name.n > PROFILE_NAME_MAX_BYTES || text.n > PROFILE_VALUE_MAX_BYTES ||
	    !slice_is_printable(name) || !slice_is_printable(text) || pairs->count == pairs->max) {
		pairs->bad = true;
		return;
	}
	pairs->to[pairs->count++] = (struct profile_param){
		.name = arena_strndup(pairs->a, name),
		.value = arena_strndup(pairs->a, text),
	};
}

/* An object of texts; given at all it replaces what was there. */
static enum err read_pairs(const struct jsonr *v, const char *name, struct pairs pairs, size_t *io_count, struct errinfo *ei)
{
	if (!is_given(v))
		return ERR_OK;
	jsonr_each(v, take_pair, &pairs);
	if (jsonr_type(v) != JSONR_OBJECT || pairs.bad)
		return err_field(ei, name, "must be an object of at most %zu texts, names up to %d and values up to %d characters",
				 pairs.max, PROFILE_NAME_MAX_BYTES, PROFILE_VALUE_MAX_BYTES);
	*io_count = pairs.count;
	return ERR_OK;
}

static enum err read_all_pairs(const struct jsonr *obj, struct arena *a, struct profile *p, struct errinfo *ei)
{
	enum err e = read_pairs(jsonr_get(obj, "authorize_params"), "authorize_params",
				(struct pairs){.to = p->authorize_param, .max = PROFILE_PARAMS_MAX, .a = a}, &p->param_count, ei);

	if (!e)
		e = read_pairs(jsonr_get(obj, "error_names"), "error_names",
			       (struct pairs){.to = p->error_name, .max = PROFILE_ERRORS_MAX, .a = a}, &p->error_count, ei);
#define X(name, member)                                                                                                     \
	if (!e)                                                                                                             \
		e = read_pairs(jsonr_get(obj, name), name,                                                                  \
			       (struct pairs){.to = p->member.pair, .max = PROFILE_PARAMS_MAX, .a = a}, &p->member.count, ei);
	PROFILE_PAIRS(X)
#undef X
	return e;
}

static enum err read_list(const struct jsonr *v, const char *name, struct arena *a, struct profile_list *io, struct errinfo *ei)
{
	struct profile_list list = {.count = jsonr_count(v)};
	bool bad = jsonr_type(v) != JSONR_ARRAY || list.count > PROFILE_KEEP_MAX;

	if (!is_given(v))
		return ERR_OK;
	for (size_t i = 0; !bad && i < list.count; i++) {
		struct slice text = jsonr_string(jsonr_at(v, i));

		bad = text.n == 0 || text.n > PROFILE_NAME_MAX_BYTES || !slice_is_printable(text);
		list.text[i] = bad ? "" : arena_strndup(a, text);
	}
	if (bad)
		return err_field(ei, name, "must be an array of at most %d names of up to %d characters", PROFILE_KEEP_MAX,
				 PROFILE_NAME_MAX_BYTES);
	*io = list;
	return ERR_OK;
}

/* The members of the tables but the words. */
static enum err read_tables(const struct jsonr *obj, struct arena *a, struct profile *p, struct errinfo *ei)
{
	enum err e = ERR_OK;

#define X(name, alias, member) \
	if (!e)                \
		e = read_text(find(obj, name, alias), name, a, &p->member, ei);
	PROFILE_TEXTS(X)
#undef X
#define X(name, alias, member) \
	if (!e)                \
		e = read_flag(find(obj, name, alias), name, &p->member, ei);
	PROFILE_FLAGS(X)
#undef X
#define X(name, member) \
	if (!e)         \
		e = read_list(jsonr_get(obj, name), name, a, &p->member, ei);
	PROFILE_LISTS(X)
#undef X
	return e ? e : read_all_pairs(obj, a, p, ei);
}

enum err profile_overlay(const struct jsonr *obj, struct arena *a, struct profile *io, struct errinfo *ei)
{
	struct profile p = *io;
	enum err e;

	if (jsonr_type(obj) != JSONR_OBJECT)
		return err_field(ei, "configuration", "must be an object");
	e = read_tables(obj, a, &p, ei);
	if (!e)
		e = read_words(obj, &p, ei);
	if (!e)
		e = read_rotation(obj, &p, ei);
	if (!e)
		e = read_expires(obj, a, &p, ei);
	if (!e)
		e = read_refresh_life(obj, a, &p, ei);
	if (!e)
		e = check_flow(obj, ei);
	if (e)
		return e;
	*io = p;
	return ERR_OK;
}

enum err profile_parse(const struct jsonr *obj, struct arena *a, struct profile *ret, struct errinfo *ei)
{
	struct profile p = *profile_default();
	enum err e = profile_overlay(obj, a, &p, ei);

	if (!e)
		e = profile_check(&p, ei);
	if (e)
		return e;
	*ret = p;
	return ERR_OK;
}
