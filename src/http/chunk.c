/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate before the parser for chunked bodies: sizes are plain hex with CRLF, extensions and
 * trailers are refused, the sum is capped as soon as a size is known. It must never let pass a body
 * whose end two readers could see at different places.
 */
#include "http/chunk.h"

#include "http/request.h"

enum { DIGITS_MAX = 8 };

void chunk_init(struct chunk *c)
{
	*c = (struct chunk){.state = CHUNK_SIZE};
}

static int hex_value(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return -1;
}

static enum refusal size_char(struct chunk *c, char ch)
{
	int digit = hex_value(ch);

	if (digit >= 0) {
		if (++c->digits > DIGITS_MAX)
			return REFUSAL_CHUNK;
		c->left = c->left * 16 + (size_t)digit;
		return REFUSAL_NONE;
	}
	if (ch != '\r' || c->digits == 0)
		return REFUSAL_CHUNK;
	if (c->left > REQUEST_BODY_MAX - c->total)
		return REFUSAL_BODY_LARGE;
	c->state = CHUNK_SIZE_LF;
	return REFUSAL_NONE;
}

/* Everything between the data. */
static enum refusal frame_char(struct chunk *c, char ch)
{
	switch (c->state) {
	case CHUNK_SIZE: return size_char(c, ch);
	case CHUNK_SIZE_LF:
		c->total += c->left;
		c->state = c->left ? CHUNK_DATA : CHUNK_LAST_CR;
		return ch == '\n' ? REFUSAL_NONE : REFUSAL_CHUNK;
	case CHUNK_DATA_CR: c->state = CHUNK_DATA_LF; return ch == '\r' ? REFUSAL_NONE : REFUSAL_CHUNK;
	case CHUNK_DATA_LF:
		c->state = CHUNK_SIZE;
		c->digits = 0;
		return ch == '\n' ? REFUSAL_NONE : REFUSAL_CHUNK;
	case CHUNK_LAST_CR: c->state = CHUNK_LAST_LF; return ch == '\r' ? REFUSAL_NONE : REFUSAL_CHUNK;
	case CHUNK_LAST_LF: c->state = CHUNK_DONE; return ch == '\n' ? REFUSAL_NONE : REFUSAL_CHUNK;
	case CHUNK_DATA:
	case CHUNK_DONE:
	default: return REFUSAL_CHUNK;
	}
}

enum refusal chunk_feed(struct chunk *c, struct slice bytes, size_t *ret_used)
{
	size_t at = 0;

	while (at < bytes.n && c->state != CHUNK_DONE) {
		enum refusal why;

		if (c->state == CHUNK_DATA) {
			size_t take = bytes.n - at < c->left ? bytes.n - at : c->left;

			at += take;
			c->left -= take;
			if (c->left == 0)
				c->state = CHUNK_DATA_CR;
			continue;
		}
		why = frame_char(c, bytes.p[at]);
		if (why)
			return why;
		at++;
	}
	*ret_used = at;
	return REFUSAL_NONE;
}
