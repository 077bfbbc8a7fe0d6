/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our tables as C structures. Each table is written down once, as a list of columns; the structure,
 * the column list of the SQL and the way from a row to the structure all follow from it.
 *
 * TEXT is never NULL ("" when absent); INT holds numbers, booleans (0, 1) and epoch milliseconds (0 when
 * absent); SEALED is a sealed value, absent as SQL NULL. There is no column kind for clear secrets.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "secret/seal.h"

#define APPS_COLUMNS(X, C)                                                                              \
	X(TEXT, app_id) C X(TEXT, name) C X(TEXT, owner_user_id) C X(TEXT, return_to) C X(INT, created_at) \
	C X(INT, updated_at)

/* kind: "admin" (signs in), "external" (asserted by the app's backend as external_id). */
#define USERS_COLUMNS(X, C)                                                                             \
	X(TEXT, user_id) C X(TEXT, kind) C X(TEXT, app_id) C X(TEXT, external_id) C X(TEXT, name)          \
	C X(TEXT, password_hash) C X(INT, is_active) C X(INT, created_at)

/* reach_app_id "": the whole platform. scopes: a JSON array. */
#define API_KEYS_COLUMNS(X, C)                                                                          \
	X(TEXT, key_id) C X(TEXT, secret_hash) C X(TEXT, owner_user_id) C X(TEXT, reach_app_id)            \
	C X(TEXT, scopes) C X(TEXT, name) C X(INT, created_at) C X(INT, last_used_at) C X(INT, revoked_at)

#define USER_SESSIONS_COLUMNS(X, C)                                                                     \
	X(TEXT, session_hash) C X(TEXT, user_id) C X(INT, created_at) C X(INT, last_seen_at) C X(INT, expires_at)

#define SIGN_IN_LINKS_COLUMNS(X, C) X(TEXT, link_hash) C X(TEXT, user_id) C X(INT, created_at) C X(INT, expires_at)

/* purpose: "seal", "fingerprint" or "audit". app_id "": the platform's own. */
#define DATA_KEYS_COLUMNS(X, C)                                                                         \
	X(TEXT, key_id) C X(TEXT, app_id) C X(TEXT, purpose) C X(INT, epoch) C X(SEALED, wrapped) C X(INT, created_at)

/* configuration: the profile as JSON. name_key: the name in lower case, unique per app. deleted_at: kept for the revocations it owes.
 * client_failures: refusals of its client id or secret in a row; no refresh before paused_until. */
#define AUTHENTICATORS_COLUMNS(X, C)                                                                    \
	X(TEXT, id) C X(TEXT, authenticator_id) C X(TEXT, authenticator_name) C X(TEXT, authenticator_type) \
	C X(TEXT, client_id) C X(SEALED, client_secret) C X(TEXT, redirect_uri) C X(TEXT, authorize_url)   \
	C X(TEXT, token_url) C X(TEXT, scopes) C X(TEXT, configuration) C X(INT, is_active)                \
	C X(INT, created_at) C X(INT, updated_at) C X(TEXT, app_id) C X(TEXT, name_key)                    \
	C X(INT, endpoint_rev) C X(INT, deleted_at) C X(INT, client_failures) C X(INT, paused_until) C X(TEXT, paused_cause)

/*
 * status: "active", "needs_reauth", "revoked", "superseded". intent_*: the durable note that an attempt is under way, and which token of
 * which generation it consumes. refresh_source: the token that the next attempt consumes (enum rotation_source). uncertain: an attempt since
 * uncertain_at may have been carried out. failures, refusals: in a row; failure: the last one's code. Not asked again before not_before;
 * tried again by itself at refresh_due_at. kept: of oauth/kept.h. refresh_expires_at: 0 unknown.
 */
