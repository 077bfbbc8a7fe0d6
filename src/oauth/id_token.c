/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an ID token is what its issuer signed. The algorithm comes from our list, the key from the issuer's published set; a
 * token's header only chooses among them. Must never try a key that the token brought along.
 */
#include "oauth/id_token.h"

#include "base/encode.h"
#include "base/mem.h"
#include "oauth/token.h"

enum { SIGNATURE_MAX_BYTES = 1024 };

enum err id_token_refuse(struct errinfo *ei, const char *what)
{
	err_set(ei, ERR_UPSTREAM_DENIED, "the provider's ID token is not acceptable: %s", what);
	err_hint(ei, ERR_UPSTREAM_DENIED,
		 "Connect again; if it happens every time, check issuer and client id of the authenticator.");
	return err_code(ei, ERR_UPSTREAM_DENIED, "id_token_invalid");
}

static enum id_token_verdict bad(struct errinfo *ei, const char *what)
{
	id_token_refuse(ei, what);
	return ID_TOKEN_BAD;
}

/* One part as a JSON object; NULL unless it is strict base64url of one (RFC 7515 §2). */
static const struct jsonr *read_part(struct slice part, struct arena *a)
{
	CLEANUP(buf_done) struct buf text;
	struct jsonr *doc;

	buf_init(&text, TOKEN_MAX_BYTES);
	if (part.n == 0 || !decode_base64url(part, &text) || jsonr_parse(buf_slice(&text), TOKEN_MAX_BYTES, &doc, NULL))
		return NULL;
	jsonr_in_arena(a, doc);
	return jsonr_type(doc) == JSONR_OBJECT ? doc : NULL;
}

/* An encrypted token has five parts, an unsigned one an empty third. */
bool id_token_read(const struct secret *token, struct arena *a, struct id_token *ret)
{
	CLEANUP(buf_done) struct buf signature;
	struct slice whole = secret_expose(token), rest = whole, header, claims, third;
	struct id_token t;

	buf_init(&signature, SIGNATURE_MAX_BYTES);
	if (whole.n > TOKEN_MAX_BYTES || !slice_split(&rest, '.', &header) || !slice_split(&rest, '.', &claims) ||
	    !slice_split(&rest, '.', &third) || rest.p || third.n == 0 || !decode_base64url(third, &signature) ||
	    !buf_ok(&signature))
		return false;
	t.header = read_part(header, a);
	t.claims = read_part(claims, a);
	t.input = slice_sub(whole, 0, header.n + 1 + claims.n);
	t.signature = arena_copy(a, buf_slice(&signature));
	if (!t.header || !t.claims || !jsonr_get_string(t.header, "alg").n ||
	    slice_is_nocase(jsonr_get_string(t.header, "alg"), "none"))
		return false;
	*ret = t;
	return true;
}

struct candidates {
	enum jws_alg alg;
	struct slice kid; /* p NULL: not named */
};

static bool is_candidate(const struct jwk *key, const struct candidates *c)
{
	return jws_key_fits(key, c->alg) && (!c->kid.p || slice_is(c->kid, key->kid));
}

/* Without a name there must be only one key that it can be (OIDC Core §10.1). */
static enum id_token_verdict check_signature(const struct id_token *t, const struct jwks *keys,
					     const struct candidates *c, struct errinfo *ei)
{
	size_t found = 0;
	bool good = false;

	for (size_t i = 0; keys && i < keys->n; i++)
		found += is_candidate(&keys->key[i], c);
	if (!c->kid.p && found > 1)
		return bad(ei, "it does not say which of the issuer's keys signed it");
	for (size_t i = 0; keys && i < keys->n && !good; i++)
		good = is_candidate(&keys->key[i], c) && jws_verify(c->alg, &keys->key[i], t->input, t->signature);
	if (good)
		return ID_TOKEN_GOOD;
	if (found && c->kid.p)
		return bad(ei, "its signature is wrong");
	/* Not named, the only key may be the one before the issuer's new one. */
	id_token_refuse(ei, found ? "its signature is wrong" : "it is signed with a key that the issuer does not publish");
	return ID_TOKEN_KEY_UNKNOWN;
}

/* OIDC Core §3.1.3.8: the left half of the access token's digest. */
static bool at_hash_fits(const struct jsonr *at_hash, enum jws_alg alg, const struct secret *access_token)
{
	CLEANUP(buf_done) struct buf expected;
	unsigned char digest[64];
	size_t n = jws_digest(alg, secret_expose(access_token), digest);

	buf_init(&expected, sizeof digest * 2);
	encode_base64url(&expected, slice_make(digest, n / 2));
	return n && slice_eq(jsonr_string(at_hash), buf_slice(&expected));
}

enum id_token_verdict id_token_verify(const struct secret *token, const struct id_token_trust *trust, struct arena *a,
				      struct errinfo *ei)
{
	const struct jsonr *kid, *at_hash;
	struct candidates c;
	struct id_token t;
	enum id_token_verdict v;

	if (!id_token_read(token, a, &t))
		return bad(ei, "it is no signed JSON Web Token");
	if (!jws_alg_find(jsonr_get_string(t.header, "alg"), &c.alg) || !(trust->algs & 1u << c.alg))
		return bad(ei, "its algorithm is not one that this authenticator takes");
	/* RFC 7515 §4.1.11: no extension is known here. */
	if (jsonr_get(t.header, "crit"))
		return bad(ei, "its header has a critical extension");
	kid = jsonr_get(t.header, "kid");
	c.kid = jsonr_string(kid);
	if (kid && (!c.kid.n || c.kid.n > JWKS_KID_MAX))
		return bad(ei, "its key id is no text of usual length");
	v = check_signature(&t, trust->keys, &c, ei);
	if (v != ID_TOKEN_GOOD)
		return v;
	at_hash = jsonr_get(t.claims, "at_hash");
	if (at_hash && !at_hash_fits(at_hash, c.alg, trust->access_token))
		return bad(ei, "at_hash is not that of the access token");
	return ID_TOKEN_GOOD;
}

static bool is_for(const struct jsonr *aud, const char *client_id)
{
	if (slice_is(jsonr_string(aud), client_id))
		return true;
	for (size_t i = 0; i < jsonr_count(aud); i++)
		if (slice_is(jsonr_string(jsonr_at(aud, i)), client_id))
			return true;
	return false;
}

bool id_token_is_of(const struct secret *token, const char *issuer, const char *subject, const char *client_id, struct arena *a)
{
	struct id_token t;

	return id_token_read(token, a, &t) && slice_is(jsonr_get_string(t.claims, "iss"), issuer) &&
	       slice_is(jsonr_get_string(t.claims, "sub"), subject) && is_for(jsonr_get(t.claims, "aud"), client_id);
}
