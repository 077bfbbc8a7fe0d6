/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New tokens, and where they belong (LIFECYCLE §4.8, §4.9, §5.3). Must never write them over a newer generation or bring an
 * ended grant back (RF-05), and never drop what may be the only living refresh token.
 */
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/random.h"
#include "core/grants.h"
#include "core/refresh_private.h"
#include "oauth/kept.h"
#include "oauth/id_token.h"
#include "oauth/scope.h"

/* What is written in one transaction. */
struct renewing {
	struct refresh_run *run;
	struct grant_row *next;
	bool written;
};

/* A client that was refused is taken again. */
static enum err resume_client(struct refresh_run *r, struct errinfo *ei)
{
	int64_t changed = 0;
	enum err e;

	if (r->auth->client_failures == 0)
		return ERR_OK;
	e = store_change(r->core->store, SQL_AUTHENTICATOR_RESUME, STORE_PARAMS(STORE_TEXT(r->auth->authenticator_id)), &changed, ei);
	return e || !changed ? e : refresh_note(r->core, r->grant, "authenticator_resumed", "", "", r->arena, ei);
}

/* It was thought lost, and its connection marked so. */
static enum err heal(struct refresh_run *r, struct errinfo *ei)
{
	struct store *store = r->core->store;
	struct connection_row c;
	enum err e;

	if (strcmp(r->grant->status, "needs_reauth") != 0)
		return ERR_OK;
	e = store_find(store, SQL_CONNECTION_BY_GRANT, STORE_PARAMS(STORE_TEXT(r->grant->grant_id)), r->arena, &c, ei);
	if (!e)
		e = store_change(store, SQL_CONNECTION_STATUS,
				 STORE_PARAMS(STORE_TEXT(c.auth_id), STORE_TEXT("active"), STORE_INT(1), STORE_TEXT("needs_reauth"),
					      STORE_TEXT(c.user_id)), NULL, ei);
	if (e && e != ERR_NOT_FOUND)
		return e;
	return refresh_note(r->core, r->grant, "healed", r->grant->cause, "", r->arena, ei);
}

static enum err write_renewed(void *arg, struct errinfo *ei)
{
	struct renewing *w = arg;
	struct refresh_run *r = w->run;
	const struct grant_row *g = r->grant, *n = w->next;
	int64_t changed = 0;
	const struct store_params params = STORE_PARAMS(
		STORE_TEXT(g->grant_id), STORE_INT(g->generation), STORE_SEALED(n->access_token), STORE_SEALED(n->refresh_token),
		STORE_TEXT(n->token_type), STORE_INT(n->expires_at), STORE_TEXT(n->scopes), STORE_INT(n->updated_at),
		STORE_TEXT(n->refresh_fp), STORE_SEALED(n->previous_refresh_token), STORE_INT(n->previous_generation),
		STORE_TEXT(g->refresh_fp), STORE_INT(n->issued_at), STORE_SEALED(n->alternate_refresh_token),
		STORE_INT(n->alternate_generation), STORE_INT(n->failures), STORE_INT(n->not_before), STORE_INT(n->refresh_due_at),
		STORE_TEXT(r->attempt->id), STORE_TEXT(n->kept), STORE_INT(n->refresh_expires_at));
	enum err e = store_change(r->core->store, SQL_GRANT_COMMIT, params, &changed, ei);

	if (!e && changed == 0)
		e = store_change(r->core->store, SQL_GRANT_COMMIT_LATE, params, &changed, ei);
	if (e || changed == 0)
		return e;
	w->written = true;
	if (!FAULT(event_forgotten))
		e = refresh_note(r->core, n, "refreshed", r->salvaged ? "answer_salvaged" : "", "", r->arena, ei);
	if (!e)
		e = heal(r, ei);
	return e ? e : resume_client(r, ei);
}

/*
 * An answer that was cut may hold a refresh token and no access token. Then the one at hand stays, with its life, and the new
 * refresh token is used once more at once, or after a growing pause when this was so the last time too: a provider whose answers are
 * never of use is not asked six times a minute for ever.
 */
static enum err keep_access_token(struct refresh_run *r, struct token_answer *tokens, struct grant_row *next, struct errinfo *ei)
{
	const struct grant_row *g = r->grant;
	int64_t now = core_now(r->core), pause = 0;
	uint64_t random;

