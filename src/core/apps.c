/* SPDX-License-Identifier: Apache-2.0 */
/* Apps and keys. Must never make a key that may more than who makes it. */
#include "core/apps.h"

#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "core/auditing.h"
#include "core/keys.h"
#include "core/line.h"
#include "secret/apikey.h"

static enum err check_name(struct slice name, struct errinfo *ei)
{
	if (name.n == 0 || name.n > APPS_NAME_MAX)
		return err_field(ei, "name", "must be a text of 1 to %d bytes", APPS_NAME_MAX);
	return line_is_plain(name) ? ERR_OK : err_field(ei, "name", "must be one line without control characters");
}

static enum err too_many(struct errinfo *ei, const char *what, int max)
{
	err_hint(ei, ERR_CONFLICT, "End some that are not used any more.");
	err_set(ei, ERR_CONFLICT, "there are %d %s already", max, what);
	return err_code(ei, ERR_CONFLICT, "limit_reached");
}

/* Each prefix: an absolute URL without query and fragment; https, or http on loopback. */
static enum err check_prefixes(const struct jsonr *v, struct arena *a, const char **ret, struct errinfo *ei)
{
	struct errinfo why = {0};
	struct buf text;

	if (jsonr_type(v) != JSONR_ARRAY || jsonr_count(v) > APPS_PREFIXES_MAX)
		return err_field(ei, "return_to", "must be a list of at most %d URL prefixes", APPS_PREFIXES_MAX);
	for (size_t i = 0; i < jsonr_count(v); i++) {
		struct slice item = jsonr_string(jsonr_at(v, i));
		struct url u;

		if (url_parse(item, &u, &why))
			return err_field(ei, "return_to", "entry %zu: %s", i + 1, why.detail[0] ? why.detail : "must be a text");
		if (u.query.p || u.fragment.p || (!u.is_https && !url_is_loopback(&u)))
			return err_field(ei, "return_to", "entry %zu must begin with https:// and have no query or fragment", i + 1);
	}
	buf_init(&text, 64 * 1024);
	jsonr_dump(v, &text);
	*ret = arena_strndup(a, buf_slice(&text));
	buf_done(&text);
	return ERR_OK;
}

enum err apps_create(struct core *core, const struct caller *c, struct slice name, const struct jsonr *return_to,
		     struct arena *a, struct app_row *ret, struct errinfo *ei)
{
	struct app_row app = {.owner_user_id = c->owner.user_id, .return_to = "[]", .created_at = core_now(core)};
	char id[RANDOM_ID_BYTES];
	struct app_row *others;
	size_t n;
	enum err e = check_name(name, ei);

	if (!e && return_to)
		e = check_prefixes(return_to, a, &app.return_to, ei);
	if (!e && c->reach_app_id[0])
		e = err_set(ei, ERR_FORBIDDEN, "a key of one app cannot make another app");
	if (!e)
		e = apps_list(core, c, a, &others, &n, ei);
	if (!e && n >= APPS_MAX)
		e = too_many(ei, "apps", APPS_MAX);
	if (e)
		return e;
	random_id(id);
	app.app_id = arena_strdup(a, id);
	app.name = arena_strndup(a, name);
	app.updated_at = app.created_at;
	auditing_note(core, &(const struct record){.event = "app_made", .app_id = app.app_id});
	/* The key first: an app without a key could not be used, a key without an app does no harm. */
	e = keys_create(core, app.app_id, KEYS_PURPOSE_SEAL, ei);
	if (!e)
		e = store_insert(core->store, TABLE_APPS, &app, ei);
	if (!e)
		*ret = app;
	return e;
}

enum err apps_list(struct core *core, const struct caller *c, struct arena *a, struct app_row **ret, size_t *ret_n,
		   struct errinfo *ei)
{
	struct app_row *rows;
	size_t n, kept = 0;
	enum err e = store_list(core->store, SQL_APPS_ALL, STORE_NO_PARAMS, APPS_MAX + 1, a, &rows, &n, ei);

	if (e)
		return e;
	for (size_t i = 0; i < n; i++)
		if (access_reaches(c, &rows[i]))
			rows[kept++] = rows[i];
	*ret = rows;
	*ret_n = kept;
	return ERR_OK;
}

enum err apps_get(struct core *core, const struct caller *c, struct slice app_id, struct arena *a, struct app_row *ret,
		  struct errinfo *ei)
{
	struct app_row row;
	enum err e = store_find(core->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_SLICE(app_id)), a, &row, ei);

	if (e == ERR_NOT_FOUND || (!e && !access_reaches(c, &row)))
		return err_set(ei, ERR_NOT_FOUND, "no app has this id");
	if (!e)
		*ret = row;
	return e;
}

enum err apps_update(struct core *core, struct app_row *io, struct slice name, const struct jsonr *return_to,
		     struct arena *a, struct errinfo *ei)
{
	struct app_row row = *io;
	enum err e = name.p ? check_name(name, ei) : ERR_OK;

	if (!e && return_to)
		e = check_prefixes(return_to, a, &row.return_to, ei);
	if (e)
		return e;
	if (name.p)
		row.name = arena_strndup(a, name);
	row.updated_at = core_now(core);
	auditing_note(core, &(const struct record){.event = "app_changed", .app_id = row.app_id});
	e = store_change_one(core->store, SQL_APP_UPDATE,
			     STORE_PARAMS(STORE_TEXT(row.app_id), STORE_TEXT(row.name), STORE_TEXT(row.return_to),
					  STORE_INT(row.updated_at)), ei);
	if (!e)
		*io = row;
	return e;
}

