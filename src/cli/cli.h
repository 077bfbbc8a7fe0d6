/* SPDX-License-Identifier: Apache-2.0 */
/* What a command has at hand while it runs: its arguments, the terminal, the server, its output. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/instance.h"
#include "cli/table.h"
#include "cli/term.h"
#include "json/jsonr.h"
#include "json/jsonw.h"

struct cli {
	struct args args;
	struct term term;
	struct arena *arena;
	struct buf out;	   /* goes to standard output when the command ends; may hold a token */
	struct errinfo ei; /* for whatever fails */
	bool usage;	   /* the failure is wrong use: exit code 2 */
	bool verbose;
	const struct clock *clock;
	struct client *client; /* after cli_open() */
	struct instance instance;
	const char *app_id; /* after cli_app(); NULL: the server's default app */
	bool app_known;
};

/* A failure by wrong use; returns ERR_INVALID. */
enum err cli_usage(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Loads the instance and makes the client, once. */
enum err cli_open(struct cli *cli);
/* Finds out which app is meant, once; opens first. */
enum err cli_app(struct cli *cli);
/* A path below /api/v1: `before`, then `ref` percent-encoded, then `after`. */
char *cli_path(struct cli *cli, const char *before, const char *ref, const char *after);
/* Adds name=value to the query of a path; returns `path` as it is when `value` is NULL. */
char *cli_query(struct cli *cli, char *path, const char *name, const char *value);
/* Opens, and asks the server. `body` may be NULL. The document lives as long as the arena; NULL for an empty answer. */
enum err cli_call(struct cli *cli, const char *method, const char *path, const struct buf *body,
		  const struct jsonr **ret_doc);
/* The value of a secret option; "-" reads it from standard input. NULL when it was not given. */
enum err cli_secret(struct cli *cli, const char *option, const char *prompt, const struct secret **ret_secret);
/* A member's text, clean; "" when it is none. */
const char *cli_text(struct cli *cli, const struct jsonr *obj, const char *name);
/* The strings of an array, clean, with commas between them. */
const char *cli_joined(struct cli *cli, const struct jsonr *array);
/* The document on one line, as the command's output. */
void cli_put_json(struct cli *cli, const struct jsonr *doc);
void cli_put_fact(struct cli *cli, const char *name, const char *text, enum tone tone);
/* A line on standard error that is no failure; nothing with --json. */
void cli_note(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes out what has been collected so far. False when standard output takes no more. */
bool cli_flush(struct cli *cli);
