/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a developer's JSON to checked values. Must never repeat a client secret in a message.
 */
#include "core/authenticator_input.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/template_directory.h"
#include "core/advice.h"
#include "core/authenticator_check.h"
#include "core/authenticator_discovery.h"
#include "core/authenticators.h"
#include "core/issuer_keys.h"
#include "core/line.h"
#include "core/profiles.h"
#include "oauth/scope.h"

enum { NAME_MAX = 100, CLIENT_ID_MAX = 512, CLIENT_SECRET_MAX = 4096, CONFIGURATION_MAX = 256 * 1024, KEPT_MAX = 8 * 1024 };

/* Fields that a caller may send, and those only we may set (AP-04). */
static const char *const known_fields[] = {
	"name", "authenticator_name", "display_name", "system_name", "authenticator_type", "client_id", "client_secret",
	"redirect_uri", "authorize_url", "auth_uri", "token_url", "token_uri", "scopes", "configuration", "is_active",
	"app_id",
};
static const char *const server_fields[] = {
	"id", "authenticator_id", "created_at", "updated_at", "endpoint_rev", "generation", "status", "paused_cause", "paused_until",
};

static bool in_list(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

struct sorting {
	struct arena *arena;
	struct authenticator_input *in;
	const struct authenticator_row *row; /* NULL for a new one */
	struct errinfo *ei;
};

/* What a server-owned field shows; NULL: nothing. `at` is room for a time. */
static const char *server_value(const struct authenticator_row *r, const char *key, char at[CLOCK_RFC3339_BYTES])
{
	const bool updated = strcmp(key, "updated_at") == 0, until = strcmp(key, "paused_until") == 0;

	if (strcmp(key, "id") == 0 || strcmp(key, "authenticator_id") == 0)
		return r->authenticator_id;
	if (strcmp(key, "status") == 0)
		return authenticators_status(r);
	if (strcmp(key, "paused_cause") == 0)
		return r->client_failures ? r->paused_cause : NULL;
	if (!updated && !until && strcmp(key, "created_at") != 0)
		return NULL;
	clock_rfc3339(updated ? r->updated_at : until ? r->paused_until : r->created_at, at);
	return at;
}

/* Server-owned fields may be sent back as they were read, so that GET, edit, PUT works. */
static void sort_field(const char *key, const struct jsonr *value, void *arg)
{
	struct sorting *s = arg;

	if (s->row && strcmp(key, "app_id") == 0 && jsonr_type(value) != JSONR_NULL) {
		if (!slice_is(jsonr_string(value), s->row->app_id))
			err_field(s->ei, key, "cannot be changed: register the authenticator in the other app");
		return;
	}
	if (in_list(known_fields, ARRAY_LEN(known_fields), key))
		return;
	if (in_list(server_fields, ARRAY_LEN(server_fields), key)) {
		char at[CLOCK_RFC3339_BYTES];
		const char *is = s->row ? server_value(s->row, key, at) : NULL;

		if (jsonr_type(value) != JSONR_NULL && !(is && slice_is(jsonr_string(value), is)))
			err_field(s->ei, key, "is set by the server: leave it out");
		return;
	}
	s->in->ignored[s->in->ignored_count++] = arena_strdup(s->arena, key);
}

/* A text field under one of two names. p NULL when absent, null or "". */
static struct slice text_field(const struct jsonr *body, const char *name, const char *other, struct errinfo *ei)
{
	const struct jsonr *v = jsonr_get(body, name);
	struct slice text;

	if (jsonr_type(v) == JSONR_ABSENT || jsonr_type(v) == JSONR_NULL) {
		if (other)
			return text_field(body, other, NULL, ei);
		return (struct slice){0};
	}
	if (jsonr_type(v) != JSONR_STRING) {
		err_field(ei, name, "must be a text");
		return (struct slice){0};
	}
	text = slice_trim(jsonr_string(v));
	return text.n ? text : (struct slice){0};
}

const char *authenticator_input_configuration(const struct profile *p, struct arena *a)
{
	struct jsonw w;
	struct buf text;
	const char *copy;

	buf_init(&text, CONFIGURATION_MAX);
	jsonw_init(&w, &text);
	profile_write(p, &w, NULL);
	assert(buf_ok(&text)); /* the parts of a profile are capped far below */
	copy = arena_strndup(a, buf_slice(&text));
	buf_done(&text);
	return copy;
}

/* What is kept of each is bounded, so that the list of all of an app's fits into one answer. */
static void check_size(const struct authenticator_input *in, struct arena *a, struct errinfo *ei)
{
	if (strlen(authenticator_input_configuration(&in->profile, a)) > KEPT_MAX)
		err_field(ei, "configuration", "is longer than %d bytes", KEPT_MAX);
	if (in->scopes.n > KEPT_MAX)
		err_field(ei, "scopes", "are longer than %d bytes together", KEPT_MAX);
}

/* The developer's configuration laid over the profile, member by member. */
static enum err merge_configuration(const struct jsonr *configuration, struct arena *a, struct profile *io,
				    struct errinfo *ei)
{
	enum err e;

	if (jsonr_type(configuration) == JSONR_ABSENT || jsonr_type(configuration) == JSONR_NULL)
		return ERR_OK;
	if (jsonr_type(configuration) != JSONR_OBJECT)
		return err_field(ei, "configuration", "must be an object");
	e = profile_overlay(configuration, a, io, ei);
	if (!e)
		e = profile_check(io, ei);
	return e && !ei->field_count ? err_field(ei, "configuration", "%s", ei->detail) : e;
}

static void take_url(const struct jsonr *body, const char *name, const char *other, struct arena *a, const char **io,
		     struct errinfo *ei)
{
	struct slice text = text_field(body, name, other, ei);

	if (text.n)
		*io = arena_strndup(a, text);
}

/* What new and changed authenticators have in common; values already in `in` stand where the body has none. */
static void take_fields(const struct jsonr *body, struct arena *a, struct authenticator_input *in, struct errinfo *ei)
{
	const struct jsonr *scopes = jsonr_get(body, "scopes"), *active = jsonr_get(body, "is_active");
	struct slice name = text_field(body, "name", "authenticator_name", ei);
	struct slice id = text_field(body, "client_id", NULL, ei), secret = text_field(body, "client_secret", NULL, ei);

	if (!name.n && !in->name[0])
		name = text_field(body, "system_name", "display_name", ei);
	if (name.n) {
		authenticator_check_text(name, "name", NAME_MAX, false, ei);
		in->name = arena_strndup(a, name);
	}
	if (id.n) {
		authenticator_check_text(id, "client_id", CLIENT_ID_MAX, true, ei);
		in->client_id = arena_strndup(a, id);
	}
	if (secret.n) {
		authenticator_check_text(secret, "client_secret", CLIENT_SECRET_MAX, false, ei);
		in->client_secret = secret_in_arena(a, secret_new(secret));
	}
	merge_configuration(jsonr_get(body, "configuration"), a, &in->profile, ei);
	take_url(body, "authorize_url", "auth_uri", a, &in->profile.authorize_url, ei);
	take_url(body, "token_url", "token_uri", a, &in->profile.token_url, ei);
	take_url(body, "redirect_uri", NULL, a, &in->redirect_uri, ei);
	if (jsonr_type(scopes) != JSONR_ABSENT && jsonr_type(scopes) != JSONR_NULL)
		scope_from_json(scopes, a, &in->scopes, ei);
	if (jsonr_type(active) == JSONR_BOOL)
		in->is_active = jsonr_is_true(active);
	else if (jsonr_type(active) != JSONR_ABSENT && jsonr_type(active) != JSONR_NULL)
		err_field(ei, "is_active", "must be true or false");
}

static struct slice default_scopes(const struct template *t, struct arena *a)
{
	struct jsonw w;
	struct buf text;
	struct slice copy;

	buf_init(&text, 8192);
	jsonw_init(&w, &text);
	jsonw_array(&w, NULL);
	for (size_t i = 0; i < t->scope_count; i++)
		jsonw_string(&w, NULL, t->scopes[i]);
	jsonw_array_end(&w);
	copy = arena_copy(a, buf_slice(&text));
	buf_done(&text);
	return copy;
}

/* Without what it insists on the provider would refuse every user, one after the other. */
static enum err refuse_requirement(const struct template *t, struct errinfo *ei)
{
	CLEANUP(buf_done) struct buf list;

	buf_init(&list, 100);
	for (size_t i = 0; i < t->require_count; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", t->require[i]);
	return err_field(ei, "authenticator_type", "%s insists on %s, which this version does not do: its accounts cannot be connected yet",
			 t->display_name, buf_cstr(&list));
}

static enum err start_from_template(const struct jsonr *body, struct arena *a, struct authenticator_input *in,
				    struct errinfo *ei)
{
	struct slice type = text_field(body, "authenticator_type", NULL, ei);

	if (!type.n)
		return err_field(ei, "authenticator_type", "is required: the name of a template (GET /api/v1/oauth/templates), or custom");
	in->template = template_find(type);
	if (!in->template) {
		err_hint(ei, ERR_UNPROCESSABLE, "GET /api/v1/oauth/templates lists the known types; \"custom\" takes any OAuth 2.0 provider.");
		return err_field(ei, "authenticator_type", "no template is called \"%.*s\"; for an unlisted provider use \"custom\"",
				 (int)(type.n > 60 ? 60 : type.n), type.p);
	}
	if (in->template->require_count)
		return refuse_requirement(in->template, ei);
	in->scopes = default_scopes(in->template, a);
	return template_profile(in->template, jsonr_path(body, "configuration.variables"), a, &in->profile, ei);
}

static bool tells_accounts_apart(const struct authenticator_input *in)
{
	const struct profile *p = &in->profile;

	return p->identity_url[0] || p->answer_subject[0] || (issuer_keys_possible(p) && scope_has(in->scopes, "openid"));
}

/* Whether there is more to come: the metadata of the issuer, in place of the endpoints. */
static void discover(const struct authenticator_wish *wish, struct arena *a, struct authenticator_input *in, struct errinfo *ei)
{
	const char *issuer = authenticator_discovery_wanted(&in->profile);

	in->discover = "";
	if (issuer[0] && wish->metadata.n)
		authenticator_discovery_fill(wish->metadata, jsonr_get(wish->body, "configuration"), a, &in->profile, ei);
	else
		in->discover = issuer;
}

enum err authenticator_input_new(struct core *core, const struct authenticator_wish *wish, struct arena *a,
				 struct authenticator_input *ret, struct errinfo *ei)
{
	const struct jsonr *body = wish->body;
	struct authenticator_input in = {.name = "", .client_id = "", .redirect_uri = "", .is_active = true};
	struct sorting s = {.arena = a, .in = &in, .ei = ei};
	enum err e;

	template_directory_look(core->templates, core_now(core));
	e = start_from_template(body, a, &in, ei);

	if (e && e != ERR_UNPROCESSABLE)
		return e;
	if (e) {
		/* The rest can be checked only against a filled-in template; name what is missing all the same. */
		if (!text_field(body, "name", "authenticator_name", ei).n)
			err_field(ei, "name", "is required");
		if (!text_field(body, "client_id", NULL, ei).n)
			err_field(ei, "client_id", "is required: the provider's console shows it");
		if (!text_field(body, "client_secret", NULL, ei).n)
			err_field(ei, "client_secret", "is required, but for public clients");
		return ERR_UNPROCESSABLE;
	}
	in.ignored = ARENA_NEW_N(a, jsonr_count(body) + 1, const char *);
	jsonr_each(body, sort_field, &s);
	take_fields(body, a, &in, ei);
	discover(wish, a, &in, ei);
	if (!in.name[0])
		err_field(ei, "name", "is required");
	if (!in.client_id[0])
		err_field(ei, "client_id", "is required: the provider's console shows it");
	if (!in.client_secret && in.profile.auth != CLIENT_AUTH_NONE)
		err_field(ei, "client_secret", "is required (a public client says \"token_endpoint_auth_method\": \"none\" in its configuration)");
	if (!in.discover[0] && !(wish->metadata.n && ei->field_count)) /* else they may be missing, and what for was said */
		authenticator_check_profile(core, &in.profile, ei);
	authenticator_check_redirect(core, &in, ei);
	if (!tells_accounts_apart(&in))
		authenticator_warn(&in, "nothing here says whose account it is, so each user can have one account of this provider: set configuration.identity_url (and identity_subject) to the provider's \"who am I\" address");
	check_size(&in, a, ei);
	if (ei->field_count)
		return ERR_UNPROCESSABLE;
	advice_give(core, body, true, a, &in);
	*ret = in;
	return ERR_OK;
}

static bool same_endpoints(const struct profile *p, const struct profile *q)
{
	return strcmp(p->authorize_url, q->authorize_url) == 0 && strcmp(p->token_url, q->token_url) == 0 &&
	       strcmp(p->refresh_url, q->refresh_url) == 0 && strcmp(p->revoke_url, q->revoke_url) == 0 &&
	       strcmp(p->identity_url, q->identity_url) == 0 && strcmp(p->issuer, q->issuer) == 0 && strcmp(p->jwks_url, q->jwks_url) == 0;
}

enum err authenticator_input_change(struct core *core, const struct authenticator_row *row, const struct jsonr *body,
				    struct arena *a, struct authenticator_input *ret, bool *ret_endpoints_changed,
				    struct errinfo *ei)
{
	struct authenticator_input in = {
		.name = row->authenticator_name,
		.template = template_find(slice_from(row->authenticator_type)),
		.client_id = row->client_id,
		.redirect_uri = row->redirect_uri,
		.scopes = slice_from(row->scopes),
		.is_active = row->is_active != 0,
	};
	struct sorting s = {.arena = a, .in = &in, .row = row, .ei = ei};
	struct profile before;
	struct slice type;
	enum err e = profiles_read(core->profiles, row->configuration, a, &before, ei);

	if (e)
		return e;
	in.profile = before;
	in.ignored = ARENA_NEW_N(a, jsonr_count(body) + 1, const char *);
	jsonr_each(body, sort_field, &s);
	type = text_field(body, "authenticator_type", NULL, ei);
	if (type.n && !slice_is_nocase(type, row->authenticator_type) && (!in.template || template_find(type) != in.template))
		err_field(ei, "authenticator_type", "cannot be changed: delete this authenticator and register another");
	take_fields(body, a, &in, ei);
	authenticator_check_profile(core, &in.profile, ei);
	if (strcmp(in.redirect_uri, row->redirect_uri) != 0)
		authenticator_check_redirect(core, &in, ei);
	*ret_endpoints_changed = !same_endpoints(&before, &in.profile);
	/* Also when the same change turns client authentication off: it could be turned on again, for the new endpoint. */
	if (*ret_endpoints_changed && !in.client_secret && (in.profile.auth != CLIENT_AUTH_NONE || row->client_secret.bytes.n))
		err_field(ei, "client_secret", "is needed again, because an endpoint changes: it says that whoever changes it owns the OAuth app");
	else if (in.profile.auth != CLIENT_AUTH_NONE && !in.client_secret && !row->client_secret.bytes.n)
		err_field(ei, "client_secret", "is required: there is none yet, and the configuration says that this is no public client");
	check_size(&in, a, ei);
	if (ei->field_count)
		return ERR_UNPROCESSABLE;
	advice_give(core, body, false, a, &in);
	*ret = in;
	return ERR_OK;
}
