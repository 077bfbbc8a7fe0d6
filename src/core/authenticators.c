/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of oauth_authenticators. Must never hand out a client secret but to a request to the token endpoint. */
#include "core/authenticators.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "core/connections.h"
#include "core/events.h"
#include "core/profiles.h"
#include "core/vault.h"

enum { BATCH_BYTES_MAX = 16 << 20 };

static struct seal_place secret_place(const char *id)
{
	return (struct seal_place){.table = "oauth_authenticators", .row = id, .column = "client_secret"};
}

/* ASCII letters folded; the rest of the name compares byte for byte. */
static const char *name_key(const char *name, struct arena *a)
{
	char *key = arena_strdup(a, name);

	for (char *c = key; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + ('a' - 'A'));
	return key;
}

static enum err name_taken(const char *name, struct errinfo *ei)
{
	err_hint(ei, ERR_CONFLICT, "Change the existing one: fiber app oauth update-authenticator \"%s\" …, or choose another name.", name);
	return err_set(ei, ERR_CONFLICT, "this app has an authenticator called \"%s\" already", name);
}

/* Two authenticators may share a redirect URI only with the same provider: else a code could go to the wrong one (OA-05). */
static enum err check_shared_redirect(struct core *core, const char *redirect_uri, const char *own_id,
				      const struct profile *p, struct arena *a, struct errinfo *ei)
{
	struct authenticator_row *rows;
	struct url mine[2], theirs[2];
	size_t n;
	enum err e = store_list(core->store, SQL_AUTHENTICATORS_OF_REDIRECT, STORE_PARAMS(STORE_TEXT(redirect_uri)), 1000, a,
				&rows, &n, ei);

	if (e)
		return e;
	if (url_parse(slice_from(p->authorize_url), &mine[0], NULL) || url_parse(slice_from(p->token_url), &mine[1], NULL))
		return ERR_INTERNAL;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].authenticator_id, own_id) == 0)
			continue;
		if (!url_parse(slice_from(rows[i].authorize_url), &theirs[0], NULL) &&
		    !url_parse(slice_from(rows[i].token_url), &theirs[1], NULL) &&
		    url_same_origin(&mine[0], &theirs[0]) && url_same_origin(&mine[1], &theirs[1]))
			continue;
		return err_field(ei, "redirect_uri", "is used by an authenticator of another provider; use the default, %s/auth/callback/%s",
				 core->public_url, own_id);
	}
	return ERR_OK;
}

static enum err add_event(struct core *core, const struct caller *c, const struct authenticator_row *row,
			  const char *kind, struct errinfo *ei)
{
	const struct event_row event = {.kind = kind, .app_id = row->app_id, .authenticator_id = row->authenticator_id,
					.user_id = c->owner.user_id, .actor = c->actor};

	return events_add(core, &event, ei);
}

struct registering {
	struct core *core;
	const struct caller *caller;
	const struct authenticator_row *row;
	const struct profile *profile;
	struct arena *arena;
	bool name_taken;
};

/* Room for one more; so there are never more than can be listed. */
static enum err check_room(struct core *core, const char *app_id, struct arena *a, struct errinfo *ei)
{
	struct authenticator_row *rows;
	size_t n;
	enum err e = authenticators_list(core, app_id, a, &rows, &n, ei);

	if (e || n < AUTHENTICATORS_MAX)
		return e;
	err_hint(ei, ERR_CONFLICT, "Delete one that is not used any more, or use another app.");
	err_set(ei, ERR_CONFLICT, "this app has %d authenticators already", AUTHENTICATORS_MAX);
	return err_code(ei, ERR_CONFLICT, "limit_reached");
}

/* The checks are in the transaction: two workers may register at once. */
static enum err insert(void *arg, struct errinfo *ei)
{
	struct registering *r = arg;
	enum err e = check_shared_redirect(r->core, r->row->redirect_uri, r->row->id, r->profile, r->arena, ei);

	if (!e)
		e = check_room(r->core, r->row->app_id, r->arena, ei);
	if (e)
		return e;
	e = store_insert(r->core->store, TABLE_AUTHENTICATORS, r->row, ei);
	r->name_taken = e == ERR_CONFLICT;
	return e ? e : add_event(r->core, r->caller, r->row, "authenticator_registered", ei);
}

