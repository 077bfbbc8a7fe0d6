/* SPDX-License-Identifier: Apache-2.0 */
/* The open-redirect gate of the sign-in: must never let out a text that a browser reads as another site's address. */
#include "ui/next.h"

#include <string.h>

#include "base/encode.h"

static bool is_own(struct slice v)
{
	if (v.n == 0 || v.n > NEXT_MAX || v.p[0] != '/' || !slice_is_utf8(v))
		return false;
	if (v.n > 1 && (v.p[1] == '/' || v.p[1] == '\\'))
		return false;
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7F)
			return false;
	return true;
}

const char *next_path(struct slice text, struct arena *a)
{
	struct buf out;
	const char *path;

	if (!is_own(text))
		return "";
	buf_init(&out, 3 * NEXT_MAX);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c >= 0x80 || strchr(" \"<>\\^`{|}", c))
			encode_percent(&out, slice_sub(text, i, 1));
		else
			buf_putc(&out, text.p[i]);
	}
	path = arena_strndup(a, buf_slice(&out));
	buf_done(&out);
	return path;
}
