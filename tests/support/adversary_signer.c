/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adversary as an OpenID provider: an RSA key per number, RS256, and every way of getting it wrong
 * that a relying party has to notice. Must never be used for anything but tests: it forges on request.
 */
#include "support/adversary_signer.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>

#include "base/encode.h"
#include "base/mem.h"

enum { KEY_BITS = 2048, KEY_BYTES = KEY_BITS / 8, TEXT_MAX = 1 << 20 };

struct adversary_signer {
	EVP_PKEY *keys[ADVERSARY_SIGNER_KEYS]; /* NULL until first use */
	EVP_PKEY *key;                         /* the one in use */
	size_t number;                         /* of it */
};

struct adversary_signer *adversary_signer_new(void)
{
	return MEM_NEW(struct adversary_signer);
}

void adversary_signer_free(struct adversary_signer **signer)
{
	if (!signer || !*signer)
		return;
	for (size_t i = 0; i < ADVERSARY_SIGNER_KEYS; i++)
		EVP_PKEY_free((*signer)->keys[i]);
	free(*signer);
	*signer = NULL;
}

void adversary_signer_use(struct adversary_signer *signer, size_t number)
{
	signer->number = number < ADVERSARY_SIGNER_KEYS ? number : 0;
}

static enum err need_key(struct adversary_signer *signer)
{
	EVP_PKEY **key = &signer->keys[signer->number];

	if (!*key)
		*key = EVP_RSA_gen(KEY_BITS);
	signer->key = *key;
	return *key ? ERR_OK : ERR_CRYPTO;
}

static const char *signature_word(const json_t *forge)
{
	const char *word = json_string_value(json_object_get(forge, "signature"));

	return word ? word : "good";
}

bool adversary_signer_forge_known(const json_t *forge)
{
	const char *word = signature_word(forge);
	json_t *claims = json_object_get(forge, "claims"), *header = json_object_get(forge, "header");
	json_t *signature = json_object_get(forge, "signature");
	size_t members = (size_t)(claims != NULL) + (size_t)(header != NULL) + (size_t)(signature != NULL);

	if (!forge)
		return true;
	return json_is_object(forge) && json_object_size(forge) == members && (!claims || json_is_object(claims)) &&
	       (!header || json_is_object(header)) && (!signature || json_is_string(signature)) &&
	       (strcmp(word, "good") == 0 || strcmp(word, "bad") == 0 || strcmp(word, "empty") == 0 ||
		strcmp(word, "hs256") == 0);
}

/* Lays the members of `over` on `object`; null takes one out. */
static void lay_over(json_t *object, json_t *over)
{
	const char *name;
	json_t *value;

	json_object_foreach(over, name, value) if (json_is_null(value)) json_object_del(object, name);
	else json_object_set(object, name, value);
}

static json_t *text(struct slice s)
{
	return json_stringn_nocheck(s.p ? s.p : "", s.n);
}

/* OIDC Core §3.1.3.6: the left half of the access token's SHA-256. */
static json_t *at_hash(struct slice access_token)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	struct buf out;
	json_t *value;

	crypto_hash_sha256(hash, (const unsigned char *)access_token.p, access_token.n);
	buf_init(&out, sizeof hash * 2);
	encode_base64url(&out, slice_make(hash, sizeof hash / 2));
	value = text(buf_slice(&out));
	buf_done(&out);
	return value;
}

static json_t *honest_claims(const struct adversary_claims *c)
{
	json_t *claims = json_object();
	json_int_t now_s = c->now / 1000;
	char *email = mem_printf(slice_index(c->account, '@') < c->account.n ? "%.*s" : "%.*s@adversary.test",
				 SLICE_ARG(c->account));

	json_object_set_new(claims, "iss", text(c->issuer));
	json_object_set_new(claims, "sub", text(c->account));
	json_object_set_new(claims, "aud", text(c->client_id));
	json_object_set_new(claims, "iat", json_integer(now_s));
	json_object_set_new(claims, "exp", json_integer(now_s + c->ttl_s));
	if (c->nonce.n)
		json_object_set_new(claims, "nonce", text(c->nonce));
	json_object_set_new(claims, "at_hash", at_hash(c->access_token));
	json_object_set_new(claims, "email", json_string_nocheck(email));
	json_object_set_new(claims, "email_verified", json_true());
	mem_free_str(&email);
	return claims;
}

