/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor with real processes. This program is its own fiberd: started as "fiberd: <name>" it plays a small
 * role that writes what happens to it into the file `events` of its working directory, and does what files there
 * tell it (fail-clerk, hang-keeper, break-worker).
 */
#include "daemon/supervisor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/control.h"
#include "ipc/role.h"

extern char **environ;

/* ---- the small roles ---- */

static void event(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void event(const char *format, ...)
{
	int fd = open("events", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	char line[128];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (n > 0 && write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

/* Whether the test put a file "<what>-<role>" there. */
static bool told(const struct role *role, const char *what)
{
	char file[64];

	snprintf(file, sizeof file, "%s-%s", what, ipc_role_name(role->self));
	return access(file, F_OK) == 0;
}

static enum err small_start(struct role *role, struct errinfo *ei)
{
	event("start %s dumpable=%d env=%d socket=%d\n", role->name, prctl(PR_GET_DUMPABLE), environ[0] != NULL,
	      role->socket >= 0);
	if (told(role, "fail")) {
		err_hint(ei, ERR_CONFIG, "Mend it.");
		return err_set(ei, ERR_CONFIG, "the %s was told to fail", role->name);
	}
	if (told(role, "die"))
		raise(SIGKILL);
	LOG(LOG_INFO, "small_start");
	if (role->self == IPC_WORKER && role->slot == 0)
		role_say(role, "a line for the terminal");
	role_ready(role);
	if (role->self == IPC_INIT)
		role_stopped(role);
	return ERR_OK;
}

static void small_peer(struct role *role, enum ipc_role peer, int64_t slot, int fd)
{
	event("peer %s: %s %d\n", role->name, ipc_role_name(peer), (int)slot);
	close(fd);
}

static void small_stop(struct role *role, bool orphaned)
{
	event("%s %s\n", orphaned ? "orphaned" : "stop", role->name);
	if (!told(role, "hang"))
		role_stopped(role);
}

static void small_control(struct role *role, struct ipc_message *m)
{
	struct ipc_message answer = {.kind = IPC_ADMIN_LINKED, .id = m->id};

	if (told(role, "break"))
		answer = (struct ipc_message){.kind = IPC_SPOOL_KEYS}; /* no worker may send this */
	else
		answer.field[IPC_ADMIN_LINKED_TEXT].bytes = SLICE_LIT("http://127.0.0.1/signin/abc");
	LOG(LOG_INFO, "small_link");
	channel_send(role->control, &answer);
}

static int small_role(const char *name)
{
	static const struct role_hooks hooks = {.start = small_start, .on_peer = small_peer, .on_stop = small_stop,
						.on_control = small_control};
	struct slice kind = slice_sub(slice_from(name), 0, slice_index(slice_from(name), ' '));

	for (int r = 0; r < IPC_ROLE__COUNT; r++)
		if (slice_is(kind, ipc_role_name((enum ipc_role)r)))
			return role_run((enum ipc_role)r, name, &hooks, NULL);
	return 2;
}

/* ---- running a service ---- */

enum { WAIT_MS = 8000, STRAY_FD = 77 };

struct service {
	char dir[64];
	int port;
	pid_t pid;
	int out, err; /* pipes */
	char said[8192], complained[8192];
};

static int64_t now(void)
{
	return clock_mono_ms(&clock_system);
}

static int free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static struct config *make_config(const struct service *s)
{
	char listen[64], data_dir[] = "FIBERWISE_DATA_DIR=data", workers[] = "FIBERWISE_WORKERS=2";
	char *env[] = {listen, data_dir, workers, NULL};
	const struct config_args args = {.env = env};
	struct config *config = NULL;
	struct errinfo ei = {.detail = ""};

	snprintf(listen, sizeof listen, "FIBERWISE_LISTEN=127.0.0.1:%d", s->port);
	if (config_load(&args, &config, &ei))
		fail_msg("%s", ei.detail);
	return config;
}

static void service_start(struct service *s)
{
	int out[2], err[2];

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	fflush(NULL);
	s->pid = fork();
	if (s->pid == 0) {
		struct config *config;
		int code;

		/* A descriptor that nobody asked for; it is not close-on-exec. */
		if (chdir(s->dir) != 0 || dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0 || dup2(err[1], STRAY_FD) < 0)
			_exit(99);
		config = make_config(s);
		code = supervisor_run(config);
		config_free(&config);
		fflush(NULL);
		_exit(code);
	}
	close(out[1]);
	close(err[1]);
	s->out = out[0];
	s->err = err[0];
	s->said[0] = s->complained[0] = '\0';
	fcntl(s->out, F_SETFL, O_NONBLOCK);
	fcntl(s->err, F_SETFL, O_NONBLOCK);
}

static void drain(int fd, char *text, size_t cap)
{
	size_t n = strlen(text);
	ssize_t got = read(fd, text + n, cap - n - 1);

	if (got > 0)
		text[n + (size_t)got] = '\0';
}

static bool said(struct service *s, const char *what)
{
	for (int64_t end = now() + WAIT_MS; now() < end; usleep(5000)) {
		drain(s->out, s->said, sizeof s->said);
		if (strstr(s->said, what))
			return true;
	}
	return false;
}

static int service_wait(struct service *s)
{
	int status = 0;

	for (int64_t end = now() + WAIT_MS; now() < end; usleep(5000)) {
		if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
			drain(s->out, s->said, sizeof s->said);
			drain(s->err, s->complained, sizeof s->complained);
			close(s->out);
			close(s->err);
			s->pid = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
		}
	}
	fail_msg("the supervisor does not end");
	return -1;
}

static char *slurp(const struct service *s, const char *file)
{
	static char text[65536];
	char path[128];
	int fd;
	ssize_t n;

	snprintf(path, sizeof path, "%s/%s", s->dir, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	text[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

static bool events_have(const struct service *s, const char *what, size_t times)
{
	for (int64_t end = now() + WAIT_MS; now() < end; usleep(5000))
		if (count(slurp(s, "events"), what) >= times)
			return true;
	return false;
}

static void put_file(const struct service *s, const char *file)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", s->dir, file);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static bool there(const struct service *s, const char *file)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", s->dir, file);
	return lstat(path, &st) == 0;
}

/* The process of ours with this command line; 0 when there is none. */
static pid_t find_role(const struct service *s, const char *name)
{
	char path[64], want[64], line[64];

	snprintf(want, sizeof want, "fiberd: %s", name);
	for (pid_t pid = s->pid; pid < s->pid + 3000; pid++) {
		FILE *f;
		size_t n;
		int parent = 0;

		snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
		f = fopen(path, "r");
		if (!f)
			continue;
		n = fread(line, 1, sizeof line - 1, f);
		fclose(f);
		line[n] = '\0';
		if (strcmp(line, want) != 0)
			continue;
		snprintf(path, sizeof path, "/proc/%d/stat", pid);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%*d (%*[^)]) %*c %d", &parent) == 1 && parent == s->pid) {
			fclose(f);
			return pid;
		}
		fclose(f);
	}
	return 0;
}

static int setup(void **state)
{
	struct service *s = MEM_NEW(struct service);

	snprintf(s->dir, sizeof s->dir, "/tmp/supervisor_test.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->port = free_port();
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct service *s = *state;
	char command[128];

	if (s->pid > 0) {
		kill(s->pid, SIGTERM);
		service_wait(s);
	}
	snprintf(command, sizeof command, "rm -rf '%s'", s->dir);
	if (system(command) != 0)
		return 1;
	free(s);
	return 0;
}

/* ---- tests ---- */

static const char *const names[] = {"keeper", "courier", "clerk", "worker 0", "worker 1"};

static void test_start_and_orderly_stop(void **state)
{
	struct service *s = *state;
	char ready[64];
	const char *events;
	struct stat st;
	char path[128];

	service_start(s);
	snprintf(ready, sizeof ready, "ready http://127.0.0.1:%d\n", s->port);
	assert_true(said(s, ready));
	assert_true(said(s, "a line for the terminal\n"));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_true(find_role(s, names[i]) > 0);
	snprintf(path, sizeof path, "%s/data", s->dir);
	assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
	snprintf(path, sizeof path, "%s/data/control.sock", s->dir);
	assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	snprintf(path, sizeof path, "%s/data/logs/oauth.log", s->dir);
	assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);

	kill(s->pid, SIGTERM);
	assert_int_equal(service_wait(s), 0);
	assert_string_equal(s->complained, "");
	assert_false(there(s, "data/control.sock"));
	events = slurp(s, "events");
	assert_true(strncmp(events, "start init", 10) == 0); /* before all others */
	assert_int_equal(count(events, "start "), 6);
	assert_int_equal(count(events, "\nstop "), 5);
	assert_int_equal(count(events, "orphaned"), 0);
	assert_true(strstr(events, "stop worker 0") < strstr(events, "stop clerk"));
	assert_true(strstr(events, "stop worker 1") < strstr(events, "stop clerk"));
	assert_true(strstr(events, "stop clerk") < strstr(events, "stop courier"));
	assert_true(strstr(events, "stop courier") < strstr(events, "stop keeper"));
}

static void test_everybody_is_introduced_to_partners_only(void **state)
{
	static const char *const pairs[] = {
		"peer clerk: worker 0\n",  "peer clerk: worker 1\n",  "peer worker 0: clerk 0\n", "peer worker 1: clerk 0\n",
		"peer keeper: clerk 0\n",  "peer clerk: keeper 0\n",  "peer keeper: worker 0\n",  "peer keeper: worker 1\n",
		"peer worker 0: keeper 0\n", "peer worker 1: keeper 0\n", "peer keeper: courier 0\n",
		"peer courier: keeper 0\n", "peer clerk: courier 0\n", "peer courier: clerk 0\n",
	};
	struct service *s = *state;

	service_start(s);
	assert_true(said(s, "ready "));
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		assert_true(events_have(s, pairs[i], 1));
	assert_int_equal(count(slurp(s, "events"), "peer "), ARRAY_LEN(pairs));
}

static void test_roles_are_hardened(void **state)
{
	struct service *s = *state;
	char path[64], text[8192];

	service_start(s);
	assert_true(said(s, "ready "));
	assert_int_equal(count(slurp(s, "events"), "dumpable=0 env=0"), 6);
	assert_int_equal(count(slurp(s, "events"), "socket=1"), 2);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		pid_t pid = find_role(s, names[i]);
		FILE *f;
		struct stat st;
		size_t n;

		snprintf(path, sizeof path, "/proc/%d/status", pid);
		f = fopen(path, "r");
		n = fread(text, 1, sizeof text - 1, f);
		text[n] = '\0';
		fclose(f);
		assert_non_null(strstr(text, "NoNewPrivs:\t1"));
		assert_non_null(strstr(text, "Umask:\t0077"));
		assert_non_null(strstr(text, "Name:\tfiberd:"));
		snprintf(path, sizeof path, "/proc/%d/limits", pid);
		f = fopen(path, "r");
		n = fread(text, 1, sizeof text - 1, f);
		text[n] = '\0';
		fclose(f);
		assert_non_null(strstr(text, "Max core file size        0                    0 "));
		if (geteuid() != 0)
			continue; /* others may not look into a process that is not dumpable */
		snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, STRAY_FD);
		assert_int_equal(lstat(path, &st), -1);
		snprintf(path, sizeof path, "/proc/%d/fd/3", pid);
		assert_int_equal(lstat(path, &st), 0);
	}
}

