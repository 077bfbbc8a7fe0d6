/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's process: configuration, server, peers, the administrator's link, and an orderly end.
 * Must never write a sign-in link anywhere but to the administrator's terminal.
 */
#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/routes.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/template_directory.h"
#include "core/flows.h"
#include "core/keeper_client.h"
#include "core/keys.h"
#include "core/users.h"
#include "ipc/role.h"
#include "store/stripes.h"
#include "ui/routes.h"
#include "worker/reads.h"

struct worker {
	struct role *role;
	struct handle_desk desk;
	struct keeper_client *keeper;
	struct server *server;
	struct proxies proxies; /* whom the server believes */
	struct route *routes;
};

/* A sign-in link, made on the store thread: at the first worker's start while there is no password, and on request. */
struct link_job {
	struct job job;
	struct worker *worker;
	struct arena *arena;
	uint64_t message_id; /* 0: only if the administrator has no password yet */
	struct secret *token;
	struct outbox_item records;
	enum err err;
	struct errinfo why;
};

static void make_link(struct job *job)
{
	struct link_job *l = CONTAINER_OF(job, struct link_job, job);
	struct core *core = &l->worker->desk.core;
	bool needed = true;

	outbox_begin(&l->worker->desk.outbox, &l->records);
	if (!l->message_id)
		l->err = users_needs_password(core, l->arena, &needed, &l->why);
	if (!l->err && needed)
		l->err = users_admin_link(core, l->arena, &l->token, &l->why);
	outbox_end(&l->worker->desk.outbox);
}

static void link_made(struct job *job)
{
	struct link_job *l = CONTAINER_OF(job, struct link_job, job);

	l->records.actor = "operator";
	l->records.result = l->err ? err_wire_code(l->err, &l->why) : "ok";
	outbox_put(&l->worker->desk.outbox, &l->records);
}

static void say_link(struct outbox_item *item, enum err e, const struct errinfo *why)
{
	struct link_job *l = CONTAINER_OF(item, struct link_job, records);
	struct worker *w = l->worker;
	struct slice token = secret_expose(l->token);
	const char *url = arena_printf(l->arena, "%s/admin-link/%.*s", w->desk.core.public_url, SLICE_ARG(token));

	if (e && !l->err) {
		l->err = e;
		l->why = *why;
	}
	if (l->err)
		LOG(LOG_ERROR, "admin_link_failed", LOG_S("detail", l->why.detail));
	if (l->message_id) {
		struct ipc_message m = {.kind = IPC_ADMIN_LINKED, .id = l->message_id};

		m.field[IPC_ADMIN_LINKED_ERR].number = l->err;
		m.field[IPC_ADMIN_LINKED_TEXT].bytes = slice_from(l->err ? l->why.detail : url);
		(void)channel_send(w->role->control, &m);
	} else if (l->token && !l->err) {
		role_say(w->role, arena_printf(l->arena, "Sign in (15 minutes, one use): %s", url));
	}
	arena_free(&l->arena);
	free(l);
}

static void begin_link(struct worker *w, uint64_t message_id)
{
	struct link_job *l = MEM_NEW(struct link_job);

	l->worker = w;
	l->message_id = message_id;
	l->arena = arena_new(1 << 20);
	outbox_item_init(&l->records, say_link);
	l->job = (struct job){.run = make_link, .done = link_made};
	jobs_submit(w->desk.jobs, &l->job);
}

static void on_control(struct role *role, struct ipc_message *m)
{
	if (m->kind == IPC_ADMIN_LINK)
		begin_link(role->state, m->id);
}

static void on_clerk_message(struct channel *channel, struct ipc_message *m, void *arg)
{
	struct worker *w = arg;

	(void)channel;
	if (m->kind == IPC_EXCHANGED || m->kind == IPC_REFRESHED || m->kind == IPC_DISCOVERED)
		handle_clerk_message(&w->desk, m);
}

