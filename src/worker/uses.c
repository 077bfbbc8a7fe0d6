/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses on their way to the clerk. A worker that dies takes those of two seconds with it: "last used" is a help for people,
 * the record of each read is the audit log. Must never keep an answer waiting.
 */
#include "worker/uses.h"

#include "core/connections.h"

static void put_id(struct slice id, void *value, void *arg)
{
	struct buf *ids = arg;

	(void)value;
	buf_put(ids, id);
	buf_putc(ids, '\n');
}

static void tell(struct uses *u)
{
	struct ipc_message m = {.kind = IPC_USED};
	struct buf ids;

	uv_timer_stop(&u->timer);
	if (map_count(u->ids) == 0)
		return;
	buf_init(&ids, IPC_BODY_MAX / 2);
	map_each(u->ids, put_id, &ids);
	m.field[IPC_USED_AT].number = clock_wall_ms(u->clock);
	m.field[IPC_USED_IDS].bytes = buf_slice(&ids);
	(void)channel_send(*u->clerk, &m); /* without a clerk they are not missed */
	buf_done(&ids);
	map_free(&u->ids);
	u->ids = map_new();
}

static void on_timer(uv_timer_t *timer)
{
	tell(timer->data);
}

void uses_init(struct uses *u, uv_loop_t *loop, const struct clock *clock, struct channel **clerk)
{
	u->clock = clock;
	u->clerk = clerk;
	u->ids = map_new();
	uv_timer_init(loop, &u->timer);
	u->timer.data = u;
}

void uses_done(struct uses *u)
{
	if (!u->ids)
		return;
	tell(u);
	uv_close((uv_handle_t *)&u->timer, NULL);
	map_free(&u->ids);
}

int64_t uses_note(struct uses *u, const char *connection_id, int64_t used_at, int64_t now)
{
	if (now - used_at < CONNECTIONS_USED_MS || !u->ids)
		return used_at;
	map_put(u->ids, slice_from(connection_id), u);
	if (map_count(u->ids) >= USES_MAX)
		tell(u);
	else if (!uv_is_active((uv_handle_t *)&u->timer))
		uv_timer_start(&u->timer, on_timer, USES_EVERY_MS, 0);
	return now;
}
