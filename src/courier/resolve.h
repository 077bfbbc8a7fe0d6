/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to addresses, in the loop (c-ares; /etc/hosts first, then DNS, no search domains). libcurl's own
 * resolver is never used: on a dead name server it blocks its thread for seconds.
 */
#pragma once

#include <uv.h>

#include "courier/egress.h"

enum { RESOLVE_ADDRESSES_MAX = 32 };

struct resolver;
struct resolve;

/* Comes once, never before resolve_start() has returned. */
typedef void resolve_done_fn(struct resolve *r);

/* One question, embedded in its owner. */
struct resolve {
	resolve_done_fn *done;
	struct resolve_query *query; /* NULL when not running */
	enum err err;		     /* ERR_UPSTREAM_DOWN: no answer, no such name, too many addresses */
	const char *cause;	     /* static text for the log */
	size_t count;
	struct egress_peer peer[RESOLVE_ADDRESSES_MAX];
};

struct resolver_args {
	uv_loop_t *loop;
	const char *servers; /* "address:port,…"; NULL: as /etc/resolv.conf says */
};

enum err resolver_new(const struct resolver_args *args, struct resolver **ret_resolver, struct errinfo *ei);
/* Every question has been answered or aborted. The loop must run on until its handles are closed. */
void resolver_free(struct resolver **rp);

/* `r->done` is set. `port` goes into the peers. */
void resolve_start(struct resolver *s, struct resolve *r, struct slice host, uint16_t port, int64_t timeout_ms);
/* No callback comes after it; harmless when not running. */
void resolve_abort(struct resolve *r);
