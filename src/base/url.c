/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Absolute http(s) URLs, RFC 3986 narrowed to what a provider's endpoint or a return address may be.
 * Must never normalise: a text is taken as it is or refused, so that the vetted and the used are one.
 */
#include "base/url.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/encode.h"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static enum err check_characters(struct slice text, struct errinfo *ei)
{
	if (text.n == 0)
		return err_set(ei, ERR_INVALID, "the URL is empty");
	if (text.n > URL_MAX_BYTES)
		return err_set(ei, ERR_INVALID, "the URL is longer than %d bytes", URL_MAX_BYTES);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c <= 0x20 || c >= 0x7F || strchr("\\\"<>^`{|}", c))
			return err_set(ei, ERR_INVALID,
				       "the URL has a character at position %zu that must be percent-encoded", i + 1);
		if (c == '%' && !(i + 2 < text.n && strchr("0123456789abcdefABCDEF", text.p[i + 1]) &&
				  strchr("0123456789abcdefABCDEF", text.p[i + 2])))
			return err_set(ei, ERR_INVALID, "the URL has a broken percent-encoding at position %zu", i + 1);
		if (c == '%' && text.p[i + 1] == '0' && text.p[i + 2] == '0')
			return err_set(ei, ERR_INVALID, "the URL has a percent-encoded NUL at position %zu", i + 1);
	}
	return ERR_OK;
}

/* A last label that starts with a digit makes the host a number; then only a plain dotted quad will do. */
static enum err check_name(struct slice host, bool *ret_ipv4, struct errinfo *ei)
{
	struct slice rest = host, label = {0};
	char text[16];
	struct in_addr addr;

	if (host.n == 0 || host.n > 253)
		return err_set(ei, ERR_INVALID, "the URL's host is empty or too long");
	while (slice_split(&rest, '.', &label)) {
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return err_set(ei, ERR_INVALID, "the URL's host \"%.*s\" is not a host name", SLICE_ARG(host));
		for (size_t i = 0; i < label.n; i++)
			if (!is_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
				return err_set(ei, ERR_INVALID,
					       "the URL's host has a character that host names don't have");
	}
	*ret_ipv4 = false;
	if (label.p[0] < '0' || label.p[0] > '9')
		return ERR_OK;
	if (host.n >= sizeof text)
		return err_set(ei, ERR_INVALID, "the URL's host is not a plain IPv4 address");
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	if (inet_pton(AF_INET, text, &addr) != 1)
		return err_set(ei, ERR_INVALID, "the URL's host \"%s\" is not a plain IPv4 address", text);
	*ret_ipv4 = true;
	return ERR_OK;
}

static enum err check_ipv6(struct slice host, struct errinfo *ei)
{
	char text[INET6_ADDRSTRLEN], usual[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (host.n == 0 || host.n >= sizeof text)
		return err_set(ei, ERR_INVALID, "the URL's IPv6 address is broken");
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	if (inet_pton(AF_INET6, text, &addr) != 1 || !inet_ntop(AF_INET6, &addr, usual, sizeof usual))
		return err_set(ei, ERR_INVALID, "the URL's IPv6 address is broken");
	/* One spelling for one address (RFC 5952), so that hosts can be compared as texts. */
	if (!slice_is_nocase(host, usual))
		return err_set(ei, ERR_INVALID, "the URL's IPv6 address must be written as %s", usual);
	return ERR_OK;
}

static enum err parse_port(struct slice port, struct url *u, struct errinfo *ei)
{
	uint64_t value;

	if (port.n > 5 || !slice_to_u64(port, 65535, &value) || port.p[0] == '0')
		return err_set(ei, ERR_INVALID, "the URL's port \"%.*s\" is not a number from 1 to 65535",
			       (int)(port.n > 16 ? 16 : port.n), port.p);
	u->port = (uint16_t)value;
	u->has_port = true;
	return ERR_OK;
}

static enum err parse_authority(struct slice authority, struct url *u, struct errinfo *ei)
{
	struct slice port;
	size_t end;
	enum err e;

