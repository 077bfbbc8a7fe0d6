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
	{"access_denied", "The account’s owner, or its organisation, did not allow it."},
	{"invalid_request", "The provider could not read our request. The app’s developer should check the authenticator’s URLs and parameters."},
	{"unauthorized_client", "The provider does not let this app connect accounts. Its developer should check the registration there."},
	{"unsupported_response_type", "The provider does not offer the authorization code flow to this client."},
	{"invalid_scope", "The provider does not know, or does not allow, one of the scopes asked for."},
	{"server_error", "The provider had an error of its own. Try again in a while."},
	{"temporarily_unavailable", "The provider is not available at the moment. Try again in a while."},
	{"interaction_required", "The provider wants to ask the account’s owner something. Connect again."},
	{"login_required", "The provider wants the account’s owner to sign in. Connect again."},
	{"account_selection_required", "The provider wants an account to be chosen. Connect again."},
	{"consent_required", "The provider wants the account’s owner to agree. Connect again."},
	{"issuer_mismatch", "The answer came from another provider than the one that was asked."},
	{"authenticator_changed", "The authenticator was changed while you were at the provider. Connect again."},
	{"wrong_account", "This is not the account that the app asked for. Connect again and choose the other one."},
	{"identity_unknown", "The provider did not say whose account it is. Connect again."},
	{"invalid_grant", "The provider did not accept its own code, perhaps because it took too long. Connect again."},
	{"invalid_client", "The provider does not know the app’s client id, or its secret is wrong. The app’s developer must correct the authenticator."},
	{"exchange_refused", "The provider refused to hand out tokens. The app’s developer should check client id, client secret and redirect URI."},
	{"keys_unavailable", "The provider’s keys could not be fetched, so nobody can tell whether its answer is genuine. Try again in a while."},
	{"id_token_invalid", "What the provider said of the account could not be verified, so it was not used."},
	{"subject_mismatch", "The provider named two different accounts for one sign-in, so neither was used."},
	{"sealed_value_refused", "What was kept of this sign-in could not be opened. Connect again."},
	{"exchange_lost", "The provider’s answer was lost on the way. Connect again."},
	{"provider_unreachable", "The provider could not be reached. Try again in a while."},
};

const char *outcome_sentence(struct slice code)
{
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++)
		if (slice_is(code, sentences[i].code))
			return sentences[i].sentence;
	return "The provider did not go along with it. Connect again; if it happens again, look at the events of "
	       "this authenticator.";
}
