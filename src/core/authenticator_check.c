/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the texts and addresses of an authenticator must be. Must never let an endpoint pass that is not https (http only on
 * loopback) or that is our own origin (SS-01).
 */
#include "core/authenticator_check.h"

#include <string.h>

#include "base/mem.h"
#include "core/issuer_keys.h"
#include "core/line.h"

void authenticator_warn(struct authenticator_input *in, const char *text)
{
	if (in->warning_count < INPUT_WARNINGS_MAX)
		in->warning[in->warning_count++] = text;
}

void authenticator_check_text(struct slice text, const char *field, size_t max, bool ascii, struct errinfo *ei)
{
	if (text.n > max)
		err_field(ei, field, "is longer than %zu bytes", max);
	else if (ascii ? !slice_is_printable(text) : !line_is_plain(text))
		err_field(ei, field, ascii ? "must be plain printable characters" : "must be one line of UTF-8 text without control characters");
}

static void check_endpoint(const struct core *core, const char *text, const char *field, bool required,
			   struct errinfo *ei)
{
	struct errinfo why = {0};
	struct url u;

	if (!text[0]) {
		if (required)
			err_field(ei, field, "is required: the provider's documentation names it");
		return;
	}
	if (url_parse(slice_from(text), &u, &why))
		err_field(ei, field, "%s", why.detail);
	else if (u.fragment.p)
		err_field(ei, field, "must not have a #fragment");
	else if (!u.is_https && !url_is_loopback(&u))
		err_field(ei, field, "must begin with https:// (http:// is for providers on this machine only)");
	else if (url_same_origin(&u, &core->public))
		err_field(ei, field, "points at this service itself, not at the provider");
}

void authenticator_check_profile(const struct core *core, const struct profile *p, struct errinfo *ei)
{
	check_endpoint(core, p->authorize_url, "authorize_url", true, ei);
	check_endpoint(core, p->token_url, "token_url", true, ei);
	check_endpoint(core, p->refresh_url, "configuration.refresh_url", false, ei);
	check_endpoint(core, p->revoke_url, "configuration.revoke_url", false, ei);
	check_endpoint(core, p->identity_url, "configuration.identity_url", false, ei);
	check_endpoint(core, p->jwks_url, "configuration.jwks_url", false, ei);
	issuer_keys_check(p, ei);
}

static const char *const callback_prefixes[] = {"/auth/callback/", "/api/v1/auth/callback/",
						 "/api/v1/credentials/auth/callback/", "/api/v1/oauth/callback/",
						 "/api/v1/credentials/oauth/callback/"};

void authenticator_check_redirect(const struct core *core, struct authenticator_input *in, struct errinfo *ei)
{
	struct errinfo why = {0};
	bool ours = false;
	struct url u;

	if (!in->redirect_uri[0])
		return;
	if (url_parse(slice_from(in->redirect_uri), &u, &why)) {
		err_field(ei, "redirect_uri", "%s", why.detail);
		return;
	}
	if (u.fragment.p) {
		err_field(ei, "redirect_uri", "must not have a #fragment (RFC 6749 §3.1.2)");
		return;
	}
	if (!u.is_https && !url_is_loopback(&u)) {
		err_field(ei, "redirect_uri", "must begin with https:// (http:// works on this machine only)");
		return;
	}
	if (!url_same_origin(&u, &core->public)) {
		authenticator_warn(in, "redirect_uri leads to another server than this one: it must pass the provider's answer on to this server's callback");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(callback_prefixes); i++)
		ours = ours || (slice_starts(u.path, callback_prefixes[i]) && u.path.n > strlen(callback_prefixes[i]));
	if (!ours || u.query.p)
		err_field(ei, "redirect_uri", "has a path that this server does not answer: use %s/auth/callback/<name>, or leave it out",
			  core->public_url);
}
