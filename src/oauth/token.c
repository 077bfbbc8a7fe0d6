/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the token endpoint. They are the only ones that yield tokens, so each carries its
 * intent's attempt id; must never be built without one, and never with a secret in the URL.
 */
#include "oauth/token.h"

#include "base/mem.h"
#include "oauth/client_auth.h"

static void finish(const struct token_client *c, const char *attempt, struct buf *body, struct arena *a,
		   struct fetch_request *ret)
{
	struct fetch_request r = {.flags = FETCH_YIELDS_TOKENS, .attempt = arena_strdup(a, attempt), .consumes = ""};

	client_auth_post(c, c->profile->token_url, body, a, &r);
	r.label = arena_printf(a, "token %s", c->label ? c->label : "");
	*ret = r;
}

void token_request_exchange(const struct token_client *c, const char *attempt, const struct secret *code,
			    const struct secret *verifier, const char *redirect_uri, struct arena *a,
			    struct fetch_request *ret)
{
	CLEANUP(buf_done) struct buf body;

	buf_init(&body, CLIENT_AUTH_BODY_MAX);
	client_auth_put_param(&body, "grant_type", SLICE_LIT("authorization_code"));
	client_auth_put_param(&body, "code", secret_expose(code));
	client_auth_put_param(&body, "redirect_uri", slice_from(redirect_uri));
	client_auth_put_param(&body, "code_verifier", secret_expose(verifier));
	finish(c, attempt, &body, a, ret);
}

void token_request_refresh(const struct token_client *c, const char *attempt, const struct secret *refresh_token,
			   struct arena *a, struct fetch_request *ret)
{
	CLEANUP(buf_done) struct buf body;

	buf_init(&body, CLIENT_AUTH_BODY_MAX);
	client_auth_put_param(&body, "grant_type", SLICE_LIT("refresh_token"));
	client_auth_put_param(&body, "refresh_token", secret_expose(refresh_token));
	finish(c, attempt, &body, a, ret);
}
