/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-in and sessions. Must never keep a link's or a cookie's text: only hashes are stored. */
#include "core/users.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"
#include "core/auditing.h"
#include "core/events.h"
#include "core/line.h"
#include "secret/hash.h"
#include "secret/password.h"

/* 256 random bits as text, and the hash of that text. */
static struct secret *new_token(struct arena *a, char ret_hash[HASH_TEXT_BYTES])
{
	CLEANUP(secret_free) struct secret *raw = secret_random(32);
	struct secret *text;
	struct buf b;

	buf_init(&b, 64);
	encode_base64url(&b, secret_expose(raw));
	text = secret_in_arena(a, secret_new(buf_slice(&b)));
	buf_done(&b);
	hash_text(secret_expose(text), ret_hash);
	return text;
}

enum err users_needs_password(struct core *core, struct arena *a, bool *ret, struct errinfo *ei)
{
	struct user_row admin;
	enum err e = store_find(core->store, SQL_USER_ADMIN, STORE_NO_PARAMS, a, &admin, ei);

	if (!e)
		*ret = admin.password_hash[0] == '\0';
	return e;
}

enum err users_admin_link(struct core *core, struct arena *a, struct secret **ret_token, struct errinfo *ei)
{
	struct sign_in_link_row row = {.created_at = core_now(core)};
	char hash[HASH_TEXT_BYTES];
	struct user_row admin;
	enum err e = store_find(core->store, SQL_USER_ADMIN, STORE_NO_PARAMS, a, &admin, ei);
	struct secret *token;

	if (!e)
		e = store_change(core->store, SQL_SIGN_IN_LINKS_CLEAR,
				 STORE_PARAMS(STORE_TEXT(admin.user_id), STORE_INT(row.created_at)), NULL, ei);
	if (e)
		return e;
	token = new_token(a, hash);
	row.link_hash = hash;
	row.user_id = admin.user_id;
	row.expires_at = row.created_at + USERS_LINK_LIFE_MS;
	auditing_note(core, &(const struct record){.event = "admin_link_made", .user_id = admin.user_id});
	e = store_insert(core->store, TABLE_SIGN_IN_LINKS, &row, ei);
	if (!e)
		*ret_token = token;
	return e;
}

static enum err find_link(struct core *core, struct slice token, struct arena *a, struct sign_in_link_row *ret,
			  struct errinfo *ei)
{
	char hash[HASH_TEXT_BYTES];
	enum err e;

	hash_text(token, hash);
	e = store_find(core->store, SQL_SIGN_IN_LINK_BY_HASH, STORE_PARAMS(STORE_TEXT(hash), STORE_INT(core_now(core))), a,
		       ret, ei);
	if (e == ERR_NOT_FOUND) {
		err_hint(ei, e, "Type \"fiberd admin-link\" on the server for a new one.");
		err_set(ei, e, "this sign-in link is unknown, was used before, or is older than 15 minutes");
		return err_code(ei, e, "link_over");
	}
	return e;
}

enum err users_link_check(struct core *core, struct slice token, struct arena *a, struct errinfo *ei)
{
	struct sign_in_link_row row;

	return find_link(core, token, a, &row, ei);
}

static enum err open_session(struct core *core, const char *user_id, struct arena *a, struct secret **ret_cookie,
			     struct errinfo *ei)
{
	struct user_session_row row = {.user_id = user_id, .created_at = core_now(core)};
	char hash[HASH_TEXT_BYTES];
	struct secret *cookie = new_token(a, hash);
	enum err e;

	row.session_hash = hash;
	row.last_seen_at = row.created_at;
	row.expires_at = row.created_at + USERS_SESSION_LIFE_MS;
	auditing_note(core, &(const struct record){.event = "signed_in", .user_id = user_id});
	e = store_insert(core->store, TABLE_USER_SESSIONS, &row, ei);
	if (!e)
		*ret_cookie = cookie;
	return e;
}

struct spending {
	struct core *core;
	struct arena *arena;
	const struct sign_in_link_row *link;
	const char *password_hash;
	struct secret *cookie;
};

static enum err spend(void *arg, struct errinfo *ei)
{
	struct spending *s = arg;
	struct store *store = s->core->store;
	const char *user_id = s->link->user_id;
	enum err e;

	auditing_note(s->core, &(const struct record){.event = "password_set", .user_id = user_id});
	e = store_change_one(store, SQL_SIGN_IN_LINK_SPEND,
				      STORE_PARAMS(STORE_TEXT(s->link->link_hash), STORE_INT(core_now(s->core))), ei);

	if (!e)
		e = store_change_one(store, SQL_USER_SET_PASSWORD,
				     STORE_PARAMS(STORE_TEXT(user_id), STORE_TEXT(s->password_hash)), ei);
	if (!e)
		e = store_change(store, SQL_SESSIONS_DELETE_OF_USER, STORE_PARAMS(STORE_TEXT(user_id)), NULL, ei);
	return e ? e : open_session(s->core, user_id, s->arena, &s->cookie, ei);
}