static void test_a_killed_role_is_back_in_under_a_second(void **state)
{
	struct service *s = *state;

	service_start(s);
	assert_true(said(s, "ready "));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		pid_t old = find_role(s, names[i]);
		int64_t at = now();
		char line[64];
		pid_t pid;

		snprintf(line, sizeof line, "start %s ", names[i]);
		kill(old, SIGKILL);
		while ((pid = find_role(s, names[i])) == old || pid == 0)
			usleep(2000);
		assert_true(events_have(s, line, 2));
		assert_true(now() - at < 1000);
	}
	/* The successor and its partner got a fresh pair each. */
	assert_true(events_have(s, "peer keeper: worker 1\n", 3));
	assert_true(events_have(s, "peer worker 1: keeper 0\n", 3));
	assert_true(events_have(s, "peer courier: clerk 0\n", 3));
	assert_non_null(strstr(slurp(s, "data/logs/oauth.log"), "killed by signal 9"));
	kill(s->pid, SIGTERM);
	assert_int_equal(service_wait(s), 0);
}

static void test_a_role_that_keeps_dying_is_slowed_down(void **state)
{
	struct service *s = *state;
	size_t n;

	service_start(s);
	assert_true(said(s, "ready "));
	put_file(s, "die-courier");
	kill(find_role(s, "courier"), SIGKILL);
	usleep(2000000);
	/* At once, then after 100, 200, 400, 800 ms: five more starts in the first 1.5 s, not hundreds. */
	n = count(slurp(s, "events"), "start courier");
	assert_in_range(n, 4, 7);
	assert_true(find_role(s, "worker 0") > 0); /* the others go on */
	kill(s->pid, SIGTERM);
	assert_int_equal(service_wait(s), 0);
}

