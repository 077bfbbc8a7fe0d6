/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an answer's parts to its bytes. Members are escaped here and nowhere else; header lines and
 * raw bodies are not, because breaking them is what this provider is for. Must never decide anything:
 * what is sent was chosen by the honest handler and the script.
 */
#include "support/adversary_answer.h"

#include <string.h>

#include "base/buf.h"
#include "base/encode.h"

enum { RENDER_MAX = 64 << 20 };

struct adversary_member *adversary_answer_find(struct adversary_answer *a, struct slice name)
{
	for (size_t i = 0; i < a->member_count; i++)
		if (slice_eq(a->members[i].name, name))
			return &a->members[i];
	return NULL;
}

void adversary_answer_add(struct adversary_answer *a, struct slice name, struct slice value, bool is_text)
{
	if (a->member_count == ADVERSARY_MEMBERS_MAX)
		return;
	a->members[a->member_count++] = (struct adversary_member){
		.name = arena_copy(a->arena, name),
		.value = arena_copy(a->arena, value),
		.is_text = is_text,
	};
}

void adversary_answer_add_front(struct adversary_answer *a, struct slice name, struct slice value, bool is_text)
{
	struct adversary_member last;
	size_t before = a->member_count;

	adversary_answer_add(a, name, value, is_text);
	if (a->member_count == before)
		return;
	last = a->members[before];
	memmove(a->members + 1, a->members, before * sizeof last);
	a->members[0] = last;
}

void adversary_answer_set(struct adversary_answer *a, struct slice name, struct slice value, bool is_text)
{
	struct adversary_member *m = adversary_answer_find(a, name);

	if (!m) {
		adversary_answer_add(a, name, value, is_text);
		return;
	}
	m->value = arena_copy(a->arena, value);
	m->is_text = is_text;
}

void adversary_answer_remove(struct adversary_answer *a, struct slice name)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->member_count; i++)
		if (!slice_eq(a->members[i].name, name))
			a->members[kept++] = a->members[i];
	a->member_count = kept;
}

void adversary_answer_header(struct adversary_answer *a, struct slice name, struct slice value)
{
	if (a->header_count == ADVERSARY_HEADERS_MAX)
		return;
	a->headers[a->header_count].name = arena_copy(a->arena, name);
	a->headers[a->header_count].value = arena_copy(a->arena, value);
	a->header_count++;
}

/* RFC 8259 §7; bytes above 0x7F pass as they are, valid UTF-8 or not. */
static void put_json_text(struct buf *out, struct slice text)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '"' || c == '\\')
			buf_putc(out, '\\');
		if (c < 0x20)
			buf_printf(out, "\\u%04x", c);
		else
			buf_putc(out, (char)c);
	}
	buf_putc(out, '"');
}

static void put_object(struct buf *out, const struct adversary_answer *a)
{
	buf_putc(out, '{');
	for (size_t i = 0; i < a->member_count; i++) {
		const struct adversary_member *m = &a->members[i];

		if (i)
			buf_putc(out, ',');
		put_json_text(out, m->name);
		buf_putc(out, ':');
		if (m->is_text)
			put_json_text(out, m->value);
		else
			buf_put(out, m->value);
	}
	buf_putc(out, '}');
}

static void put_form(struct buf *out, const struct adversary_answer *a)
{
	for (size_t i = 0; i < a->member_count; i++) {
		if (i)
			buf_putc(out, '&');
		encode_form(out, a->members[i].name);
		buf_putc(out, '=');
		encode_form(out, a->members[i].value);
	}
}

static void put_body(struct buf *out, const struct adversary_answer *a)
{
	if (a->form == ADVERSARY_SLACK)
		buf_puts(out, "{\"ok\":true,\"authed_user\":");
	if (a->form == ADVERSARY_FORM)
		put_form(out, a);
	else
		put_object(out, a);
	if (a->form == ADVERSARY_SLACK)
		buf_putc(out, '}');
}

/* Turns members into the body, or into the Location of a callback. */
static void settle_body(struct adversary_answer *a, struct buf *text)
{
	if (a->form == ADVERSARY_BODY)
		return;
	if (a->form != ADVERSARY_CALLBACK) {
		put_body(text, a);
		if (a->content_type.n == 0)
			a->content_type = a->form == ADVERSARY_FORM ? SLICE_LIT("application/x-www-form-urlencoded")
								    : SLICE_LIT("application/json");
		adversary_wire_add(&a->body, arena_copy(a->arena, buf_slice(text)), 1);
	} else if (a->location.n) {
		buf_put(text, a->location);
		if (a->member_count)
			buf_put(text, a->separator.n ? a->separator : SLICE_LIT("?"));
		put_form(text, a);
		buf_put(text, a->suffix);
		adversary_answer_header(a, SLICE_LIT("Location"), buf_slice(text));
	}
	a->form = ADVERSARY_BODY;
	buf_reset(text);
}

static const char *reason_of(int status)
{
	switch (status) {
	case 200: return "OK";
	case 302: return "Found";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 404: return "Not Found";
	case 429: return "Too Many Requests";
	case 503: return "Service Unavailable";
	default: return "Status";
	}
}

