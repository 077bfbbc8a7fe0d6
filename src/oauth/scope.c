/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of scopes. Inside the program a set is JSON array text whose elements are scope tokens, and a
 * scope token holds neither '"' nor '\' (RFC 6749 §3.3); so the elements are what stands between
 * quotes and no escape exists. Must never let another character into such a text.
 */
#include "oauth/scope.h"

#include <string.h>

#include "base/mem.h"

enum { ARRAY_TEXT_MAX = SCOPE_MAX * (SCOPE_TEXT_MAX + 3) + 2 };

/* scope-token = 1*( %x21 / %x23-5B / %x5D-7E ), without ',', which some providers separate scopes with. */
static bool is_scope(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7E || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == ',')
			return false;
	return s.n > 0 && s.n <= SCOPE_TEXT_MAX;
}

/* Takes the next element off the front of array text. */
static bool next(struct slice *rest, struct slice *ret)
{
	size_t open = slice_index(*rest, '"'), close;
	struct slice tail = slice_sub(*rest, open + 1, rest->n);

	close = slice_index(tail, '"');
	if (open == rest->n || close == tail.n)
		return false;
	*ret = slice_sub(tail, 0, close);
	*rest = slice_sub(tail, close + 1, tail.n);
	return true;
}

static bool contains(struct slice array, struct slice scope)
{
	struct slice one;

	while (next(&array, &one))
		if (slice_eq(one, scope))
			return true;
	return false;
}

/* Array text while it grows. */
struct set {
	struct buf text;
	size_t count;
};

static void set_begin(struct set *s)
{
	buf_init(&s->text, ARRAY_TEXT_MAX);
	buf_putc(&s->text, '[');
	s->count = 0;
}

static bool set_add(struct set *s, struct slice scope)
{
	if (contains(buf_slice(&s->text), scope))
		return true;
	if (s->count == SCOPE_MAX)
		return false;
	if (s->count++)
		buf_putc(&s->text, ',');
	buf_putc(&s->text, '"');
	buf_put(&s->text, scope);
	buf_putc(&s->text, '"');
	return true;
}

static struct slice set_end(struct set *s, struct arena *a)
{
	struct slice text;

	buf_putc(&s->text, ']');
	text = arena_copy(a, buf_slice(&s->text));
	buf_done(&s->text);
	return text;
}

static enum err refuse(struct slice scope, struct errinfo *ei)
{
	if (scope.n > SCOPE_TEXT_MAX)
		return err_field(ei, "scopes", "a scope is longer than %d characters", SCOPE_TEXT_MAX);
	if (!slice_is_printable(scope))
		return err_field(ei, "scopes", "a scope holds a character that is not printable ASCII (RFC 6749 §3.3)");
	return err_field(ei, "scopes", "\"%.*s\" is no scope: no blank, comma, '\"' or '\\' (RFC 6749 §3.3)",
			 (int)(scope.n < 100 ? scope.n : 100), scope.p);
}

static enum err add_or_say(struct set *s, struct slice scope, struct errinfo *ei)
{
	if (!is_scope(scope))
		return refuse(scope, ei);
	if (!set_add(s, scope))
		return err_field(ei, "scopes", "there are more than %d scopes", SCOPE_MAX);
	return ERR_OK;
}

/* The next word between blanks (and commas, if `comma`); false at the end. */
static bool next_word(struct slice *rest, bool comma, struct slice *ret)
{
	size_t at = 0, end;

	while (at < rest->n && (strchr(" \t\r\n", rest->p[at]) || (comma && rest->p[at] == ',')))
		at++;
	for (end = at; end < rest->n && !strchr(" \t\r\n", rest->p[end]) && !(comma && rest->p[end] == ',');)
		end++;
	*ret = slice_sub(*rest, at, end - at);
	*rest = slice_sub(*rest, end, rest->n);
	return ret->n > 0;
}

static enum err add_all(struct set *s, const struct jsonr *v, struct errinfo *ei)
{
	struct slice text = jsonr_string(v), scope;
	enum err e = ERR_OK;

	while (!e && text.p && next_word(&text, true, &scope))
		e = add_or_say(s, scope, ei);
	for (size_t i = 0; !e && jsonr_type(v) == JSONR_ARRAY && i < jsonr_count(v); i++)
		e = jsonr_type(jsonr_at(v, i)) == JSONR_STRING
			    ? add_or_say(s, jsonr_string(jsonr_at(v, i)), ei)
			    : err_field(ei, "scopes", "element %zu is not a text", i + 1);
	return e;
}

enum err scope_from_json(const struct jsonr *v, struct arena *a, struct slice *ret_array, struct errinfo *ei)
{
	struct set set;
	struct slice array;
	enum err e;

	if (jsonr_type(v) != JSONR_ARRAY && jsonr_type(v) != JSONR_STRING)
		return err_field(ei, "scopes",
				 "must be an array of texts, or one text with blanks or commas between the scopes");
	set_begin(&set);
	e = add_all(&set, v, ei);
	array = set_end(&set, a);
	if (!e)
		*ret_array = array;
	return e;
}

struct slice scope_from_answer(const struct jsonr *v, bool comma, struct arena *a)
{
	struct slice text = jsonr_string(v), scope;
	struct set set;

	if (jsonr_type(v) != JSONR_ARRAY && jsonr_type(v) != JSONR_STRING)
		return (struct slice){0};
	set_begin(&set);
	while (text.p && next_word(&text, comma, &scope))
		if (is_scope(scope))
			set_add(&set, scope);
	for (size_t i = 0; jsonr_type(v) == JSONR_ARRAY && i < jsonr_count(v); i++) {
		scope = jsonr_string(jsonr_at(v, i));
		if (is_scope(scope))
			set_add(&set, scope);
	}
	return set_end(&set, a);
}

void scope_join(struct slice array, char separator, struct buf *out)
{
	struct slice scope;
	bool first = true;

	while (next(&array, &scope)) {
		if (!first)
			buf_putc(out, separator);
		buf_put(out, scope);
		first = false;
	}
}

bool scope_has(struct slice array, const char *scope)
{
	return contains(array, slice_from(scope));
}

/* Protocol scopes: providers answer them under other names, or not at all. */
static bool is_never_missed(struct slice scope)
{
	return slice_is(scope, "openid") || slice_is(scope, "profile") || slice_is(scope, "email") ||
	       slice_is(scope, "offline_access");
}

struct slice scope_missing(struct slice requested, struct slice granted, struct arena *a)
{
	struct slice scope;
	struct set set;

	set_begin(&set);
	while (granted.n && next(&requested, &scope))
		if (!is_never_missed(scope) && !contains(granted, scope))
			set_add(&set, scope);
	return set_end(&set, a);
}

bool scope_within(struct slice part, struct slice whole)
{
	struct slice scope;

	while (next(&part, &scope))
		if (!contains(whole, scope))
			return false;
	return true;
}
