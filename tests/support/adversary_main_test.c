/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `adversary`: what it prints, which options it refuses, and that it ends with whoever
 * started it. Its path comes as the first argument.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

enum { ARGS_MAX = 6, OUT_MAX = 4096, PATIENCE_MS = 10000 };

static const char *program;

struct run {
	pid_t pid;
	int in;	 /* write end of its stdin */
	int out; /* read end of its stdout and stderr */
	char text[OUT_MAX];
};

static void begin(struct run *run, const char *const *args)
{
	int in[2], out[2];
	const char *argv[ARGS_MAX + 2] = {program};

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	for (size_t i = 0; i < ARGS_MAX && args[i]; i++)
		argv[i + 1] = args[i];
	run->pid = fork();
	if (run->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		close_range(3, ~0u, 0);
		execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	run->in = in[1];
	run->out = out[0];
	run->text[0] = '\0';
}

/* Reads until the text has come or the program has ended. */
static void hear(struct run *run, const char *wanted)
{
	struct pollfd poll_fd = {.fd = run->out, .events = POLLIN};
	size_t n = strlen(run->text);

	while (!strstr(run->text, wanted) && n + 1 < sizeof run->text && poll(&poll_fd, 1, PATIENCE_MS) == 1) {
		ssize_t got = read(run->out, run->text + n, sizeof run->text - 1 - n);

		if (got <= 0)
			return;
		n += (size_t)got;
		run->text[n] = '\0';
	}
}

/* Its exit status; fails the test when it does not end by itself. */
static int finish(struct run *run)
{
	int status = 0;
	pid_t gone = 0;

	for (int waited = 0; gone == 0 && waited < PATIENCE_MS; waited += 10) {
		gone = waitpid(run->pid, &status, WNOHANG);
		if (gone == 0)
			usleep(10000);
	}
	if (gone == 0) {
		kill(run->pid, SIGKILL);
		waitpid(run->pid, &status, 0);
		fail_msg("the program did not end");
	}
	if (run->in >= 0)
		close(run->in);
	close(run->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void test_options(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		int status;
		const char *text;
	} rows[] = {
		{{"--help"}, 0, "usage: adversary"},	  {{"--port", "65536"}, 2, "usage: adversary"},
		{{"--port", "x"}, 2, "usage: adversary"}, {{"--colour"}, 2, "usage: adversary"},
		{{"extra"}, 2, "usage: adversary"},	  {{"--stdin", "read"}, 2, "usage: adversary"},
		{{"--settings", "{"}, 2, "--settings"},	  {{"--settings", "{\"rotation\":\"R7\"}"}, 2, "rotation"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct run run;

		begin(&run, rows[i].args);
		hear(&run, rows[i].text);
		assert_non_null(strstr(run.text, rows[i].text));
		assert_int_equal(finish(&run), rows[i].status);
	}
}

static void test_ends_with_its_stdin(void **state)
{
	static const char *const args[ARGS_MAX] = {NULL};
	struct run run;

	(void)state;
	begin(&run, args);
	hear(&run, "\ncontrol http://127.0.0.1:");
	assert_int_equal(strncmp(run.text, "ready http://127.0.0.1:", 23), 0);
	close(run.in);
	run.in = -1;
	assert_int_equal(finish(&run), 0);
}

static void test_ends_on_sigterm(void **state)
{
	static const char *const args[ARGS_MAX] = {"--stdin", "ignore"};
	struct run run;

	(void)state;
	begin(&run, args);
	hear(&run, "control ");
	close(run.in);
	run.in = -1;
	usleep(50000);
	assert_int_equal(waitpid(run.pid, NULL, WNOHANG), 0);
	kill(run.pid, SIGTERM);
	assert_int_equal(finish(&run), 0);
}

static void test_ends_with_its_parent(void **state)
{
	static const char *const args[ARGS_MAX] = {"--stdin", "ignore"};
	int pipe_fd[2];
	pid_t parent, pid = 0, gone = 0;
	int status = 0;

	(void)state;
	/* What its parent leaves behind comes to us. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe(pipe_fd), 0);
	parent = fork();
	if (parent == 0) {
		struct run run;

		begin(&run, args);
		hear(&run, "control ");
		if (write(pipe_fd[1], &run.pid, sizeof run.pid) != sizeof run.pid)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(pipe_fd[0], &pid, sizeof pid), sizeof pid);
	waitpid(parent, NULL, 0);
	for (int waited = 0; gone == 0 && waited < PATIENCE_MS; waited += 10) {
		gone = waitpid(pid, &status, WNOHANG);
		if (gone == 0)
			usleep(10000);
	}
	assert_int_equal(gone, pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void test_occupied_port(void **state)
{
	static const char *const any[ARGS_MAX] = {NULL};
	struct run first, second;
	char port[8];
	const char *const same[ARGS_MAX] = {"--port", port};

	(void)state;
	begin(&first, any);
	hear(&first, "control ");
	assert_int_equal(sscanf(first.text, "ready http://127.0.0.1:%7[0-9]", port), 1);
	begin(&second, same);
	hear(&second, "address already in use");
	assert_non_null(strstr(second.text, "address already in use"));
	assert_int_equal(finish(&second), 1);
	close(first.in);
	first.in = -1;
	assert_int_equal(finish(&first), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),		cmocka_unit_test(test_ends_with_its_stdin),
		cmocka_unit_test(test_ends_on_sigterm), cmocka_unit_test(test_ends_with_its_parent),
		cmocka_unit_test(test_occupied_port),
	};

	if (argc != 2)
		return 2;
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
