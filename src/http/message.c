/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates and parser brought together. llhttp is the parser; the gates have looked at the raw bytes
 * before it, and count the fields and the body on their own. A message on which both do not agree in
 * method, target, number of headers and end is refused: such a message is how requests are smuggled.
 */
#include "http/message.h"

#include <string.h>

#include "http/path.h"

static int refuse(struct message *m, enum refusal why)
{
	m->why = why;
	return HPE_USER;
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
	struct message *m = parser->data;

	/* The head is one piece, so a target is one span. */
	if (at != m->head.target.p || n != m->head.target.n)
		return refuse(m, REFUSAL_PARSER);
	return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t n)
{
	struct message *m = parser->data;
	struct request *r = m->request;
	struct request_pair *last = r->header_count ? &r->header[r->header_count - 1] : NULL;

	if (m->headers_done)
		return refuse(m, REFUSAL_CHUNK); /* a trailer */
	if (last && !m->in_value && last->name.p + last->name.n == at) {
		last->name.n += n;
		return 0;
	}
	if (r->header_count == m->head.field_count)
		return refuse(m, REFUSAL_PARSER); /* the gate counted fewer */
	r->header[r->header_count++] = (struct request_pair){.name = {at, n}, .value = {at + n, 0}};
	m->in_value = false;
	return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t n)
{
	struct message *m = parser->data;
	struct request *r = m->request;
	struct slice *value = r->header_count ? &r->header[r->header_count - 1].value : NULL;

	if (!value || m->headers_done)
		return refuse(m, REFUSAL_PARSER);
	if (!m->in_value)
		*value = slice_make(at, n);
	else if (value->p + value->n == at)
		value->n += n;
	else
		return refuse(m, REFUSAL_PARSER);
	m->in_value = true;
	return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
	struct message *m = parser->data;

	m->in_value = true; /* also after an empty value: the next name is a new pair */
	return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct message *m = parser->data;

	m->headers_done = true;
	parser->upgrade = 0; /* Upgrade is ignored (RFC 9110 §7.8), the body is read as announced */
	return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
	struct message *m = parser->data;

	buf_put(m->body, slice_make(at, n));
	return buf_ok(m->body) ? 0 : refuse(m, REFUSAL_BODY_LARGE);
}

static int on_chunk_extension(llhttp_t *parser, const char *at, size_t n)
{
	(void)at;
	(void)n;
	return refuse(parser->data, REFUSAL_CHUNK);
}

static int on_message_complete(llhttp_t *parser)
{
	struct message *m = parser->data;

	m->complete = true;
	m->keep_alive = !m->head.is_1_0 && llhttp_should_keep_alive(parser);
	return 0;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_chunk_extension_name = on_chunk_extension,
	.on_chunk_extension_value = on_chunk_extension,
	.on_message_complete = on_message_complete,
};

static enum refusal execute(struct message *m, struct slice bytes)
{
	if (llhttp_execute(&m->parser, bytes.p, bytes.n) == HPE_OK)
		return REFUSAL_NONE;
	return m->why ? m->why : REFUSAL_PARSER;
}

/* Trims values and lower-cases names, in the request's own copy of the head. */
static void normalise(struct request *r, char *owned)
{
	for (size_t i = 0; i < r->header_count; i++) {
		char *name = owned + (r->header[i].name.p - owned);

		for (size_t k = 0; k < r->header[i].name.n; k++)
			if (name[k] >= 'A' && name[k] <= 'Z')
				name[k] = (char)(name[k] + ('a' - 'A'));
		r->header[i].value = slice_trim(r->header[i].value);
	}
}

static bool agree(const struct message *m)
{
	const char *name = llhttp_method_name((llhttp_method_t)m->parser.method);
	bool has_body = m->head.chunked || m->head.length > 0;

	return m->headers_done && slice_is(m->head.method, name) && m->request->header_count == m->head.field_count &&
	       m->complete == !has_body;
}

enum refusal message_begin(struct message *m, struct slice head, struct request *request, struct buf *body)
{
	char *owned = arena_strndup(request->arena, head);
	enum refusal why;

	*m = (struct message){.request = request, .body = body};
	why = head_check(slice_make(owned, head.n), &m->head);
	if (why)
		return why;
	request->header = ARENA_NEW_N(request->arena, m->head.field_count, struct request_pair);
	llhttp_init(&m->parser, HTTP_REQUEST, &settings);
	m->parser.data = m;
	why = execute(m, slice_make(owned, head.n));
	if (why)
		return why;
	if (!agree(m))
		return REFUSAL_PARSER;
	normalise(request, owned);
	request->method = m->head.method_kind;
	request->body = SLICE_LIT("");
	chunk_init(&m->chunk);
	m->left = (size_t)m->head.length;
	return path_parse(request, m->head.target);
}

enum refusal message_feed(struct message *m, struct slice bytes, size_t *ret_used)
{
	size_t used = bytes.n < m->left ? bytes.n : m->left;
	bool end;
	enum refusal why;

	if (m->head.chunked) {
		why = chunk_feed(&m->chunk, bytes, &used);
		if (why)
			return why;
		end = m->chunk.state == CHUNK_DONE;
	} else {
		m->left -= used;
		end = m->left == 0;
	}
	why = execute(m, slice_sub(bytes, 0, used));
	if (why)
		return why;
	if (m->complete != end)
		return REFUSAL_PARSER;
	if (end)
		m->request->body = m->body->n ? buf_slice(m->body) : SLICE_LIT("");
	*ret_used = used;
	return REFUSAL_NONE;
}