static void test_a_role_that_breaks_the_rules_is_replaced(void **state)
{
	struct service *s = *state;
	struct buf out;
	char path[128];

	service_start(s);
	assert_true(said(s, "ready "));
	put_file(s, "break-worker");
	snprintf(path, sizeof path, "%s/data", s->dir);
	buf_init(&out, CONTROL_TEXT_MAX);
	kill(find_role(s, "worker 1"), 0);
	if (fork() == 0) { /* its answer never comes */
		control_ask(path, "admin-link", &out, NULL);
		_exit(0);
	}
	assert_true(events_have(s, "start worker 0 ", 2));
	assert_non_null(strstr(slurp(s, "data/logs/oauth.log"), "role_broke_the_rules"));
	kill(s->pid, SIGTERM);
	assert_int_equal(service_wait(s), 0);
	wait(NULL);
	buf_done(&out);
}

static void test_roles_end_with_a_killed_supervisor(void **state)
{
	struct service *s = *state;
	pid_t pids[ARRAY_LEN(names)];

	service_start(s);
	assert_true(said(s, "ready "));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		pids[i] = find_role(s, names[i]);
	kill(s->pid, SIGKILL);
	assert_int_equal(service_wait(s), 1000 + SIGKILL);
	assert_true(events_have(s, "orphaned", ARRAY_LEN(names)));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int64_t end = now() + 2000;
		char path[64], line[64] = "x";

		/* Reaped by whoever adopts them; until then their command line is empty. */
		for (snprintf(path, sizeof path, "/proc/%d/cmdline", pids[i]); now() < end && line[0]; usleep(5000)) {
			FILE *f = fopen(path, "r");

			line[0] = '\0';
			if (f && fread(line, 1, 1, f) == 0)
				line[0] = '\0';
			if (f)
				fclose(f);
		}
		assert_int_equal(line[0], 0);
	}
	/* The lock is free and a stale socket is no obstacle. */
	assert_true(there(s, "data/control.sock"));
	service_start(s);
	assert_true(said(s, "ready "));
}

