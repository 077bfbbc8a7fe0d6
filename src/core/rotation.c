/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules for refreshing under each rotation class. A reader should be able to hold this file against LIFECYCLE §3 and §4. Must
 * never let a refresh token be repeated more often than its class bears, nor end a grant that could be kept.
 */
#include "core/rotation.h"

/* What each class bears (LIFECYCLE §3). */
static const struct {
	bool repeats;           /* the used token may be sent again and again */
	bool repeats_in_window; /* … within the window */
	bool takes_previous;    /* a token that was replaced may still be worth a try, and costs nothing (§4.8) */
} classes[ROTATION__COUNT] = {
	[ROTATION_R0] = {true,  true,  true},
	[ROTATION_R1] = {true,  true,  true},
	[ROTATION_R2] = {false, true,  true},
	[ROTATION_R3] = {false, false, true},
	[ROTATION_R4] = {false, false, false},
	[ROTATION_U]  = {false, false, false},
};

bool rotation_repeats_freely(enum rotation rotation, bool in_window)
{
	return classes[rotation].repeats || (in_window && classes[rotation].repeats_in_window);
}

/* §4.7: the spool has been looked into already, so nobody has the answer. */
static enum step after_ambiguous(const struct rotation_case *c)
{
	if (rotation_repeats_freely(c->rotation, c->in_window))
		return c->phase == PHASE_CERTAIN ? STEP_RETRY_NOW : STEP_RETRY_SOON;
	/* Also when the retry was ambiguous: one more costs nothing that the first has not, and only a definite no ends a grant. */
	return c->living ? STEP_RETRY_LATE : STEP_RETRY_SOON;
}

enum step rotation_step(const struct rotation_case *c)
{
	switch (c->outcome) {
	case OUTCOME_RENEWED:
		return STEP_COMMIT;
	case OUTCOME_GRANT_REFUSED:
		return c->has_spare ? STEP_NEXT_TOKEN : STEP_END;
	case OUTCOME_CLIENT_REFUSED:
		return STEP_PAUSE_CLIENT;
	case OUTCOME_NOT_PROCESSED: /* the open question of an earlier attempt stays open, and is not left to chance */
		return c->phase == PHASE_CERTAIN ? STEP_WAIT : STEP_RETRY_SOON;
	case OUTCOME_AMBIGUOUS:
		return after_ambiguous(c);
	case OUTCOME_REFUSED:
		return c->tries_left ? STEP_WAIT : STEP_END;
	case OUTCOME__COUNT:
		break;
	}
	return STEP_WAIT;
}

bool rotation_next_source(enum rotation rotation, enum rotation_source used, bool has_alternate, bool has_previous,
			  enum rotation_source *ret)
{
	if (used == ROTATION_CURRENT && has_alternate)
		*ret = ROTATION_ALTERNATE;
	else if (used != ROTATION_PREVIOUS && has_previous && classes[rotation].takes_previous)
		*ret = ROTATION_PREVIOUS;
	else
		return false;
	return true;
}

enum late_step rotation_late(enum lateness state, enum revoke_ends ends)
{
	switch (state) {
	case LATE_UNCHANGED:
		return LATE_ACCEPT;
	case LATE_RENEWED:
		return LATE_KEEP_ALTERNATE;
	case LATE_SUPERSEDED: /* revoking could end the new consent too */
		return ends == REVOKE_ENDS_TOKEN ? LATE_REVOKE : LATE_DROP;
	case LATE_ENDED:
		return LATE_REVOKE;
	case LATE_DETACHED:
	case LATE__COUNT:
		break;
	}
	return LATE_DROP;
}

int64_t rotation_pause_ms(int64_t failures, uint64_t random)
{
	int64_t cap = ROTATION_PAUSE_MIN_MS;

	for (int64_t i = 1; i < failures && cap < ROTATION_PAUSE_MAX_MS; i++)
		cap *= 2;
	if (cap > ROTATION_PAUSE_MAX_MS)
		cap = ROTATION_PAUSE_MAX_MS;
	return (int64_t)(random % (uint64_t)(cap + 1));
}
