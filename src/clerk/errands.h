/* SPDX-License-Identifier: Apache-2.0 */
/* The clerk's kinds of operations as steps: code exchange, refresh, revocation, an issuer's metadata; and recovery of what a crash left open. */
#pragma once

#include "clerk/desk.h"

/* Starts or joins the exchange of a flow's code (n 0 for recovery: only an intent that stands is joined). */
struct operation *errands_exchange(struct desk *d, struct slice flow_id, struct slice code);
/* Starts or joins a grant's refresh. */
struct operation *errands_refresh(struct desk *d, struct slice grant_id, const struct refresh_want *want);
/* Tells the provider of an ended grant; nobody waits. */
void errands_revoke(struct desk *d, struct slice grant_id);
/* Starts or joins the look for an issuer's metadata. ERR_INVALID: what was found is none; ERR_UPSTREAM_DOWN: nothing was found. */
struct operation *errands_discover(struct desk *d, struct slice issuer);
/*
 * The courier holds the outcome of these attempts (IPC_HOLDS), and nobody waits for it: those with an open intent are
 * joined, the others released.
 */
void errands_held(struct desk *d, struct slice attempts);
/*
 * A job that looks for intents without an outcome and ended grants that the provider was not told of, and opens
 * operations for those that are not under way. Does nothing while one runs.
 */
void errands_recover(struct desk *d);
