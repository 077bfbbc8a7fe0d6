/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's clock behind the interface, and RFC 3339. Nothing else in the program may ask for the time. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts = {0};

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_wall(void *arg)
{
	(void)arg;
	return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(void *arg)
{
	(void)arg;
	return read_clock(CLOCK_MONOTONIC);
}

const struct clock clock_system = {.wall_ms = system_wall, .mono_ms = system_mono};

int64_t clock_wall_ms(const struct clock *c)
{
	return c->wall_ms(c->arg);
}

int64_t clock_mono_ms(const struct clock *c)
{
	return c->mono_ms(c->arg);
}

void clock_rfc3339(int64_t at_ms, char ret[CLOCK_RFC3339_BYTES])
{
	time_t seconds = (time_t)(at_ms / 1000);
	struct tm tm = {0};

	if (at_ms < 0)
		seconds = 0;
	if (!gmtime_r(&seconds, &tm) || tm.tm_year > 8099) {
		snprintf(ret, CLOCK_RFC3339_BYTES, "9999-12-31T23:59:59Z");
		return;
	}
	strftime(ret, CLOCK_RFC3339_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
