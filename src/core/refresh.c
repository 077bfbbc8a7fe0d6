/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refreshing a grant: whether to ask, and what the answer was. Must never ask without a durable intent, nor while the provider
 * is given time, and never call a grant dead without the provider's clear word (an empty 400 is none).
 */
#include "core/refresh.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "core/authenticators.h"
#include "core/events.h"
#include "core/grants.h"
#include "core/profiles.h"
#include "core/refresh_private.h"

enum { PROBE_MS = 5 * 1000 };

enum err refresh_denied(const char *cause, struct errinfo *ei)
{
	err_hint(ei, ERR_UPSTREAM_DENIED, "Let the user connect again.");
	err_set(ei, ERR_UPSTREAM_DENIED, "the user must connect again (%s): %s", cause, grants_cause_sentence(cause));
	err_cause(ei, ERR_UPSTREAM_DENIED, cause);
	return err_code(ei, ERR_UPSTREAM_DENIED, "needs_reauth");
}

enum err refresh_changed(struct errinfo *ei)
{
	return err_set(ei, ERR_CONFLICT, "the grant was changed or revoked while it was refreshed");
}

enum err refresh_note(struct core *core, const struct grant_row *g, const char *kind, const char *cause, const char *detail,
		      struct arena *a, struct errinfo *ei)
{
	struct connection_row c = {.auth_id = ""};
	struct event_row event;
	enum err e = store_find(core->store, SQL_CONNECTION_BY_GRANT, STORE_PARAMS(STORE_TEXT(g->grant_id)), a, &c, ei);

	if (e && e != ERR_NOT_FOUND)
		return e;
	event = (struct event_row){.kind = kind, .app_id = g->app_id, .authenticator_id = g->authenticator_id,
				   .auth_id = c.auth_id, .user_id = g->user_id, .grant_id = g->grant_id,
				   .generation = g->generation, .cause = cause, .detail = detail, .actor = "clerk"};
	return events_add(core, &event, ei);
}

static enum err too_early(int64_t until, int64_t now, const char *code, const char *sentence, struct errinfo *ei)
{
	int64_t wait_s = (until - now + 999) / 1000;

	if (ei)
		ei->retry_after_s = (unsigned)wait_s;
	err_hint(ei, ERR_UPSTREAM_DOWN, "Nothing to do: ask again in %lld s. The connection itself is kept.", (long long)wait_s);
	err_set(ei, ERR_UPSTREAM_DOWN, "%s; it is not asked again for %lld s", sentence, (long long)wait_s);
	return err_code(ei, ERR_UPSTREAM_DOWN, code);
}

/* No pause is longer than this one: what lies further ahead was written by a clock that was wrong, and is over. */
static bool is_ahead(int64_t until, int64_t now)
{
	return until > now && until - now <= ROTATION_RETRY_AFTER_MAX_S * 1000;
}

/* OA-16: the authenticator is paused, not its grants ended. One of those who come after the pause asks, the others wait for it. */
static enum err check_pause(struct core *core, const struct authenticator_row *auth, struct errinfo *ei)
{
	int64_t now = core_now(core), until = auth->paused_until, changed = 0;
	enum err e = ERR_OK;

	if (auth->client_failures == 0)
		return ERR_OK;
	if (!is_ahead(until, now)) {
		e = store_change(core->store, SQL_AUTHENTICATOR_PROBE,
				 STORE_PARAMS(STORE_TEXT(auth->authenticator_id), STORE_INT(until), STORE_INT(now + PROBE_MS)), &changed, ei);
		until = now + PROBE_MS;
	}
	if (e || changed)
		return e;
	too_early(until, now, "client_rejected", "the provider does not accept the authenticator's client id or secret", ei);
	return err_hint(ei, ERR_UPSTREAM_DOWN, "Correct client id and secret of the authenticator %s: it is asked at once then. "
			"Its connections are kept.", auth->authenticator_name);
}

