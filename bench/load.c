/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load generator whose latencies can be believed. With --rate it keeps an open schedule: request i is due at start +
 * i / rate whether or not earlier answers have come, and its latency counts from the moment it was due, so a server that
 * stalls is charged for every request that had to wait meanwhile. (wrk sends again after each answer and leaves those out:
 * "coordinated omission".) Without --rate each connection sends again at once. Must never take its own lateness for the
 * server's without saying so: own_late_p99_us tells how late it sent where a connection was free.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define SECOND_NS INT64_C(1000000000)

enum {
	CONNECTIONS_MAX = 1024,
	HEADERS_MAX_BYTES = 8 * 1024,
	REQUESTS_MAX_BYTES = 64 * 1024 * 1024,
	ANSWER_MAX_BYTES = 32 * 1024,
	SAMPLES_MAX = 50 * 1000 * 1000,
	DRAIN_S = 5, /* how long the last answers may take */
};

static const char usage[] =
	"usage: load --port N --connections N --seconds N [--rate N] [--once] [--header LINE]... <targets\n"
	"\n"
	"Asks 127.0.0.1 for the targets on stdin, one a line, in their order and again from the first, and prints one line of\n"
	"JSON. --rate: so many requests a second, by an open schedule; else as many as come back. --once: each target once.\n";

struct connection {
	int fd;
	int64_t due_at; /* of the request under way */
	size_t n, whole; /* bytes of the answer so far; all of it, 0 while its head is not complete */
	char answer[ANSWER_MAX_BYTES];
};

/* Times in nanoseconds. Grows; counted at the end. */
struct samples {
	int64_t *at;
	size_t n, cap;
};

struct load {
	uint64_t port, connections, seconds, rate;
	bool once;
	struct buf headers, requests;
	size_t *ends; /* where each request ends in `requests` */
	size_t targets;
	struct connection *all, **idle;
	size_t idle_n;
	int epoll;
	int64_t started_at, ended_at;
	uint64_t sent, by_class[6], broken;
	bool starved; /* a request was due and no connection was free */
	struct samples latency, own_late;
};

static void fail(const char *what)
{
	fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND_NS + t.tv_nsec;
}

static void samples_add(struct samples *s, int64_t ns)
{
	if (s->n == s->cap) {
		if (s->cap >= SAMPLES_MAX)
			return;
		s->cap = s->cap ? s->cap * 2 : 1 << 16;
		s->at = mem_realloc(s->at, s->cap, sizeof *s->at);
	}
	s->at[s->n++] = ns;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* In microseconds; the samples must be sorted. */
static double percentile(const struct samples *s, double p)
{
	size_t rank = (size_t)(p / 100 * (double)s->n);

	return s->n ? (double)s->at[rank < s->n ? rank : s->n - 1] / 1000 : 0;
}

static void open_connection(struct load *l, struct connection *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->port)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	int on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
		fail("cannot connect");
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 || fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
		fail("cannot prepare a connection");
	l->idle[l->idle_n++] = c;
}

static void break_connection(struct load *l, struct connection *c)
{
	for (size_t i = 0; i < l->idle_n; i++)
		if (l->idle[i] == c)
			l->idle[i--] = l->idle[--l->idle_n];
	l->broken++;
	close(c->fd);
	open_connection(l, c);
}

static void send_request(struct load *l, int64_t due_at)
{
	size_t i = l->sent % l->targets, from = i ? l->ends[i - 1] : 0, n = l->ends[i] - from;
	struct connection *c = l->idle[--l->idle_n];

	c->due_at = due_at;
	c->n = c->whole = 0;
	l->sent++;
	if (send(c->fd, l->requests.p + from, n, MSG_NOSIGNAL) != (ssize_t)n)
		break_connection(l, c);
}

/* The length of the whole answer once its head is there; 0: not yet. */
static size_t answer_length(const struct connection *c)
{
	static const char name[] = "content-length:";
	const char *end = memmem(c->answer, c->n, "\r\n\r\n", 4);
	struct slice head = slice_make(c->answer, end ? (size_t)(end - c->answer) : 0), line;
	uint64_t body = 0;

	if (!end)
		return 0;
	while (slice_split(&head, '\n', &line))
		if (slice_is_nocase(slice_sub(line, 0, sizeof name - 1), name)) {
			line = slice_sub(line, sizeof name - 1, line.n);
			line.n -= line.n && line.p[line.n - 1] == '\r';
			if (!slice_to_u64(slice_trim(line), ANSWER_MAX_BYTES, &body))
				fail("an answer is longer than can be taken");
		}
	return (size_t)(end - c->answer) + 4 + body;
}

static void read_answer(struct load *l, struct connection *c)
{
	ssize_t n = recv(c->fd, c->answer + c->n, sizeof c->answer - c->n, 0);
	char class;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		break_connection(l, c);
		return;
	}
	c->n += (size_t)n;
	if (!c->whole)
		c->whole = answer_length(c);
	if (c->n == sizeof c->answer && c->whole != c->n) {
		errno = 0;
		fail("an answer is longer than can be taken");
	}
	if (!c->whole || c->n < c->whole)
		return;
	samples_add(&l->latency, now_ns() - c->due_at);
	class = c->answer[sizeof "HTTP/1.1 " - 1];
	l->by_class[class >= '1' && class <= '5' ? class - '0' : 0]++;
	l->idle[l->idle_n++] = c;
}

static bool more_to_send(const struct load *l, int64_t now)
{
	return now < l->ended_at && !(l->once && l->sent == l->targets);
}

