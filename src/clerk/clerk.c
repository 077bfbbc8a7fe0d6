/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clerk's process: configuration, peers, timers, and an orderly end. Must never touch the store on the
 * loop: that is the store thread's.
 */
#include "clerk/clerk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "catalog/template.h"
#include "clerk/errands.h"
#include "clerk/used.h"
#include "core/issuer_keys.h"
#include "core/keys.h"
#include "core/profiles.h"
#include "ipc/role.h"
#include "store/stripes.h"

enum { RECOVER_MS = 30 * 1000, RECOVER_SOON_MS = 1000 };

struct clerk {
	struct role *role;
	struct desk desk;
	uv_timer_t recover;
	struct stripes *stripes;
};

static void on_recover(uv_timer_t *timer)
{
	struct clerk *c = timer->data;

	errands_recover(&c->desk);
}

/* The disk was full, or the keeper away: its intent may stand, its answer may lie in the spool. */
static void on_left_open(struct desk *d)
{
	struct clerk *c = CONTAINER_OF(d, struct clerk, desk);

	if (uv_timer_get_due_in(&c->recover) > RECOVER_SOON_MS)
		uv_timer_start(&c->recover, on_recover, RECOVER_SOON_MS, RECOVER_MS);
}

static void on_look_again(struct desk *d, int64_t in_ms)
{
	struct clerk *c = CONTAINER_OF(d, struct clerk, desk);

	if (in_ms < RECOVER_MS && uv_timer_get_due_in(&c->recover) > (uint64_t)in_ms)
		uv_timer_start(&c->recover, on_recover, (uint64_t)in_ms, RECOVER_MS);
}

static void answer_busy(struct desk *d, int64_t slot, const struct ipc_message *m)
{
	struct ipc_message answer = {.kind = m->kind == IPC_EXCHANGE ? IPC_EXCHANGED : m->kind == IPC_DISCOVER ? IPC_DISCOVERED : IPC_REFRESHED,
				     .id = m->id};

	answer.field[IPC_RESULT_ERR].number = ERR_BUSY;
	answer.field[IPC_RESULT_DETAIL].bytes = SLICE_LIT("the service is stopping");
	(void)channel_send(d->worker[slot], &answer);
}

struct worker_link {
	struct desk *desk;
	int64_t slot;
};

static void on_worker_message(struct channel *channel, struct ipc_message *m, void *arg)
{
	const struct worker_link *w = arg;
	struct desk *d = w->desk;
	struct operation *op = NULL;
	struct refresh_want want = {.newer_than = -1};

	(void)channel;
	if (d->stopping) {
		if (m->id)
			answer_busy(d, w->slot, m);
		return;
	}
	if (m->kind == IPC_EXCHANGE) {
		op = errands_exchange(d, m->field[IPC_EXCHANGE_FLOW].bytes, m->field[IPC_EXCHANGE_CODE].bytes);
	} else if (m->kind == IPC_REFRESH) {
		want.min_life_ms = m->field[IPC_REFRESH_MIN_LIFE_MS].number;
		want.newer_than = m->field[IPC_REFRESH_NEWER_THAN].number;
		op = errands_refresh(d, m->field[IPC_REFRESH_GRANT].bytes, &want);
	} else if (m->kind == IPC_DISCOVER) {
		op = errands_discover(d, m->field[IPC_DISCOVER_ISSUER].bytes);
	} else if (m->kind == IPC_REVOKE) {
		errands_revoke(d, m->field[IPC_REVOKE_GRANT].bytes);
	} else if (m->kind == IPC_USED) {
		used_take(d, m->field[IPC_USED_AT].number, m->field[IPC_USED_IDS].bytes);
	}
	if (op && m->id)
		desk_wait(op, w->slot, m->id, &want);
}

static void on_worker_closed(struct channel *channel, void *arg)
{
	const struct worker_link *w = arg;

	desk_worker_gone(w->desk, w->slot);
	if (channel_broke(channel))
		LOG(LOG_ERROR, "peer_broke_the_rules", LOG_S("peer", "worker"));
}

static void on_courier_message(struct channel *channel, struct ipc_message *m, void *arg)
{
	struct clerk *c = arg;

	(void)channel;
	if (m->kind == IPC_HOLDS)
		errands_held(&c->desk, m->field[IPC_HOLDS_ATTEMPTS].bytes);
	else
		desk_courier_message(&c->desk, m);
}

static void on_courier_closed(struct channel *channel, void *arg)
{
	(void)arg;
	if (channel_broke(channel))
		LOG(LOG_ERROR, "peer_broke_the_rules", LOG_S("peer", "courier"));
}

static struct channel *courier_channel(struct clerk *c)
{
	const struct channel_args args = {.loop = c->role->loop, .self = IPC_CLERK, .peer = IPC_COURIER,
					  .on_message = on_courier_message, .on_closed = on_courier_closed, .arg = c};

