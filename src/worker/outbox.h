/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that wait for their audit records. All that become ready in one turn of the loop share one write at its end;
 * then they leave, or, when the write failed, none of them does (LG-03).
 */
#pragma once

#include <uv.h>

#include "base/list.h"
#include "core/auditing.h"
#include "store/jobs.h"

enum { OUTBOX_SYNC_MS = 100, OUTBOX_FIRST_HEAD_MS = 1000, OUTBOX_HEAD_MS = 60 * 1000 };

struct outbox_item;
/* On the loop, exactly once. ERR_OK: the records are written (and synced, where that is awaited). Else nothing secret may leave. */
typedef void outbox_done_fn(struct outbox_item *item, enum err e, const struct errinfo *why);

/* Embedded in who waits. All but `node` and `opened` is set by it. */
struct outbox_item {
	struct list node;
	struct buf notes;              /* of auditing_note() */
	const char *request, *actor, *result;
	outbox_done_fn *done;
	struct journal *opened;        /* a chain that this one's job had to open */
};

struct outbox {
	/* Set by the owner before outbox_init(). */
	uv_loop_t *loop;
	struct core *core;             /* of the store thread */
	struct jobs *jobs;
	const char *data_dir;
	char name[CHAIN_NAME_BYTES];
	bool always;                   /* answers wait until their records are on the disk */
	void (*on_disk_failed)(const char *what); /* role_disk_failed(), or NULL: then nothing is recorded or let out any more */

	bool opened;                   /* the store thread's: a chain was opened and handed over */
	struct journal *journal;       /* the loop's, as all below; NULL: not open */
	char run_id[RANDOM_ID_BYTES];
	struct list ready, written, syncing;
	uv_check_t check;
	uv_timer_t sync, head;
	bool working;                  /* a sync is under way */
	bool lost;                     /* the disk lost what it had taken: nothing is recorded or signed any more */
	bool stopping;
	int64_t signed_seq;
};

void outbox_init(struct outbox *o);
/* Closes the handles and has the last head signed. No request waits any more; what is put later is done at once. Before jobs_stop(). */
void outbox_stop(struct outbox *o);
/* After the store thread has ended. */
void outbox_done(struct outbox *o);

void outbox_item_init(struct outbox_item *item, outbox_done_fn *done);
/* On the store thread, around the functions that leave notes: opens the chain where that is still to be done. */
void outbox_begin(struct outbox *o, struct outbox_item *item);
void outbox_end(struct outbox *o);
/* On the loop, after each job: the chain it opened serves all from now on, while this one may go on waiting for something. */
void outbox_opened(struct outbox *o, struct outbox_item *item);
/* On the loop, once: an item without notes is done at once, any other at the end of this turn or after it. */
void outbox_put(struct outbox *o, struct outbox_item *item);