/* The authenticator that the grant was made with: one whose endpoints changed must not see the old tokens (AP-06). */
static enum err grant_authenticator(struct core *core, const struct grant_row *g, struct arena *a,
				    struct authenticator_row *ret, struct errinfo *ei)
{
	enum err e = store_find(core->store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_TEXT(g->authenticator_id)), a, ret, ei);

	if (!e && ret->endpoint_rev != g->endpoint_rev)
		return refresh_end(core, g, g->intent_attempt, "client_config", "", a, ei);
	return e;
}

static bool is_as_wanted(const struct grant_row *g, const struct refresh_want *want, int64_t now)
{
	return g->generation > want->newer_than && (g->expires_at == 0 || g->expires_at - now > want->min_life_ms);
}

/* A seeded bug: whoever began is taken for dead. */
static void ignore_intent(struct core *core, struct grant_row *g)
{
	(void)store_change(core->store, SQL_GRANT_INTENT_DROP, STORE_PARAMS(STORE_TEXT(g->grant_id), STORE_TEXT(g->intent_attempt)),
			   NULL, NULL);
	g->intent_attempt = "";
}

/*
 * LIFECYCLE §4.7: where the one retry may end the grant, a living access token is used up first, unless the provider is said to
 * take it no more.
 */
static bool is_spared(const struct grant_row *g, const struct profile *p, const struct refresh_want *want, int64_t now)
{
	bool in_window = now < g->uncertain_at + p->rotation_window_s * 1000;

	return g->uncertain && !rotation_repeats_freely(p->rotation, in_window) && want->newer_than < g->generation &&
	       g->expires_at - now > grants_last_life_ms(g);
}

static enum err write_intent(struct core *core, const struct grant_row *g, const char *attempt, struct errinfo *ei)
{
	int64_t deadline = core_now(core) + REFRESH_DEADLINE_MS, changed = 0;
	enum err e = store_change(core->store, SQL_GRANT_INTENT,
				  STORE_PARAMS(STORE_TEXT(g->grant_id), STORE_INT(g->generation), STORE_TEXT(attempt),
					       STORE_TEXT(core->instance), STORE_INT(deadline), STORE_INT(deadline),
					       STORE_INT(g->refresh_source)), &changed, ei);

	return !e && changed != 1 ? err_set(ei, ERR_CONFLICT, "the grant was changed while its refresh was prepared") : e;
}

/* What stands in the way of asking the provider now, or a request. */
static enum err prepare(struct core *core, const struct grant_row *g, const struct refresh_want *want, const char *attempt,
			struct arena *a, struct refresh_plan *io, struct errinfo *ei)
{
	struct profile *profile = ARENA_NEW(a, struct profile);
	struct secret *token = NULL;
	struct authenticator_row auth;
	struct token_client client;
	int64_t now = core_now(core);
	bool due = want->due && g->refresh_due_at && g->refresh_due_at <= now;
	enum err e;

	if (is_ahead(g->not_before, now))
		return too_early(g->not_before, now, g->failure, grants_failure_sentence(g->failure), ei);
	e = grant_authenticator(core, g, a, &auth, ei);
	if (!e && !auth.is_active)
		e = err_set(ei, ERR_CONFLICT, "the authenticator %s is disabled", auth.authenticator_name);
	if (!e)
		e = authenticators_client(core, &auth, a, profile, &client, ei);
	if (e || (!due && is_spared(g, profile, want, now)))
		return e;
	e = check_pause(core, &auth, ei);
	if (!e)
		e = grants_open_source(core, g, (enum rotation_source)g->refresh_source, a, &token, ei);
	if (!e && !token)
		e = refresh_denied("expired", ei);
	if (e)
		return e;
	io->needed = true;
	token_request_refresh(&client, attempt, &(struct token_renewal){token, auth.redirect_uri}, a, &io->request);
	io->request.consumes = io->consumes;
	return ERR_OK;
}

