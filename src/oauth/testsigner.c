/* SPDX-License-Identifier: Apache-2.0 */
/* Signs with OpenSSL's own calls, so that a mistake in how we verify is not made twice. Aborts when anything fails. */
#include "oauth/testsigner.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/encode.h"
#include "base/mem.h"

struct testsigner {
	EVP_PKEY *key[JWK__COUNT];
};

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static void must_be(int want, int got)
{
	if (want != got)
		abort();
}

struct testsigner *testsigner_new(void)
{
	struct testsigner *s = MEM_NEW(struct testsigner);

	s->key[JWK_RSA] = must(EVP_RSA_gen(2048));
	s->key[JWK_P256] = must(EVP_EC_gen("P-256"));
	s->key[JWK_P384] = must(EVP_EC_gen("P-384"));
	s->key[JWK_P521] = must(EVP_EC_gen("P-521"));
	s->key[JWK_ED25519] = must(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	return s;
}

void testsigner_free(struct testsigner **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < JWK__COUNT; i++)
		EVP_PKEY_free((*s)->key[i]);
	free(*s);
	*s = NULL;
}

/* A number as base64url of `bytes` bytes; 0: as many as it has. */
static const char *number(EVP_PKEY *key, const char *name, int bytes, struct arena *a)
{
	unsigned char raw[1024];
	BIGNUM *n = NULL;
	struct buf text;
	const char *copy;

	must_be(1, EVP_PKEY_get_bn_param(key, name, &n));
	if (!bytes)
		bytes = BN_num_bytes(n);
	must_be(bytes, BN_bn2binpad(n, raw, bytes));
	BN_free(n);
	buf_init(&text, 4096);
	encode_base64url(&text, slice_make(raw, (size_t)bytes));
	copy = arena_strndup(a, buf_slice(&text));
	buf_done(&text);
	return copy;
}

static const char *raw_key(EVP_PKEY *key, struct arena *a)
{
	unsigned char raw[32];
	size_t n = sizeof raw;
	struct buf text;
	const char *copy;

	must_be(1, EVP_PKEY_get_raw_public_key(key, raw, &n));
	buf_init(&text, 64);
	encode_base64url(&text, slice_make(raw, n));
	copy = arena_strndup(a, buf_slice(&text));
	buf_done(&text);
	return copy;
}

const char *testsigner_key(const struct testsigner *s, enum jwk_type type, const char *kid, struct arena *a)
{
	static const struct {
		const char *crv;
		int bytes;
	} curves[JWK__COUNT] = {[JWK_P256] = {"P-256", 32}, [JWK_P384] = {"P-384", 48}, [JWK_P521] = {"P-521", 66}};
	const char *named = kid ? arena_printf(a, "\"kid\":\"%s\",", kid) : "";
	EVP_PKEY *key = s->key[type];

	if (type == JWK_RSA)
		return arena_printf(a, "{\"kty\":\"RSA\",%s\"use\":\"sig\",\"n\":\"%s\",\"e\":\"%s\"}", named,
				    number(key, OSSL_PKEY_PARAM_RSA_N, 0, a), number(key, OSSL_PKEY_PARAM_RSA_E, 0, a));
	if (type == JWK_ED25519)
		return arena_printf(a, "{\"kty\":\"OKP\",%s\"crv\":\"Ed25519\",\"x\":\"%s\"}", named, raw_key(key, a));
	return arena_printf(a, "{\"kty\":\"EC\",%s\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", named, curves[type].crv,
			    number(key, OSSL_PKEY_PARAM_EC_PUB_X, curves[type].bytes, a),
			    number(key, OSSL_PKEY_PARAM_EC_PUB_Y, curves[type].bytes, a));
}

const char *testsigner_set(const char *keys, struct arena *a)
{
	return arena_printf(a, "{\"keys\":[%s]}", keys);
}

/* r and s side by side. */
static size_t from_der(unsigned char *io, size_t n, int half)
{
	const unsigned char *at = io;
	ECDSA_SIG *sig = must(d2i_ECDSA_SIG(NULL, &at, (long)n));

	must_be(half, BN_bn2binpad(ECDSA_SIG_get0_r(sig), io, half));
	must_be(half, BN_bn2binpad(ECDSA_SIG_get0_s(sig), io + half, half));
	ECDSA_SIG_free(sig);
	return 2 * (size_t)half;
}

const char *testsigner_sign(const struct testsigner *s, enum jws_alg alg, const char *header, const char *claims,
			    struct arena *a)
{
	static const struct {
		enum jwk_type type;
		const char *digest;
		bool pss;
		int half;
	} how[JWS_ALG__COUNT] = {
		[JWS_RS256] = {JWK_RSA, "SHA256", false, 0}, [JWS_RS384] = {JWK_RSA, "SHA384", false, 0},
		[JWS_RS512] = {JWK_RSA, "SHA512", false, 0}, [JWS_PS256] = {JWK_RSA, "SHA256", true, 0},
		[JWS_PS384] = {JWK_RSA, "SHA384", true, 0}, [JWS_PS512] = {JWK_RSA, "SHA512", true, 0},
		[JWS_ES256] = {JWK_P256, "SHA256", false, 32}, [JWS_ES384] = {JWK_P384, "SHA384", false, 48},
		[JWS_ES512] = {JWK_P521, "SHA512", false, 66}, [JWS_EDDSA] = {JWK_ED25519, NULL, false, 0},
	};
	unsigned char signature[1024];
	size_t n = sizeof signature;
	EVP_MD_CTX *md = must(EVP_MD_CTX_new());
	EVP_PKEY_CTX *ctx;
	struct buf text;
	const char *copy;

	buf_init(&text, 1 << 20);
	encode_base64url(&text, slice_from(header));
	buf_putc(&text, '.');
	encode_base64url(&text, slice_from(claims));
	must_be(1, EVP_DigestSignInit_ex(md, &ctx, how[alg].digest, NULL, NULL, s->key[how[alg].type], NULL));
	if (how[alg].pss) {
		must_be(1, EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING));
		must_be(1, EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST));
	}
	must_be(1, EVP_DigestSign(md, signature, &n, (const unsigned char *)text.p, text.n));
	EVP_MD_CTX_free(md);
	if (how[alg].half)
		n = from_der(signature, n, how[alg].half);
	buf_putc(&text, '.');
	encode_base64url(&text, slice_make(signature, n));
	copy = arena_strndup(a, buf_slice(&text));
	buf_done(&text);
	return copy;
}
