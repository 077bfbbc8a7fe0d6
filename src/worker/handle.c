/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request through the worker. Must never run a handler on the loop, and never wait for the
 * clerk longer than 15 s (API.md): the clerk goes on without the caller.
 */
#include "worker/handle.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "call/call.h"
#include "ui/routes.h"
#include "worker/reads.h"

enum { CLERK_WAIT_MS = 15 * 1000, TICK_MS = 250, RETRY_AFTER_S = 5, SIGN_IN_AGAIN_S = 2 };

/* One request under way. Lives in the request's arena, so it ends with the answer. */
struct handling {
	struct handle_desk *desk;
	struct exchange *exchange;
	const struct call_route *route;
	const char *pattern;
	struct call call;
	struct response response;
	struct call_reply reply;
	struct job job;
	struct hashing_check check;
	struct outbox_item records;
	enum err err;
	struct errinfo why;
	struct list node;       /* in desk->waiting */
	uint64_t message_id;
	uint64_t epoch; /* before its first row was read */
	int64_t began_ms, give_up_ms;
};

static bool is_page(const struct call_route *route, const struct request *request)
{
	return route ? route->page : !slice_starts(request->path, "/api/");
}

static void write_error(struct response *r, const struct request *request, bool page, enum err e, int status,
			const struct errinfo *ei)
{
	if (page)
		ui_error(r, request->id, e, status, ei);
	else
		call_error_json(r, request->id, e, status, ei);
}

void handle_error(struct response *r, const struct request *request, enum err e, int status, const struct errinfo *ei,
		  void *arg)
{
	(void)arg;
	write_error(r, request, false, e, status, ei);
}

static void run_handler(struct job *job)
{
	struct handling *h = CONTAINER_OF(job, struct handling, job);
	struct call *c = &h->call;

	outbox_begin(&h->desk->outbox, &h->records);
	h->err = ERR_OK;
	if (!c->reply)
		h->epoch = stripes_epoch(h->desk->stripes);
	/* A key is looked at again: it may have been revoked while this waited for the clerk (AP-07). */
	if (!c->reply || c->caller.kind == CALLER_KEY)
		h->err = call_prepare(c, h->route, &h->why);
	if (!h->err)
		h->err = h->route->handler(c, &h->why);
	outbox_end(&h->desk->outbox);
}

/* The clerk tells the provider in its own time; a message that is not heard is found by its next look through the store. */
static void send_revokes(struct handling *h)
{
	for (size_t i = 0; h->desk->clerk && i < h->call.revoke_count; i++) {
		struct ipc_message m = {.kind = IPC_REVOKE};

		m.field[IPC_REVOKE_GRANT].bytes = slice_from(h->call.revoke[i]);
		(void)channel_send(h->desk->clerk, &m);
	}
}

/* A page that needs a sign-in leads to it; after it the browser comes back to a page it may GET. */
static bool leads_to_sign_in(const struct handling *h)
{
	return h->err == ERR_UNAUTHENTICATED && h->route->page && h->route->who == CALL_SESSION &&
	       h->call.request->method == HTTP_M_GET;
}

void handle_log(const struct handle_line *line)
{
	const struct request *r = line->request;
	enum log_level level = line->err ? (enum log_level)err_kind(line->err)->log_level : LOG_DEBUG;

	metrics_add_status(METRIC_REQUESTS_2XX, line->status);
	/* Paths may hold tokens of links and codes are in queries: only the route's pattern is logged. */
	if (log_wants(level))
		LOG(level, "request", LOG_S("id", r->id), LOG_S("route", line->pattern), LOG_I("method", r->method),
		    LOG_I("status", line->status), LOG_S("actor", line->actor ? line->actor : "nobody"), LOG_S("detail", line->detail),
		    LOG_I("ms", clock_mono_ms(&clock_system) - line->began_ms));
}