	random_bytes(&random, sizeof random);
	if (g->failures)
		pause = ROTATION_PAUSE_MIN_MS * 10 + rotation_pause_ms(g->failures, random);
	tokens->token_type = g->token_type;
	next->failures = g->failures + 1;
	next->not_before = pause ? now + pause : 0;
	next->refresh_due_at = now + pause;
	r->after->again = pause == 0;
	r->after->look_in_ms = pause;
	return grants_open_access(r->core, g, r->arena, &tokens->access_token, ei);
}

/*
 * The token that did it becomes the previous one, kept until its successor has worked once. Where the provider sent none (RF-02) it
 * stays, and has just worked itself.
 */
static enum err arrange_tokens(struct refresh_run *r, struct token_answer *tokens, struct grant_row *next, struct errinfo *ei)
{
	const struct grant_row *g = r->grant;
	struct secret *used = NULL;
	enum err e = grants_open_source(r->core, g, r->attempt->source, r->arena, &used, ei);

	next->generation = g->generation + 1;
	next->previous_refresh_token = next->alternate_refresh_token = (struct sealed){.bytes = {0}};
	next->previous_generation = next->alternate_generation = 0;
	if (e)
		return e;
	if (!tokens->refresh_token) {
		tokens->refresh_token = used;
		return ERR_OK;
	}
	next->previous_generation = g->generation;
	e = grants_seal_spare(r->core, g, ROTATION_PREVIOUS, g->generation, used, r->arena, &next->previous_refresh_token, ei);
	if (!e && tokens->other_refresh_token) {
		next->alternate_generation = g->generation;
		e = grants_seal_spare(r->core, g, ROTATION_ALTERNATE, g->generation, tokens->other_refresh_token, r->arena,
				      &next->alternate_refresh_token, ei);
	}
	return e;
}

static enum err renew(struct refresh_run *r, struct token_answer *tokens, struct errinfo *ei)
{
	const struct grant_row *g = r->grant;
	struct grant_row next = *g;
	struct renewing w = {.run = r, .next = &next};
	bool only_refresh_token = !tokens->access_token;
	enum err e = ERR_OK;

	next.failures = next.not_before = next.refresh_due_at = 0;
	next.updated_at = core_now(r->core);
	next.refresh_expires_at = grants_refresh_expires_at(r->profile, &next, tokens);
	next.kept = kept_merge(g->kept, tokens->kept, r->arena);
	if (tokens->scopes.n)
		next.scopes = arena_strndup(r->arena, tokens->scopes);
	if (only_refresh_token)
		e = keep_access_token(r, tokens, &next, ei);
	if (!e)
		e = arrange_tokens(r, tokens, &next, ei);
	if (!e)
		e = grants_seal(r->core, tokens, r->arena, &next, ei);
	if (only_refresh_token) {
		next.expires_at = g->expires_at;
		next.issued_at = g->issued_at;
	}
	if (!e)
		e = store_transaction(r->core->store, write_renewed, &w, ei);
	r->raced = !e && !w.written;
	return r->raced ? refresh_changed(ei) : e;
}

/*
 * Nobody reads these tokens any more, but the provider is to be told of them and not of the consumed ones, so they take their place
 * until the revocation is done.
 */
static enum err keep_for_revocation(struct refresh_run *r, struct token_answer *tokens, struct errinfo *ei)
{
	const struct grant_row *g = r->grant;
	struct grant_row next = *g;
	int64_t changed = 0;
	enum err e = ERR_OK;

	next.generation = g->generation + 1;
	if (!tokens->refresh_token)
		e = grants_open_source(r->core, g, r->attempt->source, r->arena, &tokens->refresh_token, ei);
	if (!e && !tokens->access_token)
		e = grants_open_access(r->core, g, r->arena, &tokens->access_token, ei);
	if (!e && !tokens->token_type)
		tokens->token_type = g->token_type;
	if (!e)
		e = grants_seal(r->core, tokens, r->arena, &next, ei);
	if (!e)
		e = store_change(r->core->store, SQL_GRANT_COMMIT_ENDED,
				 STORE_PARAMS(STORE_TEXT(g->grant_id), STORE_INT(g->generation), STORE_SEALED(next.access_token),
					      STORE_SEALED(next.refresh_token), STORE_INT(next.issued_at),
					      STORE_TEXT(next.refresh_fp), STORE_TEXT(r->attempt->id)), &changed, ei);
	r->after->revoke = !e && changed > 0;
	return e ? e : refresh_changed(ei);
}

struct alternating {
	struct refresh_run *run;
	struct sealed token;
	bool written;
};

