/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows between C structures and the driver. Must never build SQL from input: texts are the constants of
 * sql.h, and the INSERTs made once from the table lists.
 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/schema.h"
#include "store/store_private.h"

enum { COLUMNS_MAX = 40, INSERT_NUMBER_BASE = SQL__COUNT };

static const struct {
	const char *text;
	enum table_id table;
} statements[SQL__COUNT] = {
#define X(name, table, text) [SQL_##name] = {text, TABLE_##table},
	SQL_STATEMENTS(X)
#undef X
};

const char *store_sql_text(enum sql sql)
{
	return statements[sql].text;
}

enum table_id store_sql_table(enum sql sql)
{
	return statements[sql].table;
}

static char *insert_text(const struct table *t)
{
	struct buf sql;
	char *text;

	buf_init(&sql, 8192);
	buf_printf(&sql, "INSERT INTO %s (", t->name);
	for (size_t i = 0; i < t->column_count; i++)
		buf_printf(&sql, "%s%s", i ? ", " : "", t->column[i].name);
	buf_puts(&sql, ") VALUES (");
	for (size_t i = 0; i < t->column_count; i++)
		buf_printf(&sql, "%s$%zu", i ? ", " : "", i + 1);
	buf_puts(&sql, ")");
	text = mem_strdup(buf_cstr(&sql));
	buf_done(&sql);
	return text;
}

enum err store_open(const struct store_args *args, struct store **ret_store, struct errinfo *ei)
{
	struct driver *driver;
	struct store *s;
	bool prefixed = slice_starts(slice_from(args->path), "sqlite:");
	const char *path = args->path + (prefixed ? strlen("sqlite:") : 0);
	enum err e = sqlite_open(path, args->create ? DRIVER_CREATE : DRIVER_EXISTING, args->checkpoints, &driver, ei);

	if (e)
		return e;
	s = MEM_NEW(struct store);
	s->driver = driver;
	driver->on_disk_failed = args->on_disk_failed;
	for (int i = 0; i < TABLE__COUNT; i++)
		s->insert[i] = insert_text(table_get((enum table_id)i));
	s->stripes = args->stripes;
	for (int i = 0; i < SQL__COUNT; i++)
		s->touch[i] = touch_of(statements[i].text);
	for (int i = 0; i < TABLE__COUNT; i++)
		s->touch_insert[i] = touch_of(s->insert[i]);
	*ret_store = s;
	return ERR_OK;
}

void store_close(struct store **sp)
{
	struct store *s = sp ? *sp : NULL;

	if (!s)
		return;
	store_rollback(s);
	s->driver->ops->close(s->driver);
	for (int i = 0; i < TABLE__COUNT; i++)
		mem_free_str(&s->insert[i]);
	free(s);
	*sp = NULL;
}

static const char *field(const void *row, const struct column *c)
{
	return (const char *)row + c->offset;
}

static struct value value_of(const void *row, const struct column *c)
{
	struct value v = {0};

	switch (c->kind) {
	case COLUMN_TEXT: {
		const char *text;

		memcpy(&text, field(row, c), sizeof text);
		return STORE_TEXT(text ? text : "");
	}
	case COLUMN_INT:
		v.kind = VALUE_INT;
		memcpy(&v.number, field(row, c), sizeof v.number);
		return v;
	case COLUMN_SEALED: {
		struct sealed sealed;

		memcpy(&sealed, field(row, c), sizeof sealed);
		return STORE_SEALED(sealed);
	}
	}
	return v;
}

enum err store_insert(struct store *s, enum table_id table, const void *row, struct errinfo *ei)
{
	const struct table *t = table_get(table);
	struct value values[COLUMNS_MAX];
	struct driver_statement st = {
		.number = (int)(INSERT_NUMBER_BASE + table),
		.text = s->insert[table],
		.params = values,
		.param_count = t->column_count,
	};

	for (size_t i = 0; i < t->column_count; i++)
		values[i] = value_of(row, &t->column[i]);
	return store_write(s, &st, &s->touch_insert[table], NULL, ei);
}

/* Rows on their way into an array in the arena. */
struct reading {
	const struct table *table;
	struct arena *arena;
	char *rows;
	size_t count, room, max;
};

static void read_row(const struct reading *r, const struct value *columns, char *row)
{
	for (size_t i = 0; i < r->table->column_count; i++) {
		const struct column *c = &r->table->column[i];

		if (c->kind == COLUMN_TEXT) {
			const char *text = arena_strndup(r->arena, columns[i].text);

			memcpy(row + c->offset, &text, sizeof text);
		} else if (c->kind == COLUMN_INT) {
			memcpy(row + c->offset, &columns[i].number, sizeof columns[i].number);
		} else {
			struct sealed sealed = {0};

			if (columns[i].text.n)
				sealed.bytes = arena_copy(r->arena, columns[i].text);
			memcpy(row + c->offset, &sealed, sizeof sealed);
		}
	}
}

static enum err take_row(const struct value *columns, size_t count, void *arg)
{
	struct reading *r = arg;

	(void)count;
	if (r->count >= r->max)
		return ERR_LIMIT;
	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 1;
		char *bigger = arena_alloc(r->arena, room, r->table->row_bytes);