enum err refresh_intend(struct core *core, const char *grant_id, const struct refresh_want *want, const char *attempt,
			struct arena *a, struct refresh_plan *ret, struct errinfo *ei)
{
	struct refresh_plan plan = {.join = ""};
	struct grant_row g;
	int64_t now = core_now(core);
	enum err e = store_find(core->store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(grant_id)), a, &g, ei);

	if (e)
		return e;
	if (FAULT(intent_ignored))
		ignore_intent(core, &g);
	plan.generation = g.generation;
	plan.source = (enum rotation_source)g.refresh_source;
	plan.consumes = arena_printf(a, "refresh %s %s", g.grant_id, g.refresh_fp);
	if (g.intent_attempt[0]) { /* of an ended grant too: its new tokens are to be revoked (RF-05) */
		plan.needed = true;
		plan.join = g.intent_attempt;
		plan.generation = g.intent_generation;
		plan.source = (enum rotation_source)g.intent_source;
		if (plan.generation != g.generation) /* renewed by a late answer since: nobody can say any more what it consumed */
			plan.consumes = "";
	} else if (g.is_revoked) {
		return err_set(ei, ERR_NOT_FOUND, "the connection was ended");
	} else if (strcmp(g.status, "needs_reauth") == 0) {
		return refresh_denied(g.cause, ei);
	} else if (!is_as_wanted(&g, want, now) || (want->due && g.refresh_due_at && g.refresh_due_at <= now)) {
		e = prepare(core, &g, want, attempt, a, &plan, ei);
		if (!e && plan.needed)
			e = write_intent(core, &g, attempt, ei);
	}
	if (!e)
		*ret = plan;
	return e;
}

/* LIFECYCLE §4.6. */
static enum outcome outcome_of(const struct fetch_answer *answer, enum token_verdict verdict)
{
	if (answer->err == ERR_NOT_FOUND) /* the courier says so only when no other one is alive and every spool was read */
		return OUTCOME_AMBIGUOUS;
	if (answer->err) /* DNS, connect, TLS: not sent; else a timeout or a reset after it was */
		return answer->sent ? OUTCOME_AMBIGUOUS : OUTCOME_NOT_PROCESSED;
	switch (verdict) {
	case TOKEN_OK:
		return OUTCOME_RENEWED;
	case TOKEN_GRANT_DEAD:
		return OUTCOME_GRANT_REFUSED;
	case TOKEN_CLIENT_WRONG:
		return OUTCOME_CLIENT_REFUSED;
	case TOKEN_RETRY_LATER:
		return OUTCOME_NOT_PROCESSED;
	case TOKEN_REFUSED:
		return OUTCOME_REFUSED;
	case TOKEN_AMBIGUOUS:
		break;
	}
	return OUTCOME_AMBIGUOUS;
}

/* The attempt failed, and there is no grant any more for which that means anything. */
static enum err let_go(struct core *core, const char *grant_id, const char *attempt, struct errinfo *ei)
{
	enum err e = store_change(core->store, SQL_GRANT_INTENT_DROP, STORE_PARAMS(STORE_TEXT(grant_id), STORE_TEXT(attempt)), NULL, ei);

	return e ? e : refresh_changed(ei);
}

/* A success that token_parse() could not use, as far as one can see: no error of the provider's is in it. */
static bool says_yes(const struct fetch_answer *answer, const struct errinfo *said)
{
	return answer->status >= 200 && answer->status <= 299 &&
	       (!said || !said->code[0] || strcmp(said->code, "answer_unreadable") == 0 ||
		strcmp(said->code, "token_type_unsupported") == 0);
}

/* What came is no answer to this attempt, so its own is lost. */
static const struct fetch_answer of_another_request = {.err = ERR_NOT_FOUND};

static enum err take_in(struct refresh_run *r, struct errinfo *ei)
{
	const struct grant_row *g = r->grant;
	bool stands = strcmp(g->intent_attempt, r->attempt->id) == 0 && g->generation == r->attempt->generation;
	struct token_answer tokens = {0};
	enum token_verdict verdict = TOKEN_AMBIGUOUS;
	enum outcome outcome;

