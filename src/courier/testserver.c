/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted provider of the courier's tests. Must never answer anything that its script does not say. */
#include "courier/testserver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/mem.h"

enum { REQUEST_MAX = 64 * 1024 };

struct testserver {
	pthread_t thread;
	pthread_mutex_t lock;
	int fd;
	int stop[2]; /* a pipe; its closing ends the thread */
	uint16_t port;
	SSL_CTX *tls;
	struct testserver_script script;
	int connections, requests;
	char last[REQUEST_MAX];
};

struct link {
	struct testserver *server;
	int fd;
	SSL *tls; /* NULL: plain */
};

/* False when the server stops first. */
static bool wait_readable(const struct testserver *s, int fd)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = s->stop[0], .events = POLLIN}};

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	return !p[1].revents;
}

/* False when the server stops first. */
static bool pause_ms(const struct testserver *s, int ms)
{
	struct pollfd p = {.fd = s->stop[0], .events = POLLIN};

	return ms <= 0 || poll(&p, 1, ms) == 0;
}

static ssize_t read_some(struct link *l, char *p, size_t n)
{
	return l->tls ? SSL_read(l->tls, p, (int)n) : recv(l->fd, p, n, 0);
}

static bool write_all(struct link *l, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = l->tls ? SSL_write(l->tls, p, (int)n) : send(l->fd, p, n, MSG_NOSIGNAL);

		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

static size_t body_length(const char *head)
{
	const char *line = strcasestr(head, "\r\nContent-Length:");

	return line ? (size_t)strtoul(line + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

/* Head and, by Content-Length, body. */
static bool read_request(struct link *l, char *text)
{
	size_t n = 0;

	for (;;) {
		const char *end = strstr(text, "\r\n\r\n");
		ssize_t got;

		if (end && n >= (size_t)(end + 4 - text) + body_length(text))
			return true;
		if (n + 1 >= REQUEST_MAX || (!(l->tls && SSL_pending(l->tls)) && !wait_readable(l->server, l->fd)))
			return false;
		got = read_some(l, text + n, REQUEST_MAX - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		text[n] = '\0';
	}
}

static void play(struct link *l, const struct testserver_script *script)
{
	if (script->hang) {
		pause_ms(l->server, 60000);
		return;
	}
	if (!pause_ms(l->server, script->delay_ms))
		return;
	if (!script->drip_ms) {
		write_all(l, script->response, script->n);
		return;
	}
	for (size_t i = 0; i < script->n; i++)
		if (!write_all(l, script->response + i, 1) || !pause_ms(l->server, script->drip_ms))
			return;
}

static void serve_link(struct link *l)
{
	struct testserver *s = l->server;
	struct testserver_script script;
	char *text = mem_calloc(REQUEST_MAX, 1);

	pthread_mutex_lock(&s->lock);
	s->connections++;
	script = s->script;
	pthread_mutex_unlock(&s->lock);
	if (!script.no_read && (!l->tls || SSL_accept(l->tls) == 1) && read_request(l, text)) {
		pthread_mutex_lock(&s->lock);
		s->requests++;
		memcpy(s->last, text, REQUEST_MAX);
		pthread_mutex_unlock(&s->lock);
		play(l, &script);
		if (l->tls && !script.rude_tls)
			SSL_shutdown(l->tls);
	}
	if (script.reset) {
		struct linger now = {.l_onoff = 1};

		setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	}
	free(text);
}

static void *serve_connection(void *arg)
{
	struct link *l = arg;

	serve_link(l);
	SSL_free(l->tls);
	close(l->fd);
	free(l);
	return NULL;
}

static void *serve(void *arg)
{
	struct testserver *s = arg;
	pthread_t threads[256];
	size_t n = 0;

	while (n < ARRAY_LEN(threads) && wait_readable(s, s->fd)) {
		struct link *l = MEM_NEW(struct link);

		l->server = s;
		l->fd = accept(s->fd, NULL, NULL);
		if (s->tls) {
			l->tls = SSL_new(s->tls);
			SSL_set_fd(l->tls, l->fd);
		}
		if (l->fd < 0 || pthread_create(&threads[n], NULL, serve_connection, l) != 0)
			abort();
		n++;
	}
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return NULL;
}

static SSL_CTX *make_tls(const struct testserver_tls *tls)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	BIO *cert_text = BIO_new_mem_buf(tls->cert_pem, -1), *key_text = BIO_new_mem_buf(tls->key_pem, -1);
	X509 *cert = PEM_read_bio_X509(cert_text, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL);

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	if (tls->max_version)
		SSL_CTX_set_max_proto_version(ctx, tls->max_version);
	if (SSL_CTX_use_certificate(ctx, cert) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)
		abort();
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(cert_text);
	BIO_free(key_text);
	return ctx;
}

struct testserver *testserver_start(const struct testserver_tls *tls)
{
	struct testserver *s = MEM_NEW(struct testserver);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof in;

	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&s->lock, NULL);
	s->tls = tls ? make_tls(tls) : NULL;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (pipe(s->stop) != 0 || bind(s->fd, (struct sockaddr *)&in, n) != 0 || listen(s->fd, 64) != 0 ||
	    getsockname(s->fd, (struct sockaddr *)&in, &n) != 0)
		abort();
	s->port = ntohs(in.sin_port);
	if (pthread_create(&s->thread, NULL, serve, s) != 0)
		abort();
	return s;
}

void testserver_stop(struct testserver **sp)
{
	struct testserver *s = sp ? *sp : NULL;

	if (!s)
		return;
	*sp = NULL;
	/* A forked child may hold the pipe's other end, so its closing alone would not be seen. */
	if (write(s->stop[1], "x", 1) != 1)
		abort();
	close(s->stop[1]);
	pthread_join(s->thread, NULL);
	close(s->stop[0]);
	close(s->fd);
	SSL_CTX_free(s->tls);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

uint16_t testserver_port(const struct testserver *s)
{
	return s->port;
}

void testserver_script(struct testserver *s, const struct testserver_script *script)
{
	pthread_mutex_lock(&s->lock);
	s->script = *script;
	pthread_mutex_unlock(&s->lock);
}

int testserver_connections(struct testserver *s)
{
	int n;

	pthread_mutex_lock(&s->lock);
	n = s->connections;
	pthread_mutex_unlock(&s->lock);
	return n;
}

int testserver_requests(struct testserver *s)
{
	int n;

	pthread_mutex_lock(&s->lock);
	n = s->requests;
	pthread_mutex_unlock(&s->lock);
	return n;
}

const char *testserver_last(struct testserver *s)
{
	return s->last;
}
