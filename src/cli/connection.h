/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about one connection share. */
#pragma once

#include "cli/cli.h"

/* Puts the next step in this program's words into cli->ei, where the server names its routes; returns `e`. */
enum err connection_explain(struct cli *cli, enum err e);