	if (slice_index(authority, '@') != authority.n)
		return err_set(ei, ERR_INVALID, "the URL has a user name before its host");
	if (authority.n && authority.p[0] == '[') {
		end = slice_index(authority, ']');
		if (end == authority.n)
			return err_set(ei, ERR_INVALID, "the URL's IPv6 address has no closing bracket");
		u->host = slice_sub(authority, 1, end - 1);
		u->is_ipv6 = true;
		e = check_ipv6(u->host, ei);
		port = slice_sub(authority, end + 1, authority.n);
	} else {
		end = slice_index(authority, ':');
		u->host = slice_sub(authority, 0, end);
		e = check_name(u->host, &u->is_ipv4, ei);
		port = slice_sub(authority, end, authority.n);
	}
	if (e)
		return e;
	u->port = u->is_https ? 443 : 80;
	if (port.n == 0)
		return ERR_OK;
	if (port.p[0] != ':')
		return err_set(ei, ERR_INVALID, "the URL's host is followed by something that is not a port");
	return parse_port(slice_sub(port, 1, port.n), u, ei);
}

/* "." or "..", each dot plain or as %2e (RFC 3986 §5.2.4, as browsers and libcurl apply it). */
static bool is_dot_segment(struct slice segment)
{
	size_t dots = 0;

	while (segment.n) {
		bool encoded = slice_eq_nocase(slice_sub(segment, 0, 3), SLICE_LIT("%2e"));

		if (!encoded && segment.p[0] != '.')
			return false;
		dots++;
		segment = slice_sub(segment, encoded ? 3 : 1, segment.n);
	}
	return dots == 1 || dots == 2;
}

static enum err check_path(struct slice path, struct errinfo *ei)
{
	struct slice rest = path, segment;

	while (slice_split(&rest, '/', &segment))
		if (is_dot_segment(segment))
			return err_set(ei, ERR_INVALID, "the URL's path has a \".\" or \"..\" segment");
	return ERR_OK;
}

enum err url_parse(struct slice text, struct url *ret_url, struct errinfo *ei)
{
	struct url u = {.whole = text};
	struct slice rest;
	size_t end = 0;
	enum err e = check_characters(text, ei);

	if (e)
		return e;
	if (text.n > 8 && slice_eq_nocase(slice_sub(text, 0, 8), SLICE_LIT("https://"))) {
		u.is_https = true;
		u.scheme = slice_sub(text, 0, 5);
	} else if (text.n > 7 && slice_eq_nocase(slice_sub(text, 0, 7), SLICE_LIT("http://"))) {
		u.scheme = slice_sub(text, 0, 4);
	} else {
		return err_set(ei, ERR_INVALID, "the URL does not begin with https:// (or http://)");
	}
	rest = slice_sub(text, u.scheme.n + 3, text.n);
	while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?' && rest.p[end] != '#')
		end++;
	e = parse_authority(slice_sub(rest, 0, end), &u, ei);
	if (e)
		return e;
	rest = slice_sub(rest, end, rest.n);
	end = slice_index(rest, '#');
	if (end < rest.n) {
		u.fragment = slice_sub(rest, end + 1, rest.n);
		rest = slice_sub(rest, 0, end);
	}
	end = slice_index(rest, '?');
	if (end < rest.n) {
		u.query = slice_sub(rest, end + 1, rest.n);
		rest = slice_sub(rest, 0, end);
	}
	u.path = rest;
	e = check_path(u.path, ei);
	if (e)
		return e;
	*ret_url = u;
	return ERR_OK;
}

void url_put_origin(struct buf *out, const struct url *u)
{
	buf_puts(out, u->is_https ? "https://" : "http://");
	if (u->is_ipv6)
		buf_putc(out, '[');
	for (size_t i = 0; i < u->host.n; i++) {
		char c = u->host.p[i];

		buf_putc(out, (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
	}
	if (u->is_ipv6)
		buf_putc(out, ']');
	if (u->port != (u->is_https ? 443 : 80))
		buf_printf(out, ":%u", u->port);
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->is_https == b->is_https && a->port == b->port && slice_eq_nocase(a->host, b->host);
}

bool url_is_loopback(const struct url *u)
{
	if (u->is_ipv4)
		return slice_starts(u->host, "127.");
	if (u->is_ipv6)
		return slice_is(u->host, "::1");
	return slice_is_nocase(u->host, "localhost");
}

void url_put_param(struct buf *out, bool *first, const char *name, struct slice value)
{
	buf_putc(out, *first ? '?' : '&');
	*first = false;
	encode_percent(out, slice_from(name));
	buf_putc(out, '=');
	encode_percent(out, value);
}
