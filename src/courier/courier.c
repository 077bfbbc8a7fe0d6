/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The role: configuration, peers, messages, and an orderly end. The work is in post.c. Must never hold
 * anything at rest that it can open, and never take a request that yields tokens before it has the
 * keeper's public key.
 */
#include "courier/courier.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "courier/post.h"
#include "ipc/role.h"

enum { ARENA_BYTES = 1 << 20, RESEND_MS = 50 };

struct courier {
	struct role *role;
	struct egress egress;
	struct resolver *resolver;
	struct post *post;
	struct channel *keeper, *clerk;
	struct list unsent; /* answers that the clerk's connection had no room for */
	uv_timer_t resend;
};

/* An answer that waits for room. */
struct unsent {
	struct list node;
	struct arena *arena;
	struct ipc_message message;
};

static void unsent_free(struct unsent *u)
{
	list_remove(&u->node);
	arena_free(&u->arena);
	free(u);
}

static void drop_unsent(struct courier *c)
{
	while (!list_empty(&c->unsent))
		unsent_free(CONTAINER_OF(c->unsent.next, struct unsent, node));
	uv_timer_stop(&c->resend);
}

static void on_resend(uv_timer_t *timer)
{
	struct courier *c = timer->data;

	while (!list_empty(&c->unsent)) {
		struct unsent *u = CONTAINER_OF(c->unsent.next, struct unsent, node);

		if (channel_send(c->clerk, &u->message) == ERR_BUSY)
			return;
		unsent_free(u);
	}
	uv_timer_stop(timer);
}

/* A copy of the message that outlives what it points to. */
static void keep_unsent(struct courier *c, const struct ipc_message *m)
{
	const char *fields = ipc_fields(m->kind);
	struct unsent *u = MEM_NEW(struct unsent);

	u->arena = arena_new(ARENA_BYTES);
	u->message = *m;
	for (size_t i = 0; fields[i]; i++)
		if (fields[i] == 's')
			u->message.field[i].bytes = arena_copy(u->arena, m->field[i].bytes);
	list_append(&c->unsent, &u->node);
	uv_timer_start(&c->resend, on_resend, RESEND_MS, RESEND_MS);
}

static void send_answer(void *arg, uint64_t message_id, const struct fetch_answer *answer)
{
	struct courier *c = arg;
	CLEANUP(arena_free) struct arena *a = arena_new(ARENA_BYTES);
	struct ipc_message m;
	enum err e = ERR_BUSY;

	fetch_answer_to_message(answer, a, &m);
	m.id = message_id;
	if (list_empty(&c->unsent))
		e = channel_send(c->clerk, &m);
	/* An answer for a connection that has just ended has nobody to go to; its attempt keeps it. */
	if (e == ERR_BUSY && channel_connected(c->clerk))
		keep_unsent(c, &m);
	else if (e && e != ERR_BUSY)
		LOG(LOG_ERROR, "answer_not_sent", LOG_S("result", err_kind(e)->code));
	if (post_failed(c->post))
		post_stop(c->post);
}

/* Not heard: a clerk that is not there yet is told of all that is kept when it comes. */
static void send_holds(void *arg, struct slice attempts)
{
	struct courier *c = arg;
	struct ipc_message m = {.kind = IPC_HOLDS};

	m.field[IPC_HOLDS_ATTEMPTS].bytes = attempts;
	if (c->clerk && channel_connected(c->clerk))
		(void)channel_send(c->clerk, &m);
}

static void take_fetch(struct courier *c, const struct ipc_message *m)
{
	CLEANUP(arena_free) struct arena *a = arena_new(ARENA_BYTES);
	struct fetch_request r;

	if (fetch_from_message(m, a, &r) == ERR_OK) {
		post_fetch(c->post, m->id, &r);
		return;
	}
	LOG(LOG_ERROR, "fetch_malformed");
	if (m->id)
		send_answer(c, m->id, &(struct fetch_answer){.err = ERR_INVALID, .detail = "the request is malformed"});
}

static void on_clerk_message(struct channel *channel, struct ipc_message *m, void *arg)
{
	struct courier *c = arg;

	(void)channel;
	if (m->kind == IPC_FETCH)
		take_fetch(c, m);
	else if (m->kind == IPC_JOIN)
		post_join(c->post, m->id, m->field[IPC_JOIN_ATTEMPT].bytes);
	else if (m->kind == IPC_RELEASE)
		post_release(c->post, m->field[IPC_RELEASE_ATTEMPT].bytes);
}

