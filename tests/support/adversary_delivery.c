/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading how an answer is to be delivered. A rule with a misspelt word would make a test pass for the
 * wrong reason, so whatever is not known is refused. Must never change what an answer says.
 */
#include "support/adversary_delivery.h"

#include <string.h>

#include <sodium.h>

static const char *const framings[] = {"length", "chunked", "close", NULL};
static const char *const chunk_errors[] = {"none",	     "bad_size", "huge_size",	"no_crlf", "no_end",
					   "long_extension", "trailers", "with_length", NULL};
static const char *const thens[] = {"keep", "close", "rst", "half_close", "stall", NULL};

enum { COUNT_MAX = 1000000, LINE_MAX_BYTES = 1 << 20 };

static enum err find_word(const char *name, const char *const *words, const char *word, int *ret_word,
			  struct errinfo *ei)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(word, words[i]) == 0) {
			*ret_word = i;
			return ERR_OK;
		}
	return err_set(ei, ERR_INVALID, "%s: \"%s\" is not one of its words", name, word);
}

enum err adversary_delivery_range(const char *name, json_t *value, struct adversary_range *ret_range,
				  struct errinfo *ei)
{
	json_t *lo = json_is_array(value) ? json_array_get(value, 0) : value;
	json_t *hi = json_is_array(value) ? json_array_get(value, 1) : value;
	struct adversary_range range = {json_integer_value(lo), json_integer_value(hi)};

	if (!json_is_integer(lo) || !json_is_integer(hi) || range.lo < 0 || range.hi < range.lo ||
	    range.hi > 3600 * 1000)
		return err_set(ei, ERR_INVALID, "%s: wants milliseconds as n or [low, high]", name);
	*ret_range = range;
	return ERR_OK;
}

enum err adversary_delivery_base64(const char *name, const char *text, struct arena *arena, struct slice *ret_bytes,
				   struct errinfo *ei)
{
	size_t n = strlen(text), got;
	unsigned char *bytes = arena_alloc(arena, n + 1, 1);

	if (sodium_base642bin(bytes, n + 1, text, n, "\r\n", &got, NULL, sodium_base64_VARIANT_ORIGINAL))
		return err_set(ei, ERR_INVALID, "%s: not base64", name);
	*ret_bytes = slice_make(bytes, got);
	return ERR_OK;
}

static enum err read_words(const char *framing, const char *chunk_error, const char *then, struct adversary_delivery *d,
			   struct errinfo *ei)
{
	int word = 0;
	enum err e = find_word("framing", framings, framing, &word, ei);

	if (e)
		return e;
	d->framing = (enum adversary_framing)word;
	e = find_word("chunk_error", chunk_errors, chunk_error, &word, ei);
	if (e)
		return e;
	d->chunk_error = (enum adversary_chunk_error)word;
	if (d->chunk_error)
		d->framing = ADVERSARY_BY_CHUNKS;
	e = find_word("then", thens, then, &word, ei);
	if (!e)
		d->then = (enum adversary_then)word;
	return e;
}

/* "content_length": a number, or text when it shall be none. */
static enum err read_length(json_t *value, struct arena *arena, struct adversary_delivery *d, struct errinfo *ei)
{
	if (!value)
		return ERR_OK;
	if (json_is_integer(value))
		d->content_length = slice_from(arena_printf(arena, "%lld", (long long)json_integer_value(value)));
	else if (json_string_length(value))
		d->content_length = slice_from(json_string_value(value));
	else
		return err_set(ei, ERR_INVALID, "content_length: wants a number or text");
	return ERR_OK;
}

static enum err read_cut(json_t *bytes, json_t *body_bytes, struct adversary_delivery *d, struct errinfo *ei)
{
	json_t *value = bytes ? bytes : body_bytes;

	if (!value)
		return ERR_OK;
	if ((bytes && body_bytes) || !json_is_integer(value))
		return err_set(ei, ERR_INVALID, "bytes, body_bytes: one of them, a number");
	d->cut = true;
	d->from_body = body_bytes != NULL;
	d->bytes = json_integer_value(value);
	return ERR_OK;
}

enum err adversary_delivery_parse(json_t *object, struct arena *arena, struct adversary_delivery *ret_delivery,
				  struct errinfo *ei)
{
	struct adversary_delivery d = {0};
	const char *framing = framings[0], *chunk_error = chunk_errors[0], *then = NULL;
	const char *status_line = "", *raw = NULL;
	json_t *length = NULL, *bytes = NULL, *body_bytes = NULL;
	json_int_t interim = 0, flood = 0, flood_bytes = 16, rate = 0;
	int interim_status = 103;
	json_error_t why;
	enum err e;

	if (json_unpack_ex(object, &why, JSON_STRICT, "{s?s s?s s?s s?o s?s s?s s?I s?i s?I s?I s?o s?o s?I}",
			   "framing", &framing, "chunk_error", &chunk_error, "then", &then, "content_length", &length,
			   "status_line", &status_line, "raw_base64", &raw, "interim", &interim, "interim_status",
			   &interim_status, "header_flood", &flood, "header_flood_bytes", &flood_bytes, "bytes", &bytes,
			   "body_bytes", &body_bytes, "bytes_per_s", &rate))
		return err_set(ei, ERR_INVALID, "deliver: %s", why.text);
	if (interim < 0 || interim > COUNT_MAX || flood < 0 || flood > COUNT_MAX || flood_bytes < 0 ||
	    flood_bytes > LINE_MAX_BYTES || rate < 0 || interim_status < 100 || interim_status > 199)
		return err_set(ei, ERR_INVALID, "deliver: a number is out of bounds");
	/* What is cut off has an end, unless the rule says otherwise. */
	if (!then)
		then = bytes || body_bytes || strcmp(chunk_error, "no_end") == 0 ? "close" : "keep";
	e = read_words(framing, chunk_error, then, &d, ei);
	if (!e)
		e = read_length(length, arena, &d, ei);
	if (!e)
		e = read_cut(bytes, body_bytes, &d, ei);
	if (!e && raw)
		e = adversary_delivery_base64("raw_base64", raw, arena, &d.raw, ei);
	if (e)
		return e;
	d.status_line = slice_from(status_line);
	d.interim_count = interim;
	d.interim_status = interim_status;
	d.flood_count = flood;
	d.flood_bytes = flood_bytes;
	d.bytes_per_s = rate;
	*ret_delivery = d;
	return ERR_OK;
}
