/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saving what can be saved of an answer that was cut off or spoiled on its way (LIFECYCLE §4.3): at a strict provider its refresh
 * token is the only one left. Reads leniently, from the left, what is complete; must never take half a token for one, nor a token
 * that stands where another identity's does (Slack's authed_user).
 */
#include "oauth/token.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "json/jsonr.h"

/* Nobody says how long the access token lives: it is renewed soon. */
enum { LIFE_S = 60, LIFE_MAX_S = 24 * 3600 };

/* The members at the place where the tokens are, as literals: with quotes, or the digits of a number. n 0: none that is complete. */
struct finds {
	struct slice access_token, refresh_token, first_refresh_token, token_type, expires_in;
};

/* The end of the string that begins at `at`, behind its closing quote; 0 when it has none. */
static size_t string_end(struct slice text, size_t at)
{
	for (size_t i = at + 1; i < text.n; i++) {
		if (text.p[i] == '\\')
			i++;
		else if (text.p[i] == '"')
			return i + 1;
	}
	return 0;
}

static size_t skip_blanks(struct slice text, size_t at)
{
	while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t' || text.p[at] == '\r' || text.p[at] == '\n'))
		at++;
	return at;
}

static bool ends_value(char c)
{
	return c == ',' || c == '}' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A value that is seen to end. */
static struct slice value_at(struct slice text, size_t at)
{
	size_t end = at;

	if (at < text.n && text.p[at] == '"') {
		end = string_end(text, at);
		return end ? slice_sub(text, at, end - at) : (struct slice){0};
	}
	while (end < text.n && text.p[end] >= '0' && text.p[end] <= '9')
		end++;
	return end < text.n && ends_value(text.p[end]) ? slice_sub(text, at, end - at) : (struct slice){0};
}

static void take(struct finds *f, struct slice key, struct slice value)
{
	if (!value.n)
		return;
	if (slice_is(key, "\"access_token\"")) {
		f->access_token = value;
	} else if (slice_is(key, "\"refresh_token\"")) {
		if (!f->first_refresh_token.n)
			f->first_refresh_token = value;
		f->refresh_token = value;
	} else if (slice_is(key, "\"token_type\"")) {
		f->token_type = value;
	} else if (slice_is(key, "\"expires_in\"")) {
		f->expires_in = value;
	}
}

/* Names and their values at `depth` braces, and when `path` is not empty only inside the object of that name. */
static void scan(struct slice text, const char *path, struct finds *f)
{
	size_t depth = 0, wanted = path[0] ? 2 : 1, next;
	bool inside = !path[0];

	for (size_t at = 0; at < text.n; at = next) {
		char c = text.p[at];
		struct slice key;
		size_t colon;

		next = at + 1;
		depth += c == '{' || c == '[';
		if ((c == '}' || c == ']') && depth > 0 && --depth < wanted)
			inside = !path[0];
		if (c != '"')
			continue;
		next = string_end(text, at);
		if (!next)
			return;
		key = slice_sub(text, at, next - at);
		colon = skip_blanks(text, next);
		if (colon == text.n || text.p[colon] != ':')
			continue;
		next = skip_blanks(text, colon + 1);
		if (depth == 1 && path[0] && slice_is(slice_sub(key, 1, key.n - 2), path))
			inside = next < text.n && text.p[next] == '{';
		else if (depth == wanted && inside)
			take(f, key, value_at(text, next));
	}
}

/* The text of a literal, if it can be a token (RFC 6749 appendix A.12, A.17). */
static struct secret *token_of(struct slice literal, struct arena *a)
{
	CLEANUP(buf_done) struct buf text;
	struct jsonr *doc;
	struct slice value;

	buf_init(&text, literal.n + 2);
	buf_putc(&text, '[');
	buf_put(&text, literal);
	buf_putc(&text, ']');
	if (!literal.n || jsonr_parse(buf_slice(&text), text.max, &doc, NULL))
		return NULL;
	jsonr_in_arena(a, doc);
	value = jsonr_string(jsonr_at(doc, 0));
	if (!value.n || value.n > TOKEN_MAX_BYTES || !slice_is_printable(value))
		return NULL;
	return secret_in_arena(a, secret_new(value));
}

/* Only a type that everybody takes: another is sorted out by the next answer. */
static bool is_bearer(struct slice literal)
{
	return slice_is_nocase(literal, "\"Bearer\"");
}

static bool take_finds(const struct profile *p, const struct finds *f, struct arena *a, struct token_answer *ret)
{
	struct token_answer t = {.subject = "", .kept = "", .expires_in_s = LIFE_S, .refresh_life_s = TOKEN_LIFE_UNKNOWN};
	uint64_t life;

	t.refresh_token = token_of(f->refresh_token, a);
	/* A name twice is read differently by different readers: both are kept. */
	if (!slice_eq(f->refresh_token, f->first_refresh_token))
		t.other_refresh_token = token_of(f->first_refresh_token, a);
	if (!t.refresh_token) {
		t.refresh_token = t.other_refresh_token;
		t.other_refresh_token = NULL;
	}
	if (!t.refresh_token)
		return false;
	if (is_bearer(f->token_type))
		t.access_token = token_of(f->access_token, a);
	t.token_type = t.access_token ? "Bearer" : NULL;
	if (!p->expires_in_ms && slice_to_u64(f->expires_in, LIFE_MAX_S, &life) && life > 0)
		t.expires_in_s = (int64_t)life;
	*ret = t;
	return true;
}

bool token_salvage(const struct profile *p, const struct fetch_answer *answer, const struct secret *body, struct arena *a,
		   struct token_answer *ret)
{
	struct finds f = {.access_token = {0}};

	if (answer->err || answer->status < 200 || answer->status > 299 || !body)
		return false;
	scan(secret_expose(body), p->token_path, &f);
	return take_finds(p, &f, a, ret);
}
