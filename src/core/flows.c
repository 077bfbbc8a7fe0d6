/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows: start, return, end. Must never store a state or verifier in clear, and never let an answer through
 * that another browser, session, path or issuer brought.
 */
#include "core/flows.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "core/events.h"
#include "core/links.h"
#include "core/profiles.h"
#include "core/vault.h"
#include "oauth/authorize.h"
#include "oauth/kept.h"
#include "oauth/pkce.h"
#include "oauth/scope.h"
#include "secret/hash.h"

static struct seal_place flow_place(const char *id, const char *column)
{
	return (struct seal_place){.table = "oauth_sessions", .row = id, .column = column};
}

static struct secret *random_text(struct arena *a)
{
	CLEANUP(secret_free) struct secret *raw = secret_random(32);
	struct secret *text;
	struct buf b;

	buf_init(&b, 64);
	encode_base64url(&b, secret_expose(raw));
	text = secret_in_arena(a, secret_new(buf_slice(&b)));
	buf_done(&b);
	return text;
}

static enum err no_room(const char *whose, struct errinfo *ei)
{
	metrics_add(METRIC_THROTTLED_UNDER_WAY);
	if (ei)
		ei->retry_after_s = 60;
	err_hint(ei, ERR_LIMIT, "Try again in a minute: what nobody goes on with ends after 10 minutes.");
	return err_set(ei, ERR_LIMIT, "too many sign-ins at providers are under way%s", whose);
}

static enum err check_room(struct core *core, const char *app_id, struct arena *a, struct errinfo *ei)
{
	const struct value now = STORE_INT(core_now(core));
	struct count_row pending;
	enum err e = store_find(core->store, SQL_FLOWS_UNFINISHED_OF_APP, STORE_PARAMS(STORE_TEXT(app_id), now), a, &pending, ei);

	if (!e && pending.count >= FLOWS_PENDING_OF_APP_MAX)
		return no_room(" for this app", ei);
	if (!e)
		e = store_find(core->store, SQL_FLOWS_UNFINISHED_COUNT, STORE_PARAMS(now), a, &pending, ei);
	return !e && pending.count >= FLOWS_PENDING_MAX ? no_room("", ei) : e;
}

struct starting {
	struct flow_row *row;
	struct secret *state, *verifier, *nonce;
	char challenge[PKCE_TEXT_BYTES];
	struct profile profile;
};

static enum err seal_flow(struct core *core, struct starting *s, struct arena *a, struct errinfo *ei)
{
	struct seal_place verifier = flow_place(s->row->session_id, "verifier");
	struct seal_place nonce = flow_place(s->row->session_id, "nonce");
	enum err e = vault_seal(core, s->row->app_id, &verifier, s->verifier, a, &s->row->verifier, ei);

	return e ? e : vault_seal(core, s->row->app_id, &nonce, s->nonce, a, &s->row->nonce, ei);
}

static enum err provider_url(const struct starting *s, struct arena *a, const char **ret, struct errinfo *ei)
{
	const struct authorize_args args = {
		.profile = &s->profile,
		.client_id = s->row->client_id,
		.redirect_uri = s->row->redirect_uri,
		.scopes = slice_from(s->row->scopes),
		.state = secret_expose(s->state),
		.challenge = s->challenge,
		.nonce = secret_expose(s->nonce),
	};
	struct buf url;
	enum err e;

	buf_init(&url, 16 * 1024);
	e = authorize_url(&args, &url, ei);
	if (!e && !buf_ok(&url))
		e = err_set(ei, ERR_UNPROCESSABLE, "the authorization URL would be longer than 16 KiB: ask for fewer scopes");
	if (!e)
		*ret = arena_strndup(a, buf_slice(&url));
	buf_done(&url);
	return e;
}

enum err flows_start(struct core *core, const struct flow_start_args *args, struct arena *a, const char **ret_url,
		     struct errinfo *ei)
{
	const struct authenticator_row *auth = args->authenticator;
	char id[RANDOM_ID_BYTES], state_hash[HASH_TEXT_BYTES], browser_hash[HASH_TEXT_BYTES];
	struct flow_row row = {
		.id = id, .session_id = id, .authenticator_name = auth->authenticator_name, .user_id = args->user_id,
		.state_token = state_hash, .redirect_uri = auth->redirect_uri, .scopes = args->scopes,
		.created_at = core_now(core), .app_id = args->app->app_id, .authenticator_id = auth->authenticator_id,
		.ref = arena_strndup(a, args->ref), .return_to = args->return_to, .configuration = auth->configuration,
		.client_id = auth->client_id, .endpoint_rev = auth->endpoint_rev, .browser_hash = browser_hash,
		.session_hash = args->session_hash, .link_id = args->link_id,
	};
	struct starting s = {.row = &row, .state = random_text(a)};
	enum err e = check_room(core, args->app->app_id, a, ei);

	if (!e)
		e = profiles_read(core->profiles, auth->configuration, a, &s.profile, ei);
	if (e)
		return e;
	random_id(id);
	hash_text(secret_expose(s.state), state_hash);
	hash_text(args->browser, browser_hash);
	row.expires_at = row.created_at + FLOWS_LIFE_MS;
	s.verifier = secret_in_arena(a, pkce_new(s.challenge));
	s.nonce = scope_has(slice_from(args->scopes), "openid") ? random_text(a) : NULL;
	e = seal_flow(core, &s, a, ei);
	if (!e)
		e = provider_url(&s, a, ret_url, ei);
	return e ? e : store_insert(core->store, TABLE_FLOWS, &row, ei);
}

