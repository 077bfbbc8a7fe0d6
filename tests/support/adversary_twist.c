/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bending an answer: members set, doubled, grown or taken out, an error in place of success, bodies
 * that no honest server sends. Works on the parts of an answer, never on its bytes. Must never be
 * lenient about the script: an unknown word there is refused by the check.
 */
#include "support/adversary_twist.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/adversary_bodies.h"
#include "support/adversary_delivery.h"
#include "support/adversary_signer.h"

enum { GROWN_MAX = 4 << 20, NEST_MAX = 1000000 };

static const char *const known[] = {
	"status", "headers",  "content_type", "body",	   "body_base64", "generate", "error",	    "error_description",
	"style",  "set",      "add",	      "add_front", "remove",	  "raw",      "raw_base64", "size",
	"nest",	  "location", "separator",    "suffix",	   "retry_after", "id_token", NULL};

static const char *const styles[] = {"form", "slack", "slack_error", "github_error", NULL};

static bool is_word(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/* Every item is [name, value]; of headers the value is text. */
static bool pairs_fit(json_t *list, bool text)
{
	size_t i;
	json_t *pair;

	if (list && !json_is_array(list))
		return false;
	json_array_foreach(list, i, pair) if (json_array_size(pair) != 2 || !json_is_string(json_array_get(pair, 0)) ||
					      (text && !json_is_string(json_array_get(pair, 1)))) return false;
	return true;
}

static bool values_fit(json_t *object, json_type type, json_int_t max)
{
	const char *name;
	json_t *value;

	if (object && !json_is_object(object))
		return false;
	json_object_foreach(object, name,
			    value) if (json_typeof(value) != type ||
				       (type == JSON_INTEGER && (json_integer_value(value) < 0 ||
								 json_integer_value(value) > max))) return false;
	return true;
}

static bool texts_fit(json_t *twist)
{
	static const char *const texts[] = {"content_type",	 "body",     "body_base64", "error",
					    "error_description", "location", "separator",   "suffix"};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		json_t *value = json_object_get(twist, texts[i]);

		if (value && !json_is_string(value))
			return false;
	}
	return true;
}

static bool names_fit(json_t *list)
{
	size_t i;
	json_t *name;

	if (list && !json_is_array(list))
		return false;
	json_array_foreach(list, i, name) if (!json_is_string(name)) return false;
	return true;
}

static enum err check_base64(json_t *twist, struct errinfo *ei)
{
	struct arena *scratch = arena_new(16 << 20);
	const char *body = json_string_value(json_object_get(twist, "body_base64"));
	const char *name;
	json_t *value;
	struct slice bytes;
	enum err e = body ? adversary_delivery_base64("body_base64", body, scratch, &bytes, ei) : ERR_OK;

	json_object_foreach(json_object_get(twist, "raw_base64"), name, value) if (!e)
		e = adversary_delivery_base64(name, json_string_value(value), scratch, &bytes, ei);
	arena_free(&scratch);
	return e;
}

static bool retry_fits(json_t *retry)
{
	return !retry || json_is_integer(retry) || json_is_string(retry) ||
	       (json_object_size(retry) == 1 && json_is_integer(json_object_get(retry, "date_in_s")));
}

enum err adversary_twist_check(json_t *twist, struct errinfo *ei)
{
	json_t *status = json_object_get(twist, "status");
	json_t *style = json_object_get(twist, "style");
	const char *name;
	json_t *value;

	if (!json_is_object(twist))
		return err_set(ei, ERR_INVALID, "answer: wants an object");
	json_object_foreach(twist, name, value) if (!is_word(name, known)) return err_set(
		ei, ERR_INVALID, "answer: no such member: %s", name);
	if (status && (json_integer_value(status) < 100 || json_integer_value(status) > 999))
		return err_set(ei, ERR_INVALID, "status: wants 100 to 999");
	if (style && !(json_is_string(style) && is_word(json_string_value(style), styles)))
		return err_set(ei, ERR_INVALID, "style: wants form, slack, slack_error or github_error");
	if (!texts_fit(twist) || !names_fit(json_object_get(twist, "remove")) ||
	    !pairs_fit(json_object_get(twist, "headers"), true) || !pairs_fit(json_object_get(twist, "add"), false) ||
	    !pairs_fit(json_object_get(twist, "add_front"), false))
		return err_set(ei, ERR_INVALID, "answer: texts are strings, lists hold names or [name, value]");
	value = json_object_get(twist, "set");
	if ((value && !json_is_object(value)) || !retry_fits(json_object_get(twist, "retry_after")) ||
	    !values_fit(json_object_get(twist, "raw"), JSON_STRING, 0) ||
	    !values_fit(json_object_get(twist, "raw_base64"), JSON_STRING, 0) ||
	    !values_fit(json_object_get(twist, "size"), JSON_INTEGER, GROWN_MAX) ||
	    !values_fit(json_object_get(twist, "nest"), JSON_INTEGER, NEST_MAX))
		return err_set(ei, ERR_INVALID, "answer: set, raw, raw_base64, size, nest or retry_after is wrong");
	value = json_object_get(twist, "id_token");
	if (!adversary_signer_forge_known(value))
		return err_set(ei, ERR_INVALID, "id_token: wants claims, header and a known signature word");
	value = json_object_get(twist, "generate");
	if (value && !adversary_bodies_known(value))
		return err_set(ei, ERR_INVALID, "generate: unknown kind or size out of bounds");
	return check_base64(twist, ei);
}

