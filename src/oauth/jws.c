/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures under an issuer's public keys, through OpenSSL's EVP. The algorithm decides which type of key may be used, never the
 * key or the token alone: that is what an exchange of algorithms lives on (ID-01). A failure of OpenSSL is "not signed".
 *
 * Not through a JOSE library: the one at hand keeps unwiped copies of the token, and its only way to avoid that replaces the
 * allocators of jansson and OpenSSL in the whole process (docs/decisions/014).
 */
#include "oauth/jws.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/mem.h"

enum { POINT_MAX_BYTES = 1 + 2 * 66, DER_MAX_BYTES = 160 };

static const struct alg {
	const char *name;
	enum jwk_type type;
	const char *digest;
	size_t signature_bytes;
} algs[] = {
#define X(alg, name, type, digest, bytes) {name, type, digest, bytes},
	JWS_ALGS(X)
#undef X
};

static const char *const groups[JWK__COUNT] = {
	[JWK_P256] = "prime256v1", [JWK_P384] = "secp384r1", [JWK_P521] = "secp521r1",
};

bool jws_alg_find(struct slice name, enum jws_alg *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		if (slice_is(name, algs[i].name)) {
			*ret = (enum jws_alg)i;
			return true;
		}
	}
	return false;
}

bool jws_key_fits(const struct jwk *key, enum jws_alg alg)
{
	return key->type == algs[alg].type && (!key->alg[0] || strcmp(key->alg, algs[alg].name) == 0);
}

static const unsigned char *bytes_of(struct slice s)
{
	return (const unsigned char *)s.p;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *rsa_key(const struct jwk *key)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(bytes_of(key->first), (int)key->first.n, NULL);
	BIGNUM *e = BN_bin2bn(bytes_of(key->second), (int)key->second.n, NULL);
	EVP_PKEY *pkey = NULL;

	if (build && n && e && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		pkey = from_params("RSA", build);
	BN_free(n);
	BN_free(e);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

/* A point that is not on the curve gives no key. */
static EVP_PKEY *ec_key(const struct jwk *key)
{
	unsigned char point[POINT_MAX_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
	size_t n = key->first.n;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (build && n == key->second.n && 1 + 2 * n <= sizeof point) {
		memcpy(point + 1, key->first.p, n);
		memcpy(point + 1 + n, key->second.p, n);
		if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, groups[key->type], 0) == 1 &&
		    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * n) == 1)
			pkey = from_params("EC", build);
	}
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

static EVP_PKEY *open_key(const struct jwk *key)
{
	if (key->type == JWK_RSA)
		return rsa_key(key);
	if (key->type == JWK_ED25519)
		return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, bytes_of(key->first), key->first.n);
	return ec_key(key);
}

/* r and s side by side (RFC 7518 §3.4) as the DER that OpenSSL takes. False when it is no such pair. */
static bool as_der(struct slice pair, unsigned char ret[DER_MAX_BYTES], size_t *ret_n)
{
	size_t half = pair.n / 2;
	unsigned char *at = ret;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(bytes_of(pair), (int)half, NULL);
	BIGNUM *s = BN_bin2bn(bytes_of(pair) + half, (int)half, NULL);
	int n = 0;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* its own now */
		n = i2d_ECDSA_SIG(sig, NULL) <= DER_MAX_BYTES ? i2d_ECDSA_SIG(sig, &at) : 0;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	*ret_n = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static bool is_pss(enum jws_alg alg)
{
	return alg == JWS_PS256 || alg == JWS_PS384 || alg == JWS_PS512;
}

/* RFC 7518 §3.5: MGF1 with the same digest, salt as long as it. */
static bool set_padding(EVP_PKEY_CTX *ctx, enum jws_alg alg)
{
	if (algs[alg].type != JWK_RSA)
		return true;
	if (!is_pss(alg))
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool verify(enum jws_alg alg, EVP_PKEY *pkey, struct slice input, struct slice signature)
{
	const char *digest = alg == JWS_EDDSA ? NULL : algs[alg].digest;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL; /* the digest context's */
	bool good = md && EVP_DigestVerifyInit_ex(md, &ctx, digest, NULL, NULL, pkey, NULL) == 1 && set_padding(ctx, alg) &&
		    EVP_DigestVerify(md, bytes_of(signature), signature.n, bytes_of(input), input.n) == 1;

	EVP_MD_CTX_free(md);
	return good;
}

bool jws_verify(enum jws_alg alg, const struct jwk *key, struct slice input, struct slice signature)
{
	unsigned char der[DER_MAX_BYTES];
	size_t expected = algs[alg].signature_bytes ? algs[alg].signature_bytes : key->first.n;
	bool ecdsa = groups[algs[alg].type] != NULL, good = false;
	EVP_PKEY *pkey;

	if (!jws_key_fits(key, alg) || signature.n != expected)
		return false;
	pkey = open_key(key);
	if (pkey && (!ecdsa || as_der(signature, der, &signature.n)))
		good = verify(alg, pkey, input, ecdsa ? slice_make(der, signature.n) : signature);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good;
}

size_t jws_digest(enum jws_alg alg, struct slice bytes, unsigned char ret[64])
{
	size_t n = 0;

	if (EVP_Q_digest(NULL, algs[alg].digest, NULL, bytes.p, bytes.n, ret, &n) != 1)
		n = 0;
	ERR_clear_error();
	return n;
}
