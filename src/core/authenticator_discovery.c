/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An issuer's metadata laid under an authenticator. It is read once, at registration: later metadata changes nothing about an
 * authenticator, so it can neither re-route codes nor turn a protection off (OA-04, OA-06). Must never replace what the developer said.
 */
#include "core/authenticator_discovery.h"

#include "oauth/discovery.h"

#define ISSUER_FIELD "configuration.issuer"

const char *authenticator_discovery_wanted(const struct profile *p)
{
	return p->authorize_url[0] && p->token_url[0] ? "" : p->issuer;
}

static void fill(const char **io, const char *from)
{
	if (!(*io)[0])
		*io = from;
}

static enum err check_client_auth(const struct discovery *d, const struct jsonr *configuration, struct profile *io, struct errinfo *ei)
{
	if (jsonr_get(configuration, "client_auth") || jsonr_get(configuration, "token_endpoint_auth_method"))
		return ERR_OK;
	if (!d->auth_known)
		return err_field(ei, ISSUER_FIELD, "names a provider that takes none of client_secret_basic, client_secret_post and none");
	io->auth = d->auth;
	return ERR_OK;
}

enum err authenticator_discovery_fill(struct slice metadata, const struct jsonr *configuration, struct arena *a,
				      struct profile *io, struct errinfo *ei)
{
	struct errinfo why = {.detail = ""};
	struct discovery d;

	if (discovery_parse(metadata, io->issuer, a, &d, &why))
		return err_field(ei, ISSUER_FIELD, "%s", why.detail);
	if (!d.authorize_url[0] || !d.token_url[0])
		return err_field(ei, ISSUER_FIELD, "has metadata without authorization_endpoint or token_endpoint: it is for another kind of client");
	if (d.par_required) /* RFC 9126 §5: no silent fallback (RF-10) */
		return err_field(ei, ISSUER_FIELD, "names a provider that insists on pushed authorization requests (RFC 9126), which are not sent");
	if (check_client_auth(&d, configuration, io, ei))
		return ERR_UNPROCESSABLE;
	fill(&io->authorize_url, d.authorize_url);
	fill(&io->token_url, d.token_url);
	fill(&io->revoke_url, d.revoke_url);
	fill(&io->identity_url, d.userinfo_url);
	io->iss_in_callback = io->iss_in_callback || d.iss_in_callback;
	return ERR_OK;
}