static void log_request(const struct handling *h)
{
	metrics_add_time(METRIC_TIME_REQUEST, clock_mono_ms(&clock_system) - h->began_ms);
	if (h->route && h->route->handler == api_tokens_read && !h->err)
		metrics_add(h->call.reply ? METRIC_READS_PROVIDER : METRIC_READS_DATABASE);
	handle_log(&(const struct handle_line){.request = h->call.request, .pattern = h->pattern, .actor = h->call.caller.actor,
					       .err = h->err, .detail = h->err ? h->why.detail : "",
					       .status = h->response.status, .began_ms = h->began_ms});
}

/* The path and query, to come back to. */
static struct slice target_of(const struct handling *h)
{
	const struct request *r = h->call.request;

	if (!r->query.n)
		return r->path;
	return slice_from(arena_printf(h->call.arena, "%.*s?%.*s", SLICE_ARG(r->path), SLICE_ARG(r->query)));
}

/* The records are written, or nothing of what was prepared may leave (LG-03). */
static void deliver(struct outbox_item *item, enum err e, const struct errinfo *why)
{
	struct handling *h = CONTAINER_OF(item, struct handling, records);
	struct exchange *x = h->exchange;
	struct response response;

	if (e) {
		h->err = e;
		h->why = *why;
		response_done(&h->response); /* wipes it */
		response_init(&h->response);
		write_error(&h->response, h->call.request, is_page(h->route, h->call.request), e, 0, why);
	}
	log_request(h);
	h->desk->running--;
	response = h->response; /* `h` goes with the request's arena */
	server_answer(x, &response);
	response_done(&response);
}

static void answer(struct handling *h)
{
	if (leads_to_sign_in(h)) {
		bool first = true;
		struct buf to;

		buf_init(&to, 32 * 1024);
		buf_puts(&to, "/login");
		url_put_param(&to, &first, "next", target_of(h));
		response_redirect(&h->response, 303, buf_slice(&to));
		buf_done(&to);
	} else if (h->err) {
		write_error(&h->response, h->call.request, is_page(h->route, h->call.request), h->err, 0, &h->why);
	}
	if (!h->err && h->call.kept)
		reads_keep(h->desk, &h->call, h->epoch);
	if (!h->err)
		send_revokes(h);
	h->records.request = h->call.request->id;
	h->records.actor = h->call.caller.actor;
	h->records.result = h->err ? err_wire_code(h->err, &h->why) : "ok";
	outbox_put(&h->desk->outbox, &h->records);
}

static void ask_clerk(struct handling *h)
{
	const struct call_ask *ask = &h->call.ask;
	struct ipc_message m = {.kind = IPC_REFRESH};

	m.id = h->message_id = channel_next_id(h->desk->clerk);
	if (ask->kind == CALL_ASK_DISCOVER) {
		m.kind = IPC_DISCOVER;
		m.field[IPC_DISCOVER_ISSUER].bytes = slice_from(ask->subject);
	} else if (ask->kind == CALL_ASK_EXCHANGE) {
		m.kind = IPC_EXCHANGE;
		m.field[IPC_EXCHANGE_FLOW].bytes = slice_from(ask->subject);
		m.field[IPC_EXCHANGE_CODE].bytes = secret_expose(ask->code);
	} else {
		m.field[IPC_REFRESH_GRANT].bytes = slice_from(ask->subject);
		m.field[IPC_REFRESH_MIN_LIFE_MS].number = ask->min_life_ms;
		m.field[IPC_REFRESH_NEWER_THAN].number = ask->newer_than;
	}
	(void)channel_send(h->desk->clerk, &m); /* without a clerk its successor is asked */
}

static void on_deadline(uv_timer_t *timer);

static void wait_for_clerk(struct handling *h)
{
	struct handle_desk *d = h->desk;

	h->give_up_ms = clock_mono_ms(&clock_system) + CLERK_WAIT_MS;
	list_append(&d->waiting, &h->node);
	ask_clerk(h);
	if (!uv_is_active((uv_handle_t *)&d->deadline))
		uv_timer_start(&d->deadline, on_deadline, TICK_MS, TICK_MS);
}

/* The reply is there: the handler runs again with it. */
static void resume(struct handling *h)
{
	list_remove(&h->node);
	h->call.reply = &h->reply;
	jobs_submit(h->desk->jobs, &h->job);
}

