/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the courier kept for a clerk that died, between its commit and its RELEASE or before. Must never release an
 * attempt whose intent stands. The look runs in a batch with everything else: it may see what a step of the same batch
 * wrote, and when that is not committed the look is undone with it.
 */
#include "clerk/errands_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

enum { HELD_MAX = 1024, ID_BYTES = RANDOM_ID_BYTES - 1, HELD_ARENA_BYTES = 1 << 20 };

struct held_attempt {
	char id[RANDOM_ID_BYTES];
	const char *grant, *flow; /* whose intent it is; NULL: none */
};

struct held {
	struct job job;
	struct desk *desk;
	struct arena *arena;
	size_t n;
	struct held_attempt *attempt;
	enum err err;
	struct errinfo why;
};

static enum err look_one(struct core *core, struct arena *a, struct held_attempt *x, struct errinfo *ei)
{
	const struct store_params attempt = STORE_PARAMS(STORE_TEXT(x->id));
	const char **ids;
	size_t n;
	enum err e = core_ids(core, SQL_GRANTS_OF_ATTEMPT, attempt, a, &ids, &n, ei);

	if (!e && n > 0)
		x->grant = ids[0];
	if (!e && n == 0)
		e = core_ids(core, SQL_FLOWS_OF_ATTEMPT, attempt, a, &ids, &n, ei);
	if (!e && !x->grant && n > 0)
		x->flow = ids[0];
	return e;
}

static void look(struct job *job)
{
	struct held *h = CONTAINER_OF(job, struct held, job);

	for (size_t i = 0; !h->err && i < h->n; i++)
		h->err = look_one(&h->desk->core, h->arena, &h->attempt[i], &h->why);
}

static void look_undone(struct job *job)
{
	struct held *h = CONTAINER_OF(job, struct held, job);

	h->err = err_set(&h->why, ERR_STORE, "the database could not be written");
}

static void settle(struct desk *d, const struct held_attempt *x)
{
	if (x->grant)
		errands_refresh(d, slice_from(x->grant), &REFRESH_WANT_DUE);
	else if (x->flow)
		errands_exchange(d, slice_from(x->flow), (struct slice){0});
	else
		desk_release(d, x->id);
}

static void looked(struct job *job)
{
	struct held *h = CONTAINER_OF(job, struct held, job);
	struct desk *d = h->desk;

	if (h->err) /* the courier keeps them; those with an intent are found by the next look for open ones */
		LOG(LOG_ERROR, "held_attempts_not_looked_up", LOG_S("detail", h->why.detail));
	else
		LOG(LOG_INFO, "held_attempts", LOG_I("count", h->n));
	for (size_t i = 0; !h->err && !d->stopping && i < h->n; i++)
		settle(d, &h->attempt[i]);
	arena_free(&h->arena);
	free(h);
	desk_leave(d);
}

void errands_held(struct desk *d, struct slice attempts)
{
	struct held *h;

	if (d->stopping || attempts.n == 0 || attempts.n % ID_BYTES || attempts.n / ID_BYTES > HELD_MAX)
		return;
	h = MEM_NEW(struct held);
	h->desk = d;
	h->arena = arena_new(HELD_ARENA_BYTES);
	h->n = attempts.n / ID_BYTES;
	h->attempt = ARENA_NEW_N(h->arena, h->n, struct held_attempt);
	for (size_t i = 0; i < h->n; i++)
		memcpy(h->attempt[i].id, attempts.p + i * ID_BYTES, ID_BYTES);
	h->job = (struct job){.run = look, .undone = look_undone, .done = looked};
	desk_enter(d);
	jobs_submit(d->jobs, &h->job);
}
