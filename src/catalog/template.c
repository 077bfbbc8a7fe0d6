/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we know of providers, from the JSON files that the build put into the program. Everything a
 * template says is checked when it is loaded, so that a broken file fails the build's tests and not
 * a user. Must never fetch or read anything at run time.
 */
#include "catalog/template.h"

#include <string.h>

#include "base/mem.h"
#include "base/url.h"
#include "catalog/template_data.h"

enum {
	TEMPLATE_FILE_MAX = 64 * 1024,
	TEMPLATES_MAX = 128,
	TEMPLATE_SCOPES_MAX = 100,
	ARENA_MAX = 4 << 20,
	VARIABLE_MAX_BYTES = 200,
};

static struct {
	struct arena *arena;
	struct template template[TEMPLATES_MAX];
	size_t count;
} catalog;

/* The members of a profile in which {variables} may stand. */
static const size_t filled[] = {
	offsetof(struct profile, authorize_url), offsetof(struct profile, token_url),
	offsetof(struct profile, revoke_url),	 offsetof(struct profile, issuer),
	offsetof(struct profile, identity_url),
};

static const char **text_at(struct profile *p, size_t offset)
{
	return (const char **)(void *)((char *)p + offset);
}

static enum err bad(struct errinfo *ei, const struct template *t, const char *what)
{
	return err_set(ei, ERR_CONFIG, "template \"%s\": %s", t->type ? t->type : "?", what);
}

static const char *text_of(const struct jsonr *doc, const char *name, struct arena *a)
{
	struct slice text = jsonr_get_string(doc, name);

	return text.n && slice_is_utf8(text) ? arena_strndup(a, text) : NULL;
}

/* RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ). */
static bool is_scope(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7E || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == ',')
			return false;
	return s.n > 0 && s.n <= 256;
}

static bool is_variable_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && s.p[i] != '_')
			return false;
	return s.n > 0 && s.n <= 32;
}

static bool is_base_url(const char *value)
{
	return strncmp(value, "https://", 8) == 0 || strncmp(value, "http://", 7) == 0;
}

/* A base URL where the default is one, else a plain word: nothing that could move the host of a URL it is put into. */
static bool value_fits(const struct profile_param *variable, struct slice value)
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

static enum err fill_profile(const struct template *t, const struct profile_param *variable, struct arena *a,
			     struct profile *ret, struct errinfo *ei)
{
	struct profile p = t->profile;

	for (size_t i = 0; i < ARRAY_LEN(filled); i++) {
		const char **text = text_at(&p, filled[i]);
		CLEANUP(buf_done) struct buf out;

		buf_init(&out, PROFILE_TEXT_MAX);
		if (!fill(*text, variable, t->variable_count, &out))
			return bad(ei, t, "a URL has a {variable} without a default, or is too long");
		*text = arena_strndup(a, buf_slice(&out));
	}
	if (profile_check(&p, ei))
		return ERR_UNPROCESSABLE;
	*ret = p;
	return ERR_OK;
}

struct variables {
	struct template *t;
	struct arena *a;
	bool bad;
};

static void take_variable(const char *key, const struct jsonr *value, void *arg)
{
	struct variables *v = arg;
	struct slice name = slice_from(key), text = jsonr_string(value);
	struct profile_param pair;

	if (!is_variable_name(name) || !text.p || v->t->variable_count == PROFILE_VARIABLES_MAX) {
		v->bad = true;
		return;
	}
	pair = (struct profile_param){arena_strndup(v->a, name), arena_strndup(v->a, text)};
	v->bad = v->bad || !value_fits(&pair, text);
	v->t->variable[v->t->variable_count++] = pair;
}

static enum err read_variables(const struct jsonr *doc, struct arena *a, struct template *t, struct errinfo *ei)
{
	const struct jsonr *v = jsonr_get(doc, "variables");
	struct variables variables = {.t = t, .a = a};

	if (jsonr_type(v) == JSONR_ABSENT)
		return ERR_OK;
	jsonr_each(v, take_variable, &variables);
	if (jsonr_type(v) != JSONR_OBJECT || variables.bad)
		return bad(ei, t, "\"variables\" must be an object of names (a-z, _) and fitting defaults");
	return ERR_OK;
}

static enum err read_scopes(const struct jsonr *doc, struct arena *a, struct template *t, struct errinfo *ei)
{
	const struct jsonr *list = jsonr_get(doc, "scopes"), *known = jsonr_get(doc, "known_scopes");
	const char **scopes;

	if (jsonr_type(list) != JSONR_ARRAY || jsonr_count(list) > TEMPLATE_SCOPES_MAX)
		return bad(ei, t, "\"scopes\" must be an array");
	scopes = ARENA_NEW_N(a, jsonr_count(list) + 1, const char *);
	for (size_t i = 0; i < jsonr_count(list); i++) {
		struct slice scope = jsonr_string(jsonr_at(list, i));

		if (!is_scope(scope))
			return bad(ei, t, "\"scopes\" holds something that is no scope");
		scopes[i] = arena_strndup(a, scope);
	}
	t->scopes = scopes;
	t->scope_count = jsonr_count(list);
	if (jsonr_type(known) != JSONR_ARRAY)
		return bad(ei, t, "\"known_scopes\" must be an array");
	for (size_t i = 0; i < jsonr_count(known); i++) {
		const struct jsonr *entry = jsonr_at(known, i);

		if (!is_scope(jsonr_get_string(entry, "scope")) || !text_of(entry, "sentence", a))
			return bad(ei, t, "each of \"known_scopes\" needs \"scope\" and \"sentence\"");
	}
	return ERR_OK;
}

