/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control by HTTP and JSON: what a test tells the adversary and asks of it. One table of routes. Must
 * never be bent by a script, and refuses what it does not understand, so that no test passes because
 * of a misspelt word.
 */
#include "support/adversary_control.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "support/adversary_call.h"
#include "support/adversary_control_grants.h"
#include "support/adversary_oauth.h"

enum { WAIT_MAX_MS = 600 * 1000, RECORD_LIMIT = 10000 };

static struct adversary_world *world_of(struct adversary_call *call)
{
	return &call->server->world;
}

/* ── script, settings, clock ── */

static enum err get_script(struct adversary_call *call)
{
	call->result = adversary_script_dump(world_of(call)->script);
	return ERR_OK;
}

static enum err put_script(struct adversary_call *call)
{
	enum err e = adversary_script_load(world_of(call)->script, call->body, &call->why);

	return e ? e : get_script(call);
}

static enum err get_config(struct adversary_call *call)
{
	call->result = adversary_config_dump(&world_of(call)->config);
	return ERR_OK;
}

static enum err put_config(struct adversary_call *call)
{
	enum err e = adversary_config_merge(&world_of(call)->config, call->body, &call->why);

	if (!e && json_object_get(call->body, "seed"))
		world_of(call)->random = (uint64_t)world_of(call)->config.seed;
	return e ? e : get_config(call);
}

/* {"ms":n}: the adversary's clock goes forward (or, negative, back) by that. */
static enum err advance(struct adversary_call *call)
{
	json_int_t ms = 0;

	if (json_unpack_ex(call->body, NULL, JSON_STRICT, "{s:I}", "ms", &ms))
		return err_set(&call->why, ERR_INVALID, "wants {\"ms\":n}");
	world_of(call)->skew_ms += ms;
	call->result = json_pack("{sI}", "now", (json_int_t)adversary_world_now(world_of(call)));
	return ERR_OK;
}

/* {} resets all; {"what":["record"]} only that. */
static enum err reset(struct adversary_call *call)
{
	static const char *const all[] = {"config", "clock", "grants", "script", "record"};
	json_t *what = json_object_get(call->body, "what");
	size_t i;
	json_t *word;

	if (json_object_size(call->body) != (size_t)(what != NULL) || (what && !json_is_array(what)))
		return err_set(&call->why, ERR_INVALID, "wants {} or {\"what\":[…]}");
	for (i = 0; !what && i < ARRAY_LEN(all); i++)
		adversary_world_reset(world_of(call), all[i]);
	json_array_foreach(
		what, i,
		word) if (!json_is_string(word) ||
			  !adversary_world_reset(
				  world_of(call),
				  json_string_value(
					  word))) return err_set(&call->why, ERR_INVALID,
								 "what: config, clock, grants, script or record");
	call->result = json_object();
	return ERR_OK;
}

/* ── the record ── */

static enum err read_endpoint(struct adversary_call *call, enum adversary_endpoint *ret_endpoint)
{
	struct slice name = adversary_params_get(&call->query, "endpoint");

	*ret_endpoint = ADVERSARY_ANY;
	if (name.n && !adversary_request_endpoint_find(arena_strndup(call->arena, name), ret_endpoint))
		return err_set(&call->why, ERR_INVALID, "endpoint: there is none of that name");
	return ERR_OK;
}

static enum err get_record(struct adversary_call *call)
{
	enum adversary_endpoint endpoint;
	uint64_t after, limit;
	enum err e = read_endpoint(call, &endpoint);

	if (!e)
		e = adversary_call_number(call, "after", 0, INT64_MAX, &after);
	if (!e)
		e = adversary_call_number(call, "limit", RECORD_LIMIT, RECORD_LIMIT, &limit);
	if (!e)
		call->result = adversary_record_dump(world_of(call)->record, endpoint, after, (size_t)limit);
	return e;
}

static enum err get_counters(struct adversary_call *call)
{
	call->result = adversary_record_dump_counters(world_of(call)->record);
	return ERR_OK;
}

static void put_count(struct adversary_conn *conn, bool reached, json_t **ret_result)
{
	const struct adversary_counters *c = adversary_record_counters(conn->server->world.record);

	*ret_result = json_pack("{sb sI}", "reached", reached, "count", (json_int_t)c->requests[conn->awaited]);
}

static bool reached(struct adversary_conn *conn)
{
	return adversary_record_counters(conn->server->world.record)->requests[conn->awaited] >= conn->awaited_hits;
}

static void give(struct adversary_conn *conn, json_t *result)
{
	struct adversary_answer *a = conn->play.answer;
	char *text = json_dumps(result, JSON_COMPACT);

	a->form = ADVERSARY_BODY;
	a->content_type = SLICE_LIT("application/json");
	adversary_wire_add(&a->body, slice_from(arena_strdup(a->arena, text ? text : "{}")), 1);
	free(text);
	json_decref(result);
}

