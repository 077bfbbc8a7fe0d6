/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate before the parser (RFC 9112 §2.2, §3, §5, §6). It owns the decision which heads are
 * unambiguous: every line ends with CRLF, no line is folded, names are tokens with the colon right
 * behind them, one Host, one body length told in one way. It is stricter than the RFC wherever two
 * servers in a row could read a message differently. It must never guess, repair or skip anything.
 */
#include "http/head.h"

#include <string.h>

enum { REQUEST_LINE_MAX = 7 + 1 + REQUEST_TARGET_MAX + 1 + 8 + 2 }; /* "OPTIONS", target, version, CRLF */

/* Headers that may come once only: two would let two readers choose differently. */
enum { ONCE_HOST, ONCE_LENGTH, ONCE_CODING, ONCE_EXPECT, ONCE_OTHERS };
#define NAME(text) {.p = (text), .n = sizeof(text) - 1}
static const struct slice once_names[] = {
	[ONCE_HOST] = NAME("host"),
	[ONCE_LENGTH] = NAME("content-length"),
	[ONCE_CODING] = NAME("transfer-encoding"),
	[ONCE_EXPECT] = NAME("expect"),
	[ONCE_OTHERS] = NAME("authorization"),
	NAME("x-api-key"),
	NAME("content-type"),
	NAME("cookie"),
	NAME("origin"),
	NAME("sec-fetch-site"),
};
#undef NAME

/* RFC 9110 §5.6.2: the characters of a token. A table, because every byte of every name is looked at. */
static const bool token_char[256] = {
	['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true, ['\''] = true, ['*'] = true, ['+'] = true,
	['-'] = true, ['.'] = true, ['^'] = true, ['_'] = true, ['`'] = true, ['|'] = true, ['~'] = true,
	['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

/* What may stand in a value: no control character but the tab (RFC 9110 §5.5). */
static const bool value_char[256] = {['\t'] = true, [0x20 ... 0x7E] = true, [0x80 ... 0xFF] = true};

static bool is_token_char(unsigned char c)
{
	return token_char[c];
}

enum head_scan head_scan(struct slice bytes, size_t from, size_t *ret_length, enum refusal *ret_why)
{
	const char *at = bytes.p + from, *end = bytes.p + bytes.n;
	const char *first_line;

	if (bytes.n == 0)
		return HEAD_PARTIAL;
	if (bytes.p[0] < 'A' || bytes.p[0] > 'Z') {
		*ret_why = REFUSAL_FIRST_BYTE;
		return HEAD_REFUSED;
	}
	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (at[-1] != '\r') { /* at > bytes.p: the first byte is a letter */
			*ret_why = REFUSAL_LINE_END;
			return HEAD_REFUSED;
		}
		at++;
		if (at - bytes.p >= 4 && at[-3] == '\n' && at[-4] == '\r') {
			*ret_length = (size_t)(at - bytes.p);
			return HEAD_COMPLETE;
		}
	}
	if (bytes.n < REQUEST_LINE_MAX)
		return HEAD_PARTIAL;
	first_line = memchr(bytes.p, '\n', REQUEST_LINE_MAX);
	if (!first_line || (size_t)(end - first_line) > REQUEST_HEAD_MAX + 2) {
		*ret_why = first_line ? REFUSAL_HEAD_LARGE : REFUSAL_TARGET_LONG;
		return HEAD_REFUSED;
	}
	return HEAD_PARTIAL;
}

static enum refusal check_method(struct slice method, enum http_method *ret_method)
{
	static const struct {
		const char *name;
		enum http_method kind;
	} known[] = {
		{"GET", HTTP_M_GET},	 {"HEAD", HTTP_M_HEAD},	    {"POST", HTTP_M_POST},	 {"PUT", HTTP_M_PUT},
		{"PATCH", HTTP_M_PATCH}, {"DELETE", HTTP_M_DELETE}, {"OPTIONS", HTTP_M_OPTIONS},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (slice_is(method, known[i].name)) {
			*ret_method = known[i].kind;
			return REFUSAL_NONE;
		}
	if (method.n == 0)
		return REFUSAL_REQUEST_LINE;
	for (size_t i = 0; i < method.n; i++)
		if (!is_token_char((unsigned char)method.p[i]))
			return REFUSAL_REQUEST_LINE;
	if (slice_is(method, "TRACE") || slice_is(method, "CONNECT"))
		return REFUSAL_METHOD_BANNED;
	return REFUSAL_METHOD;
}

/* Origin-form only (RFC 9112 §3.2.1), printable ASCII without a fragment. */
static enum refusal check_target(struct slice target)
{
	if (target.n == 0)
		return REFUSAL_REQUEST_LINE;
	if (target.n > REQUEST_TARGET_MAX)
		return REFUSAL_TARGET_LONG;
	if (target.p[0] != '/')
		return REFUSAL_TARGET_FORM;
	for (size_t i = 0; i < target.n; i++)
		if ((unsigned char)target.p[i] <= 0x20 || (unsigned char)target.p[i] >= 0x7F || target.p[i] == '#')
			return REFUSAL_TARGET_BYTE;
	return REFUSAL_NONE;
}

static enum refusal check_version(struct slice version, bool *ret_is_1_0)
{
	if (slice_is(version, "HTTP/1.1") || slice_is(version, "HTTP/1.0")) {
		*ret_is_1_0 = version.p[7] == '0';
		return REFUSAL_NONE;
	}
	if (version.n == 8 && slice_starts(version, "HTTP/") && version.p[5] >= '0' && version.p[5] <= '9' &&
	    version.p[6] == '.' && version.p[7] >= '0' && version.p[7] <= '9')
		return REFUSAL_VERSION;
	return REFUSAL_REQUEST_LINE;
}

static enum refusal check_request_line(struct slice line, struct head *h)
{
	struct slice rest = line;
	enum refusal why;

	if (!slice_split(&rest, ' ', &h->method) || !rest.p)
		return REFUSAL_REQUEST_LINE;
	why = check_method(h->method, &h->method_kind);
	if (why == REFUSAL_REQUEST_LINE)
		return why;
	if (!slice_split(&rest, ' ', &h->target) || !rest.p)
		return REFUSAL_REQUEST_LINE; /* HTTP/0.9 has no version */
	if (h->target.n > REQUEST_TARGET_MAX)
		return REFUSAL_TARGET_LONG;
	if (why == REFUSAL_NONE)
		why = check_version(rest, &h->is_1_0);
	if (why == REFUSAL_NONE)
		why = check_target(h->target);
	return why;
}

/* A registered name, an address or a bracketed one, with or without a port; never a list, a path or user info. */
static bool is_host(struct slice v)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
		      c == '-' || c == '_' || c == ':' || c == '[' || c == ']'))
			return false;
	}
	return v.n > 0 && v.n <= 255;
}

