/* SPDX-License-Identifier: Apache-2.0 */
/* The program as people use it: what it prints, what stops a start, and a service that survives the death of any role. */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/testtree.h"

enum { WAIT_MS = 15000 };

static const char *binary;

struct program {
	char dir[64];
	int port;
	pid_t pid;
	int out, err;
	char said[16384], complained[16384];
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

/* Starts `fiberd <args>` in the test's directory; `extra` is one more NAME=value, or NULL. */
static void run(struct program *p, const char *extra, const char *title, const char *const *args)
{
	char listen[64];
	const char *env[] = {listen, "FIBERWISE_DATA_DIR=data", "FIBERWISE_WORKERS=2", extra, NULL};
	const char *argv[8] = {title ? title : "fiberd"};
	int out[2], err[2];

	for (size_t i = 0; args && args[i] && i < ARRAY_LEN(argv) - 2; i++)
		argv[i + 1] = args[i];
	snprintf(listen, sizeof listen, "FIBERWISE_LISTEN=127.0.0.1:%d", p->port);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	p->said[0] = p->complained[0] = '\0';
	p->pid = fork();
	if (p->pid == 0) {
		if (chdir(p->dir) != 0 || dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0)
			_exit(99);
		execve(binary, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
		_exit(98);
	}
	close(out[1]);
	close(err[1]);
	p->out = out[0];
	p->err = err[0];
	fcntl(p->out, F_SETFL, O_NONBLOCK);
	fcntl(p->err, F_SETFL, O_NONBLOCK);
}

static void drain(int fd, char *text, size_t cap)
{
	size_t n = strlen(text);
	ssize_t got;

	while (n + 1 < cap && (got = read(fd, text + n, cap - n - 1)) > 0)
		text[n += (size_t)got] = '\0';
}

static int finish(struct program *p)
{
	int status = 0;

	for (int64_t end = now() + WAIT_MS; now() < end; usleep(2000)) {
		pid_t pid = waitpid(p->pid, &status, WNOHANG);

		drain(p->out, p->said, sizeof p->said);
		drain(p->err, p->complained, sizeof p->complained);
		if (pid != p->pid)
			continue;
		close(p->out);
		close(p->err);
		p->pid = 0;
		return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
	}
	fail_msg("fiberd does not end; it said: %s%s", p->said, p->complained);
	return -1;
}

static int run_to_end(struct program *p, const char *extra, const char *title, const char *const *args)
{
	run(p, extra, title, args);
	return finish(p);
}

static void ready(struct program *p)
{
	char line[64];

	snprintf(line, sizeof line, "ready http://127.0.0.1:%d\n", p->port);
	for (int64_t end = now() + WAIT_MS; now() < end; usleep(2000)) {
		drain(p->out, p->said, sizeof p->said);
		if (strstr(p->said, line))
			return;
	}
	drain(p->err, p->complained, sizeof p->complained);
	fail_msg("fiberd is not ready; it said: %s%s", p->said, p->complained);
}

static int stop(struct program *p)
{
	kill(p->pid, SIGTERM);
	return finish(p);
}

static int setup(void **state)
{
	struct program *p = MEM_NEW(struct program);

	snprintf(p->dir, sizeof p->dir, "/tmp/main_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->port = free_port();
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct program *p = *state;

	if (p->pid > 0)
		stop(p);
	if (!testtree_remove(p->dir))
		return 1;
	free(p);
	return 0;
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void path_of(const struct program *p, const char *file, char *ret, size_t cap)
{
	snprintf(ret, cap, "%s/data/%s", p->dir, file);
}

/* The start ends with 1, one line with this in it, and nothing on disk is changed. */
static void refused(struct program *p, const char *extra, const char *says)
{
	unsigned char before[TESTTREE_SNAPSHOT_BYTES], after[TESTTREE_SNAPSHOT_BYTES];
	int code;

	assert_true(testtree_snapshot(p->dir, before));
	code = run_to_end(p, extra, NULL, NULL);
	assert_true(testtree_snapshot(p->dir, after));
	if (code != 1 || lines(p->complained) != 1 || strncmp(p->complained, "fiberd: ", 8) != 0 || !strstr(p->complained, says))
		fail_msg("exit code %d, not one line with \"%s\": %s", code, says, p->complained);
	assert_string_equal(p->said, "");
	assert_memory_equal(before, after, sizeof before);
}

static pid_t find_role(const struct program *p, const char *name)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while ((entry = readdir(proc)) && !found) {
		char path[300], want[64], line[64] = "";
		int parent = 0;
		FILE *f;

		snprintf(want, sizeof want, "fiberd: %s", name);
		snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		line[fread(line, 1, sizeof line - 1, f)] = '\0';
		fclose(f);
		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		f = strcmp(line, want) == 0 ? fopen(path, "r") : NULL;
		if (f && fscanf(f, "%d (%*[^)]) %*c %d", &found, &parent) == 2 && parent != p->pid)
			found = 0;
		if (f)
			fclose(f);
	}
	closedir(proc);
	return found;
}

/* The status of GET `path`, 0 when nobody answers. */
static int get(const struct program *p, const char *path)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)p->port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = 3};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[512];
	int status = 0;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n", path, p->port);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0 && send(fd, text, strlen(text), MSG_NOSIGNAL) > 0) {
		n = recv(fd, text, sizeof text - 1, 0);
		text[n > 0 ? n : 0] = '\0';
		if (sscanf(text, "HTTP/1.1 %d", &status) != 1)
			status = 0;
	}
	close(fd);
	return status;
}

