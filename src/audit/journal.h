/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing one chain: <data dir>/audit/<role>-<slot>/NNN.log, 0700 and 0600, preallocated and locked. Records are collected
 * and then written with one system call; what could not be written was never recorded, and nothing may leave for it (LG-03).
 */
#pragma once

#include "audit/chain.h"
#include "audit/record.h"
#include "base/clock.h"
#include "base/err.h"

enum { JOURNAL_SEGMENT_BYTES = 64 << 20, JOURNAL_BATCH_MAX = 8 << 20 };

struct journal;

struct journal_args {
	const char *data_dir;
	const char *name;       /* "worker-0" */
	const unsigned char *key; /* HASH_KEY_BYTES, copied */
	const struct clock *clock;
	size_t segment_bytes;   /* 0: JOURNAL_SEGMENT_BYTES */
};

/*
 * Goes on with the chain where it ended; a torn end is closed by a record that says so. ERR_BUSY: another process writes this
 * chain. ERR_STORE with a sentence: it cannot be read or written, or its end is no chain under this key.
 */
enum err journal_open(const struct journal_args *args, struct journal **ret_journal, struct errinfo *ei);
/* Writes nothing more; cuts the preallocated rest off. */
void journal_close(struct journal **j);
/* Begins a record: the caller appends its members, as of record_put(), to the buffer, and nothing else. Then journal_end(). */
struct buf *journal_begin(struct journal *j);
/* Collects the record. ERR_TOO_LARGE: it was not, nor anything of it. */
enum err journal_end(struct journal *j);
/* Both, around these members. */
enum err journal_add(struct journal *j, struct slice members);
/*
 * Writes what was collected. ERR_STORE: none of it counts, the chain stands where it stood, and the next call begins anew.
 * Nothing collected is ERR_OK.
 */
enum err journal_write(struct journal *j, struct errinfo *ei);
/*
 * Sets real blocks aside for `n` bytes more: so many will be written even when the disk has no room left. ERR_STORE: it has not so
 * much, or the journal has failed.
 */
enum err journal_reserve(struct journal *j, size_t n, struct errinfo *ei);
/*
 * What is written but not yet known to be on the disk: a descriptor of the caller's own to fdatasync() on any thread, or -1 when
 * all is there. After a failed fdatasync() call journal_fail().
 */
int journal_unsynced(struct journal *j);
/* True when journal_unsynced() has nothing to hand out, and not only for want of a descriptor. */
bool journal_synced(const struct journal *j);
/* A descriptor of the caller's own of what is being written, whether synced or not; -1 when none is to be had. */
int journal_descriptor(const struct journal *j);
/* Drops what was collected and not written. */
void journal_forget(struct journal *j);
/* From now on every write fails: the disk lost what it had taken. */
void journal_fail(struct journal *j);
/* Whether it does: by journal_fail(), or because a segment's end did not reach the disk. */
bool journal_failed(const struct journal *j);
/* The chain's state after the last written record, for any thread. Holds the key: wipe it. */
struct chain journal_head(const struct journal *j);
