/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the token endpoint. They are the only ones that yield tokens, so each carries its
 * intent's attempt id; must never be built without one, and never with a secret in the URL.
 */
#include "oauth/token.h"

#include "base/mem.h"
#include "oauth/client_auth.h"

const char *token_refresh_url(const struct profile *p)
{
	return p->refresh_url[0] ? p->refresh_url : p->token_url;
}

static void put_constants(struct client_params *params, const struct profile_pairs *constants)
{
	for (size_t i = 0; i < constants->count; i++)
		client_params_put(params, constants->pair[i].name, slice_from(constants->pair[i].value));
}

static void finish(const struct token_client *c, const char *url, const char *attempt, struct client_params *params, struct arena *a,
		   struct fetch_request *ret)
{
	struct fetch_request r = {.flags = FETCH_YIELDS_TOKENS, .attempt = arena_strdup(a, attempt), .consumes = ""};
	const struct profile_pairs *headers = &c->profile->token_headers;

	client_auth_post(c, url, c->profile->token_encoding, params, a, &r);
	for (size_t i = 0; i < headers->count; i++)
		client_auth_add_header(&r, headers->pair[i].name, slice_from(headers->pair[i].value));
	r.label = arena_printf(a, "token %s", c->label ? c->label : "");
	*ret = r;
}

void token_request_exchange(const struct token_client *c, const char *attempt, const struct token_exchange *x, struct arena *a,
			    struct fetch_request *ret)
{
	const struct profile *p = c->profile;
	struct client_params params = {0};

	client_params_put(&params, "grant_type", SLICE_LIT("authorization_code"));
	client_params_put(&params, client_auth_name(p, "code"), secret_expose(x->code));
	client_params_put(&params, client_auth_name(p, "redirect_uri"), slice_from(x->redirect_uri));
	if (p->pkce == PKCE_S256)
		client_params_put(&params, "code_verifier", secret_expose(x->verifier));
	put_constants(&params, &p->token_params);
	finish(c, p->token_url, attempt, &params, a, ret);
}

void token_request_refresh(const struct token_client *c, const char *attempt, const struct token_renewal *x, struct arena *a,
			   struct fetch_request *ret)
{
	const struct profile *p = c->profile;
	struct client_params params = {0};

	client_params_put(&params, "grant_type", SLICE_LIT("refresh_token"));
	client_params_put(&params, client_auth_name(p, "refresh_token"), secret_expose(x->refresh_token));
	if (p->refresh_sends_redirect_uri)
		client_params_put(&params, client_auth_name(p, "redirect_uri"), slice_from(x->redirect_uri));
	put_constants(&params, &p->refresh_params);
	finish(c, token_refresh_url(p), attempt, &params, a, ret);
}