#define GRANTS_COLUMNS(X, C)                                                                            \
	X(TEXT, grant_id) C X(TEXT, user_id) C X(TEXT, authenticator_id) C X(SEALED, access_token)         \
	C X(SEALED, refresh_token) C X(TEXT, token_type) C X(INT, expires_at) C X(TEXT, scopes)            \
	C X(INT, is_revoked) C X(INT, created_at) C X(INT, updated_at) C X(TEXT, app_id)                   \
	C X(INT, generation) C X(INT, issued_at) C X(TEXT, refresh_fp) C X(SEALED, previous_refresh_token) \
	C X(INT, previous_generation) C X(INT, endpoint_rev) C X(TEXT, status) C X(TEXT, cause)            \
	C X(INT, refresh_due_at) C X(INT, uncertain) C X(TEXT, intent_attempt) C X(TEXT, intent_instance)  \
	C X(INT, intent_lease_until) C X(INT, intent_deadline)                                           \
	C X(INT, uncertain_at) C X(INT, failures) C X(INT, refusals) C X(TEXT, failure) C X(INT, not_before) \
	C X(SEALED, alternate_refresh_token) C X(INT, alternate_generation) C X(INT, refresh_source)        \
	C X(INT, intent_generation) C X(INT, intent_source) C X(TEXT, kept) C X(INT, refresh_expires_at)

#define CONNECTIONS_COLUMNS(X, C)                                                                       \
	X(TEXT, auth_id) C X(TEXT, user_id) C X(TEXT, app_id) C X(TEXT, authenticator_id)                  \
	C X(TEXT, grant_id) C X(TEXT, auth_status) C X(INT, is_active) C X(INT, created_at)                \
	C X(INT, last_used_at) C X(TEXT, issuer) C X(TEXT, subject) C X(TEXT, account)                     \
	C X(TEXT, requested_scopes) C X(INT, connected_at)

/* result: "", "connected", "failed". configuration: the profile as it was when the flow started (OA-06). */
#define FLOWS_COLUMNS(X, C)                                                                             \
	X(TEXT, id) C X(TEXT, session_id) C X(TEXT, authenticator_name) C X(TEXT, user_id)                 \
	C X(TEXT, state_token) C X(TEXT, redirect_uri) C X(TEXT, scopes) C X(INT, created_at)              \
	C X(INT, expires_at) C X(TEXT, app_id) C X(TEXT, authenticator_id) C X(TEXT, ref)                  \
	C X(TEXT, return_to) C X(SEALED, verifier) C X(SEALED, nonce) C X(TEXT, configuration)             \
	C X(TEXT, client_id) C X(INT, endpoint_rev) C X(TEXT, browser_hash) C X(TEXT, session_hash)        \
	C X(TEXT, link_id) C X(INT, claimed_at) C X(TEXT, intent_attempt) C X(TEXT, intent_instance)       \
	C X(INT, intent_deadline) C X(TEXT, result) C X(TEXT, error_code) C X(TEXT, error_detail) C X(TEXT, auth_id) \
	C X(TEXT, kept)

/* status: "waiting", "opened", "connected", "failed". */
#define LINKS_COLUMNS(X, C)                                                                             \
	X(TEXT, link_id) C X(TEXT, link_hash) C X(TEXT, app_id) C X(TEXT, authenticator_id)                \
	C X(TEXT, user_id) C X(TEXT, return_to) C X(TEXT, scopes) C X(TEXT, expect_account)                \
	C X(INT, confirm) C X(TEXT, status) C X(TEXT, error_code) C X(TEXT, error_detail)                  \
	C X(TEXT, auth_id) C X(TEXT, created_by) C X(INT, created_at) C X(INT, expires_at) C X(INT, spent_at)

/* When to try again to tell the provider of an ended grant; the ended grants that hold tokens are the queue itself. */
#define REVOCATIONS_COLUMNS(X, C)                                                                       \
	X(TEXT, revocation_id) C X(TEXT, grant_id) C X(TEXT, app_id) C X(TEXT, token_kind)                 \
	C X(INT, attempts) C X(INT, due_at) C X(INT, created_at)

/* Answers to a refresh that said yes and could not be read: kept for support for a day, shown nowhere. */
#define UNREAD_ANSWERS_COLUMNS(X, C)                                                                    \
	X(TEXT, answer_id) C X(TEXT, grant_id) C X(TEXT, app_id) C X(SEALED, body) C X(INT, created_at)    \
	C X(INT, expires_at)

