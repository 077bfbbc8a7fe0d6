/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens in and out of grant rows. Must never hand out a refresh token to anything but a request to the
 * endpoint that gave it (RF-01), and serves only what is in the database (RF-04).
 */
#include "core/grants.h"

#include <string.h>

#include "base/mem.h"
#include "core/keys.h"
#include "core/vault.h"

static struct seal_place place_of(const struct grant_row *row, const char *column)
{
	return (struct seal_place){.table = "oauth_token_grants", .row = row->grant_id, .column = column,
				   .seq = row->generation};
}

enum err grants_seal(struct core *core, const struct token_answer *answer, struct arena *a, struct grant_row *row,
		     struct errinfo *ei)
{
	struct seal_place access = place_of(row, "access_token"), refresh = place_of(row, "refresh_token");
	char fp[33] = "";
	enum err e = vault_seal(core, row->app_id, &access, answer->access_token, a, &row->access_token, ei);

	if (!e)
		e = vault_seal(core, row->app_id, &refresh, answer->refresh_token, a, &row->refresh_token, ei);
	if (!e && answer->refresh_token)
		e = keys_fingerprint(core, answer->refresh_token, fp, ei);
	if (e)
		return e;
	row->refresh_fp = arena_strdup(a, fp);
	row->token_type = answer->token_type;
	row->issued_at = core_now(core);
	row->expires_at = answer->expires_in_s == TOKEN_LIFE_UNKNOWN ? 0 : row->issued_at + answer->expires_in_s * 1000;
	row->updated_at = row->issued_at;
	return ERR_OK;
}

int64_t grants_refresh_expires_at(const struct profile *p, const struct grant_row *row, const struct token_answer *answer)
{
	int64_t now = row->updated_at ? row->updated_at : row->created_at;
	int64_t idle = p->refresh_idle_s ? now + p->refresh_idle_s * 1000 : INT64_MAX; /* it was used just now */
	int64_t whole = p->refresh_absolute_s ? row->created_at + p->refresh_absolute_s * 1000 : INT64_MAX;
	int64_t end = idle < whole ? idle : whole;

	if (!answer->refresh_token && !row->refresh_token.bytes.n)
		return 0;
	if (answer->refresh_life_s != TOKEN_LIFE_UNKNOWN)
		return now + answer->refresh_life_s * 1000;
	if (end != INT64_MAX)
		return end;
	return answer->refresh_token ? 0 : row->refresh_expires_at;
}

enum err grants_open_access(struct core *core, const struct grant_row *row, struct arena *a, struct secret **ret,
			    struct errinfo *ei)
{
	struct seal_place place = place_of(row, "access_token");

	return vault_open(core, row->app_id, &place, row->access_token, a, ret, ei);
}

enum err grants_open_refresh(struct core *core, const struct grant_row *row, struct arena *a, struct secret **ret,
			     struct errinfo *ei)
{
	struct seal_place place = place_of(row, "refresh_token");

	return vault_open(core, row->app_id, &place, row->refresh_token, a, ret, ei);
}

/* Where the spare ones are sealed, each with a number of its own (DESIGN §5). */
static struct seal_place spare_place(const struct grant_row *row, enum rotation_source source, int64_t generation)
{
	return (struct seal_place){.table = "oauth_token_grants", .row = row->grant_id, .seq = generation,
				   .column = source == ROTATION_ALTERNATE ? "alternate_refresh_token" : "previous_refresh_token"};
}

enum err grants_open_source(struct core *core, const struct grant_row *row, enum rotation_source source, struct arena *a,
			    struct secret **ret, struct errinfo *ei)
{
	struct seal_place alternate = spare_place(row, ROTATION_ALTERNATE, row->alternate_generation);
	struct seal_place previous = spare_place(row, ROTATION_PREVIOUS, row->previous_generation);

	switch (source) {
	case ROTATION_ALTERNATE:
		return vault_open(core, row->app_id, &alternate, row->alternate_refresh_token, a, ret, ei);
	case ROTATION_PREVIOUS:
		return vault_open(core, row->app_id, &previous, row->previous_refresh_token, a, ret, ei);
	case ROTATION_CURRENT:
		break;
	}
	return grants_open_refresh(core, row, a, ret, ei);
}

