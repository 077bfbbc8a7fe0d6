/* SPDX-License-Identifier: Apache-2.0 */
/* From a key or a cookie to a caller. Must never tell an unknown key from a wrong one. */
#include "core/access.h"

#include <string.h>

#include "base/mem.h"
#include "core/users.h"
#include "json/jsonr.h"
#include "json/jsonw.h"
#include "secret/apikey.h"

static const char *const scope_names[ACCESS_BIT__COUNT] = {
#define X(scope, name) [ACCESS_BIT_##scope] = name,
	ACCESS_SCOPES(X)
#undef X
};

static enum err unknown_key(struct errinfo *ei)
{
	err_hint(ei, ERR_UNAUTHENTICATED, "Send a live key as \"Authorization: Bearer <key>\"; the administrator's is in the data directory's admin.key.");
	return err_set(ei, ERR_UNAUTHENTICATED, "the API key is unknown or revoked");
}

enum err access_scopes_parse(const char *array, unsigned *ret, struct errinfo *ei)
{
	CLEANUP(jsonr_free) struct jsonr *doc = NULL;
	unsigned bits = 0;
	enum err e = jsonr_parse(slice_from(array), 4096, &doc, ei);

	if (e || jsonr_type(doc) != JSONR_ARRAY)
		return err_field(ei, "scopes", "must be a list of scope names");
	for (size_t i = 0; i < jsonr_count(doc); i++) {
		struct slice name = jsonr_string(jsonr_at(doc, i));
		unsigned bit = 0;

		while (bit < ACCESS_BIT__COUNT && !slice_is(name, scope_names[bit]))
			bit++;
		if (bit == ACCESS_BIT__COUNT)
			return err_field(ei, "scopes", "\"%.*s\" is none of the scopes authenticators:read|write, connections:read|write, tokens:read, audit:read, admin",
					 (int)(name.n > 60 ? 60 : name.n), name.n ? name.p : "");
		bits |= 1u << bit;
	}
	*ret = bits & ACCESS_ADMIN ? (unsigned)ACCESS_ALL : bits;
	return ERR_OK;
}

const char *access_scopes_text(unsigned scopes, struct arena *a)
{
	struct jsonw w;
	struct buf text;
	const char *copy;

	buf_init(&text, 1024);
	jsonw_init(&w, &text);
	jsonw_array(&w, NULL);
	for (unsigned bit = 0; bit < ACCESS_BIT__COUNT; bit++)
		if (scopes & ACCESS_ADMIN ? bit == ACCESS_BIT_ADMIN : (scopes & 1u << bit) != 0)
			jsonw_string(&w, NULL, scope_names[bit]);
	jsonw_array_end(&w);
	copy = arena_strndup(a, buf_slice(&text));
	buf_done(&text);
	return copy;
}

static enum err active_user(struct core *core, const char *user_id, struct arena *a, struct user_row *ret,
			    struct errinfo *ei)
{
	enum err e = store_find(core->store, SQL_USER_BY_ID, STORE_PARAMS(STORE_TEXT(user_id)), a, ret, ei);

	if (e == ERR_NOT_FOUND || (!e && !ret->is_active))
		return ERR_UNAUTHENTICATED;
	return e;
}

enum err access_by_key(struct core *core, struct slice text, struct arena *a, struct caller *ret, struct errinfo *ei)
{
	char id[APIKEY_ID_BYTES];
	struct slice secret;
	struct api_key_row row;
	struct caller c = {.kind = CALLER_KEY, .session_hash = ""};
	enum err e = apikey_parse(text, id, &secret, ei);

	if (e)
		return unknown_key(ei);
	e = store_find(core->store, SQL_API_KEY_BY_ID, STORE_PARAMS(STORE_TEXT(id)), a, &row, ei);
	if (e == ERR_NOT_FOUND || (!e && !hash_matches(secret, slice_from(row.secret_hash))))
		return unknown_key(ei);
	if (!e)
		e = active_user(core, row.owner_user_id, a, &c.owner, ei);
	if (e == ERR_UNAUTHENTICATED)
		return unknown_key(ei);
	if (!e)
		e = access_scopes_parse(row.scopes, &c.scopes, ei);
	if (e)
		return e;
	c.key_id = row.key_id;
	c.reach_app_id = row.reach_app_id;
	c.actor = arena_printf(a, "key %s", row.key_id);
	*ret = c;
	return ERR_OK;
}

