/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that checks passwords. Must never touch the store, and never be asked for more than its queue holds. */
#include "worker/hashing.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "secret/password.h"

/* Below everything else of this worker: whoever signs in can wait, whoever reads a token should not. */
enum { NICE = 10 };

void hashing_start(struct hashing *h, uv_loop_t *loop)
{
	*h = (struct hashing){.jobs = jobs_start(loop, NULL)};
}

static void check(struct job *job)
{
	struct hashing_check *c = CONTAINER_OF(job, struct hashing_check, job);

	/* Linux knows a priority per thread; where it is refused the check is only less polite. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	c->matches = password_matches(c->password, c->stored);
}

static void checked(struct job *job)
{
	struct hashing_check *c = CONTAINER_OF(job, struct hashing_check, job);

	c->owner->waiting--;
	c->done(c);
}

bool hashing_submit(struct hashing *h, struct hashing_check *c)
{
	if (h->waiting == HASHING_WAITING_MAX)
		return false;
	h->waiting++;
	c->owner = h;
	c->matches = false;
	c->job = (struct job){.run = check, .done = checked};
	jobs_submit(h->jobs, &c->job);
	return true;
}

void hashing_stop(struct hashing *h, void (*stopped)(void *arg), void *arg)
{
	jobs_stop(h->jobs, stopped, arg);
}
