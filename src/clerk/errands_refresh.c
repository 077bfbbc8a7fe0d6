/* SPDX-License-Identifier: Apache-2.0 */
/* A grant's refresh as steps between which the courier works: intent, then the provider's answer. */
#include "clerk/errands_private.h"

#include "core/refresh.h"

static void refresh_begin(struct operation *op);

static void refresh_answered(struct operation *op)
{
	enum err e = desk_open_body(op);
	struct refresh_after after;

	if (e == ERR_CRYPTO)
		op->answer = (struct fetch_answer){.err = ERR_UPSTREAM_DOWN, .sent = true};
	else if (e) {
		errands_finish(op, e);
		return;
	}
	op->consumes.asked = op->awaited;
	e = refresh_commit(&op->desk->core, op->subject, &op->consumes, &op->answer, op->body, op->arena, &after, &op->why);
	errands_finish(op, e);
	op->look_in_ms = after.look_in_ms;
	if (after.revoke)
		op->follow = errands_revoke;
	/* Another token, or the same one again (LIFECYCLE §4.7 to §4.9): who waits gets what comes of that. */
	if (op->release && after.again) {
		op->step = refresh_begin;
		op->next = OPERATION_AGAIN;
		op->want.due = true;
	}
}

static void refresh_begin(struct operation *op)
{
	struct refresh_plan plan;
	enum err e;

	err_clear(&op->why);
	e = refresh_intend(&op->desk->core, op->subject, &op->want, op->attempt, op->arena, &plan, &op->why);
	if (e || !plan.needed) {
		errands_finish(op, e);
		op->found_good = !e;
		op->release = false;
		return;
	}
	op->step = refresh_answered;
	op->consumes = (struct refresh_attempt){.id = op->attempt, .generation = plan.generation, .source = plan.source,
					       .consumes = plan.consumes};
	if (plan.join[0]) {
		errands_join(op, plan.join);
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