static bool is_text_list(const struct jsonr *list)
{
	for (size_t i = 0; i < jsonr_count(list); i++)
		if (jsonr_string(jsonr_at(list, i)).n == 0)
			return false;
	return jsonr_type(list) == JSONR_ARRAY && jsonr_count(list) > 0;
}

/* "2026-11". */
static bool is_month(struct slice s)
{
	uint64_t year, month;

	return s.n == 7 && s.p[4] == '-' && slice_to_u64(slice_sub(s, 0, 4), 2999, &year) && year >= 2024 &&
	       slice_to_u64(slice_sub(s, 5, 2), 12, &month) && month >= 1;
}

/* What a person reads: the guide, and where our facts are from. */
static enum err check_texts(const struct jsonr *doc, const struct template *t, struct errinfo *ei)
{
	const struct jsonr *guide = jsonr_get(doc, "guide"), *sources = jsonr_get(doc, "sources");
	struct url url;

	if (!is_text_list(jsonr_get(guide, "steps")) || !is_text_list(jsonr_get(guide, "mistakes")))
		return bad(ei, t, "\"guide\" needs \"steps\" and \"mistakes\", arrays of sentences");
	if (jsonr_type(sources) != JSONR_ARRAY || jsonr_count(sources) == 0)
		return bad(ei, t, "\"sources\" must name where its facts are from");
	for (size_t i = 0; i < jsonr_count(sources); i++) {
		const struct jsonr *source = jsonr_at(sources, i);

		if (url_parse(jsonr_get_string(source, "url"), &url, NULL) ||
		    !is_month(jsonr_get_string(source, "date")))
			return bad(ei, t, "each of \"sources\" needs \"url\" and \"date\" (2026-11)");
	}
	return ERR_OK;
}

enum err template_parse(const struct jsonr *doc, struct arena *a, struct template *ret, struct errinfo *ei)
{
	struct template t = {.type = text_of(doc, "type", a), .display_name = text_of(doc, "display_name", a)};
	struct profile whole;
	struct errinfo why = {0};
	enum err e;

	t.document = doc;
	t.profile = *profile_default();
	if (!t.type || !is_variable_name(slice_from(t.type)) || !t.display_name)
		return bad(ei, &t, "needs \"type\" (a-z, _) and \"display_name\"");
	if (profile_overlay(jsonr_get(doc, "profile"), a, &t.profile, &why))
		return bad(ei, &t, why.detail);
	e = read_variables(doc, a, &t, ei);
	if (!e)
		e = read_scopes(doc, a, &t, ei);
	if (!e)
		e = check_texts(doc, &t, ei);
	if (e)
		return e;
	if (fill_profile(&t, t.variable, a, &whole, &why))
		return bad(ei, &t, why.detail);
	if (strcmp(t.type, "custom") != 0 && (!whole.authorize_url[0] || !whole.token_url[0]))
		return bad(ei, &t, "needs authorize_url and token_url");
	*ret = t;
	return ERR_OK;
}

static enum err load_one(const struct template_file *file, struct errinfo *ei)
{
	struct template *t = &catalog.template[catalog.count];
	struct jsonr *doc;
	struct errinfo why = {0};

	if (catalog.count == TEMPLATES_MAX)
		return err_set(ei, ERR_CONFIG, "%s: there are more than %d templates", file->name, TEMPLATES_MAX);
	if (jsonr_parse(slice_make(file->text, file->bytes), TEMPLATE_FILE_MAX, &doc, &why))
		return err_set(ei, ERR_CONFIG, "%s: %s", file->name, why.detail);
	jsonr_in_arena(catalog.arena, doc);
	if (template_parse(doc, catalog.arena, t, &why))
		return err_set(ei, ERR_CONFIG, "%s: %s", file->name, why.detail);
	if (template_find(slice_from(t->type)))
		return err_set(ei, ERR_CONFIG, "%s: the type \"%s\" is there already", file->name, t->type);
	catalog.count++;
	return ERR_OK;
}

enum err template_load_all(struct errinfo *ei)
{
	if (catalog.arena)
		return ERR_OK;
	catalog.arena = arena_new(ARENA_MAX);
	for (size_t i = 0; i < template_file_count; i++) {
		enum err e = load_one(&template_files[i], ei);

		if (e) {
			catalog.count = 0;
			arena_free(&catalog.arena);
			return e;
		}
	}
	return ERR_OK;
}

size_t template_count(void)
{
	return catalog.count;
}

const struct template *template_at(size_t i)
{
	return i < catalog.count ? &catalog.template[i] : NULL;
}

const struct template *template_find(struct slice type)
{
	for (size_t i = 0; i < catalog.count; i++)
		if (slice_is_nocase(type, catalog.template[i].type))
			return &catalog.template[i];
	return NULL;
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
	else if (!value_fits(&g->t->variable[i], text))
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
	return g.e ? g.e : fill_profile(t, g.variable, a, ret, ei);
}
