/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of user_app_oauth_authentications. Must never show one user's connections to another. */
#include "core/connections.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "core/events.h"
#include "oauth/scope.h"

enum { EXPIRING_MS = 60 * 60 * 1000, ROW_BYTES_MAX = 4 << 20, LIST_BYTES_MAX = 3 << 20 };

static enum err fill_view(struct core *core, const struct connection_row *row, struct arena *a,
			  struct connection_view *v, struct errinfo *ei)
{
	/* Tokens and configurations are large and not shown: for a thousand rows they would not fit into one request. */
	CLEANUP(arena_free) struct arena *scratch = arena_new(ROW_BYTES_MAX);
	struct authenticator_row auth;
	struct grant_row g;
	int64_t now = core_now(core);
	enum err e = store_find(core->store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_TEXT(row->authenticator_id)), scratch, &auth, ei);

	if (!e)
		e = store_find(core->store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(row->grant_id)), scratch, &g, ei);
	if (e)
		return e;
	*v = (struct connection_view){
		.row = *row,
		.status = row->auth_status,
		.cause = arena_strdup(a, g.cause),
		.name = arena_strdup(a, auth.authenticator_name),
		.type = arena_strdup(a, auth.authenticator_type),
		.scopes = arena_strdup(a, g.scopes),
		.missing = scope_missing(slice_from(row->requested_scopes), slice_from(g.scopes), a),
		.expires_at = g.expires_at,
		.refresh_expires_at = g.refresh_expires_at,
		.extra = arena_strdup(a, g.kept),
	};
	if (strcmp(row->auth_status, "active") == 0 && g.expires_at && g.refresh_token.bytes.n == 0) {
		if (g.expires_at <= now) {
			v->status = "needs_reauth";
			v->cause = "expired";
		} else if (g.expires_at - now < EXPIRING_MS) {
			v->status = "expiring";
		}
	}
	return ERR_OK;
}

/* A provider may grant long lists of scopes; they must not fill the request's memory. */
static enum err too_much(struct errinfo *ei)
{
	err_hint(ei, ERR_CONFLICT, "Disconnect accounts that are not used any more.");
	err_set(ei, ERR_CONFLICT, "this user's connections do not fit into one answer");
	return err_code(ei, ERR_CONFLICT, "limit_reached");
}

enum err connections_list(struct core *core, const char *app_id, const char *user_id, struct slice status,
			  struct arena *a, struct connection_view **ret, size_t *ret_n, struct errinfo *ei)
{
	struct connection_row *rows;
	struct connection_view *views;
	size_t n, kept = 0, bytes = 0;
	enum err e = store_list(core->store, SQL_CONNECTIONS_OF_USER, STORE_PARAMS(STORE_TEXT(app_id), STORE_TEXT(user_id)),
				CONNECTIONS_MAX, a, &rows, &n, ei);

	if (e)
		return e;
	views = ARENA_NEW_N(a, n + 1, struct connection_view);
	for (size_t i = 0; i < n; i++) {
		e = fill_view(core, &rows[i], a, &views[kept], ei);
		if (!e && (bytes += strlen(views[kept].scopes) + views[kept].missing.n + strlen(views[kept].extra)) > LIST_BYTES_MAX)
			e = too_much(ei);
		if (e)
			return e;
		if (status.n ? slice_is(status, views[kept].status) : strcmp(views[kept].status, "revoked") != 0)
			kept++;
	}
	*ret = views;
	*ret_n = kept;
	return ERR_OK;
}

struct candidate {
	const struct connection_row *row;
	const struct authenticator_row *authenticator;
};

enum matching { MATCH_CONNECTION, MATCH_AUTHENTICATOR, MATCH_NAME, MATCH_TYPE, MATCH__COUNT };

static bool matches(const struct candidate *c, enum matching by, struct slice ref)
{
	switch (by) {
	case MATCH_CONNECTION:
		return slice_is(ref, c->row->auth_id);
	case MATCH_AUTHENTICATOR:
		return slice_is(ref, c->row->authenticator_id);
	case MATCH_NAME:
		return slice_is_nocase(ref, c->authenticator->authenticator_name);
	case MATCH_TYPE:
		return slice_is_nocase(ref, c->authenticator->authenticator_type);
	case MATCH__COUNT:
		break;
	}
	return false;
}

static enum err ambiguous(const struct candidate *all, size_t n, enum matching by, struct slice ref, struct errinfo *ei)
{
	struct buf text;

	buf_init(&text, 400);
	for (size_t i = 0; i < n; i++)
		if (matches(&all[i], by, ref))
			buf_printf(&text, "%s%s (%.60s)", text.n ? ", " : "", all[i].row->auth_id,
				   all[i].row->account[0] ? all[i].row->account : all[i].authenticator->authenticator_name);
	err_hint(ei, ERR_CONFLICT, "Use the id of one of them.");
	err_set(ei, ERR_CONFLICT, "more than one connection fits: %s", buf_cstr(&text));
	buf_done(&text);
	return err_code(ei, ERR_CONFLICT, "ambiguous");
}