	if (!r->answer->err && r->auth->endpoint_rev == g->endpoint_rev &&
	    !fetch_answer_is_for(r->answer, token_refresh_url(r->profile), r->attempt->consumes))
		r->answer = &of_another_request;
	if (!r->answer->err)
		verdict = token_parse(r->profile, r->answer, r->body, r->arena, &tokens, ei);
	if (!r->answer->err && verdict != TOKEN_OK && says_yes(r->answer, ei)) {
		r->salvaged = token_salvage(r->profile, r->answer, r->body, r->arena, &tokens);
		r->unread = !r->salvaged && secret_length(r->body) > 0;
	}
	outcome = r->salvaged ? OUTCOME_RENEWED : outcome_of(r->answer, verdict);
	if (outcome == OUTCOME_RENEWED)
		return refresh_succeed(r, &tokens, ei);
	if (!stands || g->is_revoked || (FAULT(loss_unnamed) && outcome == OUTCOME_AMBIGUOUS))
		return let_go(r->core, g->grant_id, r->attempt->id, ei);
	if (r->auth->endpoint_rev != g->endpoint_rev)
		return refresh_end(r->core, g, r->attempt->id, "client_config", "", r->arena, ei);
	return refresh_fail(r, outcome, ei);
}

/* Neither the client's secret nor whether it is active matters any more: these may be the only living tokens. */
static enum err look_and_take_in(struct core *core, const char *grant_id, struct refresh_run *r, struct errinfo *ei)
{
	struct authenticator_row *auth = ARENA_NEW(r->arena, struct authenticator_row);
	struct profile *profile = ARENA_NEW(r->arena, struct profile);
	struct grant_row *g = ARENA_NEW(r->arena, struct grant_row);
	enum err e = store_find(core->store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(grant_id)), r->arena, g, ei);

	if (!e)
		e = store_find(core->store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_TEXT(g->authenticator_id)), r->arena, auth, ei);
	if (!e)
		e = profiles_read(core->profiles, auth->configuration, r->arena, profile, ei);
	r->grant = g;
	r->auth = auth;
	r->profile = profile;
	r->raced = r->salvaged = r->unread = false;
	return e ? e : take_in(r, ei);
}

enum err refresh_commit(struct core *core, const char *grant_id, const struct refresh_attempt *attempt,
			const struct fetch_answer *answer, const struct secret *body, struct arena *a,
			struct refresh_after *ret_after, struct errinfo *ei)
{
	struct refresh_run r = {.core = core, .attempt = attempt, .answer = answer, .body = body, .arena = a, .after = ret_after};
	enum err e;

	*ret_after = (struct refresh_after){.again = false};
	e = look_and_take_in(core, grant_id, &r, ei);
	if (e == ERR_CONFLICT && r.raced) /* ended or renewed between our look and our write: what it is now decides */
		e = look_and_take_in(core, grant_id, &r, ei);
	return e;
}

enum err refresh_open(struct core *core, struct arena *a, const char ***ret_grants, size_t *ret_n, struct errinfo *ei)
{
	return core_ids(core, SQL_GRANTS_OPEN, STORE_NO_PARAMS, a, ret_grants, ret_n, ei);
}

enum err refresh_due(struct core *core, struct arena *a, const char ***ret_grants, size_t *ret_n, struct errinfo *ei)
{
	return core_ids(core, SQL_GRANTS_DUE, STORE_PARAMS(STORE_INT(core_now(core))), a, ret_grants, ret_n, ei);
}

enum err refresh_next_due(struct core *core, struct arena *a, int64_t *ret_in_ms, struct errinfo *ei)
{
	int64_t now = core_now(core);
	struct count_row next;
	enum err e = store_find(core->store, SQL_GRANTS_NEXT_DUE, STORE_PARAMS(STORE_INT(now)), a, &next, ei);

	if (!e)
		*ret_in_ms = next.count > now ? next.count - now : 0;
	return e;
}

enum err refresh_housekeeping(struct core *core, struct errinfo *ei)
{
	return store_change(core->store, SQL_UNREAD_ANSWERS_PURGE, STORE_PARAMS(STORE_INT(core_now(core))), NULL, ei);
}