static void password_checked(struct hashing_check *check)
{
	struct handling *h = CONTAINER_OF(check, struct handling, check);

	h->reply = (struct call_reply){.matches = check->matches};
	resume(h);
}

static void check_password(struct handling *h)
{
	h->check = (struct hashing_check){.password = h->call.ask.password, .stored = h->call.ask.stored, .done = password_checked};
	if (hashing_submit(&h->desk->hashing, &h->check))
		return;
	metrics_add(METRIC_THROTTLED_UNDER_WAY);
	h->reply = (struct call_reply){.err = ERR_LIMIT};
	err_set(&h->reply.why, ERR_LIMIT, "too many sign-ins are being checked at this moment");
	err_hint(&h->reply.why, ERR_LIMIT, "Try again in a moment.");
	h->reply.why.retry_after_s = SIGN_IN_AGAIN_S;
	resume(h);
}

static void handler_done(struct job *job)
{
	struct handling *h = CONTAINER_OF(job, struct handling, job);

	outbox_opened(&h->desk->outbox, &h->records);
	/* The client broke off, so the server is drained, and the worker is at its end: what was noted is still recorded. */
	if (!h->err && h->call.ask.kind != CALL_ASK_NOTHING && !h->call.reply && !h->desk->clerk)
		h->err = err_set(&h->why, ERR_BUSY, "the service is stopping");
	if (h->err || h->call.ask.kind == CALL_ASK_NOTHING || h->call.reply)
		answer(h);
	else if (h->call.ask.kind == CALL_ASK_PASSWORD)
		check_password(h);
	else
		wait_for_clerk(h);
}

static void give_up(struct handling *h, enum err e, const char *detail)
{
	h->reply = (struct call_reply){.err = e};
	err_set(&h->reply.why, e, "%s", detail);
	err_hint(&h->reply.why, e, "Try again in a moment: what was begun goes on.");
	h->reply.why.retry_after_s = RETRY_AFTER_S;
	resume(h);
}

static void on_deadline(uv_timer_t *timer)
{
	struct handle_desk *d = timer->data;
	int64_t now = clock_mono_ms(&clock_system);

	while (!list_empty(&d->waiting)) {
		struct handling *h = CONTAINER_OF(d->waiting.next, struct handling, node);

		if (h->give_up_ms > now)
			return;
		give_up(h, ERR_TIMEOUT, "the provider has not answered within 15 seconds");
	}
	uv_timer_stop(timer);
}

static struct handling *find_waiting(struct handle_desk *d, uint64_t message_id)
{
	for (struct list *n = d->waiting.next; n != &d->waiting; n = n->next) {
		struct handling *h = CONTAINER_OF(n, struct handling, node);

		if (h->message_id == message_id)
			return h;
	}
	return NULL;
}

static void copy_text(char *to, size_t cap, struct slice text)
{
	size_t n = text.n < cap - 1 ? text.n : cap - 1;

	if (n)
		memcpy(to, text.p, n);
	to[n] = '\0';
}

void handle_clerk_message(struct handle_desk *d, struct ipc_message *m)
{
	struct handling *h = find_waiting(d, m->id);
	int64_t e = m->field[IPC_RESULT_ERR].number, retry_after_s = m->field[IPC_RESULT_RETRY_AFTER_S].number;

	if (!h)
		return;
	h->reply = (struct call_reply){.err = e >= 0 && e < ERR__COUNT ? (enum err)e : ERR_INTERNAL};
	copy_text(h->reply.why.code, sizeof h->reply.why.code, m->field[IPC_RESULT_CODE].bytes);
	copy_text(h->reply.why.detail, sizeof h->reply.why.detail, m->field[IPC_RESULT_DETAIL].bytes);
	copy_text(h->reply.why.hint, sizeof h->reply.why.hint, m->field[IPC_RESULT_HINT].bytes);
	copy_text(h->reply.why.cause, sizeof h->reply.why.cause, m->field[IPC_RESULT_CAUSE].bytes);
	if (m->kind == IPC_DISCOVERED)
		h->reply.document = arena_copy(h->call.arena, m->field[IPC_DISCOVERED_DOCUMENT].bytes);
	h->reply.why.retry_after_s = retry_after_s > 0 && retry_after_s < INT_MAX ? (unsigned)retry_after_s : 0;
	resume(h);
}

