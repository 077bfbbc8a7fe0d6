/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking passwords of sign-ins beside everything else. A check takes some 60 ms and 32 MiB on purpose; a thread of its
 * own does one at a time, so that no read waits for it, and a short queue bounds what strangers can make us do.
 */
#pragma once

#include "secret/secret.h"
#include "store/jobs.h"

enum { HASHING_WAITING_MAX = 16 };

struct hashing {
	struct jobs *jobs;
	size_t waiting; /* checks that are not done yet */
};

/* One check; embedded in whoever waits for it, and what it points to lives as long. */
struct hashing_check {
	const struct secret *password;
	const char *stored;                      /* "": nobody's, takes as long and never matches */
	void (*done)(struct hashing_check *check); /* on the loop, exactly once, never before hashing_submit() returned */
	bool matches;
	/* private */
	struct hashing *owner;
	struct job job;
};

void hashing_start(struct hashing *h, uv_loop_t *loop);
/* False when too many wait already; then `done` is not called. */
bool hashing_submit(struct hashing *h, struct hashing_check *check);
/* Ends the thread once the checks that wait are done, then calls `stopped`. Nothing may be submitted any more. */
void hashing_stop(struct hashing *h, void (*stopped)(void *arg), void *arg);
