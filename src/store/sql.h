/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every statement of the product, by name: name, table whose row it gives (NONE: rows are not read), text.
 * The diet of LIFECYCLE §5.6: plain tables, $n parameters, ON CONFLICT, RETURNING; nothing that only one
 * engine knows. Changes that must not lose a race are single-row compare-and-set. A change of a grant names its
 * grant_id, one of a connection its user_id: by these it tells whoever keeps what it read (touch.h).
 */
#pragma once

#include "store/table.h"

#define SELECT_FROM(columns, table) "SELECT " TABLE_COLUMNS(columns) " FROM " table " "

/* Parts that several statements share. */
#define GRANT_NO_INTENT "intent_attempt = '', intent_instance = '', intent_lease_until = 0, intent_deadline = 0"
#define GRANT_RENEWED                                                                                               \
	"access_token = $3, refresh_token = $4, token_type = $5, expires_at = $6, scopes = $7, updated_at = $8, "   \
	"generation = $2 + 1, refresh_fp = $9, previous_refresh_token = $10, previous_generation = $11, "           \
	"issued_at = $13, alternate_refresh_token = $14, alternate_generation = $15, failures = $16, "              \
	"not_before = $17, refresh_due_at = $18, refusals = 0, failure = '', refresh_source = 0, "                  \
	"status = 'active', cause = '', uncertain = 0, uncertain_at = 0, kept = $20, refresh_expires_at = $21"

