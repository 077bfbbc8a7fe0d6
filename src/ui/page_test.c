/* SPDX-License-Identifier: Apache-2.0 */
/* The page builder, the error page and the static files: nothing but our own literals is HTML (WB-06, WB-10). */
#include "ui/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ui/routes.h"
#include "ui/testui.h"

static void texts_fill_the_template_escaped(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	PAGE(&b, "<a href=\"$\">$</a>", "\"><script>", "a & $ b");
	PAGE(&b, "<hr>");
	assert_string_equal(buf_cstr(&b), "<a href=\"&quot;&gt;&lt;script&gt;\">a &amp; $ b</a><hr>");
	buf_done(&b);
}

static void sentences_begin_and_end_as_sentences(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"the app is <gone>", "<p>The app is &lt;gone&gt;.</p>\n"},
		{"Already whole.", "<p>Already whole.</p>\n"},
		{"really?", "<p>Really?</p>\n"},
		{"<b>", "<p>&lt;b&gt;.</p>\n"},
		{"\xC3\xA9t\xC3\xA9", "<p>\xC3\xA9t\xC3\xA9.</p>\n"},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&b);
		page_sentence(&b, cases[i].text);
		assert_string_equal(buf_cstr(&b), cases[i].shown);
	}
	buf_done(&b);
}

static void times_are_near_or_far_before_or_after(void **state)
{
	static const struct {
		int64_t away_s;
		const char *words;
	} cases[] = {
		{0, ">0 seconds ago<"}, {1, ">in 1 second<"}, {-59, ">59 seconds ago<"}, {60, ">in 1 minute<"},
		{-3599, ">59 minutes ago<"}, {3600, ">in 1 hour<"}, {-7200, ">2 hours ago<"}, {86400, ">in 1 day<"},
		{86400 * 400LL, ">in 400 days<"}, {-86399, ">23 hours ago<"},
	};
	const int64_t now = 1800000000000;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&b);
		page_relative_time(&b, now + cases[i].away_s * 1000, now);
		assert_non_null(strstr(buf_cstr(&b), cases[i].words));
	}
	buf_reset(&b);
	page_absolute_time(&b, now);
	assert_string_equal(buf_cstr(&b), "<time datetime=\"2027-01-15T08:00:00Z\">2027-01-15 08:00 UTC</time>");
	buf_done(&b);
}

static void an_error_page_holds_what_the_error_says_as_text(void **state)
{
	struct errinfo ei = {0};
	struct response r;

	(void)state;
	response_init(&r);
	r.form_leads_away = r.cacheable = true;
	buf_puts(&r.body, "half a page");
	err_set(&ei, ERR_CONFLICT, "the name \"<script>\" is taken");
	err_hint(&ei, ERR_CONFLICT, "choose <another>");
	ei.retry_after_s = 7;
	ui_error(&r, "req<id", ERR_CONFLICT, 0, &ei);
	assert_int_equal(r.status, 409);
	assert_false(r.form_leads_away || r.cacheable);
	assert_string_equal(r.content_type, "text/html; charset=utf-8");
	assert_null(strstr(buf_cstr(&r.body), "half a page"));
	assert_null(strstr(buf_cstr(&r.body), "<script>"));
	assert_non_null(strstr(buf_cstr(&r.body), "The name &quot;&lt;script&gt;&quot; is taken."));
	assert_non_null(strstr(buf_cstr(&r.body), "Choose &lt;another&gt;."));
	assert_non_null(strstr(buf_cstr(&r.body), "<code>req&lt;id</code>"));
	assert_non_null(strstr(buf_cstr(&r.head), "Retry-After: 7\r\n"));
	response_done(&r);
}

static void wrong_fields_are_listed_once(void **state)
{
	struct errinfo ei = {0};
	struct response r;
	const char *first;

	(void)state;
	response_init(&r);
	err_field(&ei, "na<me", "is \"<bad>\"");
	err_field(&ei, "other", "is missing");
	ui_error(&r, "id", ERR_UNPROCESSABLE, 0, &ei);
	assert_int_equal(r.status, 422);
	first = strstr(buf_cstr(&r.body), "is &quot;&lt;bad&gt;&quot;");
	assert_non_null(first);
	assert_null(strstr(first + 1, "is &quot;&lt;bad&gt;&quot;"));
	assert_non_null(strstr(buf_cstr(&r.body), "<code>na&lt;me</code> is"));
	assert_non_null(strstr(buf_cstr(&r.body), "<code>other</code> is missing."));
	response_done(&r);
}

static void every_kind_of_error_makes_a_page(void **state)
{
	struct response r;

	(void)state;
	for (int e = ERR_INVALID; e < ERR__COUNT; e++) {
		response_init(&r);
		ui_error(&r, "id", (enum err)e, 0, NULL);
		assert_int_equal(r.status, err_kind((enum err)e)->http_status);
		assert_non_null(strstr(buf_cstr(&r.body), "<h1>"));
		assert_non_null(strstr(buf_cstr(&r.body), "</html>"));
		response_done(&r);
	}
	response_init(&r);
	ui_error(&r, "id", ERR_INVALID, 405, NULL);
	assert_int_equal(r.status, 405);
	response_done(&r);
}

static void only_the_two_files_are_served(void **state)
{
	static const char *const others[] = {
		"/static/style.css.map", "/static/STYLE.CSS", "/static/..%2fstyle.css", "/static/%2e%2e%2fetc%2fpasswd",
		"/static/style.css%20", "/static/index.html", "/static/x/style.css", "/static",
	};
	struct testui t;

	(void)state;
	testui_init(&t);
	assert_int_equal(testui_get(&t, "/static/style.css"), 200);
	assert_string_equal(t.response.content_type, "text/css; charset=utf-8");
	assert_true(t.response.cacheable);
	assert_non_null(strstr(testui_body(&t), "prefers-color-scheme"));
	assert_int_equal(testui_get(&t, "/static/favicon.svg"), 200);
	assert_string_equal(t.response.content_type, "image/svg+xml");
	assert_non_null(strstr(testui_body(&t), "<svg "));
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_int_equal(testui_get(&t, others[i]), 404);
		assert_false(t.response.cacheable);
	}
	testui_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_fill_the_template_escaped),
		cmocka_unit_test(sentences_begin_and_end_as_sentences),
		cmocka_unit_test(times_are_near_or_far_before_or_after),
		cmocka_unit_test(an_error_page_holds_what_the_error_says_as_text),
		cmocka_unit_test(wrong_fields_are_listed_once),
		cmocka_unit_test(every_kind_of_error_makes_a_page),
		cmocka_unit_test(only_the_two_files_are_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
