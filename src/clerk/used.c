/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes of use on their way into rows. Nobody waits for them, and a batch that is lost is not missed. Must never keep a
 * refresh waiting for more than one transaction.
 */
#include "clerk/used.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/connections.h"

struct used {
	struct job job;
	struct desk *desk;
	int64_t at;
	char *ids;
	enum err err;
	struct errinfo why;
};

static enum err write_all(void *arg, struct errinfo *ei)
{
	const struct used *u = arg;
	struct slice rest = slice_from(u->ids), id;
	enum err e = ERR_OK;

	while (!e && slice_split(&rest, '\n', &id))
		if (id.n)
			e = connections_used(&u->desk->core, id, u->at, ei);
	return e;
}

static void run(struct job *job)
{
	struct used *u = CONTAINER_OF(job, struct used, job);

	u->err = store_transaction(u->desk->core.store, write_all, u, &u->why);
}

static void undone(struct job *job)
{
	struct used *u = CONTAINER_OF(job, struct used, job);

	u->err = err_set(&u->why, ERR_STORE, "the transaction that it was a part of did not come about");
}

static void done(struct job *job)
{
	struct used *u = CONTAINER_OF(job, struct used, job);

	if (u->err)
		LOG(LOG_WARN, "last_use_not_written", LOG_S("detail", u->why.detail));
	mem_free_str(&u->ids);
	free(u);
}

void used_take(struct desk *d, int64_t at, struct slice ids)
{
	struct used *u = MEM_NEW(struct used);

	u->desk = d;
	u->at = at;
	u->ids = mem_strndup(ids);
	u->job = (struct job){.run = run, .undone = undone, .done = done};
	jobs_submit(d->jobs, &u->job);
}
