/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage: every request passes the same acts (delay, commit, delay, answer, delivery), and a rule
 * changes what happens in each. Once begun, a request reaches its commit even when its client has
 * gone, as at a real provider. Must never send a byte that neither the honest answer nor the rule has.
 */
#include "support/adversary_play.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "support/adversary_conn.h"
#include "support/adversary_control.h"
#include "support/adversary_oauth.h"
#include "support/adversary_twist.h"

enum { ARENA_MAX = 1 << 30, DRIP_MS = 50, RST_DELAY_MS = 20, PIECES_A_TURN = 16 };

static void pump(struct adversary_conn *conn);

static const char *const outcomes[] = {
	[ADVERSARY_KEEP] = "answered",		[ADVERSARY_CLOSE] = "closed",  [ADVERSARY_RST] = "rst",
	[ADVERSARY_HALF_CLOSE] = "half_closed", [ADVERSARY_STALL] = "stalled",
};

static void note(struct adversary_conn *conn, const char *outcome)
{
	struct adversary_play *play = &conn->play;

	if (play->number)
		adversary_record_outcome(conn->server->world.record, play->number, outcome,
					 play->answer && play->sent_any ? play->answer->status : 0);
}

static void leave_grant(struct adversary_conn *conn)
{
	struct adversary_grant *grant = adversary_grants_get(conn->server->world.grants, conn->play.grant);

	if (grant && grant->in_flight)
		grant->in_flight--;
	conn->play.grant = 0;
}

void adversary_play_done(struct adversary_conn *conn)
{
	struct adversary_play *play = &conn->play;

	leave_grant(conn);
	adversary_rule_release(&play->rule);
	arena_free(&play->arena);
	free(play->rest);
	*play = (struct adversary_play){0};
}

static void end(struct adversary_conn *conn, const char *outcome)
{
	note(conn, outcome);
	adversary_play_done(conn);
	adversary_conn_done(conn);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
	(void)status;
	free(request);
}

static void on_rst_time(uv_timer_t *timer)
{
	struct adversary_conn *conn = timer->data;

	adversary_conn_close(conn, true);
	end(conn, outcomes[ADVERSARY_RST]);
}

/* All bytes are out: what becomes of the connection. */
static void finish(struct adversary_conn *conn)
{
	struct adversary_play *play = &conn->play;
	enum adversary_then then = play->delivery.then;
	uint32_t grant = play->grant;

	if (then == ADVERSARY_RST && play->sent_any && !conn->closing) {
		/* At once it would overtake what was sent. */
		uv_timer_start(&conn->timer, on_rst_time, RST_DELAY_MS, 0);
		return;
	}
	if (then == ADVERSARY_RST || then == ADVERSARY_CLOSE || (then == ADVERSARY_KEEP && play->close_after))
		adversary_conn_close(conn, then == ADVERSARY_RST);
	if (then == ADVERSARY_HALF_CLOSE && !conn->closing) {
		uv_shutdown_t *request = MEM_NEW(uv_shutdown_t);

		if (uv_shutdown(request, (uv_stream_t *)&conn->tcp, on_shutdown))
			free(request);
	}
	if (then == ADVERSARY_HALF_CLOSE || then == ADVERSARY_STALL) {
		conn->mute = true;
		play->grant = 0;
		end(conn, outcomes[then]);
		/* To its client the request is still open. */
		if (!conn->closing)
			conn->play.grant = grant;
		return;
	}
	end(conn, outcomes[then]);
}

/* ── delivery ── */

static void on_written(uv_write_t *request, int status)
{
	struct adversary_conn *conn = CONTAINER_OF(request, struct adversary_conn, play.write);

	free(conn->play.rest);
	conn->play.rest = NULL;
	if (status)
		adversary_conn_close(conn, false);
	pump(conn);
}

static void on_drip(uv_timer_t *timer)
{
	pump(timer->data);
}

