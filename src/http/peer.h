/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections each client has (DO-02): one client is one IPv4 address or one IPv6 /64. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/map.h"
#include "base/slice.h"

enum { PEER_TEXT_BYTES = 64, PEER_KEY_BYTES = 9 };

struct peer {
	char text[PEER_TEXT_BYTES]; /* the address without port; "" when it has none */
	char key[PEER_KEY_BYTES];   /* who is counted */
	bool is_loopback;
};

struct peer_count {
	size_t n;
	char key[PEER_KEY_BYTES];
};

/* A v4-mapped address is the IPv4 one. */
struct peer peer_from(const struct sockaddr *address);
/* Counts one more, at most `max`; NULL when it has so many already. */
struct peer_count *peer_add(struct map *counts, const struct peer *p, size_t max);
/* One less; NULL is allowed. */
void peer_drop(struct map *counts, struct peer_count **count);