static void test_what_it_prints(void **state)
{
	static const struct {
		const char *args[4];
		int code;
		const char *says; /* on standard output for code 0, else on standard error */
	} rows[] = {
		{{"--version"}, 0, "fiberd " FW_VERSION "\n"},
		{{"--help"}, 0, "fiberd [--config FILE]"},
		{{"--print-config-docs"}, 0, "FIBERWISE_MASTER_KEY_FILE"},
		{{"man", "fiberd"}, 0, "print a sign\\-in link"},
		{{"man", "fiberd.conf"}, 0, "\\fBFIBERWISE_EGRESS_ALLOW\\fR"},
		{{"man"}, 2, "\"man\" is not understood"},
		{{"audit", "x"}, 2, "\"audit\" is not understood"},
		{{"--check-config"}, 0, "FIBERWISE_WORKERS=2  # environment\n"},
		{{"--config"}, 2, "\"--config\" is not understood"},
		{{"--verbose"}, 2, "\"--verbose\" is not understood"},
		{{"admin-link", "--check-config"}, 2, "\"--check-config\" is not understood"},
		{{"admin-link"}, 1, "no fiberd is running"},
		{{"--config", "missing.conf"}, 1, "missing.conf"},
		{{"--config", "missing.conf", "--check-config"}, 1, "missing.conf"},
	};
	struct program *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(run_to_end(p, NULL, NULL, rows[i].args), rows[i].code);
		if (!strstr(rows[i].code ? p->complained : p->said, rows[i].says))
			fail_msg("%s: %s%s", rows[i].args[0], p->said, p->complained);
		assert_string_equal(rows[i].code ? p->said : p->complained, "");
	}
	/* A role is nothing to be started by hand. */
	assert_int_equal(run_to_end(p, NULL, "fiberd: keeper", NULL), 2);
	assert_non_null(strstr(p->complained, "started by the service itself"));
	/* None of this made a data directory. */
	assert_int_equal(rmdir(p->dir), 0);
	assert_int_equal(mkdir(p->dir, 0700), 0);
}

static void test_configuration_that_stops_a_start(void **state)
{
	struct program *p = *state;

	refused(p, "FIBERWISE_PUBLIC_URL=http://fiber.example.org", "FIBERWISE_PUBLIC_URL=http://fiber.example.org");
	refused(p, "FIBERWISE_NONSENSE=1", "FIBERWISE_NONSENSE");
	refused(p, "FIBERWISE_DATABASE=postgresql://u:pw@host/db", "not supported by this version yet");
	refused(p, "OAUTH_DEBUG=maybe", "true or false");
	refused(p, "FIBERWISE_MASTER_KEY_FILE=/dev/null", "/dev/null");
	refused(p, "FIBERWISE_DATABASE=sqlite:/dev/null", "/dev/null");
}