#define EVENTS_COLUMNS(X, C)                                                                            \
	X(TEXT, event_id) C X(TEXT, app_id) C X(TEXT, kind) C X(TEXT, authenticator_id) C X(TEXT, auth_id) \
	C X(TEXT, user_id) C X(TEXT, grant_id) C X(INT, generation) C X(TEXT, cause) C X(TEXT, detail)     \
	C X(TEXT, actor) C X(INT, created_at)

/* The head that a run of a process last signed of its audit chain. */
#define AUDIT_HEADS_COLUMNS(X, C)                                                                       \
	X(TEXT, run_id) C X(TEXT, chain) C X(INT, seq) C X(TEXT, mac) C X(TEXT, signature) C X(INT, signed_at)

/* Not a table: the row of a statement that counts. */
#define COUNTS_COLUMNS(X, C) X(INT, count)
/* Nor this: the row of a statement that gives ids only. */
#define IDS_COLUMNS(X, C) X(TEXT, id)

/* C name, SQL name, row structure, column list */
#define TABLES(T)                                                                        \
	T(APPS, "apps", app_row, APPS_COLUMNS)                                            \
	T(USERS, "users", user_row, USERS_COLUMNS)                                        \
	T(API_KEYS, "api_keys", api_key_row, API_KEYS_COLUMNS)                            \
	T(USER_SESSIONS, "user_sessions", user_session_row, USER_SESSIONS_COLUMNS)        \
	T(SIGN_IN_LINKS, "sign_in_links", sign_in_link_row, SIGN_IN_LINKS_COLUMNS)        \
	T(DATA_KEYS, "data_keys", data_key_row, DATA_KEYS_COLUMNS)                        \
	T(AUTHENTICATORS, "oauth_authenticators", authenticator_row, AUTHENTICATORS_COLUMNS) \
	T(GRANTS, "oauth_token_grants", grant_row, GRANTS_COLUMNS)                        \
	T(CONNECTIONS, "user_app_oauth_authentications", connection_row, CONNECTIONS_COLUMNS) \
	T(FLOWS, "oauth_sessions", flow_row, FLOWS_COLUMNS)                               \
	T(LINKS, "connect_links", link_row, LINKS_COLUMNS)                                \
	T(EVENTS, "oauth_events", event_row, EVENTS_COLUMNS)                              \
	T(AUDIT_HEADS, "audit_heads", audit_head_row, AUDIT_HEADS_COLUMNS)                \
	T(REVOCATIONS, "revocation_queue", revocation_row, REVOCATIONS_COLUMNS)           \
	T(UNREAD_ANSWERS, "unread_answers", unread_answer_row, UNREAD_ANSWERS_COLUMNS)    \
	T(COUNTS, "", count_row, COUNTS_COLUMNS) \
	T(IDS, "", id_row, IDS_COLUMNS)

#define TABLE_C_TEXT const char *
#define TABLE_C_INT int64_t
#define TABLE_C_SEALED struct sealed
#define TABLE_FIELD(kind, name) TABLE_C_##kind name;
#define T(table, sql_name, row, columns) \
	struct row {                     \
		columns(TABLE_FIELD, )   \
	};
TABLES(T)
#undef T

enum table_id {
#define T(table, sql_name, row, columns) TABLE_##table,
	TABLES(T)
#undef T
		TABLE__COUNT,
	TABLE_NONE = TABLE__COUNT
};

enum column_kind { COLUMN_TEXT, COLUMN_INT, COLUMN_SEALED };

struct column {
	enum column_kind kind;
	const char *name;
	size_t offset;
};

struct table {
	const char *name;
	size_t row_bytes;
	size_t column_count;
	const struct column *column;
};

const struct table *table_get(enum table_id id);

/* "a, b, c" of a table's columns, for SQL text. */
#define TABLE_NAME_OF(kind, name) #name
#define TABLE_COLUMNS(columns) columns(TABLE_NAME_OF, ", ")
