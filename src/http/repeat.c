/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that asks the same question again sends the same bytes again, and what gate and parser made of them holds still. So
 * they are recognised by 128 bits of SipHash under a key that nobody knows: whoever could make two heads alike could as well
 * guess an API key. Must never offer bytes whose answer depends on anything but them: a body, or a connection that ends.
 */
#include "http/repeat.h"

#include <sodium.h>

enum { HEAD_MAX_BYTES = 2048 }; /* more is not worth the hash */
_Static_assert((int)REQUEST_DIGEST_BYTES == crypto_shorthash_siphashx24_BYTES, "the digest is a SipHash");

static bool is_worth_it(const struct server *s, struct slice head)
{
	return s->args.on_repeat && head.n <= HEAD_MAX_BYTES && slice_starts(head, "GET ");
}

bool repeat_take(struct connection *c, struct slice head)
{
	struct server *s = c->server;
	struct request *r = &c->exchange->request;

	if (!is_worth_it(s, head))
		return false;
	crypto_shorthash_siphashx24(r->digest, (const unsigned char *)head.p, head.n, s->digest_key);
	c->keep = true;
	c->head_only = false;
	connection_wait(c, CONNECTION_BUSY, -1); /* it may be answered at once */
	if (s->args.on_repeat(c->exchange, r, s->args.arg)) {
		c->budget--;
		return true;
	}
	connection_wait(c, CONNECTION_HEAD, s->limits.head_ms);
	return false;
}

bool repeat_is_possible(const struct connection *c, struct slice head)
{
	return is_worth_it(c->server, head) && c->message.complete && c->message.keep_alive;
}