bool adversary_twist_replaces(json_t *twist)
{
	const char *style = json_string_value(json_object_get(twist, "style"));

	return json_object_get(twist, "status") || json_object_get(twist, "body") ||
	       json_object_get(twist, "body_base64") || json_object_get(twist, "generate") ||
	       json_object_get(twist, "error") || (style && strstr(style, "_error"));
}

json_t *adversary_twist_id_token(json_t *twist)
{
	return json_object_get(twist, "id_token");
}

static struct slice json_slice(const json_t *text)
{
	return slice_make(json_string_value(text), json_string_length(text));
}

typedef void put_fn(struct adversary_answer *a, struct slice name, struct slice value, bool is_text);

/* A string goes in as text, anything else as its JSON source. */
static void put_value(struct adversary_answer *a, const char *name, const json_t *value, put_fn *put)
{
	char *source;

	if (json_is_string(value)) {
		put(a, slice_from(name), json_slice(value), true);
		return;
	}
	source = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	put(a, slice_from(name), slice_from(source), false);
	free(source);
}

static void apply_pairs(struct adversary_answer *a, json_t *list, put_fn *put)
{
	size_t i;
	json_t *pair;

	json_array_foreach(list, i, pair)
		put_value(a, json_string_value(json_array_get(pair, 0)), json_array_get(pair, 1), put);
}

/* Lengthens the member's value to `n` bytes. */
static void grow(struct adversary_answer *a, const char *name, size_t n)
{
	struct adversary_member *m;
	char *grown;

	if (!adversary_answer_find(a, slice_from(name)))
		adversary_answer_add(a, slice_from(name), (struct slice){0}, true);
	m = adversary_answer_find(a, slice_from(name));
	if (!m || m->value.n >= n)
		return;
	grown = arena_alloc(a->arena, n, 1);
	memset(grown, 'A', n);
	if (m->value.n)
		memcpy(grown, m->value.p, m->value.n);
	m->value = slice_make(grown, n);
}

/* The member becomes `depth` arrays, one in the other. */
static void nest(struct adversary_answer *a, const char *name, size_t depth)
{
	char *nested = arena_alloc(a->arena, 2 * depth + 1, 1);

	memset(nested, '[', depth);
	memset(nested + depth, ']', depth);
	adversary_answer_set(a, slice_from(name), slice_make(nested, 2 * depth), false);
}

static void apply_members(json_t *twist, struct adversary_answer *a)
{
	const char *name;
	json_t *value;
	size_t i;
	struct slice bytes;

	json_array_foreach(json_object_get(twist, "remove"), i, value) adversary_answer_remove(a, json_slice(value));
	json_object_foreach(json_object_get(twist, "set"), name, value) put_value(a, name, value, adversary_answer_set);
	json_object_foreach(json_object_get(twist, "raw"), name, value)
		adversary_answer_set(a, slice_from(name), json_slice(value), false);
	json_object_foreach(
		json_object_get(twist, "raw_base64"), name,
		value) if (!adversary_delivery_base64(name, json_string_value(value), a->arena, &bytes, NULL))
		adversary_answer_set(a, slice_from(name), bytes, false);
	json_object_foreach(json_object_get(twist, "size"), name, value)
		grow(a, name, (size_t)json_integer_value(value));
	json_object_foreach(json_object_get(twist, "nest"), name, value)
		nest(a, name, (size_t)json_integer_value(value));
	apply_pairs(a, json_object_get(twist, "add"), adversary_answer_add);
	apply_pairs(a, json_object_get(twist, "add_front"), adversary_answer_add_front);
}

