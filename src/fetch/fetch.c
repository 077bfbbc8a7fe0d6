/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to providers as messages from clerk to courier. Both sides check what they get. Must never copy a
 * request's body into its label, which is logged, and never let a header smuggle in a second one.
 */
#include "fetch/fetch_private.h"

#include <string.h>

#include "base/url.h"

enum {
	HEADERS_MAX_BYTES = 80 * 1024, /* a token of 64 KiB goes in one */
	BODY_MAX_BYTES = 256 * 1024,   /* and thrice as long in a form */
	LABEL_MAX_BYTES = 64,
};

static const char *const methods[] = {"GET", "POST", "DELETE"};

/* What frames the message or chooses the connection belongs to the courier. */
static const char *const reserved_headers[] = {
	"Accept-Encoding", "Connection",	"Content-Length", "Expect", "Host", "Proxy-Authorization",
	"TE",		   "Transfer-Encoding", "Trailer",	  "Upgrade",
};

bool fetch_is_hex(struct slice text, size_t n)
{
	if (text.n != n)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (!(text.p[i] >= '0' && text.p[i] <= '9') && !(text.p[i] >= 'a' && text.p[i] <= 'f'))
			return false;
	return true;
}

bool fetch_is_attempt(struct slice text)
{
	return fetch_is_hex(text, FETCH_ATTEMPT_BYTES);
}

bool fetch_is_consumable(struct slice text)
{
	return text.n > 0 && text.n <= FETCH_CONSUMES_MAX && slice_is_printable(text);
}

/* RFC 9110 §5.6.2 */
static bool is_token(struct slice name)
{
	if (name.n == 0 || name.n > 64)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' &&
		    c != '_')
			return false;
	}
	return true;
}

static bool is_header_value(struct slice value)
{
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7F)
			return false;
	return true;
}

static enum err check_header(struct slice name, struct slice value, struct errinfo *ei)
{
	if (!is_token(name))
		return err_set(ei, ERR_INVALID, "a header of the request has no proper name");
	for (size_t i = 0; i < sizeof reserved_headers / sizeof reserved_headers[0]; i++)
		if (slice_is_nocase(name, reserved_headers[i]))
			return err_set(ei, ERR_INVALID, "the header %s is set by the courier", reserved_headers[i]);
	if (!is_header_value(value))
		return err_set(ei, ERR_INVALID, "the value of the header %.*s has a control character", SLICE_ARG(name));
	return ERR_OK;
}

