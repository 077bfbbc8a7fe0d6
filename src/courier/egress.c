/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The egress policy: which URL, scheme, port and address a request may use (SS-01, SS-02, SS-09). The
 * refused ranges are IANA's special-purpose registries; for IPv6 only 2000::/3 is global unicast at all.
 * Must never look at a host's name: only addresses decide, before and at connect time alike.
 */
#include "courier/egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"

struct range {
	unsigned char addr[16];
	unsigned bits;
};

/* Not global unicast. */
static const struct range refused_ipv4[] = {
	{{0}, 8},	      /* this network */
	{{10}, 8},	      /* private */
	{{100, 64}, 10},      /* shared by carriers */
	{{127}, 8},	      /* loopback */
	{{169, 254}, 16},     /* link-local, metadata services */
	{{172, 16}, 12},      /* private */
	{{192, 0, 0}, 24},    /* IETF */
	{{192, 0, 2}, 24},    /* documentation */
	{{192, 88, 99}, 24},  /* 6to4 relays */
	{{192, 168}, 16},     /* private */
	{{198, 18}, 15},      /* benchmarks */
	{{198, 51, 100}, 24}, /* documentation */
	{{203, 0, 113}, 24},  /* documentation */
	{{224}, 3},	      /* multicast, reserved, broadcast */
};

/* The whole of IPv6 global unicast; loopback, fc00::/7, fe80::/10, 64:ff9b::/96 and so on lie outside. */
static const struct range global_ipv6 = {{0x20}, 3};
/* Not global unicast although inside of it. */
static const struct range refused_ipv6[] = {
	{{0x20, 0x01, 0x00}, 23},	      /* IETF: Teredo, ORCHID, benchmarks */
	{{0x20, 0x01, 0x0d, 0xb8}, 32},	      /* documentation */
	{{0x20, 0x02}, 16},		      /* 6to4: an IPv4 address inside */
	{{0x3f, 0xff, 0x00}, 20},	      /* documentation */
};
/* IPv4 in IPv6 clothes: never, even if listed, because the socket would speak to the IPv4 address. */
static const struct range mapped_ipv4 = {{[10] = 0xff, [11] = 0xff}, 96};

static const uint16_t public_ports[] = {443, 8443};

static bool in_prefix(const unsigned char *addr, const unsigned char *base, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(addr, base, whole) != 0)
		return false;
	return rest == 0 || (addr[whole] ^ base[whole]) >> (8 - rest) == 0;
}

static bool in_range(const struct egress_peer *p, const struct range *r)
{
	return in_prefix(p->addr, r->addr, r->bits);
}

static bool in_any(const struct egress_peer *p, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in_range(p, &ranges[i]))
			return true;
	return false;
}

static bool is_global(const struct egress_peer *p)
{
	if (!p->is_ipv6)
		return !in_any(p, refused_ipv4, ARRAY_LEN(refused_ipv4));
	return in_range(p, &global_ipv6) && !in_any(p, refused_ipv6, ARRAY_LEN(refused_ipv6));
}

static bool is_public_port(uint16_t port)
{
	for (size_t i = 0; i < ARRAY_LEN(public_ports); i++)
		if (port == public_ports[i])
			return true;
	return false;
}

static bool is_listed(const struct egress *g, const struct egress_peer *p)
{
	for (size_t i = 0; i < g->count; i++) {
		const struct egress_rule *r = &g->rule[i];

		if (r->base.is_ipv6 == p->is_ipv6 && (r->base.port == 0 || r->base.port == p->port) &&
		    in_prefix(p->addr, r->base.addr, r->bits))
			return true;
	}
	return false;
}

bool egress_peer_parse(struct slice text, uint16_t port, struct egress_peer *ret_peer)
{
	struct egress_peer p = {.port = port};
	char copy[INET6_ADDRSTRLEN];

	if (text.n == 0 || text.n >= sizeof copy || slice_index(text, '\0') != text.n)
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	p.is_ipv6 = slice_index(text, ':') != text.n;
	if (inet_pton(p.is_ipv6 ? AF_INET6 : AF_INET, copy, p.addr) != 1)
		return false;
	*ret_peer = p;
	return true;
}

/* False when a bit behind the prefix is set: more likely a typing error than a wish. */
static bool is_aligned(const struct egress_rule *r)
{
	unsigned bytes = r->base.is_ipv6 ? 16 : 4;

	for (unsigned bit = r->bits; bit < bytes * 8; bit++)
		if (r->base.addr[bit / 8] & (0x80u >> (bit % 8)))
			return false;
	return true;
}

static enum err bad_item(struct slice item, const char *why, struct errinfo *ei)
{
	err_set(ei, ERR_CONFIG, "FIBERWISE_EGRESS_ALLOW: \"%.*s\" %s", (int)(item.n > 80 ? 80 : item.n), item.p, why);
	return err_hint(ei, ERR_CONFIG,
			"write address/bits or address/bits:port, separated by commas, "
			"for example 127.0.0.0/8,::1/128,10.1.2.3/32:8443");
}

static enum err parse_item(struct slice item, struct egress_rule *ret_rule, struct errinfo *ei)
{
	struct egress_rule r = {0};
	struct slice address = slice_sub(item, 0, slice_index(item, '/')), rest, bits, port;
	uint64_t number;