static void on_clerk_closed(struct channel *channel, void *arg)
{
	(void)arg;
	if (channel_broke(channel))
		LOG(LOG_ERROR, "peer_broke_the_rules", LOG_S("peer", "clerk"));
}

static void join_routes(struct worker *w)
{
	size_t n = api_route_count + ui_route_count;

	w->routes = MEM_NEW_N(n, struct route);
	memcpy(w->routes, api_routes, api_route_count * sizeof(struct route));
	memcpy(w->routes + api_route_count, ui_routes, ui_route_count * sizeof(struct route));
	w->desk.router = router_new(w->routes, n);
}

static uint64_t number(const char *value)
{
	uint64_t n = 0;

	slice_to_u64(slice_from(value), UINT64_MAX, &n); /* the supervisor has checked it */
	return n;
}

static enum err open_quota(struct worker *w, struct errinfo *ei)
{
	struct handle_desk *d = &w->desk;
	enum err e = proxies_parse(slice_from(role_config(w->role, "FIBERWISE_TRUSTED_PROXIES")), &w->proxies, ei);

	if (!e)
		e = buckets_map(w->role->limits, &d->buckets, ei);
	quota_init(&d->quota, d->buckets, &clock_system);
	quota_set(&d->quota, QUOTA_READS, number(role_config(w->role, "FIBERWISE_RATE_READS")));
	quota_set(&d->quota, QUOTA_KEY, number(role_config(w->role, "FIBERWISE_RATE_KEY")));
	quota_set(&d->quota, QUOTA_APP, number(role_config(w->role, "FIBERWISE_RATE_APP")));
	quota_set(&d->quota, QUOTA_USER, number(role_config(w->role, "FIBERWISE_RATE_USER")));
	quota_set(&d->quota, QUOTA_ADDRESS, number(role_config(w->role, "FIBERWISE_RATE_ADDRESS")));
	quota_set_within(&d->quota, QUOTA_STARTS, number(role_config(w->role, "FIBERWISE_CONNECTS_PER_ADDRESS")), FLOWS_LIFE_MS);
	return e;
}

static enum err start_server(struct worker *w, struct errinfo *ei)
{
	const struct core *core = &w->desk.core;
	const struct server_args args = {
		.loop = w->role->loop,
		.socket = w->role->socket,
		.https = core->public.is_https,
		.loopback_forms = url_is_loopback(&core->public),
		.limits = {.per_peer = (size_t)number(role_config(w->role, "FIBERWISE_CONNECTIONS_PER_ADDRESS"))},
		.proxies = &w->proxies,
		.on_error = handle_error,
		.on_request = handle_request,
		.on_repeat = reads_repeat,
		.arg = &w->desk,
	};

	return server_start(&args, &w->server, ei);
}

static struct cache *open_cache(const struct worker *w)
{
	return cache_new(number(role_config(w->role, "FIBERWISE_CACHE_BYTES")), w->desk.stripes);
}

static void on_broken_template(const char *why, void *arg)
{
	(void)arg;
	LOG(LOG_WARN, "template_broken", LOG_S("detail", why));
}

static enum err open_core(struct worker *w, struct errinfo *ei)
{
	struct core *core = &w->desk.core;
	struct store_args store = {.path = role_config(w->role, "FIBERWISE_DATABASE"), .on_disk_failed = role_disk_failed};
	struct key_source source;
	enum err e = core_set_public_url(core, role_config(w->role, "FIBERWISE_PUBLIC_URL"), ei);

	if (!e)
		e = template_load_all(ei);
	if (!e)
		e = stripes_map(w->role->stripes, &w->desk.stripes, ei);
	store.stripes = w->desk.stripes;
	if (!e)
		e = store_open(&store, &core->store, ei);
	if (e)
		return e;
	w->keeper = keeper_client_new(IPC_WORKER);
	source = keeper_client_source(w->keeper);
	core->keys = keys_new(&source);
	core->clock = &clock_system;
	core->instance = w->role->instance;
	core->templates = template_directory_new(role_config(w->role, "FIBERWISE_TEMPLATE_DIR"), on_broken_template, NULL);
	template_directory_look(core->templates, core_now(core));
	w->desk.cache = open_cache(w);
	return ERR_OK;
}

