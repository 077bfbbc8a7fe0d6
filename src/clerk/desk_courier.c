/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operations ask of the courier. Must never send a second FETCH for an attempt: after the first it asks by JOIN.
 */
#include "clerk/desk_private.h"

#include <stdlib.h>

#include "base/mem.h"

static struct slice id_key(const uint64_t *id)
{
	return slice_make(id, sizeof *id);
}

void desk_release(struct desk *d, const char *attempt)
{
	struct ipc_message m = {.kind = IPC_RELEASE};

	m.field[IPC_RELEASE_ATTEMPT].bytes = slice_from(attempt);
	(void)channel_send(d->courier, &m); /* not heard: it offers it again on its next connection */
}

static void ask_unheard(struct slice key, void *value, void *arg)
{
	struct operation *op = value;

	(void)key;
	(void)arg;
	if (op->fetching && op->unheard)
		desk_ask(op);
}

void desk_on_again(uv_timer_t *timer)
{
	struct desk *d = timer->data;

	map_each(d->operations, ask_unheard, NULL);
}

/* False when it was tried often enough. */
static bool ask_later(struct operation *op)
{
	struct desk *d = op->desk;

	op->unheard = op->tries++ < DESK_TRIES_MAX;
	if (op->unheard && !uv_is_active((uv_handle_t *)&d->again))
		uv_timer_start(&d->again, desk_on_again, DESK_AGAIN_MS, 0);
	return op->unheard;
}

void desk_ask(struct operation *op)
{
	struct desk *d = op->desk;
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);
	struct ipc_message m = {.kind = IPC_JOIN};
	bool yields = op->request.flags & FETCH_YIELDS_TOKENS;

	op->unheard = false;
	op->joining = op->sent_once && (yields || op->next == OPERATION_JOIN);
	if (op->joining)
		m.field[IPC_JOIN_ATTEMPT].bytes = slice_from(op->attempt);
	else if (fetch_to_message(&op->request, a, &m, &op->why))
		abort(); /* after_step() has tried it */
	if (!channel_connected(d->courier))
		return;
	m.id = channel_next_id(d->courier);
	map_put(d->awaiting, id_key(&m.id), op);
	if (channel_send(d->courier, &m) == ERR_OK) {
		op->sent_once = true;
		return;
	}
	map_remove(d->awaiting, id_key(&m.id));
	op->tries = 0; /* the connection is gone, then its successor is asked, or full, then it empties */
	(void)ask_later(op);
}

bool desk_can_ask(struct operation *op)
{
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);
	struct ipc_message m;

	return op->next == OPERATION_JOIN || fetch_to_message(&op->request, a, &m, &op->why) == ERR_OK;
}

/* It was sent once, so its answer may lie with the courier: the intent stands, and is looked at again. */
static void end_unanswered(struct operation *op)
{
	op->err = err_set(&op->why, ERR_BUSY, "the answer to an earlier request is not at hand yet");
	op->release = false;
	desk_end(op);
}

void desk_courier_message(struct desk *d, struct ipc_message *m)
{
	struct operation *op = map_remove(d->awaiting, id_key(&m->id));
	struct fetch_answer answer;

	if (!op || m->kind != IPC_FETCHED)
		return;
	if (fetch_answer_from_message(m, &answer))
		answer = (struct fetch_answer){.err = ERR_INTERNAL, .detail = "the courier's answer is malformed", .sent = true};
	/* Just started, or full: it took nothing, so the same request may go out once more. */
	if (answer.err == ERR_BUSY && !answer.sent && ask_later(op)) {
		op->sent_once = op->joining;
		return;
	}
	op->fetching = false;
	if (answer.err == ERR_BUSY && !answer.sent && op->joining) {
		end_unanswered(op);
		return;
	}
	/* An answer of another attempt must not be taken for ours. */
	if (answer.sealed && !fetch_head_is_of(answer.head, op->attempt))
		answer = (struct fetch_answer){.err = ERR_INTERNAL, .detail = "the courier answered for another attempt", .sent = true};
	answer.head = arena_copy(op->arena, answer.head);
	answer.body = arena_copy(op->arena, answer.body);
	op->answer = answer;
	op->answered = true;
	desk_run(op);
}

static void ask_again(struct slice key, void *value, void *arg)
{
	struct operation *op = value;

	(void)key;
	(void)arg;
	if (op->fetching)
		desk_ask(op);
}

void desk_courier_returned(struct desk *d)
{
	map_free(&d->awaiting);
	d->awaiting = map_new();
	map_each(d->operations, ask_again, NULL);
}
