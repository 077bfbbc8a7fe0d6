/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted server and the runs. Must never pass a run whose request wasn't in the script. */
#include "cli/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "cli/file.h"

enum { REPLIES_MAX = 32, REQUEST_MAX = 1 << 20, OUTPUT_MAX = 16 << 20, ARGS = 40, RUN_SECONDS = 60 };

struct reply {
	const char *line, *header, *body;
	int status;
};

struct harness {
	struct arena *arena; /* of the test's thread */
	struct arena *heard; /* of the server's thread; read under the lock */
	pthread_mutex_t lock;
	pthread_t thread;
	int listener, stop[2];
	unsigned port;
	const char *home, *work;
	struct reply replies[REPLIES_MAX];
	size_t reply_count, reply_next;
	struct harness_request requests[REPLIES_MAX * 2];
	size_t request_count;
	const char *env[ARGS];
	size_t env_count;
};

static bool read_request(int fd, struct buf *in)
{
	for (;;) {
		const char *end = strstr(buf_cstr(in), "\r\n\r\n"),
			   *length = strcasestr(buf_cstr(in), "\r\ncontent-length:");
		char piece[4096];
		uint64_t body = 0;
		ssize_t n;

		if (end && length && length < end)
			slice_to_u64(slice_trim(slice_make(length + 17, strcspn(length + 17, "\r"))), REQUEST_MAX,
				     &body);
		if (end && in->n >= (size_t)(end + 4 - in->p) + body)
			return true;
		n = read(fd, piece, sizeof piece);
		if (n <= 0)
			return false;
		buf_put(in, slice_make(piece, (size_t)n));
	}
}

static void answer(int fd, const struct reply *r)
{
	struct buf out;
	struct slice rest;
	ssize_t n;

	if (r->status == HARNESS_CLOSE)
		return;
	buf_init(&out, OUTPUT_MAX);
	buf_printf(&out,
		   "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Type: application/json\r\n%sContent-Length: "
		   "%zu\r\n\r\n%s",
		   r->status, r->header, strlen(r->body), r->body);
	rest = buf_slice(&out);
	while (rest.n && (n = send(fd, rest.p, rest.n, MSG_NOSIGNAL)) > 0)
		rest = slice_sub(rest, (size_t)n, rest.n);
	buf_done(&out);
}

static struct reply take(struct harness *h, struct buf *in)
{
	static const struct reply unexpected = {
		"", "", "{\"error\":\"unexpected\",\"detail\":\"the script has no such request\"}", 599};
	const char *text = buf_cstr(in), *line_end = strstr(text, " HTTP/1.1\r\n"), *end = strstr(text, "\r\n\r\n");
	struct harness_request *request;
	struct reply r = unexpected;

	pthread_mutex_lock(&h->lock);
	assert_true(h->request_count < ARRAY_LEN(h->requests) && line_end && end);
	request = &h->requests[h->request_count++];
	request->line = arena_strndup(h->heard, slice_make(text, (size_t)(line_end - text)));
	request->head = arena_strndup(h->heard, slice_make(line_end + 11, (size_t)(end - line_end - 11)));
	request->body = arena_strdup(h->heard, end + 4);
	if (h->reply_next < h->reply_count &&
	    strncmp(request->line, h->replies[h->reply_next].line, strlen(h->replies[h->reply_next].line)) == 0)
		r = h->replies[h->reply_next++];
	pthread_mutex_unlock(&h->lock);
	return r;
}

static void *serve(void *arg)
{
	struct harness *h = arg;
	struct pollfd fds[] = {{.fd = h->listener, .events = POLLIN}, {.fd = h->stop[0], .events = POLLIN}};

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		int fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC);
		struct buf in;

		if (fd < 0)
			continue;
		buf_init(&in, REQUEST_MAX);
		if (read_request(fd, &in)) {
			struct reply r = take(h, &in);

			answer(fd, &r);
		}
		buf_done(&in);
		close(fd);
	}
	return NULL;
}

static void listen_somewhere(struct harness *h)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;

	h->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(h->listener >= 0);
	assert_int_equal(bind(h->listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(h->listener, 16), 0);
	assert_int_equal(getsockname(h->listener, (struct sockaddr *)&at, &n), 0);
	h->port = ntohs(at.sin_port);
}

struct harness *harness_new(void)
{
	static const char *const kept[] = {"PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
	struct harness *h = MEM_NEW(struct harness);
	char folder[] = "/tmp/cli-fiber-XXXXXX";

	h->arena = arena_new(OUTPUT_MAX * 4);
	h->heard = arena_new(OUTPUT_MAX);
	pthread_mutex_init(&h->lock, NULL);
	assert_non_null(mkdtemp(folder));
	h->home = arena_strdup(h->arena, folder);
	h->work = arena_printf(h->arena, "%s/work", folder);
	assert_int_equal(mkdir(h->work, 0755), 0);
	listen_somewhere(h);
	assert_int_equal(pipe2(h->stop, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&h->thread, NULL, serve, h), 0);
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
				   h->port));
	return h;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void harness_free(struct harness **hp)
{
	struct harness *h = *hp;

	assert_int_equal(write(h->stop[1], "x", 1), 1);
	pthread_join(h->thread, NULL);
	close(h->listener);
	close(h->stop[0]);
	close(h->stop[1]);
	nftw(h->home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	pthread_mutex_destroy(&h->lock);
	arena_free(&h->heard);
	arena_free(&h->arena);
	free(h);
	*hp = NULL;
}

void harness_reply_with(struct harness *h, const char *line, int status, const char *header, const char *body)
{
	pthread_mutex_lock(&h->lock);
	assert_true(h->reply_count < REPLIES_MAX);
	h->replies[h->reply_count++] = (struct reply){line, header, body, status};
	pthread_mutex_unlock(&h->lock);
}

void harness_reply(struct harness *h, const char *line, int status, const char *body)
{
	harness_reply_with(h, line, status, "", body);
}

size_t harness_count(const struct harness *h)
{
	return h->request_count;
}

const struct harness_request *harness_request(const struct harness *h, size_t i)
{
	assert_true(i < h->request_count);
	return &h->requests[i];
}

size_t harness_left(const struct harness *h)
{
	return h->reply_count - h->reply_next;
}

size_t harness_unexpected(const struct harness *h)
{
	return h->request_count - h->reply_next;
}

unsigned harness_port(const struct harness *h)
{
	return h->port;
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
	assert_true(h->env_count + 1 < ARRAY_LEN(h->env));
	h->env[h->env_count++] = assignment;
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
