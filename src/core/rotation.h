/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do after an attempt to refresh a grant: LIFECYCLE §4.6 to §4.9 and §5.3 as a table. Values in, a value out; no
 * store, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/profile.h"

/* How an attempt ended, by what that proves. */
enum outcome {
	OUTCOME_RENEWED,        /* new tokens */
	OUTCOME_GRANT_REFUSED,  /* invalid_grant: the refresh token that was sent is over */
	OUTCOME_CLIENT_REFUSED, /* invalid_client: the authenticator is to blame, no grant */
	OUTCOME_NOT_PROCESSED,  /* surely not carried out: never sent, 429, 503 with Retry-After, … */
	OUTCOME_AMBIGUOUS,      /* perhaps carried out: no answer, 500, 502, 504, an unreadable 200 */
	OUTCOME_REFUSED,        /* any other no; without a word of the protocol it proves nothing */
	OUTCOME__COUNT
};

/* What was open when the attempt was made. */
enum phase {
	PHASE_CERTAIN,   /* nothing: the stored token is the provider's newest as far as anybody knows */
	PHASE_UNCERTAIN, /* an earlier attempt was ambiguous */
	PHASE__COUNT
};

enum step {
	STEP_COMMIT,       /* store the new tokens */
	STEP_NEXT_TOKEN,   /* the same at once with the alternate or the previous refresh token */
	STEP_RETRY_NOW,    /* the same at once with the same one */
	STEP_RETRY_SOON,   /* after a pause, whether anybody asks or not */
	STEP_RETRY_LATE,   /* when the access token is nearly over, whether anybody asks or not */
	STEP_WAIT,         /* after a pause, when somebody asks */
	STEP_PAUSE_CLIENT, /* as STEP_WAIT, for all grants of the authenticator */
	STEP_END,          /* only the user can help */
	STEP__COUNT
};

struct rotation_case {
	enum rotation rotation;
	bool in_window;  /* R2: the old refresh token is still taken */
	enum outcome outcome;
	enum phase phase;
	bool living;     /* the access token has useful life left and is in use */
	bool has_spare;  /* rotation_next_source() has another token to try */
	bool tries_left; /* fewer refusals in a row that prove nothing than ROTATION_REFUSALS_MAX, or than …_SILENT_… */
};

enum {
	ROTATION_REFUSALS_MAX = 10,
	ROTATION_SILENT_REFUSALS_MAX = 200, /* without an OAuth error, perhaps a page of what stands before the provider: a day of them */
	ROTATION_PAUSE_MIN_MS = 1000,
	ROTATION_PAUSE_MAX_MS = 15 * 60 * 1000,
	ROTATION_RETRY_AFTER_MAX_S = 3600, /* a provider may keep us waiting for so long (LIFECYCLE §5.5) */
};

enum step rotation_step(const struct rotation_case *c);
/*
 * Whether an ambiguous attempt may be repeated with the old token at once. Otherwise with care: on R4 the repetition ends the
 * family, but only one whose new token is lost to us already (LIFECYCLE §4.7).
 */
bool rotation_repeats_freely(enum rotation rotation, bool in_window);

/* Which of a grant's refresh tokens an attempt consumes. The numbers are stored. */
enum rotation_source { ROTATION_CURRENT = 0, ROTATION_ALTERNATE = 1, ROTATION_PREVIOUS = 2 };
/*
 * After invalid_grant on `used`: the alternate once (§4.9), then the previous one (§4.8) where the class may still take it. False
 * when there is none.
 */
bool rotation_next_source(enum rotation rotation, enum rotation_source used, bool has_alternate, bool has_previous,
			  enum rotation_source *ret);

/* Where a late answer finds the grant (LIFECYCLE §5.3). */
enum lateness {
	LATE_UNCHANGED,    /* nobody else has renewed it; perhaps marked rotation_response_lost meanwhile */
	LATE_RENEWED,      /* another attempt has: the provider gave two successors */
	LATE_SUPERSEDED,   /* a new consent took its place */
	LATE_ENDED,        /* disconnected */
	LATE_DETACHED,     /* its authenticator has other endpoints now */
	LATE__COUNT
};
enum late_step {
	LATE_ACCEPT,         /* and heal */
	LATE_KEEP_ALTERNATE,
	LATE_REVOKE,         /* tell the provider of the tokens */
	LATE_DROP,
};
enum late_step rotation_late(enum lateness state, enum revoke_ends ends);

/*
 * The pause after the n-th failure in a row (n from 1): anything up to 1 s, 2 s, 4 s … 15 min, as `random` (any 64 bits) falls, so
 * that grants which failed together do not come back together.
 */
int64_t rotation_pause_ms(int64_t failures, uint64_t random);
