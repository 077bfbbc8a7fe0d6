/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One write for the answers of a turn, fdatasync beside the loop, and signed heads. Must never let an answer with notes go
 * before its records are written.
 */
#include "worker/outbox.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"

enum { RETRY_AFTER_S = 5 };

/* Signing the head: a job, because the store is the store thread's. */
struct head_job {
	struct job job;
	struct outbox *outbox;
	struct chain head;
	int fd;
	bool disk_failed;
	enum err err;
	struct errinfo why;
};

/* One fdatasync on the pool's thread. Its own piece of memory: it may outlast the outbox at the end of the process. */
struct outbox_sync {
	uv_work_t work;
	struct outbox *outbox;
	int fd;
	bool failed;
};

void outbox_item_init(struct outbox_item *item, outbox_done_fn *done)
{
	*item = (struct outbox_item){.done = done};
	list_init(&item->node);
	buf_init(&item->notes, AUDITING_NOTES_MAX);
}

void outbox_begin(struct outbox *o, struct outbox_item *item)
{
	struct errinfo why = {.detail = ""};

	o->core->notes = &item->notes;
	if (o->opened)
		return;
	o->opened = auditing_open(o->core, o->data_dir, o->name, &item->opened, &why) == ERR_OK;
	if (!o->opened)
		LOG(LOG_ERROR, "audit_not_open", LOG_S("detail", why.detail));
}

void outbox_end(struct outbox *o)
{
	o->core->notes = NULL;
}

static void finish(struct outbox_item *item, enum err e, const struct errinfo *why)
{
	buf_done(&item->notes);
	item->done(item, e, why);
}

static void finish_all(struct list *items, enum err e, const struct errinfo *why)
{
	while (!list_empty(items)) {
		struct outbox_item *item = CONTAINER_OF(items->next, struct outbox_item, node);

		list_remove(&item->node);
		finish(item, e, why);
	}
}

static void move_all(struct list *from, struct list *to)
{
	while (!list_empty(from)) {
		struct list *node = from->next;

		list_remove(node);
		list_append(to, node);
	}
}

static void start_sync(struct outbox *o);

static void do_sync(uv_work_t *work)
{
	struct outbox_sync *s = CONTAINER_OF(work, struct outbox_sync, work);

	s->failed = fdatasync(s->fd) != 0;
	close(s->fd);
}

static enum err not_written(struct errinfo *why)
{
	err_hint(why, ERR_BUSY, "Try again later; the server's administrator finds the reason in the log (audit_not_written).");
	why->retry_after_s = RETRY_AFTER_S;
	return err_set(why, ERR_BUSY, "the audit log cannot be written, and nothing secret leaves without a record");
}

static void lose(struct outbox *o)
{
	o->lost = true;
	LOG(LOG_ERROR, "audit_not_written",
	    LOG_S("detail", "fdatasync failed: nothing is recorded until the worker starts again"));
	if (o->journal)
		journal_fail(o->journal);
}

/* At the end of the process, when nobody is kept waiting by it. */
static enum err sync_here(struct outbox *o, struct errinfo *why)
{
	int fd = journal_unsynced(o->journal);
	bool synced = fd < 0 || fdatasync(fd) == 0;

	if (fd >= 0)
		close(fd);
	if (synced && !o->lost)
		return ERR_OK;
	lose(o);
	return not_written(why);
}

static void after_sync(uv_work_t *work, int status)
{
	struct outbox_sync *s = CONTAINER_OF(work, struct outbox_sync, work);
	struct outbox *o = s->outbox;
	struct errinfo why = {.detail = ""};
	bool failed = status != 0 || s->failed;
	enum err e = ERR_OK;

	free(s);
	o->working = false;
	if (failed || o->lost) {
		lose(o);
		e = not_written(&why);
	}
	finish_all(&o->syncing, e, &why);
	if (!list_empty(&o->written))
		start_sync(o);
}

static void start_sync(struct outbox *o)
{
	struct outbox_sync *s;
	int fd;

	if (o->working || !o->journal)
		return;
	move_all(&o->written, &o->syncing);
	fd = journal_unsynced(o->journal);
	if (fd < 0) {
		struct errinfo why = {.detail = ""};
		enum err e = !o->lost && journal_synced(o->journal) ? ERR_OK : not_written(&why);

		finish_all(&o->syncing, e, &why);
		return;
	}
	o->working = true;
	s = MEM_NEW(struct outbox_sync);
	s->outbox = o;
	s->fd = fd;
	if (uv_queue_work(o->loop, &s->work, do_sync, after_sync) != 0)
		abort(); /* fails for missing arguments only */
}

static void on_sync(uv_timer_t *timer)
{
	start_sync(timer->data);
}

/* Collects the records of all that is ready and writes them with one call. */
static enum err write_ready(struct outbox *o, struct errinfo *why)
{
	enum err e = o->journal ? ERR_OK : err_set(why, ERR_STORE, "the chain %s is not open", o->name);

