/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each role in a process of its own, shut in as the service does it: a call that it must not make ends it, what it needs
 * goes on working. Says so and passes over what this kernel cannot.
 */
#include "ipc/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ipc/testsandbox.h"

#define SET(role)  IPC_SET(role)
#define NOT(roles) (IPC_CHILDREN & ~(roles))

/* ---- system calls ---- */

static int run_program(const struct sandboxed *f)
{
	char name[] = "true";
	char *args[] = {name, NULL};

	(void)f;
	return execv("/bin/true", args);
}

static int fork_process(const struct sandboxed *f)
{
	pid_t pid = fork();

	(void)f;
	if (pid == 0)
		_exit(0);
	return pid < 0;
}

static int new_namespace(const struct sandboxed *f)
{
	(void)f;
	return (int)syscall(SYS_unshare, 0x10000000);
}

static int trace_parent(const struct sandboxed *f)
{
	(void)f;
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int read_memory(const struct sandboxed *f)
{
	(void)f;
	return (int)syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static int kill_parent(const struct sandboxed *f)
{
	(void)f;
	return kill(getppid(), 0);
}

static int signal_parent_thread(const struct sandboxed *f)
{
	(void)f;
	return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static int map_code(const struct sandboxed *f)
{
	(void)f;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int turn_into_code(const struct sandboxed *f)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)f;
	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int become_dumpable(const struct sandboxed *f)
{
	(void)f;
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int internet_socket(const struct sandboxed *f)
{
	(void)f;
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0;
}

static int local_socket(const struct sandboxed *f)
{
	(void)f;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0;
}

static int raw_netlink(const struct sandboxed *f)
{
	(void)f;
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) < 0;
}

static int connect_out(const struct sandboxed *f)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	(void)f;
	(void)connect(0, (struct sockaddr *)&to, sizeof to);
	return 0;
}

static int bind_port(const struct sandboxed *f)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	(void)f;
	(void)bind(0, (struct sockaddr *)&at, sizeof at);
	return 0;
}

static int accept_one(const struct sandboxed *f)
{
	(void)f;
	accept4(0, NULL, NULL, SOCK_CLOEXEC);
	return 0;
}

static int open_anything(const struct sandboxed *f)
{
	int fd = open(f->key, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return 0;
}

static int change_limit(const struct sandboxed *f)
{
	const uint64_t limit[2] = {1, 1};

	(void)f;
	return (int)syscall(SYS_prlimit64, 0, 4 /* RLIMIT_CORE */, limit, NULL);
}

static void *nothing(void *arg)
{
	return arg;
}

static int start_thread(const struct sandboxed *f)
{
	pthread_t t;

	(void)f;
	if (pthread_create(&t, NULL, nothing, NULL) != 0)
		return 1;
	return pthread_join(t, NULL);
}

static int abort_itself(const struct sandboxed *f)
{
	(void)f;
	abort();
}

static int everyday(const struct sandboxed *f)
{
	int fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char c = 'x';

	(void)f;
	if (fd < 0 || ftruncate(fd, 4096) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
		return 1;
	free(malloc(8 << 20));
	if (syscall(SYS_getrandom, &c, 1, 0) != 1)
		return 2;
	/* What newer libraries try first is absent, not fatal. */
	return syscall(SYS_io_uring_setup, 1, NULL) == -1 && errno == ENOSYS ? 0 : 3;
}

struct row {
	const char *what;
	testsandbox_act_fn *act;
	unsigned fatal; /* to these roles; the others can do it */
};

static const struct row rows[] = {
	{"run a program", run_program, IPC_CHILDREN},
	{"fork", fork_process, IPC_CHILDREN},
	{"a namespace of its own", new_namespace, IPC_CHILDREN},
	{"trace another process", trace_parent, IPC_CHILDREN},
	{"read another's memory", read_memory, IPC_CHILDREN},
	{"signal another process", kill_parent, IPC_CHILDREN},
	{"signal another's thread", signal_parent_thread, IPC_CHILDREN},
	{"map code", map_code, IPC_CHILDREN},
	{"turn memory into code", turn_into_code, IPC_CHILDREN},
	{"become dumpable", become_dumpable, IPC_CHILDREN},
	{"change a limit", change_limit, IPC_CHILDREN},
	{"bind", bind_port, IPC_CHILDREN},
	{"a local socket", local_socket, IPC_CHILDREN},
	{"netlink", raw_netlink, IPC_CHILDREN},
	{"an internet socket", internet_socket, NOT(SET(COURIER))},
	{"connect", connect_out, NOT(SET(COURIER))},
	{"accept", accept_one, NOT(SET(WORKER))},
	{"open a file", open_anything, SET(KEEPER)},
	{"start a thread", start_thread, SET(KEEPER) | SET(INIT)},
	{"everyday calls", everyday, 0},
};

static void test_a_forbidden_call_ends_the_role(void **state)
{
	testsandbox_need_calls();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int role = IPC_INIT; role < IPC_ROLE__COUNT; role++) {
			int end = testsandbox_run(*state, (enum ipc_role)role, rows[i].act);
			int want = rows[i].fatal & 1u << role ? 1000 + SIGSYS : 0;

			if (end != want)
				fail_msg("%s, the %s: %d, not %d", rows[i].what, ipc_role_name((enum ipc_role)role),
					 end, want);
		}
	}
}

static void test_abort_is_an_abort(void **state)
{
	testsandbox_need_calls();
	for (int role = IPC_INIT; role < IPC_ROLE__COUNT; role++)
		assert_int_equal(testsandbox_run(*state, (enum ipc_role)role, abort_itself), 1000 + SIGABRT);
}

/* It starts the roles, and has no use for these; refused, not fatal: its end is the end of all. */
static int supervisor_life(const struct sandboxed *f)
{
	if (fork_process(f) != 0)
		return 1;
	if (trace_parent(f) != -1 || errno != EPERM)
		return 2;
	if (new_namespace(f) != -1 || errno != EPERM)
		return 3;
	return syscall(SYS_bpf, 0, NULL, 0) == -1 && errno == EPERM ? 0 : 4;
}

static void test_the_supervisor_is_refused(void **state)
{
	testsandbox_need_calls();
	assert_int_equal(testsandbox_run(*state, IPC_SUPERVISOR, supervisor_life), 0);
}

static void *connect_later(void *arg)
{
	const int *go = arg;
	char c;

	if (read(*go, &c, 1) == 1)
		connect_out(NULL);
	return NULL;
}

/* The store thread runs before the list is loaded: it holds for it too, and the whole process ends. */
static void test_a_thread_that_was_there_is_bound_too(void **state)
{
	int go[2], status = 0;
	pid_t pid;

	testsandbox_need_calls();
	(void)state;
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		pthread_t t;

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (pthread_create(&t, NULL, connect_later, &go[0]) != 0 ||
		    sandbox_calls_enter(IPC_CLERK, NULL) != ERR_OK)
			_exit(TESTSANDBOX_ENTERED_BADLY);
		if (write(go[1], "x", 1) != 1)
			_exit(TESTSANDBOX_ENTERED_BADLY);
		pthread_join(t, NULL);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	close(go[0]);
	close(go[1]);
}

/* ---- the switch ---- */

static void test_off_and_what_is_missing(void **state)
{
	struct sandbox box = testsandbox_of(*state, IPC_KEEPER);
	struct errinfo ei = {.detail = ""};

	box.mode = "off";
	assert_int_equal(sandbox_begin(&box, &ei), ERR_OK);
	assert_int_equal(sandbox_finish(&box, &ei), ERR_OK);
	assert_false(box.calls);
	assert_int_equal(box.files, 0);
	assert_string_equal(box.without, "FIBERWISE_SANDBOX=off");
	assert_true(open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0); /* this process is as free as before */
	if (testsandbox_whole())
		return;
	box.mode = "required";
	assert_int_equal(sandbox_begin(&box, &ei), ERR_CONFIG);
	assert_non_null(strstr(ei.detail, "FIBERWISE_SANDBOX=required, but this"));
	assert_non_null(strstr(ei.hint, "auto"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, testsandbox_setup, testsandbox_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_forbidden_call_ends_the_role), TEST(test_abort_is_an_abort),
		TEST(test_the_supervisor_is_refused),	   TEST(test_a_thread_that_was_there_is_bound_too),
		TEST(test_off_and_what_is_missing),
	};

	return cmocka_run_group_tests_name("ipc/sandbox", tests, NULL, NULL);
}
