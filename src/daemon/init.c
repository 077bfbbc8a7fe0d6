/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be true of the data directory before the service starts. Must never make a master key
 * beside a database that was sealed with another, nor touch a database that it cannot vouch for.
 */
#include "daemon/init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "core/setup.h"
#include "ipc/role.h"
#include "secret/master.h"
#include "store/store.h"

enum { HEADER_BYTES = 100, PAGE_MIN = 512 };

/* What a first start has made, to take it back when the rest fails. */
struct made {
	bool key_dir, key;
};

static enum err damaged(const char *path, const char *what, struct errinfo *ei)
{
	err_hint(ei, ERR_CONFIG, "Restore it from a backup, or set FIBERWISE_DATABASE to another file.");
	return err_set(ei, ERR_CONFIG, "the database %s %s", path, what);
}

static bool has_log(const char *path)
{
	CLEANUP(mem_free_str) char *log = mem_printf("%s-wal", path);
	struct stat st;

	return stat(log, &st) == 0 && st.st_size > 0;
}

/* Looks at the file itself, before SQLite does: opening a foreign or damaged file could already change it. */
static enum err check_header(const char *path, off_t size, struct errinfo *ei)
{
	static const char magic[16] = "SQLite format 3";
	unsigned char h[HEADER_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	off_t page;

	if (fd < 0)
		return err_set(ei, ERR_CONFIG, "cannot open the database %s: %s", path, strerror(errno));
	n = read(fd, h, sizeof h);
	close(fd);
	if (n != sizeof h || memcmp(h, magic, sizeof magic) != 0)
		return damaged(path, "is not an SQLite file", ei);
	page = h[16] << 8 | h[17];
	if (page == 1)
		page = 65536;
	if (page < PAGE_MIN || (page & (page - 1)) != 0 || h[21] != 64 || h[22] != 32 || h[23] != 32)
		return damaged(path, "is damaged: its header makes no sense", ei);
	/* With a log beside it the file may be in the middle of being written: SQLite puts that right. */
	if (size % page != 0 && !has_log(path))
		return damaged(path, "is damaged: a part of a page is missing", ei);
	return ERR_OK;
}

/* Whether there is a database with anything in it. */
static enum err find_database(const char *path, bool *ret_there, struct errinfo *ei)
{
	struct stat st;

	if (stat(path, &st) != 0 && errno == ENOENT) {
		*ret_there = false;
		return ERR_OK;
	}
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return damaged(path, "cannot be used: it is not a regular file", ei);
	*ret_there = st.st_size > 0;
	return *ret_there ? check_header(path, st.st_size, ei) : ERR_OK;
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash != path ? mem_strndup(slice_make(path, (size_t)(slash - path))) : mem_strdup(slash ? "/" : ".");
}

static enum err make_key(const char *path, struct made *made, struct errinfo *ei)
{
	CLEANUP(mem_free_str) char *dir = parent_of(path);
	enum err e;

	made->key_dir = mkdir(dir, 0700) == 0;
	e = master_create(path, ei);
	made->key = e == ERR_OK;
	return e;
}

static void undo(const struct init_args *args, const struct made *made)
{
	CLEANUP(mem_free_str) char *dir = parent_of(args->master_key);
	struct stat st;

	/* Once there is a database, the key may be in use: both stay. */
	if (stat(args->database, &st) == 0 && st.st_size > 0)
		return;
	if (made->key)
		unlink(args->master_key);
	if (made->key_dir)
		rmdir(dir);
}

/* A seeded bug. */
static void drop_log(const char *path)
{
	CLEANUP(mem_free_str) char *log = mem_printf("%s-wal", path);

	unlink(log);
}

static enum err prepare_store(const struct init_args *args, const struct master *master, bool there, struct errinfo *ei)
{
	const struct store_args store_args = {.path = args->database, .create = !there, .checkpoints = true};
	struct store *store = NULL;
	enum err e;

	if (FAULT(log_dropped))
		drop_log(args->database);
	e = store_open(&store_args, &store, ei);
	if (!e)
		e = store_migrate(store, clock_wall_ms(args->clock), ei);
	if (!e)
		e = setup_first_start(store, master, args->admin_key, args->clock, ei);
	store_close(&store);
	return e;
}

enum err init_prepare(const struct init_args *args, struct errinfo *ei)
{
	CLEANUP(master_free) struct master *master = NULL;
	struct made made = {.key = false};
	struct stat st;
	bool there = false;
	enum err e = find_database(args->database, &there, ei);

	if (e)
		return e;
	if (lstat(args->master_key, &st) != 0 && errno == ENOENT) {
		if (there) {
			err_hint(ei, ERR_CONFIG, "Restore the key file from its backup; without it no stored token can be opened. "
						 "To begin anew, move the database away.");
			return err_set(ei, ERR_CONFIG, "the database %s is there, but the master key file %s is missing",
				       args->database, args->master_key);
		}
		e = make_key(args->master_key, &made, ei);
	}
	if (!e)
		e = master_load(args->master_key, &master, ei);
	if (!e)
		e = prepare_store(args, master, there, ei);
	if (e)
		undo(args, &made);
	return e;
}

static enum err start(struct role *role, struct errinfo *ei)
{
	CLEANUP(mem_free_str) char *admin_key = mem_printf("%s/admin.key", role_config(role, "FIBERWISE_DATA_DIR"));
	const struct init_args args = {
		.database = role_config(role, "FIBERWISE_DATABASE"),
		.master_key = role_config(role, "FIBERWISE_MASTER_KEY_FILE"),
		.admin_key = admin_key,
		.clock = &clock_system,
	};
	enum err e = init_prepare(&args, ei);

	if (e)
		return e;
	role_ready(role);
	role_stopped(role);
	return ERR_OK;
}

static void on_peer(struct role *role, enum ipc_role peer, int64_t slot, int fd)
{
	(void)role;
	(void)peer;
	(void)slot;
	close(fd);
}

static void on_stop(struct role *role, bool orphaned)
{
	(void)orphaned;
	role_stopped(role);
}

int init_main(const char *name)
{
	static const struct role_hooks hooks = {.start = start, .on_peer = on_peer, .on_stop = on_stop};

	return role_run(IPC_INIT, name, &hooks, NULL);
}
