/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange, refresh, revocation as steps between which the courier works. A step is a straight-line core
 * function on the store thread. Must never release an attempt whose answer is not committed.
 */
#include "clerk/errands.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/exchange.h"
#include "core/flows.h"
#include "core/refresh.h"
#include "core/revocation.h"
#include "oauth/revoke.h"

static void finish(struct operation *op, enum err e)
{
	op->err = e;
	op->next = OPERATION_END;
	/* What came of it is written, or nothing will ever be; in all other cases the answer stays with the courier. */
	op->release = e == ERR_OK || e == ERR_UPSTREAM_DENIED || e == ERR_UPSTREAM_DOWN || e == ERR_CONFLICT || e == ERR_NOT_FOUND;
}

/* Joins an attempt that an earlier clerk (or an earlier try of this one) began. */
static void join(struct operation *op, const char *attempt)
{
	memcpy(op->attempt, attempt, strnlen(attempt, sizeof op->attempt - 1) + 1);
	op->next = OPERATION_JOIN;
}

static void exchange_store(struct operation *op)
{
	const struct fetch_answer *identity = op->answer.err || op->answer.status ? &op->answer : NULL;

	finish(op, exchange_commit(&op->desk->core, op->state, identity, op->arena, &op->why));
}

static void exchange_answered(struct operation *op)
{
	struct exchange *x = op->state = ARENA_NEW(op->arena, struct exchange);
	enum err e = desk_open_body(op);

	if (e == ERR_CRYPTO) /* a spool entry that is not ours: as good as lost */
		op->answer = (struct fetch_answer){.err = ERR_UPSTREAM_DOWN, .sent = true};
	else if (e) {
		finish(op, e);
		return;
	}
	e = exchange_read(&op->desk->core, op->subject, &op->answer, op->body, op->arena, x, &op->request, &op->why);
	if (e) {
		finish(op, e);
		return;
	}
	if (!x->wants_identity) {
		exchange_store(op);
		return;
	}
	op->step = exchange_store;
	op->next = OPERATION_FETCH;
}

static void exchange_begin(struct operation *op)
{
	struct exchange_plan plan;
	enum err e = exchange_intend(&op->desk->core, op->subject, op->code, op->attempt, op->arena, &plan, &op->why);

	if (e || !plan.needed) {
		finish(op, e);
		op->release = false; /* nothing was sent under this attempt */
		return;
	}
	op->step = exchange_answered;
	if (plan.join[0]) {
		join(op, plan.join);
		return;
	}
	op->request = plan.request;
	op->next = OPERATION_FETCH;
}

struct operation *errands_exchange(struct desk *d, struct slice flow_id, struct slice code)
{
	struct operation *op = desk_find(d, OPERATION_EXCHANGE, flow_id);

	if (op)
		return op;
	op = desk_open(d, OPERATION_EXCHANGE, flow_id, exchange_begin);
	if (code.n)
		op->code = secret_in_arena(op->arena, secret_new(code));
	desk_run(op);
	return op;
}

static void refresh_answered(struct operation *op)
{
	enum err e = desk_open_body(op);

	if (e == ERR_CRYPTO)
		op->answer = (struct fetch_answer){.err = ERR_UPSTREAM_DOWN, .sent = true};
	else if (e) {
		finish(op, e);
		return;
	}
	finish(op, refresh_commit(&op->desk->core, op->subject, op->attempt, &op->answer, op->body, op->arena, &op->why));
}

static void refresh_begin(struct operation *op)
{
	struct refresh_plan plan;
	enum err e = refresh_intend(&op->desk->core, op->subject, &op->want, op->attempt, op->arena, &plan, &op->why);

	if (e || !plan.needed) {
		finish(op, e);
		op->found_good = !e;
		op->release = false;
		return;
	}
	op->step = refresh_answered;
	if (plan.join[0]) {
		join(op, plan.join);
		return;
	}
	op->request = plan.request;
	op->next = OPERATION_FETCH;
}

struct operation *errands_refresh(struct desk *d, struct slice grant_id, const struct refresh_want *want)
{
	struct operation *op = desk_find(d, OPERATION_REFRESH, grant_id);

	if (op)
		return op;
	op = desk_open(d, OPERATION_REFRESH, grant_id, refresh_begin);
	op->want = *want;
	desk_run(op);
	return op;
}

struct revoking {
	struct revocation_plan plan;
	size_t sent;
};