/* The path of the redirect URI that this flow was started with. */
static bool came_to_its_path(const struct flow_row *flow, struct slice path)
{
	struct url u;

	return !url_parse(slice_from(flow->redirect_uri), &u, NULL) && slice_eq(u.path, path);
}

static enum err not_ours(struct errinfo *ei)
{
	err_hint(ei, ERR_INVALID, "Go back to the app and press Connect again.");
	err_set(ei, ERR_INVALID, "this answer of a provider belongs to no sign-in that this browser started in the last 10 minutes");
	return err_code(ei, ERR_INVALID, "unknown_state");
}

static enum err find_flow(struct core *core, const struct flow_return_args *args, struct arena *a,
			  struct flow_row *ret, struct errinfo *ei)
{
	char state_hash[HASH_TEXT_BYTES];
	enum err e;

	if (args->callback->state.n == 0 || args->browser.n == 0)
		return not_ours(ei);
	hash_text(args->callback->state, state_hash);
	e = store_find(core->store, SQL_FLOW_BY_STATE, STORE_PARAMS(STORE_TEXT(state_hash)), a, ret, ei);
	if (e && e != ERR_NOT_FOUND)
		return e;
	if (e || !hash_matches(args->browser, slice_from(ret->browser_hash)) || !came_to_its_path(ret, args->path) ||
	    (ret->session_hash[0] && strcmp(args->session_hash, ret->session_hash) != 0))
		return not_ours(ei);
	return ERR_OK;
}

static enum err fail_with(struct core *core, struct flow_row *flow, const char *code, const char *sentence,
			  struct arena *a, struct errinfo *ei)
{
	enum err e = flows_fail(core, flow, code, sentence, ei);

	return e ? e : flows_get(core, flow->session_id, a, flow, ei);
}

enum err flows_return(struct core *core, const struct flow_return_args *args, struct arena *a, struct flow_row *ret,
		      bool *ret_exchange, struct errinfo *ei)
{
	struct profile snapshot;
	int64_t changed = 0, now = core_now(core);
	struct flow_row flow;
	enum err e = find_flow(core, args, a, &flow, ei);

	*ret_exchange = false;
	if (!e)
		e = profiles_read(core->profiles, flow.configuration, a, &snapshot, ei);
	if (e)
		return e;
	flow.kept = kept_from_callback(&snapshot, args->param, args->param_count, a);
	e = store_change(core->store, SQL_FLOW_CLAIM,
			 STORE_PARAMS(STORE_TEXT(flow.session_id), STORE_INT(now), STORE_TEXT(flow.kept)), &changed, ei);
	if (e)
		return e;
	if (changed == 0) {
		/* Look again: another answer may have claimed it between our look and our claim. */
		e = flows_get(core, flow.session_id, a, &flow, ei);
		if (e)
			return e;
		if (flow.claimed_at == 0 && flow.result[0] == '\0')
			return not_ours(ei); /* expired */
		/* A repetition: the stored result, or wait with the one that is under way. */
		*ret_exchange = flow.result[0] == '\0' && args->callback->code;
		*ret = flow;
		return ERR_OK;
	}
	flow.claimed_at = now;
	if (callback_check_issuer(args->callback, &snapshot, ei))
		e = fail_with(core, &flow, "issuer_mismatch", "The answer came from another provider than the one that was asked.", a, ei);
	else if (args->callback->error[0])
		e = fail_with(core, &flow, args->callback->error, callback_sentence(args->callback->error), a, ei);
	else
		*ret_exchange = true;
	if (!e)
		*ret = flow;
	return e;
}

enum err flows_get(struct core *core, const char *flow_id, struct arena *a, struct flow_row *ret, struct errinfo *ei)
{
	return store_find(core->store, SQL_FLOW_BY_ID, STORE_PARAMS(STORE_TEXT(flow_id)), a, ret, ei);
}

enum err flows_fail(struct core *core, const struct flow_row *flow, const char *code, const char *sentence,
		    struct errinfo *ei)
{
	const struct event_row event = {.kind = "connect_failed", .app_id = flow->app_id,
					.authenticator_id = flow->authenticator_id, .user_id = flow->user_id,
					.cause = code, .detail = sentence, .actor = "user"};
	int64_t changed = 0;
	enum err e = store_change(core->store, SQL_FLOW_FINISH,
				  STORE_PARAMS(STORE_TEXT(flow->session_id), STORE_TEXT("failed"), STORE_TEXT(code),
					       STORE_TEXT(sentence), STORE_TEXT("")), &changed, ei);

	if (!e && changed && flow->link_id[0])
		e = store_change(core->store, SQL_LINK_FINISH,
				 STORE_PARAMS(STORE_TEXT(flow->link_id), STORE_TEXT("failed"), STORE_TEXT(code),
					      STORE_TEXT(sentence), STORE_TEXT("")), NULL, ei);
	return e || !changed ? e : events_add(core, &event, ei);
}

enum err flows_housekeeping(struct core *core, struct errinfo *ei)
{
	int64_t now = core_now(core);
	enum err e = store_change(core->store, SQL_FLOWS_EXPIRE,
				  STORE_PARAMS(STORE_INT(now - FLOWS_KEPT_MS), STORE_INT(now - FLOWS_ABANDONED_MS)), NULL, ei);

	if (!e)
		e = links_housekeeping(core, ei);
	return e ? e : store_change(core->store, SQL_SESSIONS_EXPIRE, STORE_PARAMS(STORE_INT(now)), NULL, ei);
}