	return channel_new(&args);
}

static enum err start(struct role *role, struct errinfo *ei)
{
	struct clerk *c = role->state;
	struct desk *d = &c->desk;
	struct key_source source;
	struct store_args store = {.path = role_config(role, "FIBERWISE_DATABASE"), .checkpoints = true, .on_disk_failed = role_disk_failed};
	enum err e = core_set_public_url(&d->core, role_config(role, "FIBERWISE_PUBLIC_URL"), ei);

	if (!e)
		e = template_load_all(ei);
	if (!e)
		e = stripes_map(role->stripes, &c->stripes, ei);
	store.stripes = c->stripes;
	if (!e)
		e = store_open(&store, &d->core.store, ei);
	if (e)
		return e;
	c->role = role;
	d->loop = role->loop;
	d->ledger.data_dir = role_config(role, "FIBERWISE_DATA_DIR");
	d->ledger.on_disk_failed = role_disk_failed;
	d->ledger.always = strcmp(role_config(role, "FIBERWISE_AUDIT_SYNC"), "always") == 0;
	d->keeper = keeper_client_new(IPC_CLERK);
	source = keeper_client_source(d->keeper);
	d->core.keys = keys_new(&source);
	d->core.profiles = profiles_new();
	d->core.issuer_keys = issuer_keys_new();
	d->core.clock = &clock_system;
	d->core.instance = role->instance;
	d->left_open = on_left_open;
	d->look_again = on_look_again;
	desk_init(d);
	d->courier = courier_channel(c);
	uv_timer_init(role->loop, &c->recover);
	c->recover.data = c;
	uv_timer_start(&c->recover, on_recover, 0, RECOVER_MS);
	role_ready(role);
	return ERR_OK;
}

static void connect_worker(struct clerk *c, int64_t slot, int fd)
{
	struct desk *d = &c->desk;
	struct channel_args args = {.loop = c->role->loop, .self = IPC_CLERK, .peer = IPC_WORKER, .peer_slot = slot,
				    .on_message = on_worker_message, .on_closed = on_worker_closed};
	struct worker_link *link;

	if (slot < 0 || slot >= DESK_WORKERS_MAX) {
		close(fd);
		return;
	}
	if (!d->worker[slot]) {
		link = MEM_NEW(struct worker_link);
		*link = (struct worker_link){.desk = d, .slot = slot};
		args.arg = link;
		d->worker[slot] = channel_new(&args);
		d->worker_link[slot] = link;
	}
	channel_replace(d->worker[slot], fd);
}

static void on_peer(struct role *role, enum ipc_role peer, int64_t slot, int fd)
{
	struct clerk *c = role->state;

	if (peer == IPC_WORKER) {
		connect_worker(c, slot, fd);
	} else if (peer == IPC_KEEPER) {
		keeper_client_connect(c->desk.keeper, fd);
	} else if (peer == IPC_COURIER) {
		channel_replace(c->desk.courier, fd);
		desk_courier_returned(&c->desk);
	} else {
		close(fd);
	}
}

static void jobs_stopped(void *arg)
{
	struct clerk *c = arg;
	struct desk *d = &c->desk;

	ledger_done(&d->ledger, &d->core);
	store_close(&d->core.store);
	keys_free(&d->core.keys);
	profiles_free(&d->core.profiles);
	issuer_keys_free(&d->core.issuer_keys);
	keeper_client_free(&d->keeper);
	stripes_unmap(&c->stripes);
	role_stopped(c->role);
}

static void close_all(struct desk *d)
{
	struct clerk *c = CONTAINER_OF(d, struct clerk, desk);

	for (size_t i = 0; i < DESK_WORKERS_MAX; i++) {
		channel_free(&d->worker[i]);
		free(d->worker_link[i]);
		d->worker_link[i] = NULL;
	}
	channel_free(&d->courier);
	uv_close((uv_handle_t *)&c->recover, NULL);
	desk_done(d, jobs_stopped, c);
}

/*
 * What is under way is ended in order; the supervisor's patience bounds it. What is left open then is found by the
 * next start through its intents. Without a supervisor nobody waits for answers: the intents do.
 */
static void on_stop(struct role *role, bool orphaned)
{
	struct clerk *c = role->state;
	struct desk *d = &c->desk;

	d->stopping = true;
	d->idle = close_all;
	if (orphaned)
		_exit(0);
	if (desk_busy(d) == 0)
		close_all(d);
}

int clerk_main(const char *name)
{
	static const struct role_hooks hooks = {.start = start, .on_peer = on_peer, .on_stop = on_stop};
	struct clerk c = {.role = NULL};

	return role_run(IPC_CLERK, name, &hooks, &c);
}
