/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to a provider: vet the URL, resolve, vet every address, connect to one of them and to
 * nothing else, send once, take the answer up to its caps. Every request has a connection of its own and
 * is never repeated (RF-16): what happened is reported, and what may be tried again is the clerk's to say.
 */
#pragma once

#include "courier/egress.h"
#include "courier/resolve.h"
#include "fetch/fetch.h"

struct transfers;
struct transfer;

/* Comes once, never before transfer_start() has returned; may free the transfer. */
typedef void transfer_done_fn(struct transfer *t, void *arg);

struct transfers_args {
	uv_loop_t *loop;
	const struct egress *egress; /* borrowed, outlives the transfers */
	struct resolver *resolver;   /* likewise */
	const char *ca_file;	     /* "": the system's */
	int64_t total_ms;	     /* 0: 60 s, from start to the last byte */
	int64_t connect_ms;	     /* 0: 10 s, for the name, and again for connection and TLS */
};

/* What a tenant is told whatever the cause (SS-08). */
#define TRANSFER_UNREACHABLE "the provider could not be reached"

/* ERR_CONFIG when the CA file cannot be read. */
enum err transfers_new(const struct transfers_args *args, struct transfers **ret_transfers, struct errinfo *ei);
/* Every transfer is freed. The loop must run on until its handles are closed. */
void transfers_free(struct transfers **tp);

/* Copies the request into memory that is wiped as soon as the request is over. */
struct transfer *transfer_start(struct transfers *s, const struct fetch_request *r, transfer_done_fn *done, void *arg);
/* After `done`: the answer, with the body in clear; views into the transfer. */
const struct fetch_answer *transfer_answer(const struct transfer *t);
/* After `done`: why it failed, for our log only: it names addresses. "" when it did not. */
const char *transfer_cause(const struct transfer *t);
/* Aborts when it still runs; wipes and frees. */
void transfer_free(struct transfer **tp);
