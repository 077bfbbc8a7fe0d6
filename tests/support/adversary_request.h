/* SPDX-License-Identifier: Apache-2.0 */
/* One request as it came in, and its form or query parameters. All views are borrowed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

enum { ADVERSARY_REQUEST_HEADERS_MAX = 100, ADVERSARY_PARAMS_MAX = 48 };

/* The places a script can name; ANY only in rules, CONNECT is the moment of accept. */
enum adversary_endpoint {
	ADVERSARY_ANY,
	ADVERSARY_CONNECT,
	ADVERSARY_AUTHORIZE,
	ADVERSARY_TOKEN,
	ADVERSARY_REVOKE,
	ADVERSARY_USERINFO,
	ADVERSARY_DISCOVERY,
	ADVERSARY_JWKS,
	ADVERSARY_CONTROL,
	ADVERSARY_OTHER,
	ADVERSARY_ENDPOINTS,
};

struct adversary_request {
	struct slice method, target, path, query, body;
	struct {
		struct slice name, value;
	} headers[ADVERSARY_REQUEST_HEADERS_MAX];
	size_t header_count;
	uint64_t connection;	/* counted from 1 */
	uint64_t on_connection; /* how many requests came before it there */
	int64_t arrived_at;	/* epoch ms, the adversary's clock */
};

struct adversary_params {
	struct {
		struct slice name, value;
	} items[ADVERSARY_PARAMS_MAX];
	size_t count;
	bool duplicate; /* some name came twice (RFC 6749 §3.1, §3.2) */
};

/* By path; what isn't known is OTHER. */
enum adversary_endpoint adversary_request_endpoint(struct slice path);
/* "token" and so on. */
const char *adversary_request_endpoint_name(enum adversary_endpoint endpoint);
/* False when there is no endpoint of that name. */
bool adversary_request_endpoint_find(const char *name, enum adversary_endpoint *ret_endpoint);

/* The first header field of that name (case ignored); the empty slice when there is none. */
struct slice adversary_request_header(const struct adversary_request *r, const char *name);

/* Reads a query or form into the arena; false on bad percent-encoding, NUL or too many. */
bool adversary_params_parse(struct slice text, struct arena *arena, struct adversary_params *ret_params);
/* The first of that name; the empty slice (p NULL) when there is none. */
struct slice adversary_params_get(const struct adversary_params *params, const char *name);
