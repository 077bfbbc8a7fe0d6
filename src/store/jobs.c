/* SPDX-License-Identifier: Apache-2.0 */
/* One thread, one queue out, one queue back. Must never touch the loop but through its async handle. */
#include "store/jobs.h"

#include <stdlib.h>

#include "base/mem.h"

struct jobs {
	struct jobs_batch batch; /* begin NULL: none */
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t wake;
	uv_async_t back;
	struct list waiting, finished; /* under lock */
	bool stopping, thread_ended;   /* under lock */
	void (*stopped)(void *arg);
	void *stopped_arg;
};

static struct job *job_of(struct list *node)
{
	return CONTAINER_OF(node, struct job, node);
}

/* Takes what waits, in order, as much as may run together. */
static void take(struct jobs *j, struct list *ret_taken)
{
	size_t max = j->batch.begin ? JOBS_BATCH_MAX : 1;

	for (size_t n = 0; n < max && !list_empty(&j->waiting); n++) {
		struct list *node = j->waiting.next;

		list_remove(node);
		list_append(ret_taken, node);
	}
}

static void run_taken(const struct jobs_batch *batch, struct list *taken)
{
	struct list *n;

	for (n = taken->next; n != taken; n = n->next)
		if (job_of(n)->prepare)
			job_of(n)->prepare(job_of(n));
	if (batch->begin)
		batch->begin(batch->arg);
	for (n = taken->next; n != taken; n = n->next)
		job_of(n)->run(job_of(n));
	if (!batch->begin || batch->end(batch->arg))
		return;
	for (n = taken->next; n != taken; n = n->next)
		job_of(n)->undone(job_of(n));
}

static void run_jobs(void *arg)
{
	struct jobs *j = arg;

	uv_mutex_lock(&j->lock);
	for (;;) {
		struct list taken;

		list_init(&taken);
		while (list_empty(&j->waiting) && !j->stopping)
			uv_cond_wait(&j->wake, &j->lock);
		if (list_empty(&j->waiting))
			break;
		take(j, &taken);
		uv_mutex_unlock(&j->lock);
		run_taken(&j->batch, &taken);
		uv_mutex_lock(&j->lock);
		while (!list_empty(&taken)) {
			struct list *node = taken.next;

			list_remove(node);
			list_append(&j->finished, node);
		}
		uv_async_send(&j->back);
	}
	j->thread_ended = true;
	uv_mutex_unlock(&j->lock);
	uv_async_send(&j->back);
}

static void closed(uv_handle_t *handle)
{
	struct jobs *j = handle->data;
	void (*stopped)(void *) = j->stopped;
	void *arg = j->stopped_arg;

	uv_mutex_destroy(&j->lock);
	uv_cond_destroy(&j->wake);
	free(j);
	stopped(arg);
}

static struct job *next_finished(struct jobs *j)
{
	struct job *job = NULL;

	uv_mutex_lock(&j->lock);
	if (!list_empty(&j->finished)) {
		job = job_of(j->finished.next);
		list_remove(&job->node);
	}
	uv_mutex_unlock(&j->lock);
	return job;
}

static void on_back(uv_async_t *handle)
{
	struct jobs *j = handle->data;
	struct job *job;
	bool ended;

	while ((job = next_finished(j)))
		job->done(job);
	uv_mutex_lock(&j->lock);
	ended = j->thread_ended && list_empty(&j->finished);
	uv_mutex_unlock(&j->lock);
	if (ended && !uv_is_closing((uv_handle_t *)&j->back)) {
		uv_thread_join(&j->thread);
		uv_close((uv_handle_t *)&j->back, closed);
	}
}

struct jobs *jobs_start(uv_loop_t *loop, const struct jobs_batch *batch)
{
	struct jobs *j = MEM_NEW(struct jobs);

	if (batch)
		j->batch = *batch;
	list_init(&j->waiting);
	list_init(&j->finished);
	j->back.data = j;
	if (uv_mutex_init(&j->lock) || uv_cond_init(&j->wake) || uv_async_init(loop, &j->back, on_back) ||
	    uv_thread_create(&j->thread, run_jobs, j))
		abort(); /* no thread, no role: the supervisor tries again */
	return j;
}

void jobs_submit(struct jobs *j, struct job *job)
{
	uv_mutex_lock(&j->lock);
	list_append(&j->waiting, &job->node);
	uv_cond_signal(&j->wake);
	uv_mutex_unlock(&j->lock);
}

void jobs_stop(struct jobs *j, void (*stopped)(void *arg), void *arg)
{
	j->stopped = stopped;
	j->stopped_arg = arg;
	uv_mutex_lock(&j->lock);
	j->stopping = true;
	uv_cond_signal(&j->wake);
	uv_mutex_unlock(&j->lock);
}
