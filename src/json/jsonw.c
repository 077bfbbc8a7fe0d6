/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON piece by piece. Must never put a byte of a text into the output unescaped. */
#include "json/jsonw.h"

#include "base/clock.h"

void jsonw_init(struct jsonw *w, struct buf *out)
{
	*w = (struct jsonw){.out = out};
}

/* Length of the well-formed UTF-8 sequence at the start of `text`, or 0. */
static size_t sequence(struct slice text)
{
	for (size_t n = 1; n <= 4 && n <= text.n; n++)
		if (slice_is_utf8(slice_sub(text, 0, n)))
			return n;
	return 0;
}

static void put_string(struct buf *out, struct slice text)
{
	buf_putc(out, '"');
	while (text.n) {
		unsigned char c = (unsigned char)text.p[0];
		size_t n = 1;

		if (c == '"' || c == '\\') {
			buf_putc(out, '\\');
			buf_putc(out, (char)c);
		} else if (c < 0x20 || c == 0x7F) {
			buf_printf(out, "\\u%04x", c);
		} else if (c < 0x80) {
			buf_putc(out, (char)c);
		} else if ((n = sequence(text)) > 0) {
			buf_put(out, slice_sub(text, 0, n));
		} else {
			buf_puts(out, "\\ufffd");
			n = 1;
		}
		text = slice_sub(text, n, text.n);
	}
	buf_putc(out, '"');
}

static void begin(struct jsonw *w, const char *key)
{
	if (w->comma)
		buf_putc(w->out, ',');
	if (key) {
		put_string(w->out, slice_from(key));
		buf_putc(w->out, ':');
	}
	w->comma = true;
}

static void open_nest(struct jsonw *w, const char *key, char bracket)
{
	begin(w, key);
	buf_putc(w->out, bracket);
	w->comma = false;
}

static void close_nest(struct jsonw *w, char bracket)
{
	buf_putc(w->out, bracket);
	w->comma = true;
}

void jsonw_object(struct jsonw *w, const char *key)
{
	open_nest(w, key, '{');
}

void jsonw_object_end(struct jsonw *w)
{
	close_nest(w, '}');
}

void jsonw_array(struct jsonw *w, const char *key)
{
	open_nest(w, key, '[');
}

void jsonw_array_end(struct jsonw *w)
{
	close_nest(w, ']');
}

void jsonw_slice(struct jsonw *w, const char *key, struct slice text)
{
	begin(w, key);
	put_string(w->out, text);
}

void jsonw_string(struct jsonw *w, const char *key, const char *text)
{
	if (text)
		jsonw_slice(w, key, slice_from(text));
	else
		jsonw_null(w, key);
}

void jsonw_integer(struct jsonw *w, const char *key, int64_t value)
{
	begin(w, key);
	buf_put_i64(w->out, value);
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
	begin(w, key);
	buf_puts(w->out, value ? "true" : "false");
}

void jsonw_null(struct jsonw *w, const char *key)
{
	begin(w, key);
	buf_puts(w->out, "null");
}

void jsonw_time(struct jsonw *w, const char *key, int64_t at_ms)
{
	char text[CLOCK_RFC3339_BYTES];

	if (at_ms == 0) {
		jsonw_null(w, key);
		return;
	}
	clock_rfc3339(at_ms, text);
	jsonw_string(w, key, text);
}

void jsonw_raw(struct jsonw *w, const char *key, struct slice json)
{
	begin(w, key);
	buf_put(w->out, json.n ? json : SLICE_LIT("null"));
}
