/* SPDX-License-Identifier: Apache-2.0 */
/* Opened data keys by id. Must never write one anywhere but into this table. */
#include "core/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "secret/hash.h"

struct keys {
	struct key_source source;
	struct map *by_id;
	struct map *current; /* "app|purpose" to the key; epochs don't change while no rotation exists */
};

struct keys *keys_new(const struct key_source *source)
{
	struct keys *k = MEM_NEW(struct keys);

	k->source = *source;
	k->by_id = map_new();
	k->current = map_new();
	return k;
}

static void wipe_key(struct slice name, void *value, void *arg)
{
	(void)name;
	(void)arg;
	seal_key_wipe(value);
	free(value);
}

void keys_free(struct keys **kp)
{
	if (!kp || !*kp)
		return;
	map_each((*kp)->by_id, wipe_key, NULL);
	map_free(&(*kp)->by_id);
	map_free(&(*kp)->current);
	free(*kp);
	*kp = NULL;
}

static const struct data_key *keep(struct keys *k, const struct data_key *key)
{
	struct data_key *kept = MEM_NEW(struct data_key);

	*kept = *key;
	map_put(k->by_id, slice_from(kept->id), kept);
	return kept;
}

static void describe(struct data_key *key, const char *id, const char *app_id, int64_t epoch)
{
	*key = (struct data_key){.epoch = epoch};
	memcpy(key->id, id, strnlen(id, sizeof key->id - 1));
	memcpy(key->app_id, app_id, strnlen(app_id, sizeof key->app_id - 1));
}

enum err keys_create(struct core *core, const char *app_id, const char *purpose, struct errinfo *ei)
{
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 16);
	struct data_key_row row = {.app_id = app_id, .purpose = purpose, .epoch = 1, .created_at = core_now(core)};
	struct data_key key;
	char id[RANDOM_ID_BYTES];
	enum err e;

	random_id(id);
	describe(&key, id, app_id, row.epoch);
	e = core->keys->source.fresh(core->keys->source.arg, &key, a, &row.wrapped.bytes, ei);
	if (e)
		return e;
	row.key_id = id;
	e = store_insert(core->store, TABLE_DATA_KEYS, &row, ei);
	seal_key_wipe(&key);
	return e;
}

static enum err open_row(struct core *core, const struct data_key_row *row, const struct data_key **ret_key,
			 struct errinfo *ei)
{
	struct data_key key;
	enum err e;

	describe(&key, row->key_id, row->app_id, row->epoch);
	e = core->keys->source.unwrap(core->keys->source.arg, row->wrapped.bytes, &key, ei);
	if (!e)
		*ret_key = keep(core->keys, &key);
	seal_key_wipe(&key);
	return e;
}

enum err keys_by_id(struct core *core, const char *key_id, const struct data_key **ret_key, struct errinfo *ei)
{
	CLEANUP(arena_free) struct arena *a = NULL;
	const struct data_key *key = map_get(core->keys->by_id, slice_from(key_id));
	struct data_key_row row;
	enum err e;

	if (key) {
		*ret_key = key;
		return ERR_OK;
	}
	a = arena_new(1 << 16);
	e = store_find(core->store, SQL_DATA_KEY_BY_ID, STORE_PARAMS(STORE_TEXT(key_id)), a, &row, ei);
	if (e == ERR_NOT_FOUND)
		return err_set(ei, ERR_CRYPTO, "a stored value names the data key %s, which does not exist", key_id);
	return e ? e : open_row(core, &row, ret_key, ei);
}

enum err keys_current(struct core *core, const char *app_id, const char *purpose, const struct data_key **ret_key,
		      struct errinfo *ei)
{
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 16);
	struct slice name = slice_from(arena_printf(a, "%s|%s", app_id, purpose));
	const struct data_key *key = map_get(core->keys->current, name);
	struct data_key_row row;
	enum err e;

	if (key) {
		*ret_key = key;
		return ERR_OK;
	}
	e = store_find(core->store, SQL_DATA_KEY_CURRENT, STORE_PARAMS(STORE_TEXT(app_id), STORE_TEXT(purpose)), a, &row, ei);
	if (e == ERR_NOT_FOUND)
		return err_set(ei, ERR_CRYPTO, "the app %s has no data key", app_id);
	if (!e)
		e = keys_by_id(core, row.key_id, &key, ei);
	if (e)
		return e;
	map_put(core->keys->current, name, (void *)(uintptr_t)key);
	*ret_key = key;
	return ERR_OK;
}

enum err keys_fingerprint(struct core *core, const struct secret *token, char ret[33], struct errinfo *ei)
{
	const struct data_key *key;
	enum err e = keys_current(core, "", KEYS_PURPOSE_FINGERPRINT, &key, ei);

	if (!e)
		hash_fingerprint(key->bytes, secret_expose(token), ret);
	return e;
}
