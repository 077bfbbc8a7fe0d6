/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written together: transactions, and batches of them that share one commit and so one wait for the disk. Must
 * never say that a part of a batch is durable: only its end tells.
 */
#include <assert.h>

#include "store/store_private.h"

static enum err batch_lost(struct errinfo *ei)
{
	return err_set(ei, ERR_STORE, "the database gave up the transaction that this was a part of");
}

/* The batch's transaction begins when somebody writes: until then it keeps no other process waiting. */
static enum err enter_batch(struct store *s, struct errinfo *ei)
{
	enum err e = ERR_OK;

	if (s->batch == STORE_BATCH_LOST)
		return batch_lost(ei);
	if (s->batch == STORE_BATCH_EMPTY)
		e = s->driver->ops->begin(s->driver, true, ei);
	if (!e && s->batch == STORE_BATCH_EMPTY)
		s->batch = STORE_BATCH_OPEN;
	return e;
}

/* A full disk makes the database roll back everything and say so only here. Writing on would commit halves. */
static void look_after_batch(struct store *s)
{
	if (s->batch == STORE_BATCH_OPEN && !s->driver->ops->is_open(s->driver))
		s->batch = STORE_BATCH_LOST;
}

enum err store_write(struct store *s, const struct driver_statement *st, const struct touch *touch, int64_t *ret_changed,
		     struct errinfo *ei)
{
	enum err e = enter_batch(s, ei);

	touch_mark(&s->marks, touch, (struct store_params){.v = st->params, .n = st->param_count});
	if (!e)
		e = s->driver->ops->run(s->driver, st, ret_changed, ei);
	if (e)
		look_after_batch(s);
	/* Alone it is committed when it returns, or, after an error, perhaps. */
	if (!s->in_transaction && !s->batch)
		touch_tell(&s->marks, s->stripes);
	return e;
}

static enum err part(struct store *s, enum driver_part what, struct errinfo *ei)
{
	enum err e = s->driver->ops->part(s->driver, what, ei);

	if (e)
		look_after_batch(s);
	return e;
}

enum err store_begin(struct store *s, struct errinfo *ei)
{
	enum err e;

	assert(!s->in_transaction);
	e = enter_batch(s, ei);
	if (!e)
		e = s->batch ? part(s, DRIVER_PART_BEGIN, ei) : s->driver->ops->begin(s->driver, true, ei);
	s->in_transaction = !e;
	return e;
}

enum err store_commit(struct store *s, struct errinfo *ei)
{
	enum err e = s->batch == STORE_BATCH_LOST ? batch_lost(ei)
		   : s->batch			  ? part(s, DRIVER_PART_KEEP, ei)
						  : s->driver->ops->commit(s->driver, ei);

	/* Also after an error: the outcome may be unknown. */
	if (!s->batch)
		touch_tell(&s->marks, s->stripes);
	if (e)
		store_rollback(s);
	s->in_transaction = false;
	return e;
}

void store_rollback(struct store *s)
{
	if (s->in_transaction && !s->batch)
		s->driver->ops->rollback(s->driver);
	else if (s->in_transaction && s->batch == STORE_BATCH_OPEN && part(s, DRIVER_PART_UNDO, NULL)) {
		/* Half a part must not be committed with the others. */
		s->driver->ops->rollback(s->driver);
		s->batch = STORE_BATCH_LOST;
	}
	s->in_transaction = false;
	if (!s->batch) /* what other parts of the batch touched must not be forgotten */
		touch_forget(&s->marks);
}

enum err store_transaction(struct store *s, enum err (*fn)(void *arg, struct errinfo *ei), void *arg, struct errinfo *ei)
{
	enum err e = store_begin(s, ei);

	if (e)
		return e;
	e = fn(arg, ei);
	if (!e)
		return store_commit(s, ei);
	store_rollback(s);
	return e;
}

void store_batch_begin(struct store *s)
{
	assert(!s->batch && !s->in_transaction);
	s->batch = STORE_BATCH_EMPTY;
}

enum err store_batch_end(struct store *s, struct errinfo *ei)
{
	enum store_batch batch = s->batch;
	enum err e = ERR_OK;

	assert(batch && !s->in_transaction);
	s->batch = STORE_NO_BATCH;
	if (batch == STORE_BATCH_LOST)
		return batch_lost(ei);
	if (batch == STORE_BATCH_OPEN)
		e = s->driver->ops->commit(s->driver, ei);
	touch_tell(&s->marks, s->stripes); /* after an error too: the outcome may be unknown */
	if (e)
		s->driver->ops->rollback(s->driver);
	return e;
}
