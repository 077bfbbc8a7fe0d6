/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation at the provider. Must never bring a grant back, whatever the provider answers. */
#include "core/revocation.h"

#include "core/authenticators.h"
#include "core/events.h"
#include "core/grants.h"
#include "oauth/revoke.h"

static enum err connected_elsewhere(struct core *core, const struct grant_row *g, const struct authenticator_row *auth,
				    struct arena *a, bool *ret, struct errinfo *ei)
{
	struct connection_row c;
	struct count_row others;
	enum err e = store_find(core->store, SQL_CONNECTION_BY_GRANT, STORE_PARAMS(STORE_TEXT(g->grant_id)), a, &c, ei);

	if (e == ERR_NOT_FOUND) {
		/* The connection points at a newer grant of the same account: telling the provider could end that one. */
		*ret = true;
		return ERR_OK;
	}
	if (!e)
		e = store_find(core->store, SQL_CONNECTIONS_SAME_ACCOUNT,
			       STORE_PARAMS(STORE_TEXT(c.subject), STORE_TEXT(auth->client_id), STORE_TEXT(auth->token_url),
					    STORE_TEXT(c.auth_id)), a, &others, ei);
	if (!e)
		*ret = others.count > 0 || c.is_active;
	return e;
}

enum err revocation_plan(struct core *core, const char *grant_id, struct arena *a, struct revocation_plan *ret,
			 struct errinfo *ei)
{
	struct profile *profile = ARENA_NEW(a, struct profile);
	struct secret *access = NULL, *refresh = NULL;
	struct revocation_plan plan = {0};
	struct authenticator_row auth;
	struct token_client client;
	struct grant_row g;
	bool elsewhere = false;
	enum err e = store_find(core->store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(grant_id)), a, &g, ei);

	if (!e)
		e = store_find(core->store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_TEXT(g.authenticator_id)), a, &auth, ei);
	if (!e && !g.is_revoked)
		e = err_set(ei, ERR_CONFLICT, "the grant %s is not ended", grant_id);
	if (!e && g.intent_attempt[0])
		e = err_set(ei, ERR_BUSY, "the grant %s is being refreshed: the provider is to be told of the new tokens", grant_id);
	if (!e)
		e = connected_elsewhere(core, &g, &auth, a, &elsewhere, ei);
	if (!e && !elsewhere && auth.endpoint_rev == g.endpoint_rev) {
		e = authenticators_client(core, &auth, a, profile, &client, ei);
		if (!e)
			e = grants_open_refresh(core, &g, a, &refresh, ei);
		if (!e)
			e = grants_open_access(core, &g, a, &access, ei);
		if (!e && refresh && revoke_request(&client, refresh, "refresh_token", a, &plan.request[plan.count]))
			plan.count++;
		if (!e && access && revoke_request(&client, access, "access_token", a, &plan.request[plan.count]))
			plan.count++;
	}
	if (!e)
		*ret = plan;
	return e;
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
