/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a statement's text to what it touches. Reads only texts of our own (sql.h), whose form the test of this file
 * holds to. Must never take a change that it does not understand for a harmless one: that touches all.
 */
#include "store/touch.h"

#include <string.h>

#include "base/mem.h"

/* Tables of which every change of a row may concern any token. */
static const char *const policy_tables[] = {"api_keys", "users", "apps", "oauth_authenticators", "data_keys"};
/* Columns that reading a token does not look at: notes of an attempt, of the last use, and of a client that was refused. */
static const char *const idle_columns[] = {
	"intent_attempt", "intent_instance", "intent_lease_until", "intent_deadline", "intent_generation", "intent_source",
	"refresh_due_at", "last_used_at", "client_failures", "paused_until", "paused_cause",
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static struct slice word_at(const char *text)
{
	size_t n = 0;

	while (is_word(text[n]))
		n++;
	return slice_make(text, n);
}

static bool is_one_of(struct slice word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_is(word, list[i]))
			return true;
	return false;
}

/* N of "name = $N" in the WHERE clause. */
static unsigned bound_to(const char *text, const char *name)
{
	const char *at = strstr(text, " WHERE ");
	uint64_t number;

	for (at = at ? strstr(at, name) : NULL; at; at = strstr(at + 1, name)) {
		const char *value = at + strlen(name);

		if (is_word(at[-1]) || strncmp(value, " = $", 4) != 0)
			continue;
		return slice_to_u64(word_at(value + 4), 99, &number) ? (unsigned)number : 0;
	}
	return 0;
}

/* N of the N-th column of "INSERT INTO t (a, b, …) VALUES ($1, $2, …)". */
static unsigned inserted_as(const char *text, const char *name)
{
	const char *at = strchr(text, '(');
	unsigned number = 1;

	while (at && *at && *at != ')') {
		struct slice column = word_at(++at);

		if (slice_is(column, name))
			return number;
		at += column.n;
		number += *at == ',';
		if (*at == ',')
			at++;
	}
	return 0;
}

/* True when each column of "SET a = …, b = … WHERE" is an idle one. */
static bool sets_idle_only(const char *text)
{
	const char *at = strstr(text, " SET "), *end = at ? strstr(at, " WHERE ") : NULL;
	int depth = 0;

	if (!at || !end)
		return false;
	at += strlen(" SET ");
	if (!is_one_of(word_at(at), idle_columns, ARRAY_LEN(idle_columns)))
		return false;
	for (; at < end; at++) {
		depth += (*at == '(') - (*at == ')');
		if (*at == ',' && depth == 0 && !is_one_of(word_at(at + 2), idle_columns, ARRAY_LEN(idle_columns)))
			return false;
	}
	return true;
}

static struct touch stripes_or_all(unsigned user, unsigned grant)
{
	return (struct touch){.kind = user || grant ? TOUCH_STRIPES : TOUCH_ALL, .user = user, .grant = grant};
}

static struct touch of_change(const char *text, struct slice table)
{
	static const struct touch all = {.kind = TOUCH_ALL}, nothing = {.kind = TOUCH_NOTHING};

	if (is_one_of(table, policy_tables, ARRAY_LEN(policy_tables)))
		return sets_idle_only(text) ? nothing : all;
	if (slice_is(table, "oauth_token_grants"))
		return sets_idle_only(text) ? nothing : stripes_or_all(0, bound_to(text, "grant_id"));
	if (slice_is(table, "user_app_oauth_authentications"))
		return sets_idle_only(text) ? nothing : stripes_or_all(bound_to(text, "user_id"), 0);
	return nothing;
}

struct touch touch_of(const char *text)
{
	static const char update[] = "UPDATE ", delete[] = "DELETE FROM ", insert[] = "INSERT INTO ";
	struct touch nothing = {.kind = TOUCH_NOTHING};
	struct slice whole = slice_from(text);

	if (slice_starts(whole, update))
		return of_change(text, word_at(text + strlen(update)));
	if (slice_starts(whole, delete))
		return of_change(text, word_at(text + strlen(delete)));
	if (slice_starts(whole, insert) && slice_is(word_at(text + strlen(insert)), "user_app_oauth_authentications"))
		return stripes_or_all(inserted_as(text, "user_id"), 0);
	/* An INSERT that may change a row is a change, and names its ids in another form. */
	if (slice_starts(whole, insert) && strstr(text, " DO UPDATE "))
		return of_change("", word_at(text + strlen(insert)));
	return nothing;
}

static void mark_id(struct touch_marks *m, unsigned number, struct store_params params)
{
	if (number == 0)
		return;
	if (number > params.n || m->count == TOUCH_MARKS_MAX) {
		m->all = true;
		return;
	}
	m->stripe[m->count++] = stripes_of(params.v[number - 1].text);
}

void touch_mark(struct touch_marks *m, const struct touch *t, struct store_params params)
{
	if (t->kind == TOUCH_ALL)
		m->all = true;
	if (t->kind != TOUCH_STRIPES)
		return;
	mark_id(m, t->user, params);
	mark_id(m, t->grant, params);
}

void touch_tell(struct touch_marks *m, struct stripes *s)
{
	if (s && m->all)
		stripes_touch_all(s);
	for (size_t i = 0; s && !m->all && i < m->count; i++)
		stripes_touch(s, m->stripe[i]);
	touch_forget(m);
}

void touch_forget(struct touch_marks *m)
{
	m->all = false;
	m->count = 0;
}