	for (struct list *n = o->ready.next; !e && n != &o->ready; n = n->next) {
		struct outbox_item *item = CONTAINER_OF(n, struct outbox_item, node);

		e = buf_ok(&item->notes) ? auditing_collect(o->journal, buf_slice(&item->notes), item->request, item->actor, item->result)
					 : err_set(why, ERR_TOO_LARGE, "there is too much to record");
	}
	if (o->journal && e)
		journal_forget(o->journal);
	else if (!e)
		e = journal_write(o->journal, why);
	metrics_add(e ? METRIC_AUDIT_FAILED : METRIC_AUDIT_OK);
	if (!e)
		return e;
	LOG(LOG_ERROR, "audit_not_written", LOG_S("detail", why->detail));
	return not_written(why);
}

static void send_ready(struct outbox *o)
{
	struct errinfo why = {.detail = ""};
	struct list turn;
	enum err e;

	if (list_empty(&o->ready))
		return;
	e = write_ready(o, &why);
	if (!e && o->always && o->stopping)
		e = sync_here(o, &why);
	if (!e && o->always && !o->stopping) {
		move_all(&o->ready, &o->written);
		start_sync(o);
		return;
	}
	if (!e && !o->stopping && !uv_is_active((uv_handle_t *)&o->sync))
		uv_timer_start(&o->sync, on_sync, OUTBOX_SYNC_MS, 0);
	list_init(&turn);
	move_all(&o->ready, &turn);
	finish_all(&turn, e, &why);
}

/*
 * An answer that leaves lets in the next request that its client has sent already, and that may be ready at once: nothing would
 * wake the loop for it. A connection has so many requests in a turn (http/connection.h), so this ends. By then whoever waited
 * has been refused.
 */
static void on_turn_end(uv_check_t *check)
{
	struct outbox *o = check->data;

	while (!list_empty(&o->ready))
		send_ready(o);
	if (o->on_disk_failed && o->journal && journal_failed(o->journal))
		o->on_disk_failed("the audit log");
}

void outbox_opened(struct outbox *o, struct outbox_item *item)
{
	if (item->opened)
		o->journal = TAKE(item->opened);
}

void outbox_put(struct outbox *o, struct outbox_item *item)
{
	outbox_opened(o, item);
	if (FAULT(serve_unrecorded) || (item->notes.n == 0 && buf_ok(&item->notes))) {
		finish(item, ERR_OK, NULL);
		return;
	}
	list_append(&o->ready, &item->node);
	if (o->stopping)
		send_ready(o);
}

static void sign_head(struct job *job)
{
	struct head_job *h = CONTAINER_OF(job, struct head_job, job);

	h->disk_failed = fdatasync(h->fd) != 0;
	if (h->disk_failed)
		h->err = err_set(&h->why, ERR_STORE, "fdatasync of the audit log failed");
	else
		h->err = auditing_sign(h->outbox->core, h->outbox->run_id, &h->head, &h->why);
	close(h->fd);
}

static void head_signed(struct job *job)
{
	struct head_job *h = CONTAINER_OF(job, struct head_job, job);

	if (h->disk_failed)
		lose(h->outbox);
	if (h->err)
		LOG(LOG_ERROR, "audit_head_not_signed", LOG_S("detail", h->why.detail));
	else
		h->outbox->signed_seq = h->head.seq;
	secret_wipe(&h->head, sizeof h->head);
	free(h);
}

static void submit_head(struct outbox *o)
{
	struct head_job *h;
	int fd = o->journal && !o->lost ? journal_descriptor(o->journal) : -1;

	if (fd < 0)
		return;
	h = MEM_NEW(struct head_job);
	h->outbox = o;
	h->head = journal_head(o->journal);
	h->fd = fd;
	h->job = (struct job){.run = sign_head, .done = head_signed};
	if (h->head.seq != o->signed_seq) {
		jobs_submit(o->jobs, &h->job);
		return;
	}
	close(fd);
	secret_wipe(&h->head, sizeof h->head);
	free(h);
}

static void on_head(uv_timer_t *timer)
{
	submit_head(timer->data);
}

void outbox_init(struct outbox *o)
{
	random_id(o->run_id);
	list_init(&o->ready);
	list_init(&o->written);
	list_init(&o->syncing);
	o->check.data = o->sync.data = o->head.data = o;
	uv_check_init(o->loop, &o->check);
	uv_timer_init(o->loop, &o->sync);
	uv_timer_init(o->loop, &o->head);
	uv_check_start(&o->check, on_turn_end);
	uv_timer_start(&o->head, on_head, OUTBOX_FIRST_HEAD_MS, OUTBOX_HEAD_MS);
}

void outbox_stop(struct outbox *o)
{
	o->stopping = true;
	send_ready(o);
	submit_head(o);
	uv_close((uv_handle_t *)&o->check, NULL);
	uv_close((uv_handle_t *)&o->sync, NULL);
	uv_close((uv_handle_t *)&o->head, NULL);
}

void outbox_done(struct outbox *o)
{
	journal_close(&o->journal);
}
