/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First start and the check of the master key. Must never overwrite a key file, and never make rows under
 * a master key that does not fit the ones that are there (CR-03).
 */
#include "core/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/core.h"
#include "core/keys.h"
#include "secret/apikey.h"

static enum err fresh(void *arg, struct data_key *io, struct arena *a, struct slice *ret_wrapped, struct errinfo *ei)
{
	(void)ei;
	random_bytes(io->bytes, sizeof io->bytes);
	*ret_wrapped = master_wrap(arg, io, a);
	return ERR_OK;
}

static enum err unwrap(void *arg, struct slice wrapped, struct data_key *io, struct errinfo *ei)
{
	return master_unwrap(arg, wrapped, io, ei);
}

/* Opens the oldest data key: one that opens proves the master key. */
static enum err check_master(struct core *core, struct arena *a, struct errinfo *ei)
{
	const struct data_key *key;
	struct data_key_row row;
	enum err e = store_find(core->store, SQL_DATA_KEYS_ALL, STORE_NO_PARAMS, a, &row, ei);

	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (!e)
		e = keys_by_id(core, row.key_id, &key, ei);
	return e == ERR_CRYPTO ? ERR_CONFIG : e;
}

static enum err make_key(struct core *core, struct arena *a, const char *app_id, const char *purpose, struct errinfo *ei)
{
	struct data_key_row row;
	enum err e = store_find(core->store, SQL_DATA_KEY_CURRENT, STORE_PARAMS(STORE_TEXT(app_id), STORE_TEXT(purpose)), a,
				&row, ei);

	return e == ERR_NOT_FOUND ? keys_create(core, app_id, purpose, ei) : e;
}

static enum err make_admin(struct core *core, struct arena *a, struct user_row *ret_admin, struct errinfo *ei)
{
	enum err e = store_find(core->store, SQL_USER_ADMIN, STORE_NO_PARAMS, a, ret_admin, ei);
	char id[RANDOM_ID_BYTES];

	if (e != ERR_NOT_FOUND)
		return e;
	random_id(id);
	*ret_admin = (struct user_row){
		.user_id = arena_strdup(a, id),
		.kind = "admin",
		.external_id = "admin",
		.name = "admin",
		.is_active = 1,
		.created_at = core_now(core),
	};
	return store_insert(core->store, TABLE_USERS, ret_admin, ei);
}

static enum err make_default_app(struct core *core, struct arena *a, const struct user_row *admin, struct errinfo *ei)
{
	struct app_row app;
	enum err e = store_find(core->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT(CORE_DEFAULT_APP)), a, &app, ei);

	if (e != ERR_NOT_FOUND)
		return e;
	app = (struct app_row){
		.app_id = CORE_DEFAULT_APP,
		.name = CORE_DEFAULT_APP,
		.owner_user_id = admin->user_id,
		.return_to = "[]",
		.created_at = core_now(core),
		.updated_at = core_now(core),
	};
	return store_insert(core->store, TABLE_APPS, &app, ei);
}

static enum err write_key_file(const char *path, const struct secret *text, struct errinfo *ei)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct slice key = secret_expose(text);
	bool written;

	if (fd < 0)
		return err_set(ei, ERR_CONFIG, "cannot make the key file %s: %s", path, strerror(errno));
	written = write(fd, key.p, key.n) == (ssize_t)key.n && write(fd, "\n", 1) == 1 && fsync(fd) == 0;
	close(fd);
	if (!written)
		unlink(path);
	return written ? ERR_OK : err_set(ei, ERR_CONFIG, "cannot write the key file %s", path);
}

/* A lost or deleted admin.key is made anew at the next start; keys made before stay valid until revoked. */
static enum err make_admin_key(struct core *core, const struct user_row *admin, const char *path, struct errinfo *ei)
{
	struct api_key_row row = {
		.owner_user_id = admin->user_id,
		.reach_app_id = "",
		.scopes = "[\"admin\"]",
		.name = "admin.key",
		.created_at = core_now(core),
	};
	CLEANUP(secret_free) struct secret *text = NULL;
	char id[APIKEY_ID_BYTES], hash[HASH_TEXT_BYTES];
	enum err e;

	if (access(path, F_OK) == 0)
		return ERR_OK;
	apikey_make(id, hash, &text);
	row.key_id = id;
	row.secret_hash = hash;
	e = store_insert(core->store, TABLE_API_KEYS, &row, ei);
	return e ? e : write_key_file(path, text, ei);
}

enum err setup_first_start(struct store *store, const struct master *master, const char *admin_key_path,
			   const struct clock *clock, struct errinfo *ei)
{
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);
	const struct key_source source = {.fresh = fresh, .unwrap = unwrap, .arg = (void *)(uintptr_t)master};
	struct core core = {.store = store, .clock = clock, .keys = keys_new(&source)};
	struct user_row admin;
	enum err e = check_master(&core, a, ei);

	if (!e)
		e = make_key(&core, a, "", KEYS_PURPOSE_SEAL, ei);
	if (!e)
		e = make_key(&core, a, "", KEYS_PURPOSE_FINGERPRINT, ei);
	if (!e)
		e = make_key(&core, a, "", KEYS_PURPOSE_AUDIT, ei);
	if (!e)
		e = make_admin(&core, a, &admin, ei);
	if (!e)
		e = make_default_app(&core, a, &admin, ei);
	if (!e)
		e = make_key(&core, a, CORE_DEFAULT_APP, KEYS_PURPOSE_SEAL, ei);
	if (!e)
		e = make_admin_key(&core, &admin, admin_key_path, ei);
	keys_free(&core.keys);
	return e;
}