/* An OAuth error: in a callback as parameters instead of the code, else as JSON (RFC 6749 §4.1.2.1, §5.2). */
static void apply_error(json_t *twist, struct adversary_answer *a)
{
	json_t *error = json_object_get(twist, "error");
	json_t *description = json_object_get(twist, "error_description");

	if (!error)
		return;
	if (a->form == ADVERSARY_CALLBACK) {
		adversary_answer_remove(a, SLICE_LIT("code"));
	} else {
		a->form = ADVERSARY_JSON;
		a->member_count = 0;
		a->status = strcmp(json_string_value(error), "invalid_client") == 0 ? 401 : 400;
		if (a->status == 401)
			adversary_answer_header(a, SLICE_LIT("WWW-Authenticate"),
						SLICE_LIT("Basic realm=\"adversary\""));
	}
	adversary_answer_set(a, SLICE_LIT("error"), json_slice(error), true);
	if (description)
		adversary_answer_set(a, SLICE_LIT("error_description"), json_slice(description), true);
}

static void apply_style(json_t *twist, struct adversary_answer *a)
{
	const char *style = json_string_value(json_object_get(twist, "style"));

	if (!style)
		return;
	if (strcmp(style, "form") == 0) {
		a->form = ADVERSARY_FORM;
	} else if (strcmp(style, "slack") == 0) {
		a->form = ADVERSARY_SLACK;
	} else {
		bool slack = strcmp(style, "slack_error") == 0;

		a->form = ADVERSARY_JSON;
		a->status = 200;
		a->member_count = 0;
		if (slack)
			adversary_answer_add(a, SLICE_LIT("ok"), SLICE_LIT("false"), false);
		adversary_answer_add(a, SLICE_LIT("error"),
				     slack ? SLICE_LIT("invalid_code") : SLICE_LIT("bad_verification_code"), true);
	}
}

static void apply_body(json_t *twist, struct adversary_answer *a)
{
	json_t *body = json_object_get(twist, "body");
	json_t *base64 = json_object_get(twist, "body_base64");
	json_t *generate = json_object_get(twist, "generate");
	struct slice bytes = {0};

	if (!body && !base64 && !generate)
		return;
	a->form = ADVERSARY_BODY;
	a->content_type = SLICE_LIT("application/json");
	a->body = (struct adversary_wire){0};
	if (generate) {
		adversary_bodies_make(generate, a);
		return;
	}
	if (body)
		bytes = arena_copy(a->arena, json_slice(body));
	else
		(void)adversary_delivery_base64("", json_string_value(base64), a->arena, &bytes, NULL);
	adversary_wire_add(&a->body, bytes, 1);
}

static void apply_retry_after(json_t *retry, int64_t now, struct adversary_answer *a)
{
	char text[64];
	time_t at = (time_t)(now / 1000 + json_integer_value(json_object_get(retry, "date_in_s")));
	struct tm utc;

	if (!retry)
		return;
	if (json_is_string(retry)) {
		adversary_answer_header(a, SLICE_LIT("Retry-After"), json_slice(retry));
	} else if (json_is_integer(retry)) {
		adversary_answer_header(
			a, SLICE_LIT("Retry-After"),
			slice_from(arena_printf(a->arena, "%lld", (long long)json_integer_value(retry))));
	} else if (gmtime_r(&at, &utc) && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)) {
		adversary_answer_header(a, SLICE_LIT("Retry-After"), slice_from(text));
	}
}

static void apply_head(json_t *twist, struct adversary_answer *a)
{
	json_t *value;
	size_t i;

	value = json_object_get(twist, "status");
	if (value)
		a->status = (int)json_integer_value(value);
	value = json_object_get(twist, "content_type");
	if (value)
		a->content_type = arena_copy(a->arena, json_slice(value));
	value = json_object_get(twist, "separator");
	if (value)
		a->separator = arena_copy(a->arena, json_slice(value));
	value = json_object_get(twist, "suffix");
	if (value)
		a->suffix = arena_copy(a->arena, json_slice(value));
	value = json_object_get(twist, "location");
	if (value && a->form == ADVERSARY_CALLBACK)
		a->location = arena_copy(a->arena, json_slice(value));
	else if (value)
		adversary_answer_header(a, SLICE_LIT("Location"), json_slice(value));
	json_array_foreach(json_object_get(twist, "headers"), i, value)
		adversary_answer_header(a, json_slice(json_array_get(value, 0)), json_slice(json_array_get(value, 1)));
}

void adversary_twist_apply(json_t *twist, int64_t now, struct adversary_answer *a)
{
	apply_error(twist, a);
	apply_style(twist, a);
	if (a->form == ADVERSARY_BODY &&
	    (json_object_get(twist, "set") || json_object_get(twist, "raw") || json_object_get(twist, "raw_base64") ||
	     json_object_get(twist, "size") || json_object_get(twist, "nest") || json_object_get(twist, "add") ||
	     json_object_get(twist, "add_front")))
		a->form = ADVERSARY_JSON;
	apply_members(twist, a);
	apply_body(twist, a);
	apply_head(twist, a);
	apply_retry_after(json_object_get(twist, "retry_after"), now, a);
}
