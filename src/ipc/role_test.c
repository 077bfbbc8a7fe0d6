/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime of a role, in a process of its own, driven over its control connection. */
#include "ipc/role.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"

enum { STRAY_FD = 90, SLOW_STOP_MS = 200 };

/* ---- the role that is run: it says what happens to it ---- */

static void say(struct role *role, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct role *role, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	role_say(role, text);
}

static enum err start(struct role *role, struct errinfo *ei)
{
	struct rlimit core;

	getrlimit(RLIMIT_CORE, &core);
	if (strcmp(role_config(role, "FAIL"), "yes") == 0) {
		err_hint(ei, ERR_CONFIG, "the hint");
		return err_set(ei, ERR_CONFIG, "the detail");
	}
	say(role, "slot=%d workers=%d instance=%s socket=%d a=%s long=%s none=%s", (int)role->slot, (int)role->workers,
	    role->instance, role->socket >= 0, role_config(role, "A"), role_config(role, "AB"), role_config(role, "NONE"));
	say(role, "dumpable=%d privs=%d core=%d stray=%d", prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
	    (int)core.rlim_max, fcntl(STRAY_FD, F_GETFD) >= 0);
	raise(SIGINT); /* left to the supervisor */
	raise(SIGTERM);
	raise(SIGHUP);
	raise(SIGPIPE);
	role_ready(role);
	return ERR_OK;
}

static void on_peer(struct role *role, enum ipc_role peer, int64_t slot, int fd)
{
	say(role, "peer %s %d", ipc_role_name(peer), (int)slot);
	close(fd);
}

static void on_slow(uv_timer_t *timer)
{
	struct role *role = timer->data;

	uv_close((uv_handle_t *)timer, NULL);
	role_stopped(role);
}

static void on_stop(struct role *role, bool orphaned)
{
	static uv_timer_t slow;

	LOG(LOG_INFO, orphaned ? "orphaned" : "stopping");
	uv_timer_init(role->loop, &slow);
	slow.data = role;
	uv_timer_start(&slow, on_slow, SLOW_STOP_MS, 0);
}

static void on_control(struct role *role, struct ipc_message *m)
{
	LOG(LOG_INFO, "control_message");
	say(role, "control %s", ipc_kind_name(m->kind));
	ipc_close_fds(m);
}

/* ---- the supervisor's side ---- */

struct fixture {
	pid_t pid;
	int control;
	char log[64];
	struct arena *a;
};

static int setup(void **state)
{
	static const struct role_hooks hooks = {.start = start, .on_peer = on_peer, .on_stop = on_stop,
						.on_control = on_control};
	struct fixture *f = MEM_NEW(struct fixture);
	int fds[2];

	snprintf(f->log, sizeof f->log, "/tmp/role_test.XXXXXX");
	close(mkstemp(f->log));
	f->a = arena_new(8 * IPC_ARENA_BYTES);
	assert_int_equal(ipc_pair(fds), ERR_OK);
	f->pid = fork();
	if (f->pid == 0) {
		dup2(fds[1], ROLE_CONTROL_FD);
		dup2(fds[0], STRAY_FD);
		_exit(role_run(IPC_WORKER, "worker 7", &hooks, NULL));
	}
	close(fds[1]);
	f->control = fds[0];
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->control >= 0)
		close(f->control);
	if (f->pid > 0)
		waitpid(f->pid, NULL, 0);
	unlink(f->log);
	arena_free(&f->a);
	free(f);
	return 0;
}

static void send_start(const struct fixture *f, const char *config)
{
	struct ipc_message m = {.kind = IPC_START};

	m.field[IPC_START_CONFIG].bytes = slice_from(config);
	m.field[IPC_START_SLOT].number = 7;
	m.field[IPC_START_WORKERS].number = 9;
	m.field[IPC_START_INSTANCE].bytes = SLICE_LIT("abc");
	m.field[IPC_START_LOG].fd = open(f->log, O_WRONLY | O_APPEND | O_CLOEXEC);
	m.field[IPC_START_SOCKET].fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	m.field[IPC_START_STRIPES].fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	m.field[IPC_START_LIMITS].fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	m.field[IPC_START_METRICS].fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(ipc_send(f->control, &m), ERR_OK);
	ipc_close_fds(&m);
}

static enum err next(const struct fixture *f, struct ipc_message *ret)
{
	struct pollfd p = {.fd = f->control, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
	return ipc_receive(f->control, IPC_WORKER, IPC_SUPERVISOR, f->a, ret);
}

/* The next message is a SAY with this text. */
static void says(const struct fixture *f, const char *text)
{
	struct ipc_message m;

	assert_int_equal(next(f, &m), ERR_OK);
	assert_int_equal(m.kind, IPC_SAY);
	if (!slice_is(m.field[IPC_SAY_TEXT].bytes, text))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARG(m.field[IPC_SAY_TEXT].bytes), text);
}

