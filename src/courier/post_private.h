/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What post.c (who may ask for what, and what is known) and job.c (the way of one request) share. For
 * these two only.
 */
#pragma once

#include "base/list.h"
#include "courier/attempts.h"
#include "courier/post.h"

struct post {
	struct post_args args;
	struct spool *spool;
	struct transfers *transfers;
	struct attempts *attempts;
	struct list running, written, syncing; /* jobs */
	size_t plain_count;
	size_t foreign; /* spools that an older courier still holds */
	uv_timer_t sync_timer, adopt_timer, sweep_timer;
	uv_work_t sync;
	enum err sync_err;
	bool sync_running, stopping, idle_told, have_keys;
	size_t handles; /* that are not closed yet */
	unsigned char public_key[MASTER_PUBLIC_BYTES], mac_key[MASTER_MAC_KEY_BYTES];
};

/*
 * Sends the request. Its answer goes to `message_id`, or, for a request that yields tokens, to those who
 * wait for `attempt`, once it is durable.
 */
void job_start(struct post *p, const struct fetch_request *r, uint64_t message_id, struct attempt *attempt);
/* Nobody waits for the messages of this connection any more. */
void job_forget_messages(struct post *p);
/* Looks after this turn whether there is something to sync, or, when stopping, nothing left at all. */
void job_schedule(struct post *p);

/* 0 means that nobody wants it. */
void post_answer(struct post *p, uint64_t message_id, const struct fetch_answer *answer);
/* To all who wait for it; where nobody does, the clerk is told that it is kept. */
void post_answer_waiters(struct post *p, struct attempt *attempt, const struct fetch_answer *answer);
/* Its slot is free and its id unknown from now on. */
void post_forget(struct post *p, struct attempt *attempt);
