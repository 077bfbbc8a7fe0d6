/* SPDX-License-Identifier: Apache-2.0 */
/* The proxies whose word counts on who a client is: the operator's list of address ranges (WB-11). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "http/peer.h"

enum { PROXIES_MAX = 64 };

struct proxies {
	size_t count;
	struct {
		unsigned char address[PEER_ADDRESS_BYTES];
		unsigned bits;
		bool is_v4;
	} range[PROXIES_MAX];
};

/* Reads "CIDR, …", such as "10.0.0.0/24, fd00::5/128"; empty: none. ERR_CONFIG with the item that is wrong and why. */
enum err proxies_parse(struct slice list, struct proxies *ret, struct errinfo *ei);
bool proxies_hold(const struct proxies *p, const struct peer *peer);
