/* SPDX-License-Identifier: Apache-2.0 */
/* One line that looks like what it is. Must never let a name disguise itself as another one on a consent page. */
#include "core/line.h"

/* The code points above ASCII that are refused lie in two- and three-byte sequences of valid UTF-8. */
static bool is_disguise(unsigned char a, unsigned char b, unsigned char c)
{
	if (a == 0xC2)
		return b < 0xA0; /* U+0080 to U+009F */
	if (a != 0xE2)
		return false;
	return (b == 0x80 && (c == 0x8E || c == 0x8F || (c >= 0xA8 && c <= 0xAE))) || /* U+200E, U+200F, U+2028 to U+202E */
	       (b == 0x81 && c >= 0xA6 && c <= 0xA9);                                  /* U+2066 to U+2069 */
}

bool line_is_plain(struct slice text)
{
	if (!slice_is_utf8(text))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char a = (unsigned char)text.p[i];
		unsigned char b = i + 1 < text.n ? (unsigned char)text.p[i + 1] : 0;
		unsigned char c = i + 2 < text.n ? (unsigned char)text.p[i + 2] : 0;

		if (a < 0x20 || a == 0x7F || is_disguise(a, b, c))
			return false;
	}
	return true;
}
