/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper role: the only process that holds the master key while the service runs. It has no
 * network and no store; clerk and workers ask it for data keys, the clerk for spooled answers, and
 * each courier is given what it seals its spool with.
 */
#pragma once

/* Runs the role; returns the process's exit code. `name` is the one in the process's command line. */
int keeper_main(const char *name);
