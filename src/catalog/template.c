/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we know of providers, from the JSON files that the build put into the program and from an operator's own
 * (template_directory.c). Everything a template says is checked when it is loaded, so that a broken file fails the build's tests and
 * not a user. Must never take a part of a set: all of it loads, or what was there before stays.
 */
#include "catalog/template_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/url.h"

enum {
	TEMPLATES_MAX = 128,
	ARENA_MAX = 4 << 20,
	VARIABLE_MAX_BYTES = 200,
};

struct catalog {
	struct arena *arena;
	struct template template[TEMPLATES_MAX];
	size_t count;
};

static struct catalog *catalog;

/* The members of a profile in which {variables} may stand. */
static const size_t filled[] = {
	offsetof(struct profile, authorize_url), offsetof(struct profile, token_url),
	offsetof(struct profile, revoke_url),	 offsetof(struct profile, issuer),
	offsetof(struct profile, jwks_url),
	offsetof(struct profile, identity_url),
	offsetof(struct profile, refresh_url),
};

static const char **text_at(struct profile *p, size_t offset)
{
	return (const char **)(void *)((char *)p + offset);
}

static bool is_base_url(const char *value)
{
	return strncmp(value, "https://", 8) == 0 || strncmp(value, "http://", 7) == 0;
}

/* A base URL where the default is one, else a plain word: nothing that could move the host of a URL it is put into. */
bool template_value_fits(const struct profile_param *variable, struct slice value)
{
	struct url url;

	if (value.n == 0 || value.n > VARIABLE_MAX_BYTES)
		return false;
	if (is_base_url(variable->value))
		return url_parse(value, &url, NULL) == ERR_OK && !url.query.p && !url.fragment.p &&
		       !slice_ends(value, "/");
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '.' &&
		    c != '-')
			return false;
	}
	return value.p[0] != '.' && value.p[0] != '-' && value.p[value.n - 1] != '.';
}

/* Puts the values in; false when a brace has no variable to it. */
static bool fill(const char *text, const struct profile_param *variable, size_t count, struct buf *out)
{
	struct slice rest = slice_from(text);

	while (rest.n) {
		size_t open = slice_index(rest, '{'), close, i;
		struct slice name;

		buf_put(out, slice_sub(rest, 0, open));
		if (open == rest.n)
			break;
		rest = slice_sub(rest, open + 1, rest.n);
		close = slice_index(rest, '}');
		name = slice_sub(rest, 0, close);
		for (i = 0; i < count && !slice_is(name, variable[i].name);)
			i++;
		if (close == rest.n || i == count)
			return false;
		buf_puts(out, variable[i].value);
		rest = slice_sub(rest, close + 1, rest.n);
	}
	return buf_ok(out);
}

enum err template_fill(const struct template *t, const struct profile_param *variable, struct arena *a, struct profile *ret,
		       struct errinfo *ei)
{
	struct profile p = t->profile;

	for (size_t i = 0; i < ARRAY_LEN(filled); i++) {
		const char **text = text_at(&p, filled[i]);
		CLEANUP(buf_done) struct buf out;

		buf_init(&out, PROFILE_TEXT_MAX);
		if (!fill(*text, variable, t->variable_count, &out))
			return err_set(ei, ERR_CONFIG, "template \"%s\": a URL has a {variable} without a default, or is too long", t->type);
		*text = arena_strndup(a, buf_slice(&out));
	}
	if (profile_check(&p, ei))
		return ERR_UNPROCESSABLE;
	*ret = p;
	return ERR_OK;
}

static bool has_alias(const struct template *t, struct slice name)
{
	for (size_t i = 0; i < t->alias_count; i++)
		if (slice_is_nocase(name, t->alias[i]))
			return true;
	return false;
}

/* From the `from`th on: a type by that name before an alias. */
static const struct template *find_in(const struct catalog *c, size_t from, struct slice name)
{
	for (size_t i = from; i < c->count; i++)
		if (slice_is_nocase(name, c->template[i].type))
			return &c->template[i];
	for (size_t i = from; i < c->count; i++)
		if (has_alias(&c->template[i], name))
			return &c->template[i];
	return NULL;
}

/* Names may be there once among those from the `from`th on. */
static enum err load_one(struct catalog *c, size_t from, const struct template_file *file, struct errinfo *ei)
{
	struct template *t = &c->template[c->count];
	struct jsonr *doc;
	struct errinfo why = {0};

