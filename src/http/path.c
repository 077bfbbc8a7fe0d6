/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of a request: cut at '/' first, then each segment decoded once, so that an escaped slash
 * can never become a separator (WB-10). It must never hand on a segment that climbs, a control
 * character, or text that isn't UTF-8.
 */
#include "http/path.h"

#include <string.h>

#include "base/encode.h"

static bool is_clean(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
			return false;
	return slice_is_utf8(s);
}

static enum refusal decode(struct arena *a, struct slice raw, struct slice *ret)
{
	struct buf clear;
	bool ok;

	if (!memchr(raw.p, '%', raw.n)) {
		*ret = raw;
		return REFUSAL_NONE;
	}
	buf_init(&clear, raw.n);
	ok = decode_percent(raw, false, &clear);
	if (ok)
		*ret = arena_copy(a, buf_slice(&clear));
	buf_done(&clear);
	return ok && is_clean(*ret) ? REFUSAL_NONE : REFUSAL_PATH_ESCAPE;
}

/* "/a/b" of the segments, with "%2F" for a slash that is data. */
static struct slice join(const struct request *r)
{
	size_t n = 1, at = 0;
	char *text;

	for (size_t i = 0; i < r->segment_count; i++)
		n += 1 + 3 * r->segment[i].n;
	text = arena_alloc(r->arena, n, 1);
	for (size_t i = 0; i < r->segment_count; i++) {
		text[at++] = '/';
		for (size_t k = 0; k < r->segment[i].n; k++) {
			if (r->segment[i].p[k] == '/') {
				memcpy(text + at, "%2F", 3);
				at += 3;
			} else {
				text[at++] = r->segment[i].p[k];
			}
		}
	}
	if (at == 0)
		text[at++] = '/';
	return slice_make(text, at);
}

enum refusal path_parse(struct request *r, struct slice target)
{
	size_t mark = slice_index(target, '?');
	struct slice path = slice_sub(target, 0, mark), rest = path, part = {0};
	bool plain = true;

	r->query = slice_sub(target, mark + 1, target.n);
	r->segment_count = 0;
	while (slice_split(&rest, '/', &part)) {
		enum refusal why;
		struct slice clear = {0};

		if (part.n == 0) {
			plain = plain && (part.p == path.p); /* only the one before the first '/' */
			continue;
		}
		why = decode(r->arena, part, &clear);
		if (why)
			return why;
		if (slice_is(clear, ".") || slice_is(clear, ".."))
			return REFUSAL_PATH_DOTS;
		if (r->segment_count == REQUEST_SEGMENTS_MAX)
			return REFUSAL_PATH_DEEP;
		plain = plain && clear.p == part.p;
		r->segment[r->segment_count++] = clear;
	}
	r->path = plain && r->segment_count ? path : join(r);
	return REFUSAL_NONE;
}
