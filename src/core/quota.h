/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much one caller may ask for: per API key, per app, per user, per client address. The buckets are shared by all
 * workers, so these are limits of the service; docs/decisions/015-limits.md says why they are as they are.
 */
#pragma once

#include "base/buckets.h"
#include "base/clock.h"
#include "base/err.h"

/* kind, configuration key, seconds' worth that may come at once, and the sentence around the number */
#define QUOTA(X) \
	X(READS, "FIBERWISE_RATE_READS", 1, "this API key reads more than the", "tokens a second that it may") \
	X(KEY, "FIBERWISE_RATE_KEY", 2, "this API key makes more than the", "requests a second that it may") \
	X(APP, "FIBERWISE_RATE_APP", 2, "the keys of this app together make more than the", \
	  "requests a second that they may") \
	X(USER, "FIBERWISE_RATE_USER", 5, "more than the", \
	  "requests a second that are allowed are made for this user") \
	X(ADDRESS, "FIBERWISE_RATE_ADDRESS", 10, "more than the", \
	  "requests a second that are allowed without a valid API key come from your address") \
	X(STARTS, "FIBERWISE_CONNECTS_PER_ADDRESS", 0, "more than the", \
	  "connects that may be under way at once are begun from your address")

enum quota_kind {
#define X(kind, key, burst_s, before, after) QUOTA_##kind,
	QUOTA(X)
#undef X
		QUOTA__COUNT
};

/* One per worker; its loop and its store thread may use it at the same time. */
struct quota {
	struct buckets *buckets;
	const struct clock *clock;
	struct bucket_rate rate[QUOTA__COUNT];
	uint64_t number[QUOTA__COUNT]; /* as configured */
};

/* Without any limit at first. */
void quota_init(struct quota *l, struct buckets *buckets, const struct clock *clock);
/* So many a second; 0: no limit. */
void quota_set(struct quota *l, enum quota_kind kind, uint64_t per_s);
/* So many within `span_ms`, whenever it begins; 0: no limit. Half of them may come at once. */
void quota_set_within(struct quota *l, enum quota_kind kind, uint64_t count, int64_t span_ms);

/*
 * Takes one for `whose` within `within` (either may be empty). ERR_LIMIT with the seconds to wait, and nothing is taken. `l` NULL: no limit.
 */
enum err quota_take(struct quota *l, enum quota_kind kind, struct slice whose, struct slice within, struct errinfo *ei);
/* ERR_LIMIT, with the same words, when nothing could be taken at this moment. Takes nothing. */
enum err quota_check(struct quota *l, enum quota_kind kind, struct slice whose, struct errinfo *ei);
/* The same in two steps, for who takes from one bucket often; `ei` need not be set before. `now_ms` is of the clock's mono_ms. */
uint64_t quota_id(const struct quota *l, enum quota_kind kind, struct slice whose, struct slice within);
enum err quota_take_id(struct quota *l, enum quota_kind kind, uint64_t id, int64_t now_ms, struct errinfo *ei);
