/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masking by the names of fields: a name that contains one of the words is masked unless it is known
 * to be harmless, so that a field nobody thought of is rather hidden than shown. Must never show the
 * length of what it hides.
 */
#include "cli/mask.h"

#include <string.h>

#include "base/mem.h"
#include "cli/text.h"
#include "secret/apikey.h"
#include "json/jsonw.h"

static const char *const suspicious[] = {
	"secret",     "token",	 "password",	  "passwd", "key",     "code",	"verifier", "assertion",
	"credential", "private", "authorization", "cookie", "session", "state", "nonce",
};

/* Contain one of the words above and hold nothing secret. */
static const char *const harmless[] = {
	"token_url",
	"token_uri",
	"token_type",
	"token_endpoint",
	"token_endpoint_auth_method",
	"token_params",
	"key_id",
	"public_key",
	"jwks_uri",
	"authorization_endpoint",
	"status_code",
	"code_challenge_method",
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool contains_nocase(struct slice text, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= text.n; i++) {
		size_t same = 0;

		while (same < n && lower(text.p[i + same]) == word[same])
			same++;
		if (same == n)
			return true;
	}
	return false;
}

bool mask_is_secret_name(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
		if (slice_is_nocase(name, harmless[i]))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(suspicious); i++)
		if (contains_nocase(name, suspicious[i]))
			return true;
	return false;
}

struct walk {
	struct jsonw w;
};

/* The link's token is what stands behind "/connect/" up to the end of the segment. */
static void put_text(struct walk *walk, const char *key, struct slice text)
{
	static const char marker[] = "/connect/";
	size_t n = sizeof marker - 1;

	for (size_t i = 0; i + n < text.n; i++) {
		struct buf cut;

		if (memcmp(text.p + i, marker, n) != 0)
			continue;
		buf_init(&cut, text.n + 16);
		buf_put(&cut, slice_sub(text, 0, i + n));
		buf_puts(&cut, "****");
		jsonw_slice(&walk->w, key, buf_slice(&cut));
		buf_done(&cut);
		return;
	}
	jsonw_slice(&walk->w, key, text);
}

static void put_value(struct walk *walk, const char *key, const struct jsonr *v);

static void put_member(const char *key, const struct jsonr *v, void *arg)
{
	struct walk *walk = arg;
	enum jsonr_type type = jsonr_type(v);

	if (mask_is_secret_name(slice_from(key)) && type != JSONR_NULL && type != JSONR_BOOL)
		jsonw_string(&walk->w, key, "****");
	else
		put_value(walk, key, v);
}

static void put_raw(struct walk *walk, const char *key, const struct jsonr *v)
{
	struct buf text;

	buf_init(&text, 64);
	jsonr_dump(v, &text);
	jsonw_raw(&walk->w, key, buf_slice(&text));
	buf_done(&text);
}

static void put_value(struct walk *walk, const char *key, const struct jsonr *v)
{
	switch (jsonr_type(v)) {
	case JSONR_STRING: put_text(walk, key, jsonr_string(v)); break;
	case JSONR_ARRAY:
		jsonw_array(&walk->w, key);
		for (size_t i = 0; i < jsonr_count(v); i++)
			put_value(walk, NULL, jsonr_at(v, i));
		jsonw_array_end(&walk->w);
		break;
	case JSONR_OBJECT:
		jsonw_object(&walk->w, key);
		jsonr_each(v, put_member, walk);
		jsonw_object_end(&walk->w);
		break;
	case JSONR_ABSENT:
	case JSONR_NULL:
	case JSONR_BOOL:
	case JSONR_NUMBER: put_raw(walk, key, v); break;
	}
}

void mask_json(const struct jsonr *v, struct buf *out)
{
	struct walk walk;
	struct buf text;

	buf_init(&text, out->max);
	jsonw_init(&walk.w, &text);
	put_value(&walk, NULL, v);
	text_put_json(out, buf_slice(&text));
	buf_done(&text);
}

void mask_key(const struct secret *key, struct buf *out)
{
	char id[APIKEY_ID_BYTES];
	struct slice rest;

	if (apikey_parse(secret_expose(key), id, &rest, NULL) == ERR_OK)
		buf_printf(out, "fw_%s_****", id);
	else
		buf_puts(out, "****");
}
