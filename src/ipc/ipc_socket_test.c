/* SPDX-License-Identifier: Apache-2.0 */
/* Messages over real socket pairs: descriptors, large bodies, dead peers, and what a hostile peer sends. */
#include "ipc/ipc.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

struct fixture {
	int fds[2];
	struct arena *a;
	int open_before;
};

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int setup(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);

	f->open_before = open_fds();
	assert_int_equal(ipc_pair(f->fds), ERR_OK);
	f->a = arena_new(8 * IPC_ARENA_BYTES);
	*state = f;
	return 0;
}

/* No test may leave a descriptor behind: a refused message's descriptors are closed. */
static int teardown(void **state)
{
	struct fixture *f = *state;
	int open_after;

	close(f->fds[0]);
	close(f->fds[1]);
	open_after = open_fds();
	assert_int_equal(open_after, f->open_before);
	arena_free(&f->a);
	free(f);
	return 0;
}

static enum err receive(struct fixture *f, enum ipc_role from, enum ipc_role to, struct ipc_message *ret)
{
	return ipc_receive(f->fds[1], from, to, f->a, ret);
}

static void test_message_arrives_and_nothing_waits(void **state)
{
	struct fixture *f = *state;
	struct ipc_message m;

	assert_int_equal(receive(f, IPC_CLERK, IPC_COURIER, &m), ERR_BUSY);
	m = (struct ipc_message){.kind = IPC_JOIN, .id = 9, .field[IPC_JOIN_ATTEMPT].bytes = SLICE_LIT("abc")};
	assert_int_equal(ipc_send(f->fds[0], &m), ERR_OK);
	assert_int_equal(receive(f, IPC_CLERK, IPC_COURIER, &m), ERR_OK);
	assert_int_equal(m.kind, IPC_JOIN);
	assert_true(slice_is(m.field[IPC_JOIN_ATTEMPT].bytes, "abc"));
	assert_int_equal(receive(f, IPC_CLERK, IPC_COURIER, &m), ERR_BUSY);
}

static void test_descriptors_are_passed_close_on_exec(void **state)
{
	struct fixture *f = *state;
	struct ipc_message m = {.kind = IPC_START};
	struct stat want, got;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);

	m.field[IPC_START_LOG].fd = null;
	m.field[IPC_START_SOCKET].fd = zero;
	m.field[IPC_START_STRIPES].fd = m.field[IPC_START_LIMITS].fd = m.field[IPC_START_METRICS].fd = null;
	assert_int_equal(ipc_send(f->fds[0], &m), ERR_OK);
	assert_int_equal(receive(f, IPC_SUPERVISOR, IPC_WORKER, &m), ERR_OK);
	fstat(zero, &want);
	fstat(m.field[IPC_START_SOCKET].fd, &got);
	assert_true(want.st_rdev == got.st_rdev);
	fstat(null, &want);
	fstat(m.field[IPC_START_LOG].fd, &got);
	assert_true(want.st_rdev == got.st_rdev);
	assert_int_equal(fcntl(m.field[IPC_START_LOG].fd, F_GETFD), FD_CLOEXEC);
	ipc_close_fds(&m);
	assert_int_equal(m.field[IPC_START_LOG].fd, -1);
	close(null);
	close(zero);
}

static void test_large_bodies(void **state)
{
	static const size_t sizes[] = {0, 1, IPC_FRAME_MAX - IPC_HEAD_BYTES - 5, IPC_FRAME_MAX - IPC_HEAD_BYTES - 4,
				       IPC_FRAME_MAX, 500000, IPC_BODY_MAX - IPC_HEAD_BYTES - 5};
	struct fixture *f = *state;
	char *body = mem_calloc(IPC_BODY_MAX, 1);

	for (size_t i = 0; i < IPC_BODY_MAX; i++)
		body[i] = (char)(i * 31 >> 3);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct ipc_message m = {.kind = IPC_SAY, .field[IPC_SAY_TEXT].bytes = slice_make(body, sizes[i])};
		struct arena *a = arena_new(IPC_ARENA_BYTES);

		assert_int_equal(ipc_send(f->fds[0], &m), ERR_OK);
		assert_int_equal(ipc_receive(f->fds[1], IPC_CLERK, IPC_SUPERVISOR, a, &m), ERR_OK);
		assert_int_equal(m.field[IPC_SAY_TEXT].bytes.n, sizes[i]);
		assert_true(slice_eq(m.field[IPC_SAY_TEXT].bytes, slice_make(body, sizes[i])));
		arena_free(&a);
	}
	mem_free_str(&body);
}

