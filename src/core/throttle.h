/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often somebody may try a password (WB-07). Failures cost time that grows and is forgotten again; nobody is locked out:
 * what a stranger does elsewhere never holds up a browser that has signed in before, and others hardly.
 *
 * Attempts are counted by the name as it was typed, whether or not there is such an account, before anything is looked up. So
 * nothing here tells which names exist.
 */
#pragma once

#include "core/quota.h"

struct throttle_who {
	struct slice name;   /* as typed */
	struct slice client; /* who is counted by address: struct peer's key */
	struct slice device; /* of a browser that has signed in under that name before, proven; n 0: none */
};

/* Counts an attempt. ERR_LIMIT with the seconds to wait: nothing was counted, the password is not to be looked at. `q` NULL: no limit. */
enum err throttle_begin(struct quota *q, const struct throttle_who *who, struct errinfo *ei);
/* The attempt was right, or was not looked at after all. */
void throttle_succeeded(struct quota *q, const struct throttle_who *who);
void throttle_undo(struct quota *q, const struct throttle_who *who);
