/* SPDX-License-Identifier: Apache-2.0 */
/* Running the binary, in pipes and on a terminal. Must never pass a run whose request wasn't in the script. */
#include "cli/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/testtree.h"
#include "cli/file.h"

enum { OUTPUT_MAX = 16 << 20, ARGS = 40, RUN_SECONDS = 60 };

struct harness {
	struct arena *arena;
	struct script *script;
	const char *home, *work;
	const char *env[ARGS];
	size_t env_count;
};

struct harness *harness_new(void)
{
	static const char *const kept[] = {"PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
	struct harness *h = MEM_NEW(struct harness);
	char folder[] = "/tmp/cli-fiber-XXXXXX";

	h->arena = arena_new(OUTPUT_MAX * 4);
	assert_non_null(mkdtemp(folder));
	h->home = arena_strdup(h->arena, folder);
	h->work = arena_printf(h->arena, "%s/work", folder);
	assert_int_equal(mkdir(h->work, 0755), 0);
	h->script = script_new();
	harness_setenv(h, arena_printf(h->arena, "HOME=%s", h->home));
	harness_setenv(h, "TZ=UTC");
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (getenv(kept[i]))
			harness_setenv(h, arena_printf(h->arena, "%s=%s", kept[i], getenv(kept[i])));
	harness_write(h, ".fiberwise/default_config.txt", "local\n");
	harness_write(h, ".fiberwise/configs/local.json",
		      arena_printf(h->arena,
				   "{\"name\":\"local\",\"api_key\":\"" HARNESS_KEY
				   "\",\"base_url\":\"http://127.0.0.1:%u\"}",
				   script_port(h->script)));
	return h;
}

void harness_free(struct harness **hp)
{
	struct harness *h = *hp;

	script_free(&h->script);
	testtree_remove(h->home);
	arena_free(&h->arena);
	free(h);
	*hp = NULL;
}

void harness_reply_with(struct harness *h, const char *line, int status, const char *header, const char *body)
{
	script_reply(h->script, line, status, header, body);
}

void harness_reply(struct harness *h, const char *line, int status, const char *body)
{
	script_reply(h->script, line, status, "", body);
}

const struct script *harness_script(const struct harness *h)
{
	return h->script;
}

const char *harness_body(const struct harness *h, size_t i)
{
	return script_request(h->script, i)->body;
}

int harness_set_up(void **state)
{
	*state = harness_new();
	return 0;
}

int harness_tear_down(void **state)
{
	struct harness *h = *state;

	assert_int_equal(script_left(h->script), 0);
	assert_int_equal(script_unexpected(h->script), 0);
	harness_free(&h);
	return 0;
}

void harness_has(int line, const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("line %d: \"%s\" is not in: %s", line, part, text ? text : "(nothing)");
}

void harness_lacks(int line, const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("line %d: \"%s\" is in: %s", line, part, text);
}

struct harness_outcome harness_expect(struct harness *h, int line, const char *command, const char *input, int code)
{
	struct harness_outcome o = harness_run(h, command, input);

	if (o.code != code)
		fail_msg("line %d: fiber %s ended with %d: %s%s", line, command, o.code, o.out, o.err);
	harness_lacks(line, o.out, "canary");
	harness_lacks(line, o.err, "canary");
	harness_lacks(line, o.out, "\033");
	harness_lacks(line, o.err, "\033");
	return o;
}

const char *harness_path(struct harness *h, const char *path)
{
	if (strncmp(path, "./", 2) == 0)
		return arena_printf(h->arena, "%s/%s", h->work, path + 2);
	return arena_printf(h->arena, "%s/%s", h->home, path);
}

void harness_write(struct harness *h, const char *path, const char *text)
{
	char *whole = arena_strdup(h->arena, harness_path(h, path)), *slash = strrchr(whole, '/');

	*slash = '\0';
	assert_int_equal(file_make_directory(whole, true, NULL), ERR_OK);
	*slash = '/';
	assert_int_equal(file_write(whole, slice_from(text), true, NULL), ERR_OK);
}

const char *harness_read(struct harness *h, const char *path)
{
	const char *text = NULL;
	struct buf in;

	buf_init(&in, OUTPUT_MAX);
	if (file_read(harness_path(h, path), &in, NULL) == ERR_OK)
		text = arena_strndup(h->arena, buf_slice(&in));
	buf_done(&in);
	return text;
}

void harness_setenv(struct harness *h, const char *assignment)
{
	size_t name = strcspn(assignment, "=") + 1, i = 0;

	while (i < h->env_count && strncmp(h->env[i], assignment, name) != 0)
		i++;
	assert_true(i + 1 < ARRAY_LEN(h->env));
	h->env[i] = assignment;
	if (i == h->env_count)
		h->env_count++;
}

struct child {
	pid_t pid;
	int in, out, err; /* our ends; -1 when closed */
};

static void become_fiber(const struct harness *h, char **argv)
{
	const char *binary = getenv("FIBER_BINARY");

	if (binary && chdir(h->work) == 0)
		execve(binary, argv, (char *const *)(uintptr_t)h->env);
	_exit(127);
}

static char **split(struct harness *h, const char *line)
{
	char **argv = ARENA_NEW_N(h->arena, ARGS, char *);
	struct slice rest = slice_from(line), word;
	size_t n = 0;

	argv[n++] = arena_strdup(h->arena, "fiber");
	while (line[0] && slice_split(&rest, ' ', &word)) {
		assert_true(n + 1 < ARGS);
		argv[n] = arena_strndup(h->arena, word);
		for (char *c = argv[n]; *c; c++)
			if (*c == '~')
				*c = ' ';
		n++;
	}
	return argv;
}

static struct child start_in_pipes(struct harness *h, const char *line)
{
	char **argv = split(h, line);
	int in[2], out[2], err[2];
	struct child child;

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		become_fiber(h, argv);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	child.in = in[1];
	child.out = out[0];
	child.err = err[0];
	return child;
}

static struct child start_on_terminal(struct harness *h, unsigned columns, const char *line)
{
	struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = 24};
	char **argv = split(h, line);
	struct child child = {.err = -1};

