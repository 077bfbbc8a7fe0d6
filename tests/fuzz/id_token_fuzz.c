/* SPDX-License-Identifier: Apache-2.0 */
/* An ID token (byte 0: as it is; 1: its claims), or an identity answer (2). Who is accepted must be well-formed. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "oauth/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct secret *token_of(struct slice claims)
{
	struct secret *token;
	struct buf text;

	buf_init(&text, 1 << 20);
	buf_puts(&text, "eyJhbGciOiJSUzI1NiJ9.");
	encode_base64url(&text, claims);
	buf_puts(&text, ".c2ln");
	token = secret_new(buf_slice(&text));
	buf_done(&text);
	return token;
}

static void check_label(const char *label)
{
	require(strlen(label) <= 200 && slice_is_utf8(slice_from(label)));
	for (const char *c = label; *c; c++)
		require((unsigned char)*c >= 0x20 && *c != 0x7F);
}

static void try_token(const struct profile *p, const struct secret *token, struct arena *a)
{
	struct secret *nonce = secret_new(SLICE_LIT("n"));
	const struct identity_expect expect = {"client-1", nonce, INT64_C(1800000000000)};
	struct identity id = {.subject = "untouched"};
	struct errinfo ei = {0};

	if (identity_from_id_token(p, token, &expect, a, &id, &ei) == ERR_OK) {
		require(strcmp(id.issuer, p->issuer) == 0);
		require(id.subject[0] && strlen(id.subject) <= 255 && slice_is_printable(slice_from(id.subject)));
		check_label(id.label);
	} else {
		require(strcmp(id.subject, "untouched") == 0 && strcmp(ei.code, "id_token_invalid") == 0);
	}
	secret_free(&nonce);
}

static void try_answer(const struct profile *p, struct slice body, const char *known, struct arena *a)
{
	struct identity id = {.subject = known};

	if (identity_from_answer(p, body, a, &id, NULL) == ERR_OK) {
		require(!known[0] || strcmp(id.subject, known) == 0);
		require(strlen(id.subject) <= 255 && slice_is_utf8(slice_from(id.subject)) && id.issuer[0]);
		check_label(id.label);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile p = *profile_default();
	struct arena *a = arena_new(16 << 20);
	struct secret *token = NULL;
	struct slice rest = slice_make(data + (size > 0), size - (size > 0));

	p.issuer = "https://as.example";
	p.token_url = "https://as.example/token";
	p.identity_label = "email a.b name";
	if (size > 0 && data[0] % 3 == 2) {
		try_answer(&p, rest, "", a);
		try_answer(&p, rest, "1", a);
		p.identity_subject = "id team.id";
		try_answer(&p, rest, "", a);
	} else if (size > 0) {
		token = data[0] % 3 ? token_of(rest) : secret_new(rest);
		try_token(&p, token, a);
		secret_free(&token);
	}
	arena_free(&a);
	return 0;
}