/* How much may go out now, and when the next piece is due; 0: without limit. */
static size_t ration(const struct adversary_play *play, uint64_t *ret_next_ms)
{
	uint64_t rate = (uint64_t)play->delivery.bytes_per_s;
	uint64_t bytes = rate * DRIP_MS / 1000;

	*ret_next_ms = 0;
	if (rate == 0)
		return ADVERSARY_PIECE_BYTES;
	*ret_next_ms = bytes ? DRIP_MS : 1000 / rate;
	if (bytes > ADVERSARY_PIECE_BYTES)
		return ADVERSARY_PIECE_BYTES;
	return bytes ? (size_t)bytes : 1;
}

/* Hands `n` bytes of the scratch to the kernel; false when the rest of them must wait or it failed. */
static bool send_piece(struct adversary_conn *conn, size_t n)
{
	struct adversary_play *play = &conn->play;
	uv_buf_t piece = uv_buf_init(conn->server->scratch, (unsigned)n);
	int sent = uv_try_write((uv_stream_t *)&conn->tcp, &piece, 1);

	if (sent == (int)n)
		return true;
	if (sent < 0 && sent != UV_EAGAIN) {
		adversary_conn_close(conn, false);
		return true;
	}
	if (sent < 0)
		sent = 0;
	n -= (size_t)sent;
	play->rest = mem_calloc(n, 1);
	memcpy(play->rest, conn->server->scratch + sent, n);
	piece = uv_buf_init(play->rest, (unsigned)n);
	if (uv_write(&play->write, (uv_stream_t *)&conn->tcp, &piece, 1, on_written)) {
		adversary_conn_close(conn, false);
		return true;
	}
	return false;
}

static void pump(struct adversary_conn *conn)
{
	struct adversary_play *play = &conn->play;

	if (!conn->busy)
		return;
	for (int turn = 0; play->left && !conn->closing; turn++) {
		uint64_t next_ms;
		size_t n = ration(play, &next_ms);

		if (turn && (next_ms || turn == PIECES_A_TURN)) {
			uv_timer_start(&conn->timer, on_drip, next_ms, 0);
			return;
		}
		n = adversary_wire_read(&play->wire, conn->server->scratch, n < play->left ? n : (size_t)play->left);
		play->left -= n;
		play->sent_any = true;
		if (!send_piece(conn, n))
			return;
	}
	if (conn->closing)
		end(conn, "client_gone");
	else
		finish(conn);
}

/* How many of the bytes the rule lets out. */
static uint64_t allowed(const struct adversary_delivery *d, uint64_t total, uint64_t head)
{
	uint64_t begin = d->from_body ? head : 0;
	uint64_t back = d->bytes < 0 ? (uint64_t)-d->bytes : 0;

	if (!d->cut)
		return total;
	if (d->bytes < 0)
		return back > total - begin ? begin : total - back;
	return (uint64_t)d->bytes > total - begin ? total : begin + (uint64_t)d->bytes;
}

static void deliver(struct adversary_conn *conn)
{
	struct adversary_play *play = &conn->play;
	uint64_t head;

	if (conn->closing) {
		end(conn, "client_gone");
		return;
	}
	adversary_answer_render(play->answer, &play->delivery, conn->keep_alive, &play->wire, &head,
				&play->close_after);
	play->left = allowed(&play->delivery, adversary_wire_total(&play->wire), head);
	if (play->rule && play->delivery.then == ADVERSARY_KEEP && play->delivery.cut)
		play->close_after = false;
	pump(conn);
}

/* ── the acts ── */

static void on_delay_after(uv_timer_t *timer)
{
	deliver(timer->data);
}

