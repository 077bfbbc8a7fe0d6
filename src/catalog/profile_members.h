/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a profile as tables, for those who read, write and copy it. Internal to the room. tools/check-templates reads
 * these tables: providers/FORMAT.md and providers/schema.json must know the same members.
 */
#pragma once

#include "catalog/profile.h"

enum { PROFILE_NAME_MAX_BYTES = 64, PROFILE_VALUE_MAX_BYTES = 256 };

/* name, alias in configurations (NULL none), where it is */
#define PROFILE_TEXTS(X)                                           \
	X("authorize_url", NULL, authorize_url)                    \
	X("token_url", NULL, token_url)                            \
	X("refresh_url", NULL, refresh_url)                        \
	X("revoke_url", "revocation_url", revoke_url)              \
	X("issuer", NULL, issuer)                                  \
	X("jwks_url", "jwks_uri", jwks_url)                        \
	X("bearer_names", NULL, bearer_names)                      \
	X("error_flag", NULL, error_flag)                          \
	X("error_path", NULL, error_path)                          \
	X("token_path", NULL, token_path)                          \
	X("identity_url", "userinfo_url", identity_url)            \
	X("identity_subject", NULL, identity_subject)              \
	X("identity_label", NULL, identity_label)                  \
	X("identity_scheme", NULL, identity_scheme)                \
	X("identity_body", NULL, identity_body)                    \
	X("answer_subject", NULL, answer_subject)                  \
	X("answer_scope", NULL, answer_scope)

#define PROFILE_FLAGS(X)                                           \
	X("iss_in_callback", NULL, iss_in_callback)                \
	X("scope_comma_in_answer", NULL, scope_comma_in_answer)    \
	X("form_answers", NULL, form_answers)                      \
	X("token_type_optional", NULL, token_type_optional)        \
	X("refresh_sends_redirect_uri", NULL, refresh_sends_redirect_uri)

/* An object of texts: name, where it is */
#define PROFILE_PAIRS(X)                                           \
	X("token_params", token_params)                            \
	X("refresh_params", refresh_params)                        \
	X("token_headers", token_headers)                          \
	X("param_names", param_names)                              \
	X("identity_headers", identity_headers)

/* An array of texts */
#define PROFILE_LISTS(X)                                           \
	X("keep_from_callback", keep_from_callback)                \
	X("keep_from_answer", keep_from_answer)                    \
	X("id_token_algs", id_token_algs)

/* One of a few words: name, alias, where it is, words, how many */
#define PROFILE_WORDS(X)                                                                           \
	X("client_auth", "token_endpoint_auth_method", auth, profile_auth_words, CLIENT_AUTH__COUNT) \
	X("revoke_ends", NULL, revoke_ends, profile_ends_words, REVOKE_ENDS__COUNT)                \
	X("revoke_style", NULL, revoke_style, profile_revoke_words, REVOKE__COUNT)                 \
	X("pkce", NULL, pkce, profile_pkce_words, PKCE__COUNT)                                     \
	X("token_encoding", NULL, token_encoding, profile_encoding_words, TOKEN__COUNT)

/* With a form of their own: "identity_method", "scope_separator", "rotation", "authorize_params", "error_names", "expires_in", "refresh_life" */

extern const char *const profile_auth_words[CLIENT_AUTH__COUNT];
extern const char *const profile_ends_words[REVOKE_ENDS__COUNT];
extern const char *const profile_revoke_words[REVOKE__COUNT];
extern const char *const profile_pkce_words[PKCE__COUNT];
extern const char *const profile_encoding_words[TOKEN__COUNT];

/* Our own parameters that param_names may rename. */
extern const char *const profile_renamable[PROFILE_NAMES_MAX];