static void on_clerk_closed(struct channel *channel, void *arg)
{
	struct courier *c = arg;

	(void)channel;
	drop_unsent(c);
	post_forget_waiters(c->post);
}

static void on_keeper_message(struct channel *channel, struct ipc_message *m, void *arg)
{
	struct slice public_key = m->field[IPC_SPOOL_KEYS_PUBLIC].bytes, mac_key = m->field[IPC_SPOOL_KEYS_MAC].bytes;
	struct courier *c = arg;

	(void)channel;
	if (m->kind != IPC_SPOOL_KEYS)
		return;
	if (public_key.n != MASTER_PUBLIC_BYTES || mac_key.n != MASTER_MAC_KEY_BYTES) {
		LOG(LOG_ERROR, "spool_keys_malformed");
		return;
	}
	post_set_keys(c->post, (const unsigned char *)public_key.p, (const unsigned char *)mac_key.p);
}

/* A new keeper brings the keys again; the old ones stay good. */
static void on_keeper_closed(struct channel *channel, void *arg)
{
	(void)channel;
	(void)arg;
}

static void close_all(struct courier *c)
{
	drop_unsent(c);
	uv_close((uv_handle_t *)&c->resend, NULL);
	channel_free(&c->clerk);
	channel_free(&c->keeper);
	post_free(&c->post);
	resolver_free(&c->resolver);
}

static void on_idle(void *arg)
{
	struct courier *c = arg;
	bool failed = post_failed(c->post);

	close_all(c);
	if (failed) {
		struct errinfo ei = {0};

		err_set(&ei, ERR_STORE, "the courier's spool could not be written");
		role_fail(c->role, ERR_STORE, &ei);
		return;
	}
	role_stopped(c->role);
}

static struct channel *peer_channel(struct courier *c, enum ipc_role peer, channel_message_fn *on_message,
				    channel_closed_fn *on_closed)
{
	const struct channel_args args = {.loop = c->role->loop,
					  .self = IPC_COURIER,
					  .peer = peer,
					  .on_message = on_message,
					  .on_closed = on_closed,
					  .arg = c};

	return channel_new(&args);
}

static enum err start(struct role *role, struct errinfo *ei)
{
	struct courier *c = role->state;
	const struct resolver_args resolver = {.loop = role->loop};
	struct post_args post = {.loop = role->loop,
				 .clock = &clock_system,
				 .egress = &c->egress,
				 .ca_file = role_config(role, "FIBERWISE_EGRESS_CA_FILE"),
				 .data_dir = role_config(role, "FIBERWISE_DATA_DIR"),
				 .instance = role->instance,
				 .answer = send_answer,
				 .holds = send_holds,
				 .idle = on_idle,
				 .arg = c};
	enum err e = egress_parse(slice_from(role_config(role, "FIBERWISE_EGRESS_ALLOW")), &c->egress, ei);

	if (e)
		return e;
	c->role = role;
	e = resolver_new(&resolver, &c->resolver, ei);
	if (e)
		return e;
	post.resolver = c->resolver;
	e = post_new(&post, &c->post, ei);
	if (e) {
		resolver_free(&c->resolver);
		return e;
	}
	list_init(&c->unsent);
	uv_timer_init(role->loop, &c->resend);
	c->resend.data = c;
	c->keeper = peer_channel(c, IPC_KEEPER, on_keeper_message, on_keeper_closed);
	c->clerk = peer_channel(c, IPC_CLERK, on_clerk_message, on_clerk_closed);
	role_ready(role);
	return ERR_OK;
}

/* What its predecessor did not release, it asks for or releases: else a slot is lost for a day each time a clerk dies. */
static void meet_clerk(struct courier *c, int fd)
{
	channel_replace(c->clerk, fd);
	post_offer(c->post);
}

static void on_peer(struct role *role, enum ipc_role peer, int64_t slot, int fd)
{
	struct courier *c = role->state;

	(void)slot;
	if (peer == IPC_KEEPER)
		channel_replace(c->keeper, fd);
	else if (peer == IPC_CLERK)
		meet_clerk(c, fd);
	else
		close(fd);
}

/* Orphaned or not: what is in flight may be a grant's only new token, so it is brought home. */
static void on_stop(struct role *role, bool orphaned)
{
	struct courier *c = role->state;

	LOG(LOG_INFO, "courier_stopping", LOG_I("orphaned", orphaned));
	post_stop(c->post);
}

int courier_main(const char *name)
{
	static const struct role_hooks hooks = {.start = start, .on_peer = on_peer, .on_stop = on_stop};
	struct courier c = {0};

	return role_run(IPC_COURIER, name, &hooks, &c);
}
