/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The courier: the only role that speaks to providers. It takes requests from the clerk, and makes the
 * answer of a request that yields tokens durable, sealed to the keeper, before it hands it on.
 *
 * Configuration: FIBERWISE_DATA_DIR, FIBERWISE_EGRESS_ALLOW, FIBERWISE_EGRESS_CA_FILE. Peers: keeper
 * (SPOOL_KEYS), clerk (FETCH, JOIN, RELEASE; gets FETCHED).
 *
 * To the clerk: RELEASE every attempt whose answer was committed or given up. A FETCH or JOIN of a known
 * attempt gets what that attempt has or awaits. A JOIN waits while an older courier still holds its spool.
 * ERR_BUSY: nothing was sent, the same attempt may be asked again later.
 */
#pragma once

/* Runs the role; returns the process's exit code. `name` outlives the call. */
int courier_main(const char *name);
