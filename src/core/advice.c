/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advice, from what the template knows. Must never refuse anything: a provider may have changed since its template was written.
 */
#include "core/advice.h"

#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "core/authenticator_check.h"
#include "core/core.h"
#include "oauth/scope.h"

/* "gmail.readonly" for "https://www.googleapis.com/auth/gmail.readonly". */
static bool is_end_of(struct slice typed, struct slice scope)
{
	return typed.n >= 3 && scope.n > typed.n && slice_eq(slice_sub(scope, scope.n - typed.n, typed.n), typed) &&
	       strchr("/:.", scope.p[scope.n - typed.n - 1]);
}

static const char *nearest(const struct jsonr *known, struct slice typed, struct arena *a)
{
	struct suggest s;

	suggest_init(&s, typed);
	for (size_t i = 0; i < jsonr_count(known); i++) {
		struct slice scope = jsonr_get_string(jsonr_at(known, i), "scope");

		if (is_end_of(typed, scope))
			return arena_strndup(a, scope);
		suggest_offer(&s, arena_strndup(a, scope));
	}
	return s.best;
}

/* Words with which providers call everything. */
static bool sounds_broad(struct slice scope)
{
	return slice_is(scope, "*") || slice_is(scope, "all") || slice_starts(scope, "all:") || slice_starts(scope, "admin:") ||
	       slice_is(scope, "admin") || slice_ends(scope, ":*") || slice_ends(scope, ".all");
}

static void advise_scope(const struct jsonr *known, struct slice scope, struct arena *a, struct authenticator_input *in)
{
	const struct jsonr *entry = NULL;
	const char *near;

	for (size_t i = 0; i < jsonr_count(known) && !entry; i++)
		if (slice_eq(jsonr_get_string(jsonr_at(known, i), "scope"), scope))
			entry = jsonr_at(known, i);
	if (entry && jsonr_is_true(jsonr_get(entry, "broad"))) {
		authenticator_warn(in, arena_printf(a, "the scope %.*s gives far more than most apps need: %.*s Ask for the least that works", SLICE_ARG(scope),
				      SLICE_ARG(jsonr_get_string(entry, "sentence"))));
		return;
	}
	if (entry)
		return;
	near = nearest(known, scope, a);
	if (near)
		authenticator_warn(in, arena_printf(a, "%s has no scope %.*s that we know of; did you mean %s?", in->template->display_name, SLICE_ARG(scope), near));
	else if (sounds_broad(scope))
		authenticator_warn(in, arena_printf(a, "the scope %.*s sounds like everything: ask for the least that works", SLICE_ARG(scope)));
}

static void advise_scopes(struct arena *a, struct authenticator_input *in)
{
	const struct jsonr *known = jsonr_get(in->template->document, "known_scopes");
	struct jsonr *list;

	if (jsonr_parse(in->scopes, in->scopes.n, &list, NULL))
		return;
	jsonr_in_arena(a, list);
	for (size_t i = 0; i < jsonr_count(list); i++)
		advise_scope(known, jsonr_string(jsonr_at(list, i)), a, in);
}

