/* SPDX-License-Identifier: Apache-2.0 */
/* A server and its clients in one thread, for tests. */
#include "http/testserver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum { PATIENCE_MS = 5000 };

#define MUST(what) \
	do { \
		if (!(what)) \
			abort(); \
	} while (0)

static void count_disposed(void *counter)
{
	++*(size_t *)counter;
}

static void on_error(struct response *r, const struct request *request, enum err e, int status,
		     const struct errinfo *ei, void *arg)
{
	struct testserver *t = arg;

	t->errors++;
	MUST(request && request->id[0] && request->arena && status >= 400);
	r->content_type = "application/json";
	buf_printf(&r->body, "{\"error\": \"%s\", \"detail\": \"%s\", \"request_id\": \"%s\"}", err_wire_code(e, ei),
		   ei->detail, request->id);
}

static void fill(struct response *r, const struct request *request, size_t n)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

	r->status = 200;
	r->content_type = "text/plain";
	if (slice_is(request->path, "/bad"))
		response_header(r, "X-Note", SLICE_LIT("a\r\nSet-Cookie: evil=1"));
	if (slice_is(request->path, "/unset"))
		r->status = 0;
	if (slice_is(request->path, "/empty"))
		r->status = 204;
	if (slice_is(request->path, "/big")) {
		char *to = buf_reserve(&r->body, TESTSERVER_BIG);

		memset(to, 'b', TESTSERVER_BIG);
		buf_commit(&r->body, TESTSERVER_BIG);
	}
	buf_printf(&r->body, "%s %.*s %zu %zu\n", methods[request->method], SLICE_ARG(request->path), request->body.n,
		   n);
}

static void on_request(struct exchange *x, const struct request *request, void *arg)
{
	struct testserver *t = arg;
	struct response r;

	t->requests++;
	t->repeatable = request->repeatable;
	memcpy(t->digest, request->digest, sizeof t->digest);
	arena_own(request->arena, &t->disposed, count_disposed);
	if (slice_starts(request->path, "/hold")) {
		MUST(t->held_count < TESTSERVER_HELD_MAX);
		t->held[t->held_count++] = x;
		return;
	}
	response_init(&r);
	fill(&r, request, t->requests);
	server_answer(x, &r);
	response_done(&r);
}

void testserver_release(struct testserver *t)
{
	struct exchange *x = t->held[0];
	struct response r;

	MUST(t->held_count > 0);
	memmove(&t->held[0], &t->held[1], --t->held_count * sizeof t->held[0]);
	response_init(&r);
	r.status = 200;
	r.content_type = "text/plain";
	buf_puts(&r.body, "released\n");
	server_answer(x, &r);
	response_done(&r);
}

void testserver_start(struct testserver *t, const struct server_args *wanted)
{
	struct server_args args = wanted ? *wanted : (struct server_args){0};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof address;
	struct errinfo ei = {0};

	*t = (struct testserver){0};
	MUST(uv_loop_init(&t->loop) == 0);
	args.loop = &t->loop;
	args.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(args.socket >= 0 && bind(args.socket, (struct sockaddr *)&address, sizeof address) == 0);
	MUST(getsockname(args.socket, (struct sockaddr *)&address, &n) == 0);
	t->port = ntohs(address.sin_port);
	args.on_error = on_error;
	args.on_request = on_request;
	args.arg = t;
	MUST(server_start(&args, &t->server, &ei) == ERR_OK);
}

void testserver_stop(struct testserver *t)
{
	server_free(&t->server);
	while (t->held_count)
		testserver_release(t); /* answered to nobody */
	MUST(uv_run(&t->loop, UV_RUN_DEFAULT) == 0);
	MUST(uv_loop_close(&t->loop) == 0);
	MUST(t->disposed == t->requests);
}

static int connect_to(const struct testserver *t, int receive_buffer)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)t->port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	MUST(fd >= 0);
	if (receive_buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
	MUST(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

void testserver_send(int fd, struct slice bytes)
{
	while (bytes.n) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* the server has gone; the test looks at what it said */
		bytes = slice_sub(bytes, (size_t)n, bytes.n);
	}
}

int testserver_connect(const struct testserver *t)
{
	return connect_to(t, 0);
}

int testserver_connect_narrow(const struct testserver *t)
{
	return connect_to(t, 4096);
}

static void turn(struct testserver *t, int fd, int ms)
{
	struct pollfd waits[2] = {{.fd = uv_backend_fd(&t->loop), .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	int timeout = uv_backend_timeout(&t->loop);

	if (timeout < 0 || timeout > ms)
		timeout = ms < 0 ? 0 : ms;
	poll(waits, fd < 0 ? 1 : 2, timeout);
	uv_run(&t->loop, UV_RUN_NOWAIT);
}

static int64_t now_ms(void)
{
	return (int64_t)(uv_hrtime() / 1000000);
}

void testserver_run(struct testserver *t, int ms)
{
	int64_t end = now_ms() + ms;

	while (now_ms() < end)
		turn(t, -1, (int)(end - now_ms()));
}

bool testserver_until(struct testserver *t, int fd, struct buf *out, const char *needle)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (now_ms() < end) {
		char bytes[65536];
		ssize_t n;

		if (needle && out->n && memmem(out->p, out->n, needle, strlen(needle)))
			return true;
		n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
		if (n > 0) {
			buf_put(out, slice_make(bytes, (size_t)n));
			continue;
		}
		if (n == 0)
			return needle == NULL;
		if (errno != EAGAIN)
			return false; /* reset: the answer may be lost, which no test shall accept */
		turn(t, fd, 20);
	}
	return false;
}

int testserver_talk(struct testserver *t, struct slice bytes, struct buf *out)
{
	int fd = testserver_connect(t), status = 0;

	testserver_send(fd, bytes);
	MUST(testserver_until(t, fd, out, NULL));
	close(fd);
	if (out->n > 12 && strncmp(out->p, "HTTP/1.1 ", 9) == 0)
		status = (int)strtol(out->p + 9, NULL, 10);
	return status;
}
