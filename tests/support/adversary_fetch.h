/* SPDX-License-Identifier: Apache-2.0 */
/* Two blocking HTTP clients for tests: a proper one (libcurl), and one that shows the naked bytes. */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/slice.h"

enum { ADVERSARY_FETCH_MAX = 8 << 20 };

struct adversary_fetch {
	/* in */
	const char *url;
	const char *form;	     /* a POST with that body; NULL: a GET */
	const char *headers[8];	     /* "Name: value", up to the first NULL */
	const char *user_password;   /* "id:secret" for Basic, already form-encoded; NULL: none */
	const char *accept_encoding; /* what libcurl shall ask for and decode; NULL: nothing */
	void *reuse;		     /* a CURL * of an earlier fetch, for keep-alive; NULL: a fresh one */
	long timeout_ms;	     /* 0: 5,000 */
	/* out */
	int curl_code; /* CURLE_OK or what went wrong */
	long status;
	struct buf head, body; /* body: at most ADVERSARY_FETCH_MAX bytes, the rest is only counted */
	uint64_t body_bytes;
};

/* Never follows a redirect, never retries. adversary_fetch_done() frees what came. */
void adversary_fetch(struct adversary_fetch *fetch);
void adversary_fetch_done(struct adversary_fetch *fetch);
/* The body as JSON, a new value; NULL when it is none. */
json_t *adversary_fetch_json(const struct adversary_fetch *fetch);
/* The value of a header field of the answer; the empty slice when there is none. */
struct slice adversary_fetch_header(const struct adversary_fetch *fetch, const char *name);

enum adversary_raw_end { ADVERSARY_RAW_EOF, ADVERSARY_RAW_RESET, ADVERSARY_RAW_SILENCE, ADVERSARY_RAW_REFUSED };

/*
 * Sends the bytes to the URL's port and reads until the connection ends or nothing comes for
 * `silence_ms`. *ret_bytes is initialised here; buf_done() it.
 */
enum adversary_raw_end adversary_fetch_raw(const char *url, struct slice request, int silence_ms,
					   struct buf *ret_bytes);
