/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request out of bytes. The raw gates (head, chunk) decide where the message ends; llhttp parses
 * the same bytes and must come to the same end, else the message is refused.
 */
#pragma once

#include <llhttp.h>

#include "base/buf.h"
#include "http/chunk.h"
#include "http/head.h"
#include "http/refusal.h"
#include "http/request.h"

struct message {
	llhttp_t parser;
	struct request *request; /* being filled */
	struct buf *body;
	struct head head;
	struct chunk chunk;
	size_t left;   /* of a body with Content-Length */
	bool in_value; /* the last span was a value */
	bool headers_done, complete;
	bool keep_alive;  /* what the client asked for; known when complete */
	enum refusal why; /* set by a parser callback that refuses */
};

/*
 * Begins with a complete head (head_scan()). Fills `request`, whose arena is set; `body` is initialised and belongs
 * to whoever owns the request. The body is still to come unless m->complete.
 */
enum refusal message_begin(struct message *m, struct slice head, struct request *request, struct buf *body);
/* More bytes; `*ret_used` of them belong to this message. At the end m->complete is true and request->body is set. */
enum refusal message_feed(struct message *m, struct slice bytes, size_t *ret_used);
