/* SPDX-License-Identifier: Apache-2.0 */
/* The rates, and what is said to who goes beyond one. Must never say whose requests they were: an address is shared by strangers. */
#include "core/quota.h"

#include <limits.h>

#include "base/metrics.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

static const struct {
	const char *config;
	uint64_t burst_s;
	const char *before, *after; /* around the number, for who goes beyond it */
} kinds[QUOTA__COUNT] = {
#define X(kind, key, burst_s, before, after) [QUOTA_##kind] = {key, burst_s, before, after},
	QUOTA(X)
#undef X
};

_Static_assert(METRIC_THROTTLED_CONNECTS - METRIC_THROTTLED_READS == QUOTA_STARTS,
	       "the metrics stand in the order of the kinds");

void quota_init(struct quota *l, struct buckets *buckets, const struct clock *clock)
{
	*l = (struct quota){.buckets = buckets, .clock = clock};
}

void quota_set(struct quota *l, enum quota_kind kind, uint64_t per_s)
{
	l->number[kind] = per_s;
	l->rate[kind] = bucket_rate_of(per_s, per_s * kinds[kind].burst_s);
}

void quota_set_within(struct quota *l, enum quota_kind kind, uint64_t count, int64_t span_ms)
{
	int64_t half = (int64_t)(count + 1) / 2;

	l->number[kind] = count;
	l->rate[kind] = (struct bucket_rate){0};
	if (count)
		l->rate[kind] = (struct bucket_rate){.interval_ns = span_ms * NS_PER_MS / half, .ahead_ns = span_ms * NS_PER_MS};
}

uint64_t quota_id(const struct quota *l, enum quota_kind kind, struct slice whose, struct slice within)
{
	return buckets_id(l->buckets, (unsigned char)kind, whose, within);
}

static enum err refuse(struct quota *l, enum quota_kind kind, int64_t wait_ns, struct errinfo *ei)
{
	int64_t wait_s = (wait_ns + NS_PER_S - 1) / NS_PER_S;

	err_clear(ei);
	metrics_add(METRIC_THROTTLED_READS + (enum metric)kind);
	if (ei)
		ei->retry_after_s = wait_s < UINT_MAX ? (unsigned)wait_s : UINT_MAX;
	err_hint(ei, ERR_LIMIT, "Wait %lld second%s and go on more slowly; the operator sets this limit with %s.",
		 (long long)wait_s, wait_s == 1 ? "" : "s", kinds[kind].config);
	return err_set(ei, ERR_LIMIT, "%s %llu %s", kinds[kind].before, (unsigned long long)l->number[kind],
		       kinds[kind].after);
}

enum err quota_take_id(struct quota *l, enum quota_kind kind, uint64_t id, int64_t now_ms, struct errinfo *ei)
{
	int64_t wait_ns = buckets_take(l->buckets, id, &l->rate[kind], now_ms * NS_PER_MS);

	return wait_ns ? refuse(l, kind, wait_ns, ei) : ERR_OK;
}

enum err quota_take(struct quota *l, enum quota_kind kind, struct slice whose, struct slice within, struct errinfo *ei)
{
	if (!l || !l->rate[kind].interval_ns)
		return ERR_OK;
	return quota_take_id(l, kind, quota_id(l, kind, whose, within), clock_mono_ms(l->clock), ei);
}

enum err quota_check(struct quota *l, enum quota_kind kind, struct slice whose, struct errinfo *ei)
{
	int64_t wait_ns = 0;

	if (l && l->rate[kind].interval_ns)
		wait_ns = buckets_wait(l->buckets, quota_id(l, kind, whose, (struct slice){0}), &l->rate[kind],
				       clock_mono_ms(l->clock) * NS_PER_MS);
	return wait_ns ? refuse(l, kind, wait_ns, ei) : ERR_OK;
}
