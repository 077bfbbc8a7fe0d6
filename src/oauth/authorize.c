/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one URL that leads a browser to a provider. Everything the protocol relies on is set here and
 * nowhere else; must never take such a parameter from configuration, and never carry a secret (OA-07,
 * OA-16).
 */
#include "oauth/authorize.h"

#include "base/mem.h"
#include "base/url.h"
#include "oauth/client_auth.h"
#include "oauth/scope.h"

enum { SCOPES_TEXT_MAX = SCOPE_MAX * (SCOPE_TEXT_MAX + 1) };

static void put_scopes(const struct authorize_args *args, struct buf *out, bool *first)
{
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, SCOPES_TEXT_MAX);
	scope_join(args->scopes, args->profile->scope_separator, &text);
	if (text.n)
		url_put_param(out, first, client_auth_name(args->profile, "scope"), buf_slice(&text));
}

enum err authorize_url(const struct authorize_args *args, struct buf *out, struct errinfo *ei)
{
	const struct profile *p = args->profile;
	struct url url;
	bool first;
	enum err e = profile_check(p, ei);

	if (e)
		return e;
	if (url_parse(slice_from(p->authorize_url), &url, NULL))
		return err_field(ei, "authorize_url", "is missing: without it nobody can be sent to the provider");
	first = !url.query.p;
	buf_put(out, url.whole);
	url_put_param(out, &first, "response_type", SLICE_LIT("code"));
	url_put_param(out, &first, client_auth_name(p, "client_id"), slice_from(args->client_id));
	url_put_param(out, &first, client_auth_name(p, "redirect_uri"), slice_from(args->redirect_uri));
	put_scopes(args, out, &first);
	url_put_param(out, &first, "state", args->state);
	if (p->pkce == PKCE_S256) {
		url_put_param(out, &first, "code_challenge", slice_from(args->challenge));
		url_put_param(out, &first, "code_challenge_method", SLICE_LIT("S256"));
	}
	if (args->nonce.n)
		url_put_param(out, &first, "nonce", args->nonce);
	if (args->login_hint.n)
		url_put_param(out, &first, "login_hint", args->login_hint);
	for (size_t i = 0; i < p->param_count; i++)
		url_put_param(out, &first, p->authorize_param[i].name, slice_from(p->authorize_param[i].value));
	if (!buf_ok(out))
		return err_field(ei, "scopes", "make the authorization URL too long: ask for fewer scopes");
	return ERR_OK;
}
