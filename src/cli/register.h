/* SPDX-License-Identifier: Apache-2.0 */
/* Registering one configuration, for the commands that do. */
#pragma once

#include "cli/draft.h"

/* Registers it, or says that the same is there already; ERR_CONFLICT for another one of that name. Fills cli->out. */
enum err register_draft(struct cli *cli, struct draft *draft);
/* How the type's template is called; without one, the type with a capital. In the arena. */
const char *register_usual_name(struct cli *cli, const char *type);
