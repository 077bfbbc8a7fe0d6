/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of subcommands. What `fiber` can do stands in commands.c; parsing, help and suggestions
 * are made from it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

struct cli;

struct option {
	const char *name;  /* without "--" */
	const char *value; /* how the value is called in the help; NULL for a flag */
	const char *help;
	bool secret; /* "-" reads it from standard input; never kept as text */
};

/* Options that several commands share. */
enum { USES_INSTANCE = 1, USES_APP = 2 };

struct command {
	const char *group; /* "", "account", "app", "app oauth" */
	const char *name;
	const char *alias;	      /* NULL for none */
	const char *positional;	      /* the one word that must follow, as "REF"; NULL for none */
	const struct option *options; /* up to a NULL name; NULL for none */
	unsigned uses;
	const char *summary; /* one line */
	const char *example;
	enum err (*run)(struct cli *cli);
};

extern const struct command commands[];
extern const size_t commands_count;

struct command_group {
	const char *path;
	const char *summary;
};

extern const struct command_group command_groups[];
extern const size_t command_groups_count;

/* By name or alias; NULL when the group has none of that name. */
const struct command *command_find(struct slice group, struct slice name);
/* A group as written in the table, or NULL. */
const char *command_group(struct slice path);
/* True when `child` lies directly in `group`; ret_word is then its last word. */
bool command_group_within(const char *child, struct slice group, struct slice *ret_word);
/* The option of that name, which the command itself, the shared ones or the general ones have; else NULL. */
const struct option *command_option(const struct command *c, struct slice name);
/* Calls `fn` for every option of the command: its own, then shared, then general ones. `c` NULL: only general. */
void command_each_option(const struct command *c, void (*fn)(const struct option *o, void *arg), void *arg);
