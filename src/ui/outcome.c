/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sentences for the codes that flows end with. The address bar is anybody's: a page shows only sentences of
 * this table, never the query's own words.
 */
#include "ui/outcome.h"

#include "base/mem.h"

static const struct {
	const char *code, *sentence;
} sentences[] = {
	{"access_denied", "Not connected: the account’s owner, or its organisation, did not allow it."},
	{"invalid_request", "Not connected: the provider could not read our request. Check the authenticator’s URLs and parameters."},
	{"unauthorized_client", "Not connected: the provider does not let this client connect accounts. Check the registration there."},
	{"unsupported_response_type", "Not connected: the provider does not offer the authorization code flow to this client."},
	{"invalid_scope", "Not connected: the provider does not know, or does not allow, one of the scopes asked for."},
	{"server_error", "Not connected: the provider had an error of its own. Try again in a while."},
	{"temporarily_unavailable", "Not connected: the provider is not available at the moment. Try again in a while."},
	{"interaction_required", "Not connected: the provider wants to ask the account’s owner something. Connect again."},
	{"login_required", "Not connected: the provider wants the account’s owner to sign in. Connect again."},
	{"account_selection_required", "Not connected: the provider wants an account to be chosen. Connect again."},
	{"consent_required", "Not connected: the provider wants the account’s owner to agree. Connect again."},
	{"issuer_mismatch", "Not connected: the answer came from another provider than the one that was asked."},
	{"authenticator_changed", "Not connected: the authenticator was changed while you were at the provider. Connect again."},
	{"wrong_account", "Not connected: this is not the account that the app asked for. Connect again and choose the other one."},
	{"identity_unknown", "Not connected: the provider did not say whose account it is. Connect again."},
	{"invalid_grant", "Not connected: the provider did not accept its own code, perhaps because it took too long. Connect again."},
	{"invalid_client", "Not connected: the provider does not know the client id, or the client secret is wrong. Update the authenticator."},
	{"exchange_refused", "Not connected: the provider refused to hand out tokens. Check client id, client secret and redirect URI."},
	{"exchange_lost", "Not connected: the provider’s answer was lost on the way. Connect again."},
	{"provider_unreachable", "Not connected: the provider could not be reached. Try again in a while."},
};

const char *outcome_sentence(struct slice code)
{
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++)
		if (slice_is(code, sentences[i].code))
			return sentences[i].sentence;
	return "Not connected: the provider did not go along with it. Connect again; if it happens again, look at the events of "
	       "this authenticator.";
}
