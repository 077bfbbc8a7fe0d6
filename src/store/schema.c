/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Migrations. Must keep to what every engine behind the PostgreSQL protocol and SQLite can do (LIFECYCLE §5.6).
 * Times are epoch milliseconds, booleans 0 or 1, ids random text.
 */
#include "store/schema.h"

static const char first[] =
	"CREATE TABLE apps (app_id TEXT PRIMARY KEY, name TEXT NOT NULL, owner_user_id TEXT NOT NULL, return_to TEXT NOT NULL,"
	" created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);"

	"CREATE TABLE users (user_id TEXT PRIMARY KEY, kind TEXT NOT NULL, app_id TEXT NOT NULL, external_id TEXT NOT NULL,"
	" name TEXT NOT NULL, password_hash TEXT NOT NULL, is_active BIGINT NOT NULL, created_at BIGINT NOT NULL,"
	" UNIQUE (kind, app_id, external_id));"

	"CREATE TABLE api_keys (key_id TEXT PRIMARY KEY, secret_hash TEXT NOT NULL, owner_user_id TEXT NOT NULL,"
	" reach_app_id TEXT NOT NULL, scopes TEXT NOT NULL, name TEXT NOT NULL, created_at BIGINT NOT NULL,"
	" last_used_at BIGINT NOT NULL, revoked_at BIGINT NOT NULL);"
	"CREATE INDEX api_keys_of_app ON api_keys (reach_app_id);"
	"CREATE INDEX api_keys_of_user ON api_keys (owner_user_id);"

	"CREATE TABLE user_sessions (session_hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, created_at BIGINT NOT NULL,"
	" last_seen_at BIGINT NOT NULL, expires_at BIGINT NOT NULL);"
	"CREATE INDEX user_sessions_expiry ON user_sessions (expires_at);"

	"CREATE TABLE sign_in_links (link_hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, created_at BIGINT NOT NULL,"
	" expires_at BIGINT NOT NULL);"

	"CREATE TABLE data_keys (key_id TEXT PRIMARY KEY, app_id TEXT NOT NULL, purpose TEXT NOT NULL, epoch BIGINT NOT NULL,"
	" wrapped BYTEA NOT NULL, created_at BIGINT NOT NULL, UNIQUE (app_id, purpose, epoch));"

	"CREATE TABLE oauth_authenticators (id TEXT NOT NULL, authenticator_id TEXT PRIMARY KEY, authenticator_name TEXT NOT NULL,"
	" authenticator_type TEXT NOT NULL, client_id TEXT NOT NULL, client_secret BYTEA, redirect_uri TEXT NOT NULL,"
	" authorize_url TEXT NOT NULL, token_url TEXT NOT NULL, scopes TEXT NOT NULL, configuration TEXT NOT NULL,"
	" is_active BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,"
	" app_id TEXT NOT NULL REFERENCES apps (app_id), name_key TEXT NOT NULL, endpoint_rev BIGINT NOT NULL,"
	" deleted_at BIGINT NOT NULL, UNIQUE (app_id, name_key));"
	"CREATE INDEX oauth_authenticators_redirect ON oauth_authenticators (redirect_uri);"

	"CREATE TABLE oauth_token_grants (grant_id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (user_id),"
	" authenticator_id TEXT NOT NULL REFERENCES oauth_authenticators (authenticator_id), access_token BYTEA, refresh_token BYTEA,"
	" token_type TEXT NOT NULL, expires_at BIGINT NOT NULL, scopes TEXT NOT NULL, is_revoked BIGINT NOT NULL,"
	" created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, app_id TEXT NOT NULL, generation BIGINT NOT NULL,"
	" issued_at BIGINT NOT NULL, refresh_fp TEXT NOT NULL, previous_refresh_token BYTEA, previous_generation BIGINT NOT NULL,"
	" endpoint_rev BIGINT NOT NULL, status TEXT NOT NULL, cause TEXT NOT NULL, refresh_due_at BIGINT NOT NULL,"
	" uncertain BIGINT NOT NULL, intent_attempt TEXT NOT NULL, intent_instance TEXT NOT NULL,"
	" intent_lease_until BIGINT NOT NULL, intent_deadline BIGINT NOT NULL);"
	"CREATE INDEX oauth_token_grants_due ON oauth_token_grants (refresh_due_at) WHERE refresh_due_at > 0;"
	"CREATE INDEX oauth_token_grants_open ON oauth_token_grants (intent_attempt) WHERE intent_attempt <> '';"
	"CREATE INDEX oauth_token_grants_ended ON oauth_token_grants (is_revoked) WHERE is_revoked = 1 AND access_token IS NOT NULL;"

	"CREATE TABLE user_app_oauth_authentications (auth_id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (user_id),"
	" app_id TEXT NOT NULL REFERENCES apps (app_id),"
	" authenticator_id TEXT NOT NULL REFERENCES oauth_authenticators (authenticator_id),"
	" grant_id TEXT NOT NULL REFERENCES oauth_token_grants (grant_id), auth_status TEXT NOT NULL, is_active BIGINT NOT NULL,"
	" created_at BIGINT NOT NULL, last_used_at BIGINT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL,"
	" account TEXT NOT NULL, requested_scopes TEXT NOT NULL, connected_at BIGINT NOT NULL,"
	" UNIQUE (app_id, user_id, authenticator_id, issuer, subject));"
	"CREATE INDEX user_app_oauth_authentications_grant ON user_app_oauth_authentications (grant_id);"
	"CREATE INDEX user_app_oauth_authentications_authenticator ON user_app_oauth_authentications (authenticator_id);"

	"CREATE TABLE oauth_sessions (id TEXT NOT NULL, session_id TEXT PRIMARY KEY, authenticator_name TEXT NOT NULL,"
	" user_id TEXT NOT NULL, state_token TEXT NOT NULL UNIQUE, redirect_uri TEXT NOT NULL, scopes TEXT NOT NULL,"
	" created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, app_id TEXT NOT NULL, authenticator_id TEXT NOT NULL,"
	" ref TEXT NOT NULL, return_to TEXT NOT NULL, verifier BYTEA, nonce BYTEA, configuration TEXT NOT NULL,"
	" client_id TEXT NOT NULL, endpoint_rev BIGINT NOT NULL, browser_hash TEXT NOT NULL, session_hash TEXT NOT NULL,"
	" link_id TEXT NOT NULL, claimed_at BIGINT NOT NULL, intent_attempt TEXT NOT NULL, intent_instance TEXT NOT NULL,"
	" intent_deadline BIGINT NOT NULL, result TEXT NOT NULL, error_code TEXT NOT NULL, error_detail TEXT NOT NULL,"
	" auth_id TEXT NOT NULL);"
	"CREATE INDEX oauth_sessions_expiry ON oauth_sessions (expires_at);"
	"CREATE INDEX oauth_sessions_open ON oauth_sessions (intent_attempt) WHERE intent_attempt <> '' AND result = '';"

	"CREATE TABLE connect_links (link_id TEXT PRIMARY KEY, link_hash TEXT NOT NULL UNIQUE, app_id TEXT NOT NULL,"
	" authenticator_id TEXT NOT NULL, user_id TEXT NOT NULL, return_to TEXT NOT NULL, scopes TEXT NOT NULL,"
	" expect_account TEXT NOT NULL, confirm BIGINT NOT NULL, status TEXT NOT NULL, error_code TEXT NOT NULL,"
	" error_detail TEXT NOT NULL, auth_id TEXT NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL,"
	" expires_at BIGINT NOT NULL, spent_at BIGINT NOT NULL);"

	"CREATE TABLE oauth_events (event_id TEXT PRIMARY KEY, app_id TEXT NOT NULL, kind TEXT NOT NULL,"
	" authenticator_id TEXT NOT NULL, auth_id TEXT NOT NULL, user_id TEXT NOT NULL, grant_id TEXT NOT NULL,"
	" generation BIGINT NOT NULL, cause TEXT NOT NULL, detail TEXT NOT NULL, actor TEXT NOT NULL, created_at BIGINT NOT NULL);"
	"CREATE INDEX oauth_events_of_app ON oauth_events (app_id, created_at);"

	"CREATE TABLE revocation_queue (revocation_id TEXT PRIMARY KEY, grant_id TEXT NOT NULL, app_id TEXT NOT NULL,"
	" token_kind TEXT NOT NULL, attempts BIGINT NOT NULL, due_at BIGINT NOT NULL, created_at BIGINT NOT NULL);"
	"CREATE INDEX revocation_queue_due ON revocation_queue (due_at);"

	"CREATE TABLE invalidations (invalidation_id TEXT PRIMARY KEY, subject TEXT NOT NULL, node TEXT NOT NULL,"
	" created_at BIGINT NOT NULL);"
	"CREATE INDEX invalidations_created ON invalidations (created_at);";

