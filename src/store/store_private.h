/* SPDX-License-Identifier: Apache-2.0 */
/* What store.c (rows) and store_transaction.c (what is written together) share. For these two only. */
#pragma once

#include "store/store.h"

enum store_batch {
	STORE_NO_BATCH,
	STORE_BATCH_EMPTY, /* nothing is written yet, so no transaction is open */
	STORE_BATCH_OPEN,
	STORE_BATCH_LOST,  /* the database gave its transaction up: nothing of it stands */
};

struct store {
	struct driver *driver;
	char *insert[TABLE__COUNT];
	bool in_transaction;
	enum store_batch batch;
};

/* Runs a statement that changes rows, inside the batch if there is one. */
enum err store_write(struct store *s, const struct driver_statement *st, int64_t *ret_changed, struct errinfo *ei);
