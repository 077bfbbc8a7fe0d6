/* SPDX-License-Identifier: Apache-2.0 */
/* Help, made from the table of subcommands. Each page fits a screen of 80 by 24. */
#pragma once

#include "base/buf.h"
#include "cli/command.h"

/* Of a group: its commands; "" is the whole program. */
void help_group(struct slice group, bool colour, struct buf *out);
/* Of one command: how it is written, its options, an example. */
void help_command(const struct command *c, bool colour, struct buf *out);
