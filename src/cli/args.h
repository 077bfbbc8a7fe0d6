/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, taken apart by the table of subcommands. */
#pragma once

#include <stdbool.h>

#include "cli/command.h"
#include "secret/secret.h"

enum { ARGS_MAX = 24 };

struct args {
	const struct command *command; /* NULL: only a group was named, or nothing */
	struct slice group;	       /* as far as the words led, when there is no command */
	const char *positional;
	bool help, version, json, verbose;
	struct {
		const struct option *option;
		const char *text;      /* NULL for a secret */
		struct secret *secret; /* owned */
	} given[ARGS_MAX];
	size_t count;
};

/*
 * ERR_INVALID with a sentence, and where something is near a suggestion, for what the table doesn't
 * have. Values of secret options are moved into a struct secret and blanked in `argv`, so that `ps`
 * no longer shows them. args_done() also after an error.
 */
enum err args_parse(int argc, char **argv, struct args *ret_args, struct errinfo *ei);
void args_done(struct args *a);
bool args_has(const struct args *a, const char *name);
/* The value, NULL when not given. */
const char *args_get(const struct args *a, const char *name);
/* Borrowed; NULL when not given. */
const struct secret *args_secret(const struct args *a, const char *name);
