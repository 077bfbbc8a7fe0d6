/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: an HTTP server on this machine that answers from a script and remembers what it was asked. */
#pragma once

#include <stddef.h>

struct script;

struct script_request {
	const char *line; /* "POST /api/v1/apps" */
	const char *head; /* all header lines */
	const char *body;
};

enum { SCRIPT_CLOSE = -1 }; /* as a status: the connection is closed without an answer */

struct script *script_new(void);
void script_free(struct script **s);
/*
 * Queues an answer for the next request, which must begin with `line`; else that gets status 599.
 * `header` is "" or a whole header line ("Retry-After: 7\r\n"). Texts outlive the script.
 */
void script_reply(struct script *s, const char *line, int status, const char *header, const char *body);
unsigned script_port(const struct script *s);
size_t script_count(const struct script *s);
const struct script_request *script_request(const struct script *s, size_t i);
/* Replies that nobody asked for. */
size_t script_left(const struct script *s);
/* Requests that were not in the script. */
size_t script_unexpected(const struct script *s);
