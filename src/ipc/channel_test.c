/* SPDX-License-Identifier: Apache-2.0 */
/* The loop's end of a connection: order, the hand-over to a successor, the queue, and rule breakers. */
#include "ipc/channel.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

struct fixture {
	uv_loop_t loop;
	struct channel *c;
	char seen[4096]; /* "attempt," a message, "|" an end */
	bool broke;
	bool free_in_message, free_in_closed;
};

static void on_message(struct channel *c, struct ipc_message *m, void *arg)
{
	struct fixture *f = arg;
	size_t n = strlen(f->seen);
	struct slice text = m->kind == IPC_JOIN ? m->field[IPC_JOIN_ATTEMPT].bytes : SLICE_LIT("?");

	(void)c;
	assert_true(n + text.n + 2 < sizeof f->seen);
	memcpy(f->seen + n, text.p, text.n);
	f->seen[n + text.n] = ',';
	f->seen[n + text.n + 1] = '\0';
	if (f->free_in_message)
		channel_free(&f->c);
}

static void on_closed(struct channel *c, void *arg)
{
	struct fixture *f = arg;

	assert_false(channel_connected(c));
	f->broke = channel_broke(c);
	f->seen[strlen(f->seen) + 1] = '\0';
	f->seen[strlen(f->seen)] = '|';
	if (f->free_in_closed)
		channel_free(&f->c);
}

static int setup(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);
	const struct channel_args args = {.loop = &f->loop, .self = IPC_COURIER, .peer = IPC_CLERK,
					  .on_message = on_message, .on_closed = on_closed, .arg = f};

	assert_int_equal(uv_loop_init(&f->loop), 0);
	f->c = channel_new(&args);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	channel_free(&f->c);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0); /* nothing of ours is left in the loop */
	free(f);
	return 0;
}

/* Connects the channel; returns the other end. */
static int attach(struct fixture *f)
{
	int fds[2];

	assert_int_equal(ipc_pair(fds), ERR_OK);
	channel_replace(f->c, fds[0]);
	return fds[1];
}

static void join(int fd, const char *text)
{
	struct ipc_message m = {.kind = IPC_JOIN, .field[IPC_JOIN_ATTEMPT].bytes = slice_from(text)};

	assert_int_equal(ipc_send(fd, &m), ERR_OK);
}

static void turn(struct fixture *f)
{
	for (int i = 0; i < 5; i++)
		uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void test_messages_come_in_order_then_the_end(void **state)
{
	struct fixture *f = *state;
	int fd = attach(f);

	join(fd, "a");
	join(fd, "b");
	turn(f);
	assert_string_equal(f->seen, "a,b,");
	join(fd, "c");
	close(fd);
	turn(f);
	assert_string_equal(f->seen, "a,b,c,|");
	assert_false(f->broke);
	assert_false(channel_connected(f->c));
}

/* The trial behind this: without reading the dead one first, the successor overtook 1000 times of 1000. */
static void test_a_dead_peer_is_read_before_its_successor(void **state)
{
	struct fixture *f = *state;
	int first = attach(f);
	int second[2];
	char want[2048] = "";

	assert_int_equal(channel_send(f->c, &(struct ipc_message){.kind = IPC_FETCHED}), ERR_OK); /* stays unread */
	for (int i = 0; i < 200; i++) {
		char text[8];

		snprintf(text, sizeof text, "o%d", i);
		join(first, text);
		snprintf(want + strlen(want), sizeof want - strlen(want), "%s,", text);
	}
	close(first);
	assert_int_equal(ipc_pair(second), ERR_OK);
	join(second[1], "new");
	channel_replace(f->c, second[0]);
	assert_true(channel_connected(f->c));
	turn(f);
	snprintf(want + strlen(want), sizeof want - strlen(want), "|new,");
	assert_string_equal(f->seen, want);
	close(second[1]);
}

static void test_sends_go_to_the_successor(void **state)
{
	struct fixture *f = *state;
	int first = attach(f);
	int second = attach(f);
	struct arena *a = arena_new(IPC_ARENA_BYTES);
	struct ipc_message m = {.kind = IPC_FETCHED, .id = 4};

	assert_string_equal(f->seen, "|");
	assert_int_equal(channel_send(f->c, &m), ERR_OK);
	assert_int_equal(ipc_receive(second, IPC_COURIER, IPC_CLERK, a, &m), ERR_OK);
	assert_int_equal(m.id, 4);
	assert_int_equal(ipc_receive(first, IPC_COURIER, IPC_CLERK, a, &m), ERR_NOT_FOUND);
	arena_free(&a);
	close(first);
	close(second);
}

static void test_what_the_table_does_not_allow_ends_the_connection(void **state)
{
	/* FETCHED goes the other way; STOP is the supervisor's alone. */
	static const enum ipc_kind kinds[] = {IPC_FETCHED, IPC_STOP, IPC_KEY};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		int fd = attach(f);

		f->seen[0] = '\0';
		f->broke = false;
		join(fd, "good");
		assert_int_equal(ipc_send(fd, &(struct ipc_message){.kind = kinds[i]}), ERR_OK);
		join(fd, "never");
		turn(f);
		assert_string_equal(f->seen, "good,|");
		assert_true(f->broke);
		assert_int_equal(channel_send(f->c, &(struct ipc_message){.kind = IPC_FETCHED}), ERR_BUSY);
		close(fd);
	}
}