static enum refusal check_length(struct slice v, struct head *h)
{
	if (!slice_to_u64(v, UINT64_MAX / 2, &h->length) || (v.n > 1 && v.p[0] == '0'))
		return REFUSAL_LENGTH;
	h->has_length = true;
	return REFUSAL_NONE;
}

/* The headers that this server itself acts upon. `*seen` has a bit per name that came. */
static enum refusal check_once(struct slice name, struct slice value, struct head *h, unsigned *seen)
{
	size_t i = 0;

	while (i < sizeof once_names / sizeof once_names[0] &&
	       (name.n != once_names[i].n || !slice_eq_nocase(name, once_names[i])))
		i++;
	if (i == sizeof once_names / sizeof once_names[0])
		return REFUSAL_NONE;
	if (*seen & 1u << i)
		return i == ONCE_HOST ? REFUSAL_HOST : i == ONCE_LENGTH ? REFUSAL_LENGTH : REFUSAL_TWICE;
	*seen |= 1u << i;
	if (i == ONCE_HOST && !is_host(value))
		return REFUSAL_HOST;
	if (i == ONCE_LENGTH)
		return check_length(value, h);
	if (i == ONCE_CODING) {
		h->chunked = true;
		return slice_is(value, "chunked") ? REFUSAL_NONE : REFUSAL_CODING;
	}
	if (i == ONCE_EXPECT) {
		h->expects_continue = true;
		return slice_is_nocase(value, "100-continue") ? REFUSAL_NONE : REFUSAL_EXPECT;
	}
	return REFUSAL_NONE;
}

static enum refusal check_field(struct slice line, struct head *h, unsigned *seen)
{
	size_t colon = slice_index(line, ':');
	struct slice value;
	bool padded;

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return REFUSAL_FOLDED;
	if (colon == 0 || colon == line.n)
		return REFUSAL_NAME;
	for (size_t i = 0; i < colon; i++)
		if (!is_token_char((unsigned char)line.p[i]))
			return REFUSAL_NAME;
	for (size_t i = colon + 1; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if (!value_char[c])
			return c == '\r' ? REFUSAL_LINE_END : REFUSAL_VALUE;
	}
	value = slice_trim(slice_sub(line, colon + 1, line.n));
	padded = value.p + value.n != line.p + line.n;
	if (padded && (slice_eq_nocase(slice_sub(line, 0, colon), once_names[ONCE_CODING]) ||
		       slice_eq_nocase(slice_sub(line, 0, colon), once_names[ONCE_LENGTH])))
		return REFUSAL_PADDED; /* llhttp takes "chunked" with a tab behind it for another coding */
	return check_once(slice_sub(line, 0, colon), value, h, seen);
}

/* Takes the next line without its CRLF; false when it has none. */
static bool next_line(struct slice *rest, struct slice *ret_line)
{
	size_t n = slice_index(*rest, '\n');

	if (n == rest->n || n == 0 || rest->p[n - 1] != '\r')
		return false;
	*ret_line = slice_sub(*rest, 0, n - 1);
	*rest = slice_sub(*rest, n + 1, rest->n);
	return true;
}

static enum refusal check_framing(const struct head *h, unsigned seen)
{
	if (!(seen & 1u << ONCE_HOST))
		return REFUSAL_HOST;
	if (h->chunked && h->has_length)
		return REFUSAL_LENGTH_AND_CODING;
	if (h->chunked && h->is_1_0)
		return REFUSAL_CODING;
	if (h->length > REQUEST_BODY_MAX)
		return REFUSAL_BODY_LARGE;
	return REFUSAL_NONE;
}

enum refusal head_check(struct slice bytes, struct head *ret_head)
{
	struct head h = {.method_kind = HTTP_M_GET};
	struct slice rest = bytes, line = {0};
	unsigned seen = 0;
	enum refusal why;

	if (!next_line(&rest, &line))
		return REFUSAL_LINE_END;
	why = check_request_line(line, &h);
	if (why)
		return why;
	if (rest.n > REQUEST_HEAD_MAX + 2) /* the empty line does not count */
		return REFUSAL_HEAD_LARGE;
	for (;;) {
		if (!next_line(&rest, &line))
			return REFUSAL_LINE_END;
		if (line.n == 0)
			break;
		if (++h.field_count > REQUEST_HEADERS_MAX)
			return REFUSAL_HEAD_MANY;
		why = check_field(line, &h, &seen);
		if (why)
			return why;
	}
	if (rest.n)
		return REFUSAL_LINE_END;
	why = check_framing(&h, seen);
	if (why)
		return why;
	*ret_head = h;
	return REFUSAL_NONE;
}
