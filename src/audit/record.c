/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an audit record. Must never let a byte of a field end its string or its line. */
#include "audit/record.h"

#include "base/clock.h"

/* Byte by byte, as the log does it: what is not printable ASCII becomes \u00XX, so no reader can see another line in it. */
static void put_escaped(struct buf *out, const char *text)
{
	for (size_t used = 0; *text && used < RECORD_FIELD_MAX; text++) {
		unsigned char c = (unsigned char)*text;
		size_t before = out->n;

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < 0x20 || c > 0x7E)
			buf_printf(out, "\\u%04x", c);
		else
			buf_putc(out, (char)c);
		used += out->n - before;
		if (!buf_ok(out))
			return;
	}
}

void record_put_text(struct buf *out, const char *name, const char *text)
{
	if (!text || !text[0])
		return;
	buf_printf(out, ",\"%s\":\"", name);
	put_escaped(out, text);
	buf_putc(out, '"');
}

void record_put(struct buf *out, const struct record *r)
{
	char time[CLOCK_RFC3339_BYTES];

	clock_rfc3339(r->at, time);
	buf_printf(out, "\"at\":%lld,\"time\":\"%s\"", (long long)r->at, time);
	record_put_text(out, "event", r->event);
	record_put_text(out, "actor", r->actor);
	record_put_text(out, "app", r->app_id);
	record_put_text(out, "connection", r->connection_id);
	record_put_text(out, "authenticator", r->authenticator_id);
	record_put_text(out, "user", r->user_id);
	record_put_text(out, "grant", r->grant_id);
	if (r->generation)
		buf_printf(out, ",\"generation\":%lld", (long long)r->generation);
	record_put_text(out, "fingerprint", r->fingerprint);
	record_put_text(out, "cause", r->cause);
	record_put_text(out, "detail", r->detail);
}
