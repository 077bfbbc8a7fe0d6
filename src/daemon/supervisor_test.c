/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor with real processes: start, introductions, deaths, the end, and what is in the way of a start. */
#include "daemon/supervisor.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "daemon/control.h"
#include "daemon/testservice.h"

static const char *const names[] = {"keeper", "courier", "clerk", "worker 0", "worker 1"};

static void test_start_and_orderly_stop(void **state)
{
	struct service *s = *state;
	char ready[64];
	const char *events;
	struct stat st;
	char path[128];

	testservice_start(s);
	snprintf(ready, sizeof ready, "ready http://127.0.0.1:%d\n", s->port);
	assert_true(testservice_said(s, ready));
	assert_true(testservice_said(s, "a line for the terminal\n"));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_true(testservice_find(s, names[i]) > 0);
	snprintf(path, sizeof path, "%s/data", s->dir);
	assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
	snprintf(path, sizeof path, "%s/data/control.sock", s->dir);
	assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	snprintf(path, sizeof path, "%s/data/logs/oauth.log", s->dir);
	assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);

	kill(s->pid, SIGTERM);
	assert_int_equal(testservice_wait(s), 0);
	assert_string_equal(s->complained, "");
	assert_false(testservice_there(s, "data/control.sock"));
	events = testservice_read(s, "events");
	assert_true(strncmp(events, "start init", 10) == 0); /* before all others */
	assert_int_equal(testservice_count(events, "start "), 6);
	assert_int_equal(testservice_count(events, "\nstop "), 5);
	assert_int_equal(testservice_count(events, "orphaned"), 0);
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

	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		assert_true(testservice_events(s, pairs[i], 1));
	assert_int_equal(testservice_count(testservice_read(s, "events"), "peer "), ARRAY_LEN(pairs));
}

static void test_roles_are_hardened(void **state)
{
	struct service *s = *state;
	char path[64], text[8192];

	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	assert_int_equal(testservice_count(testservice_read(s, "events"), "dumpable=0 env=0"), 6);
	assert_int_equal(testservice_count(testservice_read(s, "events"), "socket=1"), 2);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		pid_t pid = testservice_find(s, names[i]);
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
		snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, TESTSERVICE_STRAY_FD);
		assert_int_equal(lstat(path, &st), -1);
		snprintf(path, sizeof path, "/proc/%d/fd/3", pid);
		assert_int_equal(lstat(path, &st), 0);
	}
}

static void test_a_killed_role_is_back_in_under_a_second(void **state)
{
	struct service *s = *state;

	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		pid_t old = testservice_find(s, names[i]);
		int64_t at = testservice_now();
		char line[64];
		pid_t pid;

		snprintf(line, sizeof line, "start %s ", names[i]);
		kill(old, SIGKILL);
		while ((pid = testservice_find(s, names[i])) == old || pid == 0)
			usleep(2000);
		assert_true(testservice_events(s, line, 2));
		assert_true(testservice_now() - at < 1000);
	}
	/* The successor and its partner got a fresh pair each. */
	assert_true(testservice_events(s, "peer keeper: worker 1\n", 3));
	assert_true(testservice_events(s, "peer worker 1: keeper 0\n", 3));
	assert_true(testservice_events(s, "peer courier: clerk 0\n", 3));
	assert_non_null(strstr(testservice_read(s, "data/logs/oauth.log"), "killed by signal 9"));
	kill(s->pid, SIGTERM);
	assert_int_equal(testservice_wait(s), 0);
}

/* What the kernel sends to who makes a call that is not on its list. */
static void test_a_violation_of_the_sandbox_is_named(void **state)
{
	struct service *s = *state;
	pid_t clerk, worker;

	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	clerk = testservice_find(s, "clerk");
	worker = testservice_find(s, "worker 1");
	kill(worker, SIGSYS);
	assert_true(testservice_events(s, "start worker 1 ", 2));
	assert_non_null(strstr(testservice_read(s, "data/logs/oauth.log"), "\"event\":\"sandbox_violation\",\"of\":\"worker 1\""));
	assert_int_equal(testservice_find(s, "clerk"), clerk);
	kill(clerk, SIGKILL); /* any other death is not called one */
	assert_true(testservice_events(s, "start clerk ", 2));
	assert_int_equal(testservice_count(testservice_read(s, "data/logs/oauth.log"), "sandbox_violation"), 1);
	kill(s->pid, SIGTERM);
	assert_int_equal(testservice_wait(s), 0);
}

static void test_a_role_that_keeps_dying_is_slowed_down(void **state)
{
	struct service *s = *state;
	size_t n;

	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	testservice_put(s, "die-courier");
	kill(testservice_find(s, "courier"), SIGKILL);
	usleep(2000000);
	/* At once, then after 100, 200, 400, 800 ms: five more starts in the first 1.5 s, not hundreds. */
	n = testservice_count(testservice_read(s, "events"), "start courier");
	assert_in_range(n, 4, 7);
	assert_true(testservice_find(s, "worker 0") > 0); /* the others go on */
	kill(s->pid, SIGTERM);
	assert_int_equal(testservice_wait(s), 0);
}

