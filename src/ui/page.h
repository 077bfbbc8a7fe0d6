/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of every page, and the one way text gets into HTML. A template is a literal of ours in which each
 * '$' stands for a text of anybody's; that text is always escaped, so there is no way to forget it (WB-06).
 */
#pragma once

#include "call/call.h"

struct page {
	const char *title;
	bool narrow;            /* one small form */
	const char *user;       /* who is signed in; NULL for nobody */
	const char *form_token; /* of the sign-out form; with `user` */
};

/* Starts an HTML answer of that status, up to and with <main>. The returned buffer is the answer's body. */
struct buf *page_begin(struct response *r, int status, const struct page *page);
/* The same with the caller's sign-out form when a session calls. */
struct buf *page_begin_call(struct call *c, int status, const char *title, bool narrow);
void page_end(struct buf *b);

/* PAGE(b, "<dt>$</dt><dd>$</dd>", name, value): as many texts as '$'; the template must be a literal. */
#define PAGE(b, ...) page_put((b), (const char *const[]){"" __VA_ARGS__, NULL})
void page_put(struct buf *b, const char *const *template_and_texts);

enum page_mood { PAGE_GOOD, PAGE_BAD };
/* What stands out and is read aloud: the news in bold, and a sentence more ("" for none). */
void page_banner(struct buf *b, enum page_mood mood, const char *news, const char *sentence);
/* A sentence of errinfo as a paragraph: capital letter, full stop. */
void page_sentence(struct buf *b, const char *text);
/* What was wrong with a form: the sentence of `ei` and its fields. */
void page_form_error(struct buf *b, const struct errinfo *ei);
/* The hidden field of a form that acts by session. */
void page_form_token(struct buf *b, struct call *c);
void page_hidden(struct buf *b, const char *name, const char *value);
/* <time> with "in 42 minutes", "3 days ago". */
void page_relative_time(struct buf *b, int64_t at, int64_t now);
/* <time> with "2026-11-24 00:12 UTC". */
void page_absolute_time(struct buf *b, int64_t at);