	child.pid = forkpty(&child.out, NULL, NULL, &size);
	assert_true(child.pid >= 0);
	if (child.pid == 0)
		become_fiber(h, argv);
	child.in = dup(child.out);
	return child;
}

/* False at the end of that stream. */
static bool drain(int fd, struct buf *text)
{
	char piece[8192];
	ssize_t n = read(fd, piece, sizeof piece);

	if (n > 0)
		buf_put(text, slice_make(piece, (size_t)n));
	return n > 0 || (n < 0 && errno == EINTR);
}

/* On a terminal, lines are typed only when a prompt ("…: " or "…] ") stands there. */
static bool is_prompt(struct buf *text, size_t seen)
{
	struct slice all = buf_slice(text);

	return all.n > seen && (slice_ends(all, ": ") || slice_ends(all, "] "));
}

static void type_line(int fd, const char **input)
{
	const char *end = strchr(*input, '\n');
	size_t n = end ? (size_t)(end - *input) + 1 : strlen(*input);

	if (n)
		assert_int_equal(write(fd, *input, n), n);
	*input += n;
}

static void collect(struct child *child, const char *input, bool tty, struct buf *out, struct buf *err)
{
	struct pollfd fds[] = {{.fd = child->out, .events = POLLIN}, {.fd = child->err, .events = POLLIN}};
	size_t seen = 0;

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		int n = poll(fds, 2, RUN_SECONDS * 1000);

		if (n <= 0) {
			kill(child->pid, SIGKILL);
			fail_msg("fiber did not end within %d s; so far: %s", RUN_SECONDS, buf_cstr(out));
		}
		if (fds[0].revents && !drain(child->out, out))
			fds[0].fd = -1;
		if (fds[1].revents && !drain(child->err, err))
			fds[1].fd = -1;
		if (tty && is_prompt(out, seen)) {
			seen = out->n;
			type_line(child->in, &input);
		}
	}
}

static struct harness_outcome finish(struct harness *h, struct child *child, const char *input, bool tty)
{
	struct harness_outcome o;
	struct buf out, err;
	int status;

	buf_init(&out, OUTPUT_MAX);
	buf_init(&err, OUTPUT_MAX);
	if (!tty) {
		signal(SIGPIPE, SIG_IGN);
		if (input && write(child->in, input, strlen(input)) < 0)
			assert_int_equal(errno, EPIPE);
		close(child->in);
	}
	collect(child, input ? input : "", tty, &out, &err);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	close(child->out);
	close(tty ? child->in : child->err);
	o.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	o.out = arena_strndup(h->arena, buf_slice(&out));
	o.err = arena_strndup(h->arena, buf_slice(&err));
	buf_done(&out);
	buf_done(&err);
	return o;
}

struct harness_outcome harness_run(struct harness *h, const char *line, const char *input)
{
	struct child child = start_in_pipes(h, line);

	return finish(h, &child, input, false);
}

struct harness_outcome harness_run_tty(struct harness *h, unsigned columns, const char *line, const char *input)
{
	struct child child = start_on_terminal(h, columns, line);

	return finish(h, &child, input, true);
}
