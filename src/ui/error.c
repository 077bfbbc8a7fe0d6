/* SPDX-License-Identifier: Apache-2.0 */
/* The page that an error becomes. Must never show the request's query: it may hold a code (OA-09, OA-10). */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ui/page.h"
#include "ui/routes.h"

static const char *heading(int status, const char *code)
{
	static const struct {
		int status;
		const char *text;
	} known[] = {
		{400, "That request can’t be used"},
		{401, "Please sign in"},
		{403, "Not allowed"},
		{404, "Not found"},
		{405, "Not possible here"},
		{409, "That doesn’t fit any more"},
		{413, "Too large"},
		{422, "Something is missing or wrong"},
		{429, "Too many requests"},
		{502, "The provider can’t be reached"},
		{503, "Not available at the moment"},
		{504, "The provider takes too long"},
	};

	if (strcmp(code, "link_over") == 0)
		return "This link is over";
	if (strcmp(code, "unknown_state") == 0)
		return "This sign-in can’t go on";
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].status == status)
			return known[i].text;
	return status >= 500 ? "Something went wrong here" : "That request can’t be served";
}

/* Met by users of an app, who have no account here: the start page would ask them for a password. */
static bool is_of_visitors(const char *code)
{
	return strcmp(code, "link_over") == 0 || strcmp(code, "unknown_state") == 0;
}

static void put_sentences(struct buf *b, const struct errinfo *ei)
{
	/* With fields `detail` is only the first of them in words. */
	if (ei->detail[0] && !ei->field_count)
		page_sentence(b, ei->detail);
	for (size_t i = 0; i < ei->field_count; i++)
		PAGE(b, "<p><code>$</code> $.</p>\n", ei->fields[i].name, ei->fields[i].why);
	if (ei->hint[0])
		page_sentence(b, ei->hint);
}

void ui_error(struct response *r, const char *request_id, enum err e, int status, const struct errinfo *ei)
{
	struct page page = {.narrow = true};
	struct buf *b;

	status = status ? status : err_kind(e)->http_status;
	page.title = heading(status, ei ? ei->code : "");
	r->form_leads_away = false;
	r->cacheable = false;
	b = page_begin(r, status, &page);
	PAGE(b, "<h1>$</h1>\n", page.title);
	if (ei)
		put_sentences(b, ei);
	if (status >= 500 && (!ei || !ei->hint[0]))
		PAGE(b, "<p>That failed on this server, not at your end. Try again in a moment; if it stays, tell whoever runs it the request below.</p>\n");
	else if (!ei || (!ei->detail[0] && !ei->field_count))
		PAGE(b, "<p>The request could not be served.</p>\n");
	if (ei && is_of_visitors(ei->code))
		PAGE(b,
		     "<p class=\"soft\">If you administer this server: <a href=\"/\">go to the start page</a>.</p>\n");
	else
		PAGE(b, "<p><a href=\"/\">Go to the start page</a></p>\n");
	PAGE(b, "<p class=\"request\">Request <code>$</code></p>\n", request_id);
	page_end(b);
	if (ei && ei->retry_after_s) {
		char seconds[16];

		snprintf(seconds, sizeof seconds, "%u", ei->retry_after_s);
		response_header(r, "Retry-After", slice_from(seconds));
	}
}