static void is_ready(const struct fixture *f)
{
	struct ipc_message m;

	says(f, "slot=7 workers=9 instance=abc socket=1 a=1=2 long= none=");
	says(f, "dumpable=0 privs=1 core=0 stray=0");
	assert_int_equal(next(f, &m), ERR_OK);
	assert_int_equal(m.kind, IPC_READY);
}

static int exit_code(struct fixture *f)
{
	int status = 0;

	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	f->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static bool log_has(const struct fixture *f, const char *what)
{
	static char text[8192];
	int fd = open(f->log, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof text - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, what) != NULL;
}

static void test_start_peers_and_stop(void **state)
{
	struct fixture *f = *state;
	struct ipc_message m = {.kind = IPC_PEER};

	send_start(f, "A=1=2\nAB=\nABC=3\n");
	is_ready(f);
	m.field[IPC_PEER_ROLE].number = IPC_CLERK;
	m.field[IPC_PEER_SLOT].number = 5;
	m.field[IPC_PEER_SOCKET].fd = 0;
	assert_int_equal(ipc_send(f->control, &m), ERR_OK);
	says(f, "peer clerk 5");
	assert_int_equal(ipc_send(f->control, &(struct ipc_message){.kind = IPC_ADMIN_LINK, .id = 3}), ERR_OK);
	says(f, "control ADMIN_LINK");
	assert_int_equal(ipc_send(f->control, &(struct ipc_message){.kind = IPC_STOP}), ERR_OK);
	assert_int_equal(ipc_send(f->control, &m), ERR_OK); /* too late for an introduction */
	assert_int_equal(next(f, &m), ERR_NOT_FOUND);        /* it ended without another word */
	assert_int_equal(exit_code(f), 0);
	assert_true(log_has(f, "\"stopping\""));
	assert_true(log_has(f, "\"worker 7\""));
	assert_false(log_has(f, "orphaned"));
}

static void test_a_failed_start_says_why(void **state)
{
	struct fixture *f = *state;
	struct ipc_message m;

	send_start(f, "FAIL=yes\n");
	assert_int_equal(next(f, &m), ERR_OK);
	assert_int_equal(m.kind, IPC_FAILED);
	assert_int_equal(m.field[IPC_FAILED_ERR].number, ERR_CONFIG);
	assert_true(slice_is(m.field[IPC_FAILED_DETAIL].bytes, "the detail"));
	assert_true(slice_is(m.field[IPC_FAILED_HINT].bytes, "the hint"));
	assert_int_equal(exit_code(f), 1);
	assert_false(log_has(f, "stopping"));
}

static void test_nothing_comes_before_start(void **state)
{
	struct fixture *f = *state;
	struct ipc_message m;

	assert_int_equal(ipc_send(f->control, &(struct ipc_message){.kind = IPC_STOP}), ERR_OK);
	assert_int_equal(next(f, &m), ERR_NOT_FOUND);
	assert_int_equal(exit_code(f), 1);
}

static void test_a_second_start_ends_it(void **state)
{
	struct fixture *f = *state;
	struct ipc_message m;

	send_start(f, "A=1=2\n");
	is_ready(f);
	send_start(f, "A=3\n");
	while (next(f, &m) == ERR_OK)
		;
	assert_int_equal(exit_code(f), 0);
	assert_true(log_has(f, "peer_broke_the_rules"));
	assert_true(log_has(f, "\"orphaned\""));
}

static void test_it_ends_when_the_supervisor_is_gone(void **state)
{
	struct fixture *f = *state;

	send_start(f, "A=1=2\n");
	is_ready(f);
	close(f->control);
	f->control = -1;
	assert_int_equal(exit_code(f), 0);
	assert_true(log_has(f, "\"orphaned\""));
}

static void test_it_ends_when_nobody_starts_it(void **state)
{
	struct fixture *f = *state;

	close(f->control);
	f->control = -1;
	assert_int_equal(exit_code(f), 0);
	assert_false(log_has(f, "orphaned"));
}

static void test_the_log_moves(void **state)
{
	struct fixture *f = *state;
	struct ipc_message m = {.kind = IPC_LOG};
	char old[80];

	send_start(f, "A=1=2\n");
	is_ready(f);
	snprintf(old, sizeof old, "%s.1", f->log);
	assert_int_equal(rename(f->log, old), 0);
	m.field[IPC_LOG_FILE].fd = open(f->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_int_equal(ipc_send(f->control, &m), ERR_OK);
	ipc_close_fds(&m);
	assert_int_equal(ipc_send(f->control, &(struct ipc_message){.kind = IPC_ADMIN_LINK, .id = 3}), ERR_OK);
	says(f, "control ADMIN_LINK");
	assert_true(log_has(f, "control_message"));
	unlink(old);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_start_peers_and_stop),
		TEST(test_a_failed_start_says_why),
		TEST(test_nothing_comes_before_start),
		TEST(test_a_second_start_ends_it),
		TEST(test_it_ends_when_the_supervisor_is_gone),
		TEST(test_it_ends_when_nobody_starts_it),
		TEST(test_the_log_moves),
	};

	return cmocka_run_group_tests_name("ipc/role", tests, NULL, NULL);
}
