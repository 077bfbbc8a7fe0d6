/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded bugs. A test that kills processes counts only if it could fail; these are the bugs that it must catch. They exist in
 * a build with -Dfaults=true alone (build-faults, see tests/torture), where the environment of fiberd chooses them:
 * FIBERD_FAULTS=courier_forget,event_forgotten. Everywhere else FAULT(x) is `false`, and tools/check-faults makes sure that
 * nothing of them is in the program.
 */
#pragma once

#include <stdbool.h>

/* name, what breaks, and what a test must see of it (the invariants are those of tests/torture/invariants.mjs) */
#define FAULTS(X)                                                                                            \
	X(courier_forget)   /* the courier drops the requests of a dead peer, writes no spool: grants are lost (I3) */ \
	X(intent_ignored)   /* an attempt that stands is not joined but begun again: two requests at once (I1) */      \
	X(log_dropped)      /* a start takes the database's log for litter: served tokens are gone (I2, I3) */         \
	X(serve_unrecorded) /* a token leaves without its audit record (I2) */                                         \
	X(event_forgotten)  /* a refresh is committed without its event (I4) */                                        \
	X(loss_unnamed)     /* an attempt whose answer is lost is given up without a word: silent losses (I3) */       \
	X(revoke_unwritten) /* a disconnect is answered, the grant stays (I5) */                                       \
	X(call_forbidden)   /* on SIGUSR2 a role makes a call that is on no role's list: its sandbox ends it (sandbox_test.mjs) */

#ifdef FW_FAULTS
enum fault {
#define X(name) FAULT_##name,
	FAULTS(X)
#undef X
		FAULT__COUNT
};

bool fault_chosen(enum fault fault);
/* The choice as a line for the environment of a child, which has no other; NULL when nothing was chosen. Static. */
char *fault_environment(void);

#define FAULT(name) fault_chosen(FAULT_##name)
#define FAULT_ENVIRONMENT fault_environment()
#else
#define FAULT(name) false
#define FAULT_ENVIRONMENT NULL
#endif
