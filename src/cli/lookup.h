/* SPDX-License-Identifier: Apache-2.0 */
/* Authenticators of the app as the server lists them: fetching, finding one, showing it. */
#pragma once

#include "cli/cli.h"

/* All of the app, disabled ones too. */
enum err lookup_list(struct cli *cli, const struct jsonr **ret_list);
/* The one of that name without regard to case; NULL in `ret_one` when there is none. */
enum err lookup_by_name(struct cli *cli, const char *name, const struct jsonr **ret_one);
/*
 * The one that `ref` means: by id, else by name without regard to case, else by type. ERR_NOT_FOUND
 * with the names there are; ERR_CONFLICT ("ambiguous") with the ids to choose from.
 */
enum err lookup_resolve(struct cli *cli, const char *ref, const struct jsonr **ret_one);
/* id, type, scopes, redirect URI and so on, as lines of the output. */
void lookup_put_facts(struct cli *cli, const struct jsonr *one);
/* Says which fields the server ignored, and its warnings. */
void lookup_note_ignored(struct cli *cli, const struct jsonr *answer);
/* A name as it must be typed in a shell. */
const char *lookup_shell_word(struct cli *cli, const char *name);
