/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare answer: this room alone, with a handler that says the same few bytes to everybody. For a load generator beside it
 * (wrk, or callgrind around it), next to nginx with `return 200`. Ends on SIGINT and says how many requests it answered.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"

enum { PORT_DEFAULT = 7099 };

struct bench {
	uv_loop_t loop;
	struct server *server;
	uv_signal_t interrupted;
	unsigned long long requests;
};

static void on_error(struct response *r, const struct request *request, enum err e, int status, const struct errinfo *ei, void *arg)
{
	(void)request;
	(void)e;
	(void)status;
	(void)arg;
	r->content_type = "text/plain";
	buf_puts(&r->body, ei->detail);
}

/* About as long as the answer to a token read. */
static void on_request(struct exchange *x, const struct request *request, void *arg)
{
	static const char body[] = "{\"access_token\":\"0123456789012345678901234567890123456789012345678901234567890123\","
				   "\"token_type\":\"Bearer\",\"expires_at\":\"2026-11-24T02:24:34Z\",\"expires_in\":3599,"
				   "\"scopes\":[\"openid\",\"profile\"],\"fingerprint\":\"00112233445566778899aabbccddeeff\"}";
	struct bench *b = arg;
	struct response r;

	(void)request;
	response_init(&r);
	r.status = 200;
	r.content_type = "application/json";
	buf_put(&r.body, SLICE_LIT(body));
	b->requests++;
	server_answer(x, &r);
	response_done(&r);
}

static void on_interrupt(uv_signal_t *signal, int number)
{
	struct bench *b = signal->data;

	(void)number;
	uv_close((uv_handle_t *)signal, NULL);
	server_free(&b->server);
}

int main(int argc, char **argv)
{
	struct bench b = {.requests = 0};
	uint64_t port = PORT_DEFAULT;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct server_args args = {.loop = &b.loop, .on_error = on_error, .on_request = on_request, .arg = &b};
	struct errinfo ei = {0};
	int yes = 1;

	if (argc > 1 && !slice_to_u64(slice_from(argv[1]), 65535, &port)) {
		fprintf(stderr, "usage: %s [PORT]\n", argv[0]);
		return 2;
	}
	address.sin_port = htons((uint16_t)port);
	args.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (args.socket < 0 || setsockopt(args.socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
	    bind(args.socket, (struct sockaddr *)&address, sizeof address) != 0) {
		perror("server_bench");
		return 1;
	}
	uv_loop_init(&b.loop);
	if (server_start(&args, &b.server, &ei)) {
		fprintf(stderr, "%s\n", ei.detail);
		return 1;
	}
	uv_signal_init(&b.loop, &b.interrupted);
	b.interrupted.data = &b;
	uv_signal_start(&b.interrupted, on_interrupt, SIGINT);
	uv_run(&b.loop, UV_RUN_DEFAULT);
	uv_loop_close(&b.loop);
	printf("%llu requests\n", b.requests);
	return 0;
}
