/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite driver. Statements are prepared once per number and kept. Must never show SQLite's own
 * message to a tenant: it goes into errinfo only as our sentence with its code.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/mem.h"
#include "store/driver.h"

enum { STATEMENTS_MAX = 160, BUSY_MS = 5000, PARAMS_MAX = 40, COLUMNS_MAX = 40 };

struct sqlite {
	struct driver driver;
	sqlite3 *db;
	sqlite3_stmt *prepared[STATEMENTS_MAX];
	bool found_log; /* there before this connection was */
};

static struct sqlite *self(struct driver *d)
{
	return CONTAINER_OF(d, struct sqlite, driver);
}

static enum err failed(struct sqlite *s, struct errinfo *ei)
{
	int code = sqlite3_extended_errcode(s->db);

	if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
		return err_set(ei, ERR_CONFLICT, "a row like it exists already");
	if ((code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED)
		return err_set(ei, ERR_STORE, "the database was busy for more than %d seconds", BUSY_MS / 1000);
	if ((code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB)
		return err_set(ei, ERR_STORE, "the database file is damaged (SQLite code %d)", code);
	if ((code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) && s->driver.on_disk_failed)
		s->driver.on_disk_failed("the database");
	return err_set(ei, ERR_STORE, "the database could not be read or written (SQLite code %d: %s)", code,
		       sqlite3_errstr(code));
}

static enum err exec(struct sqlite *s, const char *text, struct errinfo *ei)
{
	return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : failed(s, ei);
}

static enum err sqlite_begin(struct driver *d, bool write, struct errinfo *ei)
{
	return exec(self(d), write ? "BEGIN IMMEDIATE" : "BEGIN", ei);
}

static enum err sqlite_commit(struct driver *d, struct errinfo *ei)
{
	return exec(self(d), "COMMIT", ei);
}

/* One that stays open would keep every other process from writing, and fail each later write here: better a new process. */
static void sqlite_rollback(struct driver *d)
{
	sqlite3 *db = self(d)->db;

	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	if (!sqlite3_get_autocommit(db))
		abort();
}

static enum err sqlite_part(struct driver *d, enum driver_part what, struct errinfo *ei)
{
	static const char *const texts[] = {
		[DRIVER_PART_BEGIN] = "SAVEPOINT part",
		[DRIVER_PART_KEEP] = "RELEASE part",
		[DRIVER_PART_UNDO] = "ROLLBACK TO part; RELEASE part",
	};

	return exec(self(d), texts[what], ei);
}

static bool sqlite_is_open(struct driver *d)
{
	return !sqlite3_get_autocommit(self(d)->db);
}

static enum err sqlite_script(struct driver *d, const char *text, struct errinfo *ei)
{
	return exec(self(d), text, ei);
}

static void sqlite_close(struct driver *d)
{
	struct sqlite *s = self(d);

	int keep = 1;

	for (size_t i = 0; i < STATEMENTS_MAX; i++)
		sqlite3_finalize(s->prepared[i]);
	/* A role may write the log that it found, but neither make nor remove files beside the database: it empties it. */
	if (s->found_log) {
		sqlite3_file_control(s->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
		sqlite3_exec(s->db, "PRAGMA journal_size_limit=0", NULL, NULL, NULL);
	}
	sqlite3_close(s->db);
	free(s);
}

/* In SQLite $1 is a name: its number is the order of first appearance, so it is asked for. */
static enum err bind(struct sqlite *s, sqlite3_stmt *stmt, const struct driver_statement *st, size_t i, struct errinfo *ei)
{
	const struct value *v = &st->params[i];
	char name[8];
	int at, code = SQLITE_MISUSE;

	sqlite3_snprintf(sizeof name, name, "$%d", (int)i + 1);
	at = sqlite3_bind_parameter_index(stmt, name);
	if (at == 0)
		return err_set(ei, ERR_INTERNAL, "statement %d has no parameter %s", st->number, name);
	switch (v->kind) {
	case VALUE_INT:
		code = sqlite3_bind_int64(stmt, at, v->number);
		break;
	case VALUE_TEXT:
		code = sqlite3_bind_text64(stmt, at, v->text.p ? v->text.p : "", v->text.n, SQLITE_TRANSIENT, SQLITE_UTF8);
		break;
	case VALUE_SEALED:
		code = v->text.n ? sqlite3_bind_blob64(stmt, at, v->text.p, v->text.n, SQLITE_TRANSIENT) : sqlite3_bind_null(stmt, at);
		break;
	}
	return code == SQLITE_OK ? ERR_OK : failed(s, ei);
}

static void read_column(sqlite3_stmt *stmt, int i, enum value_kind kind, struct value *v)
{
	v->kind = kind;
	if (kind == VALUE_INT) {
		v->number = sqlite3_column_int64(stmt, i);
		return;
	}
	if (kind == VALUE_SEALED)
		v->text.p = sqlite3_column_blob(stmt, i);
	else
		v->text.p = (const char *)sqlite3_column_text(stmt, i);
	v->text.n = (size_t)sqlite3_column_bytes(stmt, i);
}

static enum err prepare(struct sqlite *s, const struct driver_statement *st, sqlite3_stmt **ret, struct errinfo *ei)
{
	if (st->number < 0 || st->number >= STATEMENTS_MAX)
		return err_set(ei, ERR_INTERNAL, "statement number %d is out of range", st->number);
	if (!s->prepared[st->number] &&
	    sqlite3_prepare_v3(s->db, st->text, -1, SQLITE_PREPARE_PERSISTENT, &s->prepared[st->number], NULL) != SQLITE_OK)
		return failed(s, ei);
	*ret = s->prepared[st->number];
	return ERR_OK;
}

static enum err step_rows(struct sqlite *s, sqlite3_stmt *stmt, const struct driver_statement *st, struct errinfo *ei)
{
	struct value column[COLUMNS_MAX];
	int code;

	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		enum err e;

		if (!st->each)
			continue;
		if ((size_t)sqlite3_column_count(stmt) < st->column_count || st->column_count > COLUMNS_MAX)
			return err_set(ei, ERR_INTERNAL, "statement %d gives too few columns", st->number);
		for (size_t i = 0; i < st->column_count; i++)
			read_column(stmt, (int)i, st->kinds[i], &column[i]);
		e = st->each(column, st->column_count, st->arg);
		if (e)
			return e;
	}
	return code == SQLITE_DONE ? ERR_OK : failed(s, ei);
}

static enum err sqlite_run(struct driver *d, const struct driver_statement *st, int64_t *ret_changed,
			   struct errinfo *ei)
{
	struct sqlite *s = self(d);
	sqlite3_stmt *stmt = NULL;
	enum err e = prepare(s, st, &stmt, ei);

	if (e)
		return e;
	for (size_t i = 0; i < st->param_count && !e; i++)
		e = bind(s, stmt, st, i, ei);
	if (!e)
		e = step_rows(s, stmt, st, ei);
	if (!e && ret_changed)
		*ret_changed = sqlite3_changes64(s->db);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return e;
}

static const struct driver_ops sqlite_ops = {
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.part = sqlite_part,
	.is_open = sqlite_is_open,
	.run = sqlite_run,
	.script = sqlite_script,
	.close = sqlite_close,
};

static enum err open_failed(struct sqlite *s, const char *path, struct errinfo *ei)
{
	int code = sqlite3_errcode(s->db) & 0xFF;

	if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
		err_hint(ei, ERR_CONFIG, "Restore the file from a backup, or name another one in FIBERWISE_DATABASE.");
		return err_set(ei, ERR_CONFIG, "the database file %s is damaged or is no SQLite database", path);
	}
	return err_set(ei, ERR_CONFIG, "cannot open the database file %s: %s", path, sqlite3_errmsg(s->db));
}

enum err sqlite_open(const char *path, enum driver_open_mode mode, bool checkpoints, struct driver **ret_driver,
		     struct errinfo *ei)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	struct sqlite *s = MEM_NEW(struct sqlite);
	CLEANUP(mem_free_str) char *log = mem_printf("%s-wal", path);
	enum err e = ERR_OK;

	s->driver.ops = &sqlite_ops;
	s->found_log = access(log, F_OK) == 0;
	if (mode == DRIVER_CREATE)
		flags |= SQLITE_OPEN_CREATE;
	if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK)
		e = open_failed(s, path, ei);
	if (!e) {
		sqlite3_busy_timeout(s->db, BUSY_MS);
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		/* The first read of the file: this is where a damaged header shows. */
		if (sqlite3_exec(s->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) != SQLITE_OK ||
		    sqlite3_exec(s->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
					"PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON", NULL, NULL, NULL) != SQLITE_OK)
			e = open_failed(s, path, ei);
	}
	if (!e && !checkpoints)
		e = exec(s, "PRAGMA wal_autocheckpoint=0", ei);
	if (e) {
		sqlite_close(&s->driver);
		return e;
	}
	*ret_driver = &s->driver;
	return ERR_OK;
}
