/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a database driver does for the store: run a statement with values, hand back rows one by one,
 * and bracket transactions. One SQL text serves all drivers: parameters are $1, $2 ….
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "store/table.h"

enum value_kind { VALUE_TEXT, VALUE_INT, VALUE_SEALED };

/* A parameter, or a column of a row. A clear secret has no form here. */
struct value {
	enum value_kind kind;
	struct slice text; /* also the sealed bytes; p NULL: SQL NULL */
	int64_t number;
};

/* A row's columns are borrowed until the function returns. Anything but ERR_OK ends the statement with that error. */
typedef enum err driver_row_fn(const struct value *columns, size_t count, void *arg);

struct driver;

struct driver_statement {
	int number;      /* stable per text, for caching the prepared form */
	const char *text;
	const struct value *params;
	size_t param_count;
	const enum value_kind *kinds; /* what the columns of a row are */
	size_t column_count;
	driver_row_fn *each; /* NULL: rows are not wanted */
	void *arg;
};

/* A part of the open transaction that can be undone alone; parts don't nest. */
enum driver_part { DRIVER_PART_BEGIN, DRIVER_PART_KEEP, DRIVER_PART_UNDO };

struct driver_ops {
	/* `write`: takes the writer's place at once (BEGIN IMMEDIATE). */
	enum err (*begin)(struct driver *d, bool write, struct errinfo *ei);
	/* ERR_STORE: nothing of the transaction is durable, or (message says so) the outcome is unknown. */
	enum err (*commit)(struct driver *d, struct errinfo *ei);
	/* Harmless when none is open. */
	void (*rollback)(struct driver *d);
	enum err (*part)(struct driver *d, enum driver_part what, struct errinfo *ei);
	/* Whether a transaction is open: a failed statement may have ended it. */
	bool (*is_open)(struct driver *d);
	/* ERR_CONFLICT for a unique constraint; ERR_STORE for the rest. `ret_changed` may be NULL. */
	enum err (*run)(struct driver *d, const struct driver_statement *s, int64_t *ret_changed, struct errinfo *ei);
	/* Several statements at once, without parameters (migrations). */
	enum err (*script)(struct driver *d, const char *text, struct errinfo *ei);
	void (*close)(struct driver *d);
};

struct driver {
	const struct driver_ops *ops;
	void (*on_disk_failed)(const char *what); /* a sync failed; NULL: the failed change alone says so */
};

enum driver_open_mode { DRIVER_CREATE, DRIVER_EXISTING };

/*
 * SQLite: WAL, synchronous=FULL, foreign keys, 5 s busy timeout, no automatic checkpoints when `checkpoints` is
 * false. ERR_CONFIG with a sentence for a file that is no database or cannot be opened.
 */
enum err sqlite_open(const char *path, enum driver_open_mode mode, bool checkpoints, struct driver **ret_driver,
		     struct errinfo *ei);