enum err authenticators_register(struct core *core, const struct caller *c, const struct app_row *app,
				 const struct authenticator_input *in, struct arena *a, struct authenticator_row *ret,
				 struct errinfo *ei)
{
	char id[RANDOM_ID_BYTES];
	struct authenticator_row row = {
		.authenticator_name = in->name,
		.authenticator_type = arena_strdup(a, in->template->type),
		.client_id = in->client_id,
		.authorize_url = in->profile.authorize_url,
		.token_url = in->profile.token_url,
		.scopes = arena_strndup(a, in->scopes),
		.configuration = authenticator_input_configuration(&in->profile, a),
		.is_active = in->is_active,
		.created_at = core_now(core),
		.updated_at = core_now(core),
		.app_id = app->app_id,
		.name_key = name_key(in->name, a),
		.endpoint_rev = 1,
	};
	struct registering r = {.core = core, .caller = c, .row = &row, .profile = &in->profile, .arena = a};
	struct seal_place place;
	enum err e;

	assert(!in->discover[0]);
	random_id(id);
	row.id = row.authenticator_id = arena_strdup(a, id);
	row.redirect_uri = in->redirect_uri[0] ? in->redirect_uri
					       : arena_printf(a, "%s/auth/callback/%s", core->public_url, id);
	place = secret_place(row.id);
	e = vault_seal(core, app->app_id, &place, in->client_secret, a, &row.client_secret, ei);
	if (!e)
		e = store_transaction(core->store, insert, &r, ei);
	if (r.name_taken)
		return name_taken(in->name, ei);
	if (!e)
		*ret = row;
	return e;
}

enum err authenticators_list(struct core *core, const char *app_id, struct arena *a, struct authenticator_row **ret,
			     size_t *ret_n, struct errinfo *ei)
{
	return store_list(core->store, SQL_AUTHENTICATORS_OF_APP, STORE_PARAMS(STORE_TEXT(app_id)), AUTHENTICATORS_MAX, a, ret,
			  ret_n, ei);
}

enum err authenticators_missing(struct errinfo *ei)
{
	err_hint(ei, ERR_NOT_FOUND, "List what there is: fiber app oauth list-authenticators, or GET /api/v1/oauth/authenticators.");
	return err_set(ei, ERR_NOT_FOUND, "Authenticator not found: no active authenticator of this app has that id, name or type");
}

enum err authenticators_get(struct core *core, const struct caller *c, struct slice id, struct arena *a,
			    struct authenticator_row *ret, struct errinfo *ei)
{
	struct authenticator_row row;
	struct app_row app;
	enum err e = store_find(core->store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_SLICE(id)), a, &row, ei);

	if (!e && row.deleted_at == 0)
		e = store_find(core->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT(row.app_id)), a, &app, ei);
	if (e == ERR_NOT_FOUND || (!e && (row.deleted_at != 0 || !access_reaches(c, &app))))
		return authenticators_missing(ei);
	if (!e)
		*ret = row;
	return e;
}

struct updating {
	struct core *core;
	const struct caller *caller;
	const struct authenticator_row *row;
	const struct profile *profile;
	struct arena *arena;
	int64_t before_at;
	bool new_client; /* another id, secret or way to send them: the provider is asked again at once */
};

static enum err update(void *arg, struct errinfo *ei)
{
	struct updating *u = arg;
	const struct authenticator_row *r = u->row;
	enum err e = check_shared_redirect(u->core, r->redirect_uri, r->id, u->profile, u->arena, ei);

	if (e)
		return e;
	e = store_change_one(
		u->core->store, SQL_AUTHENTICATOR_UPDATE,
		STORE_PARAMS(STORE_TEXT(r->authenticator_id), STORE_TEXT(r->authenticator_name), STORE_TEXT(r->name_key),
			     STORE_TEXT(r->client_id), STORE_SEALED(r->client_secret), STORE_TEXT(r->redirect_uri),
			     STORE_TEXT(r->authorize_url), STORE_TEXT(r->token_url), STORE_TEXT(r->scopes),
			     STORE_TEXT(r->configuration), STORE_INT(r->is_active), STORE_INT(r->updated_at),
			     STORE_INT(r->endpoint_rev), STORE_INT(u->before_at)), ei);
	if (!e && u->new_client)
		e = store_change(u->core->store, SQL_AUTHENTICATOR_RESUME, STORE_PARAMS(STORE_TEXT(r->authenticator_id)), NULL, ei);
	return e ? e : add_event(u->core, u->caller, r, "authenticator_updated", ei);
}

enum err authenticators_update(struct core *core, const struct caller *c, const struct authenticator_input *in,
			       bool endpoints_changed, struct arena *a, struct authenticator_row *io,
			       struct errinfo *ei)
{
	struct authenticator_row row = *io;
	struct updating u = {.core = core, .caller = c, .row = &row, .profile = &in->profile, .arena = a, .before_at = io->updated_at};
	struct seal_place place = secret_place(row.id);
	enum err e = ERR_OK;