static void test_once_means_once(void **state)
{
	struct fixture *f = *state;
	const struct channel_args args = {.loop = &f->loop, .self = IPC_COURIER, .peer = IPC_SUPERVISOR,
					  .on_message = on_message, .on_closed = on_closed, .arg = f};
	int fd;

	channel_free(&f->c);
	f->c = channel_new(&args);
	fd = attach(f);
	assert_int_equal(ipc_send(fd, &(struct ipc_message){.kind = IPC_STOP}), ERR_OK);
	turn(f);
	assert_string_equal(f->seen, "?,");
	assert_int_equal(ipc_send(fd, &(struct ipc_message){.kind = IPC_STOP}), ERR_OK);
	turn(f);
	assert_string_equal(f->seen, "?,|");
	assert_true(f->broke);
	close(fd);
	fd = attach(f); /* a new connection begins anew */
	assert_int_equal(ipc_send(fd, &(struct ipc_message){.kind = IPC_STOP}), ERR_OK);
	turn(f);
	assert_string_equal(f->seen, "?,|?,");
	close(fd);
}

static void test_queue_keeps_order_and_is_bounded(void **state)
{
	enum { BODY = 60000 };
	struct fixture *f = *state;
	int fd = attach(f);
	char *body = mem_calloc(BODY, 1);
	struct ipc_message m = {.kind = IPC_FETCHED, .field[IPC_FETCHED_BODY].bytes = slice_make(body, BODY)};
	uint64_t sent = 0;
	uint64_t got = 0;

	for (;;) {
		m.id = sent + 1;
		if (channel_send(f->c, &m) == ERR_BUSY)
			break;
		sent++;
	}
	assert_in_range(sent, (4 << 20) / BODY - 1, (4 << 20) / BODY + 20);
	while (got < sent) {
		struct arena *a = arena_new(IPC_ARENA_BYTES);
		enum err e = ipc_receive(fd, IPC_COURIER, IPC_CLERK, a, &m);

		if (e == ERR_OK)
			assert_int_equal(m.id, ++got);
		else
			assert_int_equal(e, ERR_BUSY);
		arena_free(&a);
		uv_run(&f->loop, UV_RUN_NOWAIT);
	}
	mem_free_str(&body);
	close(fd);
}

static void test_queued_descriptors_belong_to_the_queue(void **state)
{
	struct fixture *f = *state;
	const struct channel_args args = {.loop = &f->loop, .self = IPC_SUPERVISOR, .peer = IPC_CLERK,
					  .on_message = on_message, .on_closed = on_closed, .arg = f};
	struct arena *a = arena_new(64 * IPC_ARENA_BYTES);
	struct ipc_message m = {.kind = IPC_PEER};
	int fd, sent = 0, got = 0;

	channel_free(&f->c);
	f->c = channel_new(&args);
	fd = attach(f);
	for (; sent < 2000; sent++) { /* more than the socket takes */
		m.field[IPC_PEER_SLOT].number = sent;
		m.field[IPC_PEER_SOCKET].fd = 0;
		if (channel_send(f->c, &m) != ERR_OK)
			break;
	}
	assert_true(sent > 300);
	while (got < sent) {
		if (ipc_receive(fd, IPC_SUPERVISOR, IPC_CLERK, a, &m) == ERR_OK) {
			assert_int_equal(m.field[IPC_PEER_SLOT].number, got++);
			ipc_close_fds(&m);
		}
		uv_run(&f->loop, UV_RUN_NOWAIT);
	}
	arena_free(&a);
	close(fd);
}

static void test_free_inside_callbacks(void **state)
{
	struct fixture *f = *state;
	int fd = attach(f);

	f->free_in_message = true;
	join(fd, "a");
	join(fd, "never");
	turn(f);
	assert_string_equal(f->seen, "a,");
	assert_null(f->c);
	close(fd);
}

static void test_free_when_closed(void **state)
{
	struct fixture *f = *state;
	int fd = attach(f);

	f->free_in_closed = true;
	close(fd);
	turn(f);
	assert_string_equal(f->seen, "|");
	assert_null(f->c);
}

static void test_free_while_a_successor_is_attached(void **state)
{
	struct fixture *f = *state;
	int first = attach(f);
	int second[2];
	char byte;

	f->free_in_message = true;
	join(first, "a");
	assert_int_equal(ipc_pair(second), ERR_OK);
	channel_replace(f->c, second[0]);
	assert_null(f->c);
	assert_string_equal(f->seen, "a,");
	assert_int_equal(read(second[1], &byte, 1), 0); /* the successor sees the end */
	close(first);
	close(second[1]);
}

static void test_ids_are_never_zero(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(channel_next_id(f->c), 1);
	assert_int_equal(channel_next_id(f->c), 2);
	assert_int_equal(channel_send(f->c, &(struct ipc_message){.kind = IPC_FETCHED}), ERR_BUSY);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_messages_come_in_order_then_the_end),
		TEST(test_a_dead_peer_is_read_before_its_successor),
		TEST(test_sends_go_to_the_successor),
		TEST(test_what_the_table_does_not_allow_ends_the_connection),
		TEST(test_once_means_once),
		TEST(test_queue_keeps_order_and_is_bounded),
		TEST(test_queued_descriptors_belong_to_the_queue),
		TEST(test_free_inside_callbacks),
		TEST(test_free_when_closed),
		TEST(test_free_while_a_successor_is_attached),
		TEST(test_ids_are_never_zero),
	};

	return cmocka_run_group_tests_name("ipc/channel", tests, NULL, NULL);
}