/* The user's connections that have not ended, each with its authenticator; those of disabled ones only with `disabled_too`. */
static enum err load_candidates(struct core *core, const char *app_id, const char *user_id, bool disabled_too,
				struct arena *a, struct candidate **ret, size_t *ret_n, struct errinfo *ei)
{
	struct authenticator_row *authenticators;
	struct connection_row *rows;
	struct candidate *all;
	size_t n, m, kept = 0;
	enum err e = store_list(core->store, SQL_CONNECTIONS_OF_USER, STORE_PARAMS(STORE_TEXT(app_id), STORE_TEXT(user_id)),
				CONNECTIONS_MAX, a, &rows, &n, ei);

	if (!e)
		e = store_list(core->store, SQL_AUTHENTICATORS_OF_APP, STORE_PARAMS(STORE_TEXT(app_id)), CONNECTIONS_MAX, a,
			       &authenticators, &m, ei);
	if (e)
		return e;
	all = ARENA_NEW_N(a, n + 1, struct candidate);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].auth_status, "revoked") == 0)
			continue;
		for (size_t k = 0; k < m; k++)
			if ((authenticators[k].is_active || disabled_too) &&
			    strcmp(rows[i].authenticator_id, authenticators[k].authenticator_id) == 0)
				all[kept++] = (struct candidate){.row = &rows[i], .authenticator = &authenticators[k]};
	}
	*ret = all;
	*ret_n = kept;
	return ERR_OK;
}

static enum err resolve(struct core *core, const char *app_id, const char *user_id, struct slice ref, bool disabled_too,
			struct arena *a, struct connection_row *ret, struct errinfo *ei)
{
	struct candidate *all;
	size_t n;
	enum err e = load_candidates(core, app_id, user_id, disabled_too, a, &all, &n, ei);

	if (e)
		return e;
	for (enum matching by = MATCH_CONNECTION; by < MATCH__COUNT; by++) {
		const struct candidate *hit = NULL;

		for (size_t i = 0; i < n; i++) {
			if (!matches(&all[i], by, ref))
				continue;
			if (hit)
				return ambiguous(all, n, by, ref, ei);
			hit = &all[i];
		}
		if (hit) {
			*ret = *hit->row;
			return ERR_OK;
		}
	}
	err_hint(ei, ERR_NOT_FOUND, "GET /api/v1/credentials/connections lists this user's connections; a connect link makes one.");
	return err_set(ei, ERR_NOT_FOUND, "this user has no connection of that id, authenticator, name or type");
}

enum err connections_resolve(struct core *core, const char *app_id, const char *user_id, struct slice ref,
			     struct arena *a, struct connection_row *ret, struct errinfo *ei)
{
	return resolve(core, app_id, user_id, ref, false, a, ret, ei);
}

enum err connections_resolve_any(struct core *core, const char *app_id, const char *user_id, struct slice ref,
				 struct arena *a, struct connection_row *ret, struct errinfo *ei)
{
	return resolve(core, app_id, user_id, ref, true, a, ret, ei);
}

enum err connections_end(struct core *core, const struct connection_row *c, const char *cause, const char *actor,
			 struct errinfo *ei)
{
	const struct event_row event = {.kind = "disconnected", .app_id = c->app_id, .authenticator_id = c->authenticator_id,
					.auth_id = c->auth_id, .user_id = c->user_id, .grant_id = c->grant_id,
					.cause = cause, .actor = actor};
	enum err e;

	if (FAULT(revoke_unwritten))
		return ERR_OK;
	e = store_change(core->store, SQL_GRANT_REVOKE,
			 STORE_PARAMS(STORE_TEXT(c->grant_id), STORE_TEXT("revoked"), STORE_INT(core_now(core))), NULL, ei);
	if (!e)
		e = store_change(core->store, SQL_CONNECTION_REVOKE, STORE_PARAMS(STORE_TEXT(c->auth_id), STORE_TEXT(c->user_id)),
				 NULL, ei);
	return e ? e : events_add(core, &event, ei);
}

struct ending {
	struct core *core;
	const struct connection_row *connection;
	const char *actor;
};

static enum err end_one(void *arg, struct errinfo *ei)
{
	struct ending *x = arg;

	return connections_end(x->core, x->connection, "user_disconnected", x->actor, ei);
}

enum err connections_disconnect(struct core *core, const struct connection_row *c, const char *actor,
				struct errinfo *ei)
{
	struct ending x = {.core = core, .connection = c, .actor = actor};

	return store_transaction(core->store, end_one, &x, ei);
}

enum err connections_used(struct core *core, struct slice auth_id, int64_t at, struct errinfo *ei)
{
	return store_change(core->store, SQL_CONNECTION_USED,
			    STORE_PARAMS(STORE_SLICE(auth_id), STORE_INT(at), STORE_INT(at - CONNECTIONS_USED_MS)), NULL, ei);
}
