/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code exchange. Must never send a code twice (OA-18: an exchange has one intent in its life), and never
 * store a token of an answer whose nonce or issuer was wrong (ID-04).
 */
#include "core/exchange.h"

#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "core/connections.h"
#include "core/events.h"
#include "core/grants.h"
#include "core/profiles.h"
#include "core/vault.h"
#include "oauth/kept.h"
#include "oauth/scope.h"

static const char changed_sentence[] = "The authenticator was changed while you were at the provider. Please connect again.";

/* Notes the failure in the flow; what was wrong goes up unchanged. */
static enum err fail(struct core *core, const struct flow_row *flow, enum err e, const char *code, const char *sentence,
		     struct errinfo *ei)
{
	enum err noted = flows_fail(core, flow, code, sentence, ei);

	return noted ? noted : e;
}

static enum err open_part(struct core *core, const struct flow_row *flow, const char *column, struct sealed value,
			  struct arena *a, struct secret **ret, struct errinfo *ei)
{
	const struct seal_place place = {.table = "oauth_sessions", .row = flow->session_id, .column = column};

	return vault_open(core, flow->app_id, &place, value, a, ret, ei);
}

/* The client as it was at the start, with today's secret; gone or re-pointed meanwhile: the flow ends (OA-06). */
static enum err flow_client(struct core *core, const struct flow_row *flow, struct arena *a, struct profile *profile,
			    struct token_client *ret, struct errinfo *ei)
{
	struct authenticator_row auth;
	struct profile today;
	enum err e = store_find(core->store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_TEXT(flow->authenticator_id)), a, &auth, ei);

	if (e && e != ERR_NOT_FOUND)
		return e;
	if (e || auth.deleted_at || !auth.is_active || auth.endpoint_rev != flow->endpoint_rev ||
	    strcmp(auth.client_id, flow->client_id) != 0)
		return fail(core, flow, ERR_CONFLICT, "authenticator_changed", changed_sentence, ei);
	e = authenticators_client(core, &auth, a, &today, ret, ei);
	if (!e)
		e = profiles_read(core->profiles, flow->configuration, a, profile, ei);
	if (!e)
		ret->profile = profile;
	return e;
}

/* What binds request and answer to this flow and no other. */
static const char *consumes(const struct flow_row *flow, struct arena *a)
{
	return arena_printf(a, "exchange %s", flow->session_id);
}

enum err exchange_intend(struct core *core, const char *flow_id, const struct secret *code, const char *attempt,
			 struct arena *a, struct exchange_plan *ret, struct errinfo *ei)
{
	struct profile *profile = ARENA_NEW(a, struct profile);
	struct exchange_plan plan = {.join = ""};
	struct token_client client;
	struct secret *verifier = NULL;
	struct flow_row flow;
	enum err e = flows_get(core, flow_id, a, &flow, ei);

	if (e)
		return e;
	plan.needed = flow.result[0] == '\0' && flow.claimed_at && (code || flow.intent_attempt[0]);
	plan.join = flow.intent_attempt;
	if (!plan.needed || plan.join[0]) {
		*ret = plan;
		return ERR_OK;
	}
	e = flow_client(core, &flow, a, profile, &client, ei);
	if (!e)
		e = open_part(core, &flow, "verifier", flow.verifier, a, &verifier, ei);
	if (e == ERR_CRYPTO)
		return fail(core, &flow, e, "sealed_value_refused", "The sign-in could not be continued. Please connect again.", ei);
	if (e)
		return e;
	token_request_exchange(&client, attempt, &(struct token_exchange){code, verifier, flow.redirect_uri}, a, &plan.request);
	plan.request.consumes = consumes(&flow, a);
	e = store_change_one(core->store, SQL_FLOW_INTENT,
			     STORE_PARAMS(STORE_TEXT(flow_id), STORE_TEXT(attempt), STORE_TEXT(core->instance),
					  STORE_INT(core_now(core) + EXCHANGE_DEADLINE_MS)), ei);
	if (!e)
		*ret = plan;
	return e;
}

