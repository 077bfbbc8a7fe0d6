/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store thread of a role: jobs are run one after the other on it and finish on the loop. A job is
 * embedded in whoever waits for it.
 */
#pragma once

#include <uv.h>

#include "base/list.h"

struct job {
	void (*run)(struct job *job);  /* on the store thread, may block */
	void (*done)(struct job *job); /* on the loop, exactly once, never before jobs_submit() returned */
	struct list node;
};

struct jobs;

struct jobs *jobs_start(uv_loop_t *loop);
void jobs_submit(struct jobs *j, struct job *job);
/* Lets queued jobs end (their done() still comes), then ends the thread and calls `stopped`; nothing may be submitted any more. */
void jobs_stop(struct jobs *j, void (*stopped)(void *arg), void *arg);
