/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a request may go. Public providers: https, port 443 or 8443, an address that is global unicast.
 * Everything else only where the operator's FIBERWISE_EGRESS_ALLOW says so: it opens an address range
 * (any port, or the one named) to https and http alike. Pure functions, no sockets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/url.h"

enum { EGRESS_RULES_MAX = 64, EGRESS_TEXT_BYTES = 64 };

/* An address and port to connect to. IPv4 uses the first four bytes. */
struct egress_peer {
	bool is_ipv6;
	unsigned char addr[16];
	uint16_t port;
};

struct egress_rule {
	struct egress_peer base; /* port 0: any */
	unsigned bits;
};

/* The operator's list. All zero: nothing private is allowed. */
struct egress {
	size_t count;
	struct egress_rule rule[EGRESS_RULES_MAX];
};

/*
 * Reads "CIDR[:port], …", for example "10.1.0.0/16:443,::1/128". ERR_CONFIG with the item that is wrong
 * and the allowed form.
 */
enum err egress_parse(struct slice list, struct egress *ret_egress, struct errinfo *ei);

/* False for a family that is neither IPv4 nor IPv6, or a length that does not fit. */
bool egress_peer_from(const struct sockaddr *sa, socklen_t n, struct egress_peer *ret_peer);
/* From the text of an address, without brackets. */
bool egress_peer_parse(struct slice text, uint16_t port, struct egress_peer *ret_peer);
/* For sockets; returns its length. */
socklen_t egress_peer_sockaddr(const struct egress_peer *p, struct sockaddr_storage *ret_sa);
bool egress_peer_eq(const struct egress_peer *a, const struct egress_peer *b);
/* The address without port. */
void egress_peer_text(const struct egress_peer *p, char ret_text[EGRESS_TEXT_BYTES]);

/*
 * The text to connect with: written anew from the vetted parts, so that no other parser can read another
 * host in it. At most URL_MAX_BYTES and a few more.
 */
void egress_put_url(struct buf *out, const struct url *u);

/* What a URL must be whatever its addresses are: ERR_FORBIDDEN for a fragment. */
enum err egress_vet_url(const struct url *u, struct errinfo *ei);
/*
 * ERR_FORBIDDEN unless one may connect to this address by this scheme. The sentence names the address: it
 * is for our log, never for a tenant, who could read our network from it.
 */
enum err egress_vet_peer(const struct egress *g, bool is_https, const struct egress_peer *p, struct errinfo *ei);
/*
 * All addresses of a name. One refused address refuses them all (SS-03): a name that mixes public and
 * private addresses is a rebinding attempt or a mistake, and picking the good ones would hide it.
 */
enum err egress_vet_peers(const struct egress *g, bool is_https, const struct egress_peer *p, size_t n,
			  struct errinfo *ei);