#define SQL_STATEMENTS(X)                                                                                           \
	/* apps, users */                                                                                           \
	X(APP_BY_ID, APPS, SELECT_FROM(APPS_COLUMNS, "apps") "WHERE app_id = $1")                                   \
	X(APP_BY_NAME, APPS, SELECT_FROM(APPS_COLUMNS, "apps") "WHERE name = $1 ORDER BY created_at")               \
	X(APPS_ALL, APPS, SELECT_FROM(APPS_COLUMNS, "apps") "ORDER BY created_at, app_id")                          \
	X(APP_UPDATE, NONE, "UPDATE apps SET name = $2, return_to = $3, updated_at = $4 WHERE app_id = $1")         \
	X(USER_BY_ID, USERS, SELECT_FROM(USERS_COLUMNS, "users") "WHERE user_id = $1")                              \
	X(USER_BY_NAME, USERS, SELECT_FROM(USERS_COLUMNS, "users") "WHERE kind = 'admin' AND name = $1")            \
	X(USER_EXTERNAL, USERS, SELECT_FROM(USERS_COLUMNS, "users")                                                 \
	  "WHERE kind = 'external' AND app_id = $1 AND external_id = $2")                                           \
	X(USER_ADMIN, USERS, SELECT_FROM(USERS_COLUMNS, "users") "WHERE kind = 'admin' ORDER BY created_at")        \
	X(USER_SET_PASSWORD, NONE, "UPDATE users SET password_hash = $2 WHERE user_id = $1")                        \
	/* keys of callers */                                                                                       \
	X(API_KEY_BY_ID, API_KEYS, SELECT_FROM(API_KEYS_COLUMNS, "api_keys") "WHERE key_id = $1 AND revoked_at = 0") \
	X(API_KEYS_OF_APP, API_KEYS, SELECT_FROM(API_KEYS_COLUMNS, "api_keys")                                      \
	  "WHERE reach_app_id = $1 AND revoked_at = 0 ORDER BY created_at, key_id")                                 \
	X(API_KEYS_OF_USER, API_KEYS, SELECT_FROM(API_KEYS_COLUMNS, "api_keys")                                     \
	  "WHERE owner_user_id = $1 AND revoked_at = 0 ORDER BY created_at, key_id")                                \
	X(API_KEY_REVOKE, NONE, "UPDATE api_keys SET revoked_at = $2 WHERE key_id = $1 AND revoked_at = 0")         \
	/* sessions and sign-in links */                                                                            \
	X(SESSION_BY_HASH, USER_SESSIONS, SELECT_FROM(USER_SESSIONS_COLUMNS, "user_sessions")                       \
	  "WHERE session_hash = $1 AND expires_at > $2")                                                            \
	X(SESSION_SEEN, NONE, "UPDATE user_sessions SET last_seen_at = $2 WHERE session_hash = $1")                 \
	X(SESSION_DELETE, NONE, "DELETE FROM user_sessions WHERE session_hash = $1")                                \
	X(SESSIONS_DELETE_OF_USER, NONE, "DELETE FROM user_sessions WHERE user_id = $1")                            \
	X(SESSIONS_EXPIRE, NONE, "DELETE FROM user_sessions WHERE expires_at <= $1")                                \
	X(SIGN_IN_LINK_BY_HASH, SIGN_IN_LINKS, SELECT_FROM(SIGN_IN_LINKS_COLUMNS, "sign_in_links")                  \
	  "WHERE link_hash = $1 AND expires_at > $2")                                                               \
	X(SIGN_IN_LINK_SPEND, NONE, "DELETE FROM sign_in_links WHERE link_hash = $1 AND expires_at > $2")           \
	X(SIGN_IN_LINKS_CLEAR, NONE, "DELETE FROM sign_in_links WHERE user_id = $1 OR expires_at <= $2")            \
	/* data keys */                                                                                             \
	X(DATA_KEY_BY_ID, DATA_KEYS, SELECT_FROM(DATA_KEYS_COLUMNS, "data_keys") "WHERE key_id = $1")               \
	X(DATA_KEY_CURRENT, DATA_KEYS, SELECT_FROM(DATA_KEYS_COLUMNS, "data_keys")                                  \
	  "WHERE app_id = $1 AND purpose = $2 ORDER BY epoch DESC LIMIT 1")                                         \
	X(DATA_KEYS_ALL, DATA_KEYS, SELECT_FROM(DATA_KEYS_COLUMNS, "data_keys") "ORDER BY created_at")              \
	/* authenticators */                                                                                        \
	X(AUTHENTICATOR_BY_ID, AUTHENTICATORS, SELECT_FROM(AUTHENTICATORS_COLUMNS, "oauth_authenticators")          \
	  "WHERE authenticator_id = $1")                                                                            \
	X(AUTHENTICATORS_OF_APP, AUTHENTICATORS, SELECT_FROM(AUTHENTICATORS_COLUMNS, "oauth_authenticators")        \
	  "WHERE app_id = $1 AND deleted_at = 0 ORDER BY created_at, id")                                           \
	X(AUTHENTICATORS_OF_REDIRECT, AUTHENTICATORS, SELECT_FROM(AUTHENTICATORS_COLUMNS, "oauth_authenticators")   \
	  "WHERE redirect_uri = $1 AND deleted_at = 0")                                                             \
	X(AUTHENTICATOR_UPDATE, NONE,                                                                               \
	  "UPDATE oauth_authenticators SET authenticator_name = $2, name_key = $3, client_id = $4, "                \
	  "client_secret = $5, redirect_uri = $6, authorize_url = $7, token_url = $8, scopes = $9, "                \
	  "configuration = $10, is_active = $11, updated_at = $12, endpoint_rev = $13 "                             \
	  "WHERE authenticator_id = $1 AND deleted_at = 0 AND updated_at = $14")                                    \
	X(AUTHENTICATOR_PAUSE, NONE, "UPDATE oauth_authenticators SET client_failures = client_failures + 1, "      \
	  "paused_until = $2, paused_cause = $3 WHERE authenticator_id = $1")                                       \
	X(AUTHENTICATOR_PROBE, NONE, "UPDATE oauth_authenticators SET paused_until = $3 "                           \
	  "WHERE authenticator_id = $1 AND client_failures > 0 AND paused_until <= $2")                             \
	X(AUTHENTICATOR_RESUME, NONE, "UPDATE oauth_authenticators SET client_failures = 0, paused_until = 0, "     \
	  "paused_cause = '' WHERE authenticator_id = $1 AND client_failures > 0")                                  \
	X(AUTHENTICATOR_DELETE, NONE, "UPDATE oauth_authenticators SET deleted_at = $2, is_active = 0, "            \
	  "name_key = authenticator_id WHERE authenticator_id = $1 AND deleted_at = 0")                             \
	/* flows */                                                                                                 \
	X(FLOW_BY_STATE, FLOWS, SELECT_FROM(FLOWS_COLUMNS, "oauth_sessions") "WHERE state_token = $1")              \
	X(FLOW_BY_ID, FLOWS, SELECT_FROM(FLOWS_COLUMNS, "oauth_sessions") "WHERE session_id = $1")                  \
	X(FLOW_CLAIM, NONE, "UPDATE oauth_sessions SET claimed_at = $2, kept = $3 "                                            \
	  "WHERE session_id = $1 AND claimed_at = 0 AND expires_at > $2")                                           \
	X(FLOW_INTENT, NONE, "UPDATE oauth_sessions SET intent_attempt = $2, intent_instance = $3, "                \
	  "intent_deadline = $4 WHERE session_id = $1 AND intent_attempt = '' AND result = ''")                     \
	X(FLOW_FINISH, NONE, "UPDATE oauth_sessions SET result = $2, error_code = $3, error_detail = $4, "          \
	  "auth_id = $5, verifier = NULL, nonce = NULL WHERE session_id = $1 AND result = ''")                      \
	X(FLOWS_OPEN, IDS, "SELECT session_id FROM oauth_sessions WHERE intent_attempt <> '' AND result = '' "           \
	  "ORDER BY intent_deadline LIMIT 1000")                                                                    \
	X(FLOWS_OF_ATTEMPT, IDS, "SELECT session_id FROM oauth_sessions WHERE intent_attempt = $1 "                 \
	  "AND intent_attempt <> '' AND result = '' LIMIT 1")                                                       \
	X(FLOWS_UNFINISHED_COUNT, COUNTS, "SELECT count(*) FROM oauth_sessions WHERE claimed_at = 0 AND expires_at > $1") \
	X(FLOWS_UNFINISHED_OF_APP, COUNTS, "SELECT count(*) FROM oauth_sessions WHERE app_id = $1 AND claimed_at = 0 "  \
	  "AND expires_at > $2")                                                                                    \
	/* $1: of those that came back; $2: of those that nobody went on with. Some at a time, so that nobody waits long for the lock. */ \
	X(FLOWS_EXPIRE, NONE, "DELETE FROM oauth_sessions WHERE session_id IN (SELECT session_id FROM oauth_sessions "  \
	  "WHERE expires_at < $2 AND (expires_at < $1 OR claimed_at = 0) AND (intent_attempt = '' OR result <> '') LIMIT 20000)") \
	/* connect links */                                                                                         \
	X(LINK_BY_HASH, LINKS, SELECT_FROM(LINKS_COLUMNS, "connect_links") "WHERE link_hash = $1")                  \
	X(LINK_BY_ID, LINKS, SELECT_FROM(LINKS_COLUMNS, "connect_links") "WHERE link_id = $1")                      \
	X(LINK_SPEND, NONE, "UPDATE connect_links SET status = 'opened', spent_at = $2 "                            \
	  "WHERE link_id = $1 AND spent_at = 0 AND expires_at > $2")                                                \
	X(LINK_FINISH, NONE, "UPDATE connect_links SET status = $2, error_code = $3, error_detail = $4, auth_id = $5 " \
	  "WHERE link_id = $1 AND status = 'opened'")                                                               \
	X(LINKS_WAITING_OF_APP, COUNTS, "SELECT count(*) FROM connect_links WHERE app_id = $1 AND spent_at = 0 "     \
	  "AND expires_at > $2")                                                                                    \
	/* $1: of those that came to an end, unless an app may have to confirm them; $2: of those that nobody went on with */ \
	X(LINKS_EXPIRE, NONE, "DELETE FROM connect_links WHERE link_id IN (SELECT link_id FROM connect_links "       \
	  "WHERE expires_at < $2 AND (expires_at < $1 OR status IN ('waiting', 'opened')) "                          \
	  "AND NOT (confirm = 1 AND status = 'connected') LIMIT 20000)") \
	/* connections */                                                                                           \
	X(CONNECTION_BY_ID, CONNECTIONS, SELECT_FROM(CONNECTIONS_COLUMNS, "user_app_oauth_authentications")         \
	  "WHERE auth_id = $1")                                                                                     \
	X(CONNECTION_BY_ACCOUNT, CONNECTIONS, SELECT_FROM(CONNECTIONS_COLUMNS, "user_app_oauth_authentications")    \
	  "WHERE app_id = $1 AND user_id = $2 AND authenticator_id = $3 AND issuer = $4 AND subject = $5")          \
	X(CONNECTION_BY_GRANT, CONNECTIONS, SELECT_FROM(CONNECTIONS_COLUMNS, "user_app_oauth_authentications")      \
	  "WHERE grant_id = $1")                                                                                    \
	X(CONNECTIONS_OF_USER, CONNECTIONS, SELECT_FROM(CONNECTIONS_COLUMNS, "user_app_oauth_authentications")      \
	  "WHERE app_id = $1 AND user_id = $2 AND auth_status <> 'replaced' ORDER BY created_at, auth_id")          \
	X(CONNECTIONS_OF_AUTHENTICATOR, CONNECTIONS,                                                                \
	  SELECT_FROM(CONNECTIONS_COLUMNS, "user_app_oauth_authentications")                                        \
	  "WHERE authenticator_id = $1 AND is_active = 1 ORDER BY created_at LIMIT 200")                                                          \
	X(CONNECTION_POINT, NONE, "UPDATE user_app_oauth_authentications SET grant_id = $2, auth_status = $3, "     \
	  "is_active = 1, account = $4, requested_scopes = $5, connected_at = $6 WHERE auth_id = $1 AND user_id = $7") \
	X(CONNECTION_STATUS, NONE, "UPDATE user_app_oauth_authentications SET auth_status = $2, is_active = $3 "    \
	  "WHERE auth_id = $1 AND user_id = $5 AND auth_status = $4")                                               \
	X(CONNECTION_REVOKE, NONE, "UPDATE user_app_oauth_authentications SET auth_status = 'revoked', "            \
	  "is_active = 0 WHERE auth_id = $1 AND user_id = $2 AND is_active = 1")                                    \
	X(CONNECTION_USED, NONE, "UPDATE user_app_oauth_authentications SET last_used_at = $2 "                     \
	  "WHERE auth_id = $1 AND last_used_at <= $3")                                                              \
	X(CONNECTIONS_SAME_ACCOUNT, COUNTS,                                                                         \
	  "SELECT count(*) FROM user_app_oauth_authentications c JOIN oauth_authenticators a "                      \
	  "ON a.authenticator_id = c.authenticator_id WHERE c.is_active = 1 AND c.subject = $1 "                    \
	  "AND a.client_id = $2 AND substr(a.token_url, 1, length($3)) = $3 AND c.auth_id <> $4")                                          \
	/* grants */                                                                                                \
	X(GRANT_BY_ID, GRANTS, SELECT_FROM(GRANTS_COLUMNS, "oauth_token_grants") "WHERE grant_id = $1")             \
	X(GRANT_INTENT, NONE, "UPDATE oauth_token_grants SET intent_attempt = $3, intent_instance = $4, "           \
	  "intent_lease_until = $5, intent_deadline = $6, intent_generation = $2, intent_source = $7 "              \
	  "WHERE grant_id = $1 AND generation = $2 AND intent_attempt = '' AND is_revoked = 0")                     \
	X(GRANT_COMMIT, NONE, "UPDATE oauth_token_grants SET " GRANT_RENEWED ", " GRANT_NO_INTENT                   \
	  " WHERE grant_id = $1 AND generation = $2 AND refresh_fp = $12 AND is_revoked = 0 "                       \
	  "AND intent_attempt IN ('', $19)")                                                                        \
	/* while another attempt is under way, whose intent stays */                                                \
	X(GRANT_COMMIT_LATE, NONE, "UPDATE oauth_token_grants SET " GRANT_RENEWED                                   \
	  " WHERE grant_id = $1 AND generation = $2 AND refresh_fp = $12 AND is_revoked = 0 "                       \
	  "AND intent_attempt NOT IN ('', $19)")                                                                    \
	X(GRANT_COMMIT_ENDED, NONE, "UPDATE oauth_token_grants SET access_token = $3, refresh_token = $4, "         \
	  "updated_at = $5, generation = $2 + 1, issued_at = $5, refresh_fp = $6, previous_refresh_token = NULL, "  \
	  "alternate_refresh_token = NULL, " GRANT_NO_INTENT                                                        \
	  " WHERE grant_id = $1 AND generation = $2 AND intent_attempt IN ('', $7) AND is_revoked = 1")             \
	X(GRANT_ALTERNATE, NONE, "UPDATE oauth_token_grants SET alternate_refresh_token = $3, "                     \
	  "alternate_generation = $2, updated_at = $4 WHERE grant_id = $1 AND generation = $2 AND is_revoked = 0")  \
	X(GRANT_FAILED, NONE, "UPDATE oauth_token_grants SET uncertain = $3, uncertain_at = $4, failures = $5, "    \
	  "refusals = $6, failure = $7, not_before = $8, refresh_due_at = $9, refresh_source = $10, "               \
	  "updated_at = $11, " GRANT_NO_INTENT " WHERE grant_id = $1 AND intent_attempt = $2")                      \
	X(GRANT_INTENT_DROP, NONE, "UPDATE oauth_token_grants SET " GRANT_NO_INTENT                                 \
	  " WHERE grant_id = $1 AND intent_attempt = $2")                                                           \
	X(GRANT_NEEDS_REAUTH, NONE, "UPDATE oauth_token_grants SET status = 'needs_reauth', cause = $2, "           \
	  "updated_at = $3, refresh_due_at = 0, " GRANT_NO_INTENT                                                   \
	  " WHERE grant_id = $1 AND is_revoked = 0 AND intent_attempt = $4")                                        \
	X(GRANT_REVOKE, NONE, "UPDATE oauth_token_grants SET is_revoked = 1, status = $2, updated_at = $3 "         \
	  "WHERE grant_id = $1 AND is_revoked = 0")                                                                 \
	X(GRANT_WIPE, NONE, "UPDATE oauth_token_grants SET access_token = NULL, refresh_token = NULL, "             \
	  "previous_refresh_token = NULL, alternate_refresh_token = NULL, refresh_fp = '', intent_attempt = '', "    \
	  "kept = '', refresh_expires_at = 0 "                                                                      \
	  "WHERE grant_id = $1 AND is_revoked = 1")                                                                 \
	X(GRANTS_OPEN, IDS, "SELECT grant_id FROM oauth_token_grants WHERE intent_attempt <> '' "                       \
	  "ORDER BY intent_deadline LIMIT 1000")                                                                    \
	X(GRANTS_OF_ATTEMPT, IDS, "SELECT grant_id FROM oauth_token_grants WHERE intent_attempt = $1 "              \
	  "AND intent_attempt <> '' LIMIT 1")                                                                       \
	X(GRANTS_DUE, IDS, "SELECT grant_id FROM oauth_token_grants WHERE refresh_due_at > 0 AND refresh_due_at <= $1 " \
	  "AND intent_attempt = '' AND is_revoked = 0 AND authenticator_id NOT IN "                                 \
	  "(SELECT authenticator_id FROM oauth_authenticators WHERE is_active = 0 OR paused_until > $1) "           \
	  "ORDER BY refresh_due_at LIMIT 1000")                                                                     \
	/* when the next one will be due: an epoch in ms, 0 for none */                                             \
	X(GRANTS_NEXT_DUE, COUNTS, "SELECT coalesce(min(refresh_due_at), 0) FROM oauth_token_grants "               \
	  "WHERE refresh_due_at > 0 AND refresh_due_at > $1 AND intent_attempt = '' AND is_revoked = 0")            \
	X(UNREAD_ANSWERS_ALL, UNREAD_ANSWERS, SELECT_FROM(UNREAD_ANSWERS_COLUMNS, "unread_answers") "ORDER BY created_at") \
	X(UNREAD_ANSWERS_PURGE, NONE, "DELETE FROM unread_answers WHERE expires_at <= $1")                          \
	X(UNREAD_ANSWERS_OF_GRANT, NONE, "DELETE FROM unread_answers WHERE grant_id = $1")                          \
	X(GRANTS_TO_REVOKE, IDS, "SELECT g.grant_id FROM oauth_token_grants g LEFT JOIN revocation_queue q "            \
	  "ON q.revocation_id = g.grant_id WHERE g.is_revoked = 1 AND g.access_token IS NOT NULL "                  \
	  "AND (q.due_at IS NULL OR q.due_at <= $1) ORDER BY g.updated_at LIMIT 1000")                              \
	X(GRANTS_TO_REVOKE_COUNT, COUNTS, "SELECT count(*) FROM oauth_token_grants WHERE is_revoked = 1 "            \
	  "AND access_token IS NOT NULL")                                                                           \
	X(REVOCATION_BY_GRANT, REVOCATIONS, SELECT_FROM(REVOCATIONS_COLUMNS, "revocation_queue")                    \
	  "WHERE revocation_id = $1")                                                                               \
	X(REVOCATION_POSTPONE, NONE, "INSERT INTO revocation_queue (revocation_id, grant_id, app_id, token_kind, "  \
	  "attempts, due_at, created_at) VALUES ($1, $1, $2, '', 1, $3, $4) ON CONFLICT (revocation_id) "           \
	  "DO UPDATE SET attempts = revocation_queue.attempts + 1, due_at = excluded.due_at")                       \
	X(REVOCATION_FORGET, NONE, "DELETE FROM revocation_queue WHERE revocation_id = $1")                         \
	/* heads of the audit chains */                                                                             \
	X(AUDIT_HEAD_MOVE, NONE, "UPDATE audit_heads SET seq = $2, mac = $3, signature = $4, signed_at = $5 "       \
	  "WHERE run_id = $1")                                                                                      \
	X(AUDIT_HEADS_ALL, AUDIT_HEADS, SELECT_FROM(AUDIT_HEADS_COLUMNS, "audit_heads") "ORDER BY chain, signed_at") \
	/* events */                                                                                                \
	X(EVENTS_OF_APP, EVENTS, SELECT_FROM(EVENTS_COLUMNS, "oauth_events")                                        \
	  "WHERE app_id = $1 ORDER BY created_at DESC, event_id LIMIT 200")

enum sql {
#define X(name, table, text) SQL_##name,
	SQL_STATEMENTS(X)
#undef X
		SQL__COUNT
};