static void test_a_role_that_does_not_stop_is_killed(void **state)
{
	struct service *s = *state;
	int64_t at;

	service_start(s);
	assert_true(said(s, "ready "));
	put_file(s, "hang-keeper");
	at = now();
	kill(s->pid, SIGINT);
	assert_int_equal(service_wait(s), 0);
	assert_in_range(now() - at, 1900, 5000);
	assert_non_null(strstr(slurp(s, "data/logs/oauth.log"), "role_stopped_too_slowly"));
}

static void test_a_failed_first_start_says_one_line(void **state)
{
	static const struct {
		const char *file, *line;
		bool dir_left;
	} rows[] = {
		{"fail-init", "fiberd: the init was told to fail. Mend it.\n", false},
		{"die-init", "fiberd: preparing the data directory failed (killed by signal 9, Killed)\n", false},
		{"fail-keeper", "fiberd: the keeper was told to fail. Mend it.\n", true},
		{"fail-clerk", "fiberd: the clerk was told to fail. Mend it.\n", true},
		{"die-courier", "fiberd: the courier ended before the service was ready (killed by signal 9, Killed)\n", true},
	};
	struct service *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[128];

		put_file(s, rows[i].file);
		service_start(s);
		assert_int_equal(service_wait(s), 1);
		assert_string_equal(s->complained, rows[i].line);
		assert_null(strstr(s->said, "ready"));
		assert_int_equal(there(s, "data"), rows[i].dir_left);
		assert_false(there(s, "data/control.sock"));
		snprintf(path, sizeof path, "%s/%s", s->dir, rows[i].file);
		unlink(path);
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			assert_int_equal(find_role(s, names[k]), 0);
	}
}

