/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: the real binary (environment FIBER_BINARY) against a scripted server. Home and work directory are
 * temporary. Every secret that a test puts in holds the word "canary", which no output may show.
 */
#pragma once

#include <stddef.h>

#include "cli/script.h"

struct harness;

struct harness_outcome {
	int code; /* exit code; 128 + signal */
	char *out, *err;
};

/* The key of the instance "local", which is the default and points at the server. */
#define HARNESS_KEY "fw_0123456789abcdef_canaryKEYcanaryKEYcanaryKEYcanaryKEYcanaryKEY"

struct harness *harness_new(void);
void harness_free(struct harness **h);
/* script_reply() without and with a header line. */
void harness_reply(struct harness *h, const char *line, int status, const char *body);
void harness_reply_with(struct harness *h, const char *line, int status, const char *header, const char *body);
const struct script *harness_script(const struct harness *h);
/* The body of the i-th request. */
const char *harness_body(const struct harness *h, size_t i);
/* A file below the home directory, or below the work directory when `path` begins with "./". */
void harness_write(struct harness *h, const char *path, const char *text);
/* Its text, NULL when there is none; freed with the harness. */
const char *harness_read(struct harness *h, const char *path);
/* The path in full; freed with the harness. */
const char *harness_path(struct harness *h, const char *path);
/* "NAME=value" for all following runs; replaces an earlier one. */
void harness_setenv(struct harness *h, const char *assignment);
/* Runs `fiber <line>` in a pipe; the line is split at blanks, "~" stands for a blank. Freed with the harness. */
struct harness_outcome harness_run(struct harness *h, const char *line, const char *input);
/* The same on a terminal of `columns` columns; `out` is all that the terminal got. */
struct harness_outcome harness_run_tty(struct harness *h, unsigned columns, const char *line, const char *input);

/* For cmocka; tearing down fails when the script wasn't played to its end, or something else was asked. */
int harness_set_up(void **state);
int harness_tear_down(void **state);
#define HARNESS_TEST(test) cmocka_unit_test_setup_teardown(test, harness_set_up, harness_tear_down)

/* harness_run() that must end with `code` and show neither a secret nor an escape sequence. */
struct harness_outcome harness_expect(struct harness *h, int line, const char *command, const char *input, int code);
void harness_has(int line, const char *text, const char *part);
void harness_lacks(int line, const char *text, const char *part);
#define RUN(h, command, input, code) harness_expect(h, __LINE__, command, input, code)
#define HAS(text, part)		     harness_has(__LINE__, text, part)
#define LACKS(text, part)	     harness_lacks(__LINE__, text, part)