static void test_large_body_with_descriptors(void **state)
{
	struct fixture *f = *state;
	char *config = mem_calloc(200000, 1);
	struct ipc_message m = {.kind = IPC_START};
	struct stat got;

	m.field[IPC_START_CONFIG].bytes = slice_make(config, 200000);
	m.field[IPC_START_LOG].fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	m.field[IPC_START_SOCKET].fd = m.field[IPC_START_STRIPES].fd = m.field[IPC_START_LIMITS].fd =
		m.field[IPC_START_METRICS].fd = f->fds[0];
	assert_int_equal(ipc_send(f->fds[0], &m), ERR_OK);
	close(m.field[IPC_START_LOG].fd);
	assert_int_equal(receive(f, IPC_SUPERVISOR, IPC_WORKER, &m), ERR_OK);
	assert_int_equal(m.field[IPC_START_CONFIG].bytes.n, 200000);
	fstat(m.field[IPC_START_LOG].fd, &got);
	assert_true(S_ISCHR(got.st_mode));
	fstat(m.field[IPC_START_SOCKET].fd, &got);
	assert_true(S_ISSOCK(got.st_mode));
	ipc_close_fds(&m);
	mem_free_str(&config);
}

static void test_full_socket_says_busy_and_loses_nothing(void **state)
{
	struct fixture *f = *state;
	char text[1000] = {0};
	struct ipc_message m = {.kind = IPC_SAY, .field[IPC_SAY_TEXT].bytes = slice_make(text, sizeof text)};
	int sent = 0;
	int got = 0;
	enum err e;

	while ((e = ipc_send(f->fds[0], &m)) == ERR_OK)
		sent++;
	assert_int_equal(e, ERR_BUSY);
	while (receive(f, IPC_CLERK, IPC_SUPERVISOR, &m) == ERR_OK)
		got++;
	assert_true(sent > 10);
	assert_int_equal(got, sent);
}

/* The kernel reports a reset before the dead peer's last messages when that peer left something unread. */
static void test_last_messages_of_a_dead_peer_are_read(void **state)
{
	struct fixture *f = *state;
	struct ipc_message m = {.kind = IPC_SAY, .field[IPC_SAY_TEXT].bytes = SLICE_LIT("last words")};

	assert_int_equal(ipc_send(f->fds[1], &(struct ipc_message){.kind = IPC_STOP}), ERR_OK); /* stays unread */
	assert_int_equal(ipc_send(f->fds[0], &m), ERR_OK);
	assert_int_equal(ipc_send(f->fds[0], &m), ERR_OK);
	close(f->fds[0]);
	f->fds[0] = dup(0);
	assert_int_equal(receive(f, IPC_CLERK, IPC_SUPERVISOR, &m), ERR_OK);
	assert_int_equal(receive(f, IPC_CLERK, IPC_SUPERVISOR, &m), ERR_OK);
	assert_true(slice_is(m.field[IPC_SAY_TEXT].bytes, "last words"));
	assert_int_equal(receive(f, IPC_CLERK, IPC_SUPERVISOR, &m), ERR_NOT_FOUND);
	assert_int_equal(ipc_send(f->fds[1], &(struct ipc_message){.kind = IPC_STOP}), ERR_INTERNAL);
}

/* Sends raw bytes and descriptors, as a peer would that does not use our code. */
static void send_raw(int fd, struct slice bytes, const int *fds, size_t n)
{
	char control[CMSG_SPACE(sizeof(int) * 40)] __attribute__((aligned(16))) = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.n};
	struct msghdr h = {.msg_iov = &part, .msg_iovlen = 1};

	if (n) {
		struct cmsghdr c = {.cmsg_len = CMSG_LEN(sizeof(int) * n), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};

		memcpy(control, &c, sizeof c);
		memcpy(control + CMSG_LEN(0), fds, sizeof(int) * n);
		h.msg_control = control;
		h.msg_controllen = CMSG_SPACE(sizeof(int) * n);
	}
	assert_true(sendmsg(fd, &h, 0) >= 0);
}

static void encode(const struct ipc_message *m, struct buf *frame)
{
	buf_init(frame, IPC_BODY_MAX);
	assert_int_equal(ipc_encode(m, frame), ERR_OK);
}