/* Sends what is due and returns when the next one will be; `ended_at` when nothing can be sent before an answer comes. */
static int64_t send_due(struct load *l)
{
	for (;;) {
		int64_t now = now_ns(), due_at = l->rate ? l->started_at + (int64_t)(l->sent * SECOND_NS / l->rate) : now;

		if (!more_to_send(l, now) || due_at > now)
			return due_at > now ? due_at : l->ended_at;
		if (!l->idle_n) {
			l->starved = true;
			return l->ended_at;
		}
		if (!l->starved)
			samples_add(&l->own_late, now - due_at);
		send_request(l, due_at);
		l->starved = l->starved && l->rate && due_at + SECOND_NS / (int64_t)l->rate < now;
	}
}

static void run(struct load *l)
{
	struct epoll_event events[64];

	l->started_at = now_ns();
	l->ended_at = l->started_at + (int64_t)l->seconds * SECOND_NS;
	for (;;) {
		int64_t next = send_due(l), now = now_ns(), left;
		struct timespec wait;
		int n;

		if (!more_to_send(l, now)) {
			if (l->idle_n == l->connections || now > l->ended_at + DRAIN_S * SECOND_NS)
				return;
			next = l->ended_at + DRAIN_S * SECOND_NS;
		}
		left = next > now ? next - now : 0;
		wait = (struct timespec){.tv_sec = left / SECOND_NS, .tv_nsec = left % SECOND_NS};
		n = epoll_pwait2(l->epoll, events, ARRAY_LEN(events), &wait, NULL);
		if (n < 0 && errno != EINTR)
			fail("cannot wait");
		for (int i = 0; i < n; i++)
			read_answer(l, events[i].data.ptr);
	}
}

static void report(struct load *l, int64_t took_ns)
{
	const struct samples *s = &l->latency;

	qsort(s->at, s->n, sizeof *s->at, by_size);
	qsort(l->own_late.at, l->own_late.n, sizeof *l->own_late.at, by_size);
	printf("{\"sent\":%llu,\"answered\":%zu,\"ok\":%llu,\"refused\":%llu,\"failed\":%llu,\"broken\":%llu,\"seconds\":%.3f,"
	       "\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,\"own_late_p99_us\":%.1f}\n",
	       (unsigned long long)l->sent, s->n, (unsigned long long)l->by_class[2], (unsigned long long)l->by_class[4],
	       (unsigned long long)l->by_class[5], (unsigned long long)l->broken, (double)took_ns / 1e9, percentile(s, 50),
	       percentile(s, 90), percentile(s, 99), percentile(s, 99.9), percentile(s, 100), percentile(&l->own_late, 99));
}

/* Whole requests, one behind the other, so that nothing is put together under load. */
static void prepare_requests(struct load *l)
{
	char *line = NULL;
	size_t room = 0, cap = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		struct slice target = slice_make(line, (size_t)n - (line[n - 1] == '\n'));

		if (!target.n)
			continue;
		if (l->targets == cap)
			l->ends = mem_realloc(l->ends, cap = cap ? cap * 2 : 64, sizeof *l->ends);
		buf_printf(&l->requests, "GET %.*s HTTP/1.1\r\nHost: 127.0.0.1:%llu\r\n", SLICE_ARG(target),
			   (unsigned long long)l->port);
		buf_put(&l->requests, buf_slice(&l->headers));
		buf_puts(&l->requests, "\r\n");
		l->ends[l->targets++] = l->requests.n;
	}
	free(line);
	errno = 0;
	if (!l->targets || !buf_ok(&l->requests) || !buf_ok(&l->headers))
		fail(l->targets ? "the targets are too many" : "no target came on stdin");
}

static bool read_options(int argc, char **argv, struct load *l)
{
	static const struct option names[] = {
		{"port", required_argument, NULL, 'p'}, {"connections", required_argument, NULL, 'c'},
		{"seconds", required_argument, NULL, 's'}, {"rate", required_argument, NULL, 'r'},
		{"header", required_argument, NULL, 'H'}, {"once", no_argument, NULL, 'o'}, {NULL, 0, NULL, 0},
	};
	bool ok = true;
	int option;

	while (ok && (option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'p': ok = slice_to_u64(slice_from(optarg), 65535, &l->port); break;
		case 'c': ok = slice_to_u64(slice_from(optarg), CONNECTIONS_MAX, &l->connections); break;
		case 's': ok = slice_to_u64(slice_from(optarg), 3600, &l->seconds); break;
		case 'r': ok = slice_to_u64(slice_from(optarg), 1000 * 1000, &l->rate); break;
		case 'H': buf_printf(&l->headers, "%s\r\n", optarg); break;
		case 'o': l->once = true; break;
		default: ok = false;
		}
	}
	return ok && optind == argc && l->port && l->connections && l->seconds;
}

int main(int argc, char **argv)
{
	struct load l = {.epoll = epoll_create1(EPOLL_CLOEXEC)};

	buf_init(&l.headers, HEADERS_MAX_BYTES);
	buf_init(&l.requests, REQUESTS_MAX_BYTES);
	if (!read_options(argc, argv, &l)) {
		fputs(usage, stderr);
		return 2;
	}
	prepare_requests(&l);
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* else the kernel wakes us up to 50 us late, to save power */
	l.all = MEM_NEW_N(l.connections, struct connection);
	l.idle = MEM_NEW_N(l.connections, struct connection *);
	for (size_t i = 0; i < l.connections; i++)
		open_connection(&l, &l.all[i]);
	run(&l);
	report(&l, now_ns() - l.started_at);
	return 0;
}
