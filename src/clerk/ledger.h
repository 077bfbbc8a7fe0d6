/* SPDX-License-Identifier: Apache-2.0 */
/* The clerk's audit chain: written by its store thread, which also makes the changes. All on that thread. */
#pragma once

#include <stdatomic.h>

#include "core/auditing.h"

enum { LEDGER_SYNC_MS = 100, LEDGER_ROOM_BYTES = 4096 };

struct ledger {
	/* Set by the owner. */
	const char *data_dir; /* NULL: nothing is recorded (tests of other things) */
	bool always;
	void (*on_disk_failed)(const char *what); /* role_disk_failed(), or NULL: then every later write fails */

	bool lost;            /* the disk lost what it had taken: nothing is recorded or signed any more */
	struct journal *journal;
	atomic_size_t promised; /* of ledger_promise(), not yet kept */
	struct buf notes;     /* not written yet */
	size_t kept;          /* so many bytes of them are of earlier changes */
	char run_id[RANDOM_ID_BYTES];
	int64_t synced_ms, signed_seq;
};

void ledger_init(struct ledger *l);
/*
 * Before something is begun at a provider whose outcome will have to be recorded: LEDGER_ROOM_BYTES are set aside on the disk, so that
 * the records fit whatever happens to the disk meanwhile; and none begins while earlier records could not be written. ERR_BUSY
 * with a sentence: do not begin.
 */
enum err ledger_promise(struct ledger *l, struct core *core, struct errinfo *why);
/* Its records are written, or will never be; once for each promise. On any thread. */
void ledger_kept(struct ledger *l);
/* Before functions that leave notes; tries again to write what is left. */
void ledger_begin(struct ledger *l, struct core *core);
/*
 * Writes their notes. The changes are made and the secrets are in no answer, so a failure (of the disk itself: room was set aside) is
 * logged, the notes stay for the next try, and until it succeeds nothing is begun.
 */
void ledger_end(struct ledger *l, struct core *core);
/* In place of ledger_end(): nothing was done of what the notes since ledger_begin() tell. */
void ledger_drop(struct ledger *l, struct core *core);
/* Brings the chain to the disk and signs its head. */
void ledger_sign(struct ledger *l, struct core *core);
/* Signs and closes. */
void ledger_done(struct ledger *l, struct core *core);
