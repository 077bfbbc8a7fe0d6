/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as a terminal sees it. Names and messages come from servers and files, so nothing of them may
 * reach the terminal before it went through here. Must never split a character.
 */
#include "cli/text.h"

#include <locale.h>
#include <stdint.h>
#include <wchar.h>

enum { REPLACEMENT = 0xFFFD };

/* Takes one character off the front; a byte that starts none gives U+FFFD and is skipped alone. */
static uint32_t next(struct slice *rest)
{
	unsigned char first = (unsigned char)rest->p[0];
	size_t n = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
	uint32_t c = n == 1 ? first : first & (0x7Fu >> n);

	/* slice_is_utf8() refuses NUL too, which is a control character and harmless to decode. */
	if (n > 1 && (n > rest->n || !slice_is_utf8(slice_sub(*rest, 0, n)))) {
		*rest = slice_sub(*rest, 1, rest->n);
		return REPLACEMENT;
	}
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)rest->p[i] & 0x3Fu);
	*rest = slice_sub(*rest, n, rest->n);
	return c;
}

static bool is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) ||	   /* control characters */
	       c == 0x61C || c == 0x200E || c == 0x200F || /* marks of direction */
	       (c >= 0x2028 && c <= 0x202E) ||		   /* separators, embeddings, overrides */
	       (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

void text_put_clean(struct buf *out, struct slice text)
{
	while (text.n) {
		struct slice before = text;
		uint32_t c = next(&text);

		if (c == '\n' || c == '\t' || c == '\r')
			buf_putc(out, ' ');
		else if (is_harmful(c) || c == REPLACEMENT)
			buf_puts(out, "\xEF\xBF\xBD");
		else
			buf_put(out, slice_sub(before, 0, before.n - text.n));
	}
}

char *text_clean(struct arena *a, struct slice text)
{
	struct buf out;
	char *copy;

	buf_init(&out, text.n * 3 + 1);
	text_put_clean(&out, text);
	copy = arena_strndup(a, buf_slice(&out));
	buf_done(&out);
	return copy;
}

/* The C library's table of widths, whatever the user's locale: a locale that is always built in. */
static int width_of(uint32_t c)
{
	static locale_t utf8;
	locale_t before;
	int width;

	if (c < 0x7F)
		return 1;
	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!utf8)
		return 1;
	before = uselocale(utf8);
	width = wcwidth((wchar_t)c);
	uselocale(before);
	return width < 0 ? 1 : width;
}

size_t text_width(struct slice text)
{
	size_t width = 0;

	while (text.n)
		width += (size_t)width_of(next(&text));
	return width;
}

size_t text_put_cut(struct buf *out, struct slice text, size_t width)
{
	size_t used = 0;

	if (text_width(text) <= width) {
		buf_put(out, text);
		return text_width(text);
	}
	if (width == 0)
		return 0;
	while (text.n) {
		struct slice before = text;
		size_t w = (size_t)width_of(next(&text));

		if (used + w > width - 1)
			break;
		buf_put(out, slice_sub(before, 0, before.n - text.n));
		used += w;
	}
	buf_puts(out, "…");
	return used + 1;
}

void text_put_json(struct buf *out, struct slice json)
{
	while (json.n) {
		struct slice before = json;
		uint32_t c = next(&json);

		if (c >= 0x7F && is_harmful(c))
			buf_printf(out, "\\u%04x", c);
		else
			buf_put(out, slice_sub(before, 0, before.n - json.n));
	}
}