/* RFC 7009 §2.2: 200 also for a token that the provider does not know; what it definitely refuses is not asked again. */
static enum err revoke_answered(struct operation *op)
{
	if (op->answer.err)
		return ERR_UPSTREAM_DOWN;
	return revoke_parse(&op->answer, op->answer.body, &op->why);
}

static void revoke_next(struct operation *op)
{
	struct core *core = &op->desk->core;
	struct revoking *r = op->state;
	enum err said = r->sent ? revoke_answered(op) : ERR_OK;

	err_clear(&op->why);
	op->release = false;
	if (said == ERR_UPSTREAM_DOWN) {
		finish(op, revocation_failed(core, op->subject, op->answer.retry_after_s, op->arena, &op->why));
	} else if (!said && r->sent < r->plan.count) {
		op->request = r->plan.request[r->sent++];
		op->next = OPERATION_FETCH;
	} else {
		finish(op, revocation_done(core, op->subject, r->sent && !said, op->arena, &op->why));
	}
	op->release = false;
}

static void revoke_begin(struct operation *op)
{
	struct revoking *r = op->state = ARENA_NEW(op->arena, struct revoking);
	enum err e = revocation_plan(&op->desk->core, op->subject, op->arena, &r->plan, &op->why);

	op->step = revoke_next;
	/* Tokens that do not open will never open: the provider cannot be told, and they go. */
	if (e == ERR_CRYPTO)
		e = revocation_done(&op->desk->core, op->subject, false, op->arena, &op->why);
	else if (!e) {
		revoke_next(op);
		return;
	}
	finish(op, e);
	op->release = false;
}

void errands_revoke(struct desk *d, struct slice grant_id)
{
	struct operation *refresh = desk_find(d, OPERATION_REFRESH, grant_id);

	/* The provider is told of the tokens that the refresh brings, not of those that it consumes (RF-05). */
	if (refresh)
		refresh->follow = errands_revoke;
	else if (!desk_find(d, OPERATION_REVOKE, grant_id))
		desk_run(desk_open(d, OPERATION_REVOKE, grant_id, revoke_begin));
}

struct recovery {
	struct job job;
	struct desk *desk;
	struct arena *arena;
	const char **flows, **grants, **ended;
	size_t flow_count, grant_count, ended_count;
	enum err err;
	struct errinfo why;
};

static void find_open(struct job *job)
{
	struct recovery *r = CONTAINER_OF(job, struct recovery, job);
	struct core *core = &r->desk->core;

	ledger_begin(&r->desk->ledger, core);
	r->err = exchange_open(core, r->arena, &r->flows, &r->flow_count, &r->why);
	if (!r->err)
		r->err = refresh_open(core, r->arena, &r->grants, &r->grant_count, &r->why);
	if (!r->err)
		r->err = revocation_open(core, r->arena, &r->ended, &r->ended_count, &r->why);
	if (!r->err)
		r->err = flows_housekeeping(core, &r->why);
	ledger_end(&r->desk->ledger, core);
	ledger_sign(&r->desk->ledger, core);
}

static void open_found(struct job *job)
{
	const struct refresh_want any = {.newer_than = -1};
	struct recovery *r = CONTAINER_OF(job, struct recovery, job);
	struct desk *d = r->desk;

	if (r->err)
		LOG(LOG_ERROR, "recovery_failed", LOG_S("detail", r->why.detail));
	for (size_t i = 0; !r->err && !d->stopping && i < r->flow_count; i++)
		errands_exchange(d, slice_from(r->flows[i]), (struct slice){0});
	for (size_t i = 0; !r->err && !d->stopping && i < r->grant_count; i++)
		errands_refresh(d, slice_from(r->grants[i]), &any);
	for (size_t i = 0; !r->err && !d->stopping && i < r->ended_count; i++)
		errands_revoke(d, slice_from(r->ended[i]));
	d->recovering = false;
	arena_free(&r->arena);
	free(r);
	if (d->stopping && desk_busy(d) == 0)
		d->idle(d);
}

void errands_recover(struct desk *d)
{
	struct recovery *r;

	if (d->recovering || d->stopping)
		return;
	d->recovering = true;
	r = MEM_NEW(struct recovery);
	r->desk = d;
	r->arena = arena_new(64 << 20);
	r->job = (struct job){.run = find_open, .done = open_found};
	jobs_submit(d->jobs, &r->job);
}