static void start_outbox(struct worker *w)
{
	struct outbox *o = &w->desk.outbox;

	o->loop = w->role->loop;
	o->core = &w->desk.core;
	o->jobs = w->desk.jobs;
	o->data_dir = role_config(w->role, "FIBERWISE_DATA_DIR");
	o->on_disk_failed = role_disk_failed;
	o->always = strcmp(role_config(w->role, "FIBERWISE_AUDIT_SYNC"), "always") == 0;
	snprintf(o->name, sizeof o->name, "worker-%lld", (long long)w->role->slot);
	outbox_init(o);
}

static enum err start(struct role *role, struct errinfo *ei)
{
	struct worker *w = role->state;
	const struct channel_args clerk = {.loop = role->loop, .self = IPC_WORKER, .peer = IPC_CLERK,
					   .on_message = on_clerk_message, .on_closed = on_clerk_closed, .arg = w};
	enum err e;

	w->role = role;
	w->desk.loop = role->loop;
	e = open_core(w, ei);
	if (!e)
		e = open_quota(w, ei);
	if (e)
		return e;
	join_routes(w);
	e = start_server(w, ei);
	if (e)
		return e;
	handle_init(&w->desk);
	reads_init(&w->desk);
	w->desk.jobs = jobs_start(role->loop, NULL);
	hashing_start(&w->desk.hashing, role->loop);
	start_outbox(w);
	w->desk.clerk = channel_new(&clerk);
	if (role->slot == 0)
		begin_link(w, 0);
	role_ready(role);
	return ERR_OK;
}

static void on_peer(struct role *role, enum ipc_role peer, int64_t slot, int fd)
{
	struct worker *w = role->state;

	(void)slot;
	if (peer == IPC_KEEPER) {
		keeper_client_connect(w->keeper, fd);
	} else if (peer == IPC_CLERK) {
		channel_replace(w->desk.clerk, fd);
		handle_clerk_returned(&w->desk);
	} else {
		close(fd);
	}
}

static void jobs_stopped(void *arg)
{
	struct worker *w = arg;

	outbox_done(&w->desk.outbox);
	template_directory_free(&w->desk.core.templates);
	store_close(&w->desk.core.store);
	keys_free(&w->desk.core.keys);
	keeper_client_free(&w->keeper);
	router_free(&w->desk.router);
	free(w->routes);
	cache_free(&w->desk.cache);
	stripes_unmap(&w->desk.stripes);
	buckets_unmap(&w->desk.buckets);
	role_stopped(w->role);
}

static void hashing_stopped(void *arg)
{
	struct worker *w = arg;

	jobs_stop(w->desk.jobs, jobs_stopped, w);
}

/* The server has no connection left. A job may still run for a client that broke off: it finds no clerk, and answers nobody. */
static void drained(void *arg)
{
	struct worker *w = arg;

	server_free(&w->server);
	reads_done(&w->desk);
	channel_free(&w->desk.clerk);
	handle_done(&w->desk);
	outbox_stop(&w->desk.outbox);
	hashing_stop(&w->desk.hashing, hashing_stopped, w);
}

static void on_stop(struct role *role, bool orphaned)
{
	struct worker *w = role->state;

	if (orphaned)
		_exit(0);
	handle_abandon(&w->desk);
	server_drain(w->server, drained, w);
}

int worker_main(const char *name)
{
	static const struct role_hooks hooks = {
		.start = start, .on_peer = on_peer, .on_stop = on_stop, .on_control = on_control};
	struct worker w = {.role = NULL};

	return role_run(IPC_WORKER, name, &hooks, &w);
}