	if (c->count == TEMPLATES_MAX)
		return err_set(ei, ERR_CONFIG, "%s: there are more than %d templates", file->name, TEMPLATES_MAX);
	if (jsonr_parse(slice_make(file->text, file->bytes), TEMPLATE_FILE_MAX, &doc, &why))
		return err_set(ei, ERR_CONFIG, "%s: %s", file->name, why.detail);
	jsonr_in_arena(c->arena, doc);
	if (template_parse(doc, c->arena, t, &why))
		return err_set(ei, ERR_CONFIG, "%s: %s", file->name, why.detail);
	if (find_in(c, from, slice_from(t->type)))
		return err_set(ei, ERR_CONFIG, "%s: the type \"%s\" is there already", file->name, t->type);
	for (size_t i = 0; i < t->alias_count; i++)
		if (find_in(c, from, slice_from(t->alias[i])))
			return err_set(ei, ERR_CONFIG, "%s: the alias \"%s\" is there already", file->name, t->alias[i]);
	c->count++;
	return ERR_OK;
}

/* One of ours gives way to an operator's of the same type. */
static bool is_overridden(const struct catalog *c, size_t own, const char *type)
{
	for (size_t i = 0; i < own; i++)
		if (strcmp(c->template[i].type, type) == 0)
			return true;
	return false;
}

static enum err load_ours(struct catalog *c, struct errinfo *ei)
{
	size_t own = c->count;

	for (size_t i = 0; i < template_file_count; i++) {
		enum err e = load_one(c, own, &template_files[i], ei);

		if (e)
			return e;
		if (is_overridden(c, own, c->template[c->count - 1].type))
			c->count--;
	}
	return ERR_OK;
}

static void forget(struct catalog **c)
{
	if (!*c)
		return;
	arena_free(&(*c)->arena);
	free(*c);
	*c = NULL;
}

enum err template_load(const struct template_file *own, size_t n, size_t *ret_bad, struct errinfo *ei)
{
	struct catalog *next = MEM_NEW(struct catalog);
	enum err e = ERR_OK;

	next->arena = arena_new(ARENA_MAX);
	for (size_t i = 0; !e && i < n; i++) {
		*ret_bad = i;
		e = load_one(next, 0, &own[i], ei);
	}
	if (!e) {
		*ret_bad = n;
		e = load_ours(next, ei);
	}
	if (e) {
		forget(&next);
		return e;
	}
	forget(&catalog);
	catalog = next;
	return ERR_OK;
}

enum err template_load_all(struct errinfo *ei)
{
	size_t bad;

	return catalog ? ERR_OK : template_load(NULL, 0, &bad, ei);
}

size_t template_count(void)
{
	return catalog ? catalog->count : 0;
}

const struct template *template_at(size_t i)
{
	return i < template_count() ? &catalog->template[i] : NULL;
}

const struct template *template_find(struct slice type)
{
	return catalog ? find_in(catalog, 0, type) : NULL;
}

struct given {
	const struct template *t;
	struct profile_param variable[PROFILE_VARIABLES_MAX];
	struct arena *a;
	struct errinfo *ei;
	enum err e;
};

static void take_given(const char *key, const struct jsonr *value, void *arg)
{
	struct given *g = arg;
	struct slice text = jsonr_string(value);
	size_t i;

	if (g->e)
		return;
	for (i = 0; i < g->t->variable_count && strcmp(g->t->variable[i].name, key) != 0;)
		i++;
	if (i == g->t->variable_count)
		g->e = err_field(g->ei, "variables", "\"%.40s\" is no variable of the template %s",
				 slice_is_printable(slice_from(key)) ? key : "?", g->t->type);
	else if (!template_value_fits(&g->t->variable[i], text))
		g->e = err_field(g->ei, "variables", "%s must be %s", key,
				 is_base_url(g->t->variable[i].value) ? "a URL without query and without '/' at its end"
								      : "letters, digits, '.' and '-'");
	else
		g->variable[i].value = arena_strndup(g->a, text);
}

enum err template_profile(const struct template *t, const struct jsonr *variables, struct arena *a, struct profile *ret,
			  struct errinfo *ei)
{
	struct given g = {.t = t, .a = a, .ei = ei};

	memcpy(g.variable, t->variable, sizeof g.variable);
	if (jsonr_type(variables) != JSONR_ABSENT && jsonr_type(variables) != JSONR_NULL) {
		if (jsonr_type(variables) != JSONR_OBJECT)
			return err_field(ei, "variables", "must be an object");
		jsonr_each(variables, take_given, &g);
	}
	return g.e ? g.e : template_fill(t, g.variable, a, ret, ei);
}