enum err grants_seal_spare(struct core *core, const struct grant_row *row, enum rotation_source source, int64_t generation,
			   const struct secret *token, struct arena *a, struct sealed *ret, struct errinfo *ei)
{
	struct seal_place place = spare_place(row, source, generation);

	return vault_seal(core, row->app_id, &place, token, a, ret, ei);
}

struct phrase {
	const char *word, *sentence;
};

static const char *sentence_for(const char *word, const struct phrase *list, size_t n, const char *otherwise)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, list[i].word) == 0)
			return list[i].sentence;
	return otherwise;
}

const char *grants_cause_sentence(const char *cause)
{
	static const struct phrase causes[] = {
		{"revoked_by_provider", "the provider no longer accepts this connection (withdrawn there, or its session ended)"},
		{"expired", "the access token is over, and there is no refresh token that the provider still takes"},
		{"rotation_response_lost", "the provider's answer with the new refresh token was lost on the way"},
		{"reuse_detected", "the provider saw a refresh token of this connection used twice and ended it"},
		{"account_changed", "the provider answered a refresh with the tokens of another account; they are kept sealed and handed to nobody"},
		{"client_config", "the authenticator's endpoints were changed after this account was connected, or the provider "
				  "refuses what its configuration asks for"},
	};

	return sentence_for(cause, causes, ARRAY_LEN(causes), "the provider refused the connection");
}

const char *grants_failure_sentence(const char *failure)
{
	static const struct phrase failures[] = {
		{"provider_refused", "the provider refused the refresh without saying that the connection is over"},
		{"client_rejected", "the provider does not accept the authenticator's client id or secret"},
		{"provider_busy", "the provider asks to try again later"},
		{"provider_unreachable", "the provider could not be reached"},
		{"provider_unreadable", "the provider's answer could not be read"},
		{"answer_lost", "the answer to the refresh was lost on its way; the next one will tell whether the provider renewed "
				"the grant"},
	};

	return sentence_for(failure, failures, ARRAY_LEN(failures), "the refresh failed");
}

static enum err needs_reauth(const char *cause, const struct connection_row *c, const struct user_row *user,
			     struct errinfo *ei)
{
	err_hint(ei, ERR_UPSTREAM_DENIED, "Let the user %s connect again at authenticator %s.",
		 user->external_id[0] ? user->external_id : user->name, c->authenticator_id);
	err_set(ei, ERR_UPSTREAM_DENIED, "the user must connect again (%s): %s", cause, grants_cause_sentence(cause));
	err_cause(ei, ERR_UPSTREAM_DENIED, cause);
	return err_code(ei, ERR_UPSTREAM_DENIED, "needs_reauth");
}

struct grant_life grants_life(const struct grant_row *row)
{
	return (struct grant_life){.expires_at = row->expires_at, .issued_at = row->issued_at, .uncertain = row->uncertain != 0,
				   .refreshable = row->refresh_token.bytes.n > 0};
}

static int64_t last_life_ms(int64_t life_ms)
{
	return life_ms / 10 < GRANTS_MIN_TTL_DEFAULT_S * 1000 ? life_ms / 10 : GRANTS_MIN_TTL_DEFAULT_S * 1000;
}

int64_t grants_last_life_ms(const struct grant_row *row)
{
	return last_life_ms(row->expires_at - row->issued_at);
}

int64_t grants_wanted_life_ms(const struct grant_life *l, int64_t min_ttl_s)
{
	int64_t life = l->expires_at - l->issued_at, wanted = min_ttl_s * 1000, most = life / 10 * 9;

	if (l->uncertain)
		most = last_life_ms(life);
	return wanted > most ? most : wanted;
}

bool grants_is_fresh(const struct grant_life *l, int64_t min_ttl_s, int64_t now)
{
	int64_t left = l->expires_at - now;

	return l->expires_at == 0 || left > grants_wanted_life_ms(l, min_ttl_s) || (left > 0 && !l->refreshable);
}

