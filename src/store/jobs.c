/* SPDX-License-Identifier: Apache-2.0 */
/* One thread, one queue out, one queue back. Must never touch the loop but through its async handle. */
#include "store/jobs.h"

#include <stdlib.h>

#include "base/mem.h"

struct jobs {
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t wake;
	uv_async_t back;
	struct list waiting, finished; /* under lock */
	bool stopping, thread_ended;   /* under lock */
	void (*stopped)(void *arg);
	void *stopped_arg;
};

static void run_jobs(void *arg)
{
	struct jobs *j = arg;

	uv_mutex_lock(&j->lock);
	for (;;) {
		struct job *job;

		while (list_empty(&j->waiting) && !j->stopping)
			uv_cond_wait(&j->wake, &j->lock);
		if (list_empty(&j->waiting))
			break;
		job = CONTAINER_OF(j->waiting.next, struct job, node);
		list_remove(&job->node);
		uv_mutex_unlock(&j->lock);
		job->run(job);
		uv_mutex_lock(&j->lock);
		list_append(&j->finished, &job->node);
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
		job = CONTAINER_OF(j->finished.next, struct job, node);
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

struct jobs *jobs_start(uv_loop_t *loop)
{
	struct jobs *j = MEM_NEW(struct jobs);

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
