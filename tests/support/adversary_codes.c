/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-use authorization codes, bound to client, redirect_uri and PKCE challenge (RFC 6749 §4.1.2,
 * RFC 7636 §4.4). A ring of fixed size: a new code overwrites the oldest. Must never forget whether a
 * code that it still knows was used.
 */
#include "support/adversary_codes.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"

enum { CODES_MAX = 16384 };

struct adversary_codes {
	const struct adversary_config *config;
	const struct adversary_token_key *key;
	uint32_t last_serial;
	struct adversary_code ring[CODES_MAX];
};

const char *adversary_verdict_name(enum adversary_verdict verdict)
{
	static const char *const names[] = {
		[ADVERSARY_FINE] = "fine",
		[ADVERSARY_UNKNOWN] = "unknown",
		[ADVERSARY_OTHER_CLIENT] = "other_client",
		[ADVERSARY_OTHER_URI] = "other_redirect_uri",
		[ADVERSARY_BAD_VERIFIER] = "bad_verifier",
		[ADVERSARY_OLD] = "expired",
		[ADVERSARY_REUSED] = "reused",
		[ADVERSARY_ENDED] = "ended",
		[ADVERSARY_FULL] = "full",
	};

	return names[verdict];
}

struct adversary_codes *adversary_codes_new(const struct adversary_config *config,
					    const struct adversary_token_key *key)
{
	struct adversary_codes *codes = MEM_NEW(struct adversary_codes);

	codes->config = config;
	codes->key = key;
	return codes;
}

static void clear(struct adversary_code *c)
{
	free(c->client_id);
	free(c->redirect_uri);
	free(c->scope);
	free(c->account);
	free(c->nonce);
	free(c->challenge);
	memset(c, 0, sizeof *c);
}

void adversary_codes_free(struct adversary_codes **codes)
{
	if (!codes || !*codes)
		return;
	for (size_t i = 0; i < CODES_MAX; i++)
		clear(&(*codes)->ring[i]);
	free(*codes);
	*codes = NULL;
}

void adversary_codes_issue(struct adversary_codes *codes, const struct adversary_wish *wish, int64_t now,
			   char ret_code[ADVERSARY_TOKEN_MAX])
{
	uint64_t serial = ++codes->last_serial;
	struct adversary_code *c = &codes->ring[serial % CODES_MAX];

	clear(c);
	*c = (struct adversary_code){
		.serial = (uint32_t)serial,
		.expires_at = now + codes->config->code_ttl_s * 1000,
		.client_id = mem_strndup(wish->client_id),
		.redirect_uri = mem_strndup(wish->redirect_uri),
		.scope = mem_strndup(wish->scope),
		.account = mem_strndup(wish->account),
		.nonce = mem_strndup(wish->nonce),
		.challenge = mem_strndup(wish->challenge),
	};
	adversary_token_write(codes->key, "code", &serial, 1, ret_code);
}

/* RFC 7636 §4.6: BASE64URL(SHA256(verifier)) equals the challenge. */
static bool verifier_fits(const struct adversary_config *config, const char *challenge, struct slice verifier)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

	if (config->pkce == ADVERSARY_PKCE_IGNORE)
		return true;
	if (!challenge[0])
		return config->pkce == ADVERSARY_PKCE_VERIFY && verifier.n == 0;
	crypto_hash_sha256(hash, (const unsigned char *)verifier.p, verifier.n);
	sodium_bin2base64(text, sizeof text, hash, sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return strcmp(text, challenge) == 0;
}

enum adversary_verdict adversary_codes_check(struct adversary_codes *codes, struct slice text,
					     const struct adversary_wish *claim, struct slice verifier, int64_t now,
					     struct adversary_code **ret_code)
{
	uint64_t serial;
	struct adversary_code *c;

	if (!adversary_token_read(codes->key, "code", text, &serial, 1))
		return ADVERSARY_UNKNOWN;
	c = &codes->ring[serial % CODES_MAX];
	if (c->serial != serial)
		return ADVERSARY_UNKNOWN;
	if (!slice_is(claim->client_id, c->client_id))
		return ADVERSARY_OTHER_CLIENT;
	if (!c->grant && c->expires_at <= now)
		return ADVERSARY_OLD;
	if (!c->grant && !slice_is(claim->redirect_uri, c->redirect_uri))
		return ADVERSARY_OTHER_URI;
	if (!c->grant && !verifier_fits(codes->config, c->challenge, verifier))
		return ADVERSARY_BAD_VERIFIER;
	*ret_code = c;
	return c->grant ? ADVERSARY_REUSED : ADVERSARY_FINE;
}