enum err access_by_session(struct core *core, struct slice cookie, struct arena *a, struct caller *ret,
			   struct errinfo *ei)
{
	struct caller c = {.kind = CALLER_SESSION, .key_id = "", .reach_app_id = ""};
	char hash[HASH_TEXT_BYTES];
	struct user_session_row row;
	enum err e;

	hash_text(cookie, hash);
	e = users_session_check(core, hash, a, &row, ei);
	if (!e)
		e = active_user(core, row.user_id, a, &c.owner, ei);
	if (e == ERR_UNAUTHENTICATED)
		return err_set(ei, e, "you are not signed in, or the session has ended");
	if (e)
		return e;
	c.session_hash = row.session_hash;
	/* The administrator's session may do all that its pages do; tokens are for keys only (API.md §1). */
	c.scopes = (unsigned)ACCESS_ALL & ~(unsigned)ACCESS_TOKENS_READ;
	c.actor = arena_printf(a, "user %s", c.owner.user_id);
	*ret = c;
	return ERR_OK;
}

enum err access_need(const struct caller *c, enum access_scope scope, struct errinfo *ei)
{
	unsigned bit = 0;

	if ((c->scopes & (unsigned)scope) == (unsigned)scope)
		return ERR_OK;
	while (bit < ACCESS_BIT__COUNT - 1 && !((unsigned)scope & (1u << bit)))
		bit++;
	if (c->kind == CALLER_SESSION) {
		err_hint(ei, ERR_FORBIDDEN, "Make an API key with the scope %s and send it as a Bearer token.", scope_names[bit]);
		return err_set(ei, ERR_FORBIDDEN, "a browser session may not do this; it needs an API key");
	}
	err_hint(ei, ERR_FORBIDDEN, "Use a key that has the scope %s.", scope_names[bit]);
	return err_set(ei, ERR_FORBIDDEN, "this key lacks the scope %s", scope_names[bit]);
}

bool access_reaches(const struct caller *c, const struct app_row *app)
{
	if (c->kind == CALLER_KEY)
		return c->reach_app_id[0] == '\0' || strcmp(c->reach_app_id, app->app_id) == 0;
	return strcmp(c->owner.user_id, app->owner_user_id) == 0;
}

enum err access_app(struct core *core, const struct caller *c, struct slice app_id, struct arena *a,
		    struct app_row *ret, struct errinfo *ei)
{
	/* A key of one app means that app where none is named. */
	const char *otherwise = c->kind == CALLER_KEY && c->reach_app_id[0] ? c->reach_app_id : CORE_DEFAULT_APP;
	struct slice id = app_id.n ? app_id : slice_from(otherwise);
	struct app_row row;
	enum err e = store_find(core->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_SLICE(id)), a, &row, ei);

	if (e && e != ERR_NOT_FOUND)
		return e;
	if (e == ERR_NOT_FOUND || !access_reaches(c, &row)) {
		err_hint(ei, ERR_UNPROCESSABLE, "GET /api/v1/apps lists the apps; leave app_id out for the app \"default\".");
		return err_field(ei, "app_id", "no app has the id \"%.*s\"", (int)(id.n > 64 ? 64 : id.n), id.p);
	}
	*ret = row;
	return ERR_OK;
}

enum err access_user(struct core *core, const struct caller *c, const struct app_row *app, struct slice user,
		     struct arena *a, struct user_row *ret, struct errinfo *ei)
{
	enum err e;

	if (!user.p) {
		*ret = c->owner;
		return ERR_OK;
	}
	if (c->kind == CALLER_SESSION)
		return err_set(ei, ERR_FORBIDDEN, "a session acts for itself: leave out the parameter user");
	/* An id that came out empty in the app's backend must not become the key's owner. */
	if (user.n == 0)
		return err_field(ei, "user", "is empty: name the user, or leave it out to act as the key's owner");
	e = store_find(core->store, SQL_USER_EXTERNAL, STORE_PARAMS(STORE_TEXT(app->app_id), STORE_SLICE(user)), a, ret, ei);
	if (e == ERR_NOT_FOUND) {
		err_hint(ei, e, "A user comes into being with the first connect link made for them.");
		return err_set(ei, e, "the app has no user of that id");
	}
	return e;
}