static enum err read_identity(struct core *core, struct exchange *x, struct arena *a, struct errinfo *ei)
{
	struct identity_expect expect = {.client_id = x->flow.client_id, .now_ms = core_now(core)};
	struct identity unverified;
	struct secret *nonce = NULL;
	enum err e = open_part(core, &x->flow, "nonce", x->flow.nonce, a, &nonce, ei);

	if (e)
		return e;
	expect.nonce = nonce;
	identity_begin(&x->profile, x->tokens.subject, a, &x->identity);
	/* One that was not asked for says nothing here: its keys were not had before the code was spent. */
	if (!x->tokens.id_token || !scope_has(slice_from(x->flow.scopes), "openid"))
		return ERR_OK;
	e = exchange_keys_verify(core, x, a, ei);
	/* One that nobody can verify must be of this flow all the same, but names nobody. */
	if (!e)
		e = identity_from_id_token(&x->profile, x->tokens.id_token, &expect, a,
					   issuer_keys_possible(&x->profile) ? &x->identity : &unverified, ei);
	return e;
}

enum err exchange_read(struct core *core, const char *flow_id, const struct fetch_answer *answer,
		       const struct secret *body, struct arena *a, struct exchange *x,
		       struct fetch_request *ret_identity, struct errinfo *ei)
{
	enum err e = flows_get(core, flow_id, a, &x->flow, ei);

	if (!e && x->flow.result[0])
		return ERR_CONFLICT;
	if (!e)
		e = profiles_read(core->profiles, x->flow.configuration, a, &x->profile, ei);
	if (e)
		return e;
	/* The courier says so only when no other one is alive and every spool was read. */
	if (answer->err == ERR_NOT_FOUND || !fetch_answer_is_for(answer, x->profile.token_url, consumes(&x->flow, a)))
		return fail(core, &x->flow, ERR_UPSTREAM_DOWN, "exchange_lost", "The provider's answer was lost. Please connect again.", ei);
	if (answer->err)
		return fail(core, &x->flow, ERR_UPSTREAM_DOWN, "provider_unreachable",
			    "The provider could not be reached. Please try again in a moment.", ei);
	if (token_parse(&x->profile, answer, body, a, &x->tokens, ei) != TOKEN_OK)
		return fail(core, &x->flow, ERR_UPSTREAM_DENIED, ei->code[0] ? ei->code : "exchange_refused",
			    "The provider refused the sign-in. Please connect again; if it happens again, the app's developer must check the client id, secret and redirect URI.", ei);
	e = read_identity(core, x, a, ei);
	if (e == ERR_UPSTREAM_DENIED)
		return fail(core, &x->flow, e, err_wire_code(e, ei), "The provider's answer does not belong to this sign-in.", ei);
	if (e == ERR_UPSTREAM_DOWN)
		return fail(core, &x->flow, e, err_wire_code(e, ei), exchange_keys_sentence, ei);
	if (e == ERR_CRYPTO)
		return fail(core, &x->flow, e, "sealed_value_refused", "The sign-in could not be continued. Please connect again.", ei);
	if (!e)
		x->wants_identity = identity_request(&(struct token_client){&x->profile, x->flow.client_id, NULL, "identity"},
						     x->tokens.access_token, a, ret_identity);
	return e;
}

/* Without a subject there is no telling accounts apart, so then the identity request must succeed. */
static enum err take_identity(struct core *core, struct exchange *x, const struct fetch_answer *answer, struct arena *a,
			      struct errinfo *ei)
{
	bool known = x->identity.subject[0] != '\0';
	enum err e;

	if (!x->wants_identity)
		return ERR_OK;
	if (answer->err || answer->status != 200)
		e = ERR_UPSTREAM_DOWN;
	else
		e = identity_from_answer(&x->profile, answer->body, a, &x->identity, ei);
	if (e == ERR_UPSTREAM_DOWN && known)
		return ERR_OK;
	if (e == ERR_UPSTREAM_DENIED)
		return fail(core, &x->flow, e, err_wire_code(e, ei), "The provider named two different accounts for one sign-in.", ei);
	if (e || !x->identity.subject[0])
		return fail(core, &x->flow, ERR_UPSTREAM_DOWN, "identity_unknown", "The provider did not say whose account it is. Please connect again.", ei);
	return ERR_OK;
}

