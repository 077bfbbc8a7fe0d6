/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For this room's tests: a server on a loopback port and clients in the same thread. Whoever waits for
 * bytes runs the loop meanwhile.
 */
#pragma once

#include "http/server.h"

enum { TESTSERVER_HELD_MAX = 64, TESTSERVER_BIG = 3 << 20 };

/*
 * What the handler does goes by the path: /hold keeps the exchange for testserver_release(), /big answers
 * TESTSERVER_BIG bytes, /bad tries to split a header, /unset forgets the status, /empty answers 204; all else
 * "<method> <path> <body's length> <n>\n" with n counting requests from 1.
 */
struct testserver {
	uv_loop_t loop;
	struct server *server;
	int port;
	size_t requests; /* that reached the handler */
	bool repeatable; /* the last of them, and its digest */
	unsigned char digest[REQUEST_DIGEST_BYTES];
	size_t errors;	 /* that on_error wrote */
	struct exchange *held[TESTSERVER_HELD_MAX];
	size_t held_count;
	size_t disposed; /* arenas of requests that have ended */
	bool drained;
};

/* `args`: limits, caps and flags to use, or NULL. */
void testserver_start(struct testserver *t, const struct server_args *args);
/* Ends the server and proves that nothing of it is left in the loop. */
void testserver_stop(struct testserver *t);
/* A client's socket. */
int testserver_connect(const struct testserver *t);
/* One that takes little at a time. */
int testserver_connect_narrow(const struct testserver *t);
void testserver_send(int fd, struct slice bytes);
/* Reads into `out` until it holds `needle`, or, with NULL, until the end of the connection. False after 5 s. */
bool testserver_until(struct testserver *t, int fd, struct buf *out, const char *needle);
/* Runs the loop for that long. */
void testserver_run(struct testserver *t, int ms);
/* Answers the oldest kept exchange. */
void testserver_release(struct testserver *t);
/* Connects, sends, reads to the end, which must come; returns the status, 0 when none came. */
int testserver_talk(struct testserver *t, struct slice bytes, struct buf *out);
