/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refreshing a grant. Must never write tokens over a newer generation or a revocation (RF-05), and never
 * call a grant dead without the provider's clear word (an empty 400 is none).
 */
#include "core/refresh.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "core/authenticator_input.h"
#include "core/authenticators.h"
#include "core/events.h"
#include "core/grants.h"

static enum err denied(const char *cause, struct errinfo *ei)
{
	err_hint(ei, ERR_UPSTREAM_DENIED, "Let the user connect again.");
	err_set(ei, ERR_UPSTREAM_DENIED, "the user must connect again (%s): %s", cause, grants_cause_sentence(cause));
	return err_code(ei, ERR_UPSTREAM_DENIED, "needs_reauth");
}

static enum err changed_meanwhile(struct errinfo *ei)
{
	return err_set(ei, ERR_CONFLICT, "the grant was changed or revoked while it was refreshed");
}

/* What happened to a grant and its connection in one transaction. */
struct marking {
	struct core *core;
	const struct grant_row *grant;
	const char *attempt, *cause;
	struct arena *arena;
};

static struct event_row event_of(const struct grant_row *g, const struct connection_row *c, const char *kind,
				 const char *cause)
{
	return (struct event_row){.kind = kind, .app_id = g->app_id, .authenticator_id = g->authenticator_id,
				  .auth_id = c->auth_id, .user_id = g->user_id, .grant_id = g->grant_id,
				  .generation = g->generation, .cause = cause, .actor = "clerk"};
}

static enum err mark_dead(void *arg, struct errinfo *ei)
{
	struct marking *m = arg;
	struct store *store = m->core->store;
	struct connection_row c = {.auth_id = ""};
	struct event_row event;
	int64_t changed = 0;
	enum err e = store_change(store, SQL_GRANT_NEEDS_REAUTH,
				  STORE_PARAMS(STORE_TEXT(m->grant->grant_id), STORE_TEXT(m->cause),
					       STORE_INT(core_now(m->core)), STORE_TEXT(m->attempt)), &changed, ei);

	if (!e && !changed) /* revoked or renewed meanwhile: that stands */
		return store_change(store, SQL_GRANT_INTENT_CLEAR,
				    STORE_PARAMS(STORE_TEXT(m->grant->grant_id), STORE_TEXT(m->attempt),
						 STORE_INT(m->grant->uncertain), STORE_INT(core_now(m->core))), NULL, ei);
	if (e)
		return e;
	e = store_find(store, SQL_CONNECTION_BY_GRANT, STORE_PARAMS(STORE_TEXT(m->grant->grant_id)), m->arena, &c, ei);
	if (!e)
		e = store_change(store, SQL_CONNECTION_STATUS,
				 STORE_PARAMS(STORE_TEXT(c.auth_id), STORE_TEXT("needs_reauth"), STORE_INT(1), STORE_TEXT("active"),
					      STORE_TEXT(c.user_id)), NULL, ei);
	if (e && e != ERR_NOT_FOUND)
		return e;
	event = event_of(m->grant, &c, "needs_reauth", m->cause);
	return events_add(m->core, &event, ei);
}

static enum err declare_dead(struct core *core, const struct grant_row *g, const char *attempt, const char *cause,
			     struct arena *a, struct errinfo *ei)
{
	struct marking m = {.core = core, .grant = g, .attempt = attempt, .cause = cause, .arena = a};
	enum err e = store_transaction(core->store, mark_dead, &m, ei);

	return e ? e : denied(cause, ei);
}

/* The authenticator that the grant was made with: one whose endpoints changed must not see the old tokens (AP-06). */
static enum err grant_authenticator(struct core *core, const struct grant_row *g, struct arena *a,
				    struct authenticator_row *ret, struct errinfo *ei)
{
	enum err e = store_find(core->store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_TEXT(g->authenticator_id)), a, ret, ei);

	if (!e && ret->endpoint_rev != g->endpoint_rev)
		return declare_dead(core, g, g->intent_attempt, "client_config", a, ei);
	return e;
}

