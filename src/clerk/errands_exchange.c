/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchange of a flow's code as steps between which the courier works: intent, token answer, and the user's
 * identity where it comes from an endpoint of its own.
 */
#include "clerk/errands_private.h"

#include "core/exchange.h"

static void exchange_store(struct operation *op)
{
	const struct fetch_answer *identity = op->answer.err || op->answer.status ? &op->answer : NULL;

	errands_finish(op, exchange_commit(&op->desk->core, op->state, identity, op->arena, &op->why));
}

static void exchange_answered(struct operation *op)
{
	struct exchange *x = op->state = ARENA_NEW(op->arena, struct exchange);
	enum err e = desk_open_body(op);

	if (e == ERR_CRYPTO) /* a spool entry that is not ours: as good as lost */
		op->answer = (struct fetch_answer){.err = ERR_UPSTREAM_DOWN, .sent = true};
	else if (e) {
		errands_finish(op, e);
		return;
	}
	e = exchange_read(&op->desk->core, op->subject, &op->answer, op->body, op->arena, x, &op->request, &op->why);
	if (e) {
		errands_finish(op, e);
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
		errands_finish(op, e);
		op->release = false; /* nothing was sent under this attempt */
		return;
	}
	op->step = exchange_answered;
	if (plan.join[0]) {
		errands_join(op, plan.join);
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
