/* SPDX-License-Identifier: Apache-2.0 */
/* Views of bytes: comparing, cutting, splitting. Must never read past `n` and never allocate. */
#include "base/slice.h"

#include <string.h>

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool slice_is_nocase(struct slice a, const char *text)
{
	return slice_eq_nocase(a, slice_from(text));
}

bool slice_ends(struct slice a, const char *suffix)
{
	size_t n = strlen(suffix);

	return a.n >= n && (n == 0 || memcmp(a.p + (a.n - n), suffix, n) == 0);
}

struct slice slice_trim(struct slice a)
{
	while (a.n > 0 && (a.p[0] == ' ' || a.p[0] == '\t')) {
		a.p++;
		a.n--;
	}
	while (a.n > 0 && (a.p[a.n - 1] == ' ' || a.p[a.n - 1] == '\t'))
		a.n--;
	return a;
}

/* Length of the well-formed sequence at `p`, or 0 (Unicode 15 table 3-7). */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t len;

	if (p[0] < 0x80)
		return p[0] != 0;
	if (p[0] >= 0xC2 && p[0] <= 0xDF)
		len = 2;
	else if (p[0] >= 0xE0 && p[0] <= 0xEF)
		len = 3;
	else if (p[0] >= 0xF0 && p[0] <= 0xF4)
		len = 4;
	else
		return 0;
	if (n < len)
		return 0;
	if (p[0] == 0xE0)
		low = 0xA0;
	if (p[0] == 0xED)
		high = 0x9F;
	if (p[0] == 0xF0)
		low = 0x90;
	if (p[0] == 0xF4)
		high = 0x8F;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	return len;
}

bool slice_is_utf8(struct slice a)
{
	const unsigned char *p = (const unsigned char *)a.p;
	size_t at = 0;

	while (at < a.n) {
		size_t len = utf8_sequence(p + at, a.n - at);

		if (len == 0)
			return false;
		at += len;
	}
	return true;
}

bool slice_is_printable(struct slice a)
{
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] < 0x20 || a.p[i] > 0x7E)
			return false;
	return true;
}

bool slice_to_u64(struct slice a, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (a.n == 0)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		unsigned digit = (unsigned)(unsigned char)a.p[i] - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value > max)
		return false;
	*ret_value = value;
	return true;
}
