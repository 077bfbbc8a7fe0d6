/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoints of a well-behaved authorization server: authorization code with PKCE, refresh,
 * revocation, UserInfo, metadata. Nobody logs in; the account is whom the request names. Must never
 * look at the script: misbehaving is laid over these answers afterwards.
 */
#include "support/adversary_oauth.h"

#include <string.h>

#include "base/buf.h"
#include "support/adversary_client.h"

enum { TEXT_MAX = 1 << 20 };

/* What every endpoint works with. */
struct work {
	struct adversary_world *world;
	const struct adversary_request *request;
	const json_t *forge;
	struct adversary_answer *answer;
	int64_t now;
};

void adversary_oauth_error(struct adversary_answer *answer, int status, const char *error, const char *description)
{
	answer->form = ADVERSARY_JSON;
	answer->status = status;
	answer->member_count = 0;
	adversary_answer_add(answer, SLICE_LIT("error"), slice_from(error), true);
	adversary_answer_add(answer, SLICE_LIT("error_description"), slice_from(description), true);
}

static void add_text(struct adversary_answer *a, const char *name, struct slice value)
{
	adversary_answer_add(a, slice_from(name), value, true);
}

static void add_raw(struct adversary_answer *a, const char *name, const char *source)
{
	adversary_answer_add(a, slice_from(name), slice_from(source), false);
}

/* ── /authorize ── */

/* What is wrong with the request, as an error for the callback; NULL when it is fine. */
static const char *authorize_error(const struct adversary_config *config, const struct adversary_params *p)
{
	struct slice challenge = adversary_params_get(p, "code_challenge");

	if (!slice_is(adversary_params_get(p, "response_type"), "code"))
		return "unsupported_response_type";
	if (challenge.n && !slice_is(adversary_params_get(p, "code_challenge_method"), "S256"))
		return "invalid_request";
	if (config->pkce == ADVERSARY_PKCE_REQUIRE && challenge.n == 0)
		return "invalid_request";
	return NULL;
}

static void issue_code(struct work *w, const struct adversary_params *p)
{
	char code[ADVERSARY_TOKEN_MAX];
	struct slice account = adversary_params_get(p, "account");
	struct adversary_wish wish = {
		.client_id = adversary_params_get(p, "client_id"),
		.redirect_uri = adversary_params_get(p, "redirect_uri"),
		.scope = adversary_params_get(p, "scope"),
		.nonce = adversary_params_get(p, "nonce"),
		.challenge = adversary_params_get(p, "code_challenge"),
	};

	if (account.n == 0)
		account = adversary_params_get(p, "login_hint");
	wish.account = account.n ? account : SLICE_LIT("user-1");
	adversary_grants_code(w->world->grants, &wish, w->now, code);
	add_text(w->answer, "code", slice_from(code));
}

static void authorize(struct work *w)
{
	struct adversary_answer *a = w->answer;
	const struct adversary_config *config = &w->world->config;
	struct adversary_params p;
	struct slice redirect_uri, client_id, state;
	const char *error;

	if (!adversary_params_parse(w->request->query, a->arena, &p) || p.duplicate) {
		adversary_oauth_error(a, 400, "invalid_request", "the query is malformed or names a parameter twice");
		return;
	}
	redirect_uri = adversary_params_get(&p, "redirect_uri");
	client_id = adversary_params_get(&p, "client_id");
	if (!slice_starts(redirect_uri, "http") || client_id.n == 0 ||
	    (config->client_id[0] && !slice_is(client_id, config->client_id))) {
		adversary_oauth_error(a, 400, "invalid_request", "client_id or redirect_uri is missing or unknown");
		return;
	}
	a->form = ADVERSARY_CALLBACK;
	a->status = 302;
	a->location = redirect_uri;
	if (slice_index(redirect_uri, '?') < redirect_uri.n)
		a->separator = SLICE_LIT("&");
	error = authorize_error(config, &p);
	if (error)
		add_text(a, "error", slice_from(error));
	else
		issue_code(w, &p);
	state = adversary_params_get(&p, "state");
	if (state.p)
		add_text(a, "state", state);
	if (config->iss_in_callback)
		add_text(a, "iss", adversary_world_issuer(w->world));
}

/* ── /token ── */

static void refuse(struct adversary_answer *a, enum adversary_verdict verdict)
{
	if (verdict == ADVERSARY_FULL)
		adversary_oauth_error(a, 503, "temporarily_unavailable", "max_grants is reached");
	else
		adversary_oauth_error(a, 400, "invalid_grant", adversary_verdict_name(verdict));
}

