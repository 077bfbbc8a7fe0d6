/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs between the store thread and the loop, one by one and in batches. */
#include "store/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

struct counting {
	struct job job;
	uv_thread_t ran_on;
	int ran, done;
};

static void count_run(struct job *job)
{
	struct counting *c = CONTAINER_OF(job, struct counting, job);

	c->ran_on = uv_thread_self();
	c->ran++;
}

static void count_done(struct job *job)
{
	CONTAINER_OF(job, struct counting, job)->done++;
}

static void note_stop(void *arg)
{
	*(bool *)arg = true;
}

static void jobs_run_elsewhere_in_order_and_end(void **state)
{
	struct counting c[100] = {0};
	bool stopped = false;
	uv_loop_t loop;
	struct jobs *jobs;
	uv_thread_t here = uv_thread_self();

	(void)state;
	uv_loop_init(&loop);
	jobs = jobs_start(&loop, NULL);
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		c[i].job = (struct job){.run = count_run, .done = count_done};
		jobs_submit(jobs, &c[i].job);
		assert_int_equal(c[i].done, 0);
	}
	jobs_stop(jobs, note_stop, &stopped);
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	assert_true(stopped);
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		assert_int_equal(c[i].ran, 1);
		assert_int_equal(c[i].done, 1);
		assert_false(uv_thread_equal(&c[i].ran_on, &here));
	}
	assert_int_equal(uv_loop_close(&loop), 0);
}

struct batches {
	uv_sem_t entered, go;
	size_t begun, ended, undone;
	bool good;
	int prepared, prepared_at_first_run;
};

struct batched {
	struct counting counting;
	struct batches *of;
	int undone;
};

static void batch_begin(void *arg)
{
	struct batches *b = arg;

	b->begun++;
}

static bool batch_end(void *arg)
{
	struct batches *b = arg;

	b->ended++;
	return b->good;
}

static void batched_prepare(struct job *job)
{
	CONTAINER_OF(job, struct batched, counting.job)->of->prepared++;
}

static void batched_run(struct job *job)
{
	struct batched *x = CONTAINER_OF(job, struct batched, counting.job);

	if (x->of->begun == 1) {
		uv_sem_post(&x->of->entered);
		uv_sem_wait(&x->of->go);
	}
	if (!x->of->prepared_at_first_run && x->of->begun == 2)
		x->of->prepared_at_first_run = x->of->prepared;
	count_run(job);
}

static void batched_undone(struct job *job)
{
	struct batched *x = CONTAINER_OF(job, struct batched, counting.job);

	assert_int_equal(x->counting.done, 0);
	x->undone++;
}

/* What waits while a batch runs is the next one; a batch whose end fails is undone job by job, before any is done. */
static void jobs_that_wait_run_as_one_batch(void **state)
{
	struct batches b = {.good = false};
	const struct jobs_batch hooks = {.begin = batch_begin, .end = batch_end, .arg = &b};
	struct batched x[100] = {0};
	bool stopped = false;
	uv_loop_t loop;
	struct jobs *jobs;

	(void)state;
	uv_loop_init(&loop);
	uv_sem_init(&b.entered, 0);
	uv_sem_init(&b.go, 0);
	jobs = jobs_start(&loop, &hooks);
	for (size_t i = 0; i < ARRAY_LEN(x); i++) {
		x[i].of = &b;
		x[i].counting.job = (struct job){.prepare = batched_prepare, .run = batched_run, .undone = batched_undone,
						 .done = count_done};
		jobs_submit(jobs, &x[i].counting.job);
		if (i == 0)
			uv_sem_wait(&b.entered); /* alone in the first batch, where it waits for the others to be submitted */
	}
	uv_sem_post(&b.go);
	jobs_stop(jobs, note_stop, &stopped);
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	assert_true(stopped);
	assert_int_equal(b.begun, 2);
	assert_int_equal(b.ended, 2);
	assert_int_equal(b.prepared_at_first_run, 100);
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		assert_true(x[i].counting.ran == 1 && x[i].undone == 1 && x[i].counting.done == 1);
	uv_sem_destroy(&b.entered);
	uv_sem_destroy(&b.go);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_run_elsewhere_in_order_and_end),
		cmocka_unit_test(jobs_that_wait_run_as_one_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
