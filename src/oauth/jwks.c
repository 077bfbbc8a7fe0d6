/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading an issuer's key set. A key that is not surely a public signature key is passed over, so that one bad entry does not
 * cost the others. Must never take a symmetric key: a published one is everybody's (ID-01).
 */
#include "oauth/jwks.h"

#include "base/encode.h"
#include "base/mem.h"
#include "fetch/fetch.h"
#include "json/jsonr.h"

enum { RSA_MIN_BYTES = 256, RSA_MAX_BYTES = 1024, EXPONENT_MAX_BYTES = 8, ALG_NAME_MAX = 16 };

static const struct curve {
	const char *kty, *crv;
	size_t bytes;
} curves[JWK__COUNT] = {
	[JWK_P256] = {"EC", "P-256", 32},
	[JWK_P384] = {"EC", "P-384", 48},
	[JWK_P521] = {"EC", "P-521", 66},
	[JWK_ED25519] = {"OKP", "Ed25519", 32},
};

/* A member that is base64url; n 0 when it is none, or longer than `max`. */
static struct slice read_bytes(const struct jsonr *obj, const char *name, size_t max, struct arena *a)
{
	CLEANUP(buf_done) struct buf bytes;

	buf_init(&bytes, max);
	if (!decode_base64url(jsonr_get_string(obj, name), &bytes) || !buf_ok(&bytes))
		return (struct slice){0};
	return arena_copy(a, buf_slice(&bytes));
}

/* RFC 7518 §6.3.1.1 forbids them, and some issuers write one all the same. */
static struct slice without_zeros(struct slice s)
{
	while (s.n && s.p[0] == '\0')
		s = slice_sub(s, 1, s.n);
	return s;
}

static bool read_rsa(const struct jsonr *obj, struct arena *a, struct jwk *key)
{
	key->type = JWK_RSA;
	key->first = without_zeros(read_bytes(obj, "n", RSA_MAX_BYTES + 1, a));
	key->second = without_zeros(read_bytes(obj, "e", EXPONENT_MAX_BYTES, a));
	if (key->first.n < RSA_MIN_BYTES || key->first.n > RSA_MAX_BYTES || !key->second.n)
		return false;
	/* With 1 the signature would be its own message. */
	return (key->second.p[key->second.n - 1] & 1) && (key->second.n > 1 || key->second.p[0] != 1);
}

static bool read_curve(const struct jsonr *obj, struct arena *a, struct jwk *key)
{
	struct slice kty = jsonr_get_string(obj, "kty"), crv = jsonr_get_string(obj, "crv");

	for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
		const struct curve *c = &curves[i];

		if (!c->kty || !slice_is(kty, c->kty) || !slice_is(crv, c->crv))
			continue;
		key->type = (enum jwk_type)i;
		key->first = read_bytes(obj, "x", c->bytes, a);
		if (key->type != JWK_ED25519)
			key->second = read_bytes(obj, "y", c->bytes, a);
		return key->first.n == c->bytes && key->second.n == (key->type == JWK_ED25519 ? 0 : c->bytes);
	}
	return false;
}

/* RFC 7517 §4.2, §4.3: no word about its use is fine, another use is not. */
static bool is_for_signatures(const struct jsonr *obj)
{
	const struct jsonr *use = jsonr_get(obj, "use"), *ops = jsonr_get(obj, "key_ops");
	bool verifies = !ops;

	for (size_t i = 0; i < jsonr_count(ops); i++)
		verifies = verifies || slice_is(jsonr_string(jsonr_at(ops, i)), "verify");
	return verifies && (!use || slice_is(jsonr_string(use), "sig"));
}

/* A name that is absent, or a short printable text; false for anything else. */
static bool read_name(const struct jsonr *obj, const char *name, size_t max, struct arena *a, const char **ret)
{
	const struct jsonr *v = jsonr_get(obj, name);
	struct slice text = jsonr_string(v);

	if (v && (!text.p || text.n > max || !slice_is_utf8(text)))
		return false;
	*ret = arena_strndup(a, text);
	return true;
}

static bool read_key(const struct jsonr *obj, struct arena *a, struct jwk *ret)
{
	struct jwk key = {.kid = ""};

	if (!is_for_signatures(obj) || !read_name(obj, "kid", JWKS_KID_MAX, a, &key.kid) ||
	    !read_name(obj, "alg", ALG_NAME_MAX, a, &key.alg))
		return false;
	if (slice_is(jsonr_get_string(obj, "kty"), "RSA") ? !read_rsa(obj, a, &key) : !read_curve(obj, a, &key))
		return false;
	*ret = key;
	return true;
}

enum err jwks_parse(struct slice text, struct arena *a, struct jwks *ret, struct errinfo *ei)
{
	CLEANUP(jsonr_free) struct jsonr *doc = NULL;
	const struct jsonr *keys;
	struct jwk *key;
	size_t n = 0, count;
	enum err e = jsonr_parse(text, FETCH_METADATA_CAP, &doc, ei);

	if (e)
		return e;
	keys = jsonr_get(doc, "keys");
	count = jsonr_count(keys);
	if (jsonr_type(keys) != JSONR_ARRAY)
		return err_set(ei, ERR_INVALID, "the issuer's key set has no list of keys (RFC 7517 §5)");
	if (count > JWKS_KEYS_MAX)
		return err_set(ei, ERR_INVALID, "the issuer's key set has %zu keys; %d are the most", count, JWKS_KEYS_MAX);
	key = ARENA_NEW_N(a, count + 1, struct jwk);
	for (size_t i = 0; i < count; i++)
		n += read_key(jsonr_at(keys, i), a, &key[n]);
	*ret = (struct jwks){.n = n, .key = key};
	return ERR_OK;
}

void jwks_copy(const struct jwks *from, struct arena *a, struct jwks *ret)
{
	struct jwk *key = ARENA_NEW_N(a, from->n + 1, struct jwk);

	for (size_t i = 0; i < from->n; i++) {
		const struct jwk *k = &from->key[i];

		key[i] = (struct jwk){.kid = arena_strdup(a, k->kid), .alg = arena_strdup(a, k->alg), .type = k->type,
				      .first = arena_copy(a, k->first), .second = arena_copy(a, k->second)};
	}
	*ret = (struct jwks){.n = from->n, .key = key};
}