static void test_a_role_that_hangs_is_replaced(void **state)
{
	struct service *s = *state;
	pid_t old, courier;

	s->pulse_ms = 200;
	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	old = testservice_find(s, "clerk");
	courier = testservice_find(s, "courier");
	kill(old, SIGSTOP);
	kill(courier, SIGSTOP); /* is given more time: an answer may be on its way to it */
	assert_true(testservice_events(s, "start clerk ", 2));
	assert_int_not_equal(testservice_find(s, "clerk"), old);
	assert_int_equal(testservice_find(s, "courier"), courier);
	assert_non_null(strstr(testservice_read(s, "data/logs/oauth.log"), "\"event\":\"role_hangs\",\"of\":\"clerk\""));
	assert_true(testservice_events(s, "start courier ", 2)); /* but not for ever */
	assert_int_equal(testservice_count(testservice_read(s, "events"), "start "), 6 + 2);
	kill(s->pid, SIGTERM);
	assert_int_equal(testservice_wait(s), 0);
}

/* A machine that slept: everybody stood still for longer than a role may be silent, and not all wake up together. */
static void test_a_pause_of_all_kills_nobody(void **state)
{
	struct service *s = *state;
	pid_t pids[ARRAY_LEN(names)];

	s->pulse_ms = 200;
	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		kill(pids[i] = testservice_find(s, names[i]), SIGSTOP);
	kill(s->pid, SIGSTOP);
	usleep(2000000);
	kill(s->pid, SIGCONT);
	usleep(50000);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		kill(pids[i], SIGCONT);
	usleep(1500000);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(testservice_find(s, names[i]), pids[i]);
	kill(s->pid, SIGTERM);
	assert_int_equal(testservice_wait(s), 0);
}

static void test_a_role_that_breaks_the_rules_is_replaced(void **state)
{
	struct service *s = *state;
	struct buf out;
	char path[128];

	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	testservice_put(s, "break-worker");
	snprintf(path, sizeof path, "%s/data", s->dir);
	buf_init(&out, CONTROL_TEXT_MAX);
	kill(testservice_find(s, "worker 1"), 0);
	if (fork() == 0) { /* its answer never comes */
		control_ask(path, "admin-link", &out, NULL);
		_exit(0);
	}
	assert_true(testservice_events(s, "start worker 0 ", 2));
	assert_non_null(strstr(testservice_read(s, "data/logs/oauth.log"), "role_broke_the_rules"));
	kill(s->pid, SIGTERM);
	assert_int_equal(testservice_wait(s), 0);
	wait(NULL);
	buf_done(&out);
}

static void test_a_broken_pair_is_introduced_anew(void **state)
{
	struct service *s = *state;
	struct buf out;
	char path[128];

	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	testservice_put(s, "accuse-worker");
	snprintf(path, sizeof path, "%s/data", s->dir);
	buf_init(&out, CONTROL_TEXT_MAX);
	assert_int_equal(control_ask(path, "admin-link", &out, NULL), ERR_OK);
	buf_done(&out);
	assert_true(testservice_events(s, "peer worker 0: clerk 0\n", 2));
	assert_true(testservice_events(s, "peer clerk: worker 0\n", 2));
	assert_int_equal(testservice_count(testservice_read(s, "events"), "peer courier: "), 2); /* clerk, keeper: as before */
	assert_int_equal(testservice_count(testservice_read(s, "events"), "start "), 6);         /* nobody was killed */
}

static void test_roles_end_with_a_killed_supervisor(void **state)
{
	struct service *s = *state;
	pid_t pids[ARRAY_LEN(names)];

	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		pids[i] = testservice_find(s, names[i]);
	kill(s->pid, SIGKILL);
	assert_int_equal(testservice_wait(s), 1000 + SIGKILL);
	assert_true(testservice_events(s, "orphaned", ARRAY_LEN(names)));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int64_t end = testservice_now() + 2000;
		char path[64], line[64] = "x";

		/* Reaped by whoever adopts them; until then their command line is empty. */
		for (snprintf(path, sizeof path, "/proc/%d/cmdline", pids[i]); testservice_now() < end && line[0]; usleep(5000)) {
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
	assert_true(testservice_there(s, "data/control.sock"));
	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
}

static void test_a_role_that_does_not_stop_is_killed(void **state)
{
	struct service *s = *state;
	int64_t at;

	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	testservice_put(s, "hang-keeper");
	at = testservice_now();
	kill(s->pid, SIGINT);
	assert_int_equal(testservice_wait(s), 0);
	assert_in_range(testservice_now() - at, 1900, 5000);
	assert_non_null(strstr(testservice_read(s, "data/logs/oauth.log"), "role_stopped_too_slowly"));
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

		testservice_put(s, rows[i].file);
		testservice_start(s);
		assert_int_equal(testservice_wait(s), 1);
		assert_string_equal(s->complained, rows[i].line);
		assert_null(strstr(s->said, "ready"));
		assert_int_equal(testservice_there(s, "data"), rows[i].dir_left);
		assert_false(testservice_there(s, "data/control.sock"));
		snprintf(path, sizeof path, "%s/%s", s->dir, rows[i].file);
		unlink(path);
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			assert_int_equal(testservice_find(s, names[k]), 0);
	}
}