/* Appends the object as base64url of its JSON. Takes the reference. */
static void put_part(struct buf *out, json_t *object)
{
	char *source = json_dumps(object, JSON_COMPACT);

	encode_base64url(out, slice_from(source ? source : "{}"));
	free(source);
	json_decref(object);
}

static enum err put_rs256(struct adversary_signer *signer, struct slice input, bool flip, struct buf *out)
{
	unsigned char signature[KEY_BYTES];
	size_t n = sizeof signature;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, signer->key) == 1 &&
		 EVP_DigestSign(ctx, signature, &n, (const unsigned char *)input.p, input.n) == 1;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return ERR_CRYPTO;
	signature[0] ^= flip ? 1 : 0;
	encode_base64url(out, slice_make(signature, n));
	return ERR_OK;
}

/* The classic confusion: the public key as HMAC key. */
static enum err put_hs256(struct adversary_signer *signer, struct slice input, struct buf *out)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	BIO *pem = BIO_new(BIO_s_mem());
	char *key = NULL;
	enum err e = ERR_CRYPTO;

	if (pem && PEM_write_bio_PUBKEY(pem, signer->key) == 1) {
		long key_n = BIO_get_mem_data(pem, &key);

		if (HMAC(EVP_sha256(), key, (int)key_n, (const unsigned char *)input.p, input.n, mac, &n))
			e = ERR_OK;
	}
	BIO_free(pem);
	if (!e)
		encode_base64url(out, slice_make(mac, n));
	return e;
}

enum err adversary_signer_make(struct adversary_signer *signer, const struct adversary_claims *claims, bool sign,
			       const json_t *forge, struct buf *out)
{
	const char *word = sign ? signature_word(forge) : "empty";
	const char *alg = !sign ? "none" : strcmp(word, "hs256") == 0 ? "HS256" : "RS256";
	CLEANUP(mem_free_str) char *kid = mem_printf("adversary-%zu", signer->number + 1);
	json_t *header = json_pack("{ss ss ss}", "alg", alg, "typ", "JWT", "kid", kid);
	json_t *body = honest_claims(claims);
	struct buf jws;
	enum err e = sign ? need_key(signer) : ERR_OK;

	lay_over(header, json_object_get(forge, "header"));
	lay_over(body, json_object_get(forge, "claims"));
	buf_init(&jws, TEXT_MAX);
	put_part(&jws, header);
	buf_putc(&jws, '.');
	put_part(&jws, body);
	buf_put(out, buf_slice(&jws));
	buf_putc(out, '.');
	if (!e && strcmp(word, "hs256") == 0)
		e = put_hs256(signer, buf_slice(&jws), out);
	else if (!e && strcmp(word, "empty") != 0)
		e = put_rs256(signer, buf_slice(&jws), strcmp(word, "bad") == 0, out);
	buf_done(&jws);
	return e;
}

static enum err put_number(EVP_PKEY *key, const char *name, struct buf *out)
{
	unsigned char bytes[KEY_BYTES];
	BIGNUM *number = NULL;
	int n;

	if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
		return ERR_CRYPTO;
	n = BN_bn2bin(number, bytes);
	BN_free(number);
	encode_base64url(out, slice_make(bytes, (size_t)n));
	return ERR_OK;
}

enum err adversary_signer_jwks(struct adversary_signer *signer, struct buf *out)
{
	enum err e = need_key(signer);

	if (e)
		return e;
	buf_printf(out, "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"adversary-%zu\",\"n\":\"", signer->number + 1);
	e = put_number(signer->key, OSSL_PKEY_PARAM_RSA_N, out);
	buf_puts(out, "\",\"e\":\"");
	if (!e)
		e = put_number(signer->key, OSSL_PKEY_PARAM_RSA_E, out);
	buf_puts(out, "\"}]}");
	return e;
}