enum err users_link_spend(struct core *core, struct slice token, const struct secret *password, struct arena *a,
			  struct secret **ret_cookie, struct errinfo *ei)
{
	struct sign_in_link_row link;
	char hash[PASSWORD_HASH_BYTES];
	struct spending s = {.core = core, .arena = a, .link = &link, .password_hash = hash};
	enum err e = find_link(core, token, a, &link, ei);

	if (!e)
		e = password_hash(password, hash, ei);
	if (!e)
		e = store_transaction(core->store, spend, &s, ei);
	if (!e)
		*ret_cookie = s.cookie;
	return e;
}

static enum err find_named(struct core *core, struct slice name, struct arena *a, struct user_row *ret, struct errinfo *ei)
{
	enum err e = store_find(core->store, SQL_USER_BY_NAME, STORE_PARAMS(STORE_SLICE(name)), a, ret, ei);

	if (e == ERR_NOT_FOUND)
		*ret = (struct user_row){.password_hash = ""};
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err users_password(struct core *core, struct slice name, struct arena *a, const char **ret_stored, struct errinfo *ei)
{
	struct user_row user;
	enum err e = find_named(core, name, a, &user, ei);

	if (!e)
		*ret_stored = user.password_hash;
	return e;
}

enum err users_sign_in(struct core *core, struct slice name, const char *stored, bool matches, struct arena *a,
		       struct secret **ret_cookie, struct errinfo *ei)
{
	struct user_row user;
	enum err e = find_named(core, name, a, &user, ei);

	if (e)
		return e;
	/* A password that was changed meanwhile ended all sessions: the old one must not begin another. */
	if (!matches || !user.is_active || strcmp(user.password_hash, stored) != 0) {
		/* The name is not recorded: people type their pass phrase into that field, too. */
		auditing_note(core, &(const struct record){.event = "sign_in_refused", .user_id = user.user_id});
		return err_set(ei, ERR_UNAUTHENTICATED, "the name or the password is wrong");
	}
	return open_session(core, user.user_id, a, ret_cookie, ei);
}

enum err users_sign_out(struct core *core, const char *session_hash, struct errinfo *ei)
{
	auditing_note(core, &(const struct record){.event = "signed_out"});
	return store_change(core->store, SQL_SESSION_DELETE, STORE_PARAMS(STORE_TEXT(session_hash)), NULL, ei);
}

enum err users_session_check(struct core *core, const char *hash, struct arena *a, struct user_session_row *ret,
			     struct errinfo *ei)
{
	int64_t now = core_now(core);
	struct user_session_row row;
	enum err e = store_find(core->store, SQL_SESSION_BY_HASH, STORE_PARAMS(STORE_TEXT(hash), STORE_INT(now)), a, &row, ei);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : e;
	if (row.last_seen_at + USERS_SESSION_IDLE_MS < now)
		return ERR_UNAUTHENTICATED;
	/* Written at most once a minute: reading a page should not cost a write each time. */
	if (row.last_seen_at + 60 * 1000 < now)
		e = store_change(core->store, SQL_SESSION_SEEN, STORE_PARAMS(STORE_TEXT(hash), STORE_INT(now)), NULL, ei);
	if (!e)
		*ret = row;
	return e;
}

enum err users_external(struct core *core, const char *app_id, struct slice external_id, struct arena *a,
			struct user_row *ret, struct errinfo *ei)
{
	struct store_params who = STORE_PARAMS(STORE_TEXT(app_id), STORE_SLICE(external_id));
	char id[RANDOM_ID_BYTES];
	enum err e;

	if (external_id.n == 0 || external_id.n > USERS_EXTERNAL_ID_MAX || !line_is_plain(external_id))
		return err_field(ei, "user", "must be the id that your app knows this user by, one line of 1 to %d bytes",
				 USERS_EXTERNAL_ID_MAX);
	e = store_find(core->store, SQL_USER_EXTERNAL, who, a, ret, ei);
	if (e != ERR_NOT_FOUND)
		return e;
	random_id(id);
	*ret = (struct user_row){
		.user_id = arena_strdup(a, id),
		.kind = "external",
		.app_id = app_id,
		.external_id = arena_strndup(a, external_id),
		.name = arena_strndup(a, external_id),
		.is_active = 1,
		.created_at = core_now(core),
	};
	e = store_insert(core->store, TABLE_USERS, ret, ei);
	if (e == ERR_CONFLICT) /* made by another call in the same moment */
		e = store_find(core->store, SQL_USER_EXTERNAL, who, a, ret, ei);
	return e;
}