static enum err check_expected(struct core *core, const struct exchange *x, const struct link_row *link,
			       struct errinfo *ei)
{
	struct slice expected = slice_from(link->expect_account);

	if (!expected.n || slice_is_nocase(expected, x->identity.label) || slice_is(expected, x->identity.subject))
		return ERR_OK;
	return fail(core, &x->flow, ERR_UPSTREAM_DENIED, "wrong_account",
		    "This is not the account that the app expects. Sign in at the provider with the right one and connect again.", ei);
}

struct committing {
	struct core *core;
	struct exchange *x;
	struct arena *arena;
	struct link_row link; /* link_id "" without one */
	struct grant_row grant;
	struct connection_row connection;
	bool gone; /* its authenticator was deleted meanwhile */
};

/* The grant that the same account had before is superseded: its tokens go, the provider is not told (LIFECYCLE §5.3). */
static enum err supersede(struct committing *c, const char *grant_id, struct errinfo *ei)
{
	int64_t changed = 0;
	enum err e = store_change(c->core->store, SQL_GRANT_REVOKE,
				  STORE_PARAMS(STORE_TEXT(grant_id), STORE_TEXT("superseded"), STORE_INT(c->grant.created_at)),
				  &changed, ei);

	if (!e && changed)
		e = store_change(c->core->store, SQL_GRANT_WIPE, STORE_PARAMS(STORE_TEXT(grant_id)), NULL, ei);
	return e;
}

static enum err write_connection(struct committing *c, struct errinfo *ei)
{
	const struct exchange *x = c->x;
	const char *status = c->link.confirm ? "pending" : "active";
	struct store *store = c->core->store;
	struct connection_row *row = &c->connection;
	char id[RANDOM_ID_BYTES];
	enum err e = store_find(store, SQL_CONNECTION_BY_ACCOUNT,
				STORE_PARAMS(STORE_TEXT(x->flow.app_id), STORE_TEXT(x->flow.user_id),
					     STORE_TEXT(x->flow.authenticator_id), STORE_TEXT(x->identity.issuer),
					     STORE_TEXT(x->identity.subject)), c->arena, row, ei);

	if (!e) {
		e = supersede(c, row->grant_id, ei);
		return e ? e : store_change_one(store, SQL_CONNECTION_POINT,
						STORE_PARAMS(STORE_TEXT(row->auth_id), STORE_TEXT(c->grant.grant_id),
							     STORE_TEXT(status), STORE_TEXT(x->identity.label),
							     STORE_TEXT(x->flow.scopes), STORE_INT(c->grant.created_at),
							     STORE_TEXT(row->user_id)), ei);
	}
	if (e != ERR_NOT_FOUND)
		return e;
	random_id(id);
	*row = (struct connection_row){
		.auth_id = arena_strdup(c->arena, id), .user_id = x->flow.user_id, .app_id = x->flow.app_id,
		.authenticator_id = x->flow.authenticator_id, .grant_id = c->grant.grant_id, .auth_status = status,
		.is_active = 1, .created_at = c->grant.created_at, .connected_at = c->grant.created_at,
		.issuer = x->identity.issuer, .subject = x->identity.subject, .account = x->identity.label,
		.requested_scopes = x->flow.scopes,
	};
	return store_insert(store, TABLE_CONNECTIONS, row, ei);
}

/* Whether the authenticator was deleted while the provider answered. */
static enum err look_whether_gone(struct committing *c, struct errinfo *ei)
{
	struct authenticator_row auth;
	enum err e = store_find(c->core->store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_TEXT(c->x->flow.authenticator_id)),
				c->arena, &auth, ei);

	c->gone = e == ERR_NOT_FOUND || (!e && auth.deleted_at);
	return c->gone ? ERR_OK : e;
}