static void add_id_token(struct work *w, const struct adversary_tokens *tokens)
{
	const struct adversary_config *config = &w->world->config;
	struct adversary_claims claims = {
		.issuer = adversary_world_issuer(w->world),
		.client_id = slice_from(tokens->grant->client_id),
		.account = slice_from(tokens->grant->account),
		.nonce = slice_from(tokens->grant->nonce),
		.access_token = slice_from(tokens->access),
		.now = w->now,
		.ttl_s = config->access_ttl_s,
	};
	struct buf jws;

	buf_init(&jws, TEXT_MAX);
	adversary_signer_use(w->world->signer, (size_t)config->signing_key);
	if (adversary_signer_make(w->world->signer, &claims, config->id_token == ADVERSARY_ID_TOKEN_RS256, w->forge,
				  &jws))
		adversary_oauth_error(w->answer, 500, "server_error", "the id_token could not be signed");
	else
		add_text(w->answer, "id_token", buf_slice(&jws));
	buf_done(&jws);
}

/* RFC 6749 §5.1. */
static void give_tokens(struct work *w, const struct adversary_tokens *tokens, bool with_id_token)
{
	struct adversary_answer *a = w->answer;
	const struct adversary_config *config = &w->world->config;
	bool openid = strstr(tokens->grant->scope, "openid") != NULL;

	add_text(a, "access_token", slice_from(tokens->access));
	add_text(a, "token_type", SLICE_LIT("Bearer"));
	add_raw(a, "expires_in", arena_printf(a->arena, "%lld", (long long)tokens->expires_in_s));
	if (tokens->refresh[0])
		add_text(a, "refresh_token", slice_from(tokens->refresh));
	if (tokens->grant->scope[0])
		add_text(a, "scope", slice_from(tokens->grant->scope));
	if (openid && with_id_token && config->id_token != ADVERSARY_ID_TOKEN_OFF)
		add_id_token(w, tokens);
}

static void exchange(struct work *w, const struct adversary_params *p, struct slice client_id)
{
	struct adversary_tokens tokens;
	struct adversary_wish claim = {
		.client_id = client_id,
		.redirect_uri = adversary_params_get(p, "redirect_uri"),
	};
	enum adversary_verdict verdict = adversary_grants_redeem(w->world->grants, adversary_params_get(p, "code"),
								 &claim, adversary_params_get(p, "code_verifier"),
								 w->now, &tokens);

	if (verdict == ADVERSARY_FINE)
		give_tokens(w, &tokens, true);
	else
		refuse(w->answer, verdict);
}

static void refresh(struct work *w, const struct adversary_params *p, struct slice client_id)
{
	struct adversary_tokens tokens;
	enum adversary_verdict verdict = adversary_grants_refresh(
		w->world->grants, adversary_params_get(p, "refresh_token"), client_id, w->now, &tokens);

	if (verdict == ADVERSARY_FINE)
		give_tokens(w, &tokens, w->world->config.id_token_on_refresh);
	else
		refuse(w->answer, verdict);
}

/* Form and client of a POST; false when the answer already says what is wrong. */
static bool read_post(struct work *w, struct adversary_params *ret_params, struct adversary_client *ret_client)
{
	struct adversary_answer *a = w->answer;
	struct slice type = adversary_request_header(w->request, "Content-Type");
	const char *error;

	if (!slice_is(w->request->method, "POST")) {
		adversary_oauth_error(a, 405, "invalid_request", "this endpoint takes POST");
		return false;
	}
	if (!slice_starts(type, "application/x-www-form-urlencoded") ||
	    !adversary_params_parse(w->request->body, a->arena, ret_params) || ret_params->duplicate) {
		adversary_oauth_error(a, 400, "invalid_request",
				      "the body is no form, malformed, or names a parameter twice");
		return false;
	}
	error = adversary_client_read(&w->world->config, w->request, ret_params, a->arena, ret_client);
	if (!error)
		return true;
	adversary_oauth_error(a, strcmp(error, "invalid_client") == 0 ? 401 : 400, error, "client authentication");
	if (a->status == 401)
		adversary_answer_header(a, SLICE_LIT("WWW-Authenticate"), SLICE_LIT("Basic realm=\"adversary\""));
	return false;
}

static void token(struct work *w)
{
	struct adversary_counters *counters = adversary_record_counters(w->world->record);
	struct adversary_params p;
	struct adversary_client client;
	struct slice grant_type;

	if (read_post(w, &p, &client)) {
		grant_type = adversary_params_get(&p, "grant_type");
		if (client.id.n == 0)
			adversary_oauth_error(w->answer, 400, "invalid_request", "client_id is missing");
		else if (slice_is(grant_type, "authorization_code"))
			exchange(w, &p, client.id);
		else if (slice_is(grant_type, "refresh_token"))
			refresh(w, &p, client.id);
		else
			adversary_oauth_error(w->answer, 400, "unsupported_grant_type", "code or refresh only");
	}
	if (w->answer->status == 200)
		counters->token_success++;
	else
		counters->token_error++;
}

