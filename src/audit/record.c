/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an audit record. Must never let a byte of a field end its string or its line. */
#include "audit/record.h"

#include <string.h>

#include "base/clock.h"

/* What stands for itself in a JSON text of ours: printable ASCII but the quote and the backslash. */
static const bool is_plain[256] = {[0x20 ... 0x21] = true, [0x23 ... 0x5B] = true, [0x5D ... 0x7E] = true};

/*
 * Eight bytes at once: for bytes below 0x80 each difference or sum has its high bit exactly where a byte is below 0x20, is 0x7F, a
 * quote or a backslash; a borrow can come from such a byte only.
 */
static bool eight_are_plain(const char *text)
{
	const uint64_t each = 0x0101010101010101, high = 0x8080808080808080;
	uint64_t x, quote, slash;

	memcpy(&x, text, sizeof x);
	quote = x ^ each * '"';
	slash = x ^ each * '\\';
	return !((x | (x - each * 0x20) | (x + each) | (quote - each) | (slash - each)) & high);
}

/* How many bytes of the text, at most `max`, stand for themselves. */
static size_t plain_length(const char *text, size_t max)
{
	const size_t end = strnlen(text, max);
	size_t n = 0;

	while (end - n >= 8 && eight_are_plain(text + n))
		n += 8;
	while (n < end && is_plain[(unsigned char)text[n]])
		n++;
	return n;
}

/* What is not printable ASCII becomes \u00XX byte by byte, as in the log, so no reader can see another line in it. */
static void put_escaped(struct buf *out, const char *text)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t used = 0; *text && used < RECORD_FIELD_MAX;) {
		const size_t plain = plain_length(text, RECORD_FIELD_MAX - used);
		const unsigned char c = (unsigned char)*text;
		const char escape[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

		if (plain)
			buf_put(out, slice_make(text, plain));
		else if (c == '"' || c == '\\')
			buf_put(out, slice_make(c == '"' ? "\\\"" : "\\\\", 2));
		else
			buf_put(out, slice_make(escape, sizeof escape));
		used += plain ? plain : c == '"' || c == '\\' ? 2 : sizeof escape;
		text += plain ? plain : 1;
	}
}

void record_put_text(struct buf *out, const char *name, const char *text)
{
	const struct slice open[] = {SLICE_LIT(",\""), slice_from(name), SLICE_LIT("\":\"")};
	size_t plain;

	if (!text || !text[0])
		return;
	plain = plain_length(text, RECORD_FIELD_MAX);
	if (text[plain] == '\0') { /* as nearly all are: one look at the room */
		const struct slice whole[] = {open[0], open[1], open[2], slice_make(text, plain), SLICE_LIT("\"")};

		buf_put_all(out, whole, sizeof whole / sizeof whole[0]);
		return;
	}
	buf_put_all(out, open, sizeof open / sizeof open[0]);
	put_escaped(out, text);
	buf_putc(out, '"');
}

void record_put_act(struct buf *out, int64_t at, const char *event, const char *actor)
{
	char time[CLOCK_RFC3339_BYTES];

	clock_rfc3339(at, time);
	buf_put(out, SLICE_LIT("\"at\":"));
	buf_put_i64(out, at);
	record_put_text(out, "time", time);
	record_put_text(out, "event", event);
	record_put_text(out, "actor", actor);
}

void record_put_subject(struct buf *out, const struct record *r)
{
	record_put_text(out, "app", r->app_id);
	record_put_text(out, "connection", r->connection_id);
	record_put_text(out, "authenticator", r->authenticator_id);
	record_put_text(out, "user", r->user_id);
	record_put_text(out, "grant", r->grant_id);
	if (r->generation) {
		buf_put(out, SLICE_LIT(",\"generation\":"));
		buf_put_i64(out, r->generation);
	}
	record_put_text(out, "fingerprint", r->fingerprint);
	record_put_text(out, "cause", r->cause);
	record_put_text(out, "detail", r->detail);
}

void record_put(struct buf *out, const struct record *r)
{
	record_put_act(out, r->at, r->event, r->actor);
	record_put_subject(out, r);
}
