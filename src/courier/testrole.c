/* SPDX-License-Identifier: Apache-2.0 */
/* The courier's surroundings in the tests of the role. Must never end a process that it did not start. */
#include "courier/testrole.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/testtree.h"
#include "courier/courier.h"
#include "ipc/role.h"

const char testrole_good[] =
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 46\r\n\r\n" TESTROLE_BODY;
const size_t testrole_good_n = sizeof testrole_good - 1;

static int pair(int *ret_theirs)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	*ret_theirs = fds[1];
	return fds[0];
}

void testrole_introduce(struct testrole *w, enum ipc_role role, int *ret_ours)
{
	struct ipc_message m = {.kind = IPC_PEER};
	int theirs;

	*ret_ours = pair(&theirs);
	m.field[IPC_PEER_ROLE].number = role;
	m.field[IPC_PEER_SOCKET].fd = theirs;
	assert_int_equal(ipc_send(w->control, &m), ERR_OK);
	close(theirs);
}

void testrole_send_keys(struct testrole *w)
{
	unsigned char public_key[MASTER_PUBLIC_BYTES], mac_key[MASTER_MAC_KEY_BYTES];
	struct ipc_message m = {.kind = IPC_SPOOL_KEYS};

	master_spool_public(w->master, public_key);
	master_spool_mac_key(w->master, mac_key);
	m.field[IPC_SPOOL_KEYS_PUBLIC].bytes = slice_make(public_key, sizeof public_key);
	m.field[IPC_SPOOL_KEYS_MAC].bytes = slice_make(mac_key, sizeof mac_key);
	assert_int_equal(ipc_send(w->keeper, &m), ERR_OK);
}

static void expect_ready(struct testrole *w)
{
	struct ipc_message m;

	for (int i = 0; i < 500; i++) {
		enum err e = ipc_receive(w->control, IPC_COURIER, IPC_SUPERVISOR, w->arena, &m);

		if (e == ERR_OK) {
			assert_int_equal(m.kind, IPC_READY);
			return;
		}
		assert_int_equal(e, ERR_BUSY);
		usleep(10000);
	}
	fail_msg("the courier did not get ready");
}

int testrole_play(void)
{
#ifdef __SANITIZE_ADDRESS__
	_exit(courier_main("courier")); /* the leak checker cannot look into a role */
#else
	return courier_main("courier");
#endif
}

void testrole_start(struct testrole *w, const char *instance, const char *allow)
{
	struct ipc_message m = {.kind = IPC_START};
	int theirs, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log = open(arena_printf(w->arena, "%s/log", w->dir), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	w->control = pair(&theirs);
	fflush(NULL);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0) {
		if (w->file_max) {
			signal(SIGXFSZ, SIG_IGN);
			setrlimit(RLIMIT_FSIZE, &(struct rlimit){w->file_max, w->file_max});
		}
		if (theirs == ROLE_CONTROL_FD)
			fcntl(theirs, F_SETFD, 0);
		else
			dup2(theirs, ROLE_CONTROL_FD);
		/* Another program image: what the test's threads had locked at the fork would stay locked here. */
		execl("/proc/self/exe", "courier", TESTROLE_PLAY, (char *)NULL);
		_exit(127);
	}
	close(theirs);
	fcntl(w->control, F_SETFL, O_NONBLOCK);
	m.field[IPC_START_CONFIG].bytes =
		slice_from(arena_printf(w->arena, "FIBERWISE_DATA_DIR=%s\nFIBERWISE_EGRESS_ALLOW=%s\n", w->dir, allow));
	m.field[IPC_START_WORKERS].number = 1;
	m.field[IPC_START_INSTANCE].bytes = slice_from(instance);
	m.field[IPC_START_LOG].fd = log;
	m.field[IPC_START_SOCKET].fd = m.field[IPC_START_STRIPES].fd = m.field[IPC_START_LIMITS].fd =
		m.field[IPC_START_METRICS].fd = null;
	assert_int_equal(ipc_send(w->control, &m), ERR_OK);
	close(null);
	close(log);
	expect_ready(w);
	testrole_introduce(w, IPC_KEEPER, &w->keeper);
	testrole_introduce(w, IPC_CLERK, &w->clerk);
}

int testrole_reap(struct testrole *w)
{
	int status = 0;

	for (int i = 0; i < 1000; i++) {
		if (waitpid(w->pid, &status, WNOHANG) == w->pid) {
			w->pid = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
		}
		usleep(10000);
	}
	fail_msg("the courier did not end");
	return 0;
}

void testrole_close_ends(struct testrole *w)
{
	close(w->control);
	close(w->keeper);
	close(w->clerk);
}

