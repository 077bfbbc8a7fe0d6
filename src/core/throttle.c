/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three counts for a browser that we do not know: of the address over all names, of the name from that address, and of the
 * name over all addresses. The last one slows and never stops: it lets one attempt through at a time, for everybody. A browser
 * that has signed in under the name before has one count, its own. Must never tell one refusal from another.
 */
#include "core/throttle.h"

#include "base/metrics.h"

#define S INT64_C(1000000000)

enum { KIND_ADDRESS = 64, KIND_PAIR, KIND_NAME, KIND_DEVICE }; /* beside those of enum quota_kind */

/* Many sit behind one address, and mistype. */
static const struct bucket_growth of_address = {.free = 20, .first_ns = 2 * S, .max_ns = 900 * S, .decay_ns = 60 * S};
/* In the long run one attempt in ten minutes. */
static const struct bucket_growth of_pair = {.free = 5, .first_ns = 2 * S, .max_ns = 900 * S, .decay_ns = 600 * S};
/* 50 at once, then one every 10 s: 9,000 guesses a day from however many addresses. */
static const struct bucket_rate of_name = {.interval_ns = 10 * S, .ahead_ns = 50 * 10 * S};

static const struct slice nothing = {0};

static uint64_t address_id(const struct quota *q, const struct throttle_who *who)
{
	return buckets_id(q->buckets, KIND_ADDRESS, who->client, nothing);
}

static uint64_t pair_id(const struct quota *q, const struct throttle_who *who)
{
	return buckets_id(q->buckets, KIND_PAIR, who->name, who->client);
}

static uint64_t name_id(const struct quota *q, const struct throttle_who *who)
{
	return buckets_id(q->buckets, KIND_NAME, who->name, nothing);
}

static uint64_t device_id(const struct quota *q, const struct throttle_who *who)
{
	return buckets_id(q->buckets, KIND_DEVICE, who->name, who->device);
}

static int64_t begin_unknown(struct quota *q, const struct throttle_who *who, int64_t now_ns)
{
	int64_t wait_ns = buckets_attempt(q->buckets, address_id(q, who), &of_address, now_ns);

	if (wait_ns)
		return wait_ns;
	wait_ns = buckets_attempt(q->buckets, pair_id(q, who), &of_pair, now_ns);
	if (!wait_ns) {
		wait_ns = buckets_take(q->buckets, name_id(q, who), &of_name, now_ns);
		if (!wait_ns)
			return 0;
		buckets_attempt_undo(q->buckets, pair_id(q, who), &of_pair);
	}
	buckets_attempt_undo(q->buckets, address_id(q, who), &of_address);
	return wait_ns;
}

enum err throttle_begin(struct quota *q, const struct throttle_who *who, struct errinfo *ei)
{
	int64_t now_ns, wait_ns, wait_s;

	if (!q)
		return ERR_OK;
	now_ns = clock_mono_ms(q->clock) * INT64_C(1000000);
	wait_ns = who->device.n ? buckets_attempt(q->buckets, device_id(q, who), &of_pair, now_ns)
				: begin_unknown(q, who, now_ns);
	if (!wait_ns)
		return ERR_OK;
	metrics_add(METRIC_THROTTLED_SIGN_INS);
	wait_s = (wait_ns + S - 1) / S;
	if (ei)
		ei->retry_after_s = (unsigned)wait_s; /* of_pair's and of_address's longest are minutes */
	err_hint(ei, ERR_LIMIT,
		 "Wait %lld second%s, then try again. A browser that has signed in before need not wait for what "
		 "others try; "
		 "\"fiberd admin-link\" on the server always lets you in.",
		 (long long)wait_s, wait_s == 1 ? "" : "s");
	return err_set(ei, ERR_LIMIT, "too many sign-ins have failed lately");
}

void throttle_undo(struct quota *q, const struct throttle_who *who)
{
	if (!q)
		return;
	if (who->device.n) {
		buckets_attempt_undo(q->buckets, device_id(q, who), &of_pair);
		return;
	}
	buckets_attempt_undo(q->buckets, address_id(q, who), &of_address);
	buckets_attempt_undo(q->buckets, pair_id(q, who), &of_pair);
	buckets_give(q->buckets, name_id(q, who), &of_name);
}

void throttle_succeeded(struct quota *q, const struct throttle_who *who)
{
	/* Of the address one failure only: whoever has an account must not wash off what he tried on others. */
	throttle_undo(q, who);
	if (q)
		buckets_forget(q->buckets, who->device.n ? device_id(q, who) : pair_id(q, who));
}