	if (!slice_is_printable(item) || item.n == 0)
		return bad_item(SLICE_LIT(""), "is an empty or unreadable item", ei);
	if (address.n == item.n)
		return bad_item(item, "has no /bits", ei);
	if (!egress_peer_parse(address, 0, &r.base))
		return bad_item(item, "does not begin with an IPv4 or IPv6 address", ei);
	rest = slice_sub(item, address.n + 1, item.n);
	bits = slice_sub(rest, 0, slice_index(rest, ':'));
	if (!slice_to_u64(bits, r.base.is_ipv6 ? 128 : 32, &number))
		return bad_item(item, "has a wrong number of bits", ei);
	r.bits = (unsigned)number;
	if (!is_aligned(&r))
		return bad_item(item, "has bits set behind its prefix", ei);
	if (in_range(&r.base, &mapped_ipv4)) /* all 96 bits, as it is aligned */
		return bad_item(item, "is IPv4 written as IPv6; write the IPv4 address", ei);
	if (bits.n < rest.n) {
		port = slice_sub(rest, bits.n + 1, rest.n);
		if (!slice_to_u64(port, 65535, &number) || number == 0)
			return bad_item(item, "has a port that is not from 1 to 65535", ei);
		r.base.port = (uint16_t)number;
	}
	*ret_rule = r;
	return ERR_OK;
}

enum err egress_parse(struct slice list, struct egress *ret_egress, struct errinfo *ei)
{
	struct egress g = {0};
	struct slice rest = slice_trim(list), item;

	if (rest.n == 0) {
		*ret_egress = g;
		return ERR_OK;
	}
	while (slice_split(&rest, ',', &item)) {
		enum err e;

		if (g.count == EGRESS_RULES_MAX)
			return err_set(ei, ERR_CONFIG, "FIBERWISE_EGRESS_ALLOW has more than %d items", EGRESS_RULES_MAX);
		e = parse_item(slice_trim(item), &g.rule[g.count], ei);
		if (e)
			return e;
		g.count++;
	}
	*ret_egress = g;
	return ERR_OK;
}

bool egress_peer_from(const struct sockaddr *sa, socklen_t n, struct egress_peer *ret_peer)
{
	struct egress_peer p = {0};
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (n >= sizeof in && sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof in);
		memcpy(p.addr, &in.sin_addr, 4);
		p.port = ntohs(in.sin_port);
	} else if (n >= sizeof in6 && sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof in6);
		memcpy(p.addr, &in6.sin6_addr, 16);
		p.port = ntohs(in6.sin6_port);
		p.is_ipv6 = true;
	} else {
		return false;
	}
	*ret_peer = p;
	return true;
}

socklen_t egress_peer_sockaddr(const struct egress_peer *p, struct sockaddr_storage *ret_sa)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(p->port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(p->port)};

	memset(ret_sa, 0, sizeof *ret_sa);
	if (p->is_ipv6) {
		memcpy(&in6.sin6_addr, p->addr, 16);
		memcpy(ret_sa, &in6, sizeof in6);
		return sizeof in6;
	}
	memcpy(&in.sin_addr, p->addr, 4);
	memcpy(ret_sa, &in, sizeof in);
	return sizeof in;
}

bool egress_peer_eq(const struct egress_peer *a, const struct egress_peer *b)
{
	return a->is_ipv6 == b->is_ipv6 && a->port == b->port && memcmp(a->addr, b->addr, a->is_ipv6 ? 16 : 4) == 0;
}

void egress_peer_text(const struct egress_peer *p, char ret_text[EGRESS_TEXT_BYTES])
{
	inet_ntop(p->is_ipv6 ? AF_INET6 : AF_INET, p->addr, ret_text, EGRESS_TEXT_BYTES);
}

void egress_put_url(struct buf *out, const struct url *u)
{
	url_put_origin(out, u);
	buf_put(out, u->path.n ? u->path : SLICE_LIT("/"));
	if (u->query.p) {
		buf_putc(out, '?');
		buf_put(out, u->query);
	}
}

enum err egress_vet_url(const struct url *u, struct errinfo *ei)
{
	if (u->fragment.p)
		return err_set(ei, ERR_FORBIDDEN, "the provider's URL has a fragment (#…)");
	return ERR_OK;
}

enum err egress_vet_peer(const struct egress *g, bool is_https, const struct egress_peer *p, struct errinfo *ei)
{
	char text[EGRESS_TEXT_BYTES];

	egress_peer_text(p, text);
	if (p->is_ipv6 && in_range(p, &mapped_ipv4))
		return err_set(ei, ERR_FORBIDDEN, "the address %s is IPv4 written as IPv6", text);
	if (is_listed(g, p))
		return ERR_OK;
	if (!is_global(p))
		return err_set(ei, ERR_FORBIDDEN, "the address %s is not public and not in FIBERWISE_EGRESS_ALLOW", text);
	if (!is_https)
		return err_set(ei, ERR_FORBIDDEN, "http to %s, which is not in FIBERWISE_EGRESS_ALLOW", text);
	if (!is_public_port(p->port))
		return err_set(ei, ERR_FORBIDDEN, "port %u of %s is not in FIBERWISE_EGRESS_ALLOW", p->port, text);
	return ERR_OK;
}

enum err egress_vet_peers(const struct egress *g, bool is_https, const struct egress_peer *p, size_t n,
			  struct errinfo *ei)
{
	if (n == 0)
		return err_set(ei, ERR_FORBIDDEN, "the name has no address");
	for (size_t i = 0; i < n; i++) {
		enum err e = egress_vet_peer(g, is_https, &p[i], ei);

		if (e)
			return e;
	}
	return ERR_OK;
}
