/* SPDX-License-Identifier: Apache-2.0 */
/* What store.c (rows) and store_transaction.c (what is written together) share. For these two only. */
#pragma once

#include "store/touch.h"

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
	struct stripes *stripes;
	struct touch touch[SQL__COUNT], touch_insert[TABLE__COUNT];
	struct touch_marks marks; /* of what is written and not committed */
};

/* Runs a statement that changes rows, inside the batch if there is one, and tells whom it touches when that is committed. */
enum err store_write(struct store *s, const struct driver_statement *st, const struct touch *touch, int64_t *ret_changed,
		     struct errinfo *ei);