/* ── the rest ── */

/* RFC 7009. */
static void revoke(struct work *w)
{
	struct adversary_params p;
	struct adversary_client client;
	struct slice text;

	if (!read_post(w, &p, &client))
		return;
	text = adversary_params_get(&p, "token");
	if (text.n == 0)
		adversary_oauth_error(w->answer, 400, "invalid_request", "token is missing");
	else if (!adversary_grants_revoke(w->world->grants, text, client.id))
		adversary_oauth_error(w->answer, 400, "invalid_client", "the token belongs to another client");
	else
		w->answer->form = ADVERSARY_BODY;
}

static void userinfo(struct work *w)
{
	struct adversary_answer *a = w->answer;
	struct slice header = adversary_request_header(w->request, "Authorization");
	struct adversary_grant *grant;
	enum adversary_verdict verdict = ADVERSARY_UNKNOWN;

	if (slice_eq_nocase(slice_sub(header, 0, 7), SLICE_LIT("Bearer ")))
		verdict = adversary_grants_access(w->world->grants, slice_sub(header, 7, header.n), w->now, &grant);
	if (verdict != ADVERSARY_FINE) {
		adversary_oauth_error(a, 401, "invalid_token", adversary_verdict_name(verdict));
		adversary_answer_header(a, SLICE_LIT("WWW-Authenticate"), SLICE_LIT("Bearer error=\"invalid_token\""));
		return;
	}
	add_text(a, "sub", slice_from(grant->account));
	add_text(a, "name", slice_from(grant->account));
	if (strchr(grant->account, '@'))
		add_text(a, "email", slice_from(grant->account));
	else
		add_text(a, "email", slice_from(arena_printf(a->arena, "%s@adversary.test", grant->account)));
	add_raw(a, "email_verified", "true");
}

/* OIDC Discovery §3, RFC 8414 §2. */
static void discovery(struct work *w)
{
	static const char *const urls[][2] = {
		{"authorization_endpoint", "/authorize"},
		{"token_endpoint", "/token"},
		{"revocation_endpoint", "/revoke"},
		{"userinfo_endpoint", "/userinfo"},
		{"jwks_uri", "/jwks"},
	};
	struct adversary_answer *a = w->answer;

	add_text(a, "issuer", adversary_world_issuer(w->world));
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
		add_text(a, urls[i][0], slice_from(arena_printf(a->arena, "%s%s", w->world->url, urls[i][1])));
	add_raw(a, "response_types_supported", "[\"code\"]");
	add_raw(a, "grant_types_supported", "[\"authorization_code\",\"refresh_token\"]");
	add_raw(a, "subject_types_supported", "[\"public\"]");
	add_raw(a, "scopes_supported", "[\"openid\",\"email\",\"profile\",\"offline_access\"]");
	add_raw(a, "id_token_signing_alg_values_supported", "[\"RS256\"]");
	add_raw(a, "token_endpoint_auth_methods_supported",
		"[\"client_secret_basic\",\"client_secret_post\",\"none\"]");
	add_raw(a, "code_challenge_methods_supported", "[\"S256\"]");
	add_raw(a, "authorization_response_iss_parameter_supported",
		w->world->config.iss_in_callback ? "true" : "false");
}

static void jwks(struct work *w)
{
	struct buf set;

	buf_init(&set, TEXT_MAX);
	adversary_signer_use(w->world->signer, (size_t)w->world->config.signing_key);
	if (adversary_signer_jwks(w->world->signer, &set)) {
		adversary_oauth_error(w->answer, 500, "server_error", "no key");
	} else {
		w->answer->form = ADVERSARY_BODY;
		w->answer->content_type = SLICE_LIT("application/json");
		adversary_wire_add(&w->answer->body, arena_copy(w->answer->arena, buf_slice(&set)), 1);
	}
	buf_done(&set);
}

void adversary_oauth_answer(struct adversary_world *world, enum adversary_endpoint endpoint,
			    const struct adversary_request *request, const json_t *forge,
			    struct adversary_answer *ret_answer)
{
	static void (*const handlers[ADVERSARY_ENDPOINTS])(struct work *) = {
		[ADVERSARY_AUTHORIZE] = authorize, [ADVERSARY_TOKEN] = token,	      [ADVERSARY_REVOKE] = revoke,
		[ADVERSARY_USERINFO] = userinfo,   [ADVERSARY_DISCOVERY] = discovery, [ADVERSARY_JWKS] = jwks,
	};
	struct work w = {world, request, forge, ret_answer, adversary_world_now(world)};

	ret_answer->status = 200;
	ret_answer->form = ADVERSARY_JSON;
	if (handlers[endpoint])
		handlers[endpoint](&w);
	else
		adversary_oauth_error(ret_answer, 404, "not_found", "this provider has no such endpoint");
}
