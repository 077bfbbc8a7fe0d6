/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page builder. Must never put text that is not a literal of ours into HTML without escaping it, and never
 * write inline script or style: the content policy forbids both (WB-04).
 */
#include "ui/page.h"

#include <assert.h>

#include "base/encode.h"
#include "base/mem.h"
#include "ui/paths.h"

void page_put(struct buf *b, const char *const *template_and_texts)
{
	struct slice rest = slice_from(template_and_texts[0]);
	const char *const *text = template_and_texts + 1;

	for (;;) {
		size_t at = slice_index(rest, '$');

		buf_put(b, slice_sub(rest, 0, at));
		if (at == rest.n)
			break;
		assert(*text);
		encode_html(b, slice_from(*text++));
		rest = slice_sub(rest, at + 1, rest.n);
	}
	assert(!*text);
}

struct buf *page_begin(struct response *r, int status, const struct page *page)
{
	struct buf *b = &r->body;

	buf_reset(b);
	r->status = status;
	r->content_type = "text/html; charset=utf-8";
	PAGE(b, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<title>$ – FiberWise</title>\n"
		"<link rel=\"icon\" href=\"/static/favicon.svg\" type=\"image/svg+xml\">\n"
		"<link rel=\"stylesheet\" href=\"/static/style.css\">\n</head>\n<body>\n"
		"<a class=\"skip\" href=\"#main\">Skip to the content</a>\n"
		"<header class=\"top\">\n<a class=\"brand\" href=\"/\">"
		"<img src=\"/static/favicon.svg\" alt=\"\" width=\"24\" height=\"24\">FiberWise</a>\n", page->title);
	if (page->user)
		PAGE(b, "<nav aria-label=\"Main\"><a href=\"" PATH_CONNECTIONS "\">Settings</a></nav>\n"
			"<div class=\"who\"><span><span class=\"wordy\">Signed in as</span> <strong>$</strong></span>"
			"<form method=\"post\" action=\"" PATH_LOGOUT "\">"
			"<input type=\"hidden\" name=\"form_token\" value=\"$\">"
			"<button class=\"plain\">Sign out</button></form></div>\n", page->user, page->form_token);
	PAGE(b, "</header>\n<main id=\"main\" class=\"$\">\n", page->narrow ? "narrow" : "wide");
	return b;
}

struct buf *page_begin_call(struct call *c, int status, const char *title, bool narrow)
{
	struct page page = {.title = title, .narrow = narrow};

	if (c->caller.kind == CALLER_SESSION) {
		page.user = c->caller.owner.name;
		page.form_token = call_form_token(c);
	}
	return page_begin(c->response, status, &page);
}

void page_end(struct buf *b)
{
	PAGE(b, "</main>\n</body>\n</html>\n");
}

void page_banner(struct buf *b, enum page_mood mood, const char *news, const char *sentence)
{
	bool good = mood == PAGE_GOOD;

	PAGE(b, "<p class=\"banner $\" role=\"$\"><strong>$</strong>", good ? "good" : "bad", good ? "status" : "alert", news);
	PAGE(b, " $</p>\n", sentence);
}

/* Sentences of errinfo begin in lower case and without a full stop, because the log and the CLI put them into lines. */
void page_sentence(struct buf *b, const char *text)
{
	struct slice s = slice_from(text);
	char first = s.n ? s.p[0] : ' ';

	if (first >= 'a' && first <= 'z')
		first = (char)(first - 'a' + 'A');
	PAGE(b, "<p>");
	encode_html(b, slice_make(&first, 1));
	encode_html(b, slice_sub(s, 1, s.n));
	if (s.n && !slice_ends(s, ".") && !slice_ends(s, "!") && !slice_ends(s, "?"))
		buf_putc(b, '.');
	PAGE(b, "</p>\n");
}

void page_form_error(struct buf *b, const struct errinfo *ei)
{
	PAGE(b, "<div class=\"banner bad\" role=\"alert\">\n");
	for (size_t i = 0; i < ei->field_count; i++)
		PAGE(b, "<p>The $ $.</p>\n", ei->fields[i].name, ei->fields[i].why);
	if (ei->field_count == 0)
		page_sentence(b, ei->detail);
	PAGE(b, "</div>\n");
}

void page_hidden(struct buf *b, const char *name, const char *value)
{
	PAGE(b, "<input type=\"hidden\" name=\"$\" value=\"$\">\n", name, value);
}

void page_form_token(struct buf *b, struct call *c)
{
	page_hidden(b, "form_token", call_form_token(c));
}

static void put_span(struct buf *b, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *one, *more;
	} units[] = {
		{24 * 60 * 60 * 1000, "day", "days"},
		{60 * 60 * 1000, "hour", "hours"},
		{60 * 1000, "minute", "minutes"},
		{1000, "second", "seconds"},
	};
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(units) && ms < units[i].ms)
		i++;
	ms /= units[i].ms;
	buf_put_i64(b, ms);
	buf_putc(b, ' ');
	buf_puts(b, ms == 1 ? units[i].one : units[i].more);
}

void page_relative_time(struct buf *b, int64_t at, int64_t now)
{
	char text[CLOCK_RFC3339_BYTES];

	clock_rfc3339(at, text);
	PAGE(b, "<time datetime=\"$\" title=\"$\">", text, text);
	if (at > now)
		buf_puts(b, "in ");
	put_span(b, at > now ? at - now : now - at);
	if (at <= now)
		buf_puts(b, " ago");
	PAGE(b, "</time>");
}

void page_absolute_time(struct buf *b, int64_t at)
{
	char text[CLOCK_RFC3339_BYTES];
	struct slice whole;

	clock_rfc3339(at, text);
	whole = slice_from(text);
	PAGE(b, "<time datetime=\"$\">", text);
	encode_html(b, slice_sub(whole, 0, 10));
	buf_putc(b, ' ');
	encode_html(b, slice_sub(whole, 11, 5));
	PAGE(b, " UTC</time>");
}
