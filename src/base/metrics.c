/* SPDX-License-Identifier: Apache-2.0 */
/* The shared counters. Must never make a process wait, nor tell anything of whom a number came from. */
#include "base/metrics.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/shared.h"

/* Upper ends in milliseconds; what is slower is in the last one, +Inf. */
static const int64_t time_ends[] = {1, 5, 25, 100, 500, 2500, 10000};
enum { TIME_ENDS = ARRAY_LEN(time_ends) };

struct times {
	_Atomic uint64_t in[TIME_ENDS + 1], sum_ms;
};

struct slot {
	_Alignas(64) _Atomic uint64_t value[METRIC__COUNT];
	struct times times[METRIC_TIME__COUNT];
};

struct metrics {
	struct slot slot[METRICS_SLOTS];
};

static struct slot own; /* of a process that has mapped nothing */
static struct slot *here = &own;
static struct metrics *all;

static const struct {
	const char *name, *type, *help;
} families[] = {
#define X(family, name, type, help) {name, type, help},
	METRIC_FAMILIES(X)
#undef X
};
enum {
#define X(family, name, type, help) FAMILY_##family,
	METRIC_FAMILIES(X)
#undef X
};
static const struct {
	unsigned family;
	const char *label;
} samples[METRIC__COUNT] = {
#define X(metric, family, label) {FAMILY_##family, label},
	METRICS(X)
#undef X
};

enum err metrics_create(int *ret_fd, struct errinfo *ei)
{
	return shared_create("metrics", sizeof(struct metrics), ret_fd, ei);
}

static bool is_gauge(unsigned m)
{
	return strcmp(families[samples[m].family].type, "gauge") == 0;
}

enum err metrics_map(int fd, unsigned slot, struct errinfo *ei)
{
	struct stat st;
	void *p = NULL;
	enum err e;

	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode))
		return ERR_OK;
	if (slot >= METRICS_SLOTS)
		return err_set(ei, ERR_CONFIG, "there is no slot %u for metrics", slot);
	e = shared_map("metrics", sizeof(struct metrics), fd, &p, ei);
	if (e)
		return e;
	metrics_unmap();
	all = p;
	here = &all->slot[slot];
	for (unsigned m = 0; m < METRIC__COUNT; m++)
		if (is_gauge(m))
			metrics_set((enum metric)m, 0);
	return ERR_OK;
}

void metrics_unmap(void)
{
	here = &own;
	shared_unmap(TAKE(all), sizeof(struct metrics));
}

void metrics_add(enum metric m)
{
	atomic_fetch_add_explicit(&here->value[m], 1, memory_order_relaxed);
}

void metrics_set(enum metric m, uint64_t value)
{
	atomic_store_explicit(&here->value[m], value, memory_order_relaxed);
}

void metrics_add_status(enum metric first, int status)
{
	if (status >= 200 && status < 600)
		metrics_add(first + (unsigned)(status / 100 - 2));
}

void metrics_add_time(enum metric_time what, int64_t ms)
{
	struct times *t = &here->times[what];
	size_t i = 0;

	while (i < TIME_ENDS && ms > time_ends[i])
		i++;
	atomic_fetch_add_explicit(&t->in[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&t->sum_ms, ms > 0 ? (uint64_t)ms : 0, memory_order_relaxed);
}

static const struct slot *slots(size_t *ret_n)
{
	*ret_n = all ? METRICS_SLOTS : 1;
	return all ? all->slot : &own;
}

static uint64_t sum(size_t offset)
{
	uint64_t total = 0;
	size_t n;
	const struct slot *s = slots(&n);

	for (size_t i = 0; i < n; i++)
		total += atomic_load_explicit((const _Atomic uint64_t *)(const void *)((const char *)&s[i] + offset),
					      memory_order_relaxed);
	return total;
}

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_times(struct buf *out, enum metric_time what, const char *name, const char *help)
{
	size_t at = offsetof(struct slot, times) + (size_t)what * sizeof(struct times);
	uint64_t count = 0, ms = sum(at + offsetof(struct times, sum_ms));

	put_head(out, name, "histogram", help);
	for (size_t i = 0; i <= TIME_ENDS; i++) {
		count += sum(at + i * sizeof(uint64_t));
		if (i < TIME_ENDS)
			buf_printf(out, "%s_bucket{le=\"%lld.%03lld\"} %llu\n", name, (long long)(time_ends[i] / 1000),
				   (long long)(time_ends[i] % 1000), (unsigned long long)count);
		else
			buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)count);
	}
	buf_printf(out, "%s_sum %llu.%03llu\n%s_count %llu\n", name, (unsigned long long)(ms / 1000),
		   (unsigned long long)(ms % 1000), name, (unsigned long long)count);
}

uint64_t metrics_sum(enum metric m)
{
	return sum(offsetof(struct slot, value) + m * sizeof(uint64_t));
}

void metrics_put_gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
	put_head(out, name, "gauge", help);
	buf_printf(out, "%s %lld\n", name, (long long)value);
}

void metrics_put(struct buf *out)
{
	for (unsigned m = 0; m < METRIC__COUNT; m++) {
		const char *name = families[samples[m].family].name, *label = samples[m].label;

		if (m == 0 || samples[m].family != samples[m - 1].family)
			put_head(out, name, families[samples[m].family].type, families[samples[m].family].help);
		buf_printf(out, label[0] ? "%s{%s} %llu\n" : "%s%s %llu\n", name, label,
			   (unsigned long long)metrics_sum((enum metric)m));
	}
	put_times(out, METRIC_TIME_REQUEST, "fiberwise_http_request_seconds",
		  "How long answers took, tokens from memory left out.");
	put_times(out, METRIC_TIME_PROVIDER, "fiberwise_provider_seconds", "How long providers took.");
	put_head(out, "fiberwise_build_info", "gauge", "The version that runs.");
	buf_puts(out, "fiberwise_build_info{version=\"" FW_VERSION "\"} 1\n");
}
