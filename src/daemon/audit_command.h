/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `fiberd audit verify` and `fiberd audit where`: run by the operator, beside a running service or without one. They read the
 * master key's file themselves, because the audit key must be opened; nothing is written.
 */
#pragma once

#include "base/err.h"
#include "daemon/config.h"

/* Prints one line for each chain to standard output. `*ret_ok` is false when one has a defect. */
enum err audit_command_verify(const struct config *config, bool *ret_ok, struct errinfo *ei);
/* Reads one access token, a line, from standard input and prints every record of its being handed out. */
enum err audit_command_where(const struct config *config, struct errinfo *ei);