static void end_wait(struct adversary_conn *conn, bool is_reached)
{
	json_t *result;

	list_remove(&conn->waiting);
	uv_timer_stop(&conn->timer);
	put_count(conn, is_reached, &result);
	give(conn, result);
	adversary_play_answer(conn);
}

static void on_wait_over(uv_timer_t *timer)
{
	end_wait(timer->data, false);
}

void adversary_control_notice(struct adversary_server *server)
{
	struct list *node = server->waiters.next;

	while (node != &server->waiters) {
		struct adversary_conn *conn = CONTAINER_OF(node, struct adversary_conn, waiting);

		node = node->next;
		if (reached(conn))
			end_wait(conn, true);
	}
}

/* ?endpoint=token&hits=2&timeout_ms=5000: answers once that many requests have come in. */
static enum err wait_for(struct adversary_call *call)
{
	struct adversary_conn *conn = call->conn;
	uint64_t hits, timeout_ms;
	enum err e = read_endpoint(call, &conn->awaited);

	if (!e)
		e = adversary_call_number(call, "hits", 1, INT64_MAX, &hits);
	if (!e)
		e = adversary_call_number(call, "timeout_ms", 5000, WAIT_MAX_MS, &timeout_ms);
	if (e)
		return e;
	if (conn->awaited == ADVERSARY_ANY)
		return err_set(&call->why, ERR_INVALID, "endpoint: is missing");
	conn->awaited_hits = hits;
	if (reached(conn)) {
		put_count(conn, true, &call->result);
		return ERR_OK;
	}
	list_append(&conn->server->waiters, &conn->waiting);
	uv_timer_start(&conn->timer, on_wait_over, timeout_ms, 0);
	call->later = true;
	return ERR_OK;
}

/* ── the sockets ── */

/* {"open":false}: connecting to the provider port is refused; the control port stays. */
static enum err put_listen(struct adversary_call *call)
{
	int open;
	enum err e;

	if (json_unpack_ex(call->body, NULL, JSON_STRICT, "{s:b}", "open", &open))
		return err_set(&call->why, ERR_INVALID, "wants {\"open\":true} or false");
	if (!open && !call->conn->is_control)
		return err_set(&call->why, ERR_CONFLICT, "ask this on the control port");
	e = adversary_server_listen(call->server, open, &call->why);
	if (!e)
		call->result = json_pack("{sb}", "open", open);
	return e;
}

static enum err stop(struct adversary_call *call)
{
	call->result = json_object();
	raise(SIGTERM);
	return ERR_OK;
}

static const struct {
	const char *method, *path;
	enum err (*handle)(struct adversary_call *call);
} routes[] = {
	{"GET", "/_adversary/script", get_script},
	{"POST", "/_adversary/script", put_script},
	{"GET", "/_adversary/config", get_config},
	{"POST", "/_adversary/config", put_config},
	{"POST", "/_adversary/advance", advance},
	{"POST", "/_adversary/reset", reset},
	{"GET", "/_adversary/record", get_record},
	{"GET", "/_adversary/counters", get_counters},
	{"GET", "/_adversary/wait", wait_for},
	{"GET", "/_adversary/grants", adversary_control_grants_list},
	{"POST", "/_adversary/grants", adversary_control_grants_make},
	{"POST", "/_adversary/alive", adversary_control_grants_alive},
	{"POST", "/_adversary/end", adversary_control_grants_end},
	{"POST", "/_adversary/listen", put_listen},
	{"POST", "/_adversary/stop", stop},
};

static enum err dispatch(struct adversary_call *call)
{
	const struct adversary_request *r = &call->conn->request;
	bool post = slice_is(r->method, "POST");

	if (!adversary_params_parse(r->query, call->arena, &call->query))
		return err_set(&call->why, ERR_INVALID, "the query is malformed");
	if (post) {
		json_error_t why;

		call->body = r->body.n ? json_loadb(r->body.p, r->body.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why)
				       : json_object();
		if (!call->body)
			return err_set(&call->why, ERR_INVALID, "the body is not JSON: line %d: %s", why.line,
				       why.text);
	}
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if (slice_is(r->path, routes[i].path) && slice_is(r->method, routes[i].method))
			return routes[i].handle(call);
	return err_set(&call->why, ERR_NOT_FOUND, "the control interface has no such route");
}

bool adversary_control_answer(struct adversary_conn *conn)
{
	struct adversary_call call = {.server = conn->server, .conn = conn, .arena = conn->play.arena};
	enum err e = dispatch(&call);

	json_decref(call.body);
	conn->play.answer->status = e ? err_kind(e)->http_status : 200;
	if (e)
		give(conn, json_pack("{ss}", "error", call.why.detail));
	else if (!call.later)
		give(conn, call.result);
	return e || !call.later;
}
