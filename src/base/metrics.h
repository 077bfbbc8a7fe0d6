/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers about the service for whoever watches it, in memory that all processes share: each counts in lines of its own, one
 * that is started again goes on where the one before it was, and any of them can tell the sums. A metric has no label that
 * says whose it is.
 *
 * Counting costs one atomic addition and never fails. A process that has mapped nothing counts for itself.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Families: name, type, what it is. A sum over processes, gauges too. */
#define METRIC_FAMILIES(X) \
	X(REQUESTS, "fiberwise_http_requests_total", "counter", "Answers by class of status.") \
	X(TOKEN_READS, "fiberwise_token_reads_total", "counter", "Tokens handed out, by where they came from.") \
	X(REFRESHES, "fiberwise_refreshes_total", "counter", "Refreshes asked of a provider, by what came of them.") \
	X(EXCHANGES, "fiberwise_code_exchanges_total", "counter", "Codes exchanged for tokens, by what came of it.") \
	X(REAUTHS, "fiberwise_needs_reauth_total", "counter", "Grants that need their user again, by cause.") \
	X(FETCHES, "fiberwise_provider_answers_total", "counter", \
	  "Requests to providers, by class of status; none: no answer.") \
	X(THROTTLED, "fiberwise_throttled_total", "counter", "Requests refused because of a limit, by which.") \
	X(AUDIT, "fiberwise_audit_writes_total", "counter", "Writes of the audit log; one may hold many records.") \
	X(OPERATIONS, "fiberwise_operations", "gauge", "Exchanges, refreshes and revocations under way.")               \
	X(SPOOL, "fiberwise_spooled_answers", "gauge", "Provider answers on disk that are not yet in the database.") \
	X(CACHE_ENTRIES, "fiberwise_cached_tokens", "gauge", "Tokens in the memory of workers.") \
	X(CACHE_BYTES, "fiberwise_cache_bytes", "gauge", "Bytes of those.") \
	X(RESTARTS, "fiberwise_role_restarts_total", "counter", \
	  "Processes that ended without being told to, by role.") \
	X(START, "fiberwise_start_time_seconds", "gauge", "When the service was started, Unix time.")

/* Samples: family, label with its value or "". */
#define METRICS(X) \
	X(REQUESTS_2XX, REQUESTS, "class=\"2xx\"") \
	X(REQUESTS_3XX, REQUESTS, "class=\"3xx\"") \
	X(REQUESTS_4XX, REQUESTS, "class=\"4xx\"") \
	X(REQUESTS_5XX, REQUESTS, "class=\"5xx\"") \
	X(READS_MEMORY, TOKEN_READS, "from=\"memory\"") \
	X(READS_DATABASE, TOKEN_READS, "from=\"database\"") \
	X(READS_PROVIDER, TOKEN_READS, "from=\"provider\"") \
	X(REFRESHES_OK, REFRESHES, "result=\"ok\"") \
	X(REFRESHES_DENIED, REFRESHES, "result=\"refused\"") \
	X(REFRESHES_DOWN, REFRESHES, "result=\"unreachable\"") \
	X(REFRESHES_OTHER, REFRESHES, "result=\"other\"") \
	X(EXCHANGES_OK, EXCHANGES, "result=\"ok\"") \
	X(EXCHANGES_DENIED, EXCHANGES, "result=\"refused\"") \
	X(EXCHANGES_DOWN, EXCHANGES, "result=\"unreachable\"") \
	X(EXCHANGES_OTHER, EXCHANGES, "result=\"other\"") \
	X(REAUTH_LOST, REAUTHS, "cause=\"rotation_response_lost\"") \
	X(REAUTH_REVOKED, REAUTHS, "cause=\"revoked_by_provider\"") \
	X(REAUTH_REUSE, REAUTHS, "cause=\"reuse_detected\"") \
	X(REAUTH_EXPIRED, REAUTHS, "cause=\"expired\"") \
	X(REAUTH_CONFIG, REAUTHS, "cause=\"client_config\"") \
	X(REAUTH_ACCOUNT, REAUTHS, "cause=\"account_changed\"") \
	X(REAUTH_OTHER, REAUTHS, "cause=\"other\"") \
	X(FETCHES_2XX, FETCHES, "class=\"2xx\"") \
	X(FETCHES_3XX, FETCHES, "class=\"3xx\"") \
	X(FETCHES_4XX, FETCHES, "class=\"4xx\"") \
	X(FETCHES_5XX, FETCHES, "class=\"5xx\"") \
	X(FETCHES_NONE, FETCHES, "class=\"none\"") \
	X(THROTTLED_READS, THROTTLED, "limit=\"reads\"") \
	X(THROTTLED_KEY, THROTTLED, "limit=\"key\"") \
	X(THROTTLED_APP, THROTTLED, "limit=\"app\"") \
	X(THROTTLED_USER, THROTTLED, "limit=\"user\"") \
	X(THROTTLED_ADDRESS, THROTTLED, "limit=\"address\"") \
	X(THROTTLED_CONNECTS, THROTTLED, "limit=\"connects\"") \
	X(THROTTLED_SIGN_INS, THROTTLED, "limit=\"sign_ins\"") \
	X(THROTTLED_UNDER_WAY, THROTTLED, "limit=\"under_way\"") \
	X(AUDIT_OK, AUDIT, "result=\"ok\"") \
	X(AUDIT_FAILED, AUDIT, "result=\"failed\"") \
	X(OPERATIONS, OPERATIONS, "")                                                \
	X(SPOOL, SPOOL, "") \
	X(CACHE_ENTRIES, CACHE_ENTRIES, "") \
	X(CACHE_BYTES, CACHE_BYTES, "") \
	X(RESTARTS_KEEPER, RESTARTS, "role=\"keeper\"") \
	X(RESTARTS_COURIER, RESTARTS, "role=\"courier\"") \
	X(RESTARTS_CLERK, RESTARTS, "role=\"clerk\"") \
	X(RESTARTS_WORKER, RESTARTS, "role=\"worker\"") \
	X(START, START, "")

enum metric {
#define X(metric, family, label) METRIC_##metric,
	METRICS(X)
#undef X
		METRIC__COUNT
};

/* How long answers took: of our own, and of providers. */
enum metric_time { METRIC_TIME_REQUEST, METRIC_TIME_PROVIDER, METRIC_TIME__COUNT };

enum { METRICS_SLOTS = 4 + 256 }; /* supervisor, keeper, courier, clerk, workers */

/* Fresh shared memory that cannot be cut short. The descriptor is the caller's. ERR_CONFIG. */
enum err metrics_create(int *ret_fd, struct errinfo *ei);
/* From here on this process counts in that slot, in which the gauges begin at 0. The descriptor stays the caller's. /dev/null: nothing is mapped. */
enum err metrics_map(int fd, unsigned slot, struct errinfo *ei);
void metrics_unmap(void);

void metrics_add(enum metric m);
void metrics_set(enum metric m, uint64_t value);
/* `first` is the 2xx of four: 2xx, 3xx, 4xx, 5xx. */
void metrics_add_status(enum metric first, int status);
void metrics_add_time(enum metric_time what, int64_t ms);

/* The sum of all processes. */
uint64_t metrics_sum(enum metric m);
/* The sums of all processes in Prometheus' text format 0.0.4. */
void metrics_put(struct buf *out);
/* One more, whose value is known at the moment of asking. */
void metrics_put_gauge(struct buf *out, const char *name, const char *help, int64_t value);
