/* SPDX-License-Identifier: Apache-2.0 */
/* The clerk's audit chain: written by its store thread, which also makes the changes. All on that thread. */
#pragma once

#include "core/auditing.h"

enum { LEDGER_SYNC_MS = 100 };

struct ledger {
	/* Set by the owner. */
	const char *data_dir; /* NULL: nothing is recorded (tests of other things) */
	bool always;

	struct journal *journal;
	struct buf notes;     /* not written yet */
	size_t kept;          /* so many bytes of them are of earlier changes */
	char run_id[RANDOM_ID_BYTES];
	int64_t synced_ms, signed_seq;
};

void ledger_init(struct ledger *l);
/* Before functions that leave notes. */
void ledger_begin(struct ledger *l, struct core *core);
/*
 * Writes their notes. The changes are made and the secrets are in no answer, so a failure is logged, and the notes stay for the
 * next try: whoever wants to read a token meets the same full disk.
 */
void ledger_end(struct ledger *l, struct core *core);
/* In place of ledger_end(): nothing was done of what the notes since ledger_begin() tell. */
void ledger_drop(struct ledger *l, struct core *core);
/* Brings the chain to the disk and signs its head. */
void ledger_sign(struct ledger *l, struct core *core);
/* Signs and closes. */
void ledger_done(struct ledger *l, struct core *core);
