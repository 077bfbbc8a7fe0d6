/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the clerk's operations have in common, and the search for what a crash left open. Must never release an
 * attempt whose answer is not committed.
 */
#include "clerk/errands_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/exchange.h"
#include "core/flows.h"
#include "core/refresh.h"
#include "core/revocation.h"

void errands_finish(struct operation *op, enum err e)
{
	op->err = e;
	op->next = OPERATION_END;
	/* What came of it is written, or nothing will ever be; in all other cases the answer stays with the courier. */
	op->release = e == ERR_OK || e == ERR_UPSTREAM_DENIED || e == ERR_UPSTREAM_DOWN || e == ERR_CONFLICT || e == ERR_NOT_FOUND;
}

void errands_join(struct operation *op, const char *attempt)
{
	memcpy(op->attempt, attempt, strnlen(attempt, sizeof op->attempt - 1) + 1);
	op->next = OPERATION_JOIN;
}

/* So many grants may be waiting for a moment of their own that the looks for them need a distance. */
enum { LOOK_MIN_MS = 100 };

struct recovery {
	struct job job;
	struct desk *desk;
	struct arena *arena;
	const char **flows, **grants, **due, **ended;
	size_t flow_count, grant_count, due_count, ended_count;
	int64_t next_due_in_ms; /* 0: nothing is waiting */
	enum err err;
	struct errinfo why;
};

static void find_open(struct job *job)
{
	struct recovery *r = CONTAINER_OF(job, struct recovery, job);
	struct core *core = &r->desk->core;

	r->err = exchange_open(core, r->arena, &r->flows, &r->flow_count, &r->why);
	if (!r->err)
		r->err = refresh_open(core, r->arena, &r->grants, &r->grant_count, &r->why);
	if (!r->err) /* before the list of what is due: what becomes due meanwhile stands there */
		r->err = refresh_next_due(core, r->arena, &r->next_due_in_ms, &r->why);
	if (!r->err)
		r->err = refresh_due(core, r->arena, &r->due, &r->due_count, &r->why);
	if (!r->err)
		r->err = revocation_open(core, r->arena, &r->ended, &r->ended_count, &r->why);
	if (!r->err)
		r->err = flows_housekeeping(core, &r->why);
	if (!r->err)
		r->err = refresh_housekeeping(core, &r->why);
	ledger_sign(&r->desk->ledger, core);
}

static void not_found(struct job *job)
{
	struct recovery *r = CONTAINER_OF(job, struct recovery, job);

	r->err = err_set(&r->why, ERR_STORE, "the database could not be written");
}

/* The timer has one time at most: this one, or that of an operation which ends meanwhile, whichever is earlier. */
static void look_again_for_next(struct desk *d, int64_t in_ms)
{
	if (in_ms && !d->stopping && d->look_again)
		d->look_again(d, in_ms > LOOK_MIN_MS ? in_ms : LOOK_MIN_MS);
}

static void open_found(struct job *job)
{
	struct recovery *r = CONTAINER_OF(job, struct recovery, job);
	struct desk *d = r->desk;

	if (r->err)
		LOG(LOG_ERROR, "recovery_failed", LOG_S("detail", r->why.detail));
	/* Refreshes first: a provider's window may be closing (LIFECYCLE §4.7). */
	for (size_t i = 0; !r->err && !d->stopping && i < r->grant_count; i++)
		errands_refresh(d, slice_from(r->grants[i]), &REFRESH_WANT_DUE);
	for (size_t i = 0; !r->err && !d->stopping && i < r->due_count; i++)
		errands_refresh(d, slice_from(r->due[i]), &REFRESH_WANT_DUE);
	for (size_t i = 0; !r->err && !d->stopping && i < r->flow_count; i++)
		errands_exchange(d, slice_from(r->flows[i]), (struct slice){0});
	for (size_t i = 0; !r->err && !d->stopping && i < r->ended_count; i++)
		errands_revoke(d, slice_from(r->ended[i]));
	d->recovering = false;
	if (!r->err)
		look_again_for_next(d, r->next_due_in_ms);
	arena_free(&r->arena);
	free(r);
	desk_leave(d);
}

void errands_recover(struct desk *d)
{
	struct recovery *r;

	desk_wake(d); /* whoever asked for what they wait for may have ended without an answer */
	if (d->recovering || d->stopping)
		return;
	d->recovering = true;
	desk_enter(d);
	r = MEM_NEW(struct recovery);
	r->desk = d;
	r->arena = arena_new(64 << 20);
	r->job = (struct job){.run = find_open, .undone = not_found, .done = open_found};
	jobs_submit(d->jobs, &r->job);
}
