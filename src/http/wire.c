/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an answer's head is written. Every answer of this server goes through here, so that none can
 * leave without the security headers of WB-04, whatever a handler did or forgot. CORS headers are never
 * written (WB-05).
 */
#include "http/wire.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} known[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{303, "See Other"},
		{304, "Not Modified"},
		{307, "Temporary Redirect"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].status == status)
			return known[i].text;
	return "Status";
}

/* A page shows and loads what is ours; nothing in it may be framed, rebased or taken over by an inline script. */
#define PAGE_POLICY(form_action) \
	"default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action " form_action \
	"; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
/* Data loads nothing. Shorter than the policy of a page, which counts: a token's answer is mostly head. */
#define DATA_POLICY "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static struct slice write_block(char text[WIRE_BLOCK_MAX], bool https, const char *policy, const char *cache)
{
	snprintf(text, WIRE_BLOCK_MAX,
		 "Content-Security-Policy: %s\r\n"
		 "X-Content-Type-Options: nosniff\r\n"
		 "Cross-Origin-Opener-Policy: same-origin\r\n"
		 "Cross-Origin-Resource-Policy: same-origin\r\n"
		 "Referrer-Policy: no-referrer\r\n"
		 "Cache-Control: %s\r\n"
		 "%s",
		 policy, cache, https ? "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n" : "");
	return slice_from(text);
}

void wire_init(struct wire *w, const struct clock *clock, bool https, bool loopback_forms)
{
	const char *policy[WIRE__COUNT] = {
		[WIRE_PAGE] = PAGE_POLICY("'self'"),
		[WIRE_PAGE_LEADS_AWAY] = loopback_forms ? PAGE_POLICY("'self' https: http://127.0.0.1:* http://localhost:*")
							: PAGE_POLICY("'self' https:"),
		[WIRE_DATA] = DATA_POLICY,
	};

	*w = (struct wire){.clock = clock, .date_s = -1};
	for (int kind = 0; kind < WIRE__COUNT; kind++) {
		w->block[kind][0] = write_block(w->text[kind][0], https, policy[kind], "no-store");
		w->block[kind][1] = write_block(w->text[kind][1], https, policy[kind], "public, max-age=300");
	}
}

static enum wire_kind kind_of(const struct response *r)
{
	if (r->form_leads_away)
		return WIRE_PAGE_LEADS_AWAY;
	return r->content_type && strcmp(r->content_type, "application/json") == 0 ? WIRE_DATA : WIRE_PAGE;
}

bool wire_is_bodiless(int status)
{
	return status == 204 || status == 304;
}

/* RFC 9110 §5.6.7, kept for as long as its second lasts. */
static const char *date(struct wire *w)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int64_t now_s = clock_wall_ms(w->clock) / 1000;
	time_t t = (time_t)now_s;
	struct tm tm;

	if (now_s != w->date_s && gmtime_r(&t, &tm)) {
		snprintf(w->date, sizeof w->date, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7],
			 tm.tm_mday, months[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min,
			 tm.tm_sec);
		w->date_s = now_s;
	}
	return w->date;
}

/* Decimal, at the end of `digits`. */
static struct slice number(char digits[24], size_t value)
{
	size_t at = 24;

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return slice_make(digits + at, 24 - at);
}

void wire_put_head(struct wire *w, struct buf *out, const struct response *r, const char *id, bool keep)
{
	const bool bodiless = wire_is_bodiless(r->status);
	const char *type = bodiless ? NULL : r->content_type;
	char status[24], length[24];
	const struct slice part[] = {
		SLICE_LIT("HTTP/1.1 "), number(status, (size_t)r->status), SLICE_LIT(" "), slice_from(reason(r->status)),
		SLICE_LIT("\r\nDate: "), slice_from(date(w)),
		slice_from(type ? "\r\nContent-Type: " : NULL), slice_from(type),
		slice_from(bodiless ? NULL : "\r\nContent-Length: "), bodiless ? slice_make(NULL, 0) : number(length, r->body.n),
		slice_from(r->allow ? "\r\nAllow: " : NULL), slice_from(r->allow),
		SLICE_LIT("\r\nX-Request-Id: "), slice_from(id), SLICE_LIT("\r\n"),
		w->block[kind_of(r)][r->cacheable],
		slice_from(keep ? NULL : "Connection: close\r\n"),
		buf_slice(&r->head), SLICE_LIT("\r\n"),
	};

	buf_put_all(out, part, sizeof part / sizeof part[0]);
}
