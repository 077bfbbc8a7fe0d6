/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the provider of an ended grant, token by token. Must never run beside the grant's refresh: it is to name
 * the tokens which that one brings.
 */
#include "clerk/errands_private.h"

#include "core/revocation.h"
#include "oauth/revoke.h"

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
		errands_finish(op, revocation_failed(core, op->subject, op->answer.retry_after_s, op->arena, &op->why));
	} else if (!said && r->sent < r->plan.count) {
		op->request = r->plan.request[r->sent++];
		op->next = OPERATION_FETCH;
	} else {
		errands_finish(op, revocation_done(core, op->subject, r->sent && !said, op->arena, &op->why));
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
	errands_finish(op, e);
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