/* Nobody could use or end a connection of a deleted authenticator: it ends here, and the provider is told as of any ended one. */
static enum err end_at_once(struct committing *c, struct errinfo *ei)
{
	enum err e;

	c->connection.grant_id = c->grant.grant_id;
	e = connections_end(c->core, &c->connection, "authenticator_deleted", "clerk", ei);
	return e ? e : flows_fail(c->core, &c->x->flow, "authenticator_changed", changed_sentence, ei);
}

static enum err write_all(void *arg, struct errinfo *ei)
{
	struct committing *c = arg;
	const struct flow_row *flow = &c->x->flow;
	struct store *store = c->core->store;
	enum err e = look_whether_gone(c, ei);
	struct event_row event;

	if (!e)
		e = store_insert(store, TABLE_GRANTS, &c->grant, ei);
	if (!e)
		e = write_connection(c, ei);
	if (!e && c->gone)
		return end_at_once(c, ei);
	if (!e)
		e = store_change_one(store, SQL_FLOW_FINISH,
				     STORE_PARAMS(STORE_TEXT(flow->session_id), STORE_TEXT("connected"), STORE_TEXT(""),
						  STORE_TEXT(""), STORE_TEXT(c->connection.auth_id)), ei);
	if (!e && c->link.link_id[0])
		e = store_change(store, SQL_LINK_FINISH,
				 STORE_PARAMS(STORE_TEXT(c->link.link_id), STORE_TEXT("connected"), STORE_TEXT(""),
					      STORE_TEXT(""), STORE_TEXT(c->connection.auth_id)), NULL, ei);
	if (e)
		return e;
	event = (struct event_row){
		.kind = "connected", .app_id = flow->app_id, .authenticator_id = flow->authenticator_id,
		.auth_id = c->connection.auth_id, .user_id = flow->user_id, .grant_id = c->grant.grant_id,
		.generation = c->grant.generation, .actor = "user",
	};
	return events_add(c->core, &event, ei);
}

static enum err make_grant(struct committing *c, struct errinfo *ei)
{
	const struct exchange *x = c->x;
	char id[RANDOM_ID_BYTES];

	random_id(id);
	c->grant = (struct grant_row){
		.grant_id = arena_strdup(c->arena, id), .user_id = x->flow.user_id,
		.authenticator_id = x->flow.authenticator_id, .app_id = x->flow.app_id, .generation = 1,
		.scopes = x->tokens.scopes.n ? arena_strndup(c->arena, x->tokens.scopes) : x->flow.scopes,
		.created_at = core_now(c->core), .endpoint_rev = x->flow.endpoint_rev, .status = "active",
	};
	c->grant.kept = kept_merge(x->flow.kept, x->tokens.kept, c->arena);
	c->grant.refresh_expires_at = grants_refresh_expires_at(&x->profile, &c->grant, &x->tokens);
	return grants_seal(c->core, &x->tokens, c->arena, &c->grant, ei);
}

enum err exchange_commit(struct core *core, struct exchange *x, const struct fetch_answer *identity, struct arena *a,
			 struct errinfo *ei)
{
	struct committing c = {.core = core, .x = x, .arena = a, .link = {.link_id = "", .expect_account = ""}};
	enum err e = take_identity(core, x, identity, a, ei);

	if (!e && x->flow.link_id[0])
		e = store_find(core->store, SQL_LINK_BY_ID, STORE_PARAMS(STORE_TEXT(x->flow.link_id)), a, &c.link, ei);
	if (!e)
		e = check_expected(core, x, &c.link, ei);
	if (!e)
		e = make_grant(&c, ei);
	if (!e)
		e = store_transaction(core->store, write_all, &c, ei);
	return !e && c.gone ? err_set(ei, ERR_CONFLICT, "the authenticator was deleted while the provider answered") : e;
}

enum err exchange_open(struct core *core, struct arena *a, const char ***ret_flows, size_t *ret_n, struct errinfo *ei)
{
	return core_ids(core, SQL_FLOWS_OPEN, STORE_NO_PARAMS, a, ret_flows, ret_n, ei);
}
