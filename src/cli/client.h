/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client: one request at a time to one instance, JSON both ways. TLS is verified, redirects
 * are not followed, answers are capped.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "secret/secret.h"
#include "json/jsonr.h"

struct client;

struct client_args {
	const char *root;	  /* from instance_check_url() */
	const char *instance;	  /* its name, for sentences */
	const struct secret *key; /* outlives the client */
	bool verbose;		  /* requests and answers to standard error, masked */
};

struct client_call {
	const char *method;
	const char *path;	/* below /api/v1, encoded, with its query */
	const struct buf *body; /* JSON, NULL for none */
};

enum err client_new(const struct client_args *args, struct client **ret_client, struct errinfo *ei);
void client_free(struct client **c);
/*
 * ret_doc (owned by the caller, NULL for an empty answer) only for a 2xx status; else the kind and the
 * server's sentence. ERR_UPSTREAM_DOWN when the server can't be reached, ERR_TIMEOUT, ERR_TOO_LARGE.
 */
enum err client_call(struct client *c, const struct client_call *call, struct jsonr **ret_doc, struct errinfo *ei);
/* HTTP status of the last answer, 0 when there was none. */
long client_status(const struct client *c);
/* How far the server's clock was ahead of `now` (epoch milliseconds) when it last answered; false when it did not say. */
bool client_clock_skew(const struct client *c, int64_t now, int64_t *ret_seconds);
/* What the last refused answer held, NULL when it was no JSON; valid until the next call. */
const struct jsonr *client_refusal(const struct client *c);