static enum err write_alternate(void *arg, struct errinfo *ei)
{
	struct alternating *w = arg;
	const struct refresh_run *r = w->run;
	const struct grant_row *g = r->grant;
	struct store *store = r->core->store;
	int64_t changed = 0;
	enum err e = store_change(store, SQL_GRANT_ALTERNATE,
				  STORE_PARAMS(STORE_TEXT(g->grant_id), STORE_INT(g->generation), STORE_SEALED(w->token),
					       STORE_INT(core_now(r->core))), &changed, ei);

	if (!e)
		e = store_change(store, SQL_GRANT_INTENT_DROP, STORE_PARAMS(STORE_TEXT(g->grant_id), STORE_TEXT(r->attempt->id)), NULL, ei);
	w->written = changed > 0;
	return e || !changed ? e : refresh_note(r->core, g, "alternate_kept", "", "", r->arena, ei);
}

/* The provider gave two successors. The stored one stays; ours is tried when that is refused (§4.9). */
static enum err keep_alternate(struct refresh_run *r, const struct token_answer *tokens, struct errinfo *ei)
{
	struct alternating w = {.run = r};
	const struct grant_row *g = r->grant;
	enum err e = ERR_OK;

	if (tokens->refresh_token)
		e = grants_seal_spare(r->core, g, ROTATION_ALTERNATE, g->generation, tokens->refresh_token, r->arena, &w.token, ei);
	if (!e)
		e = store_transaction(r->core->store, write_alternate, &w, ei);
	r->raced = !e && !w.written;
	return e ? e : refresh_changed(ei);
}

static enum lateness lateness_of(const struct refresh_run *r)
{
	const struct grant_row *g = r->grant;

	if (g->is_revoked)
		return strcmp(g->status, "superseded") == 0 ? LATE_SUPERSEDED : LATE_ENDED;
	if (r->auth->endpoint_rev != g->endpoint_rev)
		return LATE_DETACHED;
	return g->generation == r->attempt->generation ? LATE_UNCHANGED : LATE_RENEWED;
}

/* ID-07: only where the first ID token has named the account, and this answer brings another one. */
static enum err look_whether_foreign(struct refresh_run *r, const struct token_answer *tokens, bool *ret, struct errinfo *ei)
{
	struct connection_row c;
	enum err e;

	*ret = false;
	if (!tokens->id_token || !r->profile->issuer[0])
		return ERR_OK;
	e = store_find(r->core->store, SQL_CONNECTION_BY_GRANT, STORE_PARAMS(STORE_TEXT(r->grant->grant_id)), r->arena, &c, ei);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	*ret = strcmp(c.issuer, r->profile->issuer) == 0 && scope_has(slice_from(c.requested_scopes), "openid") &&
	       !id_token_is_of(tokens->id_token, c.issuer, c.subject, r->auth->client_id, r->arena);
	return ERR_OK;
}

/*
 * Tokens of another account are kept, for they may be all that is left of this grant, but nobody gets them. The clerk commits
 * both steps together.
 */
static enum err accept(struct refresh_run *r, struct token_answer *tokens, struct errinfo *ei)
{
	const struct grant_row *g = r->grant;
	const char *under_way = strcmp(g->intent_attempt, r->attempt->id) == 0 ? "" : g->intent_attempt;
	bool foreign;
	enum err e = look_whether_foreign(r, tokens, &foreign, ei);

	if (!e)
		e = renew(r, tokens, ei);
	if (e || !foreign)
		return e;
	r->after->again = false;
	r->after->look_in_ms = 0;
	return refresh_end(r->core, g, under_way, "account_changed", "", r->arena, ei);
}

/* An attempt whose intent stands is the same question: an answer is late only by what it finds. */
enum err refresh_succeed(struct refresh_run *r, struct token_answer *tokens, struct errinfo *ei)
{
	const struct grant_row *g = r->grant;
	enum lateness state = lateness_of(r);
	enum err e;

	switch (rotation_late(state, r->profile->revoke_ends)) {
	case LATE_ACCEPT:
		return accept(r, tokens, ei);
	case LATE_KEEP_ALTERNATE:
		return keep_alternate(r, tokens, ei);
	case LATE_REVOKE:
		return keep_for_revocation(r, tokens, ei);
	case LATE_DROP:
		break;
	}
	if (state == LATE_DETACHED && strcmp(g->status, "needs_reauth") != 0)
		return refresh_end(r->core, g, g->intent_attempt, "client_config", "", r->arena, ei);
	e = store_change(r->core->store, SQL_GRANT_INTENT_DROP, STORE_PARAMS(STORE_TEXT(g->grant_id), STORE_TEXT(r->attempt->id)), NULL, ei);
	return e ? e : refresh_changed(ei);
}