static void test_what_is_in_the_way_of_a_start(void **state)
{
	struct service *s = *state;
	struct service other = *s;
	char path[128];

	service_start(s);
	assert_true(said(s, "ready "));
	service_start(&other); /* the same port */
	assert_int_equal(service_wait(&other), 1);
	assert_int_equal(count(other.complained, "\n"), 1);
	assert_non_null(strstr(other.complained, "cannot listen on 127.0.0.1:"));
	assert_non_null(strstr(other.complained, "FIBERWISE_LISTEN"));
	other.port = free_port();
	service_start(&other); /* the same data directory */
	assert_int_equal(service_wait(&other), 1);
	assert_string_equal(other.complained, "fiberd: the data directory data is in use by another fiberd. "
					      "Stop it first, or set FIBERWISE_DATA_DIR to another directory.\n");
	assert_true(there(s, "data/control.sock")); /* the one that runs is left alone */
	kill(s->pid, SIGTERM);
	assert_int_equal(service_wait(s), 0);

	snprintf(path, sizeof path, "%s/data", s->dir);
	chmod(path, 0750);
	service_start(s);
	assert_int_equal(service_wait(s), 1);
	assert_string_equal(s->complained, "fiberd: the data directory data is open to others (mode 750). Type: chmod 700 data\n");
}

static void test_a_directory_that_cannot_be_made(void **state)
{
	struct service *s = *state;

	put_file(s, "data");
	service_start(s);
	assert_int_equal(service_wait(s), 1);
	assert_string_equal(s->complained, "fiberd: cannot use the data directory data: Not a directory. "
					   "Set FIBERWISE_DATA_DIR to a directory that this user may write to.\n");
	assert_true(there(s, "data"));
}

static void test_admin_link(void **state)
{
	struct service *s = *state;
	struct errinfo ei = {.detail = ""};
	struct buf out;
	char path[128];

	snprintf(path, sizeof path, "%s/data", s->dir);
	buf_init(&out, CONTROL_TEXT_MAX);
	assert_int_equal(control_ask(path, "admin-link", &out, &ei), ERR_NOT_FOUND);
	assert_non_null(strstr(ei.detail, "no fiberd is running"));
	service_start(s);
	assert_true(said(s, "ready "));
	assert_int_equal(control_ask(path, "admin-link", &out, &ei), ERR_OK);
	assert_string_equal(buf_cstr(&out), "http://127.0.0.1/signin/abc");
	assert_int_equal(control_ask(path, "nonsense", &out, &ei), ERR_INVALID);
	assert_null(strstr(slurp(s, "data/logs/oauth.log"), "signin")); /* it went to nobody else */
	assert_null(strstr(s->said, "signin"));
	kill(s->pid, SIGTERM);
	assert_int_equal(service_wait(s), 0);
	assert_int_equal(control_ask(path, "admin-link", &out, &ei), ERR_NOT_FOUND);
	buf_done(&out);
}

static void test_the_log_is_reopened(void **state)
{
	struct service *s = *state;
	char old[128], new[128], dir[128];
	struct buf out;
	int64_t end;

	service_start(s);
	assert_true(said(s, "ready "));
	snprintf(old, sizeof old, "%s/data/logs/oauth.log", s->dir);
	snprintf(new, sizeof new, "%s/data/logs/oauth.log.1", s->dir);
	snprintf(dir, sizeof dir, "%s/data", s->dir);
	assert_int_equal(rename(old, new), 0);
	kill(s->pid, SIGHUP);
	for (end = now() + WAIT_MS; now() < end && !strstr(slurp(s, "data/logs/oauth.log"), "log_reopened");)
		usleep(5000);
	buf_init(&out, CONTROL_TEXT_MAX);
	assert_int_equal(control_ask(dir, "admin-link", &out, NULL), ERR_OK);
	assert_non_null(strstr(slurp(s, "data/logs/oauth.log"), "small_link")); /* a role's line, in the new file */
	assert_null(strstr(slurp(s, "data/logs/oauth.log.1"), "small_link"));
	buf_done(&out);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_start_and_orderly_stop),
		TEST(test_everybody_is_introduced_to_partners_only),
		TEST(test_roles_are_hardened),
		TEST(test_a_killed_role_is_back_in_under_a_second),
		TEST(test_a_role_that_keeps_dying_is_slowed_down),
		TEST(test_a_role_that_breaks_the_rules_is_replaced),
		TEST(test_roles_end_with_a_killed_supervisor),
		TEST(test_a_role_that_does_not_stop_is_killed),
		TEST(test_a_failed_first_start_says_one_line),
		TEST(test_what_is_in_the_way_of_a_start),
		TEST(test_a_directory_that_cannot_be_made),
		TEST(test_admin_link),
		TEST(test_the_log_is_reopened),
	};

	if (argc == 1 && strncmp(argv[0], "fiberd: ", 8) == 0)
		return small_role(argv[0] + 8);
	return cmocka_run_group_tests_name("daemon/supervisor", tests, NULL, NULL);
}
