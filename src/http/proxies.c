/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of addresses; IPv4 lives in ::ffff:0:0/96, as it does in struct peer. Must never guess what an item may have meant. */
#include "http/proxies.h"

#include <string.h>

enum { V4_BITS = 32, V6_BITS = 128 };

static enum err bad_item(struct slice item, const char *why, struct errinfo *ei)
{
	err_set(ei, ERR_CONFIG, "\"%.*s\" %s", (int)(item.n > 80 ? 80 : item.n), item.n ? item.p : "", why);
	return err_hint(ei, ERR_CONFIG,
			"Write address/bits, separated by commas, for example 127.0.0.1/32, 10.0.0.0/24, fd00::5/128.");
}

static bool prefix_is(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* Nothing behind the prefix: a bit there is more likely a typing error than a wish. */
static bool is_aligned(const unsigned char *address, unsigned bits)
{
	for (unsigned bit = bits; bit < V6_BITS; bit++)
		if (address[bit / 8] & (0x80u >> (bit % 8)))
			return false;
	return true;
}

static enum err parse_item(struct slice item, struct proxies *p, struct errinfo *ei)
{
	struct slice address = slice_sub(item, 0, slice_index(item, '/'));
	bool is_v4 = slice_index(address, ':') == address.n;
	struct peer peer;
	uint64_t bits;

	if (!slice_is_printable(item) || item.n == 0)
		return bad_item(SLICE_LIT(""), "is an empty or unreadable item", ei);
	if (address.n == item.n)
		return bad_item(item, "has no /bits", ei);
	if (!peer_parse(address, &peer))
		return bad_item(item, "does not begin with an IPv4 or IPv6 address", ei);
	if (!is_v4 && peer.key[0] == 4)
		return bad_item(item, "is IPv4 written as IPv6; write the IPv4 address", ei);
	if (!slice_to_u64(slice_sub(item, address.n + 1, item.n), is_v4 ? V4_BITS : V6_BITS, &bits))
		return bad_item(item, "has a wrong number of bits", ei);
	if (bits == 0)
		return bad_item(item, "would trust everybody: whoever likes could then name any address as his", ei);
	p->range[p->count].is_v4 = is_v4;
	p->range[p->count].bits = (unsigned)bits + (is_v4 ? V6_BITS - V4_BITS : 0);
	memcpy(p->range[p->count].address, peer.address, sizeof peer.address);
	if (!is_aligned(peer.address, p->range[p->count].bits))
		return bad_item(item, "has bits set behind its prefix", ei);
	p->count++;
	return ERR_OK;
}

enum err proxies_parse(struct slice list, struct proxies *ret, struct errinfo *ei)
{
	struct slice rest = slice_trim(list), item;
	struct proxies p = {0};

	if (rest.n == 0)
		rest.p = NULL;
	while (slice_split(&rest, ',', &item)) {
		enum err e = p.count == PROXIES_MAX
				     ? err_set(ei, ERR_CONFIG, "the list has more than %d items", PROXIES_MAX)
				     : parse_item(slice_trim(item), &p, ei);

		if (e)
			return e;
	}
	*ret = p;
	return ERR_OK;
}

bool proxies_hold(const struct proxies *p, const struct peer *peer)
{
	/* ::/64 is no range of IPv4 addresses, though they are written in it here. */
	for (size_t i = 0; i < p->count; i++)
		if (p->range[i].is_v4 == (peer->key[0] == 4) &&
		    prefix_is(peer->address, p->range[i].address, p->range[i].bits))
			return true;
	return false;
}
