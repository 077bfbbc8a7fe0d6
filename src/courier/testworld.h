/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: one transfer at a time against a scripted provider and a scripted name server. */
#pragma once

#include "courier/testdns.h"
#include "courier/testserver.h"
#include "courier/transfer.h"

#define TESTWORLD_ATTEMPT "0123456789abcdef0123456789abcdef"
#define TESTWORLD_OK	  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"

struct testworld {
	uv_loop_t loop;
	struct egress egress;
	struct resolver *resolver;
	struct transfers *transfers;
	struct testserver *server;
	struct testdns *dns;
	struct arena *arena;
	struct fetch_request request;
	/* of the last transfer */
	struct fetch_answer answer;
	char cause[320];
	int done;
	int64_t began, took_ms;
};

/* cmocka's setup and teardown: http to 127.0.0.1 and 127.0.0.2 is allowed, every name is 127.0.0.1. */
int testworld_setup(void **state);
int testworld_teardown(void **state);
/* Anew with other settings; the caller has freed transfers and resolver. */
void testworld_open(struct testworld *w, const char *allow, const char *ca_file, int64_t total_ms);
void testworld_script(struct testworld *w, struct testserver_script s);
/* The response in one piece, then the end. */
void testworld_answer(struct testworld *w, const char *response);
void testworld_resolve(struct testworld *w, const char *v4, const char *v6);
/* Runs `request` to its end. */
void testworld_run(struct testworld *w);
void testworld_run_url(struct testworld *w, const char *url);
/* Copies the outcome; for transfers that a test starts itself. */
void testworld_on_done(struct transfer *t, void *arg);
/* What a tenant reads is one sentence; what our log reads says more. */
void testworld_assert_unreachable(const struct testworld *w, enum err e, bool sent);
