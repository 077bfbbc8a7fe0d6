/* SPDX-License-Identifier: Apache-2.0 */
/* /credentials/connections and the list for the browser SDK. No route here gives a token. */
#include "core/connections.h"

#include <string.h>

#include "api/routes.h"
#include "core/authenticators.h"
#include "core/grants.h"

static enum err app_and_user(struct call *c, struct app_row *ret_app, struct user_row *ret_user, struct errinfo *ei)
{
	enum err e = api_app(c, ret_app, ei);

	return e ? e : access_user(c->core, &c->caller, ret_app, params_get(&c->query, "user"), c->arena, ret_user, ei);
}

static void write_view(struct jsonw *w, const struct connection_view *v)
{
	jsonw_object(w, NULL);
	jsonw_string(w, "id", v->row.auth_id);
	jsonw_string(w, "authenticator_id", v->row.authenticator_id);
	jsonw_string(w, "provider_type", v->type);
	jsonw_string(w, "name", v->name);
	jsonw_string(w, "app_id", v->row.app_id);
	jsonw_string(w, "status", v->status);
	jsonw_string(w, "cause", v->cause[0] ? v->cause : NULL);
	jsonw_string(w, "cause_detail", v->cause[0] ? grants_cause_sentence(v->cause) : NULL);
	jsonw_string(w, "account", v->row.account[0] ? v->row.account : NULL);
	jsonw_raw(w, "scopes", slice_from(v->scopes));
	jsonw_raw(w, "requested_scopes", slice_from(v->row.requested_scopes));
	jsonw_raw(w, "missing_scopes", v->missing);
	jsonw_time(w, "connected_at", v->row.connected_at);
	jsonw_time(w, "created_at", v->row.created_at);
	jsonw_time(w, "last_used_at", v->row.last_used_at);
	jsonw_time(w, "expires_at", v->expires_at);
	if (v->refresh_expires_at)
		jsonw_time(w, "refresh_expires_at", v->refresh_expires_at);
	if (v->extra[0])
		jsonw_raw(w, "extra", slice_from(v->extra));
	jsonw_object_end(w);
}

static enum err wanted_status(struct call *c, struct slice *ret, struct errinfo *ei)
{
	static const char *const known[] = {"pending", "active", "expiring", "needs_reauth", "revoked"};

	*ret = params_get(&c->query, "status");
	for (size_t i = 0; ret->n && i < sizeof known / sizeof known[0]; i++)
		if (slice_is(*ret, known[i]))
			return ERR_OK;
	return ret->n ? err_field(ei, "status", "must be pending, active, expiring, needs_reauth or revoked") : ERR_OK;
}

enum err api_connections_index(struct call *c, struct errinfo *ei)
{
	struct connection_view *views;
	struct app_row app;
	struct user_row user;
	struct slice status;
	struct jsonw w;
	size_t n;
	enum err e = app_and_user(c, &app, &user, ei);

	if (!e)
		e = wanted_status(c, &status, ei);
	if (!e)
		e = connections_list(c->core, app.app_id, user.user_id, status, c->arena, &views, &n, ei);
	if (e)
		return e;
	w = call_json(c, 200);
	jsonw_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		write_view(&w, &views[i]);
	jsonw_array_end(&w);
	return ERR_OK;
}

enum err api_connections_remove(struct call *c, struct errinfo *ei)
{
	struct connection_row row;
	struct app_row app;
	struct user_row user;
	const char **grant = ARENA_NEW(c->arena, const char *);
	enum err e = app_and_user(c, &app, &user, ei);

	if (!e)
		e = connections_resolve_any(c->core, app.app_id, user.user_id, request_path_param(c->request, "ref"), c->arena, &row, ei);
	if (!e)
		e = connections_disconnect(c->core, &row, c->caller.actor, ei);
	if (e)
		return e;
	*grant = row.grant_id;
	c->revoke = grant;
	c->revoke_count = 1;
	api_success(c, row.account[0] ? arena_printf(c->arena, "Disconnected %s.", row.account) : "Disconnected.");
	return ERR_OK;
}

/* Old clients compare `name` with a type such as 'google', so the only active one of a type is called by its type. */
static const char *client_name(const struct authenticator_row *rows, size_t n, const struct authenticator_row *r)
{
	size_t same = 0;

	for (size_t i = 0; i < n; i++)
		if (rows[i].is_active && strcmp(rows[i].authenticator_type, r->authenticator_type) == 0)
			same++;
	return r->is_active && same == 1 ? r->authenticator_type : r->authenticator_name;
}

static void write_provider(struct jsonw *w, const struct authenticator_row *r, const char *name,
			   const struct connection_view *views, size_t n)
{
	const struct connection_view *hit = NULL;
	bool connected;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(views[i].row.authenticator_id, r->authenticator_id) != 0)
			continue;
		if (!hit || strcmp(views[i].status, "active") == 0)
			hit = &views[i];
	}
	connected = hit && (strcmp(hit->status, "active") == 0 || strcmp(hit->status, "expiring") == 0);
	jsonw_object(w, NULL);
	jsonw_string(w, "authenticator_id", r->authenticator_id);
	jsonw_string(w, "provider_id", r->authenticator_id);
	jsonw_string(w, "name", name);
	jsonw_string(w, "display_name", r->authenticator_name);
	jsonw_string(w, "authenticator_type", r->authenticator_type);
	jsonw_raw(w, "scopes", slice_from(r->scopes));
	jsonw_bool(w, "is_active", r->is_active);
	jsonw_bool(w, "is_connected", connected);
	jsonw_string(w, "connection_status",
		     connected ? "connected" : hit && strcmp(hit->status, "pending") == 0 ? "pending" : "disconnected");
	jsonw_time(w, "connected_at", connected ? hit->row.connected_at : 0);
	jsonw_object_end(w);
}

enum err api_connections_providers(struct call *c, struct errinfo *ei)
{
	struct authenticator_row *rows;
	struct connection_view *views;
	struct app_row app;
	struct user_row user;
	struct jsonw w;
	size_t n, view_count;
	enum err e = app_and_user(c, &app, &user, ei);

	if (!e)
		e = authenticators_list(c->core, app.app_id, c->arena, &rows, &n, ei);
	if (!e)
		e = connections_list(c->core, app.app_id, user.user_id, (struct slice){0}, c->arena, &views, &view_count, ei);
	if (e)
		return e;
	w = call_json(c, 200);
	jsonw_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		if (rows[i].is_active)
			write_provider(&w, &rows[i], client_name(rows, n, &rows[i]), views, view_count);
	jsonw_array_end(&w);
	return ERR_OK;
}
