/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a browser brings back from a provider, or from somebody who would like to be one. Form only:
 * whose flow it is, state decides. Must never pass the provider's own words on to a page or header
 * (OA-09), and never take a token from the front channel (OA-07).
 */
#include "oauth/callback.h"

#include "base/mem.h"

enum { PARAMS_MAX = 32, ISS_MAX = 2048 };

static const struct {
	const char *code, *sentence;
} sentences[] = {
	/* RFC 6749 §4.1.2.1 */
	{"access_denied", "The account's owner, or its organisation, did not allow the connection."},
	{"invalid_request", "The provider could not read the request. Check the authenticator's URLs and parameters."},
	{"unauthorized_client",
	 "The provider does not allow this client to connect accounts. Check the registration there."},
	{"unsupported_response_type", "The provider does not offer the authorization code flow to this client."},
	{"invalid_scope", "The provider does not know, or does not allow, one of the scopes asked for."},
	{"server_error", "The provider had an error of its own. Try again in a while."},
	{"temporarily_unavailable", "The provider is not available at the moment. Try again in a while."},
	/* OIDC Core §3.1.2.6 */
	{"interaction_required", "The provider wants to ask the account's owner something. Connect again."},
	{"login_required", "The provider wants the account's owner to sign in. Connect again."},
	{"account_selection_required", "The provider wants an account to be chosen. Connect again."},
	{"consent_required", "The provider wants the account's owner to agree. Connect again."},
	{"issuer_mismatch", "The answer came from another provider than the one that was asked."},
	{"invalid_error", "The provider refused the connection and gave no readable reason."},
};

const char *callback_sentence(const char *error)
{
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++)
		if (slice_is(slice_from(error), sentences[i].code))
			return sentences[i].sentence;
	return "The provider refused the connection.";
}

/* p NULL when absent. A name twice is refused (RFC 6749 §3.1, OA-08), here too. */
static enum err get(const struct callback_param *params, size_t count, const char *name, struct slice *ret,
		    struct errinfo *ei)
{
	*ret = (struct slice){0};
	for (size_t i = 0; i < count; i++) {
		if (!slice_is(params[i].name, name))
			continue;
		if (ret->p)
			return err_set(ei, ERR_INVALID, "the provider's answer has the parameter \"%s\" twice", name);
		*ret = params[i].value.p ? params[i].value : SLICE_LIT("");
	}
	return ERR_OK;
}

static enum err check_text(struct slice text, const char *name, size_t max, struct errinfo *ei)
{
	if (text.n > max)
		return err_set(ei, ERR_INVALID, "the provider's answer has a \"%s\" of more than %zu bytes", name, max);
	if (!slice_is_printable(text))
		return err_set(ei, ERR_INVALID,
			       "the provider's answer has a \"%s\" with characters that don't belong there", name);
	return ERR_OK;
}

static const char *clean_error(struct slice error, struct arena *a)
{
	if (error.n > CALLBACK_ERROR_MAX)
		return "invalid_error";
	for (size_t i = 0; i < error.n; i++)
		if (!(error.p[i] >= 'a' && error.p[i] <= 'z') && error.p[i] != '_')
			return "invalid_error";
	return arena_strndup(a, error);
}

static const char *clean_description(struct slice text, struct arena *a)
{
	char *clean = arena_strndup(a, slice_sub(text, 0, CALLBACK_DESCRIPTION_MAX));

	for (char *c = clean; c < clean + text.n && c < clean + CALLBACK_DESCRIPTION_MAX; c++)
		if (*c < 0x20 || *c > 0x7E)
			*c = '?';
	return clean;
}

static enum err refuse_tokens(const struct callback_param *params, size_t count, struct errinfo *ei)
{
	static const char *const tokens[] = {"access_token", "id_token", "refresh_token", "response"};

	for (size_t i = 0; i < count; i++)
		for (size_t t = 0; t < ARRAY_LEN(tokens); t++)
			if (slice_is(params[i].name, tokens[t]))
				return err_set(
					ei, ERR_INVALID,
					"the provider's answer carries \"%s\" in its address; only codes are taken",
					tokens[t]);
	return ERR_OK;
}

enum err callback_parse(const struct callback_param *params, size_t count, struct arena *a, struct callback *ret,
			struct errinfo *ei)
{
	struct callback c = {.error = "", .description = ""};
	struct slice code = {0}, error = {0}, description = {0};
	enum err e;

	if (count > PARAMS_MAX)
		return err_set(ei, ERR_INVALID, "the provider's answer has more than %d parameters", PARAMS_MAX);
	e = refuse_tokens(params, count, ei);
	if (!e)
		e = get(params, count, "state", &c.state, ei);
	if (!e)
		e = get(params, count, "code", &code, ei);
	if (!e)
		e = get(params, count, "iss", &c.iss, ei);
	if (!e)
		e = get(params, count, "error", &error, ei);
	if (!e)
		e = get(params, count, "error_description", &description, ei);
	if (!e)
		e = check_text(c.state, "state", CALLBACK_STATE_MAX, ei);
	if (!e)
		e = check_text(code, "code", CALLBACK_CODE_MAX, ei);
	if (!e)
		e = check_text(c.iss, "iss", ISS_MAX, ei);
	if (e)
		return e;
	if (code.n && error.p)
		return err_set(ei, ERR_INVALID, "the provider's answer has both a code and an error");
	if (!code.n && !error.n)
		return err_set(ei, ERR_INVALID, "the provider's answer has neither a code nor an error");
	if (code.n) {
		c.code = secret_in_arena(a, secret_new(code));
	} else {
		c.error = clean_error(error, a);
		c.description = clean_description(description, a);
	}
	*ret = c;
	return ERR_OK;
}

enum err callback_check_issuer(const struct callback *c, const struct profile *snapshot, struct errinfo *ei)
{
	if (snapshot->issuer[0] == '\0')
		return ERR_OK;
	if (!c->iss.p && !snapshot->iss_in_callback)
		return ERR_OK;
	if (c->iss.p && slice_is(c->iss, snapshot->issuer))
		return ERR_OK;
	err_code(ei, ERR_UPSTREAM_DENIED, "issuer_mismatch");
	if (!c->iss.p)
		return err_set(ei, ERR_UPSTREAM_DENIED,
			       "the answer does not say which provider sent it (RFC 9207 §2.4)");
	return err_set(ei, ERR_UPSTREAM_DENIED,
		       "the answer came from another provider than the one asked (RFC 9207 §2.4)");
}
