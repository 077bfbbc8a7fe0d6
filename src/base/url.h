/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one parser of absolute URLs: what it takes is what is vetted, stored and connected to (SS-05).
 * It takes only http and https with a host of letters, digits, '.', '-', '_' or an IP literal in its
 * shortest usual form; no user info, no backslash, no control or blank, no unescaped non-ASCII, no %00.
 * Numeric hosts that are not a dotted quad of plain decimals ("127.1", "0x7f.1", "2130706433") are
 * refused, and so is a path with "." or ".." segments, also percent-encoded: clients resolve these, so
 * such a text is not what is asked for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum { URL_MAX_BYTES = 2048 };

struct url {
	struct slice whole;
	struct slice scheme; /* "http" or "https", as lower case by value of `is_https` */
	bool is_https;
	struct slice host; /* without brackets */
	bool is_ipv6;      /* host is an IPv6 literal */
	bool is_ipv4;      /* host is a dotted quad */
	uint16_t port;     /* explicit, or the scheme's */
	bool has_port;
	struct slice path;     /* at least "/" unless empty in the text */
	struct slice query;    /* without '?'; p NULL when there is none */
	struct slice fragment; /* without '#'; p NULL when there is none */
};

/* Views into `text`. ERR_INVALID with a sentence that names the part which is wrong (never the query). */
enum err url_parse(struct slice text, struct url *ret_url, struct errinfo *ei);
/* scheme://host[:port] in lower case, default ports left out. */
void url_put_origin(struct buf *out, const struct url *u);
bool url_same_origin(const struct url *a, const struct url *b);
/* True for 127.0.0.0/8, ::1 and "localhost". */
bool url_is_loopback(const struct url *u);
/* Appends "?" or "&", then name=value percent-encoded. `*first` tells whether a query has begun. */
void url_put_param(struct buf *out, bool *first, const char *name, struct slice value);
