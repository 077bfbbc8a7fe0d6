/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted server: one thread, one connection at a time. Must never answer what isn't in the script. */
#include "cli/script.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"

enum { REPLIES_MAX = 32, REQUEST_MAX = 1 << 20, ANSWER_MAX = 16 << 20 };

struct reply {
	const char *line, *header, *body;
	int status;
};

struct script {
	struct arena *heard; /* of the server's thread */
	pthread_mutex_t lock;
	pthread_t thread;
	int listener, stop[2];
	unsigned port;
	struct reply replies[REPLIES_MAX];
	size_t reply_count, reply_next;
	struct script_request requests[REPLIES_MAX * 2];
	size_t request_count;
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

	if (r->status == SCRIPT_CLOSE)
		return;
	buf_init(&out, ANSWER_MAX);
	buf_printf(&out,
		   "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Type: application/json\r\n%sContent-Length: "
		   "%zu\r\n\r\n%s",
		   r->status, r->header, strlen(r->body), r->body);
	rest = buf_slice(&out);
	while (rest.n && (n = send(fd, rest.p, rest.n, MSG_NOSIGNAL)) > 0)
		rest = slice_sub(rest, (size_t)n, rest.n);
	buf_done(&out);
}

static struct reply take(struct script *s, struct buf *in)
{
	static const struct reply unexpected = {
		"", "", "{\"error\":\"unexpected\",\"detail\":\"the script has no such request\"}", 599};
	const char *text = buf_cstr(in), *line_end = strstr(text, " HTTP/1.1\r\n"), *end = strstr(text, "\r\n\r\n");
	struct script_request *request;
	struct reply r = unexpected;

	pthread_mutex_lock(&s->lock);
	assert_true(s->request_count < ARRAY_LEN(s->requests) && line_end && end);
	request = &s->requests[s->request_count++];
	request->line = arena_strndup(s->heard, slice_make(text, (size_t)(line_end - text)));
	request->head = arena_strndup(s->heard, slice_make(line_end + 11, (size_t)(end - line_end - 11)));
	request->body = arena_strdup(s->heard, end + 4);
	if (s->reply_next < s->reply_count &&
	    strncmp(request->line, s->replies[s->reply_next].line, strlen(s->replies[s->reply_next].line)) == 0)
		r = s->replies[s->reply_next++];
	pthread_mutex_unlock(&s->lock);
	return r;
}

static void *serve(void *arg)
{
	struct script *s = arg;
	struct pollfd fds[] = {{.fd = s->listener, .events = POLLIN}, {.fd = s->stop[0], .events = POLLIN}};

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		struct buf in;

		if (fd < 0)
			continue;
		buf_init(&in, REQUEST_MAX);
		if (read_request(fd, &in)) {
			struct reply r = take(s, &in);

			answer(fd, &r);
		}
		buf_done(&in);
		close(fd);
	}
	return NULL;
}

static void listen_somewhere(struct script *s)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listener >= 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(s->listener, 16), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &n), 0);
	s->port = ntohs(at.sin_port);
}

struct script *script_new(void)
{
	struct script *s = MEM_NEW(struct script);

	s->heard = arena_new(ANSWER_MAX);
	pthread_mutex_init(&s->lock, NULL);
	listen_somewhere(s);
	assert_int_equal(pipe2(s->stop, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	return s;
}

void script_free(struct script **sp)
{
	struct script *s = *sp;

	assert_int_equal(write(s->stop[1], "x", 1), 1);
	pthread_join(s->thread, NULL);
	close(s->listener);
	close(s->stop[0]);
	close(s->stop[1]);
	pthread_mutex_destroy(&s->lock);
	arena_free(&s->heard);
	free(s);
	*sp = NULL;
}

void script_reply(struct script *s, const char *line, int status, const char *header, const char *body)
{
	pthread_mutex_lock(&s->lock);
	assert_true(s->reply_count < REPLIES_MAX);
	s->replies[s->reply_count++] = (struct reply){line, header, body, status};
	pthread_mutex_unlock(&s->lock);
}

unsigned script_port(const struct script *s)
{
	return s->port;
}

/* Reading takes the lock too: the thread has answered a client, but nothing else says that it has noted the request. */
static size_t look(const struct script *s, const size_t *what)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&s->lock;
	size_t n;

	pthread_mutex_lock(lock);
	n = *what;
	pthread_mutex_unlock(lock);
	return n;
}

size_t script_count(const struct script *s)
{
	return look(s, &s->request_count);
}

/* What is counted is not written again. */
const struct script_request *script_request(const struct script *s, size_t i)
{
	assert_true(i < script_count(s));
	return &s->requests[i];
}

size_t script_left(const struct script *s)
{
	return s->reply_count - look(s, &s->reply_next);
}

size_t script_unexpected(const struct script *s)
{
	return look(s, &s->request_count) - look(s, &s->reply_next);
}
