/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: rows in and out by named statements (sql.h), inserts by table, transactions. One handle is
 * used by one thread. It takes and gives sealed values only.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "store/driver.h"
#include "store/sql.h"

struct store;
struct stripes;

struct store_args {
	const char *path; /* SQLite file, with or without "sqlite:" before it */
	bool create;      /* make the file when missing (init only) */
	bool checkpoints; /* this process checkpoints the log (clerk, init) */
	void (*on_disk_failed)(const char *what); /* role_disk_failed(); NULL: nobody lives on after a failure anyway */
	struct stripes *stripes; /* whom to tell of changes (stripes.h), borrowed; NULL: nobody keeps what it read */
};

/* ERR_CONFIG with a sentence: missing, damaged, not ours, or of a newer version than this program knows. */
enum err store_open(const struct store_args *args, struct store **ret_store, struct errinfo *ei);
/* Brings the schema up to date, each step in a transaction of its own. */
enum err store_migrate(struct store *s, int64_t now_ms, struct errinfo *ei);
void store_close(struct store **s);

/* Parameters of a statement, $1 first. */
struct store_params {
	const struct value *v;
	size_t n;
};
#define STORE_TEXT(text_) ((struct value){.kind = VALUE_TEXT, .text = slice_from(text_)})
#define STORE_SLICE(slice_) ((struct value){.kind = VALUE_TEXT, .text = (slice_)})
#define STORE_INT(number_) ((struct value){.kind = VALUE_INT, .number = (int64_t)(number_)})
#define STORE_SEALED(sealed_) ((struct value){.kind = VALUE_SEALED, .text = (sealed_).bytes})
#define STORE_PARAMS(...)                                                  \
	((struct store_params){.v = (const struct value[]){__VA_ARGS__},   \
			       .n = sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)})
#define STORE_NO_PARAMS ((struct store_params){0})

/* Inserts `row` (the table's structure; NULL texts are stored as ""). ERR_CONFLICT for a unique constraint. */
enum err store_insert(struct store *s, enum table_id table, const void *row, struct errinfo *ei);
/* The first row into `ret_row` (the statement's row structure), its texts in the arena. ERR_NOT_FOUND when there is none. */
enum err store_find(struct store *s, enum sql sql, struct store_params params, struct arena *a, void *ret_row,
		    struct errinfo *ei);
/* All rows, at most `max` (more is ERR_LIMIT), as an array in the arena: `*ret_rows` points at the first. */
enum err store_list(struct store *s, enum sql sql, struct store_params params, size_t max, struct arena *a,
		    void *ret_rows, size_t *ret_count, struct errinfo *ei);
/* A change. `ret_changed` (may be NULL): rows that it hit. */
enum err store_change(struct store *s, enum sql sql, struct store_params params, int64_t *ret_changed,
		      struct errinfo *ei);
/* A change that must hit exactly one row, else ERR_CONFLICT ("changed meanwhile"): compare-and-set. */
enum err store_change_one(struct store *s, enum sql sql, struct store_params params, struct errinfo *ei);

/* Transactions for writing; they don't nest. */
enum err store_begin(struct store *s, struct errinfo *ei);
enum err store_commit(struct store *s, struct errinfo *ei);
/* Nothing happens when no transaction is open, so it serves as the one way out of a failed one. */
void store_rollback(struct store *s);
/*
 * Runs `fn` in a transaction: commits when it returns ERR_OK, rolls back and passes its error up otherwise.
 */
enum err store_transaction(struct store *s, enum err (*fn)(void *arg, struct errinfo *ei), void *arg, struct errinfo *ei);

/*
 * From here to store_batch_end() everything that is written is one transaction; it begins at the first write.
 * Transactions inside work as ever, each whole or not at all, but what they and single changes wrote is durable only
 * when store_batch_end() has said ERR_OK. Until then it is seen by this handle alone.
 */
void store_batch_begin(struct store *s);
/*
 * ERR_STORE: nothing of the batch stands, or what came of it is unknown until it is read again; whoever wrote in it must
 * not act on what it wrote.
 */
enum err store_batch_end(struct store *s, struct errinfo *ei);
/* A statement's text and the table whose row it gives (TABLE_NONE: none), for tests and tools. */
const char *store_sql_text(enum sql sql);
enum table_id store_sql_table(enum sql sql);
