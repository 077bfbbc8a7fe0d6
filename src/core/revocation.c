/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation at the provider. Must never bring a grant back, whatever the provider answers. */
#include "core/revocation.h"

#include <string.h>

#include "core/authenticators.h"
#include "core/events.h"
#include "core/grants.h"
#include "core/profiles.h"
#include "oauth/revoke.h"

/* A token endpoint's scheme, host and port as they are written, '/' included. */
static const char *token_origin(const struct authenticator_row *auth, struct arena *a)
{
	const char *host = strstr(auth->token_url, "://"), *end = host ? strchr(host + 3, '/') : NULL;

	return end ? arena_strndup(a, slice_make(auth->token_url, (size_t)(end - auth->token_url) + 1)) : auth->token_url;
}

/* Whether telling the provider could end more than this grant: another connection of the account, or a newer grant of this one. */
static enum err ends_others(struct core *core, const struct grant_row *g, const struct authenticator_row *auth,
			    const struct profile *p, struct arena *a, bool *ret, struct errinfo *ei)
{
	struct connection_row c;
	struct count_row others;
	enum err e;

	*ret = false;
	if (p->revoke_ends == REVOKE_ENDS_TOKEN)
		return ERR_OK;
	e = store_find(core->store, SQL_CONNECTION_BY_GRANT, STORE_PARAMS(STORE_TEXT(g->grant_id)), a, &c, ei);
	if (e == ERR_NOT_FOUND) { /* the connection points at a newer grant */
		*ret = true;
		return ERR_OK;
	}
	if (!e)
		e = store_find(core->store, SQL_CONNECTIONS_SAME_ACCOUNT,
			       STORE_PARAMS(STORE_TEXT(c.subject), STORE_TEXT(auth->client_id), STORE_TEXT(token_origin(auth, a)),
					    STORE_TEXT(c.auth_id)), a, &others, ei);
	if (!e)
		*ret = others.count > 0 || c.is_active;
	return e;
}

static enum err plan_requests(struct core *core, const struct grant_row *g, const struct token_client *client, struct arena *a,
			      struct revocation_plan *ret, struct errinfo *ei)
{
	struct secret *access = NULL, *refresh = NULL;
	struct revocation_plan plan = {0};
	enum err e = grants_open_refresh(core, g, a, &refresh, ei);

	if (!e)
		e = grants_open_access(core, g, a, &access, ei);
	if (e)
		return e;
	if (refresh && revoke_request(client, refresh, "refresh_token", a, &plan.request[plan.count]))
		plan.count++;
	if (access && revoke_request(client, access, "access_token", a, &plan.request[plan.count]))
		plan.count++;
	*ret = plan;
	return ERR_OK;
}

enum err revocation_plan(struct core *core, const char *grant_id, struct arena *a, struct revocation_plan *ret,
			 struct errinfo *ei)
{
	struct profile *profile = ARENA_NEW(a, struct profile);
	struct authenticator_row auth;
	struct token_client client;
	struct grant_row g;
	bool others = false;
	enum err e = store_find(core->store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(grant_id)), a, &g, ei);

	if (!e)
		e = store_find(core->store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_TEXT(g.authenticator_id)), a, &auth, ei);
	if (!e && !g.is_revoked)
		e = err_set(ei, ERR_CONFLICT, "the grant %s is not ended", grant_id);
	if (!e && g.intent_attempt[0])
		e = err_set(ei, ERR_BUSY, "the grant %s is being refreshed: the provider is to be told of the new tokens", grant_id);
	if (!e)
		e = profiles_read(core->profiles, auth.configuration, a, profile, ei);
	if (!e)
		e = ends_others(core, &g, &auth, profile, a, &others, ei);
	if (e)
		return e;
	if (others || auth.endpoint_rev != g.endpoint_rev) {
		*ret = (struct revocation_plan){0};
		return ERR_OK;
	}
	e = authenticators_client(core, &auth, a, profile, &client, ei);
	return e ? e : plan_requests(core, &g, &client, a, ret, ei);
}