void testrole_kill(struct testrole *w)
{
	kill(w->pid, SIGKILL);
	assert_int_equal(testrole_reap(w), -SIGKILL);
	testrole_close_ends(w);
}

void testrole_stop(struct testrole *w)
{
	assert_int_equal(ipc_send(w->control, &(struct ipc_message){.kind = IPC_STOP}), ERR_OK);
	assert_int_equal(testrole_reap(w), 0);
	testrole_close_ends(w);
}

struct ipc_message testrole_token_message(struct testrole *w, const char *attempt)
{
	struct fetch_request r = {
		.flags = FETCH_YIELDS_TOKENS,
		.attempt = attempt,
		.consumes = arena_printf(w->arena, "refresh %s", attempt),
		.method = "POST",
		.url = arena_printf(w->arena, "http://127.0.0.1:%u/token", testserver_port(w->server)),
		.body_cap = FETCH_TOKEN_CAP,
		.body = SLICE_LIT("grant_type=refresh_token"),
		.label = "token test",
	};
	struct ipc_message m;

	assert_int_equal(fetch_to_message(&r, w->arena, &m, NULL), ERR_OK);
	return m;
}

struct ipc_message testrole_attempt_message(enum ipc_kind kind, const char *attempt)
{
	struct ipc_message m = {.kind = kind};

	m.field[0].bytes = slice_from(attempt);
	return m;
}

struct ipc_message testrole_receive(struct testrole *w)
{
	struct ipc_message m;

	for (int i = 0; i < 2000; i++) {
		enum err e = ipc_receive(w->clerk, IPC_COURIER, IPC_CLERK, w->arena, &m);

		if (e == ERR_OK)
			return m;
		assert_int_equal(e, ERR_BUSY);
		usleep(5000);
	}
	fail_msg("the courier says nothing");
	return m;
}

void testrole_expect_holds(struct testrole *w, const char *attempt)
{
	struct ipc_message m = testrole_receive(w);

	assert_string_equal(ipc_kind_name(m.kind), "HOLDS");
	assert_true(slice_is(m.field[IPC_HOLDS_ATTEMPTS].bytes, attempt));
}

struct fetch_answer testrole_ask(struct testrole *w, struct ipc_message m)
{
	static uint64_t id;
	struct ipc_message back;
	struct fetch_answer answer = {0};

	m.id = ++id;
	assert_int_equal(ipc_send(w->clerk, &m), ERR_OK);
	do
		back = testrole_receive(w);
	while (back.kind == IPC_HOLDS);
	assert_int_equal(back.id, m.id);
	assert_int_equal(fetch_answer_from_message(&back, &answer), ERR_OK);
	return answer;
}

void testrole_assert_good(struct testrole *w, const struct fetch_answer *answer, const char *attempt)
{
	struct secret *clear = NULL;

	assert_int_equal(answer->err, ERR_OK);
	assert_int_equal(answer->status, 200);
	assert_true(answer->sent && answer->complete && answer->sealed);
	assert_string_equal(answer->content_type, "application/json");
	assert_true(fetch_head_is_of(answer->head, attempt));
	assert_null(memmem(answer->body.p, answer->body.n, "rt-1", 4));
	assert_int_equal(master_open_spool(w->master, answer->head, answer->body, &clear, NULL), ERR_OK);
	assert_true(slice_is(secret_expose(clear), TESTROLE_BODY));
	secret_free(&clear);
}

void testrole_wait_for_requests(struct testrole *w, int n)
{
	for (int i = 0; i < 500 && testserver_requests(w->server) < n; i++)
		usleep(10000);
	assert_int_equal(testserver_requests(w->server), n);
}

int testrole_setup(void **state)
{
	struct testrole *w = MEM_NEW(struct testrole);
	char *key;

	memcpy(w->dir, "/tmp/courier_test.XXXXXX", 25);
	assert_non_null(mkdtemp(w->dir));
	w->arena = arena_new(64 << 20);
	key = arena_printf(w->arena, "%s/master.key", w->dir);
	assert_int_equal(master_create(key, NULL), ERR_OK);
	assert_int_equal(master_load(key, &w->master, NULL), ERR_OK);
	w->server = testserver_start(NULL);
	testserver_script(w->server, &(struct testserver_script){.response = testrole_good, .n = testrole_good_n});
	*state = w;
	return 0;
}

int testrole_teardown(void **state)
{
	struct testrole *w = *state;

	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
	}
	testserver_stop(&w->server);
	master_free(&w->master);
	arena_free(&w->arena);
	testtree_remove(w->dir);
	free(w);
	return 0;
}
