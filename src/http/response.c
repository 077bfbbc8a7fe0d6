/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer under construction. This file owns the rule that no byte of a value can end a header line
 * (WB-09): whoever tries marks the whole answer bad and the server sends 500 in its place. It must
 * never drop or repair a value silently.
 */
#include "http/response.h"

#include <string.h>

enum { HEAD_MAX = 16 * 1024 };

void response_init(struct response *r)
{
	*r = (struct response){0};
	buf_init(&r->head, HEAD_MAX);
	buf_init(&r->body, RESPONSE_BODY_MAX);
}

void response_done(struct response *r)
{
	if (!r)
		return;
	buf_done(&r->head);
	buf_done(&r->body);
	response_init(r);
}

static bool is_value(struct slice v)
{
	for (size_t i = 0; i < v.n; i++)
		if (((unsigned char)v.p[i] < 0x20 && v.p[i] != '\t') || v.p[i] == 0x7F)
			return false;
	return true;
}

static bool is_name(const char *name)
{
	static const char taken[][24] = {"content-length", "transfer-encoding",	      "connection",
					 "content-type",   "content-security-policy", "date",
					 "x-request-id"};
	struct slice n = slice_from(name);

	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		if (slice_is_nocase(n, taken[i]))
			return false;
	for (size_t i = 0; i < n.n; i++)
		if (!((n.p[i] >= 'a' && n.p[i] <= 'z') || (n.p[i] >= 'A' && n.p[i] <= 'Z') ||
		      (n.p[i] >= '0' && n.p[i] <= '9') || n.p[i] == '-' || n.p[i] == '_'))
			return false;
	return n.n > 0;
}

void response_header(struct response *r, const char *name, struct slice value)
{
	if (!is_name(name) || !is_value(value)) {
		r->bad = true;
		return;
	}
	buf_puts(&r->head, name);
	buf_puts(&r->head, ": ");
	buf_put(&r->head, value);
	buf_puts(&r->head, "\r\n");
	if (!buf_ok(&r->head))
		r->bad = true;
}

/* A path of ours, never "//host" or "/\host", or an absolute http(s) URL; printable ASCII that needs no quoting. */
static bool is_location(struct slice v)
{
	if (!slice_is_printable(v))
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (strchr(" \"<>\\^`{|}", v.p[i]))
			return false;
	if (slice_starts(v, "/"))
		return !slice_starts(v, "//");
	return (slice_starts(v, "https://") && v.n > 8) || (slice_starts(v, "http://") && v.n > 7);
}

void response_redirect(struct response *r, int status, struct slice location)
{
	if (status < 301 || status > 308 || (status > 303 && status < 307) || !is_location(location)) {
		r->bad = true;
		return;
	}
	r->status = status;
	response_header(r, "Location", location);
}

/* RFC 6265 §4.1.1: cookie-octet, without the optional quotes. */
static bool is_cookie_value(struct slice v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7F || v.p[i] == '"' || v.p[i] == ',' || v.p[i] == ';' ||
		    v.p[i] == '\\')
			return false;
	return true;
}

void response_cookie(struct response *r, const struct cookie *c)
{
	static const char prefix[] = "__Host-";

	if (!is_name(c->name) || !is_cookie_value(c->value)) {
		r->bad = true;
		return;
	}
	buf_puts(&r->head, "Set-Cookie: ");
	if (c->secure)
		buf_puts(&r->head, prefix);
	buf_puts(&r->head, c->name);
	buf_putc(&r->head, '=');
	buf_put(&r->head, c->value);
	buf_puts(&r->head, "; Path=/; HttpOnly; SameSite=Lax");
	if (c->secure)
		buf_puts(&r->head, "; Secure");
	if (c->max_age_s >= 0)
		buf_printf(&r->head, "; Max-Age=%lld", (long long)c->max_age_s);
	buf_puts(&r->head, "\r\n");
	if (!buf_ok(&r->head))
		r->bad = true;
}
