/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an answer into the socket: internal to the room. */
#pragma once

#include "http/connection.h"

/*
 * Writes the answer to the exchange's connection. True when it has left entirely; else the connection is closed, or
 * waits for the client to take the rest, and connection_answered() follows. Takes over r->body when it must wait.
 */
bool answer_write(struct connection *c, const struct exchange *x, struct response *r);
/* Refuses what could not become a request; the connection ends after it. */
void answer_refuse(struct connection *c, enum refusal why);
/* "100 Continue" for a client that waits before it sends its body (RFC 9110 §10.1.1). */
void answer_continue(struct connection *c);
