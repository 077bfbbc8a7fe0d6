/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One template out of its document. Must never let one through that leaves an authenticator without what it needs: where to send
 * the user and the code, what becomes of refresh tokens, and whose account it is.
 */
#include <string.h>

#include "base/mem.h"
#include "base/url.h"
#include "catalog/template_private.h"

enum { TEMPLATE_SCOPES_MAX = 100, TEMPLATE_HOSTS_MAX = 20 };

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
	v->bad = v->bad || !template_value_fits(&pair, text);
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

/* "a", "google2": names of types and aliases. */
static bool is_type_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && s.p[i] != '_' && !(i > 0 && s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	return s.n > 0 && s.n <= 32;
}

static enum err read_aliases(const struct jsonr *doc, struct arena *a, struct template *t, struct errinfo *ei)
{
	const struct jsonr *v = jsonr_get(doc, "aliases");

	if (jsonr_type(v) == JSONR_ABSENT)
		return ERR_OK;
	if (jsonr_type(v) != JSONR_ARRAY || jsonr_count(v) > TEMPLATE_ALIASES_MAX)
		return bad(ei, t, "\"aliases\" must be an array of at most 12 names");
	for (size_t i = 0; i < jsonr_count(v); i++) {
		struct slice name = jsonr_string(jsonr_at(v, i));

		if (!is_type_name(name))
			return bad(ei, t, "\"aliases\" holds something that is no name (a-z, 0-9, _)");
		t->alias[t->alias_count++] = arena_strndup(a, name);
	}
	return ERR_OK;
}

static enum err read_requires(const struct jsonr *doc, struct template *t, struct errinfo *ei)
{
	static const char *const known[] = {"par", "dpop", "private_key_jwt", "mtls", "oauth1"};
	const struct jsonr *v = jsonr_get(doc, "requires");

	for (size_t i = 0; i < jsonr_count(v); i++) {
		const char *hit = NULL;

		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			if (slice_is(jsonr_string(jsonr_at(v, i)), known[k]))
				hit = known[k];
		if (!hit || t->require_count == TEMPLATE_REQUIRES_MAX)
			return bad(ei, t, "\"requires\" holds something but par, dpop, private_key_jwt, mtls and oauth1");
		t->require[t->require_count++] = hit;
	}
	return jsonr_type(v) == JSONR_ABSENT || jsonr_type(v) == JSONR_ARRAY ? ERR_OK : bad(ei, t, "\"requires\" must be an array");
}

static enum err read_offline(const struct jsonr *doc, struct arena *a, struct template *t, struct errinfo *ei)
{
	const struct jsonr *v = jsonr_get(doc, "offline");
	const char *scope = text_of(v, "scope", a), *param = text_of(v, "param", a);

	t->offline_scope = scope ? scope : "";
	t->offline_param = param ? param : "";
	if (jsonr_type(v) != JSONR_ABSENT && (!scope == !param))
		return bad(ei, t, "\"offline\" needs either \"scope\" or \"param\"");
	if (param) {
		for (size_t i = 0; i < t->profile.param_count; i++)
			if (strcmp(t->profile.authorize_param[i].name, param) == 0)
				return ERR_OK;
		return bad(ei, t, "\"offline\" names a parameter that \"authorize_params\" lacks");
	}
	return ERR_OK;
}

static enum err read_form(const struct jsonr *doc, const char *name, struct arena *a, const struct template *t,
			  struct template_form *ret, struct errinfo *ei)
{
	static const char *const forms[] = {"uuid", "hex", "digits"};
	const struct jsonr *v = jsonr_get(doc, name);
	const char *prefix = text_of(v, "prefix", a), *suffix = text_of(v, "suffix", a), *form = text_of(v, "form", a);
	bool known = !form;

	for (size_t i = 0; form && i < ARRAY_LEN(forms); i++)
		known = known || strcmp(form, forms[i]) == 0;
	if ((jsonr_type(v) != JSONR_ABSENT && jsonr_type(v) != JSONR_OBJECT) || !known)
		return bad(ei, t, "\"client_id_form\" and \"client_secret_form\" take prefix, suffix and form (uuid, hex, digits)");
	*ret = (struct template_form){.prefix = prefix ? prefix : "", .suffix = suffix ? suffix : "", .form = form ? form : ""};
	return ERR_OK;
}

static enum err read_callback_rules(const struct jsonr *doc, struct template *t, struct errinfo *ei)
{
	const struct jsonr *v = jsonr_get(doc, "callback_rules");
	const struct {
		const char *name;
		bool *to;
	} rules[] = {
		{"https_only", &t->callback_rules.https_only},
		{"loopback_ok", &t->callback_rules.loopback_ok},
		{"localhost_refused", &t->callback_rules.localhost_refused},
		{"one_per_app", &t->callback_rules.one_per_app},
	};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct jsonr *flag = jsonr_get(v, rules[i].name);