static void test_what_is_in_the_way_of_a_start(void **state)
{
	struct service *s = *state;
	struct service other = *s;
	char path[128];

	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	testservice_start(&other); /* the same port */
	assert_int_equal(testservice_wait(&other), 1);
	assert_int_equal(testservice_count(other.complained, "\n"), 1);
	assert_non_null(strstr(other.complained, "cannot listen on 127.0.0.1:"));
	assert_non_null(strstr(other.complained, "FIBERWISE_LISTEN"));
	other.port = testservice_port();
	testservice_start(&other); /* the same data directory */
	assert_int_equal(testservice_wait(&other), 1);
	assert_string_equal(other.complained, "fiberd: the data directory data is in use by another fiberd. "
					      "Stop it first, or set FIBERWISE_DATA_DIR to another directory.\n");
	assert_true(testservice_there(s, "data/control.sock")); /* the one that runs is left alone */
	kill(s->pid, SIGTERM);
	assert_int_equal(testservice_wait(s), 0);

	snprintf(path, sizeof path, "%s/data", s->dir);
	chmod(path, 0750);
	testservice_start(s);
	assert_int_equal(testservice_wait(s), 1);
	assert_string_equal(s->complained, "fiberd: the data directory data is open to others (mode 750). Type: chmod 700 data\n");
}

static void test_a_directory_that_cannot_be_made(void **state)
{
	struct service *s = *state;

	testservice_put(s, "data");
	testservice_start(s);
	assert_int_equal(testservice_wait(s), 1);
	assert_string_equal(s->complained, "fiberd: cannot use the data directory data: Not a directory. "
					   "Set FIBERWISE_DATA_DIR to a directory that this user may write to.\n");
	assert_true(testservice_there(s, "data"));
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
	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	assert_int_equal(control_ask(path, "admin-link", &out, &ei), ERR_OK);
	assert_string_equal(buf_cstr(&out), "http://127.0.0.1/signin/abc");
	assert_int_equal(control_ask(path, "nonsense", &out, &ei), ERR_INVALID);
	assert_null(strstr(testservice_read(s, "data/logs/oauth.log"), "signin")); /* it went to nobody else */
	assert_null(strstr(s->said, "signin"));
	kill(s->pid, SIGTERM);
	assert_int_equal(testservice_wait(s), 0);
	assert_int_equal(control_ask(path, "admin-link", &out, &ei), ERR_NOT_FOUND);
	buf_done(&out);
}

static void test_the_log_is_reopened(void **state)
{
	struct service *s = *state;
	char old[128], new[128], dir[128];
	struct buf out;
	int64_t end;

	testservice_start(s);
	assert_true(testservice_said(s, "ready "));
	snprintf(old, sizeof old, "%s/data/logs/oauth.log", s->dir);
	snprintf(new, sizeof new, "%s/data/logs/oauth.log.1", s->dir);
	snprintf(dir, sizeof dir, "%s/data", s->dir);
	assert_int_equal(rename(old, new), 0);
	kill(s->pid, SIGHUP);
	for (end = testservice_now() + TESTSERVICE_WAIT_MS; testservice_now() < end && !strstr(testservice_read(s, "data/logs/oauth.log"), "log_reopened");)
		usleep(5000);
	buf_init(&out, CONTROL_TEXT_MAX);
	assert_int_equal(control_ask(dir, "admin-link", &out, NULL), ERR_OK);
	assert_non_null(strstr(testservice_read(s, "data/logs/oauth.log"), "small_link")); /* a role's line, in the new file */
	assert_null(strstr(testservice_read(s, "data/logs/oauth.log.1"), "small_link"));
	buf_done(&out);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, testservice_setup, testservice_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_start_and_orderly_stop),
		TEST(test_everybody_is_introduced_to_partners_only),
		TEST(test_roles_are_hardened),
		TEST(test_a_killed_role_is_back_in_under_a_second),
		TEST(test_a_violation_of_the_sandbox_is_named),
		TEST(test_a_role_that_keeps_dying_is_slowed_down),
		TEST(test_a_role_that_hangs_is_replaced),
		TEST(test_a_pause_of_all_kills_nobody),
		TEST(test_a_role_that_breaks_the_rules_is_replaced),
		TEST(test_a_broken_pair_is_introduced_anew),
		TEST(test_roles_end_with_a_killed_supervisor),
		TEST(test_a_role_that_does_not_stop_is_killed),
		TEST(test_a_failed_first_start_says_one_line),
		TEST(test_what_is_in_the_way_of_a_start),
		TEST(test_a_directory_that_cannot_be_made),
		TEST(test_admin_link),
		TEST(test_the_log_is_reopened),
	};

	if (argc == 1 && strncmp(argv[0], "fiberd: ", 8) == 0)
		return testservice_role(argv[0] + 8);
	return cmocka_run_group_tests_name("daemon/supervisor", tests, NULL, NULL);
}
