/* SPDX-License-Identifier: Apache-2.0 */
/* The name server of the courier's tests (RFC 1035 §4, as little of it as c-ares needs). */
#include "courier/testdns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum { TYPE_A = 1, TYPE_AAAA = 28, HEAD = 12, PACKET = 4096 };

struct testdns {
	pthread_t thread;
	pthread_mutex_t lock;
	int fd, stop[2], queries;
	uint16_t port;
	struct testdns_answer first, later;
};

/* One record that points at the question's name. */
static size_t put_record(unsigned char *p, int type, const char *text)
{
	unsigned char addr[16];
	unsigned char n = type == TYPE_A ? 4 : 16;
	const unsigned char head[] = {0xc0, HEAD, 0, (unsigned char)type, 0, 1, 0, 0, 0, 0, 0, n};

	if (inet_pton(type == TYPE_A ? AF_INET : AF_INET6, text, addr) != 1)
		abort();
	memcpy(p, head, sizeof head);
	memcpy(p + sizeof head, addr, n);
	return sizeof head + n;
}

/* The answer in place of the question; 0: none. */
static size_t reply(struct testdns *d, unsigned char *p, size_t n)
{
	size_t end = HEAD;
	const char *const *texts;
	int type;

	while (end < n && p[end])
		end += p[end] + 1u;
	if (end + 5 > n)
		return 0;
	type = p[end + 2];
	end += 5;
	if (p[HEAD] >= 5 && memcmp(p + HEAD + 1, "mute-", 5) == 0)
		return 0;
	p[2] = 0x81;
	p[3] = 0x80;
	memset(p + 6, 0, 6);
	if (p[HEAD] >= 3 && memcmp(p + HEAD + 1, "no-", 3) == 0) {
		p[3] |= 3; /* no such name */
		return end;
	}
	pthread_mutex_lock(&d->lock);
	texts = type == TYPE_AAAA ? d->first.v6 : d->queries++ ? d->later.v4 : d->first.v4;
	for (size_t i = 0; i < TESTDNS_ADDRESSES_MAX && texts[i]; i++) {
		end += put_record(p + end, type, texts[i]);
		p[7]++;
	}
	pthread_mutex_unlock(&d->lock);
	return end;
}

static void *serve(void *arg)
{
	struct testdns *d = arg;
	struct pollfd p[2] = {{.fd = d->fd, .events = POLLIN}, {.fd = d->stop[0], .events = POLLIN}};

	for (;;) {
		unsigned char packet[PACKET];
		struct sockaddr_storage from;
		socklen_t from_n = sizeof from;
		ssize_t n;

		if (poll(p, 2, -1) < 0 && errno == EINTR)
			continue;
		if (p[1].revents)
			return NULL;
		n = recvfrom(d->fd, packet, 512, 0, (struct sockaddr *)&from, &from_n);
		n = n < HEAD ? 0 : (ssize_t)reply(d, packet, (size_t)n);
		if (n > 0 && sendto(d->fd, packet, (size_t)n, 0, (struct sockaddr *)&from, from_n) < 0)
			abort();
	}
}

struct testdns *testdns_start(void)
{
	struct testdns *d = MEM_NEW(struct testdns);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof in;

	pthread_mutex_init(&d->lock, NULL);
	d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (pipe(d->stop) != 0 || bind(d->fd, (struct sockaddr *)&in, n) != 0 ||
	    getsockname(d->fd, (struct sockaddr *)&in, &n) != 0 ||
	    pthread_create(&d->thread, NULL, serve, d) != 0)
		abort();
	d->port = ntohs(in.sin_port);
	return d;
}

void testdns_stop(struct testdns **dp)
{
	struct testdns *d = dp ? *dp : NULL;

	if (!d)
		return;
	*dp = NULL;
	close(d->stop[1]);
	pthread_join(d->thread, NULL);
	close(d->stop[0]);
	close(d->fd);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

uint16_t testdns_port(const struct testdns *d)
{
	return d->port;
}

void testdns_set(struct testdns *d, const struct testdns_answer *first, const struct testdns_answer *later)
{
	pthread_mutex_lock(&d->lock);
	d->first = *first;
	d->later = later ? *later : *first;
	d->queries = 0;
	pthread_mutex_unlock(&d->lock);
}

int testdns_queries(struct testdns *d)
{
	int n;

	pthread_mutex_lock(&d->lock);
	n = d->queries;
	pthread_mutex_unlock(&d->lock);
	return n;
}
