/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the name servers, driven by libuv: c-ares' sockets through uv_poll, its retries through
 * one timer, our deadline through a timer of each question. A question that was given up lives on in
 * here until c-ares lets go of it. Must never decide which address is good; that is egress.
 */
#include "courier/resolve.h"

#include <ares.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	TRY_TIMEOUT_MS = 2000,
	TRIES = 3,
	HOST_MAX_BYTES = 256,
	FRESH_MS = 60000, /* after that resolv.conf is read again, when nothing is running */
};

struct resolver {
	uv_loop_t *loop;
	ares_channel channel;
	uv_timer_t timer;
	char *servers;
	struct list watches;
	size_t running;
	uint64_t opened_at;
};

struct resolve_query {
	struct resolver *resolver;
	struct resolve *owner; /* NULL: given up */
	uv_timer_t timer;
	uint16_t port;
	bool asked; /* c-ares will call back */
};

struct watch {
	struct list node;
	uv_poll_t poll;
	struct resolver *resolver;
	ares_socket_t fd;
};

static void arm(struct resolver *s);

static void on_retry(uv_timer_t *timer)
{
	struct resolver *s = timer->data;

	ares_process_fd(s->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(s);
}

static void arm(struct resolver *s)
{
	struct timeval left, *next = ares_timeout(s->channel, NULL, &left);

	if (!next) {
		uv_timer_stop(&s->timer);
		return;
	}
	uv_timer_start(&s->timer, on_retry, (uint64_t)next->tv_sec * 1000 + (uint64_t)next->tv_usec / 1000 + 1, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	struct resolver *s = w->resolver;
	ares_socket_t fd = w->fd;

	/* A socket in error is both: c-ares finds out by itself. */
	if (status < 0)
		events = UV_READABLE | UV_WRITABLE;
	ares_process_fd(s->channel, events & UV_READABLE ? fd : ARES_SOCKET_BAD,
			events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
	arm(s);
}

static void on_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static struct watch *watch_of(struct resolver *s, ares_socket_t fd)
{
	for (struct list *node = s->watches.next; node != &s->watches; node = node->next) {
		struct watch *w = CONTAINER_OF(node, struct watch, node);

		if (w->fd == fd)
			return w;
	}
	return NULL;
}

static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *s = arg;
	struct watch *w = watch_of(s, fd);

	if (!readable && !writable) {
		if (!w)
			return;
		list_remove(&w->node);
		uv_close((uv_handle_t *)&w->poll, on_watch_closed);
		return;
	}
	if (!w) {
		w = MEM_NEW(struct watch);
		w->resolver = s;
		w->fd = fd;
		if (uv_poll_init(s->loop, &w->poll, fd) != 0) {
			free(w);
			return;
		}
		w->poll.data = w;
		list_append(&s->watches, &w->node);
	}
	uv_poll_start(&w->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

static enum err open_channel(struct resolver *s, struct errinfo *ei)
{
	static char lookups[] = "fb";
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH,
		.timeout = TRY_TIMEOUT_MS,
		.tries = TRIES,
		.lookups = lookups,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = s,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
	int status = ares_init_options(&s->channel, &options, mask);

	if (status == ARES_SUCCESS && s->servers) {
		status = ares_set_servers_ports_csv(s->channel, s->servers);
		if (status != ARES_SUCCESS)
			ares_destroy(s->channel);
	}
	if (status != ARES_SUCCESS)
		return err_set(ei, ERR_CONFIG, "the name resolver cannot start: %s", ares_strerror(status));
	s->opened_at = uv_now(s->loop);
	return ERR_OK;
}

enum err resolver_new(const struct resolver_args *args, struct resolver **ret_resolver, struct errinfo *ei)
{
	struct resolver *s = MEM_NEW(struct resolver);
	enum err e;

	list_init(&s->watches);
	s->loop = args->loop;
	s->servers = args->servers ? mem_strdup(args->servers) : NULL;
	e = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS
		    ? open_channel(s, ei)
		    : err_set(ei, ERR_CONFIG, "the name resolver cannot start");
	if (e) {
		mem_free_str(&s->servers);
		free(s);
		return e;
	}
	uv_timer_init(s->loop, &s->timer);
	s->timer.data = s;
	*ret_resolver = s;
	return ERR_OK;
}

static void on_resolver_closed(uv_handle_t *handle)
{
	struct resolver *s = handle->data;

	mem_free_str(&s->servers);
	free(s);
}

void resolver_free(struct resolver **rp)
{
	struct resolver *s = rp ? *rp : NULL;

	if (!s)
		return;
	*rp = NULL;
	ares_destroy(s->channel);
	ares_library_cleanup();
	uv_close((uv_handle_t *)&s->timer, on_resolver_closed);
}

/*
 * The sandbox lets the courier read the file that was there at its start, not one that took its place (ipc/sandbox_files.c).
 * c-ares would then ask this machine itself in silence; the servers that are known are the better guess.
 */
static bool may_read_servers(void)
{
	int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != EACCES;
}

/* The channel reads resolv.conf once; a machine that moves to another network must not need a restart. */
static void refresh_channel(struct resolver *s)
{
	ares_channel old = s->channel;

	if (s->running > 0 || uv_now(s->loop) - s->opened_at < FRESH_MS)
		return;
	if (!may_read_servers()) {
		LOG(LOG_WARN, "name_servers_not_read", LOG_S("hint", "/etc/resolv.conf was replaced: restart the service to use it"));
		s->opened_at = uv_now(s->loop);
		return;
	}
	if (open_channel(s, NULL) == ERR_OK)
		ares_destroy(old);
	else
		s->channel = old;
}

static void on_query_closed(uv_handle_t *handle)
{
	struct resolve_query *q = handle->data;

	/* While c-ares still holds it, its callback frees it. */
	if (q->asked)
		handle->data = NULL;
	else
		free(q);
}

/* Parts question and owner; the question goes when timer and c-ares are done with it. */
static void detach(struct resolve_query *q)
{
	q->owner->query = NULL;
	q->owner = NULL;
	uv_close((uv_handle_t *)&q->timer, on_query_closed);
}

static void deliver(uv_timer_t *timer)
{
	struct resolve_query *q = timer->data;
	struct resolve *r = q->owner;

	if (q->asked) {
		r->err = ERR_UPSTREAM_DOWN;
		r->cause = "the name servers did not answer in time";
	}
	detach(q);
	r->done(r);
}

static void take_addresses(struct resolve *r, const struct ares_addrinfo *found, uint16_t port)
{
	r->err = ERR_UPSTREAM_DOWN;
	r->count = 0;
	for (const struct ares_addrinfo_node *n = found->nodes; n; n = n->ai_next) {
		if (r->count == RESOLVE_ADDRESSES_MAX) {
			r->cause = "the name has too many addresses";
			return;
		}
		if (!egress_peer_from(n->ai_addr, n->ai_addrlen, &r->peer[r->count]))
			continue;
		r->peer[r->count].port = port;
		r->count++;
	}
	r->cause = r->count ? "" : "the name has no address";
	r->err = r->count ? ERR_OK : ERR_UPSTREAM_DOWN;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct resolve_query *q = arg;

	(void)timeouts;
	q->asked = false;
	q->resolver->running--;
	if (q->owner && status == ARES_SUCCESS) {
		take_addresses(q->owner, found, q->port);
	} else if (q->owner) {
		q->owner->err = ERR_UPSTREAM_DOWN;
		q->owner->cause = ares_strerror(status);
	}
	if (status == ARES_SUCCESS)
		ares_freeaddrinfo(found);
	if (q->owner)
		uv_timer_start(&q->timer, deliver, 0, 0);
	else if (!q->timer.data)
		free(q); /* its timer has closed already */
}

void resolve_start(struct resolver *s, struct resolve *r, struct slice host, uint16_t port, int64_t timeout_ms)
{
	struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
	struct resolve_query *q = MEM_NEW(struct resolve_query);
	char name[HOST_MAX_BYTES] = "";

	q->resolver = s;
	q->owner = r;
	q->port = port;
	uv_timer_init(s->loop, &q->timer);
	q->timer.data = q;
	r->query = q;
	r->count = 0;
	if (host.n == 0 || host.n >= sizeof name) {
		r->err = ERR_UPSTREAM_DOWN;
		r->cause = "the name is empty or too long";
		uv_timer_start(&q->timer, deliver, 0, 0);
		return;
	}
	memcpy(name, host.p, host.n);
	refresh_channel(s);
	s->running++;
	q->asked = true;
	uv_timer_start(&q->timer, deliver, (uint64_t)timeout_ms, 0);
	ares_getaddrinfo(s->channel, name, NULL, &hints, on_answer, q);
	arm(s);
}

void resolve_abort(struct resolve *r)
{
	if (r->query)
		detach(r->query);
}