/* The honest work, unless the rule forbids it, and what the rule makes of the answer. */
static void commit(struct adversary_conn *conn)
{
	struct adversary_play *play = &conn->play;
	struct adversary_world *world = &conn->server->world;
	const struct adversary_rule *rule = play->rule;
	json_t *twist = rule ? rule->answer : NULL;
	struct adversary_range delay = {0};
	int64_t wait_ms;

	play->answer = ARENA_NEW(play->arena, struct adversary_answer);
	play->answer->arena = play->arena;
	play->answer->status = 200;
	play->answer->form = ADVERSARY_BODY;
	if (!rule || rule->commit)
		adversary_oauth_answer(world, play->endpoint, &conn->request,
				       twist ? adversary_twist_id_token(twist) : NULL, play->answer);
	if (twist)
		adversary_twist_apply(twist, adversary_world_now(world), play->answer);
	if (rule)
		play->delivery = rule->delivery;
	if (play->endpoint == ADVERSARY_TOKEN)
		delay = world->config.delay_after_ms;
	if (rule && rule->has_delay_after)
		delay = rule->delay_after_ms;
	wait_ms = adversary_world_pick(world, delay);
	if (wait_ms)
		uv_timer_start(&conn->timer, on_delay_after, (uint64_t)wait_ms, 0);
	else
		deliver(conn);
}

static void on_delay_before(uv_timer_t *timer)
{
	commit(timer->data);
}

/* Counts the request among those in flight for its grant (RF-03). */
static void enter_grant(struct adversary_conn *conn)
{
	struct adversary_play *play = &conn->play;
	struct adversary_params params;
	struct adversary_grant *grant;

	if (play->endpoint != ADVERSARY_TOKEN || !adversary_params_parse(conn->request.body, play->arena, &params))
		return;
	grant = adversary_grants_of(conn->server->world.grants, adversary_params_get(&params, "refresh_token"));
	if (!grant)
		return;
	play->grant = grant->id;
	if (++grant->in_flight > grant->max_in_flight)
		grant->max_in_flight = grant->in_flight;
}

static void start_control(struct adversary_conn *conn)
{
	struct adversary_play *play = &conn->play;

	play->answer = ARENA_NEW(play->arena, struct adversary_answer);
	play->answer->arena = play->arena;
	if (adversary_control_answer(conn))
		deliver(conn);
}

void adversary_play_answer(struct adversary_conn *conn)
{
	deliver(conn);
}

void adversary_play_start(struct adversary_conn *conn)
{
	struct adversary_play *play = &conn->play;
	struct adversary_world *world = &conn->server->world;
	struct adversary_range delay = {0};
	int64_t wait_ms;

	if (conn->mute) {
		uint64_t number = adversary_record_add(world->record, adversary_request_endpoint(conn->request.path),
						       &conn->request);

		adversary_record_outcome(world->record, number, "ignored", 0);
		adversary_conn_done(conn);
		return;
	}
	play->arena = arena_new(ARENA_MAX);
	play->endpoint = adversary_request_endpoint(conn->request.path);
	if (play->endpoint == ADVERSARY_CONTROL) {
		start_control(conn);
		return;
	}
	play->number = adversary_record_add(world->record, play->endpoint, &conn->request);
	play->rule = adversary_script_match(world->script, play->endpoint, &conn->request, adversary_world_random,
					    world);
	enter_grant(conn);
	adversary_control_notice(conn->server);
	if (play->endpoint == ADVERSARY_TOKEN)
		delay = world->config.delay_before_ms;
	if (play->rule && play->rule->has_delay_before)
		delay = play->rule->delay_before_ms;
	wait_ms = adversary_world_pick(world, delay);
	if (wait_ms)
		uv_timer_start(&conn->timer, on_delay_before, (uint64_t)wait_ms, 0);
	else
		commit(conn);
}

bool adversary_play_accept(struct adversary_conn *conn)
{
	struct adversary_world *world = &conn->server->world;
	struct adversary_rule *rule = adversary_script_match(world->script, ADVERSARY_CONNECT, NULL,
							     adversary_world_random, world);
	struct adversary_play *play = &conn->play;

	if (!rule)
		return false;
	conn->deaf = rule->delivery.then != ADVERSARY_KEEP;
	conn->busy = true;
	play->arena = arena_new(ARENA_MAX);
	play->rule = rule;
	play->delivery = rule->delivery;
	if (rule->delivery.raw.p)
		adversary_wire_add(&play->wire, rule->delivery.raw, 1);
	play->left = allowed(&play->delivery, adversary_wire_total(&play->wire), 0);
	pump(conn);
	return conn->closing;
}