void handle_clerk_returned(struct handle_desk *d)
{
	for (struct list *n = d->waiting.next; n != &d->waiting; n = n->next)
		ask_clerk(CONTAINER_OF(n, struct handling, node));
}

void handle_abandon(struct handle_desk *d)
{
	while (!list_empty(&d->waiting))
		give_up(CONTAINER_OF(d->waiting.next, struct handling, node), ERR_BUSY, "the service is stopping");
}

static enum err find_route(struct handle_desk *d, struct request *request, const struct route **ret_route,
			   struct response *r)
{
	const char *allow = NULL;
	struct errinfo ei = {0};
	enum err e = router_find(d->router, request, ret_route, &allow);

	if (!e)
		return e;
	if (allow) {
		r->allow = allow;
		err_set(&ei, e, "this path does not take that method, only %s", allow);
		write_error(r, request, is_page(NULL, request), ERR_INVALID, 405, &ei);
	} else {
		err_set(&ei, ERR_NOT_FOUND, "there is nothing at this path");
		write_error(r, request, is_page(NULL, request), ERR_NOT_FOUND, 404, &ei);
	}
	return e;
}

/* Whether the service lives is asked by who watches it, and a flood must not make it look dead. */
static bool is_uncounted(const struct call_route *route)
{
	return route->handler == api_status_health || route->handler == api_status_ready;
}

void handle_refuse(struct exchange *x, struct handle_line line, bool page, const struct errinfo *why)
{
	struct response r;

	response_init(&r);
	write_error(&r, line.request, page, line.err, 0, why);
	line.detail = why->detail;
	line.status = r.status;
	handle_log(&line);
	server_answer(x, &r);
	response_done(&r);
}

/* Who has had his share is refused before it costs the store thread anything. */
static bool is_refused(struct handle_desk *d, struct exchange *x, const struct request *request, const struct route *route,
		       bool *ret_counted)
{
	struct errinfo why = {.detail = ""};
	enum err e = is_uncounted(route->handler) ? ERR_OK : call_admit(&d->quota, request, ret_counted, &why);

	if (e)
		handle_refuse(x, (struct handle_line){.request = request, .pattern = route->pattern, .err = e,
						      .began_ms = clock_mono_ms(&clock_system)},
			      is_page(route->handler, request), &why);
	return e != ERR_OK;
}

void handle_request(struct exchange *x, const struct request *request, void *arg)
{
	struct handle_desk *d = arg;
	/* The server hands out its own request; path parameters are filled in here, before any handler sees it. */
	struct request *mine = (struct request *)(uintptr_t)request;
	const struct route *route = NULL;
	struct response refused;
	struct handling *h;
	bool counted = false;

	response_init(&refused);
	if (find_route(d, mine, &route, &refused)) {
		server_answer(x, &refused);
		response_done(&refused);
		return;
	}
	response_done(&refused);
	if (reads_answer(d, x, request, route->handler, route->pattern) || is_refused(d, x, request, route, &counted))
		return;
	h = ARENA_NEW(request->arena, struct handling);
	h->desk = d;
	h->exchange = x;
	h->route = route->handler;
	h->pattern = route->pattern;
	h->began_ms = clock_mono_ms(&clock_system);
	list_init(&h->node);
	response_init(&h->response);
	outbox_item_init(&h->records, deliver);
	h->call.core = &d->core;
	h->call.quota = &d->quota;
	h->call.is_counted = counted;
	h->call.request = request;
	h->call.arena = request->arena;
	h->call.response = &h->response;
	h->job = (struct job){.run = run_handler, .done = handler_done};
	d->running++;
	jobs_submit(d->jobs, &h->job);
}

void handle_init(struct handle_desk *d)
{
	list_init(&d->waiting);
	uv_timer_init(d->loop, &d->deadline);
	d->deadline.data = d;
}

void handle_done(struct handle_desk *d)
{
	uv_close((uv_handle_t *)&d->deadline, NULL);
}