enum {
	PAUSE_FIRST_MS = 30 * 1000,
	PAUSE_MAX_MS = 60 * 60 * 1000,
	GIVE_UP_MS = 7 * 24 * 60 * 60 * 1000, /* 604,800,000 fits an int */
};

/* 30 s, 1 min, 2 min … an hour; what the provider asks for, if that is more, but no more than an hour either. */
static int64_t pause_ms(int64_t attempts, int64_t retry_after_s)
{
	int64_t pause = PAUSE_FIRST_MS;

	for (int64_t i = 0; i < attempts && pause < PAUSE_MAX_MS; i++)
		pause *= 2;
	if (retry_after_s > PAUSE_MAX_MS / 1000)
		retry_after_s = PAUSE_MAX_MS / 1000;
	if (retry_after_s * 1000 > pause)
		pause = retry_after_s * 1000;
	return pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
}

enum err revocation_failed(struct core *core, const char *grant_id, int64_t retry_after_s, struct arena *a,
			   struct errinfo *ei)
{
	int64_t now = core_now(core);
	struct revocation_row row = {.attempts = 0, .created_at = now};
	struct event_row event;
	struct grant_row g;
	enum err e = store_find(core->store, SQL_REVOCATION_BY_GRANT, STORE_PARAMS(STORE_TEXT(grant_id)), a, &row, ei);

	if (!e && now - row.created_at > GIVE_UP_MS)
		return revocation_done(core, grant_id, false, a, ei);
	if (!e || e == ERR_NOT_FOUND)
		e = store_find(core->store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(grant_id)), a, &g, ei);
	if (!e)
		e = store_change(core->store, SQL_REVOCATION_POSTPONE,
				 STORE_PARAMS(STORE_TEXT(grant_id), STORE_TEXT(g.app_id),
					      STORE_INT(now + pause_ms(row.attempts, retry_after_s)), STORE_INT(now)), NULL, ei);
	if (e || row.attempts > 0)
		return e; /* told once is enough */
	event = (struct event_row){.kind = "revocation_delayed", .app_id = g.app_id, .authenticator_id = g.authenticator_id,
				   .user_id = g.user_id, .grant_id = grant_id, .generation = g.generation, .actor = "clerk"};
	return events_add(core, &event, ei);
}

enum err revocation_done(struct core *core, const char *grant_id, bool told, struct arena *a, struct errinfo *ei)
{
	struct connection_row c = {.auth_id = ""};
	struct event_row event;
	struct grant_row g;
	enum err e = store_find(core->store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(grant_id)), a, &g, ei);

	if (!e)
		e = store_find(core->store, SQL_CONNECTION_BY_GRANT, STORE_PARAMS(STORE_TEXT(grant_id)), a, &c, ei);
	if (e && e != ERR_NOT_FOUND)
		return e;
	e = store_change(core->store, SQL_GRANT_WIPE, STORE_PARAMS(STORE_TEXT(grant_id)), NULL, ei);
	if (!e)
		e = store_change(core->store, SQL_REVOCATION_FORGET, STORE_PARAMS(STORE_TEXT(grant_id)), NULL, ei);
	if (!e)
		e = store_change(core->store, SQL_UNREAD_ANSWERS_OF_GRANT, STORE_PARAMS(STORE_TEXT(grant_id)), NULL, ei);
	if (e)
		return e;
	event = (struct event_row){.kind = told ? "revoked_at_provider" : "not_revoked_at_provider", .app_id = g.app_id,
				   .authenticator_id = g.authenticator_id, .auth_id = c.auth_id, .user_id = g.user_id,
				   .grant_id = grant_id, .generation = g.generation, .actor = "clerk"};
	return events_add(core, &event, ei);
}

enum err revocation_open(struct core *core, struct arena *a, const char ***ret_grants, size_t *ret_n, struct errinfo *ei)
{
	return core_ids(core, SQL_GRANTS_TO_REVOKE, STORE_PARAMS(STORE_INT(core_now(core))), a, ret_grants, ret_n, ei);
}
