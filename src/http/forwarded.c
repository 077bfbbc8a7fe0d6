/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains of addresses that proxies wrote, each appending whom it heard. They are read from left to right, in the order in which
 * they grew, and the last address that is no proxy's stands. Must never believe what stands left of that address.
 */
#include "http/forwarded.h"

#include <string.h>

enum { PORT_MAX = 65535 };

/* What the chain says so far. */
struct chain {
	const struct proxies *trusted;
	enum { CHAIN_EMPTY, CHAIN_PROXIES, CHAIN_CLIENT, CHAIN_UNREADABLE } state;
	struct peer client; /* of CHAIN_PROXIES the left-most of them */
};

static bool is_port(struct slice text)
{
	uint64_t port;

	return slice_to_u64(text, PORT_MAX, &port);
}

/* An address, perhaps with a port: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80. */
static bool node_parse(struct slice text, struct peer *ret)
{
	size_t colon = slice_index(text, ':');
	struct slice rest = {0};

	if (text.n && text.p[0] == '[') {
		size_t end = slice_index(text, ']');

		if (end == text.n)
			return false;
		rest = slice_sub(text, end + 1, text.n);
		text = slice_sub(text, 1, end - 1);
		if (slice_index(text, ':') == text.n || (rest.n && rest.p[0] != ':'))
			return false;
		rest = rest.n ? slice_sub(rest, 1, rest.n) : (struct slice){0};
	} else if (colon < text.n && slice_index(slice_sub(text, colon + 1, text.n), ':') == text.n - colon - 1) {
		rest = slice_sub(text, colon + 1, text.n);
		text = slice_sub(text, 0, colon);
	}
	return (!rest.p || is_port(rest)) && peer_parse(text, ret);
}

static void add(struct chain *c, struct slice node)
{
	struct peer peer;

	if (!node_parse(node, &peer)) {
		c->state = CHAIN_UNREADABLE;
	} else if (!proxies_hold(c->trusted, &peer)) {
		c->client = peer;
		c->state = CHAIN_CLIENT;
	} else if (c->state == CHAIN_EMPTY) {
		c->client = peer;
		c->state = CHAIN_PROXIES;
	}
}

static void read_x_forwarded_for(struct chain *c, struct slice value)
{
	struct slice item;

	while (slice_split(&value, ',', &item))
		add(c, slice_trim(item));
}

static bool is_token_char(char ch)
{
	return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	       (ch && strchr("!#$%&'*+-.^_`|~", ch));
}

static struct slice take_token(struct slice *rest)
{
	size_t n = 0;
	struct slice token;

	while (n < rest->n && is_token_char(rest->p[n]))
		n++;
	token = slice_sub(*rest, 0, n);
	*rest = slice_sub(*rest, n, rest->n);
	return token;
}

/* A quoted-string (RFC 9110 §5.6.4) into `buf`; one that is longer is cut, and then no address. False: it does not end. */
static bool take_quoted(struct slice *rest, char *buf, size_t cap, struct slice *ret)
{
	size_t at = 1, n = 0;

	while (at < rest->n && rest->p[at] != '"') {
		if (rest->p[at] == '\\' && ++at == rest->n)
			return false;
		if (n < cap)
			buf[n++] = rest->p[at];
		at++;
	}
	if (at >= rest->n)
		return false;
	*rest = slice_sub(*rest, at + 1, rest->n);
	*ret = slice_make(buf, n);
	return true;
}

/* The separator that comes next is taken; '\0' at the end, and for anything else. */
static char take_separator(struct slice *rest)
{
	char ch;

	*rest = slice_trim(*rest);
	if (!rest->n || (rest->p[0] != ';' && rest->p[0] != ','))
		return '\0';
	ch = rest->p[0];
	*rest = slice_trim(slice_sub(*rest, 1, rest->n));
	return ch;
}

/* One element, `for=…;by=…`: its `for`. False: this is no element. */
static bool take_element(struct slice *rest, char *buf, size_t cap, struct slice *ret_for, bool *ret_last)
{
	struct slice node = {0};
	char separator;

	do {
		struct slice name = take_token(rest), value;
		char other[1];
		bool is_for = slice_is_nocase(name, "for");

		if (!name.n || !rest->n || rest->p[0] != '=' || (is_for && node.p))
			return false;
		*rest = slice_sub(*rest, 1, rest->n);
		if (!rest->n || rest->p[0] != '"')
			value = take_token(rest);
		else if (!take_quoted(rest, is_for ? buf : other, is_for ? cap : sizeof other, &value))
			return false;
		if (is_for)
			node = value.n ? value : SLICE_LIT("");
		separator = take_separator(rest);
	} while (separator == ';');
	*ret_for = node.p ? node : SLICE_LIT("");
	*ret_last = separator == '\0';
	return !*ret_last || rest->n == 0;
}

/* RFC 7239 §4. What is no such list at all says nothing, wherever in it the fault is: quotes could hide the rest. */
static void read_forwarded(struct chain *c, struct slice value)
{
	struct slice rest = slice_trim(value), node;
	char buf[PEER_TEXT_BYTES];
	bool last = false;

	while (!last) {
		if (!take_element(&rest, buf, sizeof buf, &node, &last)) {
			c->state = CHAIN_UNREADABLE;
			return;
		}
		add(c, node);
	}
}

static struct chain read_all(const struct proxies *trusted, const struct request *r, const char *name,
			     void (*read)(struct chain *, struct slice))
{
	struct chain c = {.trusted = trusted, .state = CHAIN_EMPTY};

	/* Lines of one name are one list (RFC 9110 §5.3). */
	for (size_t i = 0; i < r->header_count; i++)
		if (slice_is(r->header[i].name, name))
			read(&c, r->header[i].value);
	return c;
}

bool forwarded_client(const struct proxies *trusted, const struct request *r, struct peer *ret)
{
	struct chain usual = read_all(trusted, r, "x-forwarded-for", read_x_forwarded_for);
	struct chain standard = read_all(trusted, r, "forwarded", read_forwarded);
	const struct chain *c = usual.state == CHAIN_EMPTY ? &standard : &usual;

	if (c->state == CHAIN_EMPTY || c->state == CHAIN_UNREADABLE)
		return false;
	if (standard.state != CHAIN_EMPTY &&
	    (standard.state == CHAIN_UNREADABLE ||
	     memcmp(standard.client.address, c->client.address, sizeof c->client.address) != 0))
		return false;
	*ret = c->client;
	return true;
}

void forwarded_apply(const struct proxies *trusted, struct request *r)
{
	struct peer client;

	if (!forwarded_client(trusted, r, &client))
		return;
	memcpy(r->peer, client.text, sizeof r->peer);
	memcpy(r->peer_key, client.key, sizeof r->peer_key);
}
