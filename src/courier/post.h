/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The courier's work without the role around it: requests in, durable answers out. It knows the spool,
 * the attempts and the transfers, and nothing of sockets between roles, so that tests can drive it.
 */
#pragma once

#include "courier/spool.h"
#include "courier/transfer.h"
#include "fetch/fetch.h"
#include "secret/master.h"

struct post;

struct post_args {
	uv_loop_t *loop;
	const struct clock *clock;
	const struct egress *egress;	  /* borrowed */
	struct resolver *resolver;	  /* borrowed */
	const char *ca_file;		  /* "": the system's */
	const char *data_dir, *instance;
	size_t slots_max;		  /* 0: the spool's default */
	int64_t total_ms, connect_ms;	  /* 0: the defaults of transfer.h */
	/* Hands an answer to whoever asked with `message_id`; views live until it returns. */
	void (*answer)(void *arg, uint64_t message_id, const struct fetch_answer *answer);
	/* The outcome of these attempts (ids of 32 hex digits in a row) is kept and nobody waits for it. May come inside post_new(). */
	void (*holds)(void *arg, struct slice attempts);
	/* After post_stop(): nothing runs any more. Comes once, from the loop. */
	void (*idle)(void *arg);
	void *arg;
};

/* ERR_CONFIG and so on as spool_open() and transfers_new(). */
enum err post_new(const struct post_args *args, struct post **ret_post, struct errinfo *ei);
/* Nothing runs. The loop must run on until its handles are closed. */
void post_free(struct post **pp);

/* Until then requests that yield tokens are refused with ERR_BUSY. */
void post_set_keys(struct post *p, const unsigned char public_key[MASTER_PUBLIC_BYTES],
		   const unsigned char mac_key[MASTER_MAC_KEY_BYTES]);
/* Every one of these is answered through `answer`, perhaps before it returns. */
void post_fetch(struct post *p, uint64_t message_id, const struct fetch_request *r);
void post_join(struct post *p, uint64_t message_id, struct slice attempt);
/* Not answered. */
void post_release(struct post *p, struct slice attempt);
/* Who asked is gone: what runs goes on, its answers are kept for a later join. */
void post_forget_waiters(struct post *p);
/* Tells a new clerk through `holds` of everything that is kept. */
void post_offer(struct post *p);
/* Takes nothing new, finishes what runs, then calls `idle`. */
void post_stop(struct post *p);
/* Gives up answers that nobody released for a day. Comes by itself every hour. */
void post_sweep(struct post *p);
/* The disk failed under the spool; a new process should take over. */
bool post_failed(const struct post *p);
