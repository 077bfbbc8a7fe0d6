/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading through jansson, with our own check of depth and size before it. Must never be handed a
 * text without a cap, never accept duplicate keys or NUL in a string, and never leave a piece of the
 * text behind in freed memory: answers of token endpoints come through here.
 */
#include "json/jsonr.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"

/* In front of each piece of jansson's memory, so that freeing can wipe it. */
struct piece {
	_Alignas(16) size_t bytes;
	_Alignas(16) char text[];
};

static void *piece_new(size_t bytes)
{
	struct piece *p = mem_calloc(1, sizeof *p + bytes);

	p->bytes = bytes;
	return p->text;
}

static void piece_free(void *text)
{
	struct piece *p = text ? CONTAINER_OF(text, struct piece, text) : NULL;

	if (!p)
		return;
	secret_wipe(p, sizeof *p + p->bytes);
	free(p);
}

static void use_wiped_memory(void)
{
	json_set_alloc_funcs(piece_new, piece_free);
}

/* struct jsonr is jansson's json_t under another name; this is the one place that knows. */
static json_t *raw(const struct jsonr *v)
{
	return (json_t *)(uintptr_t)v;
}

static struct jsonr *wrap(json_t *v)
{
	return (struct jsonr *)v;
}

/* Nesting is counted before jansson recurses, so that depth costs a scan and no stack. */
static bool too_deep(struct slice text)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSONR_MAX_DEPTH)
				return true;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}

/* The length of the number that starts at `text`. */
static size_t number_length(struct slice text)
{
	size_t n = 0;

	while (n < text.n && strchr("+-.0123456789eE", text.p[n]) && text.p[n])
		n++;
	return n;
}

/*
 * A number too large for jansson must not cost the whole answer with its tokens (OA-15: an expires_in of
 * 2^63 or 1e309). Long ones become 1e300, which jsonr_integer() refuses; those of four characters are small.
 */
static void shrink_numbers(struct buf *copy)
{
	static const char huge[] = {'1', 'e', '3', '0', '0'};
	bool in_string = false;

	for (size_t i = 0; i < copy->n; i++) {
		size_t n = in_string ? 0 : number_length(slice_make(copy->p + i, copy->n - i));
		json_error_t why;
		json_t *number = n >= sizeof huge ? json_loadb(copy->p + i, n, JSON_DECODE_ANY, &why) : NULL;

		if (n >= sizeof huge && !number && json_error_code(&why) == json_error_numeric_overflow) {
			memset(copy->p + i, ' ', n);
			memcpy(copy->p + i, huge, sizeof huge);
		}
		json_decref(number);
		if (copy->p[i] == '"')
			in_string = !in_string;
		i += n ? n - 1 : in_string && copy->p[i] == '\\';
	}
}

static json_t *load(struct slice text, json_error_t *ret_why)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	json_t *doc = json_loadb(text.n ? text.p : "", text.n, flags, ret_why);
	struct buf copy;

	if (doc || json_error_code(ret_why) != json_error_numeric_overflow)
		return doc;
	buf_init(&copy, text.n);
	buf_put(&copy, text);
	shrink_numbers(&copy);
	doc = json_loadb(copy.p, copy.n, flags, ret_why);
	buf_done(&copy);
	return doc;
}

enum err jsonr_parse(struct slice text, size_t max_bytes, struct jsonr **ret_doc, struct errinfo *ei)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	json_error_t why;
	json_t *doc;

	pthread_once(&once, use_wiped_memory);
	if (text.n > max_bytes)
		return err_set(ei, ERR_TOO_LARGE, "the JSON text is larger than %zu bytes", max_bytes);
	if (too_deep(text))
		return err_set(ei, ERR_INVALID, "the JSON text is nested deeper than %d levels", JSONR_MAX_DEPTH);
	/* jansson skips a NUL byte behind a number. */
	if (slice_index(text, '\0') < text.n)
		return err_set(ei, ERR_INVALID, "not valid JSON: it has a NUL byte");
	doc = load(text, &why);
	/* jansson's own text can quote the input, which may be secret: only the place is told. */
	if (!doc)
		return err_set(ei, ERR_INVALID, "not valid JSON: line %d, column %d", why.line, why.column);
	*ret_doc = wrap(doc);
	return ERR_OK;
}