static enum err grant_client(struct core *core, const struct grant_row *g, struct arena *a, struct token_client *ret,
			     struct errinfo *ei)
{
	struct profile *profile = ARENA_NEW(a, struct profile);
	struct authenticator_row auth;
	enum err e = grant_authenticator(core, g, a, &auth, ei);

	if (!e && !auth.is_active)
		e = err_set(ei, ERR_CONFLICT, "the authenticator %s is disabled", auth.authenticator_name);
	return e ? e : authenticators_client(core, &auth, a, profile, ret, ei);
}

static bool is_as_wanted(const struct grant_row *g, const struct refresh_want *want, int64_t now)
{
	return g->generation > want->newer_than && (g->expires_at == 0 || g->expires_at - now > want->min_life_ms);
}

/* A seeded bug: whoever began is taken for dead. */
static void ignore_intent(struct core *core, struct grant_row *g)
{
	(void)store_change(core->store, SQL_GRANT_INTENT_CLEAR,
			   STORE_PARAMS(STORE_TEXT(g->grant_id), STORE_TEXT(g->intent_attempt), STORE_INT(g->uncertain),
					STORE_INT(core_now(core))), NULL, NULL);
	g->intent_attempt = "";
}

/* What binds request and answer to this grant and this refresh token of it, and to no other (LIFECYCLE §5.2, rule 4). */
static const char *consumes(const struct grant_row *g, struct arena *a)
{
	return arena_printf(a, "refresh %s %s", g->grant_id, g->refresh_fp);
}

enum err refresh_intend(struct core *core, const char *grant_id, const struct refresh_want *want, const char *attempt,
			struct arena *a, struct refresh_plan *ret, struct errinfo *ei)
{
	struct refresh_plan plan = {.join = ""};
	struct token_client client;
	struct secret *token = NULL;
	struct grant_row g;
	int64_t now = core_now(core), changed = 0;
	enum err e = store_find(core->store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(grant_id)), a, &g, ei);

	if (e)
		return e;
	if (FAULT(intent_ignored))
		ignore_intent(core, &g);
	if (g.intent_attempt[0]) { /* of an ended grant too: its new tokens are to be revoked (RF-05) */
		plan.needed = true;
		plan.join = g.intent_attempt;
		*ret = plan;
		return ERR_OK;
	}
	if (g.is_revoked)
		return err_set(ei, ERR_NOT_FOUND, "the connection was ended");
	if (strcmp(g.status, "needs_reauth") == 0)
		return denied(g.cause, ei);
	if (is_as_wanted(&g, want, now)) {
		*ret = plan;
		return ERR_OK;
	}
	e = grant_client(core, &g, a, &client, ei);
	if (!e)
		e = grants_open_refresh(core, &g, a, &token, ei);
	if (!e && !token)
		e = denied("expired", ei);
	if (e)
		return e;
	plan.needed = true;
	token_request_refresh(&client, attempt, token, a, &plan.request);
	plan.request.consumes = consumes(&g, a);
	e = store_change(core->store, SQL_GRANT_INTENT,
			 STORE_PARAMS(STORE_TEXT(grant_id), STORE_INT(g.generation), STORE_TEXT(attempt), STORE_TEXT(core->instance),
				      STORE_INT(now + REFRESH_DEADLINE_MS), STORE_INT(now + REFRESH_DEADLINE_MS)), &changed, ei);
	if (!e && changed != 1)
		e = err_set(ei, ERR_CONFLICT, "the grant was changed while its refresh was prepared");
	if (!e)
		*ret = plan;
	return e;
}

struct renewing {
	struct core *core;
	const struct grant_row *before;
	struct grant_row *after;
	const char *attempt;
	struct arena *arena;
	bool committed;
};

static enum err write_renewed(void *arg, struct errinfo *ei)
{
	struct renewing *r = arg;
	const struct grant_row *b = r->before, *n = r->after;
	struct connection_row c = {.auth_id = ""};
	struct event_row event;
	int64_t changed = 0;
	enum err e = store_change(
		r->core->store, SQL_GRANT_COMMIT,
		STORE_PARAMS(STORE_TEXT(b->grant_id), STORE_INT(b->generation), STORE_SEALED(n->access_token),
			     STORE_SEALED(n->refresh_token), STORE_TEXT(n->token_type), STORE_INT(n->expires_at),
			     STORE_TEXT(n->scopes), STORE_INT(n->issued_at), STORE_TEXT(n->refresh_fp),
			     STORE_SEALED(n->previous_refresh_token), STORE_INT(n->previous_generation),
			     STORE_TEXT(b->refresh_fp), STORE_TEXT(r->attempt)), &changed, ei);

