/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about one connection share. */
#pragma once

#include "cli/cli.h"

/* Puts the next step in this program's words into cli->ei, where the server names its routes; returns `e`. */
enum err connection_explain(struct cli *cli, enum err e);
/* "fiber app oauth <command> REF --user ID", with the REF and user of this run, as it can be typed. */
const char *connection_words(struct cli *cli, const char *command);
