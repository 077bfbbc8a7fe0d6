/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: a name server on a loopback port, in a thread of its own. Every name has the addresses that
 * were set last; names that begin with "no-" do not exist, those that begin with "mute-" get no answer.
 */
#pragma once

#include <stdint.h>

enum { TESTDNS_ADDRESSES_MAX = 40 };

struct testdns;

struct testdns_answer {
	const char *v4[TESTDNS_ADDRESSES_MAX], *v6[TESTDNS_ADDRESSES_MAX]; /* texts, NULL ends */
};

struct testdns *testdns_start(void);
void testdns_stop(struct testdns **dp);
uint16_t testdns_port(const struct testdns *d);
/* `later` is what questions for IPv4 addresses get after the first one, and may be NULL. */
void testdns_set(struct testdns *d, const struct testdns_answer *first, const struct testdns_answer *later);
/* Questions for IPv4 addresses since testdns_set(). */
int testdns_queries(struct testdns *d);
