/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: starts the roles, introduces them to each other, starts a dead one again, stops all
 * in order. It holds nothing secret and opens no database.
 */
#pragma once

#include "daemon/config.h"

enum { SUPERVISOR_PULSE_MS = 5000 };

/*
 * Runs the service until SIGTERM or SIGINT; returns the process's exit code: 0 after an orderly stop, 1 when it could
 * not start (one line on standard error says why, and nothing is left behind). Prints `ready <url>` on standard
 * output once every role is ready. The program must be able to play every role: it is started again as
 * "fiberd: <name>". Each `pulse_ms` it asks every role for a sign of life; one that gives none for a few times is killed
 * and started again.
 */
int supervisor_run(const struct config *config, unsigned pulse_ms);
