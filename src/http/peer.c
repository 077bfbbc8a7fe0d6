/* SPDX-License-Identifier: Apache-2.0 */
/* Who a client is for counting. Must never count an attacker's many addresses of one network as many clients. */
#include "http/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/mem.h"

static struct peer from_v4(const unsigned char bytes[4])
{
	struct peer p = {.key = {4}, .is_loopback = bytes[0] == 127};

	memcpy(p.key + 1, bytes, 4);
	p.address[10] = p.address[11] = 0xff;
	memcpy(p.address + 12, bytes, 4);
	if (uv_inet_ntop(AF_INET, bytes, p.text, sizeof p.text))
		p.text[0] = '\0';
	return p;
}

struct peer peer_from(const struct sockaddr *address)
{
	struct peer p = {.text = ""};

	if (address->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, address, sizeof v4);
		return from_v4((const unsigned char *)&v4.sin_addr);
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, address, sizeof v6);
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
			return from_v4(v6.sin6_addr.s6_addr + 12);
		p.key[0] = 6;
		memcpy(p.address, v6.sin6_addr.s6_addr, sizeof p.address);
		memcpy(p.key + 1, v6.sin6_addr.s6_addr, 8);
		p.is_loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
		if (uv_inet_ntop(AF_INET6, &v6.sin6_addr, p.text, sizeof p.text))
			p.text[0] = '\0';
	}
	return p;
}

bool peer_parse(struct slice text, struct peer *ret)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	unsigned char v4[4];
	char copy[INET6_ADDRSTRLEN];

	if (text.n == 0 || text.n >= sizeof copy || slice_index(text, '\0') != text.n)
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET, copy, v4) == 1)
		*ret = from_v4(v4);
	else if (inet_pton(AF_INET6, copy, &v6.sin6_addr) == 1)
		*ret = peer_from((const struct sockaddr *)&v6);
	else
		return false;
	return true;
}

struct peer_count *peer_add(struct map *counts, const struct peer *p, size_t max)
{
	struct slice key = slice_make(p->key, sizeof p->key);
	struct peer_count *count = map_get(counts, key);

	if (!count) {
		count = MEM_NEW(struct peer_count);
		memcpy(count->key, p->key, sizeof count->key);
		map_put(counts, key, count);
	}
	if (count->n >= max)
		return NULL;
	count->n++;
	return count;
}

void peer_drop(struct map *counts, struct peer_count **countp)
{
	struct peer_count *count = TAKE(*countp);

	if (!count || --count->n > 0)
		return;
	map_remove(counts, slice_make(count->key, sizeof count->key));
	free(count);
}