	if (e || changed != 1)
		return e;
	r->committed = true;
	e = store_find(r->core->store, SQL_CONNECTION_BY_GRANT, STORE_PARAMS(STORE_TEXT(b->grant_id)), r->arena, &c, ei);
	if (e && e != ERR_NOT_FOUND)
		return e;
	event = event_of(n, &c, "refreshed", "");
	if (FAULT(event_forgotten))
		return ERR_OK;
	return events_add(r->core, &event, ei);
}

/* The old refresh token stays when the provider sent none (RF-02); a new one puts it in the place of the previous one. */
static enum err renew(struct core *core, const struct grant_row *g, const char *attempt, struct token_answer *answer,
		      struct arena *a, struct errinfo *ei)
{
	struct grant_row next = *g;
	struct renewing r = {.core = core, .before = g, .after = &next, .attempt = attempt, .arena = a};
	struct secret *old = NULL;
	enum err e = ERR_OK;

	next.generation = g->generation + 1;
	if (answer->scopes.n)
		next.scopes = arena_strndup(a, answer->scopes);
	if (answer->refresh_token) {
		next.previous_generation = g->generation;
		e = grants_reseal_previous(core, g, a, &next.previous_refresh_token, ei);
	} else {
		e = grants_open_refresh(core, g, a, &old, ei);
		answer->refresh_token = old;
	}
	if (!e)
		e = grants_seal(core, answer, a, &next, ei);
	if (!e)
		e = store_transaction(core->store, write_renewed, &r, ei);
	return !e && !r.committed ? changed_meanwhile(ei) : e;
}

/*
 * The grant was ended while the provider renewed it. Nobody reads these tokens any more, but the provider is to be told of
 * them and not of the consumed ones, so they take their place until the revocation is done.
 */
static enum err keep_for_revocation(struct core *core, const struct grant_row *g, const char *attempt,
				    struct token_answer *answer, struct arena *a, struct errinfo *ei)
{
	struct grant_row next = *g;
	enum err e = ERR_OK;

	next.generation = g->generation + 1;
	if (!answer->refresh_token)
		e = grants_open_refresh(core, g, a, &answer->refresh_token, ei);
	if (!e)
		e = grants_seal(core, answer, a, &next, ei);
	if (!e)
		e = store_change(core->store, SQL_GRANT_COMMIT_ENDED,
				 STORE_PARAMS(STORE_TEXT(g->grant_id), STORE_INT(g->generation), STORE_SEALED(next.access_token),
					      STORE_SEALED(next.refresh_token), STORE_INT(next.issued_at),
					      STORE_TEXT(next.refresh_fp), STORE_TEXT(attempt)), NULL, ei);
	return e ? e : changed_meanwhile(ei);
}

static enum err clear_intent(struct core *core, const struct grant_row *g, const char *attempt, bool uncertain,
			     struct errinfo *ei)
{
	return store_change(core->store, SQL_GRANT_INTENT_CLEAR,
			    STORE_PARAMS(STORE_TEXT(g->grant_id), STORE_TEXT(attempt),
					 STORE_INT(uncertain || g->uncertain), STORE_INT(core_now(core))), NULL, ei);
}

static enum err stands_as_before(struct core *core, const struct grant_row *g, const char *attempt, bool uncertain,
				 const char *code, const char *sentence, struct errinfo *ei)
{
	const struct event_row event = {.kind = "refresh_failed", .app_id = g->app_id, .authenticator_id = g->authenticator_id,
					.user_id = g->user_id, .grant_id = g->grant_id, .generation = g->generation,
					.cause = code, .actor = "clerk"};
	enum err e = clear_intent(core, g, attempt, uncertain, ei);

	if (!e)
		e = events_add(core, &event, ei);
	if (e)
		return e;
	err_code(ei, ERR_UPSTREAM_DOWN, code);
	return err_set(ei, ERR_UPSTREAM_DOWN, "%s", sentence);
}

