/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store thread of a role: jobs are run one after the other on it and finish on the loop. A job is
 * embedded in whoever waits for it. A role whose jobs share a transaction has them run in batches: what waits
 * when the thread is free runs together, and is done when all of it is durable.
 */
#pragma once

#include <stdbool.h>

#include <uv.h>

#include "base/list.h"

struct job {
	void (*prepare)(struct job *job); /* on the store thread, for all jobs of a batch before its first run(); NULL: nothing */
	void (*run)(struct job *job);     /* on the store thread, may block */
	void (*undone)(struct job *job);  /* on the store thread: nothing that run() wrote stands; in batches only */
	void (*done)(struct job *job);    /* on the loop, exactly once, never before jobs_submit() returned */
	struct list node;
};

struct jobs;

/* Both on the store thread, around the jobs of one batch. */
struct jobs_batch {
	void (*begin)(void *arg);
	bool (*end)(void *arg); /* false: every job of the batch is undone */
	void *arg;
};

enum { JOBS_BATCH_MAX = 256 };

/* `batch` NULL: each job for itself. */
struct jobs *jobs_start(uv_loop_t *loop, const struct jobs_batch *batch);
void jobs_submit(struct jobs *j, struct job *job);
/* Lets queued jobs end (their done() still comes), then ends the thread and calls `stopped`; nothing may be submitted any more. */
void jobs_stop(struct jobs *j, void (*stopped)(void *arg), void *arg);