static enum err check_method(struct slice method, const char **ret_method)
{
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		if (slice_is(method, methods[i])) {
			*ret_method = methods[i];
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

/* Everything but the headers, for both directions. */
static enum err check_parts(const struct fetch_request *r, struct errinfo *ei)
{
	struct slice attempt = slice_from(r->attempt), url = slice_from(r->url), label = slice_from(r->label);
	const char *method;

	if (r->flags & ~FETCH_YIELDS_TOKENS)
		return err_set(ei, ERR_INVALID, "the request has unknown flags");
	if ((r->flags & FETCH_YIELDS_TOKENS) ? !fetch_is_attempt(attempt) : attempt.n != 0)
		return err_set(ei, ERR_INVALID, "an attempt id belongs to a request that yields tokens, and only to that");
	if ((r->flags & FETCH_YIELDS_TOKENS) ? !fetch_is_consumable(slice_from(r->consumes)) : r->consumes[0] != '\0')
		return err_set(ei, ERR_INVALID, "a request that yields tokens, and only that, names what it consumes");
	if (check_method(slice_from(r->method), &method))
		return err_set(ei, ERR_INVALID, "the request's method is not GET, POST or DELETE");
	if (url.n == 0 || url.n > URL_MAX_BYTES || !slice_is_printable(url))
		return err_set(ei, ERR_INVALID, "the request's URL is empty, too long or has unprintable characters");
	if (r->body_cap == 0 || r->body_cap > FETCH_METADATA_CAP)
		return err_set(ei, ERR_INVALID, "the answer's cap is not from 1 to %d bytes", FETCH_METADATA_CAP);
	if ((r->flags & FETCH_YIELDS_TOKENS) && r->body_cap > FETCH_TOKEN_CAP)
		return err_set(ei, ERR_INVALID, "the cap of an answer with tokens is above %d bytes", FETCH_TOKEN_CAP);
	if (r->body.n > BODY_MAX_BYTES)
		return err_set(ei, ERR_INVALID, "the request's body is longer than %d bytes", BODY_MAX_BYTES);
	if (label.n > LABEL_MAX_BYTES || !slice_is_printable(label))
		return err_set(ei, ERR_INVALID, "the request's label is too long or has unprintable characters");
	return ERR_OK;
}

/* "Name: value\n" for each, in arena memory because values hold credentials. */
static enum err put_headers(const struct fetch_request *r, struct arena *a, struct slice *ret, struct errinfo *ei)
{
	size_t total = 0, at = 0;
	char *text;
	enum err e;

	if (r->header_count > FETCH_HEADERS_MAX)
		return err_set(ei, ERR_INVALID, "the request has more than %d headers", FETCH_HEADERS_MAX);
	for (size_t i = 0; i < r->header_count; i++) {
		e = check_header(slice_from(r->header[i].name), r->header[i].value, ei);
		if (e)
			return e;
		total += strlen(r->header[i].name) + r->header[i].value.n + 3;
	}
	if (total > HEADERS_MAX_BYTES)
		return err_set(ei, ERR_INVALID, "the request's headers are longer than %d bytes", HEADERS_MAX_BYTES);
	text = arena_alloc(a, total + 1, 1);
	for (size_t i = 0; i < r->header_count; i++) {
		size_t name_n = strlen(r->header[i].name);

		memcpy(text + at, r->header[i].name, name_n);
		memcpy(text + at + name_n, ": ", 2);
		at += name_n + 2;
		if (r->header[i].value.n)
			memcpy(text + at, r->header[i].value.p, r->header[i].value.n);
		at += r->header[i].value.n;
		text[at++] = '\n';
	}
	*ret = slice_make(text, total);
	return ERR_OK;
}

static enum err parse_headers(struct slice text, struct arena *a, struct fetch_request *r)
{
	struct slice rest = text, line, name, value;

	if (text.n == 0)
		return ERR_OK;
	if (text.n > HEADERS_MAX_BYTES || text.p[text.n - 1] != '\n')
		return ERR_INVALID;
	rest.n--;
	while (slice_split(&rest, '\n', &line)) {
		name = slice_sub(line, 0, slice_index(line, ':'));
		value = slice_sub(line, name.n, line.n);
		if (r->header_count == FETCH_HEADERS_MAX || !slice_starts(value, ": "))
			return ERR_INVALID;
		value = slice_sub(value, 2, value.n);
		if (check_header(name, value, NULL))
			return ERR_INVALID;
		r->header[r->header_count++] = (struct fetch_header){.name = arena_strndup(a, name), .value = value};
	}
	return ERR_OK;
}

enum err fetch_to_message(const struct fetch_request *r, struct arena *a, struct ipc_message *ret, struct errinfo *ei)
{
	struct ipc_message m = {.kind = IPC_FETCH};
	struct slice headers;
	enum err e = check_parts(r, ei);

	if (e)
		return e;
	e = put_headers(r, a, &headers, ei);
	if (e)
		return e;
	for (size_t i = 0; i < IPC_FIELDS_MAX; i++)
		m.field[i].fd = -1;
	m.field[IPC_FETCH_FLAGS].number = r->flags;
	m.field[IPC_FETCH_ATTEMPT].bytes = slice_from(r->attempt);
	m.field[IPC_FETCH_METHOD].bytes = slice_from(r->method);
	m.field[IPC_FETCH_URL].bytes = slice_from(r->url);
	m.field[IPC_FETCH_BODY_CAP].number = (int64_t)r->body_cap;
	m.field[IPC_FETCH_HEADERS].bytes = headers;
	m.field[IPC_FETCH_BODY].bytes = r->body;
	m.field[IPC_FETCH_LABEL].bytes = slice_from(r->label);
	m.field[IPC_FETCH_CONSUMES].bytes = slice_from(r->consumes);
	*ret = m;
	return ERR_OK;
}

/* A NUL inside would make the text that is checked another than the one that is used. */
static bool has_nul(const struct ipc_message *m)
{
	static const int texts[] = {IPC_FETCH_ATTEMPT, IPC_FETCH_METHOD, IPC_FETCH_URL, IPC_FETCH_HEADERS,
				    IPC_FETCH_LABEL, IPC_FETCH_CONSUMES};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (slice_index(m->field[texts[i]].bytes, '\0') != m->field[texts[i]].bytes.n)
			return true;
	return false;
}

enum err fetch_from_message(const struct ipc_message *m, struct arena *a, struct fetch_request *ret)
{
	struct fetch_request r = {0};
	int64_t flags = m->field[IPC_FETCH_FLAGS].number, cap = m->field[IPC_FETCH_BODY_CAP].number;

	if (m->kind != IPC_FETCH || has_nul(m) || flags < 0 || flags > FETCH_YIELDS_TOKENS || cap < 0 ||
	    cap > FETCH_METADATA_CAP || m->field[IPC_FETCH_URL].bytes.n > URL_MAX_BYTES ||
	    m->field[IPC_FETCH_LABEL].bytes.n > LABEL_MAX_BYTES ||
	    m->field[IPC_FETCH_CONSUMES].bytes.n > FETCH_CONSUMES_MAX)
		return ERR_INVALID;
	if (check_method(m->field[IPC_FETCH_METHOD].bytes, &r.method))
		return ERR_INVALID;
	r.flags = (int)flags;
	r.body_cap = (size_t)cap;
	r.attempt = arena_strndup(a, slice_sub(m->field[IPC_FETCH_ATTEMPT].bytes, 0, FETCH_ATTEMPT_BYTES + 1));
	r.consumes = arena_strndup(a, m->field[IPC_FETCH_CONSUMES].bytes);
	r.url = arena_strndup(a, m->field[IPC_FETCH_URL].bytes);
	r.label = arena_strndup(a, m->field[IPC_FETCH_LABEL].bytes);
	r.body = m->field[IPC_FETCH_BODY].bytes;
	if (check_parts(&r, NULL) || parse_headers(m->field[IPC_FETCH_HEADERS].bytes, a, &r))
		return ERR_INVALID;
	*ret = r;
	return ERR_OK;
}
