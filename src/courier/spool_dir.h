/* SPDX-License-Identifier: Apache-2.0 */
/* One directory of the spool, locked, and its slots (spool.h). For spool.c. */
#pragma once

#include "base/list.h"
#include "courier/spool.h"

enum {
	SPOOL_PAGE_BYTES = 4096,
	SPOOL_SLOT_BYTES = (SPOOL_FRAME_MAX_BYTES + SPOOL_PAGE_BYTES - 1) / SPOOL_PAGE_BYTES * SPOOL_PAGE_BYTES,
	SPOOL_DIR_NAME_BYTES = 32,
};

struct spool_dir {
	struct list node;
	char name[SPOOL_DIR_NAME_BYTES + 1];
	int fd;	       /* the directory */
	int slots;     /* its file, locked */
	size_t count;  /* slots with disk space */
	size_t used;
	bool *taken;   /* SPOOL_SLOTS_MAX of them */
};

/* Whether an instance's directory could be called so. */
bool spool_dir_is_name(const char *name);
/*
 * Opens and locks it; `flags` O_CREAT makes the file of slots. ERR_CONFLICT: somebody holds it; ERR_NOT_FOUND: it or its
 * file is not there; ERR_STORE: not now; ERR_CONFIG: not usable.
 */
enum err spool_dir_open(int parent, const char *name, int flags, struct spool_dir **ret_dir);
/* Unlocks and closes; the entries stay. */
void spool_dir_free(struct spool_dir **dp);
/* Its file, and then itself. */
void spool_dir_remove(int parent, const struct spool_dir *d);
/* One slot more, with its disk space; false when there is none. */
bool spool_dir_extend(struct spool_dir *d);
/* The entry of a slot, in the arena. ERR_NOT_FOUND: empty; ERR_INVALID: torn; ERR_STORE: not readable. */
enum err spool_dir_read(const struct spool_dir *d, size_t index, struct arena *a, struct spool_entry *ret_entry);
bool spool_dir_write(const struct spool_dir *d, size_t index, struct slice frame);
bool spool_dir_clear(const struct spool_dir *d, size_t index);
