/* SPDX-License-Identifier: Apache-2.0 */
/* Who a client is (one IPv4 address, or one IPv6 /64), and how many connections each has (DO-02). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/map.h"
#include "base/slice.h"

enum { PEER_TEXT_BYTES = 64, PEER_KEY_BYTES = 9, PEER_ADDRESS_BYTES = 16 };

struct peer {
	char text[PEER_TEXT_BYTES];		   /* the address without port; "" when it has none */
	char key[PEER_KEY_BYTES];		   /* who is counted */
	unsigned char address[PEER_ADDRESS_BYTES]; /* IPv4 as ::ffff:a.b.c.d */
	bool is_loopback;
};

struct peer_count {
	size_t n;
	char key[PEER_KEY_BYTES];
};

/* A v4-mapped address is the IPv4 one. */
struct peer peer_from(const struct sockaddr *address);
/* From the text of an address, without brackets and port. False: it is none. */
bool peer_parse(struct slice text, struct peer *ret);
/* Counts one more, at most `max`; NULL when it has so many already. */
struct peer_count *peer_add(struct map *counts, const struct peer *p, size_t max);
/* One less; NULL is allowed. */
void peer_drop(struct map *counts, struct peer_count **count);
