/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: the real binary (environment FIBER_BINARY) against an HTTP server of this process that
 * answers from a script and remembers what it was asked. Home and work directory are temporary.
 */
#pragma once

#include <stddef.h>

struct harness;

struct harness_request {
	char *line; /* "POST /api/v1/apps" */
	char *head; /* all header lines */
	char *body;
};

struct harness_outcome {
	int code; /* exit code; 128 + signal */
	char *out, *err;
};

/* The key of the instance "local", which is the default and points at the server. */
#define HARNESS_KEY "fw_0123456789abcdef_canaryKEYcanaryKEYcanaryKEYcanaryKEYcanaryKEY"

enum { HARNESS_CLOSE = -1 }; /* as a status: the connection is closed without an answer */

struct harness *harness_new(void);
void harness_free(struct harness **h);
/* Queues an answer for the next request, which must begin with `line`; else it gets status 599. */
void harness_reply(struct harness *h, const char *line, int status, const char *body);
/* As above, with a header line ("Retry-After: 7\r\n"). */
void harness_reply_with(struct harness *h, const char *line, int status, const char *header, const char *body);
size_t harness_count(const struct harness *h);
const struct harness_request *harness_request(const struct harness *h, size_t i);
/* Replies that nobody asked for. */
size_t harness_left(const struct harness *h);
/* Requests that were not in the script. */
size_t harness_unexpected(const struct harness *h);
unsigned harness_port(const struct harness *h);
/* A file below the home directory, or below the work directory when `path` begins with "./". */
void harness_write(struct harness *h, const char *path, const char *text);
/* Its text, NULL when there is none; freed with the harness. */
const char *harness_read(struct harness *h, const char *path);
/* The path in full; freed with the harness. */
const char *harness_path(struct harness *h, const char *path);
/* "NAME=value" for all following runs. */
void harness_setenv(struct harness *h, const char *assignment);
/* Runs `fiber <line>` in a pipe; the line is split at blanks, "~" stands for a blank. Freed with the harness. */
struct harness_outcome harness_run(struct harness *h, const char *line, const char *input);
/* The same on a terminal of `columns` columns; `out` is all that the terminal got. */
struct harness_outcome harness_run_tty(struct harness *h, unsigned columns, const char *line, const char *input);