		if (r->count)
			memcpy(bigger, r->rows, r->count * r->table->row_bytes);
		r->rows = bigger;
		r->room = room;
	}
	read_row(r, columns, r->rows + r->count * r->table->row_bytes);
	r->count++;
	return ERR_OK;
}

static enum err run_reading(struct store *s, enum sql sql, struct store_params params, struct reading *r,
			    struct errinfo *ei)
{
	enum value_kind kinds[COLUMNS_MAX];
	struct driver_statement st = {
		.number = (int)sql,
		.text = statements[sql].text,
		.params = params.v,
		.param_count = params.n,
		.kinds = kinds,
		.each = take_row,
		.arg = r,
	};

	r->table = table_get(statements[sql].table);
	st.column_count = r->table->column_count;
	for (size_t i = 0; i < st.column_count; i++)
		kinds[i] = (enum value_kind)r->table->column[i].kind;
	return s->driver->ops->run(s->driver, &st, NULL, ei);
}

_Static_assert((int)COLUMN_TEXT == (int)VALUE_TEXT && (int)COLUMN_INT == (int)VALUE_INT &&
		       (int)COLUMN_SEALED == (int)VALUE_SEALED,
	       "a column's kind is its value's kind");

enum err store_find(struct store *s, enum sql sql, struct store_params params, struct arena *a, void *ret_row,
		    struct errinfo *ei)
{
	struct reading r = {.arena = a, .max = 1};
	enum err e = run_reading(s, sql, params, &r, ei);

	if (e && e != ERR_LIMIT)
		return e;
	if (r.count == 0)
		return ERR_NOT_FOUND;
	memcpy(ret_row, r.rows, r.table->row_bytes);
	return ERR_OK;
}

enum err store_list(struct store *s, enum sql sql, struct store_params params, size_t max, struct arena *a,
		    void *ret_rows, size_t *ret_count, struct errinfo *ei)
{
	struct reading r = {.arena = a, .max = max};
	enum err e = run_reading(s, sql, params, &r, ei);

	if (e == ERR_LIMIT)
		return err_set(ei, ERR_LIMIT, "there are more than %zu rows", max);
	if (e)
		return e;
	if (!r.rows)
		r.rows = arena_alloc(a, 1, r.table->row_bytes);
	memcpy(ret_rows, &r.rows, sizeof r.rows);
	*ret_count = r.count;
	return ERR_OK;
}

enum err store_change(struct store *s, enum sql sql, struct store_params params, int64_t *ret_changed,
		      struct errinfo *ei)
{
	struct driver_statement st = {
		.number = (int)sql,
		.text = statements[sql].text,
		.params = params.v,
		.param_count = params.n,
	};

	return store_write(s, &st, &s->touch[sql], ret_changed, ei);
}

enum err store_change_one(struct store *s, enum sql sql, struct store_params params, struct errinfo *ei)
{
	int64_t changed = 0;
	enum err e = store_change(s, sql, params, &changed, ei);

	if (e)
		return e;
	return changed == 1 ? ERR_OK : err_set(ei, ERR_CONFLICT, "it was changed by somebody else meanwhile");
}

/* The version row is read by plain text: it must work before the tables of table.h exist. */
static enum err take_version(const struct value *columns, size_t count, void *arg)
{
	(void)count;
	*(int64_t *)arg = columns[0].number;
	return ERR_OK;
}

enum { VERSION_READ = INSERT_NUMBER_BASE + TABLE__COUNT, VERSION_WRITE };

static enum err read_version(struct store *s, int64_t *ret_version, struct errinfo *ei)
{
	const enum value_kind kinds[] = {VALUE_INT};
	struct driver_statement st = {
		.number = VERSION_READ,
		.text = "SELECT coalesce(max(version), 0) FROM schema_migrations",
		.kinds = kinds,
		.column_count = 1,
		.each = take_version,
		.arg = ret_version,
	};

	return s->driver->ops->run(s->driver, &st, NULL, ei);
}

static enum err apply(struct store *s, int64_t version, int64_t now_ms, struct errinfo *ei)
{
	const struct value params[] = {STORE_INT(version), STORE_INT(now_ms)};
	struct driver_statement st = {
		.number = VERSION_WRITE,
		.text = "INSERT INTO schema_migrations (version, applied_at) VALUES ($1, $2)",
		.params = params,
		.param_count = 2,
	};
	enum err e = store_begin(s, ei);

	if (e)
		return e;
	e = s->driver->ops->script(s->driver, schema_migrations[version - 1], ei);
	if (!e)
		e = s->driver->ops->run(s->driver, &st, NULL, ei);
	if (!e)
		return store_commit(s, ei);
	store_rollback(s);
	return e;
}

enum err store_migrate(struct store *s, int64_t now_ms, struct errinfo *ei)
{
	int64_t version = 0;
	enum err e = s->driver->ops->script(s->driver,
					    "CREATE TABLE IF NOT EXISTS schema_migrations "
					    "(version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)", ei);

	if (!e)
		e = read_version(s, &version, ei);
	if (e)
		return e;
	if (version > (int64_t)schema_migration_count)
		return err_set(ei, ERR_CONFIG, "the database has schema version %lld, this program knows up to %zu: use a newer fiberd",
			       (long long)version, schema_migration_count);
	while (!e && version < (int64_t)schema_migration_count)
		e = apply(s, ++version, now_ms, ei);
	return e;
}
