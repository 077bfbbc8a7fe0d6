/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parsed inbound request: immutable once a handler sees it, so that a job on another thread may
 * read it. All views lie in its arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "http/peer.h"

enum http_method { HTTP_M_GET, HTTP_M_HEAD, HTTP_M_POST, HTTP_M_PUT, HTTP_M_PATCH, HTTP_M_DELETE, HTTP_M_OPTIONS };

enum {
	REQUEST_HEADERS_MAX = 64,      /* DO-01; more is 431 */
	REQUEST_HEAD_MAX = 16 * 1024,  /* the header lines with their CRLF, without the request line; more is 431 */
	REQUEST_TARGET_MAX = 8 * 1024, /* 414 */
	REQUEST_BODY_MAX = 64 * 1024,  /* 413 */
	REQUEST_PARAMS_MAX = 32,       /* query or form parameters; more is 400 (OA-08) */
	REQUEST_PATH_PARAMS_MAX = 4,
	REQUEST_SEGMENTS_MAX = 16,    /* of the path; more is 404 */
	REQUEST_ARENA_MAX = 32 << 20, /* what a handler may take from the request's arena */
	REQUEST_ID_BYTES = 33,
	REQUEST_DIGEST_BYTES = 16,
};

struct request_pair {
	struct slice name, value;
};

struct request {
	struct arena *arena;
	char id[REQUEST_ID_BYTES]; /* for X-Request-Id and errors */
	enum http_method method;
	/*
	 * Percent-decoded once, "//" and a trailing "/" folded away; always begins with '/'; valid UTF-8 without control
	 * characters, "." and ".." segments. A '/' that came as %2F is data: it stays "%2F" here, and is a '/' inside
	 * segment[], by which the router goes.
	 */
	struct slice path;
	size_t segment_count;
	struct slice segment[REQUEST_SEGMENTS_MAX];
	struct slice query; /* raw, without '?' */
	size_t header_count;
	struct request_pair *header; /* at most REQUEST_HEADERS_MAX; names in lower case */
	struct slice body;
	size_t path_param_count;
	struct request_pair path_param[REQUEST_PATH_PARAMS_MAX]; /* set by the router */
	/* The client: the connection's other end, or whom a proxy that is trusted names (http/forwarded.h). */
	char peer[PEER_TEXT_BYTES];    /* its address, without port */
	char peer_key[PEER_KEY_BYTES]; /* who is counted by it */
	/* Of all bytes of the head, under a key of this process; only when it may be recognised by it (server_args.on_repeat). */
	unsigned char digest[REQUEST_DIGEST_BYTES];
	bool repeatable;
};

/* First header of that (lower-case) name; p NULL when absent. */
struct slice request_header(const struct request *r, const char *name);
/* A path parameter by name; p NULL when absent. */
struct slice request_path_param(const struct request *r, const char *name);
/* Cookie by its full name (RFC 6265 §5.4 pairs); p NULL when absent; with two of one name: absent. */
struct slice request_cookie(const struct request *r, const char *name);
/* True when the media type (parameters ignored) is `type`. */
bool request_content_is(const struct request *r, const char *type);

/* Parameters of a query or a form, decoded, in order. */
struct params {
	size_t count;
	struct request_pair pair[REQUEST_PARAMS_MAX];
};
/*
 * Takes application/x-www-form-urlencoded apart (queries too); views into `text` and `a`. ERR_INVALID, naming the
 * parameter: a name twice, an empty name, bad percent-encoding, bad UTF-8, NUL, more than REQUEST_PARAMS_MAX (OA-08).
 */
enum err params_parse(struct slice text, struct arena *a, struct params *ret_params, struct errinfo *ei);
/* p NULL when absent. */
struct slice params_get(const struct params *p, const char *name);
