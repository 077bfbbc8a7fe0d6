/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchange of a flow's code as steps between which the courier works: intent, token answer, and the user's
 * identity where it comes from an endpoint of its own.
 */
#include "clerk/errands_private.h"

#include "core/exchange.h"

struct exchanging {
	struct exchange x;
	struct fetch_answer answer; /* the token endpoint's */
	struct secret *body;
	operation_step_fn *then;    /* what needs the issuer's keys */
	unsigned waits;
};

/* Each time something is read anew into the operation's arena. */
enum { WAITS_MAX = 64 };

static void exchange_store(struct operation *op)
{
	struct exchanging *s = op->state;
	const struct fetch_answer *identity = op->answer.err || op->answer.status ? &op->answer : NULL;

	errands_finish(op, exchange_commit(&op->desk->core, &s->x, s->x.wants_identity ? identity : NULL, op->arena, &op->why));
}

static void keys_answered(struct operation *op);

/* Asks for the issuer's keys, or waits for who does, and then runs that step again. */
static void get_keys(struct operation *op, operation_step_fn *then)
{
	struct exchanging *s = op->state;

	if (s->x.keys == ISSUER_KEYS_ASK) {
		s->then = then;
		op->request = s->x.keys_request;
		op->step = keys_answered;
		op->next = OPERATION_FETCH;
	} else if (s->waits++ < WAITS_MAX) {
		op->step = then;
		op->next = OPERATION_PARK;
	} else {
		op->look_in_ms = EXCHANGE_KEYS_AGAIN_MS;
		errands_finish(op, err_set(&op->why, ERR_TIMEOUT, "others have asked for the issuer's keys for a long time"));
	}
}

static void keys_answered(struct operation *op)
{
	struct exchanging *s = op->state;
	struct core *core = &op->desk->core;

	s->x.keys = issuer_keys_take(core->issuer_keys, &op->answer, clock_mono_ms(core->clock), &s->x.walk, op->arena, &s->x.keys_request);
	if (s->x.keys == ISSUER_KEYS_ASK) {
		get_keys(op, s->then);
		return;
	}
	s->then(op);
	op->wakes = true;
}

static void exchange_read_on(struct operation *op)
{
	struct exchanging *s = op->state;
	enum err e = exchange_read(&op->desk->core, op->subject, &s->answer, s->body, op->arena, &s->x, &op->request, &op->why);

	if (e == ERR_BUSY) {
		get_keys(op, exchange_read_on);
		return;
	}
	if (e == ERR_TIMEOUT) /* the answer stays with the courier */
		op->look_in_ms = EXCHANGE_KEYS_AGAIN_MS;
	if (e) {
		errands_finish(op, e);
		return;
	}
	if (!s->x.wants_identity) {
		exchange_store(op);
		return;
	}
	op->step = exchange_store;
	op->next = OPERATION_FETCH;
}

static void exchange_answered(struct operation *op)
{
	struct exchanging *s = op->state;
	enum err e = desk_open_body(op);

	if (e == ERR_CRYPTO) /* a spool entry that is not ours: as good as lost */
		op->answer = (struct fetch_answer){.err = ERR_UPSTREAM_DOWN, .sent = true};
	else if (e) {
		errands_finish(op, e);
		return;
	}
	s->answer = op->answer;
	s->body = op->body;
	exchange_read_on(op);
}

static void exchange_ask(struct operation *op)
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

static void exchange_begin(struct operation *op)
{
	struct exchanging *s = op->state ? op->state : ARENA_NEW(op->arena, struct exchanging);
	enum err e;

	op->state = s;
	e = exchange_prepare(&op->desk->core, op->subject, op->code != NULL, op->arena, &s->x, &op->why);
	if (e) {
		errands_finish(op, e);
		op->release = false;
		return;
	}
	if (s->x.keys == ISSUER_KEYS_READY)
		exchange_ask(op);
	else
		get_keys(op, exchange_begin);
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