		if (jsonr_type(flag) != JSONR_ABSENT && jsonr_type(flag) != JSONR_BOOL)
			return bad(ei, t, "\"callback_rules\" are true or false");
		*rules[i].to = jsonr_is_true(flag);
	}
	return jsonr_type(v) == JSONR_ABSENT || jsonr_type(v) == JSONR_OBJECT ? ERR_OK : bad(ei, t, "\"callback_rules\" must be an object");
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

/* YYYY-MM-DD, as far as a reader needs it. */
static bool is_date(struct slice s)
{
	return s.n == 10 && is_month(slice_sub(s, 0, 7)) && s.p[7] == '-';
}

/* Further texts for people and for those who call the provider's API. */
static enum err check_facts(const struct jsonr *doc, const struct template *t, struct errinfo *ei)
{
	const struct jsonr *urls[] = {jsonr_get(doc, "device_url"), jsonr_get(doc, "par_url")};
	const struct jsonr *hosts = jsonr_get(doc, "api_hosts"), *sets = jsonr_get(doc, "scope_sets"), *sunset = jsonr_get(doc, "sunset");

	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		if (jsonr_type(urls[i]) != JSONR_ABSENT && !slice_starts(jsonr_string(urls[i]), "https://"))
			return bad(ei, t, "\"device_url\" and \"par_url\" must be https URLs");
	if (jsonr_type(hosts) != JSONR_ABSENT && (!is_text_list(hosts) || jsonr_count(hosts) > TEMPLATE_HOSTS_MAX))
		return bad(ei, t, "\"api_hosts\" must be an array of 1 to 20 names");
	for (size_t i = 0; i < jsonr_count(sets); i++)
		if (!jsonr_get_string(jsonr_at(sets, i), "name").n || !is_text_list(jsonr_get(jsonr_at(sets, i), "scopes")))
			return bad(ei, t, "each of \"scope_sets\" needs \"name\" and \"scopes\"");
	for (size_t i = 0; i < jsonr_count(sunset); i++)
		if (!is_date(jsonr_get_string(jsonr_at(sunset, i), "date")) || !jsonr_get_string(jsonr_at(sunset, i), "what").n)
			return bad(ei, t, "each of \"sunset\" needs \"date\" (2027-02-16) and \"what\"");
	return ERR_OK;
}

/* What an authenticator cannot do without; "custom" gets it from its owner. */
static enum err check_substance(const struct jsonr *doc, const struct template *t, const struct profile *whole, struct errinfo *ei)
{
	bool by_id_token = false;

	if (strcmp(t->type, "custom") == 0 || t->require_count)
		return ERR_OK;
	if (!whole->authorize_url[0] || !whole->token_url[0])
		return bad(ei, t, "needs authorize_url and token_url");
	if (jsonr_type(jsonr_path(doc, "profile.rotation")) == JSONR_ABSENT)
		return bad(ei, t, "needs a rotation class: what becomes of a used refresh token");
	for (size_t i = 0; i < t->scope_count; i++)
		by_id_token = by_id_token || (whole->issuer[0] && strcmp(t->scopes[i], "openid") == 0);
	if (!by_id_token && !whole->answer_subject[0] && !(whole->identity_url[0] && whole->identity_subject[0]))
		return bad(ei, t, "needs a way to tell accounts apart: identity_url with identity_subject, answer_subject, or issuer and openid");
	return ERR_OK;
}

static enum err read_parts(const struct jsonr *doc, struct arena *a, struct template *t, struct errinfo *ei)
{
	enum err e = read_variables(doc, a, t, ei);

	if (!e)
		e = read_scopes(doc, a, t, ei);
	if (!e)
		e = read_aliases(doc, a, t, ei);
	if (!e)
		e = read_requires(doc, t, ei);
	if (!e)
		e = read_offline(doc, a, t, ei);
	if (!e)
		e = read_form(doc, "client_id_form", a, t, &t->client_id_form, ei);
	if (!e)
		e = read_form(doc, "client_secret_form", a, t, &t->client_secret_form, ei);
	if (!e)
		e = read_callback_rules(doc, t, ei);
	if (!e)
		e = check_facts(doc, t, ei);
	return e ? e : check_texts(doc, t, ei);
}

enum err template_parse(const struct jsonr *doc, struct arena *a, struct template *ret, struct errinfo *ei)
{
	struct template t = {.type = text_of(doc, "type", a), .display_name = text_of(doc, "display_name", a)};
	struct profile whole;
	struct errinfo why = {0};
	enum err e;

	t.document = doc;
	t.profile = *profile_default();
	if (!t.type || !is_type_name(slice_from(t.type)) || !t.display_name)
		return bad(ei, &t, "needs \"type\" (a-z, 0-9, _) and \"display_name\"");
	if (profile_overlay(jsonr_get(doc, "profile"), a, &t.profile, &why))
		return bad(ei, &t, why.detail);
	e = read_parts(doc, a, &t, ei);
	if (e)
		return e;
	if (template_fill(&t, t.variable, a, &whole, &why))
		return bad(ei, &t, why.detail);
	e = check_substance(doc, &t, &whole, ei);
	if (e)
		return e;
	*ret = t;
	return ERR_OK;
}

