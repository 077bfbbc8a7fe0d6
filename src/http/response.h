/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer under construction. Headers can be added only through functions that refuse CR, LF and
 * NUL (WB-09); the body is a capped, wiped buffer. The security headers of WB-04 are put on every
 * answer by the server, so no handler can forget them.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "http/request.h"

enum { RESPONSE_BODY_MAX = 4 << 20, RESPONSE_HEADERS_MAX = 16 };

struct response {
	int status; /* 0: not set, an internal error */
	const char *content_type;
	const char *allow;    /* for 405 */
	bool form_leads_away; /* the page's form may end at a provider: form-action 'self' https: (API.md) */
	bool cacheable;	      /* static files; everything else is no-store */
	struct buf head;      /* extra header lines, checked */
	struct buf body;
	bool bad; /* a header was refused: the server answers 500 instead */
};

void response_init(struct response *r);
void response_done(struct response *r);
/* Adds "name: value". A value with a control character marks the response bad. */
void response_header(struct response *r, const char *name, struct slice value);
/* 303 (or another 30x) to a URL whose characters were vetted by url_parse() or that is a path of ours. */
void response_redirect(struct response *r, int status, struct slice location);

struct cookie {
	const char *name; /* the __Host- prefix is put before it when `secure` */
	struct slice value;
	bool secure;
	int64_t max_age_s; /* 0: delete; -1: until the browser ends */
};
/* HttpOnly, Path=/, SameSite=Lax (WB-01). */
void response_cookie(struct response *r, const struct cookie *c);