/* The signed heads of the audit chains: one row for each run of a writing process. */
static const char second[] =
	"CREATE TABLE audit_heads (run_id TEXT PRIMARY KEY, chain TEXT NOT NULL, seq BIGINT NOT NULL, mac TEXT NOT NULL,"
	" signature TEXT NOT NULL, signed_at BIGINT NOT NULL);";

/* What is known of failed refreshes, further refresh tokens of a grant, clients that the provider refuses, answers that nobody could read. */
static const char third[] =
	"ALTER TABLE oauth_token_grants ADD COLUMN uncertain_at BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE oauth_token_grants ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE oauth_token_grants ADD COLUMN refusals BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE oauth_token_grants ADD COLUMN failure TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE oauth_token_grants ADD COLUMN not_before BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE oauth_token_grants ADD COLUMN alternate_refresh_token BYTEA;"
	"ALTER TABLE oauth_token_grants ADD COLUMN alternate_generation BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE oauth_token_grants ADD COLUMN refresh_source BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE oauth_token_grants ADD COLUMN intent_generation BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE oauth_token_grants ADD COLUMN intent_source BIGINT NOT NULL DEFAULT 0;"
	/* Only refreshes had intents before. */
	"UPDATE oauth_token_grants SET intent_generation = generation WHERE intent_attempt <> '';"

	"ALTER TABLE oauth_authenticators ADD COLUMN client_failures BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE oauth_authenticators ADD COLUMN paused_until BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE oauth_authenticators ADD COLUMN paused_cause TEXT NOT NULL DEFAULT '';"

	"CREATE TABLE unread_answers (answer_id TEXT PRIMARY KEY, grant_id TEXT NOT NULL, app_id TEXT NOT NULL, body BYTEA,"
	" created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL);"
	"CREATE INDEX unread_answers_expiry ON unread_answers (expires_at);"
	"CREATE INDEX unread_answers_grant ON unread_answers (grant_id);";

/* What is kept beside the tokens and how long a refresh token lives. */
static const char fourth[] =
	"ALTER TABLE oauth_token_grants ADD COLUMN kept TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE oauth_token_grants ADD COLUMN refresh_expires_at BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE oauth_sessions ADD COLUMN kept TEXT NOT NULL DEFAULT '';";

/* What is counted and forgotten of connects that nobody goes on with (DO-03). */
static const char fifth[] =
	"CREATE INDEX oauth_sessions_pending ON oauth_sessions (app_id, expires_at) WHERE claimed_at = 0;"
	"CREATE INDEX connect_links_waiting ON connect_links (app_id, expires_at) WHERE spent_at = 0;"
	"CREATE INDEX connect_links_expiry ON connect_links (expires_at);";

const char *const schema_migrations[] = {first, second, third, fourth, fifth};
const size_t schema_migration_count = sizeof schema_migrations / sizeof schema_migrations[0];
