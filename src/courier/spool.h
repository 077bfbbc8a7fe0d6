/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed answers on disk until the clerk has committed them: `<data dir>/spool/<instance>/slots`, locked
 * for this courier's life. A slot is preallocated before its request is sent, so a full disk is noticed
 * while nothing is lost. Directories that a dead courier left are taken over once their lock is free and
 * removed when their last entry is released.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "courier/spool_frame.h"

enum { SPOOL_SLOTS_MAX = 256, SPOOL_KEEP_MS = 24 * 3600 * 1000 };

struct spool;
struct spool_dir;

/* A slot of one directory. Plain value. */
struct spool_slot {
	struct spool_dir *dir; /* NULL: none */
	size_t index;
};

struct spool_args {
	const char *data_dir; /* exists */
	const char *instance; /* 32 hex digits; made by the supervisor */
	size_t slots_max;     /* 0: SPOOL_SLOTS_MAX */
	const struct clock *clock;
};

/* An entry that lay there; views live until the call returns. */
typedef void spool_found_fn(const struct spool_entry *entry, struct spool_slot slot, void *arg);

/*
 * Makes and locks this instance's directory and reports what lies in it (from a courier of the same
 * instance that died). ERR_CONFLICT: another courier holds it; ERR_CONFIG: it cannot be made or used.
 */
enum err spool_open(const struct spool_args *args, spool_found_fn *found, void *arg, struct spool **ret_spool,
		    struct errinfo *ei);
/* Closes and unlocks; entries stay. An empty directory is removed. */
void spool_free(struct spool **sp);

/*
 * Takes over other instances' directories whose lock is free and reports their entries. Returns how many
 * are still held by a living courier, or could not be read now: call again then.
 */
size_t spool_adopt(struct spool *s, spool_found_fn *found, void *arg);

/* A slot with its disk space. ERR_BUSY: no space, no free slot, or the disk failed before. */
enum err spool_reserve(struct spool *s, struct spool_slot *ret_slot);
/* Writes the entry into its slot; survives this process, and after spool_sync() a power loss. ERR_STORE. */
enum err spool_put(struct spool *s, struct spool_slot slot, const struct spool_entry *entry);
/* May be called from another thread while no other call but spool_put() or spool_reserve() runs. ERR_STORE. */
enum err spool_sync(struct spool *s);
/* After a failed write or sync nothing new is taken. */
void spool_set_failed(struct spool *s);
bool spool_failed(const struct spool *s);
/* Reads an entry back into the arena. ERR_INVALID: it is not whole (any more); ERR_STORE: the disk does not give it now. */
enum err spool_get(struct spool *s, struct spool_slot slot, struct arena *a, struct spool_entry *ret_entry);
/* Frees the slot, whether written or only reserved. */
void spool_release(struct spool *s, struct spool_slot slot);
/* Slots reserved or holding an entry. */
size_t spool_used(const struct spool *s);
/* Bytes that could not be read as an entry, since the spool was opened: for the log. */
size_t spool_torn(const struct spool *s);
