/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling a provider that a token is no longer wanted. What the user sees does not wait for it, so all
 * that matters in the answer is whether to ask again. Must never put the token into a URL.
 */
#include "oauth/revoke.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "oauth/answer.h"
#include "oauth/client_auth.h"
#include "json/jsonw.h"

enum { URL_TEXT_MAX = 4096 };

/* GitHub: DELETE /applications/{client_id}/token, Basic with id and secret, {"access_token": …}. */
static void github_request(const struct token_client *c, const struct secret *token, struct arena *a,
			   struct fetch_request *io)
{
	CLEANUP(buf_done) struct buf url;
	CLEANUP(buf_done) struct buf body;
	struct jsonw w;

	buf_init(&url, URL_TEXT_MAX);
	buf_init(&body, CLIENT_AUTH_BODY_MAX);
	buf_puts(&url, c->profile->revoke_url);
	buf_putc(&url, '/');
	encode_percent(&url, slice_from(c->client_id));
	buf_puts(&url, "/token");
	jsonw_init(&w, &body);
	jsonw_object(&w, NULL);
	jsonw_slice(&w, "access_token", secret_expose(token));
	jsonw_object_end(&w);
	io->method = "DELETE";
	io->url = arena_strndup(a, buf_slice(&url));
	io->body_cap = FETCH_TOKEN_CAP;
	client_auth_add_header(io, "Accept", SLICE_LIT("application/vnd.github+json"));
	client_auth_add_header(io, "Content-Type", SLICE_LIT("application/json"));
	client_auth_add_header(io, "User-Agent", SLICE_LIT("fiberwise/" FW_VERSION));
	client_auth_add_header(io, "Authorization", client_auth_basic(c, a));
	io->body = arena_copy(a, buf_slice(&body));
}

/* RFC 7009 §2.1. */
static void standard_request(const struct token_client *c, const struct secret *token, const char *hint, struct arena *a,
			     struct fetch_request *io)
{
	struct client_params params = {0};

	client_params_put(&params, "token", secret_expose(token));
	client_params_put(&params, "token_type_hint", slice_from(hint));
	client_auth_post(c, c->profile->revoke_url, TOKEN_FORM, &params, a, io);
}

/* Intuit: the same as a JSON object that takes no hint. */
static void json_request(const struct token_client *c, const struct secret *token, struct arena *a, struct fetch_request *io)
{
	struct client_params params = {0};

	client_params_put(&params, "token", secret_expose(token));
	client_auth_post(c, c->profile->revoke_url, TOKEN_JSON, &params, a, io);
}

/* Dropbox, Slack: whoever holds the token may end it. */
static void bearer_request(const struct token_client *c, const struct secret *token, const char *method, struct arena *a,
			   struct fetch_request *io)
{
	io->method = method;
	io->url = c->profile->revoke_url;
	io->body_cap = FETCH_TOKEN_CAP;
	client_auth_add_header(io, "Accept", SLICE_LIT("application/json"));
	client_auth_add_header(io, "User-Agent", SLICE_LIT("fiberwise/" FW_VERSION));
	client_auth_add_header(io, "Authorization", client_auth_token("Bearer", token, a));
}

static bool takes_token(const struct profile *p, const char *hint)
{
	bool as_bearer = p->revoke_style == REVOKE_BEARER || p->revoke_style == REVOKE_BEARER_DELETE;

	return p->revoke_url[0] && !(as_bearer && strcmp(hint, "refresh_token") == 0);
}

bool revoke_request(const struct token_client *c, const struct secret *token, const char *hint, struct arena *a,
		    struct fetch_request *ret)
{
	struct fetch_request r = {.attempt = "", .consumes = ""};

	if (!takes_token(c->profile, hint))
		return false;
	switch (c->profile->revoke_style) {
	case REVOKE_GITHUB:
		github_request(c, token, a, &r);
		break;
	case REVOKE_BEARER:
		bearer_request(c, token, "POST", a, &r);
		break;
	case REVOKE_BEARER_DELETE:
		bearer_request(c, token, "DELETE", a, &r);
		break;
	case REVOKE_JSON:
		json_request(c, token, a, &r);
		break;
	case REVOKE_RFC7009:
	case REVOKE__COUNT:
		standard_request(c, token, hint, a, &r);
	}
	r.label = arena_printf(a, "revoke %s", c->label ? c->label : "");
	*ret = r;
	return true;
}

/* Words that say: there is nothing left to revoke (RFC 7009 §2.2, §2.2.1). */
static bool is_done(const char *code)
{
	static const char *const done[] = {
		"unsupported_token_type", "invalid_token", "invalid_grant",    "token_revoked",
		"token_expired",	  "invalid_auth",  "account_inactive",
	};

	for (size_t i = 0; i < ARRAY_LEN(done); i++)
		if (slice_is(slice_from(code), done[i]))
			return true;
	return false;
}

static bool is_later(int status, const char *code)
{
	static const char *const later[] = {
		"temporarily_unavailable", "server_error", "ratelimited",     "service_unavailable",
		"internal_error",	   "fatal_error",  "request_timeout",
	};

	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		if (slice_is(slice_from(code), later[i]))
			return true;
	return status >= 500 || status == 408 || status == 421 || status == 425 || status == 429;
}

enum err revoke_parse(const struct fetch_answer *answer, struct slice body, struct errinfo *ei)
{
	/* The flag is Slack's; where it means nothing it is not there. */
	struct profile p = *profile_default();
	struct arena *a = arena_new(4 << 20);
	const struct jsonr *doc = answer_read(body, false, a);
	struct answer_error why = {0};
	enum err e = ERR_UPSTREAM_DENIED;

	p.error_flag = "ok";
	if (doc)
		answer_error(&p, doc, &why);
	arena_free(&a);
	if ((answer->status == 200 || answer->status == 204) && !why.code[0])
		return ERR_OK;
	if (answer->status < 500 && is_done(why.code))
		return ERR_OK;
	if (is_later(answer->status, why.code))
		e = ERR_UPSTREAM_DOWN;
	if (ei && answer->retry_after_s > 0)
		ei->retry_after_s = (unsigned)(answer->retry_after_s < 3600 ? answer->retry_after_s : 3600);
	err_code(ei, e, why.code);
	return err_set(ei, e, "the provider did not revoke the token (HTTP status %d%s%s)", answer->status,
		       why.code[0] ? ", error " : "", why.code);
}