	row.authenticator_name = in->name;
	row.name_key = name_key(in->name, a);
	row.client_id = in->client_id;
	row.redirect_uri = in->redirect_uri;
	row.authorize_url = in->profile.authorize_url;
	row.token_url = in->profile.token_url;
	row.scopes = arena_strndup(a, in->scopes);
	row.configuration = authenticator_input_configuration(&in->profile, a);
	row.is_active = in->is_active;
	/* Strictly later, so that it also tells two changes within a millisecond apart. */
	row.updated_at = core_now(core) > io->updated_at ? core_now(core) : io->updated_at + 1;
	if (endpoints_changed)
		row.endpoint_rev++;
	u.new_client = in->client_secret || strcmp(row.client_id, io->client_id) != 0 ||
		       strcmp(row.configuration, io->configuration) != 0;
	if (u.new_client) {
		row.client_failures = row.paused_until = 0;
		row.paused_cause = "";
	}
	if (in->client_secret)
		e = vault_seal(core, row.app_id, &place, in->client_secret, a, &row.client_secret, ei);
	if (!e)
		e = store_transaction(core->store, update, &u, ei);
	if (e == ERR_CONFLICT && strcmp(row.name_key, io->name_key) != 0)
		return name_taken(in->name, ei);
	if (!e)
		*io = row;
	return e;
}

struct deleting {
	struct core *core;
	const struct caller *caller;
	const struct authenticator_row *row;
	struct arena *arena;
	const char **grants;
	size_t n, room;
	bool done;
};

static void note_grant(struct deleting *d, const char *grant_id)
{
	if (d->n == d->room) {
		const char **bigger = ARENA_NEW_N(d->arena, d->room * 2 + 64, const char *);

		if (d->n)
			memcpy(bigger, d->grants, d->n * sizeof *bigger);
		d->grants = bigger;
		d->room = d->room * 2 + 64;
	}
	d->grants[d->n++] = arena_strdup(d->arena, grant_id);
}

/*
 * Ends the next of its connections, and the authenticator with the last of them. Many are not ended in one transaction:
 * other writers wait for it. Cut off in between, it stands with the rest of them and can be deleted again.
 */
static enum err delete_some(void *arg, struct errinfo *ei)
{
	struct deleting *d = arg;
	CLEANUP(arena_free) struct arena *scratch = arena_new(BATCH_BYTES_MAX);
	struct connection_row *connections;
	size_t n;
	enum err e = store_list(d->core->store, SQL_CONNECTIONS_OF_AUTHENTICATOR,
				STORE_PARAMS(STORE_TEXT(d->row->authenticator_id)), CONNECTIONS_MAX, scratch, &connections, &n, ei);

	for (size_t i = 0; i < n && !e; i++) {
		e = connections_end(d->core, &connections[i], "authenticator_deleted", d->caller->actor, ei);
		note_grant(d, connections[i].grant_id);
	}
	if (e || n)
		return e;
	d->done = true;
	e = store_change_one(d->core->store, SQL_AUTHENTICATOR_DELETE,
			     STORE_PARAMS(STORE_TEXT(d->row->authenticator_id), STORE_INT(core_now(d->core))), ei);
	return e ? e : add_event(d->core, d->caller, d->row, "authenticator_deleted", ei);
}

enum err authenticators_delete(struct core *core, const struct caller *c, const struct authenticator_row *row,
			       struct arena *a, const char ***ret_grants, size_t *ret_n, struct errinfo *ei)
{
	struct deleting d = {.core = core, .caller = c, .row = row, .arena = a};
	enum err e = ERR_OK;

	while (!e && !d.done)
		e = store_transaction(core->store, delete_some, &d, ei);
	if (e == ERR_CONFLICT) /* deleted by another call in the same moment */
		return authenticators_missing(ei);
	if (e)
		return e;
	*ret_grants = d.grants;
	*ret_n = d.n;
	return ERR_OK;
}

const char *authenticators_status(const struct authenticator_row *row)
{
	if (!row->is_active)
		return "disabled";
	return row->client_failures ? "paused" : "active";
}

enum err authenticators_client(struct core *core, const struct authenticator_row *row, struct arena *a,
			       struct profile *ret_profile, struct token_client *ret_client, struct errinfo *ei)
{
	struct seal_place place = secret_place(row->id);
	struct secret *secret = NULL;
	enum err e = profiles_read(core->profiles, row->configuration, a, ret_profile, ei);

	if (!e)
		e = vault_open(core, row->app_id, &place, row->client_secret, a, &secret, ei);
	if (!e)
		*ret_client = (struct token_client){.profile = ret_profile, .client_id = row->client_id,
						    .client_secret = secret, .label = row->authenticator_type};
	return e;
}