static enum err take_verdict(struct core *core, const struct grant_row *g, const char *attempt,
			     enum token_verdict verdict, struct arena *a, struct errinfo *ei)
{
	switch (verdict) {
	case TOKEN_OK:
		break;
	case TOKEN_GRANT_DEAD:
		return declare_dead(core, g, attempt, g->uncertain ? "rotation_response_lost" : "revoked_by_provider", a, ei);
	case TOKEN_CLIENT_WRONG:
		err_hint(ei, ERR_UPSTREAM_DOWN, "Check the authenticator's client id and secret in the provider's console; the connection itself is kept.");
		return stands_as_before(core, g, attempt, false, "client_rejected",
					"the provider does not accept the authenticator's client id or secret", ei);
	case TOKEN_RETRY_LATER:
		return stands_as_before(core, g, attempt, false, "provider_busy", "the provider asks to try again later", ei);
	case TOKEN_AMBIGUOUS:
		return stands_as_before(core, g, attempt, true, "provider_unreadable", "the provider's answer could not be read", ei);
	case TOKEN_REFUSED:
		return stands_as_before(core, g, attempt, false, "provider_refused",
					"the provider refused the refresh without saying that the connection is over", ei);
	}
	return err_set(ei, ERR_INTERNAL, "unexpected verdict");
}

/* ERR_CONFLICT when the grant's intent is another one, or none. */
static enum err find_attempted(struct core *core, const char *grant_id, const char *attempt, struct arena *a,
			       struct grant_row *ret, struct errinfo *ei)
{
	enum err e = store_find(core->store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(grant_id)), a, ret, ei);

	return !e && strcmp(ret->intent_attempt, attempt) != 0 ? changed_meanwhile(ei) : e;
}

enum err refresh_commit(struct core *core, const char *grant_id, const char *attempt, const struct fetch_answer *answer,
			const struct secret *body, struct arena *a, struct errinfo *ei)
{
	struct authenticator_row auth;
	struct token_answer tokens = {0};
	enum token_verdict verdict;
	struct profile profile;
	struct grant_row g;
	enum err e = find_attempted(core, grant_id, attempt, a, &g, ei);

	if (e)
		return e;
	/* The courier says so only when no other one is alive and every spool was read. */
	if (answer->err == ERR_NOT_FOUND)
		return stands_as_before(core, &g, attempt, true, "answer_lost",
					"the answer to the refresh was lost on its way; the next one will tell whether the provider renewed the grant", ei);
	if (answer->err)
		return stands_as_before(core, &g, attempt, answer->sent, "provider_unreachable",
					"the provider could not be reached", ei);
	/* Neither its secret nor whether it is active matters any more: these may be the only living tokens. */
	e = grant_authenticator(core, &g, a, &auth, ei);
	if (!e)
		e = authenticator_input_profile(&auth, a, &profile, ei);
	if (e)
		return e;
	if (!fetch_answer_is_for(answer, profile.token_url, consumes(&g, a)))
		return stands_as_before(core, &g, attempt, true, "answer_lost",
					"what came for the refresh is the answer to another request", ei);
	verdict = token_parse(&profile, answer, body, a, &tokens, ei);
	if (verdict != TOKEN_OK)
		return take_verdict(core, &g, attempt, verdict, a, ei);
	e = g.is_revoked ? keep_for_revocation(core, &g, attempt, &tokens, a, ei) : renew(core, &g, attempt, &tokens, a, ei);
	if (e != ERR_CONFLICT || g.is_revoked)
		return e;
	/* Ended between our look and our write? */
	e = find_attempted(core, grant_id, attempt, a, &g, ei);
	return e ? e : g.is_revoked ? keep_for_revocation(core, &g, attempt, &tokens, a, ei) : changed_meanwhile(ei);
}

enum err refresh_open(struct core *core, struct arena *a, const char ***ret_grants, size_t *ret_n, struct errinfo *ei)
{
	return core_ids(core, SQL_GRANTS_OPEN, STORE_NO_PARAMS, a, ret_grants, ret_n, ei);
}