static void test_a_data_directory_that_stops_a_start(void **state)
{
	struct program *p = *state;
	char key[128], database[128], dir[128];
	int fd;

	run(p, NULL, NULL, NULL);
	ready(p);
	assert_int_equal(stop(p), 0);
	path_of(p, "keys/master.key", key, sizeof key);
	path_of(p, "fiberwise.db", database, sizeof database);
	path_of(p, "", dir, sizeof dir);

	chmod(key, 0644);
	refused(p, NULL, "can be read by others");
	chmod(key, 0600);
	chmod(dir, 0755);
	refused(p, NULL, "open to others");
	chmod(dir, 0700);

	fd = open(key, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "0123456789abcdef", 16, 0), 16);
	close(fd);
	refused(p, NULL, "the master key does not fit this database");
	unlink(key);
	refused(p, NULL, "is missing");

	fd = open(database, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, "this is no database", 19), 19);
	close(fd);
	refused(p, NULL, "is not an SQLite file");
}

static void test_two_services_do_not_meet(void **state)
{
	struct program *p = *state;
	struct program other = *p;

	run(p, NULL, NULL, NULL);
	ready(p);
	assert_int_equal(run_to_end(&other, NULL, NULL, NULL), 1);
	assert_non_null(strstr(other.complained, "Address already in use"));
	assert_int_equal(lines(other.complained), 1);
	other.port = free_port();
	assert_int_equal(run_to_end(&other, NULL, NULL, NULL), 1);
	assert_non_null(strstr(other.complained, "is in use by another fiberd"));
	assert_int_equal(get(p, "/api/v1/health"), 200);
}

static void test_any_role_may_die(void **state)
{
	static const char *const names[] = {"keeper", "courier", "clerk", "worker 0", "worker 1"};
	struct program *p = *state;

	run(p, NULL, NULL, NULL);
	ready(p);
	assert_int_equal(get(p, "/api/v1/health"), 200);
	assert_int_equal(get(p, "/api/v1/ready"), 200);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		pid_t old = find_role(p, names[i]);
		int64_t at = now();
		pid_t pid;

		assert_true(old > 0);
		kill(old, SIGKILL);
		while ((pid = find_role(p, names[i])) == old || pid == 0)
			usleep(1000);
		assert_true(now() - at < 1000);
		/* A killed worker's queue waits for its successor: nobody is turned away. */
		for (int k = 0; k < 8; k++)
			assert_int_equal(get(p, "/api/v1/ready"), 200);
		assert_true(now() - at < 2000);
	}
	assert_int_equal(stop(p), 0);
	assert_string_equal(p->complained, "");
}

static void test_admin_link_and_second_start(void **state)
{
	static const char *const args[] = {"admin-link", NULL};
	struct program *p = *state;
	struct program ask = *p;
	char url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%d/", p->port);
	run(p, NULL, NULL, NULL);
	ready(p);
	assert_int_equal(run_to_end(&ask, NULL, NULL, args), 0);
	assert_non_null(strstr(ask.said, url));
	assert_int_equal(stop(p), 0);
	run(p, NULL, NULL, NULL); /* yesterday's data */
	ready(p);
	assert_int_equal(get(p, "/api/v1/ready"), 200);
	assert_int_equal(stop(p), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_it_prints),
		TEST(test_configuration_that_stops_a_start),
		TEST(test_a_data_directory_that_stops_a_start),
		TEST(test_two_services_do_not_meet),
		TEST(test_any_role_may_die),
		TEST(test_admin_link_and_second_start),
	};

	binary = getenv("FIBERD_BINARY");
	if (!binary) {
		fputs("FIBERD_BINARY names the program to test\n", stderr);
		return 1;
	}
	return cmocka_run_group_tests_name("daemon/main", tests, NULL, NULL);
}