void jsonr_free(struct jsonr **doc)
{
	if (!doc || !*doc)
		return;
	json_decref(raw(*doc)); /* our piece_free() wipes */
	*doc = NULL;
}

static void free_owned(void *p)
{
	struct jsonr *doc = p;

	jsonr_free(&doc);
}

struct jsonr *jsonr_in_arena(struct arena *a, struct jsonr *doc)
{
	arena_own(a, doc, free_owned);
	return doc;
}

enum jsonr_type jsonr_type(const struct jsonr *v)
{
	if (!v)
		return JSONR_ABSENT;
	switch (json_typeof(raw(v))) {
	case JSON_TRUE:
	case JSON_FALSE: return JSONR_BOOL;
	case JSON_INTEGER:
	case JSON_REAL: return JSONR_NUMBER;
	case JSON_STRING: return JSONR_STRING;
	case JSON_ARRAY: return JSONR_ARRAY;
	case JSON_OBJECT: return JSONR_OBJECT;
	case JSON_NULL: break;
	}
	return JSONR_NULL;
}

const struct jsonr *jsonr_get(const struct jsonr *obj, const char *key)
{
	return obj ? wrap(json_object_get(raw(obj), key)) : NULL;
}

static const struct jsonr *step(const struct jsonr *v, struct slice name)
{
	uint64_t i;

	if (json_is_object(raw(v)))
		return wrap(json_object_getn(raw(v), name.p, name.n));
	if (!json_is_array(raw(v)) || !slice_to_u64(name, json_array_size(raw(v)), &i))
		return NULL;
	return wrap(json_array_get(raw(v), (size_t)i));
}

const struct jsonr *jsonr_path(const struct jsonr *obj, const char *path)
{
	struct slice rest = slice_from(path), name;

	while (obj && slice_split(&rest, '.', &name))
		obj = step(obj, name);
	return obj;
}

size_t jsonr_count(const struct jsonr *v)
{
	if (jsonr_type(v) == JSONR_ARRAY)
		return json_array_size(raw(v));
	return jsonr_type(v) == JSONR_OBJECT ? json_object_size(raw(v)) : 0;
}

const struct jsonr *jsonr_at(const struct jsonr *array, size_t i)
{
	return array ? wrap(json_array_get(raw(array), i)) : NULL;
}

void jsonr_each(const struct jsonr *obj, void (*fn)(const char *key, const struct jsonr *value, void *arg), void *arg)
{
	const char *key;
	json_t *value;

	if (jsonr_type(obj) != JSONR_OBJECT)
		return;
	json_object_foreach(raw(obj), key, value) fn(key, wrap(value), arg);
}

struct slice jsonr_string(const struct jsonr *v)
{
	if (jsonr_type(v) != JSONR_STRING)
		return (struct slice){0};
	return slice_make(json_string_value(raw(v)), json_string_length(raw(v)));
}

struct slice jsonr_get_string(const struct jsonr *obj, const char *key)
{
	return jsonr_string(jsonr_get(obj, key));
}

bool jsonr_integer(const struct jsonr *v, int64_t *ret)
{
	double real;

	if (jsonr_type(v) != JSONR_NUMBER)
		return false;
	if (json_is_integer(raw(v))) {
		*ret = (int64_t)json_integer_value(raw(v));
		return true;
	}
	real = json_real_value(raw(v));
	if (!(real >= -9007199254740992.0 && real <= 9007199254740992.0) || real != floor(real))
		return false;
	*ret = (int64_t)real;
	return true;
}

bool jsonr_is_true(const struct jsonr *v)
{
	return v && json_is_true(raw(v));
}

static int put_piece(const char *text, size_t n, void *arg)
{
	buf_put(arg, slice_make(text, n));
	return 0;
}

void jsonr_dump(const struct jsonr *v, struct buf *out)
{
	json_dump_callback(raw(v), put_piece, out, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}
