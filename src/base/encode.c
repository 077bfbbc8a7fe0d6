/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings of bytes as text. Decoders are strict: what is not in the alphabet is refused, not skipped. */
#include "base/encode.h"

#include <sodium.h>

static const char hex_digits[] = "0123456789abcdef";
static const char upper_hex[] = "0123456789ABCDEF";

void encode_hex(struct buf *out, struct slice bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		buf_putc(out, hex_digits[c >> 4]);
		buf_putc(out, hex_digits[c & 15]);
	}
}

static void base64(struct buf *out, struct slice bytes, int variant)
{
	size_t n = sodium_base64_encoded_len(bytes.n, variant) - 1; /* without the NUL, for which a buf has room */
	char *to = buf_reserve(out, n);

	if (!to)
		return;
	sodium_bin2base64(to, n + 1, (const unsigned char *)(bytes.n ? bytes.p : ""), bytes.n, variant);
	buf_commit(out, n);
}

void encode_base64url(struct buf *out, struct slice bytes)
{
	base64(out, bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void encode_base64(struct buf *out, struct slice bytes)
{
	base64(out, bytes, sodium_base64_VARIANT_ORIGINAL);
}

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

static void percent(struct buf *out, struct slice text, bool blank_is_plus)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (is_unreserved(c)) {
			buf_putc(out, c);
		} else if (c == ' ' && blank_is_plus) {
			buf_putc(out, '+');
		} else {
			buf_putc(out, '%');
			buf_putc(out, upper_hex[(unsigned char)c >> 4]);
			buf_putc(out, upper_hex[(unsigned char)c & 15]);
		}
	}
}

void encode_percent(struct buf *out, struct slice text)
{
	percent(out, text, false);
}

void encode_form(struct buf *out, struct slice text)
{
	percent(out, text, true);
}

void encode_html(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		switch (text.p[i]) {
		case '&': buf_puts(out, "&amp;"); break;
		case '<': buf_puts(out, "&lt;"); break;
		case '>': buf_puts(out, "&gt;"); break;
		case '"': buf_puts(out, "&quot;"); break;
		case '\'': buf_puts(out, "&#39;"); break;
		default: buf_putc(out, text.p[i]); break;
		}
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool decode_hex(struct slice text, struct buf *out)
{
	if (text.n % 2)
		return false;
	for (size_t i = 0; i < text.n; i += 2) {
		int high = hex_value(text.p[i]), low = hex_value(text.p[i + 1]);

		if (high < 0 || low < 0)
			return false;
		buf_putc(out, (char)(high * 16 + low));
	}
	return buf_ok(out);
}

bool decode_base64url(struct slice text, struct buf *out)
{
	static const size_t rest_bytes[4] = {0, 0, 1, 2}; /* one character alone is no byte: refused below */
	size_t most = text.n / 4 * 3 + rest_bytes[text.n % 4], n = 0;
	const char *end = NULL;
	char *to = text.n % 4 == 1 ? NULL : buf_reserve(out, most);

	if (!to)
		return false;
	if (sodium_base642bin((unsigned char *)to, most, text.n ? text.p : "", text.n, NULL, &n, &end,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return false;
	if (text.n && end != text.p + text.n)
		return false;
	buf_commit(out, n);
	return true;
}

bool decode_percent(struct slice text, bool plus_is_blank, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '%') {
			int high = i + 2 < text.n ? hex_value(text.p[i + 1]) : -1;
			int low = i + 2 < text.n ? hex_value(text.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus_is_blank) {
			c = ' ';
		}
		if (c == '\0')
			return false;
		buf_putc(out, c);
	}
	return buf_ok(out);
}