static void test_wrong_number_of_descriptors_is_refused(void **state)
{
	static const size_t counts[] = {0, 2, 9, 40};
	struct fixture *f = *state;
	struct ipc_message m = {.kind = IPC_PEER};
	struct buf frame;
	int fds[40];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = f->fds[0];
	encode(&m, &frame);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		send_raw(f->fds[0], buf_slice(&frame), fds, counts[i]);
		assert_int_equal(receive(f, IPC_SUPERVISOR, IPC_CLERK, &m), ERR_INVALID);
	}
	buf_done(&frame);
	m = (struct ipc_message){.kind = IPC_STOP};
	encode(&m, &frame);
	send_raw(f->fds[0], buf_slice(&frame), fds, 1); /* STOP has none */
	assert_int_equal(receive(f, IPC_SUPERVISOR, IPC_CLERK, &m), ERR_INVALID);
	buf_done(&frame);
}

static void test_packets_of_wrong_size_are_refused(void **state)
{
	struct fixture *f = *state;
	char *bytes = mem_calloc(IPC_FRAME_MAX + 1, 1);
	struct ipc_message m;

	send_raw(f->fds[0], slice_make(bytes, IPC_FRAME_MAX + 1), NULL, 0);
	assert_int_equal(receive(f, IPC_SUPERVISOR, IPC_CLERK, &m), ERR_INVALID);
	mem_free_str(&bytes);
}

static void test_every_cut_packet_is_refused(void **state)
{
	struct fixture *f = *state;
	struct ipc_message m = {.kind = IPC_REFRESH, .id = 1, .field[IPC_REFRESH_GRANT].bytes = SLICE_LIT("grant")};
	struct buf frame;

	encode(&m, &frame);
	for (size_t n = 1; n < frame.n; n++) {
		send_raw(f->fds[0], slice_make(frame.p, n), NULL, 0);
		assert_int_equal(receive(f, IPC_WORKER, IPC_CLERK, &m), ERR_INVALID);
	}
	send_raw(f->fds[0], buf_slice(&frame), NULL, 0);
	assert_int_equal(receive(f, IPC_CLERK, IPC_WORKER, &m), ERR_INVALID); /* the other direction */
	buf_done(&frame);
}