static bool has_form(struct slice text, const char *form)
{
	static const char uuid[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	bool is_uuid = text.n == sizeof uuid - 1, is_hex = text.n >= 8, is_digits = text.n >= 4;

	for (size_t i = 0; i < text.n; i++) {
		bool digit = text.p[i] >= '0' && text.p[i] <= '9';
		bool hex = digit || (text.p[i] >= 'a' && text.p[i] <= 'f') || (text.p[i] >= 'A' && text.p[i] <= 'F');

		is_uuid = is_uuid && (uuid[i] == '-' ? text.p[i] == '-' : hex);
		is_hex = is_hex && hex;
		is_digits = is_digits && digit;
	}
	return strcmp(form, "uuid") == 0 ? is_uuid : strcmp(form, "hex") == 0 ? is_hex : is_digits;
}

/* Nothing known of the form: false. */
static bool looks_like(struct slice text, const struct template_form *f)
{
	if (!f->prefix[0] && !f->suffix[0] && !f->form[0])
		return false;
	return slice_starts(text, f->prefix) && slice_ends(text, f->suffix) && (!f->form[0] || has_form(text, f->form));
}

static void advise_credentials(struct arena *a, struct authenticator_input *in)
{
	const struct template *t = in->template;
	struct slice id = slice_from(in->client_id), secret = in->client_secret ? secret_expose(in->client_secret) : (struct slice){0};
	bool id_is_secret = looks_like(id, &t->client_secret_form) && !looks_like(id, &t->client_id_form);
	bool secret_is_id = secret.n && looks_like(secret, &t->client_id_form) && !looks_like(secret, &t->client_secret_form);

	if (secret.n && slice_eq(id, secret))
		authenticator_warn(in, "client_id and client_secret are the same: one of them is the other's");
	else if (id_is_secret || secret_is_id)
		authenticator_warn(in, arena_printf(a, "%s looks like %s client %s: were the two swapped?", id_is_secret ? "client_id" : "client_secret",
				      t->display_name, id_is_secret ? "secret" : "id"));
	else if ((t->client_id_form.suffix[0] || t->client_id_form.form[0]) && !looks_like(id, &t->client_id_form))
		authenticator_warn(in, arena_printf(a, "client_id does not look like one of %s's%s%s: compare it with the provider's console", t->display_name,
				      t->client_id_form.suffix[0] ? ", which end with " : "", t->client_id_form.suffix));
}

static const char *param_of(const struct profile *p, const char *name)
{
	for (size_t i = 0; i < p->param_count; i++)
		if (strcmp(p->authorize_param[i].name, name) == 0)
			return p->authorize_param[i].value;
	return NULL;
}

/* Without it the connection ends with its first access token. */
static void advise_offline(struct arena *a, struct authenticator_input *in)
{
	const struct template *t = in->template;
	const char *wanted = t->offline_param[0] ? param_of(&t->profile, t->offline_param) : NULL;
	const char *given = wanted ? param_of(&in->profile, t->offline_param) : NULL;

	if (t->offline_scope[0] && !scope_has(in->scopes, t->offline_scope))
		authenticator_warn(in, arena_printf(a, "without the scope %s %s issues no refresh token, and a connection ends with its first access token: add it",
				      t->offline_scope, t->display_name));
	if (wanted && (!given || strcmp(given, wanted) != 0))
		authenticator_warn(in, arena_printf(a, "without %s=%s %s issues no refresh token, and a connection ends with its first access token: put it into "
				      "configuration.authorize_params", t->offline_param, wanted, t->display_name));
}

static void advise_variables(const struct jsonr *given, struct arena *a, struct authenticator_input *in)
{
	const struct template *t = in->template;

	for (size_t i = 0; i < t->variable_count; i++) {
		const struct profile_param *v = &t->variable[i];

		if (jsonr_type(jsonr_get(given, v->name)) == JSONR_ABSENT)
			authenticator_warn(in, arena_printf(a, "%s is \"%s\", as nothing else was said: if yours is another, set configuration.variables.%s", v->name,
					      v->value, v->name));
	}
}

static void advise_redirect(const struct core *core, struct arena *a, struct authenticator_input *in)
{
	const struct template_callback_rules *rules = &in->template->callback_rules;
	const char *text = in->redirect_uri[0] ? in->redirect_uri : core->public_url;
	const char *name = in->template->display_name;
	struct url u;

	if (url_parse(slice_from(text), &u, NULL))
		return;
	if (in->redirect_uri[0] && url_is_loopback(&u) && !url_is_loopback(&core->public))
		authenticator_warn(in, arena_printf(a, "redirect_uri leads to the developer's own machine, but users come to %s: leave it out, or use that address",
				      core->public_url));
	if (rules->localhost_refused && slice_is_nocase(u.host, "localhost"))
		authenticator_warn(in, arena_printf(a, "%s refuses redirect URIs at localhost: use 127.0.0.1", name));
	else if (rules->https_only && !u.is_https && !(rules->loopback_ok && url_is_loopback(&u)))
		authenticator_warn(in, arena_printf(a, "%s takes redirect URIs with https only: give this service an https address (FIBERWISE_PUBLIC_URL)", name));
}

void advice_give(const struct core *core, const struct jsonr *body, bool is_new, struct arena *a, struct authenticator_input *in)
{
	bool provider = in->template && strcmp(in->template->type, "custom") != 0;

	if (!in->template)
		return; /* of a type whose template went since */
	if (is_new || jsonr_get(body, "scopes"))
		advise_scopes(a, in);
	if (provider && (is_new || jsonr_get(body, "client_id") || jsonr_get(body, "client_secret")))
		advise_credentials(a, in);
	if (provider && (is_new || jsonr_get(body, "scopes") || jsonr_get(body, "configuration")))
		advise_offline(a, in);
	if (provider && is_new)
		advise_variables(jsonr_path(body, "configuration.variables"), a, in);
	if (is_new || jsonr_get(body, "redirect_uri"))
		advise_redirect(core, a, in);
}
