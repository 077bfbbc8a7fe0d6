/* SPDX-License-Identifier: Apache-2.0 */
/* Small roles and real processes for the supervisor's tests. Must never be part of the program. */
#include "daemon/testservice.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
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
#include "base/testtree.h"
#include "daemon/supervisor.h"
#include "ipc/role.h"

extern char **environ;

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

	if (told(role, "accuse")) {
		answer = (struct ipc_message){.kind = IPC_BROKE};
		answer.field[IPC_BROKE_ROLE].number = IPC_CLERK;
		channel_send(role->control, &answer);
		answer.field[IPC_BROKE_ROLE].number = IPC_COURIER; /* no partner of a worker's */
		channel_send(role->control, &answer);
		answer = (struct ipc_message){.kind = IPC_ADMIN_LINKED, .id = m->id};
	}
	if (told(role, "break"))
		answer = (struct ipc_message){.kind = IPC_SPOOL_KEYS}; /* no worker may send this */
	else
		answer.field[IPC_ADMIN_LINKED_TEXT].bytes = SLICE_LIT("http://127.0.0.1/signin/abc");
	LOG(LOG_INFO, "small_link");
	channel_send(role->control, &answer);
}

int testservice_role(const char *name)
{
	static const struct role_hooks hooks = {.start = small_start, .on_peer = small_peer, .on_stop = small_stop,
						.on_control = small_control};
	struct slice kind = slice_sub(slice_from(name), 0, slice_index(slice_from(name), ' '));

	for (int r = 0; r < IPC_ROLE__COUNT; r++)
		if (slice_is(kind, ipc_role_name((enum ipc_role)r)))
			return role_run((enum ipc_role)r, name, &hooks, NULL);
	return 2;
}

int64_t testservice_now(void)
{
	return clock_mono_ms(&clock_system);
}

int testservice_port(void)
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
	char sandbox[] = "FIBERWISE_SANDBOX=off"; /* small roles write where no role does */
	char *env[] = {listen, data_dir, workers, sandbox, NULL};
	const struct config_args args = {.env = env};
	struct config *config = NULL;
	struct errinfo ei = {.detail = ""};

	snprintf(listen, sizeof listen, "FIBERWISE_LISTEN=127.0.0.1:%d", s->port);
	if (config_load(&args, &config, &ei))
		fail_msg("%s", ei.detail);
	return config;
}

void testservice_start(struct service *s)
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
		if (chdir(s->dir) != 0 || dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0 || dup2(err[1], TESTSERVICE_STRAY_FD) < 0)
			_exit(99);
		config = make_config(s);
		code = supervisor_run(config, s->pulse_ms);
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

bool testservice_said(struct service *s, const char *what)
{
	for (int64_t end = testservice_now() + TESTSERVICE_WAIT_MS; testservice_now() < end; usleep(5000)) {
		drain(s->out, s->said, sizeof s->said);
		if (strstr(s->said, what))
			return true;
	}
	return false;
}

int testservice_wait(struct service *s)
{
	int status = 0;

	for (int64_t end = testservice_now() + TESTSERVICE_WAIT_MS; testservice_now() < end; usleep(5000)) {
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

char *testservice_read(const struct service *s, const char *file)
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

size_t testservice_count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

bool testservice_events(const struct service *s, const char *what, size_t times)
{
	for (int64_t end = testservice_now() + TESTSERVICE_WAIT_MS; testservice_now() < end; usleep(5000))
		if (testservice_count(testservice_read(s, "events"), what) >= times)
			return true;
	return false;
}

void testservice_put(const struct service *s, const char *file)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", s->dir, file);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

bool testservice_there(const struct service *s, const char *file)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", s->dir, file);
	return lstat(path, &st) == 0;
}

/* The process of ours with this command line; 0 when there is none. */
/* The parent of a process of that command line; 0: it is another one, or gone. */
static pid_t parent_of(const char *pid, const char *want)
{
	char path[300], line[64];
	int parent = 0;
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	n = fread(line, 1, sizeof line - 1, f);
	fclose(f);
	line[n] = '\0';
	if (strcmp(line, want) != 0)
		return 0;
	snprintf(path, sizeof path, "/proc/%s/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %*c %d", &parent) != 1)
		parent = 0;
	fclose(f);
	return parent;
}

pid_t testservice_find(const struct service *s, const char *name)
{
	DIR *all = opendir("/proc"); /* a child's number may be the smaller one: they begin anew at some point */
	const struct dirent *entry;
	char want[64];
	pid_t found = 0;

	assert_non_null(all);
	snprintf(want, sizeof want, "fiberd: %s", name);
	while (s->pid > 0 && !found && (entry = readdir(all)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && parent_of(entry->d_name, want) == s->pid)
			found = (pid_t)strtol(entry->d_name, NULL, 10);
	closedir(all);
	return found;
}

int testservice_setup(void **state)
{
	struct service *s = MEM_NEW(struct service);

	snprintf(s->dir, sizeof s->dir, "/tmp/supervisor_test.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->port = testservice_port();
	s->pulse_ms = SUPERVISOR_PULSE_MS;
	*state = s;
	return 0;
}

int testservice_teardown(void **state)
{
	struct service *s = *state;

	if (s->pid > 0) {
		kill(s->pid, SIGTERM);
		testservice_wait(s);
	}
	if (!testtree_remove(s->dir))
		return 1;
	free(s);
	return 0;
}
