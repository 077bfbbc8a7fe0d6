/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's clock behind the interface, and RFC 3339. Nothing else in the program may ask for the time. */
#include "base/clock.h"

#include <time.h>

#define LAST_SECOND 253402300799 /* 9999-12-31T23:59:59Z */

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

/* Puts the digits of `value` at `at`, filled up with zeros, and returns the place behind them. */
static char *put_digits(char *at, unsigned value, unsigned count)
{
	for (unsigned i = count; i-- > 0; value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + count;
}

/*
 * The date by arithmetic, since every audit record has one and libc's way takes twice the record's time. Years begin in March
 * here, so that the leap day is their last; 719468 days lie between 0000-03-01 and 1970-01-01.
 */
void clock_rfc3339(int64_t at_ms, char ret[CLOCK_RFC3339_BYTES])
{
	int64_t seconds = at_ms < 0 ? 0 : at_ms / 1000 < LAST_SECOND ? at_ms / 1000 : LAST_SECOND;
	unsigned day = (unsigned)(seconds / 86400) + 719468, second = (unsigned)(seconds % 86400);
	unsigned era = day / 146097, of_era = day % 146097; /* 400 years */
	unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * of_year + 2) / 153; /* 0: March */
	char *at = put_digits(ret, era * 400 + year + (month >= 10), 4);

	*at++ = '-';
	at = put_digits(at, month < 10 ? month + 3 : month - 9, 2);
	*at++ = '-';
	at = put_digits(at, of_year - (153 * month + 2) / 5 + 1, 2);
	*at++ = 'T';
	at = put_digits(at, second / 3600, 2);
	*at++ = ':';
	at = put_digits(at, second / 60 % 60, 2);
	*at++ = ':';
	at = put_digits(at, second % 60, 2);
	*at++ = 'Z';
	*at = '\0';
}