static void put_head(struct buf *out, const struct adversary_answer *a, const struct adversary_delivery *d, bool close)
{
	if (d->status_line.n)
		buf_put(out, d->status_line);
	else
		buf_printf(out, "HTTP/1.1 %d %s", a->status, reason_of(a->status));
	buf_puts(out, "\r\nCache-Control: no-store\r\n");
	if (a->content_type.n) {
		buf_puts(out, "Content-Type: ");
		buf_put(out, a->content_type);
		buf_puts(out, "\r\n");
	}
	for (size_t i = 0; i < a->header_count; i++) {
		buf_put(out, a->headers[i].name);
		buf_puts(out, ": ");
		buf_put(out, a->headers[i].value);
		buf_puts(out, "\r\n");
	}
	if (d->framing == ADVERSARY_BY_CHUNKS)
		buf_puts(out, "Transfer-Encoding: chunked\r\n");
	if (d->content_length.n) {
		buf_puts(out, "Content-Length: ");
		buf_put(out, d->content_length);
		buf_puts(out, "\r\n");
	} else if (d->framing == ADVERSARY_BY_LENGTH || d->chunk_error == ADVERSARY_CHUNK_WITH_LENGTH) {
		buf_puts(out, "Content-Length: ");
		buf_printf(out, "%llu\r\n", (unsigned long long)adversary_wire_total(&a->body));
	}
	if (close)
		buf_puts(out, "Connection: close\r\n");
}

static void put_flood(struct adversary_answer *a, const struct adversary_delivery *d, struct adversary_wire *wire)
{
	static const char name[] = "X-Flood: ";
	size_t n = (size_t)d->flood_bytes;
	size_t begin = sizeof name - 1;
	char *line = arena_alloc(a->arena, begin + n + 2, 1);

	memcpy(line, name, begin);
	memset(line + begin, 'f', n);
	memcpy(line + begin + n, "\r\n", 2);
	adversary_wire_add(wire, slice_make(line, begin + n + 2), (uint64_t)d->flood_count);
}

/* The body in one chunk (RFC 9112 §7.1), with the error asked for. */
static void put_chunks(struct adversary_answer *a, enum adversary_chunk_error error, struct adversary_wire *wire)
{
	uint64_t total = adversary_wire_total(&a->body);
	char *size = arena_printf(a->arena, "%llx\r\n", (unsigned long long)total);

	if (error == ADVERSARY_CHUNK_BAD_SIZE)
		size = arena_strdup(a->arena, "xyz\r\n");
	if (error == ADVERSARY_CHUNK_HUGE_SIZE)
		size = arena_strdup(a->arena, "fffffffffffffffff\r\n");
	if (error == ADVERSARY_CHUNK_LONG_EXT) {
		size[strlen(size) - 2] = '\0';
		adversary_wire_add(wire, slice_from(size), 1);
		adversary_wire_add(wire, SLICE_LIT(";x="), 1);
		adversary_wire_add(wire, SLICE_LIT("eeeeeeeeeeeeeeee"), 4096);
		size = arena_strdup(a->arena, "\r\n");
	}
	if (total) {
		adversary_wire_add(wire, slice_from(size), 1);
		adversary_wire_join(wire, &a->body);
		if (error != ADVERSARY_CHUNK_NO_CRLF)
			adversary_wire_add(wire, SLICE_LIT("\r\n"), 1);
	}
	if (error == ADVERSARY_CHUNK_NO_END)
		return;
	adversary_wire_add(wire, SLICE_LIT("0\r\n"), 1);
	if (error == ADVERSARY_CHUNK_TRAILERS)
		adversary_wire_add(wire, SLICE_LIT("X-Trailer: tttttttt\r\n"), 1000);
	adversary_wire_add(wire, SLICE_LIT("\r\n"), 1);
}

void adversary_answer_render(struct adversary_answer *a, const struct adversary_delivery *delivery, bool keep_alive,
			     struct adversary_wire *ret_wire, uint64_t *ret_head_bytes, bool *ret_close)
{
	bool close = !keep_alive || delivery->framing == ADVERSARY_BY_CLOSE;
	struct adversary_wire wire = {0};
	struct buf text;

	*ret_close = close;
	if (delivery->raw.p) {
		adversary_wire_add(&wire, delivery->raw, 1);
		*ret_head_bytes = 0;
		*ret_wire = wire;
		return;
	}
	buf_init(&text, RENDER_MAX);
	settle_body(a, &text);
	if (delivery->interim_count) {
		char *interim = arena_printf(a->arena, "HTTP/1.1 %d Interim\r\n\r\n", delivery->interim_status);

		adversary_wire_add(&wire, slice_from(interim), (uint64_t)delivery->interim_count);
	}
	put_head(&text, a, delivery, close);
	adversary_wire_add(&wire, arena_copy(a->arena, buf_slice(&text)), 1);
	if (delivery->flood_count)
		put_flood(a, delivery, &wire);
	adversary_wire_add(&wire, SLICE_LIT("\r\n"), 1);
	*ret_head_bytes = adversary_wire_total(&wire);
	if (delivery->framing == ADVERSARY_BY_CHUNKS)
		put_chunks(a, delivery->chunk_error, &wire);
	else
		adversary_wire_join(&wire, &a->body);
	buf_done(&text);
	*ret_wire = wire;
}
