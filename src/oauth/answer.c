/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what a provider answered. It is hostile until shown otherwise, yet a readable token must not
 * be lost over a harmless oddity beside it. Must never hand a provider's text on uncleaned.
 */
#include "oauth/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "fetch/fetch.h"
#include "json/jsonw.h"

enum { WORD_MAX = 36, FORM_PARAMS_MAX = 64 };

/* A form as the JSON object of its texts; twice the same name is then refused by the reader. */
static bool form_to_json(struct slice body, struct buf *out)
{
	CLEANUP(buf_done) struct buf name;
	CLEANUP(buf_done) struct buf value;
	struct slice pair;
	struct jsonw w;
	size_t count = 0;

	buf_init(&name, FETCH_TOKEN_CAP);
	buf_init(&value, FETCH_TOKEN_CAP);
	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	while (slice_split(&body, '&', &pair)) {
		size_t at = slice_index(pair, '=');

		buf_reset(&name);
		buf_reset(&value);
		if (pair.n == 0)
			continue;
		if (++count > FORM_PARAMS_MAX || !decode_percent(slice_sub(pair, 0, at), true, &name) ||
		    !decode_percent(slice_sub(pair, at + 1, pair.n), true, &value))
			return false;
		jsonw_slice(&w, buf_cstr(&name), buf_slice(&value));
	}
	jsonw_object_end(&w);
	return count > 0 && buf_ok(out);
}

const struct jsonr *answer_read(struct slice body, bool form, struct arena *a)
{
	CLEANUP(buf_done) struct buf text;
	struct jsonr *doc = NULL;
	size_t at = 0;

	buf_init(&text, 4 * FETCH_TOKEN_CAP);
	while (at < body.n && strchr(" \t\r\n", body.p[at]) && body.p[at])
		at++;
	if (form && at < body.n && body.p[at] != '{') {
		if (!form_to_json(slice_sub(body, at, body.n), &text))
			return NULL;
		if (jsonr_parse(buf_slice(&text), text.max, &doc, NULL))
			return NULL;
	} else if (jsonr_parse(body, FETCH_METADATA_CAP, &doc, NULL)) {
		return NULL;
	}
	jsonr_in_arena(a, doc);
	return jsonr_type(doc) == JSONR_OBJECT ? doc : NULL;
}

static void clean_code(struct slice code, char ret[ANSWER_CODE_MAX])
{
	bool fits = code.n > 0 && code.n < ANSWER_CODE_MAX;

	for (size_t i = 0; fits && i < code.n; i++)
		fits = (code.p[i] >= 'a' && code.p[i] <= 'z') || code.p[i] == '_' || code.p[i] == '.';
	snprintf(ret, ANSWER_CODE_MAX, "%.*s", fits ? (int)code.n : 14, fits ? code.p : "provider_error");
}

/* Words as long as a token are masked: a provider may quote what we sent. */
static void clean_text(struct slice text, char ret[ANSWER_TEXT_MAX])
{
	struct slice word;
	size_t used = 0;

	ret[0] = '\0';
	while (slice_split(&text, ' ', &word)) {
		if (word.n > WORD_MAX)
			word = SLICE_LIT("[...]");
		if (used + word.n + 2 > ANSWER_TEXT_MAX)
			break;
		if (used)
			ret[used++] = ' ';
		for (size_t i = 0; i < word.n; i++)
			ret[used++] = word.p[i] >= 0x21 && word.p[i] <= 0x7E ? word.p[i] : '?';
		ret[used] = '\0';
	}
}

static bool is_error(const struct jsonr *v)
{
	switch (jsonr_type(v)) {
	case JSONR_ABSENT:
	case JSONR_NULL: return false;
	case JSONR_BOOL: return jsonr_is_true(v);
	case JSONR_STRING: return jsonr_string(v).n > 0;
	case JSONR_NUMBER:
	case JSONR_ARRAY:
	case JSONR_OBJECT: break;
	}
	return true;
}

/* Where the profile says the code is. Elsewhere a provider may still answer as RFC 6749 §5.2 says. */
static const struct jsonr *error_of(const struct profile *p, const struct jsonr *doc)
{
	const struct jsonr *v = jsonr_path(doc, p->error_path), *standard = jsonr_get(doc, "error");

	return p->error_path[0] && (is_error(v) || jsonr_type(standard) != JSONR_STRING) ? v : standard;
}

/* What the profile's error_names make of a word or a number; NULL: nothing is said of it. */
static const char *known_name(const struct profile *p, const struct jsonr *error)
{
	char digits[24] = "";
	int64_t number;
	struct slice word = jsonr_string(error);

	if (!word.p && jsonr_integer(error, &number)) {
		snprintf(digits, sizeof digits, "%" PRId64, number);
		word = slice_from(digits);
	}
	for (size_t i = 0; word.n && i < p->error_count; i++)
		if (slice_is(word, p->error_name[i].name))
			return p->error_name[i].value;
	return NULL;
}

void answer_error(const struct profile *p, const struct jsonr *doc, struct answer_error *ret)
{
	const struct jsonr *error = error_of(p, doc);
	const struct jsonr *flag = p->error_flag[0] ? jsonr_get(doc, p->error_flag) : NULL;
	const char *known = known_name(p, error);
	bool flagged = jsonr_type(flag) == JSONR_BOOL && !jsonr_is_true(flag);

	*ret = (struct answer_error){0};
	if ((!is_error(error) || (known && !known[0])) && !flagged)
		return;
	clean_code(jsonr_string(error), ret->code);
	clean_text(jsonr_get_string(doc, "error_description"), ret->text);
	snprintf(ret->known, sizeof ret->known, "%s", known && known[0] ? known : ret->code);
}

bool answer_text(const struct jsonr *doc, const char *paths, char separator, size_t max, struct buf *out)
{
	struct slice rest = slice_from(paths), path;
	size_t start = out->n;

	while (slice_split(&rest, ' ', &path)) {
		char name[PROFILE_TEXT_MAX + 1];
		const struct jsonr *v;
		int64_t number;

		snprintf(name, sizeof name, "%.*s", SLICE_ARG(path));
		v = jsonr_path(doc, name);
		if (out->n > start)
			buf_putc(out, separator);
		if (jsonr_string(v).n)
			buf_put(out, jsonr_string(v));
		else if (jsonr_integer(v, &number))
			buf_put_i64(out, number);
		else
			return false;
	}
	return out->n > start && out->n - start <= max;
}
