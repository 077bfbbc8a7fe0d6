/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: who is answered, with what, and what is left behind. */
#include "daemon/control.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "daemon/control_path.h"

struct fixture {
	char *dir;
	int dir_fd;
	uv_loop_t loop;
	struct control *control;
	char asked[512];
	uint64_t later; /* the client that waits for an answer */
	bool done;
};

/* "echo" is answered at once, "deny" with an error, "later" not here. */
static void on_request(void *arg, uint64_t client, struct slice request)
{
	struct fixture *f = arg;
	CLEANUP(mem_free_str) char *text = mem_strndup(request);

	assert_true(client > 0);
	snprintf(f->asked, sizeof f->asked, "%s", text);
	if (strcmp(text, "later") == 0)
		f->later = client;
	else
		control_answer(f->control, client, strcmp(text, "deny") == 0 ? ERR_FORBIDDEN : ERR_OK, text);
}

static int setup(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);
	char base[] = "/tmp/control_test.XXXXXX";

	assert_non_null(mkdtemp(base));
	/* Longer than a socket's path may be. */
	f->dir = mem_printf("%s/%0120d", base, 0);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_int_equal(control_open(&f->loop, f->dir_fd, on_request, f, &f->control, NULL), ERR_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char *slash = strrchr(f->dir, '/');

	control_close(&f->control);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	assert_int_equal(fstatat(f->dir_fd, CONTROL_SOCKET_NAME, &st, 0), -1);
	close(f->dir_fd);
	assert_int_equal(rmdir(f->dir), 0); /* nothing is left in it */
	*slash = '\0';
	rmdir(f->dir);
	mem_free_str(&f->dir);
	free(f);
	return 0;
}

struct asker {
	struct fixture *f;
	const char *request;
	struct buf out;
	struct errinfo ei;
	enum err e;
};

static void *ask(void *arg)
{
	struct asker *a = arg;

	buf_init(&a->out, CONTROL_TEXT_MAX);
	a->e = control_ask(a->f->dir, a->request, &a->out, &a->ei);
	__atomic_store_n(&a->f->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Asks from another thread while the loop runs; a waiting client is answered with "at last". */
static void run(struct fixture *f, struct asker *a, const char *request)
{
	pthread_t t;

	*a = (struct asker){.f = f, .request = request};
	f->done = false;
	f->later = 0;
	assert_int_equal(pthread_create(&t, NULL, ask, a), 0);
	while (!__atomic_load_n(&f->done, __ATOMIC_ACQUIRE)) {
		uv_run(&f->loop, UV_RUN_NOWAIT);
		if (f->later) {
			control_answer(f->control, f->later, ERR_OK, "at last");
			f->later = 0;
		}
		usleep(500);
	}
	pthread_join(t, NULL);
}

static void test_answers(void **state)
{
	struct fixture *f = *state;
	struct asker a;
	struct stat st;

	assert_int_equal(fstatat(f->dir_fd, CONTROL_SOCKET_NAME, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	run(f, &a, "echo");
	assert_int_equal(a.e, ERR_OK);
	assert_string_equal(buf_cstr(&a.out), "echo");
	buf_done(&a.out);
	run(f, &a, "deny");
	assert_int_equal(a.e, ERR_FORBIDDEN);
	assert_string_equal(a.ei.detail, "deny");
	assert_int_equal(a.out.n, 0);
	run(f, &a, "later");
	assert_int_equal(a.e, ERR_OK);
	assert_string_equal(buf_cstr(&a.out), "at last");
	buf_done(&a.out);
}

static int connect_raw(const struct fixture *f)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	control_path(f->dir_fd, CONTROL_SOCKET_NAME, &address);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void turn(struct fixture *f)
{
	for (int i = 0; i < 40; i++)
		uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void test_rude_clients(void **state)
{
	struct fixture *f = *state;
	char big[1000] = {0};
	char byte;
	int fd = connect_raw(f);

	/* Longer than any request. */
	assert_int_equal(send(fd, big, sizeof big, MSG_NOSIGNAL), sizeof big);
	turn(f);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	assert_string_equal(f->asked, "");
	close(fd);
	/* A second request while the first one waits. */
	fd = connect_raw(f);
	assert_int_equal(send(fd, "later", 5, MSG_NOSIGNAL), 5);
	turn(f);
	assert_true(f->later > 0);
	assert_int_equal(send(fd, "echo", 4, MSG_NOSIGNAL), 4);
	turn(f);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	control_answer(f->control, f->later, ERR_OK, "to nobody");
	control_answer(f->control, 0, ERR_OK, "to nobody");
	close(fd);
	/* Gone before its answer. */
	f->later = 0;
	fd = connect_raw(f);
	assert_int_equal(send(fd, "later", 5, MSG_NOSIGNAL), 5);
	turn(f);
	assert_true(f->later > 0);
	close(fd);
	turn(f);
	control_answer(f->control, f->later, ERR_OK, "to nobody");
}

static void test_clients_are_bounded(void **state)
{
	struct fixture *f = *state;
	int fds[20];
	char byte;
	int turned_away = 0;

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connect_raw(f);
		turn(f);
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		turned_away += recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0;
		close(fds[i]);
	}
	assert_int_equal(turned_away, 4);
}

static void test_a_stale_socket_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct control *old = f->control;
	struct asker a;

	/* Another one takes the name over, as after a kill of the supervisor. */
	assert_int_equal(control_open(&f->loop, f->dir_fd, on_request, f, &f->control, NULL), ERR_OK);
	run(f, &a, "echo");
	assert_int_equal(a.e, ERR_OK);
	buf_done(&a.out);
	control_close(&old);
}

static void test_nobody_there(void **state)
{
	struct fixture *f = *state;
	struct errinfo ei = {.detail = ""};
	struct buf out;

	buf_init(&out, CONTROL_TEXT_MAX);
	control_close(&f->control);
	assert_int_equal(control_ask(f->dir, "echo", &out, &ei), ERR_NOT_FOUND);
	assert_int_equal(control_ask("/nonexistent", "echo", &out, &ei), ERR_NOT_FOUND);
	assert_int_equal(out.n, 0);
	buf_done(&out);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers),
		TEST(test_rude_clients),
		TEST(test_clients_are_bounded),
		TEST(test_a_stale_socket_is_replaced),
		TEST(test_nobody_there),
	};

	return cmocka_run_group_tests_name("daemon/control", tests, NULL, NULL);
}