static const char app_key_scopes[] = "[\"authenticators:read\",\"connections:read\",\"connections:write\",\"tokens:read\"]";

static enum err wanted_scopes(const struct caller *c, const struct jsonr *scopes, struct arena *a, const char **ret,
			      struct errinfo *ei)
{
	const char *text = app_key_scopes;
	unsigned bits;
	struct buf b;
	enum err e;

	if (jsonr_type(scopes) != JSONR_ABSENT && jsonr_type(scopes) != JSONR_NULL) {
		buf_init(&b, 4096);
		jsonr_dump(scopes, &b);
		text = arena_strndup(a, buf_slice(&b));
		buf_done(&b);
	}
	e = access_scopes_parse(text, &bits, ei);
	if (e)
		return e;
	/* A session lacks tokens:read for itself but belongs to the owner, who may hand it to a key. */
	if (c->kind == CALLER_KEY && (bits & ~c->scopes))
		return err_set(ei, ERR_FORBIDDEN, "a key cannot make one with wider scopes than its own");
	*ret = access_scopes_text(bits, a);
	return ERR_OK;
}

/* There are never more than can be listed. */
static enum err check_room(struct core *core, const char *app_id, struct arena *a, struct errinfo *ei)
{
	struct api_key_row *rows;
	size_t n;
	enum err e = apps_key_list(core, app_id, a, &rows, &n, ei);

	return e || n < APPS_KEYS_MAX ? e : too_many(ei, "live keys", APPS_KEYS_MAX);
}

enum err apps_key_create(struct core *core, const struct caller *c, const char *app_id, struct slice name,
			 const struct jsonr *scopes, struct arena *a, struct api_key_row *ret,
			 struct secret **ret_text, struct errinfo *ei)
{
	struct api_key_row row = {
		.owner_user_id = c->owner.user_id,
		.reach_app_id = app_id,
		.created_at = core_now(core),
	};
	char id[APIKEY_ID_BYTES], hash[HASH_TEXT_BYTES];
	struct secret *text;
	enum err e = check_name(name, ei);

	if (!e)
		e = wanted_scopes(c, scopes, a, &row.scopes, ei);
	if (!e && c->reach_app_id[0] && strcmp(c->reach_app_id, app_id) != 0)
		e = err_set(ei, ERR_FORBIDDEN, "a key cannot make one with a wider reach than its own");
	if (!e)
		e = check_room(core, app_id, a, ei);
	if (e)
		return e;
	apikey_make(id, hash, &text);
	secret_in_arena(a, text);
	row.key_id = arena_strdup(a, id);
	row.secret_hash = arena_strdup(a, hash);
	row.name = arena_strndup(a, name);
	auditing_note(core, &(const struct record){
		.event = "key_made", .app_id = app_id, .user_id = row.owner_user_id, .detail = row.key_id});
	e = store_insert(core->store, TABLE_API_KEYS, &row, ei);
	if (e)
		return e;
	*ret = row;
	*ret_text = text;
	return ERR_OK;
}

enum err apps_key_list(struct core *core, const char *app_id, struct arena *a, struct api_key_row **ret, size_t *ret_n,
		       struct errinfo *ei)
{
	return store_list(core->store, SQL_API_KEYS_OF_APP, STORE_PARAMS(STORE_TEXT(app_id)), APPS_KEYS_OF_USER_MAX, a, ret, ret_n,
			  ei);
}

enum err apps_key_list_of_user(struct core *core, const char *user_id, struct arena *a, struct api_key_row **ret,
			       size_t *ret_n, struct errinfo *ei)
{
	return store_list(core->store, SQL_API_KEYS_OF_USER, STORE_PARAMS(STORE_TEXT(user_id)), APPS_KEYS_OF_USER_MAX, a, ret, ret_n,
			  ei);
}

enum err apps_key_revoke(struct core *core, const struct caller *c, const char *app_id, struct slice key_id,
			 struct arena *a, struct errinfo *ei)
{
	struct api_key_row row;
	enum err e = store_find(core->store, SQL_API_KEY_BY_ID, STORE_PARAMS(STORE_SLICE(key_id)), a, &row, ei);
	bool theirs = !e && (app_id ? strcmp(row.reach_app_id, app_id) == 0
				    : strcmp(row.owner_user_id, c->owner.user_id) == 0 &&
					      (!c->reach_app_id[0] || strcmp(c->reach_app_id, row.reach_app_id) == 0));

	if (e && e != ERR_NOT_FOUND)
		return e;
	if (!theirs)
		return err_set(ei, ERR_NOT_FOUND, "no live key has this id");
	auditing_note(core, &(const struct record){
		.event = "key_revoked", .app_id = row.reach_app_id, .user_id = row.owner_user_id, .detail = row.key_id});
	e = store_change_one(core->store, SQL_API_KEY_REVOKE, STORE_PARAMS(STORE_SLICE(key_id), STORE_INT(core_now(core))), ei);
	/* Revoked by another call in the same moment. */
	return e == ERR_CONFLICT ? err_set(ei, ERR_NOT_FOUND, "no live key has this id") : e;
}