/* A memfd of `n` bytes of `frame` (and zeros) with these seals. */
static int make_memfd(struct slice frame, size_t n, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(write(fd, frame.p, frame.n < n ? frame.n : n), frame.n < n ? frame.n : n);
	assert_int_equal(ftruncate(fd, (off_t)n), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void test_bodies_in_memfd_that_are_not_ours_are_refused(void **state)
{
	enum { GOOD = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };
	static const struct {
		const char *what;
		int seals;
		long longer;     /* than the frame */
		size_t change;   /* byte of the packet's head to change; 99: none */
		size_t packet_n; /* bytes of the packet */
		enum err want;
	} rows[] = {
		{"as it should be", GOOD, 0, 99, IPC_HEAD_BYTES, ERR_OK},
		{"not sealed", F_SEAL_SEAL, 0, 99, IPC_HEAD_BYTES, ERR_INVALID},
		{"may still be written", F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, 0, 99, IPC_HEAD_BYTES, ERR_INVALID},
		{"may still shrink", F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SEAL, 0, 99, IPC_HEAD_BYTES, ERR_INVALID},
		{"one byte short", GOOD, -1, 99, IPC_HEAD_BYTES, ERR_INVALID},
		{"one byte long", GOOD, 1, 99, IPC_HEAD_BYTES, ERR_INVALID},
		{"larger than allowed", GOOD, IPC_BODY_MAX, 99, IPC_HEAD_BYTES, ERR_INVALID},
		{"another kind", GOOD, 0, 0, IPC_HEAD_BYTES, ERR_INVALID},
		{"another id", GOOD, 0, 8, IPC_HEAD_BYTES, ERR_INVALID},
		{"fields in the packet too", GOOD, 0, 2, IPC_HEAD_BYTES, ERR_INVALID},
		{"longer packet", GOOD, 0, 99, IPC_HEAD_BYTES + 1, ERR_INVALID},
	};
	struct fixture *f = *state;
	char *body = mem_calloc(300000, 1);
	struct ipc_message m = {.kind = IPC_SAY, .id = 5, .field[IPC_SAY_TEXT].bytes = slice_make(body, 300000)};
	struct buf frame;

	encode(&m, &frame);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char packet[IPC_HEAD_BYTES + 1] = {0};
		int fd = make_memfd(buf_slice(&frame), (size_t)((long)frame.n + rows[i].longer), rows[i].seals);
		enum err e;

		memcpy(packet, frame.p, IPC_HEAD_BYTES);
		packet[2] = packet[3] = 0;
		packet[4] = IPC_BODY_IN_MEMFD;
		if (rows[i].change != 99)
			packet[rows[i].change]++;
		send_raw(f->fds[0], slice_make(packet, rows[i].packet_n), &fd, 1);
		close(fd);
		e = receive(f, IPC_CLERK, IPC_SUPERVISOR, &m);
		if (e != rows[i].want)
			fail_msg("%s: %s", rows[i].what, err_kind(e)->name);
	}
	frame.p[4] = IPC_BODY_IN_MEMFD;
	send_raw(f->fds[0], slice_make(frame.p, IPC_HEAD_BYTES), NULL, 0); /* announced, but no memfd */
	assert_int_equal(receive(f, IPC_CLERK, IPC_SUPERVISOR, &m), ERR_INVALID);
	send_raw(f->fds[0], slice_make(frame.p, IPC_HEAD_BYTES), &f->fds[0], 1); /* a socket instead */
	assert_int_equal(receive(f, IPC_CLERK, IPC_SUPERVISOR, &m), ERR_INVALID);
	buf_done(&frame);
	mem_free_str(&body);
}

/* Answers one UNWRAP: first with ids from the list, then with its own. */
struct answerer {
	int fd;
	const uint64_t *ids;
	size_t n;
};

static void *answer(void *arg)
{
	const struct answerer *w = arg;
	struct arena *a = arena_new(2 * IPC_ARENA_BYTES);
	struct ipc_message m;

	while (ipc_receive(w->fd, IPC_CLERK, IPC_KEEPER, a, &m) == ERR_BUSY)
		usleep(1000);
	for (size_t i = 0; i < w->n; i++) {
		struct ipc_message back = {.kind = IPC_KEY, .id = w->ids[i]};

		back.field[IPC_KEY_CLEAR].bytes = SLICE_LIT("key");
		ipc_send(w->fd, &back);
	}
	arena_free(&a);
	return NULL;
}

static void test_call(void **state)
{
	static const uint64_t good[] = {3, 6, 7};
	static const uint64_t unasked[] = {8};
	static const uint64_t event[] = {0};
	static const struct {
		const uint64_t *ids;
		size_t n;
		enum err want;
	} rows[] = {{good, 3, ERR_OK}, {good, 2, ERR_TIMEOUT}, {unasked, 1, ERR_INVALID}, {event, 1, ERR_INVALID}};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ipc_message ask = {.kind = IPC_UNWRAP, .id = 7};
		struct answerer w = {.fd = f->fds[1], .ids = rows[i].ids, .n = rows[i].n};
		struct ipc_message back;
		pthread_t t;

		assert_int_equal(pthread_create(&t, NULL, answer, &w), 0);
		assert_int_equal(ipc_call(f->fds[0], IPC_CLERK, IPC_KEEPER, &ask, 300, f->a, &back), rows[i].want);
		pthread_join(t, NULL);
		if (!rows[i].want)
			assert_true(back.id == 7 && slice_is(back.field[IPC_KEY_CLEAR].bytes, "key"));
	}
}

static void test_call_to_a_dead_peer(void **state)
{
	struct fixture *f = *state;
	struct ipc_message ask = {.kind = IPC_UNWRAP, .id = 7};
	struct ipc_message back;

	close(f->fds[1]);
	f->fds[1] = dup(0);
	assert_int_equal(ipc_call(f->fds[0], IPC_CLERK, IPC_KEEPER, &ask, 300, f->a, &back), ERR_INTERNAL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_message_arrives_and_nothing_waits),
		TEST(test_descriptors_are_passed_close_on_exec),
		TEST(test_large_bodies),
		TEST(test_large_body_with_descriptors),
		TEST(test_full_socket_says_busy_and_loses_nothing),
		TEST(test_last_messages_of_a_dead_peer_are_read),
		TEST(test_wrong_number_of_descriptors_is_refused),
		TEST(test_packets_of_wrong_size_are_refused),
		TEST(test_every_cut_packet_is_refused),
		TEST(test_bodies_in_memfd_that_are_not_ours_are_refused),
		TEST(test_call),
		TEST(test_call_to_a_dead_peer),
	};

	return cmocka_run_group_tests_name("ipc/ipc_socket", tests, NULL, NULL);
}