static enum err serve(struct core *core, const struct grant_row *g, struct arena *a, struct grant_reading *r,
		      struct errinfo *ei)
{
	enum err e = grants_open_access(core, g, a, &r->access_token, ei);

	if (!e && !r->access_token)
		return err_set(ei, ERR_INTERNAL, "the grant %s holds no access token", g->grant_id);
	if (!e)
		e = keys_fingerprint(core, r->access_token, r->fingerprint, ei);
	r->token_type = g->token_type;
	r->scopes = g->scopes;
	r->extra = g->kept;
	r->generation = g->generation;
	return e;
}

/* ERR_OK: serve it. Else what stands in the way; `wants_refresh` is set when the clerk can help. */
static enum err judge(struct core *core, const struct grant_read_args *args, const struct connection_row *c,
		      const struct grant_row *g, struct grant_reading *r, struct errinfo *ei)
{
	int64_t now = core_now(core);

	r->life = grants_life(g);
	if (strcmp(c->auth_status, "pending") == 0) {
		err_hint(ei, ERR_CONFLICT, "POST /api/v1/credentials/connect-links/{id}/confirm from the app's backend.");
		err_set(ei, ERR_CONFLICT, "the connection waits for the app's confirmation");
		return err_code(ei, ERR_CONFLICT, "pending");
	}
	if (strcmp(g->status, "needs_reauth") == 0)
		return needs_reauth(g->cause, c, args->user, ei);
	if (grants_is_fresh(&r->life, args->min_ttl_s, now) || (args->after_refresh && g->expires_at > now))
		return ERR_OK;
	r->min_life_ms = grants_wanted_life_ms(&r->life, args->min_ttl_s);
	if (!r->life.refreshable)
		return needs_reauth("expired", c, args->user, ei);
	if (args->after_refresh) {
		if (ei && args->refresh_why)
			*ei = *args->refresh_why;
		return args->refresh_err ? args->refresh_err
					 : err_set(ei, ERR_UPSTREAM_DOWN, "the provider gave a token that is over already");
	}
	r->wants_refresh = true;
	return ERR_OK;
}

enum err grants_read(struct core *core, const struct grant_read_args *args, struct arena *a, struct grant_reading *ret,
		     struct errinfo *ei)
{
	struct grant_reading r = {0};
	struct connection_row c;
	struct grant_row g;
	enum err e = connections_resolve(core, args->app->app_id, args->user->user_id, args->ref, a, &c, ei);

	if (!e)
		e = store_find(core->store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(c.grant_id)), a, &g, ei);
	if (e)
		return e;
	r.grant_id = g.grant_id;
	r.connection_id = c.auth_id;
	r.used_at = c.last_used_at;
	e = judge(core, args, &c, &g, &r, ei);
	if (!e && !r.wants_refresh)
		e = serve(core, &g, a, &r, ei);
	if (!e)
		*ret = r;
	return e;
}

enum err grants_current(struct core *core, const struct app_row *app, const struct user_row *user, struct slice ref,
			struct arena *a, struct grant_current *ret, struct errinfo *ei)
{
	struct grant_current current;
	struct secret *token = NULL;
	struct connection_row c;
	struct grant_row g;
	enum err e = connections_resolve(core, app->app_id, user->user_id, ref, a, &c, ei);

	if (!e)
		e = store_find(core->store, SQL_GRANT_BY_ID, STORE_PARAMS(STORE_TEXT(c.grant_id)), a, &g, ei);
	if (!e && strcmp(g.status, "needs_reauth") == 0)
		return needs_reauth(g.cause, &c, user, ei);
	if (!e)
		e = grants_open_access(core, &g, a, &token, ei);
	if (!e)
		e = keys_fingerprint(core, token, current.fingerprint, ei);
	if (e)
		return e;
	current.grant_id = g.grant_id;
	current.generation = g.generation;
	*ret = current;
	return ERR_OK;
}
