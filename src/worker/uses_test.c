/* SPDX-License-Identifier: Apache-2.0 */
/* Uses of connections on their way to the clerk: together, each once, and not more often than anybody wants to know. */
#include "worker/uses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/connections.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)

struct bench {
	uv_loop_t loop;
	struct channel *clerk;
	struct uses uses;
	struct arena *arena;
	int theirs;
};

static void on_message(struct channel *c, struct ipc_message *m, void *arg)
{
	(void)c;
	(void)m;
	(void)arg;
}

static void on_closed(struct channel *c, void *arg)
{
	(void)c;
	(void)arg;
}

static int setup(void **state)
{
	struct bench *b = MEM_NEW(struct bench);
	const struct channel_args args = {.loop = &b->loop, .self = IPC_WORKER, .peer = IPC_CLERK, .on_message = on_message,
					  .on_closed = on_closed};
	int fds[2];

	uv_loop_init(&b->loop);
	b->arena = arena_new(64 << 20);
	OK(ipc_pair(fds));
	b->theirs = fds[1];
	b->clerk = channel_new(&args);
	channel_replace(b->clerk, fds[0]);
	uses_init(&b->uses, &b->loop, &clock_system, &b->clerk);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	uses_done(&b->uses);
	uses_done(&b->uses); /* does no harm */
	channel_free(&b->clerk);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	close(b->theirs);
	arena_free(&b->arena);
	free(b);
	return 0;
}

/* The ids of the next message, or p NULL. */
static struct slice told(struct bench *b, int64_t *ret_at)
{
	struct ipc_message m;

	if (ipc_receive(b->theirs, IPC_WORKER, IPC_CLERK, b->arena, &m) != ERR_OK)
		return (struct slice){0};
	assert_int_equal(m.kind, IPC_USED);
	*ret_at = m.field[IPC_USED_AT].number;
	return m.field[IPC_USED_IDS].bytes;
}

static void each_is_told_once_after_a_while(void **state)
{
	struct bench *b = *state;
	int64_t began = clock_wall_ms(&clock_system), now = began, at = 0;
	struct slice ids;

	assert_true(uses_note(&b->uses, "one", 0, now) == now);
	assert_true(uses_note(&b->uses, "two", now - CONNECTIONS_USED_MS, now) == now);
	assert_true(uses_note(&b->uses, "one", 0, now) == now);
	/* Noted less than a minute ago: nothing to tell. */
	assert_true(uses_note(&b->uses, "three", now - CONNECTIONS_USED_MS + 1, now) == now - CONNECTIONS_USED_MS + 1);
	assert_null(told(b, &at).p);
	uv_run(&b->loop, UV_RUN_ONCE);
	assert_true(clock_wall_ms(&clock_system) - began >= USES_EVERY_MS - 10);
	ids = told(b, &at);
	assert_true(slice_is(ids, "one\ntwo\n") || slice_is(ids, "two\none\n"));
	assert_true(at >= began && at <= clock_wall_ms(&clock_system));
	assert_null(told(b, &at).p);
	/* Nothing runs any more until somebody reads again. */
	assert_false(uv_is_active((uv_handle_t *)&b->uses.timer));
}

static void many_are_told_at_once(void **state)
{
	struct bench *b = *state;
	int64_t at = 0;
	struct slice ids, id;
	char name[33];
	size_t n = 0;

	for (unsigned i = 0; i < USES_MAX + 5; i++) {
		snprintf(name, sizeof name, "%032x", i);
		uses_note(&b->uses, name, 0, CONNECTIONS_USED_MS);
	}
	ids = told(b, &at);
	while (slice_split(&ids, '\n', &id))
		n += id.n == 32;
	assert_int_equal(n, USES_MAX);
	assert_null(told(b, &at).p);
	/* The end of the worker is no reason to forget the others. */
	uses_done(&b->uses);
	ids = told(b, &at);
	assert_int_equal(ids.n, 5 * 33);
	assert_true(uses_note(&b->uses, "late", 0, CONNECTIONS_USED_MS) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_is_told_once_after_a_while, setup, teardown),
		cmocka_unit_test_setup_teardown(many_are_told_at_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
