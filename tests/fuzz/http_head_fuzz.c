/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request from outside: what the raw gate lets pass, llhttp must read the same way (method, target,
 * number of headers, framing), and the message must come out the same in one piece and byte by byte.
 */
#include <stdlib.h>
#include <string.h>

#include <llhttp.h>

#include "http/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what) \
	do { \
		if (!(what)) \
			abort(); \
	} while (0)

struct seen {
	struct slice target;
	size_t names, values;
	bool headers_complete;
};

static int on_url(llhttp_t *p, const char *at, size_t n)
{
	struct seen *s = p->data;

	MUST(s->target.p == NULL);
	s->target = slice_make(at, n);
	return 0;
}

static int on_name(llhttp_t *p)
{
	((struct seen *)p->data)->names++;
	return 0;
}

static int on_value(llhttp_t *p)
{
	((struct seen *)p->data)->values++;
	return 0;
}

static int on_headers(llhttp_t *p)
{
	((struct seen *)p->data)->headers_complete = true;
	return 2; /* the body is none of this function's business */
}

static void compare_with_parser(struct slice head, const struct head *h)
{
	static const llhttp_settings_t settings = {.on_url = on_url,
						   .on_header_field_complete = on_name,
						   .on_header_value_complete = on_value,
						   .on_headers_complete = on_headers};
	struct seen seen = {0};
	llhttp_t p;
	llhttp_errno_t e;

	llhttp_init(&p, HTTP_REQUEST, &settings);
	p.data = &seen;
	e = llhttp_execute(&p, head.p, head.n);
	MUST(e == HPE_OK || e == HPE_PAUSED_UPGRADE);
	MUST(seen.headers_complete);
	MUST(slice_eq(seen.target, h->target) && seen.target.p == h->target.p);
	MUST(slice_is(h->method, llhttp_method_name((llhttp_method_t)p.method)));
	MUST(seen.names == h->field_count && seen.values == h->field_count);
	MUST(p.http_major == 1 && p.http_minor == (h->is_1_0 ? 0 : 1));
	MUST(((p.flags & F_CHUNKED) != 0) == h->chunked);
	MUST(((p.flags & F_CONTENT_LENGTH) != 0) == h->has_length);
	MUST(!h->has_length || p.content_length == h->length);
}

struct outcome {
	enum refusal why;
	size_t end;
	bool complete, keep;
	size_t body, headers, segments;
};

static struct outcome feed(struct slice text, size_t head, size_t step)
{
	struct arena *arena = arena_new(1 << 20);
	struct request *r = ARENA_NEW(arena, struct request);
	struct outcome out = {.end = head};
	struct message m;
	struct buf body;

	r->arena = arena;
	buf_init(&body, REQUEST_BODY_MAX);
	out.why = message_begin(&m, slice_sub(text, 0, head), r, &body);
	while (!out.why && !m.complete && out.end < text.n) {
		size_t used = 0;

		out.why = message_feed(&m, slice_sub(text, out.end, step), &used);
		MUST(out.why || used > 0);
		out.end += used;
	}
	out.complete = m.complete;
	out.headers = r->header_count;
	out.segments = r->segment_count;
	if (!out.why && m.complete) {
		out.keep = m.keep_alive;
		out.body = r->body.n;
		MUST(r->path.n > 0 && r->path.p[0] == '/' && slice_is_utf8(r->path));
	}
	MUST(out.why != REFUSAL_PARSER); /* the gates are the stricter of the two */
	buf_done(&body);
	arena_free(&arena);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make(data, size);
	enum refusal why = REFUSAL_NONE;
	size_t head = 0;
	struct head h;

	if (head_scan(text, 0, &head, &why) != HEAD_COMPLETE) {
		(void)head_check(text, &h);
		return 0;
	}
	MUST(head <= size);
	if (head_check(slice_sub(text, 0, head), &h) == REFUSAL_NONE) {
		struct outcome whole = feed(text, head, size), cut = feed(text, head, 1);

		compare_with_parser(slice_sub(text, 0, head), &h);
		MUST(whole.why == cut.why && (whole.why || whole.end == cut.end));
		MUST(whole.complete == cut.complete && whole.keep == cut.keep && whole.body == cut.body);
		MUST(whole.headers == cut.headers && whole.segments == cut.segments);
		MUST(!whole.complete || whole.why || h.chunked || whole.body == h.length);
	}
	return 0;
}
