/* SPDX-License-Identifier: Apache-2.0 */
/* Reading RFC 3339 and telling how far away a time is. Must never guess: what isn't a date is no date. */
#include "cli/when.h"

#include <time.h>

#include "base/mem.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

/* Exactly `n` digits off the front, within bounds. */
static bool take_number(struct slice *rest, size_t n, unsigned min, unsigned max, int *ret)
{
	uint64_t value;

	if (rest->n < n || !slice_to_u64(slice_sub(*rest, 0, n), max, &value) || value < min)
		return false;
	*rest = slice_sub(*rest, n, rest->n);
	*ret = (int)value;
	return true;
}

static bool take_char(struct slice *rest, const char *one_of)
{
	for (; rest->n && *one_of; one_of++) {
		if (rest->p[0] != *one_of)
			continue;
		*rest = slice_sub(*rest, 1, rest->n);
		return true;
	}
	return false;
}

/* What stands behind the seconds: a fraction, then "Z" or an offset, which comes out in seconds. */
static bool take_zone(struct slice *rest, int *ret_offset)
{
	int hours = 0, minutes = 0;
	bool west;

	if (take_char(rest, ".")) {
		size_t digits = 0;

		for (; take_char(rest, "0123456789"); digits++)
			;
		if (digits == 0)
			return false;
	}
	*ret_offset = 0;
	if (take_char(rest, "Zz"))
		return true;
	west = rest->n && rest->p[0] == '-';
	if (!take_char(rest, "+-") || !take_number(rest, 2, 0, 23, &hours) || !take_char(rest, ":") ||
	    !take_number(rest, 2, 0, 59, &minutes))
		return false;
	*ret_offset = (west ? -60 : 60) * (hours * 60 + minutes);
	return true;
}

bool when_parse(struct slice text, int64_t *ret_at_ms)
{
	struct tm t = {0}, same;
	time_t seconds;
	int offset = 0;

	if (!take_number(&text, 4, 1970, 9999, &t.tm_year) || !take_char(&text, "-") ||
	    !take_number(&text, 2, 1, 12, &t.tm_mon) || !take_char(&text, "-") ||
	    !take_number(&text, 2, 1, 31, &t.tm_mday) || !take_char(&text, "Tt ") ||
	    !take_number(&text, 2, 0, 23, &t.tm_hour) || !take_char(&text, ":") ||
	    !take_number(&text, 2, 0, 59, &t.tm_min) || !take_char(&text, ":") ||
	    !take_number(&text, 2, 0, 60, &t.tm_sec) || !take_zone(&text, &offset) || text.n)
		return false;
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	same = t;
	seconds = timegm(&same);
	/* timegm() turns 31 April into 1 May. */
	if (same.tm_mday != t.tm_mday && t.tm_sec < 60)
		return false;
	*ret_at_ms = ((int64_t)seconds - offset) * SECOND;
	return true;
}

const char *when_text(struct arena *a, int64_t at_ms, int64_t now_ms)
{
	static const struct {
		int64_t up_to, ms;
		const char *name;
	} units[] = {
		{2 * MINUTE, SECOND, "s"},
		{2 * HOUR, MINUTE, "min"},
		{2 * DAY, HOUR, "h"},
		{6 * DAY, DAY, "days"},
	};
	int64_t away = at_ms > now_ms ? at_ms - now_ms : now_ms - at_ms;
	const char *before = at_ms > now_ms ? "in " : "", *after = at_ms > now_ms ? "" : " ago";
	time_t seconds = (time_t)(at_ms / SECOND);
	struct tm local;
	char text[40];

	if (away < 5 * SECOND)
		return at_ms > now_ms ? "now" : "just now";
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (away < units[i].up_to)
			return arena_printf(a, "%s%d %s%s", before, (int)((away + units[i].ms / 2) / units[i].ms),
					    units[i].name, after);
	if (!localtime_r(&seconds, &local) || strftime(text, sizeof text, "%-d %b %Y %H:%M", &local) == 0)
		return "-";
	return arena_strdup(a, text);
}

const char *when_of(struct arena *a, struct slice rfc3339, int64_t now_ms)
{
	int64_t at;

	return when_parse(rfc3339, &at) ? when_text(a, at, now_ms) : "-";
}
